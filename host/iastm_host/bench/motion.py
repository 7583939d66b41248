"""How load and temperature move, in closed form: the same whatever times are asked for, and however often.

Between two changes everything is a sum of exponentials of complex rates: a load that is lowered approaches its end
(one real rate), swings on its cord or rings in its holder (a complex rate, damped), a hand trembles (imaginary rates).
Creep follows the load by one time constant τ, τ·z' = x − z, and of such a sum that is one again: a term A·exp(p·t)
becomes A/(1 + p·τ)·exp(p·t), and what is left of the start fades with exp(−t/τ).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

# Rows of what moves.
AXIAL, SENSED = range(2)


@dataclass(frozen=True, slots=True)
class Seat:
    """What one seating of the tool adds: a share of the force, and newtons."""

    share: float
    offset_n: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start_s` until the next one: towards `final_n` (2,), axial and sensed, by `terms` (2, k) of `rates` (k,).

    Creep begins at `creep_n`, the temperature at `temperature_c`, on its way to `final_c`.
    """

    start_s: float
    final_n: Floats
    rates: Complexes
    terms: Complexes
    creep_n: float
    temperature_c: float
    final_c: float
    seat: Seat

    def force_n(self, time_s: Floats) -> Floats:
        """Return axial and sensed force (2, n) at times (n,) not before the start."""
        waves = np.exp(np.multiply.outer(time_s - self.start_s, self.rates))
        moved: Floats = self.final_n[:, np.newaxis] + _real_sum(waves, self.terms)
        return moved

    def lagged_n(self, time_s: Floats, lag_s: float) -> Floats:
        """Return the force that creep has followed up to, (n,)."""
        since_s = time_s - self.start_s
        follows = self.terms[SENSED] / (1 + self.rates * lag_s)
        rest = self.creep_n - self.final_n[SENSED] - float(follows.sum().real)
        waves = np.exp(np.multiply.outer(since_s, self.rates))
        lagged: Floats = (
            self.final_n[SENSED] + _real_sum(waves, follows[np.newaxis])[0] + rest * np.exp(-since_s / lag_s)
        )
        return lagged

    def celsius(self, time_s: Floats, lag_s: float) -> Floats:
        """Return the tool's temperature (n,)."""
        rest = self.temperature_c - self.final_c
        degrees: Floats = self.final_c + rest * np.exp(-(time_s - self.start_s) / lag_s)
        return degrees


def _real_sum(waves: Complexes, terms: Complexes) -> Floats:
    # Not a matrix product: its rounding depends on how many rows there are.
    total = np.zeros((len(terms), len(waves)))
    for k in range(waves.shape[1]):
        total += terms[:, k, np.newaxis].real * waves[:, k].real - terms[:, k, np.newaxis].imag * waves[:, k].imag
    return total


class History:
    """All stretches so far, by time."""

    def __init__(self, first: Stretch) -> None:
        self._stretches = [first]
        self._starts_s = [first.start_s]

    @property
    def last(self) -> Stretch:
        """The one that goes on."""
        return self._stretches[-1]

    def add(self, stretch: Stretch) -> None:
        """Begin another one; one that would have begun at the same instant gives way."""
        if stretch.start_s == self._starts_s[-1]:
            self._stretches[-1] = stretch
        else:
            self._stretches.append(stretch)
            self._starts_s.append(stretch.start_s)

    def parts(self, time_s: Floats) -> list[tuple[slice, Stretch]]:
        """Return which stretch holds for which of the times (n,), which rise."""
        if not len(time_s):
            return []
        first = max(0, bisect_right(self._starts_s, float(time_s[0])) - 1)
        last = max(0, bisect_right(self._starts_s, float(time_s[-1])) - 1)
        borders = np.searchsorted(time_s, self._starts_s[first + 1 : last + 1], side="left").tolist()
        bounds = [0, *borders, len(time_s)]
        return [
            (slice(begin, end), stretch)
            for (begin, end), stretch in zip(pairwise(bounds), self._stretches[first : last + 1], strict=True)
            if end > begin
        ]


class Plays:
    """Play operators with their memory; see truth.py."""

    def __init__(self, radii: Floats, start_n: float) -> None:
        self._radii = radii[:, np.newaxis]
        self._state: Floats = np.full((len(radii), 1), start_n)
        self._last_n = start_n

    def feed(self, force_n: Floats) -> Floats:
        """Return what the operators make of the next forces (n,): (operators, n)."""
        out = np.empty((len(self._radii), len(force_n)))
        steps = np.diff(force_n, prepend=self._last_n)
        # Between two turns the operator is a maximum or a minimum with where it stood.
        says = np.flatnonzero(steps)
        turns = says[1:][np.diff(np.sign(steps[says])) != 0] if len(says) else says
        bounds = [0, *turns.tolist(), len(force_n)]
        for begin, end in pairwise(bounds):
            if begin == end:
                continue
            piece = force_n[begin:end]
            rises = bool(np.any(steps[begin:end] > 0))
            out[:, begin:end] = (
                np.maximum(self._state, piece - self._radii) if rises else np.minimum(self._state, piece + self._radii)
            )
            self._state = out[:, end - 1 : end].copy()
        if len(force_n):
            self._last_n = float(force_n[-1])
        return out
