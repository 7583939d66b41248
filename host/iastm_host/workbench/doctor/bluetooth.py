"""The way over the air: an adapter that is on, and the service behind it.

On Linux BlueZ is asked over D-Bus, by busctl or dbus-send, whichever is there; nothing is switched on or scanned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from iastm_host.workbench.doctor.finding import Seen, bad, good
from iastm_host.workbench.doctor.qt import install
from iastm_host.workbench.doctor.system import LINUX, MACOS, Ran, System

_CABLE = "Without Bluetooth: connect the tool by cable."
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def adapter(system: System) -> Seen:
    """A Bluetooth adapter is there, and switched on."""
    if system.platform == LINUX:
        return _linux_adapter(system)
    return _macos_adapter(system) if system.platform == MACOS else _windows_adapter(system)


def _linux_adapter(system: System) -> Seen:
    there = [name for name in system.names("/sys/class/bluetooth") if re.fullmatch(r"hci\d+", name)]
    if not there:
        # A switch on the case takes the adapter off the bus on some laptops.
        hard = any(_blocked(system, switch, "hard") for switch in _switches(system))
        if hard:
            return bad("none: a switch or key of the computer has it off", f"Switch it on there. {_CABLE}")
        return bad("none", f"Plug in a USB adapter for Bluetooth 4.0 or newer. {_CABLE}")
    names = ", ".join(there)
    if any(_blocked(system, switch, "hard") for switch in _switches(system)):
        return bad(f"{names}, off by a switch or key of the computer", "Switch it on there (an aeroplane, or a lever).")
    if any(_blocked(system, switch, "soft") for switch in _switches(system)):
        return bad(f"{names}, switched off", "rfkill unblock bluetooth && bluetoothctl power on")
    # Asked while it does not run, it would be started, and nothing is changed here.
    powered = [_powered(system, name) for name in there] if _bluez_runs(system) else []
    if powered and all(on is False for on in powered):
        return bad(f"{names}, switched off", "bluetoothctl power on")
    return good(names)


def _switches(system: System) -> Iterator[str]:
    for name in system.names("/sys/class/rfkill"):
        if (system.read(f"/sys/class/rfkill/{name}/type") or "").strip() == "bluetooth":
            yield f"/sys/class/rfkill/{name}"


def _blocked(system: System, switch: str, how: str) -> bool:
    return (system.read(f"{switch}/{how}") or "").strip() == "1"


def _powered(system: System, name: str) -> bool | None:
    path = f"/org/bluez/{name}"
    ran = system.run(["busctl", "--system", "get-property", "org.bluez", path, "org.bluez.Adapter1", "Powered"])
    if ran is None:
        what = "org.freedesktop.DBus.Properties.Get"
        ran = _dbus_send(system, "org.bluez", path, what, "string:org.bluez.Adapter1", "string:Powered")
    return _truth(ran)


def _dbus_send(system: System, name: str, path: str, method: str, *arguments: str) -> Ran | None:
    return system.run(["dbus-send", "--system", "--print-reply", f"--dest={name}", path, method, *arguments])


def _truth(ran: Ran | None) -> bool | None:
    """Return the truth value that an answer ends with, None where there was none: `b true`, `boolean true`."""
    if ran is None or ran.code:
        return None
    last = ran.out.split()[-1:]
    return {"true": True, "false": False}.get(last[0]) if last else None


def _bluez_runs(system: System) -> bool | None:
    asked = system.run(["busctl", "--system", "call", *_BUS, "NameHasOwner", "s", "org.bluez"])
    if asked is None:
        asked = _dbus_send(system, _BUS[0], _BUS[1], f"{_BUS[2]}.NameHasOwner", "string:org.bluez")
    return _truth(asked)


def service(system: System) -> Seen:
    """The service runs that programs reach the adapter by."""
    if system.platform == LINUX:
        return _linux_service(system)
    if system.platform == MACOS:
        return good("part of macOS; allow your terminal under Privacy & Security, Bluetooth, when it is asked for")
    ran = system.run(["sc", "query", "bthserv"])
    if ran is None:
        return good("not known: Windows does not say")
    # The words are translated, the number is not: 4 is running.
    if ran.code == 0 and re.search(r":\s*4\s", ran.out):
        return good("bthserv runs")
    return bad("bthserv does not run", f"In PowerShell, as administrator: Start-Service bthserv\n{_CABLE}")


def _linux_service(system: System) -> Seen:
    answer = _bluez_runs(system)
    if answer is None and "bluetoothd" in system.processes():
        return good("bluetoothd runs; D-Bus was not asked")
    if not answer:
        if not any("bluetoothd" in system.names(folder) for folder in _DAEMON_FOLDERS):
            start = f"{install(system, 'bluez')}\nsudo systemctl enable --now bluetooth"
            return bad("none: BlueZ is not installed", f"{start}\n{_CABLE}")
        why = "bluetoothd does not run" if answer is False else "D-Bus, by which it is reached, does not answer"
        return bad(why, f"sudo systemctl enable --now bluetooth\n{_CABLE}")
    refused = system.run(["busctl", "--system", "--auto-start=no", "introspect", "org.bluez", "/org/bluez"])
    if refused is not None and refused.code and "denied" in refused.err.lower():
        user = system.quoted(system.login.user)
        return bad(
            f"bluetoothd runs, and refuses {system.login.user}",
            f"sudo usermod -aG bluetooth {user}   then log out and in again.\n{_CABLE}",
        )
    return good("bluetoothd answers")


_DAEMON_FOLDERS = ("/usr/libexec/bluetooth", "/usr/lib/bluetooth", "/usr/sbin", "/usr/libexec")


def _macos_adapter(system: System) -> Seen:
    ran = system.run(["system_profiler", "-json", "SPBluetoothDataType"])
    said = "" if ran is None else ran.out
    # controller_state since macOS 12, controller_power before.
    state = re.search(r'"controller_(?:state|power)"\s*:\s*"attrib_(on|off|yes|no)"', said, re.IGNORECASE)
    if state and state[1].lower() in ("on", "yes"):
        return good("on")
    if state:
        return bad("switched off", "Switch it on in the menu bar, or in System Settings, Bluetooth.")
    return good("not known: macOS does not say") if not said else bad("none", f"This Mac shows no adapter. {_CABLE}")


_ASK_RADIO = (
    "powershell",
    "-NoProfile",
    "-Command",
    "Get-CimInstance Win32_PnPEntity -Filter \"PNPClass='Bluetooth'\" "
    '| ForEach-Object { "$($_.ConfigManagerErrorCode) $($_.PNPDeviceID)" }',
)


def _windows_adapter(system: System) -> Seen:
    ran = system.run(_ASK_RADIO)
    if ran is None:
        return good("not known: Windows does not say")
    # Adapters hang on USB or PCI; what they bring themselves is called BTH.
    found = re.findall(r"^(\d+) (?:USB|PCI|ACPI|UART)", ran.out, re.MULTILINE | re.IGNORECASE)
    if not found:
        return bad("none, or none that is on", f"Settings, Bluetooth & devices: switch Bluetooth on. {_CABLE}")
    if "0" not in found:
        return bad("an adapter without a driver that works", f"Settings, Windows Update, optional updates. {_CABLE}")
    return good("there")
