"""From chunks to events: the one way that live, replay and export share. No clock, no input or output.

Alerts are decided on each block as it arrives and never held back; strokes, exposure and export come from the
samples in index order, once what was missing has been fetched or given up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.events import Alert, Arrived, Chunk, Event, ForceBlock, Gap, SetLimits, ToolDescription
from iastm_host.tool.backfill import JOINED_ACROSS_SAMPLES, MOST_SAMPLES, Backfill
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.states import STREAMING
from iastm_host.tool.timeline import NOT_FETCHED, Timeline

_LIVE_ALERTS_KEPT = 64


class Pipeline:
    """One tool's way from bytes to strokes and alerts, over all connections to it.

    `now` analyses blocks as they arrive, `record` in index order; both are None until the tool said hello.
    """

    def __init__(self, client: Dialect, profile: Profile, tip: Tip | None, contact: Contact) -> None:
        self.client = client
        self.now: Analyser | None = None
        self.record: Analyser | None = None
        self._profile = profile
        self._tip = tip
        self._contact = contact
        self._timeline = Timeline()
        self._backfill = Backfill()
        self._live: deque[tuple[int, str, int]] = deque(maxlen=_LIVE_ALERTS_KEPT)

    @property
    def missing_samples(self) -> int:
        """Samples that are waited for."""
        return self._timeline.missing_samples

    def receive(self, chunk: Chunk) -> list[Event]:
        """Return what `chunk` says: link and tool events, samples and gaps in index order, strokes, alerts."""
        events: list[Event] = []
        for event in self.client.receive(chunk):
            if isinstance(event, ForceBlock):
                self._arrive(event, events)
                continue
            if isinstance(event, Gap):
                self._order(event, events)
                continue
            if isinstance(event, ToolDescription):
                self._meet(event)
            events.append(event)
        self._mend(chunk.host_us, events)
        return events

    def give_up(self) -> list[Event]:
        """Tell what is still missing as lost: nothing more will come."""
        events: list[Event] = []
        for item in self._timeline.flush(NOT_FETCHED):
            self._tell(item, events)
        return events

    def _meet(self, tool: ToolDescription) -> None:
        self._timeline.waits = tool.backfills
        if self.now is None:
            self.now = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)
            self.record = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)

    def _arrive(self, block: ForceBlock, events: list[Event]) -> None:
        assert self.now is not None
        if not block.backfilled:
            for event in self.now.feed(block):
                if isinstance(event, Alert):
                    self._live.append((event.boot_id, event.kind, event.index))
                    events.append(event)
        events.append(Arrived(block))
        self._order(block, events)

    def _order(self, item: ForceBlock | Gap, events: list[Event]) -> None:
        for told in self._timeline.add(item):
            self._tell(told, events)

    def _tell(self, item: ForceBlock | Gap, events: list[Event]) -> None:
        assert self.record is not None
        events.append(item)
        for event in self.record.feed(item):
            if not isinstance(event, Alert):
                events.append(event)
            elif (event.boot_id, event.kind, event.index) not in self._live:
                events.append(replace(event, late=True))

    def _mend(self, now_us: int, events: list[Event]) -> None:
        if self.client.state != STREAMING:
            self._backfill.restart()
            return
        stretch = self._timeline.stretch(JOINED_ACROSS_SAMPLES, MOST_SAMPLES)
        wish = self._backfill.step(stretch, now_us, kept=self._may_be_kept(), most=self._most())
        if wish is not None and wish.give_up:
            tool = self.client.tool
            assert tool is not None
            lost = Gap(tool.boot_id, wish.first_index, wish.samples, 0, 1e6 / tool.rate_hz, NOT_FETCHED)
            self._order(lost, events)
        elif wish is not None:
            self.client.fetch(wish.first_index, wish.samples)
        self.client.acknowledge(self._timeline.next_index, fetching=self._timeline.hole is not None)

    def _most(self) -> int:
        """How many samples to ask for at once; what the ring can't hold costs the tool one message, and is one gap."""
        tool, hole = self.client.tool, self._timeline.hole
        gone = 0 if tool is None or hole is None else max(0, hole[1] - tool.ring_depth)
        return MOST_SAMPLES + gone

    def _may_be_kept(self) -> bool:
        """Whether the tool's ring still reaches back to the oldest hole."""
        tool, hole = self.client.tool, self._timeline.hole
        return tool is not None and hole is not None and sum(hole) > self._timeline.end_index - tool.ring_depth


def limits_for(profile: Profile, contact: Contact) -> SetLimits:
    """Return the limits that the tool itself shall watch."""
    return SetLimits(profile.key, profile.warn_n, profile.alarm_n, contact.on_n, contact.off_n)


def in_millinewtons(limits: SetLimits) -> SetLimits:
    """Return `limits` as the tool can hold them: whole millinewtons."""
    return SetLimits(
        limits.profile,
        round(limits.warn_n, 3),
        round(limits.alarm_n, 3),
        round(limits.contact_on_n, 3),
        round(limits.contact_off_n, 3),
    )
