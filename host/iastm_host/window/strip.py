"""The strip below the chart: rate, contact time, exposure, count."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.live_view import RATE_BAND_SPM, Bar, Strip
from iastm_host.window.fonts import elided, fitted_size, font, width_of
from iastm_host.window.geometry import COMPACT, Sizes
from iastm_host.window.icons import paint_icon
from iastm_host.window.painting import paint_hatch
from iastm_host.window.theme import DARK, Theme

LIMIT_AT = 0.8
"""Every bar has its limit at this share of its length."""
RATE_END_SPM = 75.0
LEFT_MIDDLE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT_MIDDLE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class StripPanel(QWidget):
    """Four zones, or three far words where there is no room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._sizes, self._brief = DARK, COMPACT, False
        self._strip: Strip | None = None

    def set_style(self, theme: Theme, sizes: Sizes, brief: bool) -> None:
        """Use these colours and sizes; `brief` keeps rate, time and the exposure's word only."""
        self._theme, self._sizes, self._brief = theme, sizes, brief
        self.update()

    def show_view(self, strip: Strip) -> None:
        """Show the strip; painted only where it changed."""
        if strip != self._strip:
            self._strip = strip
            self.setAccessibleName(f"{strip.rate_number} {strip.rate_unit}, {strip.headline}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the zones."""
        if self._strip is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        if self._theme.name == "contrast":
            painter.setPen(QPen(self._theme.color("line"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        if self._brief:
            self._paint_brief(painter, self._strip)
            return
        wide = self._sizes.number > 130
        widths = (330, 330, 690) if wide else (224, 224, 510)
        pad = 24 if wide else 16
        painters = (self._paint_rate, self._paint_contact, self._paint_exposure, self._paint_strokes)
        left = 0
        for place, paint in enumerate(painters):
            width = widths[place] if place < 3 else self.width() - left
            if place:
                painter.setPen(QPen(self._theme.color("line"), 1))
                painter.drawLine(QPointF(left + 0.5, 0), QPointF(left + 0.5, self.height()))
            paint(painter, QRectF(left + pad, 14 if wide else 11, width - 2 * pad, self.height() - 20), self._strip)
            left += width

    def _head(self, painter: QPainter, zone: QRectF, text: str, right: str = "") -> QRectF:
        """Paint a zone's heading and return the rectangle of the far number below it."""
        sizes = self._sizes
        head = QRectF(zone.left(), zone.top(), zone.width(), sizes.near * 1.45)
        painter.setFont(font(sizes.near))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(head, LEFT_MIDDLE, text)
        painter.drawText(head, RIGHT_MIDDLE, right)
        return QRectF(zone.left(), head.bottom() + 4, zone.width(), sizes.rate * 1.06)

    def _number(self, painter: QPainter, rect: QRectF, number: str, unit: str, widest: str) -> None:
        sizes = self._sizes
        unit_size = round(sizes.rate * 0.35)
        unit_width = width_of(unit, unit_size) + 10 if unit else 0
        size = fitted_size(widest, sizes.rate, 700, int(rect.width() - unit_width))
        spacing = -size * 0.02
        baseline = rect.top() + rect.height() / 2 + size * 0.364
        painter.setFont(font(size, 700, spacing))
        painter.setPen(self._theme.color("text" if number != "–" else "text3"))
        painter.drawText(QPointF(rect.left(), baseline), number)
        painter.setFont(font(unit_size))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(QPointF(rect.left() + width_of(number, size, 700, spacing) + 10, baseline), unit)

    def _paint_rate(self, painter: QPainter, zone: QRectF, strip: Strip) -> None:
        rect = self._head(painter, zone, strip.rate_title, strip.rate_hz_text)
        self._number(painter, rect, strip.rate_number, strip.rate_unit, "888")
        if strip.held:
            return
        theme, sizes = self._theme, self._sizes
        track = QRectF(zone.left(), rect.bottom() + 6, zone.width(), sizes.bar)

        def x_of(rate_spm: float) -> float:
            return track.left() + min(1.0, rate_spm / RATE_END_SPM) * track.width()

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(QRectF(track.left(), track.center().y() - 4, track.width(), 8), 4, 4)
        low, high = RATE_BAND_SPM
        painter.setPen(QPen(theme.color("edge"), 1))
        painter.setBrush(theme.color("band"))
        painter.drawRoundedRect(QRectF(x_of(low), track.top(), x_of(high) - x_of(low), track.height()), 3, 3)
        self._tick_label(painter, x_of(low), track.bottom(), f"{low:.0f}")
        self._tick_label(painter, x_of(high), track.bottom(), f"{high:.0f}")
        if strip.rate_spm is not None:
            painter.fillRect(
                QRectF(x_of(strip.rate_spm) - 2.5, track.top() - 6, 5, track.height() + 12), theme.color("text")
            )

    def _tick_label(self, painter: QPainter, x: float, top: float, text: str) -> None:
        painter.setFont(font(self._sizes.small))
        painter.setPen(self._theme.color("text3"))
        painter.drawText(QRectF(x - 60, top + 3, 120, self._sizes.small * 1.3), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_contact(self, painter: QPainter, zone: QRectF, strip: Strip) -> None:
        contact = strip.contact
        rect = self._head(painter, zone, contact.label, strip.contact_note)
        self._number(painter, rect, contact.value, "", "88:88")
        if contact.share is None:
            return
        track = QRectF(zone.left(), rect.bottom() + 6, zone.width(), self._sizes.bar)
        self._paint_bar(painter, track, contact)
        self._tick_label(painter, track.left() + LIMIT_AT * track.width(), track.bottom(), contact.limit)

    def _paint_bar(self, painter: QPainter, track: QRectF, bar: Bar) -> None:
        theme = self._theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(track, 3, 3)
        if theme.name == "contrast":
            painter.setPen(QPen(theme.color("line"), 1))
            painter.drawRoundedRect(track, 3, 3)
            painter.setPen(Qt.PenStyle.NoPen)
        if bar.share is None:
            return
        limit_x = track.left() + LIMIT_AT * track.width()
        filled = min(bar.share * LIMIT_AT, 1.0) * track.width()
        painter.setBrush(theme.color({"near": "warn", "over": "alarm"}.get(bar.grade, "bar")))
        if bar.grade == "near":
            painter.setPen(QPen(theme.color("warn_edge"), 1))
        solid = min(filled, LIMIT_AT * track.width())
        if solid >= 1:
            painter.drawRoundedRect(QRectF(track.left(), track.top(), solid, track.height()), 3, 3)
        if filled > solid:
            over = QRectF(limit_x, track.top(), filled - solid, track.height())
            paint_hatch(painter, over, theme.color("alarm"), theme.color("surface"), 6)
        painter.fillRect(QRectF(limit_x - 1.5, track.top() - 5, 3, track.height() + 10), theme.color("text"))

    def _paint_exposure(self, painter: QPainter, zone: QRectF, strip: Strip) -> None:
        sizes, theme = self._sizes, self._theme
        head = self._head(painter, zone, "Exposure")
        size = fitted_size(_widest(strip.headline), sizes.headline, 700, int(zone.width() * 0.62))
        made = font(size, 700)
        word_width = width_of(strip.headline, size, 700)
        middle = zone.top() + sizes.near * 0.72
        painter.setFont(made)
        painter.setPen(theme.color("text"))
        painter.drawText(QPointF(zone.right() - word_width, middle + size * 0.36), strip.headline)
        icon = sizes.icon * 0.95
        ink = {"near": "warn_edge", "over": "alarm"}.get(strip.headline_grade, "text2")
        paint_icon(
            painter,
            strip.headline_icon,
            zone.right() - word_width - icon - 12,
            middle - icon / 2,
            icon,
            theme.color(ink),
            2.0,
        )
        label_width, value_width = (150, 150) if sizes.number > 130 else (116, 116)
        top = head.top() + (26 if sizes.number > 130 else 18)
        for place, bar in enumerate(strip.bars):
            y = top + place * sizes.row
            row = QRectF(zone.left(), y, zone.width(), sizes.bar)
            painter.setFont(font(sizes.near))
            painter.setPen(theme.color("text2"))
            painter.drawText(row.adjusted(0, -6, 0, 6), LEFT_MIDDLE, bar.label)
            track = QRectF(row.left() + label_width, y, row.width() - label_width - value_width, sizes.bar)
            if bar.share is not None:
                self._paint_bar(painter, track, bar)
            else:
                painter.setFont(font(sizes.small))
                painter.setPen(theme.color("text3"))
                painter.drawText(track.adjusted(0, -6, 0, 6), LEFT_MIDDLE, bar.limit)
            self._paint_value(painter, row, bar)

    def _paint_value(self, painter: QPainter, row: QRectF, bar: Bar) -> None:
        sizes = self._sizes
        limit = f" / {bar.limit}" if bar.share is not None else ""
        limit_width = width_of(limit, sizes.near) if limit else 0
        rect = row.adjusted(0, -6, 0, 6)
        painter.setFont(font(sizes.near))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(rect, RIGHT_MIDDLE, limit)
        painter.setFont(font(sizes.near, 600))
        painter.setPen(self._theme.color("text"))
        painter.drawText(rect.adjusted(0, 0, -limit_width, 0), RIGHT_MIDDLE, bar.value)

    def _paint_strokes(self, painter: QPainter, zone: QRectF, strip: Strip) -> None:
        rect = self._head(painter, zone, "Strokes")
        self._number(painter, rect, strip.stroke_number, "", "8,888")
        made = font(self._sizes.small)
        painter.setFont(made)
        painter.setPen(self._theme.color("text2"))
        for place, note in enumerate(strip.stroke_notes):
            line = QRectF(
                zone.left(), rect.bottom() + 4 + place * self._sizes.small * 1.35, zone.width(), self._sizes.small * 1.3
            )
            if line.bottom() > self.height():
                break
            painter.drawText(line, LEFT_MIDDLE, elided(note, made, zone.width()))

    def _paint_brief(self, painter: QPainter, strip: Strip) -> None:
        third = self.width() / 3
        middle = self.height() / 2
        self._number(painter, QRectF(16, middle - 40, third - 24, 80), strip.rate_number, strip.rate_unit, "888")
        self._number(painter, QRectF(third + 8, middle - 40, third - 24, 80), strip.contact.value, "", "88:88")
        size = fitted_size(_widest(strip.headline), self._sizes.far, 700, int(third - 24))
        painter.setFont(font(size, 700))
        painter.setPen(self._theme.color("text"))
        painter.drawText(QRectF(2 * third + 8, 0, third - 24, self.height()), LEFT_MIDDLE, strip.headline)


def _widest(headline: str) -> str:
    """Return the longer of a headline and the one that most sizes are made for: those never change their size."""
    return max(headline, "Within limits", key=len)
