"""The chart: the last ten seconds of force over fixed bands, stroke peaks marked, missing and clipped pieces hatched.

The force axis never follows the data. Only the curve moves from frame to frame; everything else is painted when the
profile, the theme or the size changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import LADDER_ROWS, LiveView, axis_top_n, classify, force_text, limit_text
from iastm_host.app.snapshot import LiveSnapshot, Trace
from iastm_host.window.fonts import elided, font
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.shapes import paint_shape, shape_colors
from iastm_host.window.theme import DARK, Theme
from iastm_host.window.trace import SPAN_S, STALL_US, ScrollClock, decimated, missing_runs, runs_of

RECENT_PEAKS = 5
HATCH_STEP = 11


@dataclass(frozen=True, slots=True)
class Peak:
    """A stroke's peak on the chart: seconds before now (negative), newtons, state, whether it is recent."""

    age_s: float
    force_n: float
    shape: str
    recent: bool
    newest: bool


@dataclass(frozen=True, slots=True)
class Hatch:
    """A stretch without usable data, in seconds before now (negative); `text` says what it is."""

    start_s: float
    end_s: float
    text: str


class _Bands(pg.GraphicsObject):  # type: ignore[misc]
    """Ground, tints and edges of the bands, in plot coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.profile: Profile | None = None
        self.theme = DARK

    def boundingRect(self) -> QRectF:
        top_n = 10.0 if self.profile is None else axis_top_n(self.profile)
        return QRectF(-SPAN_S, 0.0, SPAN_S, top_n)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        profile, theme = self.profile, self.theme
        if profile is None:
            return
        top_n = axis_top_n(profile)

        def ground(low_n: float, high_n: float, color: QColor) -> None:
            painter.fillRect(QRectF(-SPAN_S, low_n, SPAN_S, high_n - low_n), color)

        if profile.alarm_n > 0:
            ground(profile.alarm_n, top_n, theme.color("alarm", theme.alarm_tint))
        if profile.warn_n > 0:
            ground(profile.warn_n, profile.alarm_n or top_n, theme.color("warn", theme.warn_tint))
        ground(profile.target_low_n, profile.target_high_n, theme.color("band"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        edges = [
            (profile.target_low_n, "edge", Qt.PenStyle.SolidLine),
            (profile.target_high_n, "edge", Qt.PenStyle.SolidLine),
            (profile.warn_n, "warn_edge", Qt.PenStyle.CustomDashLine),
            (profile.alarm_n, "alarm", Qt.PenStyle.SolidLine),
        ]
        for force_n, token, style in edges:
            if force_n <= 0:
                continue
            pen = QPen(theme.color(token), 1)
            pen.setCosmetic(True)
            if style == Qt.PenStyle.CustomDashLine:
                pen.setDashPattern([9, 6])
            painter.setPen(pen)
            painter.drawLine(QPointF(-SPAN_S, force_n), QPointF(0.0, force_n))


class _Marks(pg.GraphicsObject):  # type: ignore[misc]
    """Hatches, peaks' values, the cursor and the now-line, in pixels over the curve."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = DARK
        self.sizes = COMPACT
        self.top_n = 10.0
        self.hatches: tuple[Hatch, ...] = ()
        self.peaks: tuple[Peak, ...] = ()
        self.cursor: tuple[float, float | None, str] | None = None

    def boundingRect(self) -> QRectF:
        return QRectF(-SPAN_S, 0.0, SPAN_S, self.top_n)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        to_device = painter.transform()
        area = to_device.mapRect(self.boundingRect())
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

        def x_of(seconds: float) -> float:
            return area.left() + (seconds + SPAN_S) / SPAN_S * area.width()

        def y_of(force_n: float) -> float:
            return area.bottom() - min(force_n, self.top_n) / self.top_n * area.height()

        for hatch in self.hatches:
            self._paint_hatch(painter, hatch, QRectF(x_of(hatch.start_s), area.top(), 0, area.height()), x_of)
        for peak in self.peaks:
            self._paint_peak(painter, peak, x_of(peak.age_s), y_of(peak.force_n), area)
        if self.cursor is not None:
            self._paint_cursor(painter, area, x_of(self.cursor[0]), y_of)
        painter.setPen(QPen(self.theme.color("text2"), 1))
        painter.drawLine(QPointF(area.right() - 0.5, area.top()), QPointF(area.right() - 0.5, area.bottom()))

    def _paint_hatch(self, painter: QPainter, hatch: Hatch, at: QRectF, x_of: Callable[[float], float]) -> None:
        rect = QRectF(at)
        rect.setRight(max(x_of(hatch.end_s), rect.left() + 2))
        paint_hatch(painter, rect, self.theme.color("hatch", 0.75), self.theme.color("surface"))
        pen = QPen(self.theme.color("edge"), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawLine(rect.topLeft(), rect.bottomLeft())
        painter.drawLine(rect.topRight(), rect.bottomRight())
        if hatch.text:
            made = font(self.sizes.near, 600)
            metrics = QFontMetricsF(made)
            width = metrics.horizontalAdvance(hatch.text) + 16
            left = max(rect.left() - width / 2 + rect.width() / 2, x_of(-SPAN_S))
            box = QRectF(min(left, x_of(0.0) - width), rect.top() + 4, width, metrics.height() + 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.color("surface"))
            painter.drawRoundedRect(box, 4, 4)
            painter.setFont(made)
            painter.setPen(self.theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, hatch.text)

    def _paint_peak(self, painter: QPainter, peak: Peak, x: float, y: float, area: QRectF) -> None:
        radius = self.sizes.peak * (1.0 if peak.recent else 0.7)
        y = max(y, area.top() + radius)
        ground = QColor(self.theme.color("band" if peak.shape == "circle" else "surface", 0.85))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawEllipse(QPointF(x, y), radius * 1.32, radius * 1.32)
        fill, edge = shape_colors(peak.shape, self.theme)
        paint_shape(painter, peak.shape, x, y, radius, fill, edge)
        if not peak.recent:
            return
        made = font(self.sizes.near, 700 if peak.newest else 400)
        text = force_text(peak.force_n)
        width = QFontMetricsF(made).horizontalAdvance(text)
        left = x + radius * 1.75
        if left + width > area.right() - 2:
            left = x - radius * 1.75 - width
        baseline = max(y - radius * 0.55, area.top() + self.sizes.near)
        paint_outlined(painter, left, baseline, text, made, self.theme)

    def _paint_cursor(self, painter: QPainter, area: QRectF, x: float, y_of: Callable[[float], float]) -> None:
        assert self.cursor is not None
        _, force_n, text = self.cursor
        painter.setPen(QPen(self.theme.color("focus"), 1))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if force_n is not None:
            painter.setBrush(self.theme.color("surface"))
            painter.setPen(QPen(self.theme.color("focus"), 3))
            painter.drawEllipse(QPointF(x, max(area.top() + 6, y_of(max(0.0, force_n)))), 6, 6)
        made = font(self.sizes.near, 600)
        metrics = QFontMetricsF(made)
        width = metrics.horizontalAdvance(text) + 20
        left = min(max(x + 10, area.left()), area.right() - width)
        if left < x < left + width:
            left = x - 10 - width
        box = QRectF(left, area.top() + 6, width, metrics.height() + 8)
        painter.setPen(QPen(self.theme.color("focus"), 1))
        painter.setBrush(self.theme.color("bg"))
        painter.drawRoundedRect(box, 6, 6)
        painter.setFont(made)
        painter.setPen(self.theme.color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def paint_hatch(painter: QPainter, rect: QRectF, color: QColor, ground: QColor | None, step: int = HATCH_STEP) -> None:
    """Fill `rect` with diagonal lines `step` pixels apart, on a ground where one is given."""
    painter.save()
    painter.setClipRect(rect)
    if ground is not None:
        painter.fillRect(rect, ground)
    painter.setPen(QPen(color, 1.5))
    start = np.floor(rect.left() / step) * step - rect.height()
    x = float(start)
    while x < rect.right():
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x + rect.height(), rect.top()))
        x += step * 1.4
    painter.restore()


def paint_outlined(painter: QPainter, x: float, baseline: float, text: str, made: object, theme: Theme) -> None:
    """Paint text with a rim of the surface's colour, so that it reads over curve and bands."""
    path = QPainterPath()
    path.addText(QPointF(x, baseline), made, text)  # type: ignore[call-overload]
    rim = QPen(theme.color("surface"), 4)
    rim.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, rim)
    painter.fillPath(path, theme.color("text"))


class _Plot(pg.GraphicsView):  # type: ignore[misc]
    """pyqtgraph's view without its mouse: the picture isn't dragged or zoomed while someone treats."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, useOpenGL=False, background=None)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, True)


class ChartPanel(QWidget):
    """Force over time with its axis. `show_frame` is called per redraw; `show_view` brings the words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes, self._brief = DARK, COMPACT, False
        self._profile: Profile | None = None
        self._words = ("", "")
        self._clock = ScrollClock()
        self._frozen_edge_us: float | None = None
        self._drawn: tuple[int, int, int, int] | None = None
        self._start_us = 0.0
        self._plot = _Plot(self)
        self._box = pg.ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0.0)
        self._plot.setCentralItem(self._box)
        self._bands, self._marks = _Bands(), _Marks()
        self._fill = pg.PlotCurveItem(pen=None, fillLevel=0.0, antialias=False, skipFiniteCheck=True)
        self._curve = pg.PlotCurveItem(connect="finite", antialias=True)
        for depth, item in enumerate((self._bands, self._fill, self._curve, self._marks)):
            item.setZValue(depth)
            self._box.addItem(item, ignoreBounds=True)
        self._box.setXRange(-SPAN_S, 0.0, padding=0.0)

    @property
    def axis_rect(self) -> QRect:
        """The plot's rectangle within this panel."""
        return QRect(self._plot.geometry())

    def set_style(self, theme: Theme, sizes: Sizes, brief: bool) -> None:
        """Use these colours and sizes; `brief` leaves out the words around the plot."""
        self._theme, self._sizes, self._brief = theme, sizes, brief
        for item in (self._bands, self._marks):
            item.theme = theme
        self._marks.sizes = sizes
        self._curve.setPen(pg.mkPen(theme.color("text"), width=1))
        self._plot.setBackground(theme.color("surface"))
        self._drawn = None
        self._place()
        self._bands.update()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the plot, and decimate anew."""
        super().resizeEvent(event)
        self._drawn = None
        self._place()

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
        words = (live.pressure_text, live.caption)
        if words != self._words:
            self._words = words
            self.update()

    def show_frame(self, snapshot: LiveSnapshot, live: LiveView) -> None:
        """Show the trace of `snapshot`; a paused view passes its frozen one."""
        if snapshot.profile != self._profile:
            self._profile = snapshot.profile
            self._bands.profile = snapshot.profile
            self._marks.top_n = axis_top_n(snapshot.profile)
            self._box.setYRange(0.0, self._marks.top_n, padding=0.0)
            self._bands.prepareGeometryChange()
            self._marks.prepareGeometryChange()
            self._bands.update()
            self.update()
        trace = snapshot.trace
        edge_us = self._edge_us(snapshot, live.paused)
        self._draw_curve(trace)
        newest_age_s = (edge_us - trace.last_tool_us) / 1e6
        length_s = max(0, len(trace.force_n) - 1) * trace.period_us / 1e6
        first_age_s = newest_age_s + length_s
        for item in (self._fill, self._curve):
            item.setPos(-first_age_s, 0.0)
        self._fade(first_age_s)
        self._marks.hatches = hatches(snapshot, newest_age_s)
        self._marks.peaks = peaks(snapshot, edge_us)
        cursor = live.cursor
        self._marks.cursor = None if cursor is None else (-newest_age_s - cursor.age_s, cursor.force_n, cursor.text)
        self._marks.update()

    def _edge_us(self, snapshot: LiveSnapshot, paused: bool) -> float:
        if paused:
            if self._frozen_edge_us is None:
                self._frozen_edge_us = self._clock.now_tool_us(snapshot)
            return self._frozen_edge_us
        self._frozen_edge_us = None
        return self._clock.now_tool_us(snapshot)

    def _draw_curve(self, trace: Trace) -> None:
        drawn = (trace.boot_id, trace.first_index, len(trace.force_n), trace.last_arrived_us)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        line = decimated(trace, self._plot.width())
        self._curve.setData(line.seconds, line.force_n)
        self._fill.setData(line.seconds, np.nan_to_num(line.force_n, nan=0.0))

    def _fade(self, first_age_s: float) -> None:
        """Let the silhouettes fade with age, from 42 % at now to 10 % at the left edge."""
        gradient = QLinearGradient(first_age_s - SPAN_S, 0.0, first_age_s, 0.0)
        for at, opacity in ((0.0, 0.10), (0.55, 0.20), (1.0, 0.42)):
            gradient.setColorAt(at, self._theme.color("text", opacity))
        self._fill.setBrush(QBrush(gradient))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the axis and the words around the plot."""
        if self._brief or self._profile is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing, True)
        plot, sizes, theme = self._plot.geometry(), self._sizes, self._theme
        self._paint_axis(painter, plot)
        small, near = font(sizes.small), font(sizes.near)
        painter.setFont(near)
        painter.setPen(theme.color("text2"))
        head = QRectF(plot.left(), 0, plot.width(), sizes.chart_head - 6)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "Force, N")
        pressure, caption = self._words
        if pressure:
            self._paint_pressure(painter, head, pressure)
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

    def _paint_pressure(self, painter: QPainter, head: QRectF, pressure: str) -> None:
        bold = font(self._sizes.near, 600)
        number = QFontMetricsF(bold).horizontalAdvance(pressure)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(head.adjusted(0, 0, -number - 8, 0), right, "Pressure")
        painter.setFont(bold)
        painter.setPen(self._theme.color("text"))
        painter.drawText(head, right, pressure)

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
    """Return the peaks of strokes that the chart still shows, oldest first, placed by tool time."""
    shown = [stroke for stroke in snapshot.strokes if stroke.boot_id == snapshot.trace.boot_id]
    shown = [stroke for stroke in shown if -SPAN_S <= (stroke.peak_us - edge_us) / 1e6 <= 0.0]
    return tuple(
        Peak(
            (stroke.peak_us - edge_us) / 1e6,
            stroke.peak_n,
            LADDER_ROWS[classify(stroke.peak_n, snapshot.profile)][1],
            recent=position >= len(shown) - RECENT_PEAKS,
            newest=position == len(shown) - 1,
        )
        for position, stroke in enumerate(shown)
    )


def hatches(snapshot: LiveSnapshot, newest_age_s: float) -> tuple[Hatch, ...]:
    """Return missing and clipped stretches, and the one that grows from the newest sample to now in a stall."""
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
    silent_us = snapshot.taken_us - trace.last_arrived_us if trace.last_arrived_us else 0
    if silent_us > STALL_US and last >= 0 and not snapshot.finished:
        found.append(Hatch(max(-SPAN_S, -newest_age_s), 0.0, "no data" if newest_age_s > 0.5 else ""))
    return tuple(found)
