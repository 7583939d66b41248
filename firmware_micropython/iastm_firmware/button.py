"""The tool's button, debounced: one long press is one press."""

from iastm_firmware.clock import ticks_between
from iastm_firmware.status import measured
from iastm_protocol._compat import const

_DEBOUNCE_US = const(30000)


class Button:
    """Finds presses in `read`, a function that tells whether the button is down. Allocates nothing per step.

    Down since the start, as while it switches the tool on, is no press. Where `read` raises OSError it is not down.
    """

    def __init__(self, read, clock):
        self._read = read
        self._clock = clock
        self._level = measured(read, False)
        self._down = self._level
        self._since_ticks = clock.now()

    def step(self):
        """Look at the button, a few milliseconds after the last time; return whether a press began just now."""
        level = measured(self._read, False)
        if level != self._level:
            self._level = level
            self._since_ticks = self._clock.now()
            return False
        if level == self._down or ticks_between(self._since_ticks, self._clock.now()) < _DEBOUNCE_US:
            return False
        self._down = level
        return level
