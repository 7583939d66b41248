"""Frames decoded per second, against byte-wise COBS with a bitwise CRC."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.fake_tool import PERIOD_US, packed, treatment
from benchmarks.reference_decoder import ReferenceDecoder
from benchmarks.results import Result
from iastm_protocol import frames, kinds, messages

FRAMES = 3000
ROUNDS = 7
# Nine samples make a frame of 52 bytes.
SAMPLES_PER_FRAME = 9
PROMISED_RATIO = 10.0

Decoded = list[tuple[int, int, bytes]]


def run() -> list[Result]:
    """Decode the same frames by turns, one frame fed at a time as a live link does; compare medians."""
    wires = force_frames(FRAMES)
    ours, reference = decode(wires), decode_plainly(wires)
    if ours != reference or len(ours) != FRAMES:
        raise AssertionError("the two decoders disagree")
    times = [(_time_of(decode, wires), _time_of(decode_plainly, wires)) for _ in range(ROUNDS)]
    ours_s, reference_s = (statistics.median(column) for column in zip(*times, strict=True))
    length = statistics.mean(map(len, wires))
    return [
        Result(
            "Decoding force samples",
            FRAMES / ours_s,
            "frames/s",
            "byte-wise COBS, bitwise CRC",
            FRAMES / reference_s,
            reference_s / ours_s,
            f"≥ {PROMISED_RATIO:g} × the baseline",
            reference_s / ours_s >= PROMISED_RATIO,
            f"{FRAMES} frames of {length:.0f} bytes, median of {ROUNDS} rounds by turns; both give the same frames.",
        )
    ]


def force_frames(count: int) -> list[bytes]:
    """Return the wire bytes of `count` frames of a treatment."""
    source = treatment(seed=1)
    wires = []
    for number in range(count):
        first = number * SAMPLES_PER_FRAME
        message = messages.ForceSamples(
            first, first * PERIOD_US, (SAMPLES_PER_FRAME - 1) * PERIOD_US, 0, packed(source(SAMPLES_PER_FRAME))
        )
        wires.append(frames.encode(kinds.FORCE_SAMPLES, number & 0xFFFF, message.to_payload()))
    return wires


def decode(wires: list[bytes]) -> Decoded:
    """Return the frames that the toolkit's decoder reads."""
    decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
    decoded: Decoded = []
    for wire in wires:
        decoder.feed(wire)
        while (frame := decoder.next_frame()) is not None:
            decoded.append(frame)
    return decoded


def decode_plainly(wires: list[bytes]) -> Decoded:
    """Return the frames that the baseline reads."""
    decoder = ReferenceDecoder()
    decoded: Decoded = []
    for wire in wires:
        decoded += decoder.feed(wire)
    return decoded


def _time_of(work: Callable[[list[bytes]], Decoded], wires: list[bytes]) -> float:
    begun = time.perf_counter()
    work(wires)
    return time.perf_counter() - begun
