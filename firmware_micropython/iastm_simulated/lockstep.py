"""Virtual time in step with a host that has a virtual time too: time passes as far as it is granted.

On stdin come grants, each a length and as many bytes; on stdout go turns. All numbers are little-endian.

- Grant: u32 length, u64 until_us, u32 room, then bytes of the host, which arrive at the instant of the grant. The tool
  may run until `until_us`, and its writes are taken as far as `room` bytes.
- Turn: any number of (u32 length, bytes written), all of them written at the instant at which the turn ends; then u32 0
  and u64 now_us. A turn ends where the grant does, or at the first instant with something written, before any time
  passes: whoever answers at once is heard at once.

Time is µs since the start. The first turn ends before any time has passed; the end of stdin ends the tool.
"""

import struct

_READ_BYTES = 64
_GRANT = "<QI"
_GRANT_BYTES = 12


class Lockstep:
    """The way through virtual time, and the board's stream, over `source` and `sink` (stdin and stdout, raw)."""

    def __init__(self, source, sink):
        self._source = source
        self._sink = sink
        self._until_us = 0
        self._room = 0
        self._said = b""
        self._wrote = False
        self._turn(0)

    def pass_time(self, now_us, due_us):
        """Take turns until `due_us` is granted; raises SystemExit where the host is gone."""
        if self._wrote:
            self._turn(now_us)
        while self._until_us < due_us:
            now_us = max(now_us, self._until_us)
            self._turn(now_us)

    def read(self):
        """Return the host's bytes, at most 64."""
        said = self._said
        if not said:
            return b""
        self._said = said[_READ_BYTES:]
        return said[:_READ_BYTES]

    def write(self, data):
        """Write what there is room for; return how many bytes that was."""
        n = min(len(data), self._room)
        if n:
            self._sink.write(struct.pack("<I", n))
            self._sink.write(data[:n])
            self._room -= n
            self._wrote = True
        return n

    def close(self):
        """Leave both pipes to whoever opened them."""

    def _turn(self, now_us):
        self._wrote = False
        self._sink.write(struct.pack("<IQ", 0, now_us))
        length = self._source.read(4)
        if len(length) < 4:
            raise SystemExit(0)
        grant = self._source.read(struct.unpack("<I", length)[0])
        self._until_us, self._room = struct.unpack(_GRANT, grant[:_GRANT_BYTES])
        self._said += grant[_GRANT_BYTES:]
