"""The chart: the last ten seconds of force over fixed bands, stroke peaks marked, missing and clipped pieces hatched.

The force axis never follows the data. Only the curve moves from frame to frame; everything else is painted when the
profile, the theme or the size changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import LADDER_ROWS, LiveView, axis_top_n, classify, limit_text
from iastm_host.app.snapshot import LiveSnapshot, Trace
from iastm_host.events import Stroke
from iastm_host.window.fonts import elided, font
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.marks import Hatch, Peak
from iastm_host.window.plot import Plot
from iastm_host.window.theme import DARK, Theme
from iastm_host.window.trace import SPAN_S, STALL_US, ScrollClock, decimated, missing_runs, runs_of

RECENT_PEAKS = 5
NO_DATA = "no data"
WORD_FROM_S = 0.5
"""A stretch without data has its word where it is longer than this."""


class ChartPanel(QWidget):
    """Force over time with its axis. `show_frame` is called per redraw; `show_view` brings the words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes, self._brief = DARK, COMPACT, False
        self._profile: Profile | None = None
        self._words = ("", "", "")
        self._clock = ScrollClock()
        self._frozen_edge_us: float | None = None
        self._drawn: tuple[int, int, int, int] | None = None
        self._picture: QPixmap | None = None
        self._plot = Plot(self)
        self._curve, self._marks = self._plot.curve, self._plot.marks

    @property
    def plot(self) -> QWidget:
        """The part that is painted per frame: its geometry is where the force axis stands in this panel."""
        return self._plot

    def set_style(self, theme: Theme, sizes: Sizes, brief: bool) -> None:
        """Use these colours and sizes; `brief` leaves out the words around the plot."""
        self._theme, self._sizes, self._brief = theme, sizes, brief
        for item in (self._curve, self._marks):
            item.theme = theme
        self._marks.sizes = sizes
        self._plot.update()
        self._drawn = None
        self._place()
        self._repaint_words()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the plot, and decimate anew."""
        super().resizeEvent(event)
        self._drawn = None
        self._place()
        self._repaint_words()

    def _repaint_words(self) -> None:
        self._picture = None
        self.update()

    def _place(self) -> None:
        sizes = self._sizes
        if self._brief:
            self._plot.setGeometry(0, 0, self.width(), self.height())
            return
        self._plot.setGeometry(
            sizes.axis,
            sizes.chart_head,
            max(10, self.width() - sizes.axis - sizes.now_bar - 12),
            max(10, self.height() - sizes.chart_head - sizes.chart_foot),
        )

    def show_view(self, live: LiveView) -> None:
        """Show the words around the plot."""
        words = (live.pressure_text, live.angle_text, live.caption)
        if words != self._words:
            self._words = words
            self._repaint_words()

    def show_frame(self, snapshot: LiveSnapshot, live: LiveView) -> None:
        """Show the trace of `snapshot`; a paused view passes its frozen one."""
        if snapshot.profile != self._profile:
            self._profile = snapshot.profile
            self._curve.profile = snapshot.profile
            for item in (self._curve, self._marks):
                item.top_n = axis_top_n(snapshot.profile)
            self._repaint_words()
        trace = snapshot.trace
        edge_us = self._edge_us(snapshot, live.paused)
        self._decimate(trace)
        newest_age_s = (edge_us - trace.last_tool_us) / 1e6
        length_s = max(0, len(trace.force_n) - 1) * trace.period_us / 1e6
        self._curve.first_age_s = newest_age_s + length_s
        self._marks.hatches = hatches(snapshot, newest_age_s)
        self._marks.peaks = peaks(snapshot, edge_us)
        cursor = live.cursor
        self._marks.cursor = None if cursor is None else (-newest_age_s - cursor.age_s, cursor.force_n, cursor.text)
        self._plot.update()

    def _edge_us(self, snapshot: LiveSnapshot, paused: bool) -> float:
        if paused:
            if self._frozen_edge_us is None:
                self._frozen_edge_us = self._clock.now_tool_us(snapshot)
            return self._frozen_edge_us
        self._frozen_edge_us = None
        return self._clock.now_tool_us(snapshot)

    def _decimate(self, trace: Trace) -> None:
        drawn = (trace.boot_id, trace.first_index, len(trace.force_n), trace.last_arrived_us)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._curve.line = decimated(trace, self._plot.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the axis and the words around the plot, from a picture that is made anew only where they changed."""
        if self._brief or self._profile is None:
            return
        if self._picture is None:
            ratio = self.devicePixelRatioF()
            self._picture = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(self._theme.color("bg"))
            painter = QPainter(self._picture)
            self._paint_words(painter)
            painter.end()
        QPainter(self).drawPixmap(event.rect().topLeft(), self._picture, self._source(event.rect()))

    def _source(self, rect: QRect) -> QRect:
        """Return what `rect` is in pixels of the picture."""
        ratio = self.devicePixelRatioF()
        return QRect(*(round(side * ratio) for side in (rect.x(), rect.y(), rect.width(), rect.height())))

    def _paint_words(self, painter: QPainter) -> None:
        plot, sizes, theme = self._plot.geometry(), self._sizes, self._theme
        self._paint_axis(painter, plot)
        small, near = font(sizes.small), font(sizes.near)
        painter.setFont(near)
        painter.setPen(theme.color("text2"))
        head = QRectF(plot.left(), 0, plot.width(), sizes.chart_head - 6)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "Force, N")
        pressure, angle, caption = self._words
        for label, value in (("Pressure", pressure), ("Angle", angle)):
            if value:
                head = self._paint_value(painter, head, label, value)
        foot = QRectF(plot.left(), plot.bottom() + 3, plot.width(), sizes.chart_foot - 4)
        painter.setFont(small)
        painter.setPen(theme.color("text3"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "10 s ago")
        metrics = QFontMetricsF(small)
        side = metrics.horizontalAdvance("10 s ago") + 24
        middle = foot.adjusted(side, 0, -side, 0)
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, elided(caption, small, middle.width()))
        painter.setFont(font(sizes.small, 700))
        painter.setPen(theme.color("text"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "now")

    def _paint_value(self, painter: QPainter, head: QRectF, label: str, value: str) -> QRectF:
        """Paint a value with its label at the right of `head`; return what is left of it."""
        plain, bold = font(self._sizes.near), font(self._sizes.near, 600)
        number = QFontMetricsF(bold).horizontalAdvance(value)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(plain)
        painter.setPen(self._theme.color("text2"))
        painter.drawText(head.adjusted(0, 0, -number - 8, 0), right, label)
        painter.setFont(bold)
        painter.setPen(self._theme.color("text"))
        painter.drawText(head, right, value)
        return head.adjusted(0, 0, -number - QFontMetricsF(plain).horizontalAdvance(label) - 40, 0)

    def _paint_axis(self, painter: QPainter, plot: QRect) -> None:
        assert self._profile is not None
        sizes, theme = self._sizes, self._theme
        bold, plain = font(sizes.near, 600), font(sizes.near)
        bold_metrics = QFontMetricsF(bold)
        right = plot.left() - 12
        for force_n, name in axis_labels(self._profile):
            y = plot.bottom() + 1 - force_n / axis_top_n(self._profile) * plot.height()
            painter.setPen(theme.color("edge"))
            number = limit_text(force_n) if force_n else "0"
            number_width = bold_metrics.horizontalAdvance(number)
            if name != "Target":
                painter.drawLine(QPointF(plot.left() - 7, y), QPointF(plot.left(), y))
                painter.setFont(bold)
                painter.setPen(theme.color("text"))
                self._text_right(painter, number, right, y)
                right_of_name = right - number_width - 7
            else:
                right_of_name = right
            painter.setFont(plain)
            painter.setPen(theme.color("text2"))
            self._text_right(painter, name, right_of_name, y)

    def _text_right(self, painter: QPainter, text: str, right: float, y: float) -> None:
        half = self._sizes.near
        rect = QRectF(0, y - half, right, 2 * half)
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)


def axis_labels(profile: Profile) -> Sequence[tuple[float, str]]:
    """Return (newtons, name) of what stands at the force axis: 0, target, warn, alarm and nothing else."""
    labels = [(0.0, ""), (profile.target_low_n, ""), (profile.target_high_n, "")]
    labels.append(((profile.target_low_n + profile.target_high_n) / 2, "Target"))
    labels += [
        (limit_n, name) for limit_n, name in ((profile.warn_n, "Warn"), (profile.alarm_n, "Alarm")) if limit_n > 0
    ]
    return labels


def peaks(snapshot: LiveSnapshot, edge_us: float) -> tuple[Peak, ...]:
    """Return the peaks of strokes that the chart still shows, oldest first, placed by tool time; those of before a
    restart where the trace has their samples.
    """
    placed = [(stroke, _age_s(snapshot.trace, stroke, edge_us)) for stroke in snapshot.strokes]
    shown = [(stroke, age_s) for stroke, age_s in placed if age_s is not None and -SPAN_S <= age_s <= 0.0]
    return tuple(
        Peak(
            age_s,
            stroke.peak_n,
            LADDER_ROWS[classify(stroke.peak_n, snapshot.profile)][1],
            recent=position >= len(shown) - RECENT_PEAKS,
            newest=position == len(shown) - 1,
            clipped=_clipped(snapshot.trace, stroke),
        )
        for position, (stroke, age_s) in enumerate(shown)
    )


def _age_s(trace: Trace, stroke: Stroke, edge_us: float) -> float | None:
    """Return the seconds from the chart's edge to a peak, below 0; None where the trace does not know its boot."""
    if stroke.boot_id == trace.boot_id:
        return (stroke.peak_us - edge_us) / 1e6
    shift = dict(trace.earlier).get(stroke.boot_id)
    if shift is None:
        return None
    before_newest = trace.first_index + len(trace.force_n) - 1 - (stroke.peak_index + shift)
    return (trace.last_tool_us - before_newest * trace.period_us - edge_us) / 1e6


def _clipped(trace: Trace, stroke: Stroke) -> bool:
    offset = dict(trace.earlier).get(stroke.boot_id, 0) - trace.first_index
    first, end = stroke.first_index + offset, stroke.last_index + 1 + offset
    return bool(trace.saturated[max(0, first) : max(0, end)].any())


def hatches(snapshot: LiveSnapshot, newest_age_s: float) -> tuple[Hatch, ...]:
    """Return missing and clipped stretches, what lies before the trace, and the one that grows from the newest sample
    to now in a stall.
    """
    trace = snapshot.trace
    period_s = trace.period_us / 1e6
    last = len(trace.force_n) - 1
    found = []
    for runs, word in ((missing_runs(trace), "missing"), (runs_of(trace.saturated), "out of range")):
        for first, end in runs:
            start_s = -newest_age_s - (last - first + 0.5) * period_s
            end_s = -newest_age_s - (last - end + 0.5) * period_s
            if end_s < -SPAN_S:
                continue
            text = "out of range" if word != "missing" else f"{(end - first) * period_s:.1f} s missing"
            found.append(Hatch(max(start_s, -SPAN_S), end_s, text if end_s - start_s >= 0.05 else ""))
    first_s = -newest_age_s - (last + 0.5) * period_s
    if last >= 0 and first_s > -SPAN_S + period_s:
        # Blank ground would look like rest without contact.
        found.append(Hatch(-SPAN_S, min(first_s, 0.0), NO_DATA if first_s + SPAN_S > WORD_FROM_S else ""))
    silent_us = snapshot.taken_us - trace.last_arrived_us if trace.last_arrived_us else 0
    if silent_us > STALL_US and last >= 0 and not snapshot.finished:
        found.append(Hatch(max(-SPAN_S, -newest_age_s), 0.0, NO_DATA if newest_age_s > WORD_FROM_S else ""))
    return tuple(found)
