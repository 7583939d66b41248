"""Host time minus tool time, from round trips (Cristian's algorithm; F. Cristian, Distributed Computing 3 (1989) 146).

In a round trip of length r the tool read its clock between sending and receiving, so the offset then lay within ± r/2
of that of the middle. Drift moves it since: each trip is worth less with its age, and the one that bounds the offset
best now is taken.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from iastm_host.events import ClockOffset

AT_HELLO = 8
KEPT = 32
# Two crystals of ± 50 ppm, as boards and computers have them or better ones.
DRIFT_PPM = 100
# Beyond what both round trips and drift allow.
JUMP_US = 2_000


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
        self._trips: deque[tuple[int, int, int]] = deque(maxlen=KEPT)

    def add(self, sent_us: int, tool_us: int, received_us: int) -> None:
        """Take one round trip; one that ended before it began is left out."""
        if received_us < sent_us:
            return
        self.newest = RoundTrip(sent_us, tool_us, received_us)
        trip_us, offset_us = received_us - sent_us, (sent_us + received_us) // 2 - tool_us
        known = self._offset_at(received_us)
        if known is not None:
            within_us = known.uncertainty_us + trip_us // 2 + JUMP_US
            if abs(offset_us - known.offset_us) > within_us:
                # One of the clocks jumped, as after a sleep: what was learnt before is about another pair.
                self._trips.clear()
        self._trips.append((received_us, trip_us, offset_us))

    @property
    def offset(self) -> ClockOffset | None:
        """Return host minus tool time in microseconds with its uncertainty, as of the newest round trip."""
        return self._offset_at(self._trips[-1][0]) if self._trips else None

    def _offset_at(self, now_us: int) -> ClockOffset | None:
        bounds = [
            ((trip_us + 1) // 2 + (now_us - at_us) * DRIFT_PPM // 1_000_000, offset_us)
            for at_us, trip_us, offset_us in self._trips
        ]
        if not bounds:
            return None
        uncertainty_us, offset_us = min(bounds)
        return ClockOffset(offset_us, uncertainty_us)
