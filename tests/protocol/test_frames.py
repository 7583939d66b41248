"""Frames go out and come in as bytes, whatever happens to the bytes between."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol import kinds
from iastm_protocol.errors import LocalProtocolError
from iastm_protocol.frames import Decoder, Frame, FrameWriter, cobs_size, encode, unstuff

MAX = kinds.MAX_LINK_PAYLOAD
# Runs of equal bytes reach the edges of COBS, which independent bytes never do.
RUNS = st.lists(st.tuples(st.sampled_from([0, 1, 0x7F, 0xFF]), st.integers(1, 300)), max_size=6).map(
    lambda runs: b"".join(bytes([byte]) * n for byte, n in runs)
)
PAYLOADS = st.one_of(st.binary(max_size=MAX), RUNS.map(lambda data: data[:MAX]))
FRAMES = st.builds(Frame, st.integers(0, 0x7F), st.integers(0, 0xFFFF), PAYLOADS)


def received(pieces: list[bytes], decoder: Decoder) -> list[Frame]:
    frames = []
    for piece in pieces:
        decoder.feed(piece)
        while (frame := decoder.next_frame()) is not None:
            frames.append(frame)
    return frames


def cut(data: st.DataObject, wire: bytes) -> list[bytes]:
    ends = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    return [wire[a:b] for a, b in zip([0, *ends], [*ends, len(wire)], strict=True)]


@given(st.lists(FRAMES, max_size=5), st.data())
def test_frames_come_back_however_their_bytes_are_cut(frames: list[Frame], data: st.DataObject) -> None:
    wire = b"".join(encode(*frame) for frame in frames)
    decoder = Decoder(MAX)
    assert received(cut(data, wire), decoder) == frames
    assert (decoder.frames, decoder.damaged, decoder.damaged_bytes) == (len(frames), 0, 0)
    assert decoder.partial_bytes == 0


@given(FRAMES)
def test_the_encoder_agrees_with_a_plain_one(plain: SimpleNamespace, frame: Frame) -> None:
    wire = encode(*frame)
    assert wire == plain.wire(*frame)
    assert b"\x00" not in wire[1:-1]
    assert len(wire) <= cobs_size(7 + len(frame.payload)) + 2


@given(RUNS)
def test_stuffed_bytes_of_any_length_come_back(plain: SimpleNamespace, raw: bytes) -> None:
    stuffed = plain.stuff(raw)
    assert len(stuffed) <= cobs_size(len(raw))
    assert unstuff(stuffed) == raw


@given(st.lists(FRAMES, min_size=1, max_size=3))
def test_one_writer_leaves_no_trace_of_the_frame_before(frames: list[Frame]) -> None:
    writer = FrameWriter(MAX)
    for frame in frames:
        assert bytes(writer.frame(*frame)) == encode(*frame)


@given(st.lists(st.binary(max_size=700), max_size=6), FRAMES)
def test_garbage_never_raises_and_the_frame_after_it_is_found(garbage: list[bytes], frame: Frame) -> None:
    decoder = Decoder(MAX)
    received(garbage, decoder)
    decoder.feed(encode(*frame))
    found = []
    while (each := decoder.next_frame()) is not None:
        found.append(each)
    assert found == [frame]


@given(st.lists(st.binary(max_size=700), max_size=6))
def test_every_byte_of_garbage_is_counted_or_still_held(garbage: list[bytes]) -> None:
    decoder = Decoder(MAX)
    frames = received(garbage, decoder)
    assert frames == []
    lost = len(b"".join(garbage).replace(b"\x00", b""))
    assert decoder.damaged_bytes + decoder.partial_bytes == lost


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=20))
def test_memory_is_bounded_by_a_frame_under_garbage_without_end(sizes: list[int]) -> None:
    decoder = Decoder(MAX)
    for n in sizes:
        decoder.feed(b"\xaa" * n)
        assert decoder.next_frame() is None
        assert decoder.partial_bytes <= cobs_size(7 + MAX)
    total = sum(sizes)
    assert decoder.damaged_bytes + decoder.partial_bytes == total
    decoder.feed(encode(1, 2, b"after"))
    assert decoder.next_frame() == Frame(1, 2, b"after")
    assert (decoder.damaged, decoder.damaged_bytes) == (1, total)


@given(FRAMES, FRAMES, FRAMES, st.data())
def test_no_altered_frame_gets_through_and_its_neighbours_survive(
    before: Frame, victim: Frame, after: Frame, data: st.DataObject
) -> None:
    wire = encode(*victim)
    at = data.draw(st.integers(0, len(wire) - 1))
    change = data.draw(st.sampled_from(["flip", "drop", "double", "insert", "cut"]))
    other = data.draw(st.integers(0, 255))
    if change == "flip":
        wire = wire[:at] + bytes([other]) + wire[at + 1 :]
    elif change == "drop":
        wire = wire[:at] + wire[at + 1 :]
    elif change == "double":
        wire = wire[: at + 1] + wire[at:]
    elif change == "insert":
        wire = wire[:at] + bytes([other]) + wire[at:]
    else:
        wire = wire[:at]
    decoder = Decoder(MAX)
    frames = received([encode(*before) + wire + encode(*after)], decoder)
    assert frames in ([before, victim, after], [before, after])
    # Only a cut right after the first zero byte leaves nothing that could be counted.
    assert len(frames) == 3 or decoder.damaged or len(wire) <= 1


def test_a_payload_over_the_limit_is_damage_even_where_its_block_is_short_enough() -> None:
    # Zeros cost COBS almost nothing: the block of 481 zeros is no longer than the longest block of 480 bytes.
    wire = encode(0x10, 0, bytes(MAX + 1))
    assert len(wire) - 2 <= cobs_size(7 + MAX)
    decoder = Decoder(MAX)
    assert received([wire, encode(1, 1, b"")], decoder) == [Frame(1, 1, b"")]
    assert decoder.damaged == 1


def test_a_link_refuses_entries_of_recordings_and_a_recording_takes_them() -> None:
    wire = encode(kinds.NOTE, 0, b"{}")
    link = Decoder(MAX)
    assert received([wire], link) == []
    assert link.damaged == 1
    assert received([wire], Decoder(MAX, link=False)) == [Frame(kinds.NOTE, 0, b"{}")]


def test_what_was_seen_tells_of_damage_or_else_of_what_has_not_ended() -> None:
    decoder = Decoder(MAX)
    assert decoder.seen == b""
    decoder.feed(b"\r\nrst:0x1 (POWERON_RESET)")
    assert decoder.seen == b"\r\nrst:0x1 (POWERON_RESET)"
    decoder.feed(b"x" * 2000)
    assert decoder.seen == (b"\r\nrst:0x1 (POWERON_RESET)" + b"x" * 100)[:48]
    decoder.feed(encode(1, 1, b""))
    assert decoder.next_frame() is not None
    assert decoder.seen.startswith(b"\r\nrst")


def test_a_frame_keeps_its_payload_when_the_buffer_it_came_in_is_used_again() -> None:
    buffer = bytearray(encode(1, 1, b"payload"))
    decoder = Decoder(MAX)
    decoder.feed(memoryview(buffer))
    frame = decoder.next_frame()
    buffer[:] = b"\xff" * len(buffer)
    assert frame == Frame(1, 1, b"payload")


@pytest.mark.parametrize(("kind", "payload"), [(-1, b""), (256, b""), (1, bytes(17))])
def test_what_no_frame_can_carry_is_refused(kind: int, payload: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        FrameWriter(16).frame(kind, 0, payload)


def test_a_payload_written_in_place_is_sent_without_a_copy() -> None:
    writer = FrameWriter(16)
    writer.payload[:3] = b"abc"
    assert bytes(writer.finish(5, 0x0102, 3)) == encode(5, 0x0102, b"abc")
    assert bytes(writer.finish(5, 0x0102, 0)) == encode(5, 0x0102, b"")
    with pytest.raises(LocalProtocolError):
        writer.finish(5, 0, 17)
    with pytest.raises(LocalProtocolError):
        writer.finish(5, 0, -1)
