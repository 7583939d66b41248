"""The ladder: three slots, the lit one is the answer; the bar of present force and the fan join it to the chart."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view import Ladder, axis_top_n
from iastm_host.window.fonts import fitted_size, font, width_of
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.icons import paint_icon
from iastm_host.window.painting import paint_hatch
from iastm_host.window.shapes import paint_shape, shape_colors
from iastm_host.window.theme import DARK, Theme

SLOTS = (("top", "diamond", "Too hard"), ("middle", "circle", "Fine"), ("bottom", "triangle_down", "Too light"))
LIT_SHARE_BRIEF = 3.0
"""How much higher the lit slot is than another on a small screen."""
WIDEST_NUMBER = "88.8"
WIDEST_WORD = "light"
"""The longest piece of a state's word once "Too light" stands on two lines."""


class LadderPanel(QWidget):
    """Fan and ladder. `axis_top`, `axis_bottom`: where the chart's axis stands in this panel, for the fan."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes = DARK, COMPACT
        self._ladder: Ladder | None = None
        self._profile: Profile | None = None
        self._fan_width, self._axis_top, self._axis_bottom = 0, 0, 0
        self._brief = False

    def set_style(self, theme: Theme, sizes: Sizes, fan_width: int, axis_top: int, axis_bottom: int) -> None:
        """Use these colours, sizes and joints with the chart; a fan of width 0 is not drawn."""
        self._theme, self._sizes = theme, sizes
        self._fan_width, self._axis_top, self._axis_bottom = fan_width, axis_top, axis_bottom
        self.update()

    def set_brief(self, brief: bool) -> None:
        """On a small screen give the lit slot more room than the others."""
        self._brief = brief
        self.update()

    def show_view(self, ladder: Ladder, profile: Profile) -> None:
        """Show the verdict; painted only where it changed."""
        if ladder != self._ladder or profile != self._profile:
            self._ladder, self._profile = ladder, profile
            self.setAccessibleName(f"{ladder.word} {ladder.number} {ladder.sub}".strip())
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the slots, or what covers them."""
        if self._ladder is None or self._profile is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        area = QRectF(self._fan_width, 0, self.width() - self._fan_width, self.height())
        if not self._ladder.slot:
            self._paint_cover(painter, area.adjusted(1, 1, -1, -1), self._ladder)
            return
        gap = self._sizes.slot_gap if not self._brief else 6
        unlit_height = (area.height() - 2 * gap) / (2 + (LIT_SHARE_BRIEF if self._brief else 1))
        top = 0.0
        for slot, shape, word in SLOTS:
            lit = slot == self._ladder.slot
            height = unlit_height * LIT_SHARE_BRIEF if lit and self._brief else unlit_height
            rect = QRectF(area.left(), top, area.width(), height)
            top += height + gap
            if self._fan_width:
                self._paint_fan(painter, slot, rect, lit)
            if lit:
                self._paint_lit(painter, rect, self._ladder)
            else:
                self._paint_unlit(painter, rect, shape, word, self._ladder.held_text if slot == "top" else "")

    def _slab(self, ladder: Ladder) -> tuple[QColor, QColor, QColor]:
        """Return fill, frame and ink of the lit slot."""
        state = "fine" if ladder.state == "hold" else ladder.state
        fill, frame, ink = {
            "light": ("light", "light", "on_light"),
            "fine": ("fine_slab", "text", "text"),
            "firm": ("surface", "warn_edge", "text"),
            "hard": ("warn", "warn", "on_warn"),
            "too_hard": ("alarm", "alarm", "on_alarm"),
        }[state]
        return self._theme.color(fill), self._theme.color(frame), self._theme.color(ink)

    def _paint_fan(self, painter: QPainter, slot: str, rect: QRectF, lit: bool) -> None:
        """Join the slot to its part of the force axis."""
        assert self._profile is not None
        assert self._ladder is not None
        profile = self._profile
        top_n = axis_top_n(profile)
        low_n, high_n = {
            "bottom": (0.0, profile.target_low_n),
            "middle": (profile.target_low_n, profile.target_high_n),
            "top": (profile.target_high_n, top_n),
        }[slot]

        def y_of(force_n: float) -> float:
            return self._axis_bottom - force_n / top_n * (self._axis_bottom - self._axis_top)

        color = self._slab(self._ladder)[0] if lit else self._theme.color("surface")
        color.setAlphaF((0.95 if slot == "middle" else 0.6) if lit else 0.8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        corners = [
            QPointF(0, y_of(high_n)),
            QPointF(rect.left(), rect.top()),
            QPointF(rect.left(), rect.bottom()),
            QPointF(0, y_of(low_n)),
        ]
        painter.drawPolygon(QPolygonF(corners))

    def _paint_unlit(self, painter: QPainter, rect: QRectF, shape: str, word: str, held_text: str) -> None:
        theme, sizes = self._theme, self._sizes
        painter.setPen(QPen(theme.color("unlit"), 2))
        painter.setBrush(theme.color("bg"))
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 10, 10)
        x = rect.left() + self._pad() + sizes.shape
        paint_shape(
            painter,
            shape,
            x,
            rect.center().y(),
            min(sizes.shape * 0.55, rect.height() * 0.3),
            None,
            theme.color("edge"),
        )
        painter.setFont(font(min(sizes.unlit_word, int(rect.height() * 0.6))))
        painter.setPen(theme.color("text3"))
        text = QRectF(self._word_left(rect), rect.top(), rect.width(), rect.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        if held_text:
            painter.setFont(font(sizes.rate, 700))
            painter.setPen(theme.color("text"))
            painter.drawText(
                rect.adjusted(0, 0, -self._pad(), 0),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                held_text,
            )

    def _paint_lit(self, painter: QPainter, rect: QRectF, ladder: Ladder) -> None:
        sizes = self._sizes
        fill, frame, ink = self._slab(ladder)
        painter.setPen(QPen(frame, 4))
        painter.setBrush(fill)
        painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 10, 10)
        middle = rect.center().y() - (sizes.slot_gap / 2 if ladder.progress is not None else 0)
        x = rect.left() + self._pad() + sizes.shape
        if ladder.state in ("light", "hard", "too_hard"):
            shape_fill = shape_edge = ink
        else:
            shape_fill, shape_edge = shape_colors(ladder.shape, self._theme)
        paint_shape(painter, ladder.shape, x, middle, min(sizes.shape, rect.height() * 0.36), shape_fill, shape_edge)
        unit_right = rect.right() - (28 if sizes.number > 130 else 18)
        unit_width = width_of("N", sizes.unit, 600)
        number_right = unit_right - unit_width - sizes.unit * 0.25
        height = rect.height() * (0.8 if ladder.progress is not None else 1.0)
        number_size, word_size = self._fitted(int(number_right - self._word_left(rect)), int(height))
        baseline = middle + number_size * 0.364
        painter.setPen(ink)
        painter.setFont(font(sizes.unit, 600))
        painter.drawText(QPointF(unit_right - unit_width, baseline), "N")
        painter.setFont(font(number_size, 700, -number_size * 0.02))
        advance = width_of(ladder.number, number_size, 700, -number_size * 0.02)
        painter.drawText(QPointF(number_right - advance, baseline), ladder.number)
        painter.setFont(font(word_size, 700))
        lines = ladder.word.split(" ")
        for place, line in enumerate(lines):
            shift = (place - (len(lines) - 1) / 2) * 1.08 * word_size
            painter.drawText(QPointF(self._word_left(rect), middle + word_size * 0.36 + shift), line)
        if ladder.progress is not None:
            self._paint_progress(painter, rect, ladder.progress, ink)

    def _paint_progress(self, painter: QPainter, rect: QRectF, progress: float, ink: QColor) -> None:
        track = QRectF(rect.left() + 24, rect.bottom() - 26, rect.width() - 48, 12)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = QColor(ink)
        ground.setAlphaF(0.2)
        painter.setBrush(ground)
        painter.drawRoundedRect(track, 6, 6)
        painter.setBrush(ink)
        painter.drawRoundedRect(QRectF(track.left(), track.top(), max(12.0, track.width() * progress), 12), 6, 6)

    def _fitted(self, width: int, height: int) -> tuple[int, int]:
        """Return the number's and the word's size, once for the widest of both: a value never changes its own size."""
        sizes = self._sizes
        room = min(1.0, height / (1.15 * sizes.number))
        number, word = int(sizes.number * room), int(sizes.word * room)
        word = fitted_size(WIDEST_WORD, word, 700, int(width * 0.34))
        number = fitted_size(WIDEST_NUMBER, number, 700, int(width - width_of(WIDEST_WORD, word, 700) - 12))
        return number, word

    def _pad(self) -> int:
        return 34 if self._sizes.number > 130 else 22

    def _word_left(self, rect: QRectF) -> float:
        return rect.left() + self._pad() + 2 * self._sizes.shape + (30 if self._sizes.number > 130 else 20)

    def _paint_cover(self, painter: QPainter, rect: QRectF, ladder: Ladder) -> None:
        """Cover the ladder: hatched and dashed where the signal is in doubt, a plain frame where all is calm."""
        theme, sizes = self._theme, self._sizes
        painter.setBrush(theme.color("bg"))
        pen = QPen(theme.color("text" if ladder.technical else "edge"), 2)
        if ladder.technical:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(rect, 10, 10)
            paint_hatch(painter, rect.adjusted(2, 2, -2, -2), theme.color("hatch", 0.55), None, 13)
            pen.setDashPattern([5, 3.5])
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawRoundedRect(rect, 10, 10)
        icon = sizes.icon * (2.2 if sizes.number > 130 else 2.6)
        word_size = fitted_size(
            _widest(ladder.word), sizes.far + (12 if sizes.number > 130 else 14), 700, int(rect.width() - 110)
        )
        height = icon + word_size * 1.3 + sizes.near * 3.2
        plate = QRectF(rect.left() + 30, rect.center().y() - height / 2 - 20, rect.width() - 60, height + 40)
        if ladder.technical:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("bg"))
            painter.drawRoundedRect(plate, 8, 8)
        top = plate.top() + 20
        paint_icon(painter, ladder.icon, rect.center().x() - icon / 2, top, icon, theme.color("text"))
        painter.setPen(theme.color("text"))
        painter.setFont(font(word_size, 700))
        painter.drawText(
            QRectF(plate.left(), top + icon + 4, plate.width(), word_size * 1.3),
            Qt.AlignmentFlag.AlignCenter,
            ladder.word,
        )
        painter.setPen(theme.color("text2"))
        painter.setFont(font(sizes.near))
        painter.drawText(
            QRectF(plate.left() + 16, top + icon + word_size * 1.3 + 10, plate.width() - 32, sizes.near * 3.2),
            Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap,
            ladder.sub,
        )


def _widest(word: str) -> str:
    """Return `word` with every figure as wide as the widest, so that counting does not change its size."""
    return "".join("8" if letter.isdigit() else letter for letter in word)


class NowBar(QWidget):
    """A bar filled to the present force: the only place where force shows at the instant it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._filled = 0
        self._ticks: tuple[float, ...] = ()

    def set_style(self, theme: Theme) -> None:
        """Use these colours."""
        self._theme = theme
        self.update()

    def show_force(self, force_n: float | None, profile: Profile) -> None:
        """Show the present force; None and NaN leave the bar empty."""
        top_n = axis_top_n(profile)
        filled = 0
        if force_n is not None and math.isfinite(force_n):
            filled = round(min(1.0, max(0.0, force_n / top_n)) * self.height())
        edges_n = (profile.target_low_n, profile.target_high_n, profile.warn_n, profile.alarm_n)
        ticks = tuple(edge_n / top_n for edge_n in edges_n if edge_n > 0)
        if (filled, ticks) != (self._filled, self._ticks):
            self._filled, self._ticks = filled, ticks
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar, and where the bands begin."""
        painter = QPainter(self)
        height = self.height()
        painter.fillRect(self.rect(), self._theme.color("raised"))
        painter.fillRect(0, height - self._filled, self.width(), self._filled, self._theme.color("text"))
        for tick in self._ticks:
            painter.fillRect(0, round(height - tick * height) - 1, self.width(), 2, self._theme.color("bg"))
