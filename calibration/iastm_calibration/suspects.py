"""Points that were taken in a way that can be told from the others: swapped, forgotten, in another unit, off scale.

Theory. A load cell is nearly proportional, so the middle one (median) of all ratios of load to net counts is the
sensitivity, whatever single points say, as long as most are right. A point is then off by the ratio of its stated
load to the load that it reads. Two loads exchanged are off by each other's ratio; a load stated in a wrong unit is off
by the ratio of two units, which is a number known to many digits; a load that was forgotten reads as what hung
there before. All this is coarse, for hands that slip; what is finer is left to the test of outliers in checks.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.document import TakenPoint
from iastm_calibration.errors import (
    BeyondCapacityError,
    CalibrationError,
    NotANumberError,
    OffScaleError,
    OutlierError,
    RepeatedReadingError,
    SwappedLoadsError,
    WrongAngleError,
    WrongUnitError,
)
from iastm_calibration.gravity import EQUATOR_M_S2
from iastm_calibration.series import ZERO_STEP, NetPoint, Series, is_upright, net, series_of
from iastm_calibration.units import NEWTONS

# The ends of a converter of 24 bits; 0x7FFFFF and 0x800000 mean that the signal lies beyond.
HIGH_RAIL, LOW_RAIL = 8388607, -8388608
# Single samples lie this many standard deviations around their mean.
_SCATTERS = 4.0
# How far a point may be off before anything is suspected: of its load, of the largest load, and at slanted angles.
_OF_LOAD, _OF_TOP, _OF_SLANT = 0.02, 0.005, 0.05
# How near a ratio has to be to that of two units, and a force to what its mass says.
_UNIT_TOLERANCE, _MASS_TOLERANCE = 0.01, 0.02
# A calibration that is in force already may be the nominal one of the cell: coarser.
_NOMINAL_TOLERANCE = 0.25
# How far loads at one slanted angle may differ in what they are off by.
_ALIKE_SLANTED = 0.03
# Of the change that a new load should have made, less than this is none.
_NO_CHANGE = 0.1
_NAMED = 5

# Stated load over true load, for a number that was meant in the one unit and taken for the other.
_OUNCE_G = 28.349523125
_KILOGRAM_LB = NEWTONS["kgf"] / NEWTONS["lbf"]
_UNITS = (
    (1 / NEWTONS["kgf"], "kilogram-force taken for newtons"),
    (NEWTONS["kgf"], "newtons taken for kilograms"),
    (1 / NEWTONS["lbf"], "pound-force taken for newtons"),
    (NEWTONS["lbf"], "newtons taken for pounds"),
    (_KILOGRAM_LB, "pounds taken for kilograms"),
    (1 / _KILOGRAM_LB, "kilograms taken for pounds"),
    (_OUNCE_G, "grams taken for ounces"),
    (1 / _OUNCE_G, "ounces taken for grams"),
    (1000.0, "grams taken for kilograms"),
    (0.001, "kilograms taken for grams"),
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What seems wrong with a point: its kind, what happened and what to do, and the positions (from 0) it concerns.

    kind: "not_a_number", "off_scale", "beyond_capacity", "load_mismatch", "repeated", "polarity", "swapped",
    "wrong_unit", "wrong_angle", "wrong_load", "off" or "zero_moved".
    """

    kind: str
    what: str
    fix: str
    positions: tuple[int, ...]

    def error(self) -> CalibrationError:
        """Return it as an error to be raised."""
        if self.kind == "not_a_number":
            return NotANumberError(self.what, self.fix)
        if self.kind == "beyond_capacity":
            return BeyondCapacityError(self.what, self.fix)
        if self.kind == "off_scale":
            return OffScaleError(self.what, self.fix, self.kind)
        if self.kind == "repeated":
            return RepeatedReadingError(self.what, self.fix, self.kind)
        if self.kind == "swapped":
            return SwappedLoadsError(self.what, self.fix, self.kind)
        if self.kind == "wrong_angle":
            return WrongAngleError(self.what, self.fix, self.kind)
        if self.kind in ("wrong_unit", "load_mismatch"):
            return WrongUnitError(self.what, self.fix, self.kind)
        return OutlierError(self.what, self.fix)


def suspect(
    taken_so_far: Sequence[TakenPoint],
    new: TakenPoint,
    capacity_n: float | None = None,
    expected_n_per_count: float | None = None,
) -> Suspicion | None:
    """Return what seems wrong with a new point, None where nothing does. Positions count the new point as the last.

    `capacity_n` is that of the cell; `expected_n_per_count` the slope in force until now, which may be nominal.
    """
    taken = [*taken_so_far, new]
    at = len(taken) - 1
    found = _by_itself(new, at, capacity_n)
    if found is not None:
        return found
    earlier = net(taken_so_far, zeros_needed=False)
    if new.step == ZERO_STEP:
        return _zero(taken_so_far, earlier, new)
    own = [point for point in net(taken, zeros_needed=False) if point.position == at]
    if not own:
        return None
    known = sensitivity(earlier) if len({point.point.reference_n for point in earlier}) > 1 else None
    return (
        (_other_unit(own[0], known) if known is not None else None)
        or _repeated(earlier, own[0], known or expected_n_per_count)
        or (_off(earlier, own[0], known) if known is not None else None)
        or (_off_nominal(own, expected_n_per_count) if known is None and expected_n_per_count is not None else None)
    )


def look_over(
    taken: Sequence[TakenPoint], capacity_n: float | None = None, expected_n_per_count: float | None = None
) -> list[Suspicion]:
    """Return what seems wrong with points that are all there, the most telling first, [] where nothing does."""
    found = [one for at, point in enumerate(taken) if (one := _by_itself(point, at, capacity_n)) is not None]
    if found:
        return found
    points = net(taken, zeros_needed=False)
    known = sensitivity(points)
    if known is None:
        return []
    top_n = _top_n(points)
    off = [point for point in points if not _fits(point, known, top_n)]
    for ratio, words in _UNITS:
        alike = [point for point in off if abs(_ratio(point, known) / ratio - 1) < _UNIT_TOLERANCE]
        if alike:
            found.append(_in_other_unit(alike, words))
            off = [point for point in off if point not in alike]
    found += _wrong_angles(points, off, known)
    found += _moved_zeros(taken, points)
    named = {at for one in found for at in one.positions}
    off = [point for point in off if point.position not in named]
    found += _forgotten(points, off, known)
    found += _swapped_pairs(off, known, top_n)
    named = {at for one in found for at in one.positions}
    off = [point for point in off if point.position not in named]
    if not found and not off and expected_n_per_count is not None:
        nominal = _off_nominal(points, expected_n_per_count)
        found += [nominal] if nominal is not None else []
    return found + [_just_off(point, known, points) for point in off]


def sensitivity(points: Sequence[NetPoint]) -> float | None:
    """Return newtons per count as the median over loads, upright ones if there are; None where none moved it."""
    moved = [point for point in points if point.net_counts != 0]
    upright = [point for point in moved if is_upright(point.point)]
    ratios = [point.point.reference_n / point.net_counts for point in upright or moved]
    return float(np.median(ratios)) if ratios and float(np.median(ratios)) != 0 else None


def load_words(point: TakenPoint) -> str:
    """Return the load of a point in words: grams where its mass is known, otherwise newtons."""
    if point.step == ZERO_STEP:
        return "no load"
    return f"{point.reference_n:.3g} N" if point.mass_kg is None else f"{1000 * point.mass_kg:g} g"


def _by_itself(point: TakenPoint, at: int, capacity_n: float | None) -> Suspicion | None:
    where = f"Point {at + 1} ({load_words(point)})"
    if not all(map(math.isfinite, (point.reference_n, point.counts, point.spread_counts, point.angle_deg))):
        return Suspicion("not_a_number", f"Point {at + 1} holds no number.", "Measure that point again.", (at,))
    reach = _SCATTERS * point.spread_counts
    if point.counts + reach >= HIGH_RAIL or point.counts - reach <= LOW_RAIL:
        return Suspicion(
            "off_scale",
            f"{where} reads {point.counts:.0f} counts: the end of the converter's range.",
            "Take a smaller load, choose a lower gain, or check the wiring of the cell.",
            (at,),
        )
    if capacity_n is not None and abs(point.reference_n) > capacity_n:
        return Suspicion(
            "beyond_capacity",
            f"{where} is a load of {point.reference_n:.4g} N; the cell is made for {capacity_n:g} N.",
            "Check the unit of the load. If it was really applied, look whether zero has moved before going on.",
            (at,),
        )
    return _against_mass(point, at) if point.step != ZERO_STEP else None


def _against_mass(point: TakenPoint, at: int) -> Suspicion | None:
    """Compare the force of a weight with its mass; the place changes it by less than the tolerance."""
    if not point.mass_kg:
        return None
    ratio = point.reference_n / (point.mass_kg * EQUATOR_M_S2 * math.sin(math.radians(point.angle_deg)))
    if abs(ratio - 1) <= _MASS_TOLERANCE:
        return None
    units = [words for factor, words in _UNITS if abs(ratio / factor - 1) < _MASS_TOLERANCE]
    kind = "wrong_unit" if units else "load_mismatch"
    guess = f" It looks like {units[0]}." if units else ""
    return Suspicion(
        kind,
        f"Point {at + 1} states {point.mass_kg:g} kg and {point.reference_n:.4g} N, which don't go together.{guess}",
        "Correct mass, force or angle.",
        (at,),
    )


def _top_n(points: Sequence[NetPoint]) -> float:
    return max((abs(point.point.reference_n) for point in points), default=0.0)


def _read_n(point: NetPoint, known: float) -> float:
    return point.net_counts * known


def _ratio(point: NetPoint, known: float) -> float:
    read_n = _read_n(point, known)
    return point.point.reference_n / read_n if read_n else math.inf


def _allowed_n(force_n: float, angle_deg: float, top_n: float) -> float:
    slant = abs(math.cos(math.radians(angle_deg))) / max(0.1, abs(math.sin(math.radians(angle_deg))))
    return (_OF_LOAD + _OF_SLANT * slant) * abs(force_n) + _OF_TOP * top_n


def _fits(point: NetPoint, known: float, top_n: float) -> bool:
    taken = point.point
    return abs(_read_n(point, known) - taken.reference_n) <= _allowed_n(taken.reference_n, taken.angle_deg, top_n)


def _reads_as(point: NetPoint, other: NetPoint, known: float, top_n: float) -> bool:
    """Tell whether a point reads what another one's load would."""
    wanted_n = other.point.reference_n
    return abs(_read_n(point, known) - wanted_n) <= _allowed_n(wanted_n, point.point.angle_deg, top_n)


def _repeated(earlier: Sequence[NetPoint], new: NetPoint, known: float | None) -> Suspicion | None:
    """Compare with what hung before in the same series, or with the zero where nothing did."""
    before = [point for point in earlier if series_of(point.point) == series_of(new.point)]
    last_n, last_counts = (before[-1].point.reference_n, before[-1].net_counts) if before else (0.0, 0.0)
    change_n, change_counts = new.point.reference_n - last_n, new.net_counts - last_counts
    if abs(change_n) <= _OF_LOAD * abs(new.point.reference_n):
        return None
    least_counts = _SCATTERS * new.point.spread_counts
    if known:
        least_counts = abs(change_n / known) * _NO_CHANGE
    if abs(change_counts) >= least_counts and change_counts != 0:
        return None
    words = load_words(before[-1].point) if before else "no load"
    return Suspicion(
        "repeated",
        f"Point {new.position + 1} ({load_words(new.point)}) reads as {words} did before it.",
        "Hang the load that is asked for, wait until it is steady, and take the point again.",
        (before[-1].position, new.position) if before else (new.position,),
    )


def _forgotten(points: Sequence[NetPoint], off: Sequence[NetPoint], known: float) -> list[Suspicion]:
    """Look at points that are off; a load that reads right was there, whatever the point before it read."""
    found = (_repeated([p for p in points if p.position < point.position], point, known) for point in off)
    return [one for one in found if one is not None]


def _other_unit(point: NetPoint, known: float) -> Suspicion | None:
    ratio = _ratio(point, known)
    return next((_in_other_unit([point], w) for f, w in _UNITS if abs(ratio / f - 1) < _UNIT_TOLERANCE), None)


def _wrong_angles(points: Sequence[NetPoint], off: Sequence[NetPoint], known: float) -> list[Suspicion]:
    """Look for slanted series all of whose loads are off by one and the same share."""
    by_series: dict[Series, list[NetPoint]] = {}
    for point in points:
        if not is_upright(point.point):
            by_series.setdefault(series_of(point.point), []).append(point)
    found = []
    for (run, angle), own in by_series.items():
        ratios = [_ratio(point, known) for point in own]
        middle = float(np.median(ratios))
        alike = all(abs(ratio / middle - 1) < _ALIKE_SLANTED for ratio in ratios)
        # A smallest load may be within what is allowed of it.
        if middle <= 0 or not alike or sum(point in off for point in own) < max(2, len(own) / 2):
            continue
        sine = math.sin(math.radians(angle)) / middle
        guess = f" It looks like {math.degrees(math.asin(sine)):.0f}°." if sine < 1 else ""
        found.append(
            Suspicion(
                "wrong_angle",
                f"Run {run} at {angle:g}°: all loads read {1 / middle:.0%} of what they should.{guess}",
                "Check the angle of the jig, and take the series again or correct its angle.",
                tuple(point.position for point in own),
            )
        )
    return found


def _moved_zeros(taken: Sequence[TakenPoint], points: Sequence[NetPoint]) -> list[Suspicion]:
    found = []
    for at, point in enumerate(taken):
        one = _zero(taken[:at], points, point) if point.step == ZERO_STEP else None
        if one is not None:
            series = tuple(other.position for other in points if series_of(other.point) == series_of(point))
            found.append(Suspicion(one.kind, one.what, one.fix, (*series, at)))
    return found


def _off(earlier: Sequence[NetPoint], new: NetPoint, known: float) -> Suspicion | None:
    top_n = _top_n([*earlier, new])
    if _fits(new, known, top_n):
        return None
    if _read_n(new, known) < 0:
        return Suspicion(
            "polarity",
            f"Point {new.position + 1} ({load_words(new.point)}) pulls the other way.",
            "Let the load pull as the others did, or correct its sign.",
            (new.position,),
        )
    swapped = _swapped_pairs([*(point for point in earlier if not _fits(point, known, top_n)), new], known, top_n)
    if swapped:
        return swapped[-1]
    return _just_off(new, known, [*earlier, new])


def _swapped_pairs(off: Sequence[NetPoint], known: float, top_n: float) -> list[Suspicion]:
    found = []
    used: set[int] = set()
    for index, one in enumerate(off):
        for other in off[index + 1 :]:
            alike = series_of(one.point) == series_of(other.point) and one.point.rising == other.point.rising
            if not alike or {one.position, other.position} & used:
                continue
            if _reads_as(one, other, known, top_n) and _reads_as(other, one, known, top_n):
                used |= {one.position, other.position}
                found.append(
                    Suspicion(
                        "swapped",
                        f"Points {one.position + 1} ({load_words(one.point)}) and {other.position + 1} "
                        f"({load_words(other.point)}) look swapped: each reads as the other should.",
                        "Take both points again, each with the load that is asked for.",
                        (one.position, other.position),
                    )
                )
    return found


def _in_other_unit(points: Sequence[NetPoint], words: str) -> Suspicion:
    positions = tuple(point.position for point in points)
    named = ", ".join(str(at + 1) for at in positions[:_NAMED]) + (" …" if len(positions) > _NAMED else "")
    point, look = ("Points", "look") if len(positions) > 1 else ("Point", "looks")
    return Suspicion(
        "wrong_unit",
        f"{point} {named} {look} like {words}.",
        "State every load in the same unit, and take or enter it again.",
        positions,
    )


def _just_off(point: NetPoint, known: float, points: Sequence[NetPoint]) -> Suspicion:
    read_n, top_n = _read_n(point, known), _top_n(points)
    where = f"Point {point.position + 1} ({load_words(point.point)})"
    others = (other for other in points if other is not point and series_of(other.point) == series_of(point.point))
    like = next((other for other in others if _reads_as(point, other, known, top_n)), None)
    if like is not None:
        return Suspicion(
            "wrong_load",
            f"{where} reads like {load_words(like.point)}.",
            "Check which weights hang there, and take the point again.",
            (point.position,),
        )
    return Suspicion(
        "off",
        f"{where} reads {read_n:.3g} N instead of {point.point.reference_n:.3g} N.",
        "Check the load, that it hangs free and still, and take the point again.",
        (point.position,),
    )


def _off_nominal(points: Sequence[NetPoint], expected_n_per_count: float) -> Suspicion | None:
    """Compare with the slope in force until now, where the points by themselves can't tell."""
    known = sensitivity(points)
    if known is None:
        return None
    ratio = abs(known / expected_n_per_count)
    nearest, words = min(_UNITS, key=lambda unit: abs(math.log(ratio / unit[0])))
    if abs(ratio / nearest - 1) > _NOMINAL_TOLERANCE:
        return None
    return _in_other_unit(points, words)


def _zero(taken_so_far: Sequence[TakenPoint], earlier: Sequence[NetPoint], new: TakenPoint) -> Suspicion | None:
    """Compare a zero after a series with that before it."""
    before = [p for p in taken_so_far if p.step == ZERO_STEP and series_of(p) == series_of(new)]
    known = sensitivity(earlier)
    if not before or known is None:
        return None
    moved_n = (new.counts - before[-1].counts) * known
    if abs(moved_n) <= _OF_LOAD * _top_n(earlier):
        return None
    return Suspicion(
        "zero_moved",
        f"Without load the tool reads {moved_n:+.3g} N since the zero before.",
        "Take every load off, and look whether the tip touches anything.",
        (len(taken_so_far),),
    )
