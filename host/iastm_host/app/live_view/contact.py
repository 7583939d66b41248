"""How long the tool has been in contact."""

from __future__ import annotations

from iastm_host.app.live_view.texts import seconds_since
from iastm_host.app.snapshot import LiveSnapshot


def held_s_of(snapshot: LiveSnapshot) -> float:
    """Return for how many seconds contact has lasted, 0 without contact."""
    if snapshot.verdict.running_n is None:
        return 0.0
    return seconds_since(snapshot.trace.last_tool_us, snapshot.verdict.contact_start_us)
