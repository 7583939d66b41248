"""What the form's words mean, and a setup as words of the form."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from iastm_calibration.document import Tip
from iastm_calibration.units import STANDARD_GRAVITY_M_S2
from iastm_host.app.calibrating.snapshot import Setup

TOLERANCES = {"M1": 5e-5, "M2": 1.6e-4, "M3": 5e-4}
"""Classes of weights and their limits as a share of the mass, from 100 g up: OIML R 111-1 (2004), table 1."""

_TO_KG = {"mg": 1e-6, "g": 1e-3, "kg": 1.0, "n": 1 / STANDARD_GRAVITY_M_S2}
_LOAD = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-z]*)", re.IGNORECASE)
_NUMBERS = {
    "latitude_deg": "degrees",
    "height_m": "metres",
    "tip_area": "cm²",
    "tip_area_uncertainty": "cm²",
}


class WordsError(ValueError):
    """Words that don't mean what the field is for; says what to do."""


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
    share = _number(plain.lstrip("±").rstrip("%").strip())
    if share is None:
        raise WordsError(f"“{plain}” is no tolerance. Write M1, M2, M3, or ± in %.")
    return share / 100


def tolerance_words(tolerance: float | None) -> str:
    """Return a tolerance as words of the form."""
    if tolerance is None:
        return ""
    for name, share in TOLERANCES.items():
        if math.isclose(share, tolerance):
            return name
    return f"{tolerance * 100:.6g} %"


def _number(words: str) -> float | None:
    """Return a finite number with point or comma; None where it is none."""
    try:
        number = float(words.replace("−", "-").replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def words_of(setup: Setup) -> dict[str, str]:
    """Return what the fields say of a setup."""

    def plain(number: float | None) -> str:
        return "" if number is None else f"{number:.10g}".replace("-", "−")

    tip = setup.tip
    return {
        "made_by": setup.made_by,
        "loads_kg": loads_words(setup.loads_kg),
        "tolerance": tolerance_words(setup.tolerance),
        "weights_description": setup.weights_description,
        "certificate": setup.certificate,
        "latitude_deg": plain(setup.latitude_deg),
        "height_m": plain(setup.height_m),
        "expires_months": str(setup.expires_months),
        "tip_name": tip.name,
        "tip_edge": tip.edge,
        "tip_area": plain(tip.area_cm2),
        "tip_area_uncertainty": plain(tip.area_uncertainty_cm2),
        "tip_method": tip.area_method,
        "load_cell": setup.load_cell,
        "converter": setup.converter,
    }


def setup_of(words: Mapping[str, str], method: str, against_gauge: bool, before: Setup) -> tuple[Setup, dict[str, str]]:
    """Return the setup that the words mean, and what is wrong: field to words. `before` gives what no field holds."""
    wrong: dict[str, str] = {}
    numbers: dict[str, float | None] = {}
    for field, unit in _NUMBERS.items():
        numbers[field] = _number(words[field]) if words[field].strip() else None
        if words[field].strip() and numbers[field] is None:
            wrong[field] = f"“{words[field].strip()}” is no number of {unit}."
    for field in ("tip_area", "tip_area_uncertainty"):
        number = numbers[field]
        if number is not None and number <= 0:
            wrong[field] = "An area is above 0 cm²."
    months = words["expires_months"].strip()
    if not months.isascii() or not months.isdigit():
        wrong["expires_months"] = "State whole months, as 12."
    if not words["tip_name"].strip():
        wrong["tip_name"] = "Name the tip: pressure and certificate refer to it."
    try:
        loads = parse_loads(words["loads_kg"])
    except WordsError as error:
        wrong["loads_kg"], loads = str(error), before.loads_kg
    try:
        tolerance = parse_tolerance(words["tolerance"])
    except WordsError as error:
        wrong["tolerance"], tolerance = str(error), None
    setup = Setup(
        method=method,
        loads_kg=loads,
        tolerance=tolerance,
        weights_description=words["weights_description"].strip(),
        certificate=words["certificate"].strip(),
        latitude_deg=numbers["latitude_deg"],
        height_m=numbers["height_m"] or 0.0,
        made_by=words["made_by"].strip(),
        tip=Tip(
            words["tip_name"].strip(),
            words["tip_edge"].strip(),
            numbers["tip_area"],
            numbers["tip_area_uncertainty"],
            words["tip_method"].strip(),
            before.tip.weight_n,
            before.tip.weight_standard_n,
        ),
        load_cell=words["load_cell"].strip(),
        converter=words["converter"].strip(),
        expires_months=int(months) if "expires_months" not in wrong else before.expires_months,
        against_gauge=against_gauge,
    )
    return setup, wrong
