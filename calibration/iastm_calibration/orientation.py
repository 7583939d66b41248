"""The tip's weight: found from zeros at different angles, and taken out of a force where the angle is known.

Theory. The cell sees forces along its axis. A tip of weight W, with the axis at the angle a to the horizontal, adds
W sin a, so between the angle a0 at which zero was set and another one zero moves by W (sin a − sin a0). Unloaded
readings at several angles give W as the slope over sin a (least squares), once for each run, in which zero also drifts.
What it leaves behind after a load is alike in all series and cancels in the slope of their means. The runs scatter by
the drift and the setting of the angles; their mean has the standard deviation of the mean (JCGM 100:2008, 4.2.3). A
jig whose notches are wrong is so in each run: its limits count besides.
An accelerometer at rest shows what holds it against gravity: its vector points up. With the unit vector n of the axis
that points from the tip to the grip, sin a = f·n / |f|. Bias and noise of the accelerometer turn that vector by about
their size over g (first order; JCGM 100:2008, 5.1.2). A hand that accelerates the tool turns it too, so a vector whose
length isn't that of gravity tells no angle.
The correction is Δ = W (sin a − sin a0), and its uncertainty (sin a − sin a0) u(W) and W u(sin a), as variances.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.errors import NotAtRestError, TooFewPointsError
from iastm_calibration.figures import Spread
from iastm_calibration.models import Floats
from iastm_calibration.series import ZeroPair
from iastm_calibration.units import STANDARD_GRAVITY_M_S2

# How far the length of the vector may be from gravity, in m/s². Ours: 5 %, which by itself turns it by 3° at most.
AT_REST_M_S2 = 0.5
# Angles closer together than this in their sine tell no weight.
_LEAST_SINE_SPAN = 0.1
# Limits of the angles that a jig is built with. Ours.
_JIG_DEG = 0.5


@dataclass(frozen=True, slots=True)
class TipWeight:
    """The weight of the tip in N, positive where upright adds to the force, and its standard uncertainty."""

    weight_n: float
    uncertainty: Spread


@dataclass(frozen=True, slots=True)
class Orientation:
    """The sine of the axis' angle to the horizontal, with its standard uncertainty."""

    sine: float
    standard_sine: float

    @property
    def angle_deg(self) -> float:
        """The angle in degrees, −90 to 90; 90 is upright."""
        return math.degrees(math.asin(self.sine))


@dataclass(frozen=True, slots=True)
class Compensated:
    """A force without what the tip's weight added, the part that was taken out, and that part's uncertainty; all N."""

    force_n: float
    removed_n: float
    standard_n: float


def tip_weight(pairs: Sequence[ZeroPair], newtons_per_count: float) -> TipWeight | None:
    """Return the tip's weight from zeros before and after series; None where no run has two different angles.

    A single run needs three angles to tell how well it is known. Raises TooFewPointsError where it has two.
    """
    by_run: dict[int, list[ZeroPair]] = defaultdict(list)
    for pair in pairs:
        by_run[pair.run].append(pair)
    found: list[float] = []
    squares, freedom, widest = 0.0, 0, 0.0
    for own in by_run.values():
        sines = np.array([math.sin(math.radians(pair.angle_deg)) for pair in own])
        if float(np.ptp(sines)) < _LEAST_SINE_SPAN:
            continue
        zeros_n = newtons_per_count * np.array([(pair.before_counts + pair.after_counts) / 2 for pair in own])
        centred = sines - np.mean(sines)
        slope = float(centred @ zeros_n / (centred @ centred))
        left = zeros_n - np.mean(zeros_n) - slope * centred
        squares += float(left @ left) / float(centred @ centred)
        freedom += len(own) - 2
        cosines = np.sqrt(1 - sines**2)
        widest = max(widest, float(np.sqrt(np.sum((centred * cosines) ** 2)) / (centred @ centred)))
        found.append(slope)
    if not found:
        return None
    weight_n = float(np.mean(found))
    if len(found) > 1:
        of_mean_n, freedom = float(np.std(found, ddof=1)) / math.sqrt(len(found)), len(found) - 1
    elif freedom > 0:
        of_mean_n = math.sqrt(squares / freedom)
    else:
        raise TooFewPointsError(
            "One run at two angles tells the tip's weight, but not how well.", "Take a third angle, or a second run."
        )
    by_jig_n = abs(weight_n) * widest * math.radians(_JIG_DEG) / math.sqrt(3)
    return TipWeight(weight_n, Spread(math.hypot(of_mean_n, by_jig_n), freedom))


def orientation(
    acceleration_m_s2: Sequence[float] | Floats,
    axis: Sequence[float] | Floats,
    standard_m_s2: float,
    gravity_m_s2: float = STANDARD_GRAVITY_M_S2,
) -> Orientation:
    """Return how the axis lies, from an accelerometer's mean vector (3,) and the uncertainty of each component.

    `axis` (3,) points from tip to grip. Raises NotAtRestError where the vector isn't gravity alone, ValueError for an
    axis without length.
    """
    vector = np.asarray(acceleration_m_s2, dtype=np.float64)
    direction = np.asarray(axis, dtype=np.float64)
    length, axis_length = float(np.linalg.norm(vector)), float(np.linalg.norm(direction))
    if axis_length == 0:
        raise ValueError("the axis has no length")
    if not abs(length - gravity_m_s2) <= AT_REST_M_S2:
        raise NotAtRestError(
            f"The tool is being moved: {length:.2f} m/s² instead of {gravity_m_s2:.2f}.", "Hold it still for a moment."
        )
    sine = float(np.clip(vector @ direction / (length * axis_length), -1.0, 1.0))
    turned = standard_m_s2 / length
    # sin(a + δ) − sin a is δ cos a; near the top, where that vanishes, its size is that of δ².
    return Orientation(sine, max(math.sqrt(1 - sine * sine) * turned, turned * turned))


def compensate(force_n: float, tip: TipWeight, now: Orientation, zero_sine: float = 1.0) -> Compensated:
    """Take the tip's weight out of a force; `zero_sine` is the sine of the angle at which zero was set."""
    moved = now.sine - zero_sine
    removed_n = tip.weight_n * moved
    standard_n = math.hypot(tip.uncertainty.standard_n * moved, tip.weight_n * now.standard_sine)
    return Compensated(force_n - removed_n, removed_n, standard_n)
