"""Warming up: the zero of a tool that was just switched on moves until its parts are as warm as they get.

Ours: the drift is the slope of the zero over the last twenty seconds; under 10 mN a minute, a point taken fifteen
seconds after its zero is off by no more than some millinewtons. After three minutes the wizard goes on with a note.
"""

from __future__ import annotations

import numpy as np

from iastm_host.events import ForceBlock

LIMIT_N_PER_MIN = 0.010
LONGEST_S = 180.0
_LOOKS_BACK = 20


class WarmUp:
    """Watches the zero by means over whole seconds of tool time."""

    def __init__(self) -> None:
        self._boot_id: int | None = None
        self._start_us = self._last_us = 0
        self._second = -1
        self._sum = 0.0
        self._count = 0
        self._means: list[tuple[int, float]] = []

    def feed(self, block: ForceBlock) -> None:
        """Take samples in the order of their index; another boot begins anew."""
        if block.raw_counts is None or not len(block.raw_counts):
            return
        if block.boot_id != self._boot_id:
            self._boot_id = block.boot_id
            self._start_us = self._last_us = block.tool_us
            self._second, self._sum, self._count = -1, 0.0, 0
            self._means = []
        if block.tool_us < self._last_us:
            return
        self._last_us = block.tool_us
        second = (block.tool_us - self._start_us) // 1_000_000
        if second != self._second:
            if self._count:
                self._means = [*self._means, (self._second, self._sum / self._count)][-_LOOKS_BACK:]
            self._second, self._sum, self._count = second, 0.0, 0
        self._sum += float(block.raw_counts.sum(dtype=np.int64))
        self._count += len(block.raw_counts)

    @property
    def elapsed_s(self) -> float:
        """Seconds of tool time since the first sample."""
        return (self._last_us - self._start_us) / 1e6

    def drift_per_min(self) -> float | None:
        """Return counts per minute over the last 20 s, None while less is there."""
        if len(self._means) < _LOOKS_BACK:
            return None
        seconds, means = np.array(self._means).T
        centred = seconds - seconds.mean()
        return float(centred @ means / (centred @ centred)) * 60
