"""Local gravity, and the force of a weight.

Theory. Normal gravity on the ellipsoid of WGS 84 at geodetic latitude φ after Somigliana is
γ = γ_e (1 + k sin²φ) / √(1 − e² sin²φ), and at height h above it γ (1 − 2/a (1 + f + m − 2 f sin²φ) h + 3 h²/a²), the
free-air correction to second order (NIMA TR8350.2, Department of Defense World Geodetic System 1984, 3rd edition 2000,
chapter 4; from there the constants too). True gravity differs from it by the local anomaly.
A weight is marked with its conventional mass: that of a body of 8000 kg/m³ which balances it in air of 1.2 kg/m³
(OIML D 28, 2004). In such air it pulls with m g (1 − 1.2/8000), whatever it is made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_calibration.errors import RangeError

# γ_e in m/s², k, e², a in m, f, and m = ω² a² b / GM.
EQUATOR_M_S2 = 9.7803253359
_K = 0.00193185265241
_ECCENTRICITY_SQUARED = 0.00669437999014
_SEMI_MAJOR_M = 6378137.0
_FLATTENING = 1 / 298.257223563
_M = 0.00344978650684

# Heights where people work; the series is good far beyond.
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
# What the anomaly amounts to as a standard deviation. Ours: tens of milligals (10⁻⁵ m/s²) are common, and mountains
# and deep basins reach some hundreds.
ANOMALY_M_S2 = 5e-4
_AIR_OVER_MASS = 1.2 / 8000


@dataclass(frozen=True, slots=True)
class Gravity:
    """Gravity in m/s², with its standard uncertainty."""

    value_m_s2: float
    standard_m_s2: float


def normal_gravity(latitude_deg: float, height_m: float = 0.0) -> float:
    """Return normal gravity in m/s² for latitude −90° to 90° and height −500 to 9000 m. Raises RangeError."""
    if not -90 <= latitude_deg <= 90:
        raise RangeError(f"There is no latitude of {latitude_deg:g}°.", "State −90 (south pole) to 90 (north pole).")
    if not _LOWEST_M <= height_m <= _HIGHEST_M:
        raise RangeError(f"A height of {height_m:g} m is outside of what is meant.", "State metres above the sea.")
    sine_squared = math.sin(math.radians(latitude_deg)) ** 2
    surface = EQUATOR_M_S2 * (1 + _K * sine_squared) / math.sqrt(1 - _ECCENTRICITY_SQUARED * sine_squared)
    ratio = height_m / _SEMI_MAJOR_M
    return surface * (1 - 2 * (1 + _FLATTENING + _M - 2 * _FLATTENING * sine_squared) * ratio + 3 * ratio * ratio)


def local_gravity(
    latitude_deg: float, height_m: float = 0.0, latitude_half_width_deg: float = 0.1, height_half_width_m: float = 50.0
) -> Gravity:
    """Return gravity at a place that is known within limits (rectangular). Raises RangeError."""
    value = normal_gravity(latitude_deg, height_m)
    # Slopes by the first terms: γ_e (k + e²/2) sin 2φ per radian, and 2 γ/a per metre.
    per_radian = EQUATOR_M_S2 * (_K + _ECCENTRICITY_SQUARED / 2) * math.sin(2 * math.radians(latitude_deg))
    by_latitude = per_radian * math.radians(latitude_half_width_deg) / math.sqrt(3)
    by_height = 2 * value / _SEMI_MAJOR_M * height_half_width_m / math.sqrt(3)
    return Gravity(value, math.hypot(by_latitude, by_height, ANOMALY_M_S2))


def unknown_place() -> Gravity:
    """Return gravity for a place that nobody stated: anywhere between equator and pole, up to 2000 m."""
    low, high = normal_gravity(0, 2000), normal_gravity(90)
    return Gravity((low + high) / 2, (high - low) / 2 / math.sqrt(3))


def weight_force_n(mass_kg: float, gravity: Gravity) -> float:
    """Return the force in newtons of a weight marked with `mass_kg`, hanging or standing in air."""
    return mass_kg * gravity.value_m_s2 * (1 - _AIR_OVER_MASS)
