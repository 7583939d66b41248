"""A cable between a host and a tool in one virtual time, and what a seed does to it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lockstep.world import World

from iastm_host.events import Chunk
from iastm_host.transports.base import LOST, NOT_FOUND, Inbox, Transport, TransportError

# As a pseudo-terminal or a USB driver holds it.
BUFFER_BYTES = 4096
BOOT_TEXT = b"\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"

STALL_DOWN = "stall down"
STALL_UP = "stall up"
CUT = "cut"
RESET = "reset"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at `at_us` and lasts for `length_us`."""

    at_us: int
    kind: str
    length_us: int
    # A reset that takes the port with it, as a board's own USB does.
    unplugs: bool = False


@dataclass(frozen=True, slots=True)
class Weather:
    """Everything that a link does to its bytes.

    Down is from tool to host. `noise` is the chance of a piece (what was written at once) to be harmed, until
    `noise_until_us`. Where the cable is out, a tool's bytes vanish (a UART) or are refused (USB). What a cut leaves in
    the buffer comes with the next connection where it `keeps`.
    """

    faults: tuple[Fault, ...] = ()
    noise: float = 0.0
    noise_until_us: int = 0
    down_us: tuple[int, int] = (1000, 1000)
    up_us: tuple[int, int] = (1000, 1000)
    vanishes: bool = False
    keeps: bool = False


@dataclass
class _Way:
    """One direction: what is under way, when it is due, and until when nothing moves."""

    delay_us: tuple[int, int]
    deliver: Callable[[bytes], None]
    pieces: deque[tuple[int, bytes]] = field(default_factory=deque)
    last_due_us: int = 0
    stalled_until_us: int = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def waiting_bytes(self) -> int:
        return sum(len(data) for _, data in self.pieces)


class FaultyLink(Transport):
    """A transport (a byte stream) over that cable. `on_reset` switches the tool off and on again after so many µs.

    `happened` lists what was done to it, for a message.
    """

    mtu: int | None = None

    def __init__(self, world: World, weather: Weather, seed: int, on_reset: Callable[[int], None]) -> None:
        self._world = world
        self._weather = weather
        self._rng = random.Random(seed)
        self._on_reset = on_reset
        self._down = _Way(weather.down_us, self._to_host)
        self._up = _Way(weather.up_us, world.say)
        self._inbox: Inbox | None = None
        self._out_until_us = 0
        self._began = False
        self.happened: list[str] = []
        world.room = self._room
        world.carry = self._from_tool

    async def open(self) -> None:
        if not self._began:
            self._began = True
            loop = asyncio.get_running_loop()
            for fault in self._weather.faults:
                loop.call_later(fault.at_us / 1e6, self._strike, fault)
        if self._world.now_us < self._out_until_us:
            raise TransportError(NOT_FOUND, "There is no such port.", "Plug the tool in.")
        self._inbox = Inbox(self._world.host_us)
        self._move(self._down)

    async def read(self) -> Chunk:
        return await self._opened().take()

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        del privileged
        self._opened()
        self._send(self._up, data)

    async def close(self) -> None:
        self._inbox = None

    def _opened(self) -> Inbox:
        if self._inbox is None:
            raise TransportError(LOST, "The link is closed.", "Open it.")
        return self._inbox

    def _is_out(self) -> bool:
        return self._world.now_us < self._out_until_us

    def _room(self) -> int:
        if self._is_out():
            return BUFFER_BYTES if self._weather.vanishes else 0
        return max(0, BUFFER_BYTES - self._down.waiting_bytes)

    def _from_tool(self, data: bytes) -> None:
        if not self._is_out():
            self._send(self._down, data)

    def _to_host(self, data: bytes) -> None:
        assert self._inbox is not None
        self._inbox.put(data)

    def _send(self, way: _Way, data: bytes) -> None:
        if self._world.now_us < self._weather.noise_until_us and self._rng.random() < self._weather.noise:
            data = self._spoil(data)
        shortest_us, jitter_us = way.delay_us
        due_us = self._world.now_us + shortest_us + self._rng.randint(0, jitter_us)
        # A cable keeps the order.
        way.last_due_us = max(due_us, way.last_due_us)
        way.pieces.append((way.last_due_us, data))
        self._move(way)

    def _move(self, way: _Way) -> None:
        """Deliver what is due, and come back for the rest."""
        if way.timer is not None:
            way.timer.cancel()
        now_us = self._world.now_us
        while way.pieces and (way is self._up or self._inbox is not None):
            due_us = max(way.pieces[0][0], way.stalled_until_us)
            if due_us > now_us:
                loop = asyncio.get_running_loop()
                way.timer = loop.call_later((due_us - now_us) / 1e6, self._move, way)
                return
            way.deliver(way.pieces.popleft()[1])

    def _spoil(self, data: bytes) -> bytes:
        how = self._rng.choice(("flip", "drop", "double", "lose", "repeat"))
        self.happened.append(how)
        at = self._rng.randrange(len(data))
        if how == "flip":
            return data[:at] + bytes([data[at] ^ 1 << self._rng.randrange(8)]) + data[at + 1 :]
        if how == "drop":
            return data[:at] + data[at + 1 :]
        if how == "double":
            return data[: at + 1] + data[at:]
        return b"" if how == "lose" else data + data

    def _strike(self, fault: Fault) -> None:
        self.happened.append(f"{self._world.now_us / 1e6:.1f} s: {fault.kind} {fault.length_us / 1e6:.1f} s")
        until_us = self._world.now_us + fault.length_us
        if fault.kind == STALL_DOWN:
            self._down.stalled_until_us = max(until_us, self._down.stalled_until_us)
        elif fault.kind == STALL_UP:
            self._up.stalled_until_us = max(until_us, self._up.stalled_until_us)
        elif fault.kind == CUT:
            self._pull(until_us)
        else:
            self._up.pieces.clear()
            if fault.unplugs:
                self._pull(until_us)
            else:
                self._send(self._down, BOOT_TEXT)
            self._on_reset(fault.length_us)

    def _pull(self, until_us: int) -> None:
        """Pull the cable: a part of what is under way still comes, cut in mid-frame."""
        self._out_until_us = max(until_us, self._out_until_us)
        for way in (self._down, self._up):
            data = b"".join(piece for _, piece in way.pieces)
            way.pieces.clear()
            at = self._rng.randint(0, len(data))
            if data[:at] and (way is self._up or self._inbox is not None):
                way.deliver(data[:at])
            if way is self._down and self._weather.keeps and data[at:]:
                way.pieces.append((self._world.now_us, data[at:]))
        if self._inbox is not None:
            self._inbox.fail(TransportError(LOST, "The cable is out.", "Put it in."))
