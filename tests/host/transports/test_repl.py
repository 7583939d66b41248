"""The raw REPL of a played board, by mpremote: what is asked is answered; whatever goes wrong ends, with a reason."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.played_board.played import PlayedBoard, played_boards

from iastm_host.transports.base import BUSY, LOST, NOT_A_PORT, NOT_FOUND, TransportError
from iastm_host.transports.repl import NO_PROMPT, SILENT_PORT, RawRepl, ReplError

Make = Callable[..., PlayedBoard]
TIMEOUT_S = 10.0
ALL_BYTES = bytes(range(256)) * 20
LOOP = b"import time\nprint('another program')\nwhile True:\n time.sleep_ms(20)\n"
# Lets nobody in: whoever interrupts it is not heard.
DEAF_LOOP = (
    b"import time\nwhile True:\n try:\n  print('busy')\n  time.sleep_ms(20)\n except KeyboardInterrupt:\n  pass\n"
)
# As a tool does whose watchdog runs: it restarts, and is at its prompt then.
RESTARTING = b"""
import machine, os, time
try:
    os.remove('/safe')
except OSError:
    try:
        print('a tool')
        while True:
            time.sleep_ms(20)
    except KeyboardInterrupt:
        print('The watchdog runs: restarting into safe mode.')
        open('/safe', 'w').close()
        machine.reset()
"""
SLOWLY = b"""
else:
    time.sleep(0.6)
    os.remove('/safe')
    print('in safe mode')
"""


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[Make]:
    with played_boards(tmp_path) as make:
        yield make


def prompt(board: PlayedBoard, timeout_s: float = TIMEOUT_S) -> RawRepl:
    return RawRepl(str(board.port), timeout_s)


def opened(board: PlayedBoard) -> RawRepl:
    repl = prompt(board)
    repl.open()
    return repl


@contextmanager
def port_that(says: bytes) -> Iterator[str]:
    """Give a port that says this without an end, and takes everything."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ends = threading.Event()
    os.set_blocking(master, False)

    def talk() -> None:
        while not ends.wait(0.002):
            for do in (lambda: os.read(master, 4096), lambda: os.write(master, says) if says else None):
                try:
                    do()
                except BlockingIOError:
                    continue

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ends.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("raw_paste", [True, False])
def test_what_code_prints_and_what_it_raises_comes_back(make_board: Make, raw_paste: bool) -> None:
    board = make_board(raw_paste=raw_paste)
    board.power_on()
    with prompt(board) as repl:
        assert repl.run("print(6*7)\nprint('two')") == "42\ntwo\n"
        with pytest.raises(ReplError) as raised:
            repl.run("[][1]")
        assert raised.value.last_line.startswith("IndexError")
        assert "Traceback" in raised.value.traceback
        assert repl.run("print('goes on')") == "goes on\n"


@pytest.mark.parametrize("raw_paste", [True, False])
def test_a_file_comes_back_as_it_was_written_whatever_its_bytes(make_board: Make, raw_paste: bool) -> None:
    board = make_board(raw_paste=raw_paste)
    board.power_on()
    told: list[tuple[int, int]] = []
    with prompt(board) as repl:
        before = repl.sent_bytes
        repl.write_file("/all.bin", ALL_BYTES, lambda done, total: told.append((done, total)))
        sent = repl.sent_bytes - before
        assert repl.read_file("/all.bin") == ALL_BYTES
        assert repl.read_file("/all.bin", 300) == ALL_BYTES[:300]
        repl.write_file("/empty", b"")
        assert repl.read_file("/empty") == b""
        with pytest.raises(ReplError, match="ENOENT"):
            repl.read_file("/none")
    assert told[-1] == (len(ALL_BYTES), len(ALL_BYTES))
    assert len(ALL_BYTES) < sent < 2 * len(ALL_BYTES)
    assert sent <= board.received_bytes
    board.power_off()
    assert board.files()["/all.bin"] == ALL_BYTES


def test_lines_are_told_as_they_come(make_board: Make) -> None:
    board = make_board()
    board.power_on()
    lines: list[str] = []
    with prompt(board) as repl:
        repl.run("for i in range(3):print(i)", on_line=lines.append)
    assert lines == ["0", "1", "2"]


def test_a_program_that_runs_is_interrupted_and_main_py_is_not_started_again(make_board: Make) -> None:
    board = make_board()
    board.put({"/main.py": LOOP})
    board.power_on()
    board.wait_for("another program")
    with prompt(board) as repl:
        assert repl.run("print(__name__)") == "__main__\n"
    assert b"another program" not in board.said


def test_a_board_that_is_just_starting_is_asked_until_it_hears(make_board: Make) -> None:
    board = make_board()
    board.put({"/main.py": LOOP})
    board.power_on()
    # Its interpreter is not up yet, and an interrupt that comes now is lost.
    with prompt(board, 2.0) as repl:
        assert repl.run("print('in')") == "in\n"


def test_a_reset_starts_main_py(make_board: Make) -> None:
    board = make_board()
    board.put({"/main.py": LOOP})
    board.power_on()
    board.wait_for("another program")
    opened(board).reset()
    board.wait_for("another program")
    assert board.lives == ["soft raw", "reset"]


@pytest.mark.parametrize("bridge", [True, False])
def test_a_tool_that_restarts_into_safe_mode_is_asked_a_second_time(make_board: Make, bridge: bool) -> None:
    board = make_board(bridge=bridge)
    board.put({"/main.py": RESTARTING})
    board.power_on()
    board.wait_for("a tool")
    with prompt(board, 2.0) as repl:
        assert repl.run("print('in')") == "in\n"
    assert board.lives == ["reset", "soft raw"]


@pytest.mark.parametrize("bridge", [True, False])
def test_a_tool_on_its_way_into_safe_mode_is_not_interrupted(make_board: Make, bridge: bool) -> None:
    board = make_board(bridge=bridge)
    # It forgets that it was asked for safe mode once it is there: interrupted before, it would go there again.
    board.put({"/main.py": RESTARTING.replace(b"os.remove('/safe')", b"os.stat('/safe')") + SLOWLY})
    board.power_on()
    board.wait_for("a tool")
    # Over a bridge it is asked again sooner than it is there.
    with prompt(board, 2.0) as repl:
        assert "safe" not in repl.run("import os\nprint(os.listdir('/'))")


def test_a_board_that_comes_back_under_another_name_is_found(make_board: Make) -> None:
    board = make_board()
    board.put({"/main.py": RESTARTING})
    board.power_on()
    board.wait_for("a tool")
    first = str(board.port.resolve())
    # Its number is not given to another while somebody has it.
    held = os.open(first, os.O_RDWR | os.O_NOCTTY)
    try:
        repl = RawRepl(first, 2.0, locate=lambda: str(board.port.resolve()))
        with repl:
            assert repl.run("print('in')") == "in\n"
        assert str(board.port.resolve()) != first
    finally:
        os.close(held)


@pytest.mark.parametrize("at_prompt", [True, False])
def test_a_command_that_is_broken_off_hinders_no_reset(make_board: Make, at_prompt: bool) -> None:
    board = make_board()
    board.put({"/main.py": LOOP})
    board.power_on()
    board.wait_for("another program")
    repl = opened(board)

    def break_off(_: str) -> None:
        raise KeyboardInterrupt

    code = "print('begun')" if at_prompt else "print('begun')\nimport time\nwhile 1:time.sleep_ms(10)"
    with pytest.raises(KeyboardInterrupt):
        repl.run(code, on_line=break_off)
    repl.reset()
    board.wait_for("another program")
    assert board.lives[-1] == "reset"


# What goes wrong


def failed_open(port: str, timeout_s: float = 0.5) -> TransportError:
    repl = RawRepl(port, timeout_s, open_within_s=1.0)
    with pytest.raises(TransportError) as raised:
        repl.open()
    assert raised.value.fix
    return raised.value


def test_a_silent_port_is_told_as_silent() -> None:
    with port_that(b"") as port:
        error = failed_open(port)
    assert error.reason == SILENT_PORT
    assert port in error.what


def test_a_port_that_never_falls_silent_ends_and_what_it_says_is_told() -> None:
    with port_that(b"temperature 21.5 C\r\n" * 20) as port:
        error = failed_open(port)
    assert error.reason == NO_PROMPT
    assert "21.5" in error.what


def test_a_program_that_lets_nobody_in_is_told(make_board: Make) -> None:
    board = make_board()
    board.put({"/main.py": DEAF_LOOP})
    board.power_on()
    board.wait_for("busy")
    error = failed_open(str(board.port))
    assert error.reason == NO_PROMPT
    assert "busy" in error.what


def test_a_port_that_another_program_has_is_busy_and_the_program_is_named(make_board: Make) -> None:
    board = make_board()
    board.power_on()
    code = "import serial, sys\nport = serial.Serial(sys.argv[1], exclusive=True)\nprint('has it', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(board.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"has it\n"
        error = failed_open(str(board.port))
        holder.kill()
    assert error.reason == BUSY
    assert f"process {holder.pid}" in error.what


def test_a_port_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    assert failed_open(str(tmp_path / "none")).reason == NOT_FOUND
    for name in ("/dev/null", str(tmp_path), "socket://nowhere"):
        assert failed_open(name).reason == NOT_A_PORT


def test_a_cable_that_is_pulled_amid_a_file_is_a_lost_link(make_board: Make) -> None:
    board = make_board()
    board.power_on(unplug_after=8_000)
    repl = opened(board)
    with pytest.raises(TransportError) as raised:
        repl.write_file("/big", bytes(100_000))
    assert raised.value.reason == LOST
    board.wait_off()
    with pytest.raises(TransportError):
        repl.reset()
    with pytest.raises(TransportError):
        repl.run("print(1)")


def test_a_board_that_falls_silent_amid_a_command_is_lost_after_its_time(make_board: Make) -> None:
    board = make_board()
    board.power_on()
    with prompt(board) as repl:
        with pytest.raises(TransportError, match="silent") as raised:
            repl.run("import time\ntime.sleep(30)", timeout_s=0.3)
        assert raised.value.reason == LOST


def test_a_damaged_file_system_is_told_at_once_with_its_cure() -> None:
    # What MicroPython prints on an ESP32 each three seconds, for ever, and again after each soft reset.
    says = (
        b"The filesystem appears to be corrupted. If you had important data there, you\r\nmay want to make a flash "
        b"snapshot to try to recover it. Otherwise, perform\r\nfactory reprogramming of MicroPython firmware "
        b"(completely erase flash, followed\r\nby firmware programming).\r\n\r\n"
    )
    with port_that(says) as port:
        error = failed_open(port, timeout_s=30.0)
    assert error.reason == NO_PROMPT
    assert "damaged" in error.what
    for words in ("iastm flash --erase", "flash_nuke.uf2", "calibration", "key", "log"):
        assert words in error.fix


def test_nothing_is_printed_by_what_is_used_below(make_board: Make, capfd: pytest.CaptureFixture[str]) -> None:
    board = make_board()
    board.put({"/main.py": DEAF_LOOP})
    board.power_on()
    board.wait_for("busy")
    failed_open(str(board.port))
    with port_that(b"\x04OK>\x04") as port:
        failed_open(port)
    assert capfd.readouterr() == ("", "")
