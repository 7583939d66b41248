"""The uncertainty of a force reading, as a budget that a person can read.

Theory. Small independent errors add as variances, each scaled to newtons (JCGM 100:2008, "GUM", 5.1.2); limits ±a
within which nothing is likelier count as a/√3 (4.3.7). A spread that was estimated from few points counts with its
degrees of freedom, which combine by the formula of Welch and Satterthwaite (G.4). The expanded uncertainty is k times
the combined one, with k = 2 for about 95 %; where the combined degrees of freedom are few, k is the quantile of
Student's t for 95.45 %, which then is larger (G.6.4) and approaches 2 as they grow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_calibration.errors import RangeError
from iastm_calibration.figures import Hysteresis, Spread
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit
from iastm_calibration.students_t import two_sided_quantile

# The probability within two standard deviations of a normal distribution.
CONFIDENCE = 0.9545


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of a budget: what it is, where its size comes from, and its standard uncertainty in newtons."""

    name: str
    source: str
    standard_n: float
    degrees_of_freedom: float = math.inf


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known about the errors of a force; None for what isn't, which the budget then names.

    weight_tolerance: limits of the weights as a share of their mass, or of a reference gauge as a share of its force.
    hysteresis, repeatability, reproducibility: as figures.py finds them. resolution_n: smallest step that is seen.
    temperature_half_width_k: how far from the calibration's temperature the tool is used; zero_per_k_n (N/K) and
    span_per_k (share per kelvin): how much it moves by then. tip_weight_n: what hangs on the cell, whose zero was
    taken at `calibrated_angle_deg` of its axis to the horizontal (90: upright), and which is used within
    ± `angle_half_width_deg` of that without compensation.
    """

    weight_tolerance: float | None = None
    gravity: Gravity | None = None
    repeatability: Spread | None = None
    reproducibility: Spread | None = None
    hysteresis: Hysteresis | None = None
    resolution_n: float | None = None
    temperature_half_width_k: float | None = None
    zero_per_k_n: float | None = None
    span_per_k: float | None = None
    tip_weight_n: float | None = None
    calibrated_angle_deg: float = 90.0
    angle_half_width_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one force: rows that count, and the names of what nobody stated."""

    force_n: float
    contributions: tuple[Contribution, ...]
    unknown: tuple[str, ...]

    @property
    def combined_n(self) -> float:
        """The combined standard uncertainty."""
        return math.sqrt(sum(row.standard_n**2 for row in self.contributions))

    @property
    def degrees_of_freedom(self) -> float:
        """The effective degrees of freedom, infinite where nothing was estimated from points."""
        spent = sum(row.standard_n**4 / row.degrees_of_freedom for row in self.contributions)
        # A tiny uncertainty underflows in its fourth power.
        return self.combined_n**4 / spent if spent > 0 else math.inf

    @property
    def coverage_factor(self) -> float:
        """k: 2 for many degrees of freedom, more for few."""
        # Rounding must not bring one degree of freedom below one.
        return max(2.0, two_sided_quantile(CONFIDENCE, max(1.0, self.degrees_of_freedom)))

    @property
    def expanded_n(self) -> float:
        """The expanded uncertainty, about 95 %."""
        return self.coverage_factor * self.combined_n

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return name, source, standard uncertainty and share of the variance of each row, the largest first."""
        total = self.combined_n**2
        return [
            (row.name, row.source, f"{row.standard_n:.2g} N", f"{row.standard_n**2 / total:.0%}" if total else "0%")
            for row in sorted(self.contributions, key=lambda row: -row.standard_n)
        ]

    def sentence(self) -> str:
        """Say the result in one line, and what it leaves out."""
        words = f"{self.force_n:.3g} N ± {self.expanded_n:.2g} N (k = {self.coverage_factor:.2f})"
        return f"{words}, without {', '.join(self.unknown)}" if self.unknown else words


def force_budget(reading: float, fit: Fit, sources: Sources) -> Budget:
    """Return the budget of the force at a reading, by a curve that gives newtons for readings.

    Raises RangeError for a reading that the calibration doesn't cover.
    """
    if not fit.covers(reading):
        raise RangeError(
            f"A reading of {reading:g} lies outside the calibrated range from {fit.low:g} to {fit.high:g}.",
            "Calibrate over a wider range.",
        )
    force_n = float(fit.value(reading))
    rows = [
        Contribution("curve", "fit of the points", float(fit.standard_uncertainty(reading)), fit.degrees_of_freedom)
    ]
    unknown = []
    for name, row in (
        ("reference", _reference(force_n, sources)),
        ("gravity", _gravity(force_n, sources)),
        ("repeatability", _spread("repeatability", "repeats in one seating", sources.repeatability)),
        ("reproducibility", _spread("reproducibility", "repeats, seated anew", sources.reproducibility)),
        ("hysteresis", _hysteresis(sources)),
        ("resolution", _resolution(sources)),
        ("temperature", _temperature(force_n, sources)),
        ("orientation", _orientation(sources)),
    ):
        if row is None:
            unknown.append(name)
        else:
            rows.append(row)
    return Budget(force_n, tuple(rows), tuple(unknown))


def _rectangular(name: str, source: str, half_width_n: float) -> Contribution:
    return Contribution(name, source, abs(half_width_n) / math.sqrt(3))


def _reference(force_n: float, sources: Sources) -> Contribution | None:
    if sources.weight_tolerance is None:
        return None
    return _rectangular(
        "reference", f"weights within ± {sources.weight_tolerance:.2%}", sources.weight_tolerance * force_n
    )


def _gravity(force_n: float, sources: Sources) -> Contribution | None:
    if sources.gravity is None:
        return None
    share = sources.gravity.standard_m_s2 / sources.gravity.value_m_s2
    return Contribution("gravity", f"{sources.gravity.value_m_s2:.4f} m/s² by place", share * abs(force_n))


def _spread(name: str, source: str, spread: Spread | None) -> Contribution | None:
    return None if spread is None else Contribution(name, source, spread.standard_n, spread.degrees_of_freedom)


def _hysteresis(sources: Sources) -> Contribution | None:
    if sources.hysteresis is None:
        return None
    # The curve runs between loading and unloading, so a reading is off by up to half their difference.
    half_n = sources.hysteresis.largest_n / 2
    return _rectangular("hysteresis", f"up against down, ± {abs(half_n):.2g} N", half_n)


def _resolution(sources: Sources) -> Contribution | None:
    if sources.resolution_n is None:
        return None
    return _rectangular("resolution", f"steps of {sources.resolution_n:.2g} N", sources.resolution_n / 2)


def _temperature(force_n: float, sources: Sources) -> Contribution | None:
    width_k, zero_n, span = sources.temperature_half_width_k, sources.zero_per_k_n, sources.span_per_k
    if width_k is None or zero_n is None or span is None:
        return None
    # Zero and span move with the same temperature: they add, and not as variances.
    moved_n = (abs(zero_n) + abs(span * force_n)) * width_k
    return _rectangular("temperature", f"within ± {width_k:g} K of the calibration", moved_n)


def _orientation(sources: Sources) -> Contribution | None:
    if sources.tip_weight_n is None or sources.angle_half_width_deg is None:
        return None
    # Of the tip's weight the cell sees the part along its axis, W sin(angle); it is farthest from the zero at a border.
    at, width = sources.calibrated_angle_deg, sources.angle_half_width_deg
    straight = math.sin(math.radians(at))
    shift = max(abs(math.sin(math.radians(at + side * width)) - straight) for side in (-1, 1))
    return _rectangular(
        "orientation", f"tip of {sources.tip_weight_n:.2g} N, ± {width:g}°", shift * sources.tip_weight_n
    )
