"""Frames survive a carrier of whole messages, and what such a carrier loses is counted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol import kinds
from iastm_protocol.fragments import FragmentDecoder, FragmentWriter, fragments
from iastm_protocol.frames import BareFrameWriter, Frame

MAX = kinds.MAX_LINK_PAYLOAD
FRAMES = st.builds(Frame, st.integers(0, 0x7F), st.integers(0, 0xFFFF), st.binary(max_size=MAX))
SIZES = st.integers(2, 600)


def bare(frame: Frame) -> bytes:
    return bytes(BareFrameWriter(MAX).frame(*frame))


def received(messages: list[bytes], decoder: FragmentDecoder) -> list[Frame]:
    frames = []
    for message in messages:
        decoder.feed(message)
        while (frame := decoder.next_frame()) is not None:
            frames.append(frame)
    return frames


@given(FRAMES)
def test_a_bare_frame_is_the_plain_one_without_cobs(plain: SimpleNamespace, frame: Frame) -> None:
    raw = bytes([frame.kind]) + frame.sequence.to_bytes(2, "little") + frame.payload
    assert bare(frame) == raw + plain.crc32(raw).to_bytes(4, "little")


@given(st.lists(FRAMES, max_size=4), SIZES)
def test_frames_come_back_in_messages_of_any_size(frames: list[Frame], size: int) -> None:
    messages = [message for frame in frames for message in fragments(bare(frame), size)]
    assert all(2 <= len(message) <= size for message in messages)
    decoder = FragmentDecoder(MAX)
    assert received(messages, decoder) == frames
    assert (decoder.frames, decoder.damaged, decoder.damaged_bytes, decoder.partial_bytes) == (len(frames), 0, 0, 0)


@given(st.lists(FRAMES, min_size=1, max_size=5), SIZES, st.data())
def test_what_is_lost_is_a_whole_frame_and_counted(frames: list[Frame], size: int, data: st.DataObject) -> None:
    cut = [fragments(bare(frame), size) for frame in frames]
    sent = [(owner, message) for owner, messages in enumerate(cut) for message in messages]
    dropped = data.draw(st.sets(st.integers(0, len(sent) - 1), max_size=6))
    hurt = {sent[i][0] for i in dropped}
    decoder = FragmentDecoder(MAX)
    left = [message for i, (_, message) in enumerate(sent) if i not in dropped]
    assert received(left, decoder) == [frame for owner, frame in enumerate(frames) if owner not in hurt]
    # What came of the frames that are lost, and is no longer waited for.
    pieces = sum(len(m) - 1 for i, (owner, m) in enumerate(sent) if owner in hurt and i not in dropped)
    assert decoder.damaged_bytes + decoder.partial_bytes == pieces


@given(st.lists(st.binary(max_size=300), max_size=12), FRAMES, SIZES)
def test_any_messages_leave_the_frame_after_them_whole(noise: list[bytes], frame: Frame, size: int) -> None:
    decoder = FragmentDecoder(MAX)
    assert received(noise, decoder) == []
    assert decoder.partial_bytes <= MAX + 7
    assert received(fragments(bare(frame), size), decoder) == [frame]


def test_what_was_seen_tells_of_damage_or_else_of_what_has_not_ended() -> None:
    decoder = FragmentDecoder(MAX)
    assert decoder.seen == b""
    decoder.feed(b"\x01begun")
    assert decoder.seen == b"begun"
    decoder.feed(b"\x03no frame")
    assert decoder.seen == b"no frame"


def test_a_new_connection_does_not_go_on_with_a_frame_of_the_one_before() -> None:
    ping = Frame(kinds.PING, 1, b"\x01\x00")
    messages = fragments(bare(ping), 4)
    decoder = FragmentDecoder(MAX)
    received(messages[:1], decoder)
    decoder.restart()
    assert received(messages[1:], decoder) == []
    assert received(messages, decoder) == [ping]
    assert decoder.damaged == 1


def test_a_link_refuses_entries_of_recordings_and_a_recording_takes_them() -> None:
    note = Frame(kinds.NOTE, 0, b"{}")
    assert received(fragments(bare(note), 20), FragmentDecoder(MAX)) == []
    assert received(fragments(bare(note), 20), FragmentDecoder(MAX, link=False)) == [note]


def test_the_same_buffer_serves_every_message_of_a_frame() -> None:
    frame = bare(Frame(1, 2, bytes(range(50))))
    writer = FragmentWriter(244)
    first = writer.cut(memoryview(frame), True, 20)
    assert bytes(first) == b"\x01" + frame[:19]
    assert bytes(writer.cut(memoryview(frame)[19:], False, 244)) == b"\x02" + frame[19:]
    with pytest.raises(ValueError, match="1 bytes carry no frame"):
        writer.cut(memoryview(frame), True, 1)
