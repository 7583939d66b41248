"""The top line: which page this is, and which tool it is about, with its link and battery."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from iastm_host.app.tools_page.page import Identity
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.text import Text, extent
from iastm_host.window.fonts import width_of
from iastm_host.window.icons import paint_icon

TITLE = "Tools"
_LOW_PERCENT = 20


class ToolsTop(Panel):
    """Title and tool. `room` is left free at the right for a button."""

    grounded = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._identity: Identity | None = None
        self.room = 0
        self.setAccessibleName(TITLE)

    def show_identity(self, identity: Identity | None) -> None:
        """Show the tool; painted only where it changed."""
        if identity != self._identity:
            self._identity = identity
            self.setAccessibleName(TITLE if identity is None else f"{TITLE}: {_words(identity)}")
            self.update()

    def _places(self) -> list[tuple[str, QRectF, str]]:
        """Return icons with the place of their words and the words, from the right end."""
        identity = self._identity
        if identity is None:
            return []
        size = self.type.base.near + 1
        least = extent(TITLE, self.type.base.far, 700, 1e6)[0] + 3 * size
        items = [(identity.link, _words(identity))]
        if identity.battery_percent is not None:
            low = identity.battery_percent <= _LOW_PERCENT
            items.append(("batlow" if low else "bat", f"{identity.battery_percent} %"))
        right, found = float(self.width() - self.room), []
        for icon, words in reversed(items):
            width = min(width_of(words, size) + 1, max(0.0, right - least - size * 2))
            rect = QRectF(right - width, 0, width, self.height())
            found.append((icon, rect, words))
            right = rect.left() - size * (2.9 if icon else 1.2)
        return found

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        far = self.type.base.far
        title = Text(QRectF(0, 0, extent(TITLE, far, 700, 1e6)[0] + 1, self.height()), TITLE, far, 700)
        size = self.type.base.near + 1
        told = [
            Text(rect, words, size, 400, "text", elides=True)
            for _, rect, words in self._places()
            if rect.width() > size
        ]
        return (title, *told)

    def draw(self, painter: QPainter) -> None:
        """Draw the icons before their words."""
        size = self.type.base.near * 1.5
        for icon, rect, _ in self._places():
            if icon and rect.width() > self.type.base.near:
                top = (self.height() - size) / 2
                paint_icon(painter, icon, rect.left() - size - 7, top, size, self.theme.color("text"))


def _words(identity: Identity) -> str:
    return " · ".join(filter(None, (identity.name, identity.link_words)))
