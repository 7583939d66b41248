"""Running a monitor: its link, opened again where it breaks, and the keys of whoever looks at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from iastm_host.events import Problem
from iastm_host.tool.retry import Retry
from iastm_host.transports.base import ENDED, IASTM, Clock, EndOfStream, Transport, TransportError
from iastm_host.workbench.monitor import Line, Monitor
from iastm_host.workbench.monitor_prompt import ask_for_prompt, start_again

PROMPT_KEY = b"\x1d"
"""Ctrl-], which leads to the tool's prompt and back."""
_BACK_KEYS = (PROMPT_KEY, b"\x18")
_QUIT_KEYS = (b"q", b"Q")


class Desk(Protocol):
    """Where lines are shown and keys come from."""

    def show(self, line: Line) -> None:
        """Show a line."""

    def pass_through(self, on: bool) -> None:
        """Begin, or end, to give keys as they are typed, Ctrl-C among them, and to be given the tool's bytes."""

    def tool_said(self, data: bytes) -> None:
        """Show what the tool says at its prompt."""

    async def typed(self) -> bytes:
        """Return what was typed; waits for ever where there are no keys."""


class _Run:
    def __init__(
        self,
        transport: Transport,
        monitor: Monitor,
        clock: Clock,
        desk: Desk,
        end_us: int | None,
        sleep: Callable[[float], Awaitable[object]],
        no_prompt: str,
    ) -> None:
        self._no_prompt = no_prompt
        self._transport = transport
        self._monitor = monitor
        self._clock = clock
        self._desk = desk
        self._end_us = end_us
        self._sleep = sleep
        self._wants_prompt = asyncio.Event()
        self._wants_back = asyncio.Event()
        self._wants_end = asyncio.Event()
        self._asks_for_prompt = False
        self._at_prompt = False

    @property
    def over(self) -> bool:
        return self._wants_end.is_set() or (self._end_us is not None and self._clock() >= self._end_us)

    async def hear(self, *, listens: bool) -> None:
        """Show what comes until it is over; raises TransportError where the link breaks."""
        self._show(self._monitor.opened(self._clock(), self._transport.mtu))
        while not self.over:
            chunk = await self._transport.read()
            self._show(self._monitor.receive(chunk))
            await self._send()
            if self._wants_prompt.is_set():
                self._wants_prompt.clear()
                await self._prompt(listens=listens)

    async def stop(self) -> None:
        """End the stream, where the link is still there, and tell what came in all."""
        self._show(self._monitor.end(self._clock()))
        with contextlib.suppress(TransportError):
            await self._send()

    async def type(self) -> None:
        """Take keys, for ever."""
        while True:
            data = await self._desk.typed()
            if not self._at_prompt:
                self._obey(data)
                continue
            typed, back, _ = _before_any(data, _BACK_KEYS)
            if typed:
                # Where the link is gone, whoever reads it tells.
                with contextlib.suppress(TransportError):
                    await self._transport.write(typed)
            if back:
                self._wants_back.set()

    def broken(self, reason: str) -> None:
        """Tell that the link is gone."""
        self._show(self._monitor.broken(self._clock(), reason))

    def tell(self, topic: str, words: str) -> None:
        """Show a line of this computer's own."""
        self._desk.show(Line(self._clock(), topic, words))

    async def wait(self, seconds: float) -> None:
        """Wait before the next attempt, unless it is over before."""
        ending = asyncio.ensure_future(self._wants_end.wait())
        waiting = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait([ending, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ending, waiting):
                task.cancel()

    def _obey(self, keys: bytes) -> None:
        if PROMPT_KEY in keys and self._asks_for_prompt:
            self._asks_for_prompt = False
        elif PROMPT_KEY in keys:
            self._wants_prompt.set()
        if any(key in keys for key in _QUIT_KEYS):
            self._wants_end.set()

    async def _send(self) -> None:
        outgoing, lines = self._monitor.to_send()
        self._show(lines)
        for data in outgoing:
            await self._transport.write(data)

    async def _prompt(self, *, listens: bool) -> None:
        if self._no_prompt:
            self.tell("prompt", self._no_prompt)
            return
        if self._transport.mtu is not None:
            self.tell("prompt", "There is none over Bluetooth: connect the tool by its cable.")
            return
        if listens:
            self.tell("prompt", "With --listen nothing is said to the board: leave that option out.")
            return
        self._show(self._monitor.at_prompt(self._clock()))
        await self._send()
        self._monitor.left_tool()
        self.tell(
            "prompt", "Asking for it. A tool whose watchdog runs restarts into safe mode first. Ctrl-] gives it up."
        )
        self._asks_for_prompt = True
        try:
            came = await ask_for_prompt(self._transport, self._clock, _nobody, self._sleep, self._gave_up)
            given_up = self._gave_up()
        finally:
            self._asks_for_prompt = False
        if not came:
            none = "None came. Hold the tool's button while it starts, then retry."
            self.tell("prompt", "Given up." if given_up else none)
            self._monitor.back(self._clock())
            return
        await self._pass_through()
        self.tell("prompt", "Left. MicroPython starts anew, and the tool with it; if it stays away, press its reset.")
        await start_again(self._transport, self._clock, _nobody)
        self._monitor.back(self._clock())

    def _gave_up(self) -> bool:
        return self.over or not self._asks_for_prompt

    async def _pass_through(self) -> None:
        self._wants_back.clear()
        # From the moment that it is told.
        self._at_prompt = True
        self.tell(
            "prompt", "Here it is: what you type goes to the tool. Nothing is measured, nothing warns. Ctrl-] ends."
        )
        self._desk.pass_through(True)
        try:
            # Enter: the prompt shows itself.
            await self._transport.write(b"\r")
            while not self._wants_back.is_set() and not self.over:
                self._desk.tool_said((await self._transport.read()).data)
        finally:
            self._at_prompt = False
            self._desk.pass_through(False)

    def _show(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._desk.show(line)


def _nobody(_data: bytes) -> None:
    """Show nothing of what comes on the way to the prompt."""


def _before_any(data: bytes, keys: tuple[bytes, ...]) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the first of `keys`, that key (empty where none is there), and what follows."""
    places = [place for key in keys if (place := data.find(key)) >= 0]
    if not places:
        return data, b"", b""
    first = min(places)
    return data[:first], data[first : first + 1], data[first + 1 :]


async def run_monitor(
    transport: Transport,
    monitor: Monitor,
    clock: Clock,
    desk: Desk,
    *,
    duration_s: float | None = None,
    listens: bool = False,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    no_prompt: str = "",
) -> None:
    """Run `monitor` over `transport` until its time is up, `q` is typed or it is cancelled.

    A link that breaks is opened again, for ever. `no_prompt` says why there is no prompt, where there can be none.
    Raises Problem where it can't be opened the first time.
    """
    end_us = None if duration_s is None else clock() + round(duration_s * 1e6)
    run = _Run(transport, monitor, clock, desk, end_us, sleep, no_prompt)
    retry = Retry(None)
    opened = hearing = False
    typing = asyncio.ensure_future(run.type())
    try:
        while not run.over:
            try:
                await transport.open()
                _check_language(transport)
                opened = hearing = True
                retry.restart()
                await run.hear(listens=listens)
            except EndOfStream:
                break
            except TransportError as error:
                if not opened:
                    raise
                if hearing:
                    hearing = False
                    run.broken(error.what)
                if error.reason == ENDED:
                    raise
                await transport.close()
                await run.wait(retry.wait_s(clock()) or 0.0)
    finally:
        typing.cancel()
        if opened:
            await run.stop()
        await transport.close()


def _check_language(transport: Transport) -> None:
    if transport.dialect != IASTM:
        raise Problem(
            "This gauge speaks another language than the toolkit's own.", "Look at its samples with iastm run."
        )
