from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import ClockOffset
from iastm_host.tool.clock import DRIFT_PPM, KEPT, ClockEstimate, RoundTrip

TRIPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=KEPT)


def test_without_a_round_trip_the_offset_is_unknown() -> None:
    assert ClockEstimate().offset is None


@given(TRIPS, st.integers(-(10**12), 10**12), st.integers(-DRIFT_PPM, DRIFT_PPM))
def test_the_truth_lies_within_the_uncertainty_however_uneven_the_ways_are_and_however_the_clocks_drift(
    trips: list[tuple[int, int]], offset_us: int, drift_ppm: int
) -> None:
    estimate = ClockEstimate()

    def true_offset_us(host_us: int) -> int:
        return offset_us + (host_us - 2 * 10**12) * drift_ppm // 1_000_000

    for number, (up_us, down_us) in enumerate(trips):
        sent_us = 2 * 10**12 + number * 10**7
        read_us, received_us = sent_us + up_us, sent_us + up_us + down_us
        estimate.add(sent_us, read_us - true_offset_us(read_us), received_us)
    told = estimate.offset
    assert told is not None
    # What drifts within a round trip, and what is rounded, is less than this.
    slack_us = 100 + 2
    assert abs(told.offset_us - true_offset_us(received_us)) <= told.uncertainty_us + slack_us
    assert told.uncertainty_us <= (sum(trips[-1]) + 1) // 2


def test_an_answer_before_the_question_counts_for_nothing() -> None:
    estimate = ClockEstimate()
    estimate.add(1000, 5, 999)
    assert estimate.offset is None


def test_the_newest_trip_is_told_with_its_length() -> None:
    estimate = ClockEstimate()
    estimate.add(0, 200, 400)
    estimate.add(1_000_000, 1_000_100, 1_900_000)
    estimate.add(2_000_000, 2_000_100, 1_999_999)
    assert estimate.newest == RoundTrip(1_000_000, 1_000_100, 1_900_000)
    assert estimate.newest.length_us == 900_000


def test_an_old_short_trip_gives_way_so_that_drift_is_followed() -> None:
    estimate = ClockEstimate()
    estimate.add(0, 0, 10)
    for number in range(1, KEPT + 1):
        estimate.add(number * 1_000_000, number * 1_000_000 - 500, number * 1_000_000 + 100)
    assert estimate.offset == ClockOffset(550, 50)


def test_after_a_jump_of_a_clock_the_next_round_trip_counts_at_once() -> None:
    estimate = ClockEstimate()
    for at_us in range(0, 8_000_000, 1_000_000):
        estimate.add(at_us, at_us, at_us + 400)
    # The host slept for an hour; the tool did not.
    estimate.add(9_000_000, 3_609_000_000, 9_004_000)
    assert estimate.offset == ClockOffset(9_002_000 - 3_609_000_000, 2000)


def test_a_slow_trip_is_no_jump() -> None:
    estimate = ClockEstimate()
    estimate.add(0, 200, 400)
    estimate.add(1_000_000, 1_000_100, 1_900_000)
    assert estimate.offset == ClockOffset(0, 200 + 189)
