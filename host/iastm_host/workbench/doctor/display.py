"""Whether a window has somewhere to be."""

from __future__ import annotations

import re

from iastm_host.workbench.doctor.finding import Seen, bad, good
from iastm_host.workbench.doctor.system import LINUX, System

_NAMES = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
_LOCAL = re.compile(r":(\d+)(?:\.\d+)?")


def named(system: System) -> bool:
    """Tell whether `iastm run` would open a window here: elsewhere than on Linux always, else where one is named."""
    return system.platform != LINUX or any(system.environ.get(name) for name in _NAMES)


def display(system: System) -> Seen:
    """The display that is named takes connections; where none is named the text view is shown, and all is well."""
    if system.platform != LINUX:
        return good("the system's own")
    if not named(system):
        return good("none is named: iastm run shows its text view")
    chosen = system.environ.get("QT_QPA_PLATFORM", "")
    if chosen and not chosen.startswith(("xcb", "wayland")):
        return good(f"QT_QPA_PLATFORM={chosen}, which needs none")
    x11, wayland = system.environ.get("DISPLAY", ""), system.environ.get("WAYLAND_DISPLAY", "")
    local = _LOCAL.fullmatch(x11)
    if local:
        path = f"/tmp/.X11-unix/X{local[1]}"  # noqa: S108, RUF100
        # Without a file in /tmp a server may listen in Linux' abstract names.
        if system.listens(path) or system.listens(f"\0{path}"):
            return good(f"DISPLAY={x11}")
        return bad(
            f"DISPLAY={x11}, where no display answers",
            "Start iastm on the desktop, or name its display: export DISPLAY=:0\n"
            "Without a window: unset DISPLAY, or iastm run --headless",
        )
    if x11:
        return good(f"DISPLAY={x11}, on another computer: not tried")
    if chosen.startswith("xcb"):
        return bad(f"QT_QPA_PLATFORM={chosen} needs DISPLAY, which is not set", "unset QT_QPA_PLATFORM")
    folder = system.environ.get("XDG_RUNTIME_DIR", "")
    path = wayland if wayland.startswith("/") else f"{folder}/{wayland}"
    if wayland and not system.listens(path):
        return bad(
            f"WAYLAND_DISPLAY={wayland}, where no display answers ({path})",
            "Start iastm on the desktop.\nWithout a window: unset WAYLAND_DISPLAY, or iastm run --headless",
        )
    return good(f"WAYLAND_DISPLAY={wayland}" if wayland else f"QT_QPA_PLATFORM={chosen}")
