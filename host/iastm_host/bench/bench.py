"""The bench: a tool in its holder, what hangs on it, and the rows of force and counts that come of it.

Time is the conversions': it goes on as rows are asked for, and a change holds from the next conversion that nobody
asked for yet. So the same seed gives the same rows however they are asked for, as long as changes fall between the
same conversions.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from iastm_host.bench.motion import AXIAL, SENSED, Complexes, Floats, History, Plays, Seat, Stretch
from iastm_host.bench.truth import BenchTruth, nominal_cell
from iastm_host.scenarios import Cell, ContactRule, TrueStroke

_COUNTS_MIN = -0x800000
_COUNTS_MAX = 0x7FFFFF
UPRIGHT_DEG = 90.0
# What rows of micronewtons in 32 bits carry, with room to spare.
_MOST_N = 2000.0
_MOST_KG = 200.0

# How fast hands go, and how far a load overshoots when it is let go of, as a share of the change. Ours.
_LOWERING_S = 0.08
_LIFTING_S = 0.08
_TURNING_S = 0.4
_SWING_LOW, _SWING_HIGH = 0.15, 0.3
_LIFTED_SWING = 0.01
# Taking a tool out and seating it again jolts it by so much, and the ringing starts anew.
_JOLT_LOW_N, _JOLT_HIGH_N = 1.0, 3.0
# A hand that presses wanders slowly and trembles (physiological tremor: 8 to 12 Hz).
_WANDER_LOW_HZ, _WANDER_HIGH_HZ = 0.3, 1.2
_TREMOR_LOW_HZ, _TREMOR_HIGH_HZ = 8.0, 12.0
_TREMOR_OF_WANDER = 0.3
PRESS_UNSTEADINESS = 0.002


class Place:
    """Where one who reads from a bench is: its next row, and the bench's time of it; numbered from 0.

    Who reads a bench that lives in real time and was switched off meanwhile goes on at the present, once it is more
    than `patience_s` behind the one that is farthest; None is never.
    """

    def __init__(self, rate_hz: float, patience_s: float | None) -> None:
        self.rate_hz = rate_hz
        self.next_index = 0
        self._patience_s = patience_s
        self._starts: list[tuple[int, float]] = [(0, 0.0)]

    @property
    def time_s(self) -> float:
        """The bench's time of the next row."""
        first_index, start_s = self._starts[-1]
        return start_s + (self.next_index - first_index) / self.rate_hz

    def times_s(self, first_index: int, end_index: int) -> Floats:
        """Return the bench's times (n,) of rows that were read."""
        index = np.arange(first_index, end_index)
        first_indices, starts_s = (np.array(column) for column in zip(*self._starts, strict=True))
        at = np.searchsorted(first_indices, index, side="right") - 1
        times: Floats = starts_s[at] + (index - first_indices[at]) / self.rate_hz
        return times

    def catch_up(self, now_s: float) -> None:
        """Go on at the present where that is too far ahead."""
        if self._patience_s is not None and now_s - self.time_s > self._patience_s:
            self.go_to(now_s)

    def go_to(self, time_s: float) -> None:
        """Have the next row at this time."""
        self._starts.append((self.next_index, time_s))

    def take(self, n: int) -> Floats:
        """Return the times (n,) of the next rows, and go past them."""
        first_index = self.next_index
        self.next_index += n
        return self.times_s(first_index, self.next_index)


class Bench:
    """A simulated bench; every method may be called from any thread.

    It starts upright, without a load, at room temperature. Rows are those of a scenario: `next_rows`, `rate_hz`,
    `cell` (what the tool believes of its cell: nominal, with the zero as it stands at the start) and `true_strokes`.
    With `patience_s` a tool that was switched off goes on at the present, see Place.
    """

    def __init__(self, truth: BenchTruth, seed: int, rate_hz: float, patience_s: float | None = None) -> None:
        self.truth = truth
        self.rate_hz = rate_hz
        hands, noise, seats = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, 0x40D]).spawn(3))
        self._hands = hands
        self._noise = noise
        self._seats = seats
        self._seed = seed
        self._lock = threading.Lock()
        self._mass_kg = 0.0
        self._press_n = 0.0
        self._angle_deg = UPRIGHT_DEG
        self._true_angle_deg = self._turned_to(UPRIGHT_DEG)
        # The first row that a reader has not asked for yet decides when a change holds.
        self._places: list[Place] = []
        self._place = self._new_place(rate_hz, patience_s)
        start_n = self._targets_n()
        self._history = History(
            Stretch(
                0.0,
                start_n,
                np.empty(0, complex),
                np.empty((2, 0), complex),
                float(start_n[SENSED]),
                truth.ambient_c,
                truth.ambient_c + truth.warm_up_k,
                self._new_seat(),
            )
        )
        self._plays = Plays(truth.play_radii_n, float(start_n[SENSED]))
        self._contact = ContactRule(rate_hz)
        self.cell: Cell = nominal_cell(truth, self._counts_at_rest())

    @property
    def now_s(self) -> float:
        """The bench's time: that of the next conversion that nobody asked for."""
        with self._lock:
            return self._now_s()

    @property
    def angle_deg(self) -> float:
        """The angle that the tool was turned to, as the protractor shows it."""
        return self._angle_deg

    @property
    def hung_kg(self) -> float:
        """What hangs, as its mark says."""
        return self._mass_kg

    def hang(self, mass_kg: float) -> None:
        """Hang a load of this mass, in place of what hung before; 0 takes it off. Raises ValueError."""
        if not 0 <= mass_kg <= _MOST_KG:
            raise ValueError(f"a load of {mass_kg} kg")
        with self._lock:
            lighter = mass_kg < self._mass_kg
            self._mass_kg = mass_kg
            swing = self._hands.uniform(_SWING_LOW, _SWING_HIGH)
            if lighter:
                self._move(_LIFTING_S, swing if mass_kg else _LIFTED_SWING)
            else:
                self._move(_LOWERING_S, swing)

    def take_off(self) -> None:
        """Take the load off."""
        self.hang(0.0)

    def press(self, force_n: float, unsteadiness: float = PRESS_UNSTEADINESS) -> None:
        """Press along the axis, beside what hangs; 0 lets go. Raises ValueError.

        A screw press holds within about `unsteadiness` of the force, a hand within some 0.05 to 0.2.
        """
        if not abs(force_n) <= _MOST_N or not 0 <= unsteadiness <= 1:
            raise ValueError(f"a press of {force_n} N")
        with self._lock:
            self._press_n = force_n
            wander_n = force_n * unsteadiness
            frequencies = self._hands.uniform((_WANDER_LOW_HZ, _TREMOR_LOW_HZ), (_WANDER_HIGH_HZ, _TREMOR_HIGH_HZ))
            self._move(_LOWERING_S, _LIFTED_SWING, tremor=(frequencies, wander_n))

    def tilt(self, angle_deg: float) -> None:
        """Turn the tool's axis to this angle to the horizontal, 90 is upright. Raises ValueError."""
        if not -90 <= angle_deg <= 90:
            raise ValueError(f"an angle of {angle_deg}°")
        with self._lock:
            self._angle_deg = angle_deg
            self._true_angle_deg = self._turned_to(angle_deg)
            self._move(_TURNING_S, _LIFTED_SWING)

    def reseat(self) -> None:
        """Take the load off, the tool out of its holder, and seat it anew."""
        with self._lock:
            self._mass_kg = self._press_n = 0.0
            jolt_n = float(self._seats.uniform(_JOLT_LOW_N, _JOLT_HIGH_N))
            self._move(_LIFTING_S, _LIFTED_SWING, jolt_n=jolt_n, seat=self._new_seat())

    def warm(self, temperature_c: float) -> None:
        """Bring the tool to this temperature, at the pace of its warm-up. Raises ValueError."""
        if not -40 <= temperature_c <= 125:
            raise ValueError(f"a temperature of {temperature_c} °C")
        with self._lock:
            self._move(_LIFTING_S, 0.0, final_c=temperature_c)

    def temperature_c(self) -> float:
        """Return the tool's temperature now."""
        with self._lock:
            now_s = np.array([self._now_s()])
            return float(self._history.last.celsius(now_s, self.truth.warm_up_s)[0])

    def next_rows(self, n: int) -> tuple[Floats, NDArray[np.int32]]:
        """Return the next n conversions: the true force along the axis (n,), without the tip, and raw counts (n,)."""
        with self._lock:
            self._place.catch_up(self._now_s())
            first_index = self._place.next_index
            time_s = self._place.take(n)
            axial_n, signal_n = self._signal_n(time_s, self._plays)
            noise_n = self.truth.noise_n * self._noise.standard_normal(n)
            self._contact.feed(first_index, axial_n)
        return axial_n, self._counts(signal_n + noise_n)

    def true_force_n(self, first_index: int, end_index: int) -> Floats:
        """Return the true force along the axis of rows that were handed out (n,). Raises ValueError for others."""
        with self._lock:
            if not 0 <= first_index <= end_index <= self._place.next_index:
                raise ValueError(f"rows {first_index} to {end_index} were not handed out")
            return self._axial_n(self._place.times_s(first_index, end_index))

    def true_strokes(self, first_index: int, end_index: int) -> list[TrueStroke]:
        """Return the strokes of the rows handed out that lie wholly inside [first_index, end_index)."""
        with self._lock:
            return self._contact.inside(first_index, end_index)

    def true_mass_kg(self, mass_kg: float) -> float:
        """Return what the weight with this mark really is: each is off by its own share, always the same."""
        off = np.random.default_rng(np.random.SeedSequence([self._seed, round(mass_kg * 1e6)])).uniform(-1, 1)
        return mass_kg * (1 + float(off) * self.truth.weights_share)

    def reader(self, rate_hz: float, patience_s: float | None = None) -> Reader:
        """Return one who reads the force along the axis at a rate of its own, from now on."""
        with self._lock:
            now_s = self._now_s()
            place = self._new_place(rate_hz, patience_s)
            place.go_to(now_s)
            return Reader(self, place)

    def read_axial_n(self, place: Place, n: int) -> Floats:
        """Return the force along the axis (n,) of the next rows at that place."""
        with self._lock:
            place.catch_up(self._now_s())
            return self._axial_n(place.take(n))

    def _new_place(self, rate_hz: float, patience_s: float | None) -> Place:
        place = Place(rate_hz, patience_s)
        self._places.append(place)
        return place

    def _now_s(self) -> float:
        return max(place.time_s for place in self._places)

    def _turned_to(self, angle_deg: float) -> float:
        return angle_deg + float(self._hands.normal(0.0, 1.0)) * self.truth.angle_deg

    def _new_seat(self) -> Seat:
        share, offset = self._seats.standard_normal(2).tolist()
        return Seat(share * self.truth.reseat_share, offset * self.truth.reseat_n)

    def _targets_n(self) -> Floats:
        """Return the axial and the sensed force (2,) once everything is still."""
        hanging_n = self.truth.pull_n(self.true_mass_kg(self._mass_kg))
        angle = math.radians(self._true_angle_deg)
        axial_n = hanging_n * math.sin(angle) + self._press_n
        tip_n = self.truth.tip_weight_n
        across_n = (hanging_n + tip_n) * math.cos(angle)
        return np.array([axial_n, axial_n + tip_n * math.sin(angle) + self.truth.cross_axis_share * across_n])

    def _move(
        self,
        pace_s: float,
        swing: float,
        *,
        tremor: tuple[Floats, float] | None = None,
        jolt_n: float = 0.0,
        seat: Seat | None = None,
        final_c: float | None = None,
    ) -> None:
        """Begin a stretch towards the new targets."""
        now_s = self._now_s()
        now = np.array([now_s])
        before = self._history.last
        final_n = self._targets_n()
        here_n = before.force_n(now)[:, 0]
        change_n = final_n - here_n
        rings = complex(-1 / self.truth.swing_decay_s, 2 * math.pi * self.truth.swing_hz)
        # Real parts: −i·exp(iωt) is a sine. Swing and jolt begin at 0, so that no force jumps.
        rates: list[complex] = [complex(-1 / pace_s), rings]
        terms: list[Complexes] = [-change_n.astype(complex), (-1j * (swing * change_n + jolt_n)).astype(complex)]
        if tremor is not None:
            frequencies_hz, wander_n = tremor
            for frequency_hz, amplitude_n in zip(
                frequencies_hz.tolist(), (wander_n, wander_n * _TREMOR_OF_WANDER), strict=True
            ):
                rates.append(2j * math.pi * frequency_hz)
                terms.append(np.full(2, -1j * amplitude_n))
        self._history.add(
            Stretch(
                now_s,
                final_n,
                np.array(rates),
                np.stack(terms, axis=1),
                float(before.lagged_n(now, self.truth.creep_s)[0]),
                float(before.celsius(now, self.truth.warm_up_s)[0]),
                before.final_c if final_c is None else final_c,
                seat or before.seat,
            )
        )

    def _axial_n(self, time_s: Floats) -> Floats:
        axial_n = np.empty(len(time_s))
        for part, stretch in self._history.parts(time_s):
            axial_n[part] = stretch.force_n(time_s[part])[AXIAL]
        return axial_n

    def _signal_n(self, time_s: Floats, plays: Plays) -> tuple[Floats, Floats]:
        """Return the axial force and the signal of truth.py without its noise, in newtons (n,)."""
        truth = self.truth
        axial_n = np.empty(len(time_s))
        signal_n = np.empty(len(time_s))
        for part, stretch in self._history.parts(time_s):
            times = time_s[part]
            moved = stretch.force_n(times)
            sensed_n = moved[SENSED]
            played = plays.feed(sensed_n)
            bent_n = sensed_n + truth.nonlinearity_n(sensed_n)
            for weight, play_n in zip(truth.play_weights.tolist(), played, strict=True):
                bent_n += weight * (play_n - sensed_n)
            bent_n += truth.creep_share * stretch.lagged_n(times, truth.creep_s)
            warmer_k = stretch.celsius(times, truth.warm_up_s) - truth.ambient_c
            spanned_n = bent_n * (1 + stretch.seat.share) * (1 + truth.span_per_k * warmer_k)
            axial_n[part] = moved[AXIAL]
            signal_n[part] = spanned_n + stretch.seat.offset_n + truth.zero_per_k_n * warmer_k
        for amplitude_n, period_s, phase in zip(truth.drift_n, truth.drift_period_s, truth.drift_phase, strict=True):
            signal_n += amplitude_n * (np.sin(2 * np.pi / period_s * time_s + phase) - math.sin(phase))
        return axial_n, signal_n

    def _counts(self, signal_n: Floats) -> NDArray[np.int32]:
        counts = np.rint(self.truth.zero_counts + self.truth.counts_per_n * signal_n)
        return np.clip(counts, _COUNTS_MIN, _COUNTS_MAX).astype(np.int32)

    def _counts_at_rest(self) -> int:
        start_n = float(self._history.last.final_n[SENSED])
        _, signal_n = self._signal_n(np.zeros(1), Plays(self.truth.play_radii_n, start_n))
        return int(self._counts(signal_n)[0])


class Reader:
    """Sees the force along the axis of a bench, at a rate of its own."""

    def __init__(self, bench: Bench, place: Place) -> None:
        self._bench = bench
        self._place = place
        self.rate_hz = place.rate_hz

    @property
    def next_index(self) -> int:
        """The number of the next row, from 0."""
        return self._place.next_index

    def next_forces_n(self, n: int) -> Floats:
        """Return the true force along the axis of the next n rows (n,)."""
        return self._bench.read_axial_n(self._place, n)
