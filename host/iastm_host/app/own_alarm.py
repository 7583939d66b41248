"""Whether a tool warns by itself, by all that it told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iastm_host.events import Channels, LimitsReport, SetLimits, StatusReport, ToolDescription, ZeroReport

NO_TRUE_FORCE = frozenset(
    {
        "converter silent",
        "converter at its rail",
        "converter frozen",
        "converter fails",
        "load cell wire off: have it repaired",
        "load cell wires touch: have it repaired",
        "force counts backwards: check wiring, calibrate anew",
        "load cell was overloaded: set zero, then check it",
        "stored calibration damaged",
    }
)
"""Faults under which a tool measures no force, or one that may be another than it says."""
NO_LIMITS = "no limits are set"
"""Of a tool that no run spoke to since it started: the next one sets them."""
CAN_NOT = "it can't"
"""Of a gauge that has nothing to alert by and takes no limits: whoever shows its force warns for it."""
_SILENT_UNDER = NO_TRUE_FORCE | {"too slow for stroke alerts", "tool's own alert fails"}


def why_it_does_not_warn(
    tool: ToolDescription | None,
    zero: ZeroReport | None,
    limits: LimitsReport | SetLimits | None,
    channels: Channels | None,
    status: StatusReport | None,
    silenced_s: int = 0,
) -> tuple[str, ...]:
    """Return in words each thing for which the tool does not alert, or not by a force to rely on; empty: it does.

    What it did not tell counts as if it did not alert, save the channels of a tool that tells of none.
    `silenced_s` is what is left of a silence by now, in seconds.
    """
    if tool is None or not tool.warns:
        return (CAN_NOT,)
    why = []
    if zero is None or not zero.confirmed:
        why.append("zero is not confirmed")
    if limits is None or not (limits.warn_n > 0 or limits.alarm_n > 0):
        why.append(NO_LIMITS)
    if channels is None and tool.chooses_channels:
        why.append("by what it alerts is unknown")
    elif channels is not None and not set(channels.there) & set(channels.chosen):
        why.append("it has nothing to alert by" if not channels.there else "all it alerts by is turned off")
    if silenced_s > 0:
        why.append(f"silenced for {silenced_s} s")
    if status is None:
        why.append("its faults are unknown")
    else:
        why += [fault for fault in status.faults if fault in _SILENT_UNDER]
        if status.battery_percent == 0:
            why.append("its battery is empty")
    return tuple(why)


def why_it_would_not_warn(tool: ToolDescription, told: Mapping[type, Any]) -> tuple[str, ...] | None:
    """Return in words each thing for which a tool would not warn in its next run; empty: it would, None: unknown.

    That no limits are set is none, since a run sets them, and a silence ends by itself. `told` is the newest of each
    kind of event that the tool told; one that told no status yet is not judged.
    """
    if not tool.warns:
        return (CAN_NOT,)
    if StatusReport not in told:
        return None
    zero, limits, channels, status = (told.get(kind) for kind in (ZeroReport, LimitsReport, Channels, StatusReport))
    why = why_it_does_not_warn(tool, zero, limits, channels, status)
    return tuple(each for each in why if each != NO_LIMITS)
