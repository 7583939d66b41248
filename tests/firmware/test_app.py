from __future__ import annotations

import subprocess
from typing import Any

_A_TASK_THAT_NOBODY_AWAITS_FAILS = """
import sys
if sys.implementation.name == "cpython":
    from iastm_simulated.stand_ins import install
    install()
import asyncio
import gc
# As the simulated tool does: what the compiler leaves must not scatter what stays.
gc.threshold(4096)
from iastm_firmware import app
from iastm_firmware.stream import ByteStream
from iastm_simulated.adc import PlayedAdc
from iastm_simulated.board import SimulatedBoard, Ticks, read_settings, real_elapsed
from iastm_simulated.rows import Rows

async def driver():
    raise OSError("the driver fell over")

async def starts_it():
    asyncio.create_task(driver())

settings = read_settings(None)
ticks_us = Ticks(0, real_elapsed())
adc = PlayedAdc(Rows("/dev/null", 0), settings["rate_mhz"], ticks_us, None, {})
stream = ByteStream(sys.stdin.buffer, sys.stdout.buffer)
app.run(SimulatedBoard(settings, ticks_us, adc, stream), starts_it())
"""


def test_a_task_that_nobody_awaits_can_not_fail_in_silence_or_into_the_stream(simulated_tool: Any) -> None:
    done = subprocess.run(
        [*simulated_tool.interpreter, "-c", _A_TASK_THAT_NOBODY_AWAITS_FAILS],
        env={**simulated_tool.environment, "PYTHONWARNINGS": "default"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b"the driver fell over" in done.stderr
    assert done.stdout == b""
