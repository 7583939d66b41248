"""A summary of the samples that came, and of the tool's condition, from time to time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from iastm_host.events import ForceBlock, Health, Motion, StatusReport
from iastm_host.workbench.monitor_words import many

SUMMARY_EVERY_US = 5_000_000


class Samples:
    """What came of samples since the last summary, and the tool's condition."""

    def __init__(self) -> None:
        self.total = 0
        self.status: StatusReport | None = None
        self.health: Health | None = None
        self.motion: Motion | None = None
        self._blocks: list[ForceBlock] = []
        self._since_us: int | None = None

    def begin(self, now_us: int) -> None:
        """Begin: the stream did."""
        self._blocks = []
        self._since_us = now_us
        self.status = self.health = self.motion = None

    def add(self, block: ForceBlock) -> None:
        """Take a block."""
        self.total += len(block.force_n)
        self._blocks.append(block)

    def summary(self, now_us: int, *, whole: bool) -> str:
        """Return what came, "" where it is not time yet or no stream began; `whole`: now, where there is something."""
        since_us = self._since_us
        if since_us is None or (now_us - since_us < SUMMARY_EVERY_US and not (whole and self._blocks)):
            return ""
        blocks, self._blocks = self._blocks, []
        self._since_us = None if whole else now_us
        seconds = (now_us - since_us) / 1e6
        count = sum(len(block.force_n) for block in blocks)
        if not count:
            return f"none in {seconds:.1f} s"
        said = [f"{count} in {seconds:.1f} s ({count / seconds:.1f}/s)" if seconds else many(count, "sample")]
        raw = [block.raw_counts for block in blocks if block.raw_counts is not None]
        if raw:
            counts = np.concatenate(raw)
            said.append(f"raw counts {counts.min()} to {counts.max()}, mean {counts.mean():.0f}")
            said.append(f"standard deviation {counts.std():.0f}")
        force_n = np.concatenate([block.force_n for block in blocks])
        # Without the sign of a zero.
        low_n, high_n = (round(float(value), 2) + 0.0 for value in (force_n.min(), force_n.max()))
        said.append(f"force {low_n:.2f} to {high_n:.2f} N")
        return ", ".join([*said, *self._condition()])

    def _condition(self) -> Iterator[str]:
        if self.health is not None and self.health.rate_hz is not None:
            yield f"by the tool {self.health.rate_hz:.1f}/s, jitter {self.health.jitter_us} µs"
            yield f"{many(self.health.glitches, 'glitch', 'glitches')}, {self.health.voided} thrown away"
        if self.status is not None:
            yield f"{self.status.missed_conversions} missed, {self.status.heap_free_bytes} B of heap free"
        if self.motion is not None:
            yield f"tilt {self.motion.tilt_deg:.0f}°, roll {self.motion.roll_deg:.0f}°"
