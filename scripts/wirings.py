"""Which wire goes where: the boards' own tables, other converters on them, and what makers print beside the pins.

Pins come from `WIRING` of iastm_firmware/boards and from CONVERTERS below, and nowhere else. What is printed beside a
pin is of the boards' makers: Arduino's variants adafruit_feather_esp32s3 and adafruit_qtpy_esp32c3, and the data sheet
of the Raspberry Pi Pico W.
"""

from __future__ import annotations

import importlib
import pprint
from dataclasses import dataclass, field
from typing import Any

Wiring = dict[str, Any]

_CELL = (("E+", "red"), ("E−", "black"), ("A−", "white"), ("A+", "green"))
# Qwiic and STEMMA QT have the same cable.
PLUG = (("GND", "black"), ("3V3", "red"), ("SDA", "blue"), ("SCL", "yellow"))


@dataclass(frozen=True)
class Board:
    """What the maker of a board prints on it, and what it has on it, by key of WIRING."""

    module: str
    title: str
    pins: dict[int, str]
    supply: str
    grounds: tuple[tuple[int, str], ...]
    plug: str = ""
    on_board: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def wiring(self) -> Wiring:
        """The board's own table."""
        wiring: Wiring = importlib.import_module(f"iastm_firmware.boards.{self.module}").WIRING
        return wiring


@dataclass(frozen=True)
class Chip:
    """A converter's board: its pins by key of WIRING, where the cell goes, and what must be set on it."""

    title: str
    pins: dict[str, tuple[str, str]]
    supply: str
    ground: str
    cell: dict[str, str]
    notes: tuple[str, ...]


def _named(numbers: dict[str, int]) -> dict[int, str]:
    return {number: f"{name} (GPIO {number})" for name, number in numbers.items()}


# What of GP0 to GP28 is at the pins 1, 2 and so forth of the row; None: none of them.
_PICO_ROW: tuple[int | None, ...] = (0, 1, None, 2, 3, 4, 5, None, 6, 7, 8, 9, None, 10, 11, 12, 13, None, 14, 15)
_PICO_ROW += (16, 17, None, 18, 19, 20, 21, None, 22, None, 26, 27, None, 28)
_PICO_ROWS = {number: row for row, number in enumerate(_PICO_ROW, 1) if number is not None}
_PICO_PINS = {number: f"GP{number} (pin {row})" for number, row in _PICO_ROWS.items()}
_PICO_GROUNDS = tuple((row, f"GND (pin {row})") for row in (3, 8, 13, 18, 23, 28, 38))
_BUZZER_NOTES = ("A passive piezo behind a transistor.",)
_MOTOR_NOTES = ("A 3 V motor behind a transistor, with a diode,", "and a resistor that keeps it off.")
_PICO_NOTES = ("Without a buzzer or a motor:", "None for it in board.py.")


def _pico(module: str, title: str) -> Board:
    return Board(
        module,
        title,
        _PICO_PINS,
        "3V3 OUT (pin 36)",
        _PICO_GROUNDS,
        on_board={"light": "light: the board's own (LED)"},
        notes=_PICO_NOTES,
    )


BOARDS = (
    Board(
        "esp32_s3",
        "Feather ESP32-S3",
        _named(
            {"A0": 18, "A1": 17, "A2": 16, "A3": 15, "A4": 14, "A5": 8, "SCK": 36, "MO": 35, "MI": 37}
            | {"D5": 5, "D6": 6, "D9": 9, "D10": 10, "D11": 11, "D12": 12, "D13": 13, "SDA": 3, "SCL": 4}
        ),
        "3V",
        ((0, "GND"),),
        plug="STEMMA QT",
        on_board={
            "light": "light: the board's own (GPIO 33)",
            "button": "button: BOOT (GPIO 0)",
            "battery": "battery: socket, charger and gauge",
        },
    ),
    Board(
        "esp32_c3",
        "QT Py ESP32-C3",
        _named({"A0": 4, "A1": 3, "A2": 1, "A3": 0, "SDA": 5, "SCL": 6, "TX": 21, "RX": 20, "SCK": 10, "MO": 7}),
        "3V",
        ((0, "GND"),),
        plug="STEMMA QT",
        on_board={"light": "light: the board's own (GPIO 2)", "button": "button: BOOT (GPIO 9)"},
        notes=("No battery: powered by its cable.",),
    ),
    _pico("pico_w", "Raspberry Pi Pico WH"),
    _pico("pico_2_w", "Raspberry Pi Pico 2 WH"),
)

_STRAIGHT = {"E+": "E+", "E−": "E−", "A−": "A−", "A+": "A+"}
CHIPS = {
    "NAU7802": Chip(
        "NAU7802 board",
        {},
        "",
        "",
        _STRAIGHT,
        (
            "Spring terminals: push the lever,",
            "put the bare end in, let go.",
            "80 per second; 320 with DRDY wired too.",
        ),
    ),
    "HX711": Chip(
        "HX711 board",
        {"data": ("DT", "blue"), "clock": ("SCK", "yellow")},
        "VCC (and VDD)",
        "GND",
        _STRAIGHT,
        ("RATE to its supply: 80 per second.", "As sold it mostly makes 10."),
    ),
    "ADS1232": Chip(
        "ADS1232 board",
        {"data": ("data out / DRDY", "blue"), "clock": ("SCLK", "yellow"), "power_down": ("PDWN", "orange")},
        "AVDD, DVDD",
        "GND",
        {"E+": "E+, REFP", "E−": "E−, REFN", "A−": "AINN1", "A+": "AINP1"},
        ("SPEED high: 80 per second.", "GAIN1, GAIN0 high: 128.", "TEMP, A0 low: channel 1."),
    ),
    "ADS1220": Chip(
        "ADS1220 board",
        {
            "sck": ("SCLK", "yellow"),
            "mosi": ("DIN", "blue"),
            "miso": ("data out / DRDY", "green"),
            "select": ("CS", "orange"),
            "ready": ("DRDY", "violet"),
        },
        "AVDD, DVDD",
        "AVSS, DGND",
        {"E+": "AIN0, AVDD", "E−": "AIN3", "A−": "AIN2", "A+": "AIN1"},
        ("CLK to DGND: its own clock.",),
    ),
}
# Twice as many newtons to a count: its full scale is the whole reference, that of the others half of it.
_ADS1220_CELL = {"id": "uncalibrated 50 N", "capacity_n": 50.0, "coefficients": (0.0, 2 / 85899)}


def _ads1220(spi: dict[str, int], select: int, ready: int) -> Wiring:
    adc = {"driver": "ADS1220", "select": select, "ready": ready, "rate_hz": 330, "gain": 128}
    return {"adc": adc, "spi": spi, "cell": _ADS1220_CELL}


def _hx711(driver: str, data: int, clock: int) -> Wiring:
    return {"adc": {"driver": driver, "data": data, "clock": clock, "rate_hz": 80}}


def _ads1232(data: int, clock: int, power_down: int) -> Wiring:
    return {"adc": {"driver": "ADS1232", "data": data, "clock": clock, "power_down": power_down, "rate_hz": 80}}


_ON_PICO = {
    "HX711": _hx711("HX711_PIO", 10, 11),
    "ADS1232": _ads1232(10, 11, 12),
    "ADS1220": _ads1220({"id": 1, "sck": 10, "mosi": 11, "miso": 12}, 13, 14),
}
# What another converter changes in the table of a board, whose own one is NAU7802.
CONVERTERS: dict[str, dict[str, Wiring]] = {
    "esp32_s3": {
        "HX711": _hx711("HX711", 5, 6),
        "ADS1232": _ads1232(5, 6, 9),
        "ADS1220": _ads1220({"id": 1, "sck": 36, "mosi": 35, "miso": 37}, 10, 9),
    },
    "esp32_c3": {
        "HX711": _hx711("HX711", 4, 3),
        "ADS1232": _ads1232(4, 3, 1),
        # Not the pin that the maker calls MISO: it decides how the chip starts.
        "ADS1220": _ads1220({"id": 1, "sck": 10, "mosi": 7, "miso": 4}, 3, 1),
    },
    "pico_w": _ON_PICO,
    "pico_2_w": _ON_PICO,
}


@dataclass(frozen=True)
class Wire:
    """One wire: from a part's pin, in a colour, to a pin of the board."""

    pin: str
    colour: str
    to: str


@dataclass(frozen=True)
class Part:
    """A part with its wires to the board; `cable` where they come in one with plugs; `cell` is a converter's side."""

    title: str
    wires: tuple[Wire, ...]
    notes: tuple[str, ...] = ()
    cell: tuple[Wire, ...] = ()
    cable: str = ""


def wiring_of(board: Board, chip: str) -> Wiring:
    """Return the table of a board with this converter, as its board.py would have it."""
    return {**board.wiring, **CONVERTERS[board.module].get(chip, {})}


def parts_of(board: Board, chip: str) -> list[Part]:
    """Return all parts beside the board, the converter first."""
    wiring = wiring_of(board, chip)
    grounds = _Grounds(board)
    by_plug = chip == "NAU7802"
    made = [_converter(board, chip, wiring, grounds)]
    if wiring.get("imu") is not None:
        made.append(_motion(board, wiring, grounds, by_plug))
    if wiring.get("buzzer") is not None:
        made.append(_driven("Buzzer", "orange", board, wiring["buzzer"], grounds, _BUZZER_NOTES))
    if wiring.get("motor") is not None:
        made.append(_driven("Motor", "violet", board, wiring["motor"], grounds, _MOTOR_NOTES))
    if wiring.get("button") is not None and "button" not in board.on_board:
        pin = wiring["button"]
        wires = (Wire("one side", "blue", board.pins[pin]), Wire("other side", "black", grounds.near(pin)))
        made.append(Part("Button", wires))
    return made


class _Grounds:
    # Each wire to the ground that is nearest to the part's first pin, where there are several.
    def __init__(self, board: Board) -> None:
        self._rows = _PICO_ROWS if len(board.grounds) > 1 else {}
        self._left = list(board.grounds)

    def near(self, pin: int) -> str:
        nearest = min(self._left, key=lambda ground: (abs(ground[0] - self._rows.get(pin, 0)), ground[0]))
        if len(self._left) > 1:
            self._left.remove(nearest)
        return nearest[1]


def _converter(board: Board, name: str, wiring: Wiring, grounds: _Grounds) -> Part:
    chip = CHIPS[name]
    cell = tuple(Wire(pin, colour, chip.cell[pin]) for pin, colour in _CELL)
    if name == "NAU7802":
        return Part(chip.title, _plug_wires(board, wiring, grounds), chip.notes, cell, _cable(board))
    places = {**wiring["adc"], **wiring.get("spi", {})}
    wires = [Wire(label, colour, board.pins[places[key]]) for key, (label, colour) in chip.pins.items()]
    first = places[next(iter(chip.pins))]
    power = (Wire(chip.ground, "black", grounds.near(first)), Wire(chip.supply, "red", board.supply))
    return Part(chip.title, (*power, *wires), chip.notes, cell)


def _cable(board: Board) -> str:
    return f"{board.plug} cable" if board.plug else "Qwiic cable to four sockets"


def _plug_wires(board: Board, wiring: Wiring, grounds: _Grounds) -> tuple[Wire, ...]:
    bus = wiring["i2c"]
    to = {"GND": "GND", "3V3": "3V3"} if board.plug else {"GND": grounds.near(bus["sda"]), "3V3": board.supply}
    to |= {"SDA": board.pins[bus["sda"]], "SCL": board.pins[bus["scl"]]}
    return tuple(Wire(pin, colour, to[pin]) for pin, colour in PLUG)


def _motion(board: Board, wiring: Wiring, grounds: _Grounds, chained: bool) -> Part:
    title = "LSM6DS motion sensor"
    if chained:
        return Part(title, (), ("Optional. A second cable from the", "converter's other socket."))
    return Part(title, _plug_wires(board, wiring, grounds), ("Optional.",), cable=_cable(board))


def _driven(title: str, colour: str, board: Board, pin: int, grounds: _Grounds, notes: tuple[str, ...]) -> Part:
    wires = (Wire("in", colour, board.pins[pin]), Wire("+", "red", board.supply), Wire("−", "black", grounds.near(pin)))
    return Part(title, wires, notes)


def board_file(board: Board, chip: str) -> str:
    """Return the text of board.py for a board with this converter, "" where its own table has it."""
    changes = CONVERTERS[board.module].get(chip)
    if changes is None:
        return ""
    changes = dict(changes)
    cell = changes.pop("cell", None)
    lines = [
        f"from iastm_firmware.boards import {board.module}",
        "",
        f"WIRING = dict({board.module}.WIRING)",
    ]
    for name, value in changes.items():
        lines.append(f'WIRING["{name}"] = {_literal(value)}')
    if cell is not None:
        lines += [
            "# 50 N at 2 mV/V: half the counts of the other converters.",
            'WIRING["cell"] = {"id": "uncalibrated 50 N", "capacity_n": 50.0, "coefficients": (0.0, 2 / 85899)}',
        ]
    return "\n".join(lines) + "\n"


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=110, sort_dicts=False).replace("'", '"')
