from __future__ import annotations

import numpy as np
import pytest

from iastm_host.app.calibrating.arrival import Came, of_load, of_zero
from iastm_host.app.calibrating.scale import Scale, of_points, of_tool

SLOPE = 5e-5
FORCES_N = (1.0, 2.0, 5.0, 10.0, 15.0)


def points(wrong: dict[float, float] | None = None, bend: float = 0.0) -> list[tuple[float, float]]:
    """Loads with net counts; `wrong` puts another force on the cell than stated."""
    wrong = wrong or {}
    return [(wrong.get(force, force) * (1 + bend * wrong.get(force, force)) / SLOPE, force) for force in FORCES_N]


def test_a_straight_cell_is_found_and_a_bent_one_from_four_loads_on() -> None:
    found = of_points(points())
    assert found is not None
    assert found.force_n(7.0 / SLOPE) == pytest.approx(7.0)
    bent = of_points(points(bend=0.0005))
    assert bent is not None
    for force in FORCES_N:
        assert bent.force_n(force * (1 + 0.0005 * force) / SLOPE) == pytest.approx(force, abs=0.003)
    assert bent.load_count == 5
    assert bent.reaches_n == 15.0


@pytest.mark.parametrize("wrong", [{1.0: 2.0}, {15.0: 10.0}, {5.0: -5.0}, {2.0: 5.0, 5.0: 2.0}])
def test_wrong_loads_do_not_bend_the_scale_by_which_others_are_judged(wrong: dict[float, float]) -> None:
    found = of_points(points(wrong))
    assert found is not None
    assert found.force_n(10.0 / SLOPE) == pytest.approx(10.0, rel=0.001)


def test_one_load_is_a_scale_and_none_is_none() -> None:
    assert of_points([]) is None
    assert of_points([(0.0, 1.0)]) is None
    found = of_points([(-20_000.0, 1.0)])
    assert found is not None
    assert found.load_count == 1
    assert found.force_n(-40_000.0) == pytest.approx(2.0)
    assert found.newtons_per_count == pytest.approx(5e-5)


def test_a_tools_own_calibration_counts_without_its_zero() -> None:
    assert of_tool((0.5, SLOPE)) == Scale((0.0, SLOPE), 0.0, 0)
    assert of_tool((0.0,)) is None
    assert of_tool((0.0, 0.0)) is None
    assert of_tool((0.0, float("nan"))) is None


def came(measured_n: float, expected_n: float = 5.0, **changes) -> Came:
    values = {
        "label": "5 N",
        "expected_n": expected_n,
        "upright_n": expected_n,
        "measured_n": measured_n,
        "before_n": 2.0,
        "expected_before_n": 2.0,
        "before_label": "2 N",
        "others": [("1 N", 1.0), ("2 N", 2.0), ("10 N", 10.0)],
        "capacity_n": 50.0,
        "scale": Scale((0.0, SLOPE), 15.0, 5),
    }
    return Came(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured_n", "kind"),
    [
        (5.0, None),
        (5.029, None),
        (4.971, None),
        (5.031, "off"),
        (4.969, "off"),
        (2.01, "unchanged"),
        (10.1, "swapped"),
        (1.02, "swapped"),
        (0.51, "unit"),
        (49.0, "unit"),
        (2.268, "unit"),
        (-5.0, "reversed"),
        (51.0, "capacity"),
    ],
)
def test_a_load_is_judged_by_what_is_gravest(measured_n: float, kind: str | None) -> None:
    found = of_load(came(measured_n))
    assert (None if found is None else found.kind) == kind
    if found is not None:
        assert found.text.endswith((".", "?"))
        assert len(found.text.split()) <= 40


def test_a_heavier_load_may_be_off_by_what_a_straight_line_cannot_know() -> None:
    light = Scale((0.0, SLOPE), 2.0, 2)
    assert of_load(came(5.055, scale=light)) is None
    assert of_load(came(5.07, scale=light)) is not None


def test_a_tool_that_was_not_turned_is_told_from_a_wrong_load() -> None:
    found = of_load(came(5.0, expected_n=4.33, upright_n=5.0))
    assert found is not None
    assert found.kind == "not turned"


def test_a_zero_may_move_by_thirty_millinewtons_in_its_series_and_by_a_tips_weight_between() -> None:
    for moved_n, same, asked in ((0.029, True, False), (0.031, True, True), (0.9, False, False), (-1.1, False, True)):
        assert (of_zero(moved_n, same_series=same) is not None) is asked


def test_residuals_of_good_points_stay_small_under_noise() -> None:
    rng = np.random.default_rng(3)
    noisy = [(net + rng.normal(0, 0.003) / SLOPE, force) for net, force in points()]
    found = of_points(noisy)
    assert found is not None
    assert max(abs(found.force_n(net) - force) for net, force in noisy) < 0.012
