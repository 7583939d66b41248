from __future__ import annotations

import math

import numpy as np
import pytest

from iastm_calibration.astm_e74 import lower_limit
from iastm_calibration.errors import TooFewPointsError
from iastm_calibration.models import fit_polynomial

FORCES_N = np.tile(np.linspace(5, 50, 10), 3)


def test_the_factor_is_2_4_standard_deviations_in_newtons() -> None:
    # 200 counts per newton, and ± 0.4 counts about it.
    off = np.where(np.arange(30) % 2 == 0, 0.4, -0.4)
    fit = fit_polynomial(FORCES_N, 200 * FORCES_N + off, 1)
    limit = lower_limit(fit, FORCES_N, 0.0, 1e-6)
    sd = math.sqrt(np.sum(np.square(fit.residuals)) / 28)
    assert limit.factor_n == pytest.approx(2.4 * sd / 200, rel=1e-4)
    assert limit.from_n["A"] == pytest.approx(5.0)
    assert limit.from_n["AA"] == pytest.approx(2000 * limit.factor_n)
    assert limit.shortfalls == ()
    assert limit.class_at(4.9) is None
    assert limit.class_at(5.1) == "A"
    assert limit.class_at(50) == "AA"
    assert limit.class_at(50.1) is None


def test_a_noisy_cell_has_no_class() -> None:
    rng = np.random.default_rng(1)
    fit = fit_polynomial(FORCES_N, 200 * FORCES_N + rng.normal(0, 20, 30), 1)
    limit = lower_limit(fit, FORCES_N, 0.0, 1e-6)
    assert limit.factor_n == pytest.approx(2.4 * 0.1, rel=0.4)
    assert limit.from_n == {"AA": None, "A": None}
    assert limit.class_at(50) is None


def test_the_factor_is_no_less_than_the_resolution() -> None:
    fit = fit_polynomial(FORCES_N, 200 * FORCES_N, 1)
    assert lower_limit(fit, FORCES_N, 0.0, 0.02).factor_n == 0.02


def test_a_zero_that_is_not_zero_and_a_cell_wired_round_change_nothing() -> None:
    off = np.where(np.arange(30) % 2 == 0, 0.4, -0.4)
    plain = lower_limit(fit_polynomial(FORCES_N, 200 * FORCES_N + off, 1), FORCES_N, 0.0, 1e-6)
    turned = lower_limit(fit_polynomial(FORCES_N, -200 * FORCES_N - off + 7000, 1), FORCES_N, 7000.0, 1e-6)
    assert turned.factor_n == pytest.approx(plain.factor_n, rel=1e-9)


def test_what_the_points_lack_is_said() -> None:
    forces = np.array([0.0, 10.0, 20.0, 30.0])
    limit = lower_limit(fit_polynomial(forces, forces, 1), forces, 0.0, 1e-6)
    assert limit.shortfalls == ("4 readings of 30", "4 different forces of 10")


def test_without_load_or_answer_there_is_no_factor() -> None:
    with pytest.raises(TooFewPointsError, match="No force above zero"):
        lower_limit(fit_polynomial([-1, -2, 0], [0, 1, 2], 1), [-1, -2, 0], 0.0, 0.1)
    with pytest.raises(TooFewPointsError, match="No reading moved"):
        lower_limit(fit_polynomial([0, 0, 1], [0, 2, 5], 1), [0, 0, 1], 5.0, 0.1)
