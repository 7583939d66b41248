from pathlib import Path

import pytest

from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import BRIDGES, ESPTOOL, KINDS, UF2, find_boards, kinds_of_chip
from iastm_host.workbench.drives import Uf2Drive

_FIRMWARE_BOARDS = Path(__file__).parents[3] / "firmware_micropython" / "iastm_firmware" / "boards"


def port(vid: int | None, pid: int | None, product: str = "", device: str = "/dev/ttyACM0") -> SerialPort:
    return SerialPort(device, vid, pid, "", product, "")


@pytest.mark.parametrize(
    ("vid", "pid", "state", "names"),
    [
        (0x2E8A, 0x0005, "micropython", ["pico_w", "pico_2_w", "pico", "pico_2"]),
        (0x303A, 0x4001, "micropython", ["esp32_s3", "esp32_s3_8m", "esp32_s3_octal"]),
        (0x303A, 0x0009, "bootloader", ["esp32_s3", "esp32_s3_8m", "esp32_s3_octal"]),
        (0x303A, 0x1001, "unknown", ["esp32_s3", "esp32_s3_8m", "esp32_s3_octal", "esp32_c3"]),
        (0x239A, 0x811C, "unknown", ["esp32_s3"]),
        (0x2E8A, 0x1020, "unknown", ["pico_w", "pico_2_w", "pico", "pico_2"]),
        (0x10C4, 0xEA60, "unknown", ["esp32_s3", "esp32_s3_8m", "esp32_s3_octal", "esp32_c3"]),
        (0x2E8A, 0x000C, "unknown", []),
        (0x2E8A, 0x0004, "unknown", []),
        (0x1234, 0x5678, "unknown", []),
    ],
)
def test_a_board_is_told_by_its_usb_numbers(vid: int, pid: int, state: str, names: list[str]) -> None:
    (board,) = find_boards([port(vid, pid)], [])
    assert board.state == state
    assert [kind.name for kind in board.kinds] == names
    assert board.words.startswith("/dev/ttyACM0: ")
    assert f"({vid:04X}:{pid:04X})" in board.words
    assert board.where == "/dev/ttyACM0"


def test_what_a_bridge_hides_is_said() -> None:
    for numbers, name in BRIDGES.items():
        (board,) = find_boards([port(*numbers)], [])
        assert name in board.words
        assert "does not tell the board behind it" in board.words


def test_a_board_is_sure_only_by_numbers_of_its_own() -> None:
    for numbers, sure in (
        ((0x2E8A, 5), True),
        ((0x303A, 0x1001), True),
        ((0x2E8A, 0x1020), False),
        ((0x2E8A, 12), False),
    ):
        (board,) = find_boards([port(*numbers)], [])
        assert board.sure == sure
    assert not any(find_boards([port(*numbers)], [])[0].sure for numbers in BRIDGES)


def test_a_port_without_usb_is_no_board() -> None:
    assert find_boards([port(None, None, device="/dev/ttyS0")], []) == []


def test_a_bootloaders_drive_is_a_board_and_comes_first() -> None:
    drive = Uf2Drive(Path("/media/RPI-RP2"), "RP2040", "Raspberry Pi RP2", "RPI-RP2")
    first, second = find_boards([port(0x2E8A, 5)], [drive])
    assert (first.state, first.drive, first.port) == ("bootloader", Path("/media/RPI-RP2"), None)
    assert [kind.name for kind in first.kinds] == ["pico_w", "pico"]
    assert "/media/RPI-RP2" in first.words
    assert second.state == "micropython"


def test_a_drive_that_nobody_mounted_is_named_by_its_device() -> None:
    (board,) = find_boards([], [Uf2Drive(None, "RP2350", "an RP2350", "RP2350", "/dev/disk/by-label/RP2350")])
    assert board.where == ""
    assert "/dev/disk/by-label/RP2350 is not mounted" in board.words
    assert [kind.chip for kind in board.kinds] == ["RP2350", "RP2350"]


def test_each_kind_has_a_table_of_pins_in_the_firmware_and_a_way_to_be_written() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        text = (_FIRMWARE_BOARDS / f"{kind.module}.py").read_text()
        assert f'"chip": "{kind.chip}"' in text
        assert (kind.way == UF2) == bool(kind.family_id)
        assert kind.way in (UF2, ESPTOOL)


def test_the_boards_whose_memory_takes_no_copied_firmware_are_known() -> None:
    assert [kind.name for kind in KINDS.values() if kind.frozen_only] == ["pico_w", "pico", "esp32_c3"]
    assert [kind.name for kind in kinds_of_chip("RP2040")] == ["pico_w", "pico"]
