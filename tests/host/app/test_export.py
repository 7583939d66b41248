from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iastm_host.analysis.analyser import Analyser
from iastm_host.app.export import COLUMNS, export_csv
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_profile
from iastm_host.cli.analyse import recorded_source
from iastm_host.events import ForceBlock, Gap, Problem, Stroke
from iastm_host.records.entries import MARKER, Recording, encode_entry, encode_note
from iastm_protocol import kinds


@pytest.fixture
def recording(runs: Any) -> Recording:
    """Ten seconds with two gaps and a change of zero."""
    run, link = runs.make(length_s=10.0, plan={"record": True}, skip_at={200: 4, 300: 6})

    def change_zero() -> None:
        link._answers += link.tool.set_zero(84_000)

    link.at[250] = change_zero
    run.start()
    assert run.join(60)
    return Recording(run.summary().recording)


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the # lines and the rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    data = [line for line in lines if not line.startswith("#")]
    return [line for line in lines if line.startswith("#")], list(csv.DictReader(data))


def blocks_of(recording: Recording) -> list[ForceBlock]:
    return [event for event in recorded_events(recording) if isinstance(event, ForceBlock)]


def test_each_sample_has_a_row_with_exact_counts_and_force(recording: Recording, tmp_path: Path) -> None:
    exported = export_csv(recording, tmp_path / "a.csv")
    _, rows = read(tmp_path / "a.csv")
    blocks = blocks_of(recording)
    index = np.concatenate([np.arange(b.first_index, b.next_index) for b in blocks])
    assert list(rows[0]) == COLUMNS.split(",")
    assert [int(row["index"]) for row in rows] == index.tolist()
    assert [int(row["raw_counts"]) for row in rows] == [
        n for b in blocks if b.raw_counts is not None for n in b.raw_counts
    ]
    assert [float(row["force_n"]) for row in rows] == np.concatenate([b.force_n for b in blocks]).tolist()
    times_us = [b.tool_us + round(i * b.period_us) for b in blocks for i in range(len(b.force_n))]
    assert [int(row["tool_time_us"]) for row in rows] == times_us
    assert [float(row["time_s"]) for row in rows] == [(us - times_us[0]) / 1e6 for us in times_us]
    assert exported.samples == len(rows)


def test_gaps_stand_between_the_rows_they_part(recording: Recording, tmp_path: Path) -> None:
    exported = export_csv(recording, tmp_path / "a.csv")
    assert exported.gaps == 2
    gaps = [event for event in recorded_events(recording) if isinstance(event, Gap)]
    lines = (tmp_path / "a.csv").read_text().splitlines()
    for gap in gaps:
        ((at, line),) = [(n, text) for n, text in enumerate(lines) if f"# gap: first_index={gap.first_index} " in text]
        assert f"samples={gap.sample_count}" in line
        assert "reason=samples missing" in line
        assert int(lines[at - 1].split(",")[0]) == gap.first_index - 1
        assert int(lines[at + 1].split(",")[0]) == gap.first_index + gap.sample_count


def test_each_marker_stands_after_the_row_of_its_sample_or_where_that_was_due(runs: Any, tmp_path: Path) -> None:
    run, link = runs.make(length_s=6.0, plan={"record": True}, skip_at={200: 4})
    link.at[120] = link.at[150] = run.add_marker
    run.start()
    assert run.join(60)
    path = run.summary().recording
    recorder_notes = Recording(path).markers()
    assert [marker.number for marker in recorder_notes] == [1, 2]
    # Two more by hand: one inside the gap, one of a boot that never was.
    (gap,) = [event for event in recorded_events(Recording(path)) if isinstance(event, Gap)]
    with path.open("ab") as stream:
        for number, (boot_id, index) in enumerate([(gap.boot_id, gap.first_index + 1), (1, 5)], 3):
            note = {"note": MARKER, "boot_id": boot_id, "index": index, "number": number}
            stream.write(encode_entry(kinds.NOTE, 0, 0, encode_note(note)))
        stream.write(encode_entry(kinds.NOTE, 0, 0, encode_note({"note": MARKER, "number": "none"})))
    export_csv(Recording(path), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    at = [n for n, line in enumerate(lines) if line.startswith("# marker: ")]
    told = [dict(part.split("=") for part in lines[n].removeprefix("# marker: ").split()) for n in at]
    assert [mark["number"] for mark in told] == ["1", "2", "3", "4"]
    assert [int(mark["index"]) for mark in told[:2]] == [marker.index for marker in recorder_notes]
    for n, mark in zip(at[:2], told, strict=False):
        row = lines[n - 1].split(",")
        assert (row[0], row[2]) == (mark["index"], mark["time_s"])
    before, after = lines[at[2] - 2].split(","), lines[at[2] + 1].split(",")
    assert lines[at[2] - 1].startswith("# gap: ")
    assert int(before[0]) < int(told[2]["index"]) < int(after[0])
    assert float(before[2]) < float(told[2]["time_s"]) < float(after[2])
    assert told[3]["time_s"] == "unknown"
    assert at[3] == len(lines) - 1


def test_units_and_provenance_stand_in_the_file(recording: Recording, tmp_path: Path) -> None:
    export_csv(recording, tmp_path / "a.csv")
    remarks, _ = read(tmp_path / "a.csv")
    text = "\n".join(remarks)
    for word in (
        "force_n N",
        "tool_time_us us",
        f"recording: {recording.path.name}",
        "recorded: 2026-03-29T01:59:30+01:00",
        "profile: iastm-one-hand",
        "alarm_n: 14.0",
        "contact_on_n: 0.8",
        "serial_number=F-1",
        "calibration: id=fake-50n",
        "zero: counts=84213",
        "zero: counts=84000",
    ):
        assert word in text


def test_the_exported_rows_give_the_same_strokes(recording: Recording, tmp_path: Path) -> None:
    exported = export_csv(recording, tmp_path / "a.csv")
    _, rows = read(tmp_path / "a.csv")
    index = np.array([int(row["index"]) for row in rows])
    force_n = np.array([float(row["force_n"]) for row in rows])
    times_us = [int(row["tool_time_us"]) for row in rows]
    analyser = Analyser(recorded_profile(recording), None, 320.0, recorded_contact(recording))
    strokes: list[Stroke] = []
    for part in np.split(np.arange(len(index)), np.flatnonzero(np.diff(index) != 1) + 1):
        first = int(part[0])
        block = ForceBlock(0xB007, int(index[first]), times_us[first], 3125.0, force_n[part], None, 0, 0, False)
        strokes += [event for event in analyser.feed(block) if isinstance(event, Stroke)]
    expected = [event for event in recorded_events(recording) if isinstance(event, Stroke)]
    assert [(s.first_index, s.last_index, s.peak_index, s.peak_n) for s in strokes] == [
        (s.first_index, s.last_index, s.peak_index, s.peak_n) for s in expected
    ]
    assert [s.mean_n for s in strokes] == pytest.approx([s.mean_n for s in expected], rel=1e-12)
    assert [s.impulse_ns for s in strokes] == pytest.approx([s.impulse_ns for s in expected], rel=1e-5)
    assert exported.strokes == sum(not s.truncated for s in expected) > 0


def test_nothing_is_overwritten(recording: Recording, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("precious")
    with pytest.raises(Problem, match="not overwritten"):
        export_csv(recording, target)
    assert target.read_text() == "precious"


def test_a_folder_that_is_not_there_is_a_problem_with_a_fix(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(Problem) as raised:
        export_csv(recording, tmp_path / "none" / "a.csv")
    assert raised.value.fix


@pytest.mark.skipif(os.name != "posix", reason="file size limits are POSIX's")
def test_an_export_that_the_disk_cuts_short_is_removed_and_said(recording: Recording, tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(Problem) as raised:
            export_csv(recording, tmp_path / "a.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "removed again" in raised.value.what
    # The limit of this process is one of a file's size, not of the disk.
    assert "larger files" in raised.value.fix
    assert not (tmp_path / "a.csv").exists()


def test_a_recording_without_samples_leaves_no_file(runs: Any, tmp_path: Path) -> None:
    run, _ = runs.whole(length_s=0.1, plan={"record": True})
    with pytest.raises(Problem, match="no samples"):
        export_csv(Recording(run.summary().recording), tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_a_torn_and_damaged_recording_is_exported_as_far_as_it_goes_and_says_so(
    recording: Recording, tmp_path: Path
) -> None:
    data = bytearray(recording.path.read_bytes())
    data[len(data) // 2] ^= 0x20
    torn = tmp_path / "torn.iastm"
    torn.write_bytes(bytes(data[:-7]))
    exported = export_csv(Recording(torn), tmp_path / "a.csv")
    remarks, rows = read(tmp_path / "a.csv")
    assert len(exported.remarks) == 2
    assert all(f"# note: {remark}" in remarks for remark in exported.remarks)
    assert exported.gaps == 3
    assert len(rows) == exported.samples > 2000


def test_time_goes_on_over_a_restart_of_the_tool(runs: Any, tmp_path: Path) -> None:
    run, link = runs.make(length_s=8.0, plan={"record": True})

    def restart() -> None:
        link.tool.boot_id += 1
        link.tool.greeted = link.tool.streaming = False
        link.tool.next_index = 0
        link._began_us = link.clock.now_us

    link.at[200] = restart
    run.start()
    assert run.join(60)
    exported = export_csv(Recording(run.summary().recording), tmp_path / "a.csv")
    lines, rows = read(tmp_path / "a.csv")
    # The restart, and what this tool sampled from then on and can't send again.
    assert exported.gaps == 2
    assert any("clock began anew" in line for line in lines)
    time_s = np.array([float(row["time_s"]) for row in rows])
    pauses_s = np.diff(time_s)
    assert (pauses_s > 0).all()
    # Silence of 2 s is noticed, then the tool is greeted anew.
    assert 2.0 <= pauses_s.max() <= 4.0
    # The analysis of the recording tells the same times.
    analysed = recorded_source(run.summary().recording)
    assert analysed.samples.time_s == pytest.approx(time_s, abs=2e-6)


def test_what_is_fetched_of_a_restarted_tool_stands_at_its_time(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    run, link = runs.make(length_s=8.0, plan={"record": True}, tool=fake_tool(keeps=20_000))

    def restart() -> None:
        link.tool = fake_tool(keeps=20_000, boot_id=2)
        link._began_us = link.clock.now_us

    link.at[200] = restart
    run.start()
    assert run.join(60)
    exported = export_csv(Recording(run.summary().recording), tmp_path / "a.csv")
    lines, rows = read(tmp_path / "a.csv")
    assert exported.gaps == 1
    assert any("clock began anew" in line for line in lines)
    # From the first conversion after the restart on.
    assert [row["index"] for row in rows].count("0") == 1
    pauses_s = np.diff([float(row["time_s"]) for row in rows])
    # It went on at once; its clock is known within the 20 ms of a batch and of the way.
    assert pauses_s.min() > -0.02
    assert pauses_s.max() < 0.1


def test_each_run_of_saturated_samples_has_a_line_after_its_last_row(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    at_the_rail = {*range(1000, 1030), *range(1500, 1503), *range(1795, 1800)}

    class Overloaded(fake_tool):  # type: ignore[misc]
        def samples(self, counts: Any, *, skip: int = 0, **wishes: Any) -> bytes:
            index = range(self.next_index + skip, self.next_index + skip + len(counts))
            counts = [kinds.COUNTS_MAX if i in at_the_rail else n for i, n in zip(index, counts, strict=True)]
            flags = kinds.SATURATED if at_the_rail.intersection(index) else 0
            wire: bytes = super().samples(counts, flags=flags, skip=skip, **wishes)
            return wire

    # The last run reaches into a gap: its end is the last sample that is there.
    run, link = runs.make(length_s=8.0, plan={"record": True}, tool=Overloaded())
    link.skip_at = {281: 4}
    run.start()
    assert run.join(60)
    export_csv(Recording(run.summary().recording), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if line[0].isdigit()]
    expected: list[list[int]] = []
    for index in (int(row[0]) for row in rows if int(row[4]) == kinds.COUNTS_MAX):
        if expected and expected[-1][-1] == index - 1:
            expected[-1].append(index)
        else:
            expected.append([index])
    at = [n for n, line in enumerate(lines) if line.startswith("# saturated: ")]
    assert [lines[n] for n in at] == [f"# saturated: first_index={run[0]} samples={len(run)}" for run in expected]
    assert [int(lines[n - 1].split(",")[0]) for n in at] == [run[-1] for run in expected]
    assert [run[0] for run in expected][:2] == [1000, 1500]
    assert {index for run in expected for index in run} < at_the_rail


def test_calibration_and_zero_are_written_where_they_change_and_not_again(runs: Any, tmp_path: Path) -> None:
    run, link = runs.make(length_s=6.0, plan={"record": True})

    def describe() -> None:
        link._answers += link.tool.describe()

    def change_zero() -> None:
        link._answers += link.tool.set_zero(84_000)

    link.at |= {100: describe, 150: describe, 200: change_zero, 250: describe}
    run.start()
    assert run.join(60)
    export_csv(Recording(run.summary().recording), tmp_path / "a.csv")
    remarks, _ = read(tmp_path / "a.csv")
    assert sum(line.startswith("# calibration: ") for line in remarks) == 1
    assert [line.split()[2] for line in remarks if line.startswith("# zero: ")] == ["counts=84213", "counts=84000"]


def test_an_export_to_a_dash_is_refused_in_words(recording: Recording) -> None:
    with pytest.raises(Problem, match="goes to a file"):
        export_csv(recording, Path("-"))
    assert not Path("-").exists()
