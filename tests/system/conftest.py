"""The product as its users start it: commands in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a user without settings and without a display."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("IASTM_P", "XDG_", "MICROPYTHON"))
    }
    # The last one would have each command compile the whole program anew.
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYTHONDONTWRITEBYTECODE"):
        kept.pop(name, None)
    return {**kept, "HOME": str(home), "PYTHONWARNINGS": "error", "COLUMNS": "120"}


COMMAND = (sys.executable, "-m", "iastm_host.cli.start")
Iastm = Callable[..., Ran]


@pytest.fixture
def iastm(environment: dict[str, str], tmp_path: Path) -> Iastm:
    """Run `iastm` with arguments, wait for its end."""

    def run(*arguments: str | Path, **more: str) -> Ran:
        ended = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            cwd=tmp_path,
            env={**environment, **more},
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def started(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `iastm` with arguments and leave it running; whatever still runs is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=tmp_path,
            env={**environment, **more},
        )
        running.append(process)
        return process

    yield start
    # Runs before the tools that they are with: a freed port is another test's at once, and a run would try it again.
    for process in reversed(running):
        process.kill()
        process.communicate(timeout=TIMEOUT_S)
