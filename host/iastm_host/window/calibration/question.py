"""A question in the page, not over it: what happened, two or three large answers, and a note."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from iastm_host.app.calibrating.snapshot import QuestionView
from iastm_host.window.calibration.buttons import LargeButton, paint_focus
from iastm_host.window.calibration.fields import style_field
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import TOP, Text, height_of, size_within
from iastm_host.window.theme import Theme

NOTE_NAME = "Note"
_PAD = 14.0
_BESIDE_FROM = 520
"""From this width on the answers stand beside the words."""


class QuestionStrip(Panel):
    """Signals:
    answered(str, str): the id of the answer, and the note.
    """

    answered = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question: QuestionView | None = None
        self.buttons: list[LargeButton] = []
        self.note = QLineEdit(self)
        self.note.setAccessibleName(NOTE_NAME)
        self.note.setPlaceholderText(NOTE_NAME)
        self.note.setMaxLength(200)
        self.note.returnPressed.connect(self._leave_note)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        style_field(self.note, theme, type_)
        for button in self.buttons:
            button.set_style(theme, type_)
        self.arrange()

    def show_question(self, question: QuestionView | None) -> bool:
        """Show a question, or none; tell whether it is another one than before."""
        if question == self.question:
            return False
        had_focus = self._holds_focus()
        self.question = question
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        self.note.clear()
        self.setVisible(question is not None)
        if question is None:
            if had_focus:
                self.window().setFocus()
            return True
        self.setAccessibleName(question.text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        for number, (_, label) in enumerate(question.options, 1):
            button = LargeButton(label, self, key=str(number))
            button.set_style(self.theme, self.type)
            button.clicked.connect(self._clicked)
            button.show()
            self.buttons.append(button)
        self.note.setVisible(question.wants_note)
        before: QWidget = self
        for widget in (*self.buttons, self.note):
            self.setTabOrder(before, widget)
            before = widget
        self.arrange()
        return True

    def answer(self, number: int) -> None:
        """Give the answer of that number, from 1; nothing where there is none."""
        if self.question is not None and 1 <= number <= len(self.question.options):
            self.answered.emit(self.question.options[number - 1][0], self.note.text().strip())

    def _holds_focus(self) -> bool:
        return self.window().focusWidget() in (self, self.note, *self.buttons)

    def _clicked(self) -> None:
        button = self.sender()
        if isinstance(button, LargeButton):
            self.answer(self.buttons.index(button) + 1)

    def _leave_note(self) -> None:
        """Enter ends the note; what becomes of it is said by an answer."""
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave every key to the window."""
        event.ignore()

    # Places

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place buttons and note anew."""
        super().resizeEvent(event)
        self.arrange()

    @property
    def _button_height(self) -> float:
        return self.type.button

    @property
    def _below(self) -> float:
        """The height of buttons and note."""
        if self.question is None:
            return 0.0
        note = self._note_height + 10 if self.question.wants_note else 0.0
        return len(self.question.options) * (self._button_height + 8) + note

    @property
    def _note_height(self) -> float:
        return max(self.type.button - 8.0, QFontMetrics(self.note.font()).height() + 16.0)

    @property
    def _beside(self) -> bool:
        """Whether the answers stand beside the words and not below them."""
        return self.width() >= _BESIDE_FROM

    def needed_height(self, width: float) -> float:
        """Return the height that words of a size that is read well, answers and note need at a width."""
        if self.question is None:
            return 0.0
        of_words = width - 2 * _PAD if width < _BESIDE_FROM else width * 0.46 - _PAD
        words = height_of(self.question.text, self.type.base.small, 600, of_words)
        if width < _BESIDE_FROM:
            return words + self._below + 2 * _PAD + 8
        return max(words, self._below) + 2 * _PAD

    @property
    def _text_rect(self) -> QRectF:
        if self._beside:
            return QRectF(_PAD, _PAD, self.width() * 0.46 - _PAD, self.height() - 2 * _PAD)
        return QRectF(_PAD, _PAD, self.width() - 2 * _PAD, max(20.0, self.height() - self._below - 2 * _PAD - 6))

    @property
    def _text_size(self) -> int:
        words = self.question.text if self.question else ""
        rect = self._text_rect
        return size_within(words, self.type.lead + 2, 600, rect.width(), rect.height())

    def arrange(self) -> None:
        """Place the note and the buttons below the words."""
        if self.question is None:
            return
        rect = self._text_rect
        taken = height_of(self.question.text, self._text_size, 600, rect.width())
        top = round(rect.top() + min(rect.height(), taken) + 14)
        left, width = round(_PAD), round(rect.width())
        if self._beside:
            left = round(rect.right() + _PAD)
            top, width = round(_PAD), round(self.width() - left - _PAD)
        for button in self.buttons:
            button.setGeometry(left, top, width, round(self._button_height))
            top += round(self._button_height) + 8
        self.note.setGeometry(left, top + 2, width, round(self._note_height))
        self.update()

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        if self.question is None:
            return ()
        return (Text(self._text_rect, self.question.text, self._text_size, 600, "text", TOP, wraps=True),)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a frame that is seen, and the words."""
        if self.question is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        last = self.note if self.question.wants_note else self.buttons[-1]
        of_words = _PAD + height_of(self.question.text, self._text_size, 600, self._text_rect.width())
        bottom = max(last.geometry().bottom(), of_words) + _PAD
        frame = QRectF(1.25, 1.25, self.width() - 2.5, min(self.height() - 2.5, bottom))
        painter.setPen(QPen(self.theme.color("text"), 2.5))
        painter.setBrush(self.theme.color("raised"))
        painter.drawRoundedRect(frame, 10, 10)
        if self.hasFocus():
            paint_focus(painter, frame, self.theme)
        for text in self.texts():
            text.paint(painter, self.theme)
