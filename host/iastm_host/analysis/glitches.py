"""Samples that no hand can make, in batches that the tool flagged: strokes, limits and dose pass them over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from iastm_host.events import ForceBlock
from iastm_protocol.glitch import GLITCH_SHARE, is_glitch
from iastm_protocol.kinds import SUSPECTED_GLITCH

NONE: Sequence[int] = ()


class Glitches:
    """Finds the suspected glitches of one tool's blocks, which come in index order; before a capacity is known, none.

    The tool flags whole batches. Which sample it means is found by its own rule (SPEC.md, 4.3) from those beside it.
    The last one of a batch, whose neighbour is still to come, is meant where it jumps and no other one does.
    """

    def __init__(self) -> None:
        self._jump_n = math.inf
        self._before: ForceBlock | None = None
        # The last sample of the block before was one: what follows one is none.
        self._follows = False

    def calibrated(self, capacity_n: float) -> None:
        """Take the capacity of the load cell, in newtons."""
        self._jump_n = capacity_n / GLITCH_SHARE

    def within(self, block: ForceBlock) -> Sequence[int]:
        """Return the positions in `block`, in rising order."""
        before, follows = self._before, self._follows
        self._before, self._follows = block, False
        if not block.flags & SUSPECTED_GLITCH or not len(block.force_n):
            return NONE
        if before is None or before.boot_id != block.boot_id or before.next_index != block.first_index:
            before, follows = None, False
        before_n = float(before.force_n[-1]) if before is not None and len(before.force_n) else None
        found = _found(block.force_n.tolist(), before_n, self._jump_n, follows=follows)
        self._follows = found[-1:] == [len(block.force_n) - 1]
        return found


def parts(n: int, left_out: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of the runs of n samples between those that are left out."""
    begin = 0
    for at in (*left_out, n):
        if begin < at:
            yield begin, at
        begin = at + 1


def _found(samples: list[float], before_n: float | None, jump_n: float, *, follows: bool) -> list[int]:
    found: list[int] = []
    previous_n = before_n
    for i, value_n in enumerate(samples):
        if previous_n is not None and not follows:
            if i + 1 < len(samples):
                follows = is_glitch(previous_n, value_n, samples[i + 1], jump_n)
            else:
                follows = not found and abs(value_n - previous_n) > jump_n
            if follows:
                found.append(i)
        else:
            follows = False
        previous_n = value_n
    return found
