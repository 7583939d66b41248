"""What events add up to, for snapshots. One thread writes and any reads: whoever shares it holds the lock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from iastm_calibration.zero_tracking import ZeroDrift
from iastm_host.analysis.alert_log import AlertLog
from iastm_host.analysis.exposure import Exposure
from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.analysis.stroke_motion import PAUSED
from iastm_host.app.calibration_watch import calibration_faults
from iastm_host.app.own_alarm import why_it_does_not_warn
from iastm_host.app.pipeline import Pipeline, in_millinewtons, limits_for
from iastm_host.app.snapshot import LinkView, LiveSnapshot, Note, RecordingView, ReplayView, Trace, Verdict
from iastm_host.app.trace import TraceRing
from iastm_host.app.zero_drift import ZeroDriftWatch
from iastm_host.app.zeroing import Zeroing
from iastm_host.events import (
    Alert,
    Answer,
    Arrived,
    CalibrationReport,
    Channels,
    ClockOffset,
    Event,
    ForceBlock,
    Gap,
    LimitsReport,
    LinkChanged,
    Motion,
    Paused,
    Problem,
    SetLimits,
    StatusReport,
    Stroke,
    StrokeTold,
    ToolDescription,
    Unreadable,
    ZeroReport,
)
from iastm_host.records.calibrations import KnownCalibration
from iastm_host.tool.states import STREAMING
from iastm_host.tool.timeline import RESTARTED
from iastm_host.tool.words import AFTER_A_FAILURE, DOSE

TRACE_S = 12.0
STEADY_S = 0.25
MOTION_STALE_US = 500_000
"""How a tool is held is unknown where it did not tell for so long; it does 20 times a second."""
OWN_ALARM_DIFFERS = "tool does not warn at these limits by itself"
RESTARTED_AFTER_A_FAILURE = "the tool restarted after a failure"
POWER_WENT = "the tool's power went amid a stream: check battery and cable"
NOT_STARTED = "a part of the tool did not start"
SOMETHING_AMISS = "something of the tool is amiss"
NEVER_WARNS = "this gauge can't warn by itself"
ZERO_NOT_CONFIRMED = "zero not confirmed. Lift the tool, press Z: until zero is set the tool does not warn"
GAUGE_NOT_TARED = "zero not confirmed. Lift the tool, press Z: until zero is set its force may be off"
_STROKES_KEPT = 64
_NOTHING = Trace(0, 0, 1.0, np.empty(0), np.empty(0, dtype=np.bool_), 0, 0, ())


def not_paired(tool: ToolDescription | None) -> str:
    """Return in words that a tool refuses the limits of a computer without its key, and what to do."""
    who = f"tool {tool.serial_number}, " if tool is not None and tool.serial_number else ""
    return f"{OWN_ALARM_DIFFERS}: {who}press its button, then: iastm pair"


@dataclass(frozen=True, slots=True)
class Decision:
    """An alert with the host time of its decision and the clock offset known then (None in a replay)."""

    alert: Alert
    decided_us: int
    offset: ClockOffset | None

    @property
    def latency_us(self) -> int | None:
        """From the tool's sampling to the host's decision, in host microseconds."""
        if self.offset is None:
            return None
        return self.decided_us - (self.alert.tool_us + self.offset.offset_us)


class LiveState:
    """The state of one run. `calibrations` are those known here by serial number; without `today` none is judged."""

    def __init__(
        self,
        carrier: str,
        profile: Profile,
        tip: Tip | None,
        contact: Contact,
        *,
        live: bool,
        calibrations: Mapping[str, KnownCalibration] | None = None,
        today: date | None = None,
    ) -> None:
        self.zeroing = Zeroing(contact.on_n)
        self.problem: Problem | None = None
        self.finished = False
        self.recording: RecordingView | None = None
        self.replay: ReplayView | None = None
        self.marker_count = 0
        self.markers_not_recorded = 0
        self.tool: ToolDescription | None = None
        self._profile = profile
        self._tip = tip
        self._live = live
        self._link = LinkView(carrier, "closed", "", 0)
        self._carrier = carrier
        self._offset: ClockOffset | None = None
        self._status: StatusReport | None = None
        self._limits = in_millinewtons(limits_for(profile, contact))
        self._tool_limits: SetLimits | None = None
        self._zero: ZeroReport | None = None
        self._zero_drift = ZeroDriftWatch()
        self._calibration: CalibrationReport | None = None
        self._calibrations = calibrations or {}
        self._today = today
        self._notes: list[Note] = []
        self._power_losses: int | None = None
        self._channels: Channels | None = None
        self._silenced_until_us = 0
        self._motion: Motion | None = None
        self._motion_us = 0
        self._unreadable: Unreadable | None = None
        self._needs_key = False
        self.pairing_refused = ""
        self._trace: TraceRing | None = None
        self._takers: dict[type, Callable[[Any, int], None]] = {
            Arrived: self._take_arrived,
            ForceBlock: self._take_block,
            Gap: self._take_gap,
            Alert: self._take_alert,
            Stroke: self._take_stroke,
            StrokeTold: self._take_told,
            Paused: self._take_paused,
            LinkChanged: self._take_link,
            ToolDescription: self._take_tool,
            ClockOffset: self._take_offset,
            StatusReport: self._take_status,
            Channels: self._take_channels,
            Motion: self._take_motion,
            CalibrationReport: self._take_calibration,
            ZeroReport: self._take_zero,
            Unreadable: self._take_unreadable,
            LimitsReport: self._take_limits,
            Answer: self._take_answer,
        }
        self._pipeline: Pipeline | None = None
        self._strokes: deque[Stroke] = deque(maxlen=_STROKES_KEPT)
        # Strokes that were none: the tool lay or was wiped.
        self._excluded: set[tuple[int, int]] = set()
        self._in_pauses: set[tuple[int, int]] = set()
        self.paused = False
        self.region = 1
        self._log = AlertLog()
        self._decided: dict[Alert, Decision] = {}
        self._medium: Alert | None = None
        self._dose_alert: Alert | None = None
        self.samples_received = 0
        self.missing_samples = 0
        self.gap_count = 0
        self._newest: ForceBlock | Gap | None = None
        self._awaited_samples = 0
        self._restart_count = 0
        self.first_index: int | None = None
        self.end_index = 0

    @property
    def samples_expected(self) -> int:
        """Conversions between the first and the last sample."""
        return self.samples_received + self.missing_samples

    @property
    def stroke_count(self) -> int:
        """Whole strokes so far."""
        record = self._pipeline.record if self._pipeline is not None else None
        return record.stroke_count if record is not None else 0

    @property
    def zero_drift(self) -> ZeroDrift | None:
        """How far the rests so far say that zero is off, None before there are enough of them."""
        return self._zero_drift.drift

    @property
    def alerts(self) -> tuple[Decision, ...]:
        """The decisions that count, a warn that grew into an alarm once."""
        return tuple(self._decided[alert] for alert in self._log.alerts)

    def apply(self, pipeline: Pipeline, events: Sequence[Event], now_us: int) -> None:
        """Take events; `now_us` is when the alerts among them were decided."""
        self._pipeline = pipeline
        for event in events:
            taker = self._takers.get(type(event))
            if taker is not None:
                taker(event, now_us)
        self._awaited_samples = pipeline.missing_samples
        analysers = (pipeline.now, pipeline.record)
        if self._medium is not None and not any(each is not None and each.repeated for each in analysers):
            self._medium = None
        if not pipeline.dose.reached:
            self._dose_alert = None

    def _take_arrived(self, arrived: Arrived, _now_us: int) -> None:
        if self._trace is not None:
            self._trace.add(arrived.block)
        now = self._pipeline.now if self._pipeline is not None else None
        if now is not None and not arrived.block.backfilled:
            self._zero_drift.feed(arrived.block, in_contact=now.in_contact)

    def _take_block(self, block: ForceBlock, _now_us: int) -> None:
        self._newest = block
        if self.first_index is None:
            self.first_index = block.first_index
        self.end_index = block.next_index
        self.samples_received += len(block.force_n)

    def _take_gap(self, gap: Gap, _now_us: int) -> None:
        self.gap_count += not gap.continues(self._newest)
        self._newest = gap
        self._restart_count += gap.reason == RESTARTED
        self.missing_samples += gap.sample_count
        if self._trace is not None:
            self._trace.add(gap)

    def _take_alert(self, alert: Alert, now_us: int) -> None:
        self._decided[alert] = Decision(alert, now_us, self._offset if self._live else None)
        self._log.add(alert)
        if alert.kind == "repeated":
            self._medium = alert
        elif alert.kind == DOSE:
            self._dose_alert = alert

    def _take_stroke(self, stroke: Stroke, _now_us: int) -> None:
        self._strokes.append(stroke)
        self._log.settle(stroke)

    def _take_told(self, told: StrokeTold, _now_us: int) -> None:
        key = (told.stroke.boot_id, told.stroke.first_index)
        strokes = [each for each in self._strokes if (each.boot_id, each.first_index) != key]
        if told.excluded:
            (self._in_pauses if told.excluded == PAUSED else self._excluded).add(key)
        else:
            strokes = [told.stroke if (s.boot_id, s.first_index) == key else s for s in self._strokes]
        self._strokes = deque(strokes, maxlen=_STROKES_KEPT)

    def _take_paused(self, change: Paused, _now_us: int) -> None:
        self.paused = change.paused

    def _take_link(self, link: LinkChanged, now_us: int) -> None:
        since_us = self._link.since_us if link.state == self._link.state else now_us
        self._link = LinkView(self._carrier, link.state, link.reason, since_us)

    def note(self, words: str, now_us: int, *, far: bool = True, again: bool = False) -> None:
        """Let `words` stand among what happened to the tool, once; `far`: they are to be read from two metres first.

        `again`: it is news each time.
        """
        if again:
            self._notes = [note for note in self._notes if note.words != words]
        if all(note.words != words for note in self._notes):
            self._notes.append(Note(words, now_us, far))

    def _take_tool(self, tool: ToolDescription, now_us: int) -> None:
        if self._trace is None or self.tool is None or self.tool.rate_hz != tool.rate_hz:
            self._trace = TraceRing(tool.rate_hz, TRACE_S)
        if self.tool is None or self.tool.boot_id != tool.boot_id:
            # A gauge that began anew may have forgotten what it was tared to.
            self.zeroing.tared = False
        self.zeroing.tares = tool.tares
        if tool.reset_reason in AFTER_A_FAILURE:
            self.note(f"{RESTARTED_AFTER_A_FAILURE}: {tool.reset_reason}", now_us)
        if self._power_losses is not None and tool.power_losses > self._power_losses:
            self.note(POWER_WENT, now_us)
        self._power_losses = tool.power_losses
        self.tool = tool

    def _take_channels(self, channels: Channels, now_us: int) -> None:
        self._channels = channels
        self._silenced_until_us = now_us + channels.silenced_s * 1_000_000

    def _take_motion(self, motion: Motion, now_us: int) -> None:
        self._motion, self._motion_us = motion, now_us

    def _take_offset(self, offset: ClockOffset, _now_us: int) -> None:
        self._offset = offset

    @property
    def status(self) -> StatusReport | None:
        """What the tool said of its state last, None before it did."""
        return self._status

    def _take_status(self, status: StatusReport, _now_us: int) -> None:
        self._status = status

    def _take_limits(self, limits: LimitsReport, _now_us: int) -> None:
        self._tool_limits = SetLimits(
            limits.profile, limits.warn_n, limits.alarm_n, limits.contact_on_n, limits.contact_off_n
        )

    def _take_calibration(self, calibration: CalibrationReport, _now_us: int) -> None:
        self._calibration = calibration

    def _take_zero(self, zero: ZeroReport, _now_us: int) -> None:
        self._zero = zero
        self.zeroing.reported(zero)
        self._zero_drift.reported(zero)

    def _take_answer(self, answer: Answer, now_us: int) -> None:
        self._needs_key = answer.needs == "key"
        self.zeroing.answered(answer, now_us)

    def _take_unreadable(self, unreadable: Unreadable, _now_us: int) -> None:
        self._unreadable = unreadable

    def snapshot(self, now_us: int) -> LiveSnapshot:
        """Return the state at host time `now_us`."""
        now = self._pipeline.now if self._pipeline is not None else None
        record = self._pipeline.record if self._pipeline is not None else None
        return LiveSnapshot(
            taken_us=now_us,
            link=self._link,
            tool=self.tool,
            runtime=self.tool.runtime if self.tool is not None else "",
            profile=self._profile,
            tip=self._tip,
            trace=self._trace.snapshot() if self._trace is not None else _NOTHING,
            verdict=self._verdict(),
            strokes=tuple(self._strokes),
            stroke_count=self.stroke_count,
            stroke_rate_hz=now.stroke_rate_hz if now is not None else None,
            exposure=record.exposure if record is not None else Exposure(None, 0, 0.0, 0.0, True),
            alerts=self._log.alerts,
            medium_alert=self._medium or self._dose_alert,
            samples_received=self.samples_received,
            samples_expected=self.samples_expected,
            gap_count=self.gap_count,
            missing_samples=self.missing_samples,
            recording=self.recording,
            replay=self.replay,
            zero=self.zeroing.view(now_us),
            battery_percent=self._status.battery_percent if self._status is not None else None,
            faults=self._faults(),
            marker_count=self.marker_count,
            markers_not_recorded=self.markers_not_recorded,
            problem=self.problem,
            finished=self.finished,
            tool_warns=self._tool_warns(now_us),
            awaited_samples=self._awaited_samples,
            restart_count=self._restart_count,
            zero_drift=self.zero_drift,
            excluded_strokes=len(self._excluded),
            notes=tuple(self._notes),
            paused=self.paused,
            paused_strokes=len(self._in_pauses),
            region=self.region,
            tool_silenced_s=self._silenced_s(now_us),
            tool_alerts_by=self._alerts_by(),
            tool_dose_limit_ns=self._pipeline.dose.limit_ns if self._pipeline is not None else 0.0,
            tool_dose_reached=self._pipeline is not None and self._pipeline.dose.reached,
            tool_motion=self._motion if now_us - self._motion_us < MOTION_STALE_US else None,
        )

    def _alerts_by(self) -> tuple[str, ...] | None:
        channels = self._channels
        if channels is None or not channels.there:
            return None
        return tuple(name for name in channels.there if name in channels.chosen)

    def _faults(self) -> tuple[str, ...]:
        faults = list(self._status.faults if self._status is not None else ())
        if self.tool is not None and self.tool.trouble:
            # The fault says no more than that; without it something else is missing, such as its settings.
            said = (
                f"{NOT_STARTED}: {self.tool.trouble}"
                if NOT_STARTED in faults
                else f"{SOMETHING_AMISS}: {self.tool.trouble}"
            )
            faults = [fault for fault in faults if fault != NOT_STARTED] + [said]
        if self._live and self._link.state == STREAMING:
            if not self._zero_confirmed():
                faults.insert(0, GAUGE_NOT_TARED if self.tool is not None and self.tool.tares else ZERO_NOT_CONFIRMED)
            if self.tool is not None and not self.tool.warns:
                faults.append(NEVER_WARNS)
            # The tool's own alarm must be the one on screen: what it says it watches is compared with what it was told.
            if self._tool_limits is not None and self._tool_limits != self._limits:
                why = not_paired(self.tool) if self._needs_key else OWN_ALARM_DIFFERS
                faults.append(self.pairing_refused or why)
            if self.tool is not None and self._today is not None:
                faults += calibration_faults(self.tool, self._calibration, self._calibrations, self._today)
        if self._unreadable is not None:
            faults.append(f"{self._unreadable.count} frames of the tool unreadable: {self._unreadable.why}")
        return tuple(faults)

    def _zero_confirmed(self) -> bool:
        if self.tool is not None and self.tool.tares:
            return self.zeroing.tared
        return self._zero is None or self._zero.confirmed

    def _tool_warns(self, now_us: int) -> bool:
        if self._tool_limits != self._limits or self._status is None:
            return False
        # One that runs off the cable is dead once the cable is out.
        if self._status.battery_percent is None:
            return False
        told = (self._zero, self._tool_limits, self._channels, self._status)
        return not why_it_does_not_warn(self.tool, *told, silenced_s=self._silenced_s(now_us))

    def _silenced_s(self, now_us: int) -> int:
        return max(0, math.ceil((self._silenced_until_us - now_us) / 1e6))

    def _verdict(self) -> Verdict:
        now = self._pipeline.now if self._pipeline is not None else None
        force_n = self._trace.force_n if self._trace is not None else None
        if now is None or self._trace is None or force_n is None:
            return Verdict(None, None, False, False, None, 0, 0, None)
        return Verdict(
            force_n=force_n,
            running_n=now.running_peak_n,
            warn_crossed=now.warn_crossed,
            alarm_crossed=now.alarm_crossed,
            last_n=self._strokes[-1].peak_n if self._strokes else None,
            contact_start_us=now.contact_start_us,
            contact_end_us=now.contact_end_us,
            # Of what is there: right after a gap a few samples are all that is known.
            steady_n=float(np.nanmedian(self._trace.recent(STEADY_S))) if np.isfinite(force_n) else None,
        )
