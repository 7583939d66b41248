"""Small images for Espressif's chips, whole by every sum: bootloader, partition table, application.

By Espressif's own description ("Firmware Image Format" of esptool's documentation, "Partition Tables" of ESP-IDF).
"""

from __future__ import annotations

import hashlib
import random
import struct

_PARTITIONS_AT, _APPLICATION_AT = 0x8000, 0x10000
_SEED = 0xEF
_IRAM = 0x4037_8000
_DROM = 0x3C00_0020


def program(chip_number: int, payload: bytes, address: int = _IRAM, flash_mb: int = 2) -> bytes:
    """Return one program of one segment, with checksum and SHA-256."""
    payload += bytes(-len(payload) % 4)
    size_code = (flash_mb.bit_length() - 1) << 4 | 0x0F
    data = struct.pack("<4BI", 0xE9, 1, 2, size_code, address)
    data += struct.pack("<B3sHB2H4sB", 0xEE, bytes(3), chip_number, 0, 0, 99, bytes(4), 1)
    data += struct.pack("<2I", address, len(payload)) + payload
    checksum = _SEED
    for byte in payload:
        checksum ^= byte
    data += bytes(15 - len(data) % 16) + bytes((checksum,))
    return data + hashlib.sha256(data).digest()


def esp_image(chip_number: int, *, size: int, seed: int, holds: bytes = b"") -> bytes:
    """Return an image for a flash of 2 MB whose application has some `size` bytes, `holds` among them."""
    application = program(chip_number, holds + random.Random(seed).randbytes(size), _DROM)
    table = b"".join(
        struct.pack("<H2B2I16sI", 0x50AA, kind, subtype, at, length, name, 0)
        for kind, subtype, at, length, name in (
            (1, 2, 0x9000, 0x6000, b"nvs"),
            (0, 0, _APPLICATION_AT, 0x100000, b"factory"),
            (1, 0x81, 0x110000, 0xF0000, b"vfs"),
        )
    )
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table, usedforsecurity=False).digest()
    bootloader = program(chip_number, random.Random(seed + 1).randbytes(8_000))
    image = bootloader.ljust(_PARTITIONS_AT, b"\xff") + table
    return image.ljust(_APPLICATION_AT, b"\xff") + application
