"""How the tool is held, for the near tier: why a stroke was as it was. Nothing alerts on it."""

from __future__ import annotations

from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.texts import DASH
from iastm_host.app.snapshot import LiveSnapshot

STEP_DEG = 5
HOLD_DEG = 4.0
"""A step stays until the angle is so far off it: a hand that trembles beside the middle of two makes no flicker."""


def angle_deg(snapshot: LiveSnapshot, view: ViewState) -> int | None:
    """Return the angle of the tool's axis over the horizontal in steps, tip down positive, None where it is unknown."""
    motion = snapshot.tool_motion
    if motion is None:
        return None
    if view.angle_deg is not None and abs(motion.tilt_deg - view.angle_deg) < HOLD_DEG:
        return view.angle_deg
    return round(motion.tilt_deg / STEP_DEG) * STEP_DEG


def angle_text(snapshot: LiveSnapshot, view: ViewState) -> str:
    """Return the angle, and whether the tool lies or is wiped; "" for a tool that senses no motion."""
    if snapshot.tool is None or not snapshot.tool.senses_motion:
        return ""
    degrees, motion = angle_deg(snapshot, view), snapshot.tool_motion
    if degrees is None or motion is None:
        return DASH
    said = f"{degrees}°".replace("-", "−")
    if motion.wiping:
        return f"{said}, wiped"
    return f"{said}, put down" if motion.lying else said
