"""`iastm simulate`: the tool alone, for other programs and for `iastm run --port`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iastm_host.cli.wiring import make_simulation
from iastm_host.events import Problem
from iastm_host.scenarios import NAMES

_LOOK_EVERY_S = 0.5

SCENARIO_HELP = f"{', '.join(NAMES)}, or a CSV file of time (s) and force (N)."


def simulate(
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = "treatment",
    seed: Annotated[int, typer.Option(help="The same seed gives the same strokes.", min=0)] = 1,
    truth: Annotated[Path | None, typer.Option(help="Write each conversion as played to this CSV file.")] = None,
) -> None:
    """Run a simulated tool until interrupted; the first line names its port."""
    simulation = make_simulation(scenario, seed, truth)
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
