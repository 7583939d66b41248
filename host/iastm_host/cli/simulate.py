"""`iastm simulate`: the tool alone, or another gauge, for other programs and for `iastm run`."""

from __future__ import annotations

import asyncio
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from iastm_host.cli.wiring import (
    LOCALHOST,
    SIMULATED_RATE_HZ,
    Carrier,
    Simulation,
    board_with,
    make_simulation,
    progressor_on_air,
    tool_on_air,
)
from iastm_host.events import Problem
from iastm_host.scenarios import NAMES

if TYPE_CHECKING:
    from iastm_host.transports.virtual_air import VirtualAir

_LOOK_EVERY_S = 0.5
_LAST_PORT = 65_535


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
    radio: Annotated[
        str | None,
        typer.Option(help="Where the virtual radio shall listen; without it any free port.", metavar="HOST:PORT"),
    ] = None,
    motion: Annotated[bool, typer.Option("--motion", help="With a motion sensor, that feels the strokes.")] = False,
    store: Annotated[
        Path | None,
        typer.Option(help="Keep calibration, zero, channels and log in this folder over restarts.", file_okay=False),
    ] = None,
    gauge: Annotated[Gauge, typer.Option(help="The tool, or a Tindeq Progressor, which has Bluetooth.")] = Gauge.TOOL,
) -> None:
    """Run a simulated tool until interrupted; the first line names its port, or its virtual radio."""
    if radio is not None and transport != Carrier.BLE:
        raise Problem("A serial port has no radio.", "Give --radio with --transport ble, or leave it out.")
    place = _place(radio)
    if gauge == Gauge.PROGRESSOR:
        if motion or store is not None:
            raise Problem(
                "A simulated Progressor senses no motion and keeps nothing.", "Leave --motion and --store out."
            )
        _progressor(scenario, seed, transport, truth, place)
        return
    simulation = make_simulation(
        scenario,
        seed,
        truth,
        rate_hz=rate,
        zero_confirmed=not zero_unconfirmed,
        presses_s=press or (),
        board=board_with(motion=motion, store=store),
    )
    try:
        if transport == Carrier.BLE:
            asyncio.run(_on_air(simulation, place))
        else:
            _on_a_port(simulation)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    finally:
        simulation.tool.stop()


class _Place(NamedTuple):
    """Where a virtual radio listens; port 0 is any."""

    host: str = LOCALHOST
    port: int = 0


def _place(radio: str | None) -> _Place:
    if radio is None:
        return _Place()
    host, _, port = radio.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > _LAST_PORT:
        raise Problem(
            f"No virtual radio can listen at {radio}: that is not HOST:PORT.", f"Write it as {LOCALHOST}:5005."
        )
    return _Place(host, int(port))


def _progressor(scenario: str, seed: int, transport: Carrier, truth: Path | None, place: _Place) -> None:
    if transport != Carrier.BLE or truth is not None:
        raise Problem(
            "A simulated Progressor has Bluetooth only, and writes no truth.",
            "Give --transport ble, and leave --truth out.",
        )
    try:
        asyncio.run(_progressor_on_air(scenario, seed, place))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _progressor_on_air(scenario: str, seed: int, place: _Place) -> None:
    on_air = progressor_on_air(scenario, seed)
    try:
        radio = await _listen(on_air.air, place)
        await on_air.start()
        typer.echo(radio)
        typer.echo("Ctrl-C ends it.", err=True)
        _show_the_way(on_air.name, radio)
        await asyncio.Event().wait()
    finally:
        await on_air.stop()


def _on_a_port(simulation: Simulation) -> None:
    simulation.tool.start()
    # A host that comes at once shall not greet in vain while the firmware is still read.
    simulation.tool.wait_until_running()
    typer.echo(simulation.tool.port)
    _tell(simulation)
    typer.echo(f"See it: iastm run --port {simulation.tool.port}", err=True)
    while (code := simulation.tool.wait(_LOOK_EVERY_S)) is None:
        pass
    raise _ended(simulation, code)


async def _on_air(simulation: Simulation, place: _Place) -> None:
    on_air = tool_on_air(simulation)
    try:
        # First of all: where that can't be, nothing was begun.
        radio = await _listen(on_air.air, place)
        await on_air.start()
        typer.echo(radio)
        _tell(simulation)
        _show_the_way(simulation.name_on_air, radio)
        while (code := await asyncio.to_thread(simulation.tool.wait, _LOOK_EVERY_S)) is None:
            pass
        raise _ended(simulation, code)
    finally:
        await on_air.stop()


async def _listen(air: VirtualAir, place: _Place) -> str:
    return f"{place.host}:{await air.serve(place.port, place.host)}"


def _tell(simulation: Simulation) -> None:
    typer.echo(f"Runs under {simulation.runtime.name} ({simulation.runtime.chosen_by}). Ctrl-C ends it.", err=True)


def _show_the_way(name: str, radio: str) -> None:
    typer.echo(f"See it: iastm run --tool {shlex.quote(name)} --radio {radio}", err=True)
    typer.echo(f"List it: iastm scan --radio {radio}", err=True)


def _ended(simulation: Simulation, code: int) -> Problem:
    return Problem(
        f"The simulated tool ended by itself (exit code {code}): {simulation.tool.last_words}",
        "Start it again, and report what it said.",
    )
