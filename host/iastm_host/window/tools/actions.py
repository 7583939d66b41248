"""The row of buttons: what is most likely wanted at the right, the rest at the left, a line of words between."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from iastm_host.app.tools_page.page import Action
from iastm_host.window.calibration.buttons import LargeButton
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import RIGHT, Text, size_within
from iastm_host.window.theme import Theme

_GAP = 12


class ToolActions(Panel):
    """Signals:
    chosen(str): the name of the action whose button was pressed.
    """

    chosen = Signal(str)
    grounded = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions: tuple[Action, ...] = ()
        self._footer = ""
        self.buttons: dict[str, LargeButton] = {}

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        for button in self.buttons.values():
            button.set_style(theme, type_)
        self._arrange()

    def offer(self, actions: Sequence[Action], footer: str) -> None:
        """Offer actions; what can't be done now is dimmed."""
        if (tuple(actions), footer) == (self._actions, self._footer):
            return
        self._actions, self._footer = tuple(actions), footer
        wanted = {action.name: action for action in actions}
        for name, button in self.buttons.items():
            if name not in wanted:
                self._let_go(button)
                button.hide()
        before: QWidget = self
        for action in actions:
            button = self._button(action)
            if button.isEnabled() and not action.enabled:
                self._let_go(button)
            button.setEnabled(action.enabled)
            button.primary = action.primary and action.enabled
            button.set_label(action.label)
            button.show()
            self.setTabOrder(before, button)
            before = button
        self._arrange()

    def _button(self, action: Action) -> LargeButton:
        if action.name not in self.buttons:
            button = LargeButton(action.label, self, key=action.key)
            button.setObjectName(action.name)
            button.set_style(self.theme, self.type)
            button.clicked.connect(self._clicked)
            button.setAttribute(Qt.WidgetAttribute.WA_Hover)
            button.installEventFilter(self.window())
            self.buttons[action.name] = button
        return self.buttons[action.name]

    def _let_go(self, button: LargeButton) -> None:
        """Give the focus to the window: Qt would hand it on to whatever comes next, and Enter with it."""
        if self.window().focusWidget() is button:
            self.window().setFocus()

    def _clicked(self) -> None:
        self.chosen.emit(self.sender().objectName())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the buttons anew."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Place the buttons. What has no room loses the picture of its key first, then is left to its key alone."""
        shown = [(action, self.buttons[action.name]) for action in self._actions]
        for action, button in shown:
            button.key = action.key
            button.set_label(action.label)
        if self._needed(shown) > self.width():
            for _, button in shown:
                button.key = ""
        while len(shown) > 1 and self._needed(shown) > self.width():
            # The last one that isn't wanted most.
            dropped = next(pair for pair in reversed(shown) if not pair[0].primary and pair[0].name != "stop")
            shown.remove(dropped)
            self._let_go(dropped[1])
            dropped[1].hide()
        right, left = self.width(), 0
        for action, button in shown:
            width = button.sizeHint().width()
            if action.primary:
                right -= width
                button.setGeometry(right, 0, width, self.height())
                right -= _GAP
            else:
                button.setGeometry(left, 0, width, self.height())
                left += width + _GAP
            button.show()
            button.update()
        self.update()

    def _needed(self, shown: Sequence[tuple[Action, LargeButton]]) -> int:
        return sum(button.sizeHint().width() + _GAP for _, button in shown) - _GAP

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        shown = [(action, self.buttons[action.name]) for action in self._actions]
        lefts = [button.geometry().right() + 1 for action, button in shown if not action.primary and button.isVisible()]
        rights = [button.geometry().left() for action, button in shown if action.primary and button.isVisible()]
        left, right = max(lefts, default=0) + _GAP, min(rights, default=self.width()) - _GAP
        room = QRectF(left, 0, max(0, right - left), self.height())
        if not self._footer or room.width() < 120:
            return ()
        size = size_within(self._footer, self.type.base.near, 400, room.width(), room.height())
        text = Text(room, self._footer, size, 400, "text2", RIGHT, wraps=True)
        return (text,) if text.fits else ()
