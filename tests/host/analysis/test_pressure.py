import math

import pytest

from iastm_host.analysis.pressure import Pressure, pressure
from iastm_host.analysis.profiles import Tip


def known(force_n, tip, force_uncertainty_n=0.0) -> Pressure:
    found = pressure(force_n, tip, force_uncertainty_n)
    assert found is not None
    return found


def test_pressure_is_force_over_area_in_kilopascals():
    assert known(8.9, Tip("edge", 0.6, 0.0)).kpa == pytest.approx(148.3, abs=0.1)
    assert known(8.9, Tip("flat", 3.0, 0.0)).kpa == pytest.approx(29.7, abs=0.1)


def test_relative_uncertainties_add_in_squares():
    found = known(10.0, Tip("edge", 2.0, 0.4), force_uncertainty_n=1.0)
    assert found.uncertainty_kpa == pytest.approx(50.0 * math.hypot(0.2, 0.1))


def test_no_force_has_only_the_uncertainty_of_force():
    assert known(0.0, Tip("edge", 2.0, 0.4), force_uncertainty_n=0.2).uncertainty_kpa == pytest.approx(1.0)


@pytest.mark.parametrize("tip", [None, Tip("unmeasured", 0.0, 0.0), Tip("unmeasured", math.nan, 0.0)])
def test_without_an_area_there_is_no_pressure(tip):
    assert pressure(5.0, tip) is None
