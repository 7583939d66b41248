"""The radio of a simulated tool: a device on virtual air does what the firmware asks of MicroPython's `bluetooth`.

The firmware's side, and the messages between, stand in iastm_simulated/bluetooth.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bumble.att import ATT_INSUFFICIENT_RESOURCES_ERROR, ATT_WRITE_NOT_PERMITTED_ERROR, ATT_Error
from bumble.core import BaseBumbleError
from bumble.device import AdvertisingType, Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.pairing import PairingConfig, PairingDelegate

LOCALHOST = "127.0.0.1"
_HEADER = struct.Struct("<HB")
_MILLISECOND_US = 1000
# The firmware's host reads what it notifies; this many bytes may wait for the firmware itself.
_MAX_UNREAD_BYTES = 1 << 16
_GOING_S = 1.0

# Flags of a characteristic as MicroPython's documentation of `bluetooth` and its modbluetooth.h have them. The low
# byte is that of the Bluetooth specification's properties.
_PROPERTIES = 0xFF
_READ = 0x0002
_WRITES = 0x000C
_PERMISSIONS = {
    0x0200: Characteristic.Permissions.READ_REQUIRES_ENCRYPTION,
    0x0400: Characteristic.Permissions.READ_REQUIRES_AUTHENTICATION,
    0x0800: Characteristic.Permissions.READ_REQUIRES_AUTHORIZATION,
    0x1000: Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION,
    0x2000: Characteristic.Permissions.WRITE_REQUIRES_AUTHENTICATION,
    0x4000: Characteristic.Permissions.WRITE_REQUIRES_AUTHORIZATION,
}
_NO_INPUT_NO_OUTPUT = 3
_DEFAULT_CONFIGURATION = {"bond": True, "mitm": False, "le_secure": False, "io": _NO_INPUT_NO_OUTPUT}


def permissions_of(flags: int) -> Characteristic.Permissions:
    """Return the permissions that a characteristic's flags of MicroPython ask for."""
    permissions = Characteristic.Permissions(0)
    if flags & _READ:
        permissions |= Characteristic.Permissions.READABLE
    if flags & _WRITES:
        permissions |= Characteristic.Permissions.WRITEABLE
    for flag, permission in _PERMISSIONS.items():
        if flags & flag:
            permissions |= permission
    return permissions


class VirtualPeripheral:
    """The radio of one simulated tool; `device` must be switched on, and carries nothing else.

    `delay_s` holds back each notification so long; notifications keep their order.
    """

    def __init__(self, device: Device) -> None:
        self.delay_s = 0.0
        self._device = device
        self._server: asyncio.Server | None = None
        self._tool: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._configuration: dict[str, Any] = dict(_DEFAULT_CONFIGURATION)
        self._characteristics: dict[int, Characteristic[bytes]] = {}
        self._values: dict[int, bytes] = {}
        self._connections: dict[int, Connection] = {}
        self._outbox: asyncio.Queue[tuple[int, int, bytes]] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None
        device.pairing_config_factory = self._pairing
        device.on(Device.EVENT_CONNECTION, self._connected)

    async def start(self) -> str:
        """Listen for the tool; return the address for its option --bluetooth."""
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        self._sender = asyncio.get_running_loop().create_task(self._send_all())
        return f"{LOCALHOST}:{port}"

    async def close(self) -> None:
        """Hang up on the tool, which ends with that, and on its host."""
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        if self._server is not None:
            self._server.close()
        if self._tool is not None:
            self._tool.close()
            with contextlib.suppress(OSError):
                await self._tool.wait_closed()
        if self._serving is not None:
            # It hears of the end by itself, and then lets its host go.
            await asyncio.wait([self._serving], timeout=_GOING_S)
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    def refuse(self, count: int) -> None:
        """Let the tool's radio have no memory for its next `count` notifications."""
        self._tell("r", struct.pack("<H", count))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._tool is not None:
            # One radio serves one tool.
            writer.close()
            return
        self._tool = writer
        self._serving = asyncio.current_task()
        try:
            while True:
                size, operation = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                await self._do(chr(operation), await reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            # The tool has ended: it is heard no more, and its links break off.
            with contextlib.suppress(BaseBumbleError, TimeoutError):
                await self._device.stop_advertising()
                for connection in list(self._connections.values()):
                    await connection.disconnect()
        finally:
            writer.close()

    async def _do(self, operation: str, body: bytes) -> None:
        if operation == "S":
            for uuid, characteristics in json.loads(body):
                self._device.add_service(Service(uuid, [self._characteristic(*each) for each in characteristics]))
        elif operation == "C":
            self._configure(json.loads(body))
        elif operation == "A":
            await self._advertise(json.loads(body))
        elif operation == "V":
            handle, notify = struct.unpack_from("<HB", body)
            self._values[handle] = body[3:]
            if notify:
                await self._device.notify_subscribers(self._characteristics[handle], body[3:])
        elif operation == "N":
            number, handle = struct.unpack_from("<HH", body)
            self._outbox.put_nowait((number, handle, body[4:]))
        elif operation == "X":
            connection = self._connections.get(struct.unpack("<H", body)[0])
            if connection is not None:
                with contextlib.suppress(BaseBumbleError):
                    await connection.disconnect()

    def _characteristic(self, uuid: str, flags: int, handle: int) -> Characteristic[bytes]:
        write: Callable[[Connection, bytes], Awaitable[None]] = partial(self._written, handle)
        if not flags & _WRITES:
            write = _refuse_write
        characteristic = Characteristic[bytes](
            uuid,
            Characteristic.Properties(flags & _PROPERTIES),
            permissions_of(flags),
            CharacteristicValue(read=lambda _: self._values.get(handle, b""), write=write),
        )
        self._characteristics[handle] = characteristic
        return characteristic

    def _configure(self, configuration: dict[str, Any]) -> None:
        self._configuration |= configuration
        if "gap_name" in configuration:
            self._device.name = configuration["gap_name"]
        if "mtu" in configuration:
            self._device.gatt_server.max_mtu = configuration["mtu"]

    def _pairing(self, _connection: Connection) -> PairingConfig:
        wanted = self._configuration
        if wanted["io"] != _NO_INPUT_NO_OUTPUT:
            raise NotImplementedError("a simulated tool has neither keys nor a display")
        delegate = PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT)
        return PairingConfig(wanted["le_secure"], wanted["mitm"], wanted["bond"], delegate)

    async def _advertise(self, wanted: tuple[int, bool, str, str] | None) -> None:
        if wanted is None:
            await self._device.stop_advertising()
            return
        interval_us, connectable, data, response = wanted
        kind = AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE if connectable else AdvertisingType.UNDIRECTED_SCANNABLE
        await self._device.start_advertising(
            kind,
            advertising_data=bytes.fromhex(data),
            scan_response_data=bytes.fromhex(response),
            advertising_interval_min=interval_us / _MILLISECOND_US,
            advertising_interval_max=interval_us / _MILLISECOND_US,
        )

    def _connected(self, connection: Connection) -> None:
        number = connection.handle
        self._connections[number] = connection
        self._tell("c", struct.pack("<H", number))
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self._disconnected(number))
        connection.on(
            Connection.EVENT_CONNECTION_ATT_MTU_UPDATE,
            lambda: self._tell("m", struct.pack("<HH", number, connection.att_mtu)),
        )
        connection.on(
            Connection.EVENT_CONNECTION_ENCRYPTION_CHANGE,
            lambda: self._tell("e", struct.pack("<HB", number, bool(connection.encryption))),
        )

    def _disconnected(self, number: int) -> None:
        self._connections.pop(number, None)
        self._tell("d", struct.pack("<H", number))

    async def _written(self, handle: int, connection: Connection, value: bytes) -> None:
        tool = self._tool
        if tool is None or tool.transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            raise ATT_Error(ATT_INSUFFICIENT_RESOURCES_ERROR)
        self._tell("w", struct.pack("<HH", connection.handle, handle) + bytes(value))

    async def _send_all(self) -> None:
        while True:
            number, handle, value = await self._outbox.get()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            connection = self._connections.get(number)
            if connection is not None:
                with contextlib.suppress(BaseBumbleError):
                    await self._device.notify_subscriber(connection, self._characteristics[handle], value, force=True)
            self._tell("s", struct.pack("<H", 1))

    def _tell(self, operation: str, body: bytes) -> None:
        if self._tool is not None and not self._tool.is_closing():
            self._tool.write(_HEADER.pack(len(body), ord(operation)) + body)


async def _refuse_write(_connection: Connection, _value: bytes) -> None:
    raise ATT_Error(ATT_WRITE_NOT_PERMITTED_ERROR)
