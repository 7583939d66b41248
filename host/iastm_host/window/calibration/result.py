"""What came out, in one word and one sentence; lines of the budget below, classes and clauses folded away."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from iastm_host.app.calibrating.setup import FULL
from iastm_host.app.calibrating.snapshot import ResultView, WizardSnapshot
from iastm_host.window.calibration.buttons import paint_focus
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import SMALL, Type
from iastm_host.window.calibration.text import LEFT, TOP, Text, extent, height_of, size_within
from iastm_host.window.icons import paint_icon
from iastm_host.window.theme import LIGHT, Theme

ANNEX = "Annex: classes and clauses"


class Fold(QAbstractButton):
    """A line that opens and closes what stands below it."""

    def __init__(self, label: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme, self.type = LIGHT, SMALL
        self.setText(label)
        self.setAccessibleName(label)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        self.theme, self.type = theme, type_
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size that the label needs."""
        width, _ = extent(self.text(), self.type.base.near, 600, 1e6)
        return QSize(round(width + self.type.base.near * 2.2) + 16, round(self.type.base.near * 2.2))

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        room = QRectF(self.rect()).adjusted(self.type.base.near * 1.7, 0, 0, 0)
        return (Text(room, self.text(), self.type.base.near, 600, "text", LEFT),)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the arrow and the label."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        size = self.type.base.near * 0.32
        centre = QPointF(self.type.base.near * 0.8, self.height() / 2)
        painter.translate(centre)
        painter.rotate(90 if self.isChecked() else 0)
        pen = QPen(self.theme.color("text"), 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPolyline([QPointF(-size / 2, -size), QPointF(size / 2, 0), QPointF(-size / 2, size)])
        painter.resetTransform()
        if self.hasFocus():
            paint_focus(painter, QRectF(self.rect()), self.theme)
        for text in self.texts():
            text.paint(painter, self.theme)


class ResultPanel(Panel):
    """Word, sentence, lines and annex.

    Signals:
        resized(): it needs another height.
    """

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: ResultView | None = None
        self._kicker = ""
        self._hint = ""
        self.fold = Fold(ANNEX, self)
        self.fold.toggled.connect(self._folded)

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        self.fold.set_style(theme, type_)

    def show_view(self, snapshot: WizardSnapshot) -> None:
        """Show the result; painted only where it changed."""
        method = "Full calibration" if snapshot.setup.method == FULL else "Quick calibration"
        by = f"{method} by {snapshot.setup.made_by}"
        shown = (snapshot.result, by, snapshot.hint)
        if shown != (self._result, self._kicker, self._hint):
            self._result, self._kicker, self._hint = shown
            if self._result is not None:
                self.setAccessibleName(f"{self._result.word}: {self._result.sentence}")
                self.setAccessibleDescription(" ".join(self._result.lines))
                self.fold.setVisible(bool(self._result.annex))
            self.resized.emit()
            self.update()

    def _folded(self, _open: bool) -> None:
        self.resized.emit()
        self.update()

    def arrange(self, width: int) -> int:
        """Place the fold in a panel of that width, and return the height that all of it needs."""
        texts, fold_top, bottom = self._laid_out(float(width))
        hint = self.fold.sizeHint()
        self.fold.setGeometry(
            self.type.pad - 8, round(fold_top), min(hint.width(), width - self.type.pad), hint.height()
        )
        return round(bottom + self.type.pad) if texts else 0

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        return self._laid_out(float(self.width()))[0]

    @property
    def _mark_size(self) -> float:
        return self.type.title * 1.25

    def _laid_out(self, width: float) -> tuple[tuple[Text, ...], float, float]:
        """Return the words, where the fold stands, and where everything ends."""
        result, type_, base = self._result, self.type, self.type.base
        if result is None:
            return (), 0.0, 0.0
        left, inner = float(type_.pad), width - 2.0 * type_.pad
        y = type_.pad - 4.0
        found = [Text(QRectF(left, y, inner, base.near * 1.6), self._kicker, base.near, 600, "text2", elides=True)]
        y += base.near * 1.6 + 10
        beside = self._mark_size + 18
        word = round(self._mark_size * 0.8)
        found.append(Text(QRectF(left + beside, y, inner - beside, self._mark_size), result.word, word, 700))
        y += self._mark_size + 12
        sentence = size_within(result.sentence, round(type_.title * 0.75), 700, inner, type_.title * 2.2)
        y = self._add(found, result.sentence, sentence, 700, "text", left, y, inner) + base.near * 0.7
        for line in result.lines:
            y = self._add(found, line, base.near + 1, 400, "text", left + base.near, y, inner - base.near) + 5
        kept = _kept_words(result) or self._hint
        if kept:
            y = self._add(found, kept, base.near, 600, "text2", left, y + 10, inner) + 5
        fold_top = y + 10
        if not result.annex:
            return tuple(found), fold_top, y
        y = fold_top + self.fold.sizeHint().height() + 6
        if self.fold.isChecked():
            y = self._add_annex(found, result, left, y, inner)
        return tuple(found), fold_top, y

    def _add(
        self, found: list[Text], words: str, size: int, weight: int, token: str, left: float, top: float, width: float
    ) -> float:
        """Add words that wrap, and return where they end."""
        height = height_of(words, size, weight, width)
        found.append(Text(QRectF(left, top, width, height), words, size, weight, token, TOP, wraps=True))
        return top + height

    def _add_annex(self, found: list[Text], result: ResultView, left: float, top: float, inner: float) -> float:
        small = self.type.base.small
        names = inner * 0.5
        for name, value in result.annex:
            ends = (
                self._add(found, name, small, 400, "text2", left, top, names - 12),
                self._add(found, value, small, 600, "text", left + names, top, inner - names),
            )
            top = max(ends) + 6
        return top

    def draw(self, painter: QPainter) -> None:
        """Draw the mark beside the word, and dots before the lines."""
        if self._result is None:
            return
        type_, base = self.type, self.type.base
        top = type_.pad - 4 + base.near * 1.6 + 10
        paint_verdict(painter, self._result.word, QRectF(type_.pad, top, self._mark_size, self._mark_size), self.theme)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.color("text3"))
        for text in self.texts():
            if text.rect.left() == type_.pad + base.near:
                painter.drawEllipse(QPointF(type_.pad + 4, text.rect.top() + base.near * 0.72), 3, 3)


def _kept_words(result: ResultView) -> str:
    """Return what has become of the result."""
    if not result.file:
        return ""
    where = "The tool and this computer have it" if result.written else "This computer has it; the tool doesn't"
    return f"{where}: {result.file}"


def paint_verdict(painter: QPainter, word: str, rect: QRectF, theme: Theme) -> None:
    """Paint the shape of Good (a full disc, ticked), Fair (half a disc) or Poor (an empty one, crossed out)."""
    box = rect.adjusted(2, 2, -2, -2)
    painter.setPen(QPen(theme.color("text"), max(2.5, rect.width() * 0.05)))
    painter.setBrush(theme.color("text") if word == "Good" else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box)
    if word == "Good":
        size = rect.width() * 0.62
        corner = rect.center() - QPointF(size / 2, size / 2)
        paint_icon(painter, "check", corner.x(), corner.y(), size, theme.color("surface"), 3.4)
    elif word == "Fair":
        half = QPainterPath()
        half.addEllipse(box)
        painter.save()
        painter.setClipRect(QRectF(rect.left(), rect.center().y(), rect.width(), rect.height() / 2))
        painter.fillPath(half, theme.color("text"))
        painter.restore()
    else:
        reach = rect.width() * 0.2
        pen = QPen(theme.color("text"), max(3.0, rect.width() * 0.07))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        centre = rect.center()
        painter.drawLine(centre - QPointF(reach, reach), centre + QPointF(reach, reach))
        painter.drawLine(centre - QPointF(reach, -reach), centre + QPointF(reach, -reach))
