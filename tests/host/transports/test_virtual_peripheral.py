"""The unchanged firmware under a real MicroPython, its radio on virtual air, and a plain central that knows SPEC.md."""

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
from bumble.att import ATT_INSUFFICIENT_ENCRYPTION_ERROR, ATT_WRITE_NOT_PERMITTED_ERROR, ATT_Error
from bumble.core import UUID, AdvertisingData
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Connection, Device, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy
from bumble.pairing import PairingConfig, PairingDelegate

from iastm_host.transports.virtual_air import VirtualAir
from iastm_host.transports.virtual_peripheral import VirtualPeripheral, permissions_of
from iastm_protocol import kinds, messages
from iastm_protocol.fragments import FragmentDecoder, fragments
from iastm_protocol.frames import BareFrameWriter

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0
TOOL_ADDRESS = "F1:00:00:00:00:02"
SERVICE = "1a570001-6d1e-4c3b-9f0a-7c5e2b8d4f10"
STREAM = "1a570002-6d1e-4c3b-9f0a-7c5e2b8d4f10"
QUERY = "1a570003-6d1e-4c3b-9f0a-7c5e2b8d4f10"
COMMAND = "1a570004-6d1e-4c3b-9f0a-7c5e2b8d4f10"
ENOUGH_ROWS = 7000
ZERO = messages.set_zero_body(-700)


def cpython() -> list[str]:
    """What runs the firmware where there is no MicroPython; a warning of it is a failure that shows on stderr."""
    return [sys.executable, "-W", "error"]


@pytest.fixture(scope="session")
def interpreter() -> list[str]:
    """A real MicroPython, with the heap that the firmware and its stand-ins must fit into."""
    beside = str(Path(sys.executable).parent)
    found = os.environ.get("MICROPYTHON") or shutil.which("micropython", path=beside) or shutil.which("micropython")
    if found is None:
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            pytest.fail("no MicroPython: install the project's dependencies, or set $MICROPYTHON")
        return cpython()
    return [found, "-X", "heapsize=192k"]


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
        number = self._requests
        await self.send(kinds.COMMAND, messages.Command(number, command, body), by=by)
        await self.until(lambda: any(answer.request_id == number for answer in self.of(messages.Response)))
        return next(answer for answer in self.of(messages.Response) if answer.request_id == number)

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


def assert_gapless(samples: list[tuple[int, int]]) -> None:
    """Counts tell their index: nothing is missing, doubled or altered."""
    first = samples[0][0]
    assert samples == [(i, i) for i in range(first, first + len(samples))]


class Tool:
    """A simulated tool whose radio is on `air`."""

    def __init__(self, air: VirtualAir, peripheral: VirtualPeripheral) -> None:
        self.air = air
        self.peripheral = peripheral
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


Run = Callable[..., None]


@pytest.fixture
def run(interpreter: list[str], tmp_path: Path) -> Run:
    """Return `run(story, **settings)`: play `story(tool)` with a tool on the air."""
    return player(interpreter, tmp_path)


@pytest.fixture
def run_on_cpython(tmp_path: Path) -> Run:
    """As `run`, by CPython with the stand-ins for MicroPython."""
    return player(cpython(), tmp_path)


def player(interpreter: list[str], tmp_path: Path) -> Run:
    """Return `run(story, **settings)` for a tool that this interpreter runs."""
    source = [str(ROOT / "firmware_micropython"), str(ROOT / "protocol")]
    environment = {**os.environ, "MICROPYPATH": ":".join([*source, ".frozen"]), "PYTHONPATH": os.pathsep.join(source)}

    @asynccontextmanager
    async def tool(settings: dict[str, Any]) -> AsyncIterator[tuple[Tool, asyncio.subprocess.Process]]:
        air = VirtualAir()
        peripheral = VirtualPeripheral(await air.make_device("tool", TOOL_ADDRESS))
        address = await peripheral.start()
        words = (tmp_path / "stderr").open("wb")
        process = await asyncio.create_subprocess_exec(
            *(*interpreter, "-m", "iastm_simulated", "--bluetooth", address, "--settings", "-", "--rows", "-"),
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
            yield Tool(air, peripheral), process
            assert process.returncode is None, (tmp_path / "stderr").read_text()
        finally:
            await peripheral.close()
            # The radio is gone, and with it the tool.
            code = await asyncio.wait_for(process.wait(), PATIENCE_S)
            await air.close()
        assert (code, (tmp_path / "stderr").read_bytes()) == (0, b"")

    def play(story: Callable[[Tool], Awaitable[None]], **settings: Any) -> None:
        async def main() -> None:
            # As much as fits into the heap beside all that stands in for hardware.
            async with tool({"ring_depth": 2048, **settings}) as (made, process):
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


def test_the_services_are_those_of_the_specification(run: Run) -> None:
    async def story(tool: Tool) -> None:
        data = await tool.advertised(lambda data: not in_use(data))
        assert data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME) == "IASTM 4711"
        uuids = data.get(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS)
        assert uuids == [UUID(SERVICE)]
        battery = data.get(AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID)
        assert battery == (UUID.from_16_bits(0x180F), b"\x55")
        host = await tool.connect()
        properties = Characteristic.Properties
        found = {each.uuid: each.properties for service in host.peer.services for each in service.characteristics}
        assert found[UUID(STREAM)] == properties.NOTIFY
        assert found[UUID(QUERY)] == properties.WRITE | properties.WRITE_WITHOUT_RESPONSE
        assert found[UUID(COMMAND)] == properties.WRITE
        values = [await host.characteristic(uuid).read_value() for uuid in ("2A29", "2A24", "2A25", "2A26", "2A19")]
        assert values == [b"IASTM toolkit", b"simulated", b"SIM-4711", b"0.1.0", b"\x55"]

    run(story, serial_number="SIM-4711", battery_percent=85)


def test_a_stranger_finds_the_force_by_hand(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        force = host.characteristic("2C07")
        # Counts run up from 0, a millinewton each.
        await host.ask(kinds.START_STREAM)
        await host.until_samples(200)
        before_mn = host.samples()[0][1]
        # It is renewed every 250 ms.
        await host.until_samples(300)
        value_mn = struct.unpack("<i", await force.read_value())[0]
        await host.until_samples(400)
        assert before_mn < value_mn < host.samples()[-1][1]

    run(story, calibration={"id": "", "sha256": "00" * 32, "capacity_n": 9000.0, "coefficients": [0.0, 0.001]})


@pytest.mark.parametrize(("rate_hz", "count"), [(320, 1200), (1000, 4000)])
def test_samples_arrive_without_a_gap(run: Run, rate_hz: int, count: int) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        assert (await host.hello()).rate_mhz == rate_hz * 1000
        assert (await host.ask(kinds.START_STREAM)).error == kinds.OK
        await host.until_samples(count)
        assert_gapless(host.samples())
        assert host.decoder.damaged == 0
        batches = host.of(messages.ForceSamples)
        assert max(batch.span_us for batch in batches) < 40_000
        # At 320 per second a batch waits for more of its kind longer than it would on a cable.
        assert max(batch.sample_count for batch in batches) >= min(16, rate_hz // 30)
        faults = [status.faults for status in host.of(messages.Status)]
        assert not any(fault & kinds.FAULT_LINK_NARROW for fault in faults)
        assert not faults[-1] & kinds.FAULT_SAMPLES_MISSED

    run(story, rate_mhz=rate_hz * 1000)


def test_the_smallest_mtu_carries_everything_in_fragments_and_is_called_narrow(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect(mtu=None)
        assert host.connection.att_mtu == 23
        assert (await host.hello()).serial_number == "SIM-0001"
        assert (await host.ask(kinds.DESCRIBE)).error == kinds.OK
        assert host.of(messages.Calibration)
        await host.ask(kinds.START_STREAM)
        await host.until(lambda: any(s.faults & kinds.FAULT_LINK_NARROW for s in host.of(messages.Status)))
        await host.until_samples(300)
        assert_gapless(host.samples())
        assert (host.longest, host.decoder.damaged) == (20, 0)
        await host.ask(kinds.STOP_STREAM)
        # Nothing is too narrow for a tool that streams nothing; the next stream brings the event of that.
        await host.ask(kinds.START_STREAM)
        await host.until(
            lambda: any(
                (event.kind, event.value) == (kinds.EVENT_FAULT_CLEARED, kinds.FAULT_LINK_NARROW)
                for event in host.of(messages.ToolEvent)
            )
        )

    run(story)


def test_a_larger_mtu_in_mid_stream_ends_the_narrowness(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect(mtu=None)
        await host.hello()
        await host.ask(kinds.START_STREAM)
        await host.until(lambda: any(s.faults & kinds.FAULT_LINK_NARROW for s in host.of(messages.Status)))
        await host.peer.request_mtu(185)
        await host.until(lambda: not host.of(messages.Status)[-1].faults & kinds.FAULT_LINK_NARROW)
        assert 20 < host.longest <= 182
        assert_gapless(host.samples())

    run(story)


def test_a_radio_without_memory_costs_no_sample(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        for round_number in range(1, 6):
            tool.peripheral.refuse(50)
            await host.until_samples(round_number * 150)
        assert_gapless(host.samples())
        assert host.decoder.damaged == 0

    run(story)


def test_a_tool_under_cpython_does_all_of_this_too(run_on_cpython: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        tool.peripheral.refuse(50)
        await host.until_samples(300)
        await host.connection.pair()
        assert (await host.ask(kinds.SET_ZERO, ZERO, by=COMMAND)).error == kinds.OK
        assert_gapless(host.samples())

    run_on_cpython(story)


def test_no_memory_in_mid_frame_leaves_the_frame_whole(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect(mtu=None)
        await host.hello()
        await host.ask(kinds.START_STREAM)
        for round_number in range(1, 20):
            tool.peripheral.refuse(3)
            await host.until_samples(round_number * 30)
        assert_gapless(host.samples())
        assert host.decoder.damaged == 0

    run(story)


def test_notifications_that_are_sent_late_fill_the_queue_and_cost_no_sample(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        await host.until_samples(50)
        # A third of what it takes at this rate: the ring holds what the radio does not.
        tool.peripheral.delay_s = 0.1
        await asyncio.sleep(2)
        tool.peripheral.delay_s = 0.0
        await host.until_samples(1200)
        assert_gapless(host.samples())
        assert host.of(messages.Status)[-1].overrun_samples == 0

    run(story)


def test_what_is_under_way_to_a_host_that_acknowledges_is_bounded(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        await host.until_samples(1)
        await host.send(kinds.ACK, messages.Ack(host.samples()[-1][0] + 1, 0))
        acknowledged = len(host.of(messages.ForceSamples))
        # 32 frames of 16 samples at 1,000 per second take half a second; a second later no more have come.
        await asyncio.sleep(1.5)
        await host.ping()
        # Frames that were on their way while the ACK was are not counted by the tool.
        assert 0 < len(host.of(messages.ForceSamples)) - acknowledged <= 36
        while len(host.samples()) < 3000:
            known = len(host.samples())
            await host.send(kinds.ACK, messages.Ack(host.samples()[-1][0] + 1, 0))
            await host.until_samples(known + 1)
        assert_gapless(host.samples())

    run(story, rate_mhz=1_000_000)


def test_state_changes_on_an_encrypted_link_only(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        refused = await host.ask(kinds.SET_ZERO, ZERO)
        assert refused.error == kinds.NOT_ALLOWED
        assert "encrypted" in refused.text
        with pytest.raises(ATT_Error) as denied:
            await host.send(kinds.COMMAND, messages.Command(900, kinds.SET_ZERO, ZERO), by=COMMAND)
        assert denied.value.error_code == ATT_INSUFFICIENT_ENCRYPTION_ERROR
        await host.ask(kinds.DESCRIBE)
        assert host.of(messages.Zero)[-1].counts == 0
        await host.connection.pair()
        assert host.connection.is_encrypted
        accepted = await host.ask(kinds.SET_ZERO, ZERO, by=COMMAND)
        assert accepted.error == kinds.OK
        assert host.of(messages.Zero)[-1].counts == -700
        # The open way stays closed for it on an encrypted link too.
        assert (await host.ask(kinds.SET_ZERO, messages.set_zero_body(5))).error == kinds.NOT_ALLOWED
        limits = messages.Limits("ble", 5000, 8000, 800, 520)
        assert (await host.ask(kinds.SET_LIMITS, limits.to_payload(), by=COMMAND)).error == kinds.OK
        assert host.of(messages.Limits)[-1] == limits
        assert_gapless(host.samples())

    run(story)


def test_nothing_is_written_where_only_notifications_or_reads_are_offered(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        for uuid in (STREAM, "2C07", "2A19"):
            with pytest.raises(ATT_Error) as denied:
                await host.characteristic(uuid).write_value(b"\x00", with_response=True)
            assert denied.value.error_code == ATT_WRITE_NOT_PERMITTED_ERROR
        await host.hello()

    run(story)


def test_a_second_host_finds_the_tool_in_use_and_does_not_disturb_the_first(run: Run) -> None:
    async def story(tool: Tool) -> None:
        first = await tool.connect()
        await first.hello()
        await first.ask(kinds.START_STREAM)
        assert in_use(await tool.advertised(in_use))
        second = await tool.central()
        with pytest.raises(BumbleTimeoutError):
            await second.connect(TOOL_ADDRESS, timeout=1.0)
        await first.until_samples(500)
        assert_gapless(first.samples())
        await first.connection.disconnect()
        await tool.advertised(lambda data: not in_use(data))
        host = await tool.connect(second)
        await host.hello(session=2)

    run(story)


def test_after_a_link_that_broke_the_tool_is_found_again_and_begins_anew(run: Run) -> None:
    async def story(tool: Tool) -> None:
        central = await tool.central()
        boots = set()
        last_index = -1
        for session in range(4):
            host = await tool.connect(central)
            boots.add((await host.hello(session=7)).boot_id)
            await host.ping()
            assert [type(m).__name__ for m in host.messages] == ["HelloAnswer", "Pong"], "no stream of the link before"
            await host.ask(kinds.START_STREAM)
            await host.until_samples(100)
            assert_gapless(host.samples())
            assert host.samples()[0][0] > last_index
            last_index = host.samples()[-1][0]
            if session % 2:
                await host.connection.disconnect()
            else:
                tool.air.cut(central)
            await asyncio.wait_for(host.disconnected.wait(), PATIENCE_S)
        assert len(boots) == 1

    run(story)


def test_a_host_that_sends_no_hello_is_dropped_and_one_that_does_is_kept(run: Run) -> None:
    async def story(tool: Tool) -> None:
        began_s = asyncio.get_running_loop().time()
        silent = await tool.connect()
        await silent.characteristic(QUERY).write_value(b"\x03not a hello", with_response=True)
        await asyncio.wait_for(silent.disconnected.wait(), PATIENCE_S)
        assert asyncio.get_running_loop().time() - began_s >= 4.9
        assert silent.messages == []
        strange = await tool.connect()
        assert (await strange.hello(major=9)).major == kinds.MAJOR
        await asyncio.wait_for(strange.disconnected.wait(), PATIENCE_S)
        kept = await tool.connect()
        await kept.hello()
        await asyncio.sleep(6)
        assert not kept.disconnected.is_set()

    run(story)


def test_damage_on_its_way_to_the_tool_is_counted_and_what_follows_is_heard(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.ask(kinds.START_STREAM)
        for message in (b"\x02without a beginning", b"\x03neither a frame", b"\xffnor ours", b"\x01without an end"):
            await host.characteristic(QUERY).write_value(message, with_response=True)
        await host.ask(kinds.DESCRIBE)
        await host.until(lambda: any(status.damaged_frames == 4 for status in host.of(messages.Status)))

    run(story)


@pytest.mark.parametrize(
    ("flag", "permission"),
    [
        (0x0200, Characteristic.Permissions.READ_REQUIRES_ENCRYPTION),
        (0x0400, Characteristic.Permissions.READ_REQUIRES_AUTHENTICATION),
        (0x0800, Characteristic.Permissions.READ_REQUIRES_AUTHORIZATION),
        (0x1000, Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION),
        (0x2000, Characteristic.Permissions.WRITE_REQUIRES_AUTHENTICATION),
        (0x4000, Characteristic.Permissions.WRITE_REQUIRES_AUTHORIZATION),
    ],
)
def test_every_demand_of_a_flag_reaches_the_radio(flag: int, permission: Characteristic.Permissions) -> None:
    both = Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE
    assert permissions_of(0x000A) == both
    assert permissions_of(0x000A | flag) == both | permission
    assert permissions_of(0x0010) == Characteristic.Permissions(0)
