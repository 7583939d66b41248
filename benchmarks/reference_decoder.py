"""The baseline of decoding: the same frames read byte by byte, with a CRC-32 taken bit by bit. Correct, and plain."""

from __future__ import annotations

_POLYNOMIAL = 0xEDB88320
_HEADER_BYTES, _CRC_BYTES = 3, 4


def crc32(data: bytes) -> int:
    """Return the CRC-32 of IEEE 802.3, one bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class ReferenceDecoder:
    """Turns a byte stream into (kind, sequence, payload); damaged frames are dropped."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._left = 0
        self._zero_due = False

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Return the frames that end in `data`."""
        frames = []
        for byte in data:
            if byte == 0:
                frame = self._end()
                if frame is not None:
                    frames.append(frame)
            elif self._left == 0:
                if self._zero_due:
                    self._raw.append(0)
                self._left = byte - 1
                self._zero_due = byte != 0xFF
            else:
                self._raw.append(byte)
                self._left -= 1
        return frames

    def _end(self) -> tuple[int, int, bytes] | None:
        raw, whole = bytes(self._raw), self._left == 0
        self._raw.clear()
        self._left = 0
        self._zero_due = False
        if not whole or len(raw) < _HEADER_BYTES + _CRC_BYTES:
            return None
        body = raw[:-_CRC_BYTES]
        if crc32(body) != int.from_bytes(raw[-_CRC_BYTES:], "little"):
            return None
        return body[0], body[1] | body[2] << 8, body[_HEADER_BYTES:]
