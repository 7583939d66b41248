"""The points of a document as a page shows them: numbered, less their zero, with what they differ from the curve."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_calibration.document import CalibrationDocument, Curve, TakenPoint
from iastm_calibration.series import ZERO_STEP, net


@dataclass(frozen=True, slots=True)
class SeenPoint:
    """A point with its number from 1; its counts less the zero of its series, and tool less reference in mN.

    Both are None for a zero, and where the series has no zero.
    """

    number: int
    taken: TakenPoint
    net_counts: float | None
    residual_mn: float | None

    @property
    def is_zero(self) -> bool:
        """Whether it was taken without load."""
        return self.taken.step == ZERO_STEP


@dataclass(frozen=True, slots=True)
class GraphPoint:
    """A load as graphs show it."""

    number: int
    taken: TakenPoint
    net_counts: float
    residual_mn: float


def seen_points(document: CalibrationDocument) -> tuple[SeenPoint, ...]:
    """Return every point, zeros included, in the order they were taken."""
    loads = {point.position: point.net_counts for point in net(document.points, zeros_needed=False)}
    seen = []
    for position, taken in enumerate(document.points):
        net_counts = loads.get(position)
        residual_mn = None
        if net_counts is not None:
            residual_mn = 1000 * (force_n(document.curve, net_counts) - taken.reference_n)
        seen.append(SeenPoint(position + 1, taken, net_counts, residual_mn))
    return tuple(seen)


def graph_points(document: CalibrationDocument) -> tuple[GraphPoint, ...]:
    """Return the loads that have a zero, in the order they were taken."""
    return tuple(
        GraphPoint(point.number, point.taken, point.net_counts, point.residual_mn)
        for point in seen_points(document)
        if point.net_counts is not None and point.residual_mn is not None
    )


def force_n(curve: Curve, net_counts: float) -> float:
    """Return the force of net counts by a curve, in newtons."""
    total = 0.0
    for coefficient in reversed(curve.coefficients):
        total = total * net_counts + coefficient
    return total
