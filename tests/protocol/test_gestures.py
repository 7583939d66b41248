"""One table of gestures: each has a number of its own, and the times leave room for one another."""

from __future__ import annotations

from iastm_protocol import kinds
from iastm_protocol.gestures import (
    DEBOUNCE_MS,
    DOUBLE_WITHIN_MS,
    GESTURES,
    HOLD_AT_START,
    LONG_MS,
    SAFE_HOLD_MS,
)


def test_every_gesture_of_the_wire_stands_in_the_table_once_and_in_words() -> None:
    numbers = {
        value for name, value in vars(kinds).items() if name.startswith("GESTURE_") and name != "GESTURE_NOT_TOLD"
    }
    assert sorted(gesture.number for gesture in GESTURES) == sorted(numbers)
    assert HOLD_AT_START.number == kinds.GESTURE_NOT_TOLD
    every = (*GESTURES, HOLD_AT_START)
    for field in ("number", "name", "does"):
        assert len({getattr(gesture, field) for gesture in every}) == len(every)


def test_no_single_gesture_sets_zero() -> None:
    assert not [gesture for gesture in GESTURES if "zero" in gesture.does]


def test_the_times_can_be_told_apart() -> None:
    # Two presses and the wait between them are longer than what is debounced, and a long press is none of the two.
    assert 2 * DEBOUNCE_MS < DOUBLE_WITHIN_MS < LONG_MS < SAFE_HOLD_MS
