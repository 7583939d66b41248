"""A recording as a transport: the chunks come back with their times, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from iastm_host.events import Chunk, Cut
from iastm_host.transports.base import IASTM, LOST, EndOfStream, Transport, TransportError


class ReplayClock:
    """Host time of a replay: recorded microseconds, advancing `speed` times as fast as `clock`.

    A speed of 0 is as fast as it goes: time then stands at the chunk that was read last.
    """

    def __init__(self, clock: Callable[[], int], speed: float) -> None:
        self.speed = speed
        self._clock = clock
        self._anchor_us: int | None = None
        self._recorded_us = 0

    def now_us(self) -> int:
        """Return the present time in recorded microseconds."""
        if self._anchor_us is None or not self.speed:
            return self._recorded_us
        return self._recorded_us + round((self._clock() - self._anchor_us) * self.speed)

    def reach(self, recorded_us: int) -> float:
        """Return the seconds to wait until `recorded_us`; the first call starts the clock there."""
        if self._anchor_us is None:
            self._anchor_us = self._clock()
            self._recorded_us = recorded_us
        if not self.speed:
            self._recorded_us = recorded_us
            return 0.0
        return (recorded_us - self.now_us()) / self.speed / 1e6


class _Sleep(Protocol):
    async def __call__(self, delay: float, /) -> None: ...


class ReplayTransport(Transport):
    """Hands chunks back; what is written to it goes nowhere. `dialect` is what the gauge spoke.

    It invents no silence: a recording holds the empty chunks that drove its time-outs. A `read` may therefore wait for
    long, and can be cancelled without losing its chunk.
    """

    mtu: int | None

    def __init__(
        self,
        chunks: Iterable[Chunk | Cut],
        clock: ReplayClock,
        mtu: int | None = None,
        sleep: _Sleep = asyncio.sleep,
        dialect: str = IASTM,
    ) -> None:
        self._chunks: Iterator[Chunk | Cut] = iter(chunks)
        self._next: Chunk | Cut | None = None
        self._clock = clock
        self._sleep = sleep
        self.mtu = mtu
        self.dialect = dialect

    async def open(self) -> None:
        """Need nothing."""

    async def read(self) -> Chunk:
        """Return the next chunk when its time has come; raises TransportError where the link broke, and EndOfStream."""
        if self._next is None:
            self._next = next(self._chunks, None)
        chunk = self._next
        if chunk is None:
            raise EndOfStream
        wait_s = self._clock.reach(chunk.host_us)
        # Even at full speed the loop must turn, so that a stop gets through.
        await self._sleep(max(wait_s, 0.0))
        self._next = None
        if isinstance(chunk, Cut):
            raise TransportError(LOST, chunk.reason, "The recording goes on after it.")
        return chunk

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Drop `data`: the recording holds the answers already."""

    async def close(self) -> None:
        """Need nothing."""
