"""A simulated tool and the serial link to it, opened and closed together."""

from __future__ import annotations

import asyncio

from iastm_host.events import Chunk, Problem
from iastm_host.transports.base import ENDED, Clock, Transport, TransportError
from iastm_host.transports.serial import SerialTransport
from iastm_host.transports.simulator import SimulatedTool

_DYING_S = 1.0


class SimulatedTransport(Transport):
    """Starts the tool on `open`, ends it on `close`; between the two it is a serial transport."""

    mtu: int | None = None

    def __init__(self, tool: SimulatedTool, clock: Clock) -> None:
        self._tool = tool
        self._clock = clock
        self._link: SerialTransport | None = None

    async def open(self) -> None:
        """Start the tool and, once its firmware runs, open its port."""
        await start_and_wait(self._tool)
        link = SerialTransport(self._tool.port, self._clock)
        try:
            await link.open()
        except TransportError:
            await self._look_for_its_end()
            raise
        self._link = link

    async def read(self) -> Chunk:
        """Return what arrived; a tool that ended by itself is an error with its last words."""
        link = self._opened()
        try:
            chunk = await link.read()
        except TransportError:
            await self._look_for_its_end()
            raise
        if not chunk.data:
            raise_if_ended(self._tool, 0)
        return chunk

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Send `data` whole."""
        await self._opened().write(data, privileged=privileged)

    async def close(self) -> None:
        """Close the port and end the tool."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        await asyncio.to_thread(self._tool.stop)

    def _opened(self) -> SerialTransport:
        if self._link is None:
            raise not_running()
        return self._link

    async def _look_for_its_end(self) -> None:
        # A process that dies lets go of its link a moment before it has an exit code.
        await asyncio.to_thread(raise_if_ended, self._tool, _DYING_S)


async def start_and_wait(tool: SimulatedTool, bluetooth: str = "") -> None:
    """Start a tool and wait until its firmware runs; `bluetooth` is as of SimulatedTool.start.

    Raises Problem where it can't be started, TransportError, with its last words, where it ends at once. Cancelled, it
    leaves the tool to be stopped.
    """
    starting = asyncio.ensure_future(asyncio.to_thread(tool.start, bluetooth))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Its thread goes on: a `stop` must not come before its end.
        await asyncio.wait([starting])
        raise
    try:
        # Where this is cancelled, `stop` ends what its thread waits for.
        await asyncio.to_thread(tool.wait_until_running)
    except Problem:
        await asyncio.to_thread(raise_if_ended, tool, _DYING_S)
        raise


def not_running() -> TransportError:
    """Return the error of a simulated tool that was not started."""
    return TransportError(ENDED, "The simulated tool is not running.", "Start it again.")


def raise_if_ended(tool: SimulatedTool, patience_s: float) -> None:
    """Raise TransportError, with the tool's last words, where it ends by itself within `patience_s`."""
    code = tool.wait(patience_s)
    if code is not None:
        words = tool.last_words
        raise TransportError(
            ENDED,
            f"The simulated tool ended by itself (exit code {code}).{' It said: ' + words if words else ''}",
            "This is a fault of the firmware or its scenario: start again, and report what it said.",
        )
