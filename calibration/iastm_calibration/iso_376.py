"""Relative errors and class, computed after ISO 376:2011 (Calibration of force-proving instruments used for the
verification of uniaxial testing machines). "After" means the arithmetic: the standard also asks for procedures,
references and people that a program can't see.

Theory. Deflections X are readings less the zero of their series. X1 and X2 are loaded in one position, X1, X3 and X5
in three positions turned about the axis, X4' and X6' are unloaded after X3 and X5. In per cent, at each force:
- relative reproducibility error b = |Xmax − Xmin| / mean of X1, X3, X5;
- relative repeatability error b' = |X2 − X1| / mean of X1, X2;
- relative interpolation error fc = (mean of X1, X3, X5 − Xa) / Xa, with Xa from the curve;
- relative reversibility error v = mean of |X4' − X3| / X3 and |X6' − X5| / X5;
and once: relative zero error f0 = (reading after − reading before) / deflection at the largest force, relative creep
error c = (reading at 300 s − reading at 30 s) / deflection at the largest force. Creep counts where it was recorded,
and has to be where unloading was not. A class holds from the largest force down to the last one at which everything is
within its limits, and must reach down to half the largest force; not below 2 % of it, nor below a multiple of the
resolution. The limits are those of the standard's table of classification criteria. Eight forces are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FORCES_ASKED = 8
_LEAST_OF_LARGEST = 0.02
_REACHES_DOWN_TO = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What a class allows, in per cent; the uncertainty of the reference force is expanded, k = 2."""

    reproducibility: float
    repeatability: float
    interpolation: float
    zero: float
    reversibility: float
    creep: float
    reference: float
    resolutions: int


CLASSES = {
    "00": Limits(0.05, 0.025, 0.025, 0.012, 0.07, 0.025, 0.01, 4000),
    "0.5": Limits(0.10, 0.05, 0.05, 0.025, 0.15, 0.05, 0.02, 2000),
    "1": Limits(0.20, 0.10, 0.10, 0.050, 0.30, 0.10, 0.05, 1000),
    "2": Limits(0.40, 0.20, 0.20, 0.10, 0.50, 0.20, 0.10, 500),
}


@dataclass(frozen=True, slots=True)
class Deflections:
    """What one force gave: loading in three turned positions, twice in the first; unloading in the two others.

    `curve` is the deflection by the curve. Units of the reading.
    """

    force_n: float
    first: float
    repeated: float
    turned: tuple[float, float]
    unloading: tuple[float, float] | None
    curve: float


@dataclass(frozen=True, slots=True)
class RelativeErrors:
    """Relative errors at one force in per cent; reversibility is None where unloading was not taken."""

    force_n: float
    reproducibility: float
    repeatability: float
    interpolation: float
    reversibility: float | None


@dataclass(frozen=True, slots=True)
class Classification:
    """For each class the lowest force in newtons that it holds from, None where it doesn't hold.

    `shortfalls` say in words what the points lack of what the standard asks for.
    """

    from_n: dict[str, float | None]
    largest_n: float
    shortfalls: tuple[str, ...]

    @property
    def best(self) -> str | None:
        """The strictest class that holds, None where none does."""
        return next((name for name, from_n in self.from_n.items() if from_n is not None), None)


def relative_errors(deflections: Deflections) -> RelativeErrors:
    """Return the relative errors at one force above zero, in per cent."""
    positions = np.array([deflections.first, *deflections.turned])
    mean = float(np.mean(positions))
    same = (deflections.first + deflections.repeated) / 2
    reversibility = None
    if deflections.unloading is not None:
        both = zip(deflections.unloading, deflections.turned, strict=True)
        reversibility = 100 * float(np.mean([abs((down - up) / up) for down, up in both]))
    return RelativeErrors(
        force_n=deflections.force_n,
        reproducibility=100 * abs(float(np.ptp(positions)) / mean),
        repeatability=100 * abs((deflections.repeated - deflections.first) / same),
        interpolation=100 * (mean - deflections.curve) / deflections.curve,
        reversibility=reversibility,
    )


def of_largest_deflection(change: float, largest_deflection: float) -> float:
    """Return a change of reading in per cent of the deflection at the largest force: zero error and creep error."""
    return 100 * change / largest_deflection


def classify(
    errors: Sequence[RelativeErrors],
    zero_errors: Sequence[float],
    creep_error: float | None,
    resolution_n: float,
    reference_expanded_percent: float,
) -> Classification:
    """Return from which force each class holds. `zero_errors` are those of the series, at least one, in per cent.

    No class holds where neither unloading nor creep was taken.
    """
    falling = sorted(errors, key=lambda error: -error.force_n)
    largest_n = falling[0].force_n
    from_n: dict[str, float | None] = {}
    for name, limits in CLASSES.items():
        least_n = max(_LEAST_OF_LARGEST * largest_n, limits.resolutions * resolution_n)
        lowest_n = None
        if (
            max(map(abs, zero_errors)) <= limits.zero
            and reference_expanded_percent <= limits.reference
            and (creep_error is None or abs(creep_error) <= limits.creep)
        ):
            for error in falling:
                if error.force_n < least_n or not _within(error, limits, creep_error):
                    break
                lowest_n = error.force_n
        reaches = lowest_n is not None and lowest_n <= _REACHES_DOWN_TO * largest_n
        from_n[name] = lowest_n if reaches else None
    shortfalls = (f"{len(errors)} forces of {FORCES_ASKED}",) if len(errors) < FORCES_ASKED else ()
    return Classification(from_n, largest_n, shortfalls)


def _within(error: RelativeErrors, limits: Limits, creep_error: float | None) -> bool:
    turned_back = (
        creep_error is not None if error.reversibility is None else error.reversibility <= limits.reversibility
    )
    return (
        turned_back
        and error.reproducibility <= limits.reproducibility
        and error.repeatability <= limits.repeatability
        and abs(error.interpolation) <= limits.interpolation
    )
