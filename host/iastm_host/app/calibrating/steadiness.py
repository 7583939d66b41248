"""Whether a load is steady, and how steady: two seconds of tool time in which it wanders no further than a limit.

Samples are gathered in tenths of a second of tool time, whatever the rate. Going back from now, the load was steady
for as long as the means of the tenths lie within the limit, to which what their noise alone would spread them is
added: a noisy converter at 80/s is as steady as a quiet one at 320/s, for noise averages out and wander does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from iastm_host.app.calibrating.window_of_samples import SampleWindow

WANTED_S = 2.0
_TENTH_US = 100_000.0
# The range of twenty means of equal spread is 3.73 standard deviations in the mean (Tippett, Biometrika 17, 1925); one
# more than that is rare.
_RANGE_OF_NOISE = 5.0
# The noise is that of the quietest quarter of the tenths; one whose samples spread by so many times that (and the
# limit) is not noise but a load that rings. Of eight samples the spread itself is uncertain by a quarter.
_QUIET_SHARE = 0.25
_RINGING = 2.5
_TELLING_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the tenths may wander: newtons, or a share of the force where that is more; and noise that is no more
    than noise. Ours: half of what a point may be off; hands that press sway more than weights on a cord.

    `guard_s`: it has to be steady for so much longer than what is taken. Two links differ in delay by some tenths of a
    second, and what moved before the one was steady must not count for the other.
    """

    wander_n: float
    wander_share: float
    noise_n: float
    guard_s: float = 0.0

    def of(self, force_n: float) -> float:
        """Return the limit in newtons at a force."""
        return max(self.wander_n, self.wander_share * abs(force_n))


OF_WEIGHTS = Limits(wander_n=0.015, wander_share=0.001, noise_n=0.1)
OF_HANDS = Limits(wander_n=0.15, wander_share=0.03, noise_n=0.5, guard_s=0.4)


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Steady for `held_s` of 2 s; over that time the standard deviation of samples and the trend, per second.

    Spread, trend and wander are in the window's own unit; None where too little is there.
    """

    held_s: float
    spread: float | None
    trend_per_s: float | None
    noisy: bool

    @property
    def steady(self) -> bool:
        """Whether a point may be taken."""
        return self.held_s >= WANTED_S and not self.noisy


NOTHING = Steadiness(0.0, None, None, noisy=False)


def steadiness(
    window: SampleWindow,
    limits: Limits,
    newtons_per_unit: float,
    offset: float,
    since_us: float,
    until_host_us: float | None = None,
) -> Steadiness:
    """Return how steady the newest samples are, of those taken after tool time `since_us`.

    `until_host_us`: newer ones than that are passed over, None for none.

    `newtons_per_unit` > 0 turns the window's unit into newtons, `offset` is its reading without load.
    """
    values, tool_us = window.part(since_us, until_host_us)
    if len(values) < 2:
        return NOTHING
    end_us = tool_us[-1] + window.period_us
    bin_us = max(_TENTH_US, 2 * window.period_us)
    wanted = math.ceil((WANTED_S + limits.guard_s) * 1e6 / bin_us)
    age = ((end_us - tool_us - window.period_us / 2) / bin_us).astype(np.int64)
    # Only tenths that are there to their beginning.
    whole = int((end_us - tool_us[0] + window.period_us * 0.01) / bin_us)
    kept = age < min(wanted, whole)
    if not kept.any():
        return NOTHING
    values, tool_us, age = values[kept], tool_us[kept], age[kept]
    counts = np.bincount(age)
    if not counts.all():
        return NOTHING
    means = np.bincount(age, values) / counts
    within = values - means[age]
    spreads = np.sqrt(np.bincount(age, within * within) / np.maximum(counts - 1, 1))
    # A slow gauge has too few samples in a tenth to tell ringing from noise.
    tells = counts.min() >= _TELLING_SAMPLES
    noise = float(np.quantile(spreads, _QUIET_SHARE) if tells else np.sqrt(np.mean(spreads * spreads)))
    wander_n = limits.of((float(means[0]) - offset) * newtons_per_unit)
    allowed = wander_n / newtons_per_unit + _RANGE_OF_NOISE * noise / math.sqrt(float(counts.mean()))
    ranges = np.maximum.accumulate(means) - np.minimum.accumulate(means)
    ringing = tells & (spreads > _RINGING * noise + wander_n / newtons_per_unit)
    beyond = np.flatnonzero((ranges > allowed) | ringing)
    held = int(beyond[0]) if len(beyond) else len(means)
    part = age < held
    spread = float(values[part].std(ddof=1)) if part.sum() > 1 else None
    trend = _slope_per_s(tool_us[part], values[part]) if held > 1 else None
    held_s = WANTED_S if held >= wanted else max(0.0, held * bin_us / 1e6 - limits.guard_s)
    return Steadiness(held_s, spread, trend, noisy=noise * newtons_per_unit > limits.noise_n)


def _slope_per_s(time_us: np.ndarray, values: np.ndarray) -> float:
    """Return the slope of a straight line through the values, per second."""
    seconds = (time_us - time_us.mean()) / 1e6
    return float(seconds @ (values - values.mean()) / (seconds @ seconds))
