"""Blocks laid out in a page of a given width: words with their places, and what is drawn between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF

from iastm_host.app.tools_page.page import (
    Block,
    Cell,
    Facts,
    Lines,
    Notice,
    Progress,
    Row,
    Table,
    Verdict,
    Words,
)
from iastm_host.window.calibration.places import Type
from iastm_host.window.calibration.text import LEFT, RIGHT, TOP, Text, height_of, line_height
from iastm_host.window.fonts import width_of

CELL_PAD = 8.0
_ENDLESS = 1e6
# Longer words are broken: a path shall not push the other columns out.
_WORD_EMS = 9.0
# A serial number of 16 digits stays whole.
_NAME_EMS = 13.0
# A table of few words is not pulled over the whole width.
_SPARE_EMS = 7.0
_LINE_EMS = 52.0
_TOP_RIGHT = (RIGHT & ~LEFT & ~TOP) | (TOP & ~LEFT)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Something that is no words: a line, a chosen ground, a frame, a mark of a verdict, a bar (with its share).

    `ink` is what it is drawn with.
    """

    kind: str
    rect: QRectF
    name: str = ""
    share: float | None = None
    ink: str = "text"


@dataclass(slots=True)
class Laid:
    """A page: its words, what is drawn below them, where its rows can be pressed, and the height that it needs."""

    texts: list[Text] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    rows: list[tuple[str, QRectF, bool]] = field(default_factory=list)
    height: float = 0.0


def lay_out(blocks: Sequence[Block], width: float, type_: Type) -> Laid:
    """Return the blocks one below the other, within the page's padding."""
    return _Page(width, type_).lay(blocks)


class _Page:
    """Places blocks from top to bottom."""

    def __init__(self, width: float, type_: Type) -> None:
        self.type, self.base = type_, type_.base
        self.left = float(type_.pad)
        self.room = width - 2 * self.left
        self.y = type_.pad - 4.0
        self.laid = Laid()

    def lay(self, blocks: Sequence[Block]) -> Laid:
        ways: dict[type, Callable[..., None]] = {
            Words: self._words,
            Notice: self._notice,
            Verdict: self._verdict,
            Table: self._table,
            Facts: self._facts,
            Lines: self._lines,
            Progress: self._progress,
        }
        for place, block in enumerate(blocks):
            if place and isinstance(block, Words) and block.strong:
                self.y += self.base.near * 0.7
            ways[type(block)](block)
        self.laid.height = self.y + self.type.pad - self.base.gap
        return self.laid

    def _add(
        self, words: str, size: int, weight: int, token: str, left: float, width: float, top: float | None = None
    ) -> float:
        """Add words that wrap; return where they end."""
        at = self.y if top is None else top
        height = height_of(words, size, weight, width)
        if words:
            self.laid.texts.append(Text(QRectF(left, at, width, height), words, size, weight, token, TOP, wraps=True))
        return at + height

    @property
    def _line_room(self) -> float:
        """The width of a paragraph that is read without losing the line."""
        return min(self.room, self.base.near * _LINE_EMS)

    def _words(self, block: Words) -> None:
        weight = 600 if block.strong else 400
        self.y = self._add(block.text, self.base.near, weight, "text", self.left, self._line_room) + self.base.gap * 0.8

    def _notice(self, block: Notice) -> None:
        pad, icon = self.base.near * 0.8, self.base.near * 1.7
        width = min(self.room, self.base.near * (_LINE_EMS + 6))
        left, inner = self.left + icon + 2 * pad, width - icon - 3 * pad
        end = self._add(block.what, self.base.near, 600, "text", left, inner, self.y + pad)
        if block.fix:
            end = self._add(block.fix, self.base.near, 400, "text2", left, inner, end + 2)
        frame = QRectF(self.left, self.y, width, end + pad - self.y)
        self.laid.drawn.append(Drawn("frame", frame))
        self.laid.drawn.append(Drawn("icon", QRectF(self.left + pad, self.y + pad - 2, icon, icon), "warn"))
        self.y = frame.bottom() + self.base.gap * 1.4

    def _verdict(self, block: Verdict) -> None:
        size = round(self.type.title * 0.75)
        mark = self.type.title * 1.05
        left, inner = self.left + mark + self.base.near * 0.9, self.room - mark - self.base.near * 0.9
        line = line_height(size, 700)
        top = self.y + max(0.0, (mark - line) / 2)
        end = self._add(block.word, size, 700, "text", left, inner, top)
        if block.sentence:
            end = self._add(block.sentence, self.base.near, 400, "text2", left, min(inner, self._line_room), end + 2)
        self.laid.drawn.append(Drawn("mark", QRectF(self.left, self.y, mark, mark), block.mark))
        self.y = max(end, self.y + mark) + self.base.gap * 1.6

    def _facts(self, block: Facts) -> None:
        near = self.base.near
        names = max((width_of(name, near) for name, _ in block.rows), default=0.0) + 2 * near
        names = min(names, self.room * 0.4)
        for name, value in block.rows:
            ends = (
                self._add(name, near, 400, "text2", self.left, names - near),
                self._add(value, near, 400, "text", self.left + names, min(self.room - names, self._line_room)),
            )
            self.y = max(ends) + near * 0.35
        self.y += self.base.gap * 0.8

    def _lines(self, block: Lines) -> None:
        small = self.base.small
        for line in block.lines:
            words = line.lstrip()
            indent = min((len(line) - len(words)) * small * 0.5, self.room / 3)
            if words:
                weight = 600 if line.startswith("#") else 400
                if weight == 600 and line is not block.lines[0]:
                    self.y += small * 0.6
                self.y = self._add(words, small, weight, "text", self.left + indent, self.room - indent) + 2
            else:
                self.y += small
        self.y += self.base.gap * 0.8

    def _progress(self, block: Progress) -> None:
        self.y = self._add(block.words, self.base.near, 600, "text", self.left, self._line_room) + 6
        width = min(self.room, self.base.near * 28.0)
        self.laid.drawn.append(Drawn("bar", QRectF(self.left, self.y, width, self.type.bar), share=block.share))
        self.y += self.type.bar + self.base.gap * 1.8

    # Tables

    def _table(self, block: Table) -> None:
        widths = self._columns(block)
        if widths is None:
            self._cards(block)
        else:
            self._grid(block, widths)
        self.y += self.base.gap * 1.2

    def _columns(self, block: Table) -> list[float] | None:
        """Return the widths of columns, None where even broken into lines the words need more than there is."""
        near, small = self.base.near, self.base.small
        natural, least = [], []
        for place, head in enumerate(block.heads):
            cells = [row.cells[place] for row in block.rows]
            weight = _weight(block, place)
            whole = [width_of(head, small), *(_width(cell, near, small, weight) for cell in cells)]
            broken = [
                width_of(head, small),
                *(
                    width_of(word, near, _heavy(cell, weight)) + _mark_room(cell, near)
                    for cell in cells
                    for word in cell.text.split()
                ),
                *(width_of(word, small) for cell in cells for word in cell.detail.split()),
            ]
            beside = 2 * CELL_PAD + 1 + (self._after_number if place in block.right else 0.0)
            natural.append(max(whole) + beside)
            longest = near * (_NAME_EMS if place == 0 else _WORD_EMS)
            least.append(min(max(broken), longest, max(whole)) + beside)
        if sum(least) > self.room:
            return None
        spare = self.room - sum(natural)
        if spare >= 0:
            most = spare if any(row.id for row in block.rows) else near * _SPARE_EMS
            return [width + min(spare / len(natural), most) for width in natural]
        # Those that would like most more get most.
        wishes = [whole - broken for whole, broken in zip(natural, least, strict=True)]
        share = (self.room - sum(least)) / sum(wishes)
        return [broken + share * wish for broken, wish in zip(least, wishes, strict=True)]

    def _grid(self, block: Table, widths: list[float]) -> None:
        base = self.base
        total = sum(widths)
        if any(block.heads):
            line = line_height(base.small)
            for place, (head, box) in enumerate(
                zip(block.heads, self._boxes(block, widths, self.y, line), strict=True)
            ):
                align = RIGHT if place in block.right else LEFT
                self.laid.texts.append(Text(box, head, base.small, 400, "text2", align))
            self.y += line + base.near * 0.3
        pad = base.near * 0.42
        for row in block.rows:
            heights = [
                _height(cell, box.width(), base.near, base.small, _weight(block, place))
                for place, (cell, box) in enumerate(zip(row.cells, self._boxes(block, widths, 0, 0), strict=True))
            ]
            ground = QRectF(self.left, self.y, total, max(heights) + 2 * pad)
            self._ground(row, ground)
            boxes = self._boxes(block, widths, self.y + pad, max(heights))
            for place, (cell, box) in enumerate(zip(row.cells, boxes, strict=True)):
                self._cell(cell, box, row.chosen, _weight(block, place), right=place in block.right)
            self.y = ground.bottom()
        self.laid.drawn.append(Drawn("line", QRectF(self.left, self.y, total, 0)))

    @property
    def _after_number(self) -> float:
        """What stays free behind a column of numbers, which end where the next column would begin."""
        return self.base.near * 1.2

    def _boxes(self, block: Table, widths: Sequence[float], top: float, height: float) -> list[QRectF]:
        boxes, left = [], self.left
        for place, width in enumerate(widths):
            free = 2 * CELL_PAD + (self._after_number if place in block.right else 0.0)
            boxes.append(QRectF(left + CELL_PAD, top, width - free, height))
            left += width
        return boxes

    def _ground(self, row: Row, rect: QRectF) -> None:
        self.laid.drawn.append(Drawn("line", QRectF(rect.left(), rect.top(), rect.width(), 0)))
        if row.chosen:
            self.laid.drawn.append(Drawn("chosen", rect))
        if row.id:
            self.laid.rows.append((row.id, rect, row.chosen))

    def _cell(self, cell: Cell, box: QRectF, chosen: bool, weight: int, *, right: bool) -> None:
        near, small = self.base.near, self.base.small
        align = _TOP_RIGHT if right else TOP
        top = box.top()
        if cell.needs:
            icon = QRectF(box.left(), top + near * 0.08, near, near)
            self.laid.drawn.append(Drawn("icon", icon, "warn", ink="surface" if chosen else "text"))
            box = box.adjusted(_mark_room(cell, near), 0, 0, 0)
        heavy_text = _heavy(cell, weight)
        for words, size, heavy, token in ((cell.text, near, heavy_text, "text"), (cell.detail, small, 400, "text2")):
            height = height_of(words, size, heavy, box.width())
            if words:
                rect = QRectF(box.left(), top, box.width(), height)
                ink = "surface" if chosen else token
                self.laid.texts.append(Text(rect, words, size, heavy, ink, align, wraps=True))
            top += height

    def _cards(self, block: Table) -> None:
        """Show each row as lines below each other, where the columns have no room."""
        near, small = self.base.near, self.base.small
        pad = near * 0.5
        names = min(max(width_of(head, small) for head in block.heads) + near, self.room * 0.42)
        for row in block.rows:
            top = self.y
            place = len(self.laid.drawn)
            ink, quiet = ("surface", "surface") if row.chosen else ("text", "text2")
            left, inner = self.left + CELL_PAD, self.room - 2 * CELL_PAD
            first = row.cells[0]
            y = self._add(first.text, near, 600, ink, left, inner, top + pad)
            y = self._add(first.detail, small, 400, quiet, left, inner, y)
            for head, cell in zip(block.heads[1:], row.cells[1:], strict=True):
                value = f"{cell.text} · {cell.detail}" if cell.text and cell.detail else cell.text or cell.detail
                room, weight = _mark_room(cell, near), _heavy(cell, 400)
                if cell.needs:
                    icon = QRectF(left + names, y + near * 0.08, near, near)
                    self.laid.drawn.append(Drawn("icon", icon, "warn", ink=ink))
                ends = (
                    self._add(head, small, 400, quiet, left, names - near * 0.5, y + (near - small) * 0.6),
                    self._add(value, near, weight, ink, left + names + room, inner - names - room, y),
                )
                y = max(ends)
            self.y = y + pad
            rest, self.laid.drawn[place:] = self.laid.drawn[place:], []
            self._ground(row, QRectF(self.left, top, self.room, self.y - top))
            self.laid.drawn += rest
        self.laid.drawn.append(Drawn("line", QRectF(self.left, self.y, self.room, 0)))


def _weight(block: Table, place: int) -> int:
    """Return the weight of a column: names are heavier, of what can be chosen and of rows without a head."""
    names = not block.heads[0] or any(row.id for row in block.rows)
    return 600 if names and place == 0 else 400


def _heavy(cell: Cell, weight: int) -> int:
    """Return the weight of a cell: what a person must see to is heavier."""
    return 700 if cell.needs else weight


def _mark_room(cell: Cell, near: int) -> float:
    """Return the width of the mark before a cell's words, with what is free behind it."""
    return near * 1.5 if cell.needs else 0.0


def _width(cell: Cell, near: int, small: int, weight: int) -> float:
    words = max(width_of(cell.text, near, _heavy(cell, weight)), width_of(cell.detail, small))
    return words + _mark_room(cell, near)


def _height(cell: Cell, width: float, near: int, small: int, weight: int) -> float:
    width -= _mark_room(cell, near)
    return height_of(cell.text, near, _heavy(cell, weight), width) + height_of(cell.detail, small, 400, width)
