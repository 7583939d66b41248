"""One program at a time writes a draft."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.host.app.calibrating.bench_of_events import Bench, quick

from iastm_host.app.calibrating.draft import unfinished_drafts
from iastm_host.events import Problem

_PROGRAM = """
import sys
from pathlib import Path
from tests.host.app.calibrating.bench_of_events import Bench, quick
bench = Bench(Path(sys.argv[1]))
bench.wizard.start(quick())
for _ in range(6):
    bench.do_page()
print("there", flush=True)
sys.stdin.read()
"""


def test_a_draft_that_another_program_has_open_is_not_taken_up_until_that_one_is_killed(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        (path,) = unfinished_drafts(tmp_path)
        # A line that the other one is just writing is not cut off either.
        with path.open("ab") as file:
            file.write(b'{"kind": ')
        before = path.read_bytes()
        bench = Bench(tmp_path)
        with pytest.raises(Problem, match=r"is open in another window\. Close that one, or begin a new one"):
            bench.wizard.resume(path)
        assert path.read_bytes() == before
        process.send_signal(signal.SIGKILL)
        process.wait()
        bench.wizard.resume(path)
    assert bench.wizard.snapshot().points


def test_a_draft_that_was_left_is_free_at_once(tmp_path: Path) -> None:
    first, second = Bench(tmp_path), Bench(tmp_path)
    path = first.wizard.start(quick())
    first.do_until(lambda shown: bool(shown.points))
    with pytest.raises(Problem, match="another window"):
        second.wizard.resume(path)
    first.wizard.leave()
    second.wizard.resume(path)


def test_a_draft_that_could_not_be_taken_up_is_let_go(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    path = first.wizard.start(quick())
    first.do_until(lambda shown: shown.picture.kind == "check")
    first.wizard.leave()
    other = Bench(tmp_path)
    other.tool.serial = "TOOL-8"
    other.feed(*other.tool.restart())
    with pytest.raises(Problem, match="TOOL-8 is connected"):
        other.wizard.resume(path)
    Bench(tmp_path).wizard.resume(path)
