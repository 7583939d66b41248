"""What to do now: one imperative and its drawing; beside it the reading, and how steady it is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QElapsedTimer, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.calibrating.plan import CHECK
from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.app.calibrating.window_of_samples import KEPT_S
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.question import QuestionStrip
from iastm_host.window.calibration.stand import Scene, paint_stand
from iastm_host.window.calibration.text import LEFT, RIGHT, SMALLEST, TOP, Text, extent, size_within
from iastm_host.window.calibration.words import DASH, force_words
from iastm_host.window.fonts import fitted_size, width_of
from iastm_host.window.icons import paint_icon
from iastm_host.window.theme import Theme
from iastm_host.window.trace import runs_of

Floats = NDArray[np.float64]

_WIDEST = ("88.888", "−8.888")
_TRACE_HALF_N = 0.1
"""The trace shows this much above and below its middle; what lies beyond runs along its edge."""
_TRACE_BAND_N = 0.02
_GAP = 20.0
_STEADY = "Steady"
_SPOKEN_MS = 1000
"""A reader of the screen is told the reading at most this often, but at once that it is steady or no longer so."""
_ACTIONS = {"warm_up": "warm", "zero": "free", "turn": "turn", "seat": "seat", "load": "hang"}


class TaskPanel(Panel):
    """Context, instruction and hint over the drawing, or over the question that must be answered first.

    The reading has a panel of its own, since it moves all the time.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = self._instruction = self._hint = ""
        self._scene = Scene("rest", "", 90.0)
        self._notes: tuple[str, ...] | None = None
        self.question = QuestionStrip(self)
        self.reading = ReadingPanel(self)

    def set_style(self, theme: Theme, type_: Type) -> None:
        """Use these colours and sizes."""
        super().set_style(theme, type_)
        self.reading.set_style(theme, type_)
        self.question.set_style(theme, type_)
        self.arrange()

    def show_view(self, snapshot: WizardSnapshot) -> bool:
        """Show what is to be done, painted only where it changed; tell whether another question is asked."""
        scene = scene_of(snapshot)
        notes = snapshot.notes if snapshot.picture.kind == CHECK else None
        shown = (snapshot.context, snapshot.instruction, snapshot.hint, scene, notes)
        if shown != (self._context, self._instruction, self._hint, self._scene, self._notes):
            self._context, self._instruction, self._hint, self._scene, self._notes = shown
            self.arrange()
            self.setAccessibleName(snapshot.instruction)
            self.setAccessibleDescription(f"{snapshot.context}. {snapshot.hint}")
            self.update()
        asked = self.question.show_question(snapshot.question)
        if asked:
            self.arrange()
            self.update()
        self.reading.show_view(snapshot)
        return asked

    @property
    def _covered(self) -> bool:
        """Whether a question takes the place of the reading, or where there is none its place."""
        return self.question.question is not None and (self.type.stacked or self._notes is not None)

    def needed_height(self, width: int) -> int:
        """Return the height that a question needs in a panel of that width, 0 without one."""
        if self.question.question is None:
            return 0
        inner = width - 2.0 * self.type.pad
        room = inner if self._covered else (inner - _GAP) / 2
        return round(self.question.needed_height(room) + self._head_height + 10 + 2 * self.type.pad)

    def arrange(self) -> None:
        """Place the reading, and the question where there is one."""
        left, right = self._columns()
        covered = self._covered
        self.reading.setGeometry(right.toRect())
        self.reading.setVisible(self._notes is None and not covered)
        self.question.setGeometry((left.united(right) if covered else left).toRect())

    @property
    def _inner(self) -> QRectF:
        pad = self.type.pad
        return QRectF(self.rect()).adjusted(pad, pad - 4, -pad, -pad)

    @property
    def _head_height(self) -> float:
        """The height of context, instruction and hint; always the same, so that nothing below them moves."""
        return (
            self.type.base.near * 1.6
            + self.type.title * self.type.title_lines
            + (self.type.lead * self.type.hint_lines + 8)
        )

    def _columns(self) -> tuple[QRectF, QRectF]:
        inner = self._inner.adjusted(0, self._head_height + 10, 0, 0)
        width = (inner.width() - _GAP) / 2
        left = QRectF(inner.left(), inner.top(), width, inner.height())
        return left, QRectF(left.right() + _GAP, inner.top(), width, inner.height())

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        inner, type_ = self._inner, self.type
        context = QRectF(inner.left(), inner.top(), inner.width(), type_.base.near * 1.6)
        title = size_within(self._instruction, type_.title, 700, inner.width(), type_.title * type_.title_lines)
        title_height = extent(self._instruction, title, 700, inner.width())[1]
        title_rect = QRectF(inner.left(), context.bottom() + 2, inner.width(), title_height)
        hint_top = title_rect.bottom() + 4
        hint_rect = QRectF(inner.left(), hint_top, inner.width(), inner.top() + self._head_height - hint_top)
        lead = size_within(self._hint, type_.lead, 400, hint_rect.width(), hint_rect.height())
        # A question comes before what was to be done.
        asked = self.question.question is not None
        of_context = size_within(self._context, type_.base.near, 600, context.width(), context.height())
        head = (
            Text(context, self._context, of_context, 600, "text2", LEFT, wraps=True),
            Text(title_rect, self._instruction, title, 700, "text3" if asked else "text", TOP, wraps=True),
            Text(hint_rect, self._hint, lead, 400, "text2", TOP, wraps=True),
        )
        return (*head, *self._note_texts())

    def _note_texts(self) -> tuple[Text, ...]:
        """Return what was noted, where that is looked at: as large as all of it fits."""
        if self._notes is None or self.question.question is not None:
            return ()
        inner, near = self._inner.adjusted(0, self._head_height + 10, 0, 0), self.type.base.near
        heights: list[float] = []
        for size in range(near, SMALLEST - 1, -1):
            heights = [extent(line, size, 400, inner.width())[1] + size * 0.6 for line in self._notes]
            if sum(heights) <= inner.height():
                break
        found, top = [], inner.top()
        for line, height in zip(self._notes, heights, strict=True):
            rect = QRectF(inner.left(), top, inner.width(), height)
            found.append(Text(rect, line, size, 400, "text", TOP, wraps=True))
            top += height
        return tuple(found)

    def draw(self, painter: QPainter) -> None:
        """Draw the stand where nothing else stands."""
        if self.question.question is None and self._notes is None:
            left, _ = self._columns()
            paint_stand(painter, left.adjusted(0, 8, 0, 0), self._scene, self.theme)


def scene_of(snapshot: WizardSnapshot) -> Scene:
    """Return what the drawing shows."""
    picture = snapshot.picture
    action = _ACTIONS.get(picture.kind, "rest")
    if action == "hang":
        # Without a label there is nothing on the tip.
        action = "free" if not picture.label else "press" if snapshot.setup.against_gauge else "hang"
    return Scene(action, picture.label if action in ("hang", "press") else "", picture.angle_deg)


class ReadingPanel(Panel):
    """The reading, what is expected, the last seconds, and how long it has been steady."""

    grounded = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number, self._expected = DASH, ""
        self._word, self._time = "", ""
        self._steady = False
        self._share = 0.0
        self._recent = np.zeros(0)
        self._period_s = 0.1
        self._middle_n: float | None = None
        self._by_itself = False
        self._told: tuple[str, bool] | None = None
        self._since_told = QElapsedTimer()

    def show_view(self, snapshot: WizardSnapshot) -> None:
        """Show the reading of this frame."""
        steadiness = snapshot.steadiness
        self._number = force_words(snapshot.reading_n)
        beside = "Gauge" if snapshot.setup.against_gauge else "expected"
        self._expected = "" if snapshot.expected_n is None else f"{beside} {force_words(snapshot.expected_n)} N"
        self._by_itself = bool(snapshot.busy)
        self._steady = steadiness.word == _STEADY and not snapshot.busy
        if snapshot.busy:
            self._word, self._time = snapshot.busy, ""
            self._share = snapshot.progress or 0.0
        else:
            self._word = steadiness.word
            spread = "" if steadiness.spread_mn is None else f" · ± {steadiness.spread_mn:.0f} mN"
            self._time = f"{steadiness.held_s:.1f} of {steadiness.wanted_s:.1f} s{spread}"
            self._share = steadiness.held_s / steadiness.wanted_s if steadiness.wanted_s > 0 else 0.0
        self._share = min(1.0, max(0.0, self._share))
        self._recent, self._period_s = snapshot.recent_n, snapshot.recent_period_s
        self._middle_n = trace_middle_n(snapshot.recent_n, snapshot.expected_n, self._middle_n)
        self._tell()
        self.update()

    def _tell(self) -> None:
        told = (self._word, self._by_itself)
        if told != self._told or self._since_told.elapsed() >= _SPOKEN_MS:
            self._told = told
            self._since_told.start()
            self.setAccessibleName(f"Reading {self._number} N, {self._expected}, {self._word} {self._time}")

    # Places, from the top

    def _line(self, top: float, size: int) -> QRectF:
        return QRectF(0, top, self.width(), size * 1.6)

    @property
    def _number_size(self) -> int:
        unit = width_of(" N", self.type.unit, 600) + 6
        # A number that is wider than any that a tool reads is shown smaller, never cut.
        widest = max(*_WIDEST, self._number, key=lambda words: width_of(words, self.type.number, 700))
        return fitted_size(widest, self.type.number, 700, int(self.width() - unit))

    @property
    def _number_rect(self) -> QRectF:
        top = self._line(0, self.type.base.near).bottom()
        width = max(width_of(words, self._number_size, 700) for words in (*_WIDEST, self._number))
        return QRectF(0, top, width + 1, self._number_size * 1.25)

    @property
    def _expected_rect(self) -> QRectF:
        return self._line(self._number_rect.bottom(), self.type.base.near)

    @property
    def _trace_rect(self) -> QRectF:
        top = self._expected_rect.bottom() + self.type.base.near
        return QRectF(0, top, self.width(), self.type.trace)

    @property
    def _scale_rect(self) -> QRectF:
        return self._line(self._trace_rect.bottom(), self.type.base.small)

    @property
    def _bar_rect(self) -> QRectF:
        return QRectF(0, self._scale_rect.bottom() + self.type.base.small, self.width(), self.type.bar)

    @property
    def _word_rect(self) -> QRectF:
        top = self._bar_rect.bottom() + 8
        return QRectF(0, top, self.width(), max(self.type.lead * 3.0, self.height() - top))

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        type_, near, small = self.type, self.type.base.near, self.type.base.small
        number = self._number_rect
        unit = QRectF(number.right() + 6, number.top(), width_of("N", type_.unit, 600) + 1, number.height())
        unit.translate(0, (self._number_size - type_.unit) * 0.36)
        scale = self._scale_rect
        found = [
            Text(self._line(0, near), "Reading", near, 400, "text2"),
            Text(number, self._number, self._number_size, 700, "text3" if self._number == DASH else "text", RIGHT),
            Text(unit, "N", type_.unit, 600),
            Text(self._expected_rect, self._expected, near, 400, "text2"),
            Text(scale.adjusted(0, 0, -scale.width() / 2, 0), f"last {KEPT_S:.0f} s", small, 400, "text3"),
            Text(scale.adjusted(scale.width() / 2, 0, 0, 0), f"± {_TRACE_HALF_N:g} N", small, 400, "text3", RIGHT),
        ]
        return (*found, *self._steady_texts())

    def _steady_texts(self) -> tuple[Text, ...]:
        """Return the word, and the time beside it, or below it where there is no room."""
        lead, rect = self.type.lead, self._word_rect
        left = 0.0 if self._by_itself else lead * 1.55
        if not self._time:
            size = size_within(self._word, lead, 700, rect.width() - left, rect.height())
            return (Text(rect.adjusted(left, 0, 0, 0), self._word, size, 700, "text", TOP, wraps=True),)
        line = QRectF(left, rect.top(), rect.width() - left, lead * 1.5)
        word_size = size_within(self._word, lead, 700, line.width(), line.height())
        word = Text(line, self._word, word_size, 700)
        time = QRectF(left, line.bottom(), line.width(), lead * 1.5)
        time_size = size_within(self._time, self.type.base.near, 400, time.width(), time.height())
        return (word, Text(time, self._time, time_size, 400, "text2"))

    # Drawing

    def draw(self, painter: QPainter) -> None:
        """Draw the trace and the bar."""
        theme = self.theme
        self._draw_trace(painter)
        bar = self._bar_rect
        path = QPainterPath()
        path.addRoundedRect(bar, bar.height() / 2, bar.height() / 2)
        painter.setPen(QPen(theme.color("line"), 1) if theme.name == "contrast" else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawPath(path)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * self._share, bar.height()), theme.color("text"))
        painter.restore()
        if not self._by_itself:
            size = self.type.lead * 1.2
            icon, token = ("check", "text") if self._steady else ("sync", "text3")
            if self._number == DASH:
                icon = "nolink"
            top = self._word_rect.top() + self.type.lead * 0.15
            paint_icon(painter, icon, 0, top, size, theme.color(token), 3 if self._steady else 1.9)

    def _draw_trace(self, painter: QPainter) -> None:
        theme, rect = self.theme, self._trace_rect
        per_n = rect.height() / (2 * _TRACE_HALF_N)
        band = _TRACE_BAND_N * per_n
        painter.fillRect(QRectF(rect.left(), rect.center().y() - band, rect.width(), 2 * band), theme.color("band"))
        if self._middle_n is None or len(self._recent) < 2 or self._period_s <= 0:
            return
        recent = self._recent[-math.ceil(KEPT_S / self._period_s) :]
        age = np.arange(len(recent) - 1, -1, -1, dtype=np.float64) * (self._period_s / KEPT_S)
        x, y = thinned(rect.right() - age * rect.width(), recent, round(rect.width()))
        y = np.clip(rect.center().y() - (y - self._middle_n) * per_n, rect.top(), rect.bottom())
        painter.setPen(QPen(theme.color("text"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for first, end in runs_of(np.isfinite(y)):
            painter.drawPolyline(arrayToQPolygonF(x[first:end], y[first:end]))


def thinned(x: Floats, y: Floats, pixels: int) -> tuple[Floats, Floats]:
    """Return points (n,) as they are, or least and greatest y of each of so many bins; one with a NaN is NaN."""
    size = math.ceil(len(y) / max(1, pixels))
    if size <= 2:
        return x, y
    lead = len(y) % size
    bins = y[lead:].reshape(-1, size)
    points = np.column_stack([bins.min(axis=1), bins.max(axis=1)])
    falling = bins[:, 0] > bins[:, -1]
    points[falling] = points[falling, ::-1]
    edges = x[lead:].reshape(-1, size)
    return np.column_stack([edges[:, 0], edges[:, -1]]).ravel(), points.ravel()


def trace_middle_n(recent_n: NDArray[np.float64], expected_n: float | None, before_n: float | None) -> float | None:
    """Return the force at the trace's middle: the expected one where the newest is near it, else one that changes only
    when the newest has left the trace.
    """
    finite = recent_n[np.isfinite(recent_n)]
    if len(finite) == 0:
        return expected_n if before_n is None else before_n
    newest_n = float(finite[-1])
    if expected_n is not None and abs(newest_n - expected_n) <= _TRACE_HALF_N:
        return expected_n
    if before_n is not None and abs(newest_n - before_n) <= _TRACE_HALF_N:
        return before_n
    return math.floor(newest_n / _TRACE_HALF_N + 0.5) * _TRACE_HALF_N
