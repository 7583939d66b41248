"""The newest unbroken samples: what a gap, a restart or the converter's rail lies before is forgotten."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iastm_host.analysis.saturation import at_rail, is_saturated
from iastm_host.events import ForceBlock

Floats = NDArray[np.float64]

KEPT_S = 4.0
# Tool time that jumps though no index is missing.
_TIME_SLACK_US = 500_000.0


class SampleWindow:
    """The last seconds of one gauge: values (raw counts, or newtons where it tells none), tool and host times in µs.

    A block that was seen, wholly or in part, is taken once: events come as they arrive and again in order.
    """

    def __init__(self, *, in_newtons: bool = False) -> None:
        self.values: Floats = np.empty(0)
        self.tool_us: Floats = np.empty(0)
        self.host_us: Floats = np.empty(0)
        self.period_us = 0.0
        self.boot_id: int | None = None
        self.saturated = False
        self.last_arrived_us: int | None = None
        self._in_newtons = in_newtons
        self._next_index = 0
        # Boots that are over: what is told of them late is of no more interest.
        self._over: set[int] = set()

    def feed(self, block: ForceBlock) -> bool:
        """Take samples and tell whether any are new; those of before what is here are passed over."""
        if block.boot_id in self._over:
            return False
        if block.boot_id != self.boot_id:
            self.clear()
            if self.boot_id is not None:
                self._over.add(self.boot_id)
            self.boot_id = block.boot_id
            self._next_index = block.first_index
        skipped = max(0, self._next_index - block.first_index)
        if skipped >= len(block.force_n):
            return False
        values = block.force_n if self._in_newtons or block.raw_counts is None else block.raw_counts.astype(np.float64)
        if block.first_index > self._next_index:
            self.clear()
        self._next_index = block.next_index
        self.last_arrived_us = block.arrived_us
        self.saturated = is_saturated(block) or (block.raw_counts is not None and bool(at_rail(block.raw_counts).any()))
        if self.saturated or not np.isfinite(values).all():
            self.clear()
            return True
        places = np.arange(skipped, len(values))
        tool_us = block.tool_us + places * block.period_us
        if len(self.tool_us) and abs(tool_us[0] - self.tool_us[-1] - block.period_us) > _TIME_SLACK_US:
            self.clear()
        # The last sample of a block was taken when it arrived, as far as the host can know.
        host_us = block.arrived_us - (len(values) - 1 - places) * block.period_us
        first = int(np.searchsorted(self.tool_us, tool_us[-1] - KEPT_S * 1e6))
        self.values = np.concatenate((self.values[first:], values[skipped:]))
        self.tool_us = np.concatenate((self.tool_us[first:], tool_us))
        self.host_us = np.concatenate((self.host_us[first:], host_us))
        self.period_us = block.period_us
        return True

    def clear(self) -> None:
        """Forget what is here."""
        self.values = self.tool_us = self.host_us = np.empty(0)

    def of_last(self, seconds: float, until_host_us: float | None = None) -> Floats:
        """Return the values of the last seconds of tool time, until a host time where one is stated."""
        values, tool_us = self.part(-np.inf, until_host_us)
        return values[tool_us > tool_us[-1] - seconds * 1e6] if len(values) else values

    def part(self, since_us: float, until_host_us: float | None) -> tuple[Floats, Floats]:
        """Return values and tool times since a tool time, until a host time where one is stated."""
        chosen = self.tool_us >= since_us
        if until_host_us is not None:
            chosen &= self.host_us <= until_host_us
        return self.values[chosen], self.tool_us[chosen]
