"""The backend for bleak over bumble, asked through bleak's own classes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from iastm_host.transports.ble import COMMAND, QUERY, STREAM
from iastm_host.transports.scan import TOOL_SERVICE

ADDRESS = "F1:00:00:00:00:01"


def client(world: Any, address: str = ADDRESS, **wishes: Any) -> BleakClient:
    return BleakClient(address, backend=world.radio(wishes.pop("mtu", 247)).backend().client, **wishes)


def test_services_come_with_their_uuids_properties_and_the_size_of_a_write(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        async with client(world) as link:
            service = link.services.get_service(TOOL_SERVICE)
            assert service is not None
            found = {each.uuid: set(each.properties) for each in service.characteristics}
            assert found == {
                STREAM: {"notify"},
                QUERY: {"write", "write-without-response"},
                COMMAND: {"write"},
            }
            query = service.get_characteristic(QUERY)
            assert query is not None
            assert query.max_write_without_response_size == 244
            assert link.mtu_size == 247

    on_air(test)


def test_an_encrypted_characteristic_refuses_what_is_written_before_pairing(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        async with client(world) as link:
            with pytest.raises(BleakGATTProtocolError) as raised:
                await link.write_gatt_char(COMMAND, b"no", response=True)
            assert raised.value.code == BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION
            assert tool.commands == []
            await link.pair()
            await link.write_gatt_char(COMMAND, b"yes", response=True)
            assert tool.commands == [b"yes"]

    on_air(test)


def test_a_pairing_that_is_refused_is_an_error(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(pairs=False)
        async with client(world) as link:
            with pytest.raises(BleakError):
                await link.pair()
            assert not tool.connection.is_encrypted

    on_air(test)


def test_what_the_peer_refuses_comes_with_its_code(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        async with client(world) as link:
            query = link.services.get_characteristic(QUERY)
            assert query is not None
            # As after an update of the firmware that moved the handles.
            query.obj.handle = 0x7777
            with pytest.raises(BleakGATTProtocolError) as raised:
                await link.write_gatt_char(query, b"x", response=True)
            assert raised.value.code == BleakGATTProtocolErrorCode.INVALID_HANDLE

    on_air(test)


def test_writes_without_response_arrive_in_order_and_one_that_is_too_long_is_refused(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        async with client(world, mtu=23) as link:
            sent = [bytes([n]) * 20 for n in range(50)]
            for message in sent:
                await link.write_gatt_char(QUERY, message, response=False)
            with pytest.raises(BleakError):
                await link.write_gatt_char(QUERY, bytes(21), response=False)
            await tool.until_told(len(sent))
            assert tool.queries == sent

    on_air(test)


def test_notifications_end_when_the_subscription_does(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(echo=True)
        async with client(world) as link:
            got: list[bytes] = []
            await link.start_notify(STREAM, lambda _stream, value: got.append(bytes(value)))
            await link.write_gatt_char(QUERY, b"1", response=True)
            await link.write_gatt_char(QUERY, b"2", response=True)
            await link.stop_notify(STREAM)
            await link.write_gatt_char(QUERY, b"3", response=True)
            assert tool.queries == [b"1", b"2", b"3"]
            assert got == [b"1", b"2"]

    on_air(test)


def test_a_device_that_is_not_there_times_out_and_the_radio_still_connects_to_another(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        backend = world.radio().backend()
        with pytest.raises(TimeoutError):
            await BleakClient("F1:00:00:00:00:99", backend=backend.client, timeout=0.3).connect()
        async with BleakClient(ADDRESS, backend=backend.client, timeout=5) as link:
            assert link.is_connected

    on_air(test)


def test_what_is_no_address_is_not_found(on_air: Any) -> None:
    async def test(world: Any) -> None:
        with pytest.raises(BleakDeviceNotFoundError):
            await client(world, "IASTM-0001").connect()

    on_air(test)


def test_a_broken_link_calls_back_and_ends_what_waits_for_an_answer(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        gone = asyncio.Event()
        link = client(world, disconnected_callback=lambda _client: gone.set())
        await link.connect()
        tool.write_gate.clear()
        writing = asyncio.create_task(link.write_gatt_char(QUERY, b"x", response=True))
        await tool.asked.wait()
        world.air.cut(tool.device)
        with pytest.raises(BleakError):
            await writing
        await gone.wait()
        assert not link.is_connected
        with pytest.raises(BleakError):
            await link.write_gatt_char(QUERY, b"x", response=True)
        tool.write_gate.set()
        await link.disconnect()

    on_air(test)


def test_a_cancelled_write_stays_cancelled(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        async with client(world) as link:
            tool.write_gate.clear()
            writing = asyncio.create_task(link.write_gatt_char(QUERY, b"x", response=True))
            await tool.asked.wait()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            tool.write_gate.set()

    on_air(test)
