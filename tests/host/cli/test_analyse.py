import io
import json

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from iastm_host.analysis.gauge_csv import GaugeRecording, Segment
from iastm_host.analysis.gauge_strokes import analyse_recording
from iastm_host.analysis.profiles import Contact
from iastm_host.app.export import damage, export_csv
from iastm_host.cli.analyse import Source, analyse, as_object, load, parse_contact, show
from iastm_host.events import Problem
from iastm_host.records.entries import Recording
from iastm_protocol import kinds

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(analyse)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def force_csv(tmp_path, header="time,force", unit_n=1.0, offset_n=0.0, notes=""):
    time_s = np.arange(2000) / 100
    force_n = np.zeros(2000)
    for at_s, peak_n in ((4, 6), (6, 12), (8, 16), (15, 6)):
        force_n += peak_n * np.exp(-(((time_s - at_s) / 0.3) ** 2))
    path = tmp_path / "gauge.csv"
    rows = "".join(f"{t:.2f},{(f + offset_n) / unit_n:.6f}\n" for t, f in zip(time_s, force_n, strict=True))
    path.write_text(f"{notes}{header}\n{rows}")
    return path


def test_json_is_one_object_with_the_promised_keys(tmp_path):
    result = run(force_csv(tmp_path), "--json", "--contact", "0.8,0.52")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert found["stroke_count"] == len(found["strokes"]) == 4
    assert {"start_s", "end_s", "peak_n", "mean_n", "impulse_ns"} <= set(found["strokes"][0])
    assert [stroke["peak_n"] for stroke in found["strokes"]] == pytest.approx([6, 12, 16, 6], abs=0.01)
    assert found["stroke_rate_spm"] == pytest.approx(30, rel=0.01)
    assert found["time_over"]["warn_n"] == 11
    assert found["time_over"]["alarm_n"] == 14
    assert found["time_over"]["profile"] == "iastm-one-hand"
    assert found["time_over"]["warn_s"] == pytest.approx(
        2 * 0.3 * (np.log(12 / 11) ** 0.5 + np.log(16 / 11) ** 0.5), abs=0.001
    )
    assert found["time_over"]["alarm_s"] == pytest.approx(2 * 0.3 * np.log(16 / 14) ** 0.5, abs=0.001)
    assert found["contact"]["method"] == "fixed"
    assert found["segments"] == [{"start_s": 0.0, "end_s": 19.99, "reason": "start"}]


def test_contact_is_found_by_itself_under_an_offset_and_in_another_unit(tmp_path):
    path = force_csv(tmp_path, header="when,pull", unit_n=9.80665, offset_n=-5.0)
    result = run(path, "--json", "--time-column", "when", "--force-column", "pull", "--unit", "kgf")
    found = json.loads(result.stdout)
    assert found["stroke_count"] == 4
    assert found["strokes"][2]["peak_n"] == pytest.approx(11.0, abs=0.01)
    assert found["strokes"][2]["rest_n"] == pytest.approx(-5.0, abs=0.05)
    assert found["contact"]["method"] == "auto"


def test_our_own_export_brings_its_levels_limits_and_rate(tmp_path):
    notes = (
        "# tool: simulated serial_number=1 rate_hz=100 boot_id=4\n# profile: mine\n# warn_n: 5.0\n# alarm_n: 9.0\n"
        "# contact_on_n: 7.0\n# contact_off_n: 6.5\n"
    )
    path = force_csv(tmp_path, notes=notes)
    found = json.loads(run(path, "--json").stdout)
    assert found["stroke_count"] == 2
    assert found["contact"]["on_n"] == 7.0
    assert (found["time_over"]["warn_n"], found["time_over"]["alarm_n"]) == (5.0, 9.0)
    assert found["time_over"]["profile"] == "mine"
    assert load(path).rate_hz == 100
    assert json.loads(run(path, "--json", "--contact", "auto").stdout)["stroke_count"] == 4


def test_a_table_is_printed_for_people(tmp_path):
    result = run(force_csv(tmp_path))
    assert result.exit_code == 0
    assert "4 strokes" in result.stdout
    assert "30.0 strokes/min" in result.stdout
    assert "newtons assumed" in result.stdout


def test_no_contact_is_said():
    time_s = np.arange(500) / 100
    samples = GaugeRecording(time_s, np.full(500, 2.0), (Segment(0, 500, "start"),), "t", "f", "N", (), {})
    source = Source(samples, "iastm-one-hand", 11.0, 14.0, None, None)
    analysis = analyse_recording(samples, None)
    out = io.StringIO()
    show(source, analysis, Console(file=out, width=200))
    assert "0 strokes" in out.getvalue()
    assert "No contact found" in out.getvalue()
    assert as_object(source, analysis)["stroke_rate_spm"] is None


def test_a_recording_goes_to_the_reader_of_recordings(tmp_path):
    asked = []
    expected = Source(GaugeRecording(np.zeros(0), np.zeros(0), (), "t", "f", "N", (), {}), "p", 1.0, 2.0, None, None)

    def reader(path):
        asked.append(path)
        return expected

    renamed = tmp_path / "renamed.bin"
    renamed.write_bytes(b"\x00\x05rest")
    assert load(tmp_path / "run.iastm", load_recording=reader) is expected
    assert load(renamed, load_recording=reader) is expected
    assert asked == [tmp_path / "run.iastm", renamed]


def test_levels_below_0_are_explained():
    with pytest.raises(Problem, match="never be out of it") as caught:
        parse_contact("-1,-2", Contact())
    assert "--contact auto" in caught.value.fix


@pytest.mark.parametrize("text", ["", "loud", "1", "1,2,3", "0.5,0.8", "1,1", "nan,0.5", "inf,1", "0.8,x"])
def test_impossible_contact_levels_are_refused(text):
    with pytest.raises(Problem) as caught:
        parse_contact(text, Contact())
    assert caught.value.fix


def test_contact_levels_are_read():
    assert parse_contact("auto", Contact()) is None
    assert parse_contact("1.5, 0.9", Contact(min_s=0.3)) == Contact(1.5, 0.9, 0.3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("none.csv", None),
        ("empty.csv", ""),
        ("no_columns.csv", "a,b\n1,2\n"),
        ("nan.csv", "time,force\n0,1\n1,nan\n"),
        ("text.csv", "time,force\n0,1\n1,hard\n"),
        ("disorder.csv", "time,force\n0,1\n9,1\n8,1\n"),
        ("remark.csv", "# warn_n: loud\ntime,force\n0,1\n1,1\n"),
        ("foreign.iastm", "time,force\n0,1\n"),
        ("empty.iastm", ""),
        ("none.iastm", None),
    ],
)
def test_bad_input_is_a_problem_with_its_fix(tmp_path, name, text):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    result = run(path)
    assert isinstance(result.exception, Problem)
    assert result.exception.what
    assert result.exception.fix
    assert result.stdout == ""


def test_a_recording_lists_its_markers_with_the_time_of_their_samples(runs):
    made, link = runs.make(length_s=6.0, plan={"record": True})
    link.at[120] = link.at[200] = made.add_marker
    made.start()
    assert made.join(60)
    path = made.summary().recording
    found = json.loads(run(path, "--json").stdout)
    notes = Recording(path).markers()
    assert [(mark["number"], mark["index"]) for mark in found["markers"]] == [(1, notes[0].index), (2, notes[1].index)]
    first_index = made.summary().first_index
    expected_s = [(note.index - first_index) / 320 for note in notes]
    assert [mark["time_s"] for mark in found["markers"]] == pytest.approx(expected_s, abs=0.002)
    assert "Marker 2: " in run(path).stdout


def test_a_csv_has_no_markers(tmp_path):
    assert json.loads(run(force_csv(tmp_path), "--json").stdout)["markers"] == []


@pytest.mark.parametrize("offset_n", [-6.0, 5.0])
def test_net_of_rest_stands_beside_the_forces_of_the_file(tmp_path, offset_n):
    path = force_csv(tmp_path, offset_n=offset_n)
    found = json.loads(run(path, "--json").stdout)
    truth = json.loads(run(force_csv(tmp_path), "--json", "--contact", "0.8,0.52").stdout)
    assert [stroke["peak_net_n"] for stroke in found["strokes"]] == pytest.approx([6, 12, 16, 6], abs=0.05)
    assert found["time_over"]["warn_net_s"] == pytest.approx(truth["time_over"]["warn_s"], abs=0.02)
    assert found["time_over"]["alarm_net_s"] == pytest.approx(truth["time_over"]["alarm_s"], abs=0.02)
    assert found["time_over"]["warn_s"] != pytest.approx(found["time_over"]["warn_net_s"], abs=0.1)
    assert any(f"rests at {offset_n:.1f} N" in note for note in found["notes"])
    assert truth["time_over"]["warn_net_s"] is None
    printed = run(force_csv(tmp_path, offset_n=offset_n)).stdout
    assert "net peak N" in printed
    assert "Net of rest: over warn" in printed
    assert f"rests at {offset_n:.1f} N" in " ".join(printed.split())


def test_a_csv_whose_pulls_are_negative_is_turned_as_its_note_says(tmp_path):
    path = force_csv(tmp_path, unit_n=-1.0, header="time_s,force_n")
    found = json.loads(run(path, "--json").stdout)
    assert found["strokes"] == []
    assert any(note.startswith("pulls are negative") and "--invert" in note for note in found["notes"])
    turned = json.loads(run(path, "--json", "--invert").stdout)
    assert [stroke["peak_n"] for stroke in turned["strokes"]] == pytest.approx([6, 12, 16, 6], abs=0.01)
    assert turned["notes"] == ["the sign of the force is turned, as --invert asks"]


def test_a_recording_is_not_turned(tmp_path):
    with pytest.raises(Problem, match="--invert is for"):
        load(tmp_path / "run.iastm", invert=True)


@pytest.fixture
def overloaded(runs, fake_tool):
    """A recording with ten samples at the converter's rail and two gaps, and its acquisition."""

    class Overloaded(fake_tool):  # type: ignore[misc,valid-type]
        def samples(self, counts, *, skip=0, **wishes):
            index = range(self.next_index + skip, self.next_index + skip + len(counts))
            at_rail = [1000 <= i < 1010 for i in index]
            counts = [kinds.COUNTS_MAX if railed else n for railed, n in zip(at_rail, counts, strict=True)]
            return super().samples(counts, flags=kinds.SATURATED if any(at_rail) else 0, skip=skip, **wishes)

    made, _ = runs.make(
        length_s=9.3, plan={"record": True}, tool=Overloaded(), peaks_n=(6.0, 12.0, 15.5), skip_at={200: 4, 300: 6}
    )
    made.start()
    assert made.join(60)
    return made


def test_saturation_and_damage_of_a_recording_are_said(overloaded, tmp_path):
    path = overloaded.summary().recording
    said = "10 samples were at the sensor's limit: the force there was at least what is shown"
    notes = json.loads(run(path, "--json").stdout)["notes"]
    assert notes == [said]
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 0x20
    torn = tmp_path / "torn.iastm"
    torn.write_bytes(bytes(data[:-7]))
    export_csv(Recording(torn), tmp_path / "torn.csv")
    damaged = json.loads(run(torn, "--json").stdout)["notes"]
    assert damaged == [*damage(Recording(torn)), said]
    assert len(damaged) == 3
    assert set(damaged) <= set(json.loads(run(tmp_path / "torn.csv", "--json").stdout)["notes"])


def test_a_recording_has_the_exposure_it_had_live(overloaded):
    live = overloaded.snapshot().exposure
    found = json.loads(run(overloaded.summary().recording, "--json").stdout)
    assert found["contact_s"] == pytest.approx(live.contact_s)
    assert found["dose_ns"] == pytest.approx(live.dose_ns)
    assert found["peak95_n"] == pytest.approx(live.peak95_n)
    assert found["strokes_over_warn"] == live.strokes_over_warn > 0
    assert live.dose_ns > 0
    assert "Exposure: contact" in run(overloaded.summary().recording).stdout


def test_strokes_of_a_pause_stay_left_out_of_an_exported_csv_also_after_a_restart(runs, fake_tool, tmp_path):
    tool = fake_tool()
    peaks_n = (6.0, 7.0, 8.0, 9.0, 10.0)
    session, link = runs.make(tool=tool, length_s=15.0, plan={"record": True, "patience_s": 5.0}, peaks_n=peaks_n)

    def restart():
        tool.boot_id += 1
        tool.greeted = tool.streaming = False
        # Its indices and its clock begin anew, and the same indices come again.
        tool.next_index = 0
        link._began_us = link.clock.now_us
        link.length_s = 9.0

    link.at[110] = lambda: session.set_paused(True)
    link.at[205] = lambda: session.set_paused(False)
    link.at[260] = restart
    session.start()
    assert session.join(60)
    live = session.snapshot()
    assert live.restart_count == 1
    assert live.paused_strokes == 1
    export_csv(Recording(session.summary().recording), tmp_path / "a.csv")
    found = json.loads(run(tmp_path / "a.csv", "--json").stdout)
    assert (found["stroke_count"], found["strokes_excluded"]) == (live.stroke_count, live.paused_strokes)
    peaks = [stroke.peak_n for stroke in live.strokes if not stroke.truncated]
    assert [stroke["peak_n"] for stroke in found["strokes"]] == pytest.approx(peaks)


@pytest.fixture
def stepped(runs):
    """Seven strokes of 1.2 s each 2 s: the second lies in a pause, the fourth begins in region 2, the sixth in 3.

    The recording ends in a pause.
    """
    session, link = runs.make(length_s=15.0, plan={"record": True})
    link.at[115] = lambda: session.set_paused(True)
    link.at[210] = lambda: session.set_paused(False)
    link.at[310] = link.at[510] = session.next_region
    link.at[710] = lambda: session.set_paused(True)
    session.start()
    assert session.join(60)
    return session


def test_a_recording_and_its_export_say_regions_and_pauses_alike(stepped, tmp_path):
    recording = Recording(stepped.summary().recording)
    first_index = stepped.summary().first_index
    at_s = [(step.index - first_index) / 320 for step in recording.steps()]
    assert len(at_s) == 5
    export_csv(recording, tmp_path / "a.csv")
    found, by_csv = (json.loads(run(path, "--json").stdout) for path in (recording.path, tmp_path / "a.csv"))
    assert [stroke["region"] for stroke in found["strokes"]] == [1, 1, 2, 2, 3, 3]
    assert found["regions"] == [
        {"number": 2, "start_s": pytest.approx(at_s[2], abs=0.002)},
        {"number": 3, "start_s": pytest.approx(at_s[3], abs=0.002)},
    ]
    assert found["pauses"] == [
        {"start_s": pytest.approx(at_s[0], abs=0.002), "end_s": pytest.approx(at_s[1], abs=0.002)},
        {"start_s": pytest.approx(at_s[4], abs=0.002), "end_s": pytest.approx(15.0, abs=0.5)},
    ]
    assert by_csv["regions"] == found["regions"]
    assert by_csv["pauses"] == found["pauses"]
    assert [stroke["region"] for stroke in by_csv["strokes"]] == [1, 1, 2, 2, 3, 3]


def test_a_table_ends_with_the_region_and_pauses_are_said_below(stepped, tmp_path):
    recording = Recording(stepped.summary().recording)
    export_csv(recording, tmp_path / "a.csv")
    for path in (recording.path, tmp_path / "a.csv"):
        said = run(path).stdout
        assert said.splitlines()[0].split()[-1] == "region"
        assert [line.split()[-1] for line in said.splitlines()[1:7]] == ["1", "1", "2", "2", "3", "3"]
        found = json.loads(run(path, "--json").stdout)
        pause = found["pauses"][0]
        assert f"Pause: from {pause['start_s']:.2f} s until {pause['end_s']:.2f} s\n" in said
        assert f"Region 3: from {found['regions'][1]['start_s']:.2f} s\n" in said


def test_a_recording_without_regions_and_pauses_says_nothing_of_them(overloaded, tmp_path):
    recording = Recording(overloaded.summary().recording)
    export_csv(recording, tmp_path / "a.csv")
    assert "# region" not in (tmp_path / "a.csv").read_text()
    assert "# pause" not in (tmp_path / "a.csv").read_text()
    for path in (recording.path, tmp_path / "a.csv"):
        said = run(path).stdout.lower()
        assert "region" not in said
        assert "pause" not in said
        found = json.loads(run(path, "--json").stdout)
        assert (found["regions"], found["pauses"]) == ([], [])


@pytest.mark.parametrize("name", ["region: number", "pause: start_s"])
def test_a_line_of_a_region_or_a_pause_that_can_not_be_read_is_refused_and_one_of_another_gauge_is_a_note(
    tmp_path, name
):
    assert run(force_csv(tmp_path, notes="# region: left arm\n# pause: lunch\n")).exit_code == 0
    problem = run(force_csv(tmp_path, notes=f"# {name}=soon\n")).exception
    assert isinstance(problem, Problem)
    assert "Export the recording again" in problem.fix


def test_a_csv_has_no_live_exposure(tmp_path):
    found = json.loads(run(force_csv(tmp_path), "--json").stdout)
    assert [found[key] for key in ("contact_s", "dose_ns", "peak95_n", "strokes_over_warn")] == [None] * 4
