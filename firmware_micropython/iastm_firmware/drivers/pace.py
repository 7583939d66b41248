"""The even pace of a converter, learned from when its conversions were read, in integers.

A converter keeps time by a clock of its own, which may be a tenth off what it is called, and it holds a conversion
until the next one is ready. So the time of a reading says "not later than this", never "exactly then": a reading may
be late by anything less than a period.

At first each reading is taken as punctual, and conversions are counted by the nominal period or what is known of it,
until they span so many periods that lateness, as it shows in their spacing, can't spoil the period by more than one
part in 256, and 64 at least. From then on Pace keeps a grid of the moments at which conversions became ready. A reading
before its place on the grid moves the grid, because nothing can be read before it is there; of readings behind it, the
least late of sixteen does. How far the grid goes over many conversions is the period.

Readings that are late by nearly a period can't be told from missed conversions: whoever polls asks more often. After a
hundred missed ones and more, four fifths of a period are near enough: what is wrong with the period adds up over them.

Times are ticks, as clock.py has them. Nothing is allocated per conversion, unless readings lie seconds apart.
"""

from iastm_firmware.clock import ticks_after, ticks_between
from iastm_protocol._compat import const

_TICKS_MASK = const(0x3FFFFFFF)
# So little behind its place on the grid, a reading shows that the grid is right.
_PUNCTUAL_US = const(48)
# The period is kept in 1/256 µs.
_FRACTION_BITS = const(8)
_FRACTION = const(0xFF)
# Conversions over which the period is measured.
_FIRST_WINDOW = const(4)
_SETTLED_WINDOW = const(64)
_LAST_WINDOW = const(512)
_BLOCK = const(16)
# How well a period must be known to keep a grid by it, and how much one measurement may change it then, as a share.
_KNOWN_SHARE = const(256)
# How well it must be known to count by it in place of the nominal one.
_GUESSED_SHARE = const(16)
# A clock further off than this share of its nominal period is not believed.
_TRUSTED_SHARE = const(7)
# Spacings above so many periods tell nothing of the period while it is hardly known.
_MAX_SPACING = const(4)
# By how much a reading may be early on the grid, as a share of the period while that is hardly known; then as a share
# of it and of the time that passed. One conversion too few shows soon and is made up for, one too many never.
_EARLY_SHARE = const(8)
_SETTLED_EARLY_SHARE = const(128)
_DRIFT_SHARE = const(1024)
# A reading must be over so much before the next conversion is ready, as a share of the period.
_MARGIN_SHARE = const(16)
# For how long a converter was seen to have nothing, where that is not known; and where it began anew since the reading
# before, at another moment. Both are more than any time that tells something.
UNKNOWN_US = 0xFFFF
BEGAN_ANEW_US = 0xFFFE
# So many readings in a row at the other pace show that the converter runs at that.
_OTHER_PROOF = const(3)
# Only the first readings may slow the pace down; later ones at a slow pace are conversions that were missed.
_SLOWER_WITHIN = const(4)
_OTHER_SHARE = const(6)


class Pace:
    """Counts conversions between readings. `period_us` is nominal.

    `other_us` is the period at which a converter may run as well, by a bridge on its board that no software sees
    (an HX711: 10/s or 80/s); 0 where there is none. The first three spacings tell which one it is.

    After `follow`: `late_us` is how long after its conversion the reading came, 0 until the pace is `settled`;
    `period_us` is the period, as far as it is known.
    """

    def __init__(self, period_us, other_us=0):
        self._other_us = other_us
        self._others = 0
        self._readings = 0
        self._grid = 0
        self._rest = 0
        # Readings that only place the grid: the first one after a start is found by asking, so it is late.
        self._fresh = 0
        self.late_us = 0
        self._learn(period_us)

    def _learn(self, nominal_us):
        self._nominal_us = nominal_us
        self.period_us = nominal_us
        self._period = nominal_us << _FRACTION_BITS
        self.settled = False
        self._begin_window(_FIRST_WINDOW)

    def _begin_window(self, window):
        self._window = window
        self._window_grid = self._grid
        self._in_window = 0
        self._in_block = 0
        self._least_late = self._nominal_us
        self._shortest_us = self._longest_us = 0

    def restart(self):
        """Take the next reading as the first one: what lies before it does not count. What was learned is kept."""
        self._readings = 0
        self._others = 0
        self.late_us = 0

    def follow(self, ticks, empty_us=UNKNOWN_US):
        """Note a reading at `ticks`; return how many conversions were missed since the one before.

        `empty_us` before it, and after the reading before, the converter was seen to have nothing; or UNKNOWN_US or
        BEGAN_ANEW_US.
        """
        if not self._readings:
            self._readings = 1
            self._grid = ticks
            self._fresh = 1
            self._begin_window(self._window if self.settled else _FIRST_WINDOW)
            return 0
        if empty_us == BEGAN_ANEW_US:
            self._fresh = 2
        if self.settled and not self._fresh and self._in_window < self._window:
            # The usual case, made short.
            rest = self._rest + (self._period & _FRACTION)
            passed_us = self.period_us + (rest >> _FRACTION_BITS)
            if 0 <= ((ticks - self._grid) & _TICKS_MASK) - passed_us < _PUNCTUAL_US:
                self._grid = ticks_after(self._grid, passed_us)
                self._rest = rest & _FRACTION
                self._in_window += 1
                self._in_block = 0
                self._least_late = self._nominal_us
                self.late_us = 0
                return 0
        since_us = ticks_between(self._grid, ticks)
        if self._other_us and self._at_other_pace(since_us, ticks):
            return 0
        self._readings += 1
        n = self._passed(since_us, empty_us)
        self._in_window += n
        missed = n - 1
        if self._fresh:
            self._fresh -= 1
            self._grid = ticks
            self._rest = 0
            self.late_us = 0
            self._begin_window(self._window)
        elif self.settled:
            missed += self._track(since_us, n, ticks)
        else:
            self._grid = ticks
            self._note_spacing(since_us, n)
        if self._in_window >= self._window:
            self._measure()
        return missed

    def is_cut(self, ticks, empty_us, took_us):
        """Return True where a reading that began at `ticks` may have bits of two conversions.

        Only one that comes late, after conversions that nobody read, can last into the next one.
        """
        period_us = self.period_us
        room_us = period_us - period_us // _MARGIN_SHARE - took_us
        if empty_us < room_us or empty_us == BEGAN_ANEW_US or not self._readings:
            return False
        since_us = ticks_between(self._grid, ticks)
        if not self.settled or self._fresh:
            return since_us > period_us + period_us // 4 and empty_us > period_us
        return since_us > period_us and (since_us << _FRACTION_BITS) % self._period >> _FRACTION_BITS > room_us

    def _passed(self, since_us, empty_us):
        period_us = self.period_us
        early_us = period_us // _EARLY_SHARE
        if empty_us < period_us - early_us and since_us - empty_us < period_us + 2 * early_us:
            # In less than a period there is one conversion. (One that was overwritten unread right before the converter
            # was seen to have nothing shows by the time that had passed by then.)
            return 1
        if self.settled and not self._fresh:
            early_us = min(early_us, period_us // _SETTLED_EARLY_SHARE + since_us // _DRIFT_SHARE)
        # Two readings are two conversions, whatever the grid says.
        return max(1, ((since_us + early_us) << _FRACTION_BITS) // self._period)

    def pass_to(self, ticks):
        """Move the grid on to `ticks`, while the converter stands still; return how many conversions that were."""
        if not self._readings:
            return 0
        self._fresh = 2
        n = (ticks_between(self._grid, ticks) << _FRACTION_BITS) // self._period
        if n < 1:
            return 0
        self._grid = ticks_after(self._grid, (n * self._period) >> _FRACTION_BITS)
        self._begin_window(self._window if self.settled else _FIRST_WINDOW)
        return n

    def _at_other_pace(self, since_us, ticks):
        # True while it looks as if the other pace were the right one; then the reading has been dealt with.
        other_us = self._other_us
        away_us = since_us - other_us
        share_us = other_us // _OTHER_SHARE
        if not -share_us < away_us < share_us or (
            other_us > self._nominal_us and self._readings > _SLOWER_WITHIN + self._others
        ):
            self._others = 0
            return False
        self._others += 1
        self._readings += 1
        self._grid = ticks
        if self._others == _OTHER_PROOF:
            self._others = 0
            self._other_us = self._nominal_us
            self._learn(other_us)
        return True

    def _note_spacing(self, since_us, n):
        if n > _MAX_SPACING:
            self._begin_window(_FIRST_WINDOW)
        elif n == 1:
            if since_us > self._longest_us:
                self._longest_us = since_us
            if since_us < self._shortest_us or not self._shortest_us:
                self._shortest_us = since_us

    def _track(self, since_us, n, ticks):
        # Returns how many conversions more were missed than it seemed.
        passed = n * self._period + self._rest
        passed_us = passed >> _FRACTION_BITS
        self._rest = passed & _FRACTION
        late_us = since_us - passed_us
        if late_us <= 0:
            self._grid = ticks
            late_us = 0
        else:
            self._grid = ticks_after(self._grid, passed_us)
        self.late_us = late_us
        if late_us < self._least_late:
            self._least_late = late_us
        self._in_block += 1
        if self._in_block < _BLOCK:
            return 0
        self._grid = ticks_after(self._grid, self._least_late)
        # All of them nearly a period late: the grid is one conversion behind.
        behind = 1 if 2 * self._least_late > self.period_us else 0
        self._in_window += behind
        self._in_block = 0
        self._least_late = self._nominal_us
        return behind

    def _measure(self):
        n = self._in_window
        span_us = ticks_between(self._window_grid, self._grid)
        period = (span_us // n << _FRACTION_BITS) + (span_us % n << _FRACTION_BITS) // n
        if self.settled:
            most = self._period // _KNOWN_SHARE
            self._period += max(-most, min(most, period - self._period))
            self.period_us = self._period >> _FRACTION_BITS
            self._begin_window(min(2 * self._window, _LAST_WINDOW))
            return
        period_us = period >> _FRACTION_BITS
        spread_us = self._longest_us - self._shortest_us
        trusted_us = self._nominal_us // _TRUSTED_SHARE
        if not -trusted_us < period_us - self._nominal_us < trusted_us:
            self._begin_window(_FIRST_WINDOW)
            return
        if spread_us * _GUESSED_SHARE <= n * period_us:
            self._period = period
            self.period_us = period_us
        if self._window < _SETTLED_WINDOW or (spread_us * _KNOWN_SHARE > n * period_us and n < _LAST_WINDOW):
            self._window *= 2
            return
        self._rest = 0
        self.settled = True
        self._begin_window(self._window)
