"""The trace as points to draw: samples to pixels, missing and clipped runs, and a time axis that scrolls evenly.

Pure numpy; ages are seconds before now (0 is now, negative is earlier).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.app.snapshot import LiveSnapshot, Trace

SPAN_S = 10.0
"""How much of the past the chart shows."""
LAG_US = 40_000
"""The chart's now lies this far behind, so that samples that come in batches reach its edge without trembling."""
STALL_US = 150_000
"""From this much silence on, the chart shows a hatch between the newest sample and now."""
SNAP_US = 500_000
"""An estimate of the clocks' offset that is off by more than this is dropped for the present one."""
SETTLE_SHARE = 0.02
"""How fast the estimate follows an offset that shrinks, per arrival."""

Runs = tuple[tuple[int, int], ...]


class ScrollClock:
    """Tool time as it runs on the host between arrivals. Never used for a decision, only to move the picture."""

    def __init__(self) -> None:
        self._boot_id: int | None = None
        self._arrived_us = 0
        self._offset_us = 0.0

    def now_tool_us(self, snapshot: LiveSnapshot) -> float:
        """Return the tool time at the chart's right edge."""
        trace = snapshot.trace
        offset_us = float(trace.last_tool_us - trace.last_arrived_us)
        if trace.boot_id != self._boot_id or abs(offset_us - self._offset_us) > SNAP_US:
            self._boot_id, self._offset_us = trace.boot_id, offset_us
        elif trace.last_arrived_us != self._arrived_us:
            late_us = offset_us - self._offset_us
            self._offset_us += late_us if late_us > 0 else late_us * SETTLE_SHARE
        self._arrived_us = trace.last_arrived_us
        return snapshot.taken_us + self._offset_us - LAG_US


@dataclass(frozen=True, slots=True)
class Polyline:
    """Points to draw: seconds after the trace's first sample and newtons, NaN where the line breaks."""

    seconds: NDArray[np.float64]
    force_n: NDArray[np.float64]


def decimated(trace: Trace, pixels: int) -> Polyline:
    """Return the trace with at most about two points per pixel of `SPAN_S`: the least and greatest of each bin,
    in the order in which the bin rises or falls.

    Bins are fixed to sample indices, so that a scrolling curve keeps its shape. A bin with a missing sample is
    missing.
    """
    period_s = trace.period_us / 1e6
    per_pixel = SPAN_S / period_s / max(1, pixels)
    force_n = trace.force_n
    if per_pixel <= 2.0 or len(force_n) < 2:
        return Polyline(np.arange(len(force_n), dtype=np.float64) * period_s, force_n)
    size = int(np.ceil(per_pixel))
    lead = -trace.first_index % size
    whole = (len(force_n) - lead) // size
    if whole < 1:
        return Polyline(np.arange(len(force_n), dtype=np.float64) * period_s, force_n)
    body = force_n[lead : lead + whole * size].reshape(whole, size)
    least, greatest = body.min(axis=1), body.max(axis=1)
    rising = body[:, -1] >= body[:, 0]
    points = np.empty(2 * whole)
    points[0::2], points[1::2] = np.where(rising, least, greatest), np.where(rising, greatest, least)
    middles = (lead + (np.arange(2 * whole) + 0.5) * (size / 2)) * period_s
    before, after = np.arange(lead), np.arange(lead + whole * size, len(force_n))
    seconds = np.concatenate([before * period_s, middles, after * period_s])
    return Polyline(seconds, np.concatenate([force_n[before], points, force_n[after]]))


def runs_of(flags: NDArray[np.bool_]) -> Runs:
    """Return (first, end) of every run of true in `flags` (n,)."""
    if not flags.any():
        return ()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return tuple((int(first), int(end)) for first, end in zip(edges[0::2], edges[1::2], strict=True))


def missing_runs(trace: Trace) -> Runs:
    """Return (first, end) positions in the trace where samples are missing."""
    return runs_of(~np.isfinite(trace.force_n))
