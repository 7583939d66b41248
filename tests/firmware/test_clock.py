from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock, ticks_after, ticks_between, write_time

_WRAP = 1 << 30
_EIGHT_MINUTES_US = 480_000_000


def _written(clock: Clock, ticks: int) -> int:
    buffer = bytearray(8)
    write_time(clock.wraps_at(ticks), ticks, buffer, 1)
    assert (buffer[0], buffer[7]) == (0, 0)
    low, high = struct.unpack("<HI", buffer[1:7])
    return int(low | high << 16)


@given(
    st.integers(0, _WRAP - 1),
    st.lists(st.integers(0, _EIGHT_MINUTES_US), max_size=40),
    st.integers(-_EIGHT_MINUTES_US, _EIGHT_MINUTES_US),
)
def test_tool_time_runs_on_over_every_wrap(start_us: int, steps_us: list[int], other_us: int) -> None:
    now_us = start_us
    clock = Clock(lambda: now_us % _WRAP)
    for step_us in steps_us:
        now_us += step_us
        assert clock.now() == now_us % _WRAP
        assert clock.time_us(now_us % _WRAP) == now_us
        assert _written(clock, now_us % _WRAP) == now_us
    # A conversion waits in its queue while the clock wraps, or is taken just after it was read.
    if now_us + other_us >= 0:
        assert clock.time_us((now_us + other_us) % _WRAP) == now_us + other_us
        assert _written(clock, (now_us + other_us) % _WRAP) == now_us + other_us


@given(st.integers(0, _WRAP - 1), st.integers(-(1 << 29), (1 << 29) - 1))
def test_ticks_between_has_the_sign_of_their_order(earlier: int, span_us: int) -> None:
    assert ticks_between(earlier, (earlier + span_us) % _WRAP) == span_us


@given(st.integers(0, _WRAP - 1), st.integers(0, (1 << 29) - 1))
def test_ticks_after_is_the_way_back_of_ticks_between(ticks: int, span_us: int) -> None:
    assert ticks_after(ticks, span_us) == (ticks + span_us) % _WRAP
    assert ticks_between(ticks, ticks_after(ticks, span_us)) == span_us


def test_48_bits_reach_for_years() -> None:
    clock = Clock(lambda: 5)
    clock._wraps = (1 << 18) - 1
    assert _written(clock, 5) == ((1 << 18) - 1 << 30) + 5
