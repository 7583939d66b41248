"""Which ports a tool can be on, and which programs hold one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.system import WINDOWS, System

if TYPE_CHECKING:
    from iastm_host.transports.ports import SerialPort

MAKERS = {0x2E8A: "Raspberry Pi", 0x303A: "Espressif", 0x239A: "Adafruit"}
"""Whose boards are known by their maker's number; bridges are known one by one (workbench/boards.py)."""


def bridges() -> dict[tuple[int, int], str]:
    """Return the chips between USB and a UART by their numbers."""
    from iastm_host.workbench.boards import BRIDGES

    return BRIDGES


def ports(system: System) -> Seen:
    """The port that was named is there; without a name, which ports there are."""
    there = system.ports()
    listed = ", ".join(_words(port) for port in there) or "none"
    if system.port is None:
        if there and not any(map(may_be_a_tool, there)):
            return good(f"none of a known board; the computer's own, or another device's: {listed}")
        if there or "microsoft" not in (system.read("/proc/version") or "").lower():
            return good(listed if there else "none: plug a tool in to see its port here")
        return advice(
            "none: Linux under Windows sees no USB until it is handed over",
            "In PowerShell, as administrator: usbipd list; usbipd bind --busid ID; usbipd attach --wsl --busid ID",
        )
    named = [port for port in there if port.device in _names(system.port)]
    if named or "://" in system.port:
        return good(", ".join(map(_words, named)) or system.port)
    if _is_a_port(Path(system.port)):
        return good(f"{system.port}, which is no USB port")
    names = ", ".join(port.device for port in there) or "none"
    return bad(f"there is no port {system.port}", f"Plug the tool in, or name one of those there: {names}.")


def holders(system: System) -> Seen:
    """No other program has a port open. It bears on the main job where no free port is left."""
    if system.platform == WINDOWS:
        return good("not known: Windows does not tell who has a port open")
    names = [str(path) for path in devices(system)]
    held = {name: found for name in names if (found := list(system.holders(name)))}
    if not held:
        whose = "no program" if system.login.is_root else "no program that you may look into"
        return good(f"{whose} has one open" if names else "no tool's port is there")
    from iastm_host.transports.ports import named

    words = "; ".join(f"{name} is held by {named(found)}" for name, found in held.items())
    lines = [_end(each.name, each.pid) for found in held.values() for each in found]
    return Seen(False, words, "\n".join(dict.fromkeys(lines)), only_advice=len(held) < len(names))


def _end(name: str, pid: int) -> str:
    if name == "ModemManager":
        return "sudo systemctl stop ModemManager"
    if name.startswith("brltty"):
        return "sudo systemctl stop brltty"
    return f"Close {name}; if it has no window: kill {pid}"


def devices(system: System) -> list[Path]:
    """Return the ports that a tool can be on: the one that was named, else those of boards and bridges."""
    if system.port is not None:
        path = Path(system.port)
        listed = any(port.device in _names(system.port) for port in system.ports())
        return [path] if "://" not in system.port and (listed or _is_a_port(path)) else []
    return [Path(port.device) for port in system.ports() if may_be_a_tool(port)]


def may_be_a_tool(port: SerialPort) -> bool:
    """Tell a board or a bridge from other things with a port: a console, a modem, a receiver for satellites."""
    return port.vid in MAKERS or (port.vid, port.pid) in bridges()


def _names(port: str) -> tuple[str, str]:
    """Return a port's name, and what it stands for where it is a link, as those in /dev/serial/by-id are."""
    try:
        return port, str(Path(port).resolve())
    except OSError:
        return port, port


def _is_a_port(path: Path) -> bool:
    try:
        return path.is_char_device()
    except OSError:
        return False


def _words(port: SerialPort) -> str:
    from iastm_host.workbench.boards import find_boards

    boards = find_boards([port], [])
    return boards[0].words if boards else port.device
