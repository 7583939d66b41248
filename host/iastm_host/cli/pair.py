"""`iastm pair`: this computer learns a tool's key, so that it may set limits and zero over Bluetooth."""

from __future__ import annotations

from typing import Annotated

import typer

from iastm_host.cli import wiring
from iastm_host.cli.live import Radio
from iastm_host.events import Problem


def pair(
    tool: Annotated[
        str | None, typer.Option(help="A Bluetooth tool's name or address, as iastm scan lists them.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="The port of a tool on a cable: needs no press.")] = None,
    radio: Radio = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Let the tool make a new key, by cable: all other computers lose theirs.")
    ] = False,
) -> None:
    """Learn a tool's key. Over Bluetooth a tool takes limits and zero only from computers that have it."""
    if (port is None) == (tool is None):
        raise Problem("One tool can be paired.", "Give either --tool, or --port; iastm scan lists Bluetooth tools.")
    if port is not None and radio is not None:
        raise Problem("A port needs no radio.", "Give --radio with --tool, or leave it out.")
    if renew and port is None:
        raise Problem("A new key is made by cable only.", "Connect the tool by cable and give --port.")
    link = wiring.serial_link(port) if port is not None else wiring.ble_link(tool or "", radio)
    serial_number, where = wiring.pair(
        link,
        lambda words: typer.echo(words, err=True),
        renew=renew,
        carrier="serial" if port is not None else "ble",
        address=port or tool or "",
    )
    typer.echo(f"Paired with {serial_number}. Its key is kept {where}.")
