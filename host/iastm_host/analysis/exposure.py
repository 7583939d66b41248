"""Exposure of one body region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure so far: 95th percentile of stroke peaks (None before the first), strokes over warn, dose in N·s
    (∫ max(0, F − F_warn) dt), time in contact; complete: nothing is missing."""

    peak95_n: float | None
    strokes_over_warn: int
    dose_ns: float
    contact_s: float
    complete: bool
