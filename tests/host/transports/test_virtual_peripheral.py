"""The unchanged firmware under a real MicroPython, its radio on virtual air, and a plain central that knows SPEC.md."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest
from bumble.att import ATT_INSUFFICIENT_ENCRYPTION_ERROR, ATT_WRITE_NOT_PERMITTED_ERROR, ATT_Error
from bumble.core import UUID, AdvertisingData
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.gatt import Characteristic
from tests.host.transports.virtual_tool import (
    COMMAND,
    PATIENCE_S,
    QUERY,
    SERVICE,
    STREAM,
    TOOL_ADDRESS,
    Run,
    Tool,
    assert_gapless,
    cpython,
    in_use,
    micropython,
    player,
)

from iastm_host.transports.virtual_peripheral import permissions_of
from iastm_protocol import kinds, messages

KEY = bytes(range(32))
ZERO = messages.set_zero_body(-700)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return `run(story, **settings)`: play `story(tool)` with a tool on the air."""
    return player(micropython(), tmp_path)


@pytest.fixture
def run_on_cpython(tmp_path: Path) -> Run:
    """As `run`, by CPython with the stand-ins for MicroPython."""
    return player(cpython(), tmp_path)


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
        assert (await host.give(host.signed(KEY, kinds.SET_ZERO, ZERO))).error == kinds.OK
        assert_gapless(host.samples())

    run_on_cpython(story, key=KEY.hex())


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
        refused = await host.give(host.signed(KEY, kinds.SET_ZERO, ZERO), by=QUERY)
        assert refused.error == kinds.NOT_ALLOWED
        assert "encrypted" in refused.text
        with pytest.raises(ATT_Error) as denied:
            await host.send(kinds.SIGNED_COMMAND, host.signed(KEY, kinds.SET_ZERO, ZERO), by=COMMAND)
        assert denied.value.error_code == ATT_INSUFFICIENT_ENCRYPTION_ERROR
        await host.ask(kinds.DESCRIBE)
        assert host.of(messages.Zero)[-1].counts == 0
        await host.connection.pair()
        assert host.connection.is_encrypted
        accepted = await host.give(host.signed(KEY, kinds.SET_ZERO, ZERO))
        assert accepted.error == kinds.OK
        assert host.of(messages.Zero)[-1].counts == -700
        # The open way stays closed for it on an encrypted link too.
        signed = host.signed(KEY, kinds.SET_ZERO, messages.set_zero_body(5))
        assert (await host.give(signed, by=QUERY)).error == kinds.NOT_ALLOWED
        limits = messages.Limits("ble", 5000, 8000, 800, 520)
        assert (await host.give(host.signed(KEY, kinds.SET_LIMITS, limits.to_payload()))).error == kinds.OK
        assert host.of(messages.Limits)[-1] == limits
        assert_gapless(host.samples())

    run(story, key=KEY.hex())


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
