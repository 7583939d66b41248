"""What transports/base.py says every transport must do, asked of every kind of link."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import threading
import tty
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import serial

from iastm_host.events import Chunk, Problem
from iastm_host.transports import base
from iastm_host.transports.base import EndOfStream, Transport, TransportError
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_host.transports.serial import SerialTransport, _open_error

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
        if self._link is None:
            self._link, _ = self._server.accept()
        return self._link

    def send(self, data: bytes) -> None:
        self._linked().sendall(data)

    def receive(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            data += self._linked().recv(n - len(data))
        return data

    def hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
        self._server.close()


LINKS: dict[str, tuple[Callable[[], Far], bool]] = {
    "pty": (PtyEnd, False),
    "pty, threaded": (PtyEnd, True),
    "socket": (SocketEnd, False),
    "socket, threaded": (SocketEnd, True),
}


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest) -> Iterator[tuple[SerialTransport, Far, StepClock]]:
    make, threaded = LINKS[request.param]
    far = make()
    clock = StepClock()
    yield SerialTransport(far.name, clock, threaded=threaded), far, clock
    far.hang_up()


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(_PATIENCE_S):
            return await test()

    return asyncio.run(bounded())


async def read_bytes(transport: Transport, n: int) -> list[Chunk]:
    """Return the chunks that hold the next `n` bytes, silence left out."""
    chunks: list[Chunk] = []
    while sum(len(chunk.data) for chunk in chunks) < n:
        chunk = await transport.read()
        if chunk.data:
            chunks.append(chunk)
    return chunks


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


def test_silence_is_an_empty_chunk_after_a_tenth_of_a_second(link: Any) -> None:
    transport, _far, clock = link

    async def test() -> None:
        await transport.open()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        chunk = await transport.read()
        took_s = loop.time() - began_s
        await transport.close()
        assert chunk == Chunk(clock.now_us, b"")
        assert 0.09 <= took_s < 5.0

    run(test)


def test_bytes_come_whole_and_in_order(link: Any) -> None:
    transport, far, _clock = link
    # pyserial hands over a socket byte by byte where it has no descriptor to wait on.
    slow = transport._threaded and far.name.startswith("socket")
    data = random.Random(3).randbytes(50_000 if slow else 1_000_000)

    async def test() -> bytes:
        await transport.open()
        sender = threading.Thread(target=far.send, args=(data,))
        sender.start()
        chunks = await read_bytes(transport, len(data))
        await asyncio.to_thread(sender.join)
        await transport.close()
        return joined(chunks)

    assert run(test) == data


def test_chunks_are_stamped_with_the_clock_that_was_given(link: Any) -> None:
    transport, far, clock = link

    async def test() -> None:
        await transport.open()
        before_us = clock.now_us
        far.send(b"1")
        (one,) = await read_bytes(transport, 1)
        between_us = clock.now_us
        far.send(b"2")
        (two,) = await read_bytes(transport, 1)
        await transport.close()
        assert (one.data, two.data) == (b"1", b"2")
        assert before_us < one.host_us <= between_us < two.host_us <= clock.now_us

    run(test)


def test_what_is_written_arrives_whole(link: Any) -> None:
    transport, far, _clock = link
    data = random.Random(4).randbytes(200_000)
    got: list[bytes] = []

    async def test() -> None:
        await transport.open()
        receiver = threading.Thread(target=lambda: got.append(far.receive(len(data))))
        receiver.start()
        await transport.write(data)
        await asyncio.to_thread(receiver.join)
        await transport.close()

    run(test)
    assert got == [data]


def test_bytes_that_came_before_the_end_are_still_read_and_the_end_is_an_error(link: Any) -> None:
    transport, far, _clock = link

    async def test() -> TransportError:
        await transport.open()
        far.send(b"last words")
        assert joined(await read_bytes(transport, 10)) == b"last words"
        far.hang_up()
        with pytest.raises(TransportError) as raised:
            await read_bytes(transport, 1)
        with pytest.raises(TransportError):
            await transport.read()
        await transport.close()
        return raised.value

    error = run(test)
    assert error.reason == base.LOST
    assert transport._name in error.what
    assert error.fix


def test_close_may_come_twice_and_before_open(link: Any) -> None:
    transport, _far, _clock = link

    async def test() -> None:
        await transport.close()
        await transport.open()
        await transport.close()
        await transport.close()

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


def test_writing_to_a_closed_port_is_an_error_in_words(link: Any) -> None:
    transport, _far, _clock = link

    async def test() -> TransportError:
        await transport.open()
        await transport.close()
        with pytest.raises(TransportError) as raised:
            await transport.write(b"x")
        return raised.value

    error = run(test)
    assert error.reason == base.LOST
    assert ".." not in error.what


def test_a_port_that_takes_nothing_is_an_error_after_a_second(link: Any) -> None:
    transport, far, _clock = link

    async def test() -> TransportError:
        await transport.open()
        if far.name.startswith("socket"):
            far.send(b"x")
        with pytest.raises(TransportError) as raised:
            await transport.write(bytes(50_000_000))
        await transport.close()
        return raised.value

    error = run(test)
    assert error.reason == base.NOT_READING
    assert error.fix


def test_a_tool_is_never_handed_the_bytes_of_another_stop(link: Any) -> None:
    """A read that is given up leaves the bytes for the next one."""
    transport, far, _clock = link

    async def test() -> bytes:
        await transport.open()
        reading = asyncio.create_task(transport.read())
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        far.send(b"kept")
        chunks = await read_bytes(transport, 4)
        await transport.close()
        return joined(chunks)

    assert run(test) == b"kept"


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
        assert joined(await read_bytes(first, 4)) == b"mine"
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
    error = _open_error("/dev/ttyACM0", kind(number, os.strerror(number)))
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
