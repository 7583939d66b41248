"""What is asked of a board before it is written to, and how its errors are told."""

from __future__ import annotations

import pytest

from iastm_host.events import Problem
from iastm_host.transports.repl import ReplError
from iastm_host.workbench.board_state import BoardState, Place, State
from iastm_host.workbench.deploy_checks import HEAP_NEEDED_BYTES, check_chip, check_memory, check_space, refused
from iastm_host.workbench.release import Release


def board(
    machine: str = "Raspberry Pi Pico W with RP2040",
    *,
    platform: str = "rp2",
    heap_free: int = 230_000,
    memory_bytes: int = 0,
    blocks: int = 300,
) -> BoardState:
    empty = Place(None, {}, {})
    return BoardState(
        platform=platform,
        implementation="micropython",
        version=(1, 29, 0),
        machine=machine,
        mpy_version=6,
        mpy_sub_version=3,
        architecture="armv6m",
        heap_free=heap_free,
        block_bytes=4096 if blocks else 0,
        blocks=blocks,
        blocks_free=blocks,
        hashes_itself=True,
        runs_unreleased=False,
        files={},
        state=State(),
        places={"a": empty, "b": empty},
        memory_bytes=memory_bytes,
    )


@pytest.mark.parametrize(
    ("chip", "machine", "fits"),
    [
        ("RP2040", "Raspberry Pi Pico W with RP2040", True),
        ("RP2350", "Raspberry Pi Pico W with RP2040", False),
        ("ESP32-S3 octal", "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", True),
        ("ESP32-S3", "Generic ESP32 module with ESP32", False),
        ("ESP32-C3", "ESP32S3 module with ESP32S3", False),
        ("RP2350", "Raspberry Pi Pico2 with RP2350-RISCV", True),
        ("", "Raspberry Pi Pico W with RP2040", True),
        ("RP2350", "A board that says nothing of its chip", True),
    ],
)
def test_pins_are_for_the_chip_that_the_board_says_it_has(chip: str, machine: str, fits: bool) -> None:
    if fits:
        check_chip(board(machine), chip, "the board x")
        return
    with pytest.raises(Problem, match="Wrong chip: the board x is for") as raised:
        check_chip(board(machine), chip, "the board x")
    assert machine in raised.value.what
    assert "docs/boards.md" in raised.value.fix


def test_free_heap_of_an_esp32_without_psram_is_not_enough() -> None:
    inside = board("ESP32S3 module with ESP32S3", platform="esp32", heap_free=240_000, memory_bytes=390_000)
    with pytest.raises(Problem, match="ESP32S3 has no PSRAM") as raised:
        check_memory(inside, 200_000)
    assert "Freezing" in raised.value.fix
    check_memory(board(platform="esp32", memory_bytes=2_400_000), 200_000)
    check_memory(board(platform="esp32", heap_free=2_000_000), 200_000)
    check_memory(board(heap_free=230_000), 200_000)


def test_free_heap_of_an_rp2040_without_a_radio_is_not_enough_and_that_of_an_rp2350_is() -> None:
    with pytest.raises(Problem, match="240 kB are free, and 250 kB are needed") as raised:
        check_memory(board("Raspberry Pi Pico with RP2040", heap_free=240_688), HEAP_NEEDED_BYTES)
    assert "Freezing" in raised.value.fix
    # docs/ring.md: what a Pico 2 W has, the least of those that take firmware in files.
    check_memory(board("Raspberry Pi Pico 2 W with RP2350", heap_free=400_000), HEAP_NEEDED_BYTES)


def test_a_board_without_a_file_system_is_told_how_it_gets_one() -> None:
    release = Release("1", "0" * 16, 6, 3, "armv6m", {"a.mpy": b"x"})
    with pytest.raises(Problem, match="no file system") as raised:
        check_space(board(blocks=0), release, "a")
    assert "iastm flash --erase" in raised.value.fix
    assert "flash_nuke.uf2" in raised.value.fix


def test_a_damaged_file_system_is_not_cured_by_flashing_alone() -> None:
    problem = refused(ReplError("Traceback\nOSError: [Errno 84] EILSEQ"))
    for words in ("iastm flash --erase", "flash_nuke.uf2", "lost"):
        assert words in problem.fix
