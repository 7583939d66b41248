"""A real adapter and the strongest real tool in range."""

from __future__ import annotations

import asyncio
import time

from iastm_host.transports.ble import BleTransport
from iastm_host.transports.borders import messages_in
from iastm_host.transports.scan import FoundTool, scan
from iastm_protocol import fragments, frames, kinds, messages

SCAN_S = 5.0
ANSWER_S = 5.0


def host_us() -> int:
    return time.monotonic_ns() // 1000


async def strongest() -> FoundTool:
    free = [tool for tool in await scan(SCAN_S) if not tool.in_use]
    assert free, f"no free tool was heard in {SCAN_S:g} s"
    return free[0]


def test_a_scan_hears_a_tool_with_a_name_and_a_signal() -> None:
    tool = asyncio.run(strongest())
    assert tool.name
    assert -127 <= tool.rssi_dbm < 20


def test_a_tool_answers_a_hello_over_the_air_and_can_be_connected_to_again() -> None:
    async def test() -> None:
        tool = await strongest()
        for _ in range(2):
            link = BleTransport(tool.address, host_us)
            await link.open()
            hello = messages.Hello(kinds.MAJOR, kinds.MINOR, "hardware test", 1)
            raw = frames.BareFrameWriter(kinds.MAX_LINK_PAYLOAD).frame(kinds.HELLO, 0, hello.to_payload())
            assert link.mtu is not None
            for piece in fragments.fragments(bytes(raw), link.mtu):
                await link.write(piece)
            decoder = fragments.FragmentDecoder(kinds.MAX_LINK_PAYLOAD)
            async with asyncio.timeout(ANSWER_S):
                while (answer := decoder.next_frame()) is None:
                    for message in messages_in((await link.read()).data):
                        decoder.feed(message)
            assert answer.kind == kinds.HELLO_ANSWER
            await link.close()

    asyncio.run(test())
