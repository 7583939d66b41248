"""What iastm new-board and iastm try-board print, and what they refuse, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from iastm_host.cli.main import app
from iastm_host.cli.new_board import Chip, Converter, MotionSensor
from iastm_host.events import Problem
from iastm_host.workbench.board_facts import CHIPS, CONVERTERS, MOTION_SENSORS

_USAGE = 2


def test_every_chip_converter_and_sensor_can_be_named() -> None:
    assert {chip.value.replace("-octal", " octal") for chip in Chip} == set(CHIPS)
    assert {converter.value for converter in Converter} == set(CONVERTERS)
    assert {sensor.value for sensor in MotionSensor} - {"none"} == set(MOTION_SENSORS)


def test_what_is_written_is_said_and_what_comes_next(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["new-board", "my_tool", "--chip", "esp32-s3-OCTAL", "--out", str(tmp_path)])
    assert ran.exit_code == 0
    assert '"chip": "ESP32-S3 octal",' in (tmp_path / "my_tool.py").read_text()
    assert (tmp_path / "test_my_tool.py").exists()
    for step in ("Put a pin in place of each CHOOSE", "pytest ", "iastm try-board ", "iastm deploy --board "):
        assert step in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("my-tool",), "can't be called 'my-tool'"),
        (("my_tool", "--chip", "esp32-s3", "--adc", "hx711_pio"), "needs the PIO"),
    ],
)
def test_a_new_board_that_can_t_be_is_said_in_words(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = CliRunner().invoke(app, ["new-board", *arguments, "--out", str(tmp_path)])
    assert isinstance(ran.exception, Problem)
    assert said in ran.exception.what
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [("--chip", "z80"), ("--adc", "none"), ("--imu", "x"), ("--out", "/nowhere/at/all")])
def test_what_is_not_known_is_an_error_of_usage(option: tuple[str, str]) -> None:
    assert CliRunner().invoke(app, ["new-board", "my_tool", *option]).exit_code == _USAGE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("away.py",), "There is no file away.py"),
        (("mine.py", "--i2c", "0x99=00"), "0x99 is no I²C address"),
        (("mine.py", "--i2c", "0x40=xyz"), "can't read the bytes xyz"),
        (("mine.py", "--spi", "0"), "can't read the bytes 0"),
    ],
)
def test_a_board_that_can_t_be_tried_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("WIRING = {}\n")
    ran = CliRunner().invoke(app, ["try-board", *arguments])
    assert isinstance(ran.exception, Problem)
    assert said in ran.exception.what


_TABLE = """
WIRING = {
    "name": "mine",
    "chip": "RP2040",
    "i2c": {"id": 0, "sda": 4, "scl": 5},
    "adc": %s,
    "imu": {"driver": "LSM6DS"},
    "cell": {"id": "none", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
}
"""
_NAU7802 = '{"driver": "NAU7802", "rate_hz": 80}'
_HX711 = '{"driver": "HX711", "data": 10, "clock": 11, "rate_hz": 80}'
_OWN = '{"driver": lambda machine, time: machine.none, "rate_hz": 80}'


@pytest.mark.parametrize(
    ("adc", "more", "code", "said"),
    [
        (_NAU7802, (), 0, "mine: conversions come"),
        (_HX711, (), 0, "no fault of the table"),
        # What was put there is no NAU7802, though it says that it is powered and has converted: it keeps no setting.
        (_NAU7802, ("--i2c", "0x2a=" + "00" * 4), 1, "no conversion in two seconds"),
        (_OWN, (), 1, "a driver of the file's own failed"),
    ],
    ids=["played", "not wired", "another chip", "own driver"],
)
def test_a_right_table_is_said_to_be_right_and_only_what_is_there_must_convert(
    tmp_path: Path, adc: str, more: tuple[str, ...], code: int, said: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_TABLE % adc)
    ran = CliRunner().invoke(app, ["try-board", str(file), *more])
    assert ran.stdout.splitlines()[0] == "The table is right."
    assert said in ran.stdout
    assert ran.exit_code == code
