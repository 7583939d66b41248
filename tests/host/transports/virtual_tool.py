"""The unchanged firmware on virtual air, and a plain central that knows SPEC.md and no more."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.pairing import PairingConfig, PairingDelegate

from iastm_host.transports.virtual_air import VirtualAir
from iastm_host.transports.virtual_peripheral import VirtualPeripheral
from iastm_protocol import kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter, Decoder, encode
from iastm_protocol.signing import tag

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0
TOOL_ADDRESS = "F1:00:00:00:00:02"
SERVICE = "1a570001-6d1e-4c3b-9f0a-7c5e2b8d4f10"
STREAM = "1a570002-6d1e-4c3b-9f0a-7c5e2b8d4f10"
QUERY = "1a570003-6d1e-4c3b-9f0a-7c5e2b8d4f10"
COMMAND = "1a570004-6d1e-4c3b-9f0a-7c5e2b8d4f10"
ENOUGH_ROWS = 7000
Run = Callable[..., None]


def cpython() -> list[str]:
    """What runs the firmware where there is no MicroPython; a warning of it is a failure that shows on stderr."""
    return [sys.executable, "-W", "error"]


def micropython() -> list[str]:
    """A real MicroPython, with the heap that the firmware and its stand-ins must fit into."""
    beside = str(Path(sys.executable).parent)
    found = os.environ.get("MICROPYTHON") or shutil.which("micropython", path=beside) or shutil.which("micropython")
    if found is None:
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            pytest.fail("no MicroPython: install the project's dependencies, or set $MICROPYTHON")
        return cpython()
    return [found, "-X", "heapsize=416k"]


class Host:
    """A central that has found the tool's characteristics and keeps what they notify."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        self.connection = connection
        self.peer = peer
        self.messages: list[Any] = []
        self.longest = 0
        self.decoder = FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
        self.acknowledges = False
        self.disconnected = asyncio.Event()
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self.disconnected.set())
        self._writer = BareFrameWriter(kinds.MAX_LINK_PAYLOAD)
        self._heard = asyncio.Event()
        self._requests = 0
        self._counter = 0

    def characteristic(self, uuid: str) -> CharacteristicProxy[bytes]:
        (found,) = self.peer.get_characteristics_by_uuid(UUID(uuid))
        return found

    async def subscribe(self) -> None:
        await self.characteristic(STREAM).subscribe(self._notified)

    def _notified(self, message: bytes) -> None:
        self.longest = max(self.longest, len(message))
        self.decoder.feed(message)
        while (frame := self.decoder.next_frame()) is not None:
            self.messages.append(messages.MESSAGES[frame.kind].from_payload(frame.payload))
        self._heard.set()

    async def send(self, kind: int, message: Any, *, by: str = QUERY) -> None:
        frame = self._writer.frame(kind, 0, message.to_payload())
        for part in fragments(frame, self.connection.att_mtu - 3):
            await self.characteristic(by).write_value(part, with_response=True)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not enough():
                self._heard.clear()
                await self._heard.wait()

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]

    async def hello(self, major: int = kinds.MAJOR, session: int = 1) -> Any:
        known = len(self.of(messages.HelloAnswer))
        await self.send(kinds.HELLO, messages.Hello(major, kinds.MINOR, "test", session))
        await self.until(lambda: len(self.of(messages.HelloAnswer)) > known)
        return self.of(messages.HelloAnswer)[-1]

    async def ask(self, command: int, body: bytes = b"", *, by: str = QUERY) -> Any:
        """Give a command and return its response."""
        self._requests += 1
        known = len(self.of(messages.Response))
        await self.send(kinds.COMMAND, messages.Command(self._requests, command, body), by=by)
        await self.until(lambda: len(self.of(messages.Response)) > known)
        answer = self.of(messages.Response)[-1]
        assert (answer.request_id, answer.command) == (self._requests, command)
        return answer

    def signed(self, key: bytes, command: int, body: bytes = b"") -> Any:
        """Return a command signed for this session, with the next counter."""
        self._requests += 1
        self._counter += 1
        payload = messages.Command(self._requests, command, body).to_payload()
        challenge = self.of(messages.HelloAnswer)[-1].challenge
        return messages.SignedCommand(self._counter, tag(key, challenge, self._counter, payload), payload)

    async def give(self, signed: Any, *, by: str = COMMAND) -> Any:
        """Give a signed command and return the response to it."""
        known = len(self.of(messages.Response))
        await self.send(kinds.SIGNED_COMMAND, signed, by=by)
        await self.until(lambda: len(self.of(messages.Response)) > known)
        answer = self.of(messages.Response)[-1]
        assert answer.request_id == messages.Command.from_payload(signed.command).request_id
        return answer

    async def ping(self) -> None:
        """Wait until all is here that the tool sent before it read this."""
        known = len(self.of(messages.Pong))
        await self.send(kinds.PING, messages.Ping(known))
        await self.until(lambda: len(self.of(messages.Pong)) > known)

    def samples(self) -> list[tuple[int, int]]:
        return [
            (batch.first_index + i, counts)
            for batch in self.of(messages.ForceSamples)
            for i, counts in enumerate(batch.counts())
        ]

    async def until_samples(self, count: int) -> None:
        await self.until(lambda: sum(batch.sample_count for batch in self.of(messages.ForceSamples)) >= count)


class Cable:
    """A host at the tool's cable."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        self._requests = 0

    async def until(self, kind: type) -> Any:
        """Wait for the next message of one class; return it."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while (frame := self._decoder.next_frame()) is not None:
                    message = messages.MESSAGES[frame.kind].from_payload(frame.payload)
                    if isinstance(message, kind):
                        return message
                data = await self._reader.read(4096)
                assert data, "the tool has closed its cable"
                self._decoder.feed(data)

    def send(self, kind: int, message: Any) -> None:
        self._writer.write(encode(kind, 0, message.to_payload()))

    async def hello(self) -> Any:
        self.send(kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "test", 1))
        return await self.until(messages.HelloAnswer)

    def ask(self, command: int, body: bytes = b"") -> None:
        """Give a command; what it brings is there to wait for."""
        self._requests += 1
        self.send(kinds.COMMAND, messages.Command(self._requests, command, body))

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def assert_gapless(samples: list[tuple[int, int]]) -> None:
    """Counts tell their index: nothing is missing, doubled or altered."""
    first = samples[0][0]
    assert samples == [(i, i) for i in range(first, first + len(samples))]


class Tool:
    """A simulated tool whose radio is on `air`; `words` is the file that it writes to beside its links."""

    def __init__(self, air: VirtualAir, peripheral: VirtualPeripheral, words: Path) -> None:
        self.air = air
        self.peripheral = peripheral
        self._words = words
        self._hosts = 0

    async def central(self) -> Device:
        self._hosts += 1
        device = await self.air.make_device(f"host {self._hosts}", f"C0:00:00:00:00:{self._hosts:02X}")
        delegate = PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT)
        device.pairing_config_factory = lambda _connection: PairingConfig(mitm=False, bonding=False, delegate=delegate)
        return device

    async def connect(self, central: Device | None = None, mtu: int | None = 247) -> Host:
        central = central or await self.central()
        connection = await central.connect(TOOL_ADDRESS, timeout=PATIENCE_S)
        peer = Peer(connection)
        if mtu is not None:
            await peer.request_mtu(mtu)
        await peer.discover_all()
        host = Host(connection, peer)
        await host.subscribe()
        return host

    async def cable(self) -> Cable:
        """Plug in. The tool was started with a cable and is on the air: it has said before where it listens."""
        host, port = self._words.read_text().splitlines()[0].removeprefix("listening on ").split(":")
        return Cable(*await asyncio.open_connection(host, int(port)))

    async def advertised(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait for an advertisement of the tool; return it."""
        central = await self.central()
        heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def on(advertisement: Any) -> None:
            ours = advertisement.address.to_string(False) == TOOL_ADDRESS
            if ours and not heard.done() and wanted(advertisement.data):
                heard.set_result(advertisement.data)

        central.on(Device.EVENT_ADVERTISEMENT, on)
        await central.start_scanning(filter_duplicates=False)
        async with asyncio.timeout(PATIENCE_S):
            return await heard


def in_use(data: Any) -> bool:
    """Whether an advertisement says that the tool is in use."""
    uuid, value = data.get(AdvertisingData.Type.SERVICE_DATA_128_BIT_UUID)
    assert uuid == UUID(SERVICE)
    return bool(value[0] & 1)


def player(interpreter: list[str], tmp_path: Path) -> Run:
    """Return `run(story, cable=False, **settings)` for a tool that this interpreter runs."""
    source = [str(ROOT / "firmware_micropython"), str(ROOT / "protocol")]
    environment = {**os.environ, "MICROPYPATH": ":".join([*source, ".frozen"]), "PYTHONPATH": os.pathsep.join(source)}

    @asynccontextmanager
    async def tool(cable: bool, settings: dict[str, Any]) -> AsyncIterator[tuple[Tool, asyncio.subprocess.Process]]:
        air = VirtualAir()
        peripheral = VirtualPeripheral(await air.make_device("tool", TOOL_ADDRESS))
        address = await peripheral.start()
        words = (tmp_path / "stderr").open("wb")
        process = await asyncio.create_subprocess_exec(
            *(*interpreter, "-m", "iastm_simulated", "--bluetooth", address, "--settings", "-", "--rows", "-"),
            *(("--listen", "127.0.0.1:0") if cable else ()),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
            env=environment,
        )
        words.close()
        assert process.stdin is not None
        rows = b"".join(struct.pack("<ii", i * 1000, i) for i in range(ENOUGH_ROWS))
        process.stdin.write(json.dumps(settings).encode() + b"\n" + rows)
        try:
            yield Tool(air, peripheral, tmp_path / "stderr"), process
            assert process.returncode is None, (tmp_path / "stderr").read_text()
        finally:
            await peripheral.close()
            # The radio is gone, and with it the tool.
            code = await asyncio.wait_for(process.wait(), PATIENCE_S)
            await air.close()
        said = [line for line in (tmp_path / "stderr").read_text().splitlines() if not line.startswith("listening on")]
        assert (code, said) == (0, ["running"])

    def play(story: Callable[[Tool], Awaitable[None]], cable: bool = False, **settings: Any) -> None:
        async def main() -> None:
            # As much as fits into the heap beside all that stands in for hardware.
            async with tool(cable, {"ring_depth": 2048, **settings}) as (made, process):
                played = asyncio.ensure_future(story(made))
                ended = asyncio.ensure_future(process.wait())
                await asyncio.wait({played, ended}, return_when=asyncio.FIRST_COMPLETED)
                ended.cancel()
                if played.done():
                    await played
                else:
                    # The tool has ended; its last words are told where it is left.
                    played.cancel()
                    await asyncio.wait({played})

        asyncio.run(main())

    return play
