"""What the tool's motion sensor tells: how it is held, whether it lies or is wiped, and each stroke's way.

The tool's frame: x from the handle to the tip, y and z across it, right-handed. What is published 20 times a second is
the angle of x over the horizontal and the roll about it; acceleration and rotation themselves are not kept.

Every constant here is ours, grade none. What is told, and when not:

- Lying: for half a second neither acceleration nor rotation left a band little wider than the sensors' own noise. A
  hand trembles by more. Force on a tool that lay for most of a contact is no stroke.
- Wiping: rotation above 150 °/s through most of a contact, as when the tool is turned in a cloth.
- Direction and length of a stroke: passes.py says how, and what is left unknown. Measured over 2,800 simulated passes
  in bursts of four (tests/firmware/test_motion_study.py: 40 to 250 mm at 0.25 to 1 Hz, speed like half a sine or even,
  landing and lifting in motion, tilt changing by up to 20°, noise, offsets, scales and mounting errors as data sheets
  allow). The direction is told of 93 %, and right in every one of them. The length is told of 89 % of those after the
  first of a burst: its error is 3.4 mm in the middle, and below 12 mm or 10 % in 97 of 100. Of passes slower than
  1.5 s it is told of 39 % (95 of 100 below 22 mm). A hand that comes back to within 3 cm instead of 1: 18 mm.
- Where something else came between two passes (wiped, turned over or round, laid down, a pause, a knock, a press, the
  hand gone on by up to 29 cm, 300 bursts of each; passes there and back with a moment in the air): no direction that is
  told is wrong. After most of it no length is told. A hand that goes on at another place can be seen only after two
  passes at the old one: 95 of 100 of the lengths told are right to 40 mm, after a pause in which it drifts 27 mm.
  Nothing of this was measured on hardware yet.

The rotation that the sensor shows at rest (up to 10 °/s) is known only once the tool lay still. Until then the
direction is told of a third, and right, the length of 5 %, and of no pass slower than 0.8 s.
"""

from array import array

from iastm_firmware.attitude import Attitude, angles_cdeg
from iastm_firmware.clock import ticks_between, write_time
from iastm_firmware.passes import PassMeter
from iastm_protocol._compat import const
from iastm_protocol.kinds import (
    EXCLUDED_LYING,
    EXCLUDED_NOT,
    EXCLUDED_WIPING,
    MOTION_LYING,
    MOTION_MOVING,
    MOTION_WIPING,
)

# As iastm_protocol.tool_messages.MotionReport has it: u32, u48, i16, i16, u8.
_PAYLOAD_BYTES = const(15)

# Times in µs, and in 100 µs where said so.
_PUBLISH_EVERY = const(500)
_SILENT_US = const(500000)
_AGAIN_US = const(100000)
_RESTART_US = const(1000000)
_SECOND = const(10000)
_LONGEST_STEP_US = const(1000000)

# At rest: five times the noise of the worst of the sensors, 160 µg/√Hz and 0.008 °/s/√Hz over 40 Hz, in mg and in
# tenths of a degree per second. What the sensor may show of rotation when there is none: ten, and the band.
_STILL_MG = const(10)
_STILL_DDPS = const(10)
_REST_MOST_DDPS = const(110)
# The band is laid anew after so many halves of a second, so that slow drift does not leave it.
_HALVES_PER_BAND = const(2)
# Rest is taken off in 1/64 of a tenth of a degree per second.
_REST_SHIFT = const(5)

# Moving: above either of these within the last 0.3 s.
_MOVING_DDPS = const(200)
_MOVING_LOW_MG2 = const(920 * 920)
_MOVING_HIGH_MG2 = const(1080 * 1080)
# Calm enough for acceleration to show where down is.
_CALM_DDPS = const(100)
_CALM_LOW_MG2 = const(980 * 980)
_CALM_HIGH_MG2 = const(1020 * 1020)
_WIPING_DDPS = const(1500)

# At ±4 g and ±500 °/s the sensor shows no more.
_RAIL_MG = const(3990)
_RAIL_DDPS = const(4990)
# From one conversion to the next: what a hand does not do, and what sums of a hundred a second do not follow.
_JOLT_MG = const(500)
_UNREAD_US = const(60000)


def _check_axes(axes):
    # An odd permutation or an odd number of signs, not both, is a left hand.
    if sorted([abs(axis) for axis in axes]) != [1, 2, 3]:
        raise ValueError("axes %s: each of 1, 2 and 3 once, with a minus where it points the other way" % (axes,))
    a, b, c = [abs(axis) for axis in axes]
    swaps = (a > b) + (a > c) + (b > c)
    minuses = len([axis for axis in axes if axis < 0])
    if (swaps + minuses) & 1:
        raise ValueError("axes %s make a left hand" % (axes,))


class Motion:
    """Watches `imu` (see drivers/lsm6ds.py for what one is, started or not). Call `step` every 10 ms.

    `axes`: which of the sensor's axes, counted from 1, are the tool's x, y and z, with a minus where it points the
    other way. `tip_mm`: from the sensor to the tip along x; None where unknown, and then a stroke in which the tool
    turned much has no length.

    `number` counts published angles, `state` is bits of MOTION_…; `fails`: the sensor can't be read, nothing is told
    and nothing published, and once a second out of contact it is started anew. `still_s` counts seconds in which
    nothing was seen to move.
    """

    def __init__(self, imu, clock, axes=(1, 2, 3), tip_mm=None):
        _check_axes(axes)
        self._imu = imu
        self._clock = clock
        self._from = array("b", [abs(axis) - 1 for axis in axes])
        self._sign = array("b", [1 if axis > 0 else -1 for axis in axes])
        self._now = array("h", [0] * 6)
        self._band = array("h", [0] * 6)
        self._rest = array("i", [0] * 3)
        self._rest_known = False
        self._turned = array("i", [0] * 3)
        self._attitude = Attitude()
        self._meter = PassMeter(tip_mm)
        self._ticks = clock.now()
        self._new_ticks = self._ticks
        self._has_begun = False
        self._again_ticks = self._ticks
        self._waits = False
        self._starting = None
        self._waits_us = 0
        self._calm = False
        self._half = max(1, imu.rate_hz // 2)
        self._to_publish = _PUBLISH_EVERY
        self._still_parts = 0
        self._run = 0
        self._since_moving = self._half
        self._wiped = 0
        self._spun = 0
        self._was_in_contact = False
        self._begin_index = -1
        self._seen = 0
        self._lay = 0
        self._turning = 0
        self._up = array("i", [0] * 3)
        self._published_ticks = self._ticks
        self._published_index = 0
        self._published_state = 0
        self._made_number = 0
        self._made = b""
        self._raw = bytearray(_PAYLOAD_BYTES)
        self.number = 0
        self.state = 0
        self.fails = False
        self.still_s = 0

    def step(self, next_index, in_contact):
        """Read the sensor; `next_index` is that of the conversion to come. Only a failure of the sensor allocates."""
        ticks = self._clock.now()
        if not self._has_begun:
            # What the rest of the tool took for its start is no silence of the sensor.
            self._has_begun = True
            self._ticks = self._new_ticks = ticks
        # The loop may have been held up: what was not seen breaks a pass off, and all else goes on.
        span_us = max(0, min(_LONGEST_STEP_US, ticks_between(self._ticks, ticks)))
        span = span_us // 100
        # What is left of 100 µs belongs to the next step.
        self._ticks = (ticks - (span_us - span * 100)) & 0x3FFFFFFF
        self._pass_still(span)
        if in_contact != self._was_in_contact:
            self._was_in_contact = in_contact
            if in_contact:
                self._begin_contact(next_index)
            else:
                self._end_contact()
        if self._starting is not None or self.fails:
            self._go_on_starting(ticks, in_contact)
            return
        new = self._read(ticks)
        if self.fails or not (new or self._attitude.known):
            return
        if new:
            self._look(in_contact)
        self._move_on(span, ticks)
        self._to_publish -= span
        if self._to_publish <= 0:
            # At an even pace, and no more than once a step after a hold-up.
            self._to_publish = max(1, self._to_publish + _PUBLISH_EVERY)
            self._publish(ticks, next_index)

    def payload(self):
        """Return the payload of the newest MOTION, made when it is first asked for: 0.3 KiB, 20 times a second."""
        if self._made_number != self.number:
            self._made_number = self.number
            tilt, roll = angles_cdeg(self._up)
            raw = self._raw
            index = self._published_index
            raw[0] = index & 0xFF
            raw[1] = index >> 8 & 0xFF
            raw[2] = index >> 16 & 0xFF
            raw[3] = index >> 24 & 0xFF
            ticks = self._published_ticks
            write_time(self._clock.wraps_at(ticks), ticks, raw, 4)
            raw[10] = tilt & 0xFF
            raw[11] = tilt >> 8 & 0xFF
            raw[12] = roll & 0xFF
            raw[13] = roll >> 8 & 0xFF
            raw[14] = self._published_state
            self._made = bytes(raw)
        return self._made

    def judge(self, span):
        """Return (direction, pass_length_mm, excluded) for a StrokeSpan that just ended, 0 for each that is unknown."""
        seen = self._seen
        if self.fails or not seen or not span.first_index < self._begin_index <= span.last_index + 1:
            return 0, 0, EXCLUDED_NOT
        # Each contact once.
        self._seen = 0
        self._begin_index = -1
        direction, length_mm = self._meter.judge(self._rest_known)
        if 2 * self._lay > seen:
            return 0, 0, EXCLUDED_LYING
        if 2 * self._turning > seen:
            return 0, 0, EXCLUDED_WIPING
        if span.truncated:
            return 0, 0, EXCLUDED_NOT
        return direction, length_mm, EXCLUDED_NOT

    def gravity_mg(self):
        """Return the acceleration at rest that the sensor shows, in mg, 0 where it shows none."""
        return 0 if self.fails else self._attitude.gravity_mg()

    # the sensor

    def _read(self, ticks):
        if self._waits and ticks_between(self._again_ticks, ticks) < _AGAIN_US:
            return False
        self._waits = False
        try:
            new = self._imu.read()
        except OSError:
            # A bus that is held takes its time to fail.
            self._waits = True
            self._again_ticks = ticks
            new = False
        if new:
            self._new_ticks = ticks
            return True
        if ticks_between(self._new_ticks, ticks) > _SILENT_US:
            self._fail(ticks)
        return False

    def _fail(self, ticks):
        self.fails = True
        self.state = 0
        self._run = 0
        self._again_ticks = ticks
        self._attitude.forget()
        self._meter.end()
        self._seen = 0

    def _go_on_starting(self, ticks, in_contact):
        # Never in contact: a bus that is held would delay the alarm. Piece by piece else.
        if in_contact:
            return
        if self._starting is None:
            # A contact of more than nine minutes lies between: the ticks say nothing any more, and it is time.
            if 0 <= ticks_between(self._again_ticks, ticks) < _RESTART_US:
                return
            self._starting = self._imu.starting()
            self._waits_us = 0
            self._again_ticks = ticks
        if ticks_between(self._again_ticks, ticks) < self._waits_us:
            return
        self._again_ticks = ticks
        try:
            self._waits_us = next(self._starting) * 1000
        except StopIteration:
            self._starting = None
            self._waits = False
            self._new_ticks = ticks
            self._rest_known = False
            self.fails = False
        except OSError:
            self._starting = None

    # what it shows

    def _look(self, in_contact):
        jolted = self._take_values()
        now = self._now
        self._look_for_rest()
        ax = now[0]
        ay = now[1]
        az = now[2]
        rest = self._rest
        gx = now[3] - (rest[0] >> 6)
        gy = now[4] - (rest[1] >> 6)
        gz = now[5] - (rest[2] >> 6)
        force2 = ax * ax + ay * ay + az * az
        rate2 = gx * gx + gy * gy + gz * gz
        self._calm = rate2 < _CALM_DDPS * _CALM_DDPS and _CALM_LOW_MG2 < force2 < _CALM_HIGH_MG2
        if rate2 > _MOVING_DDPS * _MOVING_DDPS or not _MOVING_LOW_MG2 < force2 < _MOVING_HIGH_MG2:
            self._since_moving = 0
        elif self._since_moving < self._half:
            self._since_moving += 1
        wipes = rate2 > _WIPING_DDPS * _WIPING_DDPS
        if wipes:
            self._wiped = min(self._half, self._wiped + 1)
            self._spun += 1
        elif self._wiped:
            self._wiped -= 1
        lies = self._run >= self._half
        state = MOTION_LYING if lies else 0
        if 2 * self._wiped > self._half:
            state |= MOTION_WIPING
        if 5 * self._since_moving < 3 * self._half:
            state |= MOTION_MOVING
        self.state = state
        if in_contact:
            self._seen += 1
            if wipes:
                self._turning += 1
            if lies:
                # It lay for the half second before it was told, as far as there was contact.
                self._lay = min(self._seen, self._half) if self._run == self._half else self._lay + 1
        # Spun for more than a tenth of a second; what begins or ends on a table is no way back.
        if jolted or 5 * self._spun > self._half or (lies and not in_contact) or self._at_rails():
            self._meter.end()

    def _take_values(self):
        # Returns whether it was hit since the conversion before.
        values = self._imu.values
        now = self._now
        places = self._from
        signs = self._sign
        jolted = False
        i = 0
        while i < 3:
            value = values[places[i]] * signs[i]
            if not -_JOLT_MG < value - now[i] < _JOLT_MG:
                jolted = True
            now[i] = value
            now[3 + i] = values[3 + places[i]] * signs[i]
            i += 1
        return jolted

    def _at_rails(self):
        now = self._now
        i = 0
        while i < 3:
            if not -_RAIL_MG < now[i] < _RAIL_MG or not -_RAIL_DDPS < now[3 + i] < _RAIL_DDPS:
                return True
            i += 1
        return False

    def _look_for_rest(self):
        now = self._now
        band = self._band
        still = True
        i = 0
        while i < 3:
            if not -_STILL_MG <= now[i] - band[i] <= _STILL_MG:
                still = False
            turn = now[3 + i]
            if not -_STILL_DDPS <= turn - band[3 + i] <= _STILL_DDPS or not -_REST_MOST_DDPS < turn < _REST_MOST_DDPS:
                still = False
            i += 1
        run = self._run + 1 if still else 0
        if run > self._half:
            self._take_rest()
            if run >= (_HALVES_PER_BAND + 1) * self._half:
                # Counting on from where lying was told.
                run = self._half + 1
                self._lay_band()
        if not still:
            self._lay_band()
            self._still_parts = 0
            self.still_s = 0
        self._run = run

    def _lay_band(self):
        i = 0
        while i < 6:
            self._band[i] = self._now[i]
            i += 1

    def _take_rest(self):
        rest = self._rest
        now = self._now
        i = 0
        while i < 3:
            shown = now[3 + i] << 6
            if self._rest_known:
                rest[i] += (shown - rest[i] + (1 << (_REST_SHIFT - 1))) >> _REST_SHIFT
            else:
                rest[i] = shown
            i += 1
        self._rest_known = True

    def _pass_still(self, span):
        # Where nothing can be seen, nothing is seen to move: a dead sensor does not keep the tool awake.
        self._still_parts += span
        while self._still_parts >= _SECOND:
            self._still_parts -= _SECOND
            self.still_s += 1

    # what is made of it

    def _begin_contact(self, next_index):
        self._begin_index = next_index
        self._seen = 0
        self._lay = 0
        self._turning = 0
        self._spun = 0
        now = self._now
        if self._attitude.known:
            self._meter.touch(now[0], now[1], now[2])

    def _end_contact(self):
        # Whether or not it was judged: the next one's window begins here.
        now = self._now
        self._spun = 0
        if self._attitude.known:
            self._meter.begin(now[0], now[1], now[2])

    def _move_on(self, span, ticks):
        now = self._now
        rest = self._rest
        turned = self._turned
        i = 0
        while i < 3:
            # 1/64 of a tenth of a degree per second, over 100 µs: 1049/3 of them are 2^-20 rad.
            turned[i] = ((now[3 + i] << 6) - rest[i]) * min(span, 600) * 3 // 1049
            i += 1
        if ticks_between(self._new_ticks, ticks) > _UNREAD_US:
            self._meter.end()
        if self._meter.whole:
            self._meter.step(now[0], now[1], now[2], turned[0], turned[1], turned[2], span)
        self._attitude.step(now[0], now[1], now[2], turned[0] >> 4, turned[1] >> 4, turned[2] >> 4, self._calm)

    def _publish(self, ticks, next_index):
        self._attitude.copy_to(self._up)
        self._published_ticks = ticks
        self._published_index = next_index
        self._published_state = self.state
        self.number += 1
