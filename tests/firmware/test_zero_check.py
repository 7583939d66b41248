from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iastm_firmware.zero_check import ZeroCheck
from iastm_protocol import kinds, messages

_CHANCE = random.Random(2)
_NOISE = [round(_CHANCE.gauss(0, 4)) for _ in range(4000)]


def _at(counts: int, n: int, first: int = 0) -> list[int]:
    return [counts + each for each in _NOISE[first : first + n]]


class Checked:
    """A tool on the bench that was just switched on, and the comparison of its zero."""

    def __init__(self, bench: Callable[..., Any], counts: list[int], **settings: Any) -> None:
        self.bench = bench(counts, **{"zero_confirmed": False, **settings})
        self.check = ZeroCheck(self.bench.tool)

    def run(self, ms: int) -> None:
        for _ in range(ms // 10):
            self.bench.run(10)
            self.check.step()

    def told(self) -> list[tuple[int, int]]:
        """(index, value) of every comparison that was told."""
        events = self.bench.tool.events
        found = []
        for number in range(events.last_number):
            event = messages.ToolEvent.from_payload(events.after(number)[2])
            if event.kind == kinds.EVENT_ZERO_COMPARED:
                found.append((event.index, event.value))
        return found


@pytest.mark.parametrize(("zero_counts", "shown"), [(0, 0), (1000, 1400), (-5000, 3000), (8_000_000, -8_000_000)])
@pytest.mark.parametrize("polarity", [1, -1])
def test_at_rest_the_difference_from_the_stored_zero_is_told_once(
    bench: Callable[..., Any], zero_counts: int, shown: int, polarity: int
) -> None:
    coefficients = (0.0, polarity / 1000)
    if abs(zero_counts) > 2**22:
        coefficients = (0.0, -1 / 1000)
    c = Checked(bench, _at(shown, 2000), zero_counts=zero_counts, coefficients=coefficients)
    c.run(6000)
    ((index, value),) = c.told()
    assert abs(value - (shown - zero_counts)) <= 1
    assert 320 <= index <= 340
    assert c.check.done


def test_it_is_told_within_a_second_and_a_little_of_rest(bench: Callable[..., Any]) -> None:
    c = Checked(bench, _at(50, 2000))
    c.run(990)
    assert c.told() == []
    c.run(100)
    assert len(c.told()) == 1


@pytest.mark.parametrize("rate_mhz", [10_000, 80_000, 320_000, 1_000_000])
def test_at_any_rate_it_is_a_second_of_rest(bench: Callable[..., Any], rate_mhz: int) -> None:
    c = Checked(bench, _at(50, 4000), rate_mhz=rate_mhz)
    c.run(900)
    assert c.told() == []
    c.run(1000)
    assert len(c.told()) == 1


def test_while_it_is_moved_nothing_is_told_and_after_it_came_to_rest_it_is(bench: Callable[..., Any]) -> None:
    chance = random.Random(3)
    moved = [chance.randrange(2000) for _ in range(3 * 320)]
    c = Checked(bench, moved + _at(120, 1000))
    c.run(3000)
    assert c.told() == []
    c.run(2000)
    ((index, value),) = c.told()
    assert abs(value - 120) <= 1
    assert index >= 4 * 320


def test_a_hand_that_lets_go_within_the_second_begins_it_anew(bench: Callable[..., Any]) -> None:
    c = Checked(bench, _at(0, 300) + [4000] * 10 + _at(70, 1000))
    c.run(4000)
    ((index, value),) = c.told()
    assert abs(value - 70) <= 1
    assert 630 <= index <= 660


def test_a_slow_drift_is_no_rest(bench: Callable[..., Any]) -> None:
    # 0.3 N a second.
    c = Checked(bench, [i * 300 // 320 for i in range(3000)])
    c.run(9000)
    assert c.told() == []


@pytest.mark.parametrize("counts", [5000, kinds.COUNTS_MAX, kinds.COUNTS_MIN])
def test_a_frozen_converter_or_one_at_its_rail_shows_no_rest(bench: Callable[..., Any], counts: int) -> None:
    c = Checked(bench, [counts] * 2000 + _at(10, 1000, 5))
    c.run(6000)
    assert c.told() == []
    c.run(3000)
    assert [abs(value - 10) <= 1 for _, value in c.told()] == [True]


def test_a_converter_that_comes_and_goes_at_its_rail_shows_no_rest(bench: Callable[..., Any]) -> None:
    c = Checked(bench, [kinds.COUNTS_MAX, kinds.COUNTS_MAX - 3] * 1000)
    c.run(6000)
    assert c.told() == []


def test_a_silent_converter_shows_no_rest(bench: Callable[..., Any]) -> None:
    c = Checked(bench, [1, 2, 3])
    c.run(6000)
    assert c.told() == []
    assert not c.check.done


def test_a_zero_that_was_confirmed_meanwhile_is_not_compared(bench: Callable[..., Any]) -> None:
    c = Checked(bench, _at(500, 2000))
    c.run(500)
    c.bench.tool.set_zero(500)
    c.run(5000)
    assert c.told() == []
    assert c.check.done


def test_a_tool_whose_zero_is_confirmed_from_the_start_compares_nothing(bench: Callable[..., Any]) -> None:
    c = Checked(bench, _at(500, 2000), zero_confirmed=True)
    c.run(5000)
    assert (c.told(), c.check.done) == ([], True)


def test_it_never_sets_the_zero(bench: Callable[..., Any]) -> None:
    c = Checked(bench, _at(400, 2000))
    c.run(5000)
    zero = c.bench.tool.settings.zero
    assert (zero.counts, zero.confirmed) == (0, False)


@settings(max_examples=40)
@given(
    parts=st.lists(
        st.tuples(st.integers(-3000, 3000), st.integers(20, 500), st.sampled_from([0, 3, 60, 400])), max_size=6
    ),
    seed=st.integers(0, 99),
)
def test_it_is_told_exactly_where_a_second_was_at_rest(
    bench: Callable[..., Any], parts: list[tuple[int, int, int]], seed: int
) -> None:
    chance = random.Random(seed)
    counts = [level + chance.randint(-swing, swing) for level, n, swing in parts for _ in range(n)]
    c = Checked(bench, counts)
    c.run(len(counts) * 1000 // 320 + 200)

    def lies_still(begin: int, n: int) -> bool:
        # 0.16 N of this cell.
        return max(counts[begin : begin + n]) - min(counts[begin : begin + n]) <= 160

    told = c.told()
    if told:
        ((index, value),) = told
        # The batch in which the second was full may have begun before its end.
        assert any(lies_still(begin, 314) for begin in range(max(0, index - 340), index - 313))
        assert min(counts[max(0, index - 340) : index]) <= value <= max(counts[max(0, index - 340) : index])
    elif all(swing for _, _, swing in parts):
        # A second that began before the rest did may end within it, and then one more is needed.
        assert not any(lies_still(begin, 680) for begin in range(0, len(counts) - 680, 5))
