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
