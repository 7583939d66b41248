"""A report as PDF.

The same report makes the same bytes with the same fonts: the file's date is that of its content, and its identity comes
from the content too.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import TimeStamp
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, KeepTogether, PageTemplate, Spacer
from reportlab.platypus import Paragraph as Words
from reportlab.platypus import Table as Grid

from iastm_host.reports.blocks import (
    Block,
    Bullets,
    Column,
    Facts,
    Figure,
    Heading,
    Notice,
    Paragraph,
    Report,
    Result,
    Table,
)
from iastm_host.reports.fonts import font_folders
from iastm_host.reports.numbers import bound, clean
from iastm_host.reports.palette import LIGHT
from iastm_host.reports.paper import A4, Paper
from iastm_host.reports.pdf_drawing import DrawnFigure
from iastm_host.reports.pdf_fonts import FontSet, font_set

_SIDE, _TOP, _BOTTOM = 48.0, 44.0, 52.0
_SMALL_PT = 7.6
_INK, _TEXT, _LINE, _ALARM = (HexColor(LIGHT[role]) for role in ("ink", "text", "line", "alarm"))
# What a heading must have below it on its page.
_HEADING_NEEDS = 110.0
_TABLE_NEEDS = 240.0
# Letters of a note that may not fit onto a page with its row.
_LONG_NOTE = 2000
# A column of numbers, where there is nothing else.
_NARROW_PT = 92.0


def to_pdf(report: Report, paper: Paper = A4, *, folders: Sequence[FilePath] | None = None) -> bytes:
    """Return the PDF of a report; fonts are those found in `folders`, by default where the system keeps them."""
    fonts = font_set(tuple(font_folders() if folders is None else folders))
    typeset = _Typesetter(fonts, paper[0] - 2 * _SIDE)
    file = io.BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=paper,
        title=clean(f"{report.title} · {report.subtitle}"),
        author=clean(report.author),
        subject=clean(report.footer),
        creator="IASTM toolkit",
        lang="en",
        invariant=1,
        initialFontName=fonts.regular,
    )
    height = paper[1] - _TOP - _BOTTOM
    frame = Frame(_SIDE, _BOTTOM, paper[0] - 2 * _SIDE, height, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("page", [frame]))
    document.build(
        typeset.story(report),
        canvasmaker=partial(_NumberedCanvas, fonts=fonts, foot=clean(report.footer), at=report.made_at),
    )
    return file.getvalue()


class _Stamp(TimeStamp):
    """A time that a PDF carries, in UTC."""

    def __init__(self, at: datetime) -> None:
        super().__init__(invariant=1)
        self.t = at.timestamp()
        self.lt = at.astimezone(UTC).timetuple()
        self.YMDhms = tuple(self.lt)[:6]


class _NumberedCanvas(Canvas):
    """A canvas that holds pages back until their number is known, and writes the foot of each."""

    # What the library keeps to itself; its own guide to page numbers uses the same.
    _doc: Any
    _pagesize: tuple[float, float]
    _startPage: Any  # noqa: N815

    def __init__(self, *arguments: Any, fonts: FontSet, foot: str, at: datetime | None, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._fonts, self._foot = fonts, foot
        self._held: list[dict[str, Any]] = []
        if at is not None:
            self._doc._timeStamp = _Stamp(at)

    def showPage(self) -> None:  # noqa: N802
        """End a page."""
        self._held.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages."""
        held = self._held
        for number, page in enumerate(held, 1):
            self.__dict__.update(page)
            self._write_foot(f"{number} / {len(held)}")
            super().showPage()
        super().save()

    def _write_foot(self, number: str) -> None:
        width, _ = self._pagesize
        self.setFillColor(_TEXT)
        draw_line(self, self._fonts, _SIDE, 28, self._foot)
        draw_line(self, self._fonts, width - _SIDE - self._fonts.width(number, self._fonts.regular, 8), 28, number)


def draw_line(canvas: Canvas, fonts: FontSet, x: float, y: float, text: str) -> None:
    """Draw a line of the page's foot."""
    for font, run in fonts.runs(text, fonts.regular):
        canvas.setFont(font, 8)
        canvas.drawString(x, y, run)
        x += fonts.width(run, font, 8)


class _Typesetter:
    """Makes the library's flowing parts of blocks, for a width in points."""

    def __init__(self, fonts: FontSet, width: float) -> None:
        self._fonts = fonts
        self._width = width

    def story(self, report: Report) -> list[Flowable]:
        """Return the parts of a report, a heading never without what it heads."""
        parts = self._header(report)
        heading: list[Flowable] = []
        for block in report.blocks:
            flow = self._block(block)
            if isinstance(block, Heading):
                heading = flow
            elif isinstance(block, Figure) or (isinstance(block, Table) and block.whole):
                parts.append(KeepTogether([*heading, *flow]))
                heading = []
            else:
                needs = _TABLE_NEEDS if isinstance(block, Table) else _HEADING_NEEDS
                parts += [CondPageBreak(needs), *heading, *flow] if heading else flow
                heading = []
        return [*parts, *heading]

    def _header(self, report: Report) -> list[Flowable]:
        """Return title and subtitle over a line."""
        title = self._words(report.title, 18, bold=True)
        subtitle = self._words(report.subtitle, 10, right=True, colour=_TEXT)
        grid = Grid(
            [[title, subtitle]],
            colWidths=[self._width * 0.5, self._width * 0.5],
            style=[
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
                ("LINEBELOW", (0, 0), (-1, -1), 1.4, _INK),
            ],
        )
        return [grid, Spacer(1, 16)]

    def _block(self, block: Block) -> list[Flowable]:
        match block:
            case Notice(word, text):
                return self._notice(word, text)
            case Result(headline, sentence):
                return [self._words(headline, 21, bold=True, after=5), self._words(sentence, 10, after=10)]
            case Heading(text):
                return [self._words(text, 13, bold=True, before=13, after=5)]
            case Paragraph(text, fine):
                return [self._words(text, 8.5 if fine else 10, colour=_TEXT if fine else _INK, before=4, after=5)]
            case Bullets(items):
                return [self._bullet(item) for item in items]
            case Facts():
                return [self._facts(block), Spacer(1, 6)]
            case Table():
                return self._table(block)
            case Figure(drawing, caption):
                drawn = DrawnFigure(drawing, self._fonts, self._width)
                return [drawn, self._words(caption, 8.5, colour=_TEXT, before=3, after=6)]

    def _notice(self, word: str, text: str) -> list[Flowable]:
        name = f'<font name="{self._fonts.bold}">{self._marked(word, self._fonts.bold)}:</font> '
        body = Words(name + self._marked(text, self._fonts.regular), self._style(10))
        frame: Any = [
            ("BOX", (0, 0), (-1, -1), 1.4, _INK),
            ("LEFTPADDING", (0, 0), (-1, -1), 9),
            ("RIGHTPADDING", (0, 0), (-1, -1), 9),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ]
        return [Grid([[body]], colWidths=[self._width], style=frame, splitInRow=1), Spacer(1, 10)]

    def _bullet(self, text: str) -> Flowable:
        style = self._style(10, before=2, after=2)
        style.leftIndent, style.bulletIndent, style.bulletFontName = 12, 2, self._fonts.regular
        return Words(self._marked(text, self._fonts.regular), style, bulletText="•")

    def _facts(self, facts: Facts) -> Flowable:
        rows = [
            [
                self._words(name, 9.5, colour=_TEXT),
                self._words(value, 9 if name in facts.exact else 9.5, exact=name in facts.exact),
            ]
            for name, value in facts.rows
        ]
        name_width = min(118.0, self._width * 0.3)
        return Grid(rows, colWidths=[name_width, self._width - name_width], style=_cells(2.6), splitInRow=1)

    def _table(self, table: Table) -> list[Flowable]:
        size = _SMALL_PT if table.small else 9.2
        # The caption is a head of its own, so that a page that goes on with the table says with which.
        span = len(table.columns) - 1
        rows: list[list[Flowable | str]] = [
            [self._words(table.caption, 8.5, colour=_TEXT), *[""] * span],
            [self._cell(column.head, column, size, bold=True) for column in table.columns],
        ]
        style: list[Any] = [
            *_cells(1.7 if table.small else 2.5),
            ("SPAN", (0, 0), (-1, 0)),
            ("LINEBELOW", (0, 0), (-1, 0), 0, HexColor(LIGHT["paper"])),
            ("LINEBELOW", (0, 1), (-1, 1), 0.9, _INK),
            ("VALIGN", (0, 1), (-1, 1), "BOTTOM"),
        ]
        for place, (left, right) in enumerate(pairwise(table.columns)):
            if left.numeric and not right.numeric:
                style.append(("LEFTPADDING", (place + 1, 1), (place + 1, -1), 8))
        for row in table.rows:
            pairs = zip(row.cells, table.columns, strict=True)
            rows.append([self._cell(cell, column, size, bold=row.strong) for cell, column in pairs])
            if row.note:
                at = len(rows)
                rows.append([self._words(row.note, size), *[""] * span])
                style += [
                    ("SPAN", (0, at), (-1, at)),
                    ("LINEBELOW", (0, at - 1), (-1, at - 1), 0, HexColor(LIGHT["paper"])),
                    ("LINEBEFORE", (0, at), (0, at), 2, _ALARM),
                    ("LEFTPADDING", (0, at), (0, at), 9),
                ]
                if len(row.note) < _LONG_NOTE:
                    style.append(("NOSPLIT", (0, at - 1), (0, at)))
        total = sum(column.width for column in table.columns)
        room = min(self._width, _NARROW_PT * len(table.columns)) if table.narrow else self._width
        widths = [room * column.width / total for column in table.columns]
        grid = Grid(
            rows, colWidths=widths, repeatRows=2, style=style, spaceBefore=4, spaceAfter=8, hAlign="LEFT", splitInRow=1
        )
        return [grid]

    def _cell(self, text: str, column: Column, size: float, *, bold: bool) -> Flowable:
        return self._words(text, size, bold=bold, right=column.numeric)

    def _words(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        exact: bool = False,
        right: bool = False,
        colour: Any = _INK,
        before: float = 0.0,
        after: float = 0.0,
    ) -> Words:
        style = self._style(size, bold=bold, exact=exact, right=right, colour=colour, before=before, after=after)
        return Words(self._marked(text, style.fontName), style)

    def _style(
        self,
        size: float,
        *,
        bold: bool = False,
        exact: bool = False,
        right: bool = False,
        colour: Any = _INK,
        before: float = 0.0,
        after: float = 0.0,
    ) -> ParagraphStyle:
        font = self._fonts.exact if exact else self._fonts.bold if bold else self._fonts.regular
        return ParagraphStyle(
            "words",
            fontName=font,
            fontSize=size,
            leading=size * (1.18 if size > 12 else 1.32),
            alignment=TA_RIGHT if right else TA_LEFT,
            textColor=colour,
            spaceBefore=before,
            spaceAfter=after,
            splitLongWords=1,
        )

    def _marked(self, text: str, font: str) -> str:
        """Return the library's markup of plain text, with a font for each run of letters."""
        return "".join(
            escape(run).replace("\n", "<br/>")
            if name == font
            else f'<font name="{escape(name)}">{escape(run)}</font>'.replace("\n", "<br/>")
            for name, run in self._fonts.runs(bound(clean(text)), font)
        )


def _cells(room: float) -> list[Any]:
    return [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-2, -1), 7),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), room),
        ("BOTTOMPADDING", (0, 0), (-1, -1), room + 0.8),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
    ]
