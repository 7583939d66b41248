"""What is looked at before points become a calibration, and after.

Theory of outliers. The residual r of one point is compared with a fit that leaves it out: t = r / (s √(1 − h)) ·
√((ν − 1) / (ν − r² / (s² (1 − h)))), with residual standard deviation s, degrees of freedom ν and leverage h, follows
Student's t with ν − 1 degrees of freedom (Cook and Weisberg, Residuals and Influence in Regression, 1982, section
2.2). As the largest of n is looked at, each is tested at a share 1/n of the level (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from iastm_calibration.errors import (
    AllEqualError,
    BeyondCapacityError,
    GapInRangeError,
    NotANumberError,
    OutlierError,
    TooFewPointsError,
)
from iastm_calibration.models import Fit, Floats
from iastm_calibration.students_t import two_sided_quantile

# The largest step between neighbouring loads, as a share of the whole range: five even steps make 0.25, weights of
# 1, 2, 5, 10 and 20 make 0.53.
LARGEST_STEP = 0.6
# The probability that points without any fault show an outlier.
OUTLIER_LEVEL = 0.01
_NAMED = 5


def require_finite(reference: Sequence[float] | Floats, reading: Sequence[float] | Floats) -> None:
    """Raise NotANumberError with the first point whose load or reading is NaN or infinite."""
    for number, (load, answer) in enumerate(zip(reference, reading, strict=True), 1):
        if not (math.isfinite(load) and math.isfinite(answer)):
            raise NotANumberError(
                f"Point {number} holds no number: reference {load}, reading {answer}.", "Measure that point again."
            )


def require_count(count: int, least: int) -> None:
    """Raise TooFewPointsError below `least` points."""
    if count < least:
        raise TooFewPointsError(
            f"There are {count} points; this calibration needs at least {least}.", "Measure at more loads."
        )


def require_spread(values: Sequence[float] | Floats, name: str) -> None:
    """Raise AllEqualError where every value is the same; `name` says which values."""
    if len(values) > 0 and min(values) == max(values):
        raise AllEqualError(
            f"Every {name} is {values[0]:g}.",
            "Check that loads differ, that the cell is wired and that the converter runs.",
        )


def require_no_gap(reference: Sequence[float] | Floats, largest_step: float = LARGEST_STEP) -> None:
    """Raise GapInRangeError where neighbouring loads lie farther apart than a share of the range."""
    loads = sorted({float(value) for value in reference})
    if len(loads) < 2:
        return
    span = loads[-1] - loads[0]
    left, right = max(pairwise(loads), key=lambda pair: pair[1] - pair[0])
    if right - left > largest_step * span:
        raise GapInRangeError(
            f"Between {left:g} and {right:g} there is no point: {(right - left) / span:.0%} of the range.",
            f"Add a load near {(left + right) / 2:g}.",
        )


def require_within_capacity(reference: Sequence[float] | Floats, capacity: float) -> None:
    """Raise BeyondCapacityError with the first load whose size is above the cell's capacity, in the same unit."""
    for number, load in enumerate(reference, 1):
        if abs(load) > capacity:
            raise BeyondCapacityError(
                f"Point {number} is a load of {load:g}; the cell is made for {capacity:g}.",
                "Check the unit of the load. If it was really applied, look whether zero has moved before going on.",
            )


def outliers(fit: Fit, x: Sequence[float] | Floats, level: float = OUTLIER_LEVEL) -> list[int]:
    """Return the positions (from 0) of points that don't belong to the others; of an unweighted fit only.

    `x` are those of the fit. With one degree of freedom nothing can be told, and the answer is [].
    """
    if fit.residual_sd == 0:
        return []
    leverage = (fit.standard_uncertainty(np.asarray(x, dtype=np.float64)) / fit.residual_sd) ** 2
    return outliers_among(fit.residuals, leverage, fit.degrees_of_freedom, level)


def outliers_among(
    residuals: Sequence[float] | Floats, leverage: Floats, freedom: int, level: float = OUTLIER_LEVEL
) -> list[int]:
    """Return the same of residuals (n,) of any linear fit by least squares, with its leverages (n,)."""
    square = math.fsum(float(residual) ** 2 for residual in residuals)
    if freedom < 2 or square == 0:
        return []
    limit = two_sided_quantile(1 - level / len(residuals), freedom - 1)
    found = []
    for position, (residual, share) in enumerate(zip(residuals, leverage, strict=True)):
        # A point that the curve is bound to pass through has no residual to judge.
        if share > 1 - 1e-9:
            continue
        own = float(residual) ** 2 * freedom / square / (1 - float(share))
        others = freedom - own
        if others <= 0 or own * (freedom - 1) / others > limit * limit:
            found.append(position)
    return found


def outlier_words(positions: Sequence[int], fit: Fit, x: Sequence[float] | Floats) -> str:
    """Return a sentence that names points, numbered from 1, with their residuals."""
    named = [f"point {at + 1} (at {float(x[at]):g}, off by {fit.residuals[at]:+.3g})" for at in positions[:_NAMED]]
    more = f" and {len(positions) - _NAMED} more" if len(positions) > _NAMED else ""
    verb = "does" if len(positions) == 1 else "do"
    words = f"{', '.join(named)}{more} {verb} not belong to the others."
    return words[0].upper() + words[1:]


def require_no_outliers(fit: Fit, x: Sequence[float] | Floats, level: float = OUTLIER_LEVEL) -> None:
    """Raise OutlierError with the points named. They stay: whoever measured them decides."""
    found = outliers(fit, x, level)
    if found:
        raise OutlierError(
            outlier_words(found, fit, x),
            "Compare the load with what was written down, and measure again; leave it out only with a recorded reason.",
        )
