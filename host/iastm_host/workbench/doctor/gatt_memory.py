"""What the system remembers of tools' Bluetooth services, which may be those of other firmware."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from iastm_host.workbench.doctor.finding import Seen, advice, good
from iastm_host.workbench.doctor.system import LINUX, System

_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_OUR_NAME = "IASTM "
_CACHE = "/var/lib/bluetooth"


def remembered(system: System) -> Seen:
    """What BlueZ remembers of tools is what this firmware has: else it connects and nothing arrives.

    BlueZ keeps a device's services, by their handles, and may go on using them after other firmware was put on it.
    `bluetoothctl remove` leaves the file behind (github.com/bluez/bluez issue 191), so that both are cleared.
    """
    if system.platform != LINUX:
        return good(
            "where a tool connects and stays silent after new firmware: remove it from the system's Bluetooth list"
        )
    from iastm_host.transports.scan import TOOL_SERVICE

    kept = dict(_in_cache(system)) or dict(_over_dbus(system))
    stale = sorted(address for address, services in kept.items() if services and TOOL_SERVICE not in services)
    if stale:
        lines = [f"bluetoothctl remove {address}; sudo rm -f {_CACHE}/*/cache/{address}" for address in stale]
        return advice(
            f"Bluetooth remembers {', '.join(stale)} with services of another firmware: it may connect and stay silent",
            "\n".join([*lines, "Then switch the tool off and on."]),
        )
    if kept:
        again = f"if it connects and stays silent: bluetoothctl remove {sorted(kept)[0]}"
        return good(f"{', '.join(sorted(kept))} as this firmware is; {again}")
    return good(
        "no tool is remembered" if system.login.is_root else "no tool is remembered, as far as this user may see"
    )


def _in_cache(system: System) -> Iterator[tuple[str, set[str]]]:
    """Yield address and remembered services of our tools, in BlueZ' files; only the superuser may read them."""
    for controller in system.names(_CACHE):
        for address in system.names(f"{_CACHE}/{controller}/cache"):
            text = system.read(f"{_CACHE}/{controller}/cache/{address}") or ""
            if _ADDRESS.fullmatch(address) and re.search(rf"^Name={_OUR_NAME}", text, re.MULTILINE):
                # As 0010=2800:001a:UUID: a handle, a primary service, its last handle.
                yield address, {uuid.lower() for uuid in re.findall(r"=2800:[0-9a-fA-F]+:(\S+)", text)}


def _over_dbus(system: System) -> Iterator[tuple[str, set[str]]]:
    objects = ("org.bluez", "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    ran = system.run(["busctl", "--system", "--auto-start=no", "--json=short", "call", *objects])
    if ran is None or ran.code:
        return
    for interfaces in _plain(json.loads(ran.out)["data"][0]).values():
        device = interfaces.get("org.bluez.Device1", {})
        if str(device.get("Name", "")).startswith(_OUR_NAME):
            # Before a connection it tells those that were advertised, and these are always of now.
            yield device["Address"], set(device.get("UUIDs", ())) if device.get("ServicesResolved") else set()


def _plain(value: Any) -> Any:
    """Return what busctl prints without the types that stand beside each value."""
    if isinstance(value, dict):
        if set(value) == {"type", "data"}:
            return _plain(value["data"])
        return {name: _plain(each) for name, each in value.items()}
    return value
