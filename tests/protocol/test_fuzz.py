"""A million frames, many of them harmed: nothing altered gets through, what was not harmed does, memory is bounded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from iastm_protocol import kinds
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter, Decoder, Frame, FrameWriter, cobs_size

MAX = kinds.MAX_LINK_PAYLOAD
_ROUND = 100
_HARMED = 0.3
_LARGEST = 7 + MAX


def _frames(rng: random.Random, n: int) -> list[Frame]:
    """Return frames that differ from each other, most of them short, some of critical content."""
    made = []
    for number in range(n):
        size = rng.choice((0, 1, 2, 11, 36, 36, 36, 36, rng.randint(0, MAX), MAX))
        content = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size, rng.randbytes(1) * size))
        made.append(Frame(rng.randrange(0x80), number, content))
    return made


def _harm(rng: random.Random, wire: bytes) -> bytes:
    """Return `wire` changed somewhere, or nothing of it."""
    at = rng.randrange(len(wire))
    n = rng.choice((1, 1, 1, 2, 7, 60))
    match rng.randrange(8):
        case 0:
            return wire[:at] + bytes([wire[at] ^ 1 << rng.randrange(8)]) + wire[at + 1 :]
        case 1:
            return wire[:at] + wire[at + n :]
        case 2:
            return wire[: at + n] + wire[at:]
        case 3:
            return wire[:at] + rng.randbytes(n) + wire[at:]
        case 4:
            return wire[:at] + rng.randbytes(len(wire) - at)
        case 5:
            return wire[:at]
        case 6:
            return wire[:at] + b"\x00" + wire[at:]
        case _:
            return b""


def _pieces(rng: random.Random, stream: bytes) -> Iterable[bytes]:
    """Yield `stream` as reads hand it over."""
    at = 0
    while at < len(stream):
        n = rng.choice((1, 7, 64, 4096))
        yield stream[at : at + n]
        at += n


def _is_in_order(part: list[Frame], whole: list[Frame]) -> bool:
    left = iter(whole)
    return all(frame in left for frame in part)


def _judge(received: list[Frame], sent: list[Frame], unharmed: list[Frame]) -> None:
    """Everything received was sent so, and everything unharmed is received, in its order."""
    assert set(received) <= set(sent)
    assert _is_in_order(unharmed, received)


def _drained(decoder: Decoder | FragmentDecoder) -> list[Frame]:
    frames = []
    while (frame := decoder.next_frame()) is not None:
        frames.append(frame)
    return frames


def test_on_a_byte_stream_what_is_harmed_is_dropped_and_nothing_else(size: Callable[[int, int], int]) -> None:
    rng = random.Random(1)
    writer = FrameWriter(MAX)
    decoder = Decoder(MAX)
    harmed = 0
    for _ in range(size(20_000, 1_000_000) // _ROUND):
        sent = _frames(rng, _ROUND)
        unharmed, stream, received = [], [], []
        for frame in sent:
            wire = bytes(writer.frame(*frame))
            # The last one is whole, so that each round ends with nothing under way.
            if frame is not sent[-1] and rng.random() < _HARMED:
                wire = _harm(rng, wire)
            else:
                unharmed.append(frame)
            stream.append(wire)
        for piece in _pieces(rng, b"".join(stream)):
            decoder.feed(piece)
            received += _drained(decoder)
            assert decoder.partial_bytes <= cobs_size(_LARGEST)
        _judge(received, sent, unharmed)
        assert received[-1] == sent[-1]
        harmed += _ROUND - len(unharmed)
    assert decoder.damaged > harmed / 2


def test_a_stream_torn_and_put_together_anyhow_gives_nothing_that_was_not_sent(size: Callable[[int, int], int]) -> None:
    rng = random.Random(2)
    writer = FrameWriter(MAX)
    decoder = Decoder(MAX)
    for _ in range(size(5_000, 250_000) // _ROUND):
        sent = _frames(rng, _ROUND)
        stream = b"".join(bytes(writer.frame(*frame)) for frame in sent[:-1])
        for _ in range(rng.randint(1, 20)):
            a, b = sorted(rng.randrange(len(stream)) for _ in range(2))
            # Turned round, taken out, or doubled.
            begin, middle, end = stream[:a], stream[a:b], stream[b:]
            torn = rng.choice((end + middle + begin, begin + end, begin + middle + middle + end))
            stream = torn[:200_000] or b"\xaa"
        received = []
        for piece in _pieces(rng, stream + bytes(writer.frame(*sent[-1]))):
            decoder.feed(piece)
            received += _drained(decoder)
            assert decoder.partial_bytes <= cobs_size(_LARGEST)
        assert set(received) <= set(sent)
        assert received[-1] == sent[-1]
    assert decoder.damaged > 0


@pytest.mark.parametrize("mtu", [20, 100, 244])
def test_in_messages_what_is_harmed_is_dropped_and_nothing_else(size: Callable[[int, int], int], mtu: int) -> None:
    rng = random.Random(mtu)
    writer = BareFrameWriter(MAX)
    decoder = FragmentDecoder(MAX)
    harmed = 0
    for _ in range(size(5_000, 250_000) // _ROUND):
        sent = _frames(rng, _ROUND)
        unharmed, received = [], []
        for frame in sent:
            messages = fragments(bytes(writer.frame(*frame)), mtu)
            if frame is not sent[-1] and rng.random() < _HARMED:
                messages = _harm_messages(rng, messages)
                harmed += 1
            else:
                unharmed.append(frame)
            for message in messages:
                decoder.feed(message)
                assert decoder.partial_bytes <= _LARGEST
            received += _drained(decoder)
        _judge(received, sent, unharmed)
        assert received[-1] == sent[-1]
    assert decoder.damaged > harmed / 3


def _harm_messages(rng: random.Random, messages: list[bytes]) -> list[bytes]:
    """Return the messages of a frame with one of them lost, doubled, changed, out of its order, or foreign."""
    at = rng.randrange(len(messages))
    match rng.randrange(5):
        case 0:
            return messages[:at] + messages[at + 1 :]
        case 1:
            return messages[: at + 1] + messages[at:]
        case 2:
            other = rng.randrange(len(messages))
            return [*messages[:at], messages[other], *messages[at + 1 :]]
        case 3:
            return [*messages[:at], rng.randbytes(rng.randint(0, 244)), *messages[at:]]
        case _:
            return [*messages[:at], _harm(rng, messages[at]), *messages[at + 1 :]]
