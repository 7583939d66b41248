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
        ("when,how much\n0,1\n1,2\n", "'when', 'how much'"),
        ("a,b,c\n1,2,3\n", "'a', 'b', 'c'"),
        (
            column([(0, 1), (1, "nan"), (2, "inf"), (3, ""), (4, "soft")]),
            "line 3 .*line 4 .*line 5 has nothing, line 6",
        ),
        (column([(0, 1), ("", 2)]), "line 3"),
        ("time_s,force_n\n0,1\n1\n", "line 3"),
        (column([(t, "x") for t in range(9)]), "and 4 more"),
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
