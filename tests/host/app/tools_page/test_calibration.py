from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.host.app.tools_page.desk import BY_AIR, NOW, TOOL, Desk, document_of, row_texts, tables, words

from iastm_calibration.daily_check import judge
from iastm_host.app.tools_page.page import CALIBRATION, OVERVIEW, ToolsSnapshot

NO_FILE = bytes(32).hex()


def shown(desk: Desk) -> ToolsSnapshot:
    page = desk.page()
    page.turn_to(CALIBRATION)
    return page.snapshot()


def in_overview(desk: Desk) -> tuple[str, str]:
    page = desk.page()
    page.turn_to(OVERVIEW)
    return row_texts(tables(page.snapshot())[0])[5]


@pytest.mark.parametrize(
    ("age_days", "word", "sentence"),
    [
        (12, "Due in 168 days", "Tool and computer have the same."),
        (160, "Due in 20 days", "Plan the next one"),
        (180, "Due today", "Plan the next one"),
        (200, "Expired 20 days ago", "Calibrate the tool"),
    ],
)
def test_how_long_a_calibration_holds_is_said_first(desk: Desk, age_days: int, word: str, sentence: str) -> None:
    made = NOW - timedelta(days=age_days)
    desk.known.keep(desk.calibrate(TOOL, document_of("T-03", made, 6)))
    said = words(shown(desk))
    assert said.splitlines()[0] == word
    assert sentence in said.splitlines()[1]
    assert f"{age_days} days old, by A. Tester" in said
    assert "± 0.11 N at 14.7 N (about 95 %)" in said
    assert in_overview(desk) == (word, f"T-03 {made:%Y-%m-%d}, {age_days} days old")


def test_another_calibration_on_the_tool_than_here_is_a_choice_to_make(desk: Desk) -> None:
    tool = desk.calibrate(TOOL, document_of("T-03", NOW - timedelta(days=3), 6))
    desk.known.keep(replace(tool, calibration_id="C-9", calibration_sha256="ef" * 32))
    said = words(shown(desk))
    assert said.splitlines()[0] == "Differs"
    assert "The tool has C-9, this computer T-03 2026-11-18" in said
    assert "Give the tool this one: iastm calibrate write --kept --port /dev/ttyACM0" in said
    assert in_overview(desk) == ("Differs", "tool: C-9, here: T-03 2026-11-18")


def test_a_calibration_that_is_only_on_the_tool_can_be_read_from_it(desk: Desk) -> None:
    desk.known.keep(replace(BY_AIR, calibration_id="C-9", calibration_sha256="ef" * 32))
    said = words(shown(desk))
    assert said.splitlines()[0] == "C-9: not kept here"
    assert "Read it from the tool: iastm calibrate read --tool 'IASTM 0007'" in said
    assert in_overview(desk) == ("Not kept here", "C-9")


def test_a_tool_that_was_never_calibrated_says_so(desk: Desk) -> None:
    desk.known.keep(replace(TOOL, calibration_sha256=NO_FILE))
    said = words(shown(desk))
    assert said.splitlines()[0] == "Not calibrated"
    assert "Calibrate anew: iastm calibrate run --port /dev/ttyACM0" in said
    assert in_overview(desk) == ("None", "")


def test_a_tool_that_lost_its_calibration_can_have_it_back(desk: Desk) -> None:
    tool = desk.calibrate(TOOL, document_of("T-03", NOW, 6))
    desk.known.keep(replace(tool, calibration_id="", calibration_sha256=NO_FILE))
    said = words(shown(desk))
    assert said.splitlines()[0] == "Not on the tool"
    assert "iastm calibrate write --kept" in said
    assert in_overview(desk)[0] == "Not on the tool"


def test_daily_checks_stand_newest_first_with_their_figures(desk: Desk) -> None:
    desk.known.keep(TOOL)
    for days, read_n in ((2, 4.906), (1, 5.2)):
        at = (NOW - timedelta(days=days)).isoformat()
        desk.calibrations.log_check(
            judge(0.004, 4.906, read_n, checked_at=at, serial_number="T-03", calibration_id="C", by="Ann")
        )
    snapshot = shown(desk)
    assert "The last check was 1 day ago and failed" in words(snapshot)
    (table,) = tables(snapshot)
    assert row_texts(table)[:6] == [
        ("Yesterday, 17:40", ""),
        ("Ann", ""),
        ("+0.004", ""),
        ("4.906", ""),
        ("5.200", ""),
        ("+5.9", ""),
    ]
    assert [row.cells[6].text for row in table.rows] == ["Failed", "Passed"]


def test_where_no_check_was_made_it_says_what_one_takes(desk: Desk) -> None:
    desk.known.keep(TOOL)
    assert "None is kept here. A check takes a minute" in words(shown(desk))


def test_a_file_that_was_altered_is_named(desk: Desk) -> None:
    desk.known.keep(desk.calibrate(TOOL, document_of("T-03", NOW, 6)))
    (path,) = (desk.calibrations._folder / "T-03").glob("*.json")
    path.write_text(path.read_text().replace("A. Tester", "B. Tester"))
    said = words(shown(desk))
    assert path.name in said


def test_every_command_can_be_typed_as_it_stands(desk: Desk) -> None:
    desk.known.keep(replace(BY_AIR, address="it's mine; rm -rf", calibration_id="C", calibration_sha256="ef" * 32))
    lines = [line.split(": ", 1)[1] for line in words(shown(desk)).splitlines() if ": iastm" in line]
    assert len(lines) == 3
    for line in lines:
        assert shlex.split(line)[:2] == ["iastm", "calibrate"]
        assert shlex.split(line)[-2:] == ["--tool", "it's mine; rm -rf"]
