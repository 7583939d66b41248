"""Direction and length of one pass over the skin, from acceleration and rotation.

The tool's accelerations are turned into a frame that stays as the tool was when the window of what is looked at began.
There gravity is constant, and so is what the sensor shows too much of at rest: both fall out with the mean
acceleration, however the skin lies. What is left is summed up twice, in all three directions: the way of the sensor.
The tip's differs from it by how the line from sensor to tip turned.

- In a burst the window reaches from the end of the contact before to the end of this one, 4.5 s at most: there the
  hand is as fast as a stroke ago, and back at about the same place. The speed that it lands and lifts with need not be
  known. Where it does not come back to the place, the length is wrong by that times the share of contact in the
  window, about a half.
- A contact by itself is a window of its own. A hand that lands or lifts while it moves can't be told there from one
  that stands still at both ends: it has a direction, and no length. So are judged the first contact of a burst, and
  every one whose window is none of the kind above:
  - 2.5 s and more in the air, or turned there by more than 60°, spun above 150 °/s for a tenth of a second, hit, laid
    down, its sensor at the rails or not read;
  - after a contact that was no pass, as a press, or one the other way: each reckoned by itself, they differ by more
    than 10 mm and a half;
  - what the window makes of it lies beside or behind what is seen in the contact by itself by more than 10 mm and 15 %:
    the hand did not come back.

Not told, 0, is also:

- a contact in which the hand turns (back and forth without a lift): more than a fifth of the way goes back;
- a way shorter than 15 mm, a contact longer than 3 s, in which the tool turned by more than 60°, was spun or hit, in
  which the sensor was at its rails or not read for 60 ms;
- a length that errors of the sensor could have changed by more than 10 mm and a quarter: they grow with the square of
  the duration and with the angle that the tool turned by, with its cube where the rotation at rest is not known;
- a length that differs from the one before by as much as the speed of landing and lifting seems to: the hand went on
  at another place;
- the direction too where the way lies more than 75° off the tool's axis (a tool held upright), or may be all error, or
  where window and contact by itself disagree about it.

A hand that lands fast, slows down at once and creeps on to the end of a first contact would be told the wrong way: what
is looked at has no begin at rest there.

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
_LONGEST_AIR = const(25000)
_LONGEST_GAP = const(600)
# Rotation in one step, 2^20 is a radian: beyond it products would leave 30 bits.
_MOST_TURN = const(100000)
_ONE = const(1 << 20)
# 60°, as 2 (1 - cos).
_FAR = const(1 << 20)
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
# How far a pass, each reckoned by its contact alone, may differ from the one before; and how far what the burst makes
# of it may be off to the side of that, or behind it.
_LIKE_MM = 10
_LIKE_SHARE = 0.5
_AGREES_SHARE = 0.15
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
        self._touch_speed = array("i", [0] * 3)
        self._knot_time = array("i", [0] * (_KNOTS + 1))
        self._knot_speed = array("i", [0] * (3 * (_KNOTS + 1)))
        self._knots = 0
        self._stride = 1
        self._to_knot = 0
        self._time = 0
        self._touch_time = 0
        self._burst = False
        self._most_turned = 0
        # The way of the contact before, by itself, in 0.1 mm over the axes of the tool as it ended.
        self._passed = False
        self._passed_way = array("i", [0] * 3)
        self._like_way = array("i", [0] * 3)
        # What was told of the contact before, and what of that its contact alone did not show, in mm.
        self._told_mm = 0
        self._unseen_mm = 0
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
        """Contact begins: the first of a burst where no window runs that began with a pass and went on as one."""
        passed = self._passed
        self._passed = False
        self._like_way, self._passed_way = self._passed_way, self._like_way
        if not self.whole or not passed or self._time > _LONGEST_AIR or self._most_turned > _FAR:
            self.begin(ax, ay, az)
            self._burst = False
            self._told_mm = 0
        self._touch_time = self._time
        turn = self._turn
        axis = self._axis
        axis[0] = turn[0]
        axis[1] = turn[3]
        axis[2] = turn[6]
        i = 0
        while i < 3:
            self._touch_speed[i] = self._speed[i]
            i += 1

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
        if not whole or self._most_turned > _FAR or not 0 < time - self._touch_time <= _LONGEST_CONTACT:
            return 0, 0
        last = self._knots
        if self._knot_time[last - 1] == time:
            last -= 1
        else:
            self._put(last, time)
        first = self._first_of_contact()
        # In 0.1 mm, over the fixed axes.
        way = [self._way(i, first, last) for i in range(3)]
        if _length(way) > _MOST_WAY:
            return 0, 0
        alone = [self._alone(i, way[i], first, last) for i in range(3)]
        self._move_to_tip(way)
        self._move_to_tip(alone)
        if max(_length(way), _length(alone)) > _MOST_WAY:
            return 0, 0
        turn = self._turn
        self._passed = True
        i = 0
        while i < 3:
            self._passed_way[i] = (
                alone[0] * (turn[i] >> 6) + alone[1] * (turn[3 + i] >> 6) + alone[2] * (turn[6 + i] >> 6) >> 14
            )
            i += 1
        in_burst = self._burst and self._is_like(way, alone)
        if self._burst and not in_burst:
            self._stand_at_ends(first, last)
            way = alone
        if self._goes_back(first, last, way):
            return 0, 0
        direction, length_mm = self._tell(way, alone, in_burst, rest_known)
        if length_mm and not self._came_back(length_mm, length_mm - _length(alone) / 10):
            return direction, 0
        return direction, length_mm

    def _tell(self, way, alone, in_burst, rest_known):
        turn = self._turn
        axis = self._axis
        error_mm = self._error_mm(in_burst, rest_known)
        length_mm = _length(way) / 10
        if length_mm < _SHORTEST_MM:
            return 0, 0
        # The tool's axis halfway through the contact.
        halfway = [(turn[3 * i] + axis[i]) >> 6 for i in range(3)]
        direction = _side(way, halfway, error_mm)
        if _side(alone, halfway, 0) != direction:
            direction = 0
        if not in_burst or error_mm > _ALLOWED_MM + _ALLOWED_SHARE * length_mm:
            return direction, 0
        return direction, int(length_mm + 0.5)

    def _error_mm(self, in_burst, rest_known):
        turned = math.sqrt(max(0, self._most_turned) / _ONE)
        duration_s = (self._time if in_burst else self._time - self._touch_time) / 10000
        rest_dps = _REST_KNOWN_DPS if rest_known else _REST_UNKNOWN_DPS
        ramp_g = _RAMP_G * turned + rest_dps / _RADIAN_DEG * duration_s
        part = _OF_A_RAMP_IN_A_BURST if in_burst else _OF_A_RAMP
        error_mm = _MM_S2_PER_G * ramp_g * duration_s * duration_s / part
        return error_mm + _LEVER_MM * turned if self._tip_mm is None else error_mm

    def _move_to_tip(self, way):
        # Of the sensor's way makes the tip's.
        lever = 10 * (self._tip_mm or 0)
        i = 0
        while i < 3:
            way[i] += lever * ((self._turn[3 * i] - self._axis[i]) >> 6) >> 14
            i += 1

    def _is_like(self, way, alone):
        # The pass before went the same way, and what of the way is seen in the contact by itself agrees.
        before = self._like_way
        seen = _length(alone)
        if seen < 10 * _SHORTEST_MM:
            return False
        apart = _length([alone[i] - before[i] for i in range(3)])
        if apart > 10 * _LIKE_MM + _LIKE_SHARE * max(seen, _length(before)):
            return False
        length = _length(way)
        forth = _dot(way, alone) / seen
        aside = math.sqrt(max(0, length * length - forth * forth))
        return aside <= 10 * _LIKE_MM + _AGREES_SHARE * length and seen - forth <= 10 * _LIKE_MM + _AGREES_SHARE * seen

    def _came_back(self, length_mm, unseen_mm):
        # Another length at the same speed of landing, or the same one at another speed, are as well passes; where both
        # changed by the same, the hand went on at another place.
        before_mm = self._told_mm
        most_mm = _LIKE_MM + _AGREES_SHARE * before_mm
        came_back = (
            not before_mm or abs(length_mm - before_mm) <= most_mm or abs(unseen_mm - self._unseen_mm) <= most_mm
        )
        self._told_mm = length_mm if came_back else 0
        self._unseen_mm = unseen_mm
        return came_back

    def _alone(self, axis, way, first, last):
        # What is left of a way where the hand is taken to stand still at both ends of the contact.
        speeds = self._knot_speed
        ends = speeds[3 * first + axis] + speeds[3 * last + axis]
        return way - (ends >> 4) * ((self._time - self._touch_time) >> 1) // (_UNITS >> 4)

    def _stand_at_ends(self, first, last):
        # The speeds of the contact become those above the line from its begin to its end.
        speeds = self._knot_speed
        touch = self._touch_time
        duration = self._time - touch
        i = 0
        while i < 3:
            begin = speeds[3 * first + i]
            change = speeds[3 * last + i] - begin
            speeds[3 * first + i] = 0
            knot = first + 1
            while knot <= last:
                speeds[3 * knot + i] -= begin + change * (self._knot_time[knot] - touch) // duration
                knot += 1
            i += 1

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
        at = 3 * first + axis
        # As fast as it was where contact began: a hand that just came to rest was far faster at the knot before.
        speed = self._touch_speed[axis]
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

    def _goes_back(self, first, last, way):
        length = _length(way)
        if length <= 10 * _SHORTEST_MM:
            return False
        times = self._knot_time
        speeds = self._knot_speed
        ex = int(64 * way[0] / length)
        ey = int(64 * way[1] / length)
        ez = int(64 * way[2] / length)
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


def _side(way, axis, error_mm):
    # 1 along the axis, -1 against it, 0 where that is not clear.
    along = _dot(way, axis) / _length(axis)
    if abs(along) < max(10 * error_mm, _length(way) * _LEAST_ALONG_PERCENT / 100):
        return 0
    return 1 if along > 0 else -1


def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _length(a):
    return math.sqrt(_dot(a, a))
