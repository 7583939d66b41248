"""A Progressor over the air: a virtual one, real GATT, the transport and the dialect as they run."""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from bumble.core import AdvertisingData

from iastm_host.events import Event, ForceBlock, Gap, LinkChanged, StatusReport, ToolDescription, Unreadable
from iastm_host.tool import progressor, states
from iastm_host.tool.progressor import NEWTONS_PER_KG, Progressor
from iastm_host.transports import base
from iastm_host.transports.base import PROGRESSOR, TransportError
from iastm_host.transports.ble import BleTransport
from iastm_host.transports.scan import scan
from iastm_host.transports.virtual_progressor import ADDRESS, NAME, RATE_HZ, VirtualProgressor

WRAP = 1 << 32
PERIOD_US = 1_000_000 // RATE_HZ


def ramp() -> Iterable[float]:
    """Each sample tells its number, in grams, up to 10 kg."""
    return (n % 10_000 / 1000 for n in itertools.count())


class Host:
    """The dialect on a transport, as a run has it; `now_us` advances by the radio's time."""

    def __init__(self, link: BleTransport) -> None:
        self.link = link
        self.gauge = Progressor()
        self.events: list[Event] = []

    async def open(self) -> None:
        self.gauge.opening()
        await self.link.open()
        self.gauge.opened(self.link.mtu)

    async def turn(self) -> None:
        self.events += self.gauge.receive(await self.link.read())
        for data in self.gauge.to_send():
            await self.link.write(data)

    async def until(self, enough: Callable[[], bool]) -> None:
        while not enough():
            await self.turn()

    async def until_samples(self, count: int) -> None:
        await self.until(lambda: sum(len(block.force_n) for block in self.of(ForceBlock)) >= count)

    async def until_lost(self) -> None:
        with pytest.raises(TransportError) as raised:
            await self.until(lambda: False)
        assert raised.value.reason == base.LOST
        self.gauge.broken(raised.value.what)
        await self.link.close()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def switched_on(world: Any, **behaviour: Any) -> VirtualProgressor:
    device = await world.air.make_device("gauge", ADDRESS)
    gauge = VirtualProgressor(device, iter(ramp()), **behaviour)
    await gauge.start()
    return gauge


def real_time(world: Any) -> None:
    """Let the host's clock run with the loop's, as the gauge's does."""
    loop = asyncio.get_running_loop()
    world.clock = lambda: round(loop.time() * 1e6)


def assert_as_weighed(gauge: VirtualProgressor, blocks: list[ForceBlock]) -> None:
    """Each sample told is one that was weighed, with its value and its time."""
    weighed = {time_us: kg for kg, time_us in gauge.weighed}
    for block in blocks:
        for i, force_n in enumerate(block.force_n.tolist()):
            assert force_n == weighed[(block.tool_us + i * PERIOD_US) % WRAP] * NEWTONS_PER_KG


def test_a_scan_lists_it_with_its_kind_beside_tools(on_air: Any) -> None:
    async def test(world: Any) -> None:
        await world.tool("IASTM-0001")
        await switched_on(world)
        tools = await scan(0.5, world.radio().backend())
        assert sorted((tool.name, tool.dialect, tool.in_use) for tool in tools) == [
            ("IASTM-0001", "iastm", False),
            (NAME, "progressor", False),
        ]

    on_air(test)


@pytest.mark.parametrize(("wanted", "batch", "mtu"), [(NAME, 1, 23), (ADDRESS, 2, 23), (NAME, 16, 247)])
def test_it_is_found_by_name_or_address_and_its_samples_come_as_weighed(
    on_air: Any, wanted: str, batch: int, mtu: int
) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world, batch=batch)
        host = Host(world.link(wanted, mtu=mtu))
        await host.open()
        assert host.link.dialect == PROGRESSOR
        await host.until_samples(120)
        assert host.gauge.state == states.STREAMING
        assert gauge.commands == [0x6B, 0x6F, 0x65]
        assert host.gauge.battery_mv == 4012
        (tool,) = host.of(ToolDescription)
        assert tool.firmware_version == "1.2.3.4"
        assert tool.rate_hz == pytest.approx(RATE_HZ)
        blocks = host.of(ForceBlock)
        assert_as_weighed(gauge, blocks)
        assert not host.of(Gap)
        told = np.concatenate([block.force_n for block in blocks])
        assert np.allclose(told, np.arange(len(told)) / 1000 * NEWTONS_PER_KG, atol=1e-5)
        host.gauge.stop_stream()
        for data in host.gauge.to_send():
            # There is no encrypted way: what is privileged goes the one way there is.
            await host.link.write(data, privileged=True)
        await host.until(lambda: 0x66 in gauge.commands)
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_its_clock_wraps_over_the_air_without_a_gap(on_air: Any) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world, clock_start_us=WRAP - 500_003)
        host = Host(world.link(NAME))
        await host.open()
        await host.until(lambda: any(block.tool_us > WRAP for block in host.of(ForceBlock)))
        assert not host.of(Gap)
        assert_as_weighed(gauge, host.of(ForceBlock))
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_after_a_lost_link_what_it_weighed_meanwhile_is_a_gap(on_air: Any) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world, goes_on=True, batch=4)
        host = Host(world.link(NAME))
        await host.open()
        await host.until_samples(40)
        world.air.cut(gauge._device)
        await host.until_lost()
        await gauge.until_weighed(len(gauge.weighed) + 20)
        await host.open()
        await host.until_samples(120)
        blocks = host.of(ForceBlock)
        assert {block.boot_id for block in blocks} == {1}
        assert_as_weighed(gauge, blocks)
        lost = sum(gap.sample_count for gap in host.of(Gap))
        assert lost >= 20
        assert blocks[-1].next_index == lost + sum(len(block.force_n) for block in blocks)
        # Indices count what it weighed, there and lost alike.
        assert gauge.weighed[blocks[-1].first_index][1] == blocks[-1].tool_us
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_after_a_lost_link_one_that_began_anew_is_started_again_and_said_to_have(on_air: Any) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world)
        host = Host(world.link(NAME))
        await host.open()
        await host.until_samples(40)
        world.air.cut(gauge._device)
        await host.until_lost()
        await host.open()
        await host.until(lambda: any(block.boot_id == 2 for block in host.of(ForceBlock)))
        assert gauge.commands == [0x6B, 0x6F, 0x65] * 2
        assert [tool.boot_id for tool in host.of(ToolDescription)][-1] == 2
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_odd_answers_are_told_and_the_stream_goes_on_whole(on_air: Any) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world, mute={0x6F}, batch=4)
        host = Host(world.link(NAME))
        await host.open()
        await host.until_samples(20)
        assert host.gauge.battery_mv is None
        await gauge.say(99, b"what is this")
        await gauge.say(0, b"nobody asked")
        await gauge.notify(b"\x01\x10\x00")
        await gauge.say(1, struct.pack("<fI", float("nan"), 0))
        await gauge.say(4)
        await host.until(lambda: bool(host.of(StatusReport)))
        await host.until_samples(100)
        assert host.of(StatusReport)[-1].faults == (progressor.LOW_BATTERY,)
        assert len(host.of(Unreadable)) == 2
        assert host.gauge.unknown_tags == 1
        assert not host.of(Gap)
        assert_as_weighed(gauge, host.of(ForceBlock))
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_one_that_weighs_and_says_nothing_is_silent_until_it_speaks_again(on_air: Any) -> None:
    async def test(world: Any) -> None:
        real_time(world)
        gauge = await switched_on(world, goes_on=True, batch=4)
        host = Host(world.link(NAME))
        await host.open()
        await host.until_samples(20)
        gauge.stalled = True
        await host.until(lambda: any(event.state == states.SILENT for event in host.of(LinkChanged)))
        gauge.stalled = False
        await host.until(lambda: host.gauge.state == states.STREAMING)
        (gap,) = host.of(Gap)
        assert gap.sample_count > RATE_HZ
        blocks = host.of(ForceBlock)
        assert gauge.weighed[blocks[-1].first_index][1] == blocks[-1].tool_us
        await host.link.close()
        await gauge.close()

    on_air(test)


def test_what_has_its_name_and_not_its_service_is_no_gauge(on_air: Any) -> None:
    async def test(world: Any) -> None:
        device = await world.air.make_device("other", ADDRESS)
        name = bytes(AdvertisingData([(AdvertisingData.Type.COMPLETE_LOCAL_NAME, b"Progressor_9")]))
        await device.start_advertising(advertising_data=name, advertising_interval_min=20, advertising_interval_max=20)
        link = world.link("Progressor_9")
        with pytest.raises(TransportError) as raised:
            await link.open()
        assert raised.value.reason == base.NOT_A_TOOL
        await link.close()

    on_air(test)
