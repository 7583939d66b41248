"""What the cursor of an inspection stands on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_host.app.snapshot import LiveSnapshot, Trace


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the inspection's cursor stands on: seconds before the newest sample, and the value in words."""

    age_s: float
    force_n: float | None
    text: str


def newest_peak(snapshot: LiveSnapshot) -> int:
    """Return how many samples before the newest one the last peak in the trace lies, 0 where there is none."""
    trace = snapshot.trace
    for stroke in reversed(snapshot.strokes):
        back = trace.first_index + len(trace.force_n) - 1 - stroke.peak_index
        if stroke.boot_id == trace.boot_id and 0 <= back < len(trace.force_n):
            return back
    return 0


def cursor_at(trace: Trace, samples_back: int) -> Cursor | None:
    """Return the cursor so many samples before the newest one, at most at the oldest; None in an empty trace."""
    if not len(trace.force_n):
        return None
    position = len(trace.force_n) - 1 - min(samples_back, len(trace.force_n) - 1)
    age_s = (len(trace.force_n) - 1 - position) * trace.period_us / 1e6
    force_n = float(trace.force_n[position])
    if not math.isfinite(force_n):
        return Cursor(age_s, None, f"missing, {age_s:.2f} s ago")
    clipped = "at least " if trace.saturated[position] else ""
    return Cursor(age_s, force_n, f"{clipped}{force_n:.2f} N, {age_s:.2f} s ago")
