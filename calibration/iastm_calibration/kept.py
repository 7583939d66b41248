"""Values that are kept as JSON: each field is declared once, with its kind, its decimals and its range.

A class derives from Kept and gives each field a kind: `mass_kg: Annotated[float, number(0, 100, decimals=6)]`. Values
are rounded and cleaned as they are made, so that what comes back from a file equals what went. Reading is strict: a
field that is missing, unknown, of another type or out of range is a DocumentError that names it.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar, get_type_hints

from iastm_calibration.canonical import STAYS, Json
from iastm_calibration.errors import DocumentError

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field holds.

    read: the value of JSON found at a place, for which it has words; raises DocumentError. made: a value as it is kept;
    what can't be comes back as it is, and `read` refuses it. tree: the JSON of a made value.
    """

    read: Callable[[Json, str], Any]
    made: Callable[[Any], Any] = _unchanged
    tree: Callable[[Any], Any] = _unchanged


@dataclass(frozen=True, slots=True)
class Kept:
    """A frozen value that goes to JSON and back unchanged."""

    def __post_init__(self) -> None:
        for name, kind in kinds(type(self)).items():
            object.__setattr__(self, name, kind.made(getattr(self, name)))


Owner = TypeVar("Owner", bound=Kept)


_KINDS: dict[type[Kept], dict[str, Kind]] = {}


def kinds(owner: type[Kept]) -> Mapping[str, Kind]:
    """Return the kind of each field of a class, in order."""
    if owner not in _KINDS:
        # Looked up once: every value that is made asks.
        hints = get_type_hints(owner, include_extras=True)
        _KINDS[owner] = {named.name: hints[named.name].__metadata__[0] for named in fields(owner)}
    return _KINDS[owner]


def tree(value: Kept) -> dict[str, Any]:
    """Return the JSON object of a value."""
    return {name: kind.tree(getattr(value, name)) for name, kind in kinds(type(value)).items()}


def read(owner: type[Owner], found: Json, where: str) -> Owner:
    """Return the value that a JSON object holds: its fields, all and no others. Raises DocumentError."""
    if not isinstance(found, dict):
        raise refuse(where, f"is {shown(found)}, not an object in braces")
    wanted = kinds(owner)
    require_names(found, wanted, where)
    return owner(**{name: kind.read(found[name], f"{where}, {name}") for name, kind in wanted.items()})


def require_names(found: Mapping[str, Json], wanted: Mapping[str, object], where: str) -> None:
    """Raise DocumentError where fields are missing or aren't known."""
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    if missing:
        raise refuse(where, f"lacks {', '.join(missing)}")
    if unknown:
        raise refuse(where, f"holds {', '.join(map(shown, unknown))}, which its schema doesn't have")


def refuse(where: str, why: str) -> DocumentError:
    """Return the error of a field that can't be kept."""
    return DocumentError(f"{where}: {why}.", f"Mend it where it comes from, or leave the document out. {STAYS}")


def shown(found: object) -> str:
    """Return what was found, short enough for a sentence."""
    text = repr(found)
    return text if len(text) <= 40 else text[:39] + "…"


def number(low: float, high: float, decimals: int | None = None, above: bool = False) -> Kind:
    """Return the kind of a finite float from low (`above`: without low itself) to high.

    It is rounded to `decimals` (None: kept to the bit), and −0 becomes 0.
    """

    def made(value: Any) -> Any:
        if isinstance(value, bool | str) or not hasattr(value, "__float__"):
            return value
        plain = float(value)
        if decimals is not None and math.isfinite(plain):
            plain = round(plain, decimals)
        return plain + 0.0

    def read_it(found: Json, where: str) -> float:
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise refuse(where, f"is {shown(found)}, not a number")
        if not math.isfinite(found):
            raise refuse(where, f"is {found}, not a finite number")
        if not low <= found <= high or (above and found == low):
            raise refuse(where, f"is {found:g}; it must lie {'above' if above else 'from'} {low:g} to {high:g}")
        return float(found)

    return Kind(read_it, made)


def whole(low: int, high: int) -> Kind:
    """Return the kind of a whole number from low to high."""

    def made(value: Any) -> Any:
        return operator.index(value) if hasattr(value, "__index__") and not isinstance(value, bool) else value

    def read_it(found: Json, where: str) -> int:
        # In JSON 5.0 is 5.
        if isinstance(found, bool) or not isinstance(found, int | float) or found % 1 != 0:
            raise refuse(where, f"is {shown(found)}, not a whole number")
        if not low <= found <= high:
            raise refuse(where, f"is {found}; it must lie from {low} to {high}")
        return int(found)

    return Kind(read_it, made)


def flag() -> Kind:
    """Return the kind of True and False, kept as 1 and 0 to save room."""

    def made(value: Any) -> Any:
        return bool(value) if not isinstance(value, str) and value in (False, True) else value

    def tree_of(value: Any) -> Any:
        return int(value) if isinstance(value, bool) else value

    def read_it(found: Json, where: str) -> bool:
        if isinstance(found, bool) or found not in (0, 1):
            raise refuse(where, f"is {shown(found)}, not 1 or 0")
        return found == 1

    return Kind(read_it, made, tree_of)


def text(most: int, least: int = 0, ascii_only: bool = False) -> Kind:
    """Return the kind of a line of least to most characters.

    What can't be printed, and spaces at the ends or in a row, become one space or none.
    """

    def made(value: Any) -> Any:
        return _line(value) if isinstance(value, str) else value

    def read_it(found: Json, where: str) -> str:
        if not isinstance(found, str):
            raise refuse(where, f"is {shown(found)}, not a text")
        if len(found) < least:
            raise refuse(where, "is empty" if not found else f"has {len(found)} characters; it must have {least}")
        if len(found) > most:
            raise refuse(where, f"has {len(found)} characters; up to {most} are kept")
        if found != _line(found):
            raise refuse(where, "holds characters that can't be printed, or spaces in a row or at its ends")
        if ascii_only and not found.isascii():
            raise refuse(where, f"is {shown(found)}; only ASCII characters may stand there")
        return found

    return Kind(read_it, made)


def choice(*words: str) -> Kind:
    """Return the kind of one of some words."""

    def read_it(found: Json, where: str) -> str:
        if not isinstance(found, str) or found not in words:
            raise refuse(where, f"is {shown(found)}, not one of {', '.join(words)}")
        return found

    return Kind(read_it)


def day() -> Kind:
    """Return the kind of a day, YYYY-MM-DD."""

    def read_it(found: Json, where: str) -> str:
        try:
            # It takes other forms too, which would be another text for the same day.
            if isinstance(found, str) and date.fromisoformat(found).isoformat() == found:
                return found
        except ValueError:
            pass
        raise refuse(where, f"is {shown(found)}, not a day as 2027-01-31")

    return Kind(read_it)


def moment() -> Kind:
    """Return the kind of a moment: ISO 8601 with its offset from UTC, whole seconds, 2027-01-31T09:30:00+01:00."""

    def made(value: Any) -> Any:
        try:
            return datetime.fromisoformat(value).isoformat(timespec="seconds")
        except (TypeError, ValueError):
            return value

    def read_it(found: Json, where: str) -> str:
        try:
            if isinstance(found, str) and _MOMENT.fullmatch(found):
                datetime.fromisoformat(found)
                return found
        except ValueError:
            pass
        raise refuse(where, f"is {shown(found)}, not a moment as 2027-01-31T09:30:00+01:00")

    return Kind(read_it, made)


def maybe(kind: Kind, absent: object = None) -> Kind:
    """Return a kind whose value may be missing: `absent` in Python, null in JSON."""

    def made(value: Any) -> Any:
        return value if value == absent else kind.made(value)

    def tree_of(value: Any) -> Any:
        return None if value == absent else kind.tree(value)

    def read_it(found: Json, where: str) -> Any:
        return absent if found is None else kind.read(found, where)

    return Kind(read_it, made, tree_of)


def each(kind: Kind, most: int, least: int = 0) -> Kind:
    """Return the kind of a tuple of least to most values of one kind."""

    def made(value: Any) -> Any:
        return value if isinstance(value, str) else tuple(map(kind.made, value))

    def tree_of(value: Any) -> Any:
        return value if isinstance(value, str) else list(map(kind.tree, value))

    def read_it(found: Json, where: str) -> tuple[Any, ...]:
        entries = require_list(found, where, most, least)
        return tuple(kind.read(entry, f"{where} {place}") for place, entry in enumerate(entries, 1))

    return Kind(read_it, made, tree_of)


def row(*places: Kind) -> Kind:
    """Return the kind of a tuple with a kind for each place."""

    def made(value: Any) -> Any:
        cells = tuple(value)
        if len(cells) != len(places):
            return cells
        return tuple(kind.made(cell) for kind, cell in zip(places, cells, strict=True))

    def tree_of(value: Any) -> Any:
        if len(value) != len(places):
            return list(value)
        return [kind.tree(cell) for kind, cell in zip(places, value, strict=True)]

    def read_it(found: Json, where: str) -> tuple[Any, ...]:
        cells = require_list(found, where, len(places), len(places))
        return tuple(
            kind.read(cell, f"{where}, {place}")
            for place, (kind, cell) in enumerate(zip(places, cells, strict=True), 1)
        )

    return Kind(read_it, made, tree_of)


def part(owner: type[Kept]) -> Kind:
    """Return the kind of a Kept value inside another."""

    def tree_of(value: Any) -> Any:
        return tree(value) if isinstance(value, owner) else shown(value)

    def read_it(found: Json, where: str) -> Any:
        return read(owner, found, where)

    return Kind(read_it, _unchanged, tree_of)


def require_list(found: Json, where: str, most: int, least: int) -> list[Json]:
    """Return what was found as a list of least to most entries. Raises DocumentError."""
    if not isinstance(found, list):
        raise refuse(where, f"is {shown(found)}, not a list")
    if not least <= len(found) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise refuse(where, f"has {len(found)} entries; it must have {wanted}")
    return found


def _line(value: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
