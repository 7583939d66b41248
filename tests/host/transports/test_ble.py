"""The transport over a virtual air: real ATT, GATT and pairing between two bumble hosts."""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import pytest

from iastm_host.events import Problem
from iastm_host.transports import base
from iastm_host.transports.base import TransportError
from iastm_host.transports.ble import BleTransport, Patience


async def refused(transport: BleTransport) -> TransportError:
    with pytest.raises(TransportError) as raised:
        await transport.open()
    await transport.close()
    error = raised.value
    assert isinstance(error, Problem)
    assert error.fix
    return error


@pytest.mark.parametrize(("mtu", "longest"), [(23, 20), (100, 97), (247, 244)])
def test_messages_of_the_longest_size_pass_both_ways_whole(
    on_air: Any, next_messages: Any, mtu: int, longest: int
) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(echo=True)
        link = world.link("IASTM-0001", mtu=mtu)
        await link.open()
        assert link.mtu == longest
        sent = [random.Random(n).randbytes(longest - n % 2) for n in range(20)]
        for message in sent:
            await link.write(message)
        assert await next_messages(link, len(sent)) == sent
        assert tool.queries == sent
        assert tool.commands == []
        await link.close()

    on_air(test)


def test_the_smaller_of_the_two_mtus_holds(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool(mtu=60)
        link = world.link("IASTM-0001", mtu=247)
        await link.open()
        assert link.mtu == 57
        await link.close()

    on_air(test)


def test_a_message_that_does_not_fit_is_refused_before_it_is_sent(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001", mtu=23)
        await link.open()
        with pytest.raises(ValueError, match="21 bytes"):
            await link.write(bytes(21))
        await link.write(b"fits")
        await tool.until_told(1)
        assert tool.queries == [b"fits"]
        await link.close()

    on_air(test)


def test_a_hundred_notifications_a_second_come_all_in_order_and_stamped(
    on_air: Any, next_messages: Any, size: Any
) -> None:
    seconds = size(2, 60)

    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        sent = [n.to_bytes(4, "little") + bytes(204) for n in range(100 * seconds)]

        async def stream() -> None:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            for n, message in enumerate(sent):
                await asyncio.sleep(began_s + n / 100 - loop.time())
                await tool.notify(message)

        streaming = asyncio.create_task(stream())
        async with asyncio.timeout(seconds + 20):
            assert await next_messages(link, len(sent)) == sent
        await streaming
        await link.close()

    on_air(test, seconds + 30)


def test_silence_is_an_empty_chunk_after_a_tenth_of_a_second(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        chunk = await link.read()
        assert chunk.data == b""
        assert chunk.host_us == world.now_us
        assert 0.09 <= loop.time() - began_s < 5
        await link.close()

    on_air(test)


def test_a_tool_is_found_by_its_address_in_any_case(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0001")
        second = await world.tool("IASTM-0002")
        link = world.link("f1:00:00:00:00:02")
        await link.open()
        await link.write(b"hello")
        await second.until_told(1)
        await link.close()

    on_air(test)


def test_a_lost_link_is_an_error_after_what_came_before_it(on_air: Any, end_of_link: Any, next_messages: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        await tool.notify(b"last words")
        assert await next_messages(link, 1) == [b"last words"]
        world.air.cut(tool.device)
        error = await end_of_link(link)
        assert error.reason == base.LOST
        assert "IASTM-0001" in error.what
        assert error.fix
        await link.close()

    on_air(test)


def test_a_tool_that_is_switched_off_is_lost_and_can_be_opened_when_it_is_back(
    on_air: Any, end_of_link: Any, next_messages: Any
) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        world.air.remove(tool.device)
        assert (await end_of_link(link)).reason == base.LOST
        await link.close()
        assert (await refused(link)).reason == base.NOT_FOUND
        await world.tool(echo=True, number=1)
        await link.open()
        await link.write(b"again")
        assert await next_messages(link, 1) == [b"again"]
        await link.close()

    on_air(test)


def test_a_tool_that_drops_its_host_is_lost(on_air: Any, end_of_link: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        await tool.connection.disconnect()
        assert (await end_of_link(link)).reason == base.LOST
        await link.close()

    on_air(test)


def test_a_tool_that_takes_nothing_is_an_error_and_what_it_says_still_comes(
    on_air: Any, end_of_link: Any, next_messages: Any
) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001", patience=Patience(find_s=2, settle_s=0.2, connect_s=5, write_s=0.5))
        await link.open()
        tool.write_gate.clear()
        await link.write(b"stuck")
        await tool.notify(b"alive")
        assert await next_messages(link, 1) == [b"alive"]
        error = await end_of_link(link)
        assert error.reason == base.NOT_READING
        assert error.what == "IASTM-0001 (F1:00:00:00:00:01) did not take what was sent to it for 0.5 s."
        tool.write_gate.set()
        await link.close()

    on_air(test)


def test_writing_to_a_closed_link_is_an_error_and_close_may_come_twice_and_before_open(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        link = world.link("IASTM-0001")
        await link.close()
        await link.open()
        await link.close()
        await link.close()
        with pytest.raises(TransportError) as raised:
            await link.write(b"x")
        assert raised.value.reason == base.LOST

    on_air(test)


def test_closing_lets_the_tool_go(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        gone = asyncio.get_running_loop().create_future()
        tool.connection.on("disconnection", gone.set_result)
        await link.close()
        await gone

    on_air(test)


# Commands


def test_a_privileged_message_is_refused_until_paired_then_goes_over_the_encrypted_way(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        await link.write(b"question")
        await tool.until_told(1)
        assert not tool.connection.is_encrypted
        await link.write(b"limits", privileged=True)
        await tool.until_told(2)
        assert tool.connection.is_encrypted
        assert (tool.queries, tool.commands) == ([b"question"], [b"limits"])
        await link.close()

    on_air(test)


@pytest.mark.parametrize("expected_log", [["IASTM-0001 .* did not pair"]])
def test_a_tool_that_does_not_pair_gets_no_command_and_is_watched_all_the_same(
    on_air: Any, next_messages: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(echo=True, pairs=False)
        link = world.link("IASTM-0001")
        await link.open()
        assert link.pairing_refused == ""
        for n in range(3):
            await link.write(b"limits", privileged=True)
            await link.write(bytes([n]))
        assert await next_messages(link, 3) == [b"\0", b"\1", b"\2"]
        while not link.pairing_refused:
            assert (await link.read()).data == b""
        assert "takes no limits" in link.pairing_refused
        assert "connect again" in link.pairing_refused
        await link.write(b"still there")
        assert await next_messages(link, 1) == [b"still there"]
        assert tool.commands == []
        assert len([record for record in caplog.records if "did not pair" in record.getMessage()]) == 1
        await link.close()

    on_air(test)


@pytest.mark.parametrize("expected_log", [["did not pair"]])
def test_a_link_that_is_opened_again_pairs_anew(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(pairs=False)
        link = world.link("IASTM-0001")
        await link.open()
        await link.write(b"limits", privileged=True)
        while not link.pairing_refused:
            await link.read()
        await link.close()
        tool.pairs(True)
        await tool.advertise()
        await link.open()
        assert link.pairing_refused == ""
        await link.write(b"limits", privileged=True)
        await tool.until_told(1)
        assert tool.commands == [b"limits"]
        assert link.pairing_refused == ""
        await link.close()

    on_air(test)


# A tool that comes back


def test_a_tool_that_comes_back_into_range_is_rediscovered_and_opened_at_once(on_air: Any, next_messages: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(echo=True)
        link = world.link("IASTM-0001", patience=Patience(find_s=0.2, settle_s=0.1, connect_s=5))
        await link.open()
        world.air.take_away(tool.device)
        await link.close()
        await tool.advertise()
        error = await refused(link)
        assert error.reason == base.NOT_FOUND
        assert "IASTM-0001" in error.what
        there = asyncio.create_task(link.rediscovered())
        # Longer than it takes to give up looking, a few times over.
        await asyncio.wait([there], timeout=0.7)
        assert not there.done()
        world.air.bring_back(tool.device)
        await there
        await link.open()
        await link.write(b"again")
        assert await next_messages(link, 1) == [b"again"]
        await link.close()

    on_air(test)


def test_another_tool_of_the_same_name_is_not_taken_for_the_one_that_went(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool("IASTM-0001")
        link = world.link("IASTM-0001", patience=Patience(find_s=0.5, settle_s=0.1, connect_s=5))
        await link.open()
        world.air.take_away(tool.device)
        await link.close()
        await world.tool("IASTM-0001")
        assert (await refused(link)).reason == base.NOT_FOUND

    on_air(test)


# Opening, given up


@pytest.mark.parametrize("wanted", ["IASTM-0001", "F1:00:00:00:00:01"])
def test_opening_can_be_given_up_at_any_moment_and_leaves_nothing_behind(on_air: Any, wanted: str, size: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool(echo=True)
        loop = asyncio.get_running_loop()
        link = world.link(wanted, patience=Patience(find_s=5, settle_s=0.05, connect_s=5))
        began_s = loop.time()
        await link.open()
        took_s = loop.time() - began_s
        await link.close()
        tries = size(15, 200)
        for n in range(tries):
            await tool.advertise()
            opening = asyncio.create_task(link.open())
            await asyncio.wait([opening], timeout=took_s * n / tries)
            began_s = loop.time()
            opening.cancel()
            await asyncio.wait([opening])
            assert loop.time() - began_s < 1.0
            # It may have been open a moment before.
            assert opening.cancelled() or opening.exception() is None
            if not opening.cancelled():
                await link.close()
            await tool.until_alone()
        await tool.advertise()
        await link.open()
        await link.write(b"x")
        await tool.until_told(1)
        await link.close()

    on_air(test, 120)


def test_what_was_written_last_is_sent_before_the_link_is_closed(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        for number in range(5):
            await link.write(bytes([number]))
        await link.close()
        assert tool.queries == [bytes([number]) for number in range(5)]

    on_air(test)


def test_a_tool_that_takes_nothing_does_not_hold_up_the_end_of_its_link(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        link = world.link("IASTM-0001")
        await link.open()
        tool.write_gate.clear()
        await link.write(b"stuck")
        await tool.asked.wait()
        began_s = asyncio.get_running_loop().time()
        await link.close()
        # The write itself would be waited for longer.
        assert asyncio.get_running_loop().time() - began_s < 4.0
        tool.write_gate.set()

    on_air(test)


def test_after_a_link_that_was_ended_on_purpose_the_next_one_waits_and_after_a_lost_one_it_does_not(
    on_air: Any, end_of_link: Any
) -> None:
    async def test(world: Any) -> None:
        loop = asyncio.get_running_loop()
        tool = await world.tool()
        link = world.link("IASTM-0001", patience=Patience(find_s=5, settle_s=0.05, connect_s=5, rest_s=3.0))
        await link.open()
        world.air.cut(tool.device)
        await end_of_link(link)
        await link.close()
        await tool.advertise()
        began_s = loop.time()
        await link.open()
        assert loop.time() - began_s < 2.5
        await link.close()
        closed_s = loop.time()
        await tool.until_alone()
        await tool.advertise()
        await link.open()
        assert loop.time() - closed_s >= 3.0
        await link.close()

    on_air(test)


def test_looking_for_a_tool_that_is_not_there_can_be_given_up(on_air: Any) -> None:
    async def test(world: Any) -> None:
        link = world.link("IASTM-0001", patience=Patience(find_s=60))
        opening = asyncio.create_task(link.open())
        # It listens by the time that something else is heard.
        await world.tool("IASTM-0002")
        await asyncio.wait([opening], timeout=0.3)
        began_s = asyncio.get_running_loop().time()
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        assert asyncio.get_running_loop().time() - began_s < 1.0
        await link.close()

    on_air(test)


# What can be wrong


def test_a_tool_that_is_not_there_is_not_found_and_those_that_are_get_named(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0007")
        error = await refused(world.link("IASTM-0001", patience=Patience(find_s=0.5)))
        assert error.reason == base.NOT_FOUND
        assert "IASTM-0001" in error.what
        assert "IASTM-0007 (F1:00:00:00:00:01)" in error.fix
        assert "misspelt" in error.fix

    on_air(test)


def test_where_no_tool_is_heard_at_all_its_name_is_not_doubted(on_air: Any) -> None:
    async def test(world: Any) -> None:
        error = await refused(world.link("IASTM-0001", patience=Patience(find_s=0.5)))
        assert error.reason == base.NOT_FOUND
        assert error.fix == "Switch the tool on, bring it nearer."

    on_air(test)


def test_two_tools_of_one_name_are_told_apart_by_their_addresses(on_air: Any) -> None:
    async def test(world: Any) -> None:
        first = await world.tool("IASTM-0001")
        await world.tool("IASTM-0001")
        error = await refused(world.link("IASTM-0001"))
        assert error.reason == base.AMBIGUOUS
        assert "F1:00:00:00:00:01" in error.fix
        assert "F1:00:00:00:00:02" in error.fix
        link = world.link("F1:00:00:00:00:01")
        await link.open()
        await link.write(b"x")
        await first.until_told(1)
        await link.close()

    on_air(test)


def test_a_tool_in_use_is_busy(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0001", in_use=True)
        error = await refused(world.link("IASTM-0001", patience=Patience(find_s=0.5)))
        assert error.reason == base.BUSY
        assert "IASTM-0001" in error.what

    on_air(test)


def test_a_device_that_advertises_as_a_tool_and_is_none_is_told_as_such(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0001", service="12345678-6d1e-4c3b-9f0a-7c5e2b8d4f10")
        assert (await refused(world.link("IASTM-0001"))).reason == base.NOT_A_TOOL

    on_air(test)


@pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is asked through D-Bus on Linux only")
def test_a_computer_without_bluetooth_has_no_adapter(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'no_bus'}")
    error = asyncio.run(refused(BleTransport("IASTM-0001", lambda: 0)))
    assert error.reason == base.NO_ADAPTER
    assert "--port" in error.fix
