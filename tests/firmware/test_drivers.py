"""The converters' drivers under a real MicroPython, against chips written from their data sheets (models/).

Each check runs in a process of its own, in virtual time: one that hangs or runs out of memory fails alone.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_TIMEOUT_S = 60.0


def _checks() -> list[tuple[str, str]]:
    """Return every check as (name of its script, name)."""
    return [
        (script.stem, node.name.removeprefix("check_"))
        for script in sorted(_HERE.glob("check_*.py"))
        for node in ast.parse(script.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
    ]


@pytest.mark.parametrize(("script", "name"), [pytest.param(*check, id="-".join(check)) for check in _checks()])
def test_a_driver_keeps_its_promise(micropython: str, script: str, name: str) -> None:
    path = [str(_ROOT), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", "heapsize=2m", str(_HERE / f"{script}.py"), name],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "passed\n"), done.stdout + done.stderr
