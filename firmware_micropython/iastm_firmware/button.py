"""The tool's button, debounced: its gestures by the times of the one table, iastm_protocol/gestures.py."""

from iastm_firmware.clock import ticks_between
from iastm_firmware.status import measured
from iastm_protocol import gestures, kinds
from iastm_protocol._compat import const

_DEBOUNCE_US = gestures.DEBOUNCE_MS * 1000
_DOUBLE_WITHIN_US = gestures.DOUBLE_WITHIN_MS * 1000
_LONG_US = gestures.LONG_MS * 1000

# What a gesture has come to: nothing, a first press that is down, one that was let go, a press that was told.
_NONE = const(0)
_DOWN = const(1)
_UP = const(2)
_TOLD = const(3)


class Button:
    """Finds gestures in `read`, a function that tells whether the button is down. Allocates nothing per step.

    `pressed_now` tells that a press began with this step; `begins` that it is the first one of a gesture. Down since
    the start, as while it switches the tool on, is no press. Where `read` raises it is not down.
    """

    def __init__(self, read, clock):
        self._read = read
        self._clock = clock
        self._level = measured(read, False)
        self._down = self._level
        self._level_ticks = clock.now()
        self._state = _TOLD if self._down else _NONE
        # Since when it has been so, by the button's contact: debouncing lengthens nothing.
        self._state_ticks = self._level_ticks
        self.pressed_now = False
        self.begins = False

    def step(self):
        """Look at the button, a few milliseconds after the last time; return the gesture that was made, or 0."""
        self.pressed_now = False
        self.begins = False
        ticks = self._clock.now()
        level = measured(self._read, False)
        if level != self._level:
            self._level = level
            self._level_ticks = ticks
        elif level != self._down and ticks_between(self._level_ticks, ticks) >= _DEBOUNCE_US:
            self._down = level
            return self._pressed() if level else self._released()
        if self._state == _DOWN and ticks_between(self._state_ticks, ticks) >= _LONG_US and self._level:
            self._state = _TOLD
            return kinds.GESTURE_LONG
        if self._state == _UP and ticks_between(self._state_ticks, ticks) > _DOUBLE_WITHIN_US and not self._in_time():
            self._state = _NONE
            return kinds.GESTURE_PRESS
        return 0

    def _in_time(self):
        # Whether there is contact that began soon enough to be the second press, if it lasts.
        return self._level and ticks_between(self._state_ticks, self._level_ticks) <= _DOUBLE_WITHIN_US

    def _pressed(self):
        self.pressed_now = True
        if self._state == _UP:
            self._state = _TOLD
            return kinds.GESTURE_DOUBLE
        self.begins = True
        self._state = _DOWN
        self._state_ticks = self._level_ticks
        return 0

    def _released(self):
        self._state = _UP if self._state == _DOWN else _NONE
        self._state_ticks = self._level_ticks
        return 0
