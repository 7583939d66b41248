"""Keeps tools, calibrations, checks and a log of an invented practice in a folder, for pictures of the Tools page.

Run: python -m scripts.example_tools FOLDER, then XDG_DATA_HOME=FOLDER iastm tools.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from iastm_calibration.canonical import sha256_of
from iastm_calibration.daily_check import judge
from iastm_calibration.document import (
    CalibrationDocument,
    Compensation,
    Curve,
    FoundFigures,
    Reference,
    TakenPoint,
    Tip,
    ToolUnderCalibration,
    UncertaintyAt,
    content,
)
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.known_tools import KnownTool, KnownTools
from iastm_host.records.tool_logs import ToolLogs
from iastm_host.tool.said import PROTOCOL
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.release import firmware_version

_LOADS_KG = (0.1, 0.3, 0.5, 1.0, 1.5)
_LOG = (
    "# start 14, 3 s: failed\n"
    "  OSError: [Errno 5] EIO\n"
    "    in lsm6ds3, start: the motion sensor does not answer\n"
    "# start 31, 5210 s: watchdog\n"
)


def document_of(serial_number: str, made: datetime, months: int) -> CalibrationDocument:
    """Return a quick calibration of a tool, which holds for so many months of 30 days."""
    points = tuple(
        TakenPoint(1, 90.0, True, step, kg, kg * 9.812, 84_000 + kg * 411_000, 55.0, 640, made.isoformat())
        for step, kg in enumerate(_LOADS_KG)
    )
    return CalibrationDocument(
        calibration_id=f"{serial_number} {made:%Y-%m-%d}",
        method="quick",
        tool=ToolUnderCalibration(serial_number, "", "TAL221, 5 kg", "NAU7802", 50.0, firmware_version()),
        reference=Reference("weights", "brass set, class M2", 0.0005, "", 9.812, 0.0005, "51° N"),
        tip=Tip("Tip B", "bevelled", None, None, "", None, None),
        points=points,
        curve=Curve((0.0, 2.387e-5), 0.98, 14.7, 0.01, 2),
        figures=FoundFigures(0.012, None, None, None, None, 0.0, None, None, None, None, None, None, None, (), ()),
        uncertainty=(
            UncertaintyAt(5.0, 0.07, 2.0, (("curve", "fit", 0.035),), ()),
            UncertaintyAt(14.7, 0.11, 2.0, (("curve", "fit", 0.055),), ()),
        ),
        compensation=Compensation(),
        made_by="A. Tester",
        made_at=made.isoformat(timespec="seconds"),
        expires_on=f"{made + timedelta(days=30 * months):%Y-%m-%d}",
    )


def keep_examples(folder: Path, now: datetime) -> None:
    """Keep four tools in a user's data folder, as they were seen in the days before `now`."""
    calibrations, known = CalibrationStore(folder / "calibrations"), KnownTools(folder / "known tools")
    one = KnownTool(
        "T-03",
        "serial",
        "/dev/ttyACM0",
        (now - timedelta(minutes=20)).isoformat(timespec="seconds"),
        board="pico_2_w",
        firmware_version=firmware_version(),
        source_hash=source_hash(),
        protocol=PROTOCOL,
        runtime="MicroPython 1.29.0",
        battery_percent=79,
        keeps_log=True,
        keeps_calibration=True,
        not_warning="",
    )
    tools = (
        (one, timedelta(days=12), 6),
        (
            replace(
                one,
                serial_number="T-07",
                carrier="ble",
                address="IASTM 0007",
                seen_at=(now - timedelta(days=1, hours=3)).isoformat(timespec="seconds"),
                board="esp32_s3",
                source_hash="5b0c9e31d2a84f76",
                firmware_version="0.0.9",
                battery_percent=34,
                trouble="no motion sensor at address 6A",
            ),
            timedelta(days=170),
            6,
        ),
        (
            replace(
                one,
                serial_number="T-11",
                carrier="ble",
                address="IASTM 0011",
                seen_at=(now - timedelta(days=40)).isoformat(timespec="seconds"),
                source_hash="",
                battery_percent=None,
            ),
            timedelta(days=400),
            12,
        ),
    )
    for tool, age, months in tools:
        document = document_of(tool.serial_number, now - age, months)
        calibrations.save(document)
        sha256 = sha256_of(content(document)).hex()
        known.keep(replace(tool, calibration_id=document.calibration_id, calibration_sha256=sha256))
    for days in range(11, 0, -1):
        at = (now - timedelta(days=days)).isoformat(timespec="seconds")
        read_n = 4.906 * (1 + 0.004 * (days % 4 - 1))
        calibrations.log_check(
            judge(
                0.004 * (days % 3), 4.906, read_n, checked_at=at, serial_number="T-03", calibration_id="T-03", by="Ann"
            )
        )
    ToolLogs(folder / "tool logs").keep_log("T-03", _LOG)


if __name__ == "__main__":
    keep_examples(Path(sys.argv[1]) / "iastm", datetime.now().astimezone())
