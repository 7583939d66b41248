from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from iastm_host.cli.deploy import as_object, shown, words_on
from iastm_host.cli.wiring_deploy import Order, deploy_to, locator, only_port
from iastm_host.events import Problem
from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import FoundBoard, find_boards
from iastm_host.workbench.deploy import Deployed, Step


def port(device: str, number: str = "E661") -> SerialPort:
    return SerialPort(device, 0x2E8A, 0x0005, number, "Board in FS mode", "MicroPython")


def test_the_only_board_is_taken() -> None:
    assert only_port(find_boards([port("/dev/ttyACM0")], [])) == "/dev/ttyACM0"


def test_several_boards_are_listed() -> None:
    with pytest.raises(Problem) as raised:
        only_port(find_boards([port("/dev/ttyACM0"), port("/dev/ttyACM1", "E662")], []))
    assert "/dev/ttyACM0" in raised.value.what
    assert "/dev/ttyACM1" in raised.value.what
    assert "--port" in raised.value.fix


def test_no_board_and_a_board_in_its_bootloader_are_told_apart() -> None:
    with pytest.raises(Problem, match="No board is here"):
        only_port([])
    bootloader = FoundBoard(None, Path("/media/RPI-RP2"), "bootloader", (), "/media/RPI-RP2: a Pico in its bootloader")
    with pytest.raises(Problem, match="RPI-RP2") as raised:
        only_port([bootloader])
    assert "iastm flash" in raised.value.fix


def test_a_port_is_found_again_by_its_board_s_number() -> None:
    ports = [port("/dev/ttyACM0"), port("/dev/ttyACM1", "OTHER")]
    locate = locator("/dev/ttyACM0", lambda: ports)
    assert locate() == "/dev/ttyACM0"
    # It comes back under another name, and another board has taken its own.
    ports[:] = [port("/dev/ttyACM0", "OTHER"), port("/dev/ttyACM2")]
    assert locate() == "/dev/ttyACM2"
    ports[:] = []
    assert locate() == "/dev/ttyACM0"


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
    ports[:] = [port("/dev/ttyUSB1", "")]
    assert locate() == "/dev/ttyUSB0"
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
    with pytest.raises(Problem, match="no port"):
        deploy_to(str(tmp_path / "no port"), Order(board=str(own)), lambda _: None, list)


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
