"""Bad input gets clear words with a fix and exit code 2, never a traceback; nothing recorded is overwritten."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iastm_protocol import frames, kinds, messages


def refused(ran: Any, *words: str) -> None:
    assert ran.code == 2, (ran.code, ran.out, ran.err)
    assert "Traceback" not in ran.err + ran.out
    for word in words:
        assert word in ran.err, ran.err


class Peer:
    """The other side of a serial port: answers each read with `answer(data)`."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._stop_write)
        self._thread.join(10)
        for fd in (self._master, self._slave, self._stop_read):
            os.close(fd)

    def _run(self) -> None:
        import select

        while True:
            ready = select.select([self._master, self._stop_read], [], [])[0]
            if self._stop_read in ready:
                return
            answer = self._answer(os.read(self._master, 4096))
            if answer:
                os.write(self._master, answer)


@pytest.fixture
def peer() -> Iterator[Callable[[Callable[[bytes], bytes]], Peer]]:
    peers: list[Peer] = []

    def make(answer: Callable[[bytes], bytes]) -> Peer:
        peers.append(Peer(answer))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


def test_a_port_that_is_not_there(iastm: Callable[..., Any]) -> None:
    refused(iastm("run", "--port", "/dev/ttyNONE0", "--headless"), "There is no port /dev/ttyNONE0", "iastm demo")


def test_a_file_that_is_no_port(iastm: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no port")
    refused(iastm("run", "--port", tmp_path / "file", "--headless"), "is not a serial port")
    refused(iastm("run", "--port", tmp_path, "--headless"), "is not a serial port")


def test_a_port_that_another_program_has_open(
    iastm: Callable[..., Any], started: Callable[..., Any], tmp_path: Path
) -> None:
    tool = started("simulate", "--scenario", "quiet")
    port = tool.stdout.readline().strip()
    first = started("run", "--port", port, "--headless")
    assert any("streaming" in line for line in iter(first.stdout.readline, ""))
    refused(iastm("run", "--port", port, "--headless"), "busy", "Close that program")


@pytest.mark.parametrize(
    "command",
    [("simulate",), ("simulate", "--transport", "ble"), ("calibrate", "bench"), ("calibrate", "bench", "--gauge")],
)
def test_a_simulated_tool_that_dies_as_it_starts_is_told_before_any_port_is_named(
    iastm: Callable[..., Any], tmp_path: Path, command: tuple[str, ...]
) -> None:
    stand_in = tmp_path / "micropython"
    stand_in.write_text('#!/bin/sh\nif [ "$1" = -c ]; then echo micropython; exit; fi\necho "it burned" >&2\nexit 3\n')
    stand_in.chmod(0o755)
    ran = iastm(*command, MICROPYTHON=str(stand_in))
    refused(ran, "exit code 3", "it burned")
    assert ran.out == ""


def test_silence_is_given_up_after_a_bounded_time(
    iastm: Callable[..., Any], peer: Callable[[Callable[[bytes], bytes]], Peer]
) -> None:
    refused(iastm("run", "--port", peer(lambda _: b"").port, "--headless", "--json"), "Nothing came within")


def test_garbage_is_shown(iastm: Callable[..., Any], peer: Callable[[Callable[[bytes], bytes]], Peer]) -> None:
    ran = iastm("run", "--port", peer(lambda _: b"NMEA $GPGGA\r\n").port, "--headless")
    refused(ran, "no hello of a tool", "$GPGGA")


def test_another_protocol_version_is_refused_in_clear_words(
    iastm: Callable[..., Any], peer: Callable[[Callable[[bytes], bytes]], Peer]
) -> None:
    future = messages.Hello(kinds.MAJOR + 1, 4, "whatever version two says", 0).to_payload()
    answer = frames.encode(kinds.HELLO_ANSWER, 0, future)
    refused(iastm("run", "--port", peer(lambda _: answer).port, "--headless"), "protocol 2.4", "Update this program")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("There is no file",)),
        (b"", ("is empty",)),
        (b"time,force\n1,2\n", ("is not a recording",)),
        (os.urandom(5000), ("is not a recording",)),
    ],
    ids=["missing", "empty", "csv", "noise"],
)
@pytest.mark.parametrize("command", ["replay", "export", "analyse"])
def test_a_file_that_is_no_recording(
    iastm: Callable[..., Any], tmp_path: Path, content: bytes | None, words: tuple[str, ...], command: str
) -> None:
    path = tmp_path / "file.iastm"
    if content is not None:
        path.write_bytes(content)
    more = ("--csv", tmp_path / "out.csv") if command == "export" else ("--headless",) if command == "replay" else ()
    refused(iastm(command, path, *more), *words)
    assert not (tmp_path / "out.csv").exists()


def test_a_truncated_recording_opens_up_to_its_last_whole_entry_and_says_so(
    iastm: Callable[..., Any], tmp_path: Path
) -> None:
    path = Path(iastm("demo", "--duration", "2", "--record", tmp_path, "--json").json["recording"])
    whole = path.read_bytes()
    cut = tmp_path / "cut.iastm"
    # Within an entry: where one ends, nothing tells that more came.
    end = len(whole) * 2 // 3
    while 0 in whole[end - 2 : end]:
        end -= 1
    cut.write_bytes(whole[:end])
    ran = iastm("replay", cut, "--speed", "max", "--json")
    assert ran.code == 0
    assert "cut off" in ran.err
    assert 100 < ran.json["samples"]["received"] < 640
    assert cut.read_bytes() == whole[:end]


def test_an_export_never_overwrites(iastm: Callable[..., Any], tmp_path: Path) -> None:
    path = Path(iastm("demo", "--duration", "1", "--record", tmp_path, "--json").json["recording"])
    target = tmp_path / "mine.csv"
    target.write_text("precious")
    refused(iastm("export", path, "--csv", target), "is not overwritten")
    assert target.read_text() == "precious"
    refused(iastm("export", path, "--csv", path), "is not overwritten")
    refused(iastm("export", path, "--csv", tmp_path / "none" / "x.csv"), "can't be written")


def test_a_truth_file_never_overwrites(iastm: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "truth.csv"
    target.write_text("precious")
    refused(iastm("simulate", "--truth", target), "is not overwritten")
    assert target.read_text() == "precious"


def test_a_folder_that_can_t_hold_recordings(iastm: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(iastm("demo", "--headless", "--record", tmp_path / "file" / "folder"), "can't be created")
    refused(iastm("demo", "--headless", "--record", tmp_path / ("x" * 300)), "can't be created", "shorter name")


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--headless", "--scenario", "nonsense"),
        ("demo", "--headless", "--duration", "-1"),
        ("demo", "--headless", "--duration", "nan"),
        ("demo", "--headless", "--duration", "inf"),
        ("demo", "--headless", "--seed", "-1"),
        ("demo", "--no-such-option"),
        ("run",),
        ("replay",),
        ("nonsense",),
        ("replay", "x.iastm", "--speed", "fast"),
        ("replay", "x.iastm", "--speed", "0"),
        ("replay", "x.iastm", "--speed", "nan"),
        ("analyse", "none.csv"),
        ("analyse", "none.csv", "--contact", "1"),
        ("analyse", "none.csv", "--unit", "stone"),
    ],
)
def test_a_command_that_makes_no_sense(iastm: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    ran = iastm(*arguments)
    refused(ran)
    assert ran.err.strip()
    assert ran.out == ""


def test_a_runtime_that_can_t_be_run(iastm: Callable[..., Any]) -> None:
    refused(iastm("demo", "--headless", MICROPYTHON="/no/such/micropython"), "$MICROPYTHON", "unset it")


def test_an_interpreter_that_is_not_micropython(iastm: Callable[..., Any]) -> None:
    refused(iastm("demo", "--headless", MICROPYTHON=sys.executable), "not MicroPython: cpython", "unset it")


def test_a_display_that_is_not_there(iastm: Callable[..., Any], tmp_path: Path) -> None:
    ran = iastm("demo", "--record", tmp_path / "recordings", DISPLAY=":9473")
    refused(ran, "The display :9473 can't be opened.", "--headless")
    assert not (tmp_path / "recordings").exists()


@pytest.mark.parametrize("port", ["", "loop://", "hwgrep://["])
def test_a_port_that_no_tool_can_be_at(iastm: Callable[..., Any], port: str) -> None:
    refused(iastm("run", "--port", port, "--headless"), "port", "iastm demo")


def test_settings_that_make_no_sense(iastm: Callable[..., Any]) -> None:
    refused(iastm("demo", "--headless", IASTM_PROFILE="no-such"), "no-such")
    refused(iastm("demo", "--headless", IASTM_TIP_AREA_CM2="wide"), "tip_area_cm2")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["demo --headless --duration 1 --json", "analyse --help", "--version"])
def test_an_output_that_takes_nothing_is_said_without_a_traceback(
    environment: dict[str, str], tmp_path: Path, arguments: str
) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "iastm_host.cli.main", *arguments.split()],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=environment,
        )
    assert ran.returncode == 2
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


def test_whoever_has_read_enough_ends_it_without_a_word(started: Callable[..., subprocess.Popen[str]]) -> None:
    # Lines come for ever; there is nobody for the second one.
    process = started("monitor", "--simulated")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
