import re
from pathlib import Path

import pytest
from tests.host.workbench.flash_bench import (
    BRIDGE,
    C3,
    PICO,
    RP2350_INFO,
    S3_BARE,
    S3_FEATHER,
    S3_JTAG,
    S3_MICROPYTHON,
    Bench,
    Chip,
    Prompt,
)

from iastm_host.events import Problem
from iastm_host.transports.base import BUSY, NOT_FOUND, TransportError
from iastm_host.transports.ports import Holder
from iastm_host.transports.serial import busy
from iastm_host.workbench.boards import find_boards
from iastm_host.workbench.drives import Uf2Drive
from iastm_host.workbench.esp import EspChip
from iastm_host.workbench.flash_target import find_target, let_run

PICO_W = "Raspberry Pi Pico W with RP2040"
S3 = "Generic ESP32S3 module with ESP32S3"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def names(kinds: object) -> list[str]:
    return [kind.name for kind in kinds]  # type: ignore[attr-defined]


def test_without_a_board_it_says_how_each_kind_comes_into_its_bootloader(bench: Bench) -> None:
    with pytest.raises(Problem, match="No board was found") as raised:
        find_target(bench.desk(), None, None)
    for words in ("hold BOOTSEL", "Hold BOOT", "RESET", "only charges", "iastm doctor"):
        assert words in raised.value.fix


def test_what_is_there_but_known_for_nothing_is_listed(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM4", (0x2341, 0x0043))
    with pytest.raises(Problem, match=re.escape("/dev/ttyACM4: not a board that is known here (2341:0043)")) as raised:
        find_target(bench.desk(), None, None)
    assert "--port /dev/ttyACM4" in raised.value.fix


def test_of_several_boards_one_has_to_be_named_and_each_is_said(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.plug_in("/dev/ttyUSB0", BRIDGE)
    with pytest.raises(Problem, match="Several boards") as raised:
        find_target(bench.desk(), None, None)
    assert "MicroPython" in raised.value.what
    assert "CP210x" in raised.value.what
    assert "--port /dev/ttyACM0, --port /dev/ttyUSB0" in raised.value.fix


def test_of_several_boards_the_named_kind_chooses(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.plug_in("/dev/ttyUSB0", BRIDGE)
    bench.prompts["/dev/ttyACM0"] = Prompt(PICO_W)
    assert find_target(bench.desk(), None, "pico_w").board.where == "/dev/ttyACM0"
    with pytest.raises(Problem, match="There is no board 'pico3'") as raised:
        find_target(bench.desk(), None, "pico3")
    assert "pico_2_w" in raised.value.fix


def test_a_kind_that_is_not_plugged_in_is_told_by_its_name_beside_what_is(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    with pytest.raises(Problem, match=r"No ESP32-C3 was found. There are:\n  /dev/ttyACM0: a Pico") as raised:
        find_target(bench.desk(), None, "esp32_c3")
    assert "Hold BOOT" in raised.value.fix
    assert "BOOTSEL" not in raised.value.fix


@pytest.mark.parametrize(
    ("machine", "kinds", "needs_frozen"),
    [
        (PICO_W, ["pico_w"], True),
        ("Raspberry Pi Pico with RP2040", ["pico"], True),
        ("Raspberry Pi Pico 2 W with RP2350", ["pico_2_w"], False),
        ("Raspberry Pi Pico2 with RP2350", ["pico_2"], False),
        ("Somebody's Board with RP2040", ["pico_w", "pico"], True),
        ("Somebody's Board with RP2350", ["pico_2_w", "pico_2"], False),
    ],
)
def test_a_pico_that_runs_says_which_it_is_and_runs_on(
    bench: Bench, machine: str, kinds: list[str], needs_frozen: bool
) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    prompt = bench.prompts["/dev/ttyACM0"] = Prompt(machine)
    target = find_target(bench.desk(), None, None)
    assert names(target.kinds) == kinds
    assert target.needs_frozen is needs_frozen
    assert target.words == machine
    assert prompt.done[-1] == "reset"
    assert "bootloader" not in prompt.done


def test_a_pico_that_does_not_come_to_its_prompt_needs_its_button(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    with pytest.raises(Problem, match="does not come to MicroPython's prompt") as raised:
        find_target(bench.desk(), None, None)
    assert "BOOTSEL" in raised.value.fix


def test_a_board_that_is_in_its_bootloader_already_is_known_by_its_drive(bench: Bench, tmp_path: Path) -> None:
    bench.show_drive(tmp_path / "RPI-RP2")
    target = find_target(bench.desk(), None, None)
    assert (target.chip, names(target.kinds), target.needs_frozen) == ("RP2040", ["pico_w", "pico"], True)
    assert names(find_target(bench.desk(), str(tmp_path / "RPI-RP2"), "pico").kinds) == ["pico"]
    bench.drives.clear()
    bench.show_drive(tmp_path / "RP2350", RP2350_INFO)
    target = find_target(bench.desk(), None, None)
    assert (target.chip, names(target.kinds), target.needs_frozen) == ("RP2350", ["pico_2_w", "pico_2"], False)


def test_a_drive_may_be_named_by_its_folder_wherever_it_is_and_another_folder_is_none(
    bench: Bench, tmp_path: Path
) -> None:
    bench.show_drive(tmp_path / "RPI-RP2")
    bench.drives.clear()
    assert find_target(bench.desk(), str(tmp_path / "RPI-RP2"), None).chip == "RP2040"
    with pytest.raises(Problem, match="is no bootloader's drive") as raised:
        find_target(bench.desk(), str(tmp_path), None)
    assert "BOOTSEL" in raised.value.fix


def test_a_bootloader_of_another_chip_than_the_board_named_is_the_wrong_chip(bench: Bench, tmp_path: Path) -> None:
    bench.show_drive(tmp_path / "RPI-RP2")
    with pytest.raises(Problem, match=r"Wrong chip: .*Pico 2 W has an RP2350, and this board has an RP2040"):
        find_target(bench.desk(), str(tmp_path / "RPI-RP2"), "pico_2_w")


def test_a_drive_that_nobody_mounted_says_how_it_is_mounted(bench: Bench) -> None:
    bench.drives.append(Uf2Drive(None, "RP2350", "an RP2350", "RP2350", "/dev/disk/by-label/RP2350"))
    with pytest.raises(Problem, match="not mounted") as raised:
        find_target(bench.desk(), None, None)
    assert "udisksctl mount -b /dev/disk/by-label/RP2350" in raised.value.fix


def test_another_makers_bootloader_takes_no_image_and_says_where_the_chips_own_is(bench: Bench, tmp_path: Path) -> None:
    info = b"TinyUF2 Bootloader 0.12.3\r\nModel: Adafruit Feather ESP32-S3\r\nBoard-ID: ESP32-S3-Feather-revC\r\n"
    bench.show_drive(tmp_path / "FTHRS3BOOT", info)
    with pytest.raises(Problem, match="another maker's") as raised:
        find_target(bench.desk(), str(tmp_path / "FTHRS3BOOT"), None)
    assert "Hold BOOT" in raised.value.fix


@pytest.mark.parametrize(
    ("chip", "kind", "needs_frozen"),
    [(C3, "esp32_c3", True), (S3_FEATHER, "esp32_s3", False), (S3_BARE, "esp32_s3_8m", True)],
)
def test_an_espressif_chip_is_asked_by_its_bootloader(
    bench: Bench, chip: EspChip, kind: str, needs_frozen: bool
) -> None:
    bench.plug_in("/dev/ttyACM0", S3_JTAG)
    bench.chips["/dev/ttyACM0"] = Chip(chip)
    target = find_target(bench.desk(), None, None)
    assert (target.chip, names(target.kinds), target.needs_frozen) == (chip.name, [kind], needs_frozen)
    let_run(bench.desk(), target)
    assert bench.chips["/dev/ttyACM0"].restarts == 1


@pytest.mark.parametrize("comes_as", [S3_JTAG, (0x303A, 0x0009)])
def test_an_espressif_board_with_usb_of_its_own_is_asked_for_its_bootloader_where_it_runs(
    bench: Bench, comes_as: tuple[int, int]
) -> None:
    bench.plug_in("/dev/ttyACM0", S3_MICROPYTHON)
    bench.chips["/dev/ttyACM1"] = Chip(S3_FEATHER)

    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.later(1.0, bootloader)

    def bootloader() -> None:
        bench.plug_in("/dev/ttyACM1", comes_as)

    bench.prompts["/dev/ttyACM0"] = Prompt(S3, into_bootloader=restarts)
    target = find_target(bench.desk(), None, None)
    assert target.board.where == "/dev/ttyACM1"
    assert target.esp == S3_FEATHER


def test_an_espressif_board_that_is_in_its_bootloader_already_is_not_asked_for_a_prompt(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", (0x303A, 0x0009))
    prompt = bench.prompts["/dev/ttyACM0"] = Prompt(S3)
    bench.chips["/dev/ttyACM0"] = Chip(S3_FEATHER)
    assert find_target(bench.desk(), None, None).chip == "ESP32-S3"
    assert prompt.done == []


def test_another_board_that_waits_in_its_bootloader_is_not_taken_for_the_one_that_was_asked(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", S3_MICROPYTHON)
    bench.plug_in("/dev/ttyACM5", S3_JTAG)
    bench.chips["/dev/ttyACM1"] = Chip(S3_FEATHER)

    def restarts() -> None:
        bench.pull("/dev/ttyACM0")
        bench.later(1.0, lambda: bench.plug_in("/dev/ttyACM1", S3_JTAG))

    bench.prompts["/dev/ttyACM0"] = Prompt(S3, into_bootloader=restarts)
    assert find_target(bench.desk(), "/dev/ttyACM0", None).board.where == "/dev/ttyACM1"


def test_a_board_that_comes_back_under_another_name_after_it_was_asked_is_known_by_its_serial_number(
    bench: Bench,
) -> None:
    bench.plug_in("/dev/ttyACM0", PICO, "e66118604b")

    class Renamed(Prompt):
        def reset(self) -> None:
            super().reset()
            bench.pull("/dev/ttyACM0")
            bench.plug_in("/dev/ttyACM0", BRIDGE, "other")
            bench.later(1.0, lambda: bench.plug_in("/dev/ttyACM2", PICO, "e66118604b"))

    bench.prompts["/dev/ttyACM0"] = Renamed(PICO_W)
    assert find_target(bench.desk(), None, None).board.where == "/dev/ttyACM2"


def test_a_board_that_does_not_come_into_its_bootloader_or_has_no_way_to_says_how_by_hand(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", S3_MICROPYTHON)
    bench.prompts["/dev/ttyACM0"] = Prompt(S3, into_bootloader=lambda: None)
    with pytest.raises(Problem, match=r"no port came back\. Nothing was written") as raised:
        find_target(bench.desk(), None, None)
    assert "Hold BOOT" in raised.value.fix
    bench.prompts["/dev/ttyACM0"] = Prompt(S3)
    with pytest.raises(Problem, match=r"can't restart into its bootloader: AttributeError") as raised:
        find_target(bench.desk(), None, None)
    assert "Hold BOOT" in raised.value.fix


def test_a_chip_on_which_the_firmware_does_not_run_is_refused(bench: Bench) -> None:
    bench.plug_in("/dev/ttyUSB0", BRIDGE)
    bench.chips["/dev/ttyUSB0"] = Chip(EspChip("ESP32-C6", "ESP32-C6", 4 << 20, 0))
    with pytest.raises(Problem, match=r"does not run on an ESP32-C6\. Nothing was written"):
        find_target(bench.desk(), None, None)
    assert bench.chips["/dev/ttyUSB0"].restarts == 1


def test_a_chip_that_is_not_that_of_the_board_named_is_the_wrong_chip(bench: Bench) -> None:
    bench.plug_in("/dev/ttyUSB0", BRIDGE)
    bench.chips["/dev/ttyUSB0"] = Chip(S3_FEATHER)
    with pytest.raises(Problem, match=r"Wrong chip: .*ESP32-C3.*ESP32-S3. Nothing was written"):
        find_target(bench.desk(), None, "esp32_c3")


def test_a_board_that_runs_somebody_elses_program_is_left_alone_and_runs_on(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    prompt = bench.prompts["/dev/ttyACM0"] = Prompt(PICO_W, main=b"import robot\nrobot.run()\n")
    with pytest.raises(Problem, match=r"somebody else's main\.py\. Nothing was written, and it runs on") as raised:
        find_target(bench.desk(), None, None)
    assert "--replace-main" in raised.value.fix
    assert prompt.done == ["open", "run", "reset"]
    assert find_target(bench.desk(), None, None, replace_main=True).chip == "RP2040"


@pytest.mark.parametrize("main", [b"", b"# my notes\n\n", b"from iastm_firmware.start import main\nmain()\n"])
def test_a_main_in_which_nothing_runs_or_the_firmwares_own_may_be_replaced(bench: Bench, main: bytes) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.prompts["/dev/ttyACM0"] = Prompt(PICO_W, main=main)
    assert find_target(bench.desk(), None, None).chip == "RP2040"


def test_a_port_that_another_program_holds_names_it(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.prompts["/dev/ttyACM0"] = Prompt(PICO_W, refuses=busy("/dev/ttyACM0", [Holder(4711, "screen")]))
    with pytest.raises(TransportError, match=r"screen \(process 4711\) has it open") as raised:
        find_target(bench.desk(), None, None)
    assert raised.value.reason == BUSY


def test_a_port_is_found_by_a_link_to_it_and_one_that_is_not_there_is_told(bench: Bench, tmp_path: Path) -> None:
    device, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    bench.plug_in(str(device), PICO)
    bench.prompts[str(device)] = Prompt(PICO_W)
    assert find_target(bench.desk(), str(link), None).board.where == str(device)
    with pytest.raises(TransportError, match="no port /dev/ttyACM9") as raised:
        find_target(bench.desk(), "/dev/ttyACM9", None)
    assert raised.value.reason == NOT_FOUND
    assert str(device) in raised.value.fix


def test_a_port_without_usb_numbers_may_be_an_espressif_board(bench: Bench, tmp_path: Path) -> None:
    device = tmp_path / "ttyAMA0"
    device.touch()
    bench.chips[str(device)] = Chip(C3)
    assert find_board_names(bench) == []
    assert find_target(bench.desk(), str(device), None).chip == "ESP32-C3"


def find_board_names(bench: Bench) -> list[str]:
    return [board.where for board in find_boards(bench.ports, bench.drives)]


def test_a_chip_is_as_good_as_a_name_and_leaves_all_its_kinds(bench: Bench, tmp_path: Path) -> None:
    bench.show_drive(tmp_path / "RPI-RP2")
    target = find_target(bench.desk(), None, "RP2040")
    assert [kind.name for kind in target.kinds] == ["pico_w", "pico"]
    with pytest.raises(Problem, match=r"No Raspberry Pi Pico 2 W or Raspberry Pi Pico 2, .* was found"):
        find_target(bench.desk(), None, "RP2350")
    with pytest.raises(Problem, match="the board's file is for an RP2350, and this board has an RP2040"):
        find_target(bench.desk(), str(tmp_path / "RPI-RP2"), "RP2350")
    with pytest.raises(Problem, match="There is no board 'STM32'"):
        find_target(bench.desk(), None, "STM32")


def test_a_board_that_tells_another_name_than_was_given_is_the_wrong_board(bench: Bench) -> None:
    bench.plug_in("/dev/ttyACM0", PICO)
    bench.prompts["/dev/ttyACM0"] = Prompt("Raspberry Pi Pico with RP2040")
    with pytest.raises(
        Problem, match=r"Wrong board: it calls itself a .*Pico, without a radio.* no .*Pico W"
    ) as raised:
        find_target(bench.desk(), None, "pico_w")
    assert "BOOTSEL" in raised.value.fix


@pytest.mark.parametrize(("said", "known"), [("2097152 6291456", (2 << 20, 6 << 20)), ("", None), ("what else", None)])
def test_an_esp32_tells_where_its_files_lie(bench: Bench, said: str, known: tuple[int, int] | None) -> None:
    bench.plug_in("/dev/ttyACM0", S3_JTAG)
    bench.prompts["/dev/ttyACM0"] = Prompt("Generic ESP32S3 module with ESP32S3", file_system=said)
    bench.chips["/dev/ttyACM0"] = Chip(S3_FEATHER)
    target = find_target(bench.desk(), None, None)
    assert target.file_system == known
    assert target.machine == "Generic ESP32S3 module with ESP32S3"
