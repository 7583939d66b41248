"""The drawing of a control chart: span above, zero below, over one axis of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from iastm_calibration.daily_check import SPAN_LIMIT, DailyCheck, zero_limit_n
from iastm_host.reports import axes
from iastm_host.reports.axes import Plane
from iastm_host.reports.drawing import Drawing, Item, Label, Mark, Path
from iastm_host.reports.numbers import decimal

WIDTH = 680.0
_LEFT, _RIGHT = 62.0, 62.0
_HEIGHT = 150.0
# A scale reaches so many limits; what lies beyond stands at its edge, with its value.
_SCALE = 2.5
# More words would lie over each other; the marks stay.
_WORDS = 12
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class _Lane:
    """One of the two planes: what it is of, in which unit, each value with its limit."""

    title: str
    unit: str
    values: tuple[float, ...]
    limits: tuple[float, ...]
    places: int


def control_chart(checks: Sequence[DailyCheck]) -> Drawing:
    """Return the chart of checks of one tool, in order of time."""
    if not checks:
        words = Label(WIDTH / 2, 44, "No checks yet", "middle", 14, role="ink")
        return Drawing("daily-checks", "Daily checks", "There are no checks yet.", WIDTH, 80, (words,))
    times = [datetime.fromisoformat(check.checked_at) for check in checks]
    span = _Lane(
        "Span, %",
        "%",
        tuple(100 * check.span_error for check in checks),
        tuple(100 * SPAN_LIMIT for _ in checks),
        1,
    )
    zero = _Lane(
        "Zero, N",
        "N",
        tuple(check.zero_n for check in checks),
        tuple(zero_limit_n(check.load_n) for check in checks),
        2,
    )
    items: list[Item] = []
    top = 26.0
    for lane in (span, zero):
        plane = _plane(lane, times, top)
        items += _lane(lane, plane, times, with_dates=lane is zero)
        items += _new_calibrations(checks, plane, times, named=lane is span)
        top = plane.bottom + 40
    outside = sum(not check.passed for check in checks)
    return Drawing(
        "daily-checks",
        "Daily checks",
        f"{len(checks)} checks from {times[0].date()} to {times[-1].date()}, {outside} outside the limits. The latest: "
        f"span {decimal(span.values[-1], 1, sign=True)} %, zero {decimal(zero.values[-1], 3, sign=True)} N.",
        WIDTH,
        top,
        tuple(items),
    )


def _plane(lane: _Lane, times: Sequence[datetime], top: float) -> Plane:
    seconds = (times[-1] - times[0]).total_seconds()
    low, high = axes.grown(0.0, seconds, 0.03, 4 * _DAY_S)
    reach = _SCALE * max(lane.limits)
    return Plane(_LEFT, top, WIDTH - _LEFT - _RIGHT, _HEIGHT, low, high, -reach, reach)


def _lane(lane: _Lane, plane: Plane, times: Sequence[datetime], *, with_dates: bool) -> list[Item]:
    seconds = [(at - times[0]).total_seconds() for at in times]
    dates = _dates(plane, times[0])
    date_of = _date_of(times[0])
    y_steps = axes.round_steps(plane.y_low, plane.y_high, 6)
    places = axes.places_for(y_steps)
    items = axes.sides(
        plane,
        dates,
        y_steps,
        date_of if with_dates else lambda _: "",
        lambda value: decimal(value, places, sign=True),
        ("", lane.title),
    )
    items.append(Path(((plane.left, plane.y(0)), (plane.right, plane.y(0))), "ink", 1.1))
    items.append(Label(plane.right + 5, plane.y(0) + 4, "centre", size=10))
    for side in (-1, 1):
        items.append(Path(_stairs(plane, seconds, [side * limit for limit in lane.limits]), "ink", 1.1, 5.0))
        limit = side * lane.limits[-1]
        words = f"{decimal(limit, _places(lane), sign=True)} {lane.unit}"
        items.append(Label(plane.right + 5, plane.y(limit) + 4, words, size=10))
    shown = [(at, value) for at, value in zip(seconds, lane.values, strict=True)]
    items.append(Path(tuple(plane.at(at, _held(value, plane)) for at, value in shown), "faint", 0.7))
    named = [place for place, value in enumerate(lane.values) if _outside(value, lane.limits[place])][-_WORDS:]
    for place, (at, value) in enumerate(shown):
        items += _mark(plane, at, value, lane, place, named=place in named)
    return items


def _mark(plane: Plane, at: float, value: float, lane: _Lane, place: int, *, named: bool) -> list[Item]:
    x, y = plane.at(at, _held(value, plane))
    if not _outside(value, lane.limits[place]):
        return [Mark(x, y, "circle", True, 3.0)]
    beyond = _held(value, plane) != value
    items: list[Item] = [Mark(x, y, ("triangle" if value > 0 else "down") if beyond else "diamond", True, 5.0, "alarm")]
    if named:
        words = f"{'too high' if value > 0 else 'too low'}, {decimal(value, lane.places, sign=True)} {lane.unit}"
        # Near the right side a word would leave the drawing.
        left = x > plane.left + 0.75 * plane.width
        # Above what is too high and below what is too low, where no limit runs through it; at an edge inside.
        above = value < 0 if beyond else value > 0
        items.append(
            Label(
                x - 9 if left else x + 9,
                y - 6 if above else y + 14,
                words,
                "end" if left else "start",
                10,
                role="alarm",
            )
        )
    return items


def _outside(value: float, limit: float) -> bool:
    # As the check itself judges: a limit that was typed is reached, not passed.
    return round(abs(value) - limit, 7) > 0


def _held(value: float, plane: Plane) -> float:
    return min(max(value, plane.y_low), plane.y_high)


def _stairs(plane: Plane, seconds: Sequence[float], limits: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return a line that holds each check's limit until half way to the next."""
    points = [plane.at(plane.x_low, limits[0])]
    for (left, right), (before, after) in zip(pairwise(seconds), pairwise(limits), strict=True):
        if before != after:
            middle = (left + right) / 2
            points += [plane.at(middle, before), plane.at(middle, after)]
    return (*points, plane.at(plane.x_high, limits[-1]))


def _new_calibrations(
    checks: Sequence[DailyCheck], plane: Plane, times: Sequence[datetime], *, named: bool
) -> list[Item]:
    items: list[Item] = []
    for place, (before, after) in enumerate(pairwise(checks)):
        if before.calibration_id != after.calibration_id:
            between = (times[place + 1] - times[0] + (times[place] - times[0])).total_seconds() / 2
            x = plane.x(between)
            items.append(Path(((x, plane.top), (x, plane.bottom)), "faint", 1.0, 2.0))
            if named:
                items.append(Label(x, plane.top - 4, "calibrated", "middle", 10))
    return items


def _dates(plane: Plane, first: datetime) -> list[float]:
    """Return seconds after the first check at which days begin, a few of them."""
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    offset = (midnight - first).total_seconds()
    days = axes.round_steps((plane.x_low - offset) / _DAY_S, (plane.x_high - offset) / _DAY_S, 6)
    return [day * _DAY_S + offset for day in days if day == int(day)]


def _date_of(first: datetime) -> Callable[[float], str]:
    return lambda seconds: (first + timedelta(seconds=seconds)).date().isoformat()


def _places(lane: _Lane) -> int:
    return 0 if lane.unit == "%" else 2
