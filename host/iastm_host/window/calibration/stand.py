"""The drawing of the stand: a tool in its clamp, its tip at an angle, and what hangs on it or must not.

Everything is drawn on a grid of 272 × 300 units. The tip stays at its height whatever the angle: the clamp moves along
the pole instead, so that the weight is where it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from iastm_host.window.calibration.text import CENTRE
from iastm_host.window.fonts import fitted_size, font
from iastm_host.window.theme import Theme

_WIDTH, _HEIGHT = 272.0, 300.0
_PIVOT_X, _TIP_Y = 68.0, 92.0
# From the pivot in the clamp to the end of the tip, the tool level.
_TIP_AT = QPointF(122.0, 45.0)
_FREE = "nothing touches"
_WEIGHT = QRectF(-46, 74, 92, 76)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the drawing shows. `action` is hang, press, turn, seat, free, warm or rest; `label` names the load."""

    action: str
    label: str
    angle_deg: float


def paint_stand(painter: QPainter, rect: QRectF, scene: Scene, theme: Theme) -> None:
    """Paint the scene as large as fits into `rect`, in its upper left corner."""
    scale = min(rect.width() / _WIDTH, rect.height() / _HEIGHT)
    painter.save()
    painter.translate(rect.topLeft())
    painter.scale(scale, scale)
    tilt = math.radians(90.0 - scene.angle_deg)
    pivot_y = _pivot_y(tilt)
    tip = QPointF(_PIVOT_X + _TIP_AT.x() * math.cos(tilt) + _TIP_AT.y() * math.sin(tilt), _TIP_Y)
    _paint_pole(painter, pivot_y, theme)
    _paint_tool(painter, pivot_y, math.degrees(tilt), theme)
    if scene.angle_deg < 89.5:
        _paint_angle(painter, tip, scene.angle_deg, theme)
    _ACTIONS.get(scene.action, _paint_nothing)(painter, tip, scene, theme)
    painter.restore()


def _pivot_y(tilt: float) -> float:
    """Return the height of the clamp at which the tip is at its own, for a tilt in radians."""
    return _TIP_Y + _TIP_AT.x() * math.sin(tilt) - _TIP_AT.y() * math.cos(tilt)


def _pen(theme: Theme, token: str, width: float) -> QPen:
    pen = QPen(theme.color(token), width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen


def _paint_pole(painter: QPainter, pivot_y: float, theme: Theme) -> None:
    painter.setPen(_pen(theme, "edge", 6))
    painter.drawLine(QPointF(20, 290), QPointF(20, min(pivot_y, _TIP_Y - _TIP_AT.y()) - 14))
    painter.drawLine(QPointF(20, pivot_y), QPointF(54, pivot_y))
    painter.drawLine(QPointF(6, 292), QPointF(126, 292))


def _paint_tool(painter: QPainter, pivot_y: float, tilt_deg: float, theme: Theme) -> None:
    painter.save()
    painter.translate(_PIVOT_X, pivot_y)
    painter.rotate(-tilt_deg)
    painter.setPen(_pen(theme, "text", 2.2))
    neck = QPainterPath(QPointF(112, 13))
    neck.cubicTo(QPointF(116, 27), QPointF(114, 35), QPointF(108, 41))
    neck.lineTo(QPointF(136, 41))
    neck.cubicTo(QPointF(132, 33), QPointF(133, 23), QPointF(136, 13))
    neck.closeSubpath()
    painter.setBrush(theme.color("raised"))
    painter.drawPath(neck)
    painter.setBrush(theme.color("surface"))
    painter.drawRoundedRect(QRectF(16, -13, 120, 26), 11, 11)
    painter.setBrush(theme.color("raised"))
    painter.drawRoundedRect(QRectF(38, -6, 46, 12), 3, 3)
    painter.drawRoundedRect(QRectF(-18, -15, 36, 30), 4, 4)
    painter.restore()


def _paint_angle(painter: QPainter, tip: QPointF, angle_deg: float, theme: Theme) -> None:
    """Mark the angle between the measuring axis and the horizontal, right below the tip."""
    radius = 44.0
    pen = _pen(theme, "edge", 1.6)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    turn = math.radians(angle_deg)
    painter.drawLine(tip, tip + QPointF(radius + 16, 0))
    painter.drawLine(tip, tip + QPointF(math.cos(turn), math.sin(turn)) * (radius + 16))
    painter.setPen(_pen(theme, "text", 1.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    box = QRectF(tip.x() - radius, tip.y() - radius, 2 * radius, 2 * radius)
    painter.drawArc(box, 0, round(-angle_deg * 16))
    middle = tip + QPointF(math.cos(turn / 2), math.sin(turn / 2)) * (radius + 20)
    painter.setFont(font(17, 700))
    painter.drawText(QRectF(middle.x() - 30, middle.y() - 14, 60, 28), CENTRE, f"{angle_deg:.0f}°")


def _paint_string(painter: QPainter, tip: QPointF, theme: Theme) -> None:
    painter.setPen(_pen(theme, "text", 2.2))
    painter.drawLine(tip, tip + QPointF(0, _WEIGHT.top()))


def _paint_arrow(painter: QPainter, foot: QPointF, head: QPointF, theme: Theme, width: float = 3.0) -> None:
    along = head - foot
    length = math.hypot(along.x(), along.y())
    unit = along / length
    painter.setPen(_pen(theme, "text", width))
    painter.drawLine(foot, head)
    _paint_barbs(painter, head, unit)


def _paint_barbs(painter: QPainter, head: QPointF, along: QPointF) -> None:
    """Paint an arrow's head that points along a unit vector, with the pen that is set."""
    side = QPointF(-along.y(), along.x())
    foot = head - along * 10
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([foot + side * 9, head, foot - side * 9]))


def _paint_weight(painter: QPainter, box: QRectF, label: str, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("text"))
    painter.drawRoundedRect(box, 7, 7)
    painter.setFont(font(fitted_size(label, 24, 700, int(box.width() - 12)), 700))
    painter.setPen(theme.color("surface"))
    painter.drawText(box, CENTRE, label)


def _paint_hang(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    _paint_string(painter, tip, theme)
    _paint_weight(painter, _WEIGHT.translated(tip), scene.label, theme)
    below = tip + QPointF(0, _WEIGHT.bottom())
    _paint_arrow(painter, below + QPointF(0, 10), below + QPointF(0, 44), theme)


def _paint_press(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """The tip on a reference gauge: its platen just below, the tool pressed down."""
    plate = QRectF(tip.x() - 54, tip.y() + 4, 108, 12)
    painter.setPen(_pen(theme, "text", 2.2))
    painter.setBrush(theme.color("raised"))
    painter.drawRoundedRect(plate, 3, 3)
    painter.drawRect(QRectF(tip.x() - 10, plate.bottom(), 20, 24))
    body = QRectF(tip.x() - 54, plate.bottom() + 24, 108, 70)
    _paint_weight(painter, body, scene.label, theme)
    painter.setPen(_pen(theme, "edge", 6))
    painter.drawLine(QPointF(body.left() - 6, 292), QPointF(body.right() + 6, 292))
    painter.drawLine(QPointF(body.center().x(), body.bottom() + 3), QPointF(body.center().x(), 292))
    above = tip + QPointF(0, -_TIP_AT.y() - 26)
    _paint_arrow(painter, above + QPointF(0, -34), above, theme)


def _paint_free(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """Nothing on the tip and nothing near it: an empty ring around it."""
    pen = _pen(theme, "text", 2.2)
    pen.setDashPattern([3, 3])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(tip + QPointF(0, -8), 42, 42)
    painter.setFont(font(fitted_size(_FREE, 17, 600, 160), 600))
    painter.drawText(QRectF(tip.x() - 80, tip.y() + 46, 160, 28), CENTRE, _FREE)


def _paint_turn(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """The tool turns in its clamp: an arrow around it."""
    pivot = QPointF(_PIVOT_X, _pivot_y(math.radians(90 - scene.angle_deg)))
    radius, start_deg, end_deg = 44.0, 84.0, 160.0
    box = QRectF(pivot.x() - radius, pivot.y() - radius, 2 * radius, 2 * radius)
    painter.setPen(_pen(theme, "text", 3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(box, round(start_deg * 16), round((end_deg - start_deg) * 16))
    turn = math.radians(end_deg)
    head = pivot + QPointF(math.cos(turn), -math.sin(turn)) * radius
    _paint_barbs(painter, head, QPointF(-math.sin(turn), -math.cos(turn)))


def _paint_seat(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """The tool comes out of its clamp and goes in again."""
    y = tip.y() - _TIP_AT.y() - 46
    _paint_arrow(painter, QPointF(96, y), QPointF(166, y), theme)
    _paint_arrow(painter, QPointF(166, y + 22), QPointF(96, y + 22), theme)
    _paint_free(painter, tip, scene, theme)


def _paint_warm(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """A clock beside the tool, which rests."""
    centre = QPointF(tip.x() - 4, tip.y() + 104)
    painter.setPen(_pen(theme, "text", 3))
    painter.setBrush(theme.color("surface"))
    painter.drawEllipse(centre, 46, 46)
    painter.drawLine(centre, centre + QPointF(0, -30))
    painter.drawLine(centre, centre + QPointF(20, 12))


def _paint_nothing(painter: QPainter, tip: QPointF, scene: Scene, theme: Theme) -> None:
    """The tool alone."""


_ACTIONS = {
    "hang": _paint_hang,
    "press": _paint_press,
    "free": _paint_free,
    "turn": _paint_turn,
    "seat": _paint_seat,
    "warm": _paint_warm,
}
