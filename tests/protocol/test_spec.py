"""SPEC.md is true: its tables of bytes, read by a program, decode the vectors, and its numbers are the code's."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from iastm_protocol import kinds
from iastm_protocol.frames import cobs_size
from iastm_protocol.messages import MESSAGES
from iastm_protocol.signing import CHALLENGE_BYTES, KEY_BYTES, TAG_BYTES

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
SPEC = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")
CASES = json.loads((PROTOCOL / "vectors" / "messages.json").read_text(encoding="utf-8"))["messages"]
_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u48": 6, "u64": 8, "i16": 2, "i32": 4, "i64": 8, "f64": 8}


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
        data = self.payload[self.at : self.at + n]
        assert len(data) == n
        self.at += n
        return data

    def text(self) -> str:
        return self.take(self.take(1)[0]).decode()

    def value(self, kind: str, size: str, count: int) -> Any:
        if kind == "text":
            return self.text()
        if kind == "text pairs":
            return tuple((self.text(), self.text()) for _ in range(count))
        if kind == "f64 list":
            return tuple(number("f64", self.take(8)) for _ in range(count))
        if kind in ("bytes", "i24 list"):
            return self.take(len(self.payload) - self.at if size == "…" else int(size))
        assert int(size) == _SIZES[kind]
        return number(kind, self.take(_SIZES[kind]))


def decoded(kind: int, payload: bytes) -> dict[str, Any]:
    """Return the fields of a payload as SPEC.md alone tells them."""
    walk = Walk(payload)
    fields: dict[str, Any] = {}
    count = 0
    for offset, size, kind_of_field, name, *_ in tables(section_of(kind))[0]:
        if offset != "…":
            assert int(offset) == walk.at, name
        value = walk.value(kind_of_field, size, count)
        if name.endswith("_count"):
            count = value
        elif name == "magic":
            assert value == b"IAST"
        else:
            fields[name] = value
    assert walk.at == len(payload)
    return fields


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_tables_of_bytes_decode_every_vector(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["payload_hex"])
    by_spec = decoded(case["kind"], payload)
    by_code = MESSAGES[case["kind"]].from_payload(payload)
    assert list(by_spec) == list(by_code._fields)
    assert by_spec == by_code._asdict()


def test_the_tables_of_entries_decode_every_entry_of_a_recording() -> None:
    cases = json.loads((PROTOCOL / "vectors" / "frames.json").read_text(encoding="utf-8"))["recording_entries"]
    listed = [case for case in cases if case["kind"] in (kinds.RECEIVED, kinds.NOTE)]
    assert {case["kind"] for case in listed} == {kinds.RECEIVED, kinds.NOTE}
    for case in listed:
        fields = decoded(case["kind"], bytes.fromhex(case["payload_hex"]))
        assert fields["host_us"] in (1_700_000_000_123_456, 1_700_000_000_223_456)
        if case["kind"] == kinds.NOTE:
            assert json.loads(fields["note"]) == {"note": "marker", "text": "größer"}


def constants(prefixes: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name, value in vars(kinds).items() if name.startswith(prefixes) and isinstance(value, int)}


def named(heading: str, name_at: int, value_at: int) -> dict[str, int]:
    """Return names and numbers of the last table of a section."""
    text = SPEC.split(heading, 1)[1].split("\n## ")[0].split("\n### ")[0]
    return {row[name_at]: int(row[value_at], 0) for row in tables(text)[-1]}


def test_the_table_of_kinds_is_complete() -> None:
    listed = named("### 2.4 Kinds", name_at=1, value_at=0)
    assert listed == {name: getattr(kinds, name) for name in listed}
    assert {value for value in listed.values() if value < kinds.FIRST_RECORDING_KIND} == set(MESSAGES)
    assert {listed["RECEIVED"], listed["NOTE"]} == {value for value in listed.values() if value >= 0x80}


def test_the_table_of_numbers_is_complete() -> None:
    listed = named("## 6. Numbers", name_at=2, value_at=1)
    expected = constants(("FAULT_", "FEATURE_", "EVENT_"))
    flags = ("SATURATED", "SUSPECTED_GLITCH", "VIBRATING", "ZERO_UNCERTAIN", "BACKFILLED", "WARN", "ALARM")
    expected |= {name: getattr(kinds, name) for name in flags}
    assert listed == expected


def test_the_tables_of_commands_and_errors_are_complete() -> None:
    commands = named("### 5.1 COMMAND", name_at=1, value_at=0)
    named_commands = ("START_STREAM", "STOP_STREAM", "DESCRIBE", "SET_ZERO", "SET_LIMITS", "GET_KEY", "RENEW_KEY")
    assert commands == {name: getattr(kinds, name) for name in named_commands}
    errors = named("### 5.2 RESPONSE", name_at=1, value_at=0)
    named_errors = (
        "OK",
        "UNKNOWN_COMMAND",
        "BAD_ARGUMENT",
        "NOT_ALLOWED",
        "BUSY",
        "FAILED",
        "NEEDS_KEY",
        "NEEDS_PRESS",
    )
    assert errors == {name: getattr(kinds, name) for name in named_errors}


def test_the_stated_sizes_are_the_codes() -> None:
    assert f"0 to {kinds.MAX_LINK_PAYLOAD} bytes on a link" in SPEC
    largest = kinds.MAX_LINK_PAYLOAD + 7
    assert f"({largest} bytes) takes at most {cobs_size(largest)}, {cobs_size(largest) + 2} with its zeros" in SPEC
    assert f"1–{(kinds.MAX_LINK_PAYLOAD - 15) // 3} raw counts" in SPEC
    assert f"the payload of a COMMAND (5.1), up to {kinds.MAX_LINK_PAYLOAD - 4 - TAG_BYTES} bytes" in SPEC
    assert (f"| … | {CHALLENGE_BYTES} | bytes | challenge |" in SPEC, KEY_BYTES) == (True, 32)
    assert f"# The IASTM tool protocol, version {kinds.MAJOR}.{kinds.MINOR}" in SPEC
