"""The top line: what is calibrated and how; a banner over it where something hinders."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.events import Problem
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.text import LEFT, Text, extent, size_within
from iastm_host.window.icons import paint_icon

_METHODS = {"quick": "Quick calibration", "full": "Full calibration"}


class TopLine(Panel):
    """Title and method, or a banner. `room` is left free at the right for a button."""

    grounded = False

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._method = title, ""
        self._problem: tuple[str, str] | None = None
        self.room = 0

    def show_view(self, snapshot: WizardSnapshot, own: Problem | None = None) -> None:
        """Show the method or the problem, the window's `own` first; painted only where they changed."""
        method = _METHODS.get(snapshot.setup.method, "") if snapshot.picture.kind != "prepare" else ""
        shown = own or snapshot.problem
        problem = None if shown is None else (shown.what, shown.fix)
        if (method, problem) != (self._method, self._problem):
            self._method, self._problem = method, problem
            self.setAccessibleName(self._title if problem is None else f"{problem[0]} {problem[1]}")
            self.update()

    @property
    def _box(self) -> QRectF:
        return QRectF(0, 0, self.width() - self.room, self.height())

    @property
    def _banner_left(self) -> float:
        return self.type.base.icon * 1.4 + 2 * self.type.base.gap

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        type_, box = self.type, self._box
        if self._problem is not None:
            return self._banner_texts(box.adjusted(self._banner_left, 0, -type_.base.gap, 0), *self._problem)
        size = type_.base.far
        width = min(extent(self._title, size, 700, 1e6)[0] + 1, box.width())
        title = Text(QRectF(0, 0, width, box.height()), self._title, size, 700, elides=True)
        rest = QRectF(width + type_.base.margin, 0, box.width() - width - type_.base.margin, box.height())
        if not self._method or rest.width() < extent(self._method, type_.base.near, 400, 1e6)[0]:
            return (title,)
        return (title, Text(rest.adjusted(0, size * 0.25, 0, 0), self._method, type_.base.near, 400, "text2"))

    def _banner_texts(self, room: QRectF, what: str, fix: str) -> tuple[Text, ...]:
        """Return what happened over what to do, as large as both fit."""
        base = self.type.base
        upper = room.adjusted(0, 3, 0, -room.height() * 0.46)
        lower = room.adjusted(0, room.height() * 0.54, 0, -3)
        size = size_within(what, base.far - 4, 700, upper.width(), upper.height())
        below = size_within(fix, base.near, 400, lower.width(), lower.height())
        return (
            Text(upper, what, size, 700, "bg", LEFT, wraps=True),
            Text(lower, fix, below, 400, "bg", LEFT, wraps=True),
        )

    def draw(self, painter: QPainter) -> None:
        """Draw the banner's ground and its icon."""
        if self._problem is None:
            return
        box, icon = self._box, self.type.base.icon
        painter.setPen(self.theme.color("text"))
        painter.setBrush(self.theme.color("text"))
        painter.drawRoundedRect(box, 10, 10)
        size = icon * 1.1
        paint_icon(
            painter, "warn", self.type.base.gap + icon * 0.15, (box.height() - size) / 2, size, self.theme.color("bg")
        )
