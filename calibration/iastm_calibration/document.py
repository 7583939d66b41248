"""A calibration as it is kept: what was taken, what was found, by whom, with what, and until when.

Numbers are rounded as a value is made (forces to the micronewton, counts to hundredths), so that what is kept is what
was reckoned with, and a document comes back from its file and from the tool as it went.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = 1
# What a tool keeps.
MAX_CONTENT_BYTES = 15_000

# Decimals that are kept: of newtons, of counts, of shares (of a force, of a span), of degrees and kelvins.
_N, _COUNTS, _SHARE, _DEGREES = 6, 2, 9, 2


def _round(value: object, decimals: dict[str, int]) -> None:
    """Round fields of a frozen value that is being made; None stays, −0 becomes 0, numpy numbers become plain ones."""
    for name, places in decimals.items():
        number = getattr(value, name)
        if number is not None:
            object.__setattr__(value, name, round(float(number), places) + 0.0)


def _rounded(number: float, decimals: int) -> float:
    return round(float(number), decimals) + 0.0


@dataclass(frozen=True, slots=True)
class TakenPoint:
    """A steady load, or the tool without one, as it was taken.

    run: from 1, the tool seated anew for each. angle_deg: of the measuring axis to the horizontal, 90 is upright.
    step: from 0; −1 is a zero, whose reference is 0, rising before the series and not after it. mass_kg: of the
    weights, None for a gauge. reference_n: the force along the axis. counts: the mean of the raw counts.
    spread_counts: the standard deviation of single samples. taken_at: ISO 8601 with zone, whole seconds, "" where it
    isn't known.
    """

    run: int
    angle_deg: float
    rising: bool
    step: int
    mass_kg: float | None
    reference_n: float
    counts: float
    spread_counts: float
    samples: int
    taken_at: str
    note: str = ""
    temperature_c: float | None = None

    def __post_init__(self) -> None:
        _round(
            self,
            {
                "angle_deg": _DEGREES,
                "mass_kg": 6,
                "reference_n": _N,
                "counts": _COUNTS,
                "spread_counts": _COUNTS,
                "temperature_c": _DEGREES,
            },
        )


@dataclass(frozen=True, slots=True)
class ToolUnderCalibration:
    """The tool, with the parts that its counts depend on."""

    serial_number: str
    name: str
    load_cell: str
    converter: str
    capacity_n: float
    firmware: str

    def __post_init__(self) -> None:
        _round(self, {"capacity_n": _N})


@dataclass(frozen=True, slots=True)
class Reference:
    """What the tool was compared with.

    kind: "weights" or "gauge". tolerance: limits as a share of mass or force, within which nothing is likelier; None
    where it isn't known. certificate: of the reference, "" for none. gravity_m_s2 and its standard uncertainty: None
    for a gauge.
    """

    kind: str
    description: str
    tolerance: float | None
    certificate: str
    gravity_m_s2: float | None
    gravity_standard_m_s2: float | None
    place: str

    def __post_init__(self) -> None:
        _round(self, {"tolerance": _SHARE, "gravity_m_s2": 7, "gravity_standard_m_s2": 7})


@dataclass(frozen=True, slots=True)
class Tip:
    """The edge that touches the skin. area_cm2: in contact, with its uncertainty (k = 2) and how it was measured.

    None is what isn't known. weight_n: what the cell carries when it stands upright, with its standard uncertainty.
    """

    name: str
    edge: str
    area_cm2: float | None
    area_uncertainty_cm2: float | None
    area_method: str
    weight_n: float | None
    weight_standard_n: float | None

    def __post_init__(self) -> None:
        _round(
            self,
            {"area_cm2": 4, "area_uncertainty_cm2": 4, "weight_n": _N, "weight_standard_n": _N},
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """Newtons of net counts (raw minus zero): coefficients lowest order first, c0 = 0, N, N/count, N/count²…

    The coefficients are kept to the bit. low_n and high_n: the forces that the points covered.
    """

    coefficients: tuple[float, ...]
    low_n: float
    high_n: float
    residual_sd_n: float
    degrees_of_freedom: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", tuple(float(number) + 0.0 for number in self.coefficients))
        _round(self, {"low_n": _N, "high_n": _N, "residual_sd_n": _N})


@dataclass(frozen=True, slots=True)
class UncertaintyAt:
    """The expanded uncertainty of a reading at a force, with its budget: rows of name, source and standard_n.

    unknown: what the budget leaves out because nobody told it.
    """

    force_n: float
    expanded_n: float
    coverage_factor: float
    rows: tuple[tuple[str, str, float], ...]
    unknown: tuple[str, ...]

    def __post_init__(self) -> None:
        _round(self, {"force_n": _N, "expanded_n": _N, "coverage_factor": 4})
        object.__setattr__(
            self, "rows", tuple((name, source, _rounded(standard_n, _N)) for name, source, standard_n in self.rows)
        )


@dataclass(frozen=True, slots=True)
class FoundFigures:
    """What the points say of the tool, in newtons, classes and shares; None for what they don't hold.

    angle_errors: for each angle in degrees the mean error of a force as a share of it. shortfalls: what was done less
    thoroughly than a method asks, in words.
    """

    largest_residual_n: float
    hysteresis_n: float | None
    hysteresis_of_span: float | None
    repeatability_n: float | None
    reproducibility_n: float | None
    zero_return_n: float | None
    creep_n: float | None
    tip_weight_n: float | None
    lower_limit_n: float | None
    e74_class: str | None
    e74_from_n: float | None
    iso376_class: str | None
    iso376_from_n: float | None
    angle_errors: tuple[tuple[float, float], ...]
    shortfalls: tuple[str, ...]

    def __post_init__(self) -> None:
        _round(
            self,
            {
                "largest_residual_n": _N,
                "hysteresis_n": _N,
                "hysteresis_of_span": _SHARE,
                "repeatability_n": _N,
                "reproducibility_n": _N,
                "zero_return_n": _N,
                "creep_n": _N,
                "tip_weight_n": _N,
                "lower_limit_n": _N,
                "e74_from_n": _N,
                "iso376_from_n": _N,
            },
        )
        object.__setattr__(
            self,
            "angle_errors",
            tuple((_rounded(angle, _DEGREES), _rounded(share, _SHARE)) for angle, share in self.angle_errors),
        )


@dataclass(frozen=True, slots=True)
class Compensation:
    """How zero (N/K) and span (share per kelvin) move with temperature, and the temperature at which they don't."""

    zero_per_k_n: float | None = None
    span_per_k: float | None = None
    at_temperature_c: float | None = None

    def __post_init__(self) -> None:
        _round(self, {"zero_per_k_n": 9, "span_per_k": _SHARE, "at_temperature_c": _DEGREES})


@dataclass(frozen=True, slots=True)
class CalibrationDocument:
    """A whole calibration.

    calibration_id: up to 24 printable ASCII characters. method: "quick", "full" or "file". uncertainty: at some
    forces over the range, the lowest first. made_at: ISO 8601 with zone, whole seconds. expires_on: "YYYY-MM-DD", the
    last day that it holds for.
    """

    calibration_id: str
    method: str
    tool: ToolUnderCalibration
    reference: Reference
    tip: Tip
    points: tuple[TakenPoint, ...]
    curve: Curve
    figures: FoundFigures
    uncertainty: tuple[UncertaintyAt, ...]
    compensation: Compensation
    made_by: str
    made_at: str
    expires_on: str
    notes: tuple[str, ...] = ()
    schema: int = SCHEMA
