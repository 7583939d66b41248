"""`iastm new-board`: a board's file to fill in, and its test."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iastm_host.workbench.new_board import CHOOSE, NewBoard, write_board


class Chip(StrEnum):
    """The chips that the firmware knows."""

    ESP32_S3 = "ESP32-S3"
    ESP32_S3_OCTAL = "ESP32-S3-octal"
    ESP32_C3 = "ESP32-C3"
    RP2040 = "RP2040"
    RP2350 = "RP2350"


class Converter(StrEnum):
    """The converters that the firmware has a driver for."""

    NAU7802 = "NAU7802"
    HX711 = "HX711"
    HX711_PIO = "HX711_PIO"
    ADS1232 = "ADS1232"
    ADS1220 = "ADS1220"


class MotionSensor(StrEnum):
    """The motion sensors that the firmware has a driver for."""

    NONE = "none"
    LSM6DS = "LSM6DS"
    BMI270 = "BMI270"


def new_board(
    name: Annotated[str, typer.Argument(help="What the board is called; its file is NAME.py.")],
    chip: Annotated[
        Chip, typer.Option(help="Its chip; octal: with eight-line PSRAM or flash.", case_sensitive=False)
    ] = Chip.ESP32_S3,
    adc: Annotated[
        Converter, typer.Option(help="The converter at the load cell.", case_sensitive=False)
    ] = Converter.NAU7802,
    imu: Annotated[MotionSensor, typer.Option(help="The motion sensor.", case_sensitive=False)] = MotionSensor.NONE,
    out: Annotated[Path, typer.Option(help="The folder for the two files.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Write a board's file, with each pin that is still to be chosen marked, and its test. Nothing is overwritten."""
    motion = None if imu == MotionSensor.NONE else imu.value
    board = NewBoard(name, chip.value.replace("-octal", " octal"), adc.value, motion)
    file, test = write_board(board, out)
    typer.echo(f"Written: {file}")
    typer.echo(f"Written: {test}")
    typer.echo()
    typer.echo(f"1. Put a pin in place of each {CHOOSE} in {file}, and look through the rest of it.")
    typer.echo(f"2. See whether it is right, with no board in reach: pytest {test}  or: iastm try-board {file}")
    typer.echo(f"3. Onto the board: iastm deploy --board {file}")
