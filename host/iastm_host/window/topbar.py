"""The top line: who or what on the left, a banner over it where something must be acted on, chips on the right."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from iastm_host.app.live_view import Banner, Chip, LiveView
from iastm_host.window.fonts import elided, fitted_size, font
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.icons import paint_icon
from iastm_host.window.theme import DARK, Theme


class TopBar(QWidget):
    """Identity or banner, and chips. `flash` is whether the banner's icon is in its lit half."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes, self._brief = DARK, COMPACT, False
        self._shown: tuple[str, str, Banner | None, tuple[Chip, ...], bool] | None = None

    def set_style(self, theme: Theme, sizes: Sizes, brief: bool = False) -> None:
        """Use these colours and sizes; where it is brief, a banner leaves room only for chips that must be noticed."""
        self._theme, self._sizes, self._brief = theme, sizes, brief
        self.update()

    def show_view(self, live: LiveView, flash: bool) -> None:
        """Show the top line; painted only where it changed."""
        lit = flash or live.banner is None or not live.banner.flashing
        shown = (live.title, live.subtitle, live.banner, live.chips, lit)
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleName(live.title if live.banner is None else live.banner.text)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint chips, and identity or banner."""
        if self._shown is None:
            return
        title, subtitle, banner, chips, lit = self._shown
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self._brief and banner is not None:
            chips = tuple(chip for chip in chips if chip.inverse)
        left_of_chips = self._paint_chips(painter, chips)
        room = QRectF(0, 0, left_of_chips - self._sizes.margin, self.height())
        if banner is None:
            self._paint_identity(painter, room, title, subtitle)
        else:
            self._paint_banner(painter, room, banner, lit)

    def _paint_identity(self, painter: QPainter, room: QRectF, title: str, subtitle: str) -> None:
        sizes = self._sizes
        size = fitted_size(title, sizes.far, 700, int(room.width()))
        block = size * 1.1 + sizes.near * 1.5
        top = (self.height() - block) / 2
        painter.setPen(self._theme.color("text"))
        painter.setFont(font(size, 700))
        painter.drawText(QPointF(0, top + size * 0.9), elided(title, font(size, 700), room.width()))
        painter.setPen(self._theme.color("text2"))
        painter.setFont(font(sizes.near))
        painter.drawText(
            QPointF(0, top + size * 1.1 + sizes.near * 1.1), elided(subtitle, font(sizes.near), room.width())
        )

    def _paint_banner(self, painter: QPainter, room: QRectF, banner: Banner, lit: bool) -> None:
        sizes, theme = self._sizes, self._theme
        medium = banner.kind == "medium"
        ground, ink = (
            (theme.color("warn"), theme.color("on_warn")) if medium else (theme.color("text"), theme.color("bg"))
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(room, 10, 10)
        pad = sizes.gap
        tile = QRectF(pad, (room.height() - sizes.icon * 1.4) / 2, sizes.icon * 1.4, sizes.icon * 1.4)
        icon_ink = ink
        if medium and lit:
            painter.setBrush(ink)
            painter.drawRoundedRect(tile, 8, 8)
            icon_ink = ground
        inset = sizes.icon * 0.15
        paint_icon(painter, banner.icon, tile.left() + inset, tile.top() + inset, sizes.icon * 1.1, icon_ink, 2.0)
        left = tile.right() + pad
        width = room.right() - pad - left
        size = fitted_size(banner.text, sizes.far, 700, int(width))
        painter.setPen(ink)
        block = size * 1.1 + (sizes.near * 1.5 if banner.sub else 0)
        top = (room.height() - block) / 2
        painter.setFont(font(size, 700))
        painter.drawText(QPointF(left, top + size * 0.92), elided(banner.text, font(size, 700), width))
        if banner.sub:
            painter.setFont(font(sizes.near))
            painter.drawText(
                QPointF(left, top + size * 1.1 + sizes.near * 1.1), elided(banner.sub, font(sizes.near), width)
            )

    def _paint_chips(self, painter: QPainter, chips: tuple[Chip, ...]) -> float:
        """Paint the chips from the right and return where they begin."""
        x = float(self.width())
        for chip in reversed(chips):
            width = self._chip_width(chip)
            x -= width
            self._paint_chip(painter, chip, QRectF(x, 0, width, self.height()))
            x -= self._sizes.margin
        return x + self._sizes.margin

    def _chip_width(self, chip: Chip) -> float:
        sizes = self._sizes
        far = QFontMetricsF(font(sizes.far, 600)).horizontalAdvance(chip.word) if chip.word else 0.0
        near_font = QFontMetricsF(font(sizes.small, 400 if chip.word else 600))
        near = max((near_font.horizontalAdvance(line) for line in _near_lines(chip)), default=0.0)
        text = max(far, near)
        return sizes.icon + (10 + text if text else 0) + (24 if chip.inverse else 0)

    def _paint_chip(self, painter: QPainter, chip: Chip, rect: QRectF) -> None:
        sizes, theme = self._sizes, self._theme
        ink, icon_ink, near_ink = theme.color("text"), theme.color("text2"), theme.color("text2")
        if chip.inverse:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("text"))
            painter.drawRoundedRect(rect.adjusted(0, 4, 0, -4), 8, 8)
            ink = icon_ink = near_ink = QColor(theme.color("bg"))
            rect = rect.adjusted(12, 0, -12, 0)
        lines = _near_lines(chip)
        middle = rect.center().y()
        paint_icon(painter, chip.icon, rect.left(), middle - sizes.icon / 2, sizes.icon, icon_ink, 1.8)
        left = rect.left() + sizes.icon + 10
        if chip.word:
            baseline = middle + sizes.far * 0.36 - (sizes.small * 0.65 if lines else 0)
            painter.setPen(ink)
            painter.setFont(font(sizes.far, 600))
            painter.drawText(QPointF(left, baseline), chip.word)
            top = baseline + sizes.small * 0.35
        else:
            top = middle - len(lines) * sizes.small * 0.62
        painter.setPen(near_ink if chip.word else ink)
        painter.setFont(font(sizes.small, 400 if chip.word else 600))
        for place, line in enumerate(lines):
            painter.drawText(QPointF(left, top + (place + 0.9) * sizes.small * 1.2), line)


def _near_lines(chip: Chip) -> list[str]:
    """Return the chip's near words, on two lines where there is no far word beside them."""
    if not chip.near:
        return []
    if chip.word:
        return [chip.near]
    head, _, tail = chip.near.partition(" ")
    return [head, tail] if tail else [head]
