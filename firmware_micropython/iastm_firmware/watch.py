"""The tool's own watch over strokes, limits and dose: each sample is decided in integers, before any link sees it.

A sample that jumps by more than a hand can is held back for one conversion: if the next one is back where the one
before it was, it was a glitch, and is passed over as if it had not been made. Two in a row count as force. Samples that
don't jump are decided at once.
"""

from iastm_firmware import thresholds
from iastm_firmware.dose import Dose
from iastm_firmware.overload import Overload
from iastm_firmware.stroke_rate import StrokeRate
from iastm_firmware.wiring_faults import WiringFaults
from iastm_protocol import kinds, messages
from iastm_protocol._compat import TYPE_CHECKING, const, micropython
from iastm_protocol.glitch import is_glitch
from iastm_protocol.limits import DEBOUNCE_SAMPLES, LimitWatch, debounce_samples
from iastm_protocol.strokes import StrokeDetector

if TYPE_CHECKING:
    from typing import Any

# What `feed` returns: an alert was decided by the newest sample, by the one before it.
DECIDED = const(1)
DECIDED_BEFORE = const(2)

_MIN_STROKE_MS = 150


def _limit_watch(enter, leave):
    return None if enter is None else LimitWatch(enter, leave, DEBOUNCE_SAMPLES)


class Watch:
    """Watches samples; drives `signals` and adds its findings to `reports`.

    While the zero is not confirmed nothing is alerted, because the force is not known. `thresholds` are those in force,
    `dose` is the dose. `wiring` and `overload` look at the same samples.

    `on_stroke(span, number)`, where it is not None, hears of each stroke after its report; `on_overload(peak)` of an
    overload, with its peak in counts from zero, times polarity. `overloaded` tells that there was one since the last
    zero.

    `holds` tells that the newest sample jumped and is held back, `glitch` that the one before it was passed over.
    """

    def __init__(self, settings, clock, reports, signals, rate_mhz):
        self._settings = settings
        self._clock = clock
        self._reports = reports
        self.signals = signals
        self._min_samples = max(1, (_MIN_STROKE_MS * rate_mhz + 999999) // 1000000)
        self._shaken_samples = debounce_samples(rate_mhz, True)
        self._rate = StrokeRate(rate_mhz)
        self._stroke_number = 0
        self._one = [0]
        self._zero_counts = 0
        self._zero_revision = settings.zero_revision
        self._polarity = 1
        self._strokes = None
        self.thresholds = None
        self._warn = None
        self._alarm = None
        self._level = 0
        self._jump = 0
        # The newest raw counts that are none of a glitch, and those held back.
        self._seen = False
        self._before = 0
        self._held = 0
        self._held_index = 0
        self._held_ticks = 0
        self._held_vibrating = False
        self.holds = False
        self.glitch = False
        self.dose = Dose(rate_mhz)
        self.wiring = WiringFaults(rate_mhz)
        self.overload = Overload(rate_mhz)
        self.overloaded = False
        self.on_stroke: "Any" = None
        self.on_overload: "Any" = None
        self.apply(self.thresholds_for(settings.zero.counts, settings.limits))

    def thresholds_for(self, zero_counts, limits, calibration=None):
        """Return the thresholds that a zero and limits would give under a calibration, or under the one in force.

        Raises ValueError where they can't be.
        """
        return thresholds.make(calibration or self._settings.calibration, zero_counts, limits)

    def apply(self, made):
        """Put `made` thresholds and the zero of the settings in force: watching begins anew."""
        self.gap()
        zero = self._settings.zero
        self._zero_counts = zero.counts
        self._polarity = made.polarity
        self.thresholds = made
        self._jump = made.jump
        self._strokes = StrokeDetector(made.on, made.off, self._min_samples)
        armed = zero.confirmed
        self._warn = _limit_watch(made.warn, made.warn_leave) if armed else None
        self._alarm = _limit_watch(made.alarm, made.alarm_leave) if armed else None
        self.dose.scale(made.warn if armed else None, made.warn_slope_n)
        self.overload.watch(made.capacity)
        self.wiring.watch(made, zero.counts, armed)
        if self._settings.zero_revision != self._zero_revision:
            self._zero_revision = self._settings.zero_revision
            self.overloaded = False
        self.signals.uncertain(not armed or self.overloaded)

    def remember_overload(self):
        """The cell was overloaded before this start, and no zero was confirmed since."""
        self.overloaded = True
        self.signals.uncertain(True)

    def forgive_overload(self):
        """A zero was confirmed, even if it is the one that was: the overload did no harm."""
        self.overloaded = False
        self.signals.uncertain(not self._settings.zero.confirmed)

    @property
    def in_contact(self):
        """Whether a stroke is under way."""
        return self._strokes.in_contact

    @property
    def alert_fails(self):
        """Whether light, buzzer and motor can't be driven."""
        return self.signals.fails

    @micropython.native
    def feed(self, index, ticks, counts):
        """Take one raw sample; return by which samples an alert was decided: 0, or DECIDED and DECIDED_BEFORE.

        Allocates only where something is reported.
        """
        decided = 0
        # As it was sampled: what the one held back decides may start the motor.
        vibrating = self.signals.vibrating
        self.glitch = False
        if self.holds:
            self.holds = False
            if is_glitch(self._before, self._held, counts, self._jump):
                self.glitch = True
            else:
                self._before = self._held
                if self._decide(self._held_index, self._held_ticks, self._held, self._held_vibrating):
                    decided = DECIDED_BEFORE
        if self._seen and not -self._jump <= counts - self._before <= self._jump:
            self.holds = True
            self._held = counts
            self._held_index = index
            self._held_ticks = ticks
            self._held_vibrating = vibrating
        else:
            self._seen = True
            self._before = counts
            if self._decide(index, ticks, counts, vibrating):
                decided |= DECIDED
        net = (counts - self._zero_counts) * self._polarity
        self.wiring.feed(counts, net)
        if self.overload.feed(net):
            self._tell_overload()
        return decided

    @micropython.native
    def _decide(self, index, ticks, counts, vibrating):
        one = self._one
        one[0] = net = (counts - self._zero_counts) * self._polarity
        needed = self._shaken_samples if vibrating else DEBOUNCE_SAMPLES
        level = 0
        crossed = 0
        warn = self._warn
        if warn is not None:
            warn.enter_samples = needed
            if warn.feed(index, one):
                crossed = kinds.WARN
            if warn.over:
                level = kinds.WARN
        alarm = self._alarm
        if alarm is not None:
            alarm.enter_samples = needed
            if alarm.feed(index, one):
                crossed = kinds.ALARM
            if alarm.over:
                level = kinds.ALARM
        if level != self._level:
            self._level = level
            self.signals.show(level)
        if crossed:
            self._report_alert(crossed, index, ticks, net)
        if self.dose.feed(net, vibrating):
            self.signals.dose()
            self._report_alert(kinds.DOSE, index, ticks, net)
            crossed = kinds.DOSE
        done = self._strokes.feed(index, one)
        if done:
            self._report_strokes(done)
        return crossed

    def gap(self):
        """Conversions are missing, or the zero or a limit changes: nothing carries over."""
        if self._strokes is None:
            return
        if self.holds:
            # Without its neighbour nothing says that it was a glitch.
            self.holds = False
            self._decide(self._held_index, self._held_ticks, self._held, self._held_vibrating)
        self.glitch = False
        self._seen = False
        self._report_strokes(self._strokes.gap())
        self._rate.restart()
        self.wiring.gap()
        for limit in (self._warn, self._alarm):
            if limit is not None:
                limit.gap()
        if self._level:
            self._level = 0
            self.signals.show(0)

    def second(self):
        """A second has passed: what could not be shown is tried again."""
        self.signals.second()

    def _tell_overload(self):
        if self.wiring.floats:
            # No force, but a wire.
            self.overload.drop()
            return
        self.remember_overload()
        if self.on_overload is not None:
            self.on_overload(self.overload.peak)

    def _report_alert(self, kind, index, ticks, net):
        report = messages.AlertReport(kind, index, self._clock.time_us(ticks), net)
        self._reports.add(kinds.ALERT, report.to_payload())

    def _report_strokes(self, spans):
        for span in spans:
            self._stroke_number += 1
            if span.truncated:
                # Its peak may lie in what was not seen.
                self._rate.restart()
                rate_mspm = 0
            else:
                rate_mspm = self._rate.add(span.first_index, span.peak_index, span.last_index)
            report = messages.StrokeReport(
                self._stroke_number,
                span.first_index,
                span.last_index,
                span.peak_index,
                span.peak,
                span.total,
                span.truncated,
                rate_mspm,
            )
            self._reports.add(kinds.STROKE, report.to_payload())
            if self.on_stroke is not None:
                self.on_stroke(span, self._stroke_number)
