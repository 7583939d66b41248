from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.host.window.fake_session import FakeSession, snapshot_at

from iastm_host.app.live_view import ViewState
from iastm_host.terminal.keys import NoKeys, TerminalKeys
from iastm_host.terminal.run import _obey, run_lines


class Pressed:
    def __init__(self, keys: str) -> None:
        self._keys = keys

    def pressed(self) -> str:
        return self._keys


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    near, far = pty.openpty()
    yield near, far
    os.close(near)
    os.close(far)


def test_lines_are_written_until_the_session_is_over() -> None:
    session = FakeSession(snapshot_at(3.0))
    lines: list[str] = []
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        session.shown = replace(snapshot_at(3.0 + len(slept)), finished=len(slept) == 6)

    run_lines(session, lines.append, sleep)
    assert len(slept) == 6
    assert sum(line.startswith("stroke") for line in lines) == snapshot_at(9.0).stroke_count


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("z", "zero"),
        ("u", "undo_zero"),
        ("m", "add_marker"),
        ("n", "next_region"),
        ("r", "start_recording"),
        ("q", "stop"),
    ],
)
def test_each_key_asks_the_session_for_its_action(key: str, call: str) -> None:
    session = FakeSession()
    _obey(Pressed(key), session, ViewState())
    assert session.calls == [call]


def test_space_pauses_view_and_session_and_goes_on() -> None:
    session = FakeSession()
    state = _obey(Pressed(" "), session, ViewState())
    assert state.paused
    assert state.frozen is not None
    assert not _obey(Pressed(" "), session, state).paused
    assert session.calls == ["pause", "go_on"]


def test_s_silences_a_tool_that_can_be_and_ends_it() -> None:
    mute = ViewState(sound_available=False)
    session = FakeSession()
    _obey(Pressed("s"), session, mute)
    assert session.calls == []
    assert session.shown.tool is not None
    session.shown = replace(session.shown, tool=replace(session.shown.tool, chooses_channels=True))
    _obey(Pressed("s"), session, mute)
    session.shown = replace(session.shown, tool_silenced_s=50)
    _obey(Pressed("s"), session, mute)
    assert session.calls == ["silence", "let_sound"]


def test_other_keys_do_nothing() -> None:
    session = FakeSession()
    assert _obey(Pressed("xyä1\x1b"), session, ViewState()) == ViewState()
    assert session.calls == []


def test_keys_come_from_the_terminal_without_waiting_and_in_lower_case(terminal: tuple[int, int]) -> None:
    near, far = terminal
    keys = TerminalKeys(far)
    os.set_blocking(far, True)
    import tty

    tty.setcbreak(far)
    assert keys.pressed() == ""
    os.write(near, b"Zm q")
    assert keys.pressed() == "zm q"
    assert keys.pressed() == ""


def test_bytes_that_are_no_text_are_left_out(terminal: tuple[int, int]) -> None:
    near, far = terminal
    import tty

    tty.setcbreak(far)
    os.write(near, b"\xffz\xc3")
    assert TerminalKeys(far).pressed() == "z"


def test_without_a_keyboard_nothing_is_pressed() -> None:
    assert NoKeys().pressed() == ""
