"""From chunks to events: the one way that live, replay and export share. No clock, no input or output.

Alerts are decided on each block as it arrives and never held back; strokes, exposure and export come from the
samples in index order.
"""

from __future__ import annotations

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.events import Alert, Chunk, Event, ForceBlock, SetLimits, Stroke, ToolDescription
from iastm_host.tool.client import ToolClient
from iastm_host.tool.timeline import Timeline


class Pipeline:
    """One connection's way from bytes to strokes and alerts.

    `now` analyses blocks as they arrive, `record` in index order; both are None until the tool said hello.
    """

    def __init__(self, client: ToolClient, profile: Profile, tip: Tip | None, contact: Contact) -> None:
        self.client = client
        self.now: Analyser | None = None
        self.record: Analyser | None = None
        self._profile = profile
        self._tip = tip
        self._contact = contact
        self._timeline = Timeline()

    def receive(self, chunk: Chunk) -> list[Event]:
        """Return what `chunk` says: link and tool events, samples and gaps in index order, strokes, alerts."""
        events: list[Event] = []
        for event in self.client.receive(chunk):
            if isinstance(event, ForceBlock):
                self._take(event, events)
                continue
            if isinstance(event, ToolDescription):
                self._meet(event)
            events.append(event)
        return events

    def _meet(self, tool: ToolDescription) -> None:
        if self.now is None:
            self.now = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)
            self.record = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)

    def _take(self, block: ForceBlock, events: list[Event]) -> None:
        assert self.now is not None and self.record is not None
        if not block.backfilled:
            events += [event for event in self.now.feed(block) if isinstance(event, Alert)]
        for item in self._timeline.add(block):
            events.append(item)
            events += [event for event in self.record.feed(item) if isinstance(event, Stroke)]


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
