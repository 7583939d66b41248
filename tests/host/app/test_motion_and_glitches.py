"""What the tool's motion sensor says of strokes, and its glitches: live, replayed, analysed and exported the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from iastm_host.app.export import export_csv
from iastm_host.cli.main import app
from iastm_host.cli.wiring import replay_run
from iastm_host.events import Problem
from iastm_host.records.entries import Recording
from iastm_protocol import kinds

RATE_HZ = 320
# Strokes of the fake tool: 1.2 s each 2 s, the first after 0.4 s.
LENGTH_S = 13.0


def ends(number: int) -> tuple[int, int]:
    """Return a span within a stroke of that number, from 0."""
    first = round((0.4 + 2.0 * number) * RATE_HZ)
    return first + 40, first + 300


def read_at(seconds: float) -> int:
    """Return the number of the read that brings the samples of that time; the greeting takes some."""
    return round(seconds / 0.02)


@pytest.fixture(params=["before our stroke ends", "long after it"])
def recorded(request: Any, runs: Any, fake_tool: Any) -> Any:
    """A recorded run of six strokes: of the second and the fourth the tool says that it was wiped or lay."""
    later_s = 0.9 if request.param == "before our stroke ends" else 3.0
    tool = fake_tool(features=kinds.FEATURE_MOTION)
    run, link = runs.make(tool=tool, length_s=LENGTH_S, plan={"record": True}, peaks_n=(6.0, 12.5, 15.5, 13.0))
    told = (
        {"direction": 1, "pass_length_mm": 110},
        {"excluded": kinds.EXCLUDED_WIPING},
        {"direction": -1, "pass_length_mm": 0},
        {"excluded": kinds.EXCLUDED_LYING},
    )
    for number, motion in enumerate(told):

        def tell(number: int = number, motion: dict[str, int] = motion) -> None:
            link._answers += tool.stroke(*ends(number), **motion)

        link.at[read_at(0.4 + 2.0 * number + later_s)] = tell
    run.start()
    assert run.join(60)
    return run


def test_an_excluded_stroke_counts_nowhere_and_is_said(recorded: Any) -> None:
    snapshot = recorded.snapshot()
    assert snapshot.excluded_strokes == 2
    assert [stroke.peak_n for stroke in snapshot.strokes] == pytest.approx([6.0, 15.5, 6.0, 12.5], abs=0.01)
    assert snapshot.stroke_count == 4
    # Over warn was the third alone, and the last of those that are left.
    assert snapshot.exposure.strokes_over_warn == 2


def test_direction_and_length_stand_with_the_stroke_and_say_what_they_come_from(recorded: Any) -> None:
    told = [(stroke.direction, stroke.pass_length_mm, stroke.source) for stroke in recorded.snapshot().strokes]
    assert told == [
        (1, 110, "force and motion"),
        (-1, None, "force and motion"),
        (0, None, "force"),
        (0, None, "force"),
    ]


def test_live_replay_analysis_and_export_agree(recorded: Any, tmp_path: Path) -> None:
    live = recorded.snapshot()
    recording = Recording(recorded.summary().recording)
    replay = replay_run(recording, 0)
    replay.start()
    assert replay.join(60)
    again = replay.snapshot()
    assert (again.stroke_count, again.excluded_strokes) == (live.stroke_count, live.excluded_strokes)
    assert again.strokes == live.strokes
    assert again.exposure == live.exposure

    found = json.loads(CliRunner().invoke(app, ["analyse", str(recording.path), "--json"]).stdout)
    assert (found["stroke_count"], found["strokes_excluded"]) == (4, 2)
    assert [stroke["peak_n"] for stroke in found["strokes"]] == pytest.approx([s.peak_n for s in live.strokes])
    assert [(s["direction"], s["pass_length_mm"], s["source"]) for s in found["strokes"]] == [
        (s.direction, s.pass_length_mm, s.source) for s in live.strokes
    ]
    assert found["strokes_over_warn"] == live.exposure.strokes_over_warn
    assert found["contact_s"] == pytest.approx(live.exposure.contact_s)
    assert found["dose_ns"] == pytest.approx(live.exposure.dose_ns)

    exported = export_csv(recording, tmp_path / "a.csv")
    assert exported.strokes == 4
    lines = [line for line in (tmp_path / "a.csv").read_text().splitlines() if line.startswith("# stroke:")]
    assert [line.partition("excluded=")[2] for line in lines] == [
        "no direction=1 pass_length_mm=110 source=force and motion",
        "wiping direction=1 pass_length_mm=120 source=force and motion",
        "no direction=-1 pass_length_mm=unknown source=force and motion",
        "lying direction=1 pass_length_mm=120 source=force and motion",
    ]
    by_csv = json.loads(CliRunner().invoke(app, ["analyse", str(tmp_path / "a.csv"), "--json"]).stdout)
    assert (by_csv["stroke_count"], by_csv["strokes_excluded"]) == (4, 2)
    told = ("peak_n", "direction", "pass_length_mm", "source")
    assert [[s[name] for name in told] for s in by_csv["strokes"]] == [
        [s[name] for name in told] for s in found["strokes"]
    ]


def test_a_line_of_a_stroke_that_can_not_be_read_is_refused_and_one_of_another_gauge_is_a_note(
    recorded: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    export_csv(Recording(recorded.summary().recording), path)
    whole = path.read_text()
    path.write_text(whole + "# stroke: by the book\n")
    assert CliRunner().invoke(app, ["analyse", str(path)]).exit_code == 0
    path.write_text(whole.replace(" start_s=", " begins=", 1))
    ran = CliRunner().invoke(app, ["analyse", str(path)])
    assert ran.exit_code == 2 or isinstance(ran.exception, Problem)
    assert "Export the recording again" in ran.output + str(ran.exception)


def test_a_table_has_way_and_length_where_the_tool_senses_motion(recorded: Any) -> None:
    said = CliRunner().invoke(app, ["analyse", str(recorded.summary().recording)]).stdout
    said = " ".join(said.split())
    assert "length mm" in said
    assert "110" in said
    assert "2 left out (1 lying, 1 wiping)" in said


def test_a_glitch_of_the_tool_is_plotted_and_exported_and_changes_no_stroke(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    class Glitching(fake_tool):  # type: ignore[misc]
        """Of each second stroke one sample amid it falls by 20 N, and its batch is flagged."""

        def samples(self, counts: Any, *, flags: int = 0, **rest: Any) -> bytes:
            spoilt = np.array(counts)
            at = np.arange(self.next_index, self.next_index + len(spoilt))
            here = at % (4 * RATE_HZ) == round(0.8 * RATE_HZ)
            spoilt[here] -= 20 * 41_900
            return bytes(super().samples(spoilt, flags=flags | kinds.SUSPECTED_GLITCH * bool(here.any()), **rest))

    made = {}
    for name, tool in (("clean", fake_tool()), ("glitching", Glitching())):
        run, _ = runs.make(tool=tool, length_s=LENGTH_S, plan={"record": True})
        run.start()
        assert run.join(60)
        made[name] = run
    clean, glitching = made["clean"].snapshot(), made["glitching"].snapshot()
    assert glitching.stroke_count == clean.stroke_count == 6
    assert [s.peak_index for s in glitching.strokes] == [s.peak_index for s in clean.strokes]
    # A sample that is passed over adds nothing to the dose, and that is all that is missing.
    assert replace(glitching.exposure, dose_ns=clean.exposure.dose_ns) == clean.exposure
    assert clean.exposure.dose_ns - 5.0 / RATE_HZ < glitching.exposure.dose_ns < clean.exposure.dose_ns
    # The plot keeps what came.
    assert float(np.nanmin(glitching.trace.force_n)) < -10
    path = made["glitching"].summary().recording
    found = json.loads(CliRunner().invoke(app, ["analyse", str(path), "--json"]).stdout)
    assert [stroke["peak_n"] for stroke in found["strokes"]] == pytest.approx([s.peak_n for s in clean.strokes])
    assert "suspected glitches passed over: 4" in found["notes"]
    export_csv(Recording(path), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    marked = [(number, line) for number, line in enumerate(lines) if line.startswith("# glitch:")]
    assert len(marked) == 4
    for number, line in marked:
        index = int(line.rpartition("=")[2])
        assert lines[number - 1].startswith(f"{index},")
        assert float(lines[number - 1].split(",")[3]) < -6
    by_csv = json.loads(CliRunner().invoke(app, ["analyse", str(tmp_path / "a.csv"), "--json"]).stdout)
    assert by_csv["stroke_count"] == found["stroke_count"]
    told = ("start_s", "end_s", "peak_n", "mean_n", "impulse_ns")
    assert [[stroke[name] for name in told] for stroke in by_csv["strokes"]] == [
        pytest.approx([stroke[name] for name in told], abs=1e-5) for stroke in found["strokes"]
    ]
    assert by_csv["notes"] == found["notes"]


def test_what_an_older_tool_sends_is_told_from_force_alone(runs: Any) -> None:
    run, _ = runs.whole(length_s=5.0)
    assert {stroke.source for stroke in run.snapshot().strokes} == {"force"}
