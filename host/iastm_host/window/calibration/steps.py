"""The list of steps: what is done, what is now, what comes. One line where the window is narrow."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.calibrating.snapshot import StepView, WizardSnapshot
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.text import CENTRE, LEFT, Text, size_within
from iastm_host.window.icons import paint_icon

_TITLE = "Steps"


class StepsPanel(Panel):
    """Run and steps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self._steps: tuple[StepView, ...] = ()
        self._brief = False

    def set_brief(self, brief: bool) -> None:
        """Show the present step only."""
        self._brief = brief
        self.update()

    def show_view(self, snapshot: WizardSnapshot) -> None:
        """Show run and steps; painted only where they changed."""
        title = f"Run {snapshot.run} of {snapshot.run_count}" if snapshot.run_count > 1 else _TITLE
        steps = snapshot.steps
        if steps and all(step.state == "todo" for step in steps):
            # Stating what it is done with is part of the first step.
            steps = (replace(steps[0], state="now"), *steps[1:])
        if (title, steps) != (self._title, self._steps):
            self._title, self._steps = title, steps
            self.setAccessibleName(self.line())
            self.update()

    def line(self) -> str:
        """Return where the wizard is, in one line."""
        for number, step in enumerate(self._steps, 1):
            if step.state == "now":
                of = f"step {number} of {len(self._steps)}: {step.title}"
                return f"{self._title} · {of}" if self._title != _TITLE else of[0].upper() + of[1:]
        return self._title

    @property
    def _pad(self) -> float:
        return self.type.pad - 4

    def _row(self, place: int) -> QRectF:
        """Return the rectangle of a step's row."""
        top = self._pad + self.type.base.near * 1.6 + 6
        height = min(float(self.type.step), (self.height() - top - 8) / max(1, len(self._steps)))
        return QRectF(self._pad, top + place * height, self.width() - 1.6 * self._pad, height)

    @property
    def _radius(self) -> float:
        return min(self.type.base.near * 0.82, self._row(0).height() / 2 - 2)

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        base = self.type.base
        if self._brief:
            room = QRectF(self.rect()).adjusted(14, 0, -14, 0)
            size = size_within(self.line(), base.near, 600, room.width(), room.height())
            return (Text(room, self.line(), size, 600),)
        head = QRectF(self._pad, self._pad - 4, self.width() - 2 * self._pad, base.near * 1.6)
        found = [Text(head, self._title, base.near, 600, "text2")]
        left = 2 * self._radius + 12
        rooms = [self._row(place).adjusted(left, 0, 0, 0) for place in range(len(self._steps))]
        size = min(
            (
                size_within(step.title, base.near, 700, room.width(), room.height())
                for step, room in zip(self._steps, rooms, strict=True)
            ),
            default=base.near,
        )
        for number, (step, room) in enumerate(zip(self._steps, rooms, strict=True), 1):
            now = step.state == "now"
            token = {"now": "text", "done": "text2"}.get(step.state, "text3")
            found.append(Text(room, step.title, size, 700 if now else 400, token, LEFT, wraps=True))
            if step.state != "done":
                disc = self._disc(number - 1)
                ink = "surface" if now else token
                found.append(Text(disc, str(number), min(base.small, round(self._radius * 1.1)), 700, ink, CENTRE))
        return tuple(found)

    def _disc(self, place: int) -> QRectF:
        row = self._row(place)
        return QRectF(row.left(), row.center().y() - self._radius, 2 * self._radius, 2 * self._radius)

    def draw(self, painter: QPainter) -> None:
        """Draw the discs of the steps."""
        if self._brief:
            return
        for place, step in enumerate(self._steps):
            disc = self._disc(place)
            now = step.state == "now"
            painter.setPen(QPen(self.theme.color("text" if now else "edge"), 1.5))
            painter.setBrush(self.theme.color("text") if now else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(disc.adjusted(0.75, 0.75, -0.75, -0.75))
            if step.state == "done":
                size = self._radius * 1.2
                corner = disc.center() - QPointF(size / 2, size / 2)
                paint_icon(painter, "check", corner.x(), corner.y(), size, self.theme.color("text2"), 3.2)
