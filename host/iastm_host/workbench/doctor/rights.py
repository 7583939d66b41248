"""Who may open serial ports.

How Linux gives rights: a port belongs to a group (dialout on Debian and Fedora, uucp on Arch), and a udev rule with the
tag uaccess gives it to whoever sits at the computer; such a rule must come before 73-seat-late.rules. ModemManager
leaves a device alone whose rule sets ID_MM_DEVICE_IGNORE, read by its 77- and 80- rules. (systemd's sd-login(3),
ModemManager's "Common udev tags".)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from iastm_host.workbench.doctor.finding import Seen, bad, good
from iastm_host.workbench.doctor.ports import MAKERS, bridges, devices
from iastm_host.workbench.doctor.system import LINUX, System

RULES_FILE = "/etc/udev/rules.d/70-iastm.rules"
_GROUPS = ("dialout", "uucp")
_READ_WRITE = os.R_OK | os.W_OK


def rights(system: System) -> Seen:
    """This login may open serial ports."""
    if system.platform != LINUX:
        return good("every user may open serial ports on this system")
    closed = [path for path in devices(system) if not system.may(path, _READ_WRITE)]
    if closed:
        return _closed(system, closed)
    if system.login.is_root:
        return good("the superuser may open every port")
    if any(devices(system)):
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
    return bad(f"{what}, which belongs to {group}", f"{paste_rules(system)}\nThen plug the tool in again.\n{until}")


def _no_rights(system: System, group: str | None, what: str) -> Seen:
    user = system.login.user
    if group is not None and group in system.login.listed and group not in system.login.has:
        return bad(
            f"{what}: {group} was given to {user} after this login began",
            f"Log out and in again; or in this terminal alone: newgrp {group}",
        )
    lines = [paste_rules(system), "Then plug the tool in again."]
    if group is not None:
        lines.append(f"Or join the group, then log out and in again: sudo usermod -aG {group} {system.quoted(user)}")
    return bad(what, "\n".join(lines))


def udev_rules(group: str | None) -> str:
    """Return the rules by which Linux gives boards and bridges to whoever sits at the computer, and to `group`.

    ModemManager then leaves them alone.
    """
    which = [f'ATTRS{{idVendor}}=="{"|".join(f"{vid:04x}" for vid in MAKERS)}"']
    for vid in sorted({vid for vid, _pid in bridges()}):
        pids = "|".join(f"{pid:04x}" for each, pid in sorted(bridges()) if each == vid)
        which.append(f'ATTRS{{idVendor}}=="{vid:04x}", ATTRS{{idProduct}}=="{pids}"')
    given = f'GROUP="{group}", ' if group else ""
    then = f'MODE="0660", {given}TAG+="uaccess", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
    # Both are tagged, since ModemManager looks at the device and at its ports.
    return "\n".join(f'SUBSYSTEM=="tty|usb", {match}, {then}' for match in which)


def paste_rules(system: System) -> str:
    """Return the command that writes these rules and lets them hold."""
    return (
        f"sudo tee {RULES_FILE} >/dev/null <<'END'\n{udev_rules(_group(system))}\nEND\n"
        "sudo udevadm control --reload && sudo udevadm trigger"
    )


def _group(system: System) -> str | None:
    return next((group for group in _GROUPS if group in system.login.known), None)
