"""What a person does while the tool streams: start a recording, zero, undo, mark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.offline import recorded_events
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.cli import wiring
from iastm_host.cli.wiring import Choice
from iastm_host.events import ForceBlock, Gap, Stroke, ZeroReport
from iastm_host.records.entries import Recording
from iastm_host.settings import Settings

TIMEOUT_S = 60.0


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Acquisition]]:
    running: list[Acquisition] = []

    def start(scenario: str) -> Acquisition:
        simulation = wiring.make_simulation(scenario, 1, None)
        settings = Settings(recordings=str(tmp_path / "recordings"))
        acquisition = wiring.simulated_run(simulation, settings, Choice())
        acquisition.start()
        running.append(acquisition)
        return acquisition

    yield start
    for acquisition in running:
        acquisition.stop()
        assert acquisition.join()


def until(acquisition: Acquisition, there: Callable[[LiveSnapshot], bool]) -> LiveSnapshot:
    """Wait for a snapshot in which something is there."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        snapshot = acquisition.snapshot()
        assert snapshot.problem is None, snapshot.problem
        if there(snapshot):
            return snapshot
        time.sleep(0.02)
    raise AssertionError(f"never came: {snapshot}")


def test_a_recording_started_in_mid_run_loses_no_sample_and_replays_to_what_was_counted_since(
    run: Callable[[str], Acquisition],
) -> None:
    acquisition = run("treatment")
    until(acquisition, lambda now: now.stroke_count >= 1)
    acquisition.start_recording()
    until(acquisition, lambda now: now.recording is not None and now.recording.bytes_written > 0)
    acquisition.add_marker()
    until(acquisition, lambda now: now.stroke_count >= 3)
    live = acquisition.snapshot().strokes
    acquisition.stop()
    assert acquisition.join()
    summary = acquisition.summary()
    assert summary.recording is not None
    assert summary.gap_count == 0
    recording = Recording(summary.recording)
    events = list(recorded_events(recording))
    assert not any(isinstance(event, Gap) for event in events)
    blocks = [event for event in events if isinstance(event, ForceBlock)]
    first = blocks[0].first_index
    assert sum(len(block.force_n) for block in blocks) == summary.end_index - first
    recorded = [event for event in events if isinstance(event, Stroke) and event.first_index > first]
    since = [stroke for stroke in live if stroke.first_index > first]
    assert recorded[: len(since)] == since
    assert since
    (marker,) = recording.notes("marker")
    assert isinstance(marker["index"], int)


def test_starting_a_recording_makes_no_gap_in_the_stream(run: Callable[[str], Acquisition]) -> None:
    acquisition = run("quiet")
    before = until(acquisition, lambda now: now.samples_received > 300)
    acquisition.start_recording()
    after = until(
        acquisition,
        lambda now: now.recording is not None and now.samples_received > before.samples_received + 300,
    )
    force_n = after.trace.force_n
    assert after.trace.first_index <= before.trace.first_index
    assert not any(force_n[i] != force_n[i] for i in range(len(force_n)))
    assert after.trace.gaps == ()


def test_zero_is_set_on_the_tool_after_a_still_second_and_undone(run: Callable[[str], Acquisition]) -> None:
    acquisition = run("quiet")
    until(acquisition, lambda now: now.samples_received > 10)
    acquisition.start_recording()
    until(acquisition, lambda now: now.recording is not None)
    acquisition.zero()
    until(acquisition, lambda now: now.zero.busy)
    done = until(acquisition, lambda now: not now.zero.busy and now.zero.word != "")
    assert done.zero.word.startswith("Zero set")
    assert done.zero.can_undo
    acquisition.undo_zero()
    until(acquisition, lambda now: now.zero.word.startswith("Old zero restored"))
    acquisition.stop()
    assert acquisition.join()
    path = acquisition.summary().recording
    assert path is not None
    zeros = [event.counts for event in recorded_events(Recording(path)) if isinstance(event, ZeroReport)]
    first, *_, last = zeros
    assert last == first
    assert len(set(zeros)) == 2
