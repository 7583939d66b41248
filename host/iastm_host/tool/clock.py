"""Host time minus tool time, from round trips (Cristian's algorithm; F. Cristian, Distributed Computing 3 (1989) 146).

In a round trip of length r the tool read its clock between sending and receiving, so the offset lies within ± r/2
of that of the middle. The shortest of recent round trips bounds it best. Drift moves it, so that only the last
`KEPT` count.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from iastm_host.events import ClockOffset

AT_HELLO = 8
KEPT = 32
# Beyond what both round trips allow, more than drift can make in the time that trips are kept (100 ppm over 32 s).
JUMP_US = 5_000


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """When the host asked and was answered, and when, by its own clock, the tool read the question."""

    sent_us: int
    tool_us: int
    received_us: int

    @property
    def length_us(self) -> int:
        """How long it took there and back, in host microseconds."""
        return self.received_us - self.sent_us


class ClockEstimate:
    """Collects round trips; `offset` is the present estimate and `newest` the last trip, None before the first."""

    def __init__(self) -> None:
        self.newest: RoundTrip | None = None
        self._trips: deque[tuple[int, int]] = deque(maxlen=KEPT)

    def add(self, sent_us: int, tool_us: int, received_us: int) -> None:
        """Take one round trip; one that ended before it began is left out."""
        if received_us < sent_us:
            return
        self.newest = RoundTrip(sent_us, tool_us, received_us)
        trip_us, offset_us = received_us - sent_us, (sent_us + received_us) // 2 - tool_us
        known = self.offset
        if known is not None:
            within_us = known.uncertainty_us + trip_us // 2 + JUMP_US
            if abs(offset_us - known.offset_us) > within_us:
                # One of the clocks jumped, as after a sleep: what was learnt before is about another pair.
                self._trips.clear()
        self._trips.append((trip_us, offset_us))

    @property
    def offset(self) -> ClockOffset | None:
        """Return host minus tool time in microseconds with its uncertainty (half of the shortest round trip)."""
        if not self._trips:
            return None
        trip_us, offset_us = min(self._trips)
        return ClockOffset(offset_us, (trip_us + 1) // 2)
