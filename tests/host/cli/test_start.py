"""What an interrupt does before the command's own handlers stand."""

from __future__ import annotations

import ast
import inspect
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iastm_host.cli import start

TIMEOUT_S = 60.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")


def catches_interrupts(pid: int) -> bool:
    """Tell whether SIGINT has a handler of the process's own (proc_pid_status(5), SigCgt)."""
    (mask,) = (
        line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")
    )
    return bool(int(mask, 16) >> (signal.SIGINT - 1) & 1)


def has_loaded(library: str) -> Callable[[int], bool]:
    """Return the question whether a process has a library with that in its name."""
    return lambda pid: library in Path(f"/proc/{pid}/maps").read_text()


def until(happened: Callable[[int], bool], process: subprocess.Popen[str]) -> None:
    limit_s = time.monotonic() + TIMEOUT_S
    while not happened(process.pid):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit_s, "it did not happen"


@pytest.mark.parametrize(
    "moment",
    [lambda _pid: True, has_loaded("_multiarray_umath"), catches_interrupts, has_loaded("pydantic_core")],
    ids=["at once", "numpy is loaded", "our own handler stands", "options are read"],
)
def test_an_early_interrupt_ends_it_without_a_word(moment: Callable[[int], bool], tmp_path: Path) -> None:
    never = tmp_path / "never.csv"
    os.mkfifo(never)
    command = [sys.executable, "-m", "iastm_host.cli.start", "analyse", str(never)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        # Python's own handler comes with Python, and goes with our first line.
        until(catches_interrupts, process)
        until(lambda pid: not catches_interrupts(pid), process)
        until(moment, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_S)
    assert (out, err) == ("", "")
    # A shell shows both as 130.
    assert process.returncode in (-signal.SIGINT, 130)


def test_nothing_but_signals_is_imported_before_the_interrupt_is_taken_care_of() -> None:
    tree = ast.parse(inspect.getsource(start))
    names = [each.names[0].name for each in tree.body if isinstance(each, ast.Import)]
    origins = [each.module for each in tree.body if isinstance(each, ast.ImportFrom)]
    assert (names, origins) == (["signal"], ["__future__"])


@pytest.mark.parametrize("module", ["iastm_host.cli.start", "iastm_host.cli.main"])
def test_either_module_can_be_run(module: str) -> None:
    command = [sys.executable, "-m", module, "--version"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert ran.stdout.startswith("iastm-toolkit ")


def test_a_missing_package_is_named_with_the_way_to_find_out_more() -> None:
    # A None among the modules is Python's own way to say that one can't be had.
    program = "import sys; sys.modules['numpy'] = None; from iastm_host.cli.start import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "The package numpy is missing."
    advice = done.stderr.splitlines()[1].removeprefix("See what else is, and how to get it: ")
    asked = subprocess.run(advice.split(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert "live view of a tool" in asked.stdout
