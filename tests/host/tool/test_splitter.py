from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.tool.splitter import DamageSeen, FrameSeen, MessageSplitter, Piece, StreamSplitter, TextSeen
from iastm_host.transports.borders import bordered
from iastm_protocol import frames, kinds
from iastm_protocol.fragments import fragments

BOOT = b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n"


def frame(kind: int = kinds.STATUS, sequence: int = 0, payload: bytes = b"\x01\x02\x00\x03") -> bytes:
    return bytes(frames.encode(kind, sequence, payload))


def split(data: Iterable[bytes], *, ends: bool = True) -> list[Piece]:
    splitter = StreamSplitter()
    pieces: list[Piece] = []
    for chunk in data:
        pieces += splitter.feed(chunk)
    return pieces + (splitter.finish() if ends else [])


def text_of(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces if isinstance(piece, TextSeen))


def frames_of(pieces: Iterable[Piece]) -> list[tuple[int, int, bytes]]:
    return [(each.kind, each.sequence, each.payload) for each in pieces if isinstance(each, FrameSeen)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def test_boot_text_then_frames_come_out_in_order() -> None:
    pieces = split([BOOT + frame(sequence=1) + frame(sequence=2)])
    assert [type(piece) for piece in pieces] == [TextSeen, FrameSeen, FrameSeen]
    assert text_of(pieces) == BOOT
    assert [each.at for each in pieces] == [0, len(BOOT) + 1, len(BOOT) + len(frame()) + 1]


def test_a_print_between_two_frames_is_text_and_neither_frame_is_lost() -> None:
    pieces = split([frame(sequence=1) + b"oops\r\n" + frame(sequence=2)])
    assert text_of(pieces) == b"oops\r\n"
    assert [sequence for _, sequence, _ in frames_of(pieces)] == [1, 2]
    assert not [piece for piece in pieces if isinstance(piece, DamageSeen)]


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=("C", "Z")), min_size=1)
# Blocks of frames are no text: each payload holds bytes that none has.
payloads = st.binary(max_size=60).map(lambda data: b"\x01\x02\x03\xff\xfe\xfd" + data)


@given(
    st.lists(st.tuples(st.sampled_from(["frame", "text"]), payloads, printable), min_size=1, max_size=8),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_frames_and_lines_of_text_come_out_whole_however_they_are_cut(
    parts: list[tuple[str, bytes, str]], places: list[int]
) -> None:
    data, said, sent = b"", b"", []
    for number, (what, payload, text) in enumerate(parts):
        if what == "frame":
            data += frame(kinds.LOG_PART, number, payload)
            sent.append((kinds.LOG_PART, number, payload))
        else:
            line = text.encode() + b"\r\n"
            data += line
            said += line
    pieces = split(cut(data, places))
    assert frames_of(pieces) == sent
    assert text_of(pieces) == said


@given(st.binary(max_size=400), st.lists(st.integers(0, 10_000), max_size=6), st.booleans())
def test_whatever_comes_no_byte_but_the_zeros_is_left_out(data: bytes, places: list[int], silent: bool) -> None:
    splitter = StreamSplitter()
    pieces: list[Piece] = []
    for chunk in cut(data, places):
        pieces += splitter.feed(chunk)
        if silent:
            pieces += splitter.silence()
    pieces += splitter.finish()
    told = len(text_of(pieces)) + sum(piece.size for piece in pieces if isinstance(piece, DamageSeen))
    if not frames_of(pieces):
        assert told == len(data) - data.count(0)
    assert [piece.at for piece in pieces] == sorted(piece.at for piece in pieces)


def test_a_flipped_bit_is_damage_with_its_place_and_start() -> None:
    broken = bytearray(frame(sequence=2))
    broken[4] ^= 0x40
    pieces = split([frame(sequence=1) + bytes(broken) + frame(sequence=3)])
    (damage,) = [piece for piece in pieces if isinstance(piece, DamageSeen)]
    assert damage == DamageSeen(len(broken) - 2, bytes(broken[1:-1]), len(frame()) + 1)
    assert [sequence for _, sequence, _ in frames_of(pieces)] == [1, 3]


def test_the_end_of_a_frame_that_began_earlier_is_no_damage() -> None:
    pieces = split([frame(payload=b"\x01" * 40)[12:] + frame(sequence=5)])
    assert isinstance(pieces[0], DamageSeen)
    assert pieces[0].cut
    assert frames_of(pieces)[0][1] == 5


def test_what_a_program_says_after_it_broke_off_a_frame_is_read() -> None:
    said = b"Traceback (most recent call last):\r\n"
    pieces = split([frame()[:6] + said])
    assert [type(piece) for piece in pieces] == [DamageSeen, TextSeen]
    assert text_of(pieces) == said


def test_text_without_an_end_is_shown_once_it_is_quiet() -> None:
    splitter = StreamSplitter()
    assert splitter.feed(b">>> ") == []
    assert splitter.silence() == [TextSeen(b">>> ", 0)]
    assert splitter.silence() == []


def test_a_frame_that_is_held_up_for_a_while_is_still_one() -> None:
    splitter = StreamSplitter()
    whole = frame(kinds.LOG_PART, 1, b"\x00" * 8 + b"# start 1: failed\n")
    pieces: list[Piece] = []
    for byte in whole[:-3]:
        pieces += splitter.feed(bytes([byte]))
    pieces += splitter.silence()
    pieces += splitter.feed(whole[-3:])
    assert len(frames_of(pieces)) == 1
    assert text_of(pieces) == b""


def test_what_is_neither_and_never_ends_is_told_after_a_second_and_takes_no_room() -> None:
    splitter = StreamSplitter()
    assert splitter.feed(b"\xff\xf0\x81" * 10) == []
    silences = [splitter.silence() for _ in range(12)]
    assert [piece for pieces in silences for piece in pieces] == [DamageSeen(30, b"\xff\xf0\x81" * 10, 0, True)]
    pieces = [piece for _ in range(200) for piece in splitter.feed(b"\xff\xf0\x81" * 100)]
    assert sum(piece.size for piece in pieces if isinstance(piece, DamageSeen)) > 50_000
    assert all(len(piece.start) <= 48 for piece in pieces if isinstance(piece, DamageSeen))


@pytest.mark.parametrize("kind", [0x80, 0xFF])
def test_kinds_of_recordings_are_damage_on_a_link(kind: int) -> None:
    assert [type(piece) for piece in split([frame(kind)])] == [DamageSeen]


def test_messages_are_put_together_and_damage_among_them_is_counted() -> None:
    bare = bytes(frames.BareFrameWriter(100).frame(kinds.STATUS, 9, b"\x05" * 60))
    pieces = MessageSplitter()
    good = b"".join(bordered(message) for message in fragments(bare, 20))
    spoilt = bytearray(good)
    spoilt[-3] ^= 1
    assert frames_of(pieces.feed(good)) == [(kinds.STATUS, 9, b"\x05" * 60)]
    assert [type(piece) for piece in pieces.feed(bytes(spoilt))] == [DamageSeen]
    assert pieces.silence() == pieces.finish() == []
