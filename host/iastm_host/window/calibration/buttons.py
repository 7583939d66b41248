"""Buttons for hands that are busy: large, each with its key where it has one, focus as a ring of 3 px."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QRadioButton, QWidget

from iastm_host.window.calibration.places import SMALL, Type
from iastm_host.window.calibration.text import CENTRE, LEFT, TOP, Text, extent, size_within
from iastm_host.window.fonts import font, width_of
from iastm_host.window.theme import LIGHT, Theme

FOCUS_WIDTH = 3


class LargeButton(QAbstractButton):
    """A button with its label and, in a frame beside it, its key. `primary`: what is most likely wanted next."""

    def __init__(self, label: str, parent: QWidget, key: str = "", primary: bool = False) -> None:
        super().__init__(parent)
        self.theme, self.type = LIGHT, SMALL
        self.key, self.primary = key, primary
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_label(label)

    def set_label(self, label: str) -> None:
        """Show another label."""
        if label != self.text():
            self.setText(label)
            self.setAccessibleName(f"{label} ({self.key})" if self.key else label)
            self.updateGeometry()

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        self.theme, self.type = theme, type_
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size that label and key need."""
        width = width_of(self.text(), self.type.base.near + 1, 600) + 2 * self._pad + self._key_room
        return QSize(round(width) + 1, self.type.button)

    @property
    def _pad(self) -> int:
        return self.type.base.margin + 4

    @property
    def _key_width(self) -> float:
        return max(width_of(self.key, self.type.base.small, 600) + 18, self.type.base.small * 1.9)

    @property
    def _key_room(self) -> float:
        return self._key_width + 12 if self.key else 0.0

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        base = self.type.base
        token = self._ink()
        room = QRectF(self.rect()).adjusted(self._pad, 4, -self._pad - self._key_room, -4)
        size = size_within(self.text(), base.near + 1, 600, room.width() + 1, room.height())
        needed = extent(self.text(), size, 600, room.width() + 1)
        label = Text(room.adjusted(0, 0, 1, 0), self.text(), size, 600, token, LEFT, wraps=needed[1] > size * 2)
        if not self.key:
            return (label,)
        return (label, Text(self._key_box(), self.key, base.small, 600, token, CENTRE))

    def _key_box(self) -> QRectF:
        height = self.type.base.small * 1.8
        left = self.width() - self._pad - self._key_width
        return QRectF(left, (self.height() - height) / 2, self._key_width, height)

    def _ink(self) -> str:
        if not self.isEnabled():
            return "text3"
        return "surface" if self.primary else "text"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, label, key and focus."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        theme, enabled = self.theme, self.isEnabled()
        rect = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        raised = not enabled or self.isDown() or self.underMouse()
        ground = "text" if enabled and self.primary else "raised" if raised else "surface"
        rim = QPen(theme.color("edge" if enabled else "line"), 1.5)
        if not enabled and theme.name == "contrast":
            rim.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(rim)
        painter.setBrush(theme.color(ground))
        painter.drawRoundedRect(rect, 8, 8)
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), theme, "surface" if enabled and self.primary else "")
        if self.key:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color(self._ink()), 1.3))
            painter.drawRoundedRect(self._key_box(), 5, 5)
        for text in self.texts():
            text.paint(painter, theme)


def paint_focus(painter: QPainter, rect: QRectF, theme: Theme, inner: str = "") -> None:
    """Paint the ring of focus just inside `rect`; on a dark button a line of the colour `inner` sets it off."""
    half = FOCUS_WIDTH / 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("focus"), FOCUS_WIDTH))
    painter.drawRoundedRect(rect.adjusted(half, half, -half, -half), 8, 8)
    if inner:
        painter.setPen(QPen(theme.color(inner), 1.5))
        painter.drawRoundedRect(rect.adjusted(4, 4, -4, -4), 6, 6)


class Choice(QRadioButton):
    """One of several ways, with what it means and costs below its name."""

    def __init__(self, name: str, meaning: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self.theme, self.type = LIGHT, SMALL
        self.meaning = meaning
        self.setAccessibleName(name)
        self.setAccessibleDescription(meaning)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        self.theme, self.type = theme, type_
        self.updateGeometry()
        self.update()

    @property
    def _inset(self) -> int:
        return round(self.type.base.near * 2.6)

    def hasHeightForWidth(self) -> bool:
        """The meaning wraps."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height that name and meaning need."""
        base = self.type.base
        inner = width - self._inset - 14
        meaning = extent(self.meaning, base.small, 400, inner)[1] if self.meaning else 0.0
        return round(extent(self.text(), base.near, 600, inner)[1] + meaning + 22)

    def sizeHint(self) -> QSize:
        """Return a size that holds the name in one line."""
        width = round(width_of(self.text(), self.type.base.near, 600)) + self._inset + 18
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Return the least size."""
        return QSize(120, self.type.button - 8)

    def hitButton(self, pos: object) -> bool:
        """The whole card can be pressed."""
        return True

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        base = self.type.base
        room = QRectF(self._inset, 10, self.width() - self._inset - 14, self.height() - 20)
        name_height = extent(self.text(), base.near, 600, room.width())[1]
        ink = "text" if self.isEnabled() else "text3"
        if not self.meaning:
            return (Text(room, self.text(), base.near, 600, ink, wraps=True),)
        line = QRectF(room.left(), room.top(), room.width(), name_height)
        name = Text(line, self.text(), base.near, 600, ink, TOP)
        rest = room.adjusted(0, name_height, 0, 2)
        return (name, Text(rest, self.meaning, base.small, 400, "text2", TOP, wraps=True))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card, its mark and its words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        theme, chosen = self.theme, self.isChecked()
        rect = QRectF(self.rect()).adjusted(1.25, 1.25, -1.25, -1.25)
        rim = QPen(theme.color("text" if chosen else "edge"), 2.5 if chosen else 1.5)
        if not self.isEnabled():
            rim = QPen(theme.color("line"), 1.5, Qt.PenStyle.DashLine)
        painter.setPen(rim)
        painter.setBrush(theme.color("raised" if self.underMouse() and self.isEnabled() else "surface"))
        painter.drawRoundedRect(rect, 8, 8)
        radius = self.type.base.near * 0.55
        centre_y = 10 + self.type.base.near * 0.72 if self.meaning else self.height() / 2
        mark = QRectF(self._inset / 2 - radius + 3, centre_y - radius, 2 * radius, 2 * radius)
        painter.setPen(QPen(theme.color("text" if chosen else "edge"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(mark)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("text"))
            painter.drawEllipse(mark.adjusted(4, 4, -4, -4))
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), theme)
        painter.setFont(font(self.type.base.near))
        for text in self.texts():
            text.paint(painter, theme)
