"""The hot path: converter → watch → ring. Integers only, and nothing allocated per sample.

The converter, `board.adc`, is asked in a loop and allocates nothing either:

- `next_conversion()` returns True where a conversion is ready and then describes it in
- `counts`: the raw counts, 24 bits with sign; `ticks`: the board's ticks when it was taken;
- `missed`: how many conversions were missed just before it.

It raises OSError where the converter can't be read, and is asked again 2 ms later; what passed meanwhile it counts as
missed. Any other error is one of its code, and ends the firmware.

Conversions that were not asked for yet wait in the converter's own queue, for 600 ms or more, where an interrupt or a
state machine fills it; a chip that is polled keeps its newest one, and the others are missed.
"""

from iastm_firmware.clock import ticks_between
from iastm_firmware.watch import DECIDED, DECIDED_BEFORE
from iastm_protocol._compat import const, micropython
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN, SATURATED, SUSPECTED_GLITCH, VIBRATING, ZERO_UNCERTAIN

# Enough for any rate at any delay, and few enough that a link gets its turn while a long stall is caught up with.
_MAX_PER_STEP = const(64)
# How long a batch waits for the conversion after one that jumped: twice their pace, and no longer than a batch of BLE.
# Not folded into the machine code below, which may hold no such wide number.
_HOLD_MOST_US = 40000
_SPACING_MOST_US = 0xFFFF
# No converter is as fast: it was silent for so long that the ticks wrapped, and nobody knows how long.
_SPACING_LEAST_US = const(50)


class Second:
    """What the converter did in a second: conversions taken, their counts, and the time from one to the next.

    `passed_us` is the time from the last conversion before it to the last one of it, and `made` how many were made in
    it, missed ones among them: both 0 where there are none. `shortest_us` and `longest_us` are those of single
    conversions, up to 65,535.
    """

    def __init__(self):
        self.restart()

    def restart(self):
        """Begin anew."""
        self.taken = 0
        self.made = 0
        self.passed_us = 0
        self.shortest_us = _SPACING_MOST_US
        self.longest_us = 0
        self.lowest = COUNTS_MAX
        self.highest = COUNTS_MIN

    @property
    def rate_mhz(self):
        """Conversions per 1000 s as they were made, 0 where nothing is known."""
        return self.made * 1000000000 // self.passed_us if self.passed_us else 0

    @property
    def jitter_us(self):
        """By how much one conversion was off an even pace, at most, up to 65,535; 0 where nothing is known."""
        if not self.made:
            return 0
        pace_us = self.passed_us // self.made
        return min(_SPACING_MOST_US, max(self.longest_us - pace_us, pace_us - self.shortest_us, 0))


class Sampler:
    """Takes conversions. The running index counts conversions: a missed one advances it, and closes the batch.

    `taken`, `missed`, `saturated`, `glitches` (suspected), `adc_failures` count since boot; `changes` counts samples
    that differ from the one before, which was `last_counts`. `last_second` is the Second that ended last, as `second`
    told.
    """

    def __init__(self, adc, clock, ring, watch, settings):
        self._adc = adc
        self._clock = clock
        self._ring = ring
        self._watch = watch
        self._settings = settings
        self._signals = watch.signals
        self._vibrating = False
        self._ticks = 0
        self._this_second = Second()
        self.last_second = Second()
        self.last_counts = 0
        self.next_index = 0
        self.taken = 0
        self.missed = 0
        self.saturated = 0
        self.glitches = 0
        self.adc_failures = 0
        self.changes = 0

    @micropython.native
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

    @property
    def voided(self):
        """How many readings the converter's driver threw away since boot, 0 where it never does."""
        return getattr(self._adc, "voided", 0)

    def second(self):
        """A second has passed."""
        self._this_second, self.last_second = self.last_second, self._this_second
        self._this_second.restart()

    @micropython.native
    def _take(self, ticks, counts, missed):
        pace_us = self._pace(ticks, missed)
        if missed:
            self._skip(missed)
        flags = 0 if self._settings.zero.confirmed else ZERO_UNCERTAIN
        vibrating = self._signals.vibrating
        if vibrating:
            flags |= VIBRATING
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
        second = self._this_second
        if counts < second.lowest:
            second.lowest = counts
        if counts > second.highest:
            second.highest = counts
        index = self.next_index
        watch = self._watch
        ring = self._ring
        held = watch.holds
        decided = watch.feed(index, ticks, counts)
        if held:
            if watch.glitch:
                self.glitches += 1
            ring.release(SUSPECTED_GLITCH if watch.glitch else 0)
        if decided & DECIDED_BEFORE or vibrating != self._vibrating:
            # A host decides by the flags of batches, and is to decide what the tool does.
            self._vibrating = vibrating
            ring.close()
        ring.append(index, ticks, counts, flags, min(2 * pace_us, _HOLD_MOST_US) if watch.holds else 0)
        self.next_index = index + 1
        self.taken += 1
        if decided & DECIDED:
            ring.close()

    @micropython.native
    def _pace(self, ticks, missed):
        # The time that one conversion took, and what it is for the second.
        second = self._this_second
        second.taken += 1
        passed_us = ticks_between(self._ticks, ticks)
        self._ticks = ticks
        if not self.taken or passed_us <= 0:
            return _HOLD_MOST_US
        made = missed + 1
        pace_us = min(passed_us // made, _SPACING_MOST_US)
        if pace_us < _SPACING_LEAST_US:
            return _HOLD_MOST_US
        second.made += made
        second.passed_us += passed_us
        if pace_us < second.shortest_us:
            second.shortest_us = pace_us
        if pace_us > second.longest_us:
            second.longest_us = pace_us
        return pace_us

    def _skip(self, missed):
        self._ring.close()
        self._watch.gap()
        self.next_index += missed
        self.missed += missed
