"""Boards that a tool can be built on, and how one is known by its USB numbers or by its drive.

Sources of the numbers: 2E8A is Raspberry Pi's list of product ids (github.com/raspberrypi/usb-pid: 0003 the RP2040's
bootloader, 000F the RP2350's, 0005 MicroPython, 0004 and 000C probes that debug). 303A:1001 is the USB-Serial/JTAG unit
inside an ESP32-S3 or ESP32-C3 (esptool's `USB_JTAG_SERIAL_PID`), which looks the same in the ROM bootloader and under a
program; 303A:0009 the ESP32-S3's ROM bootloader on its other USB unit (esptool takes the chip's number for it).
303A:4001 is what a device of one serial port is called by Espressif's copy of TinyUSB (0x4000 and a bit for each
class), as MicroPython on an ESP32-S3 is. 239A is Adafruit: 011B the UF2 bootloader of a Feather ESP32-S3
(github.com/adafruit/tinyuf2), 811C CircuitPython on one (`mpconfigboard.mk` of its board). The bridges are those of the
makers' drivers. Families of UF2 are those of github.com/microsoft/uf2, `utils/uf2families.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.drives import Uf2Drive

UF2, ESPTOOL = "uf2", "esptool"
BOOTLOADER, MICROPYTHON, UNKNOWN = "bootloader", "micropython", "unknown"


@dataclass(frozen=True, slots=True)
class BoardKind:
    """A board as `--board` names it; `module` is its table of pins in iastm_firmware/boards.

    `way` is how it is written to: "uf2" with `family_id`, or "esptool" with `flash_offset`, the other being 0.
    `image_name` is MicroPython's name of its image. `frozen_only`: its memory takes the firmware only frozen into the
    image; a plain MicroPython and files are not enough.
    """

    name: str
    title: str
    chip: str
    way: str
    image_name: str
    module: str
    family_id: int = 0
    flash_offset: int = 0
    frozen_only: bool = False


_RP2040_FAMILY, _RP2350_FAMILY = 0xE48BFF56, 0xE48BFF59

KINDS: dict[str, BoardKind] = {
    kind.name: kind
    for kind in (
        BoardKind(
            "pico_w", "Raspberry Pi Pico W", "RP2040", UF2, "RPI_PICO_W", "pico_w", _RP2040_FAMILY, frozen_only=True
        ),
        BoardKind("pico_2_w", "Raspberry Pi Pico 2 W", "RP2350", UF2, "RPI_PICO2_W", "pico_2_w", _RP2350_FAMILY),
        BoardKind(
            "pico",
            "Raspberry Pi Pico, without a radio",
            "RP2040",
            UF2,
            "RPI_PICO",
            "pico_w",
            _RP2040_FAMILY,
            frozen_only=True,
        ),
        BoardKind(
            "pico_2", "Raspberry Pi Pico 2, without a radio", "RP2350", UF2, "RPI_PICO2", "pico_2_w", _RP2350_FAMILY
        ),
        BoardKind("esp32_s3", "ESP32-S3 with 4 MB flash", "ESP32-S3", ESPTOOL, "ESP32_GENERIC_S3-FLASH_4M", "esp32_s3"),
        BoardKind(
            "esp32_s3_8m", "ESP32-S3 with 8 MB flash or more", "ESP32-S3", ESPTOOL, "ESP32_GENERIC_S3", "esp32_s3"
        ),
        BoardKind(
            "esp32_s3_octal",
            "ESP32-S3 with 8 MB flash or more and PSRAM on eight lines",
            "ESP32-S3",
            ESPTOOL,
            "ESP32_GENERIC_S3-SPIRAM_OCT",
            "esp32_s3",
        ),
        BoardKind("esp32_c3", "ESP32-C3", "ESP32-C3", ESPTOOL, "ESP32_GENERIC_C3", "esp32_c3", frozen_only=True),
    )
}


@dataclass(frozen=True, slots=True)
class FoundBoard:
    """A board that is plugged in; `kinds` are those that it can be, () where its USB numbers tell nothing.

    It has a port, a drive, or neither (a bootloader whose drive is not mounted). `state` is "bootloader",
    "micropython" or "unknown". `words` say all that for a person, without a full stop.
    """

    port: SerialPort | None
    drive: Path | None
    state: str
    kinds: tuple[BoardKind, ...]
    words: str

    @property
    def where(self) -> str:
        """The name of its port or drive; "" where it has neither."""
        if self.port is not None:
            return self.port.device
        return str(self.drive) if self.drive is not None else ""

    @property
    def sure(self) -> bool:
        """Whether its USB numbers are those of a board that is known here, and not only of its maker or of a bridge."""
        if self.port is None:
            return bool(self.kinds)
        return bool(self.kinds) and (self.port.vid or 0, self.port.pid or 0) in _NUMBERS


def kinds_of_chip(*chips: str) -> tuple[BoardKind, ...]:
    """Return the kinds with one of these chips, in the order of KINDS."""
    return tuple(kind for kind in KINDS.values() if kind.chip in chips)


_RASPBERRY_PI, _ESPRESSIF, _ADAFRUIT = 0x2E8A, 0x303A, 0x239A
_FEATHER_S3 = (KINDS["esp32_s3"],)
_S3_OR_C3 = kinds_of_chip("ESP32-S3", "ESP32-C3")
_NUMBERS: dict[tuple[int, int], tuple[str, tuple[BoardKind, ...], str]] = {
    (_RASPBERRY_PI, 0x0005): (MICROPYTHON, kinds_of_chip("RP2040", "RP2350"), "a Pico with MicroPython"),
    (_RASPBERRY_PI, 0x000B): (UNKNOWN, kinds_of_chip("RP2040", "RP2350"), "a Pico with CircuitPython"),
    (_RASPBERRY_PI, 0x0009): (UNKNOWN, kinds_of_chip("RP2040", "RP2350"), "a Pico with a program in C"),
    (_RASPBERRY_PI, 0x000A): (UNKNOWN, kinds_of_chip("RP2040"), "a Pico with a program in C"),
    (_RASPBERRY_PI, 0x0004): (UNKNOWN, (), "a Picoprobe, which debugs other boards"),
    (_RASPBERRY_PI, 0x000C): (UNKNOWN, (), "a Debug Probe of Raspberry Pi, which debugs other boards"),
    (_ESPRESSIF, 0x1001): (UNKNOWN, _S3_OR_C3, "an ESP32-S3 or ESP32-C3, in its bootloader or under a program"),
    (_ESPRESSIF, 0x0009): (BOOTLOADER, kinds_of_chip("ESP32-S3"), "an ESP32-S3 in its bootloader"),
    (_ESPRESSIF, 0x4001): (MICROPYTHON, kinds_of_chip("ESP32-S3"), "an ESP32-S3 with MicroPython"),
    (_ADAFRUIT, 0x811C): (UNKNOWN, _FEATHER_S3, "a Feather ESP32-S3 with CircuitPython"),
    (_ADAFRUIT, 0x011B): (UNKNOWN, _FEATHER_S3, "a Feather ESP32-S3 in Adafruit's UF2 bootloader"),
}
BRIDGES: dict[tuple[int, int], str] = {
    (0x10C4, 0xEA60): "CP210x",
    (0x10C4, 0xEA70): "CP2105",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x55D3): "CH343",
    (0x1A86, 0x55D4): "CH9102",
    (0x0403, 0x6001): "FT232R",
    (0x0403, 0x6010): "FT2232",
    (0x0403, 0x6014): "FT232H",
    (0x0403, 0x6015): "FT231X",
}
"""Chips between USB and a UART, which say nothing about the board behind them."""

_MAKERS = {
    _RASPBERRY_PI: (kinds_of_chip("RP2040", "RP2350"), "a board with Raspberry Pi's numbers"),
    _ESPRESSIF: (_S3_OR_C3, "a board with Espressif's numbers"),
    _ADAFRUIT: ((), "a board of Adafruit"),
}


def find_boards(ports: Sequence[SerialPort], drives: Iterable[Uf2Drive]) -> list[FoundBoard]:
    """Return the boards among ports and bootloader drives; what is neither on USB nor a drive is none."""
    found = [_on_drive(drive) for drive in drives]
    return found + [_at_port(port) for port in ports if port.vid is not None]


def _on_drive(drive: Uf2Drive) -> FoundBoard:
    kinds = kinds_of_chip(drive.chip)
    what = f"{drive.model or 'a board'} in its bootloader"
    if drive.path is None:
        return FoundBoard(None, None, BOOTLOADER, kinds, f"{what}, whose drive {drive.device} is not mounted")
    return FoundBoard(None, drive.path, BOOTLOADER, kinds, f"{drive.path}: {what}")


def _at_port(port: SerialPort) -> FoundBoard:
    numbers = (port.vid or 0, port.pid or 0)
    state, what = UNKNOWN, f"{port.product}, not a board that is known here".removeprefix(", ")
    kinds: tuple[BoardKind, ...] = ()
    if numbers in _NUMBERS:
        state, kinds, what = _NUMBERS[numbers]
    elif numbers in BRIDGES:
        # Of the boards here, only those with an ESP32 come with a bridge.
        kinds, what = _S3_OR_C3, f"a {BRIDGES[numbers]}, which does not tell the board behind it"
    elif numbers[0] in _MAKERS:
        kinds, what = _MAKERS[numbers[0]]
        what += f" ({port.product})" if port.product else ""
    return FoundBoard(port, None, state, kinds, f"{port.device}: {what} ({numbers[0]:04X}:{numbers[1]:04X})")
