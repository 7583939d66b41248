from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import Problem
from iastm_host.records.tool_logs import Counters, ToolLogs, entries_in

FIRST = "# start 1, 12 s: failed\n  ValueError: one\n"
SECOND = "# start 2, 3600 s: watchdog\n"
THIRD = "# start 5, 7 s: failed\n  Traceback\n    # not an entry\n"


def test_each_entry_is_kept_once_though_older_ones_left_the_tool(tmp_path: Path) -> None:
    logs = ToolLogs(tmp_path)
    assert logs.keep_log("T-1", FIRST + SECOND) == 2
    assert logs.keep_log("T-1", SECOND + THIRD) == 1
    assert logs.keep_log("T-1", THIRD) == 0
    assert logs.keep_log("T-1", "") == 0
    assert logs.log("T-1") == FIRST + SECOND + THIRD
    assert logs.log("T-2") == ""


@given(st.lists(st.sampled_from([FIRST, SECOND, THIRD, "# start 9, 1 s: failed\n"]), unique=True))
def test_entries_are_what_begins_with_a_number_sign(entries: list[str]) -> None:
    assert entries_in("".join(entries)) == entries


def test_a_log_whose_first_line_was_cut_off_is_kept_all_the_same(tmp_path: Path) -> None:
    logs = ToolLogs(tmp_path)
    assert logs.keep_log("T-1", "  the end of something\n" + SECOND) == 2
    assert logs.log("T-1").startswith("  the end of something\n")


def test_what_a_power_cut_tore_off_does_not_swallow_what_comes_after_it(tmp_path: Path) -> None:
    logs = ToolLogs(tmp_path)
    logs.keep_log("T-1", FIRST)
    path = tmp_path / "T-1" / "log.txt"
    path.write_text(FIRST + "# start 2, 36")
    assert logs.keep_log("T-1", FIRST + SECOND) == 1
    assert entries_in(logs.log("T-1")) == [FIRST, "# start 2, 36\n", SECOND]


def test_counters_are_those_of_the_last_whole_line_and_kept_only_where_they_changed(tmp_path: Path) -> None:
    logs = ToolLogs(tmp_path)
    assert logs.counters("T-1") is None
    for counters in (Counters(0, 0), Counters(0, 0), Counters(1, 0), Counters(1, 3)):
        logs.keep_counters("T-1", counters, "2026-11-21T10:00:00+01:00")
    path = tmp_path / "T-1" / "starts.jsonl"
    lines = path.read_text().splitlines()
    assert [json.loads(line)["power_losses"] for line in lines] == [0, 1, 1]
    path.write_text("\n".join(lines) + '\n{"at": "2026')
    assert logs.counters("T-1") == Counters(1, 3)
    logs.keep_counters("T-1", Counters(2, 3), "2026-11-22T10:00:00+01:00")
    assert logs.counters("T-1") == Counters(2, 3)


@pytest.mark.parametrize("serial_number", ["..", "", "../../evil", "a/b", "."])
def test_no_serial_number_leads_out_of_the_folder(tmp_path: Path, serial_number: str) -> None:
    folder = tmp_path / "logs"
    ToolLogs(folder).keep_log(serial_number, FIRST)
    assert [path for path in tmp_path.rglob("*.txt") if folder not in path.parents] == []
    (made,) = folder.rglob("log.txt")
    assert made.parent.parent == folder


def test_a_folder_that_can_not_be_written_is_a_problem_with_its_fix(tmp_path: Path) -> None:
    (tmp_path / "T-1").write_text("a file where the folder should be")
    with pytest.raises(Problem, match="can't be written"):
        ToolLogs(tmp_path).keep_log("T-1", FIRST)
