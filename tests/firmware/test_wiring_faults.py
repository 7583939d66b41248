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
@pytest.mark.parametrize(
    ("zero_counts", "stroked_s"),
    # At rest, where that is far enough from no voltage; amid a stroke of 7 N wherever the zero is.
    [(200_000, 5), (-200_000, 5), (200_000, 5.25), (-100_000, 5.25), (40_000, 5.25), (-40_000, 5.25)],
)
@pytest.mark.parametrize("settles", [(), (0.6, 0.25, 0.03)], ids=["at once", "as a filter settles"])
def test_a_shorted_bridge_is_found_within_a_second(
    rate_hz: int, zero_counts: int, stroked_s: float, settles: tuple[float, ...]
) -> None:
    cell = Cell(rate_hz, zero_counts)
    cell.press(strokes, stroked_s)
    since = cell.n
    for share in settles:
        cell.feed(900 + share * (zero_counts + COUNTS_PER_N * strokes(stroked_s)))
    cell.shows(steady(900), 1)
    assert cell.found_within_s(since, FAULT_BRIDGE_SHORTED) < 0.9
    # However far from the zero that is, and on whichever side.
    assert cell.faults.found == FAULT_BRIDGE_SHORTED


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("zero_counts", [300_000, -600_000])
def test_a_short_from_the_start_is_found_where_no_weight_reaches_no_voltage(rate_hz: int, zero_counts: int) -> None:
    cell = Cell(rate_hz, zero_counts)
    cell.shows(steady(900), 1)
    assert cell.found_within_s(0, FAULT_BRIDGE_SHORTED) < 0.9


def test_a_short_stays_told_over_other_limits_noise_and_hours_of_drift() -> None:
    cell = Cell(80)
    cell.press(strokes, 5)
    cell.shows(steady(900), 1)
    assert cell.faults.found == FAULT_BRIDGE_SHORTED
    made = thresholds.make(_CALIBRATION, cell.zero_counts, _LIMITS._replace(warn_mn=0))
    cell.faults.watch(made, cell.zero_counts, True)
    cell.shows(lambda time_s: 900 + 100 * time_s, 100)
    cell.faults.gap()
    cell.feed(10_900 + 2000)
    cell.shows(steady(10_900), 10)
    assert [found for _, found in cell.found_at] == [FAULT_BRIDGE_SHORTED]


def test_a_short_that_was_told_is_over_with_a_zero_that_is_set_there() -> None:
    cell = Cell(80)
    cell.press(strokes, 5)
    cell.shows(steady(900), 1)
    cell.faults.watch(thresholds.make(_CALIBRATION, 900, _LIMITS), 900, True)
    assert cell.faults.found == 0


@pytest.mark.parametrize("rate_hz", [10, *RATES_HZ])
@pytest.mark.parametrize("zero_counts", range(-240_000, 241_000, 40_000))
def test_a_tool_that_is_hung_or_laid_down_where_no_voltage_is_is_not_shorted(rate_hz: int, zero_counts: int) -> None:
    cell = Cell(rate_hz, zero_counts)
    rests_n = -zero_counts / COUNTS_PER_N
    for turned_s in (0.1, 0.3, 1.0):
        cell.press(strokes, 3.25)
        # Lifted amid a stroke, turned about, and quiet from then on; then laid down hard, with a knock.
        cell.press(lambda t, s=turned_s: rests_n * min(1.0, t / s), turned_s)  # type: ignore[misc]
        cell.press(steady(rests_n), 3)
        cell.press(lambda t: 9.0 * math.exp(-60 * t) * math.cos(300 * t) + rests_n, 3)
    assert FAULT_BRIDGE_SHORTED not in [found for _, found in cell.found_at]


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
    cell.press(lambda time_s: 7 * math.sin(math.pi * min(1.0, time_s % 1 / 0.8)), 5)
    assert cell.found_within_s(0, FAULT_POLARITY) < 4


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize(("on_s", "off_s"), [(0.2, 0.6), (0.3, 0.5), (0.5, 0.5), (0.65, 2.0), (0.6, 1.0)])
def test_a_hook_that_pulls_again_and_again_is_no_wrong_polarity(rate_hz: int, on_s: float, off_s: float) -> None:
    cell = Cell(rate_hz)
    cell.press(lambda t: -5 * math.sin(math.pi * t / on_s) if (t := t % (on_s + off_s)) < on_s else 0.0, 60)
    assert cell.found_at == []


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_once_it_was_pressed_since_the_zero_no_pull_is_a_wrong_polarity(rate_hz: int) -> None:
    cell = Cell(rate_hz)
    cell.press(strokes, 1)
    cell.press(lambda time_s: -5 + 0.2 * math.sin(60 * time_s), 20)
    # Other limits change nothing of that.
    cell.faults.watch(thresholds.make(_CALIBRATION, cell.zero_counts, _LIMITS), cell.zero_counts, True)
    cell.press(lambda time_s: -5 + 0.2 * math.sin(60 * time_s), 20)
    assert cell.found_at == []
    cell.zero_counts += 1000
    cell.faults.watch(thresholds.make(_CALIBRATION, cell.zero_counts, _LIMITS), cell.zero_counts, True)
    cell.press(lambda time_s: -5 + 0.2 * math.sin(60 * time_s), 1)
    assert cell.faults.found == FAULT_POLARITY


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_weight_below_a_zero_is_no_wrong_polarity(rate_hz: int) -> None:
    cell = Cell(rate_hz)
    cell.press(lambda time_s: -2.0 * min(1.0, 2 * time_s), 60)
    assert cell.found_at == []


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
    cell.press(strokes, 2)
    for counts in (steady(900.0), steady(2.0 * COUNTS_MAX), hum(3 * COUNTS_MAX)):
        cell.shows(counts, 1)
        assert cell.faults.found
        cell.press(strokes, 2)
        assert cell.faults.found == 0


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_wrong_polarity_is_over_with_a_press_the_right_way(rate_hz: int) -> None:
    cell = Cell(rate_hz, sign=-1)
    cell.press(lambda time_s: 8 + 0.2 * math.sin(60 * time_s), 1)
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


def fast_strokes(peak_n: float, rate_hz: float) -> Callable[[float], float]:
    """Strokes with as much time in contact as in the air."""
    return lambda time_s: peak_n * max(0.0, math.sin(2 * math.pi * rate_hz * time_s)) ** 2


@pytest.mark.parametrize(("stated_hz", "rate_hz"), [(10, 10), (40, 40), (80, 10), (80, 20), (80, 40), (320, 10)])
@pytest.mark.parametrize("strokes_per_s", [1.0, 1.5, 2.0, 2.5, 4.0])
def test_strokes_look_like_no_hum_to_a_converter_that_is_slow_whatever_was_stated(
    stated_hz: int, rate_hz: int, strokes_per_s: float
) -> None:
    cell = Cell(stated_hz)
    cell.rate_hz = rate_hz
    for _ in range(20):
        cell.press(fast_strokes(20, strokes_per_s), 1)
        cell.faults.pace(rate_hz * 1000)
    assert cell.found_at == []
    assert not cell.faults.floats


def test_fewer_than_four_turns_are_no_hum() -> None:
    for rate_hz in RATES_HZ:
        cell = Cell(rate_hz)
        for _ in range(20):
            cell.press(steady(0), 0.5)
            for force_n in (20, 0, 20):
                cell.press(steady(force_n), 1 / rate_hz)
            cell.press(steady(20), 0.5)
        assert cell.found_at == []


def test_a_hum_floats_at_once_and_is_told_once_the_pace_can_be_trusted() -> None:
    cell = Cell(80)
    cell.shows(hum(COUNTS_MAX), 0.3)
    assert cell.faults.floats
    assert cell.found_at == []
    cell.shows(hum(COUNTS_MAX), 0.3)
    assert cell.faults.found == FAULT_BRIDGE_OPEN
    # A slow pace takes back what only looked like hum, and nothing of a rail.
    cell.faults.pace(10_000)
    cell.shows(steady(0), 0.1)
    assert cell.faults.found == 0
    cell.shows(steady(2.0 * COUNTS_MAX), 1)
    cell.faults.pace(10_000)
    cell.shows(steady(2.0 * COUNTS_MAX), 0.1)
    assert cell.faults.found == FAULT_BRIDGE_OPEN


class Hand:
    """A seeded hand: strokes of any strength and speed, rests, tilts, tips taken off, holds, drift, tremor.

    Now and then the tool is hung up by its tip, or laid down: it pulls as much as its weight, without a tremor.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._until_s = 0.0
        self._began_s = 0.0
        self._what: Callable[[float], float] = steady(0.0)
        self._lies = False

    def force_n(self, time_s: float) -> float:
        while time_s >= self._until_s:
            self._began_s = self._until_s
            self._until_s += self._choose()
        tremor = 0.05 * math.sin(2 * math.pi * 9.3 * time_s)
        # A tip of 50 g turned about, and a zero that wanders.
        tilt = 0.49 * math.sin(time_s / 3)
        drift = 0.2 * math.sin(time_s / 300)
        if self._lies:
            return self._what(time_s - self._began_s) + drift
        return self._what(time_s - self._began_s) + tremor + tilt + drift

    def _choose(self) -> float:
        pick = self._random
        kind = pick.random()
        self._lies = kind >= 0.95
        if kind < 0.7:
            peak_n, length_s = pick.uniform(1, 45), pick.uniform(0.15, 1.5)
            self._what = lambda t: peak_n * math.sin(math.pi * t / length_s)
        elif kind < 0.8:
            hold_n, length_s = pick.uniform(1, 20), pick.uniform(2, 20)
            self._what = lambda t: hold_n * min(1.0, 5 * t, 5 * (length_s - t))
        elif kind < 0.83:
            pull_n, length_s = pick.uniform(1, 20), 0.3
            self._what = lambda t: -pull_n * math.sin(math.pi * t / length_s)
        elif kind < 0.95:
            length_s = pick.uniform(0.2, 5)
            self._what = steady(0.0)
        else:
            hangs_n, length_s = pick.uniform(-2.2, 0.5), pick.uniform(2, 20)
            self._what = lambda t: hangs_n * min(1.0, 5 * t)
        return length_s


@pytest.mark.parametrize("rate_hz", [10, 80, 320])
def test_in_hundreds_of_seconds_of_heavy_use_nothing_is_found(rate_hz: int, size: Callable[[int, int], int]) -> None:
    pick = random.Random(rate_hz)
    seconds = size(max(40, 12_800 // rate_hz), 1000)
    for seed in range(10):
        # Over 5 % of full scale, and where the tool hangs near no voltage.
        zero_counts = pick.randint(-420_000, 420_000) if seed % 2 else pick.randint(0, 90_000)
        cell = Cell(rate_hz, zero_counts)
        hand = Hand(seed)
        cell.faults.pace(rate_hz * 1000)
        cell.press(hand.force_n, seconds)
        assert cell.found_at == [], (seed, zero_counts)
