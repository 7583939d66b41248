"""What stands over the curve: hatches, peaks with their values, the cursor and the now-line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QPixmap

from iastm_host.app.live_view import force_text
from iastm_host.window.fonts import font, width_of
from iastm_host.window.geometry import COMPACT
from iastm_host.window.painting import paint_hatch, paint_outlined
from iastm_host.window.shapes import paint_shape, shape_colors
from iastm_host.window.theme import DARK
from iastm_host.window.trace import SPAN_S

STAMPS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Peak:
    """A stroke's peak on the chart: seconds before now (negative), newtons, state, whether it is recent.

    `clipped`: samples of the stroke were out of range, and its peak was at least this.
    """

    age_s: float
    force_n: float
    shape: str
    recent: bool
    newest: bool
    clipped: bool


@dataclass(frozen=True, slots=True)
class Hatch:
    """A stretch without usable data, in seconds before now (negative); `text` says what it is."""

    start_s: float
    end_s: float
    text: str


class Marks:
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
            box = QRectF(
                min(left, x_of(0.0) - width), rect.bottom() - metrics.height() - 8, width, metrics.height() + 4
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.color("surface"))
            painter.drawRoundedRect(box, 4, 4)
            painter.setFont(made)
            painter.setPen(self.theme.color("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, hatch.text)

    def _paint_peak(self, painter: QPainter, peak: Peak, at: QPointF, area: QRectF, ratio: float) -> None:
        radius = self.sizes.peak * (1.0 if peak.recent else 0.7)
        x, y = at.x(), max(at.y(), area.top() + radius * 1.2)
        text = ("≥ " if peak.clipped else "") + force_text(peak.force_n) if peak.recent else ""
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
