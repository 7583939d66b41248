"""What a person states before a calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_calibration.document import Tip
from iastm_calibration.errors import RangeError
from iastm_calibration.gravity import Gravity, local_gravity, unknown_place, weight_force_n
from iastm_calibration.uncertainty import Use

QUICK = "quick"
FULL = "full"
# Ours: five weights of a kitchen for the quick way; for a certificate steps that are closer where force is small.
DEFAULT_LOADS_KG = {
    QUICK: (0.1, 0.2, 0.5, 1.0, 1.5),
    FULL: (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5),
}
# The least that tells a curve and how well it fits, and the most. Six to eight are what a certificate asks for.
FEWEST_LOADS = {QUICK: 3, FULL: 6}
MOST_LOADS = {QUICK: 8, FULL: 8}
RUNS = {QUICK: 1, FULL: 3}
ANGLES_DEG = {QUICK: (90.0,), FULL: (90.0, 60.0, 45.0)}
# A load of more than this is no load for a hand tool: somebody stated grams as kilograms.
_HEAVIEST_KG = 50.0
# 30 mN, what a point may be off, is a fifth of less than that: nothing of use comes of it.
_LIGHTEST_KG = 0.015
_HEIGHTS_M = (-500.0, 9000.0)
_LONGEST_MONTHS = 36
NO_TIP = Tip("Tip", "", None, None, "", None, None)


@dataclass(frozen=True, slots=True)
class Setup:
    """What a calibration is made with: method "quick" or "full", loads in kilograms as marked on the weights.

    `tolerance`: limits of the weights, or of the gauge, as a share of their value (0.01 is ± 1 %), None where nobody
    knows. `latitude_deg` and `height_m` (above the sea) give gravity; without a latitude its whole range counts.
    `against_gauge`: a reference gauge tells the force, and the loads are forces to aim at. How the tool is used widens
    its uncertainty: within `used_within_deg` of upright, and within `used_within_k` of today's temperature, where its
    zero moves by `zero_per_k_n` newtons and its span by `span_per_k`, a share, for each kelvin. None is not counted.
    """

    method: str = QUICK
    loads_kg: tuple[float, ...] = DEFAULT_LOADS_KG[QUICK]
    tolerance: float | None = None
    weights_description: str = ""
    certificate: str = ""
    latitude_deg: float | None = None
    height_m: float = 0.0
    made_by: str = ""
    tip: Tip = NO_TIP
    load_cell: str = ""
    converter: str = ""
    expires_months: int = 12
    against_gauge: bool = False
    used_within_deg: float | None = None
    used_within_k: float | None = None
    zero_per_k_n: float | None = None
    span_per_k: float | None = None

    @property
    def run_count(self) -> int:
        """How often the tool is seated."""
        return RUNS[self.method]

    @property
    def angles_deg(self) -> tuple[float, ...]:
        """The angles of the tip to the horizontal, the upright one first."""
        return ANGLES_DEG[self.method]

    def gravity(self) -> Gravity:
        """Return gravity at the place. Raises RangeError for a place that isn't on Earth."""
        return unknown_place() if self.latitude_deg is None else local_gravity(self.latitude_deg, self.height_m)

    def use(self) -> Use:
        """Return the conditions of use, as a budget takes them."""
        return Use(
            temperature_half_width_k=self.used_within_k,
            zero_per_k_n=self.zero_per_k_n,
            span_per_k=self.span_per_k,
            angle_half_width_deg=self.used_within_deg,
        )

    def force_n(self, load_kg: float, angle_deg: float) -> float:
        """Return the force along the axis in newtons: of a weight that hangs, or the force to aim at with a gauge."""
        whole_n = weight_force_n(load_kg, self.gravity())
        return whole_n if self.against_gauge else whole_n * math.sin(math.radians(angle_deg))

    def problems(self, capacity_n: float | None = None) -> tuple[tuple[str, str], ...]:
        """Return what can't be as stated: (field, words) each. `capacity_n` is that of the cell, where it is known."""
        found: list[tuple[str, str]] = []
        if self.method not in RUNS:
            return (("method", f"There is no method {self.method!r}: choose quick or full."),)
        found += [("loads_kg", words) for words in self._of_loads(capacity_n)]
        if self.tolerance is not None and not 0 <= self.tolerance <= 0.1:
            found.append(("tolerance", "A tolerance of weights lies from 0 to 10 %."))
        if self.latitude_deg is not None:
            try:
                self.gravity()
            except RangeError as error:
                found.append(("latitude_deg" if "latitude" in error.what else "height_m", str(error)))
        elif not _HEIGHTS_M[0] <= self.height_m <= _HEIGHTS_M[1]:
            low, high = _HEIGHTS_M
            found.append(("height_m", f"A height lies from {low:.0f} to {high:.0f} m above the sea.".replace("-", "−")))
        found += self._of_tip()
        if not self.made_by.strip():
            found.append(("made_by", "Who calibrates? A certificate needs a name."))
        found += self._of_use()
        if not 1 <= self.expires_months <= _LONGEST_MONTHS:
            found.append(("expires_months", f"A calibration holds for 1 to {_LONGEST_MONTHS} months."))
        return tuple(found)

    def _of_tip(self) -> list[tuple[str, str]]:
        found = []
        if not self.tip.name.strip():
            found.append(("tip_name", "Name the tip: pressure and certificate refer to it."))
        area, uncertainty = self.tip.area_cm2, self.tip.area_uncertainty_cm2
        if area is not None and uncertainty is not None and uncertainty > area / 2:
            found.append(("tip_area_uncertainty", "An area is known to better than half of itself: measure it again."))
        return found

    def _of_use(self) -> list[tuple[str, str]]:
        found = []
        if self.used_within_deg is not None and not 0 <= self.used_within_deg <= 90:
            found.append(("used_within_deg", "The tool is used within 0 to 90° of upright."))
        if self.used_within_k is not None and not 0 <= self.used_within_k <= 60:
            found.append(("used_within_k", "The tool is used within 0 to 60 K of today's temperature."))
        stated = (self.used_within_k, self.zero_per_k_n, self.span_per_k)
        if any(value is not None for value in stated) and None in stated:
            words = "State all three of temperature: how far, and how much zero and span move for each kelvin."
            found.append(("used_within_k", words))
        return found

    def _of_loads(self, capacity_n: float | None) -> list[str]:
        fewest, most = FEWEST_LOADS[self.method], MOST_LOADS[self.method]
        if not all(math.isfinite(load) and load > 0 for load in self.loads_kg):
            return ["Each load is a mass above 0 g."]
        words = []
        if not fewest <= len(self.loads_kg) <= most:
            words.append(f"This method takes {fewest} to {most} loads, not {len(self.loads_kg)}.")
        if any(later <= before for before, later in zip(self.loads_kg, self.loads_kg[1:], strict=False)):
            words.append("State each load once, the lightest first.")
        if self.loads_kg and min(self.loads_kg) < _LIGHTEST_KG:
            grams = f"{1000 * min(self.loads_kg):.6g} g"
            words.append(f"{grams} is too light, {1000 * _LIGHTEST_KG:g} g is the least: are these kilograms?")
        if self.loads_kg and max(self.loads_kg) > _HEAVIEST_KG:
            words.append(f"{max(self.loads_kg):g} kg is beyond what a hand tool carries: are these grams?")
        elif self.loads_kg and capacity_n is not None:
            heaviest_n = weight_force_n(max(self.loads_kg), unknown_place())
            if heaviest_n > capacity_n:
                words.append(f"{heaviest_n:.3g} N is beyond the {capacity_n:g} N that the cell is made for.")
        return words
