from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.transports.runtime import HEAP_BYTES, Runtime, find_runtime, package_folder, source_hash

_TIMEOUT_S = 60.0


def program(folder: Path, name: str, says: str = "echo micropython") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


def test_the_environment_comes_first(tmp_path: Path) -> None:
    mine = program(tmp_path, "my-micropython")
    runtime = find_runtime({"MICROPYTHON": str(mine), "PATH": ""})
    assert (runtime.name, runtime.command, runtime.chosen_by) == ("micropython", (str(mine),), "$MICROPYTHON")


def test_the_environment_may_name_a_program_on_its_path(tmp_path: Path) -> None:
    mine = program(tmp_path, "my-micropython")
    assert find_runtime({"MICROPYTHON": "my-micropython", "PATH": str(tmp_path)}).command == (str(mine),)


def test_the_environment_may_ask_for_cpython() -> None:
    runtime = find_runtime({"MICROPYTHON": "cpython"})
    assert (runtime.name, runtime.command) == ("cpython", (sys.executable,))


def test_a_program_that_is_not_there_is_a_problem_and_nothing_else_is_taken_instead() -> None:
    with pytest.raises(Problem, match="/nowhere/micropython") as raised:
        find_runtime({"MICROPYTHON": "/nowhere/micropython"})
    assert "unset" in raised.value.fix


@pytest.mark.parametrize(
    ("says", "word"),
    [
        ("echo cpython", "not MicroPython: cpython"),
        ("exit 1", "answers something else"),
        ("echo micropython; exit 1", "answers something else"),
        ("echo two words", "answers something else"),
        ("", "answers something else"),
    ],
)
def test_another_program_is_refused_before_it_runs_any_firmware(tmp_path: Path, says: str, word: str) -> None:
    wrong = program(tmp_path, "wrong", says)
    with pytest.raises(Problem, match=word) as raised:
        find_runtime({"MICROPYTHON": str(wrong)})
    assert "unset" in raised.value.fix


def test_a_program_that_the_system_refuses_to_run_is_a_problem(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF no program")
    broken.chmod(0o755)
    with pytest.raises(Problem, match="not MicroPython"):
        find_runtime({"MICROPYTHON": str(broken)})


def test_another_program_of_that_name_on_the_path_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "micropython", "echo something")
    assert find_runtime({"PATH": str(tmp_path)}, package="no_such_package_here").name == "cpython"


def test_then_the_installed_package(tmp_path: Path) -> None:
    program(tmp_path, "micropython")
    runtime = find_runtime({"PATH": str(tmp_path)}, package="json")
    assert (runtime.name, runtime.command[:2]) == ("micropython", (sys.executable, "-c"))
    assert "json.main()" in runtime.command[2]
    assert runtime.chosen_by == "installed package"


def test_then_the_path_and_last_cpython(tmp_path: Path) -> None:
    found = program(tmp_path, "micropython")
    on_path = find_runtime({"PATH": str(tmp_path)}, package="no_such_package_here")
    assert (on_path.command, on_path.chosen_by) == ((str(found),), "PATH")
    neither = find_runtime({"PATH": str(tmp_path / "empty")}, package="no_such_package_here")
    assert (neither.name, neither.command) == ("cpython", (sys.executable,))
    assert neither.chosen_by == "no MicroPython found"


def test_micropython_runs_in_a_boards_heap_and_cpython_as_it_is() -> None:
    assert Runtime("micropython", ("/bin/mp",), "").module_command("iastm_simulated") == [
        "/bin/mp",
        "-X",
        f"heapsize={HEAP_BYTES}",
        "-m",
        "iastm_simulated",
    ]
    assert Runtime("cpython", ("python",), "").module_command("m") == ["python", "-m", "m"]


def test_packages_are_found_where_they_lie() -> None:
    for name in ("iastm_simulated", "iastm_firmware", "iastm_protocol", "iastm_host"):
        assert (package_folder(name) / name / "__init__.py").exists()
    with pytest.raises(Problem, match="iastm_nothing"):
        package_folder("iastm_nothing")


@pytest.mark.parametrize("name", ["micropython", "cpython"])
def test_the_firmware_finds_its_packages_under_either_runtime(name: str, tmp_path: Path) -> None:
    runtime = find_runtime({} if name == "micropython" else {"MICROPYTHON": "cpython"})
    if runtime.name != name:
        pytest.skip("no MicroPython here")
    said = subprocess.run(
        [*runtime.command, "-c", "import iastm_protocol.frames, iastm_firmware; print('found')"],
        env=runtime.environment(os.environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert said.stdout == "found\n", said.stderr


def test_the_hash_of_the_sources_is_eight_bytes_and_stays() -> None:
    assert len(bytes.fromhex(source_hash())) == 8
    assert source_hash() == source_hash()
