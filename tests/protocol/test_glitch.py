"""A glitch jumps away from both neighbours, which agree; what a hand does is none."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iastm_protocol import kinds
from iastm_protocol.glitch import GLITCH_SHARE, is_glitch

COUNTS = st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX)
NEAR = st.integers(-40, 40)


def reference(before: int, value: int, after: int, jump: int) -> bool:
    """As the specification says it, with exact fractions."""
    far = abs(value - before) > jump and abs(value - after) > jump
    one_side = (value > before) == (value > after)
    return far and one_side and abs(before - after) <= Fraction(jump, 2)


@given(st.one_of(st.tuples(NEAR, NEAR, NEAR, st.integers(0, 30)), st.tuples(COUNTS, COUNTS, COUNTS, COUNTS.map(abs))))
@example((0, 11, 5, 10))
@example((0, 16, 6, 10))
@example((0, -11, 0, 10))
@example((0, 10, 0, 10))
@example((0, 12, 5, 11))
@example((0, 12, 6, 11))
@example((kinds.COUNTS_MIN, kinds.COUNTS_MAX, kinds.COUNTS_MIN, kinds.COUNTS_MAX))
def test_a_glitch_is_what_the_rule_says(case: tuple[int, int, int, int]) -> None:
    assert is_glitch(*case) is reference(*case)
    # The same in newtons, for counts that floats hold exactly.
    assert is_glitch(*(each / 1024 for each in case)) is is_glitch(*case)


@given(COUNTS, COUNTS, COUNTS, COUNTS.map(abs))
def test_a_glitch_is_one_forwards_and_backwards_and_for_a_cell_the_other_way_round(
    before: int, value: int, after: int, jump: int
) -> None:
    assert is_glitch(before, value, after, jump) is is_glitch(after, value, before, jump)
    assert is_glitch(before, value, after, jump) is is_glitch(-before, -value, -after, jump)


@pytest.mark.parametrize("spoilt", [(math.nan, 100.0, 0.0), (0.0, math.nan, 0.0), (0.0, 100.0, math.nan)])
def test_what_is_no_number_makes_no_glitch(spoilt: tuple[float, float, float]) -> None:
    assert is_glitch(0.0, 100.0, 0.0, 10.0)
    assert not is_glitch(*spoilt, 10.0)


CAPACITY_N, RATE_HZ = 50.0, 320
JUMP_N = CAPACITY_N / GLITCH_SHARE


def stroke_n(duration_s: float) -> list[float]:
    """From rest to the cell's capacity and back, 320 samples a second."""
    n = round(duration_s * RATE_HZ)
    return [0.0] * 3 + [CAPACITY_N * math.sin(math.pi * i / n) ** 2 for i in range(n)] + [0.0] * 3


def glitches(force_n: list[float]) -> list[int]:
    inner = range(1, len(force_n) - 1)
    return [i for i in inner if is_glitch(force_n[i - 1], force_n[i], force_n[i + 1], JUMP_N)]


@pytest.mark.parametrize("duration_s", [0.03, 0.06, 0.15, 0.5])
def test_no_stroke_holds_a_glitch_however_hard_it_is(duration_s: float) -> None:
    assert glitches(stroke_n(duration_s)) == []


def test_a_bit_that_turned_over_is_one_but_where_the_force_itself_changes_fast() -> None:
    clean = stroke_n(0.15)
    found = 0
    for i in range(1, len(clean) - 1):
        # Bit 21 of 24, at 2^-17 N per count.
        told = glitches([*clean[:i], clean[i] + 2**21 / 2**17, *clean[i + 1 :]])
        assert told in ([], [i])
        assert told == [i] or abs(clean[i + 1] - clean[i - 1]) > JUMP_N / 2
        found += len(told)
    assert found > len(clean) // 4
