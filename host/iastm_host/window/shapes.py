"""The five shapes of force states, one unit in size around (0, 0), y downwards, and how they are painted."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from iastm_host.window.theme import Theme

CIRCLE_RADIUS = 0.43
DIAMOND_SCALE = 1.18


def _polygon(*corners: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
    path.closeSubpath()
    return path


@lru_cache(maxsize=8)
def shape_path(shape: str) -> QPainterPath:
    """Return the outline of `shape`: triangle_down, circle, triangle_up, triangle_up_hollow or diamond."""
    if shape == "triangle_down":
        return _polygon((-0.5, -0.375), (0.5, -0.375), (0.0, 0.475))
    if shape in ("triangle_up", "triangle_up_hollow"):
        return _polygon((-0.5, 0.375), (0.5, 0.375), (0.0, -0.475))
    if shape == "diamond":
        half = 0.5 * DIAMOND_SCALE
        return _polygon((0.0, -half), (half, 0.0), (0.0, half), (-half, 0.0))
    path = QPainterPath()
    path.addEllipse(QPointF(0.0, 0.0), CIRCLE_RADIUS, CIRCLE_RADIUS)
    return path


def shape_colors(shape: str, theme: Theme) -> tuple[QColor, QColor]:
    """Return fill and edge of `shape` on the chart."""
    fill, edge = {
        "triangle_down": ("light", "light"),
        "circle": ("fine", "fine"),
        "triangle_up_hollow": ("surface", "warn_edge"),
        "triangle_up": ("warn", "warn_edge"),
        "diamond": ("alarm", "alarm"),
    }[shape]
    return theme.color(fill), theme.color(edge)


def paint_shape(
    painter: QPainter, shape: str, x: float, y: float, radius: float, fill: QColor | None, edge: QColor
) -> None:
    """Paint `shape` around (x, y); without a fill only its outline."""
    painter.save()
    painter.translate(x, y)
    painter.scale(2 * radius, 2 * radius)
    pen = QPen(edge, max(1.5, radius * 0.16))
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(QBrush(Qt.BrushStyle.NoBrush) if fill is None else QBrush(fill))
    painter.drawPath(shape_path(shape))
    painter.restore()
