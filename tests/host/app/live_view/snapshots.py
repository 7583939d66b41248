"""Snapshots of a session at rest, and what may be wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from tests.host.window.fake_session import snapshot_at

from iastm_host.app.live_view import ViewState
from iastm_host.app.snapshot import LinkView, LiveSnapshot

LIVE = ViewState()
RESTING_S = 21 * 2.1 + 1.9
"""A moment at which the newest stroke is over and the next has not begun."""


def resting(peak_n: float, **changes: Any) -> LiveSnapshot:
    return snapshot_at(RESTING_S, peaks_n=(peak_n,), **changes)


def with_verdict(snapshot: LiveSnapshot, **changes: Any) -> LiveSnapshot:
    return replace(snapshot, verdict=replace(snapshot.verdict, **changes))


def with_link(snapshot: LiveSnapshot, state: str, reason: str = "", carrier: str = "serial") -> LiveSnapshot:
    return replace(snapshot, link=LinkView(carrier, state, reason, snapshot.taken_us))


def silent_for(snapshot: LiveSnapshot, seconds: float) -> LiveSnapshot:
    return replace(snapshot, taken_us=snapshot.trace.last_arrived_us + round(seconds * 1e6))


def clipped(snapshot: LiveSnapshot, first: int, end: int) -> LiveSnapshot:
    saturated = snapshot.trace.saturated.copy()
    saturated[first:end] = True
    return replace(snapshot, trace=replace(snapshot.trace, saturated=saturated))


def with_hole(snapshot: LiveSnapshot, first: int, end: int, lost: bool) -> LiveSnapshot:
    force_n = snapshot.trace.force_n.copy()
    force_n[first:end] = np.nan
    offset = snapshot.trace.first_index
    gaps = ((offset + first, offset + end, "lost"),) if lost else ()
    return replace(snapshot, trace=replace(snapshot.trace, force_n=force_n, gaps=gaps))
