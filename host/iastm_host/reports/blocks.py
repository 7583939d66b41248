"""What a report is made of, before it is HTML or PDF: frozen blocks of plain text, tables and drawings.

Text is plain: whoever writes a format escapes it. A table's row may carry a note, which is printed whole beneath it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from iastm_host.reports.drawing import Drawing

WHOLE_TABLE_ROWS = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that must not be overlooked; a word, and what there is to know."""

    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of a report, large, and the sentence that explains it."""

    headline: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `fine` is printed smaller. Line breaks are kept."""

    text: str
    fine: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without order."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values; `exact` ones are set in letters that are told apart easily (hashes)."""

    rows: tuple[tuple[str, str], ...]
    exact: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, whether it holds numbers, and its width relative to the others."""

    head: str
    numeric: bool = False
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, as many cells as columns; `strong` for sums; a note stands whole beneath its row."""

    cells: tuple[str, ...]
    strong: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose heads repeat on each page; `small` for long ones."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    small: bool = False

    @property
    def narrow(self) -> bool:
        """Whether it holds numbers only: spread over a page, they would lie too far apart."""
        return all(column.numeric for column in self.columns)

    @property
    def whole(self) -> bool:
        """Whether it is short enough to stand on one page."""
        return len(self.rows) <= WHOLE_TABLE_ROWS


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its caption."""

    drawing: Drawing
    caption: str


Block = Notice | Result | Heading | Paragraph | Bullets | Facts | Table | Figure


@dataclass(frozen=True, slots=True)
class Report:
    """A report: title, subtitle, blocks in order, the line at the foot of each page, and when its content was made.

    `made_at` is the date that a PDF carries, so that the same content makes the same file. None: unknown.
    """

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    footer: str
    author: str
    made_at: datetime | None

    def texts(self) -> Iterator[str]:
        """Yield every text that is printed, for looking up which letters it needs."""
        yield from (self.title, self.subtitle, self.footer)
        for block in self.blocks:
            yield from block_texts(block)


def block_texts(block: Block) -> Iterator[str]:
    """Yield the texts of one block."""
    match block:
        case Notice(word, text):
            yield from (word, text)
        case Result(headline, sentence):
            yield from (headline, sentence)
        case Heading(text) | Paragraph(text):
            yield text
        case Bullets(items):
            yield from items
        case Facts(rows):
            for name, value in rows:
                yield from (name, value)
        case Table(caption, columns, table_rows):
            yield caption
            yield from (column.head for column in columns)
            for row in table_rows:
                yield from row.cells
                yield row.note
        case Figure(drawing, caption):
            yield caption
            yield from drawing.texts()
