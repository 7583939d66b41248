"""Calibration documents of a simulated tool, quick and full, made point by point from a seed."""

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

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

GRAVITY = 9.81234
COUNTS_PER_N = 43_217.5
QUICK_KG = (0.1, 0.2, 0.5, 1.0, 1.5)
FULL_KG = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)


def taken_points(loads_kg, runs, angles_deg, notes, *, seed=4, shared_top=False):
    """Return points with zeros around each series, of a tool with noise, hysteresis and a drifting zero."""
    chance = random.Random(seed)
    at = datetime.fromisoformat("2026-11-21T14:02:00+01:00")
    points: list[TakenPoint] = []

    def take(run, angle, rising, step, mass_kg):
        nonlocal at
        at += timedelta(seconds=11)
        straight = math.sin(math.radians(angle))
        load_n = 0.0 if mass_kg is None else mass_kg * GRAVITY * straight
        lag_n = 0.0 if rising else 0.004 * math.sin(math.pi * min(1.0, load_n / 14.7))
        true_n = load_n * (1 + 0.0006 * (90 - angle) / 45) + lag_n + 0.31 * straight + 0.0002 * len(points) ** 0.5
        note = notes.get(len(points) + 1, "")
        off_n = 0.034 if note else 0.0
        points.append(
            TakenPoint(
                run=run,
                angle_deg=angle,
                rising=rising,
                step=step,
                mass_kg=mass_kg,
                reference_n=load_n,
                counts=81_200 + COUNTS_PER_N * (true_n + off_n) + chance.gauss(0, 90),
                spread_counts=abs(chance.gauss(210, 20)),
                samples=160,
                taken_at=at.isoformat(timespec="seconds"),
                note=note,
                temperature_c=None if runs == 1 else 21.4 + 0.01 * len(points),
            )
        )

    for run in range(1, runs + 1):
        for angle in angles_deg:
            take(run, angle, True, -1, None)
            for step, mass in enumerate(loads_kg):
                take(run, angle, True, step, mass)
            for step, mass in reversed(list(enumerate(loads_kg[:-1] if shared_top else loads_kg))):
                take(run, angle, False, step, mass)
            take(run, angle, False, -1, None)
    return tuple(points)


def make_document(
    *,
    full: bool = False,
    notes: dict[int, str] | None = None,
    made_by: str = "A. Example",
    document_notes: tuple[str, ...] = (),
    against_gauge: bool = False,
) -> CalibrationDocument:
    """Return a document as a wizard makes it."""
    loads = FULL_KG if full else QUICK_KG
    points = taken_points(
        loads, 3 if full else 1, (90.0, 60.0, 45.0) if full else (90.0,), notes or {}, shared_top=not full
    )
    unknown = () if full else ("temperature",)
    rows = [
        ("curve", "fit of the points", 0.0009),
        ("reference", "within ± 0.5 %", 0.0028),
        ("gravity", "9.8123 m/s² by place", 0.0003),
        ("repeatability", "loads around the curve", 0.0021),
        ("hysteresis", "± 4.1 mN, up and down", 0.0012),
        ("noise", "of a single sample", 0.0049),
        ("orientation", "tip 0.31 N, ± 30°", 0.0187),
    ]
    if full:
        rows += [("seating", "3 seatings", 0.0022), ("temperature", "within ± 5 K", 0.006)]
    budgets = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        force_n = 1.5 * GRAVITY * share
        scaled = tuple((name, source, size * (0.3 + 0.7 * share) + 0.002) for name, source, size in rows)
        combined = math.sqrt(sum(size**2 for _, _, size in scaled))
        factor = 2.0 if full else 2.32
        budgets.append(UncertaintyAt(force_n, factor * combined, factor, scaled, unknown))
    reference = (
        Reference("gauge", "Force gauge FG-50, no. 1187", 0.002, "", None, None, "Bern")
        if against_gauge
        else Reference("weights", "kitchen set, 100 g to 1.5 kg", 0.005, "", GRAVITY, 0.0002, "Bern, 46.9°, 540 m")
    )
    return CalibrationDocument(
        calibration_id="SIM-0001 2026-11-21",
        method="full" if full else "quick",
        tool=ToolUnderCalibration("SIM-0001", "Simulated tool", "TAL220B 5 kg", "HX711, 24 bit, 80/s", 49.0, "0.1.0"),
        reference=reference,
        tip=Tip(
            "Hook",
            "rounded, 3 mm",
            1.2 if full else None,
            0.1 if full else None,
            "ink print" if full else "",
            0.31,
            0.004,
        ),
        points=points,
        curve=Curve(
            (0.0, 1 / COUNTS_PER_N, 1.2345678901234567e-13) if full else (0.0, 1 / COUNTS_PER_N),
            0.0,
            max(point.reference_n for point in points),
            0.0031,
            40 if full else 8,
        ),
        figures=FoundFigures(
            largest_residual_n=0.0052,
            hysteresis_n=0.0041,
            hysteresis_of_span=0.00028,
            repeatability_n=0.0021 if full else None,
            reproducibility_n=0.0026 if full else None,
            zero_return_n=-0.0011,
            creep_n=None,
            tip_weight_n=0.31,
            lower_limit_n=0.0074,
            e74_class="A" if full else None,
            e74_from_n=2.96 if full else None,
            iso376_class="1" if full else None,
            iso376_from_n=5.2 if full else None,
            angle_errors=((60.0, 0.0004), (45.0, 0.0006)) if full else (),
            shortfalls=("after ASTM E74: 7 different forces of 10", "after ISO 376: 1 of 3 seatings"),
        ),
        uncertainty=tuple(budgets),
        compensation=Compensation(),
        made_by=made_by,
        made_at="2026-11-21T15:10:00+01:00",
        expires_on="2027-11-21",
        notes=document_notes,
    )


@pytest.fixture
def document() -> Callable[..., CalibrationDocument]:
    """Return the maker of documents."""
    return make_document
