"""Tips and the pressure under them: kilopascals only where somebody measured the edge that touches.

Theory. Mean pressure is force over the area in contact; 1 N/cm² is 10 kPa. Of a quotient the relative variances add
(JCGM 100:2008, 5.1.6), to first order: with an area within ± 15 % what is left out is some 2 %. The area dominates, for
a scraping edge is known to some tenths at best, and a mean says nothing of the peaks at the edge's ends.

A file of tips is {"sha256": …, "schema": 1, "tips": […]}, with the hash and the rules of a calibration's file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from iastm_calibration.canonical import Json, canonical, opened, parse, require_schema, sealed
from iastm_calibration.document import Tip, require_tip
from iastm_calibration.kept import Kept, each, kinds, part, read, refuse, tree, whole

SCHEMA = 1
KPA_PER_N_PER_CM2 = 10.0
# Up to this uncertainty of its area (k = 2, as a share) a tip's kilopascals may be shown as large as newtons. Ours:
# then they are within about a sixth, and less than the published spread between hands.
PROMINENT_AREA_SHARE = 0.15
# Areas are kept as decimals, whose quotient may miss a border by the last bit.
_LAST_BITS = 1e-9


@dataclass(frozen=True, slots=True)
class Pressure:
    """A mean pressure in kilopascals, and its expanded uncertainty (k = 2); None where the area's isn't known."""

    kpa: float
    expanded_kpa: float | None

    @property
    def relative(self) -> float | None:
        """The uncertainty as a share of the pressure; None where it isn't known, or there is no pressure."""
        return None if self.expanded_kpa is None or self.kpa == 0 else self.expanded_kpa / abs(self.kpa)


@dataclass(frozen=True, slots=True)
class _TipFile(Kept):
    tips: Annotated[tuple[Tip, ...], each(part(Tip), most=200)]
    schema: Annotated[int, whole(SCHEMA, SCHEMA)] = SCHEMA


def pressure(force_n: float, tip: Tip, expanded_n: float) -> Pressure | None:
    """Return the mean pressure of a force whose expanded uncertainty (k = 2) is `expanded_n`.

    None where the tip's area isn't known, or the force isn't (NaN).
    """
    if tip.area_cm2 is None or not math.isfinite(force_n):
        return None
    per_newton = KPA_PER_N_PER_CM2 / tip.area_cm2
    kpa = force_n * per_newton
    if tip.area_uncertainty_cm2 is None:
        return Pressure(kpa, None)
    return Pressure(kpa, math.hypot(expanded_n * per_newton, kpa * tip.area_uncertainty_cm2 / tip.area_cm2))


def pressure_is_prominent(tip: Tip) -> bool:
    """Return whether kilopascals may be shown large: the area is known within 15 % (k = 2)."""
    if tip.area_cm2 is None or tip.area_uncertainty_cm2 is None:
        return False
    return tip.area_uncertainty_cm2 / tip.area_cm2 <= PROMINENT_AREA_SHARE + _LAST_BITS


def tips_to_text(tips: Sequence[Tip]) -> str:
    """Return the text of a file of tips. Raises DocumentError where it could not be read again."""
    plain = cast(dict[str, Json], tree(_TipFile(tuple(tips))))
    _tips(plain)
    return sealed(canonical(plain), order=("schema", *kinds(_TipFile)))


def tips_from_text(text: str) -> tuple[Tip, ...]:
    """Return the tips of a file's text. Raises NewerSchemaError, AlteredError and DocumentError, as a calibration's."""
    fields = parse(text)
    require_schema(fields, SCHEMA, "list of tips")
    written = opened(fields)
    tips = _tips(json.loads(written))
    if canonical(cast(Json, tree(_TipFile(tips)))) != written:
        raise refuse("Tips", "are not written as this toolkit writes them")
    return tips


def _tips(fields: dict[str, Json]) -> tuple[Tip, ...]:
    tips = read(_TipFile, fields, "Tips").tips
    seen: set[str] = set()
    for tip in tips:
        require_tip(tip)
        if tip.name.casefold() in seen:
            raise refuse("Tips", f"hold {tip.name} twice")
        seen.add(tip.name.casefold())
    return tips
