"""Loads and tolerances as a person writes them."""

from __future__ import annotations

import math
import re

from iastm_calibration.units import STANDARD_GRAVITY_M_S2

TOLERANCES = {"M1": 5e-5, "M2": 1.6e-4, "M3": 5e-4}
"""Classes of weights and their limits as a share of the mass, from 100 g up: OIML R 111-1 (2004), table 1."""

_TO_KG = {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "n": 1 / STANDARD_GRAVITY_M_S2}
_LOAD = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", re.IGNORECASE)
# A comma within a number, where each number of the line has a unit, or semicolons part them. Before three digits it may
# as well part two loads, unless nothing stands before it.
_EACH_WITH_UNIT = re.compile(r"\s*([0-9]*[.,]?[0-9]+\s*[a-z]+\s*(,\s*|$|(?=[0-9])))+", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"(?<![0-9])(0*),(?=[0-9])|(?<=[0-9]),(?=[0-9]{1,2}(?![0-9])|[0-9]{4})")


class WordsError(ValueError):
    """Words that don't mean what is asked for; says what to do."""


def parse_loads(words: str) -> tuple[float, ...]:
    """Return loads in kilograms, the lightest first, of "100, 200, 0.5 kg", "100 200 500" or "0,1 kg; 0,5 kg".

    Grams where no unit stands; N is turned by standard gravity. Raises WordsError.
    """
    if ";" in words or _EACH_WITH_UNIT.fullmatch(words):
        words = _DECIMAL_COMMA.sub(r"\1.", words)
    loads: list[float] = []
    for piece in re.split(r"[,;]", words):
        loads += _loads_of(piece.strip())
    if not loads:
        raise WordsError("State the loads, in grams.")
    return tuple(sorted(loads))


def _loads_of(piece: str) -> list[float]:
    """Return the loads of words without commas."""
    loads, at = [], 0
    while at < len(piece):
        match = _LOAD.match(piece, at)
        unit = "" if match is None else (match[2] or "g").lower()
        runs_on = match is not None and match.end() < len(piece) and match[0][-1].isdigit()
        if match is None or unit not in _TO_KG or runs_on:
            raise WordsError(f"“{piece}” is no load. Write grams, or a unit: 500, 0.5 kg.")
        loads.append(round(float(match[1]) * _TO_KG[unit], 6))
        at = match.end()
    return loads


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
