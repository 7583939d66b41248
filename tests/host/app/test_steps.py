from __future__ import annotations

import numpy as np

from iastm_host.analysis.file_steps import PauseInFile, RegionInFile, StepsInFile, step_lines, steps_told
from iastm_host.app.session_clock import SessionClock
from iastm_host.app.steps import StepsInOrder
from iastm_host.events import ForceBlock
from iastm_host.records.entries import GOES_ON, PAUSED, REGION, Step

BOOT_ID = 7


def found(*steps: Step) -> StepsInFile:
    """Return the steps among 100 samples, 10 ms apart, of which the 20th to the 29th are missing."""
    placed, clock = StepsInOrder(steps), SessionClock()
    for first_index, n in ((0, 20), (30, 70)):
        block = ForceBlock(BOOT_ID, first_index, 5_000_000 + first_index * 10_000, 1e4, np.zeros(n), None, 0, 0, False)
        clock.hear(block)
        clock.reach(block)
        placed.reach(block, clock)
    return placed.found()


def step(kind: str, index: int, number: int = 0, boot_id: int = BOOT_ID) -> Step:
    return Step(kind, index, boot_id, index, number)


def test_a_step_has_the_time_of_its_sample_or_of_when_that_was_due() -> None:
    assert found(step(REGION, 10, 2), step(REGION, 25, 3)).regions == (RegionInFile(2, 0.1), RegionInFile(3, 0.25))


def test_a_pause_goes_on_until_the_step_after_it_or_the_last_sample() -> None:
    told = found(step(PAUSED, 5), step(GOES_ON, 40), step(PAUSED, 60))
    assert told.pauses == (PauseInFile(0.05, 0.4), PauseInFile(0.6, 0.99))


def test_of_a_pause_that_lacks_an_end_the_other_is_said() -> None:
    told = found(step(GOES_ON, 10), step(PAUSED, 20), step(PAUSED, 40), step(GOES_ON, 50))
    assert told.pauses == (PauseInFile(None, 0.1), PauseInFile(0.2, None), PauseInFile(0.4, 0.5))


def test_a_step_whose_sample_was_never_passed_is_said_without_a_time_and_takes_no_stroke() -> None:
    told = found(step(REGION, 10, 2), step(REGION, 400, 3), step(PAUSED, 50, boot_id=9), step(GOES_ON, 60))
    assert told.regions == (RegionInFile(2, 0.1), RegionInFile(3, None))
    assert told.pauses == (PauseInFile(None, 0.6),)
    assert [told.region_at(time_s) for time_s in (0.0, 0.09, 0.1, 0.9)] == [1, 1, 2, 2]


def test_what_is_written_is_read_again() -> None:
    told = found(step(PAUSED, 5), step(GOES_ON, 40), step(REGION, 50, 2), step(REGION, 400, 3), step(GOES_ON, 60))
    assert steps_told(list(step_lines(told))) == told
    assert steps_told([]) == StepsInFile()
