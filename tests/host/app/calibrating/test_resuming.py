from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.host.app.calibrating.bench_of_events import Bench, BenchTool, quick

from iastm_host.app.calibrating.book import read_book
from iastm_host.app.calibrating.draft import Draft, read_draft, unfinished_drafts
from iastm_host.events import Problem


def begun(tmp_path: Path, pages: int) -> Bench:
    """A bench on which so many pages were done."""
    bench = Bench(tmp_path)
    bench.wizard.start(quick())
    for _ in range(pages):
        bench.do_page()
    return bench


def draft_of(tmp_path: Path) -> Path:
    return unfinished_drafts(tmp_path)[0]


def resumed(bench: Bench) -> Bench:
    bench.wizard = bench.new_wizard()
    bench.wizard.resume(draft_of(bench.folder))
    bench.wait(0.2)
    return bench


def finish(bench: Bench) -> None:
    bench.do_until(lambda shown: shown.picture.kind == "check")
    bench.wizard.take()
    bench.wizard.keep()


@pytest.mark.parametrize("pages", range(1, 15))
def test_a_draft_that_is_taken_up_stands_where_it_was_left_with_all_its_points(tmp_path: Path, pages: int) -> None:
    bench = begun(tmp_path, pages)
    before = bench.wizard.snapshot()
    again = resumed(bench).wizard.snapshot()
    assert (again.points, again.residuals) == (before.points, before.residuals)
    assert again.steps == before.steps
    assert again.setup == before.setup
    finish(bench)
    assert bench.wizard.snapshot().done
    taken = [(p.step, p.rising) for p in bench.saved[0].points if not p.note]
    assert taken == [(-1, True), *((s, True) for s in range(5)), *((s, False) for s in (3, 2, 1, 0)), (-1, False)]


def test_in_mid_series_a_new_zero_comes_first_and_the_former_stays(tmp_path: Path) -> None:
    bench = resumed(begun(tmp_path, 6))
    assert bench.wizard.snapshot().picture.kind == "zero"
    finish(bench)
    assert sum(p.step == -1 for p in bench.saved[0].points) == 3


def test_a_process_that_is_killed_loses_no_point_that_it_said_was_taken(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.host.app.calibrating.bench_of_events import Bench, quick
bench = Bench(Path(sys.argv[1]))
bench.wizard.start(quick())
while True:
    shown = bench.do_page()
    print(len(shown.residuals), flush=True)
"""
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert process.stdout is not None
    told = 0
    while told < 4:
        line = process.stdout.readline()
        assert line, "it ended by itself"
        told = int(line)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    told = int(rest[-1]) if rest else told
    book = read_book(draft_of(tmp_path))
    assert sum(entry.point.step >= 0 for entry in book.counting()) >= told


def test_a_torn_last_line_is_cut_off_and_the_rest_is_there(tmp_path: Path) -> None:
    bench = begun(tmp_path, 6)
    path = draft_of(tmp_path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(1, len(lines[-1])):
        path.write_bytes(whole[:-cut])
        assert len(read_draft(path)) == len(lines) - 1
        assert path.read_bytes() == whole[:-cut], "whoever only looks changes nothing"
        bench.new_wizard().resume(path)
        assert path.read_bytes().startswith(b"".join([*lines[:-1], b'{"kind"']))
        bench.new_wizard()
    assert bench.wizard.snapshot().points
    resumed(bench)


def test_a_draft_of_another_tool_is_not_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path, 6).wizard.leave()
    other = Bench(tmp_path, BenchTool(serial="TOOL-8"))
    with pytest.raises(Problem, match="TOOL-7, and TOOL-8 is connected"):
        other.wizard.resume(draft_of(tmp_path))


def test_another_tool_on_the_same_port_takes_no_point(tmp_path: Path) -> None:
    bench = begun(tmp_path, 6)
    bench.tool.serial = "TOOL-8"
    bench.feed(*bench.tool.restart())
    bench.hang(0.0)
    shown = bench.wait(3.0)
    assert "TOOL-8 is connected" in bench.problem().what
    assert not shown.can_take
    bench.wizard.take()
    assert bench.wizard.snapshot().points == shown.points


def test_a_question_that_was_open_is_asked_again(tmp_path: Path) -> None:
    bench = begun(tmp_path, 5)
    bench.wait(3.0)
    bench.wizard.take()
    asked = bench.asked()
    resumed(bench)
    assert bench.asked() == asked
    bench.wizard.answer("repeat")
    finish(bench)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0] | {"schema": 2}], "another version"),
        (lambda lines: lines[1:], "holds no calibration"),
        (lambda lines: lines[:0], "holds no calibration"),
        (lambda lines: [*lines, {"kind": "later"}], "does not fit"),
        (lambda lines: [*lines, {"kind": "go", "page": 99}], "does not fit"),
        (lambda lines: [*lines, {"kind": "answer", "option": "keep", "note": ""}], "does not fit"),
        (lambda lines: [*lines, {"kind": "taken", "page": 4, "point": {"run": 1}}], "does not fit"),
        (lambda lines: [lines[0] | {"setup": {"method": "slow"}}], "does not fit"),
        (lambda lines: [*lines, ["no", "object"]], "is no line of a draft"),
    ],
)
def test_a_draft_that_was_altered_is_refused_with_its_line(tmp_path: Path, change: Any, words: str) -> None:
    begun(tmp_path, 5)
    path = draft_of(tmp_path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in change(lines)))
    with pytest.raises(Problem, match=words):
        read_book(path)


class FullDisk:
    """Takes so many bytes, then none until there is room."""

    def __init__(self, path: Path, room: int) -> None:
        self.path = path
        self.room = room

    def open(self, path: Path) -> Any:
        return _FullFile(self, path)


class _FullFile:
    def __init__(self, disk: FullDisk, path: Path) -> None:
        self._disk = disk
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> _FullFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def close(self) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, data: bytes) -> int:
        if not self._disk.room:
            raise OSError(28, "No space left on device")
        part = data[: self._disk.room]
        self._disk.room -= len(part)
        return self._file.write(part)


def told(draft: Draft) -> str:
    return "" if draft.trouble is None else str(draft.trouble)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    disk = FullDisk(tmp_path / "d.calibration-draft.jsonl", 40)
    draft = Draft(disk.path, disk.open)
    draft.write({"kind": "start", "schema": 1})
    assert told(draft) == ""
    draft.write({"kind": "note", "text": "one"})
    assert told(draft) == ("No space left on device. The points are kept in memory. Free some space, then go on.")
    disk.room = 10_000
    draft.write({"kind": "note", "text": "two"})
    assert told(draft) == ""
    assert [line.get("text") for line in read_draft(disk.path)] == [None, "one", "two"]


def test_each_line_is_synced_before_the_page_turns(tmp_path: Path) -> None:
    synced: list[bytes] = []
    path = tmp_path / "d.calibration-draft.jsonl"
    draft = Draft(path, sync=lambda _fd: synced.append(path.read_bytes()))
    draft.write({"kind": "start"})
    draft.write({"kind": "note"})
    assert [data.count(b"\n") for data in synced] == [1, 2]


def test_only_what_is_unfinished_waits_to_be_gone_on_with(tmp_path: Path) -> None:
    assert unfinished_drafts(tmp_path / "nowhere") == []
    bench = begun(tmp_path, 3)
    assert len(unfinished_drafts(tmp_path)) == 1
    finish(bench)
    bench.wizard.leave()
    assert unfinished_drafts(tmp_path) == []


def test_leaving_ends_the_view_and_keeps_the_draft(tmp_path: Path) -> None:
    bench = begun(tmp_path, 6)
    bench.wizard.leave()
    assert bench.wizard.snapshot().finished
    assert not bench.wizard.snapshot().can_take
    assert resumed(bench).wizard.snapshot().points


def test_writing_that_fails_leaves_the_document_saved_and_can_be_repeated(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    bench.refuse_write = Problem("The tool is in contact.", "Lift it.")
    finish(bench)
    shown = bench.wizard.snapshot()
    assert bench.problem().what == "The tool is in contact."
    assert len(bench.saved) == 1
    assert bench.result().file == "0"
    assert not bench.result().written
    assert not shown.done
    assert shown.take_label == "Write to the tool"
    bench.refuse_write = None
    bench.wizard.take()
    assert bench.wizard.snapshot().done
    assert len(bench.saved) == 1
    assert bench.written == bench.saved


def test_a_document_that_was_saved_and_not_written_is_written_after_a_resume_as_it_is(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    bench.refuse_write = Problem("No link.", "Connect it.")
    finish(bench)
    bench.refuse_write = None
    resumed(bench)
    assert not bench.wizard.snapshot().can_back
    bench.wizard.take()
    assert bench.written == bench.saved
    assert len(bench.saved) == 1


def test_saving_that_fails_writes_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    bench.refuse_save = Problem("No space.", "Free some.")
    finish(bench)
    assert bench.problem().what == "No space."
    assert not bench.written
    bench.refuse_save = None
    bench.wizard.keep()
    assert bench.wizard.snapshot().done


def test_a_result_that_was_not_saved_is_calculated_again_after_a_resume(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    bench.do_until(lambda shown: shown.picture.kind == "check")
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.kind == "result"
    resumed(bench)
    assert bench.wizard.snapshot().picture.kind == "check"
    bench.wizard.take()
    bench.wizard.keep()
    assert bench.wizard.snapshot().done


def test_a_process_that_is_killed_right_after_writing_writes_nothing_twice(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    finish(bench)
    path = next(tmp_path.iterdir())
    lines = path.read_text().splitlines(keepends=True)
    assert [json.loads(line)["kind"] for line in lines[-3:]] == ["kept", "written", "finished"]
    path.write_text("".join(lines[:-1]))
    resumed(bench)
    bench.wizard.take()
    assert bench.wizard.snapshot().done
    assert len(bench.saved) == len(bench.written) == 1


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    bench = begun(tmp_path, 3)
    finish(bench)
    before = next(tmp_path.iterdir()).read_bytes()
    bench.wizard.keep()
    bench.wizard.take()
    bench.wizard.back()
    bench.wizard.repeat_last()
    assert next(tmp_path.iterdir()).read_bytes() == before
    with pytest.raises(Problem, match="finished"):
        bench.new_wizard().resume(next(tmp_path.iterdir()))
