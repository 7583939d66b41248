"""What there is to say against the calibration of the tool that streams."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from iastm_host.events import CalibrationReport, ToolDescription
from iastm_host.records.calibrations import KnownCalibration

NOT_CALIBRATED = "tool is not calibrated, forces are nominal"
DIFFERS = "calibration differs between tool and app"
_CALIBRATE = "calibrate it with iastm calibrate run"
_WRITE = "iastm calibrate write --kept gives it the one kept here"
_EPOCH = date(1970, 1, 1)
_NO_FILE = bytes(32).hex()


def calibration_faults(
    tool: ToolDescription,
    in_force: CalibrationReport | None,
    known: Mapping[str, KnownCalibration],
    today: date,
) -> tuple[str, ...]:
    """Return in words what is wrong: no calibration, another one than is known here, or one that is too old.

    `in_force` is None for a gauge that tells none, as one that keeps its calibration to itself. `known` is by serial
    number.
    """
    if in_force is None:
        return ()
    ours = known.get(tool.serial_number)
    if in_force.sha256 == _NO_FILE:
        return (f"{NOT_CALIBRATED}: {_CALIBRATE if ours is None else _WRITE}",)
    found = []
    if ours is not None and ours.sha256 != in_force.sha256:
        found.append(
            f"{DIFFERS}: the tool has {in_force.calibration_id or 'one without a name'}, this computer "
            f"{ours.calibration_id}. Choose with iastm calibrate read or write"
        )
        ours = None
    expires_on = expiry(in_force, ours)
    if expires_on is not None and today > expires_on:
        found.append(f"calibration expired on {expires_on.isoformat()}: calibrate the tool")
    return tuple(found)


def expiry(in_force: CalibrationReport, ours: KnownCalibration | None) -> date | None:
    """Return the last day of a calibration, by the tool or by its document here; None where neither tells."""
    if in_force.expires_day:
        return _EPOCH + timedelta(days=in_force.expires_day)
    return date.fromisoformat(ours.expires_on) if ours is not None and ours.expires_on else None
