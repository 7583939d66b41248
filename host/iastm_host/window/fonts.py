"""Fonts: the system's, Inter where it is installed, with figures of equal width; text fitted once, never per value."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF

FITTED_FLOOR = 0.4
"""Text is never shrunk below this share of its size; beyond it is cut with an ellipsis."""


@lru_cache(maxsize=1)
def family() -> str:
    """Return the family that the interface uses. Needs a QGuiApplication."""
    if "Inter" in QFontDatabase.families():
        return "Inter"
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()


@lru_cache(maxsize=256)
def font(pixel_size: int, weight: int = 400, spacing: float = 0.0) -> QFont:
    """Return the interface's font; weight is 400, 600 or 700, spacing in pixels per letter."""
    made = QFont(family())
    made.setPixelSize(max(1, pixel_size))
    made.setWeight(QFont.Weight(weight))
    made.setFeature(QFont.Tag("tnum"), 1)
    if spacing:
        made.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, spacing)
    return made


@lru_cache(maxsize=256)
def width_of(text: str, pixel_size: int, weight: int = 400, spacing: float = 0.0) -> float:
    """Return the width of `text` in pixels."""
    return QFontMetricsF(font(pixel_size, weight, spacing)).horizontalAdvance(text)


@lru_cache(maxsize=256)
def fitted_size(text: str, pixel_size: int, weight: int, width: int) -> int:
    """Return the largest size up to `pixel_size` at which `text` is no wider than `width` pixels."""
    natural = width_of(text, pixel_size, weight)
    if natural <= width:
        return pixel_size
    return max(round(pixel_size * FITTED_FLOOR), int(pixel_size * width / natural))


def elided(text: str, made: QFont, width: float) -> str:
    """Return `text`, cut with an ellipsis where it is wider than `width` pixels."""
    return QFontMetricsF(made).elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, width))
