"""What is looked at when a point comes, while the load still hangs: is it the load that was asked for?

Each finding is a question, not a verdict: what was measured is kept either way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from iastm_calibration.units import STANDARD_GRAVITY_M_S2
from iastm_host.app.calibrating.scale import Scale

# The difference that is asked about (the wizard's drawing), and how much farther a straight line through lighter loads
# may miss a heavier one, as a share of what lies beyond them: cells bend by some tenths of a percent.
RESIDUAL_LIMIT_N = 0.030
_BEYOND_SHARE = 0.01
# The calibration in force may be a data sheet's: cells and converters keep to it within some percent, boards that were
# built by hand less well.
_UNPROVEN_SHARE = 0.25
# A load that was to change moved by less than this share of the change.
_MOVED_SHARE = 0.05
# Nothing should hang on the tip at a zero; its own weight is some tenths of a newton.
_ZERO_MOVED_N = 1.0
# What is left on the tip is at least this share of the lightest load; and where zero is that of another angle or of
# before this calibration, the tip's own weight may have moved it by this much.
_LEFT_SHARE = 0.5
_TIP_MOVED_N = 0.5
# Within this share two forces are the same: by a scale of this calibration, and by one that may be off itself.
_SAME_SHARE = 0.03
_SAME_UNPROVEN_SHARE = 0.15
_UNITS = (
    (STANDARD_GRAVITY_M_S2, "Are the weights marked in kilograms, and stated here as newtons?"),
    (1 / STANDARD_GRAVITY_M_S2, "Are the weights marked in newtons, and stated here as kilograms?"),
    (0.45359237, "Are the weights marked in pounds, and stated here as kilograms?"),
    (1 / 0.45359237, "Are the weights marked in kilograms, and stated here as pounds?"),
    (0.028349523125, "Are the weights marked in ounces, and stated here as kilograms?"),
    (28.349523125, "Are the weights marked in ounces, and stated here as grams?"),
    (1000.0, "Are the weights marked in kilograms, and stated here as grams?"),
    (0.001, "Are the weights marked in grams, and stated here as kilograms?"),
)

# A unit is spoken of only where the ratio fits it this well, and no weight that sets hold does; a weight that is this
# many times another is seldom taken for it.
_UNIT_SHARE = 0.01
_COMMON_STEPS = (1.0, 2.0, 3.0, 5.0, 10.0)
_FAR_RATIO = 100.0

REPEAT = "repeat"
KEEP = "keep"
SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit: its kind, in words what happened and what to do, and the answers that there are."""

    kind: str
    text: str
    options: tuple[str, ...] = (REPEAT, KEEP)


@dataclass(frozen=True, slots=True)
class Came:
    """A point as it came: what the page asks for, what the tool says by `scale`, and what was there before.

    `expected_n` is the force applied, `measured_n` what the tool reads, both from zero; `before_n` and
    `expected_before_n` those of the point before, None where there is none. `others` are (label, force) of the other
    loads of this setup. `label` names this load, `upright_n` is its force on an upright tip; `against_gauge`: the force
    is what a gauge tells; `load_kg` is the mass as marked, 0 where there is none.
    """

    label: str
    expected_n: float
    upright_n: float
    measured_n: float
    before_n: float | None
    expected_before_n: float | None
    before_label: str
    others: Sequence[tuple[str, float]]
    capacity_n: float | None
    scale: Scale
    against_gauge: bool = False
    load_kg: float = 0.0


def of_load(came: Came) -> Finding | None:
    """Return what speaks against a load, the gravest first, None where nothing does."""
    if came.capacity_n is not None and max(came.measured_n, came.expected_n) > came.capacity_n:
        return Finding(
            "capacity",
            f"{max(came.measured_n, came.expected_n):.3g} N is beyond the {came.capacity_n:g} N that the cell is made "
            "for. Take the load off, then leave it out or hang a lighter one.",
            (SKIP, REPEAT),
        )
    if unchanged(came):
        return Finding(
            "unchanged",
            f"The load was not changed since {came.before_label}. Hang {came.label}, then repeat.",
        )
    off_n = came.measured_n - came.expected_n
    if abs(off_n) <= allowance_n(came.scale, came.expected_n):
        return None
    return _of_difference(came, off_n)


def unchanged(came: Came) -> bool:
    """Tell whether the load stayed as it was though another is asked for."""
    if came.before_n is None or came.expected_before_n is None:
        return False
    wanted_n = came.expected_n - came.expected_before_n
    return wanted_n != 0 and abs(came.measured_n - came.before_n) < _MOVED_SHARE * abs(wanted_n)


def allowance_n(scale: Scale, expected_n: float) -> float:
    """Return how far a reading may be off in newtons before it is asked about."""
    if not scale.load_count:
        return RESIDUAL_LIMIT_N + _UNPROVEN_SHARE * abs(expected_n)
    return RESIDUAL_LIMIT_N + _BEYOND_SHARE * max(0.0, expected_n - scale.reaches_n)


def _of_difference(came: Came, off_n: float) -> Finding:
    if came.against_gauge:
        return Finding("off", f"Tool and gauge differ by {_signed(off_n)}. {_REPEAT_OR_KEEP}")
    size = allowance_n(came.scale, came.expected_n)
    same = _SAME_SHARE if came.scale.load_count else _SAME_UNPROVEN_SHARE
    if (
        came.scale.load_count
        and abs(came.measured_n - came.upright_n) <= RESIDUAL_LIMIT_N < came.upright_n - came.expected_n
    ):
        return Finding(
            "not turned", f"This reads as if the tip were upright. Turn the tool, hang {came.label}, then repeat."
        )
    for label, force_n in came.others:
        if abs(came.measured_n - force_n) <= max(
            _SAME_SHARE * force_n, min(size, 0.4 * abs(force_n - came.expected_n))
        ):
            return Finding(
                "swapped", f"This reads like {label}, not {came.label}. Check which weight hangs, then repeat."
            )
    if came.measured_n < 0 and abs(off_n) > abs(came.expected_n):
        return Finding(
            "reversed",
            f"The reading went the other way: {came.measured_n:.2f} N. Check how the tool hangs, then repeat; keep it "
            "where the cell is wired the other way round.",
        )
    ratio = came.measured_n / came.expected_n if came.expected_n else 0.0
    found = _of_ratio(came, ratio, same)
    if found is not None:
        return found
    doubt = " The point before may be the wrong one: keep this, then go back." if came.scale.load_count == 1 else ""
    limit = f"the limit is ± {1000 * size:.0f} mN"
    return Finding("off", f"Off by {_signed(off_n)}, and {limit}. {_REPEAT_OR_KEEP}{doubt}")


def _of_ratio(came: Came, ratio: float, same: float) -> Finding | None:
    """Return what a ratio of read to expected force speaks for: another weight, or a unit where no weight fits."""
    unit = next((words for factor, words in _UNITS if abs(ratio / factor - 1) <= _UNIT_SHARE), "")
    times = f"The tool reads {ratio:.3g} times what {came.label} gives. Is it another weight?"
    if ratio <= 0:
        return None
    ten = 10.0 ** math.floor(math.log10(ratio * came.load_kg)) if came.load_kg > 0 else 0.0
    off = min((abs(ratio * came.load_kg / (step * ten) - 1) for step in _COMMON_STEPS if ten), default=math.inf)
    if unit and (off > _UNIT_SHARE or not 1 / _FAR_RATIO < ratio < _FAR_RATIO):
        return Finding("unit", f"{times} {unit}")
    return Finding("another weight", times) if off <= same and abs(ratio - 1) > same else None


def _signed(force_n: float) -> str:
    """Return a difference in words: millinewtons, from 1 N on newtons."""
    return f"{force_n:+.2f} N" if abs(force_n) >= 1 else f"{1000 * force_n:+.0f} mN"


def hangs_from_n(lightest_n: float, *, same_angle: bool) -> float:
    """Return from how many newtons above zero a load may hang still, the lightest one being `lightest_n`."""
    return _LEFT_SHARE * lightest_n if same_angle else max(_LEFT_SHARE * lightest_n, _TIP_MOVED_N)


def of_zero(moved_n: float, *, same_series: bool, hangs_from_n: float = _ZERO_MOVED_N) -> Finding | None:
    """Return what speaks against a zero that moved in newtons since another one: of its series, or of before.

    From `hangs_from_n` on a load may be what moved it.
    """
    if moved_n >= hangs_from_n:
        return Finding("hangs", f"{moved_n:.2f} N hangs still. Take it off; or is this the zero?")
    if same_series and abs(moved_n) > RESIDUAL_LIMIT_N:
        return Finding(
            "zero moved",
            f"Zero moved by {_signed(moved_n)} since the loads began. Look that nothing hangs on the tip. "
            "Repeat or keep with a note?",
        )
    if abs(moved_n) > _ZERO_MOVED_N:
        return Finding("zero moved", f"Zero would move by {moved_n:+.2f} N. Take all weights off the tip, then repeat.")
    return None


_REPEAT_OR_KEEP = "Repeat or keep with a note?"
