"""Where the pauses and the regions of a recording stand in its seconds."""

from __future__ import annotations

from collections.abc import Sequence

from iastm_host.analysis.file_steps import PauseInFile, RegionInFile, StepsInFile
from iastm_host.app.markers import MarkersInOrder
from iastm_host.app.session_clock import SessionClock
from iastm_host.events import ForceBlock
from iastm_host.records.entries import PAUSED, REGION, Step


class StepsInOrder:
    """Finds the time of each step among the blocks of a recording, which come in index order."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        self._waiting = MarkersInOrder(steps)
        self._at_s: dict[Step, float] = {}
        self._last_s = 0.0

    def reach(self, block: ForceBlock, clock: SessionClock) -> None:
        """Take what comes next, which the clock has reached."""
        for step, at_us in self._waiting.within(block):
            self._at_s[step] = clock.time_s(at_us)
        self._last_s = clock.time_s(block.tool_us + round((len(block.force_n) - 1) * block.period_us))

    def found(self) -> StepsInFile:
        """Return the regions and pauses up to the last block, in the order in which a person made them.

        A pause in which the recording ends ends with its last sample. A time is unknown where the sample of a step was
        never passed, and where the recording lacks one end of a pause.
        """
        regions: list[RegionInFile] = []
        pauses: list[PauseInFile] = []
        # Of the pause under way its beginning.
        paused, since_s = False, None
        for step in self._steps:
            at_s = self._at_s.get(step)
            if step.kind == REGION:
                regions.append(RegionInFile(step.number, at_s))
            elif step.kind == PAUSED:
                if paused:
                    pauses.append(PauseInFile(since_s, None))
                paused, since_s = True, at_s
            else:
                pauses.append(PauseInFile(since_s, at_s))
                paused, since_s = False, None
        if paused:
            pauses.append(PauseInFile(since_s, self._last_s))
        return StepsInFile(tuple(regions), tuple(pauses))
