"""A panel of the wizard: a ground, words that know whether they fit, and what is drawn between them."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.window.calibration.places import SMALL, Type
from iastm_host.window.calibration.text import Text, paint_all
from iastm_host.window.theme import LIGHT, Theme


class Panel(QWidget):
    """What all panels share. A subclass says its `texts` and draws the rest; both follow from what it was shown."""

    grounded = True
    """Whether the panel has a ground of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.type = LIGHT, SMALL

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        self.theme, self.type = theme, type_
        self.update()

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places, as they are painted."""
        return ()

    def draw(self, painter: QPainter) -> None:
        """Draw what is no words."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground, what is drawn and the words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self.grounded:
            paint_ground(painter, QRectF(self.rect()), self.theme)
        self.draw(painter)
        paint_all(painter, self.texts(), self.theme)


def paint_ground(painter: QPainter, rect: QRectF, theme: Theme) -> None:
    """Paint a panel's ground; where surfaces don't differ from what lies behind it has a frame."""
    contrast = theme.name == "contrast"
    painter.setPen(QPen(theme.color("line"), 1) if contrast else Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("surface"))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5) if contrast else rect, 10, 10)
