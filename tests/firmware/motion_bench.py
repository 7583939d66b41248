"""A hand, a tool and its motion sensor for tests of Motion: what truly moved, and what a sensor makes of it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_firmware.clock import Clock
from iastm_firmware.motion import Motion
from iastm_protocol.strokes import StrokeSpan

Floats = NDArray[np.float64]

GRAVITY = 9.80665
RATE_HZ = 320
TICKS_MASK = 0x3FFFFFFF
_FINE_S = 0.001


@dataclass(frozen=True)
class Path:
    """What a tool does, every millisecond: tip_m (n, 3) with z up; yaw, pitch (tip down), roll in radians (n,)."""

    tip_m: Floats
    yaw: Floats
    pitch: Floats
    roll: Floats
    contact: NDArray[np.bool_]


@dataclass(frozen=True)
class Sensor:
    """A sensor's errors: offsets in g and °/s, scales, noise of one conversion, axes off by small angles in degrees."""

    offset_g: tuple[float, float, float] = (0.0, 0.0, 0.0)
    offset_dps: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale_g: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale_dps: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise_g: float = 0.0013
    noise_dps: float = 0.07
    mounting_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    clock: float = 1.0


def rotations(yaw: Floats, pitch: Floats, roll: Floats) -> Floats:
    """Return (n, 3, 3): the tool's axes in the world's, by turning about z, then y, then x."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def felt(path: Path, tip_m: float) -> tuple[Floats, Floats]:
    """Return acceleration (n, 3) in g and rotation (n, 3) in °/s at a sensor `tip_m` behind the tip."""
    turns = rotations(path.yaw, path.pitch, path.roll)
    place = path.tip_m - tip_m * turns[:, :, 0]
    acceleration = np.gradient(np.gradient(place, _FINE_S, axis=0), _FINE_S, axis=0)
    acceleration[:, 2] += GRAVITY
    force_g = np.einsum("nij,ni->nj", turns, acceleration) / GRAVITY
    yaw_rate, pitch_rate, roll_rate = (np.gradient(a, _FINE_S) for a in (path.yaw, path.pitch, path.roll))
    rate = np.stack(
        [
            roll_rate - yaw_rate * np.sin(path.pitch),
            pitch_rate * np.cos(path.roll) + yaw_rate * np.cos(path.pitch) * np.sin(path.roll),
            -pitch_rate * np.sin(path.roll) + yaw_rate * np.cos(path.pitch) * np.cos(path.roll),
        ],
        axis=1,
    )
    return force_g, np.degrees(rate)


class Imu:
    """Hands out conversions of a path, as a driver does; `fails` makes each read an OSError."""

    rate_hz = 104

    def __init__(self, now_us: Callable[[], int], path: Path, sensor: Sensor, tip_m: float, seed: int) -> None:
        self._now_us = now_us
        self._period_us = 1e6 / (self.rate_hz * sensor.clock)
        rng = np.random.default_rng(seed)
        force_g, rate_dps = felt(path, tip_m)
        mounting = rotations(*(np.array([math.radians(a)]) for a in sensor.mounting_deg))[0]
        n = int(len(force_g) * _FINE_S * 1e6 / self._period_us)
        at = np.minimum((np.arange(n) * self._period_us / (_FINE_S * 1e6)).astype(int), len(force_g) - 1)
        g = force_g[at] @ mounting * sensor.scale_g + sensor.offset_g + rng.normal(0, sensor.noise_g, (n, 3))
        dps = rate_dps[at] @ mounting * sensor.scale_dps + sensor.offset_dps + rng.normal(0, sensor.noise_dps, (n, 3))
        self._rows = np.rint(
            np.hstack([np.clip(g, -4, 4) * 1000, np.clip(dps, -499.99, 499.99) * 10]),
        ).astype(int)
        self._last = -1
        self.values = array("h", [0] * 6)
        self.reads = 0
        self.fails = False
        self.starts = 0

    def starting(self):
        self.starts += 1
        yield 1
        if self.fails:
            raise OSError(19, "nobody there")

    def read(self) -> bool:
        self.reads += 1
        if self.fails:
            raise OSError(5)
        newest = min(len(self._rows) - 1, int(self._now_us() / self._period_us))
        if newest == self._last:
            return False
        self._last = newest
        for i, value in enumerate(self._rows[newest].tolist()):
            self.values[i] = value
        return True


@dataclass
class Judged:
    """A stroke that ended: when, and what was judged."""

    first_index: int
    last_index: int
    direction: int
    length_mm: int
    excluded: int


class Bench:
    """Motion over a path, stepped about every 10 ms; `judged` are its strokes, `tilts` (time_s, cdeg) of payloads."""

    def __init__(
        self, path: Path, sensor: Sensor, *, tip_m: float = 0.0, tip_mm: int | None = 0, seed: int = 0
    ) -> None:
        self.us = 0
        self.start_us = 0x3FFFFFFF - 500_000
        self.path = path
        self.imu = Imu(lambda: self.us, path, sensor, tip_m, seed)
        self.clock = Clock(lambda: (self.start_us + self.us) & TICKS_MASK)
        self.motion = Motion(self.imu, self.clock, tip_mm=tip_mm)
        self.judged: list[Judged] = []
        self._jitter = np.random.default_rng(seed + 1)
        self._first_index: int | None = None

    def run(self, each: Callable[[float], None] = lambda _time_s: None) -> Bench:
        """Step to the path's end; `each` is called after each step with the time in seconds."""
        end_us = len(self.path.contact) * 1000
        next_us = 0
        sample_index = 0
        while True:
            next_us += 10_000 + int(self._jitter.integers(0, 2500))
            # The sampler takes every sample before the motion's step, and judges a stroke at once.
            while (sample_index + 1) * 1_000_000 // RATE_HZ <= next_us:
                at_us = (sample_index + 1) * 1_000_000 // RATE_HZ
                if at_us >= end_us:
                    return self
                self.us = at_us
                self._sample(sample_index, bool(self.path.contact[at_us // 1000]))
                sample_index += 1
            if next_us >= end_us:
                return self
            self.us = next_us
            self.motion.step(sample_index, self._first_index is not None)
            each(self.us / 1e6)

    def _sample(self, index: int, contact: bool) -> None:
        if contact and self._first_index is None:
            self._first_index = index
        elif not contact and self._first_index is not None:
            span = StrokeSpan(self._first_index, index - 1, index - 1, 1, 1, False)
            self.judged.append(Judged(span.first_index, span.last_index, *self.motion.judge(span)))
            self._first_index = None


def eased(n: int) -> Floats:
    """Return n values from 0 to 1 that begin and end at rest, in speed and acceleration."""
    u = (np.arange(n) + 0.5) / n
    return u**3 * (10 - 15 * u + 6 * u**2)


def trapezoid(n: int, ramp: float) -> Floats:
    """Return n values from 0 to 1 with even speed between ramps of that share of the time, its corners rounded."""
    u = (np.arange(n) + 0.5) / n
    speed = np.minimum(1, np.minimum(u, 1 - u) / ramp)
    width = max(1, int(0.15 * ramp * n))
    speed = np.convolve(np.pad(speed, width), np.ones(width) / width, mode="same")[width:-width]
    way = np.cumsum(speed)
    share: Floats = way / way[-1]
    return share


def half_sine(n: int) -> Floats:
    """Return n values from 0 to 1 with a speed like half a sine: one way of an even back and forth."""
    u = (np.arange(n) + 0.5) / n
    way: Floats = (1 - np.cos(np.pi * u)) / 2
    return way
