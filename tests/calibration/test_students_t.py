from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.students_t import probability_within, two_sided_quantile


# As printed in tables, among them GUM (JCGM 100:2008) table G.2.
@pytest.mark.parametrize(
    ("probability", "freedom", "t"),
    [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 10, 2.228),
        (0.95, 30, 2.042),
        (0.9545, 1, 13.97),
        (0.9545, 2, 4.53),
        (0.9545, 5, 2.65),
        (0.9545, 10, 2.28),
        (0.9545, 50, 2.05),
        (0.99, 3, 5.841),
        (0.999, 4, 8.610),
    ],
)
def test_quantiles_are_those_of_the_tables(probability: float, freedom: int, t: float) -> None:
    assert two_sided_quantile(probability, freedom) == pytest.approx(t, abs=0.006 if freedom == 1 else 0.005)


def test_many_degrees_of_freedom_are_normal() -> None:
    assert two_sided_quantile(0.9545, float("inf")) == pytest.approx(2.0, abs=1e-3)
    assert two_sided_quantile(0.95, 9_999) == pytest.approx(two_sided_quantile(0.95, 10_000), rel=2e-4)


@given(st.floats(0.01, 0.9999), st.integers(1, 200))
def test_the_quantile_inverts_the_probability(probability: float, freedom: int) -> None:
    assert probability_within(two_sided_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-9)


def test_broken_degrees_of_freedom_are_cut() -> None:
    assert two_sided_quantile(0.95, 10.9) == two_sided_quantile(0.95, 10)


@pytest.mark.parametrize(("probability", "freedom"), [(0, 5), (1, 5), (0.95, 0.9), (0.95, float("nan"))])
def test_what_has_no_quantile_is_refused(probability: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="needs a probability"):
        two_sided_quantile(probability, freedom)
