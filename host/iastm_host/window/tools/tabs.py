"""The five pages by name; the one that is shown has a line below it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from iastm_host.app.tools_page.page import TITLES
from iastm_host.window.calibration.buttons import paint_focus
from iastm_host.window.calibration.places import SMALL, Type
from iastm_host.window.calibration.text import CENTRE, Text
from iastm_host.window.fonts import width_of
from iastm_host.window.theme import LIGHT, Theme


class TabButton(QAbstractButton):
    """The name of a page."""

    def __init__(self, page: str, number: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme, self.type = LIGHT, SMALL
        self.page = page
        self.setText(TITLES[page])
        self.setAccessibleName(f"{TITLES[page]} ({number})")
        self.setToolTip(f"Key {number}")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def wanted_width(self) -> float:
        """The width of the name in its heavier weight, so that nothing moves as the page changes."""
        return width_of(self.text(), self.type.base.near, 700) + 2 * self.pad

    @property
    def pad(self) -> float:
        """What stays free beside the name."""
        return self.type.base.near * 0.85

    def texts(self) -> tuple[Text, ...]:
        """Return the name with its place."""
        weight, token = (700, "text") if self.isChecked() else (400, "text2")
        return (Text(QRectF(self.rect()), self.text(), self.type.base.near, weight, token, CENTRE),)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the name, the line and the focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for text in self.texts():
            text.paint(painter, self.theme)
        if self.isChecked():
            painter.fillRect(QRectF(0, self.height() - 3, self.width(), 3), self.theme.color("text"))
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), self.theme)


class TabRow(QWidget):
    """Signals:
    turned(str): the page that is wanted.
    """

    turned = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.type = SMALL
        self.buttons = [TabButton(page, number, self) for number, page in enumerate(TITLES, 1)]
        for button in self.buttons:
            button.clicked.connect(self._clicked)

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        self.type = type_
        for button in self.buttons:
            button.theme, button.type = theme, type_
            button.update()
        self._arrange()

    def show_page(self, page: str) -> None:
        """Mark the page that is shown."""
        for button in self.buttons:
            if button.isChecked() != (button.page == page):
                button.setChecked(button.page == page)

    def _clicked(self) -> None:
        button = self.sender()
        if isinstance(button, TabButton):
            # It stays marked although it was pressed once more.
            button.setChecked(True)
            self.turned.emit(button.page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the names anew."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wanted = [button.wanted_width for button in self.buttons]
        squeeze = min(1.0, self.width() / sum(wanted))
        left = 0.0
        for button, width in zip(self.buttons, wanted, strict=True):
            right = left + width * squeeze
            button.setGeometry(round(left), 0, round(right) - round(left), self.height())
            left = right
