"""Faults of the load cell's wiring, found in the counts alone. Rules, and why each can't be a hand:

- open: the counts stay on a rail for 100 ms, one that no force within one and a half capacities reaches; or they jump
  by an eighth of the capacity from one to the next, up and down in turn, more than 20 times a second for 150 ms, four
  times at least. A bridge with a broken wire leaves an input floating: it drifts to a rail, or takes up the mains' hum.
  Below 76 conversions a second strokes jump as well, and no hum is looked for.
- shorted: the counts stay within 1/512 of full scale of no voltage, and within 2,048 counts of one another, for 500 ms.
  No voltage between the signal wires is what a short of theirs gives, or of the supply. So does a tool at rest, where
  the weight of its tip happens to lie there. It is a short where the zero is further from no voltage than an eighth of
  the capacity, which is no tip's weight; or where the counts were a sixteenth away for 100 ms and then, within four
  conversions, as a converter's filter takes to settle, lay there and were quiet at once. A hand that lets go trembles
  on. A short of a cell that rests nearer, and nobody presses, can't be told from rest, nor can any where the zero lies
  within 1/256 of full scale of no voltage, or below 76 conversions a second, where a tremor isn't seen.
- polarity: since the zero nobody pressed, and the force is below minus twice contact-on, and minus 1/32 of the
  capacity, for 700 ms more than not; a force that is as quiet as a converter for 250 ms doesn't count, it is a weight.
  A tool is pressed; a pull as a tip is taken off is shorter. A zero that was taken under load looks alike.

Numbers are ours, grade none. A count that stays the same is "frozen", see status.py.
"""

from iastm_protocol import kinds
from iastm_protocol._compat import const, micropython
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN

_OPEN_MS = const(100)
_HUM_MS = const(150)
_SHORTED_MS = const(500)
_AWAY_MS = const(100)
_POLARITY_MS = const(700)
_WEIGHT_MS = const(250)
# A fault whose signs are gone for so long is over; a wrong polarity with contact for so long the right way.
_OVER_MS = const(500)
_RIGHT_MS = const(150)
# Until the pace was measured once, a second after the start, no converter has made so many conversions that is much
# slower than was stated.
_UNPACED_MS = const(500)
# 80 a second, less what a converter's own clock may be slow by.
_HUM_LEAST_MHZ = const(76000)
# 1/512 of full scale.
_SHORTED_COUNTS = const(0x4000)
_QUIET_COUNTS = const(2048)
# How many conversions a converter's filter takes to settle.
_SETTLES = const(4)
_POLARITY_SHARE = const(32)
_TURNS_PER_S = const(20)
_TURNS_LEAST = const(4)


def _samples(duration_ms, rate_mhz):
    return max(2, duration_ms * rate_mhz // 1000000)


class WiringFaults:
    """Looks at each sample of a converter of `rate_mhz`; `found` holds bits of kinds, `on_change()` is called with it.

    `floats` tells of an open bridge, even so soon after the start that it is not told yet. Nothing is allocated per
    sample.
    """

    def __init__(self, rate_mhz):
        # So long in a row on a rail, or quietly without voltage, is no hand's doing.
        self._open_run = _samples(_OPEN_MS, rate_mhz)
        self._turn_weight = max(2, rate_mhz // 1000 // _TURNS_PER_S)
        self._hum_most = max(_samples(_HUM_MS, rate_mhz), (_TURNS_LEAST - 1) * self._turn_weight)
        self._shorted_run = _samples(_SHORTED_MS, rate_mhz)
        self._away_run = _samples(_AWAY_MS, rate_mhz)
        self._since_most = self._shorted_run + _SETTLES + 1
        self._polarity_most = _samples(_POLARITY_MS, rate_mhz)
        self._weight_run = _samples(_WEIGHT_MS, rate_mhz)
        self._over_run = _samples(_OVER_MS, rate_mhz)
        self._right_run = _samples(_RIGHT_MS, rate_mhz)
        self.found = 0
        self.on_change = None
        self._unpaced = _samples(_UNPACED_MS, rate_mhz)
        self._is_fast = rate_mhz >= _HUM_LEAST_MHZ
        self._in_force = None
        self._high_is_open = False
        self._low_is_open = False
        self._may_be_shorted = False
        self._may_rest = True
        self._away = 0
        self._jump = 0
        self._on = 0
        self._pull = 0
        self._last = 0
        self._rises = False
        self._on_rail = 0
        self._hum = 0
        # For how many samples the counts are quiet, at most a shorted run; within these.
        self._quiet = 0
        self._lowest = 0
        self._highest = 0
        # For how many samples the counts were away from no voltage, and how many were made since.
        self._away_for = 0
        self._since_away = self._since_most
        self._pulled = 0
        self._pressed = 0
        self._was_pressed = False
        self._is_wrong = False
        # For how many samples what was found still holds.
        self._open_for = 0
        self._shorted_for = 0

    @property
    def floats(self):
        """Whether the counts are those of an open bridge."""
        return self._open_for > 0

    def watch(self, made, zero_counts, confirmed):
        """Watch under these thresholds and this zero; where it is not confirmed nothing is said of force."""
        self.gap()
        reach = made.capacity + made.capacity // 2
        up, down = COUNTS_MAX - zero_counts, zero_counts - COUNTS_MIN
        # Against the force a rail is as far as none presses.
        self._high_is_open = made.polarity < 0 or reach < up
        self._low_is_open = made.polarity > 0 or reach < down
        zero_size = max(zero_counts, -zero_counts)
        self._may_be_shorted = confirmed and zero_size > 2 * _SHORTED_COUNTS
        self._may_rest = zero_size <= made.jump
        self._away = max(made.jump // 2, 2 * _SHORTED_COUNTS)
        self._jump = made.jump
        self._on = made.on
        self._pull = -max(2 * made.on, made.capacity // _POLARITY_SHARE) if confirmed else -COUNTS_MAX - COUNTS_MAX
        in_force = (zero_counts, made.polarity, confirmed)
        if in_force == self._in_force:
            return
        self._in_force = in_force
        self._was_pressed = False
        self._is_wrong = False
        self._shorted_for = 0
        self._note(self.found & kinds.FAULT_BRIDGE_OPEN)

    def gap(self):
        """Conversions are missing: what must be in a row begins anew."""
        self._on_rail = 0
        self._hum = 0
        self._quiet = 0
        self._away_for = 0
        self._since_away = self._since_most
        self._pulled = 0
        self._pressed = 0

    def pace(self, rate_mhz):
        """Take the pace that was measured over a second, 0 where nothing is known."""
        if not rate_mhz:
            return
        self._unpaced = 0
        self._is_fast = rate_mhz >= _HUM_LEAST_MHZ
        if not self._is_fast:
            self._hum = 0
            # What is on a rail is found again with the next sample.
            self._open_for = 0

    @micropython.native
    def feed(self, counts, net):
        """Take one sample: raw counts, and counts from zero times polarity."""
        found = self._open(counts)
        self._still(counts)
        found |= self._polarity(net)
        if self._may_be_shorted:
            found |= self._shorted(counts)
        if found != self.found:
            self._note(found)

    @micropython.native
    def _open(self, counts):
        # After a gap the sample before is not known.
        step = counts - self._last if self._quiet else 0
        self._last = counts
        if self._hum:
            self._hum -= 1
        if self._is_fast and not -self._jump <= step <= self._jump:
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
        if self._unpaced:
            self._unpaced -= 1
            return 0
        return kinds.FAULT_BRIDGE_OPEN if self._open_for else 0

    @micropython.native
    def _still(self, counts):
        if self._quiet:
            if counts < self._lowest:
                self._lowest = counts
            if counts > self._highest:
                self._highest = counts
        if not self._quiet or self._highest - self._lowest > _QUIET_COUNTS:
            self._lowest = counts
            self._highest = counts
            self._quiet = 1
        elif self._quiet < self._shorted_run:
            self._quiet += 1

    @micropython.native
    def _shorted(self, counts):
        if not -self._away <= counts <= self._away:
            self._away_for = self._away_for + 1 if self._since_away < _SETTLES else 1
            if self._away_for > self._away_run:
                self._away_for = self._away_run
            self._since_away = 0
        elif self._since_away < self._since_most:
            self._since_away += 1
        if self._shorted_for:
            self._shorted_for -= 1
        if self._quiet == self._shorted_run and -_SHORTED_COUNTS <= counts <= _SHORTED_COUNTS:
            # Quiet since it came from far away, in one go.
            fell = self._away_for == self._away_run and self._since_away - self._quiet < _SETTLES
            if self._shorted_for or (self._is_fast and (fell or not self._may_rest)):
                # One knock, or a drift of the converter, and the quiet after it: still the same short.
                self._shorted_for = self._over_run + _SETTLES
        return kinds.FAULT_BRIDGE_SHORTED if self._shorted_for else 0

    @micropython.native
    def _polarity(self, net):
        if net < self._pull and self._quiet < self._weight_run and not self._open_for:
            self._pressed = 0
            if self._pulled < self._polarity_most:
                self._pulled += 1
            elif not self._was_pressed:
                self._is_wrong = True
        elif net > self._on:
            self._pulled = 0
            if not self._open_for:
                self._pressed += 1
            if self._pressed >= self._right_run:
                self._was_pressed = True
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
