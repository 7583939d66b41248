from __future__ import annotations

import asyncio
import io
import os
import pty
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from iastm_host.terminal.monitor import PlainDesk, TerminalDesk, line_text
from iastm_host.terminal.prompt_filter import PromptFilter
from iastm_host.workbench.monitor import Line

LIMIT_S = 30.0
LINE = Line(1_000, "fault", "came: converter silent")


def wall_time(host_us: int) -> str:
    return f"12:00:00.{host_us // 1000:03}"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    near, far = pty.openpty()
    yield near, far
    os.close(near)
    os.close(far)


def test_a_line_says_when_what_about_and_what() -> None:
    assert line_text(LINE, wall_time) == "12:00:00.001  fault    came: converter silent"


def test_a_desk_without_a_terminal_has_no_keys() -> None:
    written: list[str] = []
    desk = PlainDesk(written.append, wall_time)
    desk.show(LINE)
    assert written == ["12:00:00.001  fault    came: converter silent"]

    async def typed() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(desk.typed(), 0.01)

    asyncio.run(typed())


def test_keys_come_one_by_one_and_the_terminal_is_left_as_it_was(terminal: tuple[int, int]) -> None:
    near, far = terminal
    before = termios.tcgetattr(far)
    noted: list[str] = []
    shown = io.StringIO()
    desk = TerminalDesk(Console(file=shown, width=40), far, wall_time, noted.append)
    desk.begin()
    cbreak = termios.tcgetattr(far)
    assert not cbreak[3] & (termios.ECHO | termios.ICANON)
    # Ctrl-C still ends the monitor.
    assert cbreak[3] & termios.ISIG

    async def press(keys: bytes) -> bytes:
        os.write(near, keys)
        return await asyncio.wait_for(desk.typed(), LIMIT_S)

    async def story() -> None:
        assert await press(b"q") == b"q"
        # What is typed as it changes is not lost.
        os.write(near, b"early\r")
        desk.pass_through(True)
        assert await asyncio.wait_for(desk.typed(), LIMIT_S) == b"early\r"
        raw = termios.tcgetattr(far)
        assert not raw[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        # At the prompt Ctrl-C is the tool's.
        assert await press(b"\x03\x1d") == b"\x03\x1d"
        desk.pass_through(False)
        assert termios.tcgetattr(far) == cbreak

    asyncio.run(story())
    desk.show(Line(1_000, "text", "[bold]a long line of text that is not wrapped and no markup either[/bold]"))
    desk.end()
    assert termios.tcgetattr(far) == before
    assert noted == ["12:00:00.001  text     [bold]a long line of text that is not wrapped and no markup either[/bold]"]
    assert shown.getvalue().strip() == noted[0]


def filtered(*pieces: bytes) -> bytes:
    shown = PromptFilter()
    return b"".join(shown.feed(piece) for piece in pieces)


def test_line_editing_and_letters_reach_the_terminal() -> None:
    said = b"\r\n>>> print('gr\xc3\xb6\xc3\x9fe \xe5\x8a\x9b')\x08\x1b[K\x1b[2D\x1b[31mred\x1b[0m\t\a"
    assert filtered(said) == said


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1b]0;title\x07",
        b"\x1b[2J",
        b"\x1b[?1049h",
        b"\x1bc",
        b"\x1bP1$r\x1b\\",
        b"\xc2\x9b2J",
        b"\x9b2J",
        b"\x0e",
        b"\x05",
    ],
)
def test_what_would_change_more_of_the_terminal_loses_its_power(sequence: bytes) -> None:
    shown = filtered(b"a" + sequence + b"b")
    assert shown.startswith(b"a")
    assert shown.endswith(b"b")
    assert not {0x1B, 0x9B, 0x0E, 0x05} & set(shown.replace(b"\xc3\x9b", b""))


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_whatever_comes_only_movements_on_a_line_are_escaped(pieces: list[bytes]) -> None:
    shown = filtered(*pieces)
    for part in shown.split(b"\x1b")[1:]:
        assert part[:1] == b"["
        assert part[1:].lstrip(b"0123456789;")[:1] in (b"C", b"D", b"K", b"m")


@given(st.binary(max_size=40), st.integers(0, 40))
def test_a_sequence_that_comes_in_two_pieces_is_one(data: bytes, place: int) -> None:
    said = b"\x1b[12D" + data + b"\x1b[K."
    assert filtered(said[:place], said[place:]) == filtered(said)
