"""The rows that the converter stand-in plays: int32 force in µN and int32 raw counts, little-endian."""

import select

_ROW_BYTES = 8
_ROWS_AHEAD = 16


def _int32(data, at):
    value = data[at] | data[at + 1] << 8 | data[at + 2] << 16
    high = data[at + 3]
    return value | (high - 256 if high & 0x80 else high) << 24


class Rows:
    """Reads rows a few ahead from `source`: the path of a file or a pipe, or an unbuffered stream that can be polled.

    `wait_ms` is how long an empty pipe is waited for, −1 for ever. `at_end` is called once there are no more.
    """

    def __init__(self, source, wait_ms, at_end=None):
        if isinstance(source, str):
            source = open(source, "rb", buffering=0)  # noqa: SIM115 (open as long as the tool runs)
        self._file = source
        self._at_end = at_end
        self._open = True
        self._wait_ms = wait_ms
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        self._data = bytearray(_ROWS_AHEAD * _ROW_BYTES)
        view = memoryview(self._data)
        self._row_views = [view[i * _ROW_BYTES : (i + 1) * _ROW_BYTES] for i in range(_ROWS_AHEAD)]
        self._row = 0
        self._rows = 0
        self._at = 0

    def advance(self):
        """Go to the next row; return False where there is none, now or (after the end) ever."""
        if self._row >= self._rows:
            self._fill()
            if not self._rows:
                if not self._open and self._at_end is not None:
                    self._at_end()
                return False
        self._at = self._row * _ROW_BYTES
        self._row += 1
        return True

    def force_un(self):
        """Return the force of this row in micronewtons."""
        return _int32(self._data, self._at)

    def counts(self):
        """Return the raw counts of this row."""
        return _int32(self._data, self._at + 4)

    def close(self):
        """Close the file."""
        self._open = False
        self._file.close()

    def _fill(self):
        # Row by row, each asked for first: a pipe that holds too little must not stop the tool.
        self._row = 0
        self._rows = 0
        wait_ms = self._wait_ms
        while self._rows < _ROWS_AHEAD and self._readable(wait_ms):
            if not self._read_row(self._row_views[self._rows]):
                self.close()
                break
            self._rows += 1
            wait_ms = 0

    def _read_row(self, view):
        got = self._file.readinto(view)
        while got and got < _ROW_BYTES:
            # A writer's block was torn by a full pipe: the rest of the row is on its way.
            n = self._file.readinto(view[got:])
            if not n:
                return False
            got += n
        return bool(got)

    def _readable(self, wait_ms):
        if not self._open:
            return False
        for _ in self._poll.ipoll(wait_ms):
            return True
        return False
