"""What transports/base.py says every transport must do, asked of every kind of link."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import select
import socket
import threading
import tty
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import serial

from iastm_host.events import Chunk, Problem
from iastm_host.transports import base
from iastm_host.transports.base import EndOfStream, Transport, TransportError
from iastm_host.transports.borders import messages_in
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_host.transports.serial import SerialTransport, open_error

_PATIENCE_S = 30.0


class StepClock:
    """A clock that tells how often it was asked."""

    def __init__(self) -> None:
        self.now_us = 500

    def __call__(self) -> int:
        self.now_us += 1
        return self.now_us


class Far(Protocol):
    """The other end of a link."""

    name: str

    def send(self, data: bytes) -> None: ...

    def receive(self, n: int) -> bytes: ...

    def take_nothing(self) -> None: ...

    def let_go(self) -> None: ...

    def hang_up(self) -> None: ...


class PtyEnd:
    """The other end of a pseudo-terminal, as a simulated tool has it."""

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        # Held open, as the simulated tool's parent holds it: without it the master reads an error until someone opens.
        self._slave = slave

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._master, view) :]

    def receive(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            data += os.read(self._master, n - len(data))
        return data

    def take_nothing(self) -> None:
        """Nothing reads between two calls of `receive`."""

    def let_go(self) -> None:
        """Whoever opens the port next has it."""

    def hang_up(self) -> None:
        for fd in (self._slave, self._master):
            if fd >= 0:
                os.close(fd)
        self._slave = self._master = -1


class SocketEnd:
    """A TCP server that takes one connection."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.name = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._link: socket.socket | None = None

    def _linked(self) -> socket.socket:
        # The newest: those before it were given up.
        while self._link is None or select.select([self._server], [], [], 0)[0]:
            if self._link is not None:
                self._link.close()
            self._link, _ = self._server.accept()
        return self._link

    def send(self, data: bytes) -> None:
        self._linked().sendall(data)

    def receive(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            data += self._linked().recv(n - len(data))
        return data

    def take_nothing(self) -> None:
        """Take the connection, and nothing from it."""
        self._linked()

    def let_go(self) -> None:
        """Take the next connection."""
        self._linked().close()
        self._link = None

    def hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
        self._server.close()


@dataclass(frozen=True, slots=True)
class Carrier:
    """How many bytes a carrier passes in a second or so, in and out; `threaded`: as on Windows."""

    bytes_in: int
    bytes_out: int
    make: Callable[[], Far] | None = None
    threaded: bool = False


CARRIERS: dict[str, Carrier] = {
    "pty": Carrier(1_000_000, 200_000, PtyEnd),
    "pty, threaded": Carrier(1_000_000, 200_000, PtyEnd, threaded=True),
    "socket": Carrier(1_000_000, 200_000, SocketEnd),
    # pyserial hands over a socket byte by byte where it has no descriptor to wait on.
    "socket, threaded": Carrier(50_000, 200_000, SocketEnd, threaded=True),
    # As many messages as may wait to be written, each of which is answered.
    "ble": Carrier(200_000, 30_000),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A transport and its other end; what a carrier of messages has of its own is dealt with here."""

    transport: Transport
    far: Far
    clock: StepClock
    carrier: Carrier

    async def write(self, data: bytes) -> None:
        """Write `data`, in as many messages as it takes."""
        size = self.transport.mtu or len(data)
        for start in range(0, len(data), size):
            await self.transport.write(data[start : start + size])

    def data_of(self, chunk: Chunk) -> bytes:
        """Return what the other end sent, without borders."""
        return chunk.data if self.transport.mtu is None else b"".join(messages_in(chunk.data))

    async def read_bytes(self, n: int) -> list[Chunk]:
        """Return the chunks with the next `n` bytes, silence and borders left out."""
        chunks: list[Chunk] = []
        while sum(len(chunk.data) for chunk in chunks) < n:
            chunk = await self.transport.read()
            if chunk.data:
                chunks.append(Chunk(chunk.host_us, self.data_of(chunk)))
        return chunks


@pytest.fixture(params=CARRIERS)
def link(request: pytest.FixtureRequest, ble_end: Any) -> Iterator[Link]:
    carrier = CARRIERS[request.param]
    clock = StepClock()
    if carrier.make is None:
        far = ble_end()
        yield Link(far.transport(clock), far, clock, carrier)
    else:
        far = carrier.make()
        yield Link(SerialTransport(far.name, clock, threaded=carrier.threaded), far, clock, carrier)
    far.hang_up()


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(_PATIENCE_S):
            return await test()

    return asyncio.run(bounded())


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


def test_silence_is_an_empty_chunk_after_a_tenth_of_a_second(link: Link) -> None:
    async def test() -> None:
        await link.transport.open()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        chunk = await link.transport.read()
        took_s = loop.time() - began_s
        await link.transport.close()
        assert chunk == Chunk(link.clock.now_us, b"")
        assert 0.09 <= took_s < 5.0

    run(test)


def test_bytes_come_whole_and_in_order(link: Link) -> None:
    data = random.Random(3).randbytes(link.carrier.bytes_in)

    async def test() -> bytes:
        await link.transport.open()
        sender = threading.Thread(target=link.far.send, args=(data,))
        sender.start()
        chunks = await link.read_bytes(len(data))
        await asyncio.to_thread(sender.join)
        await link.transport.close()
        return joined(chunks)

    assert run(test) == data


def test_chunks_are_stamped_with_the_clock_that_was_given(link: Link) -> None:
    async def test() -> None:
        await link.transport.open()
        stamps = [link.clock.now_us]
        for data in (b"1", b"2"):
            await asyncio.to_thread(link.far.send, data)
            (chunk,) = await link.read_bytes(1)
            assert chunk.data == data
            stamps += [chunk.host_us, link.clock.now_us]
        await link.transport.close()
        before_us, one_us, between_us, two_us, after_us = stamps
        assert before_us < one_us <= between_us < two_us <= after_us

    run(test)


def test_what_is_written_arrives_whole(link: Link) -> None:
    data = random.Random(4).randbytes(link.carrier.bytes_out)

    async def test() -> bytes:
        await link.transport.open()
        receiving = asyncio.create_task(asyncio.to_thread(link.far.receive, len(data)))
        await link.write(data)
        got = await receiving
        await link.transport.close()
        return got

    assert run(test) == data


def test_bytes_that_came_before_the_end_are_still_read_and_the_end_is_an_error(link: Link) -> None:
    async def test() -> TransportError:
        await link.transport.open()
        await asyncio.to_thread(link.far.send, b"last words")
        assert joined(await link.read_bytes(10)) == b"last words"
        await asyncio.to_thread(link.far.hang_up)
        with pytest.raises(TransportError) as raised:
            await link.read_bytes(1)
        with pytest.raises(TransportError):
            await link.transport.read()
        await link.transport.close()
        return raised.value

    error = run(test)
    assert error.reason == base.LOST
    assert link.far.name in error.what
    assert error.fix


def test_close_may_come_twice_and_before_open(link: Link) -> None:
    async def test() -> None:
        await link.transport.close()
        await link.transport.open()
        await link.transport.close()
        await link.transport.close()

    run(test)


def test_close_may_come_while_a_read_waits(link: Link) -> None:
    async def test() -> None:
        await link.transport.open()
        reading = asyncio.create_task(link.transport.read())
        await asyncio.sleep(0)
        await link.transport.close()
        # It ends, whether with silence or with the end of the link.
        await asyncio.wait([reading])
        assert isinstance(reading.exception(), TransportError) or reading.result().data == b""

    run(test)


def test_close_may_come_after_the_end_of_the_link(link: Link) -> None:
    async def test() -> None:
        await link.transport.open()
        await asyncio.to_thread(link.far.send, b"x")
        await asyncio.to_thread(link.far.hang_up)
        await link.transport.close()
        await link.transport.close()

    run(test)


def test_a_link_can_be_opened_again_and_again_as_if_for_the_first_time(link: Link) -> None:
    async def test() -> None:
        for n in range(3):
            await link.transport.open()
            mine, yours = b"%d from the tool" % n, b"%d from the host" % n
            await link.write(yours)
            assert await asyncio.to_thread(link.far.receive, len(yours)) == yours
            await asyncio.to_thread(link.far.send, mine)
            assert joined(await link.read_bytes(len(mine))) == mine
            # Never read: the next link knows nothing of it.
            await asyncio.to_thread(link.far.send, b"old")
            await link.transport.close()
            await asyncio.to_thread(link.far.let_go)

    run(test)


@pytest.mark.parametrize("threaded", [False, True])
def test_close_lets_go_of_the_port(threaded: bool) -> None:
    far = PtyEnd()

    async def test() -> None:
        for _ in range(2):
            transport = SerialTransport(far.name, StepClock(), threaded=threaded)
            await transport.open()
            await transport.close()

    run(test)
    far.hang_up()


def test_writing_to_a_closed_link_is_an_error_in_words(link: Link) -> None:
    async def test() -> TransportError:
        await link.transport.open()
        await link.transport.close()
        with pytest.raises(TransportError) as raised:
            await link.transport.write(b"x")
        return raised.value

    error = run(test)
    assert error.reason == base.LOST
    assert ".." not in error.what


def test_a_link_that_takes_nothing_is_an_error_after_a_second_or_so(link: Link) -> None:
    much = bytes(50_000_000 if link.transport.mtu is None else 100)

    async def write_until_it_fails() -> None:
        await link.write(much)
        # Where writes wait in a queue, reading tells what became of them.
        while True:
            await link.transport.read()

    async def test() -> TransportError:
        await link.transport.open()
        await asyncio.to_thread(link.far.take_nothing)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with pytest.raises(TransportError) as raised:
            await write_until_it_fails()
        assert 0.9 < loop.time() - began_s < 10
        await link.transport.close()
        return raised.value

    error = run(test)
    assert error.reason == base.NOT_READING
    assert "did not take what was sent to it for 1 s" in error.what
    assert error.fix


def test_what_comes_while_a_read_is_given_up_is_for_the_next_one(link: Link) -> None:
    async def test() -> bytes:
        await link.transport.open()
        reading = asyncio.create_task(link.transport.read())
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.to_thread(link.far.send, b"kept")
        chunks = await link.read_bytes(4)
        await link.transport.close()
        return joined(chunks)

    assert run(test) == b"kept"


def test_reads_given_up_at_any_moment_lose_nothing(link: Link) -> None:
    data = random.Random(5).randbytes(link.carrier.bytes_in // 10)

    async def test() -> bytes:
        await link.transport.open()
        sending = asyncio.create_task(asyncio.to_thread(link.far.send, data))
        got = b""
        rng = random.Random(6)
        while len(got) < len(data):
            reading = asyncio.create_task(link.transport.read())
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
            if rng.random() < 0.5:
                reading.cancel()
            await asyncio.wait([reading])
            if not reading.cancelled():
                got += link.data_of(reading.result())
        await sending
        await link.transport.close()
        return got

    assert run(test) == data


def test_an_opening_that_is_given_up_leaves_the_link_to_the_next_one(link: Link) -> None:
    async def test() -> None:
        for turns in (0, 1, 2, 5):
            opening = asyncio.create_task(link.transport.open())
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
            # It may have been open a moment before.
            assert opening.cancelled() or opening.exception() is None
            await link.transport.close()
        await link.transport.open()
        await link.write(b"mine")
        assert await asyncio.to_thread(link.far.receive, 4) == b"mine"
        await link.transport.close()

    run(test)


# What can be wrong with a port


def opened(name: str) -> TransportError:
    async def test() -> TransportError:
        transport = SerialTransport(name, StepClock())
        with pytest.raises(TransportError) as raised:
            await transport.open()
        await transport.close()
        return raised.value

    error: TransportError = run(test)
    assert name.strip() in error.what
    assert error.fix
    assert isinstance(error, Problem)
    return error


def test_a_port_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert opened(str(tmp_path / "ttyNONE")).reason == base.NOT_FOUND


def test_nothing_listening_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert opened(f"socket://127.0.0.1:{port}").reason == base.NOT_FOUND


def test_a_file_and_a_folder_are_not_ports(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path / "notes.txt", tmp_path, Path("/dev/null")):
        assert opened(str(path)).reason == base.NOT_A_PORT
    assert (tmp_path / "notes.txt").read_text() == "hello"


@pytest.mark.parametrize(
    "name",
    ["socket://", "socket://127.0.0.1", "socket://x:y", "nonsense://x", "loop://", "loop://?logging=x", "hwgrep://["],
)
def test_an_address_that_is_none_is_not_a_port(name: str) -> None:
    assert opened(name).reason == base.NOT_A_PORT


@pytest.mark.parametrize("name", ["", " "])
def test_a_port_without_a_name_is_not_a_port(name: str) -> None:
    error = opened(name)
    assert error.reason == base.NOT_A_PORT
    assert "No port is named" in error.what


def test_a_port_that_is_open_already_is_busy() -> None:
    far = PtyEnd()

    async def test() -> TransportError:
        first = SerialTransport(far.name, StepClock())
        await first.open()
        with pytest.raises(TransportError) as raised:
            await SerialTransport(far.name, StepClock()).open()
        far.send(b"mine")
        assert joined(await Link(first, far, StepClock(), CARRIERS["pty"]).read_bytes(4)) == b"mine"
        await first.close()
        return raised.value

    error = run(test)
    assert error.reason == base.BUSY
    assert "another program" in error.what
    far.hang_up()


@pytest.mark.parametrize(
    ("number", "reason", "advice"),
    [
        (errno.EACCES, base.NO_RIGHTS, "dialout"),
        (errno.EPERM, base.NO_RIGHTS, "dialout"),
        (errno.EBUSY, base.BUSY, "Close that program"),
        (errno.ENOENT, base.NOT_FOUND, "iastm demo"),
        (errno.ENXIO, base.NOT_A_PORT, "iastm demo"),
        (errno.EIO, base.NOT_A_PORT, "iastm demo"),
    ],
)
@pytest.mark.parametrize("kind", [OSError, serial.SerialException])
def test_each_refusal_of_the_system_has_its_reason_and_its_advice(
    kind: Any, number: int, reason: str, advice: str
) -> None:
    error = open_error("/dev/ttyACM0", kind(number, os.strerror(number)))
    assert error.reason == reason
    assert "/dev/ttyACM0" in error.what
    assert advice in error.fix


# A replay keeps the same contract


def test_a_replay_hands_chunks_back_whole_then_ends_and_takes_writes_for_nothing() -> None:
    chunks = [Chunk(10, b"a"), Chunk(20, b""), Chunk(30, bytes(1_000_000))]

    async def test() -> list[Chunk]:
        transport: Transport = ReplayTransport(chunks, ReplayClock(StepClock(), 0), mtu=244)
        assert transport.mtu == 244
        await transport.close()
        await transport.open()
        await transport.write(b"ignored")
        got = [await transport.read() for _ in chunks]
        for _ in range(2):
            with pytest.raises(EndOfStream):
                await transport.read()
        await transport.close()
        await transport.close()
        return got

    assert run(test) == chunks
