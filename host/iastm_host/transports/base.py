"""What every transport is: find, open, read chunks, write, close.

MUST: stamp each chunk with the clock given to the constructor; return an empty chunk after 100 ms of silence;
raise TransportError where the link is gone; let `close` be called at any time and more than once; let a `read` be
cancelled, and hand its bytes to the next one; let an `open` be cancelled, within a second and leaving nothing behind;
let `open` follow `close`, as if for the first time.
MIGHT: raise EndOfStream, and wait as long as the recording did (a replay). MUST NOT: look into the bytes, retry, or
reconnect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from iastm_host.events import Chunk, Problem

Clock = Callable[[], int]
"""Returns host microseconds."""

SILENCE_S = 0.1


class TransportError(Problem):
    """A link that could not be opened or is gone; `reason` is one of the words below."""

    def __init__(self, reason: str, what: str, fix: str) -> None:
        super().__init__(what, fix)
        self.reason = reason


NOT_FOUND = "not found"
BUSY = "busy"
NO_RIGHTS = "no rights"
NOT_A_PORT = "not a port"
LOST = "lost"
NOT_READING = "not reading"
ENDED = "ended"
# Of a radio.
NO_ADAPTER = "no adapter"
SWITCHED_OFF = "switched off"
RADIO_FAILED = "radio failed"
AMBIGUOUS = "ambiguous"
NOT_CONNECTED = "not connected"
NOT_A_TOOL = "not a tool"


class EndOfStream(Exception):
    """The last chunk has been read; nothing will follow."""


IASTM = "iastm"
"""The language of SPEC.md."""
PROGRESSOR = "progressor"
"""The language of Tindeq's gauges."""


class Transport(Protocol):
    """One link; `mtu` is the largest message it carries, None where it is a byte stream.

    A link of messages keeps their borders in its chunks (borders.py); each `write` is one message. `dialect` names the
    language of the gauge at the other end, and is known once the link is open. `pairing_refused` says in words why
    privileged messages don't get through, "" while they do.
    """

    mtu: int | None
    dialect: str = IASTM
    pairing_refused: str = ""

    async def find(self) -> None:
        """Look for the other end, where that takes time; raises TransportError. `open` does it where nobody did."""
        return

    async def rediscovered(self) -> None:
        """Return once the other end, which was gone, is there again; wait for ever where that can't be told."""
        await asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Open the link; raises TransportError."""

    async def read(self) -> Chunk:
        """Return what arrived, an empty chunk after 100 ms of silence; raises TransportError or EndOfStream."""

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Send `data` whole, `privileged` by the encrypted way where a link has one; raises TransportError."""

    async def close(self) -> None:
        """Close the link and all that it started."""


class Inbox:
    """Bytes on their way from a callback to `read`, within one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pieces: list[bytes] = []
        self._arrived_us = 0
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def put(self, data: bytes) -> None:
        """Take received bytes, stamped now."""
        self._pieces.append(data)
        self._arrived_us = self._clock()
        self._wake()

    def fail(self, error: Exception) -> None:
        """Let `take` raise `error` once all bytes before it are taken."""
        if self._error is None:
            self._error = error
        self._wake()

    async def take(self, timeout_s: float = SILENCE_S) -> Chunk:
        """Return all bytes that are here, or an empty chunk after `timeout_s`."""
        if not self._pieces and self._error is None:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout_s, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._pieces:
            data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
            return Chunk(self._arrived_us, data)
        if self._error is not None:
            raise self._error
        return Chunk(self._clock(), b"")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
