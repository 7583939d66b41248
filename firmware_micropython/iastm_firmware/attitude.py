"""Which way is up, in the tool's frame: rotation carries it on, acceleration at rest draws it to where it is.

Integers below 2^30; nothing is allocated but by `angles_cdeg` and `gravity_mg`.
"""

import math
from array import array

from iastm_protocol._compat import const

# A radian is 2^16 here: an eighth of one a step is far beyond the sensor's 500 °/s.
_MOST_TURN = const(8191)
# Twice what a sensor of 4 g shows. A tool that is spun for seconds does not carry it beyond small integers.
_MOST = const(8000 << 8)
# How fast acceleration draws, as a power of two of steps of 10 ms: calm, 0.64 s; while the hand accelerates, 2.56 s, so
# that a stroke of 0.3 g at 0.5 Hz moves it by 2°, and 1 °/s of rotation at rest that nobody took off by 2.6°.
_CALM = const(6)
_MOVING = const(8)


class Attitude:
    """Holds `up`, the acceleration at rest along the tool's x, y and z in 1/256 mg."""

    def __init__(self):
        self._up = array("i", [0] * 3)
        self.known = False

    def forget(self):
        """Nothing is known: the next step begins anew."""
        self.known = False

    def step(self, ax, ay, az, tx, ty, tz, calm):
        """Take accelerations in mg and the angles turned by since the step before; a radian is 2^16."""
        up = self._up
        if not self.known:
            up[0] = ax << 8
            up[1] = ay << 8
            up[2] = az << 8
            self.known = True
            return
        tx = max(-_MOST_TURN, min(_MOST_TURN, tx))
        ty = max(-_MOST_TURN, min(_MOST_TURN, ty))
        tz = max(-_MOST_TURN, min(_MOST_TURN, tz))
        x = up[0]
        y = up[1]
        z = up[2]
        x5 = x >> 5
        y5 = y >> 5
        z5 = z >> 5
        shift = _CALM if calm else _MOVING
        half = 1 << (shift - 1)
        x += (y5 * tz - z5 * ty + 1024) >> 11
        y += (z5 * tx - x5 * tz + 1024) >> 11
        z += (x5 * ty - y5 * tx + 1024) >> 11
        up[0] = max(-_MOST, min(_MOST, x + (((ax << 8) - x + half) >> shift)))
        up[1] = max(-_MOST, min(_MOST, y + (((ay << 8) - y + half) >> shift)))
        up[2] = max(-_MOST, min(_MOST, z + (((az << 8) - z + half) >> shift)))

    def copy_to(self, kept):
        """Copy `up` into an array of three."""
        up = self._up
        kept[0] = up[0]
        kept[1] = up[1]
        kept[2] = up[2]

    def gravity_mg(self):
        """Return the length of `up` in mg: 1000 at rest."""
        return length_mg(self._up) if self.known else 0


def length_mg(up):
    """Return the length of a vector of 1/256 mg, in mg."""
    x = up[0] / 256
    y = up[1] / 256
    z = up[2] / 256
    return int(math.sqrt(x * x + y * y + z * z) + 0.5)


def angles_cdeg(up):
    """Return (tilt, roll) in hundredths of a degree for `up`: tip down positive; 0 with the tool's z upwards.

    x points from the handle to the tip.
    """
    x = up[0] / 256
    y = up[1] / 256
    z = up[2] / 256
    tilt = math.atan2(-x, math.sqrt(y * y + z * z))
    return round(math.degrees(tilt) * 100), round(math.degrees(math.atan2(y, z)) * 100)
