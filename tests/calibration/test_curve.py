from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from iastm_calibration.curve import choose, is_monotone
from iastm_calibration.document import TakenPoint
from iastm_calibration.errors import DegreeError, NotMonotoneError, TooFewPointsError
from iastm_calibration.models import fit_through_zero
from iastm_calibration.series import NetPoint

LOADS_N = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0)
COUNTS_PER_N = 40_000.0


def points(
    bend: Callable[[float], float], rng: np.random.Generator, noise_n: float = 0.002, spreads: tuple[float, ...] = ()
) -> list[NetPoint]:
    found: list[NetPoint] = []
    for run in (1, 2):
        for step, load in enumerate(LOADS_N):
            spread = spreads[step] if spreads else 100.0
            point = TakenPoint(run, 90.0, True, step, None, load, 0.0, spread, 100, "")
            read_n = load + bend(load) + rng.normal(0, noise_n)
            found.append(NetPoint(len(found), point, read_n * COUNTS_PER_N))
    return found


@pytest.mark.parametrize(
    ("bend", "degree"),
    [(lambda _: 0.0, 1), (lambda f: 0.0004 * f**2, 2), (lambda f: -0.00004 * f**3, 3)],
)
def test_the_degree_is_the_one_of_the_bend(
    bend: Callable[[float], float], degree: int, size: Callable[[int, int], int]
) -> None:
    rng = np.random.default_rng(1)
    tries = size(60, 1000)
    found = [choose(points(bend, rng)).fit.degree for _ in range(tries)]
    # Two tests at the level of 0.01.
    assert found.count(degree) >= 0.94 * tries


def test_loads_bound_the_degree() -> None:
    few = [point for point in points(lambda f: 0.001 * f**2, np.random.default_rng(1)) if point.point.step in (0, 3, 6)]
    assert choose(few).fit.degree == 1
    assert choose(few, 2).fit.degree == 2


def test_a_degree_that_turns_gives_way_and_is_noted() -> None:
    bent = points(lambda f: 0.0016 * f**2, np.random.default_rng(1), 0.005)
    chosen = choose(bent)
    assert is_monotone(chosen.fit)
    assert any("turns where the converter reaches" in note for note in chosen.notes)
    with pytest.raises(NotMonotoneError, match="counts, where the converter reaches"):
        choose(bent, 2)


def test_a_cell_that_reads_no_load_makes_no_curve() -> None:
    taken = [
        NetPoint(p.position, p.point, p.net_counts * (-1) ** p.position)
        for p in points(lambda _: 0.0, np.random.default_rng(1), 0.0)
    ]
    with pytest.raises(NotMonotoneError, match="flat"):
        choose(taken[:6] + [NetPoint(p.position + 6, p.point, -p.net_counts) for p in taken[:6]])


@pytest.mark.parametrize("degree", [0, 4])
def test_degrees_that_are_not_offered_are_refused(degree: int) -> None:
    with pytest.raises(DegreeError):
        choose(points(lambda _: 0.0, np.random.default_rng(1)), degree)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(TooFewPointsError):
        choose(points(lambda _: 0.0, np.random.default_rng(1))[:1])


def test_points_that_are_alike_weigh_alike() -> None:
    taken = points(lambda _: 0.0, np.random.default_rng(1))
    plain = fit_through_zero([p.net_counts for p in taken], [p.point.reference_n for p in taken], 1)
    assert choose(taken, 1).fit == plain


def test_points_of_different_noise_are_weighed_by_it(size: Callable[[int, int], int]) -> None:
    """Weights make the slope scatter less than it would without them."""
    rng = np.random.default_rng(2)
    weighed, plain = [], []
    for _ in range(size(100, 2000)):
        spreads = (100.0,) * 5 + (40_000.0, 40_000.0)
        taken = [
            NetPoint(p.position, p.point, p.net_counts + rng.normal(0, p.point.spread_counts / 10))
            for p in points(lambda _: 0.0, rng, 0.001, spreads)
        ]
        weighed.append(choose(taken, 1).fit.coefficients[1])
        forces = [p.point.reference_n for p in taken]
        plain.append(fit_through_zero([p.net_counts for p in taken], forces, 1).coefficients[1])
    assert np.std(weighed) < 0.5 * np.std(plain)
