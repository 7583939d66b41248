"""Makes images of firmware as the chips' makers lay them out, for tests: written from the formats' descriptions."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

RP2040, RP2350_ARM_S, RP2350_RISCV, ABSOLUTE = 0xE48BFF56, 0xE48BFF59, 0xE48BFF5A, 0xE48BFF57
BANNER = b"MicroPython v1.29.0 on 2026-08-24; a board with a chip\0"
ESP32_C3, ESP32_S3 = 5, 9
_FAMILY_PRESENT, _EXTENSION_TAGS = 0x2000, 0x8000


def uf2_block(
    address: int, number: int, count: int, family: int = RP2040, page: bytes = b"", flags: int = _FAMILY_PRESENT
) -> bytes:
    """Return one block with `page`, filled up to 256 bytes."""
    header = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, 256, number, count, family)
    return header + page.ljust(256, b"\0").ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)


def uf2_file(program: bytes = BANNER, family: int = RP2040, *, ignored_first: bool = False) -> bytes:
    """Return a UF2 of `program` from the start of the flash on.

    `ignored_first`: with the block before it that picotool puts there for the RP2350's erratum E10.
    """
    pages = [program[at : at + 256] for at in range(0, len(program), 256)]
    blocks = [uf2_block(0x10000000 + 256 * n, n, len(pages), family, page) for n, page in enumerate(pages)]
    first = uf2_block(0x10FFFF00, 0, 2, ABSOLUTE, b"\xef" * 256, _FAMILY_PRESENT | _EXTENSION_TAGS)
    return (first if ignored_first else b"") + b"".join(blocks)


def esp_program(chip_id: int, segments: Iterable[bytes] = (BANNER,), *, hashed: bool = True, size: int = 2) -> bytes:
    """Return a bootloader or an application; `size` is the code of its flash, 2 for 4 MB."""
    parts = [segment + b"\0" * (-len(segment) % 4) for segment in segments]
    data = struct.pack("<4BI", 0xE9, len(parts), 0, size << 4, 0x40380000)
    data += struct.pack("<B3sHB2H4sB", 0xEE, b"\0\0\0", chip_id, 0, 0, 0xFFFF, b"\0\0\0\0", hashed)
    checksum = 0xEF
    for part in parts:
        data += struct.pack("<2I", 0x3FC80000, len(part)) + part
        for byte in part:
            checksum ^= byte
    data += b"\0" * (15 - len(data) % 16) + bytes((checksum,))
    return data + hashlib.sha256(data).digest() if hashed else data


def esp_partition(kind: int, subtype: int, at: int, size: int, label: bytes) -> bytes:
    """Return one row of a partition table."""
    return struct.pack("<H2B2I16sI", 0x50AA, kind, subtype, at, size, label, 0)


def esp_partitions(flash_bytes: int = 4 * 1024 * 1024, *, summed: bool = True) -> bytes:
    """Return MicroPython's partition table: settings, radio, an application, and a file system up to the end."""
    rows = esp_partition(1, 2, 0x9000, 0x6000, b"nvs") + esp_partition(1, 1, 0xF000, 0x1000, b"phy_init")
    rows += esp_partition(0, 0, 0x10000, 0x1F0000, b"factory")
    rows += esp_partition(1, 0x81, 0x200000, flash_bytes - 0x200000, b"vfs")
    if summed:
        rows += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(rows, usedforsecurity=False).digest()
    return rows


def esp_file(
    chip_id: int = ESP32_S3, *, application: bytes | None = None, partitions: bytes | None = None, offset: int = 0
) -> bytes:
    """Return the three in one file as MicroPython publishes it; `offset` is where its first byte belongs."""
    data = esp_program(chip_id, (b"bootloader",)).ljust(0x8000 - offset, b"\xff")
    data += esp_partitions() if partitions is None else partitions
    return data.ljust(0x10000 - offset, b"\xff") + (esp_program(chip_id) if application is None else application)
