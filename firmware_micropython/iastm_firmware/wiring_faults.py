"""Faults of the load cell's wiring, found in the counts alone. Rules, and why each can't be a hand:

- open: the counts stay on a rail for 100 ms, one that no force within one and a half capacities reaches; or they jump
  by an eighth of the capacity from one to the next, up and down in turn, more than 20 times a second for 150 ms.
  A bridge with a broken wire leaves an input floating: it drifts to a rail, or takes up the mains' hum.
- shorted: while the zero lies more than 1/256 of full scale from no voltage, the counts stay within 1/512 of it, and
  within 2,048 counts of one another, for 500 ms. No voltage between the signal wires is what a short of theirs gives,
  or of the supply. A hand is less steady. A cell that rests nearer to no voltage looks alike with a short and can't be
  told, nor can a converter whose own offset is larger.
- polarity: the force is below minus twice contact-on, and minus 1/32 of the capacity, for 700 ms in all, of which a
  quarter of the time between is taken off. A tool is pressed; a pull as a tip is taken off is shorter, and so are two.

Numbers are ours, grade none. A count that stays the same is "frozen", see status.py.
"""

from iastm_protocol import kinds
from iastm_protocol._compat import const, micropython
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN

_OPEN_MS = const(100)
_HUM_MS = const(150)
_SHORTED_MS = const(500)
_POLARITY_MS = const(700)
# A fault whose signs are gone for so long is over; a wrong polarity with contact for so long the right way.
_OVER_MS = const(500)
_RIGHT_MS = const(150)
# 1/512 of full scale.
_SHORTED_COUNTS = const(0x4000)
_QUIET_COUNTS = const(2048)
_POLARITY_SHARE = const(32)
_TURNS_PER_S = const(20)
_FADES_EVERY = const(4)


def _samples(duration_ms, rate_mhz):
    return max(2, duration_ms * rate_mhz // 1000000)


class WiringFaults:
    """Looks at each sample of a converter of `rate_mhz`; `found` holds bits of kinds, `on_change()` is called with it.

    Nothing is allocated per sample.
    """

    def __init__(self, rate_mhz):
        # So long in a row on a rail, or quietly without voltage, is no hand's doing.
        self._open_run = _samples(_OPEN_MS, rate_mhz)
        self._hum_most = _samples(_HUM_MS, rate_mhz)
        self._turn_weight = max(2, rate_mhz // 1000 // _TURNS_PER_S)
        self._shorted_run = _samples(_SHORTED_MS, rate_mhz)
        self._polarity_most = _samples(_POLARITY_MS, rate_mhz) * _FADES_EVERY
        self._over_run = _samples(_OVER_MS, rate_mhz)
        self._right_run = _samples(_RIGHT_MS, rate_mhz)
        self.found = 0
        self.on_change = None
        self._high_is_open = False
        self._low_is_open = False
        self._may_be_shorted = False
        self._jump = 0
        self._on = 0
        self._pull = 0
        self._seen = False
        self._last = 0
        self._rises = False
        self._on_rail = 0
        self._hum = 0
        self._no_voltage = 0
        self._lowest = 0
        self._highest = 0
        self._pulled = 0
        self._pressed = 0
        self._is_wrong = False
        # For how many samples what was found still holds.
        self._open_for = 0
        self._shorted_for = 0

    def watch(self, made, zero_counts, confirmed):
        """Watch under these thresholds and this zero; where it is not confirmed nothing is said of force."""
        self.gap()
        reach = made.capacity + made.capacity // 2
        up, down = COUNTS_MAX - zero_counts, zero_counts - COUNTS_MIN
        # Against the force a rail is as far as none presses.
        self._high_is_open = made.polarity < 0 or reach < up
        self._low_is_open = made.polarity > 0 or reach < down
        self._may_be_shorted = confirmed and not -2 * _SHORTED_COUNTS <= zero_counts <= 2 * _SHORTED_COUNTS
        self._jump = made.jump
        self._on = made.on
        self._pull = -max(2 * made.on, made.capacity // _POLARITY_SHARE) if confirmed else -COUNTS_MAX - COUNTS_MAX
        self._is_wrong = False
        self._shorted_for = 0
        self._note(self.found & kinds.FAULT_BRIDGE_OPEN)

    def gap(self):
        """Conversions are missing: what must be in a row begins anew."""
        self._seen = False
        self._on_rail = 0
        self._hum = 0
        self._no_voltage = 0
        self._pulled = 0
        self._pressed = 0

    @micropython.native
    def feed(self, counts, net):
        """Take one sample: raw counts, and counts from zero times polarity."""
        found = self._open(counts) | self._polarity(net)
        if self._may_be_shorted:
            found |= self._shorted(counts)
        if found != self.found:
            self._note(found)

    @micropython.native
    def _open(self, counts):
        step = counts - self._last if self._seen else 0
        self._seen = True
        self._last = counts
        if self._hum:
            self._hum -= 1
        if not -self._jump <= step <= self._jump:
            rises = step > 0
            if rises != self._rises:
                self._hum = min(self._hum + self._turn_weight, self._hum_most)
            self._rises = rises
        if (counts >= COUNTS_MAX and self._high_is_open) or (counts <= COUNTS_MIN and self._low_is_open):
            self._on_rail += 1
        else:
            self._on_rail = 0
        if self._on_rail >= self._open_run or self._hum >= self._hum_most:
            self._open_for = self._over_run
        elif self._open_for:
            self._open_for -= 1
        return kinds.FAULT_BRIDGE_OPEN if self._open_for else 0

    def _shorted(self, counts):
        if not -_SHORTED_COUNTS <= counts <= _SHORTED_COUNTS:
            self._no_voltage = 0
        else:
            if not self._no_voltage:
                self._lowest = counts
                self._highest = counts
            self._lowest = min(self._lowest, counts)
            self._highest = max(self._highest, counts)
            self._no_voltage = self._no_voltage + 1 if self._highest - self._lowest <= _QUIET_COUNTS else 0
        if self._no_voltage >= self._shorted_run:
            self._shorted_for = self._over_run
        elif self._shorted_for:
            self._shorted_for -= 1
        return kinds.FAULT_BRIDGE_SHORTED if self._shorted_for else 0

    @micropython.native
    def _polarity(self, net):
        # No voltage at all is no pull, nor is what a floating input gives.
        if net < self._pull and self._no_voltage < self._open_run and not self._open_for:
            self._pressed = 0
            self._pulled = min(self._pulled + _FADES_EVERY, self._polarity_most)
            if self._pulled == self._polarity_most:
                self._is_wrong = True
        elif net > self._on:
            self._pulled = 0
            self._pressed += 1
            if self._pressed >= self._right_run:
                self._is_wrong = False
        else:
            self._pressed = 0
            if self._pulled:
                self._pulled -= 1
        return kinds.FAULT_POLARITY if self._is_wrong else 0

    def _note(self, found):
        if found != self.found:
            self.found = found
            if self.on_change is not None:
                self.on_change()
