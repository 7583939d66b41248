from __future__ import annotations

import subprocess
import time
from typing import Any

_TEN_HOURS = """
import asyncio, sys
from iastm_simulated.virtual_time import VirtualTime

order = []
wakes = 0

async def every_100_ms():
    global wakes
    while True:
        await asyncio.sleep_ms(100)
        wakes += 1

async def at(when_ms):
    await asyncio.sleep_ms(when_ms)
    order.append((when_ms, virtual.elapsed_us()))

async def main():
    asyncio.create_task(every_100_ms())
    for when_ms in (250, 7, 250, 3600000, 1):
        asyncio.create_task(at(when_ms))
    event = asyncio.Event()
    event.set()
    await event.wait()
    await asyncio.sleep_ms(10 * 3600 * 1000)

virtual = VirtualTime()
asyncio.run(main())
print(wakes, virtual.elapsed_us(), order)
"""


def test_ten_virtual_hours_pass_in_seconds_and_in_order(virtual_tool: Any) -> None:
    before_s = time.monotonic()
    done = subprocess.run(
        [*virtual_tool.interpreter, "-c", _TEN_HOURS],
        env=virtual_tool.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # Ten hours would be 36,000 s: this tells virtual from real time, and measures nothing.
    assert time.monotonic() - before_s < 60
    wakes, elapsed_us, order = done.stdout.split(" ", 2)
    assert int(wakes) in (359_999, 360_000)
    assert int(elapsed_us) == 36_000_000_000
    assert order.strip() == str([(ms, ms * 1000) for ms in (1, 7, 250, 250, 3_600_000)])


def test_a_task_that_waits_for_a_stream_is_an_error_and_no_hang(virtual_tool: Any) -> None:
    script = """
import asyncio
from iastm_simulated.virtual_time import VirtualTime
async def main():
    await asyncio.StreamReader(open("/dev/zero", "rb")).read(1)
VirtualTime()
asyncio.run(main())
"""
    done = subprocess.run(
        [*virtual_tool.interpreter, "-c", script],
        env=virtual_tool.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "no task is due" in done.stdout + done.stderr
