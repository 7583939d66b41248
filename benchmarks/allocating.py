"""Bytes that the firmware allocates per sample, under real MicroPython in the heap of a board."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Result
from iastm_host.events import Problem
from iastm_host.transports.runtime import HEAP_BYTES, Runtime, find_runtime

ROOT = Path(__file__).parents[1]
BUILT = ROOT / ".cache/micropython32/micropython"
BUILD = ROOT / "scripts/build_micropython_32bit.sh"
PROMISED_HOT_PATH = 0.0
# Bytes per sample with sending, by the bits of a word.
PROMISED_SENDING = {64: 15.0, 32: 30.0}
_TIMEOUT_S = 120.0
_HOT_PATH = "Allocated on the tool, {} bits: hot path"
_SENDING = "Allocated on the tool, {} bits: with sending"
_UNIT = "bytes/sample"


@dataclass(frozen=True, slots=True)
class _Memory:
    """What one runtime allocates: hot path, with sending, and the baseline, in bytes per sample."""

    words: str
    hot_path: float
    sending: float
    baseline: float


def run(*, build: bool = False) -> list[Result]:
    """Measure on the MicroPython at hand (64 bits) and, where it has been built, on the one with 32 bits."""
    if build:
        build_32bit()
    found = find_runtime(os.environ)
    if found.name == "micropython":
        results = _results(64, _measure(found))
    else:
        results = _not_tried(64, "No MicroPython here: CPython's memory says nothing of a board's.")
    if BUILT.exists():
        return results + _results(32, _measure(Runtime("micropython", (str(BUILT),), "built")))
    folder = BUILT.parent.relative_to(ROOT)
    return results + _not_tried(
        32, f"No 32-bit MicroPython here: `make bench ARGS=--build-32bit` builds one into {folder}."
    )


def build_32bit() -> None:
    """Build the 32-bit MicroPython; raises Problem with what the script said."""
    done = subprocess.run([str(BUILD)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(done.stderr.strip(), "Then ask for the build again, or leave out --build-32bit.")


def _results(bits: int, memory: _Memory) -> list[Result]:
    note = (
        f"{memory.words}, heap of {HEAP_BYTES // 1024} KiB; the firmware's own measurement, 6 or 7 samples per frame."
    )
    baseline = ("a bytes object per field and frame", memory.baseline)
    hot_path = Result(
        _HOT_PATH.format(bits),
        memory.hot_path,
        _UNIT,
        *baseline,
        None,
        f"{PROMISED_HOT_PATH:g} {_UNIT}",
        memory.hot_path <= PROMISED_HOT_PATH,
        note,
    )
    sending = Result(
        _SENDING.format(bits),
        memory.sending,
        _UNIT,
        *baseline,
        memory.baseline / memory.sending,
        f"≤ {PROMISED_SENDING[bits]:g} {_UNIT}",
        memory.sending <= PROMISED_SENDING[bits],
        note,
    )
    return [hot_path, sending]


def _not_tried(bits: int, why: str) -> list[Result]:
    promises = {_HOT_PATH: PROMISED_HOT_PATH, _SENDING: PROMISED_SENDING[bits]}
    return [
        Result(name.format(bits), None, _UNIT, "", None, None, f"≤ {promise:g} {_UNIT}", None, why)
        for name, promise in promises.items()
    ]


def _measure(runtime: Runtime) -> _Memory:
    environment = runtime.environment(os.environ)
    firmware = _json_of(runtime.module_command("iastm_simulated.measure_memory"), environment)
    baseline = _json_of([*runtime.command, str(ROOT / "benchmarks/bytes_objects.py")], environment)
    return _Memory(
        str(firmware["runtime"]),
        float(firmware["hot_path_bytes_per_sample"]),
        float(firmware["sending_bytes_per_sample"]),
        float(baseline["bytes_per_sample"]),
    )


def _json_of(command: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
    )
    said: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return said
