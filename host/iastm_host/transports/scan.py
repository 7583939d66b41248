"""Which tools are on the air: scanning, finding one by name or address, and why neither works."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import NamedTuple

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from bleak.uuids import normalize_uuid_16

from iastm_host.transports.base import (
    AMBIGUOUS,
    BUSY,
    IASTM,
    NO_ADAPTER,
    NO_RIGHTS,
    NOT_FOUND,
    PROGRESSOR,
    RADIO_FAILED,
    SWITCHED_OFF,
    TransportError,
)

TOOL_SERVICE = "1a570001-6d1e-4c3b-9f0a-7c5e2b8d4f10"
PROGRESSOR_SERVICE = "7e4e1701-1ea6-40c9-9dcc-13d34ffead57"
# By what a gauge is known on the air: its service. Of a Progressor all descriptions tell its name alone.
_SERVICES = {TOOL_SERVICE: IASTM, PROGRESSOR_SERVICE: PROGRESSOR}
_NAMES = {"Progressor": PROGRESSOR}
BATTERY_SERVICE = normalize_uuid_16(0x180F)
_IN_USE = 0x01
_WITHOUT_RADIO = "Without Bluetooth: connect the tool by cable (--port), or try iastm demo."


class Backend(NamedTuple):
    """What BleakScanner and BleakClient take as `backend`; None is the system's own Bluetooth."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None


SYSTEM = Backend()


@dataclass(frozen=True, slots=True)
class FoundTool:
    """A gauge on the air. `address` is a UUID on macOS, `dialect` the language it speaks. None is unknown."""

    name: str
    address: str
    rssi_dbm: int
    battery_percent: int | None
    in_use: bool
    dialect: str
    device: BLEDevice = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


async def scan(duration_s: float, backend: Backend = SYSTEM) -> list[FoundTool]:
    """Listen for `duration_s`; return the tools heard, the strongest first. Raises TransportError."""
    async with _Ears(backend) as ears:
        await asyncio.sleep(duration_s)
    return ears.tools()


async def find(wanted: str, timeout_s: float, settle_s: float, in_use_s: float, backend: Backend = SYSTEM) -> FoundTool:
    """Return the tool whose address or name is `wanted`, heard within `timeout_s`; raises TransportError.

    A name is listened for `settle_s` longer, since another tool may have the same. A tool that is in use may be so
    because of a connection that is about to end, and is waited for, `in_use_s` long.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    waiting = False
    async with _Ears(backend) as ears:
        while loop.time() < deadline_s:
            await ears.something_new(deadline_s - loop.time())
            matching = _matching(wanted, ears.tools())
            if matching and not waiting:
                waiting = True
                deadline_s = min(deadline_s, loop.time() + in_use_s)
            if any(tool.address.casefold() == wanted.casefold() and not tool.in_use for tool in matching):
                break
            if any(not tool.in_use for tool in matching):
                await asyncio.sleep(settle_s)
                break
    return _only(wanted, ears.tools(), timeout_s)


def radio_error(error: Exception) -> TransportError:
    """Return why the system's Bluetooth can't be used, as an error with a reason and what to do."""
    if isinstance(error, BleakBluetoothNotAvailableError):
        return _NOT_AVAILABLE.get(error.reason, _failed)(error)
    if isinstance(error, PermissionError):
        return _denied(error)
    if isinstance(error, BleakDBusError):
        for end, make in _DBUS_ENDINGS.items():
            if error.dbus_error.endswith(end):
                return make(error)
        return _failed(error)
    if isinstance(error, OSError):
        # BlueZ is asked through D-Bus, whose socket is not there.
        return _no_adapter(error)
    return _failed(error)


class _Ears:
    """A scanner that remembers what each tool said last, whichever packet it stood in."""

    def __init__(self, backend: Backend) -> None:
        self._found: dict[str, FoundTool] = {}
        self._news = asyncio.Event()
        # All are listened to: a gauge that is known by its name would not pass a filter of services.
        self._scanner = BleakScanner(self._heard, backend=backend.scanner)

    async def __aenter__(self) -> _Ears:
        try:
            await self._scanner.start()
        except (BleakError, OSError) as error:
            raise radio_error(error) from error
        return self

    async def __aexit__(self, *_error: object) -> None:
        try:
            await self._scanner.stop()
        except (BleakError, OSError) as error:
            raise radio_error(error) from error

    def tools(self) -> list[FoundTool]:
        """Return the tools heard so far, the strongest first."""
        return sorted(self._found.values(), key=lambda tool: (-tool.rssi_dbm, tool.name, tool.address))

    async def something_new(self, timeout_s: float) -> None:
        """Wait for the next advertisement of a tool, at most `timeout_s`."""
        self._news.clear()
        # Not asyncio.wait_for: until Python 3.12 it forgets that it was cancelled where the news comes at that moment.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()

    def _heard(self, device: BLEDevice, said: AdvertisementData) -> None:
        known = self._found.get(device.address)
        dialect = known.dialect if known else _dialect_of(device, said)
        if dialect is None:
            return
        battery = said.service_data.get(BATTERY_SERVICE)
        state = said.service_data.get(TOOL_SERVICE)
        self._found[device.address] = FoundTool(
            said.local_name or device.name or (known.name if known else "unnamed"),
            device.address,
            said.rssi,
            battery[0] if battery and battery[0] <= 100 else (known.battery_percent if known else None),
            bool(state[0] & _IN_USE) if state else (known.in_use if known else False),
            dialect,
            device,
        )
        self._news.set()


def _dialect_of(device: BLEDevice, said: AdvertisementData) -> str | None:
    for uuid in (*said.service_uuids, *said.service_data):
        if uuid in _SERVICES:
            return _SERVICES[uuid]
    name = said.local_name or device.name or ""
    return next((dialect for start, dialect in _NAMES.items() if name.startswith(start)), None)


def _matching(wanted: str, tools: list[FoundTool]) -> list[FoundTool]:
    by_address = [tool for tool in tools if tool.address.casefold() == wanted.casefold()]
    return by_address or [tool for tool in tools if tool.name == wanted]


def _only(wanted: str, tools: list[FoundTool], timeout_s: float) -> FoundTool:
    matching = _matching(wanted, tools)
    if not matching:
        fix = "Switch the tool on, bring it nearer."
        if tools:
            fix = (
                f"Tools on the air: {', '.join(map(str, tools))}. The name may be misspelt. If it is not: switch the "
                "tool on, bring it nearer, and end other programs' links to it."
            )
        raise TransportError(NOT_FOUND, f"No tool {wanted} was heard within {timeout_s:g} s.", fix)
    if len(matching) > 1:
        raise TransportError(
            AMBIGUOUS,
            f"{len(matching)} tools are called {wanted}.",
            f"Name one by its address: {', '.join(tool.address for tool in matching)}.",
        )
    if matching[0].in_use:
        raise TransportError(
            BUSY,
            f"{matching[0]} is in use by another program or device.",
            "End its link there, or switch the tool off and on, then retry.",
        )
    return matching[0]


def _no_adapter(_error: Exception) -> TransportError:
    return TransportError(
        NO_ADAPTER,
        "This computer has no Bluetooth that works: no adapter, or its service does not run.",
        f"Plug an adapter in; on Linux, start the service: sudo systemctl start bluetooth. {_WITHOUT_RADIO}",
    )


def _no_low_energy(_error: Exception) -> TransportError:
    return TransportError(
        NO_ADAPTER,
        "This computer's Bluetooth can't connect to tools: it knows no Low Energy.",
        f"Use another adapter. {_WITHOUT_RADIO}",
    )


def _off(_error: Exception) -> TransportError:
    return TransportError(SWITCHED_OFF, "Bluetooth is switched off.", "Switch it on in the system's settings.")


def _denied(_error: Exception) -> TransportError:
    return TransportError(
        NO_RIGHTS,
        "This program may not use Bluetooth.",
        "Allow it in the system's settings (privacy, Bluetooth); on Linux: sudo usermod -aG bluetooth $USER, then log "
        "out and in again.",
    )


def _failed(error: Exception) -> TransportError:
    return TransportError(
        RADIO_FAILED, f"The system's Bluetooth failed: {error}.", "Switch Bluetooth off and on, then retry."
    )


_NOT_AVAILABLE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: _no_adapter,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: _no_low_energy,
    BleakBluetoothNotAvailableReason.POWERED_OFF: _off,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: _denied,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: _denied,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: _denied,
}
# The ends of D-Bus' and BlueZ' error names.
_DBUS_ENDINGS = {
    ".ServiceUnknown": _no_adapter,
    ".NoReply": _no_adapter,
    ".AccessDenied": _denied,
    ".NotAuthorized": _denied,
    ".NotReady": _off,
}
