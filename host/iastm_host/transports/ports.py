"""Which serial ports this computer has, and which programs hold one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serial.tools import list_ports

_LSOF_TIMEOUT_S = 5.0
# include/uapi/linux/serial.h: PORT_UNKNOWN, a name that was kept for a chip that is not there.
_NO_CHIP = "0"
_PROC = Path("/proc")
_TTYS = Path("/sys/class/tty")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port; `vid` and `pid` are those of USB, None where it hangs on another bus; texts are "" where unknown."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str
    product: str
    manufacturer: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has a port open."""

    pid: int
    name: str


def list_serial_ports(comports: Callable[[], Iterable[Any]] = list_ports.comports) -> list[SerialPort]:
    """Return the ports that have hardware behind them, by name."""
    ports = [
        SerialPort(
            port.device,
            port.vid,
            port.pid,
            port.serial_number or "",
            port.product or "",
            port.manufacturer or "",
        )
        for port in comports()
        if port.vid is not None or _has_chip(port.device)
    ]
    return sorted(ports, key=lambda port: port.device)


def _has_chip(device: str, ttys: Path = _TTYS) -> bool:
    try:
        return (ttys / Path(device).name / "type").read_text().strip() != _NO_CHIP
    except OSError:
        # Only Linux says it, and of its built-in ports alone.
        return True


def holders_of(
    device: str,
    *,
    platform: str = sys.platform,
    proc: Path = _PROC,
    lsof: Callable[[str], str] | None = None,
) -> list[Holder]:
    """Return the programs that have `device` open, as far as this user may see them; never this process.

    Linux tells it in /proc, macOS by lsof; elsewhere the list is empty. Whose files this user may not look into is
    not found.
    """
    if platform.startswith("linux"):
        return _holders_in_proc(device, proc)
    if platform == "darwin":
        return _holders_by_lsof((lsof or _run_lsof)(device))
    return []


def _holders_in_proc(device: str, proc: Path) -> list[Holder]:
    wanted = os.path.realpath(device)
    found = []
    for process in proc.glob("[0-9]*"):
        pid = int(process.name)
        if pid == os.getpid():
            continue
        try:
            if any(_leads_to(link, wanted) for link in (process / "fd").iterdir()):
                found.append(Holder(pid, _name_of(process)))
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
    return sorted(found, key=lambda holder: holder.pid)


def _leads_to(link: Path, wanted: str) -> bool:
    try:
        return os.readlink(link) == wanted  # noqa: PTH115 - Path.readlink would make an object of each
    except OSError:
        return False


def _name_of(process: Path) -> str:
    """Return what a person calls a program: of an interpreter the script that it runs."""
    try:
        name = (process / "comm").read_text().strip()
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "a program"
    if name.startswith("python"):
        name = _script_of(words[1:]) or name
    return name or "a program"


def _script_of(words: list[str]) -> str:
    module_follows = False
    for word in words:
        if module_follows or (word and not word.startswith("-")):
            return Path(word).name
        if word == "-c":
            return ""
        module_follows = word == "-m"
    return ""


def _run_lsof(device: str) -> str:
    try:
        ran = subprocess.run(  # noqa: S603, RUF100
            ["lsof", "-F", "pc", "--", device],
            capture_output=True,
            text=True,
            timeout=_LSOF_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout


def _holders_by_lsof(text: str) -> list[Holder]:
    """Read `lsof -F pc`: a line `p` with the number of each process, then one `c` with its name."""
    found = []
    pid = 0
    for line in text.splitlines():
        if line.startswith("p") and line[1:].isdigit():
            pid = int(line[1:])
        elif line.startswith("c") and pid and pid != os.getpid():
            found.append(Holder(pid, line[1:]))
    return found


def named(holders: list[Holder]) -> str:
    """Return the holders in words, such as "screen (process 4711)"; "" where there is none."""
    return ", ".join(f"{holder.name} (process {holder.pid})" for holder in holders)
