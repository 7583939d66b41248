"""What the battery has left, and when a tool that nobody uses goes to sleep. Numbers here are ours, grade none."""

from iastm_firmware.clock import ticks_between
from iastm_protocol import kinds
from iastm_protocol._compat import const

# (millivolts, percent) of one lithium-ion cell at rest, at room temperature. Cells differ by some percent.
_CURVE = ((3300, 0), (3600, 5), (3690, 10), (3740, 20), (3790, 35)) + (
    (3840, 50),
    (3920, 65),
    (4000, 78),
    (4100, 90),
    (4180, 100),
)
# What no cell has that runs a tool, or is charged: a divider that is not there, or a pin that floats.
_LEAST_MV = const(2500)
_MOST_MV = const(5500)
_LOW_PERCENT = const(15)
_LOW_ENDS_PERCENT = const(20)
_CRITICAL_PERCENT = const(5)
_CRITICAL_ENDS_PERCENT = const(8)
# A motor that starts pulls the voltage down for less than a second: a new reading counts an eighth.
_SMOOTHING = const(8)
# A gauge that does not answer once is still there.
_UNREAD_MOST = const(5)
# No technique holds one contact that long: something lies on the tool, or its zero is off.
_LONGEST_CONTACT_S = const(600)
# What is left of a critical battery is for the next stroke, not for waiting.
_CRITICAL_IDLE_S = const(60)


def percent_of(battery_mv):
    """Return percent for millivolts of a lithium-ion cell at rest; UNKNOWN_U8 for what is no cell's voltage."""
    if not _LEAST_MV <= battery_mv <= _MOST_MV:
        return kinds.UNKNOWN_U8
    below_mv, below = _CURVE[0]
    for above_mv, above in _CURVE:
        if battery_mv <= above_mv:
            return below + (battery_mv - below_mv) * (above - below) // max(1, above_mv - below_mv)
        below_mv, below = above_mv, above
    return below


class Battery:
    """Follows a battery: `note` its charge each second.

    `percent` is UNKNOWN_U8 where none was read yet, or five readings in a row failed, and then it is neither `low` nor
    `critical`. These two end at a higher charge than they begin.
    """

    def __init__(self):
        self.percent = kinds.UNKNOWN_U8
        self.low = False
        self.critical = False
        # Percent times _SMOOTHING.
        self._level = 0
        self._unread = 0

    def note(self, percent):
        """Take a reading of the charge in percent, UNKNOWN_U8 where it failed."""
        if percent == kinds.UNKNOWN_U8:
            self._unread += 1
            if self._unread >= _UNREAD_MOST:
                self.percent = percent
        else:
            self._unread = 0
            if self.percent == kinds.UNKNOWN_U8:
                self._level = percent * _SMOOTHING
            self._level += percent - self._level // _SMOOTHING
            self.percent = self._level // _SMOOTHING
        self.low = self._is_below(_LOW_ENDS_PERCENT if self.low else _LOW_PERCENT)
        self.critical = self._is_below(_CRITICAL_ENDS_PERCENT if self.critical else _CRITICAL_PERCENT)

    def _is_below(self, percent):
        return self.percent < percent


class Idle:
    """Tells when a tool should sleep that was not used for `idle_s` seconds; never where that is 0.

    It is used while a host takes the stream, while it moves, its button is down or a contact is under way; but a
    contact that lasts ten minutes is none. With a critical battery a minute is enough. `left_s` is the seconds until
    then, NEVER_SLEEPS where it does not sleep; `is_due` tells that they are over.
    """

    def __init__(self, clock, idle_s):
        self._clock = clock
        self._idle_s = idle_s
        self._limit_s = idle_s
        self._idle_ms = 0
        self._contact_s = 0
        self._ticks = clock.now()

    @property
    def left_s(self):
        """Seconds until the tool should sleep."""
        if not self._idle_s:
            return kinds.NEVER_SLEEPS
        return min(max(0, self._limit_s - self._idle_ms // 1000), kinds.NEVER_SLEEPS - 1)

    @property
    def is_due(self):
        """Whether the tool should sleep now."""
        return self.left_s == 0

    def used(self):
        """Begin anew: a gesture, a command that changes something, or the tool woke."""
        self._idle_ms = 0
        self._contact_s = 0
        self._ticks = self._clock.now()

    def second(self, is_used, in_contact, is_critical=False):
        """A second has passed: `is_used` by a stream, motion or button, `in_contact`, with a critical battery."""
        ticks = self._clock.now()
        passed_ms = ticks_between(self._ticks, ticks) // 1000
        self._ticks = ticks
        self._limit_s = min(self._idle_s, _CRITICAL_IDLE_S) if is_critical else self._idle_s
        self._contact_s = min(self._contact_s + 1, _LONGEST_CONTACT_S) if in_contact else 0
        if is_used or 0 < self._contact_s < _LONGEST_CONTACT_S:
            self._idle_ms = 0
        else:
            self._idle_ms = min(self._idle_ms + passed_ms, self._idle_s * 1000)
