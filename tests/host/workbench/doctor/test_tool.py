from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.events import Problem
from iastm_host.workbench.doctor import checks, tool
from iastm_host.workbench.doctor.tool import ToolSaid

Make = Callable[..., Computer]
SAID = ToolSaid(
    serial_number="F-1",
    board="pico_w",
    runtime="micropython 1.28.0",
    simulated=False,
    firmware_version="0.1.0",
    host_version="0.1.0",
    source_hash="00112233aabbccdd",
    host_source_hash="00112233aabbccdd",
    protocol="1.2",
    calibration="F-1 2026",
    calibration_days=200,
)


def test_a_tool_that_is_as_it_should_be_is_well(computer: Make) -> None:
    here = computer(said=SAID, port="/dev/ttyACM0")
    report = checks.examine(here.system(), checks.OF_TOOL)
    assert all(looked.finding.ok and not looked.finding.fix for looked in report.looked)
    details = {looked.finding.name: looked.finding.detail for looked in report.looked}
    assert details["tool"] == "F-1 (pico_w), micropython 1.28.0, protocol 1.2"
    assert details["tool calibration"] == "F-1 2026, 200 days left"


@pytest.mark.parametrize(
    ("named", "fix"),
    [({"port": "/dev/ttyACM0"}, "iastm deploy --port /dev/ttyACM0"), ({"tool": "IASTM 0001"}, "by cable")],
)
def test_other_firmware_is_deployed_anew(computer: Make, named: dict[str, str], fix: str) -> None:
    seen = tool.firmware(computer(said=replace(SAID, source_hash="ff" * 8), **named).system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "ffffffffffffffff" in seen.detail
    assert "00112233aabbccdd" in seen.detail
    assert fix in seen.fix


def test_newer_firmware_asks_for_a_newer_host(computer: Make) -> None:
    newer = replace(SAID, source_hash="ff" * 8, firmware_version="0.10.0", host_version="0.9.1")
    seen = tool.firmware(computer(said=newer, port="p").system())
    assert not seen.ok
    assert "deploy" not in seen.fix


@pytest.mark.parametrize("source_hash", ["", "0" * 16])
def test_firmware_that_tells_no_sources_is_not_blamed(computer: Make, source_hash: str) -> None:
    assert tool.firmware(computer(said=replace(SAID, source_hash=source_hash), port="p").system()).ok


def test_a_tool_that_measures_no_true_force_keeps_the_main_job_from_working(computer: Make) -> None:
    faults = ("battery low", "converter silent")
    here = computer(said=replace(SAID, faults=faults, no_true_force=("converter silent",)), port="/dev/ttyACM0")
    report = checks.examine(here.system(), checks.OF_TOOL)
    assert not report.works()
    (needed,) = [looked.finding for looked in report.looked if report.is_needed(looked)]
    assert (needed.name, needed.detail) == ("tool trouble", "converter silent; battery low")
    assert "iastm tool self-test --port /dev/ttyACM0" in needed.fix


def test_a_part_that_did_not_start_is_advice(computer: Make) -> None:
    here = computer(said=replace(SAID, trouble="motion sensor does not answer", faults=("a", "b")), port="p")
    seen = tool.trouble(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert seen.detail == "motion sensor does not answer; a; b"


def test_a_calibration_that_expired_is_told_with_its_cure(computer: Make) -> None:
    here = computer(said=replace(SAID, calibration_faults=("calibration expired on 2026-01-01",)), tool="IASTM 0001")
    seen = tool.calibration(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert seen.fix == "iastm calibrate run --tool 'IASTM 0001'"


def test_a_tool_that_does_not_answer_is_told_once(computer: Make) -> None:
    here = computer(said=Problem("Nothing came within 5 s.", "Switch it off and on."), port="/dev/ttyACM0")
    report = checks.examine(here.system(), checks.OF_TOOL)
    needed = [looked.finding for looked in report.looked if report.is_needed(looked)]
    assert [(each.name, each.detail, each.fix) for each in needed] == [
        ("tool", "Nothing came within 5 s", "Switch it off and on.")
    ]
    assert not any(looked.finding.ok for looked in report.looked)


def test_a_tool_that_will_not_warn_keeps_the_main_job_from_working(computer: Make) -> None:
    said = replace(SAID, not_warning=("zero is not confirmed",))
    report = checks.examine(computer(said=said, port="/dev/ttyACM0").system(), checks.OF_TOOL)
    assert not report.works()
    (found,) = (looked.finding for looked in report.looked if not looked.finding.ok)
    assert (found.name, found.detail) == ("tool trouble", "it will not warn: zero is not confirmed")
    assert "iastm run --port /dev/ttyACM0, and press Z" in found.fix


@pytest.mark.parametrize("changes", [{"warns": False, "not_warning": ("it can't",)}, {"not_warning": None}])
def test_a_tool_that_can_not_warn_or_did_not_say_is_advice(computer: Make, changes: dict[str, Any]) -> None:
    seen = tool.trouble(computer(said=replace(SAID, **changes), port="p").system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "warn" in seen.detail
