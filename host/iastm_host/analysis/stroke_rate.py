"""Stroke rate: one over the median interval of successive peaks over the last five strokes of a burst.

A pause of 3 s or more without contact ends a burst. No interval reaches across one.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

BURST_PAUSE_US = 3_000_000
_STROKES = 5
# Some more are remembered, for those that are taken back.
_REMEMBERED = 32


class StrokeRate:
    """Follows the strokes of the burst under way; all times are of one clock, in microseconds."""

    def __init__(self) -> None:
        self._peaks_us: deque[int] = deque(maxlen=_REMEMBERED)
        self._last_end_us = 0

    def add(self, first_us: int, peak_us: int, last_us: int) -> None:
        """Take a finished stroke."""
        if first_us - self._last_end_us >= BURST_PAUSE_US:
            self._peaks_us.clear()
        self._peaks_us.append(peak_us)
        self._last_end_us = last_us

    def clear(self) -> None:
        """Forget the burst: an interval may be missing a stroke, or belong to another clock."""
        self._peaks_us.clear()

    def withdraw(self, peak_us: int) -> None:
        """Take back the stroke with this peak."""
        if peak_us in self._peaks_us:
            self._peaks_us.remove(peak_us)

    def rate_hz(self, untouched_until_us: int) -> float | None:
        """Return strokes per second; None before two peaks, or after a pause.

        `untouched_until_us` is the time until which there was no contact since the last stroke.
        """
        if len(self._peaks_us) < 2 or untouched_until_us - self._last_end_us >= BURST_PAUSE_US:
            return None
        peaks_us = list(self._peaks_us)[-_STROKES:]
        return 1e6 / median(later - earlier for earlier, later in pairwise(peaks_us))
