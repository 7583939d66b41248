"""Samples in index order: what is missing stands as a Gap, what came twice is dropped."""

from __future__ import annotations

from dataclasses import replace

from iastm_host.events import ForceBlock, Gap

MISSING = "samples missing"
RESTARTED = "the tool restarted"


class Timeline:
    """Orders the blocks of one tool; without backfill a jump of the index is a gap at once."""

    def __init__(self) -> None:
        self._boot_id: int | None = None
        self._next_index = 0
        self._next_us = 0

    def add(self, item: ForceBlock | Gap) -> list[ForceBlock | Gap]:
        """Return what can now be told in order: gaps before the item, and the item as far as it is new."""
        if isinstance(item, Gap):
            self._next_index = item.first_index + item.sample_count
            return [item]
        ordered: list[ForceBlock | Gap] = []
        if self._boot_id is None:
            pass
        elif item.boot_id != self._boot_id:
            ordered.append(Gap(self._boot_id, self._next_index, 0, self._next_us, item.period_us, RESTARTED))
        elif item.first_index > self._next_index:
            count = item.first_index - self._next_index
            ordered.append(Gap(item.boot_id, self._next_index, count, self._next_us, item.period_us, MISSING))
        elif item.first_index < self._next_index:
            known = self._next_index - item.first_index
            if known >= len(item.force_n):
                return ordered
            item = without_first(item, known)
        self._boot_id = item.boot_id
        self._next_index = item.next_index
        self._next_us = item.tool_us + round(len(item.force_n) * item.period_us)
        ordered.append(item)
        return ordered


def without_first(block: ForceBlock, count: int) -> ForceBlock:
    """Return `block` less its first `count` samples."""
    return replace(
        block,
        first_index=block.first_index + count,
        tool_us=block.tool_us + round(count * block.period_us),
        force_n=block.force_n[count:],
        raw_counts=None if block.raw_counts is None else block.raw_counts[count:],
    )
