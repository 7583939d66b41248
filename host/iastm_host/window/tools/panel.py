"""The page: its blocks on one ground; rows that can be chosen by arrow keys or with the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.tools_page.as_text import as_text
from iastm_host.app.tools_page.page import FAIR, GOOD, POOR, Block
from iastm_host.window.calibration.buttons import paint_focus
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.result import paint_verdict
from iastm_host.window.calibration.text import Text
from iastm_host.window.icons import paint_icon
from iastm_host.window.painting import paint_hatch
from iastm_host.window.theme import Theme
from iastm_host.window.tools.layout import Drawn, Laid, lay_out

_VERDICTS = {GOOD: "Good", FAIR: "Fair", POOR: "Poor"}


class PagePanel(Panel):
    """Signals:
    chosen(str): the row that was pressed.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._blocks: tuple[Block, ...] = ()
        self._laid = Laid()

    def show_blocks(self, title: str, blocks: Sequence[Block]) -> bool:
        """Show blocks; return whether they are others than before."""
        if tuple(blocks) == self._blocks and title == self.accessibleName():
            return False
        self._blocks = tuple(blocks)
        self.setAccessibleName(title)
        self.setAccessibleDescription(as_text(blocks))
        return True

    def arrange(self, width: int) -> int:
        """Lay the blocks out in that width, and return the height that they need."""
        self._laid = lay_out(self._blocks, width, self.type)
        has_rows = bool(self._laid.rows)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if has_rows else Qt.FocusPolicy.NoFocus)
        self.update()
        return round(self._laid.height + 0.5)

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        return tuple(self._laid.texts)

    @property
    def chosen_rect(self) -> QRectF | None:
        """Where the chosen row stands."""
        return next((rect for _, rect, chosen in self._laid.rows if chosen), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the row that is pressed."""
        for row, rect, _ in self._laid.rows:
            if rect.contains(event.position()):
                self.chosen.emit(row)
                return
        super().mousePressEvent(event)

    def draw(self, painter: QPainter) -> None:
        """Draw grounds, lines, marks and bars."""
        for drawn in self._laid.drawn:
            _DRAW[drawn.kind](painter, drawn, self.theme)
        if self.hasFocus():
            rect = self.chosen_rect
            inner = "surface" if rect is not None else ""
            paint_focus(
                painter, QRectF(self.rect()) if rect is None else rect.adjusted(-3, -3, 3, 3), self.theme, inner
            )


def _line(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    painter.setPen(QPen(theme.color("line"), 1))
    painter.drawLine(drawn.rect.topLeft(), drawn.rect.topRight())


def _chosen(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    painter.fillRect(drawn.rect, theme.color("text"))


def _frame(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    pen = QPen(theme.color("edge"), 2)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(drawn.rect.adjusted(1, 1, -1, -1), 8, 8)


def _icon(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    paint_icon(painter, drawn.name, drawn.rect.left(), drawn.rect.top(), drawn.rect.width(), theme.color(drawn.ink))


def _mark(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    if drawn.name in _VERDICTS:
        paint_verdict(painter, _VERDICTS[drawn.name], drawn.rect, theme)
        return
    pen = QPen(theme.color("text"), max(2.5, drawn.rect.width() * 0.05))
    pen.setDashPattern([3, 2.4])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(drawn.rect.adjusted(2, 2, -2, -2))


def _bar(painter: QPainter, drawn: Drawn, theme: Theme) -> None:
    rect = drawn.rect
    radius = rect.height() / 2
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    painter.save()
    painter.setClipPath(path)
    painter.fillRect(rect, theme.color("raised"))
    if drawn.share is None:
        paint_hatch(painter, rect, theme.color("edge"), None)
    else:
        filled = QRectF(rect.left(), rect.top(), rect.width() * min(1.0, max(0.0, drawn.share)), rect.height())
        painter.fillRect(filled, theme.color("text"))
    painter.restore()
    if theme.name == "contrast":
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)


_DRAW = {"line": _line, "chosen": _chosen, "frame": _frame, "icon": _icon, "mark": _mark, "bar": _bar}
