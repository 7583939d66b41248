"""A reader of the protocol made from SPEC.md alone, section by section, slow and plain."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.protocol.spec import Unreadable, Walk, decoded, named

# 2.1 and 2.2
LINK_PAYLOAD = 480
ENVELOPE_BYTES = 7
KINDS = named("### 2.4 Kinds", name_at=1, value_at=0)
NAMES = {value: name for name, value in KINDS.items()}


class Frame(NamedTuple):
    kind: int
    sequence: int
    payload: bytes


def crc32(data: bytes) -> int:
    """IEEE 802.3, bit by bit (2.1)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def unstuffed(block: bytes) -> bytes | None:
    """COBS as 2.2 has it; None is damage."""
    raw = b""
    at = 0
    while at < len(block):
        code = block[at]
        at += 1
        if code == 0 or at + code - 1 > len(block):
            return None
        raw += block[at : at + code - 1]
        at += code - 1
        if code != 0xFF and at < len(block):
            raw += b"\0"
    return raw


def stuffed(raw: bytes) -> bytes:
    """The writer of 2.2."""
    out = b""
    for run in raw.split(b"\0"):
        rest = run
        while len(rest) >= 254:
            out += b"\xff" + rest[:254]
            rest = rest[254:]
        out += bytes([len(rest) + 1]) + rest
    return out


def envelope(raw: bytes, largest: int = LINK_PAYLOAD, *, link: bool = True) -> Frame | None:
    """2.1 and 2.3."""
    if not ENVELOPE_BYTES <= len(raw) <= ENVELOPE_BYTES + largest:
        return None
    if int.from_bytes(raw[-4:], "little") != crc32(raw[:-4]) or (link and raw[0] >= 0x80):
        return None
    return Frame(raw[0], int.from_bytes(raw[1:3], "little"), raw[3:-4])


def enveloped(frame: Frame) -> bytes:
    """The writer of 2.1."""
    raw = bytes([frame.kind]) + frame.sequence.to_bytes(2, "little") + frame.payload
    return raw + crc32(raw).to_bytes(4, "little")


def read_stream(data: bytes, largest: int = LINK_PAYLOAD, *, link: bool = True) -> tuple[list[Frame], int]:
    """Frames of a byte stream, and how many blocks were damaged; a block that does not end is waited for."""
    frames = []
    damaged = 0
    for block in data.split(b"\0")[:-1]:
        if not block:
            continue
        raw = unstuffed(block)
        frame = None if raw is None else envelope(raw, largest, link=link)
        if frame is None:
            damaged += 1
        else:
            frames.append(frame)
    return frames, damaged


class Pieces:
    """Frames of a carrier of messages (2.5)."""

    def __init__(self) -> None:
        self.damaged = 0
        self._raw: bytes | None = None
        self._bad = False

    def read(self, message: bytes) -> Frame | None:
        """Take a message; return the frame that it ends."""
        if not message:
            return None
        header, piece = message[0], message[1:]
        if header & ~0x03:
            self.damaged += 1
            return None
        if header & 0x01:
            if self._raw is not None and not self._bad:
                self.damaged += 1
            self._raw, self._bad = b"", False
        elif self._raw is None:
            self._raw, self._bad = b"", True
            self.damaged += 1
        if not self._bad:
            self._raw += piece
            if len(self._raw) > ENVELOPE_BYTES + LINK_PAYLOAD:
                self._bad = True
                self.damaged += 1
        if not header & 0x02:
            return None
        raw, bad, self._raw, self._bad = self._raw, self._bad, None, False
        if bad:
            return None
        frame = envelope(raw)
        self.damaged += frame is None
        return frame


def tag(key: bytes, challenge: bytes, counter: int, command: bytes) -> bytes:
    """The tag of 4.17, by the text of RFC 2104."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + challenge + counter.to_bytes(4, "little") + command)
    return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner.digest()).digest()[:16]


def stored(data: bytes) -> tuple[str, dict[str, Any], bytes]:
    """Serial number, fields of the calibration and document of a stored calibration (4.19)."""
    walk = Walk(data)
    if walk.take(1) != b"\x01":
        raise Unreadable("another layout")
    serial_number = walk.text()
    fields = decoded(KINDS["CALIBRATION"], walk.take(int.from_bytes(walk.take(2), "little")))
    if walk.at > 480:
        raise Unreadable("the head is too long")
    return serial_number, fields, data[walk.at :]


def counts(packed: bytes) -> list[int]:
    """An `i24 list` (1)."""
    if not packed or len(packed) % 3:
        raise Unreadable("no whole counts")
    return [int.from_bytes(packed[at : at + 3], "little", signed=True) for at in range(0, len(packed), 3)]


def told(frame: Frame) -> tuple[str, str]:
    """A frame as a session tells it (9): its kind, and its fields."""
    fields = decoded(frame.kind, frame.payload)
    if "packed" in fields:
        fields["packed"] = counts(fields["packed"])
    return NAMES[frame.kind], " ".join(f"{name}={_told(value)}" for name, value in fields.items())


def _told(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex() or "none"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{' '.join(_told(item) for item in value)}]"
    return str(value)


def newtons(net: int, coefficients: Sequence[float]) -> float:
    """4.8."""
    return sum(c * float(net) ** order for order, c in enumerate(coefficients))


# What is fed to a detector: (index, value) for each sample, None for a missed conversion.
Fed = Iterable[tuple[int, float] | None]


def strokes(on: float, off: float, least: int, fed: Fed) -> list[dict[str, Any]]:
    """4.4: contact from the first sample above `on` to the last one not below `off`."""
    found = []
    stroke: list[tuple[int, float]] = []
    begun_unseen = unseen = True

    def end(*, truncated: bool) -> None:
        if len(stroke) >= least:
            peak = max(value for _, value in stroke)
            found.append(
                {
                    "first_index": stroke[0][0],
                    "last_index": stroke[-1][0],
                    "peak_index": next(index for index, value in stroke if value == peak),
                    "peak": peak,
                    "total": sum(value for _, value in stroke),
                    "truncated": truncated,
                }
            )
        stroke.clear()

    for sample in fed:
        if sample is None:
            end(truncated=True)
            unseen = True
            continue
        if stroke and sample[1] < off:
            end(truncated=begun_unseen)
        elif stroke:
            stroke.append(sample)
        elif sample[1] > on:
            stroke.append(sample)
            begun_unseen = unseen
        unseen = False
    return found


def exceeded(
    enter: float, leave: float, in_a_row: int, fed: Fed, vibrating: frozenset[int] = frozenset(), rate_hz: float = 0
) -> tuple[list[int], bool]:
    """4.6: the samples that decided, and whether the limit is exceeded at the end; `vibrating`: indices flagged so."""
    decided = []
    over = False
    row = 0
    for sample in fed:
        if sample is None:
            over, row = False, 0
            continue
        index, value = sample
        row = row + 1 if (value < leave if over else value > enter) else 0
        needed = max(2, math.ceil(0.025 * rate_hz)) if index in vibrating and not over else in_a_row
        if row >= needed:
            row = 0
            over = not over
            if over:
                decided.append(index)
    return decided, over


def glitches(jump: float, samples: Sequence[float | None]) -> list[int]:
    """4.3: those that differ from both neighbours by more than a jump, to one side, where half a jump parts these."""
    found: list[int] = []
    for at in range(1, len(samples) - 1):
        before, value, after = samples[at - 1 : at + 2]
        if before is None or value is None or after is None or found[-1:] == [at - 1]:
            continue
        least, greatest = min(before, after), max(before, after)
        if (value > greatest + jump or value < least - jump) and greatest - least <= jump / 2:
            found.append(at)
    return found
