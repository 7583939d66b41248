"""What loads at slanted angles read by the curve that was found upright.

Theory. At the angle a of the axis to the horizontal a hanging weight pulls with m g sin a along the axis and m g cos a
across it. A cell that shows a share c of what pulls across reads m g (sin a + c cos a): off by c cot(a) of the force
along the axis. So does an angle that is set wrong by c (in radians), and one calibration can't tell the two apart:
the figure holds both, and is an upper estimate of what side forces do in use. Its mean square is the square of the
mean over all series and the variance of that mean (JCGM 100:2008, F.2.4.5).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from iastm_calibration.figures import Spread
from iastm_calibration.models import Fit
from iastm_calibration.scatter import Scatter
from iastm_calibration.series import NetPoint, is_upright


def angle_errors(fit: Fit, points: Sequence[NetPoint]) -> tuple[tuple[float, float], ...]:
    """Return for each slanted angle in degrees, rising, by which share of the force its loads read off."""
    by_angle: dict[float, list[NetPoint]] = defaultdict(list)
    for point in points:
        if not is_upright(point.point):
            by_angle[point.point.angle_deg].append(point)
    return tuple((angle, _share(fit, own)) for angle, own in sorted(by_angle.items()))


def side(fit: Fit, points: Sequence[NetPoint], scatter: Scatter) -> Spread | None:
    """Return the share of a side force that shows, as a standard uncertainty; None where only upright was taken."""
    seats = dict(scatter.slopes)
    by_series: dict[tuple[int, float], list[NetPoint]] = defaultdict(list)
    for point in points:
        if not is_upright(point.point):
            by_series[point.point.run, point.point.angle_deg].append(point)
    # Of a run that wasn't taken upright, nobody knows how it sat.
    found = [
        (_share(fit, own) - seats.get(run, 0.0)) * math.tan(math.radians(angle))
        for (run, angle), own in by_series.items()
    ]
    if not found:
        return None
    mean = float(np.mean(found))
    of_mean = float(np.var(found, ddof=1)) / len(found) if len(found) > 1 else 0.0
    return Spread(math.sqrt(mean**2 + of_mean), max(1, len(found) - 1))


def _share(fit: Fit, points: Sequence[NetPoint]) -> float:
    """Return the slope of residuals over force, by least squares through zero."""
    forces = np.array([point.point.reference_n for point in points])
    residuals = np.asarray(fit.value(np.array([point.net_counts for point in points]))) - forces
    return float(residuals @ forces / (forces @ forces))
