"""The plot: the curve over its bands, the marks over the curve. All of it moves and is painted per frame."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from iastm_host.window.curve import Curve
from iastm_host.window.marks import Marks


class Plot(QWidget):
    """The plot itself, opaque: it is painted per frame, and the words around it are not."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.curve, self.marks = Curve(), Marks()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the curve and the marks."""
        painter = QPainter(self)
        if self.curve.profile is None:
            painter.fillRect(self.rect(), self.curve.theme.color("surface"))
            return
        ratio = self.devicePixelRatioF()
        self.curve.paint(painter, self.rect(), ratio)
        self.marks.paint(painter, self.rect(), ratio)
