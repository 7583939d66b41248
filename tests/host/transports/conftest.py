"""A tool on a virtual air that offers the vendor's service and keeps what it is told, and far ends of links."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from bumble.core import UUID, AdvertisingData
from bumble.device import AdvertisingType, Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.pairing import PairingConfig, PairingDelegate

from iastm_host.transports.base import Clock, TransportError
from iastm_host.transports.ble import COMMAND, QUERY, STREAM, BleTransport, Patience
from iastm_host.transports.bleak_bumble import ATT_HEADER_BYTES, Radio
from iastm_host.transports.borders import messages_in
from iastm_host.transports.scan import TOOL_SERVICE
from iastm_host.transports.virtual_air import LOCALHOST, VirtualAir, join, leave

_T = TypeVar("_T")
PATIENCE_S = 30.0
CLOSE_BY = Patience(find_s=2.0, settle_s=0.05, connect_s=5.0, write_s=1.0, pair_s=5.0, rest_s=0.1)
QUICK = Patience(find_s=2.0, settle_s=0.3, connect_s=5.0, write_s=5.0, pair_s=5.0, rest_s=0.1)


class RefusesPairing(PairingDelegate):
    async def accept(self) -> bool:
        return False


class ScriptedTool:
    """Answers each query with the same bytes where `echo`; `queries` and `commands` are what it was told."""

    def __init__(self, device: Device, heard_as: dict[str, Any], *, echo: bool, service: str, mtu: int) -> None:
        self.device = device
        self._heard_as = heard_as
        self.queries: list[bytes] = []
        self.commands: list[bytes] = []
        self.connection: Connection | None = None
        self.write_gate = asyncio.Event()
        self.write_gate.set()
        self.told = asyncio.Event()
        self.asked = asyncio.Event()
        self._echo = echo
        properties = Characteristic.Properties
        self.stream = Characteristic[bytes](STREAM, properties.NOTIFY, Characteristic.READABLE)
        query = Characteristic[bytes](
            QUERY,
            properties.WRITE | properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._on_query),
        )
        command = Characteristic[bytes](
            COMMAND,
            properties.WRITE,
            Characteristic.WRITEABLE | Characteristic.WRITE_REQUIRES_ENCRYPTION,
            CharacteristicValue(write=self._on_command),
        )
        device.add_service(Service(service, [self.stream, query, command]))
        device.gatt_server.max_mtu = mtu
        device.on(Device.EVENT_CONNECTION, self._on_connection)

    async def advertise(self) -> None:
        """Be heard, again after a connection."""
        await self.device.start_advertising(**self._heard_as)

    def pairs(self, willing: bool) -> None:
        """Pair or refuse to from now on."""
        delegate = PairingDelegate() if willing else RefusesPairing()
        self.device.pairing_config_factory = lambda _connection: PairingConfig(delegate=delegate)

    async def until_alone(self) -> None:
        """Wait until no host is connected."""
        for connection in list(self.device.connections.values()):
            gone = asyncio.get_running_loop().create_future()
            connection.on(connection.EVENT_DISCONNECTION, gone.set_result)
            await gone

    async def notify(self, message: bytes) -> None:
        await self.device.notify_subscribers(self.stream, message)

    async def until_told(self, count: int) -> None:
        """Wait until so many messages came, by either way."""
        while len(self.queries) + len(self.commands) < count:
            self.told.clear()
            await self.told.wait()

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection

    async def _on_query(self, _connection: Connection, value: bytes) -> None:
        self.asked.set()
        await self.write_gate.wait()
        self.queries.append(bytes(value))
        self.told.set()
        if self._echo:
            await self.notify(bytes(value))

    async def _on_command(self, _connection: Connection, value: bytes) -> None:
        self.commands.append(bytes(value))
        self.told.set()


def advertisement(battery: int | None) -> bytes:
    kind = AdvertisingData.Type
    parts: list[tuple[int, bytes]] = [
        (kind.FLAGS, b"\x06"),
        (kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(TOOL_SERVICE))),
    ]
    if battery is not None:
        parts.append((kind.SERVICE_DATA_16_BIT_UUID, bytes(UUID("180F")) + bytes([battery])))
    data = bytes(AdvertisingData(parts))
    assert len(data) <= 31
    return data


def scan_response(name: str, in_use: bool) -> bytes:
    kind = AdvertisingData.Type
    state = bytes(UUID(TOOL_SERVICE)) + bytes([in_use])
    data = bytes(AdvertisingData([(kind.COMPLETE_LOCAL_NAME, name.encode()), (kind.SERVICE_DATA_128_BIT_UUID, state)]))
    assert len(data) <= 31
    return data


class World:
    """An air, the tools on it and the host's radio; `now_us` is the host's clock."""

    def __init__(self) -> None:
        self.air = VirtualAir()
        self.now_us = 500
        self._tools = 0

    def clock(self) -> int:
        self.now_us += 1
        return self.now_us

    async def tool(
        self,
        name: str = "IASTM-0001",
        *,
        battery: int | None = None,
        in_use: bool = False,
        echo: bool = False,
        service: str = TOOL_SERVICE,
        mtu: int = 247,
        pairs: bool = True,
        number: int | None = None,
    ) -> ScriptedTool:
        """Return a tool that advertises; its address ends with `number`, by default the next one."""
        self._tools += 1
        device = await self.air.make_device(name, f"F1:00:00:00:00:{number or self._tools:02X}")
        kind = AdvertisingType.UNDIRECTED_SCANNABLE if in_use else AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE
        heard_as = {
            "advertising_type": kind,
            "advertising_data": advertisement(battery),
            "scan_response_data": scan_response(name, in_use),
            "advertising_interval_min": 20,
            "advertising_interval_max": 20,
        }
        tool = ScriptedTool(device, heard_as, echo=echo, service=service, mtu=mtu)
        tool.pairs(pairs)
        await tool.advertise()
        return tool

    def radio(self, mtu: int = 247) -> Radio:
        """Return a radio of a host."""
        return Radio(lambda: self.air.make_device("host", "C0:00:00:00:00:01"), mtu=mtu)

    def link(self, wanted: str, mtu: int = 247, patience: Patience = QUICK) -> BleTransport:
        """Return a transport to a tool, over a radio of its own."""
        return BleTransport(wanted, self.clock, self.radio(mtu).backend(), patience)


class BleEnd:
    """The other end of a BLE link: a tool on an air of another thread, where the host is a guest."""

    name = "IASTM-0001"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="air")
        self._thread.start()
        self._world, self._tool, self._where = self._do(self._begin())
        self._taken = 0
        self._gone = False

    def transport(self, clock: Clock) -> BleTransport:
        """Return a link to this end."""
        radio = Radio(lambda: join(self._where, "host"), leave)
        return BleTransport(self.name, clock, radio.backend(), CLOSE_BY)

    def send(self, data: bytes) -> None:
        """Send `data` in messages as long as the connection takes."""
        self._do(self._send(data))

    def receive(self, n: int) -> bytes:
        """Return the next `n` bytes that the host wrote."""
        return self._do(self._receive(n))

    def take_nothing(self) -> None:
        """Answer no write any more."""
        self._loop.call_soon_threadsafe(self._tool.write_gate.clear)

    def let_go(self) -> None:
        """Be there for the host's next link; the one before has ended."""
        self._do(self._let_go())

    def hang_up(self) -> None:
        """Leave the air."""
        if not self._gone:
            self._gone = True
            self._do(self._leave())

    def close(self) -> None:
        """End the air and its thread."""
        self._loop.call_soon_threadsafe(self._tool.write_gate.set)
        self._do(self._world.air.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S)

    async def _begin(self) -> tuple[World, ScriptedTool, str]:
        made = World()
        tool = await made.tool(self.name)
        return made, tool, f"{LOCALHOST}:{await made.air.serve()}"

    async def _send(self, data: bytes) -> None:
        assert self._tool.connection is not None
        size = self._tool.connection.att_mtu - ATT_HEADER_BYTES
        for start in range(0, len(data), size):
            await self._tool.notify(data[start : start + size])

    async def _receive(self, n: int) -> bytes:
        while len(data := b"".join(self._tool.queries)[self._taken :]) < n:
            await self._tool.until_told(len(self._tool.queries) + 1)
        self._taken += n
        return data[:n]

    async def _let_go(self) -> None:
        await self._tool.until_alone()
        await self._tool.advertise()

    async def _leave(self) -> None:
        self._world.air.remove(self._tool.device)


async def messages(transport: BleTransport, count: int) -> list[bytes]:
    """Return the next `count` messages."""
    got: list[bytes] = []
    while len(got) < count:
        got += messages_in((await transport.read()).data)
    return got


async def end_of(transport: BleTransport) -> TransportError:
    """Read until the link is gone; return why."""
    try:
        while True:
            await transport.read()
    except TransportError as error:
        return error


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    try:
        yield made
    finally:
        await made.air.close()


@pytest.fixture
def on_air() -> Callable[..., Any]:
    """Return `on_air(test, patience_s)`: runs a coroutine function with a World, at most that long."""

    def run(test: Callable[[World], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(patience_s), world() as made:
                return await test(made)

        return asyncio.run(bounded())

    return run


@pytest.fixture
def next_messages() -> Callable[[BleTransport, int], Awaitable[list[bytes]]]:
    return messages


@pytest.fixture
def end_of_link() -> Callable[[BleTransport], Awaitable[TransportError]]:
    return end_of


@pytest.fixture
def ble_end() -> Iterator[Callable[[], BleEnd]]:
    """Return what makes the other end of a BLE link."""
    made: list[BleEnd] = []

    def make() -> BleEnd:
        made.append(BleEnd())
        return made[-1]

    yield make
    for end in made:
        end.close()
