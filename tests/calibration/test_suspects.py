from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.calibration.simulated_tools import CAPACITY_N, calibrated, drawn_bench, drawn_tool

from iastm_calibration.document import TakenPoint
from iastm_calibration.errors import (
    BeyondCapacityError,
    NotANumberError,
    OffScaleError,
    OutlierError,
    RepeatedReadingError,
    SwappedLoadsError,
    WrongAngleError,
    WrongUnitError,
)
from iastm_calibration.suspects import Suspicion, look_over, suspect

COUNTS_PER_N = 40_000.0
GRAVITY = 9.81
LOADS_KG = (0.1, 0.2, 0.5, 1.0, 1.5)
ORDER = [(-1, True), *((s, True) for s in range(5)), *((s, False) for s in (3, 2, 1, 0)), (-1, False)]


def point(step: int, rising: bool = True, stated_n: float | None = None, hung_kg: float | None = None) -> TakenPoint:
    """Return a point that states one load and reads what really hung there."""
    mass = LOADS_KG[step] if step >= 0 else 0.0
    reference_n = mass * GRAVITY if stated_n is None else stated_n
    counts = 1000 + COUNTS_PER_N * GRAVITY * (mass if hung_kg is None else hung_kg)
    known = mass if step >= 0 and stated_n is None else None
    return TakenPoint(1, 90.0, rising, step, known, reference_n, counts, 200.0, 160, "")


def good() -> list[TakenPoint]:
    return [point(step, rising) for step, rising in ORDER]


def test_good_points_raise_no_suspicion() -> None:
    taken = good()
    assert look_over(taken, CAPACITY_N, 1 / COUNTS_PER_N) == []
    for at in range(len(taken)):
        assert suspect(taken[:at], taken[at], CAPACITY_N, 1 / COUNTS_PER_N) is None
        assert suspect(taken[:at], taken[at]) is None


@pytest.mark.parametrize("method", ["quick", "full"])
def test_honest_tools_raise_no_suspicion(method: str) -> None:
    for seed in range(15):
        rng = np.random.default_rng(seed)
        truth, bench = drawn_tool(rng), drawn_bench(rng, method)
        taken = calibrated(truth, bench, method, rng)
        slope = 1 / truth.counts_per_n
        assert look_over(taken, CAPACITY_N, slope) == []
        for at in range(len(taken)):
            assert suspect(taken[:at], taken[at], CAPACITY_N, slope) is None


def kinds(found: Sequence[Suspicion]) -> list[str]:
    return [one.kind for one in found]


@pytest.mark.parametrize("one", range(5))
@pytest.mark.parametrize("other", range(5))
def test_two_loads_that_were_swapped_are_named(one: int, other: int) -> None:
    if one >= other:
        return
    taken = good()
    taken[1 + one] = point(one, hung_kg=LOADS_KG[other])
    taken[1 + other] = point(other, hung_kg=LOADS_KG[one])
    [found] = look_over(taken)
    assert found.kind == "swapped"
    assert found.positions == (1 + one, 1 + other)
    assert f"{1000 * LOADS_KG[one]:g} g" in found.what
    assert f"{1000 * LOADS_KG[other]:g} g" in found.what
    assert isinstance(found.error(), SwappedLoadsError)


def test_a_swap_is_seen_as_soon_as_the_second_point_is_taken() -> None:
    taken = [point(-1), point(0), point(1), point(2, hung_kg=1.0)]
    first = suspect(taken[:3], taken[3])
    assert first is not None
    assert first.kind == "off"
    second = suspect(taken, point(3, hung_kg=0.5))
    assert second is not None
    assert second.kind == "swapped"
    assert second.positions == (3, 4)


@pytest.mark.parametrize("at", [2, 3, 4, 5])
def test_a_load_that_was_not_changed_is_named(at: int) -> None:
    taken = good()
    taken[at] = replace(taken[at], counts=taken[at - 1].counts + 20)
    found = suspect(taken[:at], taken[at], None, 1 / COUNTS_PER_N)
    assert found is not None
    assert found.kind == "repeated"
    assert found.positions == (at - 1, at)
    all_of_them = look_over(taken)
    assert all_of_them[0].kind == "repeated"
    assert isinstance(all_of_them[0].error(), RepeatedReadingError)


def test_a_first_load_that_was_never_hung_is_named() -> None:
    found = suspect([point(-1)], point(0, hung_kg=0.0))
    assert found is not None
    assert found.kind == "repeated"
    assert "no load" in found.what


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1 / 9.80665, "kilogram-force taken for newtons"),
        (9.80665, "newtons taken for kilograms"),
        (1 / 4.4482216, "pound-force taken for newtons"),
        (2.20462262, "pounds taken for kilograms"),
        (0.45359237, "kilograms taken for pounds"),
        (28.349523, "grams taken for ounces"),
        (1 / 28.349523, "ounces taken for grams"),
        (1000.0, "grams taken for kilograms"),
        (0.001, "kilograms taken for grams"),
    ],
)
def test_a_load_in_another_unit_is_named_alone_and_throughout(factor: float, words: str) -> None:
    taken = good()
    wrong = replace(taken[3], mass_kg=None, reference_n=taken[3].reference_n * factor)
    single = suspect(taken[:3], wrong)
    assert single is not None
    assert single.kind == "wrong_unit"
    assert words in single.what
    # A small load among large ones reads nearly nothing either way: the range is judged by what was stated.
    taken[3] = wrong
    found = look_over(taken)
    assert "wrong_unit" in kinds(found)
    throughout = [replace(p, mass_kg=None, reference_n=p.reference_n * factor) for p in good()]
    [all_of_them] = look_over(throughout, None, 1 / COUNTS_PER_N * 1.1)
    assert all_of_them.kind == "wrong_unit"
    assert words in all_of_them.what
    assert len(all_of_them.positions) == 9
    assert isinstance(all_of_them.error(), WrongUnitError)


def test_a_force_that_does_not_go_with_its_mass_is_named() -> None:
    wrong = replace(point(2), reference_n=0.5)
    found = suspect(good()[:3], wrong)
    assert found is not None
    assert found.kind == "wrong_unit"
    assert "kilogram-force taken for newtons" in found.what
    other = suspect(good()[:3], replace(point(2), reference_n=6.0))
    assert other is not None
    assert other.kind == "load_mismatch"
    assert "0.5 kg and 6 N" in other.what


def test_the_force_of_a_mass_at_a_slant_is_right() -> None:
    slanted = replace(point(2), angle_deg=45.0, reference_n=0.5 * GRAVITY * math.sin(math.radians(45)))
    assert suspect([], slanted) is None


@pytest.mark.parametrize("counts", [8388607.0, 8388000.0, -8388608.0])
def test_a_reading_at_the_rails_is_off_scale(counts: float) -> None:
    found = suspect(good()[:3], replace(point(2), counts=counts))
    assert found is not None
    assert found.kind == "off_scale"
    assert isinstance(found.error(), OffScaleError)


def test_a_load_beyond_the_capacity_is_named() -> None:
    found = suspect(good()[:3], point(2), capacity_n=4.0)
    assert found is not None
    assert isinstance(found.error(), BeyondCapacityError)


def test_a_point_without_a_number_is_named() -> None:
    found = suspect(good()[:3], replace(point(2), counts=math.nan))
    assert found is not None
    assert isinstance(found.error(), NotANumberError)


def test_a_load_that_pulls_the_other_way_is_named() -> None:
    found = suspect(good()[:4], point(3, hung_kg=-1.0))
    assert found is not None
    assert found.kind == "polarity"


def test_a_wrong_weight_is_recognised_by_what_it_reads() -> None:
    found = suspect(good()[:5], point(4, hung_kg=0.5))
    assert found is not None
    assert found.kind == "wrong_load"
    assert "reads like 500 g" in found.what
    assert isinstance(found.error(), OutlierError)


def test_a_zero_with_a_load_still_on_is_named() -> None:
    taken = good()
    found = suspect(taken[:-1], replace(taken[-1], counts=taken[-1].counts + 0.1 * GRAVITY * COUNTS_PER_N))
    assert found is not None
    assert found.kind == "zero_moved"
    assert "+0.981 N" in found.what


def test_a_zero_after_the_series_with_a_load_on_is_named_once() -> None:
    taken = good()
    taken[-1] = replace(taken[-1], counts=taken[-1].counts + 0.5 * GRAVITY * COUNTS_PER_N)
    [found] = look_over(taken)
    assert found.kind == "zero_moved"
    assert isinstance(found.error(), OutlierError)


@pytest.mark.parametrize(("stated", "real"), [(45.0, 60.0), (60.0, 45.0), (60.0, 75.0)])
def test_a_series_at_another_angle_than_stated_is_named_with_the_angle(stated: float, real: float) -> None:
    slanted = [
        replace(
            p,
            angle_deg=stated,
            reference_n=p.reference_n * math.sin(math.radians(stated)),
            counts=1000 + (p.counts - 1000) * math.sin(math.radians(real)),
        )
        for p in good()
    ]
    [found] = look_over(good() + slanted)
    assert found.kind == "wrong_angle"
    assert f"at {stated:g}°" in found.what
    assert f"looks like {real:g}°" in found.what
    assert found.positions == tuple(range(12, 21))
    assert isinstance(found.error(), WrongAngleError)


def test_every_suspicion_says_what_to_do() -> None:
    taken = good()
    taken[2] = replace(taken[2], counts=taken[1].counts)
    taken[4] = replace(taken[4], counts=taken[4].counts * 1.1)
    found = look_over(taken)
    assert len(found) == 2
    assert all(one.what and one.fix for one in found)
