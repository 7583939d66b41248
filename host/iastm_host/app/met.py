"""A tool as it is kept among the known ones, from all that it told over a link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from iastm_host.app.own_alarm import why_it_would_not_warn
from iastm_host.events import CalibrationReport, StatusReport, ToolDescription
from iastm_host.records.known_tools import KnownTool, known_from


def known_as_told(
    tool: ToolDescription, told: Mapping[type, Any], carrier: str, address: str, at: datetime
) -> KnownTool:
    """Return a tool as it was met at a time of day; `told` is the newest of each kind of event that it told."""
    status: StatusReport | None = told.get(StatusReport)
    silent = why_it_would_not_warn(tool, told)
    return known_from(
        tool,
        None if status is None else status.battery_percent,
        carrier,
        address,
        at,
        not_warning=None if silent is None else "; ".join(silent),
        calibration=told.get(CalibrationReport),
    )
