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


_THE_PROMPT_IS_ASKED_FOR = """
import sys
if sys.implementation.name == "cpython":
    from iastm_simulated.stand_ins import install
    install()
import asyncio
import gc
gc.threshold(4096)
from iastm_firmware import app
from iastm_firmware.kept import Kept
from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode
from iastm_simulated.adc import PlayedAdc
from iastm_simulated.board import SimulatedBoard, Ticks, read_settings, real_elapsed
from iastm_simulated.memory_store import MemoryStore
from iastm_simulated.rows import Rows

ordered = messages.Command(1, kinds.SET_ZERO, messages.set_zero_body(123))

class Port:
    said = bytes(encode(kinds.HELLO, 0, messages.Hello(kinds.MAJOR, kinds.MINOR, "test", 1).to_payload()))
    said += bytes(encode(kinds.COMMAND, 0, ordered.to_payload()))
    closed = False

    def read(self):
        said, self.said = self.said[:64], self.said[64:]
        return said

    def write(self, data):
        return len(data)

    def close(self):
        self.closed = True

async def ask_for_the_prompt():
    # Within the first second: orders are written each second.
    while port.said:
        await asyncio.sleep_ms(10)
    await asyncio.sleep_ms(100)
    raise KeyboardInterrupt

port = Port()
settings = read_settings(None)
ticks_us = Ticks(0, real_elapsed())
adc = PlayedAdc(Rows("/dev/null", 0), settings["rate_mhz"], ticks_us, None, {})
board = SimulatedBoard(settings, ticks_us, adc, port)
store = board.settings_storage = MemoryStore()
try:
    app.run(board, ask_for_the_prompt())
except KeyboardInterrupt:
    sys.stdout.buffer.write(("%s %s" % (Kept(store).zero_counts, port.closed)).encode())
"""


def test_what_was_ordered_right_before_the_prompt_is_asked_for_is_kept(simulated_tool: Any) -> None:
    done = subprocess.run(
        [*simulated_tool.interpreter, "-c", _THE_PROMPT_IS_ASKED_FOR],
        env=simulated_tool.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"123 True", b"")
