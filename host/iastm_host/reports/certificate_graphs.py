"""The two graphs of a calibration: force over counts, and what each point differs from the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from iastm_calibration.document import CalibrationDocument
from iastm_host.reports import axes
from iastm_host.reports.axes import Plane
from iastm_host.reports.drawing import SHAPES, Area, Drawing, Item, Label, Mark, Path, Shape, Xy
from iastm_host.reports.numbers import decimal, newtons, whole
from iastm_host.reports.points import GraphPoint, force_n, graph_points

WIDTH = 680.0
_LEFT = 62.0
_RIGHT = 18.0
_CURVE_STEPS = 60
# Runs and directions at one load stand beside each other, so far apart.
_BESIDE = 5.0
_SMALL = 2.9
# So many times the largest difference the scale makes room for the band of uncertainty.
_BAND_AT_MOST = 3.0
_BAND_STEPS = 100


def force_graph(document: CalibrationDocument) -> Drawing:
    """Return force (N) over net counts: the curve and the points as taken."""
    seen = graph_points(document)
    counts = [point.net_counts for point in seen]
    low, high = axes.grown(min([0.0, *counts]), max([0.0, *counts]), 0.03, 1.0)
    force_low, force_high = _forces(document, seen)
    plane = Plane(_LEFT, 24, WIDTH - _LEFT - _RIGHT, 190, low, high, force_low, force_high)
    x_steps, y_steps = axes.round_steps(low, high, 6), axes.round_steps(force_low, force_high, 6)
    places = axes.places_for(y_steps)
    items = axes.sides(
        plane,
        x_steps,
        y_steps,
        whole,
        lambda value: decimal(value, places),
        ("Net counts: raw counts less zero", "Force along the axis, N"),
    )
    ends = min([0.0, *counts]), max([0.0, *counts])
    line = [ends[0] + (ends[1] - ends[0]) * step / _CURVE_STEPS for step in range(_CURVE_STEPS + 1)]
    items.append(Path(tuple(plane.at(at, force_n(document.curve, at)) for at in line), "ink", 1.2))
    for point in sorted(seen, key=lambda each: each.taken.rising):
        x, y = plane.at(point.net_counts, point.taken.reference_n)
        # A point that stands where another does is a dot in a ring.
        items.append(Mark(x, y, "circle", point.taken.rising, 2.4 if point.taken.rising else 4.8))
        if point.taken.note:
            items += _noted(x, y, point, 14.0)
    curve = document.curve
    return Drawing(
        "force-over-counts",
        "Calibration graph",
        f"Force in newtons over net counts: {len(seen)} points from {newtons(curve.low_n)} to "
        f"{newtons(curve.high_n)} N and the curve through zero. The table of points holds every value.",
        WIDTH,
        plane.bottom + 42,
        tuple(items),
    )


def residual_graph(document: CalibrationDocument) -> Drawing:
    """Return the differences (mN) over force, a plane for each angle, the shape telling the run, hollow unloading."""
    seen = graph_points(document)
    angles = sorted({point.taken.angle_deg for point in seen}, reverse=True) or [90.0]
    runs = sorted({point.taken.run for point in seen})
    band = [(at.force_n, 1000 * at.expanded_n) for at in document.uncertainty]
    reach = _reach_mn(seen, band)
    hidden = any(mn > 1.12 * reach for _, mn in band)
    force_low, force_high = _forces(document, seen)
    height = 172.0 if len(angles) == 1 else 100.0
    items = _key(runs, "uncertainty, beyond this scale in part" if hidden else "uncertainty of a force")
    top = 62.0
    y_steps = axes.round_steps(-1.12 * reach, 1.12 * reach, 8 if len(angles) == 1 else 5)
    x_steps = axes.round_steps(force_low, force_high, 8)
    for angle in angles:
        last = angle == angles[-1]
        plane = Plane(_LEFT, top, WIDTH - _LEFT - _RIGHT, height, force_low, force_high, -1.12 * reach, 1.12 * reach)
        items += _band(plane, band)
        items += axes.sides(
            plane,
            x_steps,
            y_steps,
            lambda value: decimal(value, axes.places_for(x_steps)),
            lambda value: decimal(value, axes.places_for(y_steps), sign=True),
            ("Force, N" if last else "", "Tool less reference, mN" if angle == angles[0] else ""),
        )
        items.append(Path((plane.at(force_low, 0.0), plane.at(force_high, 0.0)), "ink", 1.0))
        items.append(Label(plane.right, plane.top - 6, f"at {angle:g}°", "end", bold=True, role="ink"))
        items += _points(plane, [point for point in seen if point.taken.angle_deg == angle], runs)
        top = plane.bottom + (42 if last else 40)
    worst = max(seen, key=lambda point: abs(point.residual_mn), default=None)
    said = (
        "" if worst is None else f" The largest is {decimal(worst.residual_mn, 1, sign=True)} mN, point {worst.number}."
    )
    return Drawing(
        "differences",
        "Differences from the curve",
        f"What the tool shows less the reference, in millinewtons, over force: {len(seen)} points at "
        f"{', '.join(f'{angle:g}°' for angle in angles)}.{said} The table of points holds every value.",
        WIDTH,
        top,
        tuple(items),
    )


def _forces(document: CalibrationDocument, points: Sequence[GraphPoint]) -> Xy:
    """Return the ends of an axis of force, in newtons."""
    forces = [0.0, document.curve.low_n, document.curve.high_n, *(point.taken.reference_n for point in points)]
    return axes.grown(min(forces), max(forces), 0.03, 0.1)


def shape_of(run: int, runs: Sequence[int]) -> Shape:
    """Return the shape of a run; from the seventh on shapes come again, and runs carry their number."""
    return SHAPES[list(runs).index(run) % len(SHAPES)]


def _key(runs: Sequence[int], band: str) -> list[Item]:
    items: list[Item] = []
    x = _LEFT
    for run in runs[: len(SHAPES)]:
        items.append(Mark(x + 4, 12, shape_of(run, runs), True))
        items.append(Label(x + 13, 16, f"run {run}"))
        x += 62
    x = _LEFT if len(runs) > 3 else x + 14
    y = 34.0 if len(runs) > 3 else 16.0
    for filled, word, room in ((True, "filled: loading", 108), (False, "hollow: unloading", 124)):
        items.append(Mark(x + 4, y - 4, "circle", filled))
        items.append(Label(x + 13, y, word))
        x += room
    items.append(Area(((x, y - 9), (x + 22, y - 9), (x + 22, y + 1), (x, y + 1))))
    items.append(Label(x + 28, y, band))
    return items


def _reach_mn(points: Sequence[GraphPoint], band: Sequence[Xy]) -> float:
    """Return how far up and down the scale of differences goes: for the points, and the band unless it buries them."""
    largest = max([0.5, *(abs(point.residual_mn) for point in points)])
    return max([largest, *(min(mn, _BAND_AT_MOST * largest) for _, mn in band)])


def _band(plane: Plane, band: Sequence[Xy]) -> list[Item]:
    forces = np.linspace(plane.x_low, plane.x_high, _BAND_STEPS + 1)
    # Beyond the forces at which it is stated it goes on as at the nearest.
    size_mn = np.interp(forces, [force for force, _ in band], [mn for _, mn in band])
    shown = np.minimum(size_mn, plane.y_high)
    above = [plane.at(float(force), float(mn)) for force, mn in zip(forces, shown, strict=True)]
    below = [plane.at(float(force), -float(mn)) for force, mn in zip(forces, shown, strict=True)]
    items: list[Item] = [Area((*above, *reversed(below)))]
    seen = int(np.sum(size_mn <= plane.y_high))
    # The band widens with force, as all budgets do; where it leaves the scale its edge ends.
    if seen > 1 and np.all(np.diff(size_mn) >= 0):
        items += [Path(tuple(side[:seen]), "faint", 0.7, 3.0) for side in (above, below)]
    return items


def _points(plane: Plane, points: Sequence[GraphPoint], runs: Sequence[int]) -> list[Item]:
    items: list[Item] = []
    series = sorted({(point.taken.run, not point.taken.rising) for point in points})
    apart = min(_BESIDE, 42 / max(1, len(series)))
    for point in points:
        beside = (series.index((point.taken.run, not point.taken.rising)) - (len(series) - 1) / 2) * apart
        x, y = plane.x(point.taken.reference_n) + beside, plane.y(point.residual_mn)
        items.append(Mark(x, y, shape_of(point.taken.run, runs), point.taken.rising, _SMALL))
        if list(runs).index(point.taken.run) >= len(SHAPES):
            items.append(Label(x + 4, y - 3, str(point.taken.run), size=7))
        if point.taken.note:
            items += _noted(x, y, point)
    return items


def _noted(x: float, y: float, point: GraphPoint, below: float = -7.0) -> list[Item]:
    ring = tuple(
        (x + 7.5 * math.cos(math.radians(angle)), y + 7.5 * math.sin(math.radians(angle)))
        for angle in range(0, 361, 20)
    )
    return [Path(ring, "alarm", 1.3), Label(x + 10, y + below, f"point {point.number}, noted", size=9.5, role="alarm")]
