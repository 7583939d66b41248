"""Stroke rate: 1 / median interval between successive peaks over the last five strokes of a burst."""

_PEAKS = 5
_BURST_GAP_S = 3


class StrokeRate:
    """Takes strokes by sample index at `rate_mhz` (thousandths of a hertz)."""

    def __init__(self, rate_mhz):
        self._rate_mhz = rate_mhz
        self._burst_gap_samples = _BURST_GAP_S * rate_mhz // 1000
        self._peaks = []
        self._last_index = 0

    def restart(self):
        """Forget the strokes so far: what lies between them and the next is unknown."""
        self._peaks = []

    def add(self, first_index, peak_index, last_index):
        """Add a finished stroke; return the rate in thousandths of strokes per minute, 0 where still unknown.

        A pause of 3 s or more begins a new burst.
        """
        if self._peaks and first_index - self._last_index >= self._burst_gap_samples:
            self._peaks = []
        self._last_index = last_index
        self._peaks.append(peak_index)
        if len(self._peaks) > _PEAKS:
            self._peaks.pop(0)
        intervals = sorted([self._peaks[i + 1] - self._peaks[i] for i in range(len(self._peaks) - 1)])
        n = len(intervals)
        if not n:
            return 0
        twice_median = intervals[n // 2] + intervals[(n - 1) // 2]
        return 120 * self._rate_mhz // twice_median
