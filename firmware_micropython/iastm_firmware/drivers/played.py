"""A converter that is not there: it plays strokes on a load cell, for a bare board that is to be tried.

Eight seconds of rest, then sixteen strokes of 4 to 12 N, one in two seconds, and so on for ever: the same counts after
each start. Peaks lie about those of clinicians with one hand (doi 10.1123/jsr.2020-0247), some above what a profile
warns of. Noise is 12 mN at rest, and 48 mN in a hand.
"""

from iastm_firmware.clock import ticks_after, ticks_between
from iastm_protocol._compat import const

RATE_HZ = 80
COUNTS_PER_N = 86000

_TICKS_MASK = const(0x3FFFFFFF)
_PERIOD_US = const(12500)
# What the tool asks for later than this is missed, as from a converter's queue.
_LATEST_US = const(600000)
_COUNTS_PER_MN = const(86)
_REST = const(640)
# Each by its peak in mN, and how many conversions it and the pause after it last.
_STROKES = (
    (5200, 100, 60),
    (6100, 96, 64),
    (7400, 104, 60),
    (6600, 92, 66),
    (8000, 108, 56),
    (7100, 100, 58),
    (5800, 88, 70),
    (11600, 112, 52),
    (7700, 98, 62),
    (6300, 94, 64),
    (4200, 86, 72),
    (8300, 104, 58),
    (6700, 96, 62),
    (12000, 110, 54),
    (9100, 102, 60),
    (6400, 92, 66),
)


class Played:
    """As sampler.py wants a converter, of `times`, MicroPython's module `time`; `next_conversion` allocates nothing."""

    simulated = True
    name = "played"
    rate_mhz = 80000
    trouble = ""

    def __init__(self, machine, times):
        self._ticks_us = times.ticks_us
        self.voided = 0
        self.start()

    def start(self):
        """Begin with the rest before the first stroke."""
        self.counts = 0
        self.missed = 0
        self.ticks = self._ticks_us() & _TICKS_MASK
        # Which stroke, from 1 on, 0 the rest before them; where in it; and how long its part in contact and all of it.
        self._stroke = 0
        self._at = 0
        self._peak_mn = 0
        self._press = 0
        self._length = _REST
        self._random = 1

    def next_conversion(self):
        """Return whether a conversion is due; then `counts`, `ticks` and `missed` describe it."""
        behind_us = ticks_between(self.ticks, self._ticks_us())
        if behind_us < _PERIOD_US:
            return False
        self.missed = 0
        while behind_us > _LATEST_US:
            behind_us -= _PERIOD_US
            self.missed += 1
            self._pass()
        self._pass()
        self.counts = self._converted()
        return True

    def excitation_mv(self):
        """Return unknown, 0: nothing is fed."""
        return 0

    def stop(self):
        """Do nothing: nothing runs."""

    def _pass(self):
        self.ticks = ticks_after(self.ticks, _PERIOD_US)
        # A generator modulo a prime (Park and Miller), within a board's small integers.
        self._random = self._random * 75 % 65537
        self._at += 1
        if self._at < self._length:
            return
        self._at = 0
        if self._stroke == len(_STROKES):
            self._stroke = 0
            self._press = 0
            self._length = _REST
            return
        stroke = _STROKES[self._stroke]
        self._stroke += 1
        self._peak_mn = stroke[0]
        self._press = stroke[1]
        self._length = stroke[1] + stroke[2]

    def _converted(self):
        # Within ±1024 counts.
        noise = (self._random >> 5) - 1024
        n = self._press
        if self._at >= n:
            return noise
        # An arch in 1024ths, 1 − (1 − 2 x)², made flatter at its top and steeper at its ends.
        arch = 4096 * self._at * (n - self._at) // (n * n)
        arch = arch * (2048 - arch) >> 10
        return ((self._peak_mn * arch >> 8) * _COUNTS_PER_MN >> 2) + 4 * noise
