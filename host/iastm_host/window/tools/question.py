"""A question over the page, before something that can't be taken back: the focus is on what changes nothing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from iastm_host.app.tools_page.page import Question
from iastm_host.window.calibration.buttons import LargeButton
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import TOP, Text, height_of
from iastm_host.window.theme import Theme

_GAP = 12


class QuestionPanel(Panel):
    """Signals:
    answered(str): the name of the option.
    """

    answered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question: Question | None = None
        self.buttons: list[LargeButton] = []
        self.hide()

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        for button in self.buttons:
            button.set_style(theme, type_)
        self._arrange()

    def show_question(self, question: Question | None) -> None:
        """Show a question, or none."""
        if question == self.question:
            return
        self.question = question
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        self.setVisible(question is not None)
        if question is None:
            self.window().setFocus()
            return
        self.setAccessibleName(question.title)
        self.setAccessibleDescription(" ".join(question.sentences))
        for place, (name, label) in enumerate(question.options):
            button = LargeButton(label, self, key="" if place else "Esc")
            button.setObjectName(name)
            button.set_style(self.theme, self.type)
            button.clicked.connect(self._clicked)
            button.show()
            self.buttons.append(button)
        self.raise_()
        self._arrange()
        self.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def step(self, forward: bool) -> None:
        """Give the focus to the next answer, or the one before; it stays among them."""
        focused = self.window().focusWidget()
        place = next((place for place, button in enumerate(self.buttons) if button is focused), -1)
        self.buttons[(place + (1 if forward else -1)) % len(self.buttons)].setFocus(Qt.FocusReason.TabFocusReason)

    def cancel(self) -> None:
        """Give the answer that changes nothing."""
        if self.question is not None:
            self.answered.emit(self.question.options[0][0])

    def _clicked(self) -> None:
        self.answered.emit(self.sender().objectName())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the answers anew."""
        super().resizeEvent(event)
        self._arrange()

    # Places

    @property
    def _box(self) -> QRectF:
        base, pad = self.type.base, float(self.type.pad)
        width = min(self.width() - 2.0 * base.margin, base.near * 34.0)
        height = 2 * pad + self._words_height(width - 2 * pad) + self.type.button + base.near
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def _words_height(self, width: float) -> float:
        return sum(height_of(words, size, weight, width) + after for words, size, weight, after in self._words())

    def _words(self) -> list[tuple[str, int, int, float]]:
        if self.question is None:
            return []
        near = self.type.base.near
        title = (self.question.title, round(self.type.title * 0.75), 700, near * 0.6)
        return [title, *((words, near, 400, near * 0.35) for words in self.question.sentences)]

    def _arrange(self) -> None:
        if self.question is None:
            return
        box, pad = self._box, self.type.pad
        top = round(box.bottom() - pad - self.type.button)
        right = round(box.right() - pad)
        for button in reversed(self.buttons):
            width = button.sizeHint().width()
            right -= width
            button.setGeometry(right, top, width, self.type.button)
            right -= _GAP
        self.update()

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        box, pad = self._box, float(self.type.pad)
        left, width, top = box.left() + pad, box.width() - 2 * pad, box.top() + pad
        found = []
        for words, size, weight, after in self._words():
            height = height_of(words, size, weight, width)
            token = "text" if weight == 700 else "text2"
            found.append(Text(QRectF(left, top, width, height), words, size, weight, token, TOP, wraps=True))
            top += height + after
        return tuple(found)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the shade over the page, the box and its words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.fillRect(self.rect(), self.theme.color("bg", 0.82))
        painter.setPen(QPen(self.theme.color("text"), 2.5))
        painter.setBrush(self.theme.color("surface"))
        painter.drawRoundedRect(self._box, 10, 10)
        for text in self.texts():
            text.paint(painter, self.theme)
