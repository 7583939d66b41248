"""A file of points: a header with `reference` and `reading`, or x and y as NIST writes them, and a row for each point.

Columns are separated by comma, semicolon or tab, other columns are passed over, lines that begin with `#` are notes.
Numbers become fractions, so that nothing of a decimal text is lost.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from iastm_calibration.errors import NotANumberError, TableError

COLUMNS = ("reference", "reading")
_AS_NIST_WRITES = {"reference": "x", "reading": "y"}
_SEPARATORS = (",", ";", "\t")
# Numbers outside are slips of an exponent, and would make fractions of endless length.
_SMALLEST, _LARGEST = 1e-100, 1e100


@dataclass(frozen=True, slots=True)
class PointTable:
    """Loads and answers (n,) in the file's own units, exactly as written."""

    reference: tuple[Fraction, ...]
    reading: tuple[Fraction, ...]


def read_points(text: str) -> PointTable:
    """Read the text of a CSV. Raises TableError and NotANumberError, which name the line."""
    lines = [
        (number, line)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise TableError("The file is empty.", f"Begin it with a header: {','.join(COLUMNS)}")
    separator = max(_SEPARATORS, key=lines[0][1].count)
    names = [cell.strip().lower() for cell in _cells(lines[0][1], separator, lines[0][0])]
    places = [_place(names, column) for column in COLUMNS]
    rows = [_row(_cells(line, separator, number), places, len(names), number) for number, line in lines[1:]]
    return PointTable(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _cells(line: str, separator: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise TableError(f"Line {number} is no line of a CSV: {error}.", "Mend its quotes.") from None


def _place(names: list[str], column: str) -> int:
    if names.count(column) == 1:
        return names.index(column)
    if column not in names and names.count(_AS_NIST_WRITES[column]) == 1:
        return names.index(_AS_NIST_WRITES[column])
    found = "is there twice" if column in names else "is missing"
    raise TableError(
        f"The column {column} {found}; the header reads: {', '.join(names)}.",
        f"Name two columns {' and '.join(COLUMNS)}: the known load, and what the cell answered.",
    )


def _row(cells: Sequence[str], places: Sequence[int], columns: int, number: int) -> tuple[Fraction, Fraction]:
    if any(cell.strip() for cell in cells[columns:]):
        raise TableError(
            f"Line {number} has more cells than the header has columns.",
            "Write decimals with a point, or part the columns by semicolons.",
        )
    values = []
    for place, column in zip(places, COLUMNS, strict=True):
        cell = cells[place].strip() if place < len(cells) else ""
        values.append(_number(cell, f"Line {number}, {column}"))
    return values[0], values[1]


def _number(cell: str, where: str) -> Fraction:
    if not cell:
        raise TableError(f"{where} is empty.", "Fill it in, or take the whole line out.")
    try:
        value = float(cell)
        if value == 0:
            return Fraction(0)
        if math.isfinite(value) and _SMALLEST <= abs(value) <= _LARGEST:
            return Fraction(cell)
    except ValueError:
        fix = "Write a plain number, with a point before decimals and its unit in the notes."
        raise TableError(f"{where} is no number: {cell[:40]}", fix) from None
    if math.isfinite(value):
        raise TableError(f"{where} is {cell[:40]}: no cell answers that.", "Look for a mistyped exponent.")
    raise NotANumberError(f"{where} is {cell}.", "Measure that point again, or take its line out by hand.")
