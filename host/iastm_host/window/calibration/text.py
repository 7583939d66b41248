"""Words with their places: laid out first and painted after, so that what would be cut can be found out beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from iastm_host.window.fonts import elided, font
from iastm_host.window.theme import Theme

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter
TOP = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop

SMALLEST = 13
"""Words are never smaller than this, in pixels."""
_ENDLESS = 1e6


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a rectangle. `size` is in pixels, `weight` 400, 600 or 700, `token` a colour of the theme.

    wraps: may stand on several lines. elides: may be cut with an ellipsis, which is for names only.
    """

    rect: QRectF
    words: str
    size: int
    weight: int = 400
    token: str = "text"
    align: Qt.AlignmentFlag = LEFT
    wraps: bool = False
    elides: bool = False

    @property
    def needed(self) -> QSizeF:
        """The size that the words take."""
        width = self.rect.width() if self.wraps else _ENDLESS
        return QSizeF(*extent(self.words, self.size, self.weight, width))

    @property
    def fits(self) -> bool:
        """Whether nothing of the words is cut."""
        needed = self.needed
        across = self.elides or needed.width() <= self.rect.width() + 0.5
        return across and needed.height() <= self.rect.height() + 0.5

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """Paint the words."""
        made = font(self.size, self.weight)
        painter.setFont(made)
        painter.setPen(theme.color(self.token))
        if self.wraps:
            wrap = _wrap(self.words, self.size, self.weight, self.rect.width())
            painter.drawText(self.rect, self.align | wrap, self.words)
        else:
            words = elided(self.words, made, self.rect.width()) if self.elides else self.words
            painter.drawText(self.rect, self.align | Qt.TextFlag.TextSingleLine, words)


@lru_cache(maxsize=512)
def extent(words: str, size: int, weight: int, width: float) -> tuple[float, float]:
    """Return width and height in pixels of words that wrap at `width`."""
    metrics = QFontMetricsF(font(size, weight))
    if width >= _ENDLESS:
        return metrics.horizontalAdvance(words), metrics.height()
    box = metrics.boundingRect(QRectF(0, 0, width, _ENDLESS), _wrap(words, size, weight, width), words)
    return box.width(), max(box.height(), metrics.height())


@lru_cache(maxsize=512)
def _wrap(words: str, size: int, weight: int, width: float) -> Qt.TextFlag:
    """Return how words wrap: between them, and within them only where one is wider than the line, as a path may be."""
    metrics = QFontMetricsF(font(size, weight))
    box = metrics.boundingRect(QRectF(0, 0, width, _ENDLESS), Qt.TextFlag.TextWordWrap, words)
    return Qt.TextFlag.TextWordWrap if box.width() <= width else Qt.TextFlag.TextWrapAnywhere


@lru_cache(maxsize=256)
def size_within(words: str, size: int, weight: int, width: float, height: float) -> int:
    """Return the largest size up to `size` at which wrapped words fit whole, not below `SMALLEST`."""
    for smaller in range(size, SMALLEST, -1):
        whole = _wrap(words, smaller, weight, width) == Qt.TextFlag.TextWordWrap
        if whole and extent(words, smaller, weight, width)[1] <= height:
            return smaller
    return SMALLEST


def height_of(words: str, size: int, weight: int, width: float) -> float:
    """Return the height in pixels of words that wrap at `width`, 0 for none."""
    return extent(words, size, weight, width)[1] if words else 0.0


def line_height(size: int, weight: int = 400) -> float:
    """Return the height of one line in pixels."""
    return QFontMetricsF(font(size, weight)).height()


def paint_all(painter: QPainter, texts: Sequence[Text], theme: Theme) -> None:
    """Paint every text."""
    for text in texts:
        text.paint(painter, theme)
