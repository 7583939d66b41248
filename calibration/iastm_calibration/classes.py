"""Lower limit factor and classes of points as taken: which of them go into what astm_e74.py and iso_376.py reckon.

Theory. Both standards fit readings over forces of loading alone. ISO 376 asks for a series that is repeated without
moving the tool: a run that holds two rising series. Where that is missing there is no class after ISO 376, and the
shortfalls say so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from iastm_calibration import astm_e74, iso_376
from iastm_calibration.document import Reference
from iastm_calibration.errors import CalibrationError
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.series import NetPoint, ZeroPair

_POSITIONS = 3

# The points of one seating by step, and then by whether they were loading.
Steps = dict[int, dict[bool, list[NetPoint]]]


@dataclass(frozen=True, slots=True)
class FoundClass:
    """A class with the force in N that it holds from, None where none does, and what the points lack, in words."""

    name: str | None
    from_n: float | None
    shortfalls: tuple[str, ...]


def loading_curve(points: Sequence[NetPoint], degree: int) -> Fit | None:
    """Return net counts over force of the rising points, None where they are too few."""
    rising = [point for point in points if point.point.rising]
    try:
        return fit_through_zero(
            [point.point.reference_n for point in rising], [point.net_counts for point in rising], degree
        )
    except CalibrationError:
        return None


def after_astm_e74(
    loading: Fit | None, points: Sequence[NetPoint], reference: Reference, resolution_n: float
) -> tuple[float | None, FoundClass]:
    """Return lower limit factor in N and the better class after ASTM E74, of points taken upright.

    A class that asks for a better reference than was stated is not given.
    """
    if loading is None:
        return None, FoundClass(None, None, ("after ASTM E74: too few loads going up",))
    forces = [point.point.reference_n for point in points if point.point.rising]
    found = astm_e74.lower_limit(loading, forces, 0.0, resolution_n)
    shortfalls = tuple(f"after ASTM E74: {words}" for words in found.shortfalls)
    stated = reference.tolerance
    for name, from_n in found.from_n.items():
        asked = astm_e74.REFERENCE_ASKED[name]
        if stated is None or stated > asked:
            known = "not stated" if stated is None else f"known within {100 * stated:.3g} %"
            shortfalls += (f"after ASTM E74: reference {known}, class {name} asks for {100 * asked:.3g} %",)
        elif from_n is not None:
            return found.factor_n, FoundClass(name, from_n, shortfalls)
    return found.factor_n, FoundClass(None, None, shortfalls)


def after_iso_376(
    loading: Fit | None,
    points: Sequence[NetPoint],
    zeros: Sequence[ZeroPair],
    reference: Reference,
    resolution_n: float,
) -> FoundClass:
    """Return the class after ISO 376, of points taken upright with the zeros of their series."""
    lacking = []
    by_run: dict[int, dict[int, dict[bool, list[NetPoint]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for point in points:
        by_run[point.point.run][point.point.step][point.point.rising].append(point)
    first = next((run for run, steps in by_run.items() if all(len(sides[True]) > 1 for sides in steps.values())), None)
    turned = [run for run in by_run if run != first]
    if len(by_run) < _POSITIONS:
        lacking.append(f"{len(by_run)} of {_POSITIONS} seatings")
    if first is None:
        lacking.append("no series repeated without seating the tool anew")
    if not zeros:
        lacking.append("no zero after the series")
    if reference.tolerance is None:
        lacking.append("the reference's uncertainty is not stated")
    if loading is None:
        lacking.append("too few loads going up")
    if lacking or first is None or loading is None or reference.tolerance is None:
        return FoundClass(None, None, tuple(f"after ISO 376: {words}" for words in lacking))
    errors = _relative_errors(loading, by_run[first], [by_run[run] for run in turned[: _POSITIONS - 1]])
    if not errors:
        return FoundClass(None, None, ("after ISO 376: no load was taken in all seatings",))
    largest = float(loading.value(loading.high))
    zero_errors = [iso_376.of_largest_deflection(pair.after_counts - pair.before_counts, largest) for pair in zeros]
    gravity = 0.0
    if reference.gravity_m_s2 and reference.gravity_standard_m_s2:
        gravity = reference.gravity_standard_m_s2 / reference.gravity_m_s2
    expanded_percent = 200 * math.hypot(reference.tolerance / math.sqrt(3), gravity)
    found = iso_376.classify(errors, zero_errors, None, resolution_n, expanded_percent)
    shortfalls = tuple(f"after ISO 376: {words}" for words in found.shortfalls)
    return FoundClass(found.best, None if found.best is None else found.from_n[found.best], shortfalls)


def _relative_errors(loading: Fit, first: Steps, turned: Sequence[Steps]) -> list[iso_376.RelativeErrors]:
    """Return the errors at each load that was taken in all seatings, twice in the first."""
    largest_n = max(sides[True][0].point.reference_n for sides in first.values())
    errors = []
    for step, sides in first.items():
        others = [steps[step] for steps in turned]
        if not all(other[True] for other in others):
            continue
        force_n = sides[True][0].point.reference_n
        up = [other[True][0].net_counts for other in others]
        back = [other[False][0].net_counts for other in others if other[False]]
        if force_n == largest_n and not back:
            # Where loading turns into unloading both are one.
            back = up
        errors.append(
            iso_376.relative_errors(
                iso_376.Deflections(
                    force_n=force_n,
                    first=sides[True][0].net_counts,
                    repeated=sides[True][1].net_counts,
                    turned=(up[0], up[1]),
                    unloading=(back[0], back[1]) if len(back) > 1 else None,
                    curve=float(loading.value(force_n)),
                )
            )
        )
    return errors
