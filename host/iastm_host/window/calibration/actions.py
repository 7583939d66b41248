"""The row of buttons: ways back at the left, the next thing at the right, a line of words between."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from iastm_host.window.calibration.buttons import LargeButton
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import RIGHT, Text, size_within
from iastm_host.window.theme import Theme

_GAP = 12
_AT_THE_RIGHT = ("take", "start", "keep", "done", "certificate", "close")


class ActionRow(Panel):
    """Buttons by name; what is not offered is hidden, what can't be done now is dimmed.

    Signals:
        chosen(str): the name of the button that was pressed.
    """

    chosen = Signal(str)
    grounded = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._footer = ""
        # In the order of Tab: the next thing first.
        self.buttons = {
            "take": LargeButton("Take point", self, key="Enter", primary=True),
            "start": LargeButton("Start", self, key="Enter", primary=True),
            "keep": LargeButton("Save and write", self, key="Enter", primary=True),
            "certificate": LargeButton("Save certificate", self),
            "close": LargeButton("Close", self),
            "done": LargeButton("Close", self, key="Enter", primary=True),
            "back": LargeButton("Back", self),
            "repeat": LargeButton("Repeat last point", self),
        }
        for button in self.buttons.values():
            button.clicked.connect(self._clicked)
            button.hide()

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        for button in self.buttons.values():
            button.set_style(theme, type_)
        self._arrange()

    def offer(self, offered: dict[str, bool], labels: dict[str, str], footer: str) -> None:
        """Offer buttons: name to whether it can be pressed now. `labels` rename some."""
        changed = footer != self._footer
        self._footer = footer
        for name, button in self.buttons.items():
            before = (button.isHidden(), button.isEnabled(), button.text())
            shown, enabled = name in offered, offered.get(name, False)
            if self.window().focusWidget() is button and not (shown and enabled):
                # Qt would hand the focus on to whatever comes next, and Enter with it.
                self.window().setFocus()
            button.setVisible(shown)
            button.setEnabled(enabled)
            button.set_label(labels.get(name, button.text()))
            changed = changed or before != (button.isHidden(), button.isEnabled(), button.text())
        if changed:
            self._arrange()

    def _clicked(self) -> None:
        sender = self.sender()
        for name, button in self.buttons.items():
            if button is sender:
                self.chosen.emit(name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the buttons anew."""
        super().resizeEvent(event)
        self._arrange()

    def _shown(self, *names: str) -> list[LargeButton]:
        return [self.buttons[name] for name in names if not self.buttons[name].isHidden()]

    def _arrange(self) -> None:
        left = 0
        for button in self._shown("back", "repeat"):
            width = button.sizeHint().width()
            button.setGeometry(left, 0, width, self.height())
            left += width + _GAP
        right = self.width()
        for button in self._shown(*_AT_THE_RIGHT):
            width = button.sizeHint().width()
            right -= width
            button.setGeometry(right, 0, width, self.height())
            right -= _GAP
        self.update()

    def _between(self) -> QRectF:
        """Return the place that the buttons leave."""
        lefts = [button.geometry().right() + 1 for button in self._shown("back", "repeat")]
        rights = [button.geometry().left() for button in self._shown(*_AT_THE_RIGHT)]
        left, right = max(lefts, default=0) + _GAP, min(rights, default=self.width()) - _GAP
        return QRectF(left, 0, max(0, right - left), self.height())

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        room = self._between()
        if not self._footer or room.width() < 40:
            return ()
        size = size_within(self._footer, self.type.base.near, 400, room.width(), room.height())
        align = RIGHT if room.left() > _GAP else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return (Text(room, self._footer, size, 400, "text2", align, wraps=True),)
