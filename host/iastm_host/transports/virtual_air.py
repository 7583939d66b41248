"""A radio without hardware: devices of this process, and of others over TCP, that hear each other as over the air.

Stands on bumble's controllers and its LocalLink. What these leave out and a link's tests need is added here: the scan
response, advertisements that can't be connected to, giving up on a connection, and links that break.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from dataclasses import replace

from bumble import hci, ll
from bumble.controller import AdvertisingSet, Controller
from bumble.core import BaseBumbleError
from bumble.device import Device
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink, StreamPacketSink, StreamPacketSource
from bumble.transport.tcp_client import open_tcp_client_transport

from iastm_host.events import Problem
from iastm_host.transports.base import NO_ADAPTER, TransportError

LOCALHOST = "127.0.0.1"
_CONNECTABLE = 1
_POWER_ON_S = 5.0


class VirtualAir:
    """One radio medium; make it, its devices and its end within one event loop."""

    def __init__(self) -> None:
        self._medium = _Medium()
        self._server: asyncio.Server | None = None
        self._guests: set[_Guest] = set()
        self._controllers: dict[Device, _Controller] = {}

    async def make_device(self, name: str, address: str) -> Device:
        """Return a device that is switched on; `address` is a static random one such as F1:00:00:00:00:02."""
        controller = _Controller(name, self._medium)
        host = Host()
        host.set_packet_sink(AsyncPipeSink(controller))
        controller.host = AsyncPipeSink(host)
        device = Device(name=name, address=hci.Address(address), host=host)
        await device.power_on()
        self._controllers[device] = controller
        return device

    def cut(self, device: Device) -> None:
        """Break all links of `device` as if it had been out of range for too long; it stays on the air."""
        self._controllers[device].cut()

    def take_away(self, device: Device) -> None:
        """Take `device` out of range: its links break, and nobody hears it until `bring_back`."""
        controller = self._controllers[device]
        self._medium.out_of_range.add(controller)
        controller.cut()

    def bring_back(self, device: Device) -> None:
        """Bring `device` back into range."""
        self._medium.out_of_range.discard(self._controllers[device])

    def remove(self, device: Device) -> None:
        """Take `device` off the air for good: its links break, and nobody hears it."""
        self._controllers.pop(device).leave()

    async def serve(self, port: int = 0, host: str = LOCALHOST) -> int:
        """Let other programs join (see `join`) at a TCP port of this machine; return its number. Raises Problem.

        Each connection is the HCI of a controller of its own, packets of type H4 as bumble's tcp transports have them.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Guest(self._medium, self._guests), host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Problem(
                    f"{host}:{port} is taken: another program listens there.",
                    "End that program, or name another port.",
                ) from error
            # asyncio's own words repeat the address.
            why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            raise Problem(
                f"No virtual radio can listen at {host}:{port}: {why}.",
                f"Name an address of this computer, as {LOCALHOST}:5005.",
            ) from error
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self) -> None:
        """End all links and let go of the port."""
        if self._server is not None:
            self._server.close()
            for guest in list(self._guests):
                guest.hang_up()
            await self._server.wait_closed()
            self._server = None
        for device in list(self._controllers):
            self.remove(device)


async def join(where: str, name: str) -> Device:
    """Return a device on the air that another program serves at `where` (host:port); raises TransportError."""
    try:
        source, sink = await open_tcp_client_transport(where)
    except (OSError, ValueError) as error:
        raise _no_radio(where) from error
    device = Device.with_hci(name, hci.Address.generate_static_address(), source, sink)
    try:
        # One that is just ending takes connections and answers none.
        async with asyncio.timeout(_POWER_ON_S):
            await device.power_on()
    except (BaseBumbleError, TimeoutError) as error:
        sink.close()
        raise _no_radio(where) from error
    return device


def _no_radio(where: str) -> TransportError:
    return TransportError(
        NO_ADAPTER, f"There is no virtual radio at {where}.", "Start it first: iastm simulate --transport ble."
    )


async def leave(device: Device) -> None:
    """Close what `join` opened."""
    sink = device.host.hci_sink
    await device.power_off()
    if isinstance(sink, StreamPacketSink):
        sink.close()


class _Medium(LocalLink):
    """Carries scan responses too, appended to the advertisement that they belong to; nothing of who is out of range."""

    def __init__(self) -> None:
        LocalLink.__init__(self)
        self.out_of_range: set[Controller] = set()

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        if sender_controller in self.out_of_range:
            return
        advertiser = _advertiser(sender_controller, packet)
        if advertiser is not None and isinstance(packet, ll.AdvExtInd):
            packet = replace(packet, data=packet.data + bytes(advertiser.scan_response_data))
        super().send_advertising_pdu(sender_controller, packet)

    def can_be_connected(self, address: hci.Address) -> bool:
        """Tell whether somebody advertises under `address` and takes connections."""
        return any(
            advertiser.enabled and advertiser.address == address and _takes_connections(advertiser)
            for controller in self.controllers - self.out_of_range
            for advertiser in controller.advertising_sets.values()
        )


class _Controller(Controller):
    """A controller whose connections can be given up and cut."""

    _count = 0

    def __init__(self, name: str, medium: _Medium) -> None:
        _Controller._count = (_Controller._count + 1) & 0xFFFF
        public = f"F0:F0:F0:F0:{_Controller._count >> 8:02X}:{_Controller._count & 0xFF:02X}"
        super().__init__(name, link=medium, public_address=public)
        self._medium = medium

    def create_le_connection(self, peer_address: hci.Address) -> None:
        """Connect to an advertiser that was heard, unless it takes no connections."""
        if self._medium.can_be_connected(peer_address):
            super().create_le_connection(peer_address)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Give up on a connection: its completion comes with an error (Bluetooth Core 5.4, Vol 4, Part E, 7.8.13)."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def cut(self) -> None:
        """End every link on both sides, with the reason of a supervision time-out."""
        for connection in list(self.le_connections.values()):
            other = self._medium.find_le_controller(connection.peer_address)
            if other is not None and (theirs := other.le_connections.get(connection.self_address)) is not None:
                other.on_le_disconnected(theirs, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
            self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def leave(self) -> None:
        """Leave the medium; who is linked to this controller learns it."""
        self.cut()
        for advertiser in self.advertising_sets.values():
            advertiser.stop()
        self.le_legacy_advertiser.stop()
        self.host = None
        self._medium.remove_controller(self)


class _Guest(StreamPacketSource):
    """The controller of another program: it is on the air as long as its connection lasts."""

    def __init__(self, medium: _Medium, guests: set[_Guest]) -> None:
        super().__init__()
        self._medium = medium
        self._guests = guests
        self._controller: _Controller | None = None
        self._stream: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._stream = transport
        self._controller = _Controller("guest", self._medium)
        self._controller.host = StreamPacketSink(transport)
        self.set_packet_sink(self._controller)
        self._guests.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._guests.discard(self)
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.leave()

    def hang_up(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()


def _advertiser(controller: Controller, packet: ll.AdvertisingPdu) -> AdvertisingSet | None:
    address = getattr(packet, "advertiser_address", None)
    found = (each for each in controller.advertising_sets.values() if each.enabled and each.address == address)
    return next(found, None)


def _takes_connections(advertiser: AdvertisingSet) -> bool:
    parameters = advertiser.parameters
    return parameters is not None and bool(parameters.advertising_event_properties & _CONNECTABLE)
