"""What the tool's motion sensor tells of strokes, brought to the strokes that the host derives by itself.

The tool tells it of strokes of its own; which of ours is meant is seen from the samples that both hold. What it tells
may come before our stroke is known, or after it, where samples had to be fetched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from iastm_host.events import Stroke, StrokeMotion, StrokeTold

PAUSED = "paused"
"""Why a stroke counts for nothing: the session was paused."""

# As many as a link that was away for the tool's whole memory may bring at once, and some more.
_KEPT = 512


class StrokesWithMotion:
    """Brings both together, whichever comes first."""

    def __init__(self) -> None:
        self._strokes: deque[Stroke] = deque(maxlen=_KEPT)
        self._motions: deque[StrokeMotion] = deque(maxlen=_KEPT)
        self._told: dict[tuple[int, int], StrokeTold] = {}

    def add_stroke(self, stroke: Stroke) -> list[StrokeTold]:
        """Take a stroke; return what is known of it."""
        if len(self._strokes) == _KEPT:
            self._told.pop(_key(self._strokes[0]), None)
        self._strokes.append(stroke)
        return self._tell(stroke)

    def add_motion(self, motion: StrokeMotion) -> list[StrokeTold]:
        """Take what the tool tells; return what is known now of each stroke that it is about."""
        self._motions.append(motion)
        return [told for stroke in self._strokes if overlaps(motion, stroke) for told in self._tell(stroke)]

    def _tell(self, stroke: Stroke) -> list[StrokeTold]:
        about = [motion for motion in self._motions if overlaps(motion, stroke)]
        if not about:
            return []
        told = told_of(stroke, about)
        if self._told.get(_key(stroke)) == told:
            return []
        self._told[_key(stroke)] = told
        return [told]


def told_of(stroke: Stroke, about: Sequence[StrokeMotion]) -> StrokeTold:
    """Return what is known of `stroke` by those of the tool's that share samples with it, one at least."""
    direction, pass_length_mm, source, excluded = merged(about)
    annotated = replace(stroke, direction=direction, pass_length_mm=pass_length_mm, source=source)
    return StrokeTold(annotated, excluded)


def merged(about: Sequence[StrokeMotion]) -> tuple[int, int | None, str, str]:
    """Return direction, length, source and why it is none, of what is told of one stroke, once at least.

    Of several strokes of the tool in one of ours no direction or length is that of the whole; one that is excluded
    excludes it.
    """
    excluded = next((motion.excluded for motion in about if motion.excluded), "")
    direction, pass_length_mm = (about[0].direction, about[0].pass_length_mm) if len(about) == 1 else (0, None)
    return direction, pass_length_mm, about[0].source, excluded


def overlaps(motion: StrokeMotion, stroke: Stroke) -> bool:
    """Whether both hold a sample."""
    return (
        motion.boot_id == stroke.boot_id
        and motion.first_index <= stroke.last_index
        and stroke.first_index <= motion.last_index
    )


def _key(stroke: Stroke) -> tuple[int, int]:
    return stroke.boot_id, stroke.first_index
