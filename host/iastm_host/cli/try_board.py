"""`iastm try-board`: see the command's help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from iastm_host.events import Problem
from iastm_host.workbench.board_file import Tried, try_board_file

WRONG = 1
"""Exit code where the table is wrong, or a driver fails, or no conversion came of a converter that is there."""
_NOTHING_WIRED = (
    "Nothing else is wired to a played chip: that a part does not answer is to be expected here, and no fault of the "
    "table. --i2c and --spi put a chip there."
)
_DRIVER_BROKE = "This is no silence of a part: a driver of the file's own failed, or one of the firmware's."
# What a driver raises where it is wrong itself; a part that is not there raises OSError.
_BROKEN = re.compile(r"\b(?!OSError)[A-Z][a-z]\w*(?:Error|Exception)\b")
_LAST_I2C_ADDRESS = 0x77


def try_board(
    file: Annotated[Path, typer.Argument(help="A board's file, as iastm new-board writes it.", dir_okay=False)],
    i2c: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS=BYTES",
            help="Put a chip onto the played bus whose registers from 0 on are these bytes, as 0x40=8000012C.",
        ),
    ] = None,
    spi: Annotated[str, typer.Option(metavar="BYTES", help="What each reading of the SPI bus begins with.")] = "",
) -> None:
    """Check a board's file, and start it on a played chip: what it will do before there is hardware.

    A NAU7802 and a LSM6DS are played. Any other part answers to nobody, for
    nothing is wired to a played chip, unless --i2c or --spi puts one there.
    Exits with 1 where the table is wrong, a driver fails, or no conversion
    came of a converter that was played or put there.
    """
    tried = try_board_file(file, i2c=dict(_chip(each) for each in i2c or ()), spi=_bytes("--spi", spi))
    for line in lines_of(tried):
        typer.echo(line)
    is_there = "NAU7802" in tried.played or i2c or spi
    if tried.faults or _BROKEN.search(tried.trouble) or (is_there and not tried.conversions):
        raise typer.Exit(WRONG)


def lines_of(tried: Tried) -> list[str]:
    """Return what came of it as lines."""
    if tried.faults:
        return [f"wrong: {fault}" for fault in tried.faults]
    lines = ["The table is right."]
    if tried.played:
        lines.append(f"played: {' and '.join(tried.played)}, as if wired; of its wires nothing is known")
    lines += [
        f"conversion: counts {each.raw_counts}, at {each.tool_us} µs, missed before {each.missed}"
        for each in tried.conversions
    ]
    if tried.trouble:
        lines.append(f"not started: {tried.trouble}")
        lines.append(_DRIVER_BROKE if _BROKEN.search(tried.trouble) else _NOTHING_WIRED)
    came = "conversions come" if tried.conversions else "it starts; no conversion in two seconds"
    return [*lines, f"{tried.name}: {came}"]


def _chip(text: str) -> tuple[int, bytes]:
    address, _, registers = text.partition("=")
    try:
        number = int(address, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= _LAST_I2C_ADDRESS:
        raise Problem(f"{address} is no I²C address.", "Give a chip as ADDRESS=BYTES, as --i2c 0x40=8000012C.")
    return number, _bytes("--i2c", registers)


def _bytes(option: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Problem(f"{option} can't read the bytes {text}.", "Give them in hex, two digits each.") from None
