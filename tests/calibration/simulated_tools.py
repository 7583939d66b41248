"""Tools whose truth is known, calibrated and used by the laws of physics, drawn by seed.

What a tool may be like was chosen from data sheets of small load cells (50 N, 0.05 to 0.1 % combined error, 0.02 % of
the capacity per 10 K), converters (some mN of noise) and hands (a jig set within half a degree); nothing here was
chosen by what comes out. Forces in newtons, angles in degrees of the axis to the horizontal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from iastm_calibration.calibrate import Use
from iastm_calibration.document import Reference, TakenPoint, Tip, ToolUnderCalibration
from iastm_calibration.gravity import Gravity, local_gravity, weight_force_n

QUICK_KG = (0.1, 0.2, 0.5, 1.0, 1.5)
FULL_KG = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
CAPACITY_N = 50.0
COUNTS_PER_N = 42_000.0
TOP_N = 15.0
SAMPLES = 160
SECONDS_PER_POINT = 10.0
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TOOL = ToolUnderCalibration("SIM-0001", "simulated", "beam, 50 N", "24 bits", CAPACITY_N, "1.0")


@dataclass(frozen=True)
class Truth:
    """What a tool is really like. Shares are of the force, loop_n is the width in the middle at TOP_N."""

    counts_per_n: float
    offset_counts: float
    quadratic: float
    cubic: float
    loop_n: float
    drift_n_per_min: float
    zero_return: float
    repeat_n: float
    seating: float
    noise_n: float
    tip_weight_n: float
    side: float
    zero_per_k_n: float
    span_per_k: float

    def counts(self, pull_n: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean raw counts of everything that pulls at the cell."""
        share = np.asarray(pull_n) / TOP_N
        return np.asarray(
            self.offset_counts + self.counts_per_n * pull_n * (1 + self.quadratic * share + self.cubic * share**2)
        )


@dataclass(frozen=True)
class Bench:
    """How the calibration was done, with what was really so beside what is stated."""

    tolerance: float
    common_weights: bool
    gravity: Gravity
    true_gravity: float
    jig_deg: float = 0.5


def drawn_tool(rng: np.random.Generator) -> Truth:
    return Truth(
        counts_per_n=COUNTS_PER_N * rng.uniform(0.9, 1.1) * rng.choice([-1, 1]),
        offset_counts=rng.uniform(-200_000, 200_000),
        quadratic=rng.uniform(-0.003, 0.003),
        cubic=rng.uniform(-0.001, 0.001),
        loop_n=TOP_N * rng.uniform(0, 0.002) * rng.choice([-1, 1]),
        drift_n_per_min=rng.uniform(0, 0.002),
        zero_return=rng.uniform(0, 0.0002),
        repeat_n=rng.uniform(0.001, 0.008),
        seating=rng.uniform(0.0005, 0.003),
        noise_n=rng.uniform(0.001, 0.008),
        tip_weight_n=rng.uniform(0.1, 0.5),
        side=rng.uniform(-0.005, 0.005),
        zero_per_k_n=rng.uniform(-0.002, 0.002),
        span_per_k=rng.uniform(-0.0003, 0.0003),
    )


def drawn_bench(rng: np.random.Generator, method: str) -> Bench:
    gravity = local_gravity(rng.uniform(-60, 60), rng.uniform(0, 1000))
    return Bench(
        tolerance=float(rng.choice([0.001, 0.005] if method == "quick" else [0.0001, 0.0005, 0.001])),
        common_weights=bool(rng.integers(2)),
        gravity=gravity,
        true_gravity=rng.normal(gravity.value_m_s2, gravity.standard_m_s2),
    )


def drawn_use(rng: np.random.Generator, truth: Truth) -> Use:
    angle = float(rng.choice([0, 15, 30, 45]))
    return Use(
        temperature_half_width_k=float(rng.choice([0, 2, 5])),
        zero_per_k_n=truth.zero_per_k_n,
        span_per_k=truth.span_per_k,
        angle_half_width_deg=angle,
        compensated_orientation=bool(angle) and bool(rng.integers(2)),
        angle_standard_deg=1.0,
    )


def reference(bench: Bench) -> Reference:
    return Reference(
        "weights", "simulated", bench.tolerance, "", bench.gravity.value_m_s2, bench.gravity.standard_m_s2, "here"
    )


def tip(truth: Truth, rng: np.random.Generator) -> Tip:
    """Return a tip that was weighed with 0.01 N."""
    return Tip("edge", "straight", None, None, "", abs(rng.normal(truth.tip_weight_n, 0.01)), 0.01)


def calibrated(
    truth: Truth, bench: Bench, method: str, rng: np.random.Generator, runs: int | None = None
) -> list[TakenPoint]:
    """Go through the loads as the wizard asks for them."""
    masses = QUICK_KG if method == "quick" else FULL_KG
    angles = (90.0,) if method == "quick" else (90.0, 60.0, 45.0)
    wrong = rng.uniform(-bench.tolerance, bench.tolerance, len(masses))
    if bench.common_weights:
        wrong[:] = wrong[0]
    # A notch of the jig is wrong the same way each time; setting it scatters a little besides.
    notch = {angle: rng.uniform(-bench.jig_deg, bench.jig_deg) for angle in angles}
    taken: list[TakenPoint] = []
    now = START
    for run in range(1, (runs or (1 if method == "quick" else 3)) + 1):
        seat = rng.normal(0, truth.seating)
        zero_n = 0.0
        for angle in angles:
            true_deg = angle + notch[angle] + rng.normal(0, 0.2)
            rate = rng.normal(0, truth.drift_n_per_min)
            steps = list(_series(len(masses)))
            top_at = steps.index((len(masses) - 1, True))
            began = now
            for place, (step, rising) in enumerate(steps):
                drifted = rate * (now - began).total_seconds() / 60
                back = truth.zero_return * TOP_N * max(0.0, (place - top_at) / (len(steps) - 1 - top_at))
                mass, load_n, reference_n = None, 0.0, 0.0
                if step >= 0:
                    mass = masses[step]
                    load_n = weight_force_n(mass, Gravity(bench.true_gravity, 0)) * (1 + wrong[step])
                    reference_n = weight_force_n(mass, bench.gravity) * math.sin(math.radians(angle))
                sine, cosine = math.sin(math.radians(true_deg)), math.cos(math.radians(true_deg))
                axial_n = load_n * sine
                top_n = weight_force_n(masses[-1], bench.gravity) * sine
                loop = truth.loop_n * 4 * axial_n * (top_n - axial_n) / TOP_N**2
                pull_n = (
                    axial_n * (1 + seat)
                    + truth.side * load_n * cosine
                    + (-loop if rising else loop) / 2
                    + (rng.normal(0, truth.repeat_n) if step >= 0 else 0)
                    + truth.tip_weight_n * sine
                    + zero_n
                    + drifted
                    + back
                )
                counts = float(truth.counts(pull_n)) + rng.normal(0, truth.noise_n * COUNTS_PER_N / math.sqrt(SAMPLES))
                spread = truth.noise_n * COUNTS_PER_N * math.sqrt(rng.chisquare(SAMPLES - 1) / (SAMPLES - 1))
                at = now.isoformat(timespec="seconds")
                taken.append(TakenPoint(run, angle, rising, step, mass, reference_n, counts, spread, SAMPLES, at))
                now += timedelta(seconds=SECONDS_PER_POINT)
            zero_n += rate * (now - began).total_seconds() / 60
    return taken


def _series(loads: int) -> Iterator[tuple[int, bool]]:
    yield -1, True
    for step in range(loads):
        yield step, True
    for step in reversed(range(loads - 1)):
        yield step, False
    yield -1, False


@dataclass(frozen=True)
class Readings:
    """True forces in use, what the curve makes of single samples of them, and what was taken out for the angle."""

    true_n: NDArray[np.float64]
    counts: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    seen_sine: NDArray[np.float64]


def used(truth: Truth, use: Use, series_minutes: float, top_n: float, count: int, rng: np.random.Generator) -> Readings:
    """Press with true forces, within the stated conditions; counts are net of a zero taken upright before."""
    force_n = rng.uniform(0.5, top_n, count)
    off = np.radians(rng.uniform(-1, 1, count) * (use.angle_half_width_deg or 0.0))
    sine = np.cos(off)
    kelvin = rng.uniform(-1, 1, count) * (use.temperature_half_width_k or 0.0)
    # Strokes go up to any peak; half of the readings are on the way up, whose branch is the same for all.
    peak_n = np.where(rng.integers(2, size=count) == 1, rng.uniform(force_n, top_n), np.nan)
    up = -truth.loop_n / 2 * 4 * force_n * (top_n - force_n) / TOP_N**2
    loop = np.where(np.isnan(peak_n), up, up + truth.loop_n * 4 * force_n * (peak_n - force_n) / TOP_N**2)
    minutes = rng.uniform(0, series_minutes, count)
    zero_n = rng.normal(0, truth.drift_n_per_min, count) * minutes
    zero_n += truth.zero_return * TOP_N * rng.uniform(0, 1, count)
    pull_n = (
        force_n * (1 + rng.normal(0, truth.seating, count))
        + truth.side * force_n * np.tan(off)
        + loop
        + rng.normal(0, truth.repeat_n, count)
        + zero_n
    )
    pull_n = pull_n * (1 + truth.span_per_k * kelvin) + truth.zero_per_k_n * kelvin
    noise = rng.normal(0, truth.noise_n, count)
    zero_counts = float(truth.counts(truth.tip_weight_n))
    raw = truth.counts(pull_n + truth.tip_weight_n * sine + noise)
    angle_deg = 90 - np.degrees(np.abs(off))
    seen = np.sin(np.radians(angle_deg + rng.normal(0, use.angle_standard_deg, count)))
    return Readings(force_n, np.round(raw) - np.round(zero_counts), angle_deg, seen)
