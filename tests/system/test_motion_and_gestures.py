"""A simulated tool with a motion sensor and a button, through the whole of the host: live, replayed and analysed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.cli import wiring
from iastm_host.records.entries import GOES_ON, PAUSED, REGION, Recording
from iastm_host.terminal.run import run_lines

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the simulated tool is on a pseudo-terminal")

# Strokes of 1 s each 2 s, the first at 2 s.
STROKES = 10


def scenario(folder: Path) -> Path:
    rows = ["time_s,force_n", "0,0"]
    for number in range(STROKES):
        at_s = 2 + 2 * number
        rows += [f"{at_s},0", f"{at_s + 0.5},6.5", f"{at_s + 1.0},0"]
    path = folder / "strokes.csv"
    path.write_text("\n".join([*rows, "600,0"]) + "\n")
    return path


def test_wiping_a_pause_and_a_region_agree_live_and_after(iastm: Callable[..., Any], tmp_path: Path) -> None:
    # Held for a second, twice, about the fifth and the sixth stroke; then pressed twice in turn.
    presses = [[9.0, 1.0], [12.5, 1.0], [15.3, 0.1], [15.6, 0.1]]
    # It lies before it is used: only then the sensor's own offset is known. It is wiped about the second and the
    # third stroke; the fourth, right after, is told as it is.
    board = {"imu": {"pass_mm": 120, "lying": [[0, 1.6]], "wiping": [[3.5, 4.0]]}, "presses": presses}
    simulation = wiring.make_simulation(str(scenario(tmp_path)), 1, None, board=board)
    choice = wiring.Choice(duration_s=17.5, record=tmp_path / "recordings")
    run = wiring.simulated_run(simulation, wiring.settings(), choice)
    run.start()
    lines: list[str] = []
    run_lines(run, lines.append)
    assert run.join(90)
    snapshot = run.snapshot()
    assert snapshot.problem is None
    assert snapshot.region == 2
    assert not snapshot.paused
    assert (snapshot.stroke_count, snapshot.excluded_strokes, snapshot.paused_strokes) == (4, 2, 2)
    assert snapshot.marker_count == 0
    assert [line.partition(" ")[2].strip() for line in lines if line.startswith("session ")] == [
        "paused: strokes and dose do not count",
        "goes on",
        "region 2",
    ]
    assert {(stroke.source, stroke.direction) for stroke in snapshot.strokes} == {("force and motion", 1)}
    lengths_mm = [stroke.pass_length_mm for stroke in snapshot.strokes if stroke.pass_length_mm is not None]
    assert lengths_mm
    assert all(abs(length_mm - 120) < 30 for length_mm in lengths_mm)

    recorded = run.summary().recording
    assert recorded is not None
    recording = Recording(recorded)
    assert [step.kind for step in recording.steps()] == [PAUSED, GOES_ON, REGION]
    replay = wiring.replay_run(recording, 0)
    replay.start()
    assert replay.join(60)
    again = replay.snapshot()
    assert again.strokes == snapshot.strokes
    assert again.exposure == snapshot.exposure
    assert (again.excluded_strokes, again.paused_strokes) == (snapshot.excluded_strokes, snapshot.paused_strokes)
    found = json.loads(iastm("analyse", recording.path, "--json").out)
    assert found["stroke_count"] == snapshot.stroke_count
    assert found["strokes_excluded"] == snapshot.excluded_strokes + snapshot.paused_strokes
    paused, goes_on, region = ((step.host_us - recording.steps()[0].host_us) / 1e6 for step in recording.steps())
    ((pause,), (second,)) = found["pauses"], found["regions"]
    assert pause["end_s"] - pause["start_s"] == pytest.approx(goes_on - paused, abs=0.5)
    assert second == {"number": 2, "start_s": pytest.approx(pause["start_s"] + region, abs=0.5)}
    excluded = [stroke["start_s"] for stroke in found["strokes"] if pause["start_s"] < stroke["end_s"] < pause["end_s"]]
    assert not excluded
    assert [stroke["region"] for stroke in found["strokes"]] == [
        1 + (stroke["start_s"] >= second["start_s"]) for stroke in found["strokes"]
    ]

    iastm("export", recording.path, "--csv", tmp_path / "a.csv")
    by_csv = json.loads(iastm("analyse", tmp_path / "a.csv", "--json").out)
    assert (by_csv["pauses"], by_csv["regions"]) == (found["pauses"], found["regions"])
    told = ("region", "direction", "pass_length_mm")
    assert [[stroke[name] for name in told] for stroke in by_csv["strokes"]] == [
        [stroke[name] for name in told] for stroke in found["strokes"]
    ]
