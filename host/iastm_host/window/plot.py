"""The plot: bands, silhouettes, curve, and the marks over them. All of it moves, so all of it is painted per frame, as
far as possible from pictures that are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import force_text
from iastm_host.window.fonts import font, width_of
from iastm_host.window.geometry import COMPACT
from iastm_host.window.painting import paint_hatch, paint_outlined
from iastm_host.window.shapes import paint_shape, shape_colors
from iastm_host.window.theme import DARK
from iastm_host.window.trace import SPAN_S, Polyline, runs_of

SILHOUETTE_FADE = ((0.0, 0.10), (0.55, 0.20), (1.0, 0.42))
"""How much of the text's colour lies over a silhouette, from the oldest (0) to now (1)."""
SILHOUETTE_FROM_N = 0.2
"""Below this force a silhouette would be lower than two pixels, and noise would make it hundreds of small polygons."""
STAMPS_KEPT = 200


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


class _Trace:
    """Bands, silhouettes and curve.

    The bands are painted twice into pictures, once plain and once with the silhouettes' light over them, fading with
    age; a silhouette is a polygon filled with the second. A gradient that is blended anew per frame costs ten times
    as much.
    """

    def __init__(self) -> None:
        self.theme = DARK
        self.top_n = 10.0
        self.profile: Profile | None = None
        self.line = Polyline(np.empty(0), np.empty(0))
        self.first_age_s = 0.0
        self._made_for: tuple[object, ...] = ()
        self._plain, self._lit = QPixmap(), QBrush()

    def paint(self, painter: QPainter, area: QRect, ratio: float) -> None:
        """Paint into `area`; `ratio` is how many pixels of the device make one of ours."""
        if self.profile is None or area.isEmpty():
            return
        self._make_grounds(self.profile, area, ratio)
        painter.drawPixmap(area.topLeft(), self._plain)
        if len(self.line.force_n) < 2:
            return
        scale_x, scale_y = area.width() / SPAN_S, area.height() / self.top_n
        x = area.left() + (self.line.seconds - self.first_age_s + SPAN_S) * scale_x
        bottom = float(area.bottom() + 1)
        y = bottom - self.line.force_n * scale_y
        shown = x >= area.left() - 2 * scale_x * (self.line.seconds[1] - self.line.seconds[0])
        painter.setClipRect(area)
        painter.setBrushOrigin(area.topLeft())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._lit)
        # The picture is opaque: copying it is cheaper than blending it.
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        for first, end in runs_of((self.line.force_n > SILHOUETTE_FROM_N) & shown):
            run_x, run_y = x[first:end], y[first:end]
            outline_x = np.concatenate([run_x[:1], run_x, run_x[-1:]])
            outline_y = np.concatenate([[bottom], run_y, [bottom]])
            painter.drawPolygon(arrayToQPolygonF(outline_x, outline_y))
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(self.theme.color("text"), 1))
        for first, end in runs_of(np.isfinite(self.line.force_n) & shown):
            painter.drawPolyline(arrayToQPolygonF(x[first:end], y[first:end]))

    def _make_grounds(self, profile: Profile, area: QRect, ratio: float) -> None:
        made_for = (profile, self.theme, area.size(), ratio)
        if made_for == self._made_for:
            return
        self._made_for = made_for
        self._plain = self._ground(profile, area.size(), ratio)
        lit = QPixmap(self._plain)
        painter = QPainter(lit)
        gradient = QLinearGradient(0.0, 0.0, float(area.width()), 0.0)
        for at, opacity in SILHOUETTE_FADE:
            gradient.setColorAt(at, self.theme.color("text", opacity))
        painter.fillRect(QRectF(0, 0, area.width(), area.height()), QBrush(gradient))
        painter.end()
        lit.setDevicePixelRatio(1.0)
        self._lit = QBrush(lit)
        self._lit.setTransform(QTransform.fromScale(1 / ratio, 1 / ratio))

    def _ground(self, profile: Profile, size: QSize, ratio: float) -> QPixmap:
        """Return surface, tints and edges of the bands."""
        theme, width, height = self.theme, size.width(), size.height()
        ground = QPixmap(QSize(round(width * ratio), round(height * ratio)))
        ground.setDevicePixelRatio(ratio)
        ground.fill(theme.color("surface"))
        painter = QPainter(ground)

        def y_of(force_n: float) -> float:
            return height * (1 - force_n / self.top_n)

        def band(low_n: float, high_n: float, color: QColor) -> None:
            painter.fillRect(QRectF(0, y_of(high_n), width, y_of(low_n) - y_of(high_n)), color)

        if profile.alarm_n > 0:
            band(profile.alarm_n, self.top_n, theme.color("alarm", theme.alarm_tint))
        if profile.warn_n > 0:
            band(profile.warn_n, profile.alarm_n or self.top_n, theme.color("warn", theme.warn_tint))
        band(profile.target_low_n, profile.target_high_n, theme.color("band"))
        edges = ((profile.target_low_n, "edge"), (profile.target_high_n, "edge"))
        for force_n, token in (*edges, (profile.warn_n, "warn_edge"), (profile.alarm_n, "alarm")):
            if force_n <= 0:
                continue
            pen = QPen(theme.color(token), 1)
            if token == "warn_edge":
                pen.setDashPattern([9, 6])
            painter.setPen(pen)
            y = round(y_of(force_n))
            painter.drawLine(0, y, width, y)
        painter.end()
        return ground


class _Marks:
    """Hatches, peaks with their values, the cursor and the now-line, over the curve."""

    def __init__(self) -> None:
        self.theme = DARK
        self.top_n = 10.0
        self.sizes = COMPACT
        self.hatches: tuple[Hatch, ...] = ()
        self.peaks: tuple[Peak, ...] = ()
        self.cursor: tuple[float, float | None, str] | None = None
        self._stamps: dict[tuple[object, ...], QPixmap] = {}

    def paint(self, painter: QPainter, pixels: QRect, ratio: float) -> None:
        """Paint over the curve in `pixels`."""
        area = QRectF(pixels)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

        def x_of(seconds: float) -> float:
            return area.left() + (seconds + SPAN_S) / SPAN_S * area.width()

        def y_of(force_n: float) -> float:
            return area.bottom() - min(force_n, self.top_n) / self.top_n * area.height()

        for hatch in self.hatches:
            self._paint_hatch(painter, hatch, QRectF(x_of(hatch.start_s), area.top(), 0, area.height()), x_of)
        for peak in self.peaks:
            self._paint_peak(painter, peak, QPointF(x_of(peak.age_s), y_of(peak.force_n)), area, ratio)
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

    def _paint_peak(self, painter: QPainter, peak: Peak, at: QPointF, area: QRectF, ratio: float) -> None:
        radius = self.sizes.peak * (1.0 if peak.recent else 0.7)
        x, y = at.x(), max(at.y(), area.top() + radius * 1.2)
        text = force_text(peak.force_n) if peak.recent else ""
        weight = 700 if peak.newest else 400
        leftwards = x + radius * 1.75 + width_of(text, self.sizes.near, weight) > area.right() - 2
        beside = y - radius * 0.55 - self.sizes.near < area.top()
        stamp = self._stamp(peak.shape, radius, text, weight, leftwards, beside, ratio)
        size = stamp.deviceIndependentSize()
        painter.drawPixmap(QPointF(x - size.width() / 2, y - size.height() / 2), stamp)

    def _stamp(
        self, shape: str, radius: float, text: str, weight: int, leftwards: bool, beside: bool, ratio: float
    ) -> QPixmap:
        """Return a peak's shape and value as a picture around its middle, made once. The value stands a little
        higher than the shape, or `beside` it where there is no room above.
        """
        key = (shape, radius, text, weight, leftwards, beside, ratio, self.theme)
        stamp = self._stamps.get(key)
        if stamp is None:
            if len(self._stamps) > STAMPS_KEPT:
                self._stamps.clear()
            stamp = self._stamps[key] = self._make_stamp(shape, radius, text, weight, leftwards, beside, ratio)
        return stamp

    def _make_stamp(
        self, shape: str, radius: float, text: str, weight: int, leftwards: bool, beside: bool, ratio: float
    ) -> QPixmap:
        near = self.sizes.near
        text_width = width_of(text, near, weight)
        half_width = radius * 1.75 + text_width + 4
        half_height = max(radius * 1.4, radius * 0.55 + near) + 3
        stamp = QPixmap(QSize(round(2 * half_width * ratio), round(2 * half_height * ratio)))
        stamp.setDevicePixelRatio(ratio)
        stamp.fill(Qt.GlobalColor.transparent)
        painter = QPainter(stamp)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.color("band" if shape == "circle" else "surface", 0.85))
        painter.drawEllipse(QPointF(half_width, half_height), radius * 1.32, radius * 1.32)
        fill, edge = shape_colors(shape, self.theme)
        paint_shape(painter, shape, half_width, half_height, radius, fill, edge)
        left = half_width - radius * 1.75 - text_width if leftwards else half_width + radius * 1.75
        baseline = half_height + (near * 0.36 if beside else -radius * 0.55)
        paint_outlined(painter, left, baseline, text, font(near, weight), self.theme)
        painter.end()
        return stamp

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


class Plot(QWidget):
    """The plot itself, opaque: it is painted per frame, and the words around it are not."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.trace, self.marks = _Trace(), _Marks()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the trace and the marks."""
        painter = QPainter(self)
        if self.trace.profile is None:
            painter.fillRect(self.rect(), self.trace.theme.color("surface"))
            return
        ratio = self.devicePixelRatioF()
        self.trace.paint(painter, self.rect(), ratio)
        self.marks.paint(painter, self.rect(), ratio)
