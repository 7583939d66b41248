from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.transports.runtime import find_runtime, source_hash
from iastm_host.workbench.board_state import ARCHITECTURES
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.release import firmware_sources, module_path


def program(folder: Path, code: str) -> Path:
    """Return a program that stands for mpy-cross; its last argument but one is the file to write."""
    path = folder / "mpy-cross"
    path.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    path.chmod(0o755)
    return path


def test_each_source_becomes_one_file_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    release = compile_release("armv6m", lambda done, total: told.append((done, total)))
    assert set(release.files) == {module_path(path) for path in firmware_sources()}
    assert release.source_hash == source_hash()
    assert release.id.endswith(f"+{source_hash()}")
    assert (release.mpy_version, release.architecture) == (6, "armv6m")
    assert [done for done, _ in told] == list(range(len(release.files) + 1))
    # The firmware has native code, which binds it to the sub-version too.
    assert release.mpy_sub_version == 3


@pytest.mark.parametrize("architecture", ["armv7emsp", "xtensawin", "rv32imc"])
def test_it_compiles_for_every_board_s_architecture(architecture: str) -> None:
    release = compile_release(architecture)
    number = ARCHITECTURES.index(architecture)
    native = {data[2] >> 2 for data in release.files.values()} - {0}
    assert native == {number}


def test_what_is_compiled_runs_and_says_what_it_was_made_from(tmp_path: Path) -> None:
    runtime = find_runtime(os.environ)
    if runtime.name != "micropython":
        pytest.skip("needs MicroPython")
    for path, data in compile_release("x64").files.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    code = (
        "from iastm_firmware import app, built\nfrom iastm_firmware.link import Link\n"
        "print(built.SOURCE_HASH, built.__file__.split('/')[-1])"
    )
    (tmp_path / "try.py").write_text(code)
    ran = subprocess.run(
        [*runtime.command, "try.py"], check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert ran.stdout.split() == [source_hash(), "built.mpy"], ran.stderr


def test_a_source_that_can_t_be_compiled_is_named(tmp_path: Path) -> None:
    broken = program(tmp_path, "print('SyntaxError: invalid syntax', file=sys.stderr)\nsys.exit(1)")
    with pytest.raises(Problem, match=r"iastm_protocol/__init__\.py.*invalid syntax"):
        compile_release("x64", compiler=broken)


def test_a_compiler_that_makes_something_else_is_told(tmp_path: Path) -> None:
    other = program(tmp_path, "open(sys.argv[-2], 'wb').write(b'ELF4')")
    with pytest.raises(Problem, match=r"something else than \.mpy"):
        compile_release("x64", compiler=other)


def test_a_compiler_that_can_t_be_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't be run") as raised:
        compile_release("x64", compiler=tmp_path / "none")
    assert "mpy-cross" in raised.value.fix
