"""`iastm simulate`: the tool alone, or another gauge, for other programs and for `iastm run`."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iastm_host.cli.wiring import (
    LOCALHOST,
    SIMULATED_RATE_HZ,
    Carrier,
    Simulation,
    make_simulation,
    progressor_on_air,
    tool_on_air,
)
from iastm_host.events import Problem
from iastm_host.scenarios import NAMES

_LOOK_EVERY_S = 0.5


class Gauge(StrEnum):
    """What is simulated."""

    TOOL = "tool"
    PROGRESSOR = "progressor"


SCENARIO_HELP = f"{', '.join(NAMES)}, or a CSV file of time (s) and force (N)."


def simulate(
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = "treatment",
    seed: Annotated[int, typer.Option(help="The same seed gives the same strokes.", min=0)] = 1,
    truth: Annotated[Path | None, typer.Option(help="Write each conversion as played to this CSV file.")] = None,
    rate: Annotated[int, typer.Option(help="Conversions per second.", min=10, max=2000)] = SIMULATED_RATE_HZ,
    zero_unconfirmed: Annotated[
        bool, typer.Option("--zero-unconfirmed", help="Start with a zero that nobody confirmed, as after a reboot.")
    ] = False,
    press: Annotated[
        list[float] | None, typer.Option(help="Press the tool's button after so many seconds; may be repeated.", min=0)
    ] = None,
    transport: Annotated[
        Carrier, typer.Option(help="A serial port, or Bluetooth on a virtual radio.")
    ] = Carrier.SERIAL,
    gauge: Annotated[Gauge, typer.Option(help="The tool, or a Tindeq Progressor, which has Bluetooth.")] = Gauge.TOOL,
) -> None:
    """Run a simulated tool until interrupted; the first line names its port, or its virtual radio."""
    if gauge == Gauge.PROGRESSOR:
        _progressor(scenario, seed, transport, truth)
        return
    simulation = make_simulation(
        scenario, seed, truth, rate_hz=rate, zero_confirmed=not zero_unconfirmed, presses_s=press or ()
    )
    try:
        if transport == Carrier.BLE:
            asyncio.run(_on_air(simulation))
        else:
            _on_a_port(simulation)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    finally:
        simulation.tool.stop()


def _progressor(scenario: str, seed: int, transport: Carrier, truth: Path | None) -> None:
    if transport != Carrier.BLE or truth is not None:
        raise Problem(
            "A simulated Progressor has Bluetooth only, and writes no truth.",
            "Give --transport ble, and leave --truth out.",
        )
    try:
        asyncio.run(_progressor_on_air(scenario, seed))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _progressor_on_air(scenario: str, seed: int) -> None:
    on_air = progressor_on_air(scenario, seed)
    try:
        await on_air.start()
        radio = f"{LOCALHOST}:{await on_air.air.serve()}"
        typer.echo(radio)
        typer.echo(f"See it: iastm scan --radio {radio}. Ctrl-C ends it.", err=True)
        await asyncio.Event().wait()
    finally:
        await on_air.stop()


def _on_a_port(simulation: Simulation) -> None:
    simulation.tool.start()
    typer.echo(simulation.tool.port)
    _tell(simulation)
    while (code := simulation.tool.wait(_LOOK_EVERY_S)) is None:
        pass
    raise _ended(simulation, code)


async def _on_air(simulation: Simulation) -> None:
    on_air = tool_on_air(simulation)
    try:
        await on_air.start()
        radio = f"{LOCALHOST}:{await on_air.air.serve()}"
        typer.echo(radio)
        _tell(simulation)
        typer.echo(f"See it: iastm scan --radio {radio}", err=True)
        while (code := await asyncio.to_thread(simulation.tool.wait, _LOOK_EVERY_S)) is None:
            pass
        raise _ended(simulation, code)
    finally:
        await on_air.stop()


def _tell(simulation: Simulation) -> None:
    typer.echo(f"Runs under {simulation.runtime.name} ({simulation.runtime.chosen_by}). Ctrl-C ends it.", err=True)


def _ended(simulation: Simulation, code: int) -> Problem:
    return Problem(
        f"The simulated tool ended by itself (exit code {code}): {simulation.tool.last_words}",
        "Start it again, and report what it said.",
    )
