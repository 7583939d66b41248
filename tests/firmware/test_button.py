"""The button on a bench: what is a press, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.button import Button
from iastm_firmware.clock import Clock
from iastm_protocol import kinds, messages


def presses(bench: Any) -> int:
    """How many presses the tool has noted so far, told by its events."""
    tool = bench.tool
    kept = [tool.events.after(number) for number in range(tool.events.last_number)]
    events = [messages.ToolEvent.from_payload(payload) for _, _, payload in kept]
    return sum(event.kind == kinds.EVENT_BUTTON for event in events)


def hold(bench: Any, duration_ms: int, pressed: bool = True) -> None:
    bench.board.pressed = pressed
    bench.run(duration_ms)


@pytest.fixture
def idle(bench: Callable[..., Any]) -> Any:
    made = bench([0] * 40_000)
    made.run(100)
    return made


def test_a_press_is_an_event_that_tells_when(idle: Any) -> None:
    hold(idle, 100)
    hold(idle, 100, False)
    assert presses(idle) == 1
    number, kind, payload = idle.tool.events.after(idle.tool.events.last_number - 1)
    event = messages.ToolEvent.from_payload(payload)
    assert (kind, event.event_id, event.kind, event.value) == (kinds.TOOL_EVENT, number, kinds.EVENT_BUTTON, 0)
    assert 130_000 <= event.tool_us <= 140_000
    assert event.index == pytest.approx(event.tool_us * 320 // 1_000_000, abs=1)


def test_less_than_30_ms_are_no_press_and_a_little_more_are_one(idle: Any) -> None:
    for _ in range(5):
        hold(idle, 28)
        hold(idle, 50, False)
    assert presses(idle) == 0
    hold(idle, 36)
    hold(idle, 50, False)
    assert presses(idle) == 1


def test_a_bouncing_contact_is_one_press(idle: Any) -> None:
    for duration_ms in (3, 8, 5, 12, 26):
        hold(idle, duration_ms)
        hold(idle, 4, False)
    hold(idle, 60)
    assert presses(idle) == 1
    for duration_ms in (4, 9, 20):
        hold(idle, duration_ms, False)
        hold(idle, 6)
    hold(idle, 100, False)
    assert presses(idle) == 1


_BOUNCES_MS = st.lists(st.integers(1, 28), max_size=6)


@given(st.lists(st.tuples(_BOUNCES_MS, st.integers(36, 400)), max_size=12), st.integers(0, 2**30 - 1))
def test_however_a_contact_bounces_each_time_it_stays_down_is_one_press(
    holds: list[tuple[list[int], int]], start_us: int
) -> None:
    levels = [False] * 40
    down = False
    for bounces_ms, hold_ms in holds:
        down = not down
        for n, bounce_ms in enumerate(bounces_ms):
            levels += [down == (n % 2 == 0)] * bounce_ms
        # What lies next to a hold belongs to it, or is shorter than a press.
        levels += [not down] + [down] * hold_ms
    now_ms = 0
    button = Button(lambda: levels[now_ms], Clock(lambda: start_us + now_ms * 1000 & 0x3FFFFFFF))
    found = 0
    while now_ms < len(levels):
        found += button.step()
        now_ms += 2
    assert found == (len(holds) + 1) // 2


def test_one_long_press_is_one_press_and_two_are_two(idle: Any) -> None:
    hold(idle, 20_000)
    assert presses(idle) == 1
    hold(idle, 100, False)
    hold(idle, 100)
    assert presses(idle) == 2


def test_a_button_that_is_down_as_the_tool_starts_is_no_press_until_it_was_let_go(bench: Callable[..., Any]) -> None:
    made = bench([0] * 2000, pressed=True)
    hold(made, 500)
    assert presses(made) == 0
    hold(made, 100, False)
    hold(made, 100)
    assert presses(made) == 1


def test_a_press_at_the_wrap_of_the_ticks_is_one_press(bench: Callable[..., Any]) -> None:
    made = bench([0] * 2000, start_us=2**30 - 110_000)
    made.run(100)
    hold(made, 100)
    assert presses(made) == 1


def test_a_button_that_can_not_be_read_is_not_down_and_ends_nothing(bench: Callable[..., Any]) -> None:
    def failing() -> bool:
        raise OSError(5, "no answer")

    made = bench([0] * 2000, button=failing)
    made.run(500)
    assert presses(made) == 0
    assert made.tool.sampler.taken > 100
