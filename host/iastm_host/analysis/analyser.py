"""Strokes, alerts, stroke rate and exposure from blocks of force, as they come.

Stroke and limit logic is that of iastm_protocol, fed with newtons. Samples are contact from above `on_n` until
below `off_n`; a limit is exceeded from two samples above it until two below 0.9 of it. There is at most one warn and
one alarm in each contact. A jump of the index or a new boot id is a gap: no stroke reaches across it.

Suspected glitches are passed over as if they had not been made. While the tool's own motor or buzzer shakes it a limit
is exceeded only by a force that stays (iastm_protocol.limits). A stroke that the tool's motion sensor excludes counts
no more; force was there all the same, so its alerts and its dose stay.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_host.analysis.exposure import Exposure, ExposureMeter
from iastm_host.analysis.glitches import Glitches, parts
from iastm_host.analysis.profiles import Contact, Profile, Tip
from iastm_host.analysis.stroke_motion import overlaps
from iastm_host.analysis.stroke_rate import StrokeRate
from iastm_host.events import Alert, CalibrationReport, ForceBlock, Gap, Stroke, StrokeMotion
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN, SATURATED, VIBRATING
from iastm_protocol.limits import DEBOUNCE_SAMPLES, LimitWatch, debounce_samples
from iastm_protocol.strokes import StrokeDetector, StrokeSpan

HYSTERESIS = 0.9
# "Repeated": so many of the last strokes over alarm.
REPEATED_STROKES = 3
REPEATED_WINDOW = 5
# A converter at its rail comes back for a sample or two while it settles: one excursion lasts until it has been off
# the rail for this long.
SATURATION_PAUSE_S = 0.25

# A stroke may be excluded after it ended, and what excludes it may come before it: as many of each are remembered.
_REMEMBERED = 512

_PRIORITY = {"warn": "cue", "alarm": "cue", "repeated": "medium", "saturated": "technical"}


@dataclass(frozen=True, slots=True)
class _Counted:
    """A finished stroke, and what it added to the counts."""

    stroke: Stroke
    contact_s: float
    over_warn: bool


class Analyser:
    """Analyses one tool's force. No clock: all times are those of the samples.

    Attributes: `warn_crossed` and `alarm_crossed`: the limit was exceeded in the contact under way. `counts_dose`: what
    is over warn adds to the dose (not while a session is paused). `contact_start_us`, `contact_end_us`: tool time at
    which the contact under way began and the last stroke ended (0: never). `stroke_count`: whole strokes. `repeated`:
    3 of the last 5 whole strokes went over alarm.
    """

    def __init__(self, profile: Profile, tip: Tip | None, rate_hz: float, contact: Contact) -> None:
        self.profile = profile
        self.tip = tip
        self.stroke_count = 0
        self.repeated = False
        self.counts_dose = True
        self.contact_start_us = 0
        self.contact_end_us = 0
        self._detector = StrokeDetector(contact.on_n, contact.off_n, math.ceil(contact.min_s * rate_hz))
        self._warn = LimitWatch(profile.warn_n, HYSTERESIS * profile.warn_n, DEBOUNCE_SAMPLES)
        self._alarm = LimitWatch(profile.alarm_n, HYSTERESIS * profile.alarm_n, DEBOUNCE_SAMPLES)
        self._warn_n = profile.warn_n
        self._contact_on_n = contact.on_n
        self._saturation_pause = SATURATION_PAUSE_S * rate_hz
        self._saturated_index: int | None = None
        # First index of the contact that was warned of, or alarmed of, last.
        self._warned_contact = -1
        self._alarmed_contact = -1
        self._peak_us = 0
        self._block: ForceBlock | None = None
        self._next_index = 0
        self._rate = StrokeRate()
        self._exposure = ExposureMeter()
        # Of whole strokes the first index, and whether they went over alarm.
        self._over_alarm: deque[tuple[int, bool]] = deque(maxlen=_REMEMBERED)
        self._shaken_samples = debounce_samples(round(rate_hz * 1000), True)
        self._vibrating = 0
        self._glitches = Glitches()
        # The last sample of the block before waits: with the next one it is seen whether it is a glitch.
        self._waits = False
        # Indices of glitches in the contact under way, for its mean.
        self._passed_over: list[int] = []
        self._counted: deque[_Counted] = deque(maxlen=_REMEMBERED)
        self._excluded: deque[StrokeMotion] = deque(maxlen=_REMEMBERED)

    @property
    def in_contact(self) -> bool:
        """Whether the tool touches now."""
        return bool(self._detector.in_contact)

    @property
    def running_peak_n(self) -> float | None:
        """The highest force of the contact under way, None out of contact."""
        return float(self._detector.peak) if self._detector.in_contact else None

    @property
    def warn_crossed(self) -> bool:
        """Whether the contact under way has crossed warn."""
        return bool(self._detector.in_contact) and self._detector.first_index == self._warned_contact

    @property
    def alarm_crossed(self) -> bool:
        """Whether the contact under way has crossed alarm."""
        return bool(self._detector.in_contact) and self._detector.first_index == self._alarmed_contact

    @property
    def stroke_rate_hz(self) -> float | None:
        """Strokes per second in the burst under way, None where unknown or after a pause of 3 s."""
        if self._block is None:
            return None
        if self._detector.in_contact:
            return self._rate.rate_hz(self.contact_start_us)
        return self._rate.rate_hz(_time_us(self._block, self._next_index - 1))

    @property
    def exposure(self) -> Exposure:
        """The exposure so far, the stroke under way included in dose, contact time and, where it raises them, peaks."""
        samples = self._next_index - self._detector.first_index
        if self._block is None or not self._detector.in_contact or samples < self._detector.min_samples:
            return self._exposure.reading(0.0)
        return self._exposure.reading(samples * self._block.period_us * 1e-6, float(self._detector.peak))

    def calibrated(self, calibration: CalibrationReport) -> None:
        """Take the calibration in force: what a glitch is depends on the cell's capacity."""
        self._glitches.calibrated(calibration.capacity_n)

    def told(self, motion: StrokeMotion) -> None:
        """Take what the tool's motion sensor says: strokes that share a sample with an excluded one count no more."""
        if not motion.excluded:
            return
        self._excluded.append(motion)
        for counted in [each for each in self._counted if overlaps(motion, each.stroke)]:
            self._withdraw(counted)

    def _withdraw(self, counted: _Counted) -> None:
        self._counted.remove(counted)
        stroke = counted.stroke
        self._exposure.withdraw_stroke(stroke.peak_n, counted.contact_s, counted.over_warn)
        if stroke.truncated:
            return
        self.stroke_count -= 1
        self._rate.withdraw(stroke.peak_us)
        left = [each for each in self._over_alarm if each[0] != stroke.first_index]
        self._over_alarm = deque(left, maxlen=_REMEMBERED)
        self.repeated = self._is_repeated()

    def _is_repeated(self) -> bool:
        last = list(self._over_alarm)[-REPEATED_WINDOW:]
        return sum(over for _, over in last) >= REPEATED_STROKES

    def feed(self, item: ForceBlock | Gap) -> list[Stroke | Alert]:
        """Take the next block or gap; return what it decided, in order."""
        events: list[Stroke | Alert] = []
        if isinstance(item, Gap):
            self._cut(item.boot_id, item.sample_count, events)
            return events
        before = self._block
        first = item.first_index
        if before is not None and (first != self._next_index or item.boot_id != before.boot_id):
            self._cut(item.boot_id, first - self._next_index, events)
        samples: list[float] = item.force_n.tolist()
        if not samples:
            return events
        found = self._glitches.within(item)
        if self._waits and self._block is not None:
            self._decide_waiting(self._block, events, is_glitch=found.before)
        if item.flags & SATURATED:
            self._see_saturation(item, events)
        if item.flags & VIBRATING != self._vibrating:
            self._vibrating = item.flags & VIBRATING
            needed = self._shaken_samples if self._vibrating else DEBOUNCE_SAMPLES
            self._warn.enter_samples = self._alarm.enter_samples = needed
        self._next_index = first + len(samples)
        self._waits = found.waits
        if not found.within and not found.waits:
            self._feed_run(item, first, samples, events)
        else:
            self._passed_over += [first + at for at in found.within]
            for begin, end in parts(len(samples) - found.waits, found.within):
                self._feed_run(item, first + begin, samples[begin:end], events)
        self._keep_times(item)
        self._block = item
        return events

    def _decide_waiting(self, block: ForceBlock, events: list[Stroke | Alert], *, is_glitch: bool) -> None:
        """Pass over the last sample of `block`, which waited, or feed it."""
        self._waits = False
        last = block.next_index - 1
        if is_glitch:
            self._passed_over.append(last)
        else:
            self._feed_run(block, last, [float(block.force_n[-1])], events)
        self._keep_times(block)

    def _keep_times(self, block: ForceBlock) -> None:
        """Keep the times of what began in `block` and goes on."""
        detector = self._detector
        if not detector.in_contact:
            self._passed_over.clear()
            return
        if detector.first_index >= block.first_index:
            self.contact_start_us = _time_us(block, detector.first_index)
        if detector.peak_index >= block.first_index:
            self._peak_us = _time_us(block, detector.peak_index)

    def _feed_run(self, block: ForceBlock, first: int, samples: list[float], events: list[Stroke | Alert]) -> None:
        """Feed samples of `block` from index `first` on, none of them a glitch."""
        warns = self._warn.feed(first, samples)
        alarms = self._alarm.feed(first, samples)
        if warns or alarms:
            self._feed_crossings(block, first, samples, warns, alarms, events)
        else:
            for span in self._detector.feed(first, samples):
                self._finish(span, block, events)
        self._add_dose(samples, block.period_us)

    def _feed_crossings(
        self,
        block: ForceBlock,
        first: int,
        samples: list[float],
        warns: Sequence[int],
        alarms: Sequence[int],
        events: list[Stroke | Alert],
    ) -> None:
        """Feed the detector up to each crossing, so that it tells which contact the crossing belongs to."""
        done = 0
        crossings = sorted([(index, False) for index in warns] + [(index, True) for index in alarms])
        for index, is_alarm in crossings:
            upto = index + 1 - first
            for span in self._detector.feed(first + done, samples[done:upto]):
                self._finish(span, block, events)
            done = upto
            self._cross(block, index, is_alarm, events)
        for span in self._detector.feed(first + done, samples[done:]):
            self._finish(span, block, events)

    def _add_dose(self, samples: list[float], period_us: float) -> None:
        warn_n = self._warn_n
        if self.counts_dose and max(samples) > warn_n:
            self._exposure.dose_ns += sum([v - warn_n for v in samples if v > warn_n]) * period_us * 1e-6

    def _cross(self, block: ForceBlock, index: int, is_alarm: bool, events: list[Stroke | Alert]) -> None:
        """Raise warn or alarm, once in each contact."""
        contact = self._detector.first_index
        if contact == (self._alarmed_contact if is_alarm else self._warned_contact):
            return
        if is_alarm:
            self._alarmed_contact = contact
        else:
            self._warned_contact = contact
        events.append(_alert(block, "alarm" if is_alarm else "warn", index))

    def _finish(self, span: StrokeSpan, block: ForceBlock, events: list[Stroke | Alert]) -> None:
        """Turn a span that ended in this block, or at its start, into a stroke."""
        first = block.first_index
        first_us = _time_us(block, span.first_index) if span.first_index >= first else self.contact_start_us
        peak_us = _time_us(block, span.peak_index) if span.peak_index >= first else self._peak_us
        last_block = block if span.last_index >= first or self._block is None else self._block
        last_us = _time_us(last_block, span.last_index)
        n = span.last_index - span.first_index + 1
        period_s = (last_us - first_us) / (n - 1) * 1e-6 if n > 1 else block.period_us * 1e-6
        passed_over = sum(span.first_index < index < span.last_index for index in self._passed_over)
        stroke = Stroke(
            boot_id=block.boot_id,
            first_index=span.first_index,
            last_index=span.last_index,
            peak_index=span.peak_index,
            first_us=first_us,
            last_us=last_us,
            peak_us=peak_us,
            peak_n=span.peak,
            mean_n=span.total / (n - passed_over),
            impulse_ns=span.total * period_s,
            truncated=span.truncated,
        )
        events.append(stroke)
        self.contact_end_us = last_us
        if span.truncated:
            # Its peak may not be seen, so no interval can be taken across it.
            self._rate.clear()
        if any(overlaps(motion, stroke) for motion in self._excluded):
            return
        counted = _Counted(stroke, n * period_s, span.first_index == self._warned_contact)
        self._counted.append(counted)
        self._exposure.add_stroke(stroke.peak_n, counted.contact_s, counted.over_warn)
        if span.truncated:
            return
        self.stroke_count += 1
        self._rate.add(first_us, peak_us, last_us)
        self._over_alarm.append((span.first_index, span.first_index == self._alarmed_contact))
        repeated = self._is_repeated()
        if repeated and not self.repeated:
            # The stroke is known as one by the sample after its last.
            events.append(_alert(block, "repeated", span.last_index + 1))
        self.repeated = repeated

    def _cut(self, boot_id: int, missing: int, events: list[Stroke | Alert]) -> None:
        """End what is under way: samples are missing, or the tool started again (then `missing` says nothing)."""
        self._exposure.complete = False
        block = self._block
        if block is None:
            return
        if self._waits:
            # Beside a missed conversion it is force.
            self._decide_waiting(block, events, is_glitch=False)
        for span in self._detector.gap():
            self._finish(span, block, events)
        self._warn.gap()
        self._alarm.gap()
        self._warned_contact = self._alarmed_contact = -1
        restarted = boot_id != block.boot_id
        if restarted or not 0 <= missing < self._detector.min_samples:
            # A whole stroke may have gone by.
            self._rate.clear()
        if restarted:
            self._saturated_index = None
            self._block = None

    def _see_saturation(self, block: ForceBlock, events: list[Stroke | Alert]) -> None:
        """Raise "saturated" at the first sample of each excursion to a rail."""
        first = block.first_index
        saturated: Sequence[int] = ()
        if block.raw_counts is not None:
            at_rail = (block.raw_counts >= COUNTS_MAX) | (block.raw_counts <= COUNTS_MIN)
            saturated = (first + np.flatnonzero(at_rail)).tolist()
        if not saturated:
            # The tool says so and no count shows it: any sample may be meant.
            saturated = range(first, block.next_index)
        force_n = block.force_n[np.asarray(saturated) - first]
        # The other rail is a pull: no stroke is clipped by it.
        self._exposure.clipped = self._exposure.clipped or bool(np.any(force_n >= self._contact_on_n))
        for index in saturated:
            if self._saturated_index is None or index - self._saturated_index > self._saturation_pause:
                events.append(_alert(block, "saturated", index))
            self._saturated_index = index


def _time_us(block: ForceBlock, index: int) -> int:
    """Return the tool time of a sample of this block, or of one beside it."""
    return block.tool_us + round((index - block.first_index) * block.period_us)


def _alert(block: ForceBlock, kind: str, index: int) -> Alert:
    return Alert(
        boot_id=block.boot_id,
        kind=kind,
        priority=_PRIORITY[kind],
        index=index,
        tool_us=_time_us(block, index),
        late=block.backfilled,
    )
