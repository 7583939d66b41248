"""The way back to a board's REPL, on a scripted port and on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.console import Console
from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no poll on Windows")


class _Console(Console):
    # CPython's poll has no ipoll.
    def _waiting(self) -> bool:
        return bool(select.select([self._source], [], [], 0)[0])


class _Port:
    """A port whose far end the test holds; time passes only in `wait`."""

    def __init__(self) -> None:
        near, self._far = os.pipe()
        self._source = os.fdopen(near, "rb", buffering=0)
        self.now_us = (1 << 30) - 10_000
        self.keys: list[int] = []
        self.console = _Console(self._source, None, self.keys.append, lambda: self.now_us & 0x3FFFFFFF)

    def come(self, data: bytes) -> None:
        os.write(self._far, data)

    def wait(self, duration_us: int) -> None:
        self.now_us += duration_us

    def unread(self) -> bytes:
        return os.read(self._source.fileno(), 100)

    def close(self) -> None:
        os.close(self._far)
        self._source.close()


@pytest.fixture
def port() -> Iterator[_Port]:
    """A console on a port, with Ctrl-C taken from it."""
    port = _Port()
    yield port
    port.close()


def test_control_c_is_data_until_the_port_is_given_back(port: _Port) -> None:
    assert port.keys == [-1]
    port.come(b"\x03\x03")
    assert port.console.read() == b"\x03\x03"
    port.wait(1_000_000)
    assert port.console.read() == b""
    port.console.close()
    assert port.keys == [-1, 3]


def test_an_interrupt_and_silence_ask_for_the_repl(port: _Port) -> None:
    port.come(b"noise\r\x03")
    assert port.console.read() == b"noise\r\x03"
    port.wait(49_000)
    assert port.console.read() == b""
    port.wait(1_000)
    with pytest.raises(KeyboardInterrupt):
        port.console.read()


def test_an_interrupt_with_more_after_it_is_data(port: _Port) -> None:
    port.come(b"\x00abc\r\x03")
    port.console.read()
    port.wait(40_000)
    port.come(b"d\x00")
    assert port.console.read() == b"d\x00"
    port.wait(1_000_000)
    assert port.console.read() == b""


def test_mpremote_finds_what_it_said_next(port: _Port) -> None:
    port.come(b"\x00frame\x00")
    port.console.read()
    port.come(b"\r\x03\r\x01")
    with pytest.raises(KeyboardInterrupt):
        port.console.read()
    assert port.unread() == b"\x01"


def test_mpremote_in_the_middle_of_a_frame_is_heard_after_a_silence(port: _Port) -> None:
    port.come(b"\x00torn\r\x03\r\x01")
    assert port.console.read() == b"\x00torn\r\x03\r\x01"
    port.wait(50_000)
    with pytest.raises(KeyboardInterrupt):
        port.console.read()


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda n, i: (kinds.PING, n, messages.Ping(i).to_payload()), st.just(0x0D0D), st.integers(0, 65535)
            ),
            st.tuples(
                st.sampled_from([kinds.HELLO, kinds.COMMAND, kinds.ACK, kinds.FETCH, kinds.FETCH_EVENTS]),
                st.integers(0, 65535),
                st.lists(st.sampled_from(b"\r\x03\x01a\x00"), max_size=40).map(bytes),
            ),
            st.builds(
                lambda n, i: (kinds.PING, n, i.to_bytes(2, "little")), st.integers(0, 65535), st.integers(0, 65535)
            ),
        ),
        max_size=8,
    )
)
def test_no_frames_with_any_pauses_between_them_ask_for_the_repl(frames: list[tuple[int, int, bytes]]) -> None:
    port = _Port()
    try:
        for frame in frames:
            wire = bytes(encode(*frame))
            port.come(wire)
            read = b""
            while len(read) < len(wire):
                read += port.console.read()
            assert read == wire
            port.wait(60_000)
            assert port.console.read() == b""
    finally:
        port.close()


_A_BOARD_ON_ITS_REPL = """
import sys
if sys.implementation.name == "cpython":
    from iastm_simulated.stand_ins import install
    install()
else:
    # As in the simulated tool: what the compiler leaves must not scatter what stays.
    import gc
    gc.threshold(4096)
from iastm_firmware import app
from iastm_firmware.console import Console
from iastm_simulated.adc import PlayedAdc
from iastm_simulated.board import SimulatedBoard, Ticks, read_settings, real_elapsed
from iastm_simulated.rows import Rows

keys = []
settings = read_settings(None)
settings["ring_depth"] = 320
ticks_us = Ticks(0, real_elapsed())
adc = PlayedAdc(Rows("/dev/zero", 0), settings["rate_mhz"], ticks_us, None, {})
stream = Console(sys.stdin.buffer, sys.stdout.buffer, keys.append, ticks_us)
try:
    app.run(SimulatedBoard(settings, ticks_us, adc, stream))
except KeyboardInterrupt:
    sys.stdout.buffer.write(b"prompt %d %d " % tuple(keys))
    sys.stdout.buffer.write(sys.stdin.buffer.read(1))
finally:
    adc.close()
"""


@pytest.mark.parametrize("typed", [b"\r\x03", b"\r\x03\r\x01"])
def test_a_streaming_tool_on_a_port_gives_it_back(simulated_tool: Any, wire: Any, typed: bytes) -> None:
    import tty

    # Both ends stay open here: what the process wrote last would go with its end.
    master, port = os.openpty()
    tty.setraw(port)
    process = subprocess.Popen(
        [*simulated_tool.interpreter, "-c", _A_BOARD_ON_ITS_REPL],
        env=simulated_tool.environment,
        stdin=master,
        stdout=master,
        stderr=subprocess.PIPE,
    )
    try:
        received = b""

        def read_until(enough: bytes, count: int = 1) -> None:
            nonlocal received
            deadline = time.monotonic() + 30
            while received.count(enough) < count:
                assert time.monotonic() < deadline, received[-200:]
                if select.select([port], [], [], 0.02)[0]:
                    received += os.read(port, 65536)

        os.write(port, wire.hello() + wire.command(1, kinds.START_STREAM))
        read_until(b"\x00", 60)
        os.write(port, typed)
        read_until(b"prompt -1 3 ")
        if typed == b"\r\x03":
            os.write(port, b"\x01")
        read_until(b"prompt -1 3 \x01")
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, b"")
        assert len(wire.decode(received[: received.index(b"prompt")]).samples()) > 30
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        os.close(port)
        os.close(master)


class _HeldPort:
    """A sink that holds each write for some turns, in which the port runs what was scheduled."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.room = True
        self.written = b""
        self.scheduled: list[Callable[[None], None]] = []
        self.most = 8

    def schedule(self, do: Callable[[None], None], _argument: None) -> None:
        if len(self.scheduled) >= self.most:
            raise RuntimeError("schedule queue full")
        self.scheduled.append(do)

    def turn(self) -> None:
        due, self.scheduled = self.scheduled, []
        for do in due:
            do(None)

    def write(self, data: bytes) -> int:
        for _ in range(self.turns):
            self.turn()
        self.written += data
        return len(data)

    def fileno(self) -> int:
        return 1


class _HeldConsole(Console):
    # CPython's poll has no ipoll, and the sink of this test no descriptor.
    def _has_room(self) -> bool:
        return bool(self._sink.room)


Held = Callable[[int], tuple[_HeldConsole, _HeldPort, list[int]]]


@pytest.fixture
def held(port: _Port) -> Held:
    """Return `held(turns)`: a console on a port that holds writes, its sink, and what went on meanwhile."""

    def make(turns: int) -> tuple[_HeldConsole, _HeldPort, list[int]]:
        sink = _HeldPort(turns)
        console = _HeldConsole(port._source, sink, port.keys.append, lambda: 0, sink.schedule)
        calls: list[int] = []
        console.meanwhile = lambda: calls.append(len(calls))
        return console, sink, calls

    return make


def test_while_a_write_is_held_what_goes_on_meanwhile_is_called_and_not_after(held: Held) -> None:
    console, sink, calls = held(500)
    assert console.write(b"frame") == 5
    assert len(calls) == 500
    for _ in range(10):
        sink.turn()
    assert len(calls) == 500
    assert not sink.scheduled


def test_a_write_that_is_not_held_calls_nothing_and_schedules_no_more_than_one(held: Held) -> None:
    console, sink, calls = held(0)
    for _ in range(100):
        console.write(b"frame")
        assert len(sink.scheduled) <= 1
    sink.turn()
    assert (calls, sink.scheduled) == ([], [])
    assert sink.written == b"frame" * 100


def test_a_full_port_is_not_written_to(held: Held) -> None:
    console, sink, calls = held(500)
    sink.room = False
    assert console.write(b"frame") == 0
    assert (sink.written, calls) == (b"", [])


def test_where_nothing_more_can_be_scheduled_it_is_written_all_the_same(held: Held) -> None:
    console, sink, calls = held(3)
    sink.most = 0
    assert console.write(b"frame") == 5
    assert calls == []
    sink.most = 8
    console.write(b"frame")
    assert len(calls) == 3
