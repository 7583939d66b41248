from __future__ import annotations

import io
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from iastm_host.cli.deploy import as_object, shown, words_on
from iastm_host.cli.wiring_deploy import Order, deploy_to, interrupted_once, locator, only_port
from iastm_host.events import Problem
from iastm_host.transports.base import NOT_FOUND, TransportError
from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import FoundBoard, find_boards
from iastm_host.workbench.deploy import NOTE, Deployed, Step

UNO = SerialPort("/dev/ttyACM1", 0x2341, 0x0043, "55", "Uno", "Arduino")
MODEM = SerialPort("/dev/ttyUSB2", 0x2C7C, 0x0125, "", "EG25", "Quectel")
PROBE = SerialPort("/dev/ttyACM2", 0x2E8A, 0x000C, "E66", "Debug Probe (CMSIS-DAP)", "Raspberry Pi")
BRIDGE = SerialPort("/dev/ttyUSB0", 0x0403, 0x6001, "A1", "FT232R USB UART", "FTDI")
OTHER_S = SerialPort("/dev/ttyACM3", 0x2E8A, 0x1234, "E66", "A keyboard", "Somebody")


def port(device: str, number: str = "E661", place: str = "") -> SerialPort:
    return SerialPort(device, 0x2E8A, 0x0005, number, "Board in FS mode", "MicroPython", place)


def no_one(question: str) -> bool:
    raise AssertionError(f"nobody is to be asked: {question}")


def test_the_only_board_is_taken_and_strangers_beside_it_are_not_counted() -> None:
    assert only_port(find_boards([port("/dev/ttyACM0")], []), no_one) == "/dev/ttyACM0"
    assert only_port(find_boards([UNO, MODEM, port("/dev/ttyACM0"), PROBE], []), no_one) == "/dev/ttyACM0"


@pytest.mark.parametrize("stranger", [UNO, MODEM, PROBE])
def test_what_is_no_board_is_never_taken_by_itself(stranger: SerialPort) -> None:
    with pytest.raises(Problem, match=stranger.device) as raised:
        only_port(find_boards([stranger], []), no_one)
    assert "Nothing was touched" in raised.value.what
    assert "--port" in raised.value.fix


@pytest.mark.parametrize("hidden", [BRIDGE, OTHER_S])
def test_what_may_be_a_board_is_taken_only_where_a_person_agrees(hidden: SerialPort) -> None:
    asked: list[str] = []

    def answer(word: bool) -> Callable[[str], bool]:
        def say(question: str) -> bool:
            asked.append(question)
            return word

        return say

    assert only_port(find_boards([hidden], []), answer(True)) == hidden.device
    assert hidden.device in asked[0]
    for nobody in (answer(False), None):
        with pytest.raises(Problem, match="was not touched") as raised:
            only_port(find_boards([hidden], []), nobody)
        assert f"--port {hidden.device}" in raised.value.fix
    # Beside a board that is sure it may be the one that is meant.
    with pytest.raises(Problem, match="several"):
        only_port(find_boards([hidden, port("/dev/ttyACM0")], []), no_one)


def test_several_boards_are_listed() -> None:
    with pytest.raises(Problem) as raised:
        only_port(find_boards([port("/dev/ttyACM0"), port("/dev/ttyACM1", "E662")], []), no_one)
    assert "/dev/ttyACM0" in raised.value.what
    assert "/dev/ttyACM1" in raised.value.what
    assert "--port" in raised.value.fix


def test_no_board_and_a_board_in_its_bootloader_are_told_apart() -> None:
    with pytest.raises(Problem, match="No board is here"):
        only_port([], no_one)
    bootloader = FoundBoard(None, Path("/media/RPI-RP2"), "bootloader", (), "/media/RPI-RP2: a Pico in its bootloader")
    with pytest.raises(Problem, match="RPI-RP2") as raised:
        only_port([bootloader], no_one)
    assert "iastm flash" in raised.value.fix
    rom = SerialPort("/dev/ttyACM0", 0x303A, 0x0009, "", "", "")
    with pytest.raises(Problem, match="No board with MicroPython"):
        only_port(find_boards([rom], []), no_one)


def test_a_port_is_found_again_by_its_board_s_number() -> None:
    ports = [port("/dev/ttyACM0"), port("/dev/ttyACM1", "OTHER")]
    locate = locator("/dev/ttyACM0", lambda: ports)
    assert locate() == "/dev/ttyACM0"
    # It comes back under another name, and another board has taken its own.
    ports[:] = [port("/dev/ttyACM0", "OTHER"), port("/dev/ttyACM2")]
    assert locate() == "/dev/ttyACM2"
    # It is gone, and another board under its name is not it.
    for others in ([], [port("/dev/ttyACM0", "OTHER")]):
        ports[:] = others
        assert gone(locate)


def gone(locate: Callable[[], str]) -> bool:
    with pytest.raises(TransportError) as raised:
        locate()
    return raised.value.reason == NOT_FOUND


def test_a_number_that_two_boards_share_is_no_identity() -> None:
    # As of many a CP2102: all are 0001.
    one, two = port("/dev/ttyUSB0", "0001"), port("/dev/ttyUSB1", "0001")
    ports = [one, two]
    locate = locator("/dev/ttyUSB0", lambda: ports)
    assert locate() == "/dev/ttyUSB0"
    ports[:] = [two]
    assert gone(locate)
    ports[:] = [two, one]
    assert locate() == "/dev/ttyUSB0"


def test_boards_with_the_same_number_are_told_apart_by_where_they_are_plugged_in() -> None:
    ports = [port("/dev/ttyUSB0", "0001", "1-1"), port("/dev/ttyUSB1", "0001", "1-2")]
    locate = locator("/dev/ttyUSB0", lambda: ports)
    # Names changed, as it came back last.
    ports[:] = [port("/dev/ttyUSB0", "0001", "1-2"), port("/dev/ttyUSB2", "0001", "1-1")]
    assert locate() == "/dev/ttyUSB2"
    ports.pop()
    assert gone(locate)
    # One that appears later with the same number is another one as well.
    ports[:] = [port("/dev/ttyUSB0", "7", "1-1")]
    locate = locator("/dev/ttyUSB0", lambda: ports)
    ports[:] = [port("/dev/ttyUSB0", "7", "1-2"), port("/dev/ttyUSB1", "7", "1-1")]
    assert locate() == "/dev/ttyUSB1"


def test_a_link_to_a_port_is_kept_while_it_leads_there(tmp_path: Path) -> None:
    device, other, link = tmp_path / "ttyACM0", tmp_path / "ttyACM1", tmp_path / "by-id"
    for path in (device, other):
        path.touch()
    link.symlink_to(device)
    ports = [port(str(device))]
    locate = locator(str(link), lambda: ports)
    assert locate() == str(link)
    ports[:] = [port(str(other))]
    assert locate() == str(other)


def test_a_port_without_a_number_keeps_its_name() -> None:
    ports = [port("/dev/ttyUSB0", "")]
    locate = locator("/dev/ttyUSB0", lambda: ports)
    assert locate() == "/dev/ttyUSB0"
    ports[:] = [port("/dev/ttyUSB1", "")]
    assert gone(locate)
    ports[:] = [replace(MODEM, device="/dev/ttyUSB0")]
    assert gone(locate)
    assert locator("socket://127.0.0.1:9", lambda: ports)() == "socket://127.0.0.1:9"


def test_a_board_by_name_or_file_is_checked_first(tmp_path: Path) -> None:
    for board in ("pico", "no_such_board", str(tmp_path / "none.py")):
        with pytest.raises(Problem) as raised:
            deploy_to(str(tmp_path / "no port"), Order(board=board), lambda _: None, list)
        # The one that is known comes as far as the port.
        assert ("no port" in raised.value.what) == (board == "pico")


def test_a_board_file_that_can_t_be_is_told_with_its_faults(tmp_path: Path) -> None:
    for source, words in (("WIRING = {\n", "SyntaxError"), ('WIRING = {"name": "x", "chip": "ESP32-S3"}\n', "adc")):
        faulty = tmp_path / "pins.py"
        faulty.write_text(source)
        with pytest.raises(Problem, match=r"pins\.py") as raised:
            deploy_to(str(tmp_path / "no port"), Order(board=str(faulty)), lambda _: None, list)
        assert words in raised.value.what


def test_a_board_of_its_own_class_is_not_checked_here(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("class Board:\n    pass\n")
    told: list[Step] = []
    with pytest.raises(Problem, match="no port"):
        deploy_to(str(tmp_path / "no port"), Order(board=str(own)), told.append, list)
    # And that is said.
    assert "chip can be checked" in told[0].words
    assert told[0].name == NOTE


def test_a_note_stays_on_a_terminal() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=80, force_terminal=True)) as tell:
        tell(Step(NOTE, "own.py can't be checked"))
        tell(STEPS[0])
    assert "own.py can't be checked.\n" in out.getvalue()


def test_only_the_first_interrupt_interrupts() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupted_once():
            pass
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        cleaned = []

        def clean_up() -> None:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
                cleaned.append(True)

        def work() -> None:
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                clean_up()

        with pytest.raises(KeyboardInterrupt), interrupted_once():
            work()
        assert len(cleaned) == 3
        # The program ends now.
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_thread_of_the_window_changes_nothing_of_signals() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: interrupted_once().__enter__()).result()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


STEPS = (
    Step("open", "Asking"),
    Step("send", "Sending a", 1, 4),
    Step("send", "Sending b", 4, 4),
    Step("switch", "Now"),
)


def test_without_a_terminal_each_step_is_one_line() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=80)) as tell:
        for step in STEPS:
            tell(step)
    assert out.getvalue().splitlines() == ["Asking.", "Sending a.", "Now."]


def test_on_a_terminal_a_bar_shows_the_share() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=80, force_terminal=True)) as tell:
        for step in STEPS[:3]:
            tell(step)
    assert "Sending b" in out.getvalue()
    assert "100 %" in out.getvalue()


def test_what_was_done_is_said() -> None:
    done = Deployed("1+a", "b", changed=True, sent_files=2, sent_bytes=3100, kept_files=90, trouble="no converter")
    said = "\n".join(words_on(done))
    for words in ("1+a runs", "2 files sent (3.1 kB)", "90 were there already", "no converter"):
        assert words in said
    assert list(words_on(Deployed("1+a", "b", changed=False))) == ["Nothing to do: 1+a is on the board already."]
    assert "main.py.before" in "".join(words_on(Deployed("1+a", "b", changed=True, replaced=("main.py.before",))))
    assert as_object("/dev/x", done)["trouble"] == "no converter"
    assert as_object("/dev/x", Deployed("1+a", "b", changed=False))["trouble"] is None
