"""The air shared by two programs, and what bumble's controllers leave out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from iastm_host.transports import base
from iastm_host.transports.base import TransportError
from iastm_host.transports.ble import BleTransport, Patience
from iastm_host.transports.bleak_bumble import Radio
from iastm_host.transports.scan import scan
from iastm_host.transports.virtual_air import join, leave

QUICK = Patience(find_s=5.0, settle_s=0.2, connect_s=5.0)
# A host as another program is: it joins, talks to the tool both ways, pairs, and says what it saw.
OTHER_PROGRAM = """
import asyncio, sys
from iastm_host.transports.ble import BleTransport, Patience
from iastm_host.transports.bleak_bumble import Radio
from iastm_host.transports.borders import messages_in
from iastm_host.transports.virtual_air import join, leave

async def main():
    radio = Radio(lambda: join(sys.argv[1], "host"), leave)
    link = BleTransport("IASTM-0001", lambda: 0, radio.backend(), Patience(settle_s=0.2))
    await link.open()
    await link.write(b"hello", privileged=True)
    got = []
    while len(got) < 300:
        got += messages_in((await link.read()).data)
    assert got == [n.to_bytes(2, "little") + bytes(206) for n in range(300)], got[:3]
    print(link.mtu, flush=True)
    if len(sys.argv) > 2:
        await asyncio.sleep(60)
    await link.close()

asyncio.run(main())
"""


async def other_program(port: int, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROGRAM, f"127.0.0.1:{port}", *more, stdout=subprocess.PIPE
    )


async def stream_to(tool: Any) -> None:
    await tool.until_told(1)
    for n in range(300):
        await tool.notify(n.to_bytes(2, "little") + bytes(206))


def test_another_program_joins_the_air_and_talks_to_a_tool_of_this_one(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        host = await other_program(await world.air.serve())
        await stream_to(tool)
        said, _ = await host.communicate()
        assert host.returncode == 0
        assert said == b"244\n"
        assert tool.commands == [b"hello"]

    on_air(test)


def test_a_program_that_is_killed_is_off_the_air_and_its_tool_is_told(on_air: Any) -> None:
    async def test(world: Any) -> None:
        tool = await world.tool()
        host = await other_program(await world.air.serve(), "stay")
        await stream_to(tool)
        assert host.stdout is not None
        await host.stdout.readline()
        gone = asyncio.get_running_loop().create_future()
        tool.connection.on("disconnection", gone.set_result)
        host.kill()
        await host.wait()
        await gone

    on_air(test)


def test_when_the_program_with_the_air_ends_the_link_is_lost(on_air: Any, end_of_link: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        port = await world.air.serve()
        radio = Radio(lambda: join(f"127.0.0.1:{port}", "host"), leave)
        link = BleTransport("IASTM-0001", world.clock, radio.backend(), QUICK)
        await link.open()
        await world.air.close()
        assert (await end_of_link(link)).reason == base.LOST
        await link.close()

    on_air(test)


def test_a_host_joins_again_when_the_air_is_back(on_air: Any, end_of_link: Any, next_messages: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool()
        port = await world.air.serve()
        radio = Radio(lambda: join(f"127.0.0.1:{port}", "host"), leave)
        link = BleTransport("IASTM-0001", world.clock, radio.backend(), QUICK)
        await link.open()
        await world.air.close()
        assert (await end_of_link(link)).reason == base.LOST
        await link.close()
        with pytest.raises(TransportError) as raised:
            await link.open()
        assert raised.value.reason == base.NO_ADAPTER
        tool = await world.tool(number=1)
        assert await world.air.serve(port) == port
        await link.open()
        await tool.notify(b"back")
        assert await next_messages(link, 1) == [b"back"]
        await link.close()

    on_air(test)


def test_where_no_air_is_served_there_is_no_adapter() -> None:
    async def test() -> TransportError:
        radio = Radio(lambda: join("127.0.0.1:9", "host"), leave)
        with pytest.raises(TransportError) as raised:
            await scan(0.1, radio.backend())
        return raised.value

    error = asyncio.run(test())
    assert error.reason == base.NO_ADAPTER
    assert "127.0.0.1:9" in error.what
    assert "iastm simulate" in error.fix


def test_a_radio_that_goes_while_it_is_joined_is_no_adapter() -> None:
    async def test() -> TransportError:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            where = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(TransportError) as raised:
                await scan(0.1, Radio(lambda: join(where, "host"), leave).backend())
        return raised.value

    assert asyncio.run(test()).reason == base.NO_ADAPTER


def test_a_guest_that_sends_rubbish_harms_nobody(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool(echo=True)
        port = await world.air.serve()
        _, rubbish = await asyncio.open_connection("127.0.0.1", port)
        rubbish.write(b"GET / HTTP/1.1\r\n\r\n")
        await rubbish.drain()
        radio = Radio(lambda: join(f"127.0.0.1:{port}", "host"), leave)
        link = BleTransport("IASTM-0001", world.clock, radio.backend(), QUICK)
        await link.open()
        await link.write(b"x")
        while not (await link.read()).data:
            pass
        await link.close()
        rubbish.close()

    on_air(test)
