from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iastm_host.events import ForceBlock, Problem, ToolDescription
from iastm_host.tool.client import ToolClient
from iastm_host.transports import base
from iastm_host.transports.base import Transport, TransportError
from iastm_host.transports.runtime import Runtime, find_runtime
from iastm_host.transports.serial import SerialTransport
from iastm_host.transports.simulated import SimulatedTransport
from iastm_host.transports.simulated_ble import SimulatedBleTransport
from iastm_host.transports.simulator import Pace, SimulatedTool

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these tests look at processes as Linux shows them")

CPYTHON = Runtime("cpython", (sys.executable,), "test")
_PATIENCE_S = 60.0
SETTINGS: dict[str, object] = {"serial_number": "SIM-4711", "zero_counts": 1000, "rate_mhz": 320_000}


def rows(n: int, at: list[int] | None = None) -> bytes:
    """Return rows whose counts tell their number."""
    made = b""
    for _ in range(n):
        number = 0 if at is None else at[0]
        made += struct.pack("<ii", number * 1000, number % 8_000_000)
        if at is not None:
            at[0] += 1
    return made


def clock_us() -> int:
    return time.monotonic_ns() // 1000


def gone(pid: int) -> bool:
    """Tell whether a process ended (one that nobody waited for yet counts as ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def until(happened: Callable[[], bool]) -> None:
    limit_s = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < limit_s, "it did not happen"
        time.sleep(0.01)


@pytest.fixture(params=[True, False], ids=["pty", "socket"])
def on_pty(request: pytest.FixtureRequest) -> bool:
    """Whether the tool is on a pseudo-terminal, or on a socket as on Windows."""
    return bool(request.param)


@pytest.fixture(params=["found", "cpython"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """The runtime that is found here (MicroPython, where its package is installed), and CPython."""
    return CPYTHON if request.param == "cpython" else find_runtime(os.environ)


@pytest.fixture
def tools(on_pty: bool) -> Iterator[Callable[..., SimulatedTool]]:
    """Return `make(runtime, truth)`: simulated tools that are ended with the test."""
    made: list[SimulatedTool] = []

    def make(runtime: Runtime | None = None, truth: Path | None = None, **settings: object) -> SimulatedTool:
        at = [0]
        runtime = runtime or find_runtime(os.environ)
        tool = SimulatedTool(runtime, lambda n: rows(n, at), SETTINGS | settings, truth, on_pty=on_pty)
        made.append(tool)
        return tool

    yield make
    for tool in made:
        tool.stop()


_LISTENING = "import sys\nif '--listen' in sys.argv: print('listening on 127.0.0.1:1', file=sys.stderr, flush=True)\n"


def stand_in(folder: Path, source: str) -> Runtime:
    """Return a runtime that runs `source` in place of the firmware."""
    path = folder / "stand_in.py"
    path.write_text(_LISTENING + source)
    return Runtime("cpython", (sys.executable, str(path)), "test")


def pid_of(tool: SimulatedTool) -> int:
    assert tool._process is not None
    return tool._process.pid


async def played(transport: Transport, samples: int, session: int = 0) -> tuple[ToolDescription, list[int]]:
    """Return what the tool says of itself and its first counts."""
    client = ToolClient("test 1", session=session)
    await transport.open()
    client.opening()
    client.opened()
    tool = None
    counts: list[int] = []
    async with asyncio.timeout(_PATIENCE_S):
        while len(counts) < samples:
            for event in client.receive(await transport.read()):
                if isinstance(event, ToolDescription):
                    tool = event
                if isinstance(event, ForceBlock) and event.raw_counts is not None:
                    counts += event.raw_counts.tolist()
            for data in client.to_send():
                await transport.write(data)
    assert tool is not None
    return tool, counts


def test_settings_and_rows_reach_the_firmware_which_streams_without_a_gap_and_no_file_stays(
    tools: Any, runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tool = tools(runtime)
    transport = SimulatedTransport(tool, clock_us)

    async def run() -> tuple[ToolDescription, list[int]]:
        try:
            return await played(transport, 800)
        finally:
            await transport.close()

    said, counts = asyncio.run(run())
    assert (said.serial_number, said.rate_hz, said.simulated) == ("SIM-4711", 320.0, True)
    assert said.runtime.startswith(runtime.name)
    assert counts == list(range(counts[0], counts[0] + len(counts)))
    assert list(tmp_path.iterdir()) == []


def test_one_host_comes_after_another_and_finds_the_tool_going_on(tools: Any, runtime: Runtime) -> None:
    tool = tools(runtime)
    tool.start()

    async def host(session: int) -> tuple[ToolDescription, list[int]]:
        transport = SerialTransport(tool.port, clock_us)
        try:
            return await played(transport, 50, session)
        finally:
            await transport.close()

    said, counts = asyncio.run(host(1))
    said_again, more = asyncio.run(host(2))
    assert said_again == said
    assert more[0] > counts[0]
    assert more == list(range(more[0], more[0] + len(more)))
    assert tool.wait(0) is None


def test_a_tool_that_was_stopped_can_be_started_again(tools: Any, on_pty: bool) -> None:
    tool = tools()
    for _ in range(2):
        tool.start()
        assert tool.port.startswith("/dev/" if on_pty else "socket://127.0.0.1:")
        asyncio.run(played(SerialTransport(tool.port, clock_us), 10))
        tool.stop()


class Source:
    """Rows that tell their number; it stalls once, before row `stalls_at`, for a second."""

    def __init__(self, stalls_at: int | None = None) -> None:
        self.handed = [0]
        self._stalls_at = stalls_at

    def __call__(self, n: int) -> bytes:
        if self._stalls_at is not None and self.handed[0] >= self._stalls_at:
            self._stalls_at = None
            threading.Event().wait(1.0)
        return rows(n, self.handed)


async def most_ahead(tool: SimulatedTool, source: Source, samples: int, settled: int) -> int:
    """Return how far rows were handed out ahead of the samples that came, at most, from sample `settled` on."""
    most = 0
    client = ToolClient("test 1")
    transport = SimulatedTransport(tool, clock_us)
    at = None
    try:
        await transport.open()
        client.opening()
        client.opened()
        async with asyncio.timeout(_PATIENCE_S):
            while at is None or at < samples:
                for event in client.receive(await transport.read()):
                    if isinstance(event, ForceBlock) and event.raw_counts is not None:
                        counts = event.raw_counts.tolist()
                        assert counts == list(range(event.first_index, event.next_index))
                        assert at is None or event.first_index == at, "a sample is missing"
                        at = event.next_index
                if at is not None and at > settled:
                    most = max(most, source.handed[0] - at)
                for data in client.to_send():
                    await transport.write(data)
    finally:
        await transport.close()
    return most


@pytest.mark.parametrize("stalls_at", [None, 400], ids=["even", "stalling"])
def test_with_a_pace_rows_are_handed_out_just_before_their_time_and_none_is_missing(
    runtime: Runtime, on_pty: bool, stalls_at: int | None
) -> None:
    source = Source(stalls_at)
    tool = SimulatedTool(runtime, source, SETTINGS, pace=Pace(320.0, clock_us), on_pty=on_pty)
    # Ahead by 0.2 s, and what is on its way in tool, link and host: far from the half minute that a pipe holds.
    assert asyncio.run(most_ahead(tool, source, 1200, 800)) < 320


def test_without_a_pace_the_pipe_is_kept_full(tools: Any) -> None:
    source = Source()
    tool = SimulatedTool(find_runtime(os.environ), source, SETTINGS)
    assert asyncio.run(most_ahead(tool, source, 400, 0)) > 8000


def test_a_tool_with_a_pace_leaves_no_thread_and_no_descriptor(on_pty: bool) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def start_and_stop(runtime: Runtime) -> None:
        tool = SimulatedTool(runtime, rows, SETTINGS, pace=Pace(320.0, clock_us), on_pty=on_pty)
        try:
            tool.start()
        except Problem:
            return
        tool.stop()

    start_and_stop(find_runtime(os.environ))
    before = descriptors()
    for runtime in (find_runtime(os.environ), Runtime("micropython", ("/nowhere/micropython",), "test")):
        start_and_stop(runtime)
    assert descriptors() <= before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tool ")]


def test_stop_ends_the_tool_and_may_come_twice(tools: Any) -> None:
    tool = tools()
    tool.start()
    pid = pid_of(tool)
    assert tool.wait(0) is None
    tool.stop()
    tool.stop()
    assert gone(pid)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tool ")]


def test_a_tool_that_does_not_listen_to_an_interrupt_is_ended_all_the_same(tools: Any, tmp_path: Path) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    tool = tools(stand_in(tmp_path, deaf + "sys.stderr.write('deaf\\n'); sys.stderr.flush()\ntime.sleep(600)\n"))
    tool.start()
    pid = pid_of(tool)
    until(lambda: "deaf" in tool.last_words)
    tool.stop()
    assert gone(pid)


def test_no_descriptor_stays_open(tools: Any) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    tool = tools()
    tool.start()
    tool.stop()
    before = descriptors()
    for _ in range(3):
        tool = tools()
        tool.start()
        tool.stop()
    assert descriptors() <= before


def test_a_tool_that_dies_is_an_error_with_its_last_words(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, "raise SystemExit('the converter burned')\n"))
    transport = SimulatedTransport(tool, clock_us)

    async def run() -> TransportError:
        try:
            with pytest.raises(TransportError) as raised:
                await played(transport, 1)
        finally:
            await transport.close()
        return raised.value

    error = asyncio.run(run())
    assert error.reason == base.ENDED
    assert "exit code 1" in error.what
    assert "the converter burned" in error.what
    assert error.fix


def test_firmware_that_fails_in_mid_stream_is_an_error_with_its_traceback(tools: Any, runtime: Runtime) -> None:
    # What can't be counted with makes the converter fail at its 100th conversion.
    transport = SimulatedTransport(tools(runtime, missed=[[100, "many"]]), clock_us)

    async def run() -> TransportError:
        try:
            with pytest.raises(TransportError) as raised:
                await played(transport, 1000)
        finally:
            await transport.close()
        return raised.value

    error = asyncio.run(run())
    assert error.reason == base.ENDED
    assert "TypeError" in error.what


def test_what_ends_the_tool_before_it_listens_is_a_problem_in_its_words(runtime: Runtime) -> None:
    tool = SimulatedTool(runtime, rows, {"rate_mhz": 0}, on_pty=False)
    with pytest.raises(Problem, match="rate_mhz must be above 0"):
        tool.start()
    assert tool._process is None


_SAY_THAT_IT_RUNS = "print('running', file=sys.stderr, flush=True)\n"
_DIES = "raise SystemExit('the converter burned')\n"


def test_the_firmware_answers_its_first_greeting_once_it_is_said_to_run(tools: Any, runtime: Runtime) -> None:
    async def answers(port: str) -> bool:
        greetings: list[bytes] = []
        transport = SerialTransport(port, clock_us)
        await transport.open()
        client = ToolClient("test 1", session=1)
        client.opening()
        client.opened()
        async with asyncio.timeout(_PATIENCE_S):
            try:
                while client.tool is None:
                    client.receive(await transport.read())
                    for data in client.to_send():
                        # The first one only.
                        if not greetings:
                            await transport.write(data)
                        greetings.append(data)
            finally:
                await transport.close()
        return True

    tool = tools(runtime)
    for _ in range(2):
        tool.start()
        tool.wait_until_running(_PATIENCE_S)
        assert tool.last_words == ""
        # Asked again it is said again.
        tool.wait_until_running(0)
        assert asyncio.run(answers(tool.port))
        tool.stop()


def test_a_tool_that_dies_before_it_runs_is_a_problem_at_once_with_its_last_words(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, _DIES))
    tool.start()
    with pytest.raises(Problem, match=r"exit code 1.*the converter burned") as raised:
        # The test would end before this.
        tool.wait_until_running(1e6)
    assert raised.value.fix


def test_a_tool_that_dies_after_it_ran_is_no_problem_of_its_start(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, _SAY_THAT_IT_RUNS + _DIES))
    tool.start()
    assert tool.wait(_PATIENCE_S) == 1
    tool.wait_until_running(_PATIENCE_S)
    assert tool.last_words == "the converter burned"


def test_a_tool_that_does_not_run_in_time_is_a_problem_in_words(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, "import time\ntime.sleep(600)\n"))
    tool.start()
    with pytest.raises(Problem, match=r"does not run after 0\.05 s"):
        tool.wait_until_running(0.05)


def test_a_tool_that_is_stopped_before_it_runs_keeps_nobody_waiting(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, "import time\ntime.sleep(600)\n"))
    tool.start()
    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(Problem):
            tool.wait_until_running(1e6)
        ended.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    tool.stop()
    assert ended.wait(_PATIENCE_S)


def test_a_transport_opens_only_once_the_firmware_runs_and_its_loop_goes_on_meanwhile(
    tools: Any, tmp_path: Path
) -> None:
    go, runs = tmp_path / "go", tmp_path / "runs"
    slow = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nopen({str(runs)!r}, 'w')\n"
    # On a socket nothing listens where the stand-in says it does: opening that fails, yet no earlier either.
    transport = SimulatedTransport(tools(stand_in(tmp_path, slow + _SAY_THAT_IT_RUNS + "time.sleep(600)\n")), clock_us)

    async def run() -> None:
        opening = asyncio.create_task(transport.open())
        await asyncio.sleep(0.2)
        assert not opening.done()
        go.touch()
        await asyncio.wait([opening], timeout=_PATIENCE_S)
        assert opening.done()
        assert runs.exists()
        opening.exception()
        await transport.close()

    asyncio.run(run())


def test_an_opening_that_is_given_up_before_the_firmware_runs_leaves_nothing(tools: Any, tmp_path: Path) -> None:
    tool = tools(stand_in(tmp_path, "import time\ntime.sleep(600)\n"))
    transport = SimulatedTransport(tool, clock_us)

    async def run() -> int:
        opening = asyncio.create_task(transport.open())
        await asyncio.to_thread(until, lambda: tool._process is not None and tool.port != "")
        pid = pid_of(tool)
        opening.cancel()
        await asyncio.wait([opening], timeout=_PATIENCE_S)
        assert opening.cancelled()
        await transport.close()
        return pid

    # Its end waits for all threads that were begun.
    assert gone(asyncio.run(asyncio.wait_for(run(), _PATIENCE_S)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("tool ")]


def test_a_tool_that_dies_before_it_runs_is_an_error_of_its_radio_too(tmp_path: Path) -> None:
    transport = SimulatedBleTransport(SimulatedTool(stand_in(tmp_path, _DIES), rows, SETTINGS), clock_us)

    async def run() -> TransportError:
        try:
            with pytest.raises(TransportError, match="the converter burned") as raised:
                await transport.open()
        finally:
            await transport.close()
        return raised.value

    assert asyncio.run(run()).reason == base.ENDED


def test_a_transport_that_is_not_open_says_so(tools: Any) -> None:
    transport = SimulatedTransport(tools(), clock_us)
    with pytest.raises(TransportError):
        asyncio.run(transport.read())
    asyncio.run(transport.close())


def test_a_runtime_that_is_not_there_is_a_problem_and_leaves_nothing(tools: Any) -> None:
    tool = tools(Runtime("micropython", ("/nowhere/micropython",), "test"))
    with pytest.raises(Problem, match="can't be started") as raised:
        tool.start()
    assert "$MICROPYTHON" in raised.value.fix
    assert tool._slave == -1


def test_a_truth_file_that_exists_is_not_overwritten(tools: Any, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("mine")
    with pytest.raises(Problem, match="not overwritten"):
        tools(truth=truth).start()
    assert truth.read_text() == "mine"
    with pytest.raises(Problem) as raised:
        tools(truth=tmp_path / "none" / "truth.csv").start()
    assert raised.value.fix


def test_the_truth_is_written_whole_when_the_tool_is_stopped(tools: Any, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    tool = tools(truth=truth)
    transport = SimulatedTransport(tool, clock_us)

    async def run() -> list[int]:
        try:
            return (await played(transport, 100))[1]
        finally:
            await transport.close()

    counts = asyncio.run(run())
    header, *lines = truth.read_text().splitlines()
    assert header == "index,tool_time_us,force_n,raw_counts"
    told = [int(line.split(",")[3]) for line in lines]
    assert told[: counts[-1] + 1][counts[0] :] == counts


_PARENT = """
import os, sys, time
from iastm_host.transports.runtime import Runtime, find_runtime
from iastm_host.transports.simulator import Pace, SimulatedTool
name, on_pty = sys.argv[1:]
runtime = Runtime(name, (sys.executable,), "test") if name == "cpython" else find_runtime(os.environ)
# Ten times as fast, so that what a pipe holds is soon played.
tool = SimulatedTool(runtime, lambda n: bytes(8 * n), {"rate_mhz": 3_200_000}, on_pty=on_pty == "True")
tool.start()
print(tool._process.pid, tool.port, flush=True)
time.sleep(600)
"""


def test_the_tool_ends_when_its_parent_is_killed(runtime: Runtime, on_pty: bool) -> None:
    command = [sys.executable, "-c", _PARENT, runtime.name, str(on_pty)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline().split()[0])
        assert not gone(child)
        parent.send_signal(signal.SIGKILL)
    until(lambda: gone(child))


def test_the_tool_ends_when_its_parent_is_killed_though_another_program_has_its_port_open(
    runtime: Runtime, on_pty: bool
) -> None:
    command = [sys.executable, "-c", _PARENT, runtime.name, str(on_pty)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child, port = parent.stdout.readline().split()

        async def hear_of_its_end() -> None:
            link = SerialTransport(port, clock_us)
            await link.open()
            parent.kill()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    while True:
                        await link.read()
            finally:
                await link.close()

        with pytest.raises(TransportError) as raised:
            asyncio.run(hear_of_its_end())
    assert raised.value.reason == base.LOST
    until(lambda: gone(int(child)))
