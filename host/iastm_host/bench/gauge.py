"""A reference gauge in line with the tool: both see the same force along the axis, each with its own error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from iastm_host.bench.bench import Bench
from iastm_host.bench.motion import Floats
from iastm_host.scenarios import Cell, ContactRule, TrueStroke

# Ours: a gauge that is calibrated within 0.1 %, whose zero was set within 2 mN.
_GAIN_SHARE = 0.001
_ZERO_N = 0.002
_NOISE_N = 0.0015
_CELL = Cell(zero_counts=20_000, calibration_id="reference-50n", noise_n=_NOISE_N)


class ReferenceGauge:
    """A gauge on a bench from now on: played as a tool by its rows, or as a gauge that tells newtons.

    `gain_share` and `zero_n` are how far it is off: it tells force · (1 + gain_share) + zero_n.
    """

    def __init__(self, bench: Bench, seed: int, rate_hz: float, patience_s: float | None = None) -> None:
        rng, self._noise = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, 0x6A6E]).spawn(2))
        self.gain_share = float(rng.uniform(-_GAIN_SHARE, _GAIN_SHARE))
        self.zero_n = float(rng.uniform(-_ZERO_N, _ZERO_N))
        self.rate_hz = rate_hz
        self.cell = _CELL
        self._reader = bench.reader(rate_hz, patience_s)
        self._contact = ContactRule(rate_hz)

    def next_rows(self, n: int) -> tuple[Floats, NDArray[np.int32]]:
        """Return the next n conversions: the true force along the axis (n,) and the gauge's raw counts (n,)."""
        first_index = self._reader.next_index
        force_n = self._reader.next_forces_n(n)
        self._contact.feed(first_index, force_n)
        return force_n, self.cell.counts(self._told_n(force_n))

    def true_strokes(self, first_index: int, end_index: int) -> list[TrueStroke]:
        """Return the strokes of the rows handed out that lie wholly inside [first_index, end_index)."""
        return self._contact.inside(first_index, end_index)

    def newtons(self, at_once: int) -> Iterator[float]:
        """Yield what it tells, for ever, `at_once` rows at a time: of so many the force is settled ahead."""
        while True:
            yield from self._told_n(self._reader.next_forces_n(at_once)).tolist()

    def _told_n(self, force_n: Floats) -> Floats:
        noise_n: Floats = _NOISE_N * self._noise.standard_normal(len(force_n))
        return force_n * (1 + self.gain_share) + self.zero_n + noise_n
