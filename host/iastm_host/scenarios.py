"""What a simulated hand does, as rows of force and counts: seeded, endless, true by construction.

A scenario is made of three independent random streams (hand, drift, noise), so that the same seed gives the same
rows however they are asked for. The hand is built movement by movement; the load cell adds a slow zero drift and
noise, and quantises to counts. The true strokes are those of the noise-free force as the cell sees it, drift
included, so that a detector fed with the counts can differ only by noise at an edge.

Peaks of ordinary strokes follow published one-hand IASTM: mean 6.7 N (doi 10.1123/jsr.2020-0247), with a
coefficient of variation of 22 %, the middle of the published 14–31 % (doi 10.1123/jsr.2023-0337).
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import Problem

Floats = NDArray[np.float64]

NAMES = ("treatment", "quiet", "saturated")

# The rails of a 24-bit converter.
_COUNTS_MIN = -0x800000
_COUNTS_MAX = 0x7FFFFF

# The contact rule of a true stroke: from above ON until below OFF, at least MIN long.
_CONTACT_ON_N = 0.8
_CONTACT_OFF_N = 0.52
_CONTACT_MIN_S = 0.15

_PEAK_MEAN_N = 6.7
_PEAK_CV = 0.22
# Ordinary strokes keep clear of the one-hand warn limit of 11 N, heavy ones are clearly over the alarm at 14 N.
_PEAK_LOW_N, _PEAK_HIGH_N = 3.2, 10.3
_HEAVY_LOW_N, _HEAVY_HIGH_N = 14.8, 17.0
_HEAVY_SHARE = 1 / 8
# Up to here heavy strokes are placed (two of them), after it they fall at random.
_PLACED_UNTIL_S = 30.0
_FIRST_HOLD_S = 60.0
# A force that rows of micronewtons in 32 bits can carry, with room to spare.
_CSV_LIMIT_N = 2000.0


class TrueStroke(NamedTuple):
    """One true stroke by sample index, both ends included, and its peak in newtons."""

    first_index: int
    last_index: int
    peak_index: int
    peak_n: float


@dataclass(frozen=True, slots=True)
class Cell:
    """The simulated load cell with its 24-bit converter.

    `coefficients` give newtons over counts from zero, lowest order first, as iastm_protocol.conversion has them;
    the default is 41,900 counts/N with a non-linearity of 0.05 % at capacity. `noise_n` is the standard deviation
    of one sample.
    """

    zero_counts: int = 84_213
    coefficients: tuple[float, ...] = (0.0, 1 / 41_900, 5.7e-15)
    capacity_n: float = 50.0
    calibration_id: str = "simulated-50n"
    noise_n: float = 0.0014

    @property
    def document(self) -> str:
        """The calibration as canonical JSON: sorted keys, no spaces. Noise is no part of a calibration."""
        fields = asdict(self)
        del fields["noise_n"]
        return json.dumps({"schema": 1, **fields}, sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """SHA-256 of `document` in UTF-8, hexadecimal."""
        return hashlib.sha256(self.document.encode()).hexdigest()

    @property
    def rail_n(self) -> float:
        """The force at which the converter meets its upper rail, in newtons."""
        return float(np.polynomial.polynomial.polyval(_COUNTS_MAX - self.zero_counts, self.coefficients))

    def counts(self, force_n: Floats) -> NDArray[np.int32]:
        """Return the counts (n,) that the converter gives for forces (n,), clipped at its rails."""
        polynomial = np.polynomial.Polynomial(self.coefficients)
        slope = polynomial.deriv()
        net: Floats = (force_n - self.coefficients[0]) / self.coefficients[1]
        # Newton's method; the polynomial is nearly straight, and two steps reach the last bit.
        for _ in range(3):
            net = net - (polynomial(net) - force_n) / slope(net)
        return np.clip(np.rint(net + self.zero_counts), _COUNTS_MIN, _COUNTS_MAX).astype(np.int32)


class Scenario:
    """An endless run of conversions, numbered from 0."""

    def __init__(
        self,
        movements: Iterator[Floats],
        drift_n: Callable[[Floats], Floats],
        noise: np.random.Generator,
        rate_hz: float,
        cell: Cell,
    ) -> None:
        self.rate_hz = rate_hz
        self.cell = cell
        self._movements = movements
        self._drift_n = drift_n
        self._noise = noise
        self._pending: list[Floats] = []
        self._pending_count = 0
        self._next_index = 0
        self._truth = ContactRule(rate_hz)

    def next_rows(self, n: int) -> tuple[Floats, NDArray[np.int32]]:
        """Return the next n conversions: force_n (n,), noise-free with the cell's drift, and raw counts (n,)."""
        while self._pending_count < n:
            movement = next(self._movements)
            self._pending.append(movement)
            self._pending_count += len(movement)
        hand_n = np.concatenate(self._pending) if self._pending else np.empty(0)
        self._pending = [hand_n[n:]]
        self._pending_count -= n
        index = np.arange(self._next_index, self._next_index + n, dtype=np.float64)
        force_n = hand_n[:n] + self._drift_n(index / self.rate_hz)
        counts = self.cell.counts(force_n + self.cell.noise_n * self._noise.standard_normal(n))
        self._truth.feed(self._next_index, force_n)
        self._next_index += n
        return force_n, counts

    def true_strokes(self, first_index: int, end_index: int) -> list[TrueStroke]:
        """Return the strokes of the rows handed out so far that lie wholly inside [first_index, end_index).

        Wholly: the samples before and after the stroke lie inside too, or nobody could have seen where it ends.
        """
        return self._truth.inside(first_index, end_index)


class ContactRule:
    """Finds true strokes in blocks of noise-free force, in numpy, apart from the detector that it judges."""

    def __init__(self, rate_hz: float) -> None:
        self.strokes: list[TrueStroke] = []
        self._min_samples = math.ceil(_CONTACT_MIN_S * rate_hz)
        self._touching = False
        self._open = TrueStroke(0, 0, 0, 0.0)

    def inside(self, first_index: int, end_index: int) -> list[TrueStroke]:
        """Return the strokes that lie wholly inside [first_index, end_index), the samples beside them too."""
        return [s for s in self.strokes if s.first_index > first_index and s.last_index + 1 < end_index]

    def feed(self, first_index: int, force_n: Floats) -> None:
        """Take the next block: force_n (n,) from sample `first_index` on."""
        if len(force_n) == 0:
            return
        says = np.where(force_n > _CONTACT_ON_N, 1, np.where(force_n < _CONTACT_OFF_N, -1, 0))
        last_said = np.maximum.accumulate(np.where(says != 0, np.arange(len(says)), -1))
        touching = np.where(last_said >= 0, says[last_said] > 0, self._touching)
        if self._touching and not touching[0]:
            self._close(self._open)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], touching, [False])).astype(np.int8)))
        for begin, end in edges.reshape(-1, 2).tolist():
            peak = begin + int(np.argmax(force_n[begin:end]))
            part = TrueStroke(first_index + begin, first_index + end - 1, first_index + peak, float(force_n[peak]))
            if begin == 0 and self._touching:
                higher = part if part.peak_n > self._open.peak_n else self._open
                part = TrueStroke(self._open.first_index, part.last_index, higher.peak_index, higher.peak_n)
            if end < len(force_n):
                self._close(part)
            else:
                self._open = part
        self._touching = bool(touching[-1])

    def _close(self, stroke: TrueStroke) -> None:
        if stroke.last_index - stroke.first_index + 1 >= self._min_samples:
            self.strokes.append(stroke)


def pack_rows(force_n: Floats, counts: NDArray[np.int32]) -> bytes:
    """Return 8 bytes per row, little-endian: int32 force in micronewtons, int32 raw counts."""
    rows = np.empty((len(counts), 2), dtype="<i4")
    rows[:, 0] = np.rint(force_n * 1e6)
    rows[:, 1] = counts
    return rows.tobytes()


def make_scenario(name_or_path: str | Path, seed: int, rate_hz: float, cell: Cell) -> Scenario:
    """Return the scenario of that name, or one that plays the CSV at that path. Raises Problem for neither."""
    hand, drift, noise = (np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(3))
    name = str(name_or_path)
    if name == "treatment":
        return Scenario(_treatment(hand, rate_hz), _slow_drift(drift), noise, rate_hz, cell)
    if name == "quiet":
        return Scenario(_quiet(rate_hz), _slow_drift(drift), noise, rate_hz, cell)
    if name == "saturated":
        return Scenario(_saturated(hand, rate_hz, cell.rail_n), _slow_drift(drift), noise, rate_hz, cell)
    return Scenario(_recorded(_read_csv(Path(name)), rate_hz), np.zeros_like, noise, rate_hz, cell)


def _slow_drift(rng: np.random.Generator) -> Callable[[Floats], Floats]:
    """Return the zero drift in newtons over time in seconds: a few slow waves, some tens of millinewtons, 0 at 0."""
    periods_s = rng.uniform(150, 600, 3)
    amplitudes_n = rng.uniform(0.006, 0.014, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)

    def drift_n(time_s: Floats) -> Floats:
        total = np.zeros_like(time_s)
        for period_s, amplitude_n, phase in zip(periods_s, amplitudes_n, phases, strict=True):
            total += amplitude_n * (np.sin(2 * np.pi * time_s / period_s + phase) - np.sin(phase))
        return total

    return drift_n


def _quiet(rate_hz: float) -> Iterator[Floats]:
    while True:
        yield _rest(1.0, rate_hz)


def _treatment(rng: np.random.Generator, rate_hz: float) -> Iterator[Floats]:
    """Yield bursts of strokes with pauses of some seconds, a sustained hold now and then."""
    rest = _rest(rng.uniform(0.9, 1.2), rate_hz)
    yield rest
    played = len(rest)
    first_heavy = int(rng.integers(1, 4))
    placed = (first_heavy, first_heavy + int(rng.integers(3, 5)))
    next_hold_s = _FIRST_HOLD_S + rng.uniform(0, 20)
    number = 0
    while True:
        for _ in range(int(rng.integers(5, 8))):
            early = played < _PLACED_UNTIL_S * rate_hz
            heavy = number in placed if early else rng.random() < _HEAVY_SHARE
            peak_n = rng.uniform(_HEAVY_LOW_N, _HEAVY_HIGH_N) if heavy else _ordinary_peak_n(rng)
            number += 1
            for part in _stroke_and_lift(rng, rate_hz, peak_n):
                yield part
                played += len(part)
        parts = [_rest(rng.uniform(3.0, 5.0), rate_hz)]
        if played > next_hold_s * rate_hz:
            parts += [_hold(rng, rate_hz), _rest(rng.uniform(3.0, 5.0), rate_hz)]
            next_hold_s = played / rate_hz + rng.uniform(60, 120)
        for part in parts:
            yield part
            played += len(part)


def _saturated(rng: np.random.Generator, rate_hz: float, rail_n: float) -> Iterator[Floats]:
    """Yield strokes of which every third drives the converter into its upper rail for a while."""
    yield _rest(rng.uniform(0.9, 1.2), rate_hz)
    for number in count(1):
        peak_n = rail_n * rng.uniform(1.08, 1.2) if number % 3 == 0 else _ordinary_peak_n(rng)
        yield from _stroke_and_lift(rng, rate_hz, peak_n)
        if number % 6 == 0:
            yield _rest(rng.uniform(3.0, 5.0), rate_hz)


def _ordinary_peak_n(rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(_PEAK_MEAN_N, _PEAK_CV * _PEAK_MEAN_N), _PEAK_LOW_N, _PEAK_HIGH_N))


def _rest(duration_s: float, rate_hz: float) -> Floats:
    return np.zeros(max(1, round(duration_s * rate_hz)))


def _stroke_and_lift(rng: np.random.Generator, rate_hz: float, peak_n: float) -> list[Floats]:
    """Return a stroke and the lift after it: together about 1.9 s, so about 0.5 Hz."""
    period_s = float(np.clip(rng.normal(1.88, 0.12), 1.6, 2.2))
    contact_s = rng.uniform(0.95, 1.25)
    return [_stroke(rng, rate_hz, contact_s, peak_n), _rest(period_s - contact_s, rate_hz)]


def _stroke(rng: np.random.Generator, rate_hz: float, duration_s: float, peak_n: float) -> Floats:
    """Return one stroke: an asymmetric hump, never two alike, with a slow unevenness and a slight tremor.

    Unevenness and tremor together stay under 5 %, half of the hysteresis of a limit, so that a stroke crosses a
    limit once.
    """
    n = max(8, round(duration_s * rate_hz))
    u = (np.arange(n) + 0.5) / n
    shape = u ** rng.uniform(1.2, 2.0) * (1 - u) ** rng.uniform(1.1, 2.2)
    shape = (shape / shape.max()) ** rng.uniform(0.55, 0.9)
    time_s = u * duration_s
    shape *= 1 + 0.03 * _wave(rng, time_s, 2.0, 3.5) + 0.012 * _wave(rng, time_s, 8.0, 11.0)
    force_n: Floats = shape * (peak_n / shape.max())
    return force_n


def _hold(rng: np.random.Generator, rate_hz: float) -> Floats:
    """Return a sustained hold of 8 to 16 s, well under the warn limit."""
    n = round(rng.uniform(8, 16) * rate_hz)
    time_s = np.arange(n) / rate_hz
    from_end_s = np.minimum(time_s, time_s[-1] - time_s)
    ramp = np.sin(np.clip(from_end_s / 0.6, 0, 1) * np.pi / 2) ** 2
    wander = 1 + 0.07 * _wave(rng, time_s, 0.1, 0.3) + 0.01 * _wave(rng, time_s, 8.0, 11.0)
    force_n: Floats = rng.uniform(5.0, 7.5) * ramp * wander
    return force_n


def _wave(rng: np.random.Generator, time_s: Floats, low_hz: float, high_hz: float) -> Floats:
    wave: Floats = np.sin(2 * np.pi * rng.uniform(low_hz, high_hz) * time_s + rng.uniform(0, 2 * np.pi))
    return wave


def _recorded(samples: tuple[Floats, Floats], rate_hz: float) -> Iterator[Floats]:
    """Yield the recorded force at the rate asked for, then rest for ever at its last level out of contact."""
    time_s, force_n = samples
    n = int((time_s[-1] - time_s[0]) * rate_hz + 1e-9) + 1
    yield np.interp(time_s[0] + np.arange(n) / rate_hz, time_s, force_n)
    quiet = force_n[np.abs(force_n) < _CONTACT_OFF_N]
    level_n = float(quiet[-1]) if len(quiet) else 0.0
    while True:
        yield np.full(max(1, round(rate_hz)), level_n)


def _read_csv(path: Path) -> tuple[Floats, Floats]:
    """Return time (s) and force (N) of a CSV: columns time_s and force_n, or the first two. `#` lines are notes."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Problem(
            f"There is no scenario and no file called {path}.",
            f"Name one of {', '.join(NAMES)}, or a CSV of time and newtons.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{path} can't be read as text: {error}.", "Choose a CSV of time (s) and newtons.") from None
    numbered = [(i, line) for i, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not numbered:
        raise Problem(f"{path} holds no rows.", "Choose a CSV of time (s) and newtons.")
    first_line = numbered[0][1]
    delimiter = max(",;\t", key=first_line.count)
    header = [cell.strip().lower() for cell in next(csv.reader([first_line], delimiter=delimiter))]
    time_at, force_at = 0, 1
    if "time_s" in header and "force_n" in header:
        time_at, force_at = header.index("time_s"), header.index("force_n")
    if _number(header[0]) is None:
        numbered = numbered[1:]
    times: list[float] = []
    forces: list[float] = []
    rows = csv.reader((line for _, line in numbered), delimiter=delimiter)
    for (line_number, line), row in zip(numbered, rows, strict=False):
        values = [_number(row[at]) if at < len(row) else None for at in (time_at, force_at)]
        if values[0] is None or values[1] is None or abs(values[1]) > _CSV_LIMIT_N:
            raise Problem(
                f"Line {line_number} of {path} is not a time and a force: {line.strip()[:60]!r}.",
                f"Each row needs seconds and newtons (up to {_CSV_LIMIT_N:.0f} N) as finite numbers.",
            )
        if times and values[0] <= times[-1]:
            raise Problem(
                f"Time does not rise at line {line_number} of {path}.", "Sort the rows by time, one row for each time."
            )
        times.append(values[0])
        forces.append(values[1])
    if len(times) < 2:
        raise Problem(f"{path} holds fewer than two rows of numbers.", "Choose a CSV of time (s) and newtons.")
    return np.array(times), np.array(forces)


def _number(text: str) -> float | None:
    """Return a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
