"""The button on a bench: what is a press, which gestures are made of them, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.button import Button
from iastm_firmware.clock import Clock
from iastm_protocol import kinds, messages
from iastm_protocol.gestures import DEBOUNCE_MS, DOUBLE_WITHIN_MS, LONG_MS


def told(bench: Any) -> list[messages.ToolEvent]:
    """The events of the button so far."""
    events = bench.tool.events
    kept = [events.after(number) for number in range(events.last_number)]
    found = [messages.ToolEvent.from_payload(payload) for _, _, payload in kept]
    return [event for event in found if event.kind == kinds.EVENT_BUTTON]


def gestures_of(bench: Any) -> list[int]:
    """The gestures that the tool has told so far."""
    return [event.value for event in told(bench)]


def hold(bench: Any, duration_ms: int, pressed: bool = True) -> None:
    bench.board.pressed = pressed
    bench.run(duration_ms)


@pytest.fixture
def idle(bench: Callable[..., Any]) -> Any:
    made = bench([0] * 40_000)
    made.run(100)
    return made


def test_a_press_is_an_event_of_the_moment_it_began_told_once_it_can_be_no_double_one(idle: Any) -> None:
    hold(idle, 100)
    hold(idle, DOUBLE_WITHIN_MS - 4, False)
    assert told(idle) == []
    hold(idle, 8, False)
    (event,) = told(idle)
    assert event.value == kinds.GESTURE_PRESS
    assert event.tool_us == pytest.approx((200 + DOUBLE_WITHIN_MS) * 1000, abs=5000)
    # Debounced for 30 ms: it began at 130.
    assert event.index == pytest.approx(132 * 320 // 1000, abs=1)


def test_less_than_30_ms_are_no_press_and_a_little_more_are_one(idle: Any) -> None:
    for _ in range(5):
        hold(idle, 28)
        hold(idle, 500, False)
    assert gestures_of(idle) == []
    hold(idle, 36)
    hold(idle, 500, False)
    assert gestures_of(idle) == [kinds.GESTURE_PRESS]


def test_a_bouncing_contact_is_one_press(idle: Any) -> None:
    for duration_ms in (3, 8, 5, 12, 26):
        hold(idle, duration_ms)
        hold(idle, 4, False)
    hold(idle, 60)
    for duration_ms in (4, 9, 20):
        hold(idle, duration_ms, False)
        hold(idle, 6)
    hold(idle, 500, False)
    assert gestures_of(idle) == [kinds.GESTURE_PRESS]


def test_a_second_press_soon_after_makes_both_a_double_one_of_the_moment_the_first_began(idle: Any) -> None:
    hold(idle, 100)
    hold(idle, DOUBLE_WITHIN_MS - 10, False)
    hold(idle, DEBOUNCE_MS + 4)
    (event,) = told(idle)
    assert event.value == kinds.GESTURE_DOUBLE
    assert event.index == pytest.approx(132 * 320 // 1000, abs=1)
    # However long the second one is held, and nothing comes of its end.
    hold(idle, 2000)
    hold(idle, 1000, False)
    assert gestures_of(idle) == [kinds.GESTURE_DOUBLE]


def test_a_second_press_too_late_is_another_press(idle: Any) -> None:
    for pause_ms in (DOUBLE_WITHIN_MS + 4, 1000):
        hold(idle, 100)
        hold(idle, pause_ms, False)
    assert gestures_of(idle) == [kinds.GESTURE_PRESS, kinds.GESTURE_PRESS]


def test_a_long_press_is_told_while_it_is_held_and_once(idle: Any) -> None:
    hold(idle, LONG_MS - 4)
    assert gestures_of(idle) == []
    hold(idle, 8)
    assert gestures_of(idle) == [kinds.GESTURE_LONG]
    hold(idle, 20_000)
    hold(idle, 2000, False)
    assert gestures_of(idle) == [kinds.GESTURE_LONG]


def test_every_press_opens_pairing_when_it_begins_whatever_becomes_of_it(idle: Any) -> None:
    began = []
    idle.tool.press.begin = lambda: began.append(idle.elapsed_us // 1000)
    start_ms = idle.elapsed_us // 1000
    hold(idle, 100)
    hold(idle, 200, False)
    hold(idle, 100)
    assert [at - start_ms for at in began] == [pytest.approx(DEBOUNCE_MS, abs=6), pytest.approx(330, abs=6)]


def played(levels: list[bool], start_us: int) -> tuple[int, list[int]]:
    """Return how many presses began, and the gestures, of one level each millisecond, looked at every other one."""
    now_ms = 0
    button = Button(lambda: levels[now_ms], Clock(lambda: start_us + now_ms * 1000 & 0x3FFFFFFF))
    presses = 0
    found = []
    while now_ms < len(levels):
        gesture = button.step()
        presses += button.pressed_now
        if gesture:
            found.append(gesture)
        now_ms += 2
    return presses, found


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
    presses, found = played(levels + [False] * 1000, start_us)
    assert presses == (len(holds) + 1) // 2
    # Each press is a gesture, or half of one.
    assert sum(2 if gesture == kinds.GESTURE_DOUBLE else 1 for gesture in found) == presses


def plainly(presses_ms: list[tuple[int, int]]) -> list[int]:
    """Gestures by the words of gestures.py, of presses as (how long held, how long let go after it)."""
    found = []
    waits = False
    for held_ms, pause_ms in presses_ms:
        if waits:
            found.append(kinds.GESTURE_DOUBLE)
            waits = False
        elif held_ms >= LONG_MS:
            found.append(kinds.GESTURE_LONG)
        elif pause_ms > DOUBLE_WITHIN_MS:
            found.append(kinds.GESTURE_PRESS)
        else:
            waits = True
    return found


# Not within a look of a limit between two gestures.
_MS = st.integers(36, 1200).filter(lambda ms: min(abs(ms - DOUBLE_WITHIN_MS), abs(ms - LONG_MS)) > 4)


@given(st.lists(st.tuples(_MS, _MS), max_size=8), st.integers(0, 2**30 - 1))
def test_gestures_are_what_their_table_says(presses_ms: list[tuple[int, int]], start_us: int) -> None:
    levels = [False] * 40
    for held_ms, pause_ms in presses_ms:
        levels += [True] * held_ms + [False] * pause_ms
    expected = plainly([*presses_ms[:-1], (presses_ms[-1][0], 2000)] if presses_ms else [])
    assert played(levels + [False] * 2000, start_us) == (len(presses_ms), expected)


def test_a_button_that_is_down_as_the_tool_starts_is_no_press_until_it_was_let_go(bench: Callable[..., Any]) -> None:
    made = bench([0] * 2000, pressed=True)
    hold(made, 2500)
    hold(made, 500, False)
    assert gestures_of(made) == []
    hold(made, 100)
    hold(made, 400, False)
    assert gestures_of(made) == [kinds.GESTURE_PRESS]


def test_a_press_at_the_wrap_of_the_ticks_is_one_press(bench: Callable[..., Any]) -> None:
    made = bench([0] * 2000, start_us=2**30 - 110_000)
    made.run(100)
    hold(made, 100)
    hold(made, 400, False)
    assert gestures_of(made) == [kinds.GESTURE_PRESS]


@pytest.mark.parametrize("error", [OSError(5, "no answer"), ValueError("no such pin")])
def test_a_button_that_can_not_be_read_is_not_down_and_ends_nothing(
    bench: Callable[..., Any], error: Exception
) -> None:
    def failing() -> bool:
        raise error

    made = bench([0] * 2000, button=failing)
    made.run(500)
    assert gestures_of(made) == []
    assert made.tool.sampler.taken > 100
