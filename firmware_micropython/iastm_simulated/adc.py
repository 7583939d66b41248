"""A converter that plays rows: conversion i is ready at start + i periods of the board's clock, and waits in a queue.

So a stall of the tool makes no gap. Conversions can be missed on purpose, to show what the tool makes of it.
"""

from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN

_TICKS_MASK = 0x3FFFFFFF
_US_PER_S_MHZ = 1000000000


class PlayedAdc:
    """Plays `rows` at `rate_mhz` of a clock `ticks_us`, which starts unwrapped; writes to `truth` where given.

    `missed` maps an index to how many conversions from there on are made, and never handed out.
    """

    def __init__(self, rows, rate_mhz, ticks_us, truth, missed):
        self._rows = rows
        self._rate_mhz = rate_mhz
        self._ticks_us = ticks_us
        self._truth = truth
        self._missed = missed
        self._last_ticks = ticks_us()
        self._start_us = self._last_ticks
        self._elapsed_us = 0
        self._index = 0
        self._due_us = 0
        self._left_to_miss = 0
        self._skipped = 0
        self.counts = 0
        self.ticks = 0
        self.missed = 0

    def close(self):
        """Close the rows and the truth."""
        self._rows.close()
        if self._truth is not None:
            self._truth.close()

    def next_conversion(self):
        """Return True where a conversion is ready, described by `counts`, `ticks` and `missed`."""
        ticks = self._ticks_us()
        self._elapsed_us += (ticks - self._last_ticks) & _TICKS_MASK
        self._last_ticks = ticks
        if self._truth is not None:
            self._truth.tick(self._elapsed_us)
        while self._elapsed_us >= self._due_us and self._rows.advance():
            if self._play():
                return True
        return False

    def _play(self):
        index = self._index
        time_us = self._start_us + self._due_us
        # A converter can't show what lies beyond its rails.
        counts = min(COUNTS_MAX, max(COUNTS_MIN, self._rows.counts()))
        if self._truth is not None:
            self._truth.add(index, time_us, self._rows.force_un(), counts)
        self._index = index + 1
        self._due_us = self._index * _US_PER_S_MHZ // self._rate_mhz
        if not self._left_to_miss:
            self._left_to_miss = self._missed.get(index, 0)
        if self._left_to_miss:
            self._left_to_miss -= 1
            self._skipped += 1
            return False
        self.counts = counts
        self.ticks = time_us & _TICKS_MASK
        self.missed = self._skipped
        self._skipped = 0
        return True
