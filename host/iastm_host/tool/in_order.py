"""The samples of one gauge in index order, over all its links: what is missing is fetched, and else told as lost."""

from __future__ import annotations

from iastm_host.events import ForceBlock, Gap, ToolDescription
from iastm_host.tool.backfill import JOINED_ACROSS_SAMPLES, MOST_SAMPLES, Backfill
from iastm_host.tool.client import SILENT_AFTER_US
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.states import SILENT, STREAMING, SYNCHRONISING
from iastm_host.tool.timeline import NOT_FETCHED, NOT_SEEN, Timeline


class InOrder:
    """Takes what arrives, asks for what is missing, and gives everything once, in order."""

    def __init__(self) -> None:
        self._timeline = Timeline()
        self._backfill = Backfill()
        self._ring_depth = 0
        self._now_us = 0
        self._arrived_us = 0

    @property
    def missing_samples(self) -> int:
        """How many samples are waited for."""
        return self._timeline.missing_samples

    @property
    def hole(self) -> tuple[int, int] | None:
        """The oldest hole that is waited for: (first index, number of samples), None where there is none."""
        return self._timeline.hole

    def meet(self, tool: ToolDescription) -> None:
        """Learn what the gauge can do: without backfill nothing is waited for."""
        self._timeline.waits = tool.backfills
        self._ring_depth = tool.ring_depth

    def add(self, item: ForceBlock | Gap) -> list[ForceBlock | Gap]:
        """Take what arrived; return what can now be told."""
        if isinstance(item, ForceBlock):
            self._arrived_us = item.arrived_us
        return self._timeline.add(item)

    def mend(self, dialect: Dialect, now_us: int) -> list[ForceBlock | Gap]:
        """Ask for what is missing and acknowledge what is not; return what can be told because a hole is given up."""
        self._now_us = now_us
        if dialect.state != STREAMING:
            self._backfill.restart()
            return []
        if self._timeline.hole is None:
            # The usual case, many times a second for each tool.
            self._backfill.restart()
            dialect.acknowledge(self._timeline.next_index)
            return []
        told: list[ForceBlock | Gap] = []
        stretch = self._timeline.stretch(JOINED_ACROSS_SAMPLES, MOST_SAMPLES)
        wish = self._backfill.step(stretch, now_us, kept=self._may_be_kept(), most=self._most())
        if wish is not None and wish.give_up:
            assert dialect.tool is not None
            period_us = 1e6 / dialect.tool.rate_hz
            told = self.add(Gap(dialect.tool.boot_id, wish.first_index, wish.samples, 0, period_us, NOT_FETCHED))
        elif wish is not None:
            dialect.fetch(wish.first_index, wish.samples)
        dialect.acknowledge(self._timeline.next_index, fetching=self._timeline.hole is not None)
        return told

    def give_up(self, dialect: Dialect) -> list[ForceBlock | Gap]:
        """Return what was held back, and what is missing as lost: nothing more will come."""
        told = self._timeline.flush(NOT_FETCHED)
        silent = dialect.state == SILENT and self._now_us - self._arrived_us >= SILENT_AFTER_US
        if silent or dialect.state not in (STREAMING, SYNCHRONISING, SILENT):
            told += self._timeline.end(NOT_SEEN)
        return told

    def _most(self) -> int:
        """How many samples to ask for at once; what the ring can't hold costs the tool one message, and is one gap."""
        hole = self._timeline.hole
        return MOST_SAMPLES + (0 if hole is None else max(0, hole[1] - self._ring_depth))

    def _may_be_kept(self) -> bool:
        """Whether the tool's ring still reaches back to the oldest hole."""
        hole = self._timeline.hole
        return hole is not None and sum(hole) > self._timeline.end_index - self._ring_depth
