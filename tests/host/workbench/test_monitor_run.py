"""A monitor that runs: links that break, keys, and the way to a tool's prompt and back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from iastm_host.events import Chunk, Problem
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import ENDED, LOST, NOT_FOUND, PROGRESSOR, Transport, TransportError
from iastm_host.workbench.monitor import Line, Monitor
from iastm_host.workbench.monitor_run import PROMPT_KEY, run_monitor
from iastm_protocol import kinds

CHUNK_US = 20_000
SILENCE_US = 100_000


@dataclass
class Board(Transport):
    """A board on a cable, and its link: a tool's firmware, or MicroPython's prompt; no time passes but on its clock.

    As a board does: `\\r\\x03` and silence end the firmware; with `watchdog` it restarts into safe mode, whose port
    is gone for a moment. At its prompt it echoes what is typed, and Ctrl-D starts the firmware again. `at` maps the
    number of a read to what happens before it.
    """

    tool: Any
    runs: bool = True
    watchdog: bool = False
    deaf: bool = False
    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    now_us: int = 1_000_000
    mtu: int | None = None
    reads: int = 0
    opened: int = 0
    closed: int = 0
    away: int = 0
    fails: list[TransportError] = field(default_factory=list)
    typed: bytes = b""
    heard: list[str] = field(default_factory=list)
    _out: bytes = b""
    _tail: bytes = b""
    _raw: bool = False

    def __call__(self) -> int:
        return self.now_us

    async def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)
        await asyncio.sleep(0)

    async def open(self) -> None:
        self.opened += 1
        if self.fails:
            raise self.fails.pop(0)
        if self.away:
            self.away -= 1
            raise TransportError(NOT_FOUND, "There is no port.", "Plug it in.")
        self._out = b""

    async def read(self) -> Chunk:
        self.reads += 1
        assert self.reads < 20_000, "this monitor does not end"
        if self.reads in self.at:
            self.at[self.reads]()
        # Keys get their turn.
        for _ in range(5):
            await asyncio.sleep(0)
        if self.fails:
            raise self.fails.pop(0)
        if self._tail.endswith(b"\r\x03") and not self._out:
            self._asked_for_the_prompt()
        out, self._out = self._out, b""
        self.now_us += CHUNK_US if out else SILENCE_US
        return Chunk(self.now_us, out)

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        del privileged
        self._tail = (self._tail + data)[-8:]
        if self.runs:
            self.tool.now_us = self.now_us
            self._out += self.tool.take(data)
            return
        for byte in data:
            self._key(bytes([byte]))

    async def close(self) -> None:
        self.closed += 1

    def _asked_for_the_prompt(self) -> None:
        self._tail = b""
        if self.deaf or not self.runs:
            return
        self.heard.append("asked for the prompt")
        self.runs = False
        if self.watchdog:
            self.away = 3
            self.fails.append(TransportError(LOST, "The link is gone.", "Wait."))
            self.watchdog = False
        else:
            self._out += b"IASTM tool in safe mode: a host asked for the prompt.\r\n>>> "

    def _key(self, key: bytes) -> None:
        if key == b"\x04":
            self.heard.append("soft reset")
            self.runs = True
            self.tool.greeted = False
            self._out += b"\r\nMPY: soft reboot\r\n"
        elif key == b"\x03":
            self._out += b"\r\n>>> "
        elif key == b"\x02":
            self._out += b"\r\nMicroPython v1.29.0\r\n>>> "
        else:
            self.typed += key
            self._out += key if key != b"\r" else b"\r\n>>> "


@dataclass
class FakeDesk:
    """Takes lines, and gives keys when they are put into `keys`."""

    lines: list[Line] = field(default_factory=list)
    said: bytes = b""
    passes: list[bool] = field(default_factory=list)
    keys: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    def show(self, line: Line) -> None:
        self.lines.append(line)

    def pass_through(self, on: bool) -> None:
        self.passes.append(on)

    def tool_said(self, data: bytes) -> None:
        self.said += data

    async def typed(self) -> bytes:
        return await self.keys.get()

    def words(self, topic: str) -> list[str]:
        return [line.words for line in self.lines if line.topic == topic]


def ran(board: Board, desk: FakeDesk, *, duration_s: float | None = 10.0, listens: bool = False) -> FakeDesk:
    monitor = Monitor(None if listens else ToolClient("test 1"))
    asyncio.run(run_monitor(board, monitor, board, desk, duration_s=duration_s, listens=listens, sleep=board.sleep))
    assert board.closed >= 1
    return desk


def test_it_ends_after_its_time_and_leaves_the_tool_without_a_stream(fake_tool: Any) -> None:
    board = Board(fake_tool())
    desk = ran(board, FakeDesk())
    assert "streaming: Live" in desk.words("link")
    assert not board.tool.streaming
    assert re.match(r"1\d\.\d s: \d+ frames, 0 damaged", desk.words("end")[0])


@pytest.mark.parametrize("key", [b"q", b"Q", b"xq"])
def test_q_ends_it(fake_tool: Any, key: bytes) -> None:
    board, desk = Board(fake_tool()), FakeDesk()
    board.at[50] = lambda: desk.keys.put_nowait(key)
    ran(board, desk, duration_s=None)
    assert not board.tool.streaming
    assert len(desk.words("end")) == 1


def test_a_port_that_is_not_there_at_first_is_a_problem(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()
    board.away = 1
    with pytest.raises(Problem, match="There is no port"):
        ran(board, desk)
    assert desk.lines == []


def test_a_link_that_breaks_is_opened_again_for_as_long_as_it_takes(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()

    def break_it() -> None:
        board.fails.append(TransportError(LOST, "The link to X is gone.", "Check the cable."))
        board.away = 40

    board.at[50] = break_it
    ran(board, desk, duration_s=200.0)
    assert desk.words("link").count("gone: The link to X is gone.") == 1
    assert desk.words("link").count("streaming: Live") == 2
    assert board.opened == 42


def test_q_ends_it_while_it_waits_for_a_link(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()

    def break_it() -> None:
        board.fails.append(TransportError(LOST, "The link to X is gone.", "Check the cable."))
        board.away = 1_000_000
        desk.keys.put_nowait(b"q")

    board.at[50] = break_it
    ran(board, desk, duration_s=None)
    assert len(desk.words("end")) == 1


def test_a_simulated_tool_that_ended_is_a_problem_and_is_not_waited_for(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()
    board.at[50] = lambda: board.fails.append(TransportError(ENDED, "It ended: ValueError.", "Report it."))
    with pytest.raises(Problem, match="It ended"):
        ran(board, desk)
    assert desk.words("link")[-1] == "gone: It ended: ValueError."


def test_another_makers_gauge_is_refused_in_words(fake_tool: Any) -> None:
    board = Board(fake_tool())
    board.dialect = PROGRESSOR
    with pytest.raises(Problem, match="another language"):
        ran(board, FakeDesk())


@pytest.mark.parametrize("watchdog", [False, True])
@pytest.mark.parametrize("back", [PROMPT_KEY, b"\x18"])
def test_the_prompt_is_reached_and_left_and_the_tool_starts_again(fake_tool: Any, watchdog: bool, back: bytes) -> None:
    board, desk = Board(fake_tool(), watchdog=watchdog), FakeDesk()
    board.at[60] = lambda: desk.keys.put_nowait(PROMPT_KEY)

    def at_prompt() -> None:
        assert desk.passes == [True], desk.lines
        assert not board.runs
        desk.keys.put_nowait(b"1+1\r")
        desk.keys.put_nowait(b"q\x03")
        desk.keys.put_nowait(b"x" + back + b"not for the tool")

    board.at[140] = at_prompt
    ran(board, desk, duration_s=40.0)
    assert board.heard == ["asked for the prompt", "soft reset"]
    assert board.typed.replace(b"\r", b"") == b"1+1qx"
    assert b"1+1\r\n>>> " in desk.said
    assert desk.passes == [True, False]
    assert [words.split(".")[0].split(":")[0] for words in desk.words("prompt")] == [
        "Asking for it",
        "Here it is",
        "Left",
    ]
    # Greeted twice, and live again.
    assert desk.words("link").count("streaming: Live") == 2
    assert board.tool.heard[-1][0] == kinds.COMMAND


def test_a_tool_that_gives_no_prompt_is_watched_on(fake_tool: Any) -> None:
    board, desk = Board(fake_tool(), deaf=True), FakeDesk()
    board.at[60] = lambda: desk.keys.put_nowait(PROMPT_KEY)
    ran(board, desk, duration_s=60.0)
    assert desk.words("prompt")[-1].startswith("None came.")
    assert desk.passes == []
    assert desk.words("link").count("streaming: Live") == 2


@pytest.mark.parametrize("key", [PROMPT_KEY, b"q"])
def test_who_waits_for_a_prompt_may_give_it_up(fake_tool: Any, key: bytes) -> None:
    board, desk = Board(fake_tool(), deaf=True), FakeDesk()
    asked_us: list[int] = []

    def ask() -> None:
        desk.keys.put_nowait(PROMPT_KEY)
        asked_us.append(board.now_us)

    board.at[60] = ask
    board.at[80] = lambda: desk.keys.put_nowait(key)
    ran(board, desk, duration_s=20.0)
    assert desk.words("prompt")[-1] == "Given up."
    given_up = next(line for line in desk.lines if line.words == "Given up.")
    assert given_up.host_us - asked_us[0] < 4_000_000
    # The other key ends it at once.
    assert desk.words("link").count("streaming: Live") == (2 if key == PROMPT_KEY else 1)


def test_where_there_can_be_no_prompt_it_is_said_at_once(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()
    board.at[60] = lambda: desk.keys.put_nowait(PROMPT_KEY)
    monitor = Monitor(ToolClient("test 1"))
    running = run_monitor(board, monitor, board, desk, duration_s=10.0, sleep=board.sleep, no_prompt="It has none.")
    asyncio.run(running)
    assert desk.words("prompt") == ["It has none."]
    assert board.heard == []
    assert desk.words("link").count("streaming: Live") == 1


def test_a_cable_that_is_pulled_at_the_prompt_gives_the_terminal_back(fake_tool: Any) -> None:
    board, desk = Board(fake_tool()), FakeDesk()
    board.at[60] = lambda: desk.keys.put_nowait(PROMPT_KEY)
    board.at[140] = lambda: board.fails.append(TransportError(LOST, "The link is gone.", "Check it."))
    ran(board, desk, duration_s=30.0)
    assert desk.passes == [True, False]
    assert "gone: The link is gone." in desk.words("link")


def test_there_is_no_prompt_over_bluetooth_and_none_for_who_only_listens(fake_tool: Any) -> None:
    board, desk = Board(fake_tool(), mtu=200), FakeDesk()
    board.at[10] = lambda: desk.keys.put_nowait(PROMPT_KEY)
    ran(board, desk, duration_s=3.0)
    assert "cable" in desk.words("prompt")[0]
    board, desk = Board(fake_tool()), FakeDesk()
    board.at[10] = lambda: desk.keys.put_nowait(PROMPT_KEY)
    ran(board, desk, duration_s=3.0, listens=True)
    assert "--listen" in desk.words("prompt")[0]
    assert board.tool.heard == []
