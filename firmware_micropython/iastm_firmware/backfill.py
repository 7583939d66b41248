"""What a host asks for once more: samples from the ring, in index order, and events."""

from iastm_firmware.ring import Cursor
from iastm_protocol import kinds

_FLAGS_AT = 14
_GONE_BYTES = 8


def _write_u32(value, payload, at):
    payload[at] = value & 0xFF
    payload[at + 1] = (value >> 8) & 0xFF
    payload[at + 2] = (value >> 16) & 0xFF
    payload[at + 3] = (value >> 24) & 0xFF


class SampleBackfill:
    """Fetched samples of one link. Allocates nothing per sample.

    `kind` is that of the payload written last: FORCE_SAMPLES, or GONE for what the ring does not hold (any more).
    """

    def __init__(self, ring):
        self._ring = ring
        self._cursor = Cursor()
        self._next = 0
        self._end = 0
        self.kind = kinds.FORCE_SAMPLES

    def begin(self, first_index, samples, next_index):
        """Fetch `samples` samples from `first_index` on, instead of what was asked for before.

        What comes from `next_index` (that of the conversion to come) on is no matter of backfill.
        """
        self._next = first_index
        self._end = min(first_index + samples, next_index)
        self._ring.lose(self._cursor)

    @property
    def under_way(self):
        """Whether some of what was asked for was not sent yet."""
        return self._next < self._end

    def cancel(self):
        """Fetch no more."""
        self._end = 0

    def write(self, payload):
        """Write the next payload; return its length, 0 where there is nothing more, or not until a batch is closed."""
        if self._next >= self._end or not self._ring.reach(self._cursor, self._next):
            return 0
        first = self._cursor.first_index
        if first > self._next:
            until = min(first, self._end)
            _write_u32(self._next, payload, 0)
            _write_u32(until - self._next, payload, 4)
            self._next = until
            self.kind = kinds.GONE
            return _GONE_BYTES
        n = self._ring.copy(self._cursor, payload)
        payload[_FLAGS_AT] |= kinds.BACKFILLED
        self._next = first + self._cursor.count
        self.kind = kinds.FORCE_SAMPLES
        return n


class EventBackfill:
    """Fetched events of one link."""

    def __init__(self, events):
        self._events = events
        self._last_sent = 0
        self._end = 0

    def begin(self, first_event):
        """Send the events from id `first_event` up to the newest once more, as far as they are kept."""
        self._last_sent = max(0, first_event - 1)
        self._end = self._events.last_number

    def cancel(self):
        """Send none more."""
        self._end = 0

    def next(self):
        """Return (kind, payload) of the next event, None where there is none."""
        if self._last_sent >= self._end:
            return None
        self._last_sent, kind, payload = self._events.after(self._last_sent)
        return kind, payload
