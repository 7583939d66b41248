from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.dose import Dose


def fed(dose: Dose, samples: list[int], vibrating: bool = False) -> list[int]:
    """Feed samples; return the positions of those that reached the limit."""
    return [n for n, net in enumerate(samples) if dose.feed(net, vibrating)]


@given(
    st.lists(st.tuples(st.integers(-(2**23), 2**23 - 1), st.integers(1, 200)), max_size=10),
    st.integers(0, 2**22),
    st.floats(50, 500_000),
    st.sampled_from([10_000, 80_000, 320_000, 2_000_000]),
)
def test_the_dose_is_what_lies_above_warn_times_time(
    pieces: list[tuple[int, int]], warn: int, counts_per_n: float, rate_mhz: int
) -> None:
    dose = Dose(rate_mhz)
    dose.scale(warn, 1 / counts_per_n)
    samples = [net for net, n in pieces for _ in range(n)]
    fed(dose, samples)
    exact_mns = sum(max(0, net - warn) for net in samples) / counts_per_n * 1000 / (rate_mhz / 1000)
    assert dose.total_mns == pytest.approx(exact_mns, rel=1e-5, abs=1)


@given(st.integers(1, 50_000), st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_limit_is_told_once_by_the_sample_that_reaches_it(limit_mns: int, first: int, second: int) -> None:
    dose = Dose(320_000)
    # 42 counts are a millinewton: 13,440 count-samples a millinewton-second.
    dose.scale(0, 1 / 42_000)
    dose.limit(limit_mns)
    samples = [first * 42, second * 42] * 200
    told = fed(dose, samples)
    total = 0
    expected = []
    for n, net in enumerate(samples):
        total += net
        if total >= limit_mns * 13_440:
            expected = [n]
            break
    assert told == expected
    assert dose.reached == bool(expected)
    dose.reset()
    assert (dose.total_mns, dose.reached) == (0, False)
    assert fed(dose, samples) == expected


def test_a_limit_that_is_reached_already_is_told_with_the_next_sample_and_no_limit_never() -> None:
    dose = Dose(100_000)
    dose.scale(1000, 0.001)
    assert fed(dose, [11_000] * 100) == []
    assert dose.total_mns == 10_000
    dose.limit(5000)
    assert dose.reached
    assert fed(dose, [0, 0, 2000]) == [0]
    dose.limit(0)
    assert fed(dose, [20_000] * 1000) == []
    assert not dose.reached


def test_another_scale_keeps_the_dose_and_what_is_left_of_the_limit() -> None:
    dose = Dose(100_000)
    dose.scale(1000, 0.001)
    dose.limit(10_000)
    fed(dose, [11_000] * 50)
    assert dose.total_mns == 5000
    dose.scale(None, 0.0)
    assert fed(dose, [2**23] * 50) == []
    assert dose.total_mns == 5000
    dose.scale(2000, 0.0005)
    # 10,000 counts are 5 N now: a second of it is what is left.
    assert fed(dose, [12_000] * 150) == [99]


@pytest.mark.parametrize("rate_hz", [80, 320, 1000])
def test_what_is_shaken_about_a_force_below_warn_is_no_dose(rate_hz: int) -> None:
    # 1 N about 9 N with warn at 10.2 N and at 9.5 N: faster than 40 Hz and seen as it is.
    for hum_hz in range(41, rate_hz // 2, 7):
        for warn in (10_200, 9500):
            dose = Dose(rate_hz * 1000)
            dose.scale(warn, 0.001)
            samples = [9000 + round(1000 * math.sin(2 * math.pi * hum_hz * n / rate_hz)) for n in range(10 * rate_hz)]
            fed(dose, samples, vibrating=True)
            assert dose.total_mns == 0


def test_what_is_shaken_about_warn_itself_makes_no_more_than_is_stated() -> None:
    worst = 0.0
    for hum_hz in range(41, 160):
        dose = Dose(320_000)
        dose.scale(9000, 0.001)
        samples = [9000 + round(1000 * math.sin(2 * math.pi * hum_hz * n / 320)) for n in range(10 * 320)]
        fed(dose, samples, vibrating=True)
        worst = max(worst, dose.total_mns / 10_000)
    # Newton-seconds a second, for one newton. Each sample by itself would make 0.32.
    assert 0.05 < worst <= 0.13


def test_what_was_summed_up_while_it_shook_counts_when_it_stops() -> None:
    dose = Dose(320_000)
    dose.scale(0, 0.001)
    for n in range(323):
        dose.feed(1000, vibrating=n < 5 or 100 < n < 115)
    assert dose.total_mns == pytest.approx(323 * 1000 / 320, abs=1)
