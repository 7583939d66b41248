"""The uncertainty of a force reading, as a budget that a person can read.

What it is of: one single sample of a tool in use, within stated conditions, after a zero that is no older than a
series of the calibration took. So everything counts that may differ between then and the calibration: the curve
itself, what the reference was worth, and what a single load does around the curve.

Theory. Small independent errors add as variances, each scaled to newtons (JCGM 100:2008, "GUM", 5.1.2); limits ±a
within which nothing is likelier count as a/√3 (4.3.7); an effect that is known and not corrected counts with its mean
square, and the means of several such add with their signs (F.2.4.5). A spread that was estimated from few points
counts with its degrees of freedom, which combine by the formula of Welch and Satterthwaite (G.4); rows that rest on
one and the same estimate count as one there.
The expanded uncertainty is k times the combined one, with k = 2 for about 95 %; where the combined degrees of freedom
are fewer than 60 or so, k is the quantile of Student's t for 95 %, which then is larger than 2 (G.6.4, table G.2).

Nothing counts twice, because scatter.py tells the residuals' parts apart:
- *Reference*: nobody states how the errors of a set of weights go together. Were they one and the same share of all,
  the curve would have it too; were each its own, the curve would have the mean that the fit makes of them,
  Σ (∂F/∂F_j)² F_j² instead of F². Any correlation from 0 to 1 is as likely as another, so the variance is the mean of
  both cases (5.2.2 and F.1.2.3). The error of a gauge is one and the same.
- *Curve* and *repeatability* share the remainder's standard deviation s: the curve has s √h with the leverage h of the
  reading (Draper and Smith, Applied Regression Analysis, 3rd edition 1998, section 3.1), a single load s.
- *Seating*: a share σ of the force for each. The curve holds the mean of n, a reading is one more: σ √(1 + 1/n). From
  three seatings on σ is what was measured, alone, though three tell it coarsely: k grows by that. One seating leaves
  what is assumed of seatings in general, and two are pooled with it, as variances by degrees of freedom (4.2.4).
- *Hysteresis*: by Rayleigh's law a rising reading lies at one border of the loop, half its width h below the curve,
  and one that falls from a peak anywhere in between, so with one as likely as the other the mean square is
  (h² + h²/3) / 2 = 2/3 h², around a mean of −h/2.
- *Zero* moves by the time of the reading by some of what it moved over whole series, anything from nothing to all: a
  root mean square of r/√3.
- *Orientation*: the tip's weight W shifts zero by W (sin a − sin a0); the mean square over angles within ± w of a0 is
  in closed form. *Side force*: pressed askew by the angle θ, the tip carries tan θ times the axial force sideways, of
  which the cell shows a share; the mean square of tan θ over ± w is tan(w)/w − 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_calibration.errors import RangeError
from iastm_calibration.figures import Point, Spread
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit
from iastm_calibration.scatter import loop_shape, sensitivities
from iastm_calibration.students_t import two_sided_quantile

CONFIDENCE = 0.95
# How far beyond the last point a reading still counts as covered, as a share of the range.
BEYOND = 0.01
# What is assumed of seatings in general, as a share of the force. Ours, for hand tools in a jig: half a degree of tilt
# under a load some millimetres off the axis makes some tenths of a per cent. Held to be known to a quarter of itself,
# which makes 8 degrees of freedom (GUM, G.4.2).
ASSUMED_SEATING = Spread(0.002, 8)
_ENOUGH_SEATINGS = 3
# The share of a side force that a cell shows, limits, where only upright was calibrated. Ours: makers of beam cells
# state 0.1 to 0.5 %.
ASSUMED_SIDE_LIMIT = 0.005
# Angles beyond this carry more force sideways than along the axis.
_WIDEST_DEG = 75.0


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row of a budget: what it is, where its size comes from, and its standard uncertainty in newtons.

    Rows with the same `estimate` rest on one and the same standard deviation. `mean_n` is what the effect is on the
    average, which `standard_n` includes.
    """

    name: str
    source: str
    standard_n: float
    degrees_of_freedom: float = math.inf
    estimate: str = ""
    mean_n: float = 0.0


@dataclass(frozen=True, slots=True)
class Use:
    """The conditions under which the tool is used.

    temperature_half_width_k: how far from the calibration's temperature; zero_per_k_n (N/K) and span_per_k (share per
    kelvin): how much the tool moves by then. angle_half_width_deg: how far from upright. compensated_orientation: the
    tip's weight is taken out by an angle known to angle_standard_deg. None is what nobody stated.
    """

    temperature_half_width_k: float | None = None
    zero_per_k_n: float | None = None
    span_per_k: float | None = None
    angle_half_width_deg: float | None = None
    compensated_orientation: bool = False
    angle_standard_deg: float = 2.0


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known about the errors of a force; None for what isn't, which the budget then names.

    weight_tolerance: limits of the weights as a share of their mass, or of a reference gauge as a share of its force;
    gravity: None also where `by_weights` is False and it doesn't matter. remainder, loop_n, top_n: as scatter.py finds
    them; residual_sd_n: of the whole residuals. seating: the spread of the slope over seatings as a share, None for
    one, and how many there were. noise: of single samples, N. resolution_n: the smallest step. zero: how far zero moved
    over a series, N. tip_weight_n, with its standard uncertainty, and the angle of the axis to the horizontal that zero
    is taken at (90: upright). side: the share of a side force that shows, standard uncertainty; None where only upright
    was calibrated.
    """

    weight_tolerance: float | None = None
    gravity: Gravity | None = None
    by_weights: bool = True
    remainder: Spread | None = None
    residual_sd_n: float = 0.0
    seating: Spread | None = None
    seatings: int = 0
    loop_n: float | None = None
    top_n: float = 0.0
    noise: Spread | None = None
    resolution_n: float | None = None
    zero: Spread | None = None
    tip_weight_n: float | None = None
    tip_weight_standard_n: float = 0.0
    zero_angle_deg: float = 90.0
    side: Spread | None = None
    loads: tuple[Point, ...] = ()
    use: Use = Use()


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one force: rows that count, and the names of what nobody stated."""

    force_n: float
    contributions: tuple[Contribution, ...]
    unknown: tuple[str, ...]

    @property
    def combined_n(self) -> float:
        """The combined standard uncertainty."""
        around = sum(row.standard_n**2 - row.mean_n**2 for row in self.contributions)
        return math.sqrt(max(0.0, around) + sum(row.mean_n for row in self.contributions) ** 2)

    @property
    def degrees_of_freedom(self) -> float:
        """The effective degrees of freedom, infinite where nothing was estimated from points."""
        variances: dict[str, float] = {}
        freedoms: dict[str, float] = {}
        for number, row in enumerate(self.contributions):
            estimate = row.estimate or str(number)
            variances[estimate] = variances.get(estimate, 0.0) + row.standard_n**2
            freedoms[estimate] = row.degrees_of_freedom
        spent = sum(variance**2 / freedoms[estimate] for estimate, variance in variances.items())
        # A tiny uncertainty underflows in its fourth power.
        return self.combined_n**4 / spent if spent > 0 else math.inf

    @property
    def coverage_factor(self) -> float:
        """k: 2 for many degrees of freedom, more for few."""
        # Rounding must not bring three degrees of freedom to two, nor one below one.
        return max(2.0, two_sided_quantile(CONFIDENCE, max(1.0, self.degrees_of_freedom * (1 + 1e-9))))

    @property
    def expanded_n(self) -> float:
        """The expanded uncertainty, about 95 %."""
        return self.coverage_factor * self.combined_n

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return name, source, standard uncertainty and share of the variance of each row, the largest first."""
        total = sum(row.standard_n**2 for row in self.contributions)
        return [
            (row.name, row.source, f"{row.standard_n:.2g} N", f"{row.standard_n**2 / total:.0%}" if total else "0%")
            for row in sorted(self.contributions, key=lambda row: -row.standard_n)
        ]

    def sentence(self) -> str:
        """Say the result in one line, and what it leaves out."""
        words = f"{self.force_n:.3g} N ± {self.expanded_n:.2g} N (k = {self.coverage_factor:.2f})"
        return f"{words}, without {', '.join(self.unknown)}" if self.unknown else words


def force_budget(reading: float, fit: Fit, sources: Sources) -> Budget:
    """Return the budget of the force at a reading, by a curve that gives newtons for readings.

    Raises RangeError for a reading that the calibration doesn't cover, 1 % of its range beyond the points included.
    """
    beyond = BEYOND * (fit.high - fit.low)
    if not fit.low - beyond <= reading <= fit.high + beyond:
        raise RangeError(
            f"A reading of {reading:g} lies outside the calibrated range from {fit.low:g} to {fit.high:g}.",
            "Calibrate over a wider range.",
        )
    force_n = float(fit.value(reading))
    rows = [_curve(reading, fit, sources)]
    unknown = []
    for name, row in (
        ("reference", _reference(reading, force_n, fit, sources)),
        ("gravity", _gravity(force_n, sources)),
        ("repeatability", _repeatability(sources)),
        ("seating", _seating(force_n, sources)),
        ("hysteresis", _hysteresis(force_n, sources)),
        ("noise", _spread("noise", "of a single sample", sources.noise)),
        ("resolution", _resolution(sources)),
        ("zero", _zero(sources)),
        ("temperature", _temperature(force_n, sources)),
        ("orientation", _orientation(sources)),
        ("side force", _side(force_n, sources)),
    ):
        if row is not None:
            rows.append(row)
        elif name != "gravity" or sources.by_weights:
            unknown.append(name)
    return Budget(force_n, tuple(rows), tuple(unknown))


def seating_spread(sources: Sources) -> Spread:
    """Return the spread over seatings as a share: what was measured, or with fewer than three what is assumed too."""
    if sources.seating is None:
        return ASSUMED_SEATING
    if sources.seating.degrees_of_freedom >= _ENOUGH_SEATINGS - 1:
        return sources.seating
    measured, assumed = sources.seating, ASSUMED_SEATING
    freedom = measured.degrees_of_freedom + assumed.degrees_of_freedom
    squares = sum(spread.standard_n**2 * spread.degrees_of_freedom for spread in (measured, assumed))
    return Spread(math.sqrt(squares / freedom), freedom)


def side_share(sources: Sources) -> float:
    """Return the share of a side force that shows, as a standard uncertainty."""
    return ASSUMED_SIDE_LIMIT / math.sqrt(3) if sources.side is None else sources.side.standard_n


def _rectangular(name: str, source: str, half_width_n: float) -> Contribution:
    return Contribution(name, source, abs(half_width_n) / math.sqrt(3))


def _curve(reading: float, fit: Fit, sources: Sources) -> Contribution:
    standard_n = float(fit.standard_uncertainty(reading))
    if sources.remainder is None:
        return Contribution("curve", "fit of the points", standard_n, fit.degrees_of_freedom)
    # Loop and seatings have rows of their own, and make the fit look worse than it is.
    if sources.residual_sd_n > 0:
        standard_n *= sources.remainder.standard_n / sources.residual_sd_n
    return Contribution("curve", "fit of the points", standard_n, sources.remainder.degrees_of_freedom, "remainder")


def _reference(reading: float, force_n: float, fit: Fit, sources: Sources) -> Contribution | None:
    if sources.weight_tolerance is None:
        return None
    square = force_n**2
    if sources.by_weights and sources.loads:
        by_load: dict[int, float] = {}
        for point, moves in zip(sources.loads, sensitivities(fit, sources.loads, reading), strict=True):
            by_load[point.step] = by_load.get(point.step, 0.0) + float(moves) * point.reference_n
        square = (square + sum(own**2 for own in by_load.values())) / 2
    tolerance = sources.weight_tolerance
    return _rectangular("reference", f"within ± {100 * tolerance:.2g} %", tolerance * math.sqrt(square))


def _gravity(force_n: float, sources: Sources) -> Contribution | None:
    if sources.gravity is None:
        return None
    share = sources.gravity.standard_m_s2 / sources.gravity.value_m_s2
    return Contribution("gravity", f"{sources.gravity.value_m_s2:.4f} m/s² by place", share * abs(force_n))


def _spread(name: str, source: str, spread: Spread | None, estimate: str = "") -> Contribution | None:
    if spread is None:
        return None
    return Contribution(name, source, spread.standard_n, spread.degrees_of_freedom, estimate)


def _repeatability(sources: Sources) -> Contribution | None:
    return _spread("repeatability", "loads around the curve", sources.remainder, "remainder")


def _seating(force_n: float, sources: Sources) -> Contribution | None:
    if sources.seatings < 1:
        return None
    spread = seating_spread(sources)
    number = "1 seating" if sources.seatings == 1 else f"{sources.seatings} seatings"
    enough = sources.seatings >= _ENOUGH_SEATINGS
    words = number if enough else f"{number}, assumed {100 * ASSUMED_SEATING.standard_n:g} %"
    standard_n = spread.standard_n * abs(force_n) * math.sqrt(1 + 1 / sources.seatings)
    return Contribution("seating", words, standard_n, spread.degrees_of_freedom)


def _hysteresis(force_n: float, sources: Sources) -> Contribution | None:
    if sources.loop_n is None or sources.top_n <= 0:
        return None
    half_n = sources.loop_n / 2 * float(loop_shape(abs(force_n), sources.top_n))
    words = f"loop of {abs(sources.loop_n):.2g} N"
    return Contribution("hysteresis", words, abs(half_n) * math.sqrt(2 / 3), mean_n=-half_n / 2)


def _resolution(sources: Sources) -> Contribution | None:
    if sources.resolution_n is None:
        return None
    return _rectangular("resolution", f"steps of {sources.resolution_n:.2g} N", sources.resolution_n / 2)


def _zero(sources: Sources) -> Contribution | None:
    if sources.zero is None:
        return None
    standard_n = sources.zero.standard_n / math.sqrt(3)
    return Contribution("zero", "moves in a series", standard_n, sources.zero.degrees_of_freedom)


def _temperature(force_n: float, sources: Sources) -> Contribution | None:
    width_k, zero_n, span = sources.use.temperature_half_width_k, sources.use.zero_per_k_n, sources.use.span_per_k
    if width_k is None or (width_k > 0 and (zero_n is None or span is None)):
        return None
    # Zero and span move with the same temperature: they add with their signs, and not as variances.
    moved_n = ((zero_n or 0.0) + (span or 0.0) * force_n) * width_k
    return _rectangular("temperature", f"within ± {width_k:g} K", moved_n)


def _orientation(sources: Sources) -> Contribution | None:
    width_deg = sources.use.angle_half_width_deg
    if sources.tip_weight_n is None or width_deg is None:
        return None
    at, width = math.radians(sources.zero_angle_deg), math.radians(width_deg)
    sine, square = _mean_sine(at, width), (1 - math.cos(2 * at) * _sinc(2 * width)) / 2
    shift_square = max(0.0, square - 2 * math.sin(at) * sine + math.sin(at) ** 2)
    weight_n, weight_standard_n = sources.tip_weight_n, sources.tip_weight_standard_n
    if not sources.use.compensated_orientation:
        standard_n = math.hypot(weight_n, weight_standard_n) * math.sqrt(shift_square)
        words = f"tip {weight_n:.2g} N, ± {width_deg:g}°"
        return Contribution("orientation", words, standard_n, mean_n=weight_n * (sine - math.sin(at)))
    by_angle = weight_n * math.sqrt(max(0.0, 1 - square)) * math.radians(sources.use.angle_standard_deg)
    standard_n = math.hypot(weight_standard_n * math.sqrt(shift_square), by_angle)
    return Contribution("orientation", f"tip {weight_n:.2g} N, compensated", standard_n)


def _side(force_n: float, sources: Sources) -> Contribution | None:
    width_deg = sources.use.angle_half_width_deg
    if width_deg is None:
        return None
    if width_deg > _WIDEST_DEG:
        raise RangeError(
            f"A tool that is used {width_deg:g}° off upright pushes sideways more than along its axis.",
            f"State at most {_WIDEST_DEG:g}°.",
        )
    width = math.radians(width_deg)
    root = math.sqrt(max(0.0, math.tan(width) / width - 1)) if width > 0 else 0.0
    measured = sources.side is not None
    words = f"± {width_deg:g}°" if measured else f"± {width_deg:g}°, assumed {100 * ASSUMED_SIDE_LIMIT:g} %"
    return Contribution("side force", words, side_share(sources) * root * abs(force_n))


def _sinc(angle: float) -> float:
    return math.sin(angle) / angle if angle else 1.0


def _mean_sine(at: float, width: float) -> float:
    return math.sin(at) * _sinc(width)
