"""A board's file (docs/boards.md) checked and tried on this computer: by the firmware itself, as a program of its own.

Nothing of the file runs in this process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iastm_host.events import Problem
from iastm_host.records.disk import cure, reason
from iastm_host.transports.runtime import Runtime, find_runtime

# What iastm new-board leaves where a pin belongs, in the firmware's words.
_NOT_CHOSEN = re.compile(r": a pin is a number, not str 'CHOOSE'$")
_MODULE = "iastm_simulated.try_board"
_HEAP_BYTES = 2 * 1024 * 1024
TIMEOUT_S = 10.0
"""How long a board's file may be at work."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One conversion of a converter on a played chip: raw counts, tool time, conversions missed before it."""

    raw_counts: int
    tool_us: int
    missed: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a board on a played chip; with `faults` in its table it was not started.

    `chip` is the one of its table, as "ESP32-S3". `played` are those of its parts that are played, "NAU7802" and
    "LSM6DS"; nobody else answers on a played chip, and `trouble` says so too, with whatever else did not start.
    """

    faults: tuple[str, ...]
    name: str = ""
    trouble: str = ""
    conversions: tuple[Conversion, ...] = ()
    chip: str = ""
    played: tuple[str, ...] = ()


def faults_of_board_file(path: Path, runtime: Runtime | None = None) -> list[str]:
    """Return what is wrong with the board file at `path`, in words; empty where nothing is. Raises Problem.

    It is read under `runtime`, the toolkit's own where it is None. A file with a class `Board` can't be checked so.
    """
    return list(check_board_file(path, runtime).faults)


def check_board_file(path: Path, runtime: Runtime | None = None, timeout_s: float = TIMEOUT_S) -> Tried:
    """Return what `faults_of_board_file` finds and, without faults, the chip. Raises Problem, after `timeout_s` too."""
    said = _asked(path, ["check"], runtime, timeout_s)
    return Tried(_in_words(said["faults"]), chip=said.get("chip", ""))


def try_board_file(
    path: Path, runtime: Runtime | None = None, *, i2c: Mapping[int, bytes] | None = None, spi: bytes = b""
) -> Tried:
    """Check the board file at `path`, and start it on a played chip for two seconds of its time. Raises Problem.

    `i2c` are chips on the played bus: registers from 0 on by address. Each reading of the SPI bus begins with `spi`.
    """
    chips = [f"{address:#x}={registers.hex()}" for address, registers in (i2c or {}).items()]
    said = _asked(path, ["start", f"spi={spi.hex()}", *chips], runtime, TIMEOUT_S)
    seen = tuple(Conversion(*each) for each in said.get("conversions", ()))
    return Tried(
        _in_words(said["faults"]),
        said.get("name", ""),
        said.get("trouble", ""),
        seen,
        chip=said.get("chip", ""),
        played=tuple(said.get("played", ())),
    )


def _in_words(faults: list[str]) -> tuple[str, ...]:
    """Return faults with what is still to be chosen as that, rather than as a value of a wrong kind."""
    return tuple(_NOT_CHOSEN.sub(": still to be chosen", fault) for fault in faults)


def _asked(path: Path, arguments: list[str], runtime: Runtime | None, timeout_s: float) -> dict[str, Any]:
    chosen = runtime or find_runtime(os.environ)
    environment = chosen.environment(os.environ)
    if chosen.name == "micropython":
        # The folder that it runs in comes first, as on a board.
        environment["MICROPYPATH"] = f":{environment['MICROPYPATH']}"
    with tempfile.TemporaryDirectory() as folder:
        # Alone, as on a board; and what the started firmware keeps lands here.
        try:
            shutil.copy(path, Path(folder, "board.py"))
        except FileNotFoundError:
            raise Problem(
                f"There is no file {path}.", "Name a board's file; iastm new-board writes one to fill in."
            ) from None
        except OSError as error:
            raise Problem(f"{path} can't be read: {reason(error)}.", f"{cure(error)}, then retry.") from error
        try:
            done = subprocess.run(
                [*chosen.module_command(_MODULE, _HEAP_BYTES), *arguments],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Problem(
                f"{path} was still at work after {timeout_s:g} s.",
                "A board's file only says what is there: let it wait for nothing.",
            ) from None
        except OSError as error:
            raise Problem(
                f"{chosen.command[0]} can't be run: {reason(error)}.", "Install the toolkit again."
            ) from error
    return _answer(path, done)


def _answer(path: Path, done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    lines = done.stdout.decode(errors="replace").splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
        if "faults" in answer:
            return answer
    except (IndexError, ValueError, TypeError):
        pass  # It ended before it could answer.
    words = done.stderr.decode(errors="replace").strip().splitlines()
    last = words[-1] if words else f"exit code {done.returncode}"
    raise Problem(f"{path} could not be tried: {last}", "Mend what it says, then retry.")
