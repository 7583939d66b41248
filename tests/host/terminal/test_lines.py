from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.host.window.fake_session import BOOT_ID, snapshot_at

from iastm_host.app.snapshot import LinkView
from iastm_host.events import Alert
from iastm_host.terminal.lines import LineReport


def alert(kind: str, index: int) -> Alert:
    return Alert(BOOT_ID, kind, "cue", index, index * 3125, False)


def starting(lines: list[str], word: str) -> list[str]:
    return [line for line in lines if line.startswith(word)]


def test_each_stroke_is_told_once_with_peak_mean_length_and_word() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    for tenth in range(5, 250):
        shown = snapshot_at(tenth / 10, (6.9, 16.0))
        report.update(shown)
        report.update(shown)
    strokes = starting(lines, "stroke")
    assert len(strokes) == snapshot_at(24.9).stroke_count
    assert strokes[0] == "stroke     peak 6.9 N, mean 4.8 N, 1.20 s: Fine"
    assert strokes[1].endswith(": Too hard")


def test_a_stroke_whose_end_was_not_seen_says_so() -> None:
    lines: list[str] = []
    shown = snapshot_at(2.0)
    cut = replace(shown, strokes=(replace(shown.strokes[0], truncated=True),))
    LineReport(lines.append).update(cut)
    assert starting(lines, "stroke")[0].endswith(", cut")


def test_each_alert_is_told_once_and_at_once() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    base = snapshot_at(3.0)
    warn, alarm = alert("warn", 10), alert("alarm", 12)
    for alerts in ((), (warn,), (warn,), (alarm,), (alarm, alert("saturated", 90)), (alarm, alert("saturated", 90))):
        report.update(replace(base, alerts=alerts))
    assert starting(lines, "alert") == [
        "alert      over warn (sample 10)",
        "alert      over alarm: ease off (sample 12)",
        "alert      out of range: ease off, then check the tip (sample 90)",
    ]


def test_a_change_of_the_link_is_told_with_its_reason_and_the_tool_once_it_is_live() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    base = snapshot_at(3.0)
    for state, reason in (
        ("greeting", "Asking"),
        ("greeting", "Asking"),
        ("streaming", "Live"),
        ("silent", "Silent"),
        ("lost", "Nothing came"),
    ):
        report.update(replace(base, link=LinkView("serial", state, reason, 0)))
    assert starting(lines, "link") == [
        "link       greeting: Asking",
        "link       streaming: Live",
        "link       silent: Silent",
        "link       lost: Nothing came",
    ]
    (tool,) = starting(lines, "tool")
    for word in ("simulated", "SIM-1", "0.1.0", "micropython 1.28.0", "320 samples/s"):
        assert word in tool


def test_a_gauge_that_says_less_of_itself_is_told_without_holes() -> None:
    lines: list[str] = []
    base = snapshot_at(3.0)
    assert base.tool is not None
    gauge = replace(base.tool, board="Progressor", firmware_version="1.2.3", rate_hz=80.0)
    gauge = replace(gauge, serial_number="", runtime="", calibration_id="")
    LineReport(lines.append).update(replace(base, tool=gauge, link=LinkView("ble", "streaming", "Live", 0)))
    assert starting(lines, "tool") == ["tool       Progressor, firmware 1.2.3, 80 samples/s"]


def test_a_status_comes_each_five_seconds_of_the_session() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    for tenth in range(160):
        report.update(snapshot_at(10 + tenth / 10))
    assert len(starting(lines, "status")) == 4


def test_pause_going_on_region_and_marker_are_told_once_each_and_none_is_skipped() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    base = snapshot_at(3.0)
    done: tuple[dict[str, Any], ...] = (
        {},
        {"paused": True},
        {"paused": True, "marker_count": 1},
        {"marker_count": 1},
        {"marker_count": 3, "region": 2},
        {"marker_count": 3, "region": 2},
    )
    for step in done:
        report.update(replace(base, **{"paused": False, "region": 1, "marker_count": 0} | step))
    assert starting(lines, "session") == [
        "session    paused: strokes and dose do not count",
        "session    marker 1",
        "session    goes on",
        "session    region 2",
        "session    marker 2",
        "session    marker 3",
    ]
