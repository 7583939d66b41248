"""`iastm monitor` and the files of `iastm new-board` as their users start them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.played_board.played import PlayedBoard, played_boards
from tests.system.conftest import COMMAND

from iastm_protocol import frames, kinds

LIMIT_S = 60.0
TIME = r"\d\d:\d\d:\d\d\.\d{3}"

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def words(out: str, topic: str) -> list[str]:
    """Return what stands behind the time and this topic."""
    return [found[1] for line in out.splitlines() if (found := re.match(rf"{TIME}  {topic} +(.*)", line))]


def test_a_simulated_tool_tells_who_it_is_and_every_line_is_kept(iastm: Iastm, tmp_path: Path) -> None:
    out = tmp_path / "seen.txt"
    ran = iastm("monitor", "--simulated", "--frames", "--duration", "4", "--out", out)
    assert (ran.code, ran.err) == (0, "")
    assert out.read_text() == ran.out
    assert all(re.match(rf"{TIME}  \S+ ", line) for line in ran.out.splitlines())
    assert "streaming: Live" in words(ran.out, "link")
    assert words(ran.out, "fault") == ["none"]
    assert words(ran.out, "tool")[0].startswith("simulated SIM-0001 (simulated), firmware ")
    sent, came = words(ran.out, "→"), words(ran.out, "←")
    assert sent[0].startswith("HELLO #8224: major 1, ")
    said = {re.sub(r"^\d+ × |[ ,].*", "", line) for line in sent}
    assert said == {"HELLO", "COMMAND", "PING", "ACK"}
    assert not any("SET_" in line for line in sent)
    assert sum(line.startswith("STATUS #") for line in came) >= 2
    samples = [int(found[1]) for line in came if (found := re.match(r"\d+ × FORCE_SAMPLES: (\d+) samples", line))]
    assert sum(samples) >= 3 * 320
    assert words(ran.out, "lost") == words(ran.out, "damaged") == []
    assert re.search(r"\d+ frames, 0 damaged", words(ran.out, "end")[0])


def test_a_tool_that_is_watched_is_another_hosts_tool_afterwards(iastm: Iastm, started: Started) -> None:
    port = first_line(started("simulate", "--seed", "3"))
    ran = iastm("monitor", "--port", port, "--duration", "2")
    assert ran.code == 0, ran.err
    again = iastm("run", "--port", port, "--duration", "1", "--json")
    assert again.code == 0, again.err
    assert again.json["gaps"] == 0


def test_over_bluetooth_it_is_the_same(iastm: Iastm, started: Started) -> None:
    tool = started("simulate", "--transport", "ble", "--seed", "5")
    radio = first_line(tool)
    ran = iastm("monitor", "--tool", "IASTM 0005", "--radio", radio, "--duration", "5", "--frames", "--samples")
    assert ran.code == 0, ran.err
    assert "streaming: Live" in words(ran.out, "link")
    assert any("raw counts: " in line for line in words(ran.out, "←"))
    assert words(ran.out, "lost") == words(ran.out, "damaged") == []


class ScriptedPort:
    """A port whose far end says what it is told to; `heard` is what was said to it."""

    def __init__(self) -> None:
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.port = os.ttyname(self._near)
        self.heard = b""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def say(self, data: bytes) -> None:
        os.write(self._far, data)

    def close(self) -> None:
        self._ends.set()
        self._thread.join(LIMIT_S)
        os.close(self._near)
        os.close(self._far)

    def _listen(self) -> None:
        while not self._ends.is_set():
            if select.select([self._far], [], [], 0.05)[0]:
                self.heard += os.read(self._far, 4096)


@pytest.fixture
def scripted() -> Iterator[ScriptedPort]:
    made = ScriptedPort()
    yield made
    made.close()


def until_shown(process: subprocess.Popen[str], sign: str) -> list[str]:
    """Return the lines up to that with `sign`."""
    assert process.stdout is not None
    lines: list[str] = []
    while True:
        line = process.stdout.readline()
        assert line, f"it ended before {sign!r}: {lines}"
        lines.append(line.rstrip("\n"))
        if sign in line:
            return lines


def test_boot_text_frames_escapes_and_damage_are_shown_as_what_they_are(
    started: Started, scripted: ScriptedPort
) -> None:
    monitor = started("monitor", "--port", scripted.port, "--listen")
    until_shown(monitor, "nothing is said to it")
    status = bytes(frames.encode(kinds.STATUS, 1, bytes(35)))
    broken = bytearray(frames.encode(kinds.STATUS, 2, bytes(range(35))))
    broken[9] ^= 0x40
    scripted.say(b"ESP-ROM:esp32s3-20210327\r\n\x1b]0;evil\x07\x1b[31mred\x1b[0m\r\n" + status + bytes(broken))
    scripted.say(bytes(frames.encode(kinds.STATUS, 5, bytes(35))) + b"waiting for download\r\n")
    lines = "\n".join(until_shown(monitor, "its bootloader"))
    assert words(lines, "text") == ["ESP-ROM:esp32s3-20210327", r"\x1b]0;evil\x07red", "waiting for download"]
    assert [line.split(":")[0] for line in words(lines, "←")] == ["STATUS #1", "STATUS #5"]
    (damage,) = words(lines, "damaged")
    assert re.fullmatch(r"no\. 1: \d+ bytes at byte \d+, after STATUS #1, neither frame nor text: .*", damage)
    assert words(lines, "lost") == ["3 frames before STATUS #5, by its sequence"]
    assert any("iastm flash" in hint for hint in words(lines, "hint"))
    assert "\x1b" not in lines
    monitor.send_signal(signal.SIGINT)
    rest, errors = monitor.communicate(timeout=LIMIT_S)
    assert monitor.returncode == 130
    assert errors == ""
    assert len(words(rest, "end")) == 1
    assert scripted.heard == b""


def test_plain_micropython_is_told_to_be_no_tool(started: Started, scripted: ScriptedPort) -> None:
    monitor = started("monitor", "--port", scripted.port)
    until_shown(monitor, "open")
    scripted.say(b'Traceback (most recent call last):\r\n  File "main.py", line 1, in <module>\r\n')
    scripted.say(b"ImportError: no module named 'iastm_firmware'\r\nMicroPython v1.29.0\r\n>>> ")
    lines = "\n".join(until_shown(monitor, "MicroPython's prompt"))
    assert any("iastm deploy" in hint for hint in words(lines, "hint"))
    assert words(lines, "text")[-1] == ">>>"
    monitor.send_signal(signal.SIGTERM)
    monitor.communicate(timeout=LIMIT_S)
    assert monitor.returncode == 143
    assert scripted.heard == b""


def test_a_port_that_is_not_there_is_said_in_words(iastm: Iastm) -> None:
    ran = iastm("monitor", "--port", "/dev/nothing-here")
    assert ran.code == 2
    assert "There is no port /dev/nothing-here" in ran.err
    assert "Traceback" not in ran.err


# The terminal becomes that of its session, as it is a person's: Ctrl-C interrupts.
_OWNED = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class AtTerminal:
    """A monitor at a terminal of its own: `seen` is all that stands on it."""

    def __init__(self, environment: dict[str, str], *arguments: str | Path) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OWNED, *COMMAND, "monitor", *map(str, arguments)],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**environment, "TERM": "xterm"},
        )

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, sign: str) -> None:
        """Wait until `sign` is shown after what was waited for before."""
        end_s = time.monotonic() + LIMIT_S
        while sign not in self.seen:
            assert time.monotonic() < end_s, f"{sign!r} did not come: {self.seen[-3000:]}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.seen += os.read(self._master, 4096).decode(errors="replace")
        self.seen = self.seen.split(sign, 1)[1]

    def mode(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def at_terminal(environment: dict[str, str]) -> Iterator[Callable[..., AtTerminal]]:
    made: list[AtTerminal] = []

    def make(*arguments: str | Path) -> AtTerminal:
        made.append(AtTerminal(environment, *arguments))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(("keys", "code"), [(b"q", 0), (b"\x03", 130)])
def test_a_key_ends_it_and_the_terminal_is_as_it_was(
    at_terminal: Callable[..., AtTerminal], keys: bytes, code: int
) -> None:
    monitor = at_terminal("--simulated")
    monitor.until("streaming: Live")
    assert monitor.mode() != monitor.before
    monitor.press(keys)
    monitor.until("end ")
    assert monitor.process.wait(LIMIT_S) == code
    assert monitor.mode() == monitor.before


def test_a_simulated_tool_says_at_once_that_it_has_no_prompt(at_terminal: Callable[..., AtTerminal]) -> None:
    monitor = at_terminal("--simulated")
    monitor.until("streaming: Live")
    monitor.press(b"\x1d")
    monitor.until("A simulated tool has none")
    monitor.press(b"q")
    monitor.until("end ")
    assert monitor.process.wait(LIMIT_S) == 0


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., PlayedBoard]]:
    with played_boards(tmp_path) as make:
        yield make


_TABLE = """
WIRING = {
    "name": "watched",
    "chip": "RP2040",
    "adc": {"driver": "HX711", "data": 10, "clock": 11, "rate_hz": 80},
    "light": {"kind": "LED", "pin": "LED"},
    "cell": {"id": "none yet", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
    "bluetooth": False,
    "watchdog_ms": %d,
}
"""


def firmware_files(watchdog_ms: int) -> dict[str, bytes | None]:
    """Return what lies on a board on which the sources were copied."""
    root = Path(__file__).resolve().parents[2]
    files: dict[str, bytes | None] = {
        "/main.py": b"from iastm_firmware.start import main\nmain()\n",
        "/board.py": (_TABLE % watchdog_ms).encode(),
    }
    for folder in (root / "protocol", root / "firmware_micropython"):
        for package in ("iastm_protocol", "iastm_firmware"):
            for path in (folder / package).rglob("*.py"):
                files["/" + path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


@pytest.mark.parametrize("watchdog_ms", [0, 8000])
def test_the_prompt_of_a_real_tool_is_reached_and_the_tool_starts_again(
    board: Callable[..., PlayedBoard], at_terminal: Callable[..., AtTerminal], watchdog_ms: int
) -> None:
    played = board(blocks=1024)
    played.put(firmware_files(watchdog_ms))
    played.power_on()
    monitor = at_terminal("--port", played.port)
    monitor.until("watched ")
    monitor.until("streaming: Live")
    # Its first condition comes after a second, when its watchdog runs.
    monitor.until("fault    ")
    monitor.press(b"\x1d")
    monitor.until("Here it is")
    monitor.press(b"print(6 * 7, 'q')\r")
    monitor.until("42 q")
    monitor.press(b"\x1d")
    monitor.until("Left. MicroPython starts anew")
    monitor.until("streaming: Live")
    monitor.press(b"q")
    monitor.until("end ")
    assert monitor.process.wait(LIMIT_S) == 0
    assert monitor.mode() == monitor.before
    played.power_off()
    assert ("reset" in played.lives) is bool(watchdog_ms)


def test_a_new_board_is_written_tried_and_wrong_until_its_pins_are_chosen(iastm: Iastm, tmp_path: Path) -> None:
    ran = iastm("new-board", "my_tool", "--chip", "rp2040", "--adc", "hx711")
    assert ran.code == 0, ran.err
    assert "iastm deploy --board my_tool.py" in ran.out
    tried = iastm("try-board", "my_tool.py")
    assert tried.code == 1
    assert tried.out.splitlines() == [
        f"wrong: {part}: still to be chosen" for part in ("adc data", "adc clock", "button")
    ]
    again = iastm("new-board", "my_tool")
    assert again.code == 2
    assert "my_tool.py exists and is not overwritten" in again.err
    file = tmp_path / "my_tool.py"
    text = file.read_text()
    for part, pin in (("data", 10), ("clock", 11), ("button", 15)):
        text = text.replace(f'"{part}": CHOOSE', f'"{part}": {pin}')
    file.write_text(text)
    started = iastm("try-board", "my_tool.py")
    assert started.code == 0
    assert started.out.splitlines()[0] == "The table is right."
    assert started.out.splitlines()[-1].startswith("my_tool: ")


_PRINTS = b"""
import time
time.sleep(%d)
for number in range(60):
    time.sleep(%d)
    print("tick", number)
"""


@pytest.mark.parametrize("seldom", [False, True])
def test_a_strangers_program_that_prints_runs_on(
    board: Callable[..., PlayedBoard], started: Started, size: Callable[[int, int], int], seldom: bool
) -> None:
    every_s = size(2, 5) if seldom else 1
    played = board()
    # One of them is quiet for long enough to be greeted first.
    quiet_s = 5 if seldom else 0
    played.put({"/main.py": _PRINTS % (quiet_s, every_s)})
    played.power_on()
    monitor = started("monitor", "--port", str(played.port))
    seen = "\n".join(until_shown(monitor, "tick 1" if seldom else "tick 3"))
    assert played.received_bytes > 0 or not seldom
    assert "KeyboardInterrupt" not in seen
    assert "Traceback" not in seen
    monitor.send_signal(signal.SIGTERM)
    monitor.communicate(timeout=LIMIT_S)
    played.power_off()
