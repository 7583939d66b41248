from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from iastm_host.app.calibration_watch import DIFFERS, NOT_CALIBRATED, calibration_faults
from iastm_host.events import CalibrationReport, ToolDescription
from iastm_host.records.calibrations import KnownCalibration

TODAY = date(2026, 11, 21)
TOOL = ToolDescription("1", "", "board", "cpython 3", "T-1", 1, 320.0, 1000, "", "", False, "1.0")
IN_FORCE = CalibrationReport("T-1 2026-05-01", "ab" * 32, 50.0, (0.0, 1e-5))
KNOWN = {"T-1": KnownCalibration("ab" * 32, "T-1 2026-05-01", "2027-05-01")}


def day(of: date) -> int:
    return (of - date(1970, 1, 1)).days


def test_a_calibration_that_both_know_and_that_holds_is_not_spoken_of() -> None:
    assert calibration_faults(TOOL, replace(IN_FORCE, expires_day=day(TODAY)), KNOWN, TODAY) == ()
    assert calibration_faults(TOOL, IN_FORCE, KNOWN, TODAY) == ()
    assert calibration_faults(TOOL, IN_FORCE, {}, TODAY) == ()
    assert calibration_faults(replace(TOOL, serial_number="T-2"), IN_FORCE, KNOWN, TODAY) == ()


def test_a_gauge_that_tells_no_calibration_is_not_called_uncalibrated() -> None:
    assert calibration_faults(TOOL, None, KNOWN, TODAY) == ()


def test_a_board_s_own_values_are_called_nominal() -> None:
    nominal = replace(IN_FORCE, sha256="00" * 32)
    (said,) = calibration_faults(TOOL, nominal, {}, TODAY)
    assert said.startswith(f"{NOT_CALIBRATED}: calibrate it")
    (said,) = calibration_faults(TOOL, nominal, KNOWN, TODAY)
    assert said.startswith(f"{NOT_CALIBRATED}: iastm calibrate write --kept")


def test_another_calibration_than_the_one_here_is_an_alert() -> None:
    other = replace(IN_FORCE, sha256="cd" * 32, calibration_id="T-1 2025")
    (said,) = calibration_faults(TOOL, other, KNOWN, TODAY)
    assert said.startswith(f"{DIFFERS}: the tool has T-1 2025, this computer T-1 2026-05-01.")
    both = calibration_faults(TOOL, replace(other, expires_day=day(TODAY) - 1), KNOWN, TODAY)
    assert [words.split(":")[0] for words in both] == [DIFFERS, "calibration expired on 2026-11-20"]


@pytest.mark.parametrize(
    ("report", "known"),
    [
        (replace(IN_FORCE, expires_day=day(TODAY - timedelta(days=1))), {}),
        (IN_FORCE, {"T-1": replace(KNOWN["T-1"], expires_on="2026-11-20")}),
    ],
)
def test_an_expired_calibration_is_an_alert_from_the_day_after_its_last(report: CalibrationReport, known: Any) -> None:
    (said,) = calibration_faults(TOOL, report, known, TODAY)
    assert "expired on 2026-11-20" in said
    assert calibration_faults(TOOL, report, known, TODAY - timedelta(days=1)) == ()
