"""The way by cable: rights on serial ports, drivers, who holds a port, and services that grab them.

How Linux gives rights: a port belongs to a group (dialout on Debian and Fedora, uucp on Arch), and a udev rule with the
tag uaccess gives it to whoever sits at the computer; such a rule must come before 73-seat-late.rules. ModemManager
leaves a device alone whose rule sets ID_MM_DEVICE_IGNORE, read by its 77- and 80- rules. (systemd's sd-login(3),
ModemManager's "Common udev tags".)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.system import LINUX, WINDOWS, System

if TYPE_CHECKING:
    from iastm_host.transports.ports import SerialPort

RULES_FILE = "/etc/udev/rules.d/70-iastm.rules"
MAKERS = {0x2E8A: "Raspberry Pi", 0x303A: "Espressif", 0x239A: "Adafruit"}
"""Whose boards are known by their maker's number; bridges are known one by one (workbench/boards.py)."""
_GROUPS = ("dialout", "uucp")
_RULES_FOLDERS = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")
_READ_WRITE = os.R_OK | os.W_OK
_CP210X = "https://www.silabs.com/developer-tools/usb-to-uart-bridge-vcp-drivers"
_CH34X = "https://www.wch-ic.com/downloads/CH341SER_ZIP.html"
_FTDI = "https://ftdichip.com/drivers/vcp-drivers/"
_DRIVERS = {0x10C4: _CP210X, 0x1A86: _CH34X, 0x0403: _FTDI}


def _bridges() -> dict[tuple[int, int], str]:
    from iastm_host.workbench.boards import BRIDGES

    return BRIDGES


def udev_rules(group: str | None) -> str:
    """Return the rules by which Linux gives boards and bridges to whoever sits at the computer, and to `group`.

    ModemManager then leaves them alone.
    """
    which = [f'ATTRS{{idVendor}}=="{"|".join(f"{vid:04x}" for vid in MAKERS)}"']
    for vid in sorted({vid for vid, _pid in _bridges()}):
        pids = "|".join(f"{pid:04x}" for each, pid in sorted(_bridges()) if each == vid)
        which.append(f'ATTRS{{idVendor}}=="{vid:04x}", ATTRS{{idProduct}}=="{pids}"')
    given = f'GROUP="{group}", ' if group else ""
    then = f'MODE="0660", {given}TAG+="uaccess", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
    # Both are tagged, since ModemManager looks at the device and at its ports.
    return "\n".join(f'SUBSYSTEM=="tty|usb", {match}, {then}' for match in which)


def _paste_rules(system: System) -> str:
    return (
        f"sudo tee {RULES_FILE} >/dev/null <<'END'\n{udev_rules(_group(system))}\nEND\n"
        "sudo udevadm control --reload && sudo udevadm trigger"
    )


def _group(system: System) -> str | None:
    return next((group for group in _GROUPS if group in system.login.known), None)


def rights(system: System) -> Seen:
    """This login may open serial ports."""
    if system.platform != LINUX:
        return good("every user may open serial ports on this system")
    closed = [path for path in _devices(system) if not system.may(path, _READ_WRITE)]
    if closed:
        return _closed(system, closed)
    if system.login.is_root:
        return good("the superuser may open every port")
    if any(_devices(system)):
        return good(f"{system.login.user} may open the ports that are there")
    group = _group(system)
    if group is not None and group in system.login.has:
        return good(f"{system.login.user} is in {group}")
    if system.read(RULES_FILE) is not None:
        return good(f"{RULES_FILE} gives boards to whoever sits here")
    return _no_rights(system, group, f"{system.login.user} is in no group that serial ports are given to")


def _closed(system: System, closed: Sequence[Path]) -> Seen:
    what = f"{system.login.user} may not open {', '.join(map(str, closed))}"
    try:
        group = system.group_of(closed[0])
    except (OSError, KeyError):  # a number without a name
        group = "nobody that has a name"
    if group in _GROUPS:
        return _no_rights(system, group, what)
    # To join whatever group that is could give far more than a port.
    names = " ".join(system.quoted(str(path)) for path in closed)
    until = f"Or until it is unplugged: sudo chown {system.quoted(system.login.user)} {names}"
    return bad(f"{what}, which belongs to {group}", f"{_paste_rules(system)}\nThen plug the tool in again.\n{until}")


def _no_rights(system: System, group: str | None, what: str) -> Seen:
    user = system.login.user
    if group is not None and group in system.login.listed and group not in system.login.has:
        return bad(
            f"{what}: {group} was given to {user} after this login began",
            f"Log out and in again; or in this terminal alone: newgrp {group}",
        )
    lines = [_paste_rules(system), "Then plug the tool in again."]
    if group is not None:
        lines.append(f"Or join the group, then log out and in again: sudo usermod -aG {group} {system.quoted(user)}")
    return bad(what, "\n".join(lines))


def _devices(system: System) -> list[Path]:
    """Return the ports that a tool can be on: the one that was named, else those of boards and bridges."""
    if system.port is not None:
        path = Path(system.port)
        listed = any(port.device == system.port for port in system.ports())
        return [path] if "://" not in system.port and (listed or _is_a_port(path)) else []
    return [Path(port.device) for port in system.ports() if _may_be_a_tool(port)]


def _is_a_port(path: Path) -> bool:
    try:
        return path.is_char_device()
    except OSError:
        return False


def _may_be_a_tool(port: SerialPort) -> bool:
    """Tell a board or a bridge from other things with a port: a console, a modem, a receiver for satellites."""
    return port.vid in MAKERS or (port.vid, port.pid) in _bridges()


def drivers(system: System) -> Seen:
    """No board or bridge is plugged in that this system has no driver for."""
    if system.platform == LINUX:
        return good("in the kernel")
    lacking = list(_without_driver(system))
    if not lacking:
        return good("none is missing for what is plugged in")
    lines = []
    for vid, _pid in dict.fromkeys(lacking):
        if vid in _DRIVERS:
            lines.append(f"Install the driver of its maker: {_DRIVERS[vid]}")
        else:
            lines.append("Plug it in again, by a cable that carries data; a board of its own kind needs no driver.")
    named = ", ".join(f"{_bridges().get(each) or MAKERS.get(each[0], '')} ({_numbers(*each)})" for each in lacking)
    return bad(f"no driver for {named}", "\n".join(dict.fromkeys(lines)))


_ASK_WINDOWS = (
    "powershell",
    "-NoProfile",
    "-Command",
    "Get-CimInstance Win32_PnPEntity -Filter \"ConfigManagerErrorCode <> 0 AND PNPDeviceID LIKE 'USB%'\" "
    "| ForEach-Object PNPDeviceID",
)
_WINDOWS_ID = re.compile(r"VID_([0-9A-F]{4})&PID_([0-9A-F]{4})", re.IGNORECASE)
_ASK_MACOS = ("ioreg", "-p", "IOUSB", "-l", "-w", "0")
_MACOS_ID = re.compile(r'"(idVendor|idProduct)" = (\d+)')


def _without_driver(system: System) -> Iterator[tuple[int, int]]:
    if system.platform == WINDOWS:
        ran = system.run(_ASK_WINDOWS)
        plugged = [(int(vid, 16), int(pid, 16)) for vid, pid in _WINDOWS_ID.findall(ran.out)] if ran else []
    else:
        ran = system.run(_ASK_MACOS)
        plugged = list(_in_ioreg(ran.out)) if ran else []
        served = {(port.vid, port.pid) for port in system.ports()}
        # Some boards are plugged in for their drive alone; of bridges a port must come.
        plugged = [each for each in plugged if each in _bridges() and each not in served]
    yield from (each for each in dict.fromkeys(plugged) if each in _bridges() or each[0] in MAKERS)


def _in_ioreg(text: str) -> Iterator[tuple[int, int]]:
    """Yield (vid, pid) of each device: ioreg lists an entry after `+-o`, its properties in any order."""
    for entry in text.split("+-o")[1:]:
        numbers = {name: int(value) for name, value in _MACOS_ID.findall(entry)}
        if len(numbers) == 2:
            yield numbers["idVendor"], numbers["idProduct"]


def _numbers(vid: int, pid: int) -> str:
    return f"{vid:04X}:{pid:04X}"


def ports(system: System) -> Seen:
    """The port that was named is there; without a name, which ports there are."""
    there = system.ports()
    listed = ", ".join(_words(port) for port in there) or "none"
    if system.port is None:
        if there or "microsoft" not in (system.read("/proc/version") or "").lower():
            return good(listed if there else "none: plug a tool in to see its port here")
        return advice(
            "none: Linux under Windows sees no USB until it is handed over",
            "In PowerShell, as administrator: usbipd list; usbipd bind --busid ID; usbipd attach --wsl --busid ID",
        )
    if "://" in system.port or any(port.device == system.port for port in there):
        return good(", ".join(_words(port) for port in there if port.device == system.port) or system.port)
    if _is_a_port(Path(system.port)):
        return good(f"{system.port}, which is no USB port")
    names = ", ".join(port.device for port in there) or "none"
    return bad(f"there is no port {system.port}", f"Plug the tool in, or name one of those there: {names}.")


def _words(port: SerialPort) -> str:
    from iastm_host.workbench.boards import find_boards

    boards = find_boards([port], [])
    return boards[0].words if boards else port.device


def holders(system: System) -> Seen:
    """No other program has a port open. It bears on the main job where no free port is left."""
    if system.platform == WINDOWS:
        return good("not known: Windows does not tell who has a port open")
    names = [str(path) for path in _devices(system)]
    held = {name: found for name in names if (found := list(system.holders(name)))}
    if not held:
        return good("no program has one open" if names else "no tool's port is there")
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


def modem_manager(system: System) -> Seen:
    """ModemManager does not talk to boards as if they were modems."""
    if system.platform != LINUX:
        return good("none on this system")
    if "ModemManager" not in system.processes():
        return good("it does not run")
    if "ID_MM_DEVICE_IGNORE" in (system.read(RULES_FILE) or ""):
        return good(f"it runs, and {RULES_FILE} keeps it from boards")
    return advice(
        "it runs, and may take a board for a modem: for some seconds after plugging in its port is busy",
        _paste_rules(system),
    )


def braille(system: System) -> Seen:
    """The service for Braille displays does not take serial bridges for such displays."""
    if system.platform != LINUX:
        return good("none on this system")
    masked = {
        name
        for name in system.names("/etc/udev/rules.d")
        if not (system.read(f"/etc/udev/rules.d/{name}") or "").strip()
    }
    taken: dict[str, str] = {}
    for folder in _RULES_FOLDERS:
        for name in system.names(folder):
            if "brltty" in name and name not in masked:
                text = system.read(f"{folder}/{name}") or ""
                taken |= dict.fromkeys(_bridges_in(text), name)
    if not taken:
        return good("no rule of brltty takes a serial bridge")
    name = next(iter(taken.values()))
    return advice(
        f"brltty takes {', '.join(sorted(taken))} for Braille displays: their ports vanish after plugging in",
        "Unless you read Braille here:\n"
        f"sudo ln -sf /dev/null /etc/udev/rules.d/{name} && sudo systemctl stop brltty-udev brltty\n"
        "sudo udevadm control --reload; then plug the tool in again.",
    )


def _bridges_in(rules: str) -> Iterator[str]:
    lines = [line for line in rules.splitlines() if not line.lstrip().startswith("#")]
    for (vid, pid), chip in _bridges().items():
        # As ENV{PRODUCT}=="1a86/7523/*", without leading zeros.
        if any(f"{vid:x}/{pid:x}/" in line.lower() for line in lines):
            yield chip
