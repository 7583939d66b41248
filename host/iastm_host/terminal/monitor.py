"""Where a monitor shows its lines: plain, or at a terminal with keys and the tool's prompt."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from iastm_host.terminal.prompt_filter import PromptFilter
from iastm_host.workbench.monitor import Line

_TOPIC_WIDTH = 8
_STYLES = {
    "fault": "bold yellow",
    "trouble": "bold yellow",
    "damaged": "bold red",
    "lost": "bold red",
    "alert": "bold yellow",
    "hint": "bold cyan",
    "prompt": "bold cyan",
    "text": "green",
    "log": "magenta",
    "←": "dim",
    "→": "dim",
}
_READ_BYTES = 256

WallTime = Callable[[int], str]
"""Turns host microseconds into the time of day."""


def line_text(line: Line, wall_time: WallTime) -> str:
    """Return a line as text: time of day, topic, words."""
    return f"{wall_time(line.host_us)}  {line.topic:<{_TOPIC_WIDTH}} {line.words}"


class PlainDesk:
    """Lines given to `write`; there are no keys."""

    def __init__(self, write: Callable[[str], None], wall_time: WallTime) -> None:
        self._write = write
        self._wall_time = wall_time

    def show(self, line: Line) -> None:
        """Write a line."""
        self._write(line_text(line, self._wall_time))

    def pass_through(self, on: bool) -> None:
        """Do nothing: nobody asks for it."""

    def tool_said(self, data: bytes) -> None:
        """Do nothing: nobody asks for it."""

    async def typed(self) -> bytes:
        """Wait for ever."""
        never: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await never


class TerminalDesk:
    """A POSIX terminal at `fd` that gives single keys between `begin` and `end`; lines are also given to `note`."""

    def __init__(self, console: Console, fd: int, wall_time: WallTime, note: Callable[[str], None]) -> None:
        self._console = console
        self._fd = fd
        self._wall_time = wall_time
        self._note = note
        self._before: list[Any] | None = None
        self._keys: asyncio.Queue[bytes] | None = None
        self._filter = PromptFilter()

    def begin(self) -> None:
        """Take single keys, without echo."""
        import termios

        self._before = termios.tcgetattr(self._fd)
        self._take_single_keys()

    def end(self) -> None:
        """Leave the terminal as it was."""
        import termios

        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
            self._before = None

    def show(self, line: Line) -> None:
        """Show a line; what came with it of terminal sequences was taken out before."""
        text = line_text(line, self._wall_time)
        self._note(text)
        _print(self._console, text, _STYLES.get(line.topic, ""))

    def pass_through(self, on: bool) -> None:
        """Give every key as it is typed, Ctrl-C among them; or take single keys again."""
        import termios
        import tty

        if on:
            self._filter = PromptFilter()
            # Without flushing: what is typed meanwhile is not lost.
            tty.setraw(self._fd, termios.TCSADRAIN)
        else:
            self._take_single_keys()
            self._console.print()

    def tool_said(self, data: bytes) -> None:
        """Write what the tool says at its prompt, without what would change more of the terminal than its line."""
        shown = self._filter.feed(data)
        if shown:
            sys.stdout.buffer.write(shown)
            sys.stdout.buffer.flush()

    async def typed(self) -> bytes:
        """Return what was typed."""
        if self._keys is None:
            self._keys = asyncio.Queue()
            asyncio.get_running_loop().add_reader(self._fd, self._readable, self._keys)
        return await self._keys.get()

    def _take_single_keys(self) -> None:
        import termios

        assert self._before is not None
        mode = list(self._before)
        # Enter stays what it is, so that one that is typed early is the prompt's own.
        mode[0] &= ~termios.ICRNL
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        mode[6] = list(mode[6])
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)

    def _readable(self, keys: asyncio.Queue[bytes]) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self._fd, _READ_BYTES)
            if data:
                keys.put_nowait(data)
                return
        # The terminal has gone.
        asyncio.get_running_loop().remove_reader(self._fd)


def _print(console: Console, text: str, style: str = "") -> None:
    if console.is_terminal:
        console.print(Text(text, style), soft_wrap=True)
    else:
        # Where nobody reads any more, the system's own error says so.
        print(text, file=console.file, flush=True)


@contextlib.contextmanager
def monitor_desk(
    console: Console, wall_time: WallTime, note: Callable[[str], None]
) -> Iterator[PlainDesk | TerminalDesk]:
    """Give the desk that fits: with keys where stdin is a POSIX terminal. Its mode is restored afterwards.

    `note` is given each line too.
    """
    if os.name != "posix" or not sys.stdin.isatty():

        def write(text: str) -> None:
            note(text)
            _print(console, text)

        yield PlainDesk(write, wall_time)
        return
    desk = TerminalDesk(console, sys.stdin.fileno(), wall_time, note)
    desk.begin()
    try:
        yield desk
    finally:
        desk.end()
