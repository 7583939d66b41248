"""What the converter stand-in played, written by itself and not by the code under test."""

_FLUSH_EVERY_US = 1000000


class Truth:
    """Writes a row per conversion to `path`: index, tool time in µs, force in N, raw counts."""

    def __init__(self, path):
        self._file = open(path, "w")  # noqa: SIM115 (open as long as the tool runs)
        self._do(self._file.write, "index,tool_time_us,force_n,raw_counts\n")
        self._flushed_us = 0

    def add(self, index, tool_time_us, force_un, counts):
        """Write one conversion."""
        sign = "-" if force_un < 0 else ""
        newtons, micro = divmod(abs(force_un), 1000000)
        self._do(self._file.write, "%d,%d,%s%d.%06d,%d\n" % (index, tool_time_us, sign, newtons, micro, counts))

    def tick(self, now_us):
        """Flush once a second."""
        if now_us - self._flushed_us >= _FLUSH_EVERY_US:
            self._flushed_us = now_us
            self._do(self._file.flush)

    def _do(self, what, *arguments):
        try:
            what(*arguments)
        except OSError as error:
            # Not the converter's failure, which the firmware would bear with.
            raise RuntimeError("the truth can't be written: %s" % error)

    def close(self):
        """Write what is left and close the file."""
        self._file.close()
