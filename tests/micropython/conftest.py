"""The real interpreters that the shared source runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 300.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _micropython() -> str | None:
    """Return MicroPython: $MICROPYTHON, the one installed beside this interpreter, or the one on PATH."""
    beside = str(Path(sys.executable).parent)
    return os.environ.get("MICROPYTHON") or shutil.which("micropython", path=beside) or shutil.which("micropython")


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a real MicroPython. Its absence fails a test where a wheel of it exists, and skips elsewhere."""
    found = _micropython()
    if found is None:
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            pytest.fail("no MicroPython: install the project's dependencies, or set $MICROPYTHON")
        pytest.skip("no MicroPython is packaged for this system; set $MICROPYTHON")
    return found


@pytest.fixture(params=["cpython", "micropython"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return `run(script, *arguments)`: the script on this interpreter with the shared source in its path."""
    protocol = str(ROOT / "protocol")
    if request.param == "cpython":
        interpreter, path = sys.executable, {"PYTHONPATH": protocol}
    else:
        interpreter, path = request.getfixturevalue("micropython"), {"MICROPYPATH": f"{protocol}:.frozen"}

    def run_script(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [interpreter, str(script), *arguments],
            env={**os.environ, **path},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )

    return run_script


_BUILD_TIMEOUT_S = 900


def _build_32bit(*options: str) -> str:
    """Return the path of a 32-bit MicroPython, built where it is not there; skips where that takes what is missing."""
    script = ROOT / "scripts" / "build_micropython_32bit.sh"
    done = subprocess.run(
        [str(script), *options], capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False
    )
    if done.returncode and "something is missing" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def micropython_32bit(pytestconfig: pytest.Config) -> str:
    """A MicroPython with a board's arithmetic: built under --soak, else taken where it is there."""
    if pytestconfig.getoption("--soak"):
        return _build_32bit()
    program = ROOT / ".cache" / "micropython32" / "micropython"
    if not program.exists():
        pytest.skip("no 32-bit MicroPython: scripts/build_micropython_32bit.sh builds it")
    return str(program)


@pytest.fixture(scope="session")
def micropython_with_firmware(pytestconfig: pytest.Config) -> str:
    """The same with the firmware of these sources frozen in: its compiled code takes no heap, as on a board."""
    if pytestconfig.getoption("--soak"):
        return _build_32bit("--with-firmware")
    program = ROOT / ".cache" / "micropython32" / "micropython-with-firmware"
    stamp = program.with_name(program.name + ".sources")
    sources = subprocess.run(
        [str(ROOT / "scripts" / "frozen_sources.sh")], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    if not program.exists() or not stamp.exists() or stamp.read_text() != sources:
        pytest.skip("no 32-bit MicroPython with these sources: scripts/build_micropython_32bit.sh --with-firmware")
    return str(program)
