"""Samples in index order: what is missing is waited for where it can be fetched, and else stands as a Gap."""

from __future__ import annotations

from bisect import insort
from dataclasses import replace

from iastm_host.events import ForceBlock, Gap

MISSING = "samples missing"
RESTARTED = "the tool restarted"
NOT_KEPT = "the tool no longer had these samples"
NOT_FETCHED = "these samples could not be fetched"
NOT_SEEN = "the link was gone at the end: what the tool sampled from here on was not seen"


class Timeline:
    """Orders the blocks of one tool.

    `waits`: the tool can send samples again, so blocks behind a hole are held until it is filled or given up; without
    it a jump of the index is a gap at once.
    """

    def __init__(self) -> None:
        self.waits = False
        self._boot_id: int | None = None
        self._next_index = 0
        self._next_us = 0
        self._period_us = 0.0
        self._held: list[ForceBlock] = []

    @property
    def next_index(self) -> int:
        """The index up to which all is told."""
        return self._next_index

    @property
    def hole(self) -> tuple[int, int] | None:
        """The oldest hole that is waited for: (first index, number of samples), None where there is none."""
        if not self._held:
            return None
        return self._next_index, self._held[0].first_index - self._next_index

    def stretch(self, across: int, most: int) -> tuple[int, int] | None:
        """The oldest hole, with those that follow it with at most `across` samples between: (first index, samples).

        It stops growing at `most` samples.
        """
        if not self._held:
            return None
        end, known = self._held[0].first_index, self._held[0].next_index
        for block in self._held:
            if block.first_index > known:
                if known - end > across or known - self._next_index >= most:
                    break
                end = block.first_index
            known = max(known, block.next_index)
        return self._next_index, end - self._next_index

    @property
    def end_index(self) -> int:
        """The index after the newest sample, whether it is told or held."""
        return self._held[-1].next_index if self._held else self._next_index

    @property
    def missing_samples(self) -> int:
        """How many samples are waited for."""
        missing, at = 0, self._next_index
        for block in self._held:
            missing += max(0, block.first_index - at)
            at = max(at, block.next_index)
        return missing

    def add(self, item: ForceBlock | Gap) -> list[ForceBlock | Gap]:
        """Return what can now be told in order. A Gap says that its samples can't be had."""
        if (
            isinstance(item, ForceBlock)
            and not self._held
            and (item.boot_id, item.first_index) == (self._boot_id, self._next_index)
        ):
            # The usual case, many times a second for each tool.
            self._tell(item)
            return [item]
        ordered: list[ForceBlock | Gap] = []
        if isinstance(item, Gap):
            if item.boot_id == self._boot_id:
                self._lose(item, ordered)
            return ordered
        if self._boot_id is not None and item.boot_id != self._boot_id:
            ordered += self.flush(NOT_FETCHED)
            ordered.append(Gap(self._boot_id, self._next_index, 0, self._next_us, item.period_us, RESTARTED))
            # The session ran on: what the tool sampled since it started belongs to it.
            self._boot_id = item.boot_id
            self._next_index = 0
            self._next_us = item.tool_us - round(item.first_index * item.period_us)
        if self._boot_id is None:
            self._boot_id = item.boot_id
            self._next_index = item.first_index
        insort(self._held, item, key=_first_index)
        self._drain(ordered)
        if not self.waits:
            ordered += self.flush(MISSING)
        return ordered

    def flush(self, reason: str) -> list[ForceBlock | Gap]:
        """Give up every hole, and return what was held behind them."""
        ordered: list[ForceBlock | Gap] = []
        while self._held:
            first, samples = self.hole or (self._next_index, 0)
            boot_id, period_us = self._held[0].boot_id, self._held[0].period_us
            self._lose(Gap(boot_id, first, samples, self._next_us, period_us, reason), ordered)
        return ordered

    def end(self, reason: str) -> list[ForceBlock | Gap]:
        """Return that from here on nothing is known, as a gap of no known length; nothing where no sample came."""
        if self._boot_id is None:
            return []
        return [Gap(self._boot_id, self._next_index, 0, self._next_us, self._period_us, reason)]

    def _lose(self, gap: Gap, ordered: list[ForceBlock | Gap]) -> None:
        """Tell what `gap` takes of the oldest holes, between what came; one that begins elsewhere is not due yet."""
        end = gap.first_index + gap.sample_count
        while gap.first_index <= self._next_index < end:
            until = min(end, self._held[0].first_index) if self._held else end
            count = until - self._next_index
            if count > 0:
                ordered.append(replace(gap, first_index=self._next_index, sample_count=count, tool_us=self._next_us))
                self._next_index = until
                self._next_us += round(count * gap.period_us)
            self._drain(ordered)
        self._drain(ordered)

    def _drain(self, ordered: list[ForceBlock | Gap]) -> None:
        done = 0
        for block in self._held:
            known = self._next_index - block.first_index
            if known < 0:
                break
            done += 1
            if known >= len(block.force_n):
                continue
            ordered.append(without_first(block, known) if known else block)
            self._tell(block)
        del self._held[:done]

    def _tell(self, block: ForceBlock) -> None:
        self._next_index = block.next_index
        self._next_us = block.tool_us + round(len(block.force_n) * block.period_us)
        self._period_us = block.period_us


def without_first(block: ForceBlock, count: int) -> ForceBlock:
    """Return `block` less its first `count` samples."""
    return replace(
        block,
        first_index=block.first_index + count,
        tool_us=block.tool_us + round(count * block.period_us),
        force_n=block.force_n[count:],
        raw_counts=None if block.raw_counts is None else block.raw_counts[count:],
    )


def _first_index(block: ForceBlock) -> int:
    return block.first_index
