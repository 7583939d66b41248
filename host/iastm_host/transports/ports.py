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
_MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")
_TTYS = Path("/sys/class/tty")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One port; `vid` and `pid` are those of USB, None where it hangs on another bus; texts are "" where unknown.

    `location` is the place on the bus where it is plugged in, as "1-1.2:1.0", the same after its board restarted.
    """

    device: str
    vid: int | None
    pid: int | None
    serial_number: str
    product: str
    manufacturer: str
    location: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has a port open."""

    pid: int
    name: str


def list_serial_ports(
    comports: Callable[[], Iterable[Any]] = list_ports.comports, *, ttys: Path = _TTYS
) -> list[SerialPort]:
    """Return the ports that have hardware behind them, by name."""
    ports = [
        SerialPort(
            port.device,
            port.vid,
            port.pid,
            port.serial_number or "",
            port.product or "",
            port.manufacturer or "",
            port.location or "",
        )
        for port in comports()
        if port.vid is not None or _has_chip(port.device, ttys)
    ]
    return sorted(ports, key=lambda port: port.device)


def _has_chip(device: str, ttys: Path) -> bool:
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
    open_files = {}
    for process in proc.glob("[0-9]*"):
        try:
            open_files[process] = {_target(link) for link in (process / "fd").iterdir()}
        except OSError:
            continue  # it ended while we looked, or belongs to somebody else
    holders = {process for process, targets in open_files.items() if wanted in targets}
    if wanted.startswith("/dev/pts/"):
        holders -= _other_ends(open_files)
    found = [Holder(int(process.name), _name_of(process)) for process in holders if int(process.name) != os.getpid()]
    return sorted(found, key=lambda holder: holder.pid)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - Path.readlink would make an object of each
    except OSError:
        return ""


def _other_ends(open_files: dict[Path, set[str]]) -> set[Path]:
    """Return the processes that play the far side of pseudo-terminals, and those that started them.

    They keep this side open too, so that it outlives its users: they are none.
    """
    playing = {process for process, targets in open_files.items() if not targets.isdisjoint(_MASTERS)}
    return playing | {process.parent / _parent_of(process) for process in playing}


def _parent_of(process: Path) -> str:
    try:
        # proc(5): number, name in brackets (which may hold anything), state, number of the parent.
        return (process / "stat").read_text().rpartition(")")[2].split()[1]
    except (OSError, IndexError):
        return ""


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
    """Return the script or module among an interpreter's words; "" where it was given neither."""
    words = words[:]
    while words:
        word = words.pop(0)
        if word in ("-X", "-W") and words:
            words.pop(0)
        elif word == "-m" or (word and not word.startswith("-")):
            return Path(words[0] if word == "-m" and words else word).name
        elif word == "-c":
            break
    return ""


def _run_lsof(device: str) -> str:
    try:
        ran = subprocess.run(
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
