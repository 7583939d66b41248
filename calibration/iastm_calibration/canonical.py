"""JSON in its one canonical form, and files that carry the hash of theirs.

Theory. One value, one text: keys sorted, no spaces, numbers as ECMAScript writes doubles, strings with no more escapes
than JSON demands, UTF-8 (RFC 8785, JSON Canonicalization Scheme). So the hash does not depend on who laid out a file,
and any library of that form finds the same.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from decimal import Decimal

from iastm_calibration.errors import AlteredError, DocumentError, NewerSchemaError

Json = dict[str, "Json"] | list["Json"] | str | float | int | bool | None

HASH_KEY = "sha256"
STAYS = "The calibration in force stays in force."
_TAKE_ANOTHER = f"Take the file as the toolkit wrote it, or make a new one. {STAYS}"
# ECMAScript writes powers of ten from 10²¹ and below 10⁻⁶.
_PLAIN_DIGITS, _PLAIN_ZEROS = 21, -6
_LINE = 118


def canonical(value: Json) -> bytes:
    """Return the canonical form. Raises DocumentError for what has none: NaN, infinities, lone surrogates."""
    try:
        return _text(value).encode()
    except UnicodeEncodeError:
        raise _unreadable("it holds half of a character") from None
    except RecursionError:
        raise _unreadable("it is nested too deep") from None


def sha256_of(content: bytes) -> bytes:
    """Return the SHA-256 of a content, 32 bytes."""
    return hashlib.sha256(content).digest()


def parse(text: str) -> dict[str, Json]:
    """Return the object that a JSON text holds. Raises DocumentError for anything else, and for a key given twice."""
    try:
        value: Json = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _unreadable(str(error)) from None
    if not isinstance(value, dict):
        raise _unreadable("it is not one object in braces")
    return value


def sealed(content: bytes, order: Iterable[str]) -> str:
    """Return the text of a file: the object of a canonical content, laid out to be read, its hash first.

    `order` names the object's keys as they shall follow.
    """
    fields = json.loads(content)
    laid: dict[str, Json] = {HASH_KEY: sha256_of(content).hex(), **{key: fields[key] for key in order}}
    return _laid_out(laid, "") + "\n"


def opened(fields: dict[str, Json]) -> bytes:
    """Return the canonical content of a file's fields. Raises AlteredError where the hash among them doesn't fit."""
    rest = {key: value for key, value in fields.items() if key != HASH_KEY}
    if HASH_KEY not in fields:
        raise DocumentError("The file carries no hash (sha256).", _TAKE_ANOTHER)
    content = canonical(rest)
    if fields[HASH_KEY] != sha256_of(content).hex():
        raise AlteredError("The file was altered after it was written: its hash does not fit.", _TAKE_ANOTHER)
    return content


def require_schema(fields: dict[str, Json], newest: int, what: str) -> None:
    """Raise DocumentError where fields name no schema, and NewerSchemaError where theirs came after `newest`."""
    found = fields.get("schema")
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise DocumentError(f"This is no {what}: it names no schema.", f"Choose another file. {STAYS}")
    if found > newest:
        raise NewerSchemaError(
            f"The {what} is of schema {found}; this toolkit knows up to {newest}.", f"Update the toolkit. {STAYS}"
        )


def _unreadable(why: str) -> DocumentError:
    return DocumentError(f"This is no JSON that can be read: {why}.", _TAKE_ANOTHER)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key is there twice")
    return fields


def _constant(word: str) -> Json:
    raise ValueError(f"{word} is no number of JSON")


def _text(value: Json) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(key)}:{_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return _number(value)


def _number(value: float) -> str:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _unreadable("a number is not finite")
    if number == 0:
        return "0"
    # repr gives the fewest digits that mean this double, as ECMAScript does (ECMA-262, Number::toString).
    _, taken, exponent = Decimal(repr(number)).as_tuple()
    assert isinstance(exponent, int)
    given = "".join(map(str, taken))
    digits = given.rstrip("0")
    point = len(given) + exponent
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= _PLAIN_DIGITS:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= _PLAIN_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _PLAIN_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _laid_out(value: Json, indent: str) -> str:
    """Return JSON with every value on one line that fits there, so that a row of a table is a line."""
    line = json.dumps(value, ensure_ascii=False)
    deeper = indent + "  "
    if indent and len(indent) + len(line) <= _LINE:
        return line
    if isinstance(value, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {_laid_out(item, deeper)}" for key, item in value.items()]
        return _block("{", items, "}", indent)
    if isinstance(value, list):
        return _block("[", [_laid_out(item, deeper) for item in value], "]", indent)
    return line


def _block(begin: str, items: list[str], end: str, indent: str) -> str:
    if not items:
        return begin + end
    inside = ",\n".join(f"{indent}  {item}" for item in items)
    return f"{begin}\n{inside}\n{indent}{end}"
