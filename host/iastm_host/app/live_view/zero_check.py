"""Whether the force itself says that the zero is off."""

from __future__ import annotations

import numpy as np

from iastm_host.app.live_view.contact import held_s_of
from iastm_host.app.live_view.recording import replays
from iastm_host.app.live_view.texts import clock_text, signed
from iastm_host.app.snapshot import LiveSnapshot

REST_S = 3.0
"""A rest out of contact this long shows where the zero is."""
REST_BELOW_N = -0.5
"""No tool in the air is pulled: a rest below this is an offset."""
UNVARIED_S = 20.0
"""No hand presses this long without variation, save in a hold."""
UNVARIED_RANGE_N = 0.3
"""Variation is the range of the middle 90 % of the trace's samples."""
OVERLOADED = "load cell was overloaded: set zero, then check it"
ZERO_UNCONFIRMED = "zero not confirmed"
"""What faults begin with under which no force holds until zero is set."""
SHARE_KNOWN = 0.9
"""So much of the samples must be there to judge them."""


def zero_doubt(snapshot: LiveSnapshot) -> tuple[str, str] | None:
    """Return what to do about a zero that the force says is off, and why; None where it does not."""
    verdict, trace = snapshot.verdict, snapshot.trace
    if snapshot.finished or snapshot.link.state != "streaming" or replays(snapshot):
        return None
    if verdict.running_n is None:
        if trace.last_tool_us - verdict.contact_end_us < REST_S * 1e6:
            return None
        rest_n = _known(trace.force_n[-round(REST_S * 1e6 / trace.period_us) :], REST_S, trace.period_us)
        median_n = 0.0 if rest_n is None else float(np.median(rest_n))
        if median_n < REST_BELOW_N:
            return "Zero is off: lift the tool, press Z", f"−{-median_n:.1f} N with nothing touching"
        return _drifted(snapshot)
    held_s = held_s_of(snapshot)
    if snapshot.profile.technique == "hold" or held_s < UNVARIED_S:
        return None
    # The trace is shorter than the contact by now, and all of it lies within.
    pressed_n = _known(trace.force_n, 0.0, trace.period_us)
    if pressed_n is None or float(np.ptp(np.percentile(pressed_n, (5, 95)))) > UNVARIED_RANGE_N:
        return None
    return "Check zero: lift the tool, press Z", f"In contact {clock_text(held_s)} without variation"


def zero_first(snapshot: LiveSnapshot) -> str:
    """Return what to do about zero before the next stroke, "" where it can be relied on."""
    if replays(snapshot):
        return ""
    if OVERLOADED in snapshot.faults:
        return "Lift the tool, press Z, then do the daily check"
    unconfirmed = any(fault.startswith(ZERO_UNCONFIRMED) for fault in snapshot.faults)
    return "Lift the tool, press Z" if unconfirmed or zero_doubt(snapshot) is not None else ""


def _drifted(snapshot: LiveSnapshot) -> tuple[str, str] | None:
    drift = snapshot.zero_drift
    if drift is None or not drift.exceeds:
        return None
    rate = drift.rate_n_per_min
    moves = "" if rate is None else f", {signed(rate)} N per minute"
    return f"Zero moved by {signed(drift.drift_n)} N: lift the tool, press Z", f"By what its rests say{moves}"


def _known(force_n: np.ndarray, least_s: float, period_us: float) -> np.ndarray | None:
    """Return the samples that are there, None where they are too few of at least `least_s` seconds."""
    known = force_n[np.isfinite(force_n)]
    wanted = max(len(force_n), least_s * 1e6 / period_us)
    return known if len(known) and len(known) >= SHARE_KNOWN * wanted else None
