"""Waits for a board that restarted, greets the tool on it, and judges whether it is the firmware that was deployed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable

from iastm_host.events import StatusReport, ToolDescription
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.tool.words import CAN_NOT_KEEP
from iastm_host.transports.base import Clock, Transport, TransportError
from iastm_host.workbench.deploy import ANOTHER, RUNS, SILENT, Verdict

# Firmware on trial confirms itself once its loop ran for 5 s, and for 7 s where it is in contact all the time
# (iastm_firmware/releases.py). Its uptime begins up to two seconds before its loop.
CONFIRMED_S = 10
WITHIN_S = 60.0
_RETRY_S = 0.3
_OVER = (states.REFUSED, states.LOST, states.ENDED)


async def confirm_release(
    link: Callable[[], Transport],
    software: str,
    source_hash: str,
    clock: Clock,
    *,
    within_s: float = WITHIN_S,
    confirmed_s: int = CONFIRMED_S,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Verdict:
    """Return what came up on the board within `within_s` seconds; `link` is the way to it, made anew for each try,
    and raises TransportError while there is none.

    The release of `source_hash` has to stay up for `confirmed_s` seconds. Nothing on the tool is changed.
    """
    end_us = clock() + round(within_s * 1e6)
    seen = _Seen(source_hash, confirmed_s)
    session = secrets.randbits(32)
    while clock() < end_us:
        transport: Transport | None = None
        try:
            transport = link()
            await transport.open()
            verdict = await _watch(transport, ToolClient(software, session=session), seen, clock, end_us)
            if verdict is not None:
                return verdict
        except TransportError as error:
            seen.why = error.what
        finally:
            if transport is not None:
                await transport.close()
        await sleep(_RETRY_S)
    return seen.last(within_s)


async def _watch(transport: Transport, client: ToolClient, seen: _Seen, clock: Clock, end_us: int) -> Verdict | None:
    # Only a tool that streams tells how long it is up. Without limits it is asked for nothing else.
    client.opening()
    client.opened(transport.mtu)
    try:
        while clock() < end_us:
            for event in client.receive(await transport.read()):
                verdict = seen.take(event)
                if verdict is not None:
                    return verdict
            if client.state in _OVER:
                seen.why = client.reason or seen.why
                return None
            await _send(transport, client)
        return None
    finally:
        client.stop_stream()
        with contextlib.suppress(TransportError):
            await _send(transport, client)


async def _send(transport: Transport, client: ToolClient) -> None:
    for data in client.to_send():
        await transport.write(data)


class _Seen:
    """What the board said so far; `why` it could not be asked last."""

    def __init__(self, source_hash: str, confirmed_s: int) -> None:
        self.why = ""
        self._wanted = source_hash
        self._confirmed_s = confirmed_s
        self._tool: ToolDescription | None = None
        self._boots: set[int] = set()

    def take(self, event: object) -> Verdict | None:
        """Take an event of the client; return a verdict once there is one."""
        if isinstance(event, ToolDescription):
            self._tool = event
            self._boots.add(event.boot_id)
            if event.source_hash != self._wanted:
                return Verdict(ANOTHER, f"The tool runs other firmware, {event.firmware_version}.")
        elif isinstance(event, StatusReport) and self._tool is not None and event.uptime_s >= self._confirmed_s:
            return Verdict(RUNS, _joined(self._tool.trouble, event.faults))
        return None

    def last(self, within_s: float) -> Verdict:
        """Return the verdict where the time is up."""
        if self._tool is None:
            why = f": {self.why.rstrip('.')}." if self.why else "."
            return Verdict(SILENT, f"No tool answered within {within_s:g} s{why}")
        if len(self._boots) > 1:
            return Verdict(SILENT, f"It restarted {len(self._boots) - 1} times and did not stay up.")
        return Verdict(SILENT, f"It answered, but did not stay up for {self._confirmed_s} s.")


def _joined(trouble: str, faults: tuple[str, ...]) -> str:
    """Return what is wrong with the tool; one that can't write could not note that its firmware is to stay, either."""
    if CAN_NOT_KEEP not in faults:
        return trouble
    told = f"{CAN_NOT_KEEP}, nor that this firmware is to stay: it may go back to the one before; delete files there"
    return "; ".join(words for words in (trouble, told) if words)
