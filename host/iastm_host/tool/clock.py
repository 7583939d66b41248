"""Host time minus tool time, from round trips (Cristian's algorithm; F. Cristian, Distributed Computing 3 (1989) 146).

In a round trip of length r the tool read its clock between sending and receiving, so the offset lies within ± r/2
of that of the middle. The shortest of recent round trips bounds it best. Drift moves it, so that only the last
`KEPT` count.
"""

from __future__ import annotations

from collections import deque

from iastm_host.events import ClockOffset

AT_HELLO = 8
KEPT = 32
# Beyond what both round trips allow, more than drift can make in the time that trips are kept (100 ppm over 32 s).
JUMP_US = 5_000


class ClockEstimate:
    """Collects round trips; `offset` is the present estimate, None before the first."""

    def __init__(self) -> None:
        self._trips: deque[tuple[int, int]] = deque(maxlen=KEPT)

    def add(self, sent_us: int, tool_us: int, received_us: int) -> None:
        """Take one round trip; one that ended before it began is left out."""
        if received_us < sent_us:
            return
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
