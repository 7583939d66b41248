"""What is done with the tool's one button, and what each gesture does: firmware, window and documents read this table.

A press counts from DEBOUNCE_MS of contact on. It is a long one as soon as it has lasted LONG_MS. Another press that
begins within DOUBLE_WITHIN_MS after the end of a shorter one makes both a double press; where none does, it was a
single one. Nothing else is a gesture, and zero is set by none: taken in contact it would falsify every force after it.
"""

from collections import namedtuple

from iastm_protocol import kinds

DEBOUNCE_MS = 30
DOUBLE_WITHIN_MS = 350
LONG_MS = 800
SAFE_HOLD_MS = 1500


class Gesture(namedtuple("Gesture", ("number", "name", "does"))):
    """A gesture: its number in EVENT_BUTTON, its name, and what it does, in words for a person."""


GESTURES = (
    Gesture(kinds.GESTURE_PRESS, "press", "sets a marker"),
    Gesture(kinds.GESTURE_LONG, "long press", "pauses the session, or goes on with it"),
    Gesture(kinds.GESTURE_DOUBLE, "double press", "goes to the next region"),
)
# For SAFE_HOLD_MS while the tool starts. It has no number: there is no link then.
HOLD_AT_START = Gesture(
    kinds.GESTURE_NOT_TOLD, "hold at start", "starts in safe mode: nothing is measured, the console can be used"
)
