"""The table of points of a certificate: every one, zeros included, with its note whole beneath it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from iastm_host.reports.blocks import Column, Row, Table
from iastm_host.reports.numbers import decimal, kept_together, moment, whole
from iastm_host.reports.points import SeenPoint


def points_table(points: Sequence[SeenPoint], *, compensated: bool = False) -> Table:
    """Return the table; columns that no point fills are left out. `compensated`: temperature was, in the result."""
    moments = [at for at in (moment(point.taken.taken_at) for point in points) if at is not None]
    one_day = len({at.date() for at in moments}) == 1
    columns: list[tuple[Column, Callable[[SeenPoint], str]]] = [
        (Column("No.", numeric=True, width=0.55), lambda point: str(point.number)),
        (Column("Run", numeric=True, width=0.55), lambda point: str(point.taken.run)),
        (Column("Angle", numeric=True, width=0.7), lambda point: f"{point.taken.angle_deg:g}°"),
        (Column("Load", width=1.35), _load),
        (Column("Reference, N", numeric=True, width=1.1), lambda point: decimal(point.taken.reference_n, 4)),
        (Column("Raw counts", numeric=True, width=1.2), lambda point: whole(point.taken.counts)),
        (Column("Spread, counts", numeric=True, width=0.95), lambda point: decimal(point.taken.spread_counts, 1)),
        (Column("Samples", numeric=True, width=0.85), lambda point: str(point.taken.samples)),
        (
            Column("Difference, mN", numeric=True, width=1.15),
            lambda point: "" if point.residual_mn is None else decimal(point.residual_mn, 1, sign=True),
        ),
    ]
    if any(point.taken.temperature_c is not None for point in points):
        columns.append(
            (
                Column("°C", numeric=True, width=0.6),
                lambda point: "" if point.taken.temperature_c is None else decimal(point.taken.temperature_c, 1),
            )
        )
    if moments:
        columns.append(
            (
                Column("Taken at", numeric=True, width=1.0 if one_day else 1.7),
                lambda point: _time(moment(point.taken.taken_at), one_day),
            )
        )
    day = f", {moments[0].date().isoformat()}" if one_day else ""
    as_read = "; as read, without the compensation of temperature" if compensated else ""
    return Table(
        f"All {len(points)} points in the order they were taken{day}{as_read}",
        tuple(column for column, _ in columns),
        tuple(
            Row(
                tuple(cell(point) for _, cell in columns),
                note=f"Note to point {point.number}: {point.taken.note}" if point.taken.note else "",
            )
            for point in points
        ),
        small=True,
    )


def _load(point: SeenPoint) -> str:
    if point.is_zero:
        return kept_together("zero before" if point.taken.rising else "zero after")
    word = "up" if point.taken.rising else "down"
    return word if point.taken.mass_kg is None else kept_together(f"{1000 * point.taken.mass_kg:g} g {word}")


def _time(at: datetime | None, one_day: bool) -> str:
    if at is None:
        return ""
    return at.strftime("%H:%M:%S" if one_day else "%Y-%m-%d %H:%M")
