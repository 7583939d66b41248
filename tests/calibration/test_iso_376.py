from __future__ import annotations

from dataclasses import replace

import pytest

from iastm_calibration.iso_376 import (
    CLASSES,
    Deflections,
    RelativeErrors,
    classify,
    of_largest_deflection,
    relative_errors,
)

ZEROS = [0.0]
FORCES_N = (5, 10, 15, 20, 25, 30, 40, 50)


def errors(**at_all: float | None) -> list[RelativeErrors]:
    perfect = RelativeErrors(0, 0, 0, 0, 0)
    return [replace(perfect, force_n=force, **at_all) for force in FORCES_N]  # type: ignore[arg-type]


def test_relative_errors_are_worked_as_by_hand() -> None:
    found = relative_errors(Deflections(20, 2.000, 2.002, (2.004, 1.998), (2.010, 2.001), 2.0))
    mean = (2.000 + 2.004 + 1.998) / 3
    assert found.reproducibility == pytest.approx(100 * 0.006 / mean)
    assert found.repeatability == pytest.approx(100 * 0.002 / 2.001)
    assert found.interpolation == pytest.approx(100 * (mean - 2) / 2)
    assert found.reversibility == pytest.approx(100 * (0.006 / 2.004 + 0.003 / 1.998) / 2)


def test_a_cell_wired_round_has_the_same_errors() -> None:
    plain = relative_errors(Deflections(20, 2.000, 2.002, (2.004, 1.998), (2.010, 2.001), 2.0))
    turned = relative_errors(Deflections(20, -2.000, -2.002, (-2.004, -1.998), (-2.010, -2.001), -2.0))
    assert turned == plain


def test_without_unloading_there_is_no_reversibility() -> None:
    assert relative_errors(Deflections(20, 2, 2, (2, 2), None, 2)).reversibility is None


def test_a_perfect_cell_has_every_class_over_its_range() -> None:
    found = classify(errors(), ZEROS, 0.0, 1e-5, 0.005)
    assert found.from_n == dict.fromkeys(CLASSES, 5)
    assert found.best == "00"
    assert found.largest_n == 50
    assert found.shortfalls == ()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("figure", ["reproducibility", "repeatability", "interpolation", "reversibility"])
def test_each_figure_bounds_each_class(name: str, figure: str) -> None:
    limit = getattr(CLASSES[name], figure)
    assert classify(errors(**{figure: limit}), ZEROS, 0.0, 1e-5, 0.005).best == name
    assert classify(errors(**{figure: limit * 1.001}), ZEROS, 0.0, 1e-5, 0.005).best != name


@pytest.mark.parametrize("name", CLASSES)
def test_zero_creep_and_reference_bound_each_class(name: str) -> None:
    limits = CLASSES[name]
    assert classify(errors(), [0, -limits.zero], limits.creep, 1e-5, limits.reference).best == name
    for zero, creep, reference in ((1.01, 0.5, 0.5), (0.5, -1.01, 0.5), (0.5, 0.5, 1.01)):
        found = classify(errors(), [limits.zero * zero], limits.creep * creep, 1e-5, limits.reference * reference)
        assert found.from_n[name] is None


def test_the_interpolation_counts_on_both_sides() -> None:
    assert classify(errors(interpolation=-0.04), ZEROS, 0.0, 1e-5, 0.005).best == "0.5"


def test_a_class_ends_at_the_first_force_that_misses_it() -> None:
    taken = errors()
    taken[2] = replace(taken[2], repeatability=0.07)
    found = classify(taken, ZEROS, 0.0, 1e-5, 0.005)
    assert found.from_n == {"00": 20, "0.5": 20, "1": 5, "2": 5}


def test_a_class_that_does_not_reach_half_the_range_is_none() -> None:
    taken = errors()
    taken[6] = replace(taken[6], repeatability=0.07)
    assert classify(taken, ZEROS, 0.0, 1e-5, 0.005).from_n == {"00": None, "0.5": None, "1": 5, "2": 5}


def test_the_resolution_bounds_the_range() -> None:
    found = classify(errors(), ZEROS, 0.0, 0.0055, 0.005)
    assert found.from_n == {"00": 25, "0.5": 15, "1": 10, "2": 5}


def test_two_per_cent_of_the_largest_force_are_the_end() -> None:
    taken = [*errors(), RelativeErrors(0.5, 0, 0, 0, 0)]
    assert classify(taken, ZEROS, 0.0, 1e-6, 0.005).from_n["2"] == 5


def test_without_unloading_creep_decides_and_without_both_there_is_no_class() -> None:
    loading = errors(reversibility=None)
    assert classify(loading, ZEROS, 0.08, 1e-5, 0.005).best == "1"
    assert classify(loading, ZEROS, None, 1e-5, 0.005).best is None


def test_too_few_forces_are_said() -> None:
    assert classify(errors()[3:], ZEROS, 0.0, 1e-5, 0.005).shortfalls == ("5 forces of 8",)


def test_zero_and_creep_are_per_cent_of_the_largest_deflection() -> None:
    assert of_largest_deflection(-0.5, 2000) == pytest.approx(-0.025)
