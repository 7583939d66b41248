"""The share of one core that 30 tools on real pseudo-terminals cost one asyncio loop."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass

from benchmarks.fake_tool import RATE_HZ
from benchmarks.pty_feeder import feeding
from benchmarks.results import Result
from benchmarks.thirty_tools import TOOLS, new_pipeline, one_hand
from iastm_host.app.pipeline import Pipeline
from iastm_host.events import ForceBlock, Gap
from iastm_host.tool import states
from iastm_host.transports.serial import SerialTransport

DURATION_S = 10.0
BASELINE_S = 5.0
PROMISED_SHARE = 0.20
_GREETING_TIMEOUT_S = 20.0
_READ_BYTES = 65_536


@dataclass
class _Seen:
    samples: int = 0
    gaps: int = 0


def run() -> list[Result]:
    """Read 30 tools for ten seconds through the serial transport, then only empty the same ports for five."""
    with feeding(TOOLS, "treatment") as feeder:
        share, seen = asyncio.run(_through_transports(feeder.ports))
        raw_share = asyncio.run(_emptied(feeder.ports))
    expected = TOOLS * RATE_HZ * DURATION_S
    whole = not seen.gaps and seen.samples >= 0.99 * expected
    return [
        Result(
            f"{TOOLS} tools on pseudo-terminals",
            100 * share,
            "% of a core",
            "os.read in the same loop, nothing decoded",
            100 * raw_share,
            None,
            f"≤ {100 * PROMISED_SHARE:g} % of a core, no gap",
            share <= PROMISED_SHARE and whole,
            f"CPU time of one asyncio loop over {DURATION_S:g} s of real time, another process writing; the baseline is"
            f" the least that any program pays for {TOOLS * 50} reads/s. {seen.samples} samples, {seen.gaps} gaps.",
        )
    ]


async def _through_transports(ports: list[str]) -> tuple[float, _Seen]:
    seen = _Seen()
    links = [(SerialTransport(port, _clock_us), new_pipeline(one_hand())) for port in ports]
    for transport, _ in links:
        await transport.open()
    streaming = [asyncio.Event() for _ in links]
    readers = [
        asyncio.create_task(_read(transport, pipeline, seen, event))
        for (transport, pipeline), event in zip(links, streaming, strict=True)
    ]
    try:
        async with asyncio.timeout(_GREETING_TIMEOUT_S):
            for event in streaming:
                await event.wait()
        seen.samples = seen.gaps = 0
        share = await _share_over(DURATION_S)
        counted = _Seen(seen.samples, seen.gaps)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        for transport, _ in links:
            await transport.close()
    return share, counted


async def _read(transport: SerialTransport, pipeline: Pipeline, seen: _Seen, streaming: asyncio.Event) -> None:
    while True:
        for event in pipeline.receive(await transport.read()):
            if isinstance(event, ForceBlock):
                seen.samples += len(event.force_n)
            elif isinstance(event, Gap):
                seen.gaps += 1
        for data in pipeline.client.to_send():
            await transport.write(data)
        if pipeline.client.state == states.STREAMING:
            streaming.set()


async def _emptied(ports: list[str]) -> float:
    loop = asyncio.get_running_loop()
    fds = [os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for port in ports]
    for fd in fds:
        loop.add_reader(fd, os.read, fd, _READ_BYTES)
    try:
        return await _share_over(BASELINE_S)
    finally:
        for fd in fds:
            loop.remove_reader(fd)
            os.close(fd)


async def _share_over(duration_s: float) -> float:
    begun_s, spent_s = time.monotonic(), time.process_time()
    await asyncio.sleep(duration_s)
    return (time.process_time() - spent_s) / (time.monotonic() - begun_s)


def _clock_us() -> int:
    return time.monotonic_ns() // 1000
