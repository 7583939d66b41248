"""What iastm new-board writes: right for each chip with each converter and motion sensor, once its pins are chosen."""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iastm_firmware import pins
from iastm_firmware.boards import parts
from iastm_host.events import Problem
from iastm_host.transports.runtime import find_runtime
from iastm_host.workbench.board_facts import CHIPS, CONVERTERS, MOTION_SENSORS, Spans
from iastm_host.workbench.board_file import faults_of_board_file, try_board_file
from iastm_host.workbench.new_board import CHOOSE, NewBoard, write_board

# A pin for each place that is to be chosen, as one may lie on a bench.
EXAMPLES = {
    "ESP32": {"sda": 5, "scl": 6, "sck": 7, "mosi": 10, "miso": 4, "light": 20, "button": 1}
    | {"data": 3, "clock": 21, "power_down": 0, "select": 3, "ready": 21},
    "RP": {"sda": 4, "scl": 5, "sck": 2, "mosi": 3, "miso": 0, "button": 15}
    | {"data": 10, "clock": 11, "power_down": 12, "select": 13, "ready": 14},
}
EXAMPLES["ESP32-S3"] = EXAMPLES["ESP32"] | {"light": 15, "data": 11, "power_down": 12, "select": 11}
EXAMPLES["ESP32-C3"] = EXAMPLES["ESP32"] | {"light": 20, "select": 3, "ready": 21, "button": 1}

COMBINATIONS = [
    (chip, converter, motion)
    for chip, converter, motion in itertools.product(CHIPS, CONVERTERS, [None, *MOTION_SENSORS])
    if CHIPS[chip].has_pio or not CONVERTERS[converter].needs_pio
]


def numbers(spans: Spans) -> set[int]:
    return {pin for first, last in spans for pin in range(first, last + 1)}


def filled(text: str, chip: str) -> str:
    """Return a board's file with a pin in each place."""
    examples = EXAMPLES["RP" if chip.startswith("RP") else chip.removesuffix(" octal")]
    head, table = text.split("WIRING = {")
    table = re.sub(rf'"light": {{(.*?){CHOOSE}', lambda found: f'"light": {{{found[1]}{examples["light"]}', table)
    return (
        head
        + "WIRING = {"
        + re.sub(rf'"(\w+)": {CHOOSE}\b', lambda found: f'"{found[1]}": {examples[found[1]]}', table)
    )


def places(text: str) -> int:
    """Return how many pins are to be chosen."""
    tree = ast.parse(text)
    return sum(isinstance(node, ast.Name) and node.id == CHOOSE for node in ast.walk(tree)) - 1


def test_the_facts_of_the_chips_are_those_that_the_firmware_checks_by() -> None:
    assert set(CHIPS) == set(pins.CHIPS)
    for name, facts in CHIPS.items():
        checked = pins.CHIPS[name]
        assert numbers(facts.pins) == set(checked.pins)
        assert set().union(*(numbers(spans) for spans in facts.taken.values())) == set(checked.taken)
        assert set(facts.straps) == set(checked.straps)
        assert facts.analog == tuple(range(facts.analog[0], facts.analog[-1] + 1)) == checked.analog
        assert facts.i2c_id in checked.i2c
        assert facts.spi_id in checked.spi
        assert facts.has_pio == checked.pio
        assert bool(facts.i2c) == bool(facts.spi) == checked.fixed_buses


def test_the_facts_of_the_parts_are_those_of_the_firmware() -> None:
    assert set(CONVERTERS) == set(parts.CONVERTERS)
    assert set(MOTION_SENSORS) == set(parts.MOTION_SENSORS)
    for name, facts in CONVERTERS.items():
        part = parts.CONVERTERS[name]
        assert facts.pins == part.pins
        assert facts.bus == part.bus
        assert facts.needs_pio == part.pio
        assert facts.rate_hz in part.rates_hz
        assert facts.rate_hz >= 80
        assert set(facts.more) <= set(part.options)
        rates = {int(number) for number in re.findall(r"\d+", facts.note.split(" conversions")[0])}
        assert rates == set(part.rates_hz)


@pytest.mark.parametrize(("chip", "bus"), [(chip, bus) for chip in ("RP2040", "RP2350") for bus in ("i2c", "spi")])
def test_the_pins_that_a_bus_is_said_to_have_are_its_own(chip: str, bus: str) -> None:
    words = getattr(CHIPS[chip], bus)
    for number, names in re.findall(r"bus (\d) has (.*?)(?=, bus \d|;|$)", words):
        for name, listed in re.findall(r"(\w+) at ([\d, or]+)", names):
            for pin in map(int, re.findall(r"\d+", listed)):
                check = pins._Check(pins.CHIPS)
                check._fixed(bus, int(number), name, pin)
                assert check.faults == []
                assert pin not in pins.CHIPS[chip].taken


@pytest.mark.parametrize(("chip", "converter", "motion"), COMBINATIONS)
def test_each_combination_is_right_once_its_pins_are_chosen(chip: str, converter: str, motion: str | None) -> None:
    # The firmware's own check, in this process: each of some seventy tables.
    text = NewBoard("my_tool", chip, converter, motion).files()["my_tool.py"]
    table: dict[str, object] = {}
    exec(compile(text, "my_tool.py", "exec"), table)
    faults = pins.faults_of(table["WIRING"])
    assert len(faults) == places(text)
    assert all(fault.endswith("a pin is a number, not str 'CHOOSE'") for fault in faults)
    assert max(len(line) for line in text.splitlines()) <= 120
    chosen: dict[str, object] = {}
    exec(compile(filled(text, chip), "my_tool.py", "exec"), chosen)
    assert pins.faults_of(chosen["WIRING"]) == []


@pytest.mark.parametrize(
    ("chip", "converter", "motion"),
    [
        ("ESP32-S3", "NAU7802", "LSM6DS"),
        ("ESP32-S3 octal", "ADS1220", None),
        ("ESP32-C3", "HX711", None),
        ("RP2040", "HX711_PIO", "BMI270"),
        ("RP2350", "ADS1232", None),
    ],
)
def test_a_filled_one_starts_on_a_played_chip_under_micropython(
    tmp_path: Path, chip: str, converter: str, motion: str | None
) -> None:
    runtime = find_runtime(os.environ)
    assert runtime.name == "micropython"
    file, _ = write_board(NewBoard("my_tool", chip, converter, motion), tmp_path)
    unfilled = faults_of_board_file(file, runtime)
    assert len(unfilled) == places(file.read_text())
    file.write_text(filled(file.read_text(), chip))
    tried = try_board_file(file, runtime)
    assert tried.faults == ()
    assert tried.name == "my_tool"


def run_test_of(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_tool.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_test_that_is_written_fails_in_words_until_the_pins_are_chosen(tmp_path: Path) -> None:
    file, _ = write_board(NewBoard("my_tool", "RP2040", "HX711", None), tmp_path)
    before = run_test_of(tmp_path)
    assert before.returncode == 1
    assert "adc data: still to be chosen" in before.stdout
    assert "button: still to be chosen" in before.stdout
    file.write_text(filled(file.read_text(), "RP2040"))
    after = run_test_of(tmp_path)
    assert after.returncode == 0, after.stdout
    assert "2 passed" in after.stdout


@pytest.mark.parametrize("name", ["my-tool", "1st", "class", "", "Ünder", "a b", "../x", "test_it", "main", "x" * 41])
def test_a_name_that_can_t_be_a_module_is_refused(name: str) -> None:
    with pytest.raises(Problem):
        NewBoard(name, "RP2040", "HX711")


def test_a_converter_that_the_chip_can_t_read_is_refused() -> None:
    with pytest.raises(Problem, match="needs the PIO"):
        NewBoard("my_tool", "ESP32-C3", "HX711_PIO")


@pytest.mark.parametrize("there", ["my_tool.py", "test_my_tool.py"])
def test_nothing_is_overwritten_and_no_half_is_left(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Problem, match="exists and is not overwritten"):
        write_board(NewBoard("my_tool", "RP2040", "HX711"), tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {there: "mine"}


def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't be written"):
        write_board(NewBoard("my_tool", "RP2040", "HX711"), tmp_path / "away")
