from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.window.fake_session import PERIOD_US, START_US, snapshot_at

from iastm_host.app.snapshot import LiveSnapshot, Trace
from iastm_host.window.trace import LAG_US, SPAN_S, ScrollClock, decimated, missing_runs, runs_of


def trace_of(force_n: np.ndarray, first_index: int = 0) -> Trace:
    return Trace(1, first_index, float(PERIOD_US), force_n, np.zeros(len(force_n), dtype=bool), 0, 0, ())


@given(st.integers(0, 4000), st.integers(0, 5000), st.integers(1, 2000), st.integers(0, 2**32 - 1))
def test_decimation_keeps_every_extreme(first_index: int, size: int, pixels: int, seed: int) -> None:
    force_n = np.random.default_rng(seed).normal(5, 3, size)
    line = decimated(trace_of(force_n, first_index), pixels)
    if size:
        assert (line.force_n.min(), line.force_n.max()) == (force_n.min(), force_n.max())
    assert len(line.seconds) == len(line.force_n)
    assert np.all(np.diff(line.seconds) > 0)


def test_a_single_high_sample_survives_decimation() -> None:
    force_n = np.zeros(3200)
    force_n[1601] = 16.2
    line = decimated(trace_of(force_n), 300)
    assert len(line.force_n) <= 2 * 300 + 20
    assert line.force_n.max() == 16.2
    at_s = float(line.seconds[int(np.argmax(line.force_n))])
    assert at_s == pytest.approx(1601 * PERIOD_US / 1e6, abs=SPAN_S / 300)


def test_a_scrolling_curve_keeps_its_points() -> None:
    force_n = np.random.default_rng(3).normal(5, 3, 4000)
    one = decimated(trace_of(force_n[:3900], 0), 300)
    other = decimated(trace_of(force_n[7:3900], 7), 300)
    of_an_older_bin = 11 - 7
    shared = other.force_n[of_an_older_bin:-20]
    at = int(np.flatnonzero(one.force_n == shared[0])[0])
    assert np.array_equal(one.force_n[at : at + len(shared)], shared)


def test_a_missing_sample_breaks_the_line() -> None:
    force_n = np.full(3200, 5.0)
    force_n[1000] = np.nan
    assert np.isnan(decimated(trace_of(force_n), 300).force_n).any()
    assert missing_runs(trace_of(force_n)) == ((1000, 1001),)


@given(st.lists(st.booleans(), max_size=60))
def test_runs_cover_exactly_what_is_true(flags: list[bool]) -> None:
    runs = runs_of(np.array(flags, dtype=bool))
    covered = np.zeros(len(flags), dtype=bool)
    for first, end in runs:
        assert first < end
        covered[first:end] = True
    assert covered.tolist() == flags


def arrived(snapshot: LiveSnapshot, tool_us: int, arrived_us: int, taken_us: int) -> LiveSnapshot:
    trace = replace(snapshot.trace, last_tool_us=tool_us, last_arrived_us=arrived_us)
    return replace(snapshot, trace=trace, taken_us=taken_us)


def test_time_runs_evenly_between_arrivals_in_batches() -> None:
    clock, base = ScrollClock(), snapshot_at(12.0)
    jitter = np.random.default_rng(1).integers(0, 8000, 200)
    edges = []
    for frame in range(200):
        batch_us = frame // 2 * 50_000
        at_us = START_US + batch_us + int(jitter[frame // 2])
        edges.append(clock.now_tool_us(arrived(base, batch_us, at_us, START_US + 8000 + frame * 25_000)))
    half_a_pixel_us = 5000
    assert np.all(np.abs(np.diff(edges[40:]) - 25_000) < half_a_pixel_us)


def test_in_a_stall_time_goes_on_and_the_newest_sample_falls_behind() -> None:
    clock, base = ScrollClock(), snapshot_at(12.0)
    first = clock.now_tool_us(arrived(base, 1_000_000, START_US, START_US))
    later = clock.now_tool_us(arrived(base, 1_000_000, START_US, START_US + 700_000))
    assert first == 1_000_000 - LAG_US
    assert later - first == pytest.approx(700_000)


def test_after_a_restart_of_the_tool_its_clock_is_taken_anew() -> None:
    clock, base = ScrollClock(), snapshot_at(12.0)
    clock.now_tool_us(arrived(base, 50_000_000, START_US, START_US))
    restarted = replace(base, trace=replace(base.trace, boot_id=7))
    assert clock.now_tool_us(arrived(restarted, 1000, START_US + 100, START_US + 100)) == 1000 - LAG_US
