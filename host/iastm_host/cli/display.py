"""Whether a window can be shown, asked before Qt starts: Qt ends the program where it finds no display."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping

from iastm_host.events import Problem

_TIMEOUT_S = 20.0
_NAMES = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
_HEADLESS = "add --headless"
_UNLOADABLE = re.compile(r"(?:ImportError|Cannot load library \S+/platforms/\S+): ([^\n\"]+)")
# Qt aborts where it finds no display; nobody wants the memory of that process.
_PROBE = """
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from PySide6.QtGui import QGuiApplication
from PySide6 import QtMultimedia, QtWidgets
QGuiApplication([])
"""


def display_there(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether the environment names a display."""
    return platform != "linux" or any(environ.get(name) for name in _NAMES)


def check_display(
    environ: Mapping[str, str], platform: str = sys.platform, probe: str = _PROBE, timeout_s: float = _TIMEOUT_S
) -> None:
    """Let a process of its own open the display that Qt would take, some 0.1 s; raises Problem where it can't."""
    if platform != "linux":
        return
    try:
        asked = subprocess.run(
            [sys.executable, "-c", probe],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # What a plugin lacks is said in this way only.
            env={**environ, "QT_FORCE_STDERR_LOGGING": "1", "QT_DEBUG_PLUGINS": "1"},
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise Problem(
            f"{_named(environ)} does not answer within {timeout_s:g} s.", f"Check {_variable(environ)}, or {_HEADLESS}."
        ) from None
    if asked.returncode == 0:
        return
    said = asked.stderr.decode(errors="replace")
    unloadable = _UNLOADABLE.findall(said)
    if unloadable:
        raise Problem(
            f"Qt can't start, for it lacks a library: {unloadable[-1]}.",
            "Run make setup in a checkout, which installs what Qt needs (on Debian libegl1, libgl1, libxcb-cursor0 and "
            f"others), or {_HEADLESS}.",
        )
    if environ.get("QT_QPA_PLATFORM") and "could not connect to display" not in said:
        raise Problem(
            f"Qt can't start with QT_QPA_PLATFORM={environ['QT_QPA_PLATFORM']}.",
            f"Unset it or name another one (xcb, wayland), or {_HEADLESS}.",
        )
    raise Problem(f"{_named(environ)} can't be opened.", f"Check {_variable(environ)}, or {_HEADLESS}.")


def _variable(environ: Mapping[str, str]) -> str:
    return "WAYLAND_DISPLAY" if environ.get("WAYLAND_DISPLAY") and not environ.get("DISPLAY") else "DISPLAY"


def _named(environ: Mapping[str, str]) -> str:
    return f"The display {environ.get(_variable(environ), '')}".rstrip()
