"""An image for Espressif's chips as MicroPython publishes it: bootloader, partition table and application in one file.

Sources: esptool's "Firmware Image Format" (docs.espressif.com/projects/esptool), ESP-IDF's `esp_app_format.h` and
`esp_flash_partitions.h`. All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import reduce
from operator import xor

MAGIC = 0xE9
CHIPS = {
    0: "ESP32",
    2: "ESP32-S2",
    5: "ESP32-C3",
    9: "ESP32-S3",
    12: "ESP32-C2",
    13: "ESP32-C6",
    16: "ESP32-H2",
    18: "ESP32-P4",
    20: "ESP32-C61",
    23: "ESP32-C5",
}
# Where the ROM looks for the bootloader; for all others at 0.
_BOOTLOADER_AT = {"ESP32": 0x1000, "ESP32-S2": 0x1000, "ESP32-P4": 0x2000, "ESP32-C5": 0x2000}
_HEADER = struct.Struct("<4BI")
_EXTENDED = struct.Struct("<B3sHB2H4sB")
_SEGMENT = struct.Struct("<2I")
_CHECKSUM_SEED = 0xEF
_DIGEST_BYTES = 32
_PARTITIONS_AT = 0x8000
_PARTITIONS_BYTES = 0xC00
_PARTITION = struct.Struct("<H2B2I16sI")
_PARTITION_MAGIC = 0x50AA
_MD5_BEGIN = b"\xeb\xeb" + b"\xff" * 14
_APPLICATION = 0
# MicroPython's names of its file system's partition, now and earlier.
_FILE_SYSTEM = (b"vfs", b"ffat")
_MOST_SEGMENTS = 16


class BadImage(ValueError):
    """What is wrong with an image, in words that continue a sentence."""


@dataclass(frozen=True, slots=True)
class EspImage:
    """What a file holds: its chip, where its first byte belongs, and the flash that its partitions take.

    `stated_flash_bytes` is the size of flash that its bootloader was built for; `file_system` is where that begins in
    the flash and how many bytes it takes, None where it has none.
    """

    chip: str
    flash_offset: int
    flash_bytes: int
    stated_flash_bytes: int
    file_system: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One program within a file, `length` bytes long with checksum and digest."""

    chip: str
    length: int
    flash_bytes: int


def is_esp(data: bytes) -> bool:
    """Tell whether a file begins as these images do; that it is whole, `read` finds out."""
    return data[:1] == bytes((MAGIC,))


def read(data: bytes) -> EspImage:
    """Check bootloader, partition table and application, each with its sums; raises BadImage."""
    bootloader = _part(data, 0, "bootloader")
    offset = _BOOTLOADER_AT.get(bootloader.chip, 0)
    partitions = _partitions(data, _PARTITIONS_AT - offset)
    for kind, at, size, _label in partitions:
        if kind == _APPLICATION and at - offset < len(data):
            application = _part(data, at - offset, "application")
            if application.chip != bootloader.chip:
                raise BadImage(f"its bootloader is for the {bootloader.chip}, its application for {application.chip}")
            if application.length > size:
                raise BadImage("its application is larger than its partition")
            break
    else:
        raise BadImage("it is torn: its application is missing")
    needed = max(at + size for _, at, size, _ in partitions)
    files = next(((at, size) for _, at, size, label in partitions if label in _FILE_SYSTEM), None)
    return EspImage(bootloader.chip, offset, needed, bootloader.flash_bytes, files)


def _part(data: bytes, at: int, name: str) -> _Part:
    if at + _HEADER.size + _EXTENDED.size > len(data):
        raise BadImage(f"it is torn within its {name}")
    magic, segments, _mode, size_and_speed, _entry = _HEADER.unpack_from(data, at)
    _wp, _drive, chip_id, _rev, _min_rev, _max_rev, _reserved, hashed = _EXTENDED.unpack_from(data, at + _HEADER.size)
    if magic != MAGIC or not 0 < segments <= _MOST_SEGMENTS or hashed not in (0, 1):
        raise BadImage(f"its {name} is damaged, or none")
    if chip_id not in CHIPS:
        raise BadImage(f"its {name} is for a chip that is not known here (id {chip_id})")
    end, checksum = at + _HEADER.size + _EXTENDED.size, _CHECKSUM_SEED
    for _ in range(segments):
        if end + _SEGMENT.size > len(data):
            raise BadImage(f"it is torn within its {name}")
        _address, length = _SEGMENT.unpack_from(data, end)
        end += _SEGMENT.size
        if end + length > len(data):
            raise BadImage(f"it is torn within its {name}")
        checksum = reduce(xor, data[end : end + length], checksum)
        end += length
    # Filled up so that the checksum is the last of sixteen bytes.
    end += 16 - (end - at) % 16
    if end + hashed * _DIGEST_BYTES > len(data):
        raise BadImage(f"it is torn within its {name}")
    if data[end - 1] != checksum:
        raise BadImage(f"its {name} is damaged: the checksum is another")
    if hashed:
        if hashlib.sha256(data[at:end]).digest() != data[end : end + _DIGEST_BYTES]:
            raise BadImage(f"its {name} is damaged: the SHA-256 is another")
        end += _DIGEST_BYTES
    return _Part(CHIPS[chip_id], end - at, 1024 * 1024 << (size_and_speed >> 4))


def _partitions(data: bytes, at: int) -> list[tuple[int, int, int, bytes]]:
    """Return type, offset in the flash, size in bytes and label of each partition."""
    found: list[tuple[int, int, int, bytes]] = []
    for place in range(at, at + _PARTITIONS_BYTES, _PARTITION.size):
        row = data[place : place + _PARTITION.size]
        if len(row) < _PARTITION.size:
            break
        magic, kind, _subtype, offset, size, label, _flags = _PARTITION.unpack(row)
        if magic != _PARTITION_MAGIC:
            digest = hashlib.md5(data[at:place], usedforsecurity=False).digest()
            if row not in (_MD5_BEGIN + digest, b"\xff" * _PARTITION.size):
                raise BadImage("its partition table is damaged")
            break
        found.append((kind, offset, size, label.rstrip(b"\0")))
    if not found:
        raise BadImage("it has no partition table: it is a part of an image alone, such as an update over the air")
    return found
