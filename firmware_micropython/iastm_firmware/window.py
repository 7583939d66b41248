"""How many frames of samples are under way: bounds what a radio stack would queue without end."""

from iastm_firmware.clock import ticks_between
from iastm_protocol._compat import const
from iastm_protocol.kinds import BACKFILLED

# A host that acknowledges does so several times a second.
_PATIENCE_US = const(2000000)
_FLAGS_AT = const(14)
_COUNTS_AT = const(15)


class Window:
    """At most `frames` frames of samples beyond the last acknowledgement, once there is one; 0 is no bound.

    A carrier keeps the order of frames: with one that is acknowledged, all that went before it have come, newer samples
    among them that lie beyond a hole. Where nothing more is acknowledged for two seconds the bound is lifted: such a
    host shall not stop the samples for ever.
    """

    def __init__(self, frames, clock):
        self._clock = clock
        self._frames = frames
        # The index after each frame that is under way, the oldest one at `_oldest`.
        self._ends = [0] * frames
        self._oldest = 0
        self._count = 0
        # How many of them went out up to the newest fetched one.
        self._up_to_fetched = 0
        self._acknowledged = False
        self._since_ticks = 0

    def restart(self):
        """Another host comes: nothing is under way to it, and nothing acknowledged."""
        self._count = 0
        self._up_to_fetched = 0
        self._acknowledged = False

    def acknowledge(self, next_index):
        """The host has every sample before `next_index`."""
        if not self._frames:
            return
        come = 0
        for i in range(self._count):
            if self._ends[(self._oldest + i) % self._frames] <= next_index:
                come = i + 1
        if come or not self._count or not self._acknowledged:
            self._since_ticks = self._clock.now()
        self._acknowledged = True
        self._oldest = (self._oldest + come) % self._frames
        self._count -= come
        self._up_to_fetched = max(0, self._up_to_fetched - come)

    def hole(self):
        """The host asks for samples once more: what is beyond them may have come, and can't be acknowledged."""
        self._count = 0
        self._up_to_fetched = 0
        self._since_ticks = self._clock.now()

    def sent(self, payload, n):
        """A frame of samples with this payload of `n` bytes goes out."""
        if not self._acknowledged:
            return
        end = (payload[0] | payload[1] << 8 | payload[2] << 16 | payload[3] << 24) + (n - _COUNTS_AT) // 3
        self._ends[(self._oldest + self._count) % self._frames] = end
        self._count += 1
        if payload[_FLAGS_AT] & BACKFILLED:
            self._up_to_fetched = self._count

    @property
    def vouched(self):
        """Whether a fetched frame is under way: acknowledged, it speaks for what went before it."""
        return self._up_to_fetched > 0

    def full(self, spare=0):
        """Return whether samples must wait for an acknowledgement, `spare` frames of the window being for others."""
        if self._count + spare < self._frames or not self._acknowledged:
            return False
        # Negative where it was minutes ago, before a stream that ended.
        if not 0 <= ticks_between(self._since_ticks, self._clock.now()) < _PATIENCE_US:
            self.restart()
            return False
        return True
