from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.workbench.image_files import (
    ABSOLUTE,
    BANNER,
    RP2040,
    RP2350_ARM_S,
    RP2350_RISCV,
    uf2_block,
    uf2_file,
)

from iastm_host.workbench.uf2 import BLOCK_BYTES, BadImage, is_uf2, read

PROGRAM = bytes(range(256)) * 5 + BANNER
WHOLE = uf2_file(PROGRAM)


@pytest.mark.parametrize(("family", "chip"), [(RP2040, "RP2040"), (RP2350_ARM_S, "RP2350")])
def test_a_whole_file_tells_its_chip_and_gives_its_program(family: int, chip: str) -> None:
    data = uf2_file(PROGRAM, family)
    assert is_uf2(data)
    image = read(data)
    assert image.chip == chip
    assert image.data.startswith(PROGRAM)
    assert (image.flash_offset, image.flash_bytes) == (0, 6 * 256)


def test_the_block_for_the_erratum_of_the_rp2350_is_passed_over() -> None:
    data = uf2_file(PROGRAM, RP2350_ARM_S, ignored_first=True)
    assert read(data) == read(uf2_file(PROGRAM, RP2350_ARM_S))


def test_such_a_block_anywhere_else_is_a_mixture() -> None:
    data = uf2_file(PROGRAM, RP2350_ARM_S) + uf2_block(0x10FFFF00, 0, 2, ABSOLUTE)
    with pytest.raises(BadImage, match=r"mixes parts for RP2350 and for family 0xe48bff57"):
        read(data)


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_file_that_was_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BadImage, match=r"torn|no block"):
        read(WHOLE[:length])


@given(st.integers(min_value=0, max_value=len(WHOLE) // BLOCK_BYTES - 1))
def test_a_file_in_which_a_block_is_missing_is_refused(block: int) -> None:
    with pytest.raises(BadImage, match="torn"):
        read(WHOLE[: block * BLOCK_BYTES] + WHOLE[(block + 1) * BLOCK_BYTES :])


@given(st.permutations(range(len(WHOLE) // BLOCK_BYTES)))
def test_blocks_in_another_order_are_refused(order: list[int]) -> None:
    data = b"".join(WHOLE[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES] for n in order)
    if data == WHOLE:
        return
    with pytest.raises(BadImage, match="torn"):
        read(data)


# All that is not the page itself, which carries no sum, nor what fills a block up behind it.
_TOLD = st.sampled_from([*range(32), *range(508, 512)])
_FLAGS, _ADDRESS = range(8, 12), range(12, 16)
_LAST = len(WHOLE) // BLOCK_BYTES - 1


@given(st.integers(min_value=0, max_value=_LAST), _TOLD, st.integers(1, 255))
def test_no_changed_byte_of_what_describes_a_block_passes_unseen(block: int, place: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[block * BLOCK_BYTES + place] ^= change
    flags = int.from_bytes(data[block * BLOCK_BYTES + 8 : block * BLOCK_BYTES + 12], "little")
    # Other flags may be set without a meaning for these chips, and behind the last page there may be a gap.
    if (place in _FLAGS and flags & 0x3001 == 0x2000) or (place in _ADDRESS and block == _LAST):
        return
    with pytest.raises(BadImage):
        read(bytes(data))


def test_a_part_for_another_chip_within_a_file_is_named() -> None:
    data = uf2_block(0x10000000, 0, 2) + uf2_block(0x10000100, 1, 2, RP2350_ARM_S)
    with pytest.raises(BadImage, match="mixes parts for RP2040 and for RP2350"):
        read(data)


def test_a_file_for_the_other_cores_of_an_rp2350_is_refused_in_words() -> None:
    with pytest.raises(BadImage, match="RISC-V cores"):
        read(uf2_file(family=RP2350_RISCV))


def test_a_file_for_a_foreign_chip_names_its_family() -> None:
    with pytest.raises(BadImage, match="another chip, family 0x1c5f21b0"):
        read(uf2_file(family=0x1C5F21B0))


@pytest.mark.parametrize("address", [0x20000000, 0x0FFFFF00, 0x11000000, 0x10000080])
def test_a_block_that_is_no_page_of_the_flash_is_refused(address: int) -> None:
    with pytest.raises(BadImage, match="no page of the flash"):
        read(uf2_block(address, 0, 1))


def test_a_block_of_another_length_is_refused() -> None:
    data = bytearray(uf2_block(0x10000000, 0, 1))
    struct.pack_into("<I", data, 16, 476)
    with pytest.raises(BadImage, match="476 bytes"):
        read(bytes(data))


def test_two_blocks_for_the_same_page_are_refused() -> None:
    with pytest.raises(BadImage, match="out of order at 0x10000000"):
        read(uf2_block(0x10000000, 0, 2) + uf2_block(0x10000000, 1, 2))


def test_a_file_that_leaves_out_the_start_of_the_flash_is_no_firmware() -> None:
    with pytest.raises(BadImage, match="does not begin where the chip starts"):
        read(uf2_block(0x10010000, 0, 1))


def test_pages_may_leave_gaps_which_are_erased_flash() -> None:
    image = read(uf2_block(0x10000000, 0, 2, page=b"a") + uf2_block(0x10000200, 1, 2, page=b"b"))
    assert image.data[256:512] == b"\xff" * 256
    assert image.data[512:513] == b"b"
