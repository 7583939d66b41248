"""Limits do not depend on blocks, and hold against a reference that looks at one sample after the other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol.limits import LimitWatch

ENTER, LEAVE = 100, 90
SAMPLES = st.lists(st.sampled_from([-5, 0, 89, 90, 91, 99, 100, 101, 500, -0.0, 89.5, 100.5, math.nan]), max_size=60)


def reference(samples: list[float], min_samples: int) -> tuple[list[int], bool]:
    """Return deciding indices and the state at the end: looks back over the last samples at each one."""
    over = False
    since = 0
    crossings = []
    for index in range(len(samples)):
        last = samples[max(since, index - min_samples + 1) : index + 1]
        if len(last) < min_samples:
            continue
        if all(value < LEAVE for value in last) if over else all(value > ENTER for value in last):
            over = not over
            since = index + 1
            if over:
                crossings.append(index)
    return crossings, over


@given(SAMPLES, st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 4))
def test_any_blocks_give_the_crossings_of_a_reference(
    samples: list[float], lengths: list[int], min_samples: int
) -> None:
    watch = LimitWatch(ENTER, LEAVE, min_samples)
    crossings: list[int] = []
    at = turn = 0
    while at < len(samples):
        block = samples[at : at + lengths[turn % len(lengths)]]
        crossings.extend(watch.feed(at, block))
        at += len(block)
        turn += 1
    assert (crossings, watch.over) == reference(samples, min_samples)


@given(SAMPLES, SAMPLES)
def test_after_a_gap_nothing_is_remembered(before: list[float], after: list[float]) -> None:
    watch, fresh = LimitWatch(ENTER, LEAVE, 2), LimitWatch(ENTER, LEAVE, 2)
    watch.feed(0, before)
    watch.gap()
    assert (watch.feed(1000, after), watch.over) == (fresh.feed(1000, after), fresh.over)


def test_a_sample_that_is_no_number_never_hides_one_over_the_limit() -> None:
    watch = LimitWatch(ENTER, LEAVE, 2)
    assert list(watch.feed(0, [math.nan, 150.0, 150.0, math.nan])) == [2]


@pytest.mark.parametrize(("enter", "leave"), [(100, 101), (math.nan, 90), (100, math.nan)])
def test_levels_that_make_no_sense_are_refused(enter: float, leave: float) -> None:
    with pytest.raises(ValueError, match="leave"):
        LimitWatch(enter, leave, 2)
