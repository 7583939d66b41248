"""Direction and length of one pass over the skin, from acceleration and rotation.

The tool's accelerations are turned into a frame that stays as the tool was when the window of what is looked at began.
There gravity is constant, and so is what the sensor shows too much of at rest: both fall out with the mean
acceleration, however the skin lies. What is left is summed up twice, in all three directions: the way of the sensor.
The tip's differs from it by how the line from sensor to tip turned.

- In a burst the window reaches from the end of the contact before to the end of this one, 4.5 s at most: there the
  hand is as fast as a stroke ago, and back at about the same place. The speed that it lands and lifts with need not be
  known. Where it does not come back to the place, the length is wrong by that times the share of contact in the
  window, about a half.
- The first contact of a burst is a window of its own. A hand that lands or lifts while it moves can't be told there
  from one that stands still at both ends: it has a direction, and no length.

Not told, 0, is also:

- a contact in which the hand turns (back and forth without a lift): more than a fifth of the way goes back;
- a way shorter than 15 mm, a contact longer than 3 s, a sensor that was at its rails or not read for 60 ms;
- a length that errors of the sensor could have changed by more than 10 mm and a quarter: they grow with the square of
  the duration and with the angle that the tool turned by, with its cube where the rotation at rest is not known;
- the direction too where the way lies more than 75° off the tool's axis (a tool held upright), or may be all error.

All in integers below 2^30; nothing is allocated but by `judge`, once a stroke.
"""

import math
from array import array

from iastm_protocol._compat import const

# Knots of speed kept along a window, evenly: between them it is taken as a straight line.
_KNOTS = const(32)
# Time in 100 µs.
_LONGEST = const(45000)
_LONGEST_CONTACT = const(30000)
_LONGEST_GAP = const(600)
# Rotation in one step, 2^20 is a radian: beyond it products would leave 30 bits.
_MOST_TURN = const(100000)
_ONE = const(1 << 20)
# What a speed may come to, 4 m/s and gravity's share: in 1/16 mg times 100 µs, of which 16.3 million are 1 m/s.
_MOST_SPEED = const(500000000)
# What the sums of judge are in: 15934 are 0.1 mm.
_UNITS = const(15934)
_MOST_WAY = const(15000)

# Ours, grade none. Shorter ways are as well a hand that presses.
_SHORTEST_MM = const(15)
_BACK_SHARE = const(5)
# cos 75°, in percent.
_LEAST_ALONG_PERCENT = const(26)
_ALLOWED_MM = const(10)
_ALLOWED_SHARE = 0.25
# Data sheets: zero offset of the accelerometers 20 to 40 mg, of which a board shows one; 1 to 2 % of the gyroscope's
# scale. An offset that turns with the tool, and gravity that is turned back too far, are a ramp of so much per radian.
_RAMP_G = 0.035
# Rotation at rest, °/s: known from lying still, and drifted by temperature since; or not known (10 at most).
_REST_KNOWN_DPS = 0.2
_REST_UNKNOWN_DPS = 10.0
# A ramp of acceleration from 0 to r in T, without its mean, goes r T² / 12. Over there and back most of that cancels:
# what is left is by simulation, tests/firmware/test_motion_study.py.
_OF_A_RAMP = 12
_OF_A_RAMP_IN_A_BURST = 40
# How far the tip may be from the sensor where nobody said.
_LEVER_MM = 100
_MM_S2_PER_G = 9806.65
_RADIAN_DEG = 57.29578


class PassMeter:
    """Measures contacts. `tip_mm`: from the sensor to the tip along x, or None where unknown.

    `begin` a window where a contact ends, `touch` where one begins, `step` along both, `judge` before it ends.
    """

    def __init__(self, tip_mm):
        self._tip_mm = tip_mm
        self._turn = array("i", [0] * 9)
        self._first = array("i", [0] * 3)
        self._before = array("i", [0] * 3)
        self._speed = array("i", [0] * 3)
        self._axis = array("i", [0] * 3)
        self._knot_time = array("i", [0] * (_KNOTS + 1))
        self._knot_speed = array("i", [0] * (3 * (_KNOTS + 1)))
        self._knots = 0
        self._stride = 1
        self._to_knot = 0
        self._time = 0
        self._touch_time = 0
        self._burst = False
        self._most_turned = 0
        self.whole = False

    def begin(self, ax, ay, az):
        """A window begins, at this acceleration in mg, with the end of a contact."""
        turn = self._turn
        i = 0
        while i < 9:
            turn[i] = 0 if i & 3 else _ONE
            i += 1
        first = self._first
        first[0] = ax << 4
        first[1] = ay << 4
        first[2] = az << 4
        i = 0
        while i < 3:
            self._before[i] = 0
            self._speed[i] = 0
            self._knot_speed[i] = 0
            i += 1
        self._knot_time[0] = 0
        self._knots = 1
        self._stride = 1
        self._to_knot = 1
        self._time = 0
        self._most_turned = 0
        self._burst = True
        self.whole = True

    def touch(self, ax, ay, az):
        """Contact begins: the first of a burst where no window runs."""
        if not self.whole:
            self.begin(ax, ay, az)
            self._burst = False
        self._touch_time = self._time
        turn = self._turn
        axis = self._axis
        axis[0] = turn[0]
        axis[1] = turn[3]
        axis[2] = turn[6]

    def end(self):
        """What is measured is broken off: it can't be judged."""
        self.whole = False

    def step(self, ax, ay, az, tx, ty, tz, span):
        """Take accelerations in mg and the angles turned by in `span` (100 µs); a radian is 2^20."""
        time = self._time + span
        self._time = time
        if (
            span > _LONGEST_GAP
            or time > _LONGEST
            or not -_MOST_TURN < tx < _MOST_TURN
            or not -_MOST_TURN < ty < _MOST_TURN
            or not -_MOST_TURN < tz < _MOST_TURN
        ):
            self.whole = False
            return
        turn = self._turn
        before = self._before
        speed = self._speed
        first = self._first
        i = 0
        while i < 3:
            # A row is an axis of the fixed frame as the tool sees it; it turns against the tool. To second order, as
            # r + (r + r×t/2)×t, so that its length stays.
            at = 3 * i
            x = turn[at]
            y = turn[at + 1]
            z = turn[at + 2]
            x8 = x >> 8
            y8 = y >> 8
            z8 = z >> 8
            hx = (x + (y8 * tz - z8 * ty >> 13)) >> 8
            hy = (y + (z8 * tx - x8 * tz >> 13)) >> 8
            hz = (z + (x8 * ty - y8 * tx >> 13)) >> 8
            x += (hy * tz - hz * ty + 2048) >> 12
            y += (hz * tx - hx * tz + 2048) >> 12
            z += (hx * ty - hy * tx + 2048) >> 12
            turn[at] = x
            turn[at + 1] = y
            turn[at + 2] = z
            # In 1/16 mg.
            now = (((x >> 6) * ax + (y >> 6) * ay + (z >> 6) * az) >> 10) - first[i]
            v = speed[i] + ((before[i] + now) * span >> 1)
            if not -_MOST_SPEED < v < _MOST_SPEED:
                self.whole = False
                return
            before[i] = now
            speed[i] = v
            i += 1
        turned = 3 * _ONE - turn[0] - turn[4] - turn[8]
        if turned > self._most_turned:
            self._most_turned = turned
        self._to_knot -= 1
        if not self._to_knot:
            self._keep(time)

    def _keep(self, time):
        if self._knots == _KNOTS:
            self._thin_out()
        self._to_knot = self._stride
        self._put(self._knots, time)
        self._knots += 1

    def _put(self, knot, time):
        self._knot_time[knot] = time
        i = 0
        while i < 3:
            self._knot_speed[3 * knot + i] = self._speed[i]
            i += 1

    def _thin_out(self):
        # Every second one goes, so that the rest of a longer contact has room.
        times = self._knot_time
        speeds = self._knot_speed
        kept = 1
        while 2 * kept < _KNOTS:
            times[kept] = times[2 * kept]
            i = 0
            while i < 3:
                speeds[3 * kept + i] = speeds[6 * kept + i]
                i += 1
            kept += 1
        self._knots = kept
        self._stride *= 2

    def judge(self, rest_known):
        """Return (direction, pass_length_mm) of the contact that ends now, 0 where unknown; the window ends with it.

        `rest_known`: the rotation that the sensor shows at rest was taken off.
        """
        whole = self.whole
        self.whole = False
        time = self._time
        if not whole or not 0 < time - self._touch_time <= _LONGEST_CONTACT:
            return 0, 0
        last = self._knots
        if self._knot_time[last - 1] == time:
            last -= 1
        else:
            self._put(last, time)
        first = self._first_of_contact()
        # In 0.1 mm, over the fixed axes.
        x = self._way(0, first, last)
        y = self._way(1, first, last)
        z = self._way(2, first, last)
        way = math.sqrt(x * x + y * y + z * z)
        if way > _MOST_WAY or (way > 10 * _SHORTEST_MM and self._goes_back(first, last, x, y, z, way)):
            return 0, 0
        return self._told(x, y, z, rest_known)

    def _told(self, x, y, z, rest_known):
        turn = self._turn
        axis = self._axis
        turned = math.sqrt(max(0, self._most_turned) / _ONE)
        duration_s = self._time / 10000
        rest_dps = _REST_KNOWN_DPS if rest_known else _REST_UNKNOWN_DPS
        ramp_g = _RAMP_G * turned + rest_dps / _RADIAN_DEG * duration_s
        part = _OF_A_RAMP_IN_A_BURST if self._burst else _OF_A_RAMP
        error_mm = _MM_S2_PER_G * ramp_g * duration_s * duration_s / part
        if self._tip_mm is None:
            error_mm += _LEVER_MM * turned
        else:
            lever = 10 * self._tip_mm
            x += lever * ((turn[0] - axis[0]) >> 6) >> 14
            y += lever * ((turn[3] - axis[1]) >> 6) >> 14
            z += lever * ((turn[6] - axis[2]) >> 6) >> 14
        length_mm = math.sqrt(x * x + y * y + z * z) / 10
        if length_mm < _SHORTEST_MM:
            return 0, 0
        # The tool's axis halfway through the contact.
        ex = (turn[0] + axis[0]) / _ONE
        ey = (turn[3] + axis[1]) / _ONE
        ez = (turn[6] + axis[2]) / _ONE
        along_mm = (x * ex + y * ey + z * ez) / 10 / math.sqrt(ex * ex + ey * ey + ez * ez)
        direction = 0
        if abs(along_mm) >= max(error_mm, length_mm * _LEAST_ALONG_PERCENT / 100):
            direction = 1 if along_mm > 0 else -1
        if not self._burst or error_mm > _ALLOWED_MM + _ALLOWED_SHARE * length_mm:
            return direction, 0
        return direction, int(length_mm + 0.5)

    def _first_of_contact(self):
        # The last knot before contact, or at its begin.
        times = self._knot_time
        first = 0
        while times[first + 1] <= self._touch_time:
            first += 1
        return first

    def _way(self, axis, first, last):
        # Along one axis, in 0.1 mm. The speeds of the contact's knots become what they are above the line from the
        # window's first to its last, in 1/1024 of a unit; in a burst, above the mean of that too.
        times = self._knot_time
        speeds = self._knot_speed
        whole_time = times[last]
        final = speeds[3 * last + axis]
        slope = final // whole_time
        rest = final % whole_time
        half = whole_time >> 1 or 1
        mean = self._mean(axis, last) - (final >> 11) if self._burst else 0
        touch = self._touch_time
        begin = times[first]
        at = 3 * first + axis
        # As fast as it was where contact began, between two knots.
        change = (speeds[at + 3] - speeds[at]) >> 5
        speed = speeds[at] + (change * (touch - begin) // (times[first + 1] - begin) << 5)
        before = ((speed - slope * touch - rest * (touch >> 1) // half) >> 10) - mean
        speeds[at] = before
        before_time = touch
        total = 0
        knot = first + 1
        while knot <= last:
            at += 3
            time = times[knot]
            # In halves, to stay within 30 bits.
            now = ((speeds[at] - slope * time - rest * (time >> 1) // half) >> 10) - mean
            speeds[at] = now
            total += (before + now) * (time - before_time) >> 1
            before = now
            before_time = time
            knot += 1
        return total // _UNITS

    def _mean(self, axis, last):
        times = self._knot_time
        speeds = self._knot_speed
        total = 0
        before = 0
        before_time = 0
        at = axis
        knot = 1
        while knot <= last:
            at += 3
            now = speeds[at] >> 10
            time = times[knot]
            total += (before + now) * (time - before_time) >> 1
            before = now
            before_time = time
            knot += 1
        return total // before_time

    def _goes_back(self, first, last, x, y, z, way):
        times = self._knot_time
        speeds = self._knot_speed
        ex = int(64 * x / way)
        ey = int(64 * y / way)
        ez = int(64 * z / way)
        forth = 0
        back = 0
        before_time = self._touch_time
        at = 3 * first
        knot = first + 1
        while knot <= last:
            at += 3
            time = times[knot]
            p = (speeds[at] * ex + speeds[at + 1] * ey + speeds[at + 2] * ez >> 8) * (time - before_time)
            if p > 0:
                forth += p
            else:
                back -= p
            before_time = time
            knot += 1
        return back * _BACK_SHARE > forth
