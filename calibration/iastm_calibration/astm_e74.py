"""Lower limit factor and class, computed after ASTM E74 (Practices for Calibration and Verification for
Force-Measuring Instruments, edition of 2018). "After" means the arithmetic: the standard also asks for procedures,
references and people that a program can't see.

Theory. The readings are fitted as a polynomial of the force. With deviations d of n readings from a curve of m
coefficients the standard deviation is s = √(Σ d² / (n − m)). The lower limit factor is LLF = 2.4 s, turned into force
by the average ratio of force to deflection, and not less than the resolution (section 8.5; 2.4 stands for about 99 %,
section 7.1.2). Class AA holds from 2000 LLF up, where LLF is 0.05 % of the force, Class A from 400 LLF, 0.25 %; neither
goes beyond the forces that were applied. Thirty readings at ten forces are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.errors import TooFewPointsError
from iastm_calibration.models import Fit, Floats

COVERAGE = 2.4
CLASS_MULTIPLES = {"AA": 2000, "A": 400}
# How well forces have to be known, as a share: primary standards (dead weights) for AA, secondary ones for A.
REFERENCE_ASKED = {"AA": 0.00005, "A": 0.0005}
READINGS_ASKED = 30
FORCES_ASKED = 10


@dataclass(frozen=True, slots=True)
class LowerLimit:
    """The lower limit factor in newtons, and for each class the force it holds from, None where it never does.

    `shortfalls` say in words what the points lack of what the standard asks for.
    """

    factor_n: float
    largest_n: float
    from_n: dict[str, float | None]
    shortfalls: tuple[str, ...]

    def class_at(self, force_n: float) -> str | None:
        """Return the better class at a force, None outside both."""
        for name, from_n in self.from_n.items():
            if from_n is not None and from_n <= force_n <= self.largest_n:
                return name
        return None


def lower_limit(
    fit: Fit, reference_n: Sequence[float] | Floats, zero_reading: float, resolution_n: float
) -> LowerLimit:
    """Return lower limit factor and classes of a curve that gives readings for forces, from loads above zero.

    `reference_n` (n,) are the fit's own loads, `zero_reading` is that without load. Raises TooFewPointsError where no
    force is above zero, or no reading moved.
    """
    forces = np.asarray(reference_n, dtype=np.float64)
    loaded = forces > 0
    if not np.any(loaded):
        raise TooFewPointsError("No force above zero was applied.", "Load the cell.")
    deflections = fit.value(forces) + np.asarray(fit.residuals) - zero_reading
    moved = loaded & (deflections != 0)
    if not np.any(moved):
        raise TooFewPointsError("No reading moved from zero.", "Check that the cell is wired and loaded.")
    newtons_per_reading = float(np.mean(np.abs(forces[moved] / deflections[moved])))
    factor_n = max(COVERAGE * fit.residual_sd * newtons_per_reading, resolution_n)
    smallest_n, largest_n = float(np.min(forces[loaded])), float(np.max(forces))
    from_n: dict[str, float | None] = {}
    for name, multiple in CLASS_MULTIPLES.items():
        start_n = max(multiple * factor_n, smallest_n)
        from_n[name] = start_n if start_n <= largest_n else None
    return LowerLimit(factor_n, largest_n, from_n, _shortfalls(forces))


def _shortfalls(forces: Floats) -> tuple[str, ...]:
    found = []
    if len(forces) < READINGS_ASKED:
        found.append(f"{len(forces)} readings of {READINGS_ASKED}")
    different = len(np.unique(forces))
    if different < FORCES_ASKED:
        found.append(f"{different} different forces of {FORCES_ASKED}")
    return tuple(found)
