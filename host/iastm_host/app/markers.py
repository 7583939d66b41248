"""Where the markers and steps of a recording stand among its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from iastm_host.events import ForceBlock
from iastm_host.records.entries import Marker, Step

_Placed = TypeVar("_Placed", Marker, Step)


class MarkersInOrder(Generic[_Placed]):
    """Hands each marker (or each step) out once, with the tool time of its sample.

    `left` are those whose sample was never passed.
    """

    def __init__(self, markers: Sequence[_Placed]) -> None:
        self.left: list[_Placed] = sorted(markers, key=lambda marker: (marker.index, marker.number))

    def within(self, block: ForceBlock) -> Iterator[tuple[_Placed, int]]:
        """Yield (marker, tool_us) up to the last sample of `block`; blocks come in index order.

        A marker whose own sample is missing stands where that sample was due.
        """
        for marker in [m for m in self.left if m.boot_id == block.boot_id and m.index < block.next_index]:
            self.left.remove(marker)
            yield marker, block.tool_us + round((marker.index - block.first_index) * block.period_us)
