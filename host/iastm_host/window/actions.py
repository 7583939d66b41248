"""The action bar: what can be done now, by mouse, each with its key."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from iastm_host.app.live_view import Action
from iastm_host.window.fonts import font, width_of
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.theme import DARK, Theme

END_ACTION = Action("Hold Esc", "End", "end")


class KeyButton(QAbstractButton):
    """A button that shows its key. `ring` (0 to 1) fills while it must be held."""

    def __init__(self, action: Action, theme: Theme, sizes: Sizes, parent: QWidget) -> None:
        super().__init__(parent)
        self.action, self._theme, self._sizes = action, theme, sizes
        self._ring = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"{action.label} ({action.key})")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_ring(self, share: float) -> None:
        """Show how much of the holding time has passed."""
        if share != self._ring:
            self._ring = share
            self.update()

    def _key_width(self) -> float:
        return max(width_of(self.action.key, self._sizes.near - 3, 600) + 20, self._sizes.near * 1.75)

    def sizeHint(self) -> QSize:
        """Return the size that key and label need."""
        width = (
            self._key_width() + width_of(self.action.label, self._sizes.near) + (44 if self._sizes.number > 130 else 32)
        )
        return QSize(round(width), self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint key, label, focus and ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        theme, sizes = self._theme, self._sizes
        end = self.action.command == END_ACTION.command
        rect = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outlined = end or theme.name == "contrast"
        painter.setPen(QPen(theme.color("edge"), 1.5) if outlined else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("bg" if end else "raised" if self.isDown() or self.underMouse() else "surface"))
        painter.drawRoundedRect(rect, 8, 8)
        if self._ring > 0:
            self._paint_ring(painter, rect)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("focus"), 3))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 7, 7)
        key = QRectF(12 if sizes.number > 130 else 8, 0, self._key_width(), sizes.near * 1.7)
        key.moveTop((self.height() - key.height()) / 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("edge"), 1.5))
        painter.drawRoundedRect(key, 6, 6)
        painter.setFont(font(sizes.near - 3, 600))
        painter.setPen(theme.color("text2"))
        painter.drawText(key, Qt.AlignmentFlag.AlignCenter, self.action.key)
        painter.setFont(font(sizes.near))
        painter.setPen(theme.color("text"))
        label = QRectF(key.right() + 12, 0, self.width() - key.right() - 12, self.height())
        painter.drawText(label, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.action.label)

    def _paint_ring(self, painter: QPainter, rect: QRectF) -> None:
        """Let the button's rim fill: one dash that grows to the rim's whole length."""
        width = 4.0
        rim = QPainterPath()
        rim.addRoundedRect(rect.adjusted(1, 1, -1, -1), 8, 8)
        pen = QPen(self._theme.color("text"), width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([max(0.1, self._ring * rim.length() / width), rim.length() / width])
        painter.strokePath(rim, pen)


class ActionBar(QWidget):
    """Buttons of the actions that are possible now.

    Signals:
        chosen(str): the command of the button that was pressed.
        end_held(bool): the button that ends the session was pressed or let go.
    """

    chosen = Signal(str)
    end_held = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes = DARK, COMPACT
        self._actions: tuple[Action, ...] = ()
        self._buttons: list[KeyButton] = []
        self._end: KeyButton | None = None

    def set_style(self, theme: Theme, sizes: Sizes) -> None:
        """Use these colours and sizes."""
        self._theme, self._sizes = theme, sizes
        self._build()

    def show_actions(self, actions: tuple[Action, ...]) -> None:
        """Offer these actions; the buttons are made anew only where they changed."""
        if actions != self._actions:
            self._actions = actions
            self._build()

    def set_ring(self, share: float) -> None:
        """Show how long ending has been held."""
        if self._end is not None:
            self._end.set_ring(share)

    def _build(self) -> None:
        if self._end is not None and self._end.isDown():
            self.end_held.emit(False)
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = []
        for action in (*self._actions, END_ACTION):
            button = KeyButton(action, self._theme, self._sizes, self)
            if action is END_ACTION:
                self._end = button
                button.pressed.connect(self._end_pressed)
                button.released.connect(self._end_released)
            else:
                button.clicked.connect(self._clicked)
            button.show()
            self._buttons.append(button)
        self._arrange()

    def _clicked(self) -> None:
        button = self.sender()
        if isinstance(button, KeyButton):
            self.chosen.emit(button.action.command)

    def _end_pressed(self) -> None:
        self.end_held.emit(True)

    def _end_released(self) -> None:
        self.end_held.emit(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the buttons anew."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Place the buttons from the left and the ending one at the right; what has no room is left to its key."""
        if not self._buttons:
            return
        x, gap, height = 0, 12 if self._sizes.number > 130 else 8, self.height()
        *others, end = self._buttons
        end_width = end.sizeHint().width()
        end.setGeometry(self.width() - end_width, 0, end_width, height)
        for button in others:
            width = button.sizeHint().width()
            fits = x + width <= self.width() - end_width - gap
            button.setVisible(fits)
            if fits:
                button.setGeometry(x, 0, width, height)
                x += width + gap
