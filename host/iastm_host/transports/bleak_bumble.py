"""A backend for bleak over a bumble device, so that everything above bleak runs unchanged on a virtual radio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer

from iastm_host.transports.scan import Backend

ATT_HEADER_BYTES = 3
DEFAULT_MTU = 247
_ASK_AGAIN_S = 0.05

_T = TypeVar("_T")
_Kind = AdvertisingData.Type
_NAMES = (_Kind.COMPLETE_LOCAL_NAME, _Kind.SHORTENED_LOCAL_NAME)
# Kinds of lists of services, and of a service's data, with the bytes of a UUID in them.
_SERVICE_LISTS = {
    _Kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Kind.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Kind.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
}
_SERVICE_DATA = {_Kind.SERVICE_DATA_128_BIT_UUID: 16, _Kind.SERVICE_DATA_16_BIT_UUID: 2}


class Radio:
    """The device through which this process is on a virtual air; `make` and `leave` it in the loop that uses it.

    It is there while a scanner or a client needs it, and made anew for the next. `mtu` is what this side asks for.
    Several scanners may run at once.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[Device]],
        leave: Callable[[Device], Awaitable[None]] | None = None,
        mtu: int = DEFAULT_MTU,
    ) -> None:
        self.mtu = mtu
        self._make = make
        self._leave = leave
        self._device: Device | None = None
        self._changing = asyncio.Lock()
        self._users = 0
        self._scanners = 0

    async def acquire(self) -> Device:
        """Return the device; `release` it."""
        async with self._changing:
            if self._device is None:
                try:
                    await _whole(self._enter())
                except asyncio.CancelledError:
                    await self._leave_where_unused()
                    raise
            assert self._device is not None
            self._users += 1
            return self._device

    async def release(self) -> None:
        """Tell that one user needs the device no more."""
        async with self._changing:
            self._users -= 1
            await self._leave_where_unused()

    async def _enter(self) -> None:
        device = self._device = await self._make()
        device.on(Device.EVENT_FLUSH, lambda: self._lost(device))

    async def _leave_where_unused(self) -> None:
        device = self._device
        if not self._users and self._leave is not None and device is not None:
            self._device = None
            await _whole(self._leave(device))

    def _lost(self, device: Device) -> None:
        # Its link to an air elsewhere is gone.
        if self._device is device:
            self._device = None
            self._scanners = 0

    async def start_scanning(self, listener: Callable[[Advertisement], None]) -> None:
        """Let `listener` hear advertisements."""
        device = await self.acquire()
        device.on(Device.EVENT_ADVERTISEMENT, listener)
        self._scanners += 1
        if self._scanners == 1:
            try:
                await _whole(device.start_scanning())
            except BaseException:
                await self.stop_scanning(listener)
                raise

    async def stop_scanning(self, listener: Callable[[Advertisement], None]) -> None:
        """Let `listener` hear no more."""
        device = self._device
        if device is not None and listener in device.listeners(Device.EVENT_ADVERTISEMENT):
            device.remove_listener(Device.EVENT_ADVERTISEMENT, listener)
            self._scanners -= 1
            if not self._scanners:
                await _whole(device.stop_scanning())
        await self.release()

    def backend(self) -> Backend:
        """Return what BleakScanner and BleakClient take as `backend`, bound to this radio."""
        bound = {"radio": self}
        return Backend(type("Scanner", (BumbleScanner,), bound), type("Client", (BumbleClient,), bound))


class BumbleScanner(BaseBleakScanner):
    """Made by Radio.backend."""

    radio: ClassVar[Radio]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_kwargs: object,
    ) -> None:
        del scanning_mode
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Start scanning."""
        self.seen_devices = {}
        with _as_bleak_says():
            await self.radio.start_scanning(self._heard)

    async def stop(self) -> None:
        """Stop scanning."""
        with _as_bleak_says():
            await self.radio.stop_scanning(self._heard)

    def _heard(self, advertisement: Advertisement) -> None:
        heard = _advertisement_data(advertisement)
        if not self.is_allowed_uuid(heard.service_uuids):
            return
        address = advertisement.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(address, address, heard.local_name, advertisement.address, heard)
        self.call_detection_callbacks(device, heard)


class BumbleClient(BaseBleakClient):
    """Made by Radio.backend."""

    radio: ClassVar[Radio]

    def __init__(self, address_or_ble_device: BLEDevice | str, services: object = None, **kwargs: Any) -> None:
        del services
        super().__init__(address_or_ble_device, **kwargs)
        self._name = address_or_ble_device.name if isinstance(address_or_ble_device, BLEDevice) else None
        self._connection: Connection | None = None
        self._device: Device | None = None
        self._subscribed: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The advertised name, or the address."""
        return self._name or self.address

    @property
    def mtu_size(self) -> int:
        """The connection's ATT MTU."""
        return int(self._connection.att_mtu) if self._connection is not None else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, agree on an MTU and look for services, all within the client's time-out (TimeoutError)."""
        del kwargs
        if self._connection is not None:
            raise BleakError("Client is already connected")
        try:
            address = hci.Address(self.address)
        except ValueError as error:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} is no address") from error
        device = self._device = await self.radio.acquire()
        deadline_s = asyncio.get_running_loop().time() + self._timeout
        try:
            connection = self._connection = await self._link(device, address)
            connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
            async with asyncio.timeout_at(deadline_s):
                if pair:
                    await self.pair()
                self.services = await self._asked(self._discover(Peer(connection)))
        except BaseException:
            await self.disconnect()
            raise

    async def _link(self, device: Device, address: hci.Address) -> Connection:
        connecting = asyncio.ensure_future(device.connect(address, timeout=self._timeout))
        try:
            return await asyncio.shield(connecting)
        except core.TimeoutError as error:
            raise TimeoutError(f"{self.address} did not connect") from error
        except core.BaseBumbleError as error:
            raise BleakError(f"Connection failed: {error}") from error
        except asyncio.CancelledError:
            await _give_up(device, connecting)
            raise

    async def disconnect(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                await connection.disconnect()
        except core.BaseBumbleError as error:
            raise BleakError(f"Disconnecting failed: {error}") from error
        finally:
            await self._release()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Pair, after which the link is encrypted."""
        del args, kwargs
        connection = self._connected()
        if not connection.is_encrypted:
            await self._asked(connection.pair())

    async def unpair(self) -> None:
        """Forget the keys and disconnect."""
        device = self._device
        if device is not None and device.keystore is not None:
            await device.keystore.delete(hci.Address(self.address).to_string())
        await self.disconnect()

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a characteristic."""
        del use_cached, kwargs
        self._connected()
        return bytearray(await self._asked(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a descriptor."""
        del use_cached, kwargs
        self._connected()
        return bytearray(await self._asked(descriptor.obj.read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write a characteristic; without response up to what the MTU holds."""
        self._connected()
        if not response and len(data) > characteristic.max_write_without_response_size:
            raise BleakError(f"{len(data)} bytes are too many for a write without response")
        await self._asked(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        self._connected()
        await self._asked(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Subscribe to notifications, or to indications where there are only those."""
        del kwargs
        self._connected()

        def changed(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribed[characteristic.handle] = changed
        await self._asked(characteristic.obj.subscribe(changed, prefer_notify=True))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """End a subscription."""
        self._connected()
        await self._asked(characteristic.obj.unsubscribe(self._subscribed.pop(characteristic.handle, None)))

    async def _release(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            await self.radio.release()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    def _disconnected(self, _reason: int) -> None:
        self._connection = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _asked(self, answer: Awaitable[_T]) -> _T:
        """Wait for `answer`; what goes wrong comes as bleak's exceptions.

        A question can't be taken back: who is cancelled no longer waits, and the answer, or the link's end, is for
        bumble alone.
        """
        asked = asyncio.ensure_future(answer)
        asked.add_done_callback(_take_note)
        try:
            return await asyncio.shield(asked)
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error
        except core.TimeoutError as error:
            raise TimeoutError(str(error)) from error
        except core.BaseBumbleError as error:
            raise BleakError(str(error)) from error
        except asyncio.CancelledError:
            # bumble cancels what waits for an answer when the link is gone; a cancelled task is another matter.
            task = asyncio.current_task()
            if self._connection is None and task is not None and not task.cancelling():
                raise BleakError("Disconnected") from None
            raise

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        if self.radio.mtu > att.ATT_DEFAULT_MTU:
            await peer.request_mtu(self.radio.mtu)
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            ours = BleakGATTService(service, service.handle, _uuid(service.uuid))
            found.add_service(ours)
            for each in await service.discover_characteristics():
                names = list(gatt_char_props_to_strs(int(each.properties)))
                characteristic = BleakGATTCharacteristic(
                    each, each.handle, _uuid(each.uuid), names, lambda: self.mtu_size - ATT_HEADER_BYTES, ours
                )
                found.add_characteristic(characteristic)
                for descriptor in await each.discover_descriptors():
                    found.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, _uuid(descriptor.type), characteristic)
                    )
        return found


async def _give_up(device: Device, connecting: asyncio.Future[Connection]) -> None:
    """Tell the controller, too, that nobody waits for this connection any more."""
    while not connecting.done():
        with contextlib.suppress(core.BaseBumbleError):
            await device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        await asyncio.wait([connecting], timeout=_ASK_AGAIN_S)
    if not connecting.cancelled() and connecting.exception() is None:
        with contextlib.suppress(core.BaseBumbleError):
            await connecting.result().disconnect()


@contextlib.contextmanager
def _as_bleak_says() -> Iterator[None]:
    try:
        yield
    except core.BaseBumbleError as error:
        raise BleakError(str(error)) from error


def _take_note(done: asyncio.Future[Any]) -> None:
    # Its exception may have nobody left to be raised to, and is no news then.
    if not done.cancelled():
        done.exception()


async def _whole(operation: Awaitable[_T]) -> _T:
    """Wait for an operation that bumble can't bear to be cut off in: who is cancelled is so when it is over."""
    running = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    name: str | None = None
    services: list[str] = []
    service_data: dict[str, bytes] = {}
    for kind, value in advertisement.data.ad_structures:
        if kind in _NAMES:
            name = value.decode(errors="replace")
        elif (size := _SERVICE_LISTS.get(kind)) is not None:
            services += [_uuid(core.UUID.from_bytes(value[i : i + size])) for i in range(0, len(value), size)]
        elif (size := _SERVICE_DATA.get(kind)) is not None:
            service_data[_uuid(core.UUID.from_bytes(value[:size]))] = value[size:]
    return AdvertisementData(name, {}, service_data, services, None, advertisement.rssi, (advertisement,))


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())
