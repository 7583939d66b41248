"""The uncertainty of a reading at several forces, with budgets that are kept as one table.

{"force_n": […], …, "rows": [["reference", "weights within ± 0.1 %", [0.001, 0.002, …]], …]}: a line for each
contribution, a column for each force, null where a budget has no such line. A table needs one order of lines: budgets
get it as they are made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from iastm_calibration.canonical import Json
from iastm_calibration.kept import (
    Kept,
    Kind,
    each,
    kinds,
    maybe,
    number,
    refuse,
    require_list,
    require_names,
    row,
    shown,
)
from iastm_calibration.kept import text as text_of

_NAME, _SOURCE, _STANDARD_N = text_of(64, least=1), text_of(200), number(0, 1e6, decimals=6)
_MOST_LINES = 30
# A line's name and source, and which of that name and source in its budget it is.
_Line = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class UncertaintyAt(Kept):
    """The expanded uncertainty of a reading at a force, with its budget: rows of name, source and standard_n.

    unknown: what the budget leaves out because nobody told it.
    """

    force_n: Annotated[float, number(-1e6, 1e6, decimals=6)]
    expanded_n: Annotated[float, number(0, 1e6, decimals=6)]
    coverage_factor: Annotated[float, number(1, 1000, decimals=4)]
    rows: Annotated[tuple[tuple[str, str, float], ...], each(row(_NAME, _SOURCE, _STANDARD_N), most=_MOST_LINES)]
    unknown: Annotated[tuple[str, ...], each(text_of(64, least=1), most=30)]


_COLUMNS = [name for name in kinds(UncertaintyAt) if name != "rows"]


def budgets(most: int, least: int = 0) -> Kind:
    """Return the kind of a tuple of least to most UncertaintyAt."""

    def read_it(found: Json, where: str) -> tuple[UncertaintyAt, ...]:
        if not isinstance(found, dict):
            raise refuse(where, f"is {shown(found)}, not an object in braces")
        require_names(found, dict.fromkeys([*_COLUMNS, "rows"]), where)
        count = len(require_list(found["force_n"], f"{where}, force_n", most, least))
        columns = {
            name: each(kinds(UncertaintyAt)[name], count, count).read(found[name], f"{where}, {name}")
            for name in _COLUMNS
        }
        line = row(_NAME, _SOURCE, each(maybe(_STANDARD_N), count, count))
        lines = each(line, most * _MOST_LINES).read(found["rows"], f"{where}, rows")
        return tuple(
            UncertaintyAt(
                **{name: column[at] for name, column in columns.items()},
                rows=tuple((name, source, sizes[at]) for name, source, sizes in lines if sizes[at] is not None),
            )
            for at in range(count)
        )

    return Kind(read_it, _in_one_order, _table)


def _in_one_order(values: Any) -> Any:
    given = tuple(values)
    if not _are_budgets(given):
        return given
    found = [_lines(value) for value in given]
    order = _order(found)
    return tuple(
        replace(value, rows=tuple((line[0], line[1], sizes[line]) for line in order if line in sizes))
        for value, sizes in zip(given, found, strict=True)
    )


def _table(values: Any) -> Any:
    if not _are_budgets(values):
        return shown(values)
    found = [_lines(value) for value in values]
    table: dict[str, Any] = {
        name: [kinds(UncertaintyAt)[name].tree(getattr(value, name)) for value in values] for name in _COLUMNS
    }
    table["rows"] = [[line[0], line[1], [sizes.get(line) for sizes in found]] for line in _order(found)]
    return table


def _are_budgets(values: Sequence[Any]) -> bool:
    return all(isinstance(value, UncertaintyAt) and all(len(line) == 3 for line in value.rows) for value in values)


def _lines(value: UncertaintyAt) -> dict[_Line, float]:
    seen: Counter[tuple[str, str]] = Counter()
    lines: dict[_Line, float] = {}
    for name, source, standard_n in value.rows:
        lines[name, source, seen[name, source]] = standard_n
        seen[name, source] += 1
    return lines


def _order(found: Sequence[dict[_Line, float]]) -> list[_Line]:
    return list(dict.fromkeys(line for lines in found for line in lines))
