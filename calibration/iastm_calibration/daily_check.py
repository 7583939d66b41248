"""The daily check of a calibration at two points: no load, and one that is known.

Theory. Zero is what the tool shows without load; the span is what the load adds to it, so that a moved zero does not
count twice: e = (read − zero − applied) / applied. The span may be wrong by 3 % of the applied load, and zero by 3 % of
it or by 0.05 N, whichever is more. The limits are ours: wide beside the uncertainty of a calibration, narrow beside
the steps between the limits that a person works with.

Trends are named and fail nothing. Checks of one calibration should scatter about zero error. Seven in a row on one side
come about by chance once in 64 times (2 · ½⁷), as in the tests for runs on Shewhart's control charts. A drift is the
slope of a least-squares line through the last ten over time, told from scatter by Student's t at 99 %. Both are named
only from a third of the limit on (ours): weights that are off by half a per cent put every check on one side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from iastm_calibration.errors import NotANumberError, RangeError
from iastm_calibration.students_t import two_sided_quantile

# Shares of the applied load, and newtons.
SPAN_LIMIT = 0.03
ZERO_LIMIT_N = 0.05
# 3 % of less are too few millinewtons to be told from what a draught or a cable does.
LEAST_LOAD_N = 0.5
# A span that is off by more is no drift: another load was hung, or it isn't free.
_WRONG_LOAD = 0.15

RUN_LENGTH = 7
DRIFT_LENGTH = 10
DRIFT_CONFIDENCE = 0.99
WORTH_NAMING = SPAN_LIMIT / 3

# Limits are compared in newtons and shares that were typed and subtracted.
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class DailyCheck:
    """One check. checked_at: ISO 8601 with zone. zero_n and read_n: shown without and with load_n (applied).

    span_error: share of the load. by: who checked. temperature_c: None where nobody measured it.
    """

    checked_at: str
    serial_number: str
    calibration_id: str
    zero_n: float
    load_n: float
    read_n: float
    span_error: float
    passed: bool
    by: str
    note: str = ""
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found outside its limits, and what to do."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Trend:
    """What a row of checks shows, and by which rule."""

    what: str
    rule: str


def judge(
    zero_read_n: float,
    applied_n: float,
    read_n: float,
    *,
    checked_at: str,
    serial_number: str,
    calibration_id: str,
    by: str,
    note: str = "",
    temperature_c: float | None = None,
) -> DailyCheck:
    """Return the check of a reading without load and one with `applied_n`, all in newtons, passed or not.

    Raises NotANumberError, and RangeError for a load that is too small to check with.
    """
    for name, value in (("zero", zero_read_n), ("load", applied_n), ("reading", read_n)):
        if not math.isfinite(value):
            raise NotANumberError(f"The {name} of the check is no number: {value}.", "Check once more.")
    if applied_n < LEAST_LOAD_N:
        raise RangeError(
            f"A load of {applied_n:.3g} N is too small to check with.",
            f"Take at least {LEAST_LOAD_N:g} N (about 51 g), best near the forces that you work with.",
        )
    span_error = (read_n - zero_read_n - applied_n) / applied_n
    return DailyCheck(
        checked_at=checked_at,
        serial_number=serial_number,
        calibration_id=calibration_id,
        zero_n=zero_read_n,
        load_n=applied_n,
        read_n=read_n,
        span_error=span_error,
        passed=not (_zero_is_off(zero_read_n, applied_n) or _span_is_off(span_error)),
        by=by,
        note=note,
        temperature_c=temperature_c,
    )


def zero_limit_n(load_n: float) -> float:
    """Return how far from 0 N zero may be in a check with a load, in newtons."""
    return max(ZERO_LIMIT_N, SPAN_LIMIT * load_n)


def findings(check: DailyCheck) -> tuple[Finding, ...]:
    """Return what is outside the limits, zero before span; empty for a check that passed."""
    found = []
    if _zero_is_off(check.zero_n, check.load_n):
        found.append(
            Finding(
                f"Zero is {_signed(check.zero_n, 2)} N; ± {zero_limit_n(check.load_n):.2f} N is allowed.",
                "Lift the tool, see that nothing touches the tip, set zero and check again.",
            )
        )
    if _span_is_off(check.span_error):
        words = f"{check.load_n:.2f} N read {_percent(check.span_error)}; ± {100 * SPAN_LIMIT:g} % is allowed."
        if abs(check.span_error) > _WRONG_LOAD:
            fix = "See that it is the load that was stated, and that it hangs free; then check again."
        else:
            fix = "Check again with the tool upright. If it stays so, calibrate before you rely on the forces."
        found.append(Finding(words, fix))
    return tuple(found)


def sentence(check: DailyCheck) -> str:
    """Say a check in one line: passed or not, the span's error and zero."""
    added_n = check.read_n - check.zero_n
    word = "Passed" if check.passed else "Not passed"
    zero = f"zero {_signed(check.zero_n, 2)} N"
    return f"{word}: {check.load_n:.2f} N read {added_n:.2f} N ({_percent(check.span_error)}), {zero}"


def trends(checks: Sequence[DailyCheck]) -> tuple[Trend, ...]:
    """Return what the checks since the last calibration show, of the tool and calibration of the latest check.

    Checks may come in any order. Raises ValueError for a time that isn't ISO 8601.
    """
    ordered = sorted(checks, key=lambda check: datetime.fromisoformat(check.checked_at))
    if not ordered:
        return ()
    latest = (ordered[-1].serial_number, ordered[-1].calibration_id)
    own = [check for check in ordered if (check.serial_number, check.calibration_id) == latest]
    found = (_run(own), _drift(own))
    return tuple(trend for trend in found if trend is not None)


def _zero_is_off(zero_n: float, load_n: float) -> bool:
    return round(abs(zero_n) - zero_limit_n(load_n), _DECIMALS) > 0


def _span_is_off(span_error: float) -> bool:
    return round(abs(span_error) - SPAN_LIMIT, _DECIMALS) > 0


def _percent(share: float) -> str:
    return f"{_signed(100 * share, 1)} %"


def _signed(value: float, places: int) -> str:
    rounded = round(value, places)
    return f"{rounded:+.{places}f}".replace("-", "−") if rounded else f"{0:.{places}f}"


def _run(checks: Sequence[DailyCheck]) -> Trend | None:
    sides = [math.copysign(1, check.span_error) if check.span_error else 0.0 for check in checks]
    length = 0
    while length < len(sides) and sides[-1 - length] == sides[-1]:
        length += 1
    if length < RUN_LENGTH or sides[-1] == 0:
        return None
    mean = float(np.mean([check.span_error for check in checks[-length:]]))
    if abs(mean) < WORTH_NAMING:
        return None
    more = "more" if mean > 0 else "less"
    return Trend(
        f"The last {length} checks all read {more} than the load, {_percent(mean)} on average.",
        f"{RUN_LENGTH} in a row on one side, which chance does once in 64 times; "
        f"named from ± {100 * WORTH_NAMING:g} % on",
    )


def _drift(checks: Sequence[DailyCheck]) -> Trend | None:
    last = checks[-DRIFT_LENGTH:]
    if len(last) < DRIFT_LENGTH:
        return None
    since = datetime.fromisoformat(last[0].checked_at)
    days = np.array([(datetime.fromisoformat(check.checked_at) - since).total_seconds() / 86_400 for check in last])
    errors = np.array([check.span_error for check in last])
    centred = days - days.mean()
    spread = float(np.sum(centred**2))
    if spread == 0:
        return None
    slope = float(np.sum(centred * errors)) / spread
    freedom = DRIFT_LENGTH - 2
    scatter = float(np.sqrt(np.sum((errors - errors.mean() - slope * centred) ** 2) / freedom / spread))
    change = slope * float(days[-1] - days[0])
    significant = abs(slope) > two_sided_quantile(DRIFT_CONFIDENCE, freedom) * scatter
    if not significant or abs(change) < WORTH_NAMING:
        return None
    return Trend(
        f"The span drifts: {_percent(change)} over the last {DRIFT_LENGTH} checks, in {days[-1]:.0f} days.",
        f"a line through the last {DRIFT_LENGTH}, Student's t at {100 * DRIFT_CONFIDENCE:g} %; "
        f"named from {100 * WORTH_NAMING:g} % on",
    )
