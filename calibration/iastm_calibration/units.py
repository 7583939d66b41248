"""Newtons and the units of force that gauges and scales show.

Theory. A kilogram-force is the weight of one kilogram at standard gravity, 9.80665 m/s² by definition (3rd CGPM,
1901); a pound is 0.45359237 kg by definition (international yard and pound agreement, 1959). So every factor is exact.
A scale that shows grams is taken as one that shows gram-force: weights are another matter, see gravity.py.
"""

from __future__ import annotations

from decimal import Decimal

from iastm_calibration.errors import UnitError

STANDARD_GRAVITY_M_S2 = 9.80665

# Exact, as decimals.
_EXACT = {
    "N": Decimal(1),
    "kgf": Decimal("9.80665"),
    "lbf": Decimal("9.80665") * Decimal("0.45359237"),
    "g": Decimal("0.00980665"),
}
# The factors as the nearest doubles: newtons per unit.
NEWTONS = {unit: float(factor) for unit, factor in _EXACT.items()}


def to_newtons(value: float, unit: str) -> float:
    """Return a force in newtons. Raises UnitError."""
    return value * _factor(unit)


def from_newtons(force_n: float, unit: str) -> float:
    """Return a force in a unit. Raises UnitError."""
    return force_n / _factor(unit)


def _factor(unit: str) -> float:
    if unit not in NEWTONS:
        raise UnitError(f"{unit} is no unit of force that is known here.", f"Choose {', '.join(NEWTONS)}.")
    return NEWTONS[unit]
