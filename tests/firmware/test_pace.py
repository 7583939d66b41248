from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iastm_firmware.drivers.pace import Pace

TICKS_MASK = 0x3FFFFFFF
# NAU7802 at 320/s, ADS1220 at 330/s, HX711 at 80/s and 10/s.
PERIODS_US = [3125, 3030, 12500, 100000]


class Converter:
    """Conversions at an even pace of its own; a reading gets the newest one, late by less than a period."""

    def __init__(self, pace: Pace, period_us: float, start_us: int = 0) -> None:
        self.pace = pace
        self.period_us = period_us
        self.start_us = start_us
        self.conversion = 0

    def read(self, late_share: float = 0.0, skip: int = 0) -> int:
        """Read the next conversion but `skip`; return by how many Pace counted too many."""
        self.conversion += 1 + skip
        ready_us = self.start_us + self.conversion * self.period_us
        missed: int = self.pace.follow(round(ready_us + late_share * self.period_us) & TICKS_MASK)
        return missed - skip


def punctual(rng: random.Random, n: int) -> Iterator[float]:
    return (rng.uniform(0, 0.002) for _ in range(n))


@given(
    nominal_us=st.sampled_from(PERIODS_US),
    off=st.floats(-0.1, 0.1),
    start_us=st.integers(0, TICKS_MASK),
    seed=st.integers(0, 2**32),
    stalls=st.lists(st.tuples(st.integers(0, 160), st.floats(0, 0.8)), max_size=20),
)
@example(nominal_us=3125, off=0.0, start_us=965274705, seed=1, stalls=[(160, 0.8)] * 20)
@example(nominal_us=100000, off=-0.1, start_us=562606418, seed=2, stalls=[(0, 0.8), (120, 0.8), (160, 0.0)] * 6)
def test_conversions_missed_in_a_stall_are_counted_exactly_up_to_a_reading_four_fifths_late(
    nominal_us: int, off: float, start_us: int, seed: int, stalls: list[tuple[int, float]]
) -> None:
    rng = random.Random(seed)
    converter = Converter(Pace(nominal_us), nominal_us * (1 + off), start_us)
    assert sum(converter.read(late) for late in punctual(rng, 300)) == 0
    for skip, late in stalls:
        assert converter.read(late, skip) == 0
        for punctual_late in punctual(rng, rng.randrange(20)):
            assert converter.read(punctual_late) == 0


@given(nominal_us=st.sampled_from(PERIODS_US), off=st.floats(-0.1, 0.1), seed=st.integers(0, 2**32))
def test_readings_that_come_late_at_random_are_no_missed_conversions(nominal_us: int, off: float, seed: int) -> None:
    rng = random.Random(seed)
    converter = Converter(Pace(nominal_us), nominal_us * (1 + off))
    # Spacings up to 1.5 periods, as of a loop that polls twice in a period.
    assert [converter.read(rng.uniform(0, 0.5)) for _ in range(1500)] == [0] * 1500


@given(
    nominal_us=st.sampled_from(PERIODS_US),
    off=st.floats(-0.1, 0.1),
    step_share=st.floats(0.02, 0.75),
)
def test_a_loop_that_polls_at_a_pace_of_its_own_misses_nothing(nominal_us: int, off: float, step_share: float) -> None:
    period_us = nominal_us * (1 + off)
    step_us = step_share * period_us
    pace = Pace(nominal_us)
    # Read at the first poll after a conversion is ready.
    polls = [math.ceil(conversion * period_us / step_us) for conversion in range(2000)]
    assert [pace.follow(round(poll * step_us) & TICKS_MASK) for poll in polls] == [0] * 2000


def test_after_a_second_the_period_is_known_to_one_part_in_a_thousand() -> None:
    for off in (-0.1, -0.03, 0.0, 0.07, 0.1):
        rng = random.Random(7)
        converter = Converter(Pace(3125), 3125 * (1 + off))
        for late in punctual(rng, 320):
            converter.read(late)
        assert converter.pace.settled
        assert converter.pace.period_us == pytest.approx(converter.period_us, rel=0.001)


def test_a_pace_that_drifts_is_followed() -> None:
    rng = random.Random(8)
    converter = Converter(Pace(12500), 12500)
    for late in punctual(rng, 600):
        assert converter.read(late) == 0
    period_us = 12500.0
    elapsed_us = converter.conversion * period_us
    for late in punctual(rng, 6000):
        period_us += 0.02
        elapsed_us += period_us
        assert converter.pace.follow(round(elapsed_us + late * period_us) & TICKS_MASK) == 0
    assert converter.pace.period_us == pytest.approx(period_us, rel=0.005)


def test_a_late_reading_is_told_how_late_it_is_once_the_pace_is_settled() -> None:
    converter = Converter(Pace(3125), 3200)
    for _ in range(20):
        converter.read()
    converter.read(0.5)
    assert converter.pace.late_us == 0
    for _ in range(400):
        converter.read()
    assert converter.pace.late_us < 10
    converter.read(0.5)
    assert converter.pace.late_us == pytest.approx(1600, abs=20)
    converter.read(0.25, skip=30)
    assert converter.pace.late_us == pytest.approx(800, abs=40)


@pytest.mark.parametrize(
    ("nominal_us", "real_us"), [(12500, 100000), (12500, 107000), (100000, 12500), (100000, 11600)]
)
def test_a_converter_that_is_strapped_to_its_other_rate_misses_nothing(nominal_us: int, real_us: int) -> None:
    other_us = 100000 if nominal_us == 12500 else 12500
    rng = random.Random(9)
    converter = Converter(Pace(nominal_us, other_us), real_us)
    assert [converter.read(late) for late in punctual(rng, 200)] == [0] * 200
    assert converter.pace.period_us == pytest.approx(real_us, rel=0.005)
    assert converter.read(0.3, skip=5) == 0


def test_a_loop_that_polls_too_seldom_does_not_look_like_the_slower_rate() -> None:
    rng = random.Random(10)
    converter = Converter(Pace(12500, 100000), 12500)
    for late in punctual(rng, 300):
        assert converter.read(late) == 0
    assert [converter.read(0.1, skip=7) for _ in range(50)] == [0] * 50


def test_a_converter_that_begins_anew_at_another_moment_is_taken_up_within_sixteen_readings() -> None:
    rng = random.Random(11)
    for phase in (0.1, 0.4, 0.6, 0.9):
        converter = Converter(Pace(12500), 12500)
        for late in punctual(rng, 300):
            converter.read(late)
        converter.start_us += round(phase * 12500)
        # Whether it lost one can't be told.
        assert sum(converter.read(late) for late in punctual(rng, 17)) in (0, 1)
        assert [converter.read(late) for late in punctual(rng, 40)] == [0] * 40
        assert converter.pace.late_us < 200


def test_time_without_a_converter_passes_in_whole_conversions() -> None:
    converter = Converter(Pace(3125), 3125)
    for _ in range(300):
        converter.read()
    passed = 0
    # Longer than ticks can tell apart, asked once a second.
    for second in range(1, 1201):
        passed += converter.pace.pass_to((300 * 3125 + second * 1_000_000) & TICKS_MASK)
    assert passed == pytest.approx(1200 * 320, abs=1)
    converter.conversion = 300 + passed
    assert converter.read() in (-1, 0, 1)
    assert [converter.read() for _ in range(100)] == [0] * 100


def test_what_lies_before_a_restart_is_not_missed() -> None:
    converter = Converter(Pace(3125), 3300)
    for _ in range(300):
        converter.read()
    for hours in (1, 5):
        converter.start_us += hours * 3_600_000_000 + 1234
        converter.pace.restart()
        assert [converter.read() for _ in range(100)] == [0] * 100
    assert converter.read(0.5, skip=100) == 0


def test_nothing_passes_before_the_first_reading() -> None:
    pace = Pace(3125)
    assert pace.pass_to(500_000_000) == 0
    assert pace.follow(600_000_000) == 0
