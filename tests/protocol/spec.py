"""SPEC.md as a program reads it: its tables, the layout of each message, and the worked sessions."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
SPEC = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")
_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u48": 6, "u64": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "f64": 8}
_HEALTH = 0x22
_TEST_ROW = ("u8", "u8", "i32", "i32", "i32")
_LEAST = {"rate_mhz": 1, "coefficient_count": 2, "samples": 1, "direction": -1, "tilt_cdeg": -9000, "roll_cdeg": -18000}
_GREATEST = {"direction": 1, "tilt_cdeg": 9000, "roll_cdeg": 18000}


class Unreadable(Exception):
    """A payload that section 4 calls unreadable."""


def vectors(name: str) -> Any:
    """Return one file of vectors."""
    return json.loads((PROTOCOL / "vectors" / name).read_text(encoding="utf-8"))


def tables(text: str) -> list[list[list[str]]]:
    """Return every table of a Markdown text as rows of cells, heads and rules left out."""
    found: list[list[list[str]]] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            found.append(rows[2:])
            rows = []
    return found


def section(heading: str) -> str:
    """Return the text under the heading that begins so, up to the next one."""
    return SPEC.split(f"\n{heading}", 1)[1].split("\n## ")[0].split("\n### ")[0]


def named(heading: str, name_at: int, value_at: int) -> dict[str, int]:
    """Return names and numbers of the last table of a section."""
    return {row[name_at]: int(row[value_at], 0) for row in tables(section(heading))[-1]}


def section_of(kind: int) -> str:
    """Return the section that tells of a kind."""
    match = re.search(rf"^### [^\n]*\(0x{kind:02X}\)[^\n]*\n(.*?)(?=^##)", SPEC, re.DOTALL | re.MULTILINE)
    assert match, f"no section for kind 0x{kind:02X}"
    return match.group(1)


def number(kind: str, data: bytes) -> Any:
    """Return one number of a type of the specification."""
    if kind == "f64":
        return struct.unpack("<d", data)[0]
    return int.from_bytes(data, "little", signed=kind.startswith("i"))


class Walk:
    """Reads a payload by the rows of a table."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.at = 0

    def take(self, n: int) -> bytes:
        """Return the next `n` bytes."""
        data = self.payload[self.at : self.at + n]
        if len(data) < n:
            raise Unreadable(f"{len(self.payload)} bytes are too few")
        self.at += n
        return data

    def text(self) -> str:
        """Return a text."""
        try:
            return self.take(self.take(1)[0]).decode()
        except UnicodeDecodeError as error:
            raise Unreadable("not UTF-8") from error

    def value(self, kind: str, size: str, count: int) -> Any:
        """Return a field of a type and a size of the table; `count` is what the field before said."""
        if kind == "text":
            return self.text()
        if kind == "text pairs":
            return tuple((self.text(), self.text()) for _ in range(count))
        if kind == "test rows":
            return tuple(tuple(number(each, self.take(_SIZES[each])) for each in _TEST_ROW) for _ in range(count))
        if kind == "f64 list":
            return tuple(number("f64", self.take(8)) for _ in range(count))
        if kind in ("bytes", "i24 list"):
            return self.take(len(self.payload) - self.at if size == "…" else int(size))
        assert int(size) == _SIZES[kind]
        return number(kind, self.take(_SIZES[kind]))


def decoded(kind: int, payload: bytes) -> dict[str, Any]:
    """Return the fields of a payload as SPEC.md alone tells them; bytes after the last known field are passed over."""
    walk = Walk(payload)
    fields: dict[str, Any] = {}
    count = 0
    for offset, size, kind_of_field, name, *about in tables(section_of(kind))[0]:
        if offset != "…":
            assert int(offset) == walk.at, name
        if walk.at == len(payload) and about[-1].startswith("since "):
            # The sender is of an older minor: what this field and those after it would say is unknown.
            break
        value = walk.value(kind_of_field, size, count)
        if not _allowed(kind, kind_of_field, name, value):
            raise Unreadable(f"{name} must not be {value!r}")
        if name.endswith("_count"):
            count = value
        elif name == "magic":
            if value != b"IAST":
                raise Unreadable("no magic")
        else:
            fields[name] = value
    return fields


def _allowed(kind: int, kind_of_field: str, name: str, value: Any) -> bool:
    """Tell whether section 4 lets a field of this kind of frame, type and name hold the value."""
    if kind_of_field == "i24 list":
        return bool(value) and len(value) % 3 == 0
    if kind_of_field in ("f64", "f64 list"):
        return all(math.isfinite(each) for each in (value if isinstance(value, tuple) else (value,)))
    if (kind, name) == (_HEALTH, "rate_mhz"):
        # What was measured may be unknown.
        return True
    return bool(_LEAST.get(name, value) <= value <= _GREATEST.get(name, value))


class Line(NamedTuple):
    """One frame of a session: its sender, its way ("" on a byte stream), what it says, and its messages.

    `arrives` tells of each message whether it arrives as it stands. `kind` is "" where a remark stands alone.
    """

    sender: str
    way: str
    kind: str
    said: str
    messages: list[bytes]
    arrives: list[bool]


def session(name: str) -> list[Line]:
    """Return the worked session of this name ("serial", "ble 23", "ble 247")."""
    text = SPEC.split(f"<!-- session {name}: ", 1)[1].split(f"<!-- end of session {name} -->")[0]
    return list(_lines(text.split("```text\n")[1].split("```")[0]))


def _lines(text: str) -> Iterator[Line]:
    for part in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if not part:
            continue
        if part.startswith("-- "):
            yield Line("", "", "", part[3:].strip(), [], [])
            continue
        head, *rest = re.split(r"^    (?=[>x] )", part, flags=re.MULTILINE)
        who, _, said = " ".join(head.split()).partition(": ")
        sender, _, way = who.partition(", ")
        kind, _, fields = said.partition(" ")
        messages = [bytes.fromhex(each[2:]) for each in rest]
        yield Line(sender, way, kind, fields.split(" # ")[0], messages, [each[0] == ">" for each in rest])
