"""Reading and writing fields: lengths are checked before unpacking, ranges before packing.

MicroPython's `struct.pack` truncates in silence; here a value out of range raises LocalProtocolError.
"""

import struct

from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError

_RANGES = {
    "B": (0, 0xFF),
    "b": (-0x80, 0x7F),
    "H": (0, 0xFFFF),
    "h": (-0x8000, 0x7FFF),
    "I": (0, 0xFFFFFFFF),
    "i": (-0x80000000, 0x7FFFFFFF),
    "q": (-0x8000000000000000, 0x7FFFFFFFFFFFFFFF),
}
_TIME_MAX_US = 0xFFFFFFFFFFFF
_TEXT_MAX_BYTES = 255


class Writer:
    """Collects the fields of one payload, little-endian."""

    def __init__(self):
        self._pieces = []

    def number(self, code, value):
        """Append a whole number of struct code `code`."""
        low, high = _RANGES[code]
        # Written so that NaN fails too.
        if not low <= value <= high or value % 1:
            raise LocalProtocolError("%s does not fit a field of whole numbers %d to %d" % (value, low, high))
        self._pieces.append(struct.pack("<" + code, int(value)))
        return self

    def time_us(self, value):
        """Append a tool time: 48 bits of microseconds."""
        if not 0 <= value <= _TIME_MAX_US or value % 1:
            raise LocalProtocolError("tool time of %s us is no whole number of 48 bits" % value)
        value = int(value)
        self._pieces.append(struct.pack("<HI", value & 0xFFFF, value >> 16))
        return self

    def double(self, value):
        """Append a 64-bit float, which must be finite."""
        if value - value != 0:
            raise LocalProtocolError("%s where a finite number belongs" % value)
        self._pieces.append(struct.pack("<d", value))
        return self

    def raw(self, data, size=None):
        """Append bytes, of exactly `size` where it is given."""
        if size is not None and len(data) != size:
            raise LocalProtocolError("%d bytes in a field of %d" % (len(data), size))
        self._pieces.append(bytes(data))
        return self

    def text(self, value):
        """Append UTF-8 text of up to 255 bytes, its length first."""
        try:
            data = value.encode()
        except UnicodeError:
            raise LocalProtocolError("text that UTF-8 can't carry")
        if len(data) > _TEXT_MAX_BYTES:
            raise LocalProtocolError("text of %d bytes in a field of %d" % (len(data), _TEXT_MAX_BYTES))
        return self.number("B", len(data)).raw(data)

    def payload(self):
        """Return the bytes so far."""
        return b"".join(self._pieces)


class Reader:
    """Takes the fields of one payload; bytes past the last known field belong to a newer minor version."""

    def __init__(self, payload, what):
        # Bytes of our own: what is read outlives the buffer it came in.
        self._data = bytes(payload)
        self._at = 0
        self._what = what

    def _take(self, n):
        end = self._at + n
        if end > len(self._data):
            raise RemoteProtocolError("%s of %d bytes is too short" % (self._what, len(self._data)))
        data = self._data[self._at : end]
        self._at = end
        return data

    def number(self, code):
        """Return an integer of struct code `code`."""
        return struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0]

    def time_us(self):
        """Return a tool time in microseconds."""
        low, high = struct.unpack("<HI", self._take(6))
        return low | high << 16

    def double(self):
        """Return a 64-bit float."""
        return struct.unpack("<d", self._take(8))[0]

    def raw(self, size):
        """Return the next `size` bytes."""
        return self._take(size)

    def optional(self, code, missing):
        """Return an integer that a newer minor version appended, `missing` where the sender is of an older one."""
        return self.number(code) if self._at < len(self._data) else missing

    def optional_text(self, missing):
        """Return a text that a newer minor version appended, `missing` where the sender is of an older one."""
        return self.text() if self._at < len(self._data) else missing

    def rest(self):
        """Return all bytes that are left."""
        return self._take(len(self._data) - self._at)

    def text(self):
        """Return UTF-8 text; raises RemoteProtocolError where it is none."""
        data = self._take(self.number("B"))
        try:
            return str(data, "utf-8")
        except UnicodeError:
            raise RemoteProtocolError("%s holds text that is not UTF-8" % self._what)
