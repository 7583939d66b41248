"""What a tool keeps of a calibration: a head that is of its document, and a document that is whole."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.calibration.test_document import made

from iastm_calibration.document import content
from iastm_host.events import Problem
from iastm_host.tool.stored import pack, unpack
from iastm_protocol.stored_calibration import MAX_STORED_BYTES, pack_head, read_head

_DOCUMENT = made()


def test_a_document_comes_back_and_its_head_says_what_the_tool_measures_by() -> None:
    stored = pack(_DOCUMENT)
    assert unpack(stored) == _DOCUMENT
    head = read_head(stored)
    said = head.calibration
    assert head.serial_number == _DOCUMENT.tool.serial_number
    assert (said.calibration_id, said.coefficients) == (_DOCUMENT.calibration_id, _DOCUMENT.curve.coefficients)
    assert said.capacity_n == _DOCUMENT.tool.capacity_n
    assert date(1970, 1, 1) + timedelta(said.expires_day) == date.fromisoformat(_DOCUMENT.expires_on)
    assert (said.sha256, said.from_index) == (hashlib.sha256(content(_DOCUMENT)).digest(), 0)
    assert stored[head.length :] == content(_DOCUMENT)


def _with(**other: Any) -> bytes:
    head = read_head(pack(_DOCUMENT))
    return bytes(pack_head(head.serial_number, head.calibration._replace(**other))) + content(_DOCUMENT)


@pytest.mark.parametrize(
    "other",
    [
        {"calibration_id": "another"},
        {"capacity_n": 51.0},
        {"coefficients": (0.0, -2.425e-05, 1.6e-13)},
        {"expires_day": 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_head_that_is_not_of_its_document_is_found_out(other: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="not those of the calibration"):
        unpack(_with(**other))
    # From which sample on is the tool's affair.
    assert unpack(_with(from_index=7)) == _DOCUMENT


def test_a_head_with_another_tools_number_is_found_out() -> None:
    head = read_head(pack(_DOCUMENT))
    with pytest.raises(Problem, match="not those of the calibration"):
        unpack(bytes(pack_head("T-9", head.calibration)) + content(_DOCUMENT))


@pytest.mark.parametrize("position", [0, 30, 90, 400, -1])
def test_what_was_altered_or_cut_is_found_out(position: int) -> None:
    stored = pack(_DOCUMENT)
    altered = bytearray(stored)
    altered[position] ^= 1
    with pytest.raises(Problem):
        unpack(bytes(altered))
    with pytest.raises(Problem):
        unpack(stored[:position])


def test_nothing_is_no_stored_calibration() -> None:
    with pytest.raises(Problem, match="no stored calibration"):
        unpack(b"")


def test_the_longest_document_fits_a_tool() -> None:
    notes = tuple("n" * 300 for _ in range(30))
    stored = pack(replace(_DOCUMENT, notes=notes))
    assert len(stored) < MAX_STORED_BYTES
    with pytest.raises(Problem, match="a tool keeps 15000"):
        pack(replace(_DOCUMENT, notes=notes, points=_DOCUMENT.points * 60))
