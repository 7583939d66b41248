"""The tool's own watch over strokes and limits: each sample is decided in integers, before any link sees it."""

from iastm_firmware import thresholds
from iastm_firmware.stroke_rate import StrokeRate
from iastm_protocol import kinds, messages
from iastm_protocol.limits import LimitWatch
from iastm_protocol.strokes import StrokeDetector

_MIN_STROKE_MS = 150


def _limit_watch(enter, leave):
    return None if enter is None else LimitWatch(enter, leave, thresholds.DEBOUNCE_SAMPLES)


class Watch:
    """Watches samples; drives `alert(kind)` (0 ends it) and adds its findings to `reports`.

    While the zero is not confirmed nothing is alerted, because the force is not known. An `alert` that raises stops
    nothing: `alert_fails` tells, and `second` tries again. `thresholds` are those in force.
    """

    def __init__(self, settings, clock, reports, alert, rate_mhz):
        self._settings = settings
        self._clock = clock
        self._reports = reports
        self._alert = alert
        self._min_samples = max(1, (_MIN_STROKE_MS * rate_mhz + 999999) // 1000000)
        self._rate = StrokeRate(rate_mhz)
        self._stroke_number = 0
        self._one = [0]
        self._zero_counts = 0
        self._polarity = 1
        self._strokes = None
        self.thresholds = None
        self._warn = None
        self._alarm = None
        self._level = 0
        self.alert_fails = False
        self.apply(self.thresholds_for(settings.zero.counts, settings.limits))

    def thresholds_for(self, zero_counts, limits, calibration=None):
        """Return the thresholds that a zero and limits would give under a calibration, or under the one in force.

        Raises ValueError where they can't be.
        """
        return thresholds.make(calibration or self._settings.calibration, zero_counts, limits)

    def apply(self, made):
        """Put `made` thresholds and the zero of the settings in force: watching begins anew."""
        self.gap()
        self._zero_counts = self._settings.zero.counts
        self._polarity = made.polarity
        self.thresholds = made
        self._strokes = StrokeDetector(made.on, made.off, self._min_samples)
        armed = self._settings.zero.confirmed
        self._warn = _limit_watch(made.warn, made.warn_leave) if armed else None
        self._alarm = _limit_watch(made.alarm, made.alarm_leave) if armed else None

    @property
    def in_contact(self):
        """Whether a stroke is under way."""
        return self._strokes.in_contact

    def feed(self, index, ticks, counts):
        """Take one raw sample; return True where a limit was crossed. Allocates only where something is reported."""
        one = self._one
        one[0] = (counts - self._zero_counts) * self._polarity
        level = 0
        crossed = 0
        warn = self._warn
        if warn is not None:
            if warn.feed(index, one):
                crossed = kinds.WARN
            if warn.over:
                level = kinds.WARN
        alarm = self._alarm
        if alarm is not None:
            if alarm.feed(index, one):
                crossed = kinds.ALARM
            if alarm.over:
                level = kinds.ALARM
        if level != self._level:
            self._show(level)
        done = self._strokes.feed(index, one)
        if done:
            self._report_strokes(done)
        if crossed:
            report = messages.AlertReport(crossed, index, self._clock.time_us(ticks), one[0])
            self._reports.add(kinds.ALERT, report.to_payload())
            return True
        return False

    def gap(self):
        """Conversions are missing, or the zero or a limit changes: nothing carries over."""
        if self._strokes is None:
            return
        self._report_strokes(self._strokes.gap())
        self._rate.restart()
        for limit in (self._warn, self._alarm):
            if limit is not None:
                limit.gap()
        if self._level:
            self._show(0)

    def second(self):
        """A second has passed: what could not be shown is tried again."""
        if self.alert_fails:
            self._show(self._level)

    def _show(self, level):
        self._level = level
        try:
            self._alert(level)
            self.alert_fails = False
        except Exception:
            # Whatever is wrong with a light: sampling and the links go on.
            self.alert_fails = True

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
