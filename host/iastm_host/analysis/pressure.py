"""Mean pressure under a tip: p = F / A.

A is the effective contact area, measured by the user for each tip, and dominates the uncertainty. Relative
uncertainties of force and area add in squares (first order).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_host.analysis.profiles import KPA_PER_N_PER_CM2, Tip


@dataclass(frozen=True, slots=True)
class Pressure:
    """A pressure in kilopascals and its uncertainty (±), of the same coverage as those it was computed from."""

    kpa: float
    uncertainty_kpa: float


def pressure(force_n: float, tip: Tip | None, force_uncertainty_n: float = 0.0) -> Pressure | None:
    """Return the mean pressure under the tip, None where its area is unknown."""
    if tip is None or not tip.area_cm2 > 0:
        return None
    per_newton = KPA_PER_N_PER_CM2 / tip.area_cm2
    from_area_kpa = force_n * per_newton * tip.area_uncertainty_cm2 / tip.area_cm2
    return Pressure(force_n * per_newton, math.hypot(from_area_kpa, force_uncertainty_n * per_newton))
