"""The UF2 format as the boot ROMs of RP2040 and RP2350 take it: blocks of 512 bytes, each with its place in the flash.

Sources: Microsoft's "USB Flashing Format (UF2)" (github.com/microsoft/uf2), the RP2040 and RP2350 datasheets (bootrom,
"UF2 Format Details"), and, for the block that works around erratum RP2350-E10, Raspberry Pi's picotool.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

BLOCK_BYTES = 512
PAGE_BYTES = 256
RP2040 = 0xE48BFF56
ABSOLUTE = 0xE48BFF57
RP2350_ARM_S = 0xE48BFF59
RP2350_RISCV = 0xE48BFF5A
RP2350_ARM_NS = 0xE48BFF5B
_CHIPS = {RP2040: "RP2040", RP2350_ARM_S: "RP2350"}
_REFUSED = {
    RP2350_RISCV: "it is for the RISC-V cores of an RP2350, the firmware for its Arm cores",
    RP2350_ARM_NS: "it is for the non-secure side of an RP2350",
}
_HEADER = struct.Struct("<8I")
_MAGIC_START = (0x0A324655, 0x9E5D5157)
_MAGIC_END = struct.pack("<I", 0x0AB16F30)
_NOT_MAIN_FLASH = 0x0001
_FILE_CONTAINER = 0x1000
_FAMILY_PRESENT = 0x2000
_FLASH = range(0x1000_0000, 0x1100_0000)


class BadImage(ValueError):
    """What is wrong with an image, in words that continue a sentence."""


@dataclass(frozen=True, slots=True)
class Uf2:
    """What a file holds: its chip, where its first byte lies in the flash, where its last one ends, and all between.

    What no block covers is 0xFF in `data`, as in an erased flash.
    """

    chip: str
    flash_offset: int
    flash_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Block:
    flags: int
    address: int
    payload: bytes
    number: int
    count: int
    family: int


def is_uf2(data: bytes) -> bool:
    """Tell whether a file begins as UF2 does; that it is whole, `read` finds out."""
    return data[:8] == struct.pack("<2I", *_MAGIC_START)


def read(data: bytes) -> Uf2:
    """Check every block and put the image together; raises BadImage."""
    if len(data) % BLOCK_BYTES:
        raise BadImage(f"it is torn: {len(data)} bytes are no whole number of blocks")
    blocks = [_block(data, number) for number in range(len(data) // BLOCK_BYTES)]
    # RP2350-E10: a first block for every family, which is there to be ignored.
    blocks = [block for place, block in enumerate(blocks) if place or block.family != ABSOLUTE]
    if not blocks:
        raise BadImage("it has no block of firmware")
    family = blocks[0].family
    for other in {block.family for block in blocks} - {family}:
        raise BadImage(f"it mixes parts for {_named(family)} and for {_named(other)}")
    for place, block in enumerate(blocks):
        if block.number != place:
            raise BadImage(f"it is torn: block {block.number} stands where {place} belongs")
        if block.count != len(blocks):
            raise BadImage(f"it is torn: {len(blocks)} of {block.count} blocks are there")
    chip = _CHIPS.get(family)
    if chip is None:
        raise BadImage(_REFUSED.get(family, f"it is for another chip, family 0x{family:08x} of UF2"))
    return _together(chip, blocks)


def _named(family: int) -> str:
    return _CHIPS.get(family, f"family 0x{family:08x}")


def _block(data: bytes, number: int) -> _Block:
    at = number * BLOCK_BYTES
    start0, start1, flags, address, length, block_no, count, family = _HEADER.unpack_from(data, at)
    if (start0, start1) != _MAGIC_START or data[at + BLOCK_BYTES - 4 : at + BLOCK_BYTES] != _MAGIC_END:
        raise BadImage(f"its block {number} is damaged")
    if flags & (_NOT_MAIN_FLASH | _FILE_CONTAINER) or not flags & _FAMILY_PRESENT:
        raise BadImage(f"its block {number} is no part of a firmware, or does not say for which chip")
    # The boot ROM takes pages of the flash alone, and passes over all else without a word.
    if length != PAGE_BYTES or address % PAGE_BYTES or address not in _FLASH:
        raise BadImage(f"its block {number} is no page of the flash ({length} bytes at 0x{address:08x})")
    payload = data[at + _HEADER.size : at + _HEADER.size + length]
    return _Block(flags, address, payload, block_no, count, family)


def _together(chip: str, blocks: list[_Block]) -> Uf2:
    begin, end = blocks[0].address, blocks[-1].address + PAGE_BYTES
    for before, block in pairwise(blocks):
        if block.address <= before.address:
            raise BadImage(f"its blocks are out of order at 0x{block.address:08x}")
    if begin != _FLASH.start:
        raise BadImage(f"it does not begin where the chip starts, but at 0x{begin:08x}")
    flash = bytearray(b"\xff" * (end - begin))
    for block in blocks:
        flash[block.address - begin : block.address - begin + PAGE_BYTES] = block.payload
    return Uf2(chip, begin - _FLASH.start, end - _FLASH.start, bytes(flash))
