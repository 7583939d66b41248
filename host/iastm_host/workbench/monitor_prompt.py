"""The way to MicroPython's prompt of a tool, and back to its firmware."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from iastm_host.transports.base import LOST, Clock, Transport, TransportError

# Ends the firmware, with the silence after it (SPEC.md, 2.2), and whatever else runs.
_ASK = b"\r\x03"
# The friendly prompt, where it was the one for programs; there it says who it is and shows itself again.
_FRIENDLY = b"\x02"
_SOFT_RESET = b"\x04"
_PROMPT = re.compile(rb">>> \Z")
_QUIET_US = 100_000
ASK_EVERY_US = 2_000_000
PATIENCE_US = 20_000_000
_LOOK_AGAIN_S = 0.25
_KEPT_BYTES = 256

Heard = Callable[[bytes], None]


async def ask_for_prompt(
    transport: Transport,
    clock: Clock,
    heard: Heard,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    given_up: Callable[[], bool] = lambda: False,
) -> bool:
    """Lead a tool to its prompt; return whether it shows one within 20 s. `heard` is given what it says on the way.

    `given_up` is asked from time to time whether nobody waits for it any more.

    A tool whose watchdog runs restarts into safe mode: its port goes away for a moment and is opened again, and it is
    asked once more. Raises TransportError where the port does not come back.
    """
    end_us = clock() + PATIENCE_US
    tail = b""
    asked_us: int | None = None
    while clock() < end_us and not given_up():
        try:
            now_us = clock()
            if asked_us is None or now_us - asked_us >= ASK_EVERY_US:
                asked_us = now_us
                tail = b""
                await transport.write(_ASK)
                tail += await _until_quiet(transport, clock, heard)
                await transport.write(_FRIENDLY)
            data = (await transport.read()).data
            heard(data)
        except TransportError as error:
            if error.reason != LOST:
                raise
            await _open_again(transport, lambda: clock() >= end_us or given_up(), sleep)
            asked_us = None
            continue
        tail = (tail + data)[-_KEPT_BYTES:]
        if not data and _PROMPT.search(tail):
            return True
    return False


async def start_again(transport: Transport, clock: Clock, heard: Heard) -> None:
    """End what runs at the prompt and let MicroPython start anew, and with it the tool. Raises TransportError."""
    await transport.write(_ASK)
    await _until_quiet(transport, clock, heard)
    await transport.write(_FRIENDLY)
    await _until_quiet(transport, clock, heard)
    await transport.write(_SOFT_RESET)


async def _until_quiet(transport: Transport, clock: Clock, heard: Heard) -> bytes:
    """Read until nothing comes for a tenth of a second, a second at most; return what came."""
    came = b""
    end_us = clock() + 10 * _QUIET_US
    while clock() < end_us:
        data = (await transport.read()).data
        heard(data)
        if not data:
            break
        came += data
    return came


async def _open_again(
    transport: Transport, too_late: Callable[[], bool], sleep: Callable[[float], Awaitable[object]]
) -> None:
    await transport.close()
    while True:
        await sleep(_LOOK_AGAIN_S)
        try:
            await transport.open()
            return
        except TransportError:
            if too_late():
                raise
