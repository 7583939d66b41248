"""What a bench is made of: the errors of a load cell and of those who load it, each with its true value.

The signal, in newtons as a perfect cell would say, is

    s = (x + n(x) + h[x] + c·z)·(1 + g)·(1 + b·(T − T0)) + o + a·(T − T0) + d(t) + noise,    counts = zero + k·s

with x the force on the cell: the load along the axis, the tip's weight W·sin(angle), and a share of what pulls across
the axis. n is the nonlinearity, h the hysteresis, c·z the creep, g and o the scatter of the seat, a and b the
coefficients of temperature, d the slow drift of zero, k the counts per newton.

- n(x) bends between 0 and capacity C and vanishes at both: with u = x/C, C·(q·4u(1−u) + p·6√3·u(1−u)(1−2u)), so that
  q and p are the greatest of each part, as a share of capacity, as data sheets state it.
- h is of Prandtl and Ishlinskii: h[x] = Σ w·(P_r[x] − x) over play operators P_r[x](k) = max(x(k) − r, min(x(k) + r,
  P_r[x](k−1))) (Krasnosel'skii, Pokrovskii, Systems with Hysteresis, 1989; Visintin, Differential Models of
  Hysteresis, 1994). Unloading reads higher than loading, loops have their width by how far they go, and the first
  loading differs from later ones, which is why a calibration exercises the tool before it.
- creep: z follows x with one time constant.

How large errors are drawn is ours, within what data sheets of small strain-gauge cells usually state: 0.02 to 0.06 %
of capacity for nonlinearity and hysteresis, 0.01 to 0.04 % creep, 0.02 to 0.1 % per 10 K for the span, 0.1 to 0.4 %
of a side force. Seats scatter by 0.03 to 0.1 % in a jig, turns by about a tenth of a degree. A nominal calibration,
from a cell's stated mV/V and an amplifier's stated gain, is off by 2 to 5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.scenarios import Cell

Floats = NDArray[np.float64]

# From a cell of 50 N at 2 mV/V, a gain of 128, 24 bits at 3.3 V: what a data sheet promises.
NOMINAL_COUNTS_PER_N = 42_000.0
NOMINAL_ID = "nominal-50n"
STANDARD_GRAVITY_M_S2 = 9.80665
# The air bears this share of a weight's pull: air of 1.2 kg/m³ over the conventional 8000 kg/m³ (OIML D 28, 2004).
AIR_BORNE = 1.2 / 8000
# Radii of the play operators as a share of capacity, and how the width of the widest loop is shared among them.
PLAY_RADII_OF_CAPACITY = (0.02, 0.06, 0.15, 0.3)
_PLAY_SHARES = (0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class BenchTruth:
    """The true values of one bench; `draw` makes one from a seed.

    `counts_per_n` is negative for a cell wired the other way round. Names ending in `of_capacity` and `share` are
    fractions. `reseat_share`, `reseat_n` and `angle_deg` are standard deviations of what each seat and each turn
    brings; `weights_share` is the half width within which each weight is off its mark, for as long as the bench lives.
    The wave of drift i has amplitude `drift_n[i]`, period `drift_period_s[i]` and phase `drift_phase[i]`.
    """

    counts_per_n: float = 41_000.0
    zero_counts: int = 84_213
    capacity_n: float = 50.0
    bend_of_capacity: float = 0.0
    skew_of_capacity: float = 0.0
    hysteresis_of_capacity: float = 0.0
    creep_share: float = 0.0
    creep_s: float = 120.0
    noise_n: float = 0.0014
    drift_n: tuple[float, ...] = ()
    drift_period_s: tuple[float, ...] = ()
    drift_phase: tuple[float, ...] = ()
    zero_per_k_n: float = 0.0
    span_per_k: float = 0.0
    ambient_c: float = 21.0
    warm_up_k: float = 0.0
    warm_up_s: float = 120.0
    tip_weight_n: float = 0.35
    cross_axis_share: float = 0.0
    reseat_share: float = 0.0
    reseat_n: float = 0.0
    angle_deg: float = 0.0
    weights_share: float = 0.0
    swing_hz: float = 3.2
    swing_decay_s: float = 0.35
    gravity_m_s2: float = STANDARD_GRAVITY_M_S2

    @property
    def play_radii_n(self) -> Floats:
        """The radii of the play operators in newtons, (4,)."""
        return self.capacity_n * np.array(PLAY_RADII_OF_CAPACITY)

    @property
    def play_weights(self) -> Floats:
        """The weights of the play operators, (4,): a loop between 0 and capacity is as wide as stated."""
        widest_n = self.hysteresis_of_capacity * self.capacity_n
        # Halfway between 0 and capacity, an operator's way down is so far from its way up.
        gaps_n = np.minimum(2 * self.play_radii_n, self.capacity_n - 2 * self.play_radii_n)
        weights: Floats = widest_n * np.array(_PLAY_SHARES) / gaps_n
        return weights

    def nonlinearity_n(self, force_n: Floats) -> Floats:
        """Return how far the signal bends away from the line through 0 and capacity, in newtons (n,)."""
        u = force_n / self.capacity_n
        hump = u * (1 - u)
        bent = self.bend_of_capacity * 4 * hump + self.skew_of_capacity * 6 * math.sqrt(3) * hump * (1 - 2 * u)
        return self.capacity_n * bent

    def hysteresis_n(self, low_n: float, high_n: float, at_n: Floats) -> Floats:
        """Return unloading minus loading at forces between low and high, once the loop between them is closed."""
        at = np.asarray(at_n)[..., np.newaxis]
        radii = self.play_radii_n
        inside = high_n - low_n > 2 * radii
        up = np.maximum(low_n + radii, at - radii)
        down = np.minimum(high_n - radii, at + radii)
        gap: Floats = np.where(inside, down - up, 0.0) @ self.play_weights
        return gap

    def pull_n(self, mass_kg: float) -> float:
        """Return the pull of a mass, in air, in newtons."""
        return mass_kg * self.gravity_m_s2 * (1 - AIR_BORNE)


def draw(seed: int, gravity_m_s2: float = STANDARD_GRAVITY_M_S2) -> BenchTruth:
    """Return the truth of a bench, the same for a seed; gravity is that of the place where it stands."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xBE7C]))

    def either_way(low: float, high: float) -> float:
        return float(rng.uniform(low, high) * rng.choice((-1.0, 1.0)))

    return BenchTruth(
        counts_per_n=NOMINAL_COUNTS_PER_N * (1 + either_way(0.02, 0.05)),
        zero_counts=int(rng.integers(40_000, 120_000)),
        bend_of_capacity=either_way(2e-4, 6e-4),
        skew_of_capacity=either_way(0, 1e-4),
        hysteresis_of_capacity=float(rng.uniform(2e-4, 5e-4)),
        creep_share=float(rng.uniform(1e-4, 4e-4)),
        creep_s=float(rng.uniform(60, 240)),
        noise_n=float(rng.uniform(0.001, 0.002)),
        drift_n=tuple(rng.uniform(0.0005, 0.002, 3).tolist()),
        drift_period_s=tuple(rng.uniform(200, 900, 3).tolist()),
        drift_phase=tuple(rng.uniform(0, 2 * math.pi, 3).tolist()),
        zero_per_k_n=either_way(0.001, 0.004),
        span_per_k=either_way(2e-5, 1e-4),
        ambient_c=float(rng.uniform(19, 24)),
        warm_up_k=float(rng.uniform(1.5, 4)),
        warm_up_s=float(rng.uniform(60, 150)),
        tip_weight_n=float(rng.uniform(0.2, 0.5)),
        cross_axis_share=either_way(0.001, 0.004),
        reseat_share=float(rng.uniform(3e-4, 1e-3)),
        reseat_n=float(rng.uniform(0.001, 0.004)),
        angle_deg=float(rng.uniform(0.05, 0.15)),
        weights_share=float(rng.uniform(1e-4, 5e-4)),
        swing_hz=float(rng.uniform(2.6, 3.8)),
        swing_decay_s=float(rng.uniform(0.28, 0.42)),
        gravity_m_s2=gravity_m_s2,
    )


def nominal_cell(truth: BenchTruth, zero_counts: int) -> Cell:
    """Return what the tool believes of its cell before anybody calibrates it, with a zero taken as it stands."""
    return Cell(zero_counts, (0.0, 1 / NOMINAL_COUNTS_PER_N), truth.capacity_n, NOMINAL_ID, truth.noise_n)
