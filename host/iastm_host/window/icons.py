"""Line icons on a 24-unit grid, drawn from lines, arcs and circles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

Strokes = tuple[tuple[float, float], ...]


class _Icon(NamedTuple):
    """What is stroked and what is filled."""

    line: QPainterPath
    solid: QPainterPath


def _lines(path: QPainterPath, *runs: Strokes) -> None:
    for run in runs:
        path.moveTo(*run[0])
        for point in run[1:]:
            path.lineTo(*point)


def _arc(path: QPainterPath, x: float, y: float, radius: float, start_deg: float, sweep_deg: float) -> None:
    box = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
    path.arcMoveTo(box, start_deg)
    path.arcTo(box, start_deg, sweep_deg)


def _dot(path: QPainterPath, x: float, y: float, radius: float) -> None:
    path.addEllipse(QPointF(x, y), radius, radius)


def _link(icon: _Icon) -> None:
    for radius in (4.6, 8.8, 13.0):
        _arc(icon.line, 12, 19.6, radius, 48, 84)
    _dot(icon.solid, 12, 19.4, 1.5)


def _nolink(icon: _Icon) -> None:
    _link(icon)
    _lines(icon.line, ((4, 3), (20, 21)))


def _usb(icon: _Icon) -> None:
    icon.line.addRoundedRect(QRectF(7, 3, 10, 7), 1, 1)
    _lines(icon.line, ((5, 10), (19, 10), (19, 16), (15.5, 20), (8.5, 20), (5, 16), (5, 10)))


def _rec(icon: _Icon) -> None:
    icon.line.addEllipse(QPointF(12, 12), 9, 9)
    _dot(icon.solid, 12, 12, 4.6)


def _norec(icon: _Icon) -> None:
    icon.line.addEllipse(QPointF(12, 12), 9, 9)
    _lines(icon.line, ((5.6, 5.6), (18.4, 18.4)))


def _battery(fill_width: float) -> Callable[[_Icon], None]:
    def draw(icon: _Icon) -> None:
        icon.line.addRoundedRect(QRectF(2, 7, 17.5, 10), 2, 2)
        _lines(icon.line, ((22, 10.5), (22, 13.5)))
        icon.solid.addRect(QRectF(4.2, 9.2, fill_width, 5.6))

    return draw


def _horn(icon: _Icon) -> None:
    _lines(icon.line, ((4, 9.5), (7.5, 9.5), (12, 5.5), (12, 18.5), (7.5, 14.5), (4, 14.5), (4, 9.5)))


def _sound(icon: _Icon) -> None:
    _horn(icon)
    _arc(icon.line, 12.5, 12, 4.4, -42, 84)
    _arc(icon.line, 12.5, 12, 8.2, -42, 84)


def _mute(icon: _Icon) -> None:
    _horn(icon)
    _lines(icon.line, ((16, 9.5), (21, 14.5)), ((21, 9.5), (16, 14.5)))


def _check(icon: _Icon) -> None:
    _lines(icon.line, ((4.5, 12.5), (9.5, 17.5), (19.5, 6.5)))


def _warn(icon: _Icon) -> None:
    _lines(icon.line, ((12, 3.5), (22, 20.5), (2, 20.5), (12, 3.5)), ((12, 10), (12, 15)))
    _dot(icon.solid, 12, 17.8, 1.1)


def _info(icon: _Icon) -> None:
    icon.line.addEllipse(QPointF(12, 12), 9, 9)
    _lines(icon.line, ((12, 11), (12, 16.5)))
    _dot(icon.solid, 12, 7.6, 1.2)


def _stop(icon: _Icon) -> None:
    _lines(
        icon.line,
        ((8.2, 3), (15.8, 3), (21, 8.2), (21, 15.8), (15.8, 21), (8.2, 21), (3, 15.8), (3, 8.2), (8.2, 3)),
        ((12, 7.5), (12, 13.5)),
    )
    _dot(icon.solid, 12, 16.6, 1.2)


def _sync(icon: _Icon) -> None:
    _arc(icon.line, 12, 12, 8, 180, -142)
    _lines(icon.line, ((20, 3.6), (20, 8.8), (14.8, 8.8)))
    _arc(icon.line, 12, 12, 8, 0, -142)
    _lines(icon.line, ((4, 20.4), (4, 15.2), (9.2, 15.2)))


def _play(icon: _Icon) -> None:
    _lines(icon.solid, ((7, 4.5), (7, 19.5), (19, 12), (7, 4.5)))


def _pause(icon: _Icon) -> None:
    _lines(icon.line, ((8.5, 5), (8.5, 19)), ((15.5, 5), (15.5, 19)))


ICONS: dict[str, Callable[[_Icon], None]] = {
    "link": _link,
    "nolink": _nolink,
    "usb": _usb,
    "rec": _rec,
    "norec": _norec,
    "bat": _battery(10.6),
    "batlow": _battery(2.6),
    "sound": _sound,
    "mute": _mute,
    "check": _check,
    "warn": _warn,
    "info": _info,
    "stop": _stop,
    "sync": _sync,
    "play": _play,
    "pause": _pause,
}


@lru_cache(maxsize=64)
def icon_paths(name: str) -> tuple[QPainterPath, QPainterPath]:
    """Return what is stroked and what is filled of icon `name`."""
    icon = _Icon(QPainterPath(), QPainterPath())
    ICONS[name](icon)
    return icon


def paint_icon(
    painter: QPainter, name: str, x: float, y: float, size: float, color: QColor, width: float = 1.9
) -> None:
    """Paint an icon with its upper left corner at (x, y)."""
    line, solid = icon_paths(name)
    painter.save()
    painter.translate(x, y)
    painter.scale(size / 24, size / 24)
    pen = QPen(color, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(line, pen)
    painter.fillPath(solid, color)
    painter.restore()
