"""Limits do not depend on blocks, and hold against a reference that looks at one sample after the other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol.limits import LimitWatch, debounce_samples

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


SHAKEN = st.lists(st.tuples(st.sampled_from([0, 89, 95, 101, 500]), st.booleans()), max_size=60)


def reference_of_a_shaking_tool(samples: list[tuple[int, bool]], needed: int) -> tuple[list[int], bool]:
    """Look at one sample after the other, with the length of its row so far; true marks one while the tool vibrates."""
    over = False
    row = 0
    crossings = []
    for index, (value, vibrating) in enumerate(samples):
        row = row + 1 if (value < LEAVE if over else value > ENTER) else 0
        if row >= (needed if vibrating and not over else 2):
            over, row = not over, 0
            crossings += [index] if over else []
    return crossings, over


@given(SHAKEN, st.integers(2, 9))
def test_while_the_tool_vibrates_a_longer_row_exceeds_a_limit_and_none_is_longer_to_leave_it(
    samples: list[tuple[int, bool]], needed: int
) -> None:
    watch = LimitWatch(ENTER, LEAVE, 2)
    crossings: list[int] = []
    for index, (value, vibrating) in enumerate(samples):
        watch.enter_samples = needed if vibrating else 2
        crossings.extend(watch.feed(index, [value]))
    assert (crossings, watch.over) == reference_of_a_shaking_tool(samples, needed)


@pytest.mark.parametrize(
    ("rate_hz", "samples"),
    [(10, 2), (80, 2), (80.5, 3), (100, 3), (160, 4), (320, 8), (330, 9), (1000, 25), (2000, 50)],
)
def test_while_the_tool_vibrates_25_ms_of_samples_decide_and_two_at_least(rate_hz: float, samples: int) -> None:
    assert debounce_samples(round(rate_hz * 1000), True) == samples
    assert debounce_samples(round(rate_hz * 1000), False) == 2


def test_a_motor_that_shakes_a_resting_force_over_the_limit_is_no_alert_and_a_force_over_it_is() -> None:
    # 166 Hz, as of a coin motor, sampled 320 times a second, around a force just below the limit and well above it.
    shaking = [30 * math.sin(2 * math.pi * 166 * i / 320) for i in range(3200)]
    for force, decided in ((95, []), (135, [7])):
        watch = LimitWatch(ENTER, LEAVE, 2)
        watch.enter_samples = debounce_samples(320_000, True)
        assert list(watch.feed(0, [force + shake for shake in shaking])) == decided
