"""Many values of one class as a table in JSON: the names of the columns once, then a row for each value.

{"columns": […], "from": "2027-01-31T09:30:00+01:00", "rows": [[…], …]}. One column holds moments, as whole seconds
after `from`, which is the first moment that is known (null: none is); a moment of another offset from UTC stands there
whole, and an unknown one is null. Cells at the end of a row that hold their defaults are left out.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import datetime, timedelta
from typing import Any

from iastm_calibration.canonical import Json
from iastm_calibration.kept import Kept, Kind, kinds, moment, refuse, require_list, require_names, shown, whole

_FROM = "from"
_KEYS = {"columns": None, _FROM: None, "rows": None}
_OFFSET_LETTERS = len("+01:00")
# A calibration that was left and taken up again; beyond lies a clock that was wrong, and is kept as it is.
_TEN_YEARS_S = 315_360_000


def rows(owner: type[Kept], moments: str, most: int, least: int = 0) -> Kind:
    """Return the kind of a tuple of least to most values of `owner`, whose field `moments` is text, "" for unknown."""
    columns = kinds(owner)
    names = [f"{name}_s" if name == moments else name for name in columns]
    defaults = {each.name: each.default for each in fields(owner)}
    required = sum(default is MISSING for default in defaults.values())
    when = list(columns).index(moments)

    def tree_of(values: Any) -> Any:
        began = next((value for item in values if (value := getattr(item, moments, ""))), "")
        return {
            "columns": names,
            _FROM: began or None,
            "rows": [_cells(item, began) if isinstance(item, owner) else shown(item) for item in values],
        }

    def _cells(item: Kept, began: str) -> list[Any]:
        cells = [kind.tree(getattr(item, name)) for name, kind in columns.items()]
        cells[when] = _seconds(getattr(item, moments), began)
        left_out = list(defaults.values())
        while len(cells) > required and cells[-1] == left_out[len(cells) - 1]:
            cells.pop()
        return cells

    def read_it(found: Json, where: str) -> tuple[Any, ...]:
        if not isinstance(found, dict):
            raise refuse(where, f"is {shown(found)}, not an object in braces")
        require_names(found, _KEYS, where)
        if found["columns"] != names:
            raise refuse(where, f"has other columns than {', '.join(names)}")
        began = "" if found[_FROM] is None else moment().read(found[_FROM], f"{where}, {_FROM}")
        lines = require_list(found["rows"], f"{where}, rows", most, least)
        return tuple(_item(line, began, f"{where}, row {place}") for place, line in enumerate(lines, 1))

    def _item(found: Json, began: str, where: str) -> Kept:
        cells = require_list(found, where, len(names), required)
        values: dict[str, Any] = {}
        for (name, kind), cell in zip(columns.items(), cells, strict=False):
            place = f"{where}, {name}"
            values[name] = _moment(cell, began, place) if name == moments else kind.read(cell, place)
        return owner(**values)

    return Kind(read_it, tuple, tree_of)


def _seconds(value: str, began: str) -> int | str | None:
    if not value:
        return None
    try:
        if value[-_OFFSET_LETTERS:] != began[-_OFFSET_LETTERS:]:
            return value
        seconds = (datetime.fromisoformat(value) - datetime.fromisoformat(began)) // timedelta(seconds=1)
    except (TypeError, ValueError):
        # No moment at all, which reading refuses with words.
        return value
    return seconds if abs(seconds) <= _TEN_YEARS_S else value


def _moment(found: Json, began: str, where: str) -> str:
    if found is None:
        return ""
    if isinstance(found, str):
        read: str = moment().read(found, where)
        return read
    seconds: int = whole(-_TEN_YEARS_S, _TEN_YEARS_S).read(found, where)
    if not began:
        raise refuse(where, f"counts seconds from a moment that {_FROM} doesn't name")
    try:
        return (datetime.fromisoformat(began) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    except OverflowError:
        raise refuse(where, "lies before the first or after the last year of the calendar") from None
