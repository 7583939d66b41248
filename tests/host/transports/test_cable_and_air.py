"""A tool at a desk, charging: a host at its cable and one on the air at once. Both get all, and one controls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.host.transports.virtual_tool import COMMAND, Cable, Host, Run, Tool, assert_gapless, micropython, player

from iastm_protocol import kinds, messages

KEY = bytes(range(32))
RATE_HZ = 320


def limits(warn_mn: int) -> bytes:
    payload: bytes = messages.Limits("test", warn_mn, 0, 800, 520).to_payload()
    return payload


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return player(micropython(), tmp_path)


async def on_air(tool: Tool) -> Host:
    """A host on the air that has the tool's key."""
    host = await tool.connect()
    await host.hello()
    await host.connection.pair()
    return host


async def set_by_air(host: Host, warn_mn: int) -> int:
    return int((await host.give(host.signed(KEY, kinds.SET_LIMITS, limits(warn_mn)), by=COMMAND)).error)


async def asked_by_cable(cable: Cable, command: int, body: bytes = b"") -> int:
    cable.ask(command, body)
    return int((await cable.until(messages.Response)).error)


async def cable_samples(cable: Cable, count: int) -> list[tuple[int, int]]:
    """Return the next samples that come by the cable, so many at least."""
    got: list[tuple[int, int]] = []
    while len(got) < count:
        batch = await cable.until(messages.ForceSamples)
        got += [(batch.first_index + i, counts) for i, counts in enumerate(batch.counts())]
    return got


def test_a_host_at_the_cable_and_one_on_the_air_both_get_every_sample(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await on_air(tool)
        cable = await tool.cable()
        await cable.hello()
        assert await asked_by_cable(cable, kinds.START_STREAM) == kinds.OK
        assert (await host.ask(kinds.START_STREAM)).error == kinds.OK
        seconds = 3
        by_cable, _ = await asyncio.gather(
            cable_samples(cable, seconds * RATE_HZ), host.until_samples(seconds * RATE_HZ)
        )
        assert_gapless(by_cable)
        assert_gapless(host.samples())
        both = {index for index, _ in by_cable} & {index for index, _ in host.samples()}
        assert len(both) > (seconds - 1) * RATE_HZ
        await cable.close()

    run(story, cable=True, key=KEY.hex())


def test_the_host_at_the_cable_controls_where_it_streamed_first_until_it_stops(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await on_air(tool)
        cable = await tool.cable()
        await cable.hello()
        assert await asked_by_cable(cable, kinds.START_STREAM) == kinds.OK
        await host.ask(kinds.START_STREAM)
        assert await set_by_air(host, 2000) == kinds.NOT_ALLOWED
        assert await asked_by_cable(cable, kinds.SET_LIMITS, limits(3000)) == kinds.OK
        await host.until(lambda: any(each.warn_mn == 3000 for each in host.of(messages.Limits)))
        assert await asked_by_cable(cable, kinds.STOP_STREAM) == kinds.OK
        assert await set_by_air(host, 2000) == kinds.OK
        # Now the one on the air holds control, and the one that comes back has to wait.
        assert await asked_by_cable(cable, kinds.START_STREAM) == kinds.OK
        assert await asked_by_cable(cable, kinds.SET_LIMITS, limits(4000)) == kinds.NOT_ALLOWED
        await host.until(lambda: bool(host.samples()))
        assert_gapless(host.samples())
        await cable.close()

    run(story, cable=True, key=KEY.hex())


def test_the_host_on_the_air_controls_where_it_came_first_until_it_goes(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await on_air(tool)
        cable = await tool.cable()
        assert await set_by_air(host, 2000) == kinds.OK
        await host.ask(kinds.START_STREAM)
        await cable.hello()
        assert await asked_by_cable(cable, kinds.START_STREAM) == kinds.OK
        assert await asked_by_cable(cable, kinds.SET_LIMITS, limits(3000)) == kinds.NOT_ALLOWED
        await cable_samples(cable, RATE_HZ)
        # Out of range, without a word.
        tool.air.cut(host.connection.device)
        await host.disconnected.wait()
        async with asyncio.timeout(30):
            while await asked_by_cable(cable, kinds.SET_LIMITS, limits(3000)) != kinds.OK:
                await cable_samples(cable, 1)
        await cable.close()

    run(story, cable=True, key=KEY.hex())
