"""The hot path: converter → watch → ring. Integers only, and nothing allocated per sample.

The converter, `board.adc`, is asked in a loop and allocates nothing either:

- `next_conversion()` returns True where a conversion is ready and then describes it in
- `counts`: the raw counts, 24 bits with sign; `ticks`: the board's ticks when it was taken;
- `missed`: how many conversions were missed just before it.

It raises OSError where the converter can't be read, and is asked again 2 ms later; what passed meanwhile it counts as
missed. Any other error is one of its code, and ends the firmware.

Conversions that were not asked for yet wait in the converter's own queue (600 ms at least).
"""

from iastm_protocol._compat import const
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN, SATURATED, ZERO_UNCERTAIN

# Enough for any rate at any delay, and few enough that a link gets its turn while a long stall is caught up with.
_MAX_PER_STEP = const(64)


class Sampler:
    """Takes conversions. The running index counts conversions: a missed one advances it, and closes the batch.

    `taken`, `missed`, `saturated`, `adc_failures` count since boot; `changes` counts samples that differ from the one
    before, which was `last_counts`.
    """

    def __init__(self, adc, clock, ring, watch, settings):
        self._adc = adc
        self._clock = clock
        self._ring = ring
        self._watch = watch
        self._settings = settings
        self.last_counts = 0
        self.next_index = 0
        self.taken = 0
        self.missed = 0
        self.saturated = 0
        self.adc_failures = 0
        self.changes = 0

    def step(self):
        """Take the conversions that are ready; close the batch whose time has come."""
        now_ticks = self._clock.now()
        adc = self._adc
        for _ in range(_MAX_PER_STEP):
            try:
                ready = adc.next_conversion()
            except OSError:
                self.adc_failures += 1
                break
            if not ready:
                break
            self._take(adc.ticks, adc.counts, adc.missed)
        self._ring.close_if_due(now_ticks)

    def _take(self, ticks, counts, missed):
        if missed:
            self._skip(missed)
        flags = 0 if self._settings.zero.confirmed else ZERO_UNCERTAIN
        # What a driver reads beyond 24 bits is held at the rail and flagged, never cut to other bits.
        if counts >= COUNTS_MAX:
            counts = COUNTS_MAX
            flags |= SATURATED
            self.saturated += 1
        elif counts <= COUNTS_MIN:
            counts = COUNTS_MIN
            flags |= SATURATED
            self.saturated += 1
        if counts != self.last_counts:
            self.last_counts = counts
            self.changes += 1
        index = self.next_index
        alerted = self._watch.feed(index, ticks, counts)
        self._ring.append(index, ticks, counts, flags)
        self.next_index = index + 1
        self.taken += 1
        if alerted:
            self._ring.close()

    def _skip(self, missed):
        self._ring.close()
        self._watch.gap()
        self.next_index += missed
        self.missed += missed
