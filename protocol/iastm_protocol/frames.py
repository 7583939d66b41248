"""Frames: kind, sequence, payload, CRC-32; on a byte stream COBS-encoded between zero bytes.

A carrier of whole messages takes them bare, see fragments.py.

COBS after Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Trans. Networking 7 (1999) 159.
CRC-32 is that of IEEE 802.3 (`binascii.crc32`), little-endian, over kind, sequence and payload.
"""

import binascii
import struct
from collections import namedtuple

from iastm_protocol._compat import const, micropython, ptr8
from iastm_protocol.errors import LocalProtocolError
from iastm_protocol.kinds import FIRST_RECORDING_KIND

HEADER_BYTES = 3
CRC_BYTES = 4
_DELIMITER = b"\x00"
# What one more COBS code byte costs: a run of up to 254 bytes without a zero.
_RUN = const(254)
# How much of undecodable input is kept to tell a person what arrived.
_SEEN_BYTES = 48


class Frame(namedtuple("Frame", ("kind", "sequence", "payload"))):
    """One frame: kind (0–255), sequence (0–65535), payload (bytes)."""


def cobs_size(n):
    """Return the largest number of COBS bytes that `n` bytes become, without delimiters."""
    return n + n // _RUN + 1


class BareFrameWriter:
    """Builds frames in place, bare: write the payload into `payload`, then call `finish`.

    The memoryview that `finish` returns is valid until the next call.
    """

    def __init__(self, capacity):
        raw_bytes = HEADER_BYTES + capacity + CRC_BYTES
        self.capacity = capacity
        self._raw = bytearray(raw_bytes)
        self._raw_view = memoryview(self._raw)
        self.payload = self._raw_view[HEADER_BYTES : HEADER_BYTES + capacity]

    def finish(self, kind, sequence, n):
        """Return the bytes of a frame whose payload is the first `n` bytes of `payload`.

        Of `sequence` the low 16 bits are sent. Raises LocalProtocolError where `n` is beyond the capacity or
        `kind` beyond a byte.
        """
        return self._raw_view[: self._seal(kind, sequence, n)]

    def frame(self, kind, sequence, payload):
        """Return the bytes of a frame with `payload` (bytes); for messages off the hot path."""
        n = len(payload)
        if n <= self.capacity:
            self.payload[:n] = payload
        return self.finish(kind, sequence, n)

    def _seal(self, kind, sequence, n):
        if not 0 <= n <= self.capacity:
            raise LocalProtocolError("payload of %d bytes in a writer for %d" % (n, self.capacity))
        if not 0 <= kind <= 0xFF:
            raise LocalProtocolError("frame kind %d is beyond a byte" % kind)
        raw = self._raw
        raw[0] = kind
        raw[1] = sequence & 0xFF
        raw[2] = (sequence >> 8) & 0xFF
        end = HEADER_BYTES + n
        # A board's integers have 31 bits: taking a CRC apart with shifts would make new ones on its heap.
        struct.pack_into("<I", raw, end, binascii.crc32(self._raw_view[:end]))
        return end + CRC_BYTES


class FrameWriter(BareFrameWriter):
    """Builds frames in place as a byte stream takes them: with COBS, between zero bytes."""

    def __init__(self, capacity):
        super().__init__(capacity)
        self._wire = bytearray(cobs_size(HEADER_BYTES + capacity + CRC_BYTES) + 2)
        self._wire_view = memoryview(self._wire)

    def finish(self, kind, sequence, n):
        """Return the wire bytes of a frame, otherwise as BareFrameWriter does."""
        return self._wire_view[: _stuff(self._raw, self._wire, self._seal(kind, sequence, n))]


# Of all that a frame takes on the tool this is the most: byte by byte, and far cheaper as machine code.
@micropython.viper
def _stuff(raw, wire, n: int) -> int:
    # Write the first n bytes of `raw` to `wire` with COBS between zero bytes, and return how many that makes. `wire`
    # has room for cobs_size(n) + 2: nothing is checked here.
    source = ptr8(raw)
    sink = ptr8(wire)
    sink[0] = 0
    code_at = 1
    at = 2
    code = 1
    i = 0
    while i < n:
        byte = source[i]
        i += 1
        if byte:
            sink[at] = byte
            at += 1
            code += 1
            if code <= _RUN:
                continue
        sink[code_at] = code
        code_at = at
        at += 1
        code = 1
    sink[code_at] = code
    sink[at] = 0
    return at + 1


def encode(kind, sequence, payload):
    """Return the wire bytes of one frame as bytes of their own."""
    return bytes(FrameWriter(len(payload)).frame(kind, sequence, payload))


def unstuff(part):
    """Return the bytes that the COBS block `part` (no zero in it) stands for, or None where it is damaged."""
    n = len(part)
    pieces = []
    piece = b""
    at = 0
    joined = False
    while at < n:
        code = part[at]
        end = at + code
        if code == 0 or end > n:
            return None
        if joined:
            piece += part[at + 1 : end]
        else:
            piece = part[at + 1 : end]
        joined = code == 0xFF
        if not joined:
            pieces.append(piece)
        at = end
    if joined:
        pieces.append(piece)
    return _DELIMITER.join(pieces)


def parse(raw, max_payload, link):
    """Return the Frame that the bytes `raw` are, or None where they are none that a reader takes.

    `max_payload` bounds its payload; with `link` false the kinds of recordings are admitted too.
    """
    end = len(raw) - CRC_BYTES
    if not 0 <= end - HEADER_BYTES <= max_payload:
        return None
    crc = raw[end] | raw[end + 1] << 8 | raw[end + 2] << 16 | raw[end + 3] << 24
    if binascii.crc32(raw[:end]) != crc:
        return None
    kind = raw[0]
    if link and kind >= FIRST_RECORDING_KIND:
        return None
    return Frame(kind, raw[1] | raw[2] << 8, raw[HEADER_BYTES:end])


class Decoder:
    """Turns a byte stream into frames; damage is counted and never raised.

    `max_payload` bounds a frame. With `link` false the kinds of recordings are admitted too.
    Counters: `frames`, `damaged` (blocks that were no frame), `damaged_bytes`.
    """

    def __init__(self, max_payload, link=True):
        self._max_payload = max_payload
        self._max_block = cobs_size(HEADER_BYTES + max_payload + CRC_BYTES)
        self._link = link
        self._partial = b""
        self._overlong = False
        self._blocks = []
        self._next = 0
        self.frames = 0
        self.damaged = 0
        self.damaged_bytes = 0
        self._seen = b""

    @property
    def seen(self):
        """The start of the last damaged block, or else of what has come so far: for a message to a person."""
        return self._seen or self._partial[:_SEEN_BYTES]

    @property
    def partial_bytes(self):
        """Bytes of a block that has not ended yet."""
        return len(self._partial)

    def feed(self, data):
        """Take received bytes."""
        if not data:
            return
        parts = bytes(data).split(_DELIMITER)
        parts[0] = self._partial + parts[0]
        self._partial = parts.pop()
        if self._overlong and parts:
            self._overlong = False
            self.damaged += 1
            self.damaged_bytes += len(parts.pop(0))
        if len(self._partial) > self._max_block:
            # Only the end of such a block matters: its rest is dropped when the delimiter comes.
            if not self._overlong:
                self._seen = self._partial[:_SEEN_BYTES]
            self.damaged_bytes += len(self._partial) - 1
            self._partial = self._partial[:1]
            self._overlong = True
        if self._next:
            self._blocks = self._blocks[self._next :]
            self._next = 0
        self._blocks.extend(parts)

    def next_frame(self):
        """Return the next whole Frame, or None until more bytes are fed."""
        blocks = self._blocks
        while self._next < len(blocks):
            block = blocks[self._next]
            self._next += 1
            if not block:
                continue
            frame = self._frame(block)
            if frame is not None:
                self.frames += 1
                return frame
            self._damage(block)
        return None

    def _damage(self, block):
        self.damaged += 1
        self.damaged_bytes += len(block)
        if len(block) > 1:
            self._seen = block[:_SEEN_BYTES]

    def _frame(self, block):
        if len(block) > self._max_block:
            return None
        raw = unstuff(block)
        if raw is None:
            return None
        return parse(raw, self._max_payload, self._link)
