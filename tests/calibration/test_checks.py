from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from iastm_calibration import checks
from iastm_calibration.errors import (
    AllEqualError,
    BeyondCapacityError,
    CalibrationError,
    GapInRangeError,
    NotANumberError,
    OutlierError,
    TooFewPointsError,
)
from iastm_calibration.models import fit_polynomial

LOADS = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]


@pytest.mark.parametrize(
    ("check", "error", "word"),
    [
        (lambda: checks.require_finite(LOADS, [0, 1, 2, math.nan, 4, 5]), NotANumberError, "Point 4"),
        (lambda: checks.require_finite([math.inf, 1], [0, 1]), NotANumberError, "Point 1"),
        (lambda: checks.require_count(4, 5), TooFewPointsError, "at least 5"),
        (lambda: checks.require_spread([3.0, 3.0], "reading"), AllEqualError, "Every reading is 3"),
        (lambda: checks.require_no_gap([0, 1, 2, 10]), GapInRangeError, "Between 2 and 10"),
        (lambda: checks.require_within_capacity(LOADS, 45), BeyondCapacityError, "Point 6 is a load of 50"),
        (lambda: checks.require_within_capacity([-60], 45), BeyondCapacityError, "-60"),
    ],
)
def test_each_fault_has_its_error_with_what_and_what_to_do(
    check: Callable[[], None], error: type[CalibrationError], word: str
) -> None:
    with pytest.raises(error, match=word) as raised:
        check()
    assert raised.value.what
    assert raised.value.fix


def test_good_points_pass() -> None:
    checks.require_finite(LOADS, LOADS)
    checks.require_count(6, 6)
    checks.require_spread(LOADS, "reference")
    checks.require_no_gap(LOADS)
    checks.require_no_gap([1, 2, 5, 10, 20])
    checks.require_no_gap([3])
    checks.require_within_capacity(LOADS, 50)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_point_off_the_curve_is_named_and_stays(degree: int) -> None:
    rng = np.random.default_rng(3)
    x = np.repeat(LOADS, 2)
    y = 2 * x + rng.normal(0, 0.01, len(x))
    y[5] += 0.5
    fit = fit_polynomial(x, y, degree)
    assert checks.outliers(fit, x) == [5]
    assert len(fit.residuals) == len(x)
    with pytest.raises(OutlierError, match=r"Point 6 \(at 20, off by \+0\.\d+\) does not belong"):
        checks.require_no_outliers(fit, x)


def test_of_an_exact_rest_one_wrong_point_is_found() -> None:
    y = [0.0, 10.0, 20.0, 30.5, 40.0, 50.0]
    assert checks.outliers(fit_polynomial(LOADS, y, 1), LOADS) == [3]


def test_an_exact_line_and_too_few_points_have_no_outlier() -> None:
    assert checks.outliers(fit_polynomial(LOADS, LOADS, 1), LOADS) == []
    assert checks.outliers(fit_polynomial([0, 1, 2], [0, 1, 3], 1), [0, 1, 2]) == []


def test_points_without_fault_rarely_show_an_outlier(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(11)
    x = np.linspace(0, 50, 12)
    tries = size(500, 5000)
    alarms = sum(bool(checks.outliers(fit_polynomial(x, x + rng.normal(0, 0.1, 12), 1), x)) for _ in range(tries))
    assert alarms / tries == pytest.approx(checks.OUTLIER_LEVEL, abs=0.012)
    assert alarms > 0


def test_many_outliers_are_counted() -> None:
    fit = fit_polynomial(LOADS * 2, [value * 2 for value in LOADS * 2], 1)
    assert checks.outlier_words(list(range(7)), fit, LOADS * 2).endswith("and 2 more do not belong to the others.")
