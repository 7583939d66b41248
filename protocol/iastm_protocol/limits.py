"""Limits watched with hysteresis and debounce, in the caller's unit.

Over from `min_samples` samples in a row above `enter` until as many in a row below `leave`
(domain rule: at least two samples and 10 %). A NaN is neither above nor below. Allocates only where a limit is
crossed.
"""


class LimitWatch:
    """Watches one limit; `over` tells whether it is exceeded now."""

    def __init__(self, enter, leave, min_samples):
        if not leave <= enter:
            raise ValueError("leave must not lie above enter")
        self.enter = enter
        self.leave = leave
        self.min_samples = min_samples
        self.over = False
        self._run = 0

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
                if self._run >= self.min_samples:
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
