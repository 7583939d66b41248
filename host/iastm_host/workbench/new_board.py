"""Writes a board's file to fill in, and its test (docs/boards.md)."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.records.new_file import write_new
from iastm_host.workbench.board_facts import CHIPS, CONVERTERS, MOTION_SENSORS, ChipFacts, ConverterFacts, Spans

CHOOSE = "CHOOSE"
"""Stands where a pin is still to be chosen; the check of the file names each place."""

_LONGEST_NAME = 40
_CAPACITY_N = 50
_CELL_MV_V = 2.0
_COUNTS = 1 << 23
_BUS_PINS = {"i2c": ("sda", "scl"), "spi": ("sck", "mosi", "miso")}


@dataclass(frozen=True, slots=True)
class NewBoard:
    """A board to be: its name, and its parts by the names of board_facts.py; `motion` is None without a sensor.

    Raises Problem where a name can't be a module's, or the parts don't go together.
    """

    name: str
    chip: str
    converter: str
    motion: str | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or not self.name.isascii() or keyword.iskeyword(self.name):
            raise Problem(
                f"A board can't be called {self.name!r}: its file is a Python module.",
                "Use letters, digits and _, and begin with a letter, as my_tool.",
            )
        if len(self.name) > _LONGEST_NAME:
            raise Problem(
                f"The name {self.name} is too long: it stands in the tool's hello.",
                f"Use up to {_LONGEST_NAME} letters.",
            )
        if self.name.startswith(("test_", "iastm_")) or self.name in ("boot", "main"):
            raise Problem(f"{self.name}.py would be taken for something else.", "Choose another name, as my_tool.")
        if CONVERTERS[self.converter].needs_pio and not CHIPS[self.chip].has_pio:
            raise Problem(
                f"{self.converter} needs the PIO of an RP2040 or RP2350, which an {self.chip} has not.",
                "Take --adc HX711, which is read without it.",
            )

    def files(self) -> dict[str, str]:
        """Return the board's file and its test, by their names."""
        return {f"{self.name}.py": _board_text(self), f"test_{self.name}.py": _test_text(self)}


def write_board(board: NewBoard, folder: Path) -> list[Path]:
    """Write the files of `board` into `folder`, over nothing that is there; return where they are. Raises Problem."""
    files = {folder / name: text for name, text in board.files().items()}
    for path in files:
        # Before the first one is written: half a board helps nobody.
        if path.exists():
            raise Problem(f"{path} exists and is not overwritten.", "Choose another name, or move that one away.")
    for path, text in files.items():
        write_new(path, text.encode())
    return list(files)


def _board_text(board: NewBoard) -> str:
    chip, converter = CHIPS[board.chip], CONVERTERS[board.converter]
    parts = f"{converter.name} and {board.motion}" if board.motion else converter.name
    lines = [
        f'"""{board.name}: an {chip.name} with {parts}.',
        "",
        f"Put a pin in place of each {CHOOSE}; None leaves a part out that is None here. Then:",
        "",
        f"    pytest test_{board.name}.py             the table is right, and starts on a played chip",
        f"    iastm try-board {board.name}.py         the same with what did not start, and conversions",
        f"    iastm deploy --board {board.name}.py    onto the board",
        "",
        "Every key, and pins with a catch, stand in docs/boards.md. Check the pins against your board's own page.",
        "",
        *_pin_lines(chip),
        '"""',
        "",
        "# The check of this file names each place where it is left.",
        f'{CHOOSE} = "{CHOOSE}"',
        "",
        "WIRING = {",
        *("    " + line for line in _table_lines(board, chip, converter)),
        "}",
        "",
    ]
    return "\n".join(lines)


def _pin_lines(chip: ChipFacts) -> Iterator[str]:
    taken = "; ".join(f"{_spans(spans)} belong to {owner}" for owner, spans in chip.taken.items())
    yield f"Pins of an {chip.name}: {_spans(chip.pins)}."
    yield f"- {taken}."
    if chip.straps:
        straps = ", ".join(map(str, chip.straps))
        yield f"- {straps} decide at reset how the chip starts: only where the board's maker wired them so, and then"
        yield '  list them too: "strapping": (pin,).'
    yield f"- {chip.analog[0]} to {chip.analog[-1]} measure a voltage."


def _table_lines(board: NewBoard, chip: ChipFacts, converter: ConverterFacts) -> Iterator[str]:
    yield f'"name": "{board.name}",  # up to 40 bytes; it stands in hello'
    yield f'"chip": "{chip.name}",'
    if converter.bus == "i2c" or board.motion:
        yield from _bus_lines("i2c", chip.i2c_id, chip.i2c)
    if converter.bus == "spi":
        yield from _bus_lines("spi", chip.spi_id, chip.spi)
    yield f"# {converter.note}"
    yield f'"adc": {{{_adc_keys(converter)}}},'
    if board.motion:
        yield f"# {MOTION_SENSORS[board.motion]}"
        yield "# The tool's x axis goes from handle to tip: axes say which of the sensor's it is, then y and z."
        yield '# tip_mm says how far the tip is from the sensor; "interrupt": its pin, where it shall wake the tool.'
        config = ', "config": "bmi270_config.bin"' if board.motion == "BMI270" else ""
        yield f'"imu": {{"driver": "{board.motion}"{config}, "axes": (1, 2, 3), "tip_mm": None}},'
    else:
        yield '"imu": None,  # strokes from force alone'
    light = f'"{chip.light}"' if chip.light else CHOOSE
    yield "# Or WS2812 with its pin; or RGB with red, green and blue. By light, buzzer and motor the tool warns."
    yield f'"light": {{"kind": "LED", "pin": {light}, "on": 1}},'
    yield '"buzzer": None,  # the pin of a passive piezo, behind a transistor'
    yield '"motor": None,  # a pin, behind a transistor; a resistor keeps it off while nobody drives the pin'
    yield f'"button": {CHOOSE},  # to ground'
    yield '"battery": None,  # {"kind": "divider", "pin": one that measures, "ratio": 2.0} or {"kind": "MAX17048"}'
    counts = round(_CELL_MV_V / converter.reach_mv_v * _COUNTS / _CAPACITY_N)
    yield f"# {_CAPACITY_N} N at {_CELL_MV_V:g} mV/V: {counts} counts per newton. In force until a calibration is kept."
    cell = f'"id": "uncalibrated {_CAPACITY_N} N", "capacity_n": {_CAPACITY_N}.0, "coefficients": (0.0, 1 / {counts})'
    yield f'"cell": {{{cell}}},'
    yield '"idle_s": 0,  # seconds without use until it sleeps; 0: never'


def _bus_lines(bus: str, number: int, places: str) -> Iterator[str]:
    for place in filter(None, places.split("; ")):
        yield f"# {place}"
    pins = ", ".join(f'"{pin}": {CHOOSE}' for pin in _BUS_PINS[bus])
    yield f'"{bus}": {{"id": {number}, {pins}}},'


def _adc_keys(converter: ConverterFacts) -> str:
    pins = [f'"{pin}": {CHOOSE}' for pin in converter.pins]
    more = [f'"{name}": {value}' for name, value in converter.more.items()]
    return ", ".join([f'"driver": "{converter.name}"', *pins, f'"rate_hz": {converter.rate_hz}', *more])


def _spans(spans: Spans) -> str:
    return ", ".join(f"{first} to {last}" if last > first else f"{first}" for first, last in spans)


def _test_text(board: NewBoard) -> str:
    return f'''"""{board.name}.py is right, and the tool starts with it on a played chip.

    pytest test_{board.name}.py

It runs wherever the toolkit is installed, with no board in reach. A NAU7802 and a LSM6DS are played; nothing else is
wired to the played chip, so that of other parts "does not answer" is to be expected.
"""

from pathlib import Path

from iastm_host.workbench.board_file import faults_of_board_file, try_board_file

BOARD = Path(__file__).with_name("{board.name}.py")


def test_the_table_is_right():
    faults = faults_of_board_file(BOARD)
    assert not faults, "\\n" + "\\n".join(faults)


def test_the_tool_starts_with_it():
    tried = try_board_file(BOARD)
    assert tried.name, "\\n" + "\\n".join(tried.faults)
    print(tried.trouble)
'''
