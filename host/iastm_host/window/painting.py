"""Painting that several panels share."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from iastm_host.window.theme import Theme

HATCH_STEP = 11


def paint_hatch(painter: QPainter, rect: QRectF, color: QColor, ground: QColor | None, step: int = HATCH_STEP) -> None:
    """Fill `rect` with diagonal lines `step` pixels apart, on a ground where one is given; the lines stand still while
    the rectangle moves.
    """
    painter.save()
    painter.setClipRect(rect)
    if ground is not None:
        painter.fillRect(rect, ground)
    painter.setPen(QPen(color, 1.5))
    spacing = step * math.sqrt(2)
    x = math.floor((rect.left() - rect.height()) / spacing) * spacing
    while x < rect.right():
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x + rect.height(), rect.top()))
        x += spacing
    painter.restore()


def paint_outlined(painter: QPainter, x: float, baseline: float, text: str, made: QFont, theme: Theme) -> None:
    """Paint text with a rim of the surface's colour, so that it reads over curve and bands."""
    path = QPainterPath()
    path.addText(QPointF(x, baseline), made, text)
    rim = QPen(theme.color("surface"), 4)
    rim.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, rim)
    painter.fillPath(path, theme.color("text"))


def blended(ground: QColor, over: QColor, opacity: float) -> QColor:
    """Return the opaque colour that `over` gives on `ground` where it is so opaque (0 to 1)."""

    def mixed(below: float, above: float) -> float:
        return below * (1 - opacity) + above * opacity

    return QColor.fromRgbF(
        mixed(ground.redF(), over.redF()), mixed(ground.greenF(), over.greenF()), mixed(ground.blueF(), over.blueF())
    )
