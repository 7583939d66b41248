"""The curve of force over its bands, silhouettes beneath it that fade with age."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen, QPixmap

from iastm_host.analysis.profiles import Profile
from iastm_host.window.painting import blended
from iastm_host.window.theme import DARK, Theme
from iastm_host.window.trace import SPAN_S, Polyline, runs_of

SILHOUETTE_FADE = ((0.0, 0.10), (0.55, 0.20), (1.0, 0.42))
"""How much of the text's colour lies over a silhouette, from the oldest (0) to now (1)."""
SILHOUETTE_FROM_N = 0.2
"""Below this force a silhouette would be lower than two pixels, and noise would make it ragged."""

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Band:
    """A band of the ground and its opaque colour."""

    rect: QRect
    color: QColor


class Curve:
    """Bands, silhouettes, the bands' edges and the curve, in this order.

    A picture of the bands under the silhouettes' light, fading with age, is kept. Per frame it is copied, and what lies
    above the curve is painted over it: one shape, in each band's own colour. So all fills are plain and opaque. Qt
    fills with a picture or with opacity several times as slowly, and on threads of its own, which take the cores that
    reading and deciding need.
    """

    def __init__(self) -> None:
        self.theme = DARK
        self.top_n = 10.0
        self.profile: Profile | None = None
        self.line = Polyline(np.empty(0), np.empty(0))
        self.first_age_s = 0.0
        self._made_for: tuple[object, ...] = ()
        self._bands: tuple[_Band, ...] = ()
        self._edges: tuple[tuple[int, QPen], ...] = ()
        self._silhouettes_to_y = 0.0
        self._lit = QPixmap()

    def paint(self, painter: QPainter, area: QRect, ratio: float) -> None:
        """Paint into `area`; `ratio` is how many pixels of the device make one of ours."""
        if self.profile is None or area.isEmpty():
            return
        made_for = (self.profile, self.theme, self.top_n, area, ratio)
        if made_for != self._made_for:
            self._made_for = made_for
            self._bands = _bands(self.profile, self.theme, self.top_n, area)
            self._edges = _edges(self.profile, self.theme, self.top_n, area)
            self._silhouettes_to_y = float(_y_of(np.array(SILHOUETTE_FROM_N), self.top_n, area))
            self._lit = _lit(self._bands, self.theme, area, ratio)
        x = area.left() + (self.line.seconds - self.first_age_s + SPAN_S) * (area.width() / SPAN_S)
        from_left = max(0, int(np.searchsorted(x, area.left())) - 1)
        x, force_n = x[from_left:], self.line.force_n[from_left:]
        y = _y_of(force_n, self.top_n, area)
        finite = np.isfinite(force_n)
        self._paint_silhouettes(painter, area, *_filled(x, y, finite, self._silhouettes_to_y, area))
        painter.setClipRect(area)
        for edge_y, pen in self._edges:
            painter.setPen(pen)
            painter.drawLine(area.left(), edge_y, area.right(), edge_y)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(self.theme.color("text"), 1))
        for first, end in runs_of(finite):
            painter.drawPolyline(arrayToQPolygonF(x[first:end], y[first:end]))

    def _paint_silhouettes(self, painter: QPainter, area: QRect, x: Points, y: Points) -> None:
        """Paint the bands lit below (x, y) and plain above; y is the area's bottom where there is no force."""
        left, right, top, bottom = area.left(), area.right() + 1.0, area.top(), area.bottom() + 1.0
        highest = max(top, int(y.min(initial=bottom)))
        painter.setClipRect(QRect(left, highest, area.width(), area.bottom() + 1 - highest))
        painter.drawPixmap(area.topLeft(), self._lit)
        outline_x = np.concatenate([[left, left], x[:1], x, x[-1:], [right, right]])
        outline_y = np.concatenate([[top], np.full(1 + len(x[:1]), bottom), y, np.full(1 + len(x[:1]), bottom), [top]])
        above = arrayToQPolygonF(outline_x, outline_y)
        painter.setPen(Qt.PenStyle.NoPen)
        for band in self._bands:
            painter.setClipRect(band.rect)
            if band.rect.bottom() < highest:
                painter.fillRect(band.rect, band.color)
            else:
                painter.setBrush(band.color)
                painter.drawPolygon(above)


def _y_of(force_n: Points, top_n: float, area: QRect) -> Points:
    return area.bottom() + 1 - force_n * (area.height() / top_n)


def _filled(x: Points, y: Points, finite: NDArray[np.bool_], lowest_y: float, area: QRect) -> tuple[Points, Points]:
    """Return the upper edge of what is filled: (x, y) where y is finite and above `lowest_y`, else the area's bottom;
    the sides of a gap are upright.
    """
    bottom = area.bottom() + 1.0
    edge_y = np.where(y < lowest_y, y, bottom)
    if not finite.all():
        sides = np.flatnonzero(finite[1:] != finite[:-1])
        edge_y = np.insert(edge_y, sides + 1, bottom)
        x = np.insert(x, sides + 1, np.where(finite[sides], x[sides], x[sides + 1]))
    if len(x) <= area.width():
        return x, edge_y
    # Of two points within a pixel the lower one serves the fill, so that no gap is lost; the line over it has both.
    odd = len(x) % 2
    return x[odd::2], np.maximum(edge_y[odd::2], edge_y[odd + 1 :: 2])


def _bands(profile: Profile, theme: Theme, top_n: float, area: QRect) -> tuple[_Band, ...]:
    """Return the bands from the lowest to the highest."""
    limits_n = (profile.target_low_n, profile.target_high_n, profile.warn_n, profile.alarm_n)
    edges_n = sorted({0.0, top_n, *(limit_n for limit_n in limits_n if 0 < limit_n < top_n)})
    edges_y = [round(float(y)) for y in _y_of(np.array(edges_n), top_n, area)]
    # Where a pixel of ours is no whole number of the screen's, bands that only touched would leave a seam: each reaches
    # one pixel into the next, which is painted after it.
    return tuple(
        _Band(
            QRect(area.left(), high_y - 1, area.width(), low_y - high_y + 1).intersected(area),
            _ground((low_n + high_n) / 2, profile, theme),
        )
        for (low_n, high_n), (low_y, high_y) in zip(pairwise(edges_n), pairwise(edges_y), strict=True)
    )


def _lit(bands: tuple[_Band, ...], theme: Theme, area: QRect, ratio: float) -> QPixmap:
    """Return the bands as they look under a silhouette."""
    lit = QPixmap(QSize(round(area.width() * ratio), round(area.height() * ratio)))
    lit.setDevicePixelRatio(ratio)
    lit.fill(theme.color("surface"))
    gradient = QLinearGradient(float(area.left()), 0.0, float(area.right() + 1), 0.0)
    for at, opacity in SILHOUETTE_FADE:
        gradient.setColorAt(at, theme.color("text", opacity))
    painter = QPainter(lit)
    painter.translate(-area.topLeft())
    for band in bands:
        painter.fillRect(band.rect, band.color)
    painter.fillRect(area, gradient)
    painter.end()
    return lit


def _ground(force_n: float, profile: Profile, theme: Theme) -> QColor:
    """Return the ground's colour at a force."""
    if profile.target_low_n <= force_n <= profile.target_high_n:
        return theme.color("band")
    if 0 < profile.alarm_n < force_n:
        return blended(theme.color("surface"), theme.color("alarm"), theme.alarm_tint)
    if 0 < profile.warn_n < force_n:
        return blended(theme.color("surface"), theme.color("warn"), theme.warn_tint)
    return theme.color("surface")


def _edges(profile: Profile, theme: Theme, top_n: float, area: QRect) -> tuple[tuple[int, QPen], ...]:
    """Return where the bands' edges stand and how they are drawn; warn is dashed."""
    edges = []
    for force_n, token in (
        (profile.target_low_n, "edge"),
        (profile.target_high_n, "edge"),
        (profile.warn_n, "warn_edge"),
        (profile.alarm_n, "alarm"),
    ):
        if force_n > 0:
            pen = QPen(theme.color(token), 1)
            if token == "warn_edge":
                pen.setDashPattern([9, 6])
            edges.append((round(float(_y_of(np.array(force_n), top_n, area))), pen))
    return tuple(edges)
