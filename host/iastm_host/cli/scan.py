"""`iastm scan`: which Bluetooth tools and other gauges are in range."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from iastm_host.cli import wiring
from iastm_host.cli.durations import seconds
from iastm_host.cli.live import Radio


def scan(
    duration: Annotated[float, typer.Option(help="Seconds to listen, 0.1 to 600.", callback=seconds(0.1, 600))] = 5.0,
    radio: Radio = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """List the Bluetooth tools in range, the strongest first."""
    tools = wiring.scan_tools(duration, radio)
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "name": tool.name,
                        "address": tool.address,
                        "signal_dbm": tool.rssi_dbm,
                        "battery_percent": tool.battery_percent,
                        "in_use": tool.in_use,
                        "kind": tool.dialect,
                    }
                    for tool in tools
                ]
            )
        )
        return
    if not tools:
        typer.echo(f"No tool was heard within {duration:g} s. Switch it on and bring it nearer.", err=True)
        return
    table = Table("name", "address", "kind", "signal", "battery", "", box=None, pad_edge=False)
    for tool in tools:
        battery = "unknown" if tool.battery_percent is None else f"{tool.battery_percent} %"
        in_use = "in use" if tool.in_use else ""
        table.add_row(tool.name, tool.address, tool.dialect, f"{tool.rssi_dbm} dBm", battery, in_use)
    Console().print(table)
