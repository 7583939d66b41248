from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import ForceBlock, Gap, StatusReport
from iastm_host.tool.clock import RoundTrip
from iastm_host.workbench.link_figures import DRIFT_TELLS_PPM, LinkFigures, LinkMeter, drift_of

RATE_HZ = 320.0
BATCH = 8
BATCH_US = 25_000
BOOT = 7


def block(number: int, arrived_us: int, *, boot_id: int = BOOT, backfilled: bool = False, rate: float = 1.0) -> Any:
    """Return the batch of that number, each of 8 samples and 25 ms, its last sample at its end by the tool's clock."""
    period_us = BATCH_US / BATCH * rate
    first_us = round(number * BATCH_US * rate)
    return ForceBlock(
        boot_id, number * BATCH, first_us, period_us, np.zeros(BATCH), None, 0, arrived_us, backfilled=backfilled
    )


def last_us(number: int) -> int:
    return number * BATCH_US + round((BATCH - 1) * BATCH_US / BATCH)


def closed(meter: LinkMeter, now_us: int) -> LinkFigures:
    meter.close(now_us)
    return meter.figures(RATE_HZ, backfills=True)


def trips_over(length_s: float, *, drift_ppm: float = 0.0, up_us: int = 1000, down_us: int = 1000) -> list[RoundTrip]:
    """Return ten trips a second to a tool whose clock runs `drift_ppm` too fast and began at 5 s."""
    trips = []
    for sent_us in range(0, round(length_s * 1e6), 100_000):
        read_us = sent_us + up_us
        trips.append(RoundTrip(sent_us, round(5e6 + read_us * (1 + drift_ppm * 1e-6)), read_us + down_us))
    return trips


def test_the_rate_is_that_of_the_tool_s_own_clock() -> None:
    meter = LinkMeter(0)
    for number in range(40):
        meter.arrived(block(number, number * 30_000, rate=1 / 1.05))
    figures = closed(meter, 40 * 30_000)
    assert figures.rate_hz == pytest.approx(RATE_HZ * 1.05, rel=1e-4)
    assert figures.stated_rate_hz == RATE_HZ


def test_what_did_not_come_the_first_time_is_counted_and_what_never_came_apart_from_it() -> None:
    meter = LinkMeter(0)
    for number in (0, 1, 3, 4, 7, 8, 9):
        meter.arrived(block(number, number * BATCH_US))
    meter.arrived(block(2, 260_000, backfilled=True))
    meter.lost(Gap(BOOT, 5 * BATCH, 6, 0, 3125.0, "these samples could not be fetched"))
    figures = closed(meter, 300_000)
    assert figures.expected == 10 * BATCH
    assert figures.lost_first == 3 * BATCH
    assert figures.lost_first_permille == 300
    assert figures.lost_for_good == 6
    assert figures.lost_for_good_permille == 75


def test_what_comes_or_is_lost_after_the_end_does_not_count() -> None:
    meter = LinkMeter(0)
    for number in (0, 1, 3):
        meter.arrived(block(number, number * BATCH_US))
    meter.close(100_000)
    meter.arrived(block(9, 250_000))
    meter.trip(BOOT, RoundTrip(0, 1, 900_000))
    meter.status(BOOT, status(faults=("link stalled",)))
    meter.lost(Gap(BOOT, 2 * BATCH, BATCH, 0, 3125.0, "these samples could not be fetched"))
    meter.lost(Gap(BOOT, 4 * BATCH, 5 * BATCH, 0, 3125.0, "these samples could not be fetched"))
    figures = closed(meter, 300_000)
    assert figures.measured_s == 0.1
    assert figures.expected == 4 * BATCH
    assert figures.lost_first == BATCH
    assert figures.lost_for_good == BATCH
    assert figures.round_trip_ms is None
    assert figures.faults == ()


@pytest.mark.parametrize("away_us", [0, 5_000])
def test_jitter_is_how_far_arrivals_lie_from_the_usual_delay(away_us: int) -> None:
    meter = LinkMeter(0)
    for number in range(99):
        late_us = (0, away_us, -away_us)[number % 3]
        meter.arrived(block(number, 40_000_000 + last_us(number) + late_us))
    figures = closed(meter, 50_000_000)
    assert figures.jitter_ms == pytest.approx(away_us / 1000, abs=0.01)


def test_a_known_drift_is_no_jitter() -> None:
    meter = LinkMeter(0)
    for number in range(4000):
        meter.arrived(block(number, round(5_000_000 + last_us(number) * (1 - 200e-6))))
    for trip in trips_over(100.0, drift_ppm=200.0):
        meter.trip(BOOT, trip)
    figures = closed(meter, 105_000_000)
    assert figures.drift is not None
    assert figures.drift.ppm == pytest.approx(200, abs=25)
    # Without its drift 100 s would lie up to 10 ms from the median.
    assert figures.jitter_ms is not None
    assert figures.jitter_ms < 1.3


def test_round_trips_each_counted_once_are_told_as_median_95th_percentile_and_longest() -> None:
    meter = LinkMeter(0)
    meter.arrived(block(0, 10))
    for length_ms in range(1, 102):
        for _ in range(2):
            meter.trip(BOOT, RoundTrip(0, 0, length_ms * 1000))
    figures = closed(meter, 1)
    assert figures.round_trips == 101
    assert figures.round_trip_ms is not None
    assert (figures.round_trip_ms.median, figures.round_trip_ms.p95, figures.round_trip_ms.largest) == (51, 96, 101)


def test_the_longest_gap_may_lie_before_the_first_arrival_or_after_the_last() -> None:
    for first_us, last_arrival_us, end_us, longest_ms in (
        (700_000, 900_000, 1_000_000, 700),
        (100_000, 900_000, 1_000_000, 800),
        (100_000, 200_000, 1_000_000, 800),
    ):
        meter = LinkMeter(0)
        meter.arrived(block(0, first_us))
        meter.arrived(block(1, last_arrival_us))
        assert closed(meter, end_us).longest_gap_ms == longest_ms


def test_a_tool_that_starts_anew_loses_nothing_between_its_indices() -> None:
    meter = LinkMeter(0)
    for number in range(100, 110):
        meter.arrived(block(number, number * BATCH_US))
    for number in range(4):
        meter.arrived(block(number, 3_000_000 + number * BATCH_US, boot_id=8))
    meter.trip(BOOT, RoundTrip(3_100_000, 1, 3_101_000))
    figures = closed(meter, 4_000_000)
    assert figures.restarts == 1
    assert figures.expected == 14 * BATCH
    assert figures.lost_first == 0
    # The answer of a clock that is no more.
    assert figures.round_trips == 0


def status(missed: int = 0, battery: int | None = 82, faults: tuple[str, ...] = ()) -> StatusReport:
    return StatusReport(0, battery, None, faults, missed, 0, 0, 1)


def test_the_tool_s_own_misses_faults_and_battery_are_told() -> None:
    meter = LinkMeter(0)
    meter.arrived(block(0, 10))
    for missed, battery, faults in ((5, 12, ("link stalled",)), (7, 11, ()), (9, None, ("link stalled", "new"))):
        meter.status(BOOT, status(missed, battery, faults))
    figures = closed(meter, 1000)
    assert figures.missed_conversions == 4
    assert figures.faults == ("link stalled", "new")
    assert figures.battery_percent is None


def test_without_a_sample_all_that_needs_samples_is_unknown() -> None:
    figures = closed(LinkMeter(0), 10_000_000)
    assert figures.expected == 0
    assert figures.rate_hz is None
    assert figures.lost_first_permille is None
    assert figures.lost_for_good_permille is None
    assert figures.round_trip_ms is None
    assert figures.jitter_ms is None
    assert figures.drift is None
    assert figures.longest_gap_ms == 10_000


# Drift

DELAYS_US = st.integers(0, 30_000)


@given(
    st.floats(-500, 500),
    st.lists(st.tuples(DELAYS_US, DELAYS_US), min_size=2, max_size=450),
    st.sampled_from((0.1, 1.0, 10.0)),
)
def test_the_true_drift_lies_within_its_uncertainty_whatever_the_delays(
    drift_ppm: float, delays: list[tuple[int, int]], every_s: float
) -> None:
    trips = []
    for number, (up_us, down_us) in enumerate(delays):
        sent_us = round(number * every_s * 1e6)
        read_us = sent_us + up_us
        trips.append(RoundTrip(sent_us, round(1e9 + read_us * (1 + drift_ppm * 1e-6)), read_us + down_us))
    drift = drift_of(trips)
    if drift is None:
        return
    assert drift.uncertainty_ppm <= DRIFT_TELLS_PPM
    # Times are whole microseconds.
    rounding_ppm = 2e6 / (trips[-1].tool_us - trips[0].tool_us)
    assert abs(drift.ppm - drift_ppm) <= drift.uncertainty_ppm + rounding_ppm


@pytest.mark.parametrize("drift_ppm", [-300.0, 0.0, 40.0])
def test_drift_is_known_the_better_the_longer_it_is_watched(drift_ppm: float) -> None:
    assert drift_of(trips_over(5.0, drift_ppm=drift_ppm)) is None
    in_a_minute, in_ten = drift_of(trips_over(60.0, drift_ppm=drift_ppm)), drift_of(trips_over(600.0))
    assert in_a_minute is not None
    assert in_ten is not None
    assert in_a_minute.ppm == pytest.approx(drift_ppm, abs=in_a_minute.uncertainty_ppm + 1)
    assert in_ten.uncertainty_ppm < in_a_minute.uncertainty_ppm / 5


def test_a_clock_that_jumped_has_no_drift() -> None:
    trips = trips_over(60.0)
    jumped = [RoundTrip(trip.sent_us, trip.tool_us + 900_000, trip.received_us) for trip in trips[300:]]
    assert drift_of(trips[:300] + jumped) is None


def test_no_trip_and_one_trip_tell_no_drift() -> None:
    assert drift_of([]) is None
    assert drift_of([RoundTrip(0, 5, 10)]) is None
