"""Samples that no hand can make, in batches that the tool flagged: strokes, limits and dose pass them over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import ForceBlock
from iastm_protocol.glitch import GLITCH_SHARE, is_glitch
from iastm_protocol.kinds import SUSPECTED_GLITCH


@dataclass(frozen=True, slots=True)
class Found:
    """What was found with a block: `within` are positions in it, in rising order.

    `before`: the last sample of the block before, which waited, is one. `waits`: whether the last sample of this block
    is one is seen with the next block; where there is none right after it, it is force.
    """

    within: Sequence[int] = ()
    before: bool = False
    waits: bool = False


class Glitches:
    """Finds the suspected glitches of one tool's blocks, which come in index order; before a capacity is known, none.

    The tool flags whole batches. Which sample it means is found by its own rule (SPEC.md, 4.3) from those beside it,
    also over the end of a batch.
    """

    def __init__(self) -> None:
        self._jump_n = math.inf
        self._before: ForceBlock | None = None
        # Of the last sample: it was one (what follows one is none), or it waits, and the one before it.
        self._follows = False
        self._waits = False
        self._last_but_one_n: float | None = None

    def calibrated(self, capacity_n: float) -> None:
        """Take the capacity of the load cell, in newtons."""
        self._jump_n = capacity_n / GLITCH_SHARE

    def within(self, block: ForceBlock) -> Found:
        """Return what is found with `block`."""
        n = len(block.force_n)
        if not n:
            return Found()
        before = self._before
        if before is None or before.boot_id != block.boot_id or before.next_index != block.first_index:
            self._follows = self._waits = False
            self._last_but_one_n = last_n = None
        else:
            last_n = float(before.force_n[-1])
        was_one = self._waits and is_glitch(self._last_but_one_n, last_n, float(block.force_n[0]), self._jump_n)
        self._before, self._waits = block, False
        self._follows = self._follows or was_one
        within: Sequence[int] = ()
        if block.flags & SUSPECTED_GLITCH:
            within = self._look(block.force_n.tolist(), last_n)
        else:
            self._follows = False
        self._last_but_one_n = float(block.force_n[-2]) if n > 1 else last_n
        return Found(within, was_one, self._waits)

    def _look(self, samples: list[float], last_n: float | None) -> list[int]:
        found: list[int] = []
        previous_n, follows = last_n, self._follows
        for i, value_n in enumerate(samples):
            is_one = False
            if previous_n is not None and not follows:
                if i + 1 < len(samples):
                    is_one = is_glitch(previous_n, value_n, samples[i + 1], self._jump_n)
                else:
                    self._waits = abs(value_n - previous_n) > self._jump_n
            if is_one:
                found.append(i)
            previous_n, follows = value_n, is_one
        self._follows = follows
        return found


def bridged(force_n: NDArray[np.float64], rows: Sequence[int]) -> NDArray[np.float64]:
    """Return the forces (n,), in newtons, with a straight line where glitches were, at `rows`, which are not all."""
    if not rows:
        return force_n
    kept = np.delete(np.arange(len(force_n)), rows)
    straight = force_n.copy()
    straight[rows] = np.interp(rows, kept, force_n[kept])
    return straight


def glitch_note(count: int) -> str:
    """Return in words that samples were passed over."""
    return f"suspected glitches passed over: {count}"


def parts(n: int, left_out: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of the runs of n samples between those that are left out."""
    begin = 0
    for at in (*left_out, n):
        if begin < at:
            yield begin, at
        begin = at + 1
