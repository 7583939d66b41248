"""What speaks for the points: the table of this run, and how far all of them lie from the curve."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from iastm_host.app.calibrating.plan import CHECK
from iastm_host.app.calibrating.snapshot import ResidualView, RowView, WizardSnapshot
from iastm_host.window.calibration.panel import Panel
from iastm_host.window.calibration.text import LEFT, RIGHT, SMALLEST, Text, size_within
from iastm_host.window.calibration.words import DASH, difference_words, force_words
from iastm_host.window.fonts import width_of
from iastm_host.window.icons import paint_icon
from iastm_host.window.shapes import paint_shape

_BEYOND = 1.34
"""How far the graph reaches, in limits; what lies beyond stands at its edge with its number."""
_RANGE_AT = 0.96
"""Where the largest force stands, as a share of the graph's width: its mark is not cut."""
_HEADS = ("Load", "Applied, N", "Read, N", "mN")
_WIDEST = ("8,888 g", "88.888", "88.888", "−8,888")
_ALIGNS = (LEFT, RIGHT, RIGHT, RIGHT)
_CELL_PAD = 6.0


class EvidencePanel(Panel):
    """Table and graph; at the end the graph alone, with all runs alike."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self._rows: tuple[RowView, ...] = ()
        self._residuals: tuple[ResidualView, ...] = ()
        self._limit_mn, self._range_n = 30.0, 15.0
        self._overall = False

    def show_view(self, snapshot: WizardSnapshot) -> None:
        """Show the rows and residuals; painted only where they changed."""
        overall = snapshot.result is not None or snapshot.picture.kind == CHECK
        shown = (
            snapshot.rows_title or "This run",
            () if overall else snapshot.rows,
            snapshot.residuals,
            snapshot.residual_limit_mn,
            snapshot.force_range_n,
            overall,
        )
        if shown != (self._title, self._rows, self._residuals, self._limit_mn, self._range_n, self._overall):
            self._title, self._rows, self._residuals, self._limit_mn, self._range_n, self._overall = shown
            self.setAccessibleName("Points and their differences")
            self.setAccessibleDescription("; ".join(_spoken(row) for row in self._rows))
            self.update()

    # Places

    @property
    def _inner(self) -> QRectF:
        pad = self.type.pad - 4
        return QRectF(self.rect()).adjusted(pad, pad - 4, -pad, -pad + 4)

    @property
    def _table_top(self) -> float:
        base = self.type.base
        return self._inner.top() + base.near * 1.6 + base.small * 1.7

    @property
    def _row_height(self) -> float:
        least_plot = self.type.base.near * 13
        room = self._inner.bottom() - self._table_top - least_plot
        return max(self.type.base.small * 1.5, min(float(self.type.row), room / max(1, len(self._rows))))

    def _row(self, place: int) -> QRectF:
        inner = self._inner
        return QRectF(inner.left(), self._table_top + place * self._row_height, inner.width(), self._row_height)

    def _columns(self) -> tuple[int, tuple[float, ...]]:
        """Return the size of the table's figures and the columns' widths: what each needs, and its part of the rest."""
        base, room = self.type.base, self._inner.width()
        for size in range(base.near, SMALLEST - 1, -1):
            needed = [
                max(width_of(head, base.small), width_of(widest, size, 700)) + 2 * _CELL_PAD + 1
                for head, widest in zip(_HEADS, _WIDEST, strict=True)
            ]
            if sum(needed) <= room:
                break
        return size, tuple(width + (room - sum(needed)) / len(needed) for width in needed)

    def _cells(self, row: QRectF) -> tuple[QRectF, ...]:
        cells, left = [], row.left()
        for width in self._columns()[1]:
            cells.append(QRectF(left + _CELL_PAD, row.top(), width - 2 * _CELL_PAD, row.height()))
            left += width
        return tuple(cells)

    @property
    def _graph_head(self) -> QRectF:
        inner, near = self._inner, self.type.base.near
        top = inner.top() if not self._rows else self._row(len(self._rows)).top() + near * 0.9
        return QRectF(inner.left(), top, inner.width(), near * 1.6)

    @property
    def _plot(self) -> QRectF:
        """Where forces and differences stand."""
        inner, base = self._inner, self.type.base
        left = inner.left() + width_of("+888", base.small) + 10
        top = self._graph_head.bottom() + base.small * 0.7
        bottom = inner.bottom() - base.small * (3.6 if self._residuals else 1.8)
        return QRectF(left, top, inner.right() - 8 - left, max(40.0, min(bottom - top, inner.width() * 0.9)))

    def _x_of(self, force_n: float) -> float:
        plot = self._plot
        share = force_n / self._range_n if self._range_n > 0 else 0.0
        return plot.left() + min(1.0, max(0.0, share)) * plot.width() * _RANGE_AT

    def _y_of(self, residual_mn: float) -> float:
        plot = self._plot
        share = residual_mn / (self._limit_mn * _BEYOND)
        return plot.center().y() - min(1.0, max(-1.0, share)) * plot.height() / 2

    # Words

    def texts(self) -> tuple[Text, ...]:
        """Return the words with their places."""
        return (*self._table_texts(), *self._graph_texts(), *self._beyond_texts())

    def _table_texts(self) -> tuple[Text, ...]:
        if not self._rows:
            return ()
        base, inner = self.type.base, self._inner
        head = QRectF(inner.left(), inner.top(), inner.width(), base.near * 1.6)
        heading = size_within(self._title, base.near, 600, head.width(), head.height())
        found = [Text(head, self._title, heading, 600, "text2")]
        names = self._cells(QRectF(inner.left(), head.bottom(), inner.width(), base.small * 1.7))
        found += [
            Text(cell, name, base.small, 400, "text2", align)
            for name, cell, align in zip(_HEADS, names, _ALIGNS, strict=True)
        ]
        size = min(self._columns()[0], int(self._row_height / 1.3))
        for place, row in enumerate(self._rows):
            found += self._row_texts(row, self._cells(self._row(place)), size)
        return tuple(found)

    def _row_texts(self, row: RowView, cells: tuple[QRectF, ...], size: int) -> list[Text]:
        now = row.state == "now"
        token = {"now": "surface", "todo": "text3"}.get(row.state, "text")
        read = "now" if now and row.read_n is None else force_words(row.read_n)
        difference = DASH if row.read_n is not None and row.residual_mn is None else difference_words(row.residual_mn)
        words = (row.label, force_words(row.applied_n), read, difference)
        weights = (400, 400, 400 if read == DASH else 700, 400)
        label_size = size_within(row.label, size, 400, cells[0].width(), cells[0].height())
        return [
            Text(cell, word, label_size if place == 0 else size, weight, token, align)
            for place, (cell, word, weight, align) in enumerate(zip(cells, words, weights, _ALIGNS, strict=True))
            if word
        ]

    def _graph_texts(self) -> tuple[Text, ...]:
        base, plot, head = self.type.base, self._plot, self._graph_head
        title = f"Difference, mN · limit ± {self._limit_mn:.0f}"
        size = size_within(title, base.near, 600, head.width(), head.height())
        found = [Text(head, title, size, 600, "text2")]
        for value_mn in (self._limit_mn, 0.0, -self._limit_mn):
            y = self._y_of(value_mn)
            left = self._inner.left()
            rect = QRectF(left, y - base.small, plot.left() - 8 - left, 2 * base.small)
            found.append(Text(rect, difference_words(value_mn), base.small, 400, "text2", RIGHT))
        foot = QRectF(plot.left(), plot.bottom() + 2, plot.width(), base.small * 1.6)
        half = foot.width() / 2
        found.append(Text(foot.adjusted(0, 0, -half, 0), "0 N", base.small, 400, "text2"))
        found.append(Text(foot.adjusted(half, 0, 0, 0), f"{self._range_n:.3g} N", base.small, 400, "text2", RIGHT))
        found += [Text(rect, words, base.small, 400, "text2") for rect, words, *_ in self._legend()]
        return tuple(found)

    def _legend(self) -> list[tuple[QRectF, str, bool, bool]]:
        """Return of each entry the place of its words, the words, and how its mark looks: rising, filled."""
        base, plot = self.type.base, self._plot
        entries: list[tuple[str, bool, bool]] = []
        if any(point.rising for point in self._residuals):
            entries.append(("up", True, True))
        if any(not point.rising for point in self._residuals):
            entries.append(("down", False, True))
        if any(not point.current for point in self._residuals) and not self._overall:
            entries.append(("earlier", True, False))
        found, left = [], self._inner.left()
        top = plot.bottom() + base.small * 1.9
        for words, rising, filled in entries:
            width = width_of(words, base.small) + 1
            left += base.small * 1.3
            found.append((QRectF(left, top, width, base.small * 1.6), words, rising, filled))
            left += width + base.small * 1.2
        return found

    def _beyond(self) -> list[ResidualView]:
        edge_mn = self._limit_mn * _BEYOND
        return [point for point in self._residuals if abs(point.residual_mn) > edge_mn]

    def _beyond_texts(self) -> tuple[Text, ...]:
        """Return the numbers of the newest points that lie beyond the graph, beside their marks."""
        base, plot = self.type.base, self._plot
        found = []
        for point in self._beyond()[-2:]:
            words = difference_words(point.residual_mn)
            width = width_of(words, base.small, 700) + 1
            x, y = self._x_of(point.force_n), self._y_of(point.residual_mn)
            left = x + 10 if x + 10 + width <= plot.right() else x - 10 - width
            top = y if point.residual_mn > 0 else y - base.small * 1.5
            found.append(Text(QRectF(left, top, width, base.small * 1.5), words, base.small, 700))
        if len(found) == 2 and found[0].rect.intersects(found[1].rect):
            del found[0]
        return tuple(found)

    # Drawing

    def draw(self, painter: QPainter) -> None:
        """Draw lines, grounds and marks."""
        theme = self.theme
        for place, row in enumerate(self._rows):
            rect = self._row(place)
            painter.setPen(QPen(theme.color("line"), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
            if row.state == "now":
                painter.fillRect(rect, theme.color("text"))
            elif row.state == "noted":
                size = self.type.base.small * 1.1
                cell = self._cells(rect)[0]
                paint_icon(
                    painter, "info", cell.right() - size, rect.center().y() - size / 2, size, theme.color("text")
                )
        self._draw_graph(painter)

    def _draw_graph(self, painter: QPainter) -> None:
        theme, plot = self.theme, self._plot
        top, bottom = self._y_of(self._limit_mn), self._y_of(-self._limit_mn)
        painter.fillRect(QRectF(plot.left(), top, plot.width(), bottom - top), theme.color("band"))
        painter.setPen(QPen(theme.color("edge"), 1.2))
        painter.drawLine(QPointF(plot.left(), self._y_of(0)), QPointF(plot.right(), self._y_of(0)))
        dashed = QPen(theme.color("edge"), 1.2)
        dashed.setDashPattern([4, 4])
        painter.setPen(dashed)
        for y in (top, bottom):
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        radius = self.type.base.near * 0.3
        for point in sorted(self._residuals, key=lambda each: each.current):
            filled = point.current or self._overall
            self._mark(painter, self._x_of(point.force_n), self._y_of(point.residual_mn), radius, point.rising, filled)
        for rect, _, rising, filled in self._legend():
            self._mark(painter, rect.left() - self.type.base.small * 0.75, rect.center().y(), radius, rising, filled)

    def _mark(self, painter: QPainter, x: float, y: float, radius: float, rising: bool, filled: bool) -> None:
        theme = self.theme
        shape = "triangle_up" if rising else "triangle_down"
        ink = theme.color("text" if filled else "edge")
        paint_shape(painter, shape, x, y, radius, ink if filled else None, ink)


def _spoken(row: RowView) -> str:
    """Return a row as a screen reader says it."""
    if row.read_n is None:
        return f"{row.label}: {'now' if row.state == 'now' else 'to do'}"
    noted = ", kept with a note" if row.state == "noted" else ""
    difference = "no difference yet" if row.residual_mn is None else f"{difference_words(row.residual_mn)} mN"
    return f"{row.label}: {force_words(row.read_n)} N, {difference}{noted}"
