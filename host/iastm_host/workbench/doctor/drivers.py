"""Drivers for what lies between USB and a serial port. Linux has them in its kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iastm_host.workbench.doctor.finding import Seen, bad, good
from iastm_host.workbench.doctor.ports import MAKERS, bridges
from iastm_host.workbench.doctor.system import LINUX, WINDOWS, System

_CP210X = "https://www.silabs.com/developer-tools/usb-to-uart-bridge-vcp-drivers"
_CH34X = "https://www.wch-ic.com/downloads/CH341SER_ZIP.html"
_FTDI = "https://ftdichip.com/drivers/vcp-drivers/"
_DRIVERS = {0x10C4: _CP210X, 0x1A86: _CH34X, 0x0403: _FTDI}


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
    named = ", ".join(f"{bridges().get(each) or MAKERS.get(each[0], '')} ({_numbers(*each)})" for each in lacking)
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
        plugged = [each for each in plugged if each in bridges() and each not in served]
    yield from (each for each in dict.fromkeys(plugged) if each in bridges() or each[0] in MAKERS)


def _in_ioreg(text: str) -> Iterator[tuple[int, int]]:
    """Yield (vid, pid) of each device: ioreg lists an entry after `+-o`, its properties in any order."""
    for entry in text.split("+-o")[1:]:
        numbers = {name: int(value) for name, value in _MACOS_ID.findall(entry)}
        if len(numbers) == 2:
            yield numbers["idVendor"], numbers["idProduct"]


def _numbers(vid: int, pid: int) -> str:
    return f"{vid:04X}:{pid:04X}"
