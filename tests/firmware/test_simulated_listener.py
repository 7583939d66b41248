"""The simulated tool on a TCP port: on both interpreters, and on what Windows leaves of CPython."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 30.0
_FROM_STDIN = ("--settings", "-", "--rows", "-")

# What CPython lacks on Windows is taken away before the program starts; asyncio, which is another there, may have it.
_AS_ON_WINDOWS = """
import asyncio, os, runpy, select, stat, sys
del select.poll, os.openpty, os.ttyname, os.fork, os.getppid
for name in ("fcntl", "pty", "termios", "tty"):
    sys.modules[name] = None
select_any = select.select
def select_sockets(readers, writers, errors, timeout_s=None):
    for reader in readers:
        if not stat.S_ISSOCK(os.fstat(reader.fileno()).st_mode):
            raise OSError(10038, "not a socket")
    return select_any(readers, writers, errors, timeout_s)
select.select = select_sockets
runpy.run_module("iastm_simulated", run_name="__main__", alter_sys=True)
"""


class Program(NamedTuple):
    """How the simulated tool is started."""

    command: list[str]
    environment: dict[str, str]

    def refused(self, *arguments: str, said: bytes = b"") -> bytes:
        """Return the words with which these arguments are refused."""
        done = subprocess.run(
            [*self.command, *arguments],
            input=said,
            env=self.environment,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"Traceback" not in done.stderr
        return done.stderr


@pytest.fixture(params=["micropython", "cpython", "cpython as on Windows"])
def program(request: pytest.FixtureRequest) -> Program:
    """The simulated tool on each interpreter."""
    if request.param == "micropython":
        start = [request.getfixturevalue("micropython"), "-X", "heapsize=368k", "-m", "iastm_simulated"]
    elif request.param == "cpython":
        start = [sys.executable, "-m", "iastm_simulated"]
    else:
        start = [sys.executable, "-c", _AS_ON_WINDOWS]
    source = [str(ROOT / "firmware_micropython"), str(ROOT / "protocol")]
    environment = {
        **os.environ,
        "MICROPYPATH": ":".join([*source, ".frozen"]),
        "PYTHONPATH": os.pathsep.join(source),
        # A warning of CPython is a failure that shows on stderr.
        "PYTHONWARNINGS": "error",
    }
    return Program(start, environment)


class Listening:
    """A simulated tool that listens."""

    def __init__(self, program: Program, arguments: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [*program.command, "--listen", "127.0.0.1:0", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=program.environment,
            # `communicate` sees nothing of what a buffered reading of the first line would take with it.
            bufsize=0,
        )
        self.address = ""

    def give(self, settings: dict[str, Any], row_count: int) -> None:
        """Give it settings and rows, which tell their number; they fit into a pipe, so that this does not wait."""
        assert self.process.stdin is not None
        rows = b"".join(struct.pack("<ii", i * 1000, i) for i in range(row_count))
        self.process.stdin.write(json.dumps(settings).encode() + b"\n" + rows)
        self.process.stdin.flush()

    def connect(self) -> socket.socket:
        """Come as a host."""
        if not self.address:
            assert self.process.stderr is not None
            words, self.address = self.process.stderr.readline().decode().split(" on ")
            assert words == "listening"
        host, port = self.address.split(":")
        return socket.create_connection((host, int(port)), _TIMEOUT_S)

    def end(self) -> tuple[int, bytes, bytes]:
        """End its stdin; return exit code, stdout and stderr."""
        said, complained = self.process.communicate(timeout=_TIMEOUT_S)
        return self.process.returncode, said, complained

    def clean_up(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def listening(program: Program) -> Iterator[Callable[..., Listening]]:
    """Return `listening(*arguments)`."""
    started: list[Listening] = []

    def start(*arguments: str) -> Listening:
        started.append(Listening(program, arguments))
        return started[-1]

    yield start
    for tool in started:
        tool.clean_up()


def ping(number: int) -> bytes:
    return bytes(encode(kinds.PING, 0, messages.Ping(number).to_payload()))


def read_until(connection: socket.socket, wire: Any, enough: Callable[[Any], bool]) -> Any:
    """Return what the tool sent, once it is enough."""
    deadline = time.monotonic() + _TIMEOUT_S
    received = b""
    heard = wire.decode(received)
    while not enough(heard):
        assert time.monotonic() < deadline, "the tool did not send what was waited for"
        data = connection.recv(65536)
        assert data, "the tool hung up"
        received += data
        heard = wire.decode(received)
    return heard


def streamed(connection: socket.socket, wire: Any, session: int, count: int) -> list[tuple[int, int]]:
    """Greet as a new host and return so many samples."""
    connection.sendall(wire.hello(session=session) + wire.command(1, kinds.START_STREAM))
    heard = read_until(connection, wire, lambda heard: len(heard.samples()) >= count)
    samples: list[tuple[int, int]] = heard.samples()
    return samples


def test_samples_arrive_in_real_time_without_a_gap_and_the_end_of_the_rows_ends_it(
    listening: Callable[..., Listening], wire: Any
) -> None:
    tool = listening(*_FROM_STDIN)
    tool.give({"serial_number": "on a socket"}, 1280)
    with tool.connect() as connection:
        connection.sendall(wire.hello())
        answer = read_until(connection, wire, lambda heard: bool(heard.messages)).messages[0]
        assert answer.serial_number == "on a socket"
        began_s = time.monotonic()
        samples = streamed(connection, wire, 2, 960)
        assert time.monotonic() - began_s > 2.5
        assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
        assert tool.end() == (0, b"", b"running\n")


def test_the_next_host_is_served_when_the_one_before_is_gone_and_not_before(
    listening: Callable[..., Listening], wire: Any
) -> None:
    tool = listening(*_FROM_STDIN)
    tool.give({}, 3000)
    with tool.connect() as first:
        before = streamed(first, wire, 1, 50)
        second = tool.connect()
        second.sendall(ping(1) + wire.hello(session=2))
        first.sendall(ping(2))
        read_until(first, wire, lambda heard: bool(heard.of(messages.Pong)))
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)
    with second:
        second.settimeout(_TIMEOUT_S)
        after = streamed(second, wire, 2, 200)
    # The converter went on; nothing was asked of it twice.
    assert after[0][0] > before[-1][0]
    assert all(index == counts for index, counts in after)
    tool.process.send_signal(signal.SIGINT)
    assert tool.process.wait(_TIMEOUT_S) == 0


def test_an_empty_pipe_of_rows_holds_up_nothing_but_samples(listening: Callable[..., Listening], wire: Any) -> None:
    tool = listening(*_FROM_STDIN)
    tool.give({}, 10)
    with tool.connect() as connection:
        connection.sendall(wire.hello() + wire.command(1, kinds.START_STREAM))
        read_until(
            connection, wire, lambda heard: any(s.faults == kinds.FAULT_ADC_SILENT for s in heard.of(messages.Status))
        )
        assert tool.end() == (0, b"", b"running\n")


def test_a_host_that_breaks_off_in_mid_stream_does_not_take_the_tool_with_it(
    listening: Callable[..., Listening], wire: Any
) -> None:
    tool = listening(*_FROM_STDIN)
    tool.give({}, 3000)
    for session in (1, 2, 3):
        with tool.connect() as connection:
            streamed(connection, wire, session, 30)
            # Closed like this, a connection is reset; half a frame stays behind on each side.
            connection.sendall(ping(1)[:5])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with tool.connect() as connection:
        assert len(streamed(connection, wire, 4, 100)) >= 100
    assert tool.process.poll() is None


def test_rows_of_a_file_that_end_leave_the_converter_silent_and_the_tool_alive(
    listening: Callable[..., Listening], wire: Any, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.bin"
    rows.write_bytes(bytes(8 * 320))
    tool = listening("--rows", str(rows))
    with tool.connect() as connection:
        connection.sendall(wire.hello() + wire.command(1, kinds.START_STREAM))
        read_until(
            connection, wire, lambda heard: any(s.faults == kinds.FAULT_ADC_SILENT for s in heard.of(messages.Status))
        )
    assert tool.process.poll() is None


def test_a_port_that_another_has_is_refused_in_words(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert address.encode() in program.refused("--rows", os.devnull, "--listen", address)


def test_a_radio_that_is_not_there_is_told_in_words(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    assert address.encode() in program.refused("--rows", os.devnull, "--bluetooth", address)
    assert b"is not HOST:PORT" in program.refused("--rows", os.devnull, "--bluetooth", "here")
    assert b"--virtual" in program.refused("--rows", "-", "--bluetooth", address, "--virtual", "5")


@pytest.mark.parametrize("address", ["", "here", "127.0.0.1", ":5", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:70000"])
def test_what_is_no_address_is_refused_in_words(program: Program, address: str) -> None:
    assert b"is not HOST:PORT" in program.refused("--rows", os.devnull, "--listen", address)


def test_stdin_is_not_taken_twice_and_virtual_time_not_for_a_host(program: Program) -> None:
    assert b"--rows -:" in program.refused("--rows", "-")
    assert b"--settings -:" in program.refused("--rows", os.devnull, "--settings", "-")
    assert b"--virtual" in program.refused("--rows", "-", "--listen", "127.0.0.1:0", "--virtual", "5")


@pytest.mark.parametrize(
    ("said", "words"), [(b'{"rate": 1}\n', b"there is no setting rate"), (b"rows\n", b""), (b"", b"")]
)
def test_settings_from_stdin_that_can_not_be_are_refused_in_words(program: Program, said: bytes, words: bytes) -> None:
    complained = program.refused("--listen", "127.0.0.1:0", *_FROM_STDIN, said=said)
    assert complained.strip()
    assert words in complained
