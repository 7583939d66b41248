"""Blocks as text that can be taken along: tables with tabs for other programs, or in columns for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iastm_host.app.tools_page.page import Block, Cell, Facts, Lines, Notice, Progress, Table, Verdict, Words

_Grid = list[tuple[str, ...]]


def as_text(blocks: Sequence[Block], *, columns: bool = False) -> str:
    """Return the blocks as lines, an empty one between two blocks; `columns` are aligned with spaces, else by tabs."""
    lay_out = _in_columns if columns else _with_tabs
    return "\n".join("\n".join(lines) + "\n" for block in blocks if (lines := _lines(block, lay_out)))


def _lines(block: Block, lay_out: Callable[[_Grid], list[str]]) -> list[str]:
    if isinstance(block, Table):
        return lay_out([block.heads, *(tuple(_marked(cell) for cell in row.cells) for row in block.rows)])
    if isinstance(block, Facts):
        return lay_out(list(block.rows))
    if isinstance(block, Lines):
        return list(block.lines)
    if isinstance(block, Verdict):
        return [f"{block.word}: {block.sentence}" if block.sentence else block.word]
    if isinstance(block, Notice):
        return [block.what, block.fix] if block.fix else [block.what]
    if isinstance(block, Words):
        return [block.text]
    assert isinstance(block, Progress)
    return [block.words if block.share is None else f"{block.words} {block.share:.0%}"]


def _marked(cell: Cell) -> str:
    return ("! " if cell.needs else "") + _joined(cell.text, cell.detail)


def _joined(text: str, detail: str) -> str:
    return f"{text} ({detail})" if text and detail else text or detail


def _with_tabs(grid: _Grid) -> list[str]:
    return ["\t".join(_flat(word) for word in row) for row in grid]


def _in_columns(grid: _Grid) -> list[str]:
    rows = [tuple(_flat(word) for word in row) for row in grid]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _flat(word: str) -> str:
    """Return a word without what would begin another column or row."""
    return " ".join(word.split())
