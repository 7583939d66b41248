"""A tool's own log and counters, brought to this computer while a run goes on, behind all else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from iastm_host.events import Answer, Command, GetLog, ToolDescription
from iastm_host.records.tool_logs import Counters, ToolLogs

# Small pieces: an answer holds up what waits behind it on the link.
_PIECE_BYTES = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What is new since the tool was here last: power that went amid a stream, and entries of its log."""

    power_went: bool
    entries: int


async def keep_log(
    ask: Callable[[Command], Awaitable[Answer]], tool: ToolDescription, logs: ToolLogs, at: str
) -> Found | None:
    """Keep what is new of the tool in `logs`; return what that is, None where the tool did not give its log whole.

    Raises Problem where it can't be kept. The disk is waited for in another thread.
    """
    before = await asyncio.to_thread(logs.counters, tool.serial_number)
    text = b""
    total = tool.log_bytes if tool.keeps_log else 0
    while len(text) < total:
        answer = await ask(GetLog(len(text), _PIECE_BYTES))
        if not answer.accepted or not answer.data:
            return None
        text, total = text + answer.data, answer.total
    entries = await asyncio.to_thread(logs.keep_log, tool.serial_number, text.decode("ascii", "replace"))
    counters = Counters(tool.power_losses, tool.restarts)
    await asyncio.to_thread(logs.keep_counters, tool.serial_number, counters, at)
    return Found(before is not None and counters.power_losses > before.power_losses, entries)
