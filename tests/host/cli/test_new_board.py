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
        (("away.py",), "can't be read"),
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
