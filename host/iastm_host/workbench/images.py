"""Reads and checks MicroPython images before anything is written: is it one, is it whole, and for which chip.

Two formats: UF2 for the RP2040 and RP2350 (`uf2.py`), and the image of Espressif's chips (`esp_image.py`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.workbench import esp_image, uf2

UF2 = "uf2"
ESP = "esp"
# Larger than any flash that a chip of these can address: such a file is something else.
_LARGEST_BYTES = 64 * 1024 * 1024
_NOT_FOUND = "Give the path of a .uf2 (RP2040, RP2350) or .bin file (ESP32)."
_OTHER = "Download the image for this board from micropython.org/download: a .uf2 for a Pico, a .bin for an ESP32."
# What a MicroPython says of itself at its prompt lies in the image as it is shown.
_BANNER = re.compile(rb"MicroPython ([\w.+-]{1,40}) on \d{4}-\d{2}-\d{2}")
# And for which board: "; Raspberry Pi Pico W with RP2040" follows it there, as a string of its own.
_MACHINES = tuple(
    re.compile(before + rb"([A-Z0-9][ -~]{0,80} with (?:RP2|ESP32)[A-Z0-9-]*)\0") for before in (rb"\0; ", rb"\0")
)
_FROZEN = b"iastm_firmware/app.py"


@dataclass(frozen=True, slots=True)
class Image:
    """A checked image: `kind` "uf2" or "esp", `chip` as "RP2040", `bytes_` the size of the file.

    `flash_offset` is where its first byte belongs in the flash, `flash_bytes` the flash that it must find there, file
    system apart for UF2. `micropython` is the version that it names ("" where none: it is another program), `frozen`
    whether the firmware lies in it. `machine` is the board that it names, as MicroPython on that would, "" where none;
    `file_system` where an ESP32's lies with it: its first byte in the flash, and how many.
    """

    path: Path
    kind: str
    chip: str
    bytes_: int
    flash_offset: int
    sha256: str
    flash_bytes: int
    micropython: str
    frozen: bool
    machine: str = ""
    file_system: tuple[int, int] | None = None


def read_image(path: Path) -> Image:
    """Read and check an image; raises Problem where it is none, is torn, or mixes parts for several chips."""
    data = _read(path)
    files = None
    try:
        if uf2.is_uf2(data):
            kind = UF2
            read = uf2.read(data)
            chip, offset, needed, flash = read.chip, read.flash_offset, read.flash_bytes, read.data
        elif esp_image.is_esp(data):
            kind = ESP
            esp = esp_image.read(data)
            chip, offset, needed, flash = esp.chip, esp.flash_offset, esp.flash_bytes, data
            files = esp.file_system
        else:
            raise Problem(f"{path.name} is no image of firmware{_what_else(data)}.", _OTHER)
    except (uf2.BadImage, esp_image.BadImage) as error:
        raise Problem(f"{path.name} can't be flashed: {error}.", _OTHER) from error
    banner = _BANNER.search(flash)
    machine = next(filter(None, (machine.search(flash) for machine in _MACHINES)), None)
    return Image(
        path=path,
        kind=kind,
        chip=chip,
        bytes_=len(data),
        flash_offset=offset,
        sha256=hashlib.sha256(data).hexdigest(),
        flash_bytes=needed,
        micropython=banner[1].decode() if banner else "",
        frozen=_FROZEN in flash,
        machine=machine[1].decode() if machine else "",
        file_system=files,
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise Problem(f"{path.name} is too large for an image of firmware.", _OTHER)
        return path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} can't be read: {error.strerror or error}.", _NOT_FOUND) from error


def _what_else(data: bytes) -> str:
    """Return what a file is taken for by its first bytes, for the sentence that refuses it."""
    begin = data[:512].lstrip().lower()
    if not data:
        return ": it is empty"
    if begin.startswith((b"<!doctype", b"<html", b"<?xml")):
        return ", but a web page"
    if data.startswith(b"\x7fELF"):
        return ", but what a compiler made before it became one (ELF)"
    if data.startswith(b"PK\x03\x04"):
        return ", but a ZIP archive"
    if re.match(rb":[0-9a-f]{10,}", begin):
        return ", but an Intel HEX file"
    return ""
