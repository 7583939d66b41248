from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.errors import RangeError
from iastm_calibration.gravity import (
    ANOMALY_M_S2,
    local_gravity,
    normal_gravity,
    unknown_place,
    weight_force_n,
)


def test_equator_and_pole_are_those_of_wgs_84() -> None:
    assert normal_gravity(0) == 9.7803253359
    for latitude in (90, -90):
        assert normal_gravity(latitude) == pytest.approx(9.8321849378, abs=2e-10)


# What three laboratories measured, to four decimals; normal gravity is off by the local anomaly.
@pytest.mark.parametrize(
    ("latitude", "height", "measured"),
    [
        (52.2967, 79.0, 9.8125),  # PTB, Braunschweig
        (48.8297, 66.0, 9.8093),  # BIPM, Sèvres
        (39.13, 135.0, 9.8010),  # NIST, Gaithersburg
    ],
)
def test_laboratories_have_the_gravity_stated_within_its_uncertainty(
    latitude: float, height: float, measured: float
) -> None:
    gravity = local_gravity(latitude, height)
    assert abs(gravity.value_m_s2 - measured) < 2 * gravity.standard_m_s2


@given(st.floats(-90, 90), st.floats(0, 4000))
def test_gravity_falls_with_height_and_is_the_same_in_both_hemispheres(latitude: float, height: float) -> None:
    assert normal_gravity(latitude, height) == normal_gravity(-latitude, height)
    per_metre = normal_gravity(latitude, height) - normal_gravity(latitude, height + 1)
    assert per_metre == pytest.approx(3.086e-6, rel=5e-3)


@given(st.floats(0, 89), st.floats(0.5, 1))
def test_gravity_rises_towards_the_poles(latitude: float, step: float) -> None:
    assert normal_gravity(latitude + step) > normal_gravity(latitude)


@given(st.floats(-89, 89), st.floats(-400, 5000))
def test_the_uncertainty_holds_the_slopes_by_latitude_and_height(latitude: float, height: float) -> None:
    by_latitude = (normal_gravity(latitude + 0.5, height) - normal_gravity(latitude - 0.5, height)) / 2
    by_height = (normal_gravity(latitude, height + 50) - normal_gravity(latitude, height - 50)) / 2
    expected = math.sqrt(ANOMALY_M_S2**2 + (by_latitude**2 + by_height**2) / 3)
    assert local_gravity(latitude, height, 0.5, 50).standard_m_s2 == pytest.approx(expected, rel=0.01)


def test_an_unknown_place_covers_the_earth_and_costs_a_few_parts_in_a_thousand() -> None:
    anywhere = unknown_place()
    for latitude in range(0, 91, 10):
        difference = abs(anywhere.value_m_s2 - local_gravity(latitude).value_m_s2)
        assert difference <= math.sqrt(3) * anywhere.standard_m_s2 + 1e-12
    assert 1e-3 < anywhere.standard_m_s2 / anywhere.value_m_s2 < 3e-3


def test_a_weight_pulls_less_by_the_air_that_it_displaces() -> None:
    gravity = local_gravity(50, 100)
    assert weight_force_n(2, gravity) == pytest.approx(2 * gravity.value_m_s2 * 0.99985, rel=1e-15)


@pytest.mark.parametrize(("latitude", "height"), [(91, 0), (-91, 0), (math.nan, 0), (50, 20_000), (50, math.nan)])
def test_no_place_on_earth_is_refused(latitude: float, height: float) -> None:
    with pytest.raises(RangeError):
        normal_gravity(latitude, height)
