"""From chunks to events: the one way that live, replay and export share. No clock, no input or output.

Alerts are decided on each block as it arrives and never held back; strokes, exposure and export come from the
samples in index order, once what was missing has been fetched or given up.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.dose_alert import DoseAlert
from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.analysis.stroke_motion import PAUSED, StrokesWithMotion
from iastm_host.events import (
    Alert,
    Arrived,
    CalibrationReport,
    Chunk,
    Event,
    ForceBlock,
    Gap,
    Health,
    Paused,
    SetLimits,
    Stroke,
    StrokeMotion,
    ToolDescription,
)
from iastm_host.tool.dialect import Dialect
from iastm_host.tool.in_order import InOrder
from iastm_host.tool.words import DOSE

_LIVE_ALERTS_KEPT = 64


class Pipeline:
    """One tool's way from bytes to strokes and alerts, over all connections to it.

    `now` analyses blocks as they arrive, `record` in index order; both are None until the tool said hello. `dose` is
    what the tool says of its own dose.
    """

    def __init__(self, client: Dialect, profile: Profile, tip: Tip | None, contact: Contact) -> None:
        self.client = client
        self.now: Analyser | None = None
        self.record: Analyser | None = None
        self.dose = DoseAlert()
        self._newest: ForceBlock | None = None
        self._profile = profile
        self._tip = tip
        self._contact = contact
        self._in_order = InOrder()
        self._motion = StrokesWithMotion()
        # The sample at which a person paused, None while the session runs.
        self._paused: Paused | None = None
        self._live: deque[tuple[int, str, int]] = deque(maxlen=_LIVE_ALERTS_KEPT)

    @property
    def missing_samples(self) -> int:
        """Samples that are waited for."""
        return self._in_order.missing_samples

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
            if isinstance(event, StrokeMotion):
                self._hear_motion(event, events)
                continue
            if isinstance(event, Alert):
                self.dose.alerted()
            if isinstance(event, Health) and self.dose.hear(event) and self._newest is not None:
                events.append(_late_dose_alert(self._newest))
            if isinstance(event, CalibrationReport):
                for analyser in self._analysers():
                    analyser.calibrated(event)
            events.append(event)
        for item in self._in_order.mend(self.client, chunk.host_us):
            self._tell(item, events)
        return events

    def pause(self, change: Paused) -> list[Event]:
        """Let strokes and dose count no more from a sample on, or go on; alerts are decided all the same."""
        before, self._paused = self._paused, change if change.paused else None
        if self.record is not None:
            self.record.counts_dose = not change.paused
        events: list[Event] = [change]
        if before is not None and not change.paused:
            first = before.index if before.boot_id == change.boot_id else 0
            self._hear_motion(_uncounted(change.boot_id, first, change.index), events)
        return events

    def give_up(self) -> list[Event]:
        """Tell what is still missing as lost: nothing more will come."""
        events: list[Event] = []
        for item in self._in_order.give_up(self.client):
            self._tell(item, events)
        return events

    def _analysers(self) -> list[Analyser]:
        return [analyser for analyser in (self.now, self.record) if analyser is not None]

    def _hear_motion(self, motion: StrokeMotion, events: list[Event]) -> None:
        for analyser in self._analysers():
            analyser.told(motion)
        events += [motion, *self._motion.add_motion(motion)]

    def _lies_in_pause(self, stroke: Stroke) -> bool:
        paused = self._paused
        return paused is not None and (stroke.boot_id != paused.boot_id or stroke.last_index >= paused.index)

    def _meet(self, tool: ToolDescription) -> None:
        self._in_order.meet(tool)
        if self.now is None:
            self.now = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)
            self.record = Analyser(self._profile, self._tip, tool.rate_hz, self._contact)
            self.record.counts_dose = self._paused is None

    def _arrive(self, block: ForceBlock, events: list[Event]) -> None:
        assert self.now is not None
        if not block.backfilled:
            if self._newest is not None and self._newest.boot_id != block.boot_id:
                self.dose.restarted()
            self._newest = block
            for event in self.now.feed(block):
                if isinstance(event, Alert):
                    self._live.append((event.boot_id, event.kind, event.index))
                    events.append(event)
        events.append(Arrived(block))
        self._order(block, events)

    def _order(self, item: ForceBlock | Gap, events: list[Event]) -> None:
        for told in self._in_order.add(item):
            self._tell(told, events)

    def _tell(self, item: ForceBlock | Gap, events: list[Event]) -> None:
        assert self.record is not None
        events.append(item)
        for event in self.record.feed(item):
            if isinstance(event, Stroke):
                events += [event, *self._motion.add_stroke(event)]
                if self._lies_in_pause(event):
                    self._hear_motion(_uncounted(event.boot_id, event.first_index, event.last_index), events)
            elif (event.boot_id, event.kind, event.index) not in self._live:
                events.append(replace(event, late=True))


def _late_dose_alert(newest: ForceBlock) -> Alert:
    """Return the alert of a dose limit that was reached at the latest with the newest sample."""
    index = newest.next_index - 1
    tool_us = newest.tool_us + round((index - newest.first_index) * newest.period_us)
    return Alert(newest.boot_id, DOSE, "medium", index, tool_us, late=True)


def _uncounted(boot_id: int, first_index: int, last_index: int) -> StrokeMotion:
    return StrokeMotion(boot_id, first_index, last_index, 0, None, "force", PAUSED)


def limits_for(profile: Profile, contact: Contact) -> SetLimits:
    """Return the limits that the tool itself shall watch; one that is infinite is off."""
    warn_n, alarm_n = (limit if math.isfinite(limit) else 0.0 for limit in (profile.warn_n, profile.alarm_n))
    return SetLimits(profile.key, warn_n, alarm_n, contact.on_n, contact.off_n)


def in_millinewtons(limits: SetLimits) -> SetLimits:
    """Return `limits` as the tool can hold them: whole millinewtons."""
    return SetLimits(
        limits.profile,
        round(limits.warn_n, 3),
        round(limits.alarm_n, 3),
        round(limits.contact_on_n, 3),
        round(limits.contact_off_n, 3),
    )
