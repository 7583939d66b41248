"""Broken, shorted and swapped wires, as a converter shows them, and a long time of use in which nothing is broken."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from iastm_firmware import thresholds
from iastm_firmware.wiring_faults import WiringFaults
from iastm_protocol.kinds import (
    COUNTS_MAX,
    COUNTS_MIN,
    FAULT_BRIDGE_OPEN,
    FAULT_BRIDGE_SHORTED,
    FAULT_POLARITY,
)
from iastm_protocol.messages import Calibration, Limits

COUNTS_PER_N = 42_000
# 14.5 bits free of noise, as an HX711's data sheet has it: 724 counts from peak to peak, six standard deviations.
NOISE_COUNTS = 120
RATES_HZ = [80, 320]
_LIMITS = Limits("", 11_000, 14_000, 800, 520)
_CALIBRATION = Calibration("c", bytes(32), 50.0, (0.0, 1 / COUNTS_PER_N), 0, 0)


class Cell:
    """Counts of a cell, fed to what looks for faults."""

    def __init__(self, rate_hz: int, zero_counts: int = 200_000, sign: int = 1, confirmed: bool = True) -> None:
        self.rate_hz = rate_hz
        self.zero_counts = zero_counts
        self.sign = sign
        self.random = random.Random(rate_hz)
        self.faults = WiringFaults(rate_hz * 1000)
        self.found_at: list[tuple[int, int]] = []
        self.n = 0
        self.faults.on_change = lambda: self.found_at.append((self.n, self.faults.found))
        self.faults.watch(thresholds.make(_CALIBRATION, zero_counts, _LIMITS), zero_counts, confirmed)

    def feed(self, counts: float) -> None:
        """Feed one count with the converter's noise."""
        held = min(COUNTS_MAX, max(COUNTS_MIN, round(counts + self.random.gauss(0, NOISE_COUNTS))))
        self.faults.feed(held, held - self.zero_counts)
        self.n += 1

    def press(self, force_n: Callable[[float], float], seconds: float) -> None:
        """Press with a force by the time."""
        for i in range(round(seconds * self.rate_hz)):
            self.feed(self.zero_counts + self.sign * COUNTS_PER_N * force_n(i / self.rate_hz))

    def shows(self, counts: Callable[[float], float], seconds: float) -> None:
        """Show counts by the time, whatever the force."""
        for i in range(round(seconds * self.rate_hz)):
            self.feed(counts(i / self.rate_hz))

    def found_within_s(self, since: int, fault: int) -> float:
        """Return after how many seconds the fault was found, and nothing else before."""
        ((n, found), *_) = [each for each in self.found_at if each[0] >= since]
        assert found == fault
        return (n - since) / self.rate_hz


def strokes(time_s: float) -> float:
    """Strokes of 7 N, one a second."""
    return 7 * max(0.0, math.sin(2 * math.pi * time_s)) ** 0.5 if time_s % 1 < 0.5 else 0.0


def steady(value: float) -> Callable[[float], float]:
    """The same at any time."""
    return lambda _time_s: value


def hum(amplitude_counts: float, hum_hz: float = 50.3) -> Callable[[float], float]:
    """The mains on a floating input."""
    return lambda time_s: amplitude_counts * math.sin(2 * math.pi * hum_hz * time_s)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize(
    "counts",
    [
        steady(COUNTS_MAX + 1000),
        steady(COUNTS_MIN - 1000),
        # Drifts to the rail as the input charges.
        lambda time_s: COUNTS_MAX * min(2.0, 5 * time_s),
        hum(3 * COUNTS_MAX),
        hum(0.3 * COUNTS_MAX, 61.0),
    ],
    ids=["high", "low", "drift", "hum over both rails", "hum"],
)
def test_an_open_bridge_is_found_within_a_second(rate_hz: int, counts: Callable[[float], float]) -> None:
    cell = Cell(rate_hz)
    cell.press(strokes, 5)
    assert cell.found_at == []
    since = cell.n
    cell.shows(counts, 1)
    assert cell.found_within_s(since, FAULT_BRIDGE_OPEN) < 0.9


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("zero_counts", [200_000, -200_000, 40_000])
def test_a_shorted_bridge_is_found_within_a_second(rate_hz: int, zero_counts: int) -> None:
    cell = Cell(rate_hz, zero_counts)
    cell.press(strokes, 5)
    since = cell.n
    cell.shows(steady(900), 1)
    assert cell.found_within_s(since, FAULT_BRIDGE_SHORTED) < 0.9
    # However far from the zero that is, and on whichever side.
    assert cell.faults.found == FAULT_BRIDGE_SHORTED


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_cell_that_rests_near_no_voltage_is_not_said_to_be_shorted(rate_hz: int) -> None:
    cell = Cell(rate_hz, zero_counts=20_000)
    cell.shows(steady(900), 30)
    assert cell.found_at == []


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("zero_counts", [0, 200_000, 140_000])
def test_a_wrong_polarity_is_found_within_a_second_of_pressing(rate_hz: int, zero_counts: int) -> None:
    cell = Cell(rate_hz, zero_counts, sign=-1)
    cell.press(steady(0.0), 5)
    since = cell.n
    cell.press(lambda time_s: 5 + 0.2 * math.sin(60 * time_s), 1)
    assert cell.found_within_s(since, FAULT_POLARITY) < 0.9


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_strokes_with_a_wrong_polarity_are_found_soon(rate_hz: int) -> None:
    cell = Cell(rate_hz, sign=-1)
    cell.press(strokes, 3)
    assert cell.found_within_s(0, FAULT_POLARITY) < 2


def test_a_pull_as_a_tip_is_taken_off_is_no_wrong_polarity() -> None:
    cell = Cell(320)
    for _ in range(20):
        cell.press(strokes, 2)
        cell.press(steady(-15.0), 0.4)
        cell.press(steady(0.0), 3)
    assert cell.found_at == []


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_what_was_mended_is_over_by_itself(rate_hz: int) -> None:
    cell = Cell(rate_hz)
    for counts in (steady(900.0), steady(2.0 * COUNTS_MAX), hum(3 * COUNTS_MAX)):
        cell.shows(counts, 1)
        assert cell.faults.found
        cell.press(strokes, 2)
        assert cell.faults.found == 0
    cell.sign = -1
    cell.press(steady(8.0), 1)
    assert cell.faults.found == FAULT_POLARITY
    cell.sign = 1
    cell.press(strokes, 1)
    assert cell.faults.found == 0


def test_a_zero_that_is_not_confirmed_says_nothing_of_force_but_an_open_bridge_is_found() -> None:
    cell = Cell(320, confirmed=False)
    cell.press(steady(-5.0), 3)
    cell.shows(steady(900), 3)
    assert cell.found_at == []
    cell.shows(steady(2.0 * COUNTS_MAX), 1)
    assert cell.faults.found == FAULT_BRIDGE_OPEN


class Hand:
    """A seeded hand: strokes of any strength and speed, rests, tilts, tips taken off, holds, drift, tremor."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._until_s = 0.0
        self._began_s = 0.0
        self._what: Callable[[float], float] = steady(0.0)

    def force_n(self, time_s: float) -> float:
        while time_s >= self._until_s:
            self._began_s = self._until_s
            self._until_s += self._choose()
        tremor = 0.05 * math.sin(2 * math.pi * 9.3 * time_s)
        # A tip of 50 g turned about, and a zero that wanders.
        tilt = 0.49 * math.sin(time_s / 3)
        drift = 0.2 * math.sin(time_s / 300)
        return self._what(time_s - self._began_s) + tremor + tilt + drift

    def _choose(self) -> float:
        pick = self._random
        kind = pick.random()
        if kind < 0.7:
            peak_n, length_s = pick.uniform(1, 45), pick.uniform(0.15, 1.5)
            self._what = lambda t: peak_n * math.sin(math.pi * t / length_s)
        elif kind < 0.8:
            hold_n, length_s = pick.uniform(1, 20), pick.uniform(2, 20)
            self._what = lambda t: hold_n * min(1.0, 5 * t, 5 * (length_s - t))
        elif kind < 0.83:
            pull_n, length_s = pick.uniform(1, 20), 0.3
            self._what = lambda t: -pull_n * math.sin(math.pi * t / length_s)
        else:
            length_s = pick.uniform(0.2, 5)
            self._what = steady(0.0)
        return length_s


@pytest.mark.parametrize(("zero_counts", "rate_hz"), [(200_000, 320), (-150_000, 80), (0, 80)])
def test_in_a_thousand_seconds_of_use_nothing_is_found(
    zero_counts: int, rate_hz: int, size: Callable[[int, int], int]
) -> None:
    for seed in range(size(1, 10)):
        cell = Cell(rate_hz, zero_counts)
        cell.press(Hand(seed).force_n, 1000)
        assert cell.found_at == [], seed
