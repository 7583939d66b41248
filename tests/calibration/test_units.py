from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.errors import UnitError
from iastm_calibration.units import NEWTONS, from_newtons, to_newtons


def test_the_factors_are_the_defined_ones_to_the_last_bit() -> None:
    gravity, pound = Fraction("9.80665"), Fraction("0.45359237")
    exact = {"N": Fraction(1), "kgf": gravity, "lbf": gravity * pound, "g": gravity / 1000}
    assert {unit: float(factor) for unit, factor in exact.items()} == NEWTONS


@given(st.floats(-1e6, 1e6), st.sampled_from(list(NEWTONS)))
def test_a_force_comes_back(value: float, unit: str) -> None:
    assert from_newtons(to_newtons(value, unit), unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("unit", ["kg", "n", "", "oz"])
def test_another_unit_is_refused_with_those_that_are_known(unit: str) -> None:
    with pytest.raises(UnitError, match="kgf"):
        to_newtons(1, unit)
