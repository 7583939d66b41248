"""A page of words over the window: where limits come from, what a run came to, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.live_view import Panel
from iastm_host.window.fonts import fitted_size, font
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.theme import DARK, Theme


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the panel, measured: its words, their size and the height that they need."""

    label: str
    text: str
    size: int
    height: float


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
        size = self.text_size()
        box, rows = self._measured(self._panel, size)
        self._paint_panel(painter, box, rows, self._panel, size)

    def text_size(self) -> int:
        """Return the size of the panel's lines: the largest that fits."""
        if self._panel is None:
            return self._sizes.near
        largest = self._sizes.far if self._panel.far else self._sizes.near + 2
        for size in range(largest, 10, -1):
            if self._measured(self._panel, size)[0].height() <= self.height() - 32:
                return size
        return 10

    def _measured(self, panel: Panel, size: int) -> tuple[QRectF, list[_Row]]:
        """Return the panel's rectangle and its rows for text of that size; a detail keeps its own."""
        foot = min(size, self._sizes.near + 2)
        width = min(self.width() - 32.0, 62.0 * size)
        rows = []
        for label, text, of_row in (*((*row, size) for row in panel.rows), ("", panel.detail, foot)):
            room = QRectF(0, 0, width - 2 * size * 1.6 - size * 8, 1e6)
            height = QFontMetricsF(font(of_row)).boundingRect(room, Qt.TextFlag.TextWordWrap, text).height()
            rows.append(_Row(label, text, of_row, height + of_row * 0.7 if text else 0.0))
        height = sum(row.height for row in rows) + size * 5.5 + foot * 2.7
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height), rows

    def _paint_panel(self, painter: QPainter, box: QRectF, rows: list[_Row], panel: Panel, size: int) -> None:
        theme = self._theme
        painter.setPen(QPen(theme.color("edge"), 1.5))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(box, 10, 10)
        pad = size * 1.6
        title = fitted_size(panel.title, round(size * (1.2 if panel.far else 1.7)), 700, int(box.width() - 2 * pad))
        painter.setFont(font(title, 700))
        painter.setPen(theme.color("text"))
        head = QRectF(box.left() + pad, box.top() + pad, box.width() - 2 * pad, size * 2.4)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, panel.title)
        y = head.bottom() + size * 0.6
        for row in rows:
            painter.setFont(font(row.size))
            painter.setPen(theme.color("text2"))
            painter.drawText(QRectF(head.left(), y, size * 7.6, row.height), Qt.AlignmentFlag.AlignLeft, row.label)
            painter.setPen(theme.color("text" if row.label else "text2"))
            text = QRectF(head.left() + size * 8, y, head.width() - size * 8, row.height)
            painter.drawText(text, Qt.TextFlag.TextWordWrap, row.text)
            y += row.height
        foot = min(size, self._sizes.near + 2)
        painter.setFont(font(foot))
        painter.setPen(theme.color("text2"))
        line = QRectF(head.left(), box.bottom() - foot * 2.7, head.width(), foot * 1.6)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, panel.foot)
