"""One virtual time for a host and its tool: an event loop that grants the tool time instead of waiting."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from typing import Protocol

HOST_START_US = 1_000_000_000


class Powered(Protocol):
    """A tool that runs: what LockstepTool offers."""

    def run(self, until_us: int, room: int, said: bytes) -> tuple[int, bytes]:
        """Grant time; return when its turn ended and what it wrote then."""


class World:
    """Virtual microseconds since the beginning, and the tool in it whose clock runs `ppm` fast.

    `room` says how many bytes the cable takes from the tool now, `carry` takes what it wrote.
    """

    def __init__(self, ppm: int = 0) -> None:
        self.now_us = 0
        self.room: Callable[[], int] = lambda: 0
        self.carry: Callable[[bytes], None] = lambda _data: None
        self._pace = 1_000_000 + ppm
        self._tool: Powered | None = None
        self._born_us = 0
        self._said = b""

    def host_us(self) -> int:
        """Return the host's clock."""
        return HOST_START_US + self.now_us

    def power(self, tool: Powered | None) -> None:
        """Switch a tool on, now; None is off."""
        self._tool = tool
        self._born_us = self.now_us
        self._said = b""

    def say(self, data: bytes) -> None:
        """Let bytes of the host arrive at the tool now; one that is off hears nothing."""
        if self._tool is not None:
            self._said += data

    def pass_time(self, until_us: int) -> None:
        """Let time pass up to `until_us`, or to where the tool writes something."""
        if self._tool is None:
            self.now_us = until_us
            return
        said, self._said = self._said, b""
        granted_us = (until_us - self._born_us) * self._pace // 1_000_000
        reached_us, wrote = self._tool.run(granted_us, self.room(), said)
        if reached_us < granted_us:
            reached = self._born_us + math.ceil(reached_us * 1_000_000 / self._pace)
            self.now_us = min(max(reached, self.now_us), until_us)
        else:
            self.now_us = until_us
        if wrote:
            self.carry(wrote)


class _Selector(selectors.SelectSelector):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # No timer: only another thread can go on.
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._world.pass_time(self._world.now_us + math.ceil(timeout * 1e6))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop in a world's time."""

    def __init__(self, world: World) -> None:
        super().__init__(_Selector(world))
        self._world = world

    def time(self) -> float:
        """Return virtual seconds."""
        return self._world.now_us / 1e6
