"""A tool over Bluetooth LE: the service of SPEC.md or that of another gauge, found by name or address, through bleak.

Each notification is one message of a chunk (see borders.py). What is written waits in a queue of its own for each of
the two ways in, so that neither a slow radio nor a pairing dialogue holds back what arrives; a write that fails ends
the link, and `read` says why. Where only pairing fails the link can still be watched: `pairing_refused` says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from iastm_host.events import Chunk
from iastm_host.transports.base import (
    BUSY,
    IASTM,
    LOST,
    NOT_A_TOOL,
    NOT_CONNECTED,
    NOT_FOUND,
    NOT_READING,
    PROGRESSOR,
    Clock,
    Inbox,
    Transport,
    TransportError,
)
from iastm_host.transports.borders import MAX_MESSAGE_BYTES, bordered
from iastm_host.transports.scan import PROGRESSOR_SERVICE, SYSTEM, TOOL_SERVICE, Backend, FoundTool, find, radio_error

log = logging.getLogger(__name__)

STREAM = "1a570002-6d1e-4c3b-9f0a-7c5e2b8d4f10"
QUERY = "1a570003-6d1e-4c3b-9f0a-7c5e2b8d4f10"
COMMAND = "1a570004-6d1e-4c3b-9f0a-7c5e2b8d4f10"
PROGRESSOR_DATA = "7e4e1702-1ea6-40c9-9dcc-13d34ffead57"
PROGRESSOR_CONTROL = "7e4e1703-1ea6-40c9-9dcc-13d34ffead57"


@dataclass(frozen=True, slots=True)
class Layout:
    """A gauge's service, its characteristics for what it says and what it is told, and the encrypted one if any."""

    service: str
    notified: str
    written: str
    privileged: str | None


LAYOUTS = {
    IASTM: Layout(TOOL_SERVICE, STREAM, QUERY, COMMAND),
    PROGRESSOR: Layout(PROGRESSOR_SERVICE, PROGRESSOR_DATA, PROGRESSOR_CONTROL, None),
}

# What the smallest MTU of 23 leaves for a message; every connection takes it.
LEAST_MESSAGE_BYTES = 20
_QUEUED_MESSAGES = 128
# For what was queued when the link is closed, such as the word to stop streaming.
_LAST_WORDS_S = 0.5
# After a radio that failed or is switched off.
_ASK_RADIO_AGAIN_S = 1.0
_NEEDS_PAIRING = (
    BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
    BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION_KEY_SIZE,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: to hear the tool, for another of its name, for the end of its use, to connect, to
    write, to pair, to close.

    Pairing may ask a person. `rest_s` is kept after a live connection was ended on purpose: systems take the old one
    for alive until then, and tools advertise again only once it is gone.
    """

    find_s: float = 10.0
    settle_s: float = 1.5
    in_use_s: float = 4.0
    connect_s: float = 15.0
    write_s: float = 3.0
    pair_s: float = 30.0
    close_s: float = 3.0
    rest_s: float = 1.0


class BleTransport(Transport):
    """`tool` is a name or an address; `mtu`, the longest message to the tool, is known when the link is open.

    `pairing_refused` says in words why privileged messages don't reach the tool, "" as long as they do or none was
    sent: they are dropped then, until the link is opened again.
    """

    def __init__(self, tool: str, clock: Clock, backend: Backend = SYSTEM, patience: Patience | None = None) -> None:
        # Not None from the start: borders stand in every chunk, whatever the connection takes.
        self.mtu: int | None = LEAST_MESSAGE_BYTES
        self.dialect = IASTM
        self.pairing_refused = ""
        self._wanted = tool
        self._name = tool
        self._clock = clock
        self._backend = backend
        self._patience = patience or Patience()
        self._inbox = Inbox(clock)
        self._found: FoundTool | None = None
        self._address: str | None = None
        self._client: BleakClient | None = None
        self._rested_s = 0.0
        self._ways: dict[bool, _Way] = {}

    async def find(self) -> None:
        """Listen for the tool. One that was connected before is known by its address, whoever else has its name."""
        patience = self._patience
        try:
            self._found = await find(
                self._address or self._wanted, patience.find_s, patience.settle_s, patience.in_use_s, self._backend
            )
        except TransportError as error:
            if error.reason != NOT_FOUND or self._address is None:
                raise
            raise TransportError(
                NOT_FOUND,
                f"{self._name} was not heard within {patience.find_s:g} s.",
                "Switch the tool on, bring it nearer, and end other programs' links to it.",
            ) from error

    async def rediscovered(self) -> None:
        """Return once the tool is heard, and free."""
        while True:
            try:
                await self.find()
                return
            except TransportError as error:
                if error.reason not in (NOT_FOUND, BUSY):
                    await asyncio.sleep(_ASK_RADIO_AGAIN_S)

    async def open(self) -> None:
        """Find the tool where that was not done, connect and subscribe; cancelled, it leaves nothing behind."""
        patience = self._patience
        if self._found is None:
            await self.find()
        found, self._found = self._found, None
        assert found is not None
        self._name = str(found)
        self.dialect = found.dialect
        await asyncio.sleep(max(0.0, self._rested_s - asyncio.get_running_loop().time()))
        self._inbox = Inbox(self._clock)
        self.pairing_refused = ""
        client = BleakClient(found.device, self._disconnected, timeout=patience.connect_s, backend=self._backend.client)
        self._client = client
        try:
            async with asyncio.timeout(patience.connect_s):
                await client.connect()
                await self._enter(client)
            self._address = found.address
        except (BleakError, OSError, TimeoutError) as error:
            await self.close()
            raise self._open_error(found, error) from error
        except BaseException:
            await self.close()
            raise

    async def read(self) -> Chunk:
        """Return the messages that arrived, each with its length before it, or an empty chunk after 100 ms."""
        return await self._inbox.take()

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Queue one message of up to `mtu` bytes; `privileged` ones go by the encrypted way, after pairing if need be.

        Where the gauge has no such way all go the same. Raises TransportError where the link is gone or the queue full.
        """
        assert self.mtu is not None
        if len(data) > self.mtu:
            raise ValueError(f"a message of {len(data)} bytes on a link that takes {self.mtu}")
        way = self._ways.get(privileged) or self._ways.get(False)
        if way is None:
            raise self._lost("it was closed")
        try:
            way.queue.put_nowait(bytes(data))
        except asyncio.QueueFull:
            raise self._not_reading() from None

    async def close(self) -> None:
        """Send what is still queued in the open, as far as half a second lets it, and disconnect."""
        client, self._client = self._client, None
        ways, self._ways = self._ways, {}
        if client is not None and client.is_connected and False in ways:
            await ways[False].run_empty(_LAST_WORDS_S)
        for way in ways.values():
            way.task.cancel()
        await asyncio.gather(*(way.task for way in ways.values()), return_exceptions=True)
        if client is not None:
            alive = client.is_connected
            with contextlib.suppress(BleakError, OSError, TimeoutError, EOFError):
                async with asyncio.timeout(self._patience.close_s):
                    await client.disconnect()
            if alive:
                self._rested_s = asyncio.get_running_loop().time() + self._patience.rest_s

    async def _enter(self, client: BleakClient) -> None:
        layout = LAYOUTS[self.dialect]
        service = client.services.get_service(layout.service)
        stream, query, command = (
            service.get_characteristic(uuid) if service and uuid else None
            for uuid in (layout.notified, layout.written, layout.privileged)
        )
        if stream is None or query is None or (command is None and layout.privileged is not None):
            raise TransportError(
                NOT_A_TOOL,
                f"{self._name} does not offer what a tool offers.",
                "Update its firmware; if that was done just now, switch Bluetooth off and on: systems remember what a "
                "tool offered before.",
            )
        await client.start_notify(stream, self._notified)
        self.mtu = max(LEAST_MESSAGE_BYTES, min(query.max_write_without_response_size, MAX_MESSAGE_BYTES))
        loop = asyncio.get_running_loop()
        for privileged, characteristic in ((False, query), (True, command)):
            if characteristic is None:
                continue
            queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUED_MESSAGES)
            task = loop.create_task(self._write_all(client, characteristic, queue))
            self._ways[privileged] = _Way(queue, task)

    def _notified(self, _stream: BleakGATTCharacteristic, message: bytearray) -> None:
        self._inbox.put(bordered(bytes(message)))

    def _disconnected(self, client: BleakClient) -> None:
        if client is self._client:
            self._inbox.fail(self._lost("the connection broke off"))

    async def _write_all(
        self, client: BleakClient, characteristic: BleakGATTCharacteristic, queue: asyncio.Queue[bytes]
    ) -> None:
        try:
            while True:
                message = await queue.get()
                try:
                    await self._write_one(client, characteristic, message)
                except BleakGATTProtocolError as error:
                    if error.code not in _NEEDS_PAIRING:
                        raise
                    await self._write_paired(client, characteristic, message)
                queue.task_done()
        except TransportError as error:
            self._inbox.fail(error)
        except TimeoutError:
            self._inbox.fail(self._not_reading())
        except (BleakError, OSError, EOFError) as error:
            self._inbox.fail(self._lost(str(error) or type(error).__name__))

    async def _write_one(self, client: BleakClient, characteristic: BleakGATTCharacteristic, message: bytes) -> None:
        async with asyncio.timeout(self._patience.write_s):
            # One that takes none with a response loses what the radio loses.
            await client.write_gatt_char(characteristic, message, response="write" in characteristic.properties)

    async def _write_paired(self, client: BleakClient, characteristic: BleakGATTCharacteristic, message: bytes) -> None:
        """Pair and write; drop the message where the tool does not pair."""
        if self.pairing_refused:
            return
        if await self._pair(client):
            try:
                await self._write_one(client, characteristic, message)
                return
            except BleakGATTProtocolError as error:
                if error.code not in _NEEDS_PAIRING:
                    raise
        self.pairing_refused = (
            f"{self._name} did not pair with this computer, so it takes no limits and no zero from it. Remove the tool "
            "in the system's Bluetooth settings, switch it off and on, then connect again."
        )
        log.warning(self.pairing_refused)

    async def _pair(self, client: BleakClient) -> bool:
        try:
            async with asyncio.timeout(self._patience.pair_s):
                await client.pair()
        except (BleakError, OSError, TimeoutError, NotImplementedError) as error:
            if not client.is_connected:
                raise self._lost("the connection broke off while pairing") from error
            return False
        return True

    def _open_error(self, found: FoundTool, error: Exception) -> TransportError:
        if isinstance(error, TimeoutError):
            return TransportError(
                NOT_CONNECTED,
                f"{found} was heard but did not connect within {self._patience.connect_s:g} s.",
                "Bring it nearer, switch it off and on, then retry.",
            )
        if isinstance(error, BleakDeviceNotFoundError):
            return TransportError(
                NOT_FOUND, f"{found} was heard and is gone again.", "Switch it on, bring it nearer, then retry."
            )
        if isinstance(error, BleakBluetoothNotAvailableError | PermissionError):
            return radio_error(error)
        return TransportError(
            NOT_CONNECTED,
            f"{found} did not connect: {error}.",
            "Switch the tool off and on; if it was paired before, remove it in the system's Bluetooth settings.",
        )

    def _not_reading(self) -> TransportError:
        return TransportError(
            NOT_READING,
            f"{self._name} did not take what was sent to it for {self._patience.write_s:g} s.",
            "Bring it nearer, switch it off and on, then connect again.",
        )

    def _lost(self, why: str) -> TransportError:
        return TransportError(
            LOST,
            f"The link to {self._name} is gone: {why}.",
            "Bring the tool nearer, look at its battery, connect again.",
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """One of the ways to the tool: what waits to be written, and who writes it."""

    queue: asyncio.Queue[bytes]
    task: asyncio.Task[None]

    async def run_empty(self, timeout_s: float) -> None:
        """Wait until all is written, or can't be, but no longer than `timeout_s`."""
        empty = asyncio.ensure_future(self.queue.join())
        try:
            await asyncio.wait((empty, self.task), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            empty.cancel()
