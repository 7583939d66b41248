"""Services of Linux that take a board for something else: a modem, a Braille display."""

from __future__ import annotations

from collections.abc import Iterator

from iastm_host.workbench.doctor.finding import Seen, advice, good
from iastm_host.workbench.doctor.ports import bridges
from iastm_host.workbench.doctor.rights import RULES_FILE, paste_rules
from iastm_host.workbench.doctor.system import LINUX, System

_RULES_FOLDERS = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")


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
        paste_rules(system),
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
    for (vid, pid), chip in bridges().items():
        # As ENV{PRODUCT}=="1a86/7523/*", without leading zeros.
        if any(f"{vid:x}/{pid:x}/" in line.lower() for line in lines):
            yield chip
