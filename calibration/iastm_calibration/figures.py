"""What the points of a calibration say about the tool: figures in newtons, from the curve and the points as taken.

Theory. The curve gives the force of each reading; its difference from the reference is the residual. Everything else
compares residuals, so that a reference gauge, which never stands twice at quite the same force, serves as well as
weights. Hysteresis is the residual unloading minus that loading, at the same step of the same run. Repeats at a step,
in one seating and one direction, scatter by the repeatability; the means of seatings (tool taken out and put back)
scatter by the reproducibility. Both are pooled over steps, √(Σ squares / Σ degrees of freedom) (ISO 5725-2:2019;
JCGM 100:2008, 4.2 and H.3.6). A figure that the points don't hold is None and never 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from iastm_calibration.errors import NotRecordedError
from iastm_calibration.models import Fit, Floats

Key = TypeVar("Key", bound=Hashable)

# When creep is read, seconds after the load came on: as in the creep test of ISO 376.
CREEP_FROM_S = 30.0
CREEP_UNTIL_S = 300.0


@dataclass(frozen=True, slots=True)
class Point:
    """One load as taken: step of the series from 0, force in N, reading (counts), run, direction, seating.

    A run is once up, or up and down. Runs share a `seating` while the tool stays in its place.
    """

    step: int
    reference_n: float
    reading: float
    run: int = 1
    rising: bool = True
    seating: int = 1


@dataclass(frozen=True, slots=True)
class Spread:
    """A pooled standard deviation in newtons, with its degrees of freedom."""

    standard_n: float
    degrees_of_freedom: int


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """The largest difference unloading minus loading, signed, the force where it is, and its share of the span."""

    largest_n: float
    at_n: float
    of_span: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a calibration. `residuals_n` (n,) are force by the curve minus reference."""

    residuals_n: Floats
    largest_residual_n: float
    hysteresis: Hysteresis | None
    repeatability: Spread | None
    reproducibility: Spread | None
    zero_return_n: float | None
    creep_n: float | None


def figures(
    fit: Fit,
    points: Sequence[Point],
    zeros: Iterable[tuple[float, float]] = (),
    creep: tuple[Floats, Floats] | None = None,
) -> Figures:
    """Return the figures of points under a curve that gives newtons for readings.

    `zeros` are readings without load before and after each run; `creep` is seconds since the load came on, and
    readings, (n,) each. Raises NotRecordedError where the creep was recorded for too short.
    """
    residuals_n = residuals(fit, points)
    before_after = list(zeros)
    return Figures(
        residuals_n=residuals_n,
        largest_residual_n=float(residuals_n[np.argmax(np.abs(residuals_n))]),
        hysteresis=hysteresis(points, residuals_n),
        repeatability=repeatability(points, residuals_n),
        reproducibility=reproducibility(points, residuals_n),
        zero_return_n=zero_return_n(fit, before_after) if before_after else None,
        creep_n=None if creep is None else creep_n(fit, *creep),
    )


def residuals(fit: Fit, points: Sequence[Point]) -> Floats:
    """Return force by the curve minus reference, in newtons, (n,)."""
    readings = np.array([point.reading for point in points], dtype=np.float64)
    references: Floats = np.array([point.reference_n for point in points], dtype=np.float64)
    return np.subtract(fit.value(readings), references, dtype=np.float64)


def hysteresis(points: Sequence[Point], residuals_n: Floats) -> Hysteresis | None:
    """Return the largest hysteresis; None where no step was taken both ways in one run."""
    sides = _groups((point.run, point.seating, point.step, point.rising) for point in points)
    found: list[tuple[float, float]] = []
    for (run, seating, step, rising), up in sides.items():
        down = sides.get((run, seating, step, False))
        if rising and down is not None:
            difference = float(np.mean(residuals_n[down]) - np.mean(residuals_n[up]))
            found.append((difference, points[up[0]].reference_n))
    if not found:
        return None
    largest, at = max(found, key=lambda pair: abs(pair[0]))
    references = [point.reference_n for point in points]
    return Hysteresis(largest, at, abs(largest) / (max(references) - min(references)))


def repeatability(points: Sequence[Point], residuals_n: Floats) -> Spread | None:
    """Return how runs of one seating scatter; None where no step was repeated."""
    groups = _groups((point.seating, point.step, point.rising) for point in points)
    return _pooled([residuals_n[members] for members in groups.values()])


def reproducibility(points: Sequence[Point], residuals_n: Floats) -> Spread | None:
    """Return how the means of seatings scatter; None for a single seating."""
    seatings = _groups((point.seating, point.step, point.rising) for point in points)
    means: dict[Hashable, list[float]] = defaultdict(list)
    for (_, step, rising), members in seatings.items():
        means[step, rising].append(float(np.mean(residuals_n[members])))
    return _pooled([np.array(values) for values in means.values()])


def zero_return_n(fit: Fit, zeros: Sequence[tuple[float, float]]) -> float:
    """Return the largest change of the unloaded reading over a run, signed, in newtons; for at least one run."""
    changes = [float(fit.value(after) - fit.value(before)) for before, after in zeros]
    return max(changes, key=abs)


def creep_n(fit: Fit, time_s: Floats, reading: Floats) -> float:
    """Return the change of force from 30 s to 300 s after loading, under a load that stays. Raises NotRecordedError."""
    if len(time_s) == 0 or time_s[0] > CREEP_FROM_S or time_s[-1] < CREEP_UNTIL_S:
        raise NotRecordedError(
            f"The creep was not recorded from {CREEP_FROM_S:g} s to {CREEP_UNTIL_S:g} s after loading.",
            "Leave the load on for five minutes and record all the while.",
        )
    early, late = np.interp([CREEP_FROM_S, CREEP_UNTIL_S], time_s, reading)
    return float(fit.value(late) - fit.value(early))


def _groups(keys: Iterable[Key]) -> dict[Key, list[int]]:
    groups: dict[Key, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    return dict(groups)


def _pooled(groups: Sequence[Floats]) -> Spread | None:
    freedom = sum(len(group) - 1 for group in groups)
    if freedom == 0:
        return None
    squares = sum(float(np.sum((group - np.mean(group)) ** 2)) for group in groups)
    return Spread(math.sqrt(squares / freedom), freedom)
