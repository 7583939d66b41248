"""The newest seconds of force in a fixed ring, placed by index: NaN until a sample is there.

What a tool sampled before it restarted stays, at indices below those of the new boot, as far back as it arrived
earlier; what lies between is missing.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from iastm_host.analysis.saturation import at_rail
from iastm_host.app.snapshot import Trace
from iastm_host.events import ForceBlock, Gap
from iastm_host.tool.timeline import RESTARTED

_GAPS_KEPT = 100
_BOOTS_KEPT = 8


class TraceRing:
    """Holds the last `length_s` seconds at `rate_hz`."""

    def __init__(self, rate_hz: float, length_s: float) -> None:
        self._size = max(16, round(rate_hz * length_s))
        self._period_us = 1e6 / rate_hz
        self._force_n = np.full(self._size, np.nan)
        self._saturated = np.zeros(self._size, dtype=np.bool_)
        self._gaps: deque[tuple[int, int, str]] = deque(maxlen=_GAPS_KEPT)
        self._earlier: tuple[tuple[int, int], ...] = ()
        self._boot_id = 0
        self._start_index = 0
        self._next_index = 0
        self._last_tool_us = 0
        self._arrived_us = 0

    @property
    def force_n(self) -> float | None:
        """The newest force, None before the first sample."""
        if self._next_index == self._start_index:
            return None
        return float(self._force_n[(self._next_index - 1) % self._size])

    def add(self, item: ForceBlock | Gap) -> None:
        """Place a block by its index, whenever it comes, or note a gap."""
        if isinstance(item, Gap):
            if item.boot_id == self._boot_id:
                end = item.first_index + item.sample_count
                self._reach(end)
                self._gaps.append((item.first_index, end, item.reason))
            return
        if self._next_index == self._start_index:
            self._boot_id = item.boot_id
            self._start_index = self._next_index = item.first_index
        elif item.boot_id != self._boot_id:
            self._begin_anew(item)
        # Of a tool that restarted, what it sampled before it streamed again may be fetched.
        self._start_index = min(self._start_index, item.first_index)
        newest = item.next_index >= self._next_index
        self._reach(item.next_index)
        self._put(item)
        if newest:
            self._period_us = item.period_us
            self._last_tool_us = item.tool_us + round((len(item.force_n) - 1) * item.period_us)
            self._arrived_us = item.arrived_us

    def snapshot(self) -> Trace:
        """Return a copy of the newest samples."""
        n = min(self._next_index - self._start_index, self._size)
        first = self._next_index - n
        at = first % self._size
        order = slice(at, at + n)
        if at + n <= self._size:
            force_n, saturated = self._force_n[order].copy(), self._saturated[order].copy()
        else:
            rest = at + n - self._size
            force_n = np.concatenate((self._force_n[at:], self._force_n[:rest]))
            saturated = np.concatenate((self._saturated[at:], self._saturated[:rest]))
        gaps = tuple(gap for gap in self._gaps if gap[1] > first)
        return Trace(
            self._boot_id,
            first,
            self._period_us,
            force_n,
            saturated,
            self._last_tool_us,
            self._arrived_us,
            gaps,
            self._earlier,
        )

    def recent(self, length_s: float) -> np.ndarray:
        """Return the newest `length_s` seconds of force."""
        n = min(round(length_s * 1e6 / self._period_us), self._next_index - self._start_index, self._size)
        return self._force_n[np.arange(self._next_index - n, self._next_index) % self._size]

    def _begin_anew(self, block: ForceBlock) -> None:
        """Let the indices be those of the boot of `block`, and put what is there as far before it as it arrived."""
        before = self.snapshot()
        between = round((block.arrived_us - before.last_arrived_us) / self._period_us) - len(block.force_n)
        end = block.first_index - max(0, between)
        first = end - len(before.force_n)
        shift = first - before.first_index
        kept = (*((boot_id, by + shift) for boot_id, by in self._earlier), (self._boot_id, shift))
        self._earlier = kept[-_BOOTS_KEPT:]
        self._boot_id, self._start_index, self._next_index = block.boot_id, first, end
        self._force_n.fill(np.nan)
        self._saturated.fill(False)
        self._write(self._force_n, first, before.force_n)
        self._write(self._saturated, first, before.saturated)
        # What was still waited for can't be had any more; of the new boot, whose count began at 0, it can.
        self._gaps.clear()
        for start, stop in _missing(before.force_n):
            self._gaps.append((first + start, first + stop, RESTARTED))
        lost_until = min(0, block.first_index)
        if end < lost_until:
            self._gaps.append((end, lost_until, RESTARTED))

    def _reach(self, end: int) -> None:
        """Let the ring end at `end`: what lies between is missing until it is placed."""
        count = end - self._next_index
        if count <= 0:
            return
        if count >= self._size:
            self._force_n.fill(np.nan)
            self._saturated.fill(False)
        else:
            self._write(self._force_n, self._next_index, np.full(count, np.nan))
            self._write(self._saturated, self._next_index, np.zeros(count, dtype=np.bool_))
        self._next_index = end

    def _put(self, block: ForceBlock) -> None:
        skipped = max(0, self._next_index - self._size - block.first_index)
        force_n = block.force_n[skipped:]
        if not len(force_n):
            return
        if block.raw_counts is None:
            rail = np.zeros(len(force_n), dtype=np.bool_)
        else:
            rail = at_rail(block.raw_counts[skipped:])
        self._write(self._force_n, block.first_index + skipped, force_n)
        self._write(self._saturated, block.first_index + skipped, rail)

    def _write(self, ring: np.ndarray, first: int, values: np.ndarray) -> None:
        at = first % self._size
        head = min(len(values), self._size - at)
        ring[at : at + head] = values[:head]
        ring[: len(values) - head] = values[head:]


def _missing(force_n: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, end) of every run of NaN."""
    flags = np.concatenate([[0], np.isnan(force_n).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(flags)).tolist()
    return list(zip(edges[0::2], edges[1::2], strict=True))
