"""The main job from end to end: a real firmware streams, the host counts, warns and records."""

from __future__ import annotations

import csv
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RATE_HZ = 320


def rows_of(path: Path) -> list[list[str]]:
    """Return the rows of a CSV, its # lines and its header left out."""
    with path.open(newline="") as stream:
        return list(csv.reader(line for line in stream if not line.startswith("#")))[1:]


def one_recording(folder: Path) -> Path:
    (path,) = folder.glob("*.iastm")
    return path


def test_the_demo_streams_from_micropython_and_alerts_once_for_each_stroke_over_alarm(
    iastm: Callable[..., Any], tmp_path: Path
) -> None:
    ran = iastm("demo", "--headless", "--duration", "20", "--seed", "1", "--json", "--record", tmp_path / "recordings")
    assert ran.code == 0, ran.err
    told = ran.json
    assert told["runtime"]["name"] == "micropython"
    assert 6400 <= told["samples"]["received"] <= 6420
    assert told["samples"]["expected"] == told["samples"]["received"]
    assert told["gaps"] == 0
    assert told["strokes"] == told["strokes_true"] >= 7
    recording = Path(told["recording"])
    analysed = iastm("analyse", recording, "--json").json
    hard = [stroke for stroke in analysed["strokes"] if stroke["peak_n"] > 14]
    assert [alert["kind"] for alert in told["alerts"]] == ["alarm"] * len(hard)
    assert len(hard) >= 2
    assert hard[0]["start_s"] < 10
    assert all(-1 < alert["latency_ms"] < 1000 for alert in told["alerts"])
    assert all(alert["latency_uncertainty_ms"] > 0 for alert in told["alerts"])


def test_without_terminal_and_display_the_demo_writes_lines_for_20_s_and_a_summary(iastm: Callable[..., Any]) -> None:
    ran = iastm("demo")
    assert ran.code == 0, ran.err
    assert "stroke     peak" in ran.out
    assert "alert      over alarm" in ran.out
    (samples,) = [line for line in ran.out.splitlines() if line.startswith("samples")]
    assert 6400 <= int(samples.split()[1]) <= 6420
    assert "\x1b" not in ran.out
    assert ran.err == ""


def test_what_was_played_is_what_was_recorded_and_live_replay_export_and_analysis_agree(
    iastm: Callable[..., Any], started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    truth = tmp_path / "truth.csv"
    tool = started("simulate", "--seed", "5", "--truth", truth)
    assert tool.stdout is not None
    port = tool.stdout.readline().strip()
    recordings = tmp_path / "recordings"
    live = iastm("run", "--port", port, "--duration", "8", "--record", recordings, "--json")
    assert live.code == 0, live.err
    tool.send_signal(signal.SIGINT)
    assert tool.wait(30) == 0
    recording = one_recording(recordings)
    exported = tmp_path / "export.csv"
    assert iastm("export", recording, "--csv", exported).code == 0
    played = {row[0]: (row[1], row[3]) for row in rows_of(truth)}
    rows = rows_of(exported)
    assert len(rows) == live.json["samples"]["received"] >= 8 * RATE_HZ
    assert [(row[1], row[4]) for row in rows] == [played[row[0]] for row in rows]
    replayed = iastm("replay", recording, "--speed", "max", "--json").json
    assert replayed["samples"] == live.json["samples"]
    of_recording = iastm("analyse", recording, "--json").json
    of_export = iastm("analyse", exported, "--json").json
    assert live.json["strokes"] == replayed["strokes"] == of_recording["stroke_count"] == of_export["stroke_count"] >= 2
    for ours, theirs in zip(of_recording["strokes"], of_export["strokes"], strict=True):
        assert ours["peak_n"] == pytest.approx(theirs["peak_n"], abs=1e-9)
        assert ours["start_s"] == pytest.approx(theirs["start_s"], abs=1e-5)
        assert ours["end_s"] == pytest.approx(theirs["end_s"], abs=1e-5)
    live_alerts = [(alert["kind"], alert["index"]) for alert in live.json["alerts"]]
    assert [(alert["kind"], alert["index"]) for alert in replayed["alerts"]] == live_alerts
    assert all(alert["latency_ms"] is None for alert in replayed["alerts"])


def test_a_second_host_takes_the_tool_over_after_the_first_is_gone(
    iastm: Callable[..., Any], started: Callable[..., subprocess.Popen[str]]
) -> None:
    tool = started("simulate", "--scenario", "quiet")
    assert tool.stdout is not None
    port = tool.stdout.readline().strip()
    for _ in range(2):
        ran = iastm("run", "--port", port, "--duration", "1", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["gaps"] == 0
        assert ran.json["samples"]["received"] >= RATE_HZ


def test_a_saturated_converter_is_an_alert_and_not_a_force(iastm: Callable[..., Any]) -> None:
    told = iastm("demo", "--scenario", "saturated", "--duration", "12", "--json").json
    assert "saturated" in {alert["kind"] for alert in told["alerts"]}


def test_a_recorded_gauge_is_played_as_a_scenario(iastm: Callable[..., Any], tmp_path: Path) -> None:
    wave = tmp_path / "wave.csv"
    lines = [f"{i / 100},{6.0 if 100 <= i % 200 < 150 else 0.0}" for i in range(400)]
    wave.write_text("\n".join(["time_s,force_n", *lines]))
    told = iastm("demo", "--scenario", wave, "--duration", "4.5", "--json").json
    assert told["strokes"] == told["strokes_true"] == 2


def test_without_micropython_the_same_firmware_runs_under_cpython_and_says_so(iastm: Callable[..., Any]) -> None:
    ran = iastm("demo", "--duration", "2", "--json", MICROPYTHON="cpython")
    assert ran.code == 0, ran.err
    assert ran.json["runtime"]["name"] == "cpython"
    assert ran.json["gaps"] == 0
    assert "cpython" in ran.err


def test_the_window_opens_streams_and_closes_after_the_duration(iastm: Callable[..., Any]) -> None:
    ran = iastm("demo", "--duration", "3", QT_QPA_PLATFORM="offscreen")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    (samples,) = [line for line in ran.out.splitlines() if line.startswith("samples")]
    assert int(samples.split()[1]) >= 3 * RATE_HZ
    assert "0 missing, 0 gaps" in samples
