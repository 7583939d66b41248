"""From points as taken to a calibration: what is refused, the curve, the figures and the stated uncertainty.

The theory stands where it is used: series.py (net of zero), curve.py (fit and degree), scatter.py (what keeps points
off the curve), angles.py and orientation.py (slanted series, the tip's weight), temperature.py, figures.py,
classes.py, and uncertainty.py for what all that is worth to a reading later on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from iastm_calibration import checks, suspects
from iastm_calibration.angles import angle_errors, side
from iastm_calibration.classes import after_astm_e74, after_iso_376, loading_curve
from iastm_calibration.curve import ChosenCurve, choose
from iastm_calibration.document import (
    CalibrationDocument,
    Compensation,
    Curve,
    FoundFigures,
    Reference,
    TakenPoint,
    Tip,
    ToolUnderCalibration,
    UncertaintyAt,
)
from iastm_calibration.errors import CalibrationError, OutlierError, TooFewPointsError
from iastm_calibration.figures import Spread, figures
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.orientation import TipWeight, tip_weight
from iastm_calibration.scatter import told_apart
from iastm_calibration.series import ZERO_STEP, NetPoint, ZeroPair, is_upright, net, zero_pairs
from iastm_calibration.temperature import TemperatureCoefficients, temperature_coefficients
from iastm_calibration.uncertainty import Sources, Use, force_budget

__all__ = ["LEAST_LOADS", "Use", "calibrate", "provisional"]

# Different loads, upright, and points in all: fewer can't show a curve and how well it fits.
LEAST_LOADS = 3
LEAST_POINTS = 5
# Of the range, from zero: where the uncertainty is stated.
_STATED_AT = (0.0, 0.25, 0.5, 0.75, 1.0)
# Of the range: a point that is off by less is no outlier worth a question. Ours.
_OFF_OF_RANGE = 0.001


def calibrate(
    taken: Sequence[TakenPoint],
    tool: ToolUnderCalibration,
    reference: Reference,
    tip: Tip,
    use: Use,
    *,
    method: str,
    made_by: str,
    made_at: str,
    expires_on: str,
    calibration_id: str,
    degree: int | None = None,
    notes: Sequence[str] = (),
    accept_outliers: bool = False,
    expected_n_per_count: float | None = None,
) -> CalibrationDocument:
    """Return the calibration that the points make; `degree` None chooses the right one of 1 to 3.

    Points that don't belong to the others raise OutlierError, or with `accept_outliers` stay and are noted.
    `expected_n_per_count`: the slope in force until now, by which a unit that is wrong throughout is seen. Raises the
    other errors of checks.py, suspects.py and curve.py; no point is ever left out.
    """
    upright, slanted = _looked_over(taken, tool, accept_outliers, expected_n_per_count)
    all_points = [*upright, *slanted]
    zeros = zero_pairs(taken)
    compensation = _compensation(taken, upright)
    if isinstance(compensation, TemperatureCoefficients):
        upright, slanted = (_at_one_temperature(points, compensation) for points in (upright, slanted))
        all_points = [*upright, *slanted]
    curve = choose(upright, degree, _weights_tolerance(reference))
    said = [*notes, *curve.notes, *_outliers(curve, upright, slanted, reference.tolerance, accept_outliers)]
    hung = _tip(tip, zeros, curve.fit)
    sources = _sources(upright, slanted, zeros, curve, reference, hung, use)
    return CalibrationDocument(
        calibration_id=calibration_id,
        method=method,
        tool=tool,
        reference=reference,
        tip=tip,
        points=tuple(taken),
        curve=Curve(
            coefficients=curve.fit.coefficients,
            low_n=0.0,
            high_n=_top_n(upright),
            residual_sd_n=curve.residual_sd_n,
            degrees_of_freedom=curve.fit.degrees_of_freedom,
        ),
        figures=_figures(all_points, upright, zeros, curve, reference, hung, sources),
        uncertainty=tuple(_stated(curve.fit, sources, share * _top_n(upright)) for share in _STATED_AT),
        compensation=_kept(compensation),
        made_by=made_by,
        made_at=made_at,
        expires_on=expires_on,
        notes=tuple(said),
    )


def provisional(taken: Sequence[TakenPoint]) -> tuple[float | None, ...]:
    """Return force by the curve so far minus reference, in N, for each point; None for zeros and what can't be told.

    The curve is that of the upright points, of the right degree once it can be chosen and a straight line before.
    """
    found: list[float | None] = [None] * len(taken)
    points = net(taken, zeros_needed=False)
    upright = [point for point in points if is_upright(point.point)]
    fit = _provisional_fit(upright)
    if fit is not None:
        for point in points:
            found[point.position] = float(fit.value(point.net_counts)) - point.point.reference_n
    return tuple(found)


def _provisional_fit(upright: Sequence[NetPoint]) -> Fit | None:
    try:
        return choose(upright).fit
    except (CalibrationError, ValueError):
        pass
    try:
        return fit_through_zero(
            [point.net_counts for point in upright], [point.point.reference_n for point in upright], 1
        )
    except CalibrationError:
        return None


def _looked_over(
    taken: Sequence[TakenPoint], tool: ToolUnderCalibration, accept_outliers: bool, expected_n_per_count: float | None
) -> tuple[list[NetPoint], list[NetPoint]]:
    """Return the points upright and slanted, net of zero, once nothing speaks against them."""
    checks.require_finite([point.reference_n for point in taken], [point.counts for point in taken])
    points = net(taken)
    upright = [point for point in points if is_upright(point.point)]
    slanted = [point for point in points if not is_upright(point.point)]
    checks.require_count(len(upright), LEAST_POINTS)
    checks.require_spread([point.point.reference_n for point in upright], "load")
    checks.require_spread([point.net_counts for point in upright], "reading")
    for one in suspects.look_over(taken, tool.capacity_n, expected_n_per_count):
        error = one.error()
        if not (accept_outliers and isinstance(error, OutlierError)):
            raise error
    loads = {point.point.step for point in upright}
    if len(loads) < LEAST_LOADS:
        raise TooFewPointsError(
            f"There are {len(loads)} different loads upright; a calibration needs at least {LEAST_LOADS}.",
            "Measure at more loads.",
        )
    checks.require_no_gap([0.0, *(point.point.reference_n for point in upright)])
    return upright, slanted


def _outliers(
    curve: ChosenCurve,
    upright: Sequence[NetPoint],
    slanted: Sequence[NetPoint],
    tolerance: float | None,
    accept_outliers: bool,
) -> list[str]:
    """Return notes about points that don't belong to the others, or raise OutlierError.

    A point that is off by less than what its weight may be wrong, and 0.1 % of the range, is left in peace.
    """
    top_n = _top_n(upright)
    groups = [upright]
    groups += [[p for p in slanted if p.point.angle_deg == a] for a in sorted({p.point.angle_deg for p in slanted})]
    notes = []
    for points in groups:
        try:
            own = fit_through_zero(
                [point.net_counts for point in points],
                [point.point.reference_n for point in points],
                curve.fit.degree,
            )
            scatter = told_apart(own, [point.as_point() for point in points])
        except TooFewPointsError:
            continue
        found = checks.outliers_among(scatter.remainders_n, scatter.leverages, scatter.freedom)
        allowed = [_OFF_OF_RANGE * top_n + (tolerance or 0.0) * abs(point.point.reference_n) for point in points]
        at = [place for place in found if abs(float(scatter.remainders_n[place])) > allowed[place]]
        # How far it is off the others, of which a fit that holds it too shows a part only.
        off_n = scatter.remainders_n / np.maximum(1 - scatter.leverages, 1e-9)
        if not at:
            continue
        words = _outlier_words([(points[place], float(off_n[place])) for place in at])
        if not accept_outliers:
            raise OutlierError(
                words, "Compare the load with what was written down, and measure again, or keep it with a reason."
            )
        notes.append(f"{words} Kept.")
    return notes


def _outlier_words(found: Sequence[tuple[NetPoint, float]]) -> str:
    named = [
        f"point {one.position + 1} ({suspects.load_words(one.point)} at {one.point.angle_deg:g}°, off by "
        f"{off_n:+.3g} N)"
        for one, off_n in found
    ]
    words = f"{', '.join(named)} {'does' if len(named) == 1 else 'do'} not belong to the others."
    return words[0].upper() + words[1:]


def _top_n(upright: Sequence[NetPoint]) -> float:
    return max(point.point.reference_n for point in upright)


def _weights_tolerance(reference: Reference) -> float:
    """Return the limits of single weights as a share; a gauge has none that differ from load to load."""
    return (reference.tolerance or 0.0) if reference.kind == "weights" else 0.0


def _slope(fit: Fit) -> float:
    return abs(float(fit.slope(0.0)))


def _tip(tip: Tip, zeros: Sequence[ZeroPair], fit: Fit) -> TipWeight | None:
    """Return the tip's weight as the zeros tell it, otherwise as it was stated."""
    try:
        found = tip_weight(zeros, float(fit.slope(0.0)))
    except TooFewPointsError:
        found = None
    if found is None and tip.weight_n is not None:
        return TipWeight(tip.weight_n, Spread(tip.weight_standard_n or 0.0, 10**9))
    return found


def _sources(
    upright: Sequence[NetPoint],
    slanted: Sequence[NetPoint],
    zeros: Sequence[ZeroPair],
    curve: ChosenCurve,
    reference: Reference,
    hung: TipWeight | None,
    use: Use,
) -> Sources:
    scatter, slope = curve.scatter, _slope(curve.fit)
    gravity = None
    if reference.gravity_m_s2 is not None and reference.gravity_standard_m_s2 is not None:
        gravity = Gravity(reference.gravity_m_s2, reference.gravity_standard_m_s2)
    noise = [(point.point.spread_counts * slope, point.point.samples - 1) for point in upright]
    freedom = sum(own for _, own in noise)
    moved = [(pair.after_counts - pair.before_counts) * slope for pair in zeros]
    return Sources(
        weight_tolerance=reference.tolerance,
        gravity=gravity,
        by_weights=reference.kind == "weights",
        remainder=scatter.remainder,
        residual_sd_n=curve.residual_sd_n,
        seating=scatter.seating,
        seatings=len(scatter.slopes),
        loop_n=scatter.loop_n,
        top_n=scatter.top_n,
        noise=Spread(math.sqrt(sum(n * n * own for n, own in noise) / freedom), freedom) if freedom > 0 else None,
        resolution_n=slope,
        zero=Spread(math.sqrt(float(np.mean(np.square(moved)))), len(moved)) if moved else None,
        tip_weight_n=None if hung is None else hung.weight_n,
        tip_weight_standard_n=0.0 if hung is None else hung.uncertainty.standard_n,
        side=side(curve.fit, slanted, scatter),
        loads=tuple(point.as_point() for point in upright),
        use=use,
    )


def _figures(
    points: Sequence[NetPoint],
    upright: Sequence[NetPoint],
    zeros: Sequence[ZeroPair],
    curve: ChosenCurve,
    reference: Reference,
    hung: TipWeight | None,
    sources: Sources,
) -> FoundFigures:
    own_zeros = [pair for pair in zeros if abs(pair.angle_deg - upright[0].point.angle_deg) < 1]
    found = figures(
        curve.fit,
        [point.as_point() for point in upright],
        # Net of the first, so that the curve is asked near zero.
        [(0.0, pair.after_counts - pair.before_counts) for pair in own_zeros],
    )
    resolution_n = max(_slope(curve.fit), 0.0 if sources.noise is None else sources.noise.standard_n)
    loading = loading_curve(upright, curve.fit.degree)
    lower_limit_n, e74 = after_astm_e74(loading, upright, reference, resolution_n)
    iso = after_iso_376(loading, upright, own_zeros, reference, resolution_n)
    return FoundFigures(
        largest_residual_n=found.largest_residual_n,
        hysteresis_n=None if found.hysteresis is None else found.hysteresis.largest_n,
        hysteresis_of_span=None if found.hysteresis is None else abs(found.hysteresis.largest_n) / _top_n(upright),
        # Runs are seated anew, so repeats in one seating are rare; then it is the scatter of single loads.
        repeatability_n=(found.repeatability or curve.scatter.remainder).standard_n,
        reproducibility_n=None if found.reproducibility is None else found.reproducibility.standard_n,
        zero_return_n=found.zero_return_n,
        creep_n=found.creep_n,
        tip_weight_n=None if hung is None else hung.weight_n,
        lower_limit_n=lower_limit_n,
        e74_class=e74.name,
        e74_from_n=e74.from_n,
        iso376_class=iso.name,
        iso376_from_n=iso.from_n,
        angle_errors=angle_errors(curve.fit, points),
        shortfalls=(*e74.shortfalls, *iso.shortfalls),
    )


def _stated(fit: Fit, sources: Sources, force_n: float) -> UncertaintyAt:
    reading = _reading(fit, force_n)
    budget = force_budget(reading, fit, sources)
    return UncertaintyAt(
        force_n=force_n,
        expanded_n=budget.expanded_n,
        coverage_factor=budget.coverage_factor,
        rows=tuple((row.name, row.source, row.standard_n) for row in budget.contributions),
        unknown=budget.unknown,
    )


def _reading(fit: Fit, force_n: float) -> float:
    """Return the net counts at a force; at the largest load the curve may end a little before it."""
    ends = (fit.low, fit.high)
    end = max(ends, key=lambda x: float(fit.value(x)))
    return fit.inverse(force_n) if force_n < float(fit.value(end)) else end


def _compensation(taken: Sequence[TakenPoint], upright: Sequence[NetPoint]) -> TemperatureCoefficients | float | None:
    """Return what temperature does where the points show it, otherwise their mean temperature, None where unknown."""
    known = [point.temperature_c for point in taken if point.temperature_c is not None]
    if not known:
        return None
    loads = [point for point in upright if point.point.temperature_c is not None]
    resting = [p for p in taken if p.step == ZERO_STEP and is_upright(p) and p.temperature_c is not None]
    slope = float(np.median([point.point.reference_n / point.net_counts for point in upright if point.net_counts]))
    try:
        return temperature_coefficients(
            [point.temperature_c or 0.0 for point in resting],
            [point.counts * slope for point in resting],
            [point.point.temperature_c or 0.0 for point in loads],
            [point.net_counts * slope / point.point.reference_n - 1 for point in loads],
        )
    except CalibrationError:
        return float(np.mean(known))


def _at_one_temperature(points: Sequence[NetPoint], found: TemperatureCoefficients) -> list[NetPoint]:
    """Bring net counts to the temperature of the calibration; zero went with the series' own zeros."""
    return [
        NetPoint(
            point.position,
            point.point,
            point.net_counts / (1 + found.span_per_k * ((point.point.temperature_c or found.at_c) - found.at_c)),
        )
        for point in points
    ]


def _kept(found: TemperatureCoefficients | float | None) -> Compensation:
    if isinstance(found, TemperatureCoefficients):
        return Compensation(found.zero_per_k_n, found.span_per_k, found.at_c)
    return Compensation(at_temperature_c=found)
