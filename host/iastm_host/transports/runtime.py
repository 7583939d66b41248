"""Which interpreter runs the firmware of a simulated tool."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from iastm_host.events import Problem

# The compiled firmware and what is kept of a calibration lie in it too, which a board has in flash; the rest is a ring
# of a minute and room to work.
HEAP_BYTES = 416 * 1024
# With Bluetooth, whose stand-in is Python where a board has C.
HEAP_WITH_BLUETOOTH_BYTES = 480 * 1024
_ASK_TIMEOUT_S = 10.0
_NAME = "import sys; print(sys.implementation.name)"


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter: `command` starts it; `chosen_by` says why it was taken, for a person."""

    name: str
    command: tuple[str, ...]
    chosen_by: str

    def module_command(self, module: str, heap_bytes: int = HEAP_BYTES) -> list[str]:
        """Return the command that runs `module` under this interpreter, in a board's heap where that can be set."""
        heap = ["-X", f"heapsize={heap_bytes}"] if self.name == "micropython" else []
        return [*self.command, *heap, "-m", module]

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which the firmware's packages are found."""
        folders = dict.fromkeys(str(package_folder(name)) for name in ("iastm_simulated", "iastm_protocol"))
        path = os.pathsep.join(folders)
        if self.name == "micropython":
            return {**base, "MICROPYPATH": f"{path}:.frozen"}
        return {**base, "PYTHONPATH": path}


def find_runtime(environ: Mapping[str, str], package: str = "micropython_unix") -> Runtime:
    """Return the runtime to use: $MICROPYTHON, the installed `package`, PATH, CPython; raises Problem."""
    wanted = environ.get("MICROPYTHON")
    if wanted:
        if wanted == "cpython":
            return Runtime("cpython", (sys.executable,), "$MICROPYTHON")
        found = shutil.which(wanted, path=environ.get("PATH"))
        if found is None:
            raise Problem(
                f"$MICROPYTHON names {wanted}, which can't be run.",
                "Set it to a MicroPython program, to cpython, or unset it.",
            )
        said = _name_said_by(found)
        if said != "micropython":
            raise Problem(
                f"$MICROPYTHON names {wanted}, which is not MicroPython: {said}.",
                "Set it to a MicroPython program, to cpython, or unset it.",
            )
        return Runtime("micropython", (found,), "$MICROPYTHON")
    if importlib.util.find_spec(package) is not None:
        # `python -m` of this package would drop the exit code.
        run = f"import sys, {package}; sys.exit({package}.main())"
        return Runtime("micropython", (sys.executable, "-c", run), "installed package")
    found = shutil.which("micropython", path=environ.get("PATH"))
    if found is not None and _name_said_by(found) == "micropython":
        return Runtime("micropython", (found,), "PATH")
    return Runtime("cpython", (sys.executable,), "no MicroPython found")


def _name_said_by(program: str) -> str:
    """Return the name that an interpreter gives itself, or in words why it gives none."""
    try:
        asked = subprocess.run(
            [program, "-c", _NAME],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"asked for its name, it does not end within {_ASK_TIMEOUT_S:g} s"
    except OSError as error:
        return error.strerror or str(error)
    name = asked.stdout.decode(errors="replace").strip()
    if asked.returncode or not name.isidentifier():
        return "asked for its name, it answers something else"
    return name


def package_folder(name: str) -> Path:
    """Return the folder that holds the package `name`, in a checkout and in a wheel alike."""
    spec = PathFinder.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise Problem(f"The package {name} is missing.", "Install the toolkit again: pip install .")
    return Path(next(iter(spec.submodule_search_locations))).parent


def source_hash() -> str:
    """Return the hash of the firmware's sources as hello carries it: 8 bytes of SHA-256, in hex."""
    digest = hashlib.sha256()
    for name in ("iastm_firmware", "iastm_protocol"):
        folder = package_folder(name) / name
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.digest()[:8].hex()
