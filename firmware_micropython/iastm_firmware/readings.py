"""What the converter gave over a time, as the ring has it: for a test, so that sampling itself does nothing for it."""

from iastm_firmware.ring import Cursor
from iastm_protocol._compat import const
from iastm_protocol.kinds import SATURATED
from iastm_protocol.messages import ForceSamples

_PAYLOAD_BYTES = const(64)


class Readings:
    """Takes the samples of a `ring` from `begin` on, a batch with each `step`.

    `count` samples were taken, `lowest` and `highest` among them, in raw counts; `saturated` tells that one was at a
    rail. Only where `count` is above 0 do the others mean anything.
    """

    def __init__(self, ring):
        self._ring = ring
        self._cursor = Cursor()
        self._payload = bytearray(_PAYLOAD_BYTES)
        self.begin()

    def begin(self):
        """Forget what was taken, and take the samples to come; with them the rest of a batch that is held."""
        self._ring.to_newest(self._cursor)
        self.restart()

    def restart(self):
        """Forget what was taken, and go on with the next batch."""
        self.count = 0
        self.saturated = False
        self.lowest = 0
        self.highest = 0
        self._origin = 0
        self._sum = 0
        self._squares = 0
        self._first_index = 0
        self._first_us = 0
        self._last_index = 0
        self._last_us = 0

    def step(self):
        """Take the next batch; return whether there was one."""
        n = self._ring.take(self._cursor, self._payload)
        if not n:
            return False
        batch = ForceSamples.from_payload(bytes(memoryview(self._payload)[:n]))
        counts = batch.counts()
        if not self.count:
            self.lowest = self.highest = self._origin = counts[0]
            self._first_index = batch.first_index
            self._first_us = batch.first_us
        for value in counts:
            # From a value nearby, so that the squares stay small.
            from_origin = value - self._origin
            self._sum += from_origin
            self._squares += from_origin * from_origin
            self.lowest = min(self.lowest, value)
            self.highest = max(self.highest, value)
        self.count += len(counts)
        self.saturated = self.saturated or bool(batch.flags & SATURATED)
        self._last_index = batch.first_index + len(counts) - 1
        self._last_us = batch.first_us + batch.span_us
        return True

    @property
    def span_us(self):
        """Microseconds from the first sample to the last."""
        return self._last_us - self._first_us

    @property
    def next_index(self):
        """The index after the last sample."""
        return self._last_index + 1

    def mean_counts(self):
        """Return the mean in raw counts, rounded to the nearest."""
        return self._origin + (2 * self._sum + self.count) // (2 * self.count)

    def noise_tenths(self):
        """Return the standard deviation (RMS about the mean) in tenths of a count, rounded down."""
        # Integers: 32-bit floats would lose the difference of two large numbers.
        n = self.count
        return _square_root(100 * (n * self._squares - self._sum * self._sum)) // n

    def rate_mhz(self):
        """Return the rate in mHz at which conversions were made, those missed included; 0 where it can't be told."""
        if self.span_us <= 0:
            return 0
        return (self._last_index - self._first_index) * 1000000000 // self.span_us


def _square_root(n):
    # The largest integer whose square is not above n (Newton's method from above).
    if n < 2:
        return n
    root = n
    better = (n + 1) // 2
    while better < root:
        root = better
        better = (root + n // root) // 2
    return root
