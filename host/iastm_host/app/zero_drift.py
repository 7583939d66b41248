"""How zero drifts while a tool is in use: followed through rests, told, and never applied.

A rest is three seconds out of contact in which the force hardly varies. A tool in a hand hangs now so and now so, and
the weight of its tip moves what it reads: rests scatter by that, and what they scatter by counts as doubt.
"""

from __future__ import annotations

import math

from iastm_calibration.zero_tracking import ZeroDrift, ZeroTracker
from iastm_host.events import ForceBlock, ZeroReport

REST_S = 3.0
# Wider than what a cell's noise and a hand in the air make.
REST_RANGE_N = 0.2
# Told from here on: of a target of 5 N it is 6 %. Ours.
LIMIT_N = 0.3
# Fewer could be a tip that leaned on something once or twice.
RESTS_ASKED = 3
# What a mean of three seconds is worth by itself: a hand sways by some hundredths.
_REST_STANDARD_N = 0.02


class ZeroDriftWatch:
    """Takes samples as they arrive; `drift` is what the rests so far say, None before there are enough of them."""

    def __init__(self) -> None:
        self._tracker = ZeroTracker(LIMIT_N)
        self._rests = 0
        self._boot_id: int | None = None
        self._zero_counts: int | None = None
        self._drift: ZeroDrift | None = None
        self._low, self._high = math.inf, -math.inf
        self._sum, self._count = 0.0, 0
        self._next_index: int | None = None

    @property
    def drift(self) -> ZeroDrift | None:
        """How far zero is off, and how fast it moves."""
        return self._drift if self._rests >= RESTS_ASKED else None

    def reported(self, zero: ZeroReport) -> None:
        """Take the zero in force: another one ends what was known of the one before."""
        if zero.counts != self._zero_counts:
            self._forget()
        self._zero_counts = zero.counts

    def feed(self, block: ForceBlock, *, in_contact: bool) -> None:
        """Take a block as it arrived, and whether the tool touches by now."""
        if block.boot_id != self._boot_id:
            # Its clock began anew.
            self._forget()
            self._boot_id = block.boot_id
        low, high = float(block.force_n.min()), float(block.force_n.max())
        if in_contact or not math.isfinite(high - low) or block.first_index != self._next_index:
            self._begin()
        self._next_index = block.next_index
        if in_contact:
            return
        self._low, self._high = min(self._low, low), max(self._high, high)
        if self._high - self._low > REST_RANGE_N:
            self._begin()
            self._next_index = block.next_index
            return
        self._sum += float(block.force_n.sum())
        self._count += len(block.force_n)
        if self._count * block.period_us >= REST_S * 1e6:
            self._drift = self._tracker.feed(block.tool_us / 1e6, self._sum / self._count, _REST_STANDARD_N)
            self._rests += 1
            self._begin()
            self._next_index = block.next_index

    def _begin(self) -> None:
        self._low, self._high = math.inf, -math.inf
        self._sum, self._count = 0.0, 0
        self._next_index = None

    def _forget(self) -> None:
        self._tracker.zero_was_set()
        self._rests = 0
        self._drift = None
        self._begin()
