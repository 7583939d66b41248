"""Limits watched with hysteresis and debounce, in the caller's unit.

Over from `min_samples` samples in a row above `enter` until as many in a row below `leave`
(domain rule: at least two samples and 10 %). A NaN is neither above nor below. Allocates only where a limit is
crossed.

While the tool's own motor or buzzer runs, and VIBRATES_MS after it, samples are flagged VIBRATING, and only a force
that stays above `enter` for VIBRATING_DEBOUNCE_MS exceeds it: what a motor shakes swings back below it within that
time. Leaving takes no longer than else, so that an alert never keeps itself on.
"""

from iastm_protocol._compat import micropython

# Samples in a row, at least, that decide (domain rule).
DEBOUNCE_SAMPLES = 2
# How long a force must stay above a limit while the tool shakes itself (four periods of a coin motor at 10,000 turns a
# minute), and how long it shakes on after the motor. Ours, grade none.
VIBRATING_DEBOUNCE_MS = 25
VIBRATES_MS = 60


def debounce_samples(rate_mhz, vibrating):
    """Return how many samples in a row above a limit exceed it, at a rate in mHz; more while the tool vibrates."""
    if not vibrating:
        return DEBOUNCE_SAMPLES
    return max(DEBOUNCE_SAMPLES, (VIBRATING_DEBOUNCE_MS * rate_mhz + 999999) // 1000000)


class LimitWatch:
    """Watches one limit; `over` tells whether it is exceeded now.

    `enter_samples`, at first `min_samples`, is how many in a row are needed to exceed it; it may be changed between two
    blocks and holds from the next sample on, for a row under way too.
    """

    def __init__(self, enter, leave, min_samples):
        if not leave <= enter:
            raise ValueError("leave must not lie above enter")
        self.enter = enter
        self.leave = leave
        self.min_samples = min_samples
        self.enter_samples = min_samples
        self.over = False
        self._run = 0

    @micropython.native
    def feed(self, first_index, samples):
        """Take a block (a list of numbers); return the index of every crossing's deciding sample, () if none."""
        if not samples:
            return ()
        if self.over:
            if min(samples) >= self.leave:
                self._run = 0
                return ()
        elif max(samples) <= self.enter:
            self._run = 0
            return ()
        crossings = None
        index = first_index
        for value in samples:
            if value < self.leave if self.over else value > self.enter:
                self._run += 1
                if self._run >= (self.min_samples if self.over else self.enter_samples):
                    self._run = 0
                    self.over = not self.over
                    if self.over:
                        if crossings is None:
                            crossings = []
                        crossings.append(index)
            else:
                self._run = 0
            index += 1
        return crossings or ()

    def gap(self):
        """Forget the run and the state: after a gap a force over the limit counts as a new crossing."""
        self.over = False
        self._run = 0
