"""What the form's words mean, and a setup as words of the form."""

from __future__ import annotations

import math
from collections.abc import Mapping

from iastm_calibration.document import Tip
from iastm_host.app.calibrating.snapshot import Setup
from iastm_host.app.calibrating.written import WordsError, loads_words, parse_loads, parse_tolerance, tolerance_words

_NUMBERS = {
    "latitude_deg": "degrees",
    "height_m": "metres",
    "tip_area": "cm²",
    "tip_area_uncertainty": "cm²",
}


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
        used_within_deg=before.used_within_deg,
        used_within_k=before.used_within_k,
        zero_per_k_n=before.zero_per_k_n,
        span_per_k=before.span_per_k,
    )
    return setup, wrong
