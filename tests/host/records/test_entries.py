from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import Chunk, Problem
from iastm_host.records.entries import (
    FORMAT,
    VERSION,
    Entry,
    Recording,
    encode_entry,
    encode_note,
)
from iastm_protocol import frames, kinds

START = {
    "note": "start",
    "format": FORMAT,
    "version": VERSION,
    "wall_time": "2026-03-29T01:59:30+01:00",
    "mtu": 244,
    "carrier": "ble",
    "software": "test 1",
    "settings": {"tip": None},
}
ENTRIES = st.lists(
    st.one_of(
        st.tuples(st.just(kinds.RECEIVED), st.integers(0, 2**63), st.binary(max_size=600)),
        st.tuples(
            st.just(kinds.NOTE), st.integers(0, 2**63), st.text(max_size=30).map(lambda t: encode_note({"note": t}))
        ),
    ),
    max_size=20,
)


def encoded(entries: list[tuple[int, int, bytes]]) -> list[bytes]:
    """Return the start note and the entries as bytes of a recording."""
    whole = [(kinds.NOTE, 5, encode_note(START)), *entries]
    return [encode_entry(kind, number, host_us, data) for number, (kind, host_us, data) in enumerate(whole)]


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a.iastm"
    path.write_bytes(data)
    return path


def some() -> list[tuple[int, int, bytes]]:
    return [
        (kinds.RECEIVED, 10, b"\0\1\2\0"),
        (kinds.RECEIVED, 20, b""),
        (kinds.NOTE, 25, encode_note({"note": "marker", "index": 7, "text": "Knie – links"})),
        (kinds.RECEIVED, 30, bytes(range(256)) * 2),
    ]


@given(ENTRIES)
def test_entries_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[int, int, bytes]]
) -> None:
    recording = Recording(written(tmp_path_factory.mktemp("r"), b"".join(encoded(entries))))
    assert list(recording.entries())[1:] == [Entry(*entry) for entry in entries]
    chunks = [Chunk(host_us, data) for kind, host_us, data in entries if kind == kinds.RECEIVED]
    assert list(recording.chunks()) == chunks
    assert recording.condition() == (0, 0, 0)


def test_the_start_tells_how_the_recording_was_made(tmp_path: Path) -> None:
    start = Recording(written(tmp_path, b"".join(encoded(some())))).start
    assert (start.wall_time, start.host_us, start.mtu) == (START["wall_time"], 5, 244)
    assert (start.carrier, start.software, start.settings) == ("ble", "test 1", {"tip": None})


def test_notes_are_found_by_their_kind_and_foreign_ones_do_no_harm(tmp_path: Path) -> None:
    entries = [*some(), (kinds.NOTE, 31, b"[1]"), (kinds.NOTE, 32, b'{"other": 1}')]
    recording = Recording(written(tmp_path, b"".join(encoded(entries))))
    assert recording.notes("marker") == [{"note": "marker", "index": 7, "text": "Knie – links"}]
    assert recording.notes("nothing") == []


def test_the_gauge_spoke_our_language_unless_a_note_before_the_first_chunk_says_otherwise(tmp_path: Path) -> None:
    ours = Recording(written(tmp_path, b"".join(encoded(some()))))
    assert (ours.dialect, ours.numbering) == ("iastm", {})
    note = {"note": "dialect", "dialect": "progressor", "numbering": {"boot_id": 2}}
    other = Recording(written(tmp_path, b"".join(encoded([(kinds.NOTE, 7, encode_note(note)), *some()]))))
    assert (other.dialect, other.numbering) == ("progressor", {"boot_id": 2})
    late = Recording(written(tmp_path, b"".join(encoded([*some(), (kinds.NOTE, 7, encode_note(note))]))))
    assert late.dialect == "iastm"


def test_its_length_lies_between_the_first_and_the_last_chunk(tmp_path: Path) -> None:
    assert Recording(written(tmp_path, b"".join(encoded(some())))).length_us() == (10, 30)
    assert Recording(written(tmp_path, b"".join(encoded([])))).length_us() == (5, 5)


def test_a_torn_tail_at_any_byte_leaves_the_whole_entries_before_it(tmp_path: Path) -> None:
    pieces = encoded(some())
    data = b"".join(pieces)
    ends = [sum(map(len, pieces[: n + 1])) for n in range(len(pieces))]
    # An entry is whole once its closing zero is there.
    for cut in range(ends[0], len(data) + 1):
        path = written(tmp_path, data[:cut])
        whole = sum(end <= cut for end in ends)
        assert len(list(Recording(path).entries())) == whole
        damaged, missing, torn_bytes = Recording(path).condition()
        assert (damaged, missing) == (0, 0)
        assert torn_bytes == max(0, cut - ends[whole - 1] - 1)


def test_a_recording_torn_within_its_start_is_a_problem(tmp_path: Path) -> None:
    (start,) = encoded([])
    for cut in range(1, len(start)):
        with pytest.raises(Problem) as raised:
            Recording(written(tmp_path, start[:cut]))
        assert raised.value.fix


def test_a_flipped_byte_costs_one_entry_and_is_reported(tmp_path: Path) -> None:
    entries = [*some(), (kinds.RECEIVED, 40, b"last")]
    pieces = encoded(entries)
    data = b"".join(pieces)
    whole = [Entry(*entry) for entry in entries]
    first, last = len(pieces[0]), len(data) - len(pieces[-1])
    for at in range(first + 1, last):
        for flip in (0x01, 0x80, 0xFF, data[at]):
            flipped = bytearray(data)
            flipped[at] ^= flip
            if flipped == data:
                continue
            recording = Recording(written(tmp_path, bytes(flipped)))
            kept = list(recording.entries())[1:]
            assert len(kept) == len(whole) - 1
            assert all(entry in whole for entry in kept)
            damaged, missing, _ = recording.condition()
            assert damaged >= 1
            assert missing == 1


def test_a_flip_never_invents_an_entry_of_another_kind(tmp_path: Path) -> None:
    entries = some()
    data = b"".join(encoded(entries)) + frames.encode(0x10, 9, bytes(20)) + encode_entry(0x9F, 10, 50, b"new")
    path = written(tmp_path, data)
    assert [entry.host_us for entry in Recording(path).entries()] == [5, 10, 20, 25, 30]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\0", "not a recording"),
        (b"index,force_n\n1,2\n" * 5000, "not a recording"),
        (bytes(range(256)) * 4000, "not a recording"),
        (b"".join(encoded(some())[1:]), "not a recording"),
        (encode_entry(kinds.NOTE, 0, 1, b"{not json"), "not a recording"),
        (encode_entry(kinds.NOTE, 0, 1, b"\xff\xfe"), "not a recording"),
        (encode_entry(kinds.NOTE, 0, 1, b"[]"), "not a recording"),
        (encode_entry(kinds.NOTE, 0, 1, json.dumps(START | {"format": "other"}).encode()), "not a recording"),
        (encode_entry(kinds.NOTE, 0, 1, json.dumps(START | {"version": VERSION + 1}).encode()), "newer program"),
    ],
)
def test_what_is_no_recording_is_a_problem_with_a_fix(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Problem) as raised:
        Recording(written(tmp_path, content))
    assert says in raised.value.what
    assert raised.value.fix


def test_a_missing_file_and_a_folder_are_problems_with_a_fix(tmp_path: Path) -> None:
    for path in (tmp_path / "none.iastm", tmp_path):
        with pytest.raises(Problem) as raised:
            Recording(path)
        assert raised.value.fix
        assert str(path) in raised.value.what


@given(data=st.binary(max_size=3000))
def test_no_bytes_whatever_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = written(tmp_path_factory.mktemp("r"), b"".join(encoded(some())) + data)
    entries: list[Any] = list(Recording(path).entries())
    assert [entry.host_us for entry in entries[:4]] == [5, 10, 20, 25]


def test_entries_of_a_newer_version_are_passed_over_and_none_is_missing(tmp_path: Path) -> None:
    entries = [some()[0], (0xFE, 12, b"from the future"), (0xFD, 0, b""), *some()[1:]]
    recording = Recording(written(tmp_path, b"".join(encoded(entries))))
    assert [entry.host_us for entry in recording.entries()] == [5, 10, 20, 25, 30]
    assert recording.condition() == (0, 0, 0)
