"""Tool time: a board's ticks, which wrap at 2^30 µs (17.9 min), extended to 48 bits.

Kept as two small integers, (wraps, ticks): on a board integers beyond 30 bits live on the heap.
"""

from iastm_protocol._compat import const, micropython

_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)


def ticks_between(earlier, later):
    """Return microseconds from one reading of the ticks to another, negative where `later` came first.

    The two must lie less than 2^29 µs (8.9 min) apart.
    """
    span_us = (later - earlier) & _MASK
    if span_us >= _HALF:
        # In two steps, because 2^30 itself is no small integer on a board.
        return span_us - _HALF - _HALF
    return span_us


def ticks_after(ticks, span_us):
    """Return the reading `span_us` (0 to 2^29 − 1) after `ticks`."""
    if ticks > _MASK - span_us:
        # Never beyond 2^30 − 1 on the way, which would be no small integer on a board.
        return ticks - (_MASK - span_us) - 1
    return ticks + span_us


def write_time(wraps, ticks, buffer, at):
    """Write a tool time into six bytes of `buffer` from `at`, little-endian, allocating nothing."""
    buffer[at] = ticks & 0xFF
    buffer[at + 1] = (ticks >> 8) & 0xFF
    buffer[at + 2] = (ticks >> 16) & 0xFF
    buffer[at + 3] = (ticks >> 24) & 0x3F | (wraps & 0x03) << 6
    buffer[at + 4] = (wraps >> 2) & 0xFF
    buffer[at + 5] = (wraps >> 10) & 0xFF


class Clock:
    """Extends `ticks_us` (a function, 0 to 2^30 − 1). `now` must be called at least every eight minutes."""

    def __init__(self, ticks_us):
        self._ticks_us = ticks_us
        self._wraps = 0
        self._ticks = ticks_us()

    @micropython.native
    def now(self):
        """Read the ticks, note a wrap, return the ticks."""
        ticks = self._ticks_us()
        if ticks < self._ticks:
            self._wraps += 1
        self._ticks = ticks
        return ticks

    def wraps_at(self, ticks):
        """Return how often the ticks had wrapped at `ticks`, a reading within 8.9 min of the last `now`."""
        if ticks > self._ticks and ticks_between(self._ticks, ticks) < 0:
            return self._wraps - 1
        if ticks < self._ticks and ticks_between(self._ticks, ticks) > 0:
            return self._wraps + 1
        return self._wraps

    def time_us(self, ticks):
        """Return the tool time of `ticks` in microseconds, an integer that allocates on a board."""
        return self.wraps_at(ticks) << 30 | ticks
