"""Messages of minor 2: what a tool says of its own motion, condition, log and self-test. Byte tables: SPEC.md, 4.21 on.

Angles are hundredths of a degree, lengths millimetres, voltages millivolts, doses millinewton seconds.
"""

from collections import namedtuple

from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.fields import Reader, Writer

TILT_MAX_CDEG = 9000
ROLL_MAX_CDEG = 18000
_DIRECTIONS = (-1, 0, 1)


class MotionReport(namedtuple("MotionReport", ("index", "tool_us", "tilt_cdeg", "roll_cdeg", "state"))):
    """How the tool is held: the angle of its axis over the horizontal, tip down positive, and the roll about it.

    `index` is that of the conversion to come, `state` bits MOTION_LYING, MOTION_WIPING and MOTION_MOVING.
    """

    def to_payload(self):
        """Return the payload; raises LocalProtocolError for an angle out of range."""
        if not _angles_fit(self.tilt_cdeg, self.roll_cdeg):
            raise LocalProtocolError("motion with a tilt of %s and a roll of %s" % (self.tilt_cdeg, self.roll_cdeg))
        w = Writer().number("I", self.index).time_us(self.tool_us).number("h", self.tilt_cdeg)
        return w.number("h", self.roll_cdeg).number("B", self.state).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message; raises RemoteProtocolError for an angle out of range."""
        r = Reader(payload, "motion")
        index = r.number("I")
        tool_us = r.time_us()
        tilt_cdeg = r.number("h")
        roll_cdeg = r.number("h")
        state = r.number("B")
        if not _angles_fit(tilt_cdeg, roll_cdeg):
            raise RemoteProtocolError("motion with a tilt of %s and a roll of %s" % (tilt_cdeg, roll_cdeg))
        return MotionReport(index, tool_us, tilt_cdeg, roll_cdeg, state)


def _angles_fit(tilt_cdeg, roll_cdeg):
    return -TILT_MAX_CDEG <= tilt_cdeg <= TILT_MAX_CDEG and -ROLL_MAX_CDEG <= roll_cdeg <= ROLL_MAX_CDEG


class StrokeMotion(namedtuple("StrokeMotion", ("number", "source", "direction", "pass_length_mm", "excluded"))):
    """What the motion sensor tells of the stroke of that number, sent right after it.

    `direction` is +1 along the tool's x axis, −1 against it, 0 unknown; a `pass_length_mm` of 0 is unknown; `excluded`
    tells why it is no stroke, EXCLUDED_NOT where it is one.
    """

    def to_payload(self):
        """Return the payload; raises LocalProtocolError for a direction out of range."""
        if self.direction not in _DIRECTIONS:
            raise LocalProtocolError("stroke motion of direction %s" % self.direction)
        w = Writer().number("I", self.number).number("B", self.source).number("b", self.direction)
        return w.number("H", self.pass_length_mm).number("B", self.excluded).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message; raises RemoteProtocolError for a direction out of range."""
        r = Reader(payload, "stroke motion")
        number = r.number("I")
        source = r.number("B")
        direction = r.number("b")
        if direction not in _DIRECTIONS:
            raise RemoteProtocolError("stroke motion of direction %s" % direction)
        return StrokeMotion(number, source, direction, r.number("H"), r.number("B"))


class HealthReport(
    namedtuple(
        "HealthReport",
        (
            "battery_mv",
            "rate_mhz",
            "jitter_us",
            "glitches",
            "voided",
            "dose_mns",
            "dose_limit_mns",
            "idle_s",
        ),
    )
):
    """Sent once a second after a status: voltage, measured rate and its jitter, counters since boot, dose, sleep.

    A `battery_mv` and a `rate_mhz` of 0 are unknown, a `dose_limit_mns` of 0 is off, an `idle_s` of NEVER_SLEEPS says
    that the tool does not fall asleep. `glitches` are suspected, `voided` were thrown away by the converter's driver.
    """

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("H", self.battery_mv).number("I", self.rate_mhz).number("H", self.jitter_us)
        w.number("I", self.glitches).number("I", self.voided).number("I", self.dose_mns)
        return w.number("I", self.dose_limit_mns).number("H", self.idle_s).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "health")
        return HealthReport(
            r.number("H"),
            r.number("I"),
            r.number("H"),
            r.number("I"),
            r.number("I"),
            r.number("I"),
            r.number("I"),
            r.number("H"),
        )


class ChannelsReport(namedtuple("ChannelsReport", ("there", "chosen", "silenced_s"))):
    """By what the tool alerts: bits of what it has, bits of what is chosen, and how long it is silenced still, in s."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("B", self.there).number("B", self.chosen)
        return w.number("H", self.silenced_s).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "channels")
        return ChannelsReport(r.number("B"), r.number("B"), r.number("H"))


class LogPart(namedtuple("LogPart", ("offset", "total", "data"))):
    """A piece of the tool's crash log from byte `offset` on; `total` is its whole length, 0 where it is empty."""

    def to_payload(self):
        """Return the payload."""
        return Writer().number("I", self.offset).number("I", self.total).raw(self.data).payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "log part")
        return LogPart(r.number("I"), r.number("I"), r.rest())


class SelfTestRow(namedtuple("SelfTestRow", ("test", "verdict", "value", "low", "high"))):
    """One self-test: which, its verdict, what was measured, and the least and greatest value that passes."""


class SelfTestResult(namedtuple("SelfTestResult", ("request_id", "tests"))):
    """What the self-test of the request of that id found, a SelfTestRow for each test."""

    def to_payload(self):
        """Return the payload."""
        w = Writer().number("H", self.request_id).number("B", len(self.tests))
        for test, verdict, value, low, high in self.tests:
            w.number("B", test).number("B", verdict).number("i", value).number("i", low).number("i", high)
        return w.payload()

    @staticmethod
    def from_payload(payload):
        """Return the message."""
        r = Reader(payload, "self-test result")
        request_id = r.number("H")
        tests = tuple(
            [
                SelfTestRow(r.number("B"), r.number("B"), r.number("i"), r.number("i"), r.number("i"))
                for _ in range(r.number("B"))
            ]
        )
        return SelfTestResult(request_id, tests)
