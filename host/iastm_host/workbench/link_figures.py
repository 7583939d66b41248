"""What a link does, in figures: collected from blocks and round trips, each with its time. No clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import ForceBlock, Gap, StatusReport
from iastm_host.tool.clock import RoundTrip

# A drift that is known less well than this says nothing that the clocks' makers did not say already.
DRIFT_TELLS_PPM = 100.0
# Pairs of trips are compared: more of them would cost time and tell nothing new.
_TRIPS_COMPARED = 200


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 95th percentile and largest of some values, in their unit."""

    median: float
    p95: float
    largest: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How much faster the tool's clock runs than the host's, in ppm, and the bound of its error (±)."""

    ppm: float
    uncertainty_ppm: float


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """What a link did in `measured_s` seconds. None is unknown, as with too few samples or too short a time.

    `lost_first` samples did not come the first time, `lost_for_good` not on asking again either; `expected` are those
    that the tool's indices promise. `rate_hz` is by the tool's own clock. `jitter_ms` is the 95th percentile of how far
    a batch's delay, from its last sample to its arrival, lies from the median delay, less the clocks' drift where that
    is known. `longest_gap_ms` lies between arrivals of new samples. `missed_conversions` are the tool's own between its
    first status and its last, `faults` what it reported. `ended_early`: why the link ended before its time; `gone`: the
    place where the tool was is not there any more, as with a cable pulled. `stopped`: a person ended the test.
    """

    measured_s: float
    stated_rate_hz: float
    rate_hz: float | None
    expected: int
    lost_first: int
    lost_for_good: int
    damaged_frames: int
    unreadable_frames: int
    round_trips: int
    round_trip_ms: Spread | None
    pings_unanswered: int
    jitter_ms: float | None
    drift: Drift | None
    longest_gap_ms: float
    reconnects: int
    restarts: int
    missed_conversions: int
    faults: tuple[str, ...]
    battery_percent: int | None
    backfills: bool
    ended_early: str
    gone: bool = False
    stopped: bool = False

    @property
    def lost_first_permille(self) -> float | None:
        """Samples that did not come the first time, ‰."""
        return 1000 * self.lost_first / self.expected if self.expected else None

    @property
    def lost_for_good_permille(self) -> float | None:
        """Samples that could not be had, ‰."""
        return 1000 * self.lost_for_good / self.expected if self.expected else None


@dataclass(slots=True)
class _Boot:
    """What came from a tool between two of its starts; delays are arrivals less tool times of last samples."""

    boot_id: int
    first_index: int
    first_us: int
    next_index: int
    last_us: int = 0
    last_at_us: list[int] = field(default_factory=list)
    delays_us: list[int] = field(default_factory=list)
    trips: list[RoundTrip] = field(default_factory=list)
    missed: tuple[int, int] | None = None

    @property
    def samples(self) -> int:
        return self.next_index - self.first_index

    @property
    def rate_hz(self) -> float | None:
        span_us = self.last_us - self.first_us
        return (self.samples - 1) * 1e6 / span_us if span_us > 0 else None


class LinkMeter:
    """Collects from `started_us` (host time) until `close`, and from then on only what is lost of the time before.

    The counters are whoever feeds it to raise.
    """

    def __init__(self, started_us: int) -> None:
        self.started_us = started_us
        self.closed_us: int | None = None
        self.damaged_frames = 0
        self.unreadable_frames = 0
        self.pings_unanswered = 0
        self.reconnects = 0
        self.ended_early = ""
        self.gone = self.stopped = False
        self._arrived_us = started_us
        self._longest_gap_us = 0
        self._lost_first = 0
        self._lost_for_good = 0
        self._boots: list[_Boot] = []
        self._faults: list[str] = []
        self._battery_percent: int | None = None

    def arrived(self, block: ForceBlock) -> None:
        """Take samples that came the first time."""
        if self.closed_us is not None or block.backfilled or len(block.force_n) == 0:
            return
        boot = self._present(block.boot_id)
        if boot is None:
            boot = _Boot(block.boot_id, block.first_index, block.tool_us, block.first_index)
            self._boots.append(boot)
        self._lost_first += max(0, block.first_index - boot.next_index)
        boot.next_index = block.next_index
        boot.last_us = block.tool_us + round((len(block.force_n) - 1) * block.period_us)
        boot.last_at_us.append(boot.last_us)
        boot.delays_us.append(block.arrived_us - boot.last_us)
        self._heard(block.arrived_us)

    def lost(self, gap: Gap) -> None:
        """Take samples that could not be had."""
        for boot in self._boots:
            if boot.boot_id == gap.boot_id:
                first = max(gap.first_index, boot.first_index)
                end = min(gap.first_index + gap.sample_count, boot.next_index)
                self._lost_for_good += max(0, end - first)

    def trip(self, boot_id: int, trip: RoundTrip) -> None:
        """Take a round trip to the tool as it started as `boot_id`; one that is told again counts once."""
        if self.closed_us is None and (boot := self._present(boot_id)) is not None and boot.trips[-1:] != [trip]:
            boot.trips.append(trip)

    def status(self, boot_id: int, status: StatusReport) -> None:
        """Take what the tool, as it started as `boot_id`, says of itself."""
        if self.closed_us is not None:
            return
        self._battery_percent = status.battery_percent
        self._faults += [fault for fault in status.faults if fault not in self._faults]
        if (boot := self._present(boot_id)) is not None:
            first = boot.missed[0] if boot.missed is not None else status.missed_conversions
            boot.missed = (first, status.missed_conversions)

    def close(self, now_us: int) -> None:
        """End the time that is measured."""
        if self.closed_us is None:
            self.closed_us = now_us
            self._heard(now_us)

    @property
    def end_index(self) -> int:
        """The index after the last sample that came the first time."""
        return self._boots[-1].next_index if self._boots else 0

    def figures(self, stated_rate_hz: float, *, backfills: bool) -> LinkFigures:
        """Return the figures, once closed."""
        assert self.closed_us is not None
        longest = max(self._boots, key=lambda boot: boot.samples, default=None)
        drift = None if longest is None else drift_of(longest.trips)
        trips = [trip for boot in self._boots for trip in boot.trips]
        return LinkFigures(
            measured_s=(self.closed_us - self.started_us) / 1e6,
            stated_rate_hz=stated_rate_hz,
            rate_hz=None if longest is None else longest.rate_hz,
            expected=sum(boot.samples for boot in self._boots),
            lost_first=self._lost_first,
            lost_for_good=self._lost_for_good,
            damaged_frames=self.damaged_frames,
            unreadable_frames=self.unreadable_frames,
            round_trips=len(trips),
            round_trip_ms=_spread([trip.length_us / 1000 for trip in trips]),
            pings_unanswered=self.pings_unanswered,
            jitter_ms=self._jitter_ms(drift),
            drift=drift,
            longest_gap_ms=self._longest_gap_us / 1000,
            reconnects=self.reconnects,
            restarts=max(0, len(self._boots) - 1),
            missed_conversions=sum(boot.missed[1] - boot.missed[0] for boot in self._boots if boot.missed),
            faults=tuple(self._faults),
            battery_percent=self._battery_percent,
            backfills=backfills,
            ended_early=self.ended_early,
            gone=self.gone,
            stopped=self.stopped,
        )

    def _present(self, boot_id: int) -> _Boot | None:
        return self._boots[-1] if self._boots and self._boots[-1].boot_id == boot_id else None

    def _heard(self, now_us: int) -> None:
        self._longest_gap_us = max(self._longest_gap_us, now_us - self._arrived_us)
        self._arrived_us = now_us

    def _jitter_ms(self, drift: Drift | None) -> float | None:
        away = []
        for boot in self._boots:
            delays_us = np.array(boot.delays_us, dtype=np.float64)
            if drift is not None:
                delays_us += np.array(boot.last_at_us, dtype=np.float64) * (drift.ppm * 1e-6)
            away.append(np.abs(delays_us - np.median(delays_us)))
        return float(np.percentile(np.concatenate(away), 95)) / 1000 if away else None


def drift_of(trips: list[RoundTrip]) -> Drift | None:
    """Return the drift that all round trips allow; None where they allow too much, or nothing as after a sleep.

    The tool read its clock between sending and receiving, so each trip bounds host minus tool time from both sides. A
    line through all these bounds exists for slopes between the steepest that a pair of trips demands and the flattest
    that one allows (intervals that meet in pairs meet all). So the error is bounded, whatever delays the link has.
    """
    shortest = _shortest_over_time(trips)
    if len(shortest) < 2:
        return None
    at_us = np.array([trip.tool_us for trip in shortest], dtype=np.float64)
    least_us = np.array([trip.sent_us - trip.tool_us for trip in shortest], dtype=np.float64)
    most_us = np.array([trip.received_us - trip.tool_us for trip in shortest], dtype=np.float64)
    earlier, later = np.triu_indices(len(shortest), 1)
    apart_us = at_us[later] - at_us[earlier]
    if not np.all(apart_us > 0):
        return None
    lowest = float(np.max((least_us[later] - most_us[earlier]) / apart_us))
    highest = float(np.min((most_us[later] - least_us[earlier]) / apart_us))
    # A tool that gains falls behind in host minus tool.
    drift = Drift(-(lowest + highest) / 2 * 1e6, (highest - lowest) / 2 * 1e6)
    return drift if 0 <= drift.uncertainty_ppm <= DRIFT_TELLS_PPM else None


def _shortest_over_time(trips: list[RoundTrip]) -> list[RoundTrip]:
    """Return the shortest of each run of trips, so many runs as are compared."""
    runs = -(-len(trips) // _TRIPS_COMPARED)
    return [min(trips[at : at + runs], key=lambda trip: trip.length_us) for at in range(0, len(trips), max(runs, 1))]


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    median, p95, largest = _percentiles(np.array(values), (50, 95, 100))
    return Spread(median, p95, largest)


def _percentiles(values: NDArray[np.float64], wanted: tuple[int, int, int]) -> tuple[float, float, float]:
    first, second, third = np.percentile(values, wanted).tolist()
    return first, second, third
