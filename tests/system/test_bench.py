"""The bench under the firmware as it runs: what hands do shows in samples soon, and no sample is missing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from iastm_host.bench.bench import Bench
from iastm_host.bench.gauge import ReferenceGauge
from iastm_host.bench.truth import draw
from iastm_host.events import ForceBlock, ToolDescription
from iastm_host.scenarios import pack_rows
from iastm_host.tool.client import ToolClient
from iastm_host.tool.progressor import NEWTONS_PER_KG, Progressor
from iastm_host.transports.base import Transport
from iastm_host.transports.ble import BleTransport
from iastm_host.transports.bleak_bumble import Radio
from iastm_host.transports.runtime import find_runtime
from iastm_host.transports.simulated import SimulatedTransport
from iastm_host.transports.simulated_ble import SimulatedBleTransport
from iastm_host.transports.simulator import Pace, SimulatedTool
from iastm_host.transports.virtual_progressor import ADDRESS, ProgressorOnAir
from iastm_host.transports.virtual_progressor import RATE_HZ as PROGRESSOR_RATE_HZ

pytestmark = pytest.mark.skipif(os.name != "posix", reason="simulated tools are run here as on Linux")

RATE_HZ = 320
_PATIENCE_S = 60.0


def clock_us() -> int:
    return time.monotonic_ns() // 1000


def tool_on(source: Bench | ReferenceGauge, *, on_pty: bool = True) -> SimulatedTool:
    """Return a tool that plays a bench or a gauge, with what it believes of its cell."""
    return SimulatedTool(
        find_runtime(os.environ),
        lambda n: pack_rows(*source.next_rows(n)),
        {
            "rate_mhz": RATE_HZ * 1000,
            "zero_counts": source.cell.zero_counts,
            "calibration": {
                "id": source.cell.calibration_id,
                "sha256": source.cell.sha256,
                "capacity_n": source.cell.capacity_n,
                "coefficients": list(source.cell.coefficients),
            },
        },
        pace=Pace(RATE_HZ, clock_us),
        on_pty=on_pty,
    )


class Host:
    """One tool, and all samples it told, in the order of their indices."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.said: ToolDescription | None = None
        self.first_index: int | None = None
        self.force_n: list[float] = []
        self.counts: list[int] = []
        self._client = ToolClient("test 1")

    @property
    def next_index(self) -> int:
        assert self.first_index is not None
        return self.first_index + len(self.counts)

    async def open(self) -> None:
        await self.transport.open()
        self._client.opening()
        self._client.opened(self.transport.mtu)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not enough():
                for event in self._client.receive(await self.transport.read()):
                    if isinstance(event, ToolDescription):
                        self.said = event
                    if isinstance(event, ForceBlock) and event.raw_counts is not None:
                        if self.first_index is None:
                            self.first_index = event.first_index
                        assert event.first_index == self.next_index, "a sample is missing"
                        self.force_n += event.force_n.tolist()
                        self.counts += event.raw_counts.tolist()
                for data in self._client.to_send():
                    await self.transport.write(data)


LINKS: dict[str, Callable[[Bench], Transport]] = {
    "pty": lambda bench: SimulatedTransport(tool_on(bench), clock_us),
    "socket": lambda bench: SimulatedTransport(tool_on(bench, on_pty=False), clock_us),
    "ble": lambda bench: SimulatedBleTransport(tool_on(bench), clock_us),
}


@pytest.mark.parametrize("link", LINKS)
def test_a_load_that_is_hung_shows_within_a_second_and_no_sample_is_missing(link: str) -> None:
    bench = Bench(draw(3), 3, RATE_HZ, patience_s=1.0)
    host = Host(LINKS[link](bench))

    async def see(mass_kg: float) -> None:
        seen = len(host.counts)
        before_n, at_end_n = host.force_n[-1], bench.truth.pull_n(mass_kg)
        bench.hang(mass_kg)
        halfway_n = (before_n + at_end_n) / 2
        await host.until(lambda: (host.force_n[-1] > halfway_n) == (at_end_n > before_n))
        assert len(host.counts) - seen < RATE_HZ
        await host.until(lambda: len(host.counts) - seen > RATE_HZ)

    async def run() -> None:
        await host.open()
        try:
            await host.until(lambda: len(host.counts) >= RATE_HZ)
            for mass_kg in (0.5, 0.0):
                await see(mass_kg)
        finally:
            await host.transport.close()

    asyncio.run(run())
    assert host.said is not None
    assert host.said.runtime.startswith(find_runtime(os.environ).name)
    assert host.first_index is not None
    # What the tool told is what the bench handed out, row by row.
    again = Bench(draw(3), 3, RATE_HZ)
    assert host.counts[:RATE_HZ] == again.next_rows(host.first_index + RATE_HZ)[1].tolist()[host.first_index :]


def test_a_gauge_on_the_same_bench_sees_what_is_pressed_as_the_tool_does() -> None:
    bench = Bench(draw(4), 4, RATE_HZ, patience_s=1.0)
    gauge = ReferenceGauge(bench, 4, RATE_HZ, patience_s=1.0)
    tool, reference = (Host(SimulatedTransport(tool_on(source), clock_us)) for source in (bench, gauge))

    async def more(host: Host, seen: int) -> None:
        await host.until(lambda: len(host.counts) >= seen + 3 * RATE_HZ)

    async def run() -> None:
        await tool.open()
        try:
            await tool.until(lambda: len(tool.counts) >= RATE_HZ)
            await reference.open()
            await reference.until(lambda: len(reference.counts) >= RATE_HZ // 2)
            bench.press(8.0)
            pressed = [len(host.counts) for host in (tool, reference)]
            await asyncio.gather(*(more(host, seen) for host, seen in zip((tool, reference), pressed, strict=True)))
        finally:
            await tool.transport.close()
            await reference.transport.close()

    asyncio.run(run())
    assert np.mean(reference.force_n[-RATE_HZ:]) == pytest.approx(8.0, abs=0.05)
    # The tool believes its data sheet, and is off by percents.
    nominal_n = 8.0 * bench.truth.counts_per_n * bench.cell.coefficients[1]
    assert np.mean(tool.force_n[-RATE_HZ:]) == pytest.approx(nominal_n, abs=0.1)
    assert abs(nominal_n - 8.0) > 0.15


def test_a_progressor_on_the_bench_tells_what_is_pressed_within_a_second() -> None:
    bench = Bench(draw(5), 5, RATE_HZ, patience_s=1.0)
    gauge = ReferenceGauge(bench, 5, PROGRESSOR_RATE_HZ, patience_s=1.0)
    kilograms = (force_n / NEWTONS_PER_KG for force_n in gauge.newtons(4))
    force_n: list[float] = []

    async def run() -> None:
        on_air = ProgressorOnAir(kilograms)
        await on_air.start()
        radio = Radio(lambda: on_air.air.make_device("host", "C0:00:00:00:00:01"))
        link = BleTransport(ADDRESS, clock_us, radio.backend())
        dialect = Progressor()

        async def until(samples: int) -> None:
            async with asyncio.timeout(_PATIENCE_S):
                while len(force_n) < samples:
                    for event in dialect.receive(await link.read()):
                        if isinstance(event, ForceBlock):
                            force_n.extend(event.force_n.tolist())
                    for data in dialect.to_send():
                        await link.write(data)

        try:
            dialect.opening()
            await link.open()
            dialect.opened(link.mtu)
            await until(PROGRESSOR_RATE_HZ)
            bench.press(6.0)
            pressed = len(force_n)
            await until(pressed + PROGRESSOR_RATE_HZ)
            assert max(force_n[pressed:]) > 3.0
            await until(pressed + 3 * PROGRESSOR_RATE_HZ)
        finally:
            await link.close()
            await on_air.stop()

    asyncio.run(run())
    assert max(np.abs(force_n[:PROGRESSOR_RATE_HZ])) < 0.02
    assert np.mean(force_n[-PROGRESSOR_RATE_HZ:]) == pytest.approx(6.0, abs=0.03)
