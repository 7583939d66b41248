"""A byte stream as boards offer it: asked before each read, one byte at a time, written as far as it goes."""

import errno
import select

# On a board `read(n)` waits until all n bytes are there: only one byte is known to be.
_READ_BYTES = 64
_PEER_GONE = (errno.EIO, getattr(errno, "EPIPE", 32), errno.ECONNRESET)


class ByteStream:
    """Reads from `source` and writes to `sink` (stdin and stdout as `.buffer`, or a socket) without waiting.

    `at_end` is called once the peer has gone for good: end of file, or an input error.
    """

    def __init__(self, source, sink, at_end=None):
        self._source = source
        self._sink = sink
        self._at_end = at_end
        self._buffer = bytearray(_READ_BYTES)
        self._poll = select.poll()
        self._poll.register(source, select.POLLIN)
        self._readable = True
        self._writable = True

    def read(self):
        """Return the bytes that have come, at most 64; allocates nothing where there are none."""
        n = 0
        while self._readable and n < _READ_BYTES and self._waiting():
            try:
                data = self._read_byte()
            except OSError as error:
                if error.errno not in _PEER_GONE:
                    raise
                data = b""
            if data is None:
                break
            if not data:
                self._readable = False
                self._end()
                break
            self._buffer[n] = data[0]
            n += 1
        return bytes(self._buffer[:n]) if n else b""

    def write(self, data):
        """Write what the sink takes of `data` now; return how many bytes that was, 0 where it refuses."""
        if not self._writable:
            return 0
        try:
            return self._sink.write(data) or 0
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return 0
            if error.errno not in _PEER_GONE:
                raise
            self._writable = False
            self._end()
            return 0

    def close(self):
        """Leave the source and the sink to whoever opened them."""

    def _read_byte(self):
        return self._source.read(1)

    def _waiting(self):
        for _ in self._poll.ipoll(0):
            return True
        return False

    def _end(self):
        if self._at_end is not None:
            self._at_end()


class Unplugged:
    """A stream with nobody at its other end, ever: for a board whose cable only charges."""

    def read(self):
        """Return nothing."""
        return b""

    def write(self, data):
        """Take nothing of `data`."""
        return 0

    def close(self):
        """Do nothing: nothing was opened."""
