"""A calibration as it is kept: what was taken, what was found, by whom, with what, and until when.

The content is canonical JSON (see canonical.py); its SHA-256 is the calibration's hash. A tool keeps the content, a
file holds the same and the hash, laid out to be read. Numbers are rounded as a value is made (forces to the
micronewton, counts to hundredths, the curve's coefficients not at all), so that what is kept is what was reckoned with,
and a document comes back from a file and from a tool to the bit.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, cast

from iastm_calibration.canonical import STAYS, Json, canonical, opened, parse, require_schema, sealed, sha256_of
from iastm_calibration.checks import require_within_capacity
from iastm_calibration.errors import (
    AlteredError,
    DocumentError,
    NotMonotoneError,
    OtherToolError,
    RangeError,
)
from iastm_calibration.kept import (
    Kept,
    choice,
    day,
    each,
    flag,
    kinds,
    maybe,
    moment,
    number,
    part,
    read,
    refuse,
    row,
    text,
    tree,
    whole,
)
from iastm_calibration.kept_budgets import UncertaintyAt, budgets
from iastm_calibration.kept_rows import rows
from iastm_calibration.monotone import turning_points

__all__ = [
    "MAX_CONTENT_BYTES",
    "MONOTONE_COUNTS",
    "SCHEMA",
    "CalibrationDocument",
    "Compensation",
    "Curve",
    "FoundFigures",
    "Reference",
    "TakenPoint",
    "Tip",
    "ToolUnderCalibration",
    "UncertaintyAt",
    "content",
    "expanded_n",
    "expired",
    "from_content",
    "from_text",
    "require_kept",
    "require_tip",
    "require_tool",
    "sha256_of",
    "to_text",
]

SCHEMA = 1
# What a tool keeps.
MAX_CONTENT_BYTES = 15_000
# Net counts of a converter of 24 bits lie within; there the curve must not turn (protocol/SPEC.md, 4.8).
MONOTONE_COUNTS = 2**24 - 1
# How far beyond its ends a range is still taken for its end, as a share of the largest force in it.
_BEYOND = 0.01
# Loads without the tool's own force: a zero.
_ZERO_STEP = -1

_FORCE_N = number(-1e6, 1e6, decimals=6)
_SIZE_N = number(0, 1e6, decimals=6)
_CAPACITY_N = number(0, 1e6, decimals=6, above=True)
_SHARE = number(-1e3, 1e3, decimals=9)
_MEAN_COUNTS = number(-(2**31), 2**31, decimals=2)
_SPREAD_COUNTS = number(0, 2**31, decimals=2)
_ANGLE_DEG = number(-90, 90, decimals=2)
_CELSIUS = number(-100, 200, decimals=2)
_LINE = text(200)


@dataclass(frozen=True, slots=True)
class TakenPoint(Kept):
    """A steady load, or the tool without one, as it was taken.

    run: from 1, the tool seated anew for each. angle_deg: of the measuring axis to the horizontal, 90 is upright.
    step: from 0; −1 is a zero, whose reference is 0, rising before the series and not after it. mass_kg: of the
    weights, None for a gauge. reference_n: the force along the axis. counts: the mean of the raw counts.
    spread_counts: the standard deviation of single samples. taken_at: ISO 8601 with its offset, whole seconds, ""
    where it isn't known.
    """

    run: Annotated[int, whole(1, 1000)]
    angle_deg: Annotated[float, _ANGLE_DEG]
    rising: Annotated[bool, flag()]
    step: Annotated[int, whole(_ZERO_STEP, 1000)]
    mass_kg: Annotated[float | None, maybe(number(0, 1e5, decimals=6))]
    reference_n: Annotated[float, _FORCE_N]
    counts: Annotated[float, _MEAN_COUNTS]
    spread_counts: Annotated[float, _SPREAD_COUNTS]
    samples: Annotated[int, whole(1, 10_000_000)]
    taken_at: Annotated[str, maybe(moment(), absent="")]
    note: Annotated[str, _LINE] = ""
    temperature_c: Annotated[float | None, maybe(_CELSIUS)] = None


@dataclass(frozen=True, slots=True)
class ToolUnderCalibration(Kept):
    """The tool, with the parts that its counts depend on."""

    serial_number: Annotated[str, text(64, least=1)]
    name: Annotated[str, text(64)]
    load_cell: Annotated[str, _LINE]
    converter: Annotated[str, _LINE]
    capacity_n: Annotated[float, _CAPACITY_N]
    firmware: Annotated[str, text(64)]


@dataclass(frozen=True, slots=True)
class Reference(Kept):
    """What the tool was compared with.

    tolerance: limits as a share of mass or force, within which nothing is likelier; None where it isn't known.
    certificate: of the reference, "" for none. gravity_m_s2, with its standard uncertainty: None for a gauge.
    """

    kind: Annotated[str, choice("weights", "gauge")]
    description: Annotated[str, _LINE]
    tolerance: Annotated[float | None, maybe(number(0, 1, decimals=9))]
    certificate: Annotated[str, _LINE]
    gravity_m_s2: Annotated[float | None, maybe(number(9.7, 9.9, decimals=7))]
    gravity_standard_m_s2: Annotated[float | None, maybe(number(0, 0.1, decimals=7))]
    place: Annotated[str, _LINE]


@dataclass(frozen=True, slots=True)
class Tip(Kept):
    """The edge that touches the skin. area_cm2: in contact, with its uncertainty (k = 2) and how it was measured.

    None is what isn't known. weight_n: what the cell carries when it stands upright, with its standard uncertainty.
    """

    name: Annotated[str, text(64, least=1)]
    edge: Annotated[str, _LINE]
    area_cm2: Annotated[float | None, maybe(number(0, 1000, decimals=4, above=True))]
    area_uncertainty_cm2: Annotated[float | None, maybe(number(0, 1000, decimals=4, above=True))]
    area_method: Annotated[str, _LINE]
    weight_n: Annotated[float | None, maybe(_SIZE_N)]
    weight_standard_n: Annotated[float | None, maybe(_SIZE_N)]


@dataclass(frozen=True, slots=True)
class Curve(Kept):
    """Newtons of net counts (raw minus zero): coefficients lowest order first, c0 = 0, N, N/count, N/count²…

    low_n and high_n: the forces that the points covered.
    """

    coefficients: Annotated[tuple[float, ...], each(number(-1e6, 1e6), most=6, least=2)]
    low_n: Annotated[float, _FORCE_N]
    high_n: Annotated[float, _FORCE_N]
    residual_sd_n: Annotated[float, _SIZE_N]
    degrees_of_freedom: Annotated[int, whole(0, 10_000)]


@dataclass(frozen=True, slots=True)
class FoundFigures(Kept):
    """What the points say of the tool, in newtons, classes and shares; None for what they don't hold.

    angle_errors: for each angle in degrees the mean error of a force as a share of it. shortfalls: what was done less
    thoroughly than a method asks, in words.
    """

    largest_residual_n: Annotated[float, _FORCE_N]
    hysteresis_n: Annotated[float | None, maybe(_FORCE_N)]
    hysteresis_of_span: Annotated[float | None, maybe(_SHARE)]
    repeatability_n: Annotated[float | None, maybe(_SIZE_N)]
    reproducibility_n: Annotated[float | None, maybe(_SIZE_N)]
    zero_return_n: Annotated[float | None, maybe(_FORCE_N)]
    creep_n: Annotated[float | None, maybe(_FORCE_N)]
    tip_weight_n: Annotated[float | None, maybe(_FORCE_N)]
    lower_limit_n: Annotated[float | None, maybe(_SIZE_N)]
    e74_class: Annotated[str | None, maybe(text(16, least=1))]
    e74_from_n: Annotated[float | None, maybe(_FORCE_N)]
    iso376_class: Annotated[str | None, maybe(text(16, least=1))]
    iso376_from_n: Annotated[float | None, maybe(_FORCE_N)]
    angle_errors: Annotated[tuple[tuple[float, float], ...], each(row(_ANGLE_DEG, _SHARE), most=30)]
    shortfalls: Annotated[tuple[str, ...], each(_LINE, most=30)]


@dataclass(frozen=True, slots=True)
class Compensation(Kept):
    """How zero (N/K) and span (share per kelvin) move with temperature, and the temperature at which they don't."""

    zero_per_k_n: Annotated[float | None, maybe(number(-1e3, 1e3, decimals=9))] = None
    span_per_k: Annotated[float | None, maybe(_SHARE)] = None
    at_temperature_c: Annotated[float | None, maybe(_CELSIUS)] = None


@dataclass(frozen=True, slots=True)
class CalibrationDocument(Kept):
    """A whole calibration.

    calibration_id: up to 24 printable ASCII characters. uncertainty: at some forces over the range, the lowest first.
    made_at: ISO 8601 with its offset, whole seconds. expires_on: YYYY-MM-DD, the last day that it holds for.
    """

    calibration_id: Annotated[str, text(24, least=1, ascii_only=True)]
    method: Annotated[str, choice("quick", "full", "file")]
    tool: Annotated[ToolUnderCalibration, part(ToolUnderCalibration)]
    reference: Annotated[Reference, part(Reference)]
    tip: Annotated[Tip, part(Tip)]
    points: Annotated[tuple[TakenPoint, ...], rows(TakenPoint, moments="taken_at", most=1000, least=1)]
    curve: Annotated[Curve, part(Curve)]
    figures: Annotated[FoundFigures, part(FoundFigures)]
    uncertainty: Annotated[tuple[UncertaintyAt, ...], budgets(most=20, least=1)]
    compensation: Annotated[Compensation, part(Compensation)]
    made_by: Annotated[str, text(100)]
    made_at: Annotated[str, moment()]
    expires_on: Annotated[str, day()]
    notes: Annotated[tuple[str, ...], each(text(300), most=30)] = ()
    schema: Annotated[int, whole(SCHEMA, SCHEMA)] = SCHEMA


def content(document: CalibrationDocument) -> bytes:
    """Return the canonical content, without the hash. Raises CalibrationError where it could not be read again."""
    plain = cast(dict[str, Json], tree(document))
    if _document(plain) != document:
        raise DocumentError("A value of the document would not come back as it is.", "Use the types that it states.")
    written = canonical(plain)
    if len(written) > MAX_CONTENT_BYTES:
        raise DocumentError(
            f"The calibration takes {len(written)} bytes; a tool keeps {MAX_CONTENT_BYTES}.",
            "Shorten its notes and descriptions.",
        )
    return written


def to_text(document: CalibrationDocument) -> str:
    """Return the text of its file: JSON to be read, `sha256` of the content first. Raises as `content` does."""
    return sealed(content(document), order=("schema", *kinds(CalibrationDocument)))


def from_text(text: str) -> CalibrationDocument:
    """Return the document of a file's text.

    Raises NewerSchemaError, AlteredError where the hash doesn't fit, and DocumentError or another CalibrationError for
    what is no calibration.
    """
    fields = parse(text)
    require_schema(fields, SCHEMA, "calibration")
    return _from_canonical(opened(fields))


def from_content(kept_content: bytes) -> CalibrationDocument:
    """Return the document of a content, whose hash the caller has compared with the one he knows.

    Raises as `from_text` does; AlteredError for JSON that isn't in its canonical form.
    """
    try:
        fields = parse(kept_content.decode())
    except UnicodeDecodeError:
        raise DocumentError(f"The calibration kept is no text. {STAYS}", "Calibrate, or write it again.") from None
    require_schema(fields, SCHEMA, "calibration")
    if canonical(fields) != kept_content:
        raise AlteredError(f"The calibration is not in the form it is kept in. {STAYS}", "Write it again.")
    return _from_canonical(kept_content)


def require_kept(value: Kept) -> None:
    """Raise DocumentError where a part, as a Tip or a Reference, could not be kept: to be asked when it is entered."""
    read(type(value), cast(Json, tree(value)), type(value).__name__)
    if isinstance(value, Tip):
        require_tip(value)


def require_tip(tip: Tip) -> None:
    """Raise DocumentError where a tip has the uncertainty of an area or a weight, and no area or weight."""
    if tip.area_uncertainty_cm2 is not None and tip.area_cm2 is None:
        raise refuse(f"Tip {tip.name}", "states the uncertainty of an area that it doesn't state")
    if tip.weight_standard_n is not None and tip.weight_n is None:
        raise refuse(f"Tip {tip.name}", "states the uncertainty of a weight that it doesn't state")


def require_tool(document: CalibrationDocument, serial_number: str) -> None:
    """Raise OtherToolError where the document is of another tool than the one with this serial number."""
    made_for = document.tool.serial_number
    if made_for != serial_number:
        raise OtherToolError(
            f"This calibration was made with the tool {made_for}; the one here is {serial_number}.",
            f"Take the calibration of {serial_number}, or calibrate it. {STAYS}",
        )


def expired(document: CalibrationDocument, today: date) -> bool:
    """Return whether the last day that the calibration holds for is over."""
    return today > date.fromisoformat(document.expires_on)


def expanded_n(document: CalibrationDocument, force_n: float) -> float:
    """Return the expanded uncertainty of a force in newtons, linear between those that the document states.

    Raises RangeError for a force outside of them by more than 1 % of the largest, and for one that is no number; within
    that 1 % the nearest holds.
    """
    stated = document.uncertainty
    low_n, high_n = stated[0].force_n, stated[-1].force_n
    beyond_n = _BEYOND * max(abs(low_n), abs(high_n))
    if not low_n - beyond_n <= force_n <= high_n + beyond_n:
        raise RangeError(
            f"{force_n:g} N lies outside of {low_n:g} N to {high_n:g} N; no uncertainty is stated for that.",
            "Calibrate over the range of use.",
        )
    for left, right in pairwise(stated):
        if left.force_n <= force_n <= right.force_n:
            share = (force_n - left.force_n) / (right.force_n - left.force_n)
            return left.expanded_n + share * (right.expanded_n - left.expanded_n)
    return stated[0].expanded_n if force_n <= low_n else stated[-1].expanded_n


def _from_canonical(written: bytes) -> CalibrationDocument:
    if len(written) > MAX_CONTENT_BYTES:
        raise DocumentError(
            f"The calibration takes {len(written)} bytes; one has up to {MAX_CONTENT_BYTES}.", f"Leave it out. {STAYS}"
        )
    document = _document(json.loads(written))
    # More decimals than are kept, or a default that is left out elsewhere: the hash would not be that of the document.
    if content(document) != written:
        raise refuse("The document", "is not written as this toolkit writes it")
    return document


def _document(fields: dict[str, Json]) -> CalibrationDocument:
    document = read(CalibrationDocument, fields, "Calibration")
    _require_points(document)
    _require_curve(document.curve)
    _require_uncertainty(document.uncertainty)
    reference = document.reference
    if reference.gravity_standard_m_s2 is not None and reference.gravity_m_s2 is None:
        raise refuse("Reference", "states the uncertainty of a gravity that it doesn't state")
    require_tip(document.tip)
    if document.expires_on < document.made_at[: len(document.expires_on)]:
        raise refuse("Calibration", f"expires on {document.expires_on}, before it was made")
    return document


def _require_points(document: CalibrationDocument) -> None:
    require_within_capacity([point.reference_n for point in document.points], document.tool.capacity_n)
    for place, point in enumerate(document.points, 1):
        if point.step == _ZERO_STEP and (point.reference_n != 0 or point.mass_kg not in (None, 0)):
            raise refuse(f"Calibration, points, row {place}", "is a zero with a load")
    if all(point.step == _ZERO_STEP for point in document.points):
        raise refuse("Calibration, points", "are all without a load")


def _require_curve(curve: Curve) -> None:
    if curve.coefficients[0] != 0:
        raise refuse("Calibration, curve", "is not 0 N at zero")
    if curve.coefficients[1] == 0:
        raise refuse("Calibration, curve", "has no slope at zero")
    if not curve.low_n < curve.high_n:
        raise refuse("Calibration, curve", f"covers {curve.low_n:g} N to {curve.high_n:g} N, which is no range")
    if not all(math.isfinite(_value(curve, side * MONOTONE_COUNTS)) for side in (-1, 1)):
        raise refuse("Calibration, curve", "leaves the numbers within the range of the converter")
    turns = turning_points(curve.coefficients, -MONOTONE_COUNTS, MONOTONE_COUNTS)
    if turns:
        raise NotMonotoneError(
            f"The curve turns at {turns[0]:.0f} counts: one reading would mean two forces.",
            f"Calibrate again, with a curve of lower degree. {STAYS}",
        )


def _value(curve: Curve, net_counts: float) -> float:
    total = 0.0
    for coefficient in reversed(curve.coefficients):
        total = total * net_counts + coefficient
    return total


def _require_uncertainty(stated: tuple[UncertaintyAt, ...]) -> None:
    if any(left.force_n >= right.force_n for left, right in pairwise(stated)):
        raise refuse("Calibration, uncertainty", "is not stated at rising forces")
