from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.app.trace import TraceRing
from iastm_host.events import ForceBlock, Gap
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN

RATE_HZ = 100.0


def a_block(first: int, n: int, boot_id: int = 1, counts: list[int] | None = None) -> ForceBlock:
    index = np.arange(first, first + n)
    raw = index.astype(np.int32) if counts is None else np.array(counts, dtype=np.int32)
    return ForceBlock(boot_id, first, first * 10_000, 10_000.0, index.astype(np.float64), raw, 0, 55, False)


def a_gap(first: int, n: int) -> Gap:
    return Gap(1, first, n, first * 10_000, 10_000.0, "samples missing")


@given(st.integers(0, 10_000), st.lists(st.tuples(st.booleans(), st.integers(1, 70)), min_size=1, max_size=25))
def test_the_ring_holds_the_newest_samples_by_index_and_nan_where_some_are_missing(
    start: int, items: list[tuple[bool, int]]
) -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    truth: list[float] = []
    index = start
    for number, (is_gap, n) in enumerate(items):
        if is_gap and number:
            ring.add(a_gap(index, n))
            truth += [np.nan] * n
        else:
            ring.add(a_block(index, n))
            truth += range(index, index + n)
        index += n
        shown = ring.snapshot()
        kept = min(len(truth), 30)
        assert shown.first_index == index - kept
        np.testing.assert_array_equal(shown.force_n, truth[-kept:])
        assert shown.saturated.tolist() == [False] * kept
        np.testing.assert_array_equal(ring.recent(0.1), truth[-min(10, kept) :])


def test_before_the_first_sample_there_is_nothing() -> None:
    ring = TraceRing(RATE_HZ, 1.0)
    assert ring.force_n is None
    assert len(ring.snapshot().force_n) == 0
    assert ring.snapshot().last_arrived_us == 0


def test_a_snapshot_is_not_changed_by_what_comes_after_it() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 20))
    before = ring.snapshot()
    ring.add(a_block(20, 25))
    assert before.force_n.tolist() == list(range(20))


def test_times_are_those_of_the_newest_sample() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(40, 5))
    shown = ring.snapshot()
    assert (shown.last_tool_us, shown.last_arrived_us, shown.period_us) == (440_000, 55, 10_000.0)
    assert ring.force_n == 44.0


def test_gaps_are_told_until_they_have_left_the_ring() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 5))
    ring.add(a_gap(5, 3))
    ring.add(a_block(8, 20))
    assert ring.snapshot().gaps == ((5, 8, "samples missing"),)
    ring.add(a_block(28, 10))
    assert ring.snapshot().gaps == ()


def test_a_gap_longer_than_the_ring_leaves_only_nan() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 30))
    ring.add(a_gap(30, 1_000_000_000))
    assert np.isnan(ring.snapshot().force_n).all()
    ring.add(a_block(1_000_000_030, 2))
    assert ring.snapshot().force_n[-3:].tolist()[1:] == [1_000_000_030.0, 1_000_000_031.0]


def test_samples_at_a_rail_are_marked_one_by_one_and_forgotten_with_them() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 4, counts=[1, COUNTS_MAX, COUNTS_MIN, COUNTS_MAX - 1]))
    assert ring.snapshot().saturated.tolist() == [False, True, True, False]
    ring.add(a_block(4, 60))
    assert not ring.snapshot().saturated.any()


@given(st.integers(1, 60), st.integers(0, 50), st.integers(0, 8), st.integers(1, 9))
def test_over_a_restart_what_was_there_stays_as_long_ago_as_it_came(
    before: int, apart: int, first: int, count: int
) -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, before))
    arrived_us = 55 + (apart + count) * 10_000
    ring.add(replace(a_block(first, count, boot_id=2), arrived_us=arrived_us))
    shown = ring.snapshot()
    truth = [*range(before)][-30:] + [np.nan] * apart + [*range(first, first + count)]
    np.testing.assert_array_equal(shown.force_n, truth[-30:])
    assert (shown.boot_id, shown.first_index + len(shown.force_n)) == (2, first + count)
    # What the new boot can't have sampled is lost; its own first samples may still come.
    lost = {index for start, end, _ in shown.gaps for index in range(start, end)}
    assert lost == set(range(first - apart, 0))
    if first:
        ring.add(a_block(0, first, boot_id=2))
        after = ring.snapshot()
        at = -after.first_index
        assert after.force_n[max(0, at) : at + first + count].tolist() == [*range(max(0, -at), first + count)]


def test_holes_of_before_a_restart_are_lost_with_it() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 5))
    ring.add(a_block(9, 5))
    ring.add(replace(a_block(0, 2, boot_id=2), arrived_us=55 + 5 * 10_000))
    shown = ring.snapshot()
    lost = np.zeros(len(shown.force_n), dtype=bool)
    for start, end, _ in shown.gaps:
        lost[start - shown.first_index : end - shown.first_index] = True
    np.testing.assert_array_equal(lost, np.isnan(shown.force_n))
    assert lost.sum() == 4 + 3


def test_no_sample_that_is_missing_is_called_clipped() -> None:
    ring = TraceRing(RATE_HZ, 0.3)
    ring.add(a_block(0, 30, counts=[COUNTS_MAX] * 30))
    ring.add(a_gap(30, 10))
    assert ring.snapshot().saturated.tolist() == [True] * 20 + [False] * 10
    ring.add(a_gap(40, 100))
    assert not ring.snapshot().saturated.any()
