"""A page of words over the window: where limits come from, what a run came to, what went wrong."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.live_view import Panel
from iastm_host.window.fonts import fitted_size, font
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.theme import DARK, Theme


class Overlay(QWidget):
    """A panel in the middle of the window, the view dimmed behind it.

    Signals:
        left(): the panel was clicked away.
    """

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes = DARK, COMPACT
        self._panel: Panel | None = None
        self.hide()

    @property
    def panel(self) -> Panel | None:
        """What is shown, None where nothing is."""
        return self._panel

    def set_style(self, theme: Theme, sizes: Sizes) -> None:
        """Use these colours and sizes."""
        self._theme, self._sizes = theme, sizes
        self.update()

    def show_panel(self, panel: Panel | None) -> None:
        """Show a panel, or none."""
        if panel == self._panel:
            return
        self._panel = panel
        self.setVisible(panel is not None)
        self.setAccessibleName("" if panel is None else panel.title)
        self.raise_()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Say that the panel was clicked away."""
        self.left.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the panel, as large as it fits."""
        if self._panel is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        shade = QColor(self._theme.color("bg"))
        shade.setAlphaF(0.82)
        painter.fillRect(self.rect(), shade)
        for fitted in range(self._sizes.near + 2, 9, -1):
            box, rows = self._measured(self._panel, fitted)
            if box.height() <= self.height() - 32:
                break
        self._paint_panel(painter, box, rows, self._panel, fitted)

    def _measured(self, panel: Panel, size: int) -> tuple[QRectF, list[float]]:
        """Return the panel's rectangle and each row's height for text of that size."""
        width = min(self.width() - 32.0, 62.0 * size)
        metrics = QFontMetricsF(font(size))
        text_width = width - 2 * size * 1.6 - size * 8
        room = QRectF(0, 0, text_width, 1e6)
        rows = [
            metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, text).height() + size * 0.7 for _, text in panel.rows
        ]
        height = sum(rows) + size * 8.2
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height), rows

    def _paint_panel(self, painter: QPainter, box: QRectF, rows: list[float], panel: Panel, size: int) -> None:
        theme = self._theme
        painter.setPen(QPen(theme.color("edge"), 1.5))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(box, 10, 10)
        pad = size * 1.6
        title = fitted_size(panel.title, round(size * 1.7), 700, int(box.width() - 2 * pad))
        painter.setFont(font(title, 700))
        painter.setPen(theme.color("text"))
        head = QRectF(box.left() + pad, box.top() + pad, box.width() - 2 * pad, size * 2.4)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, panel.title)
        y = head.bottom() + size * 0.6
        for (label, text), height in zip(panel.rows, rows, strict=True):
            painter.setFont(font(size))
            painter.setPen(theme.color("text2"))
            painter.drawText(QRectF(head.left(), y, size * 7.6, height), Qt.AlignmentFlag.AlignLeft, label)
            painter.setPen(theme.color("text"))
            painter.drawText(
                QRectF(head.left() + size * 8, y, head.width() - size * 8, height), Qt.TextFlag.TextWordWrap, text
            )
            y += height
        painter.setFont(font(size))
        painter.setPen(theme.color("text2"))
        foot = QRectF(head.left(), box.bottom() - size * 2.7, head.width(), size * 1.6)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, panel.foot)
