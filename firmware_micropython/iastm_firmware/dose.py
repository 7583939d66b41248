"""The dose on the tool: what lies above warn, times time, in integers and by the calibration's slope at warn.

Where the calibration is bent the dose is off by as much as its slope over the excess differs from that at warn.

The motor shakes the cell, about as far up as down. While it does, excess and shortfall are summed up over 25 ms before
what is left of them counts: a force that stays below warn then makes no dose by being shaken, where the shaking is
faster than 40 Hz and smaller than the distance to warn; at warn itself it makes at most 0.13 N·s each second for each
newton of its amplitude.
"""

from iastm_protocol._compat import const

NO_LIMIT = 0

_TOGETHER_MS = const(25)
# Sums stay within a board's 31-bit integers: one unit, and a sample of 24 bits upon it.
_UNIT_MAX = const(1 << 28)
_UNIT_MNS_MAX = const(1000000)
_SUM_MAX = const(1 << 29)


class Dose:
    """Sums up samples at `rate_mhz` (thousandths of a hertz). Millinewton-seconds, rounded down.

    A change of scale keeps what there is, down to whole millinewton-seconds.
    """

    def __init__(self, rate_mhz):
        self._rate_mhz = rate_mhz
        self._together = max(1, (_TOGETHER_MS * rate_mhz + 999999) // 1000000)
        self._warn = None
        self._unit = 1
        self._unit_mns = 0
        self._before_mns = 0
        self._units = 0
        self._rest = 0
        self._shaken = 0
        self._shaken_sum = 0
        self.limit_mns = NO_LIMIT
        self._limit_units = 0
        self._limit_rest = 0
        self._waits = False

    @property
    def total_mns(self):
        """The dose since the last reset."""
        return self._before_mns + self._units * self._unit_mns + self._rest * self._unit_mns // self._unit

    @property
    def reached(self):
        """Whether there is a limit, and the dose has reached it."""
        return self.limit_mns != NO_LIMIT and self.total_mns >= self.limit_mns

    def scale(self, warn, slope_n):
        """Count what is above `warn` counts, at `slope_n` newtons per count; None counts nothing."""
        self._before_mns = self.total_mns
        self._units = 0
        self._rest = 0
        self._shaken = 0
        self._shaken_sum = 0
        self._warn = warn
        if warn is None:
            self._unit_mns = 0
            return
        per_mns = self._rate_mhz / 1000 / (abs(slope_n) * 1000)
        unit_mns = _UNIT_MNS_MAX
        while unit_mns > 1 and unit_mns * per_mns > _UNIT_MAX:
            unit_mns //= 10
        self._unit_mns = unit_mns
        self._unit = max(1, int(unit_mns * per_mns + 0.5))
        self._place_limit()

    def limit(self, limit_mns):
        """Tell once when the dose reaches so much, with the next sample where it has already; NO_LIMIT never."""
        self.limit_mns = limit_mns
        self._waits = limit_mns != NO_LIMIT
        self._place_limit()

    def reset(self):
        """Begin at nothing, and tell of the limit anew."""
        self._before_mns = 0
        self._units = 0
        self._rest = 0
        self._shaken = 0
        self._shaken_sum = 0
        self.limit(self.limit_mns)

    def feed(self, net, vibrating):
        """Take one sample, counts from zero; return whether the dose reached its limit just now. Allocates nothing."""
        warn = self._warn
        if warn is None:
            return False
        excess = net - warn
        if vibrating:
            # Far below warn there is nothing to be shaken over it, and the sum must stay small.
            self._shaken_sum = max(-_SUM_MAX, self._shaken_sum + excess) if self._shaken_sum < _SUM_MAX else _SUM_MAX
            self._shaken += 1
            if self._shaken < self._together:
                return False
            excess = self._shaken_sum
            self._shaken = 0
            self._shaken_sum = 0
        elif self._shaken:
            excess += self._shaken_sum
            self._shaken = 0
            self._shaken_sum = 0
        if excess > 0:
            rest = self._rest + excess
            unit = self._unit
            while rest >= unit:
                rest -= unit
                self._units += 1
            self._rest = rest
        if self._waits and (
            self._units > self._limit_units or (self._units == self._limit_units and self._rest >= self._limit_rest)
        ):
            self._waits = False
            return True
        return False

    def _place_limit(self):
        if self._unit_mns:
            left_mns = max(0, self.limit_mns - self._before_mns)
            self._limit_units = left_mns // self._unit_mns
            rest_mns = left_mns % self._unit_mns
            # Rounded up: the dose is not reached before it is.
            self._limit_rest = (rest_mns * self._unit + self._unit_mns - 1) // self._unit_mns
