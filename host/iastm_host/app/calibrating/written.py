"""Loads and tolerances as a person writes them."""

from __future__ import annotations

import math
import re

from iastm_calibration.units import STANDARD_GRAVITY_M_S2

TOLERANCES = {"M1": 5e-5, "M2": 1.6e-4, "M3": 5e-4}
"""Classes of weights and their limits as a share of the mass, from 100 g up: OIML R 111-1 (2004), table 1."""

_TO_KG = {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "n": 1 / STANDARD_GRAVITY_M_S2}
_LOAD = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-z]*)", re.IGNORECASE)


class WordsError(ValueError):
    """Words that don't mean what is asked for; says what to do."""


def parse_loads(words: str) -> tuple[float, ...]:
    """Return loads in kilograms of "100, 200, 0.5 kg": grams where no unit stands; N is turned by standard gravity.

    Raises WordsError.
    """
    loads = []
    for piece in re.split(r"[,;]", words):
        if not piece.strip():
            continue
        match = _LOAD.fullmatch(piece.strip())
        if match is None or (match[2] or "g").lower() not in _TO_KG:
            raise WordsError(f"“{piece.strip()}” is no load. Write grams, or a unit: 500, 0.5 kg.")
        loads.append(round(float(match[1]) * _TO_KG[(match[2] or "g").lower()], 6))
    if not loads:
        raise WordsError("State the loads, in grams.")
    return tuple(loads)


def loads_words(loads_kg: tuple[float, ...]) -> str:
    """Return loads as grams."""
    return ", ".join(f"{round(load * 1000, 3):.10g}" for load in loads_kg)


def parse_tolerance(words: str) -> float | None:
    """Return a tolerance as a share, of a class (M1) or of per cent (0.5); None for no words. Raises WordsError."""
    plain = words.strip()
    if not plain:
        return None
    if plain.upper() in TOLERANCES:
        return TOLERANCES[plain.upper()]
    try:
        share = float(plain.lstrip("±").rstrip("%").strip().replace(",", "."))
    except ValueError:
        share = math.nan
    if not math.isfinite(share):
        raise WordsError(f"“{plain}” is no tolerance. Write M1, M2, M3, or ± in %.")
    return share / 100


def tolerance_words(tolerance: float | None) -> str:
    """Return a tolerance as words."""
    if tolerance is None:
        return ""
    for name, share in TOLERANCES.items():
        if math.isclose(share, tolerance):
            return name
    return f"{tolerance * 100:.6g} %"
