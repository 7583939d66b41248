import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.gauge_csv import read_gauge_csv
from iastm_host.events import Problem


def written(tmp_path, text):
    path = tmp_path / "gauge.csv"
    path.write_text(text, encoding="utf-8")
    return path


def column(rows, header="time_s,force_n"):
    return header + "\n" + "".join(f"{t},{f}\n" for t, f in rows)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("time_s,force_n\n0,1.5\n0.5,2.5\n", "N"),
        ("# a note\n# more: yes\n\ntime_s,force_n\n0,1.5\n0.5,2.5\n", "N"),
        ("t;Kraft (N)\n0;1,5\n0,5;2,5\n", "N"),
        ("Time [ms]\tLoad [N]\n0\t1.5\n500\t2.5\n", "N"),
        (",time,force\n0,0,1.5\n1,0.5,2.5\n", "N"),
        ("0,1.5\n0.5,2.5\n", "N"),
        ('"time_s","force_n"\n"0","1.5"\n"0.5","2.5"\n', "N"),
        ("index,tool_time_us,time_s,force_n,raw_counts\n5,900,0,1.5,77\n6,500900,0.5,2.5,78\n", "N"),
        ("date,tag,unit,max,duration\n2023,me,SI,9.4,10\n\ntime,force\n0,1.5\n0.5,2.5\n", "N"),
        ("\ufefftime,force\r\n0,1.5\r\n0.5,2.5\r\n", "N"),
        ("time,load (lbf)\n0,0.33721341\n0.5,0.56202236\n", "lbf"),
        ("time,weight_kg\n0,0.15295745\n0.5,0.25492908\n", "kgf"),
        ("time,Force (mN)\n0,1500\n0.5,2500\n", "mN"),
        ("time,Force (daN)\n0,0.15\n0.5,0.25\n", "daN"),
        ("time,force_kN\n0,0.0015\n0.5,0.0025\n", "kN"),
        ("Time (min),force_n\n0,1.5\n0.00833333333,2.5\n", "N"),
        ("Time (ms),force_n\n0,1.5\n500,2.5\n", "N"),
        ("Time (us),force_n\n0,1.5\n500000,2.5\n", "N"),
        ("Time [μs],force_n\n0,1.5\n500000,2.5\n", "N"),
        ("time_s,Force (kPa),Force (N)\n0,9,1.5\n0.5,9,2.5\n", "N"),
    ],
)
def test_columns_are_found_by_their_looks(tmp_path, text, unit):
    read = read_gauge_csv(written(tmp_path, text))
    assert read.time_s == pytest.approx([0, 0.5])
    assert read.force_n == pytest.approx([1.5, 2.5])
    assert read.unit == unit


def test_columns_and_unit_can_be_named(tmp_path):
    path = written(tmp_path, "time,force,clock,left\n0,1,10,2\n1,1,11,3\n")
    read = read_gauge_csv(path, "clock", "Left", "kgf")
    assert read.time_s == pytest.approx([10, 11])
    assert read.force_n == pytest.approx([2 * 9.80665, 3 * 9.80665])


def test_a_column_without_unit_is_taken_as_newtons_and_that_is_said(tmp_path):
    read = read_gauge_csv(written(tmp_path, "time,weight\n0,1\n1,2\n"))
    assert read.unit == "N"
    assert "newtons assumed" in read.notes[0]


def test_remarks_can_be_asked_for(tmp_path):
    assert read_gauge_csv(written(tmp_path, "# contact_on_n: 0.8\n" + column([(0, 1), (1, 2)]))).remarks == {
        "contact_on_n": "0.8"
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("# only a note\n\n", "empty"),
        ("time_s,force_n\n", "no rows"),
        ("time_s,force_n\n0,1\n", "single row"),
        ("when,how much\n0,1\n1,2\n", "neither a column that looks like time nor .* force.* 'when', 'how much'"),
        ("time,pull\n0,1\n1,2\n", "no column that looks like force"),
        ("moment,force\n0,1\n1,2\n", "no column that looks like time"),
        ("time,Force (kPa)\n0,1\n1,2\n", "'Force .kPa.' .* is a pressure"),
        ("time,force_psi\n0,1\n1,2\n", "is a pressure"),
        ("time,Force (mV)\n0,1\n1,2\n", "is in mv, which is not converted"),
        ("Time (h),force\n0,1\n1,2\n", "time must be in seconds"),
        ("time,force\n0,1\n10,2\n20,2\n", "steps by 10: .* Time must be in seconds.*time_ms"),
        ("0,1\n10,2\n20,2\n", "steps by 10: .*time_ms"),
        ("time,force\n12:00:01,1\n12:00:02,2\n", "'12:00:01': time must be in seconds"),
        ("time,force\n2024-05-01T12:00:01,1\n2024-05-01T12:00:02,2\n", "time must be in seconds"),
        ("a,b,c\n1,2,3\n", "'a', 'b', 'c'"),
        (
            column([(0, 1), (1, "nan"), (2, "inf"), (3, ""), (4, "soft")]),
            "line 3 .*line 4 .*line 5 has nothing, line 6",
        ),
        (column([(0, 1), ("", 2)]), "line 3"),
        ("time_s,force_n\n0,1\n1\n", "line 3"),
        (column([(t, "x") for t in range(9)]), "9 of 9 rows don't: line 2 .* and 4 more.* without text"),
        (column([(0, 1), (5, 2), (4, 3), (6, 4)]), "line 4"),
        (column([(0, 1), (1, 1), (2, 1), (0, 1), (1, 1), (2, 1), (0, 1)]), "line 5, line 8"),
    ],
)
def test_bad_input_is_refused_in_words_with_its_lines(tmp_path, text, said):
    with pytest.raises(Problem, match=said) as caught:
        read_gauge_csv(written(tmp_path, text))
    assert caught.value.fix


def test_a_missing_file_a_folder_and_a_binary_are_refused(tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"\x00\x01\x02")
    for path in (tmp_path / "none.csv", tmp_path, tmp_path / "binary.csv"):
        with pytest.raises(Problem):
            read_gauge_csv(path)


def test_an_unknown_unit_or_column_is_refused_with_those_there_are(tmp_path):
    path = written(tmp_path, column([(0, 1), (1, 2)]))
    with pytest.raises(Problem, match=r"kgf") as caught:
        read_gauge_csv(path, unit="stone")
    assert "lbf" in caught.value.fix
    with pytest.raises(Problem, match="'grip'") as caught:
        read_gauge_csv(path, force_column="grip")
    assert "'force_n'" in caught.value.fix


@pytest.mark.parametrize(("wanted", "meant"), [("kg", "kgf"), ("lbs", "lbf"), ("n", "N"), ("gf", "g"), ("KGF", "kgf")])
def test_a_unit_by_another_name_is_answered_with_its_own(tmp_path, wanted, meant):
    with pytest.raises(Problem) as caught:
        read_gauge_csv(written(tmp_path, column([(0, 1), (1, 2)])), unit=wanted)
    assert caught.value.fix == f"Write {meant}."


def test_a_unit_against_the_header_holds_and_is_said(tmp_path):
    read = read_gauge_csv(written(tmp_path, column([(0, 1), (1, 2)])), unit="kgf")
    assert read.force_n == pytest.approx([9.80665, 19.6133])
    assert read.notes == ("column 'force_n' states N, and is read as kgf because of --unit",)
    assert read_gauge_csv(written(tmp_path, column([(0, 1), (1, 2)])), unit="N").notes == ()
    pressure = written(tmp_path, column([(0, 1), (1, 2)], "time_s,force_kpa"))
    assert "states kpa, and is read as N" in read_gauge_csv(pressure, unit="N").notes[0]


def test_brackets_that_hold_no_known_unit_are_said(tmp_path):
    read = read_gauge_csv(
        written(tmp_path, column([(0, 1), (1, 2)], "Time (run),Force (left)")), "Time (run)", "Force (left)"
    )
    assert "'Force (left)' states no unit that is known: newtons assumed" in read.notes[0]
    assert "'Time (run)' states no unit of time that is known: seconds assumed" in read.notes[1]


def test_seconds_that_step_by_many_are_taken_where_the_header_says_seconds(tmp_path):
    assert read_gauge_csv(written(tmp_path, column([(0, 1), (10, 2), (20, 1)]))).time_s == pytest.approx([0, 10, 20])


@pytest.mark.parametrize("mark", [-999, 9999, -99999])
def test_marks_for_missing_samples_are_named(tmp_path, mark):
    rows = [(0.01 * i, mark if i in (30, 31, 70) else i % 8) for i in range(100)]
    (note,) = read_gauge_csv(written(tmp_path, column(rows))).notes
    assert f"the force is {mark:g} in 3 rows (line 32, line 33, line 72)" in note


@given(st.floats(1, 2000), st.integers(5, 60))
def test_pulls_are_no_marks_for_missing_samples(tmp_path_factory, peak_n, samples):
    force_n = np.concatenate((np.tile([0, 0.1], 20), peak_n * np.sin(np.linspace(0, np.pi, samples)), [0, 0.1]))
    path = tmp_path_factory.mktemp("pulls") / "gauge.csv"
    path.write_text(column([(0.01 * i, f"{f:.4f}") for i, f in enumerate(force_n)]))
    assert read_gauge_csv(path).notes == ()


def test_what_an_export_says_of_its_recording_is_said_again(tmp_path):
    text = (
        "# note: The recording was cut off: its last 7 bytes are no whole entry.\n"
        + column([(0, 1), (1, 2)])
        + "# saturated: first_index=5 samples=2\n# saturated: first_index=9 samples=1\n"
    )
    assert read_gauge_csv(written(tmp_path, text)).notes == (
        "The recording was cut off: its last 7 bytes are no whole entry.",
        "3 samples were at the sensor's limit: the force there was at least what is shown",
    )


def test_one_restart_of_the_clock_begins_a_segment_and_is_said(tmp_path):
    rows = [(0.1 * i, i) for i in range(50)] + [(0.1 * i, i) for i in range(30)]
    read = read_gauge_csv(written(tmp_path, column(rows)))
    assert [(s.begin, s.end, s.reason) for s in read.segments] == [(0, 50, "start"), (50, 80, "clock restart")]
    assert any("line 52" in note for note in read.notes)


def test_a_hole_in_time_begins_a_segment_but_a_lost_sample_does_not(tmp_path):
    times = [0.0125 * i for i in range(200) if i != 50 and not 100 <= i < 140]
    read = read_gauge_csv(written(tmp_path, column([(t, 1) for t in times])))
    assert [(s.begin, s.end, s.reason) for s in read.segments] == [(0, 99, "start"), (99, 159, "hole in time")]


def test_a_jump_of_the_index_in_our_own_export_is_a_hole(tmp_path):
    rows = "".join(f"{i},{i * 3125},{i / 320},1.0,5\n" for i in range(100) if i not in (40, 41))
    read = read_gauge_csv(written(tmp_path, "index,tool_time_us,time_s,force_n,raw_counts\n" + rows))
    assert [(s.begin, s.end, s.reason) for s in read.segments] == [(0, 40, "start"), (40, 98, "missing samples")]


@given(st.lists(st.integers(1, 6), min_size=2, max_size=30))
def test_batched_time_stamps_are_spread_without_leaving_their_batch(tmp_path_factory, sizes):
    stamps = np.repeat(np.arange(len(sizes)) * 0.1, sizes)
    path = tmp_path_factory.mktemp("batched") / "gauge.csv"
    path.write_text(column([(f"{t:.3f}", 1) for t in stamps]))
    time_s = read_gauge_csv(path).time_s
    assert np.all(np.diff(time_s) > 0)
    assert np.all(time_s >= stamps - 1e-9)
    assert np.all(time_s[: -sizes[-1]] < stamps[: -sizes[-1]] + 0.1)


def test_evenly_batched_stamps_become_even_times_and_that_is_said(tmp_path):
    rows = [(f"{0.1 * (i // 4):.1f}", i) for i in range(40)]
    read = read_gauge_csv(written(tmp_path, column(rows)))
    assert read.time_s == pytest.approx(np.arange(40) * 0.025)
    assert "30 rows share" in read.notes[0]


def test_a_glitch_that_an_export_names_is_the_newest_row_of_that_index_above_its_line(tmp_path):
    path = tmp_path / "a.csv"
    named = "# glitch: suspected, passed over by strokes: index="
    # The tool restarts after index 2, and the same indices come again.
    rows = ["0,0,0.00,1", "1,1,0.01,-40", f"{named}1", "2,2,0.02,3", f"{named}7", "0,0,0.03,3", "1,1,0.04,4"]
    path.write_text(
        "\n".join(["index,tool_time_us,time_s,force_n", *rows, "2,2,0.05,900", "# gap: x", f"{named}2", ""])
    )
    recording = read_gauge_csv(path)
    assert recording.glitches == (1, 5)
    assert recording.force_n.tolist() == [1, 2, 3, 3, 4, 4]
    # A row that is passed over is no mark for a missing sample that is taken as force.
    assert [note for note in recording.notes if "glitches" in note or "mark" in note] == [
        "suspected glitches passed over: 2"
    ]
    path.write_text(path.read_text().replace("index,", "number,"))
    assert read_gauge_csv(path).glitches == ()
    path.write_text(f"index,tool_time_us,time_s,force_n\n0,0,0.00,1\n{named}0\n1,1,0.01,2\n{named}1\n")
    assert read_gauge_csv(path).glitches == ()
