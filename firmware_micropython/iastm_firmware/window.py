"""How many frames of samples are under way: bounds what a radio stack would queue without end."""

from iastm_firmware.clock import ticks_between
from iastm_protocol._compat import const

# A host that acknowledges does so several times a second.
_PATIENCE_US = const(2000000)
_COUNTS_AT = const(15)


class Window:
    """At most `frames` frames of samples beyond the last acknowledgement, once there is one; 0 is no bound.

    Without an acknowledgement for two seconds the bound is lifted: a host that acknowledges no more shall not stop
    the samples for ever.
    """

    def __init__(self, frames, clock):
        self._clock = clock
        self._frames = frames
        # The index after each frame that is under way, the oldest one at `_oldest`.
        self._ends = [0] * frames
        self._oldest = 0
        self._count = 0
        self._acknowledged = False
        self._since_ticks = 0

    def restart(self):
        """Another host comes: nothing is under way to it, and nothing acknowledged."""
        self._count = 0
        self._acknowledged = False

    def acknowledge(self, next_index):
        """The host has every sample before `next_index`."""
        if not self._frames:
            return
        self._acknowledged = True
        self._since_ticks = self._clock.now()
        while self._count and self._ends[self._oldest] <= next_index:
            self._oldest = (self._oldest + 1) % self._frames
            self._count -= 1

    def sent(self, payload, n):
        """A frame of samples with this payload of `n` bytes goes out."""
        if not self._acknowledged:
            return
        end = (payload[0] | payload[1] << 8 | payload[2] << 16 | payload[3] << 24) + (n - _COUNTS_AT) // 3
        self._ends[(self._oldest + self._count) % self._frames] = end
        self._count += 1

    def full(self):
        """Return whether samples must wait for an acknowledgement."""
        if self._count < self._frames or not self._acknowledged:
            return False
        if ticks_between(self._since_ticks, self._clock.now()) >= _PATIENCE_US:
            self.restart()
            return False
        return True
