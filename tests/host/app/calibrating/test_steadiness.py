from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.app.calibrating.steadiness import OF_WEIGHTS, WANTED_S, Limits, steadiness
from iastm_host.app.calibrating.window_of_samples import KEPT_S, SampleWindow
from iastm_host.events import ForceBlock

COUNTS_PER_N = 20_000.0
RAIL = 0x7FFFFF


def block(first_index: int, raw: np.ndarray, rate_hz: float, *, boot_id: int = 1, flags: int = 0) -> ForceBlock:
    period_us = 1e6 / rate_hz
    tool_us = round(first_index * period_us)
    return ForceBlock(
        boot_id, first_index, tool_us, period_us, raw / COUNTS_PER_N, raw.astype(np.int32), flags,
        tool_us + round(len(raw) * period_us), False,
    )  # fmt: skip


def window_of(force_n: np.ndarray, rate_hz: float, per_block: int = 8) -> SampleWindow:
    window = SampleWindow()
    raw = np.round(force_n * COUNTS_PER_N)
    for first in range(0, len(raw), per_block):
        window.feed(block(first, raw[first : first + per_block], rate_hz))
    return window


def looked(window: SampleWindow, since_us: float = 0.0, limits: Limits = OF_WEIGHTS):
    return steadiness(window, limits, 1 / COUNTS_PER_N, 0.0, since_us)


def noise(seconds: float, rate_hz: float, sd_n: float = 0.005, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sd_n, round(seconds * rate_hz))


@pytest.mark.parametrize("rate_hz", [10.0, 80.0, 320.0, 1000.0])
@pytest.mark.parametrize("sd_n", [0.0, 0.003, 0.02])
def test_a_still_load_is_steady_after_two_seconds_whatever_rate_and_noise(rate_hz: float, sd_n: float) -> None:
    for seconds in (0.5, 1.0, 1.9):
        assert not looked(window_of(7 + noise(seconds, rate_hz, sd_n), rate_hz)).steady
    steady = [looked(window_of(7 + noise(3.0, rate_hz, sd_n, seed), rate_hz)).steady for seed in range(20)]
    assert sum(steady) >= 19


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
def test_what_wanders_by_more_than_the_limit_is_not_steady_whatever_the_rate(rate_hz: float) -> None:
    t = np.arange(round(3 * rate_hz)) / rate_hz
    for moving in (0.02 * t, 0.05 * np.sin(2 * np.pi * 1.0 * t), 0.2 * np.exp(-t) * np.cos(12 * t)):
        for seed in range(5):
            assert not looked(window_of(1 + moving + noise(3.0, rate_hz, seed=seed), rate_hz)).steady


def test_held_says_for_how_long_it_was_steady() -> None:
    force_n = np.concatenate((np.linspace(0, 5, 80), np.full(112, 5.0)))
    assert looked(window_of(force_n, 80.0)).held_s == pytest.approx(1.4, abs=0.11)


def test_spread_and_trend_are_stated() -> None:
    found = looked(window_of(3 + 0.004 * np.arange(240) / 80 + noise(3.0, 80.0, 0.004), 80.0))
    assert found.spread is not None
    assert found.trend_per_s is not None
    assert found.spread / COUNTS_PER_N == pytest.approx(0.0046, rel=0.3)
    assert found.trend_per_s / COUNTS_PER_N == pytest.approx(0.004, abs=0.0015)


def test_a_heavier_load_may_wander_in_proportion() -> None:
    wander = 0.018 * np.sin(np.arange(240) / 80 * 2)
    assert not looked(window_of(1 + wander, 80.0)).steady
    assert looked(window_of(40 + wander, 80.0)).steady


def test_noise_beyond_reason_is_told_and_not_steady() -> None:
    found = looked(window_of(noise(3.0, 80.0, 0.4), 80.0))
    assert found.noisy
    assert not found.steady


def test_only_what_was_taken_on_the_page_counts() -> None:
    window = window_of(np.full(320, 2.0), 80.0)
    assert looked(window).steady
    assert looked(window, since_us=3_000_000.0).held_s == pytest.approx(1.0, abs=0.11)
    assert looked(window, since_us=5_000_000.0).held_s == 0.0


@pytest.mark.parametrize("what", ["gap", "rail", "flag", "restart"])
def test_a_gap_the_rail_or_a_restart_begins_anew(what: str) -> None:
    window = window_of(np.full(240, 2.0), 80.0)
    assert looked(window).steady
    raw = np.full(8, 40_000.0)
    after = block(240, raw, 80.0)
    if what == "gap":
        after = block(241, raw, 80.0)
    elif what == "rail":
        after = block(240, np.full(8, RAIL), 80.0)
    elif what == "flag":
        after = block(240, raw, 80.0, flags=1)
    else:
        after = block(0, raw, 80.0, boot_id=2)
    window.feed(after)
    assert looked(window).held_s <= 0.1
    assert not looked(window).steady


def test_samples_that_come_twice_count_once() -> None:
    window = SampleWindow()
    first, second = block(0, np.arange(8.0), 80.0), block(4, np.arange(4.0, 12.0), 80.0)
    assert window.feed(first)
    assert not window.feed(first)
    assert window.feed(second)
    assert window.values.tolist() == list(range(12))
    assert not window.feed(block(2, np.arange(5.0), 80.0))


def test_late_samples_of_a_boot_that_is_over_are_passed_over() -> None:
    window = SampleWindow()
    window.feed(block(0, np.zeros(8), 80.0, boot_id=1))
    window.feed(block(0, np.ones(8), 80.0, boot_id=2))
    assert not window.feed(block(8, np.zeros(8), 80.0, boot_id=1))
    assert window.values.tolist() == [1.0] * 8


@given(
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40),
    rate_hz=st.sampled_from([80.0, 320.0]),
    repeats=st.booleans(),
)
def test_however_blocks_are_cut_the_window_is_the_same(cuts: list[int], rate_hz: float, repeats: bool) -> None:
    n = sum(cuts)
    raw = np.random.default_rng(7).integers(-1000, 1000, n).astype(float)
    window, first = SampleWindow(), 0
    for length in cuts:
        piece = block(first, raw[first : first + length], rate_hz)
        window.feed(piece)
        if repeats:
            window.feed(piece)
        first += length
    assert window.values.tolist() == raw[-len(window.values) :].tolist()
    assert len(window.values) >= min(n, KEPT_S * rate_hz)
    assert np.allclose(np.diff(window.tool_us), 1e6 / rate_hz, atol=1.0)
    assert len(window.of_last(WANTED_S)) == min(n, round(WANTED_S * rate_hz))


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
def test_a_load_that_rings_faster_than_a_tenth_is_not_steady_before_it_is_still(rate_hz: float) -> None:
    t = np.arange(round(4 * rate_hz)) / rate_hz
    force_n = 5 + 0.8 * np.exp(-t / 0.4) * np.sin(2 * np.pi * 20.0 * t) + noise(4.0, rate_hz, 0.003)
    window, at_s = SampleWindow(), None
    raw = np.round(force_n * COUNTS_PER_N)
    for first in range(0, len(raw), 8):
        window.feed(block(first, raw[first : first + 8], rate_hz))
        if at_s is None and looked(window).steady:
            at_s = first / rate_hz
    assert at_s is not None
    # It rings by less than 30 mN after 1.3 s.
    assert 2.9 < at_s < 3.9
