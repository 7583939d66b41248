"""What a force is called, and the axis that it stands on."""

from __future__ import annotations

from iastm_host.analysis.profiles import Profile

AXIS_HEADROOM = 1.29
"""The force axis ends at this multiple of alarm, so that a stroke over alarm has room."""
FORCE_STATES = ("light", "fine", "firm", "hard", "too_hard")
"""Force states from low to high; the slot, shape and word of each stand in `LADDER_ROWS`."""
LADDER_ROWS: dict[str, tuple[str, str, str]] = {
    "light": ("bottom", "triangle_down", "Too light"),
    "fine": ("middle", "circle", "Fine"),
    "firm": ("top", "triangle_up_hollow", "Firm"),
    "hard": ("top", "triangle_up", "Hard"),
    "too_hard": ("top", "diamond", "Too hard"),
}


def classify(force_n: float, profile: Profile) -> str:
    """Return the force state of `force_n` (newtons): light, fine, firm, hard or too_hard. A limit of 0 is off."""
    if profile.alarm_n > 0 and force_n > profile.alarm_n:
        return "too_hard"
    if profile.warn_n > 0 and force_n > profile.warn_n:
        return "hard"
    if force_n > profile.target_high_n:
        return "firm"
    return "fine" if force_n >= profile.target_low_n else "light"


def axis_top_n(profile: Profile) -> float:
    """Return the top of the force axis in newtons; fixed for a profile, never scaled to the data."""
    highest_n = max(profile.alarm_n, profile.warn_n, profile.target_high_n)
    return AXIS_HEADROOM * highest_n if highest_n > 0 else 10.0
