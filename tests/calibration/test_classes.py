from __future__ import annotations

from dataclasses import replace

import pytest

from iastm_calibration.classes import after_astm_e74, after_iso_376, loading_curve
from iastm_calibration.document import Reference, TakenPoint
from iastm_calibration.series import NetPoint, ZeroPair

LOADS_N = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 12.0, 15.0)
COUNTS_PER_N = 40_000.0
WEIGHTS = Reference("weights", "M1", 0.0001, "", 9.81, 0.0001, "")
PRIMARY = replace(WEIGHTS, description="dead weights", tolerance=0.00005)
ZEROS = [ZeroPair(run, 90.0, 0.0, 1.0, 0.0, 100.0) for run in (1, 2, 3)]
RESOLUTION_N = 0.0005


def taken(repeats: tuple[int, ...] = (2, 1, 1), seats: tuple[float, ...] = (0.0, 0.0005, -0.0005)) -> list[NetPoint]:
    """Return seatings whose slope is off by a share; a number of rising series in each, and one back."""
    found: list[NetPoint] = []
    for run, (repeat, seat) in enumerate(zip(repeats, seats, strict=True), 1):
        order = [(step, True) for _ in range(repeat) for step in range(8)]
        for step, rising in order + [(step, False) for step in range(7)]:
            point = TakenPoint(run, 90.0, rising, step, None, LOADS_N[step], 0.0, 10.0, 100, "")
            wiggle = 1e-5 * ((step * 7 + run * 3 + rising) % 5 - 2)
            found.append(NetPoint(len(found), point, LOADS_N[step] * COUNTS_PER_N * (1 + seat) + wiggle * COUNTS_PER_N))
    return found


def test_a_good_tool_gets_a_class_after_iso_376_that_its_seatings_bound() -> None:
    points = taken()
    found = after_iso_376(loading_curve(points, 1), points, ZEROS, WEIGHTS, RESOLUTION_N)
    # 0.1 % between the farthest seatings is what class 0.5 allows; rounding leaves it to class 1 here or there.
    assert found.name in ("0.5", "1")
    assert found.from_n == 1.0
    assert found.shortfalls == ()
    worse = taken(seats=(0.0, 0.0015, -0.0015))
    assert after_iso_376(loading_curve(worse, 1), worse, ZEROS, WEIGHTS, RESOLUTION_N).name == "2"


@pytest.mark.parametrize(
    ("points", "zeros", "reference", "words"),
    [
        (taken((1, 1, 1)), ZEROS, WEIGHTS, "no series repeated"),
        (taken((2, 1), (0.0, 0.0)), ZEROS, WEIGHTS, "2 of 3 seatings"),
        (taken(), [], WEIGHTS, "no zero after"),
        (taken(), ZEROS, replace(WEIGHTS, tolerance=None), "not stated"),
        ([p for p in taken() if p.point.rising and p.point.step == 0][:1], ZEROS, WEIGHTS, "too few loads"),
    ],
)
def test_what_lacks_for_iso_376_is_said_and_no_class_given(
    points: list[NetPoint], zeros: list[ZeroPair], reference: Reference, words: str
) -> None:
    found = after_iso_376(loading_curve(points, 1), points, zeros, reference, RESOLUTION_N)
    assert found.name is None
    assert found.from_n is None
    assert any(words in shortfall and shortfall.startswith("after ISO 376") for shortfall in found.shortfalls)


def test_a_reference_that_is_known_too_coarsely_gives_no_class() -> None:
    points = taken()
    coarse = replace(WEIGHTS, tolerance=0.005)
    assert after_iso_376(loading_curve(points, 1), points, ZEROS, coarse, RESOLUTION_N).name is None


def test_the_lower_limit_factor_is_of_loading_alone() -> None:
    points = taken()
    factor_n, found = after_astm_e74(loading_curve(points, 1), points, PRIMARY, RESOLUTION_N)
    assert factor_n is not None
    assert RESOLUTION_N < factor_n < 0.03
    assert found.name == "AA"
    assert found.from_n == pytest.approx(2000 * factor_n)
    back = [replace(p, net_counts=p.net_counts * (1.0 if p.point.rising else 1.05)) for p in points]
    assert after_astm_e74(loading_curve(back, 1), back, PRIMARY, RESOLUTION_N)[0] == factor_n
    assert found.shortfalls == ("after ASTM E74: 8 different forces of 10",)


def test_too_few_points_are_said() -> None:
    assert after_astm_e74(None, [], PRIMARY, RESOLUTION_N)[1].shortfalls == ("after ASTM E74: too few loads going up",)


@pytest.mark.parametrize(("tolerance", "name"), [(0.00005, "AA"), (0.0005, "A"), (0.005, None), (None, None)])
def test_a_class_after_astm_e74_asks_for_its_reference(tolerance: float | None, name: str | None) -> None:
    points = taken()
    reference = replace(WEIGHTS, tolerance=tolerance)
    found = after_astm_e74(loading_curve(points, 1), points, reference, RESOLUTION_N)[1]
    assert found.name == name
    lacks = [words for words in found.shortfalls if "reference" in words]
    assert len(lacks) == {"AA": 0, "A": 1}.get(name or "", 2)
