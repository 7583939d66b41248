"""The way out of a link: keeps what a carrier refused, and finds out that nobody reads."""

from iastm_firmware.clock import ticks_between
from iastm_protocol._compat import const, micropython

_STALL_US = const(300000)
# USB drivers hold a write for 200 to 500 ms where the host does not read, then drop the bytes.
_SLOW_WRITE_US = const(150000)
_MAX_STALLS = const(2)
_TRY_EVERY_US = const(1000000)


class Outlet:
    """Writes one frame at a time; `suspended` after two stalls, until `resume`.

    A stream that refuses is tried once a second meanwhile, because that costs nothing. One that holds a write is not:
    it would hold the sampling each time, and tells nothing.

    `stream.write(data)` takes what it can of a frame, or of the rest of one, and says how many bytes that was.
    """

    def __init__(self, stream, clock):
        self._stream = stream
        self._clock = clock
        self._rest = None
        self._since_ticks = 0
        self._stalls = 0
        self._held = False
        self.suspended = False

    def resume(self):
        """The host spoke: it is there again."""
        self._stalls = 0
        self._held = False
        self.suspended = False
        self._since_ticks = self._clock.now()

    def restart(self):
        """Another host comes: what the one before did not take is not for it."""
        self._rest = None
        self.resume()

    @micropython.native
    def ready(self):
        """Write on what is left; return True where a new frame may come."""
        if self.suspended and not self._worth_a_try():
            return False
        if self._rest is not None:
            self._write(self._rest)
        return self._rest is None and not self.suspended

    def send(self, frame):
        """Write a frame (memoryview), which must stay as it is until `ready` says so."""
        self._since_ticks = self._clock.now()
        self._write(frame)

    def _worth_a_try(self):
        return not self._held and ticks_between(self._since_ticks, self._clock.now()) >= _TRY_EVERY_US

    def _write(self, data):
        before_ticks = self._clock.now()
        taken = self._stream.write(data)
        after_ticks = self._clock.now()
        self._rest = data[taken:] if taken < len(data) else None
        if ticks_between(before_ticks, after_ticks) >= _SLOW_WRITE_US:
            self._held = True
            self._stall()
        elif self._rest is None:
            self._stalls = 0
            self.suspended = False
        elif taken:
            self._since_ticks = after_ticks
            self._stalls = 0
            self.suspended = False
        elif ticks_between(self._since_ticks, after_ticks) >= _STALL_US:
            self._since_ticks = after_ticks
            self._stall()

    def _stall(self):
        self._stalls += 1
        self.suspended = self._stalls >= _MAX_STALLS
