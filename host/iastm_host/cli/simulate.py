"""`iastm simulate`: the tool alone, for other programs and for `iastm run --port`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iastm_host.cli.wiring import SIMULATED_RATE_HZ, make_simulation
from iastm_host.events import Problem
from iastm_host.scenarios import NAMES

_LOOK_EVERY_S = 0.5

SCENARIO_HELP = f"{', '.join(NAMES)}, or a CSV file of time (s) and force (N)."


def simulate(
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = "treatment",
    seed: Annotated[int, typer.Option(help="The same seed gives the same strokes.", min=0)] = 1,
    truth: Annotated[Path | None, typer.Option(help="Write each conversion as played to this CSV file.")] = None,
    rate: Annotated[int, typer.Option(help="Conversions per second.", min=10, max=2000)] = SIMULATED_RATE_HZ,
    zero_unconfirmed: Annotated[
        bool, typer.Option("--zero-unconfirmed", help="Start with a zero that nobody confirmed, as after a reboot.")
    ] = False,
) -> None:
    """Run a simulated tool until interrupted; the first line names its port."""
    simulation = make_simulation(scenario, seed, truth, rate_hz=rate, zero_confirmed=not zero_unconfirmed)
    simulation.tool.start()
    try:
        typer.echo(simulation.tool.port)
        typer.echo(f"Runs under {simulation.runtime.name} ({simulation.runtime.chosen_by}). Ctrl-C ends it.", err=True)
        while (code := simulation.tool.wait(_LOOK_EVERY_S)) is None:
            pass
        raise Problem(
            f"The simulated tool ended by itself (exit code {code}): {simulation.tool.last_words}",
            "Start it again, and report what it said.",
        )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    finally:
        simulation.tool.stop()
