"""`iastm demo`, `iastm run` and `iastm replay`: a tool's force as a window, a text view, lines or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from iastm_host.app.acquisition import Acquisition, Summary
from iastm_host.cli import wiring
from iastm_host.cli.display import check_display, display_there
from iastm_host.cli.durations import seconds
from iastm_host.cli.simulate import SCENARIO_HELP
from iastm_host.cli.wiring import Carrier, Choice, Simulation
from iastm_host.events import Problem
from iastm_host.records.entries import Recording
from iastm_host.settings import Settings
from iastm_host.terminal.run import run_lines, run_screen

DEMO_WITHOUT_TERMINAL_S = 20.0

Headless = Annotated[bool, typer.Option("--headless", help="A text view instead of the window.")]
Duration = Annotated[
    float | None,
    typer.Option(help="Seconds from the first sample, from 0.1; without it until stopped.", callback=seconds(0.1, 1e6)),
]
Record = Annotated[Path | None, typer.Option(help="Record into this folder.", file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]
Transport = Annotated[Carrier, typer.Option(help="What carries the simulated tool's bytes; ble needs no radio.")]
Radio = Annotated[
    str | None, typer.Option(help="A virtual radio, as iastm simulate --transport ble prints it, for the system's own.")
]
Profile = Annotated[str | None, typer.Option(help="The technique profile whose target and limits apply.")]
TipArea = Annotated[float | None, typer.Option(help="The tip's contact area in cm², for pressure.", min=0.01, max=100)]
Theme = Annotated[str | None, typer.Option(help="auto, light, dark or contrast.")]


def demo(
    headless: Headless = False,
    duration: Duration = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same strokes.", min=0)] = 1,
    scenario: Annotated[str, typer.Option(help=SCENARIO_HELP)] = "treatment",
    motion: Annotated[bool, typer.Option("--motion", help="With a motion sensor, that feels the strokes.")] = False,
    transport: Transport = Carrier.SERIAL,
    record: Record = None,
    profile: Profile = None,
    tip_area_cm2: TipArea = None,
    theme: Theme = None,
    as_json: AsJson = False,
) -> None:
    """Show a simulated tool: the real firmware, no hardware."""
    chosen = wiring.settings(profile=profile, tip_area_cm2=tip_area_cm2, theme=theme)
    headless = _headless(headless or as_json)
    if headless and duration is None and not sys.stdout.isatty():
        duration = DEMO_WITHOUT_TERMINAL_S
    simulation = wiring.make_simulation(scenario, seed, None, board=wiring.board_with(motion=motion))
    if simulation.runtime.name != "micropython":
        typer.echo(f"The firmware runs under {simulation.runtime.name}: {simulation.runtime.chosen_by}.", err=True)
    acquisition = wiring.simulated_run(simulation, chosen, _choice(duration, record, headless=headless), transport)
    _show(acquisition, chosen, _View("IASTM demo", headless, as_json, simulation, closes=duration is not None))


def run(
    port: Annotated[
        str | None, typer.Option(help="A serial port, as iastm simulate prints it, or socket://host:port.")
    ] = None,
    tool: Annotated[
        str | None, typer.Option(help="A Bluetooth tool's name or address, as iastm scan lists them.")
    ] = None,
    radio: Radio = None,
    headless: Headless = False,
    duration: Duration = None,
    record: Record = None,
    profile: Profile = None,
    tip_area_cm2: TipArea = None,
    theme: Theme = None,
    as_json: AsJson = False,
) -> None:
    """Show the tool on a serial port, or the Bluetooth tool of that name."""
    if (port is None) == (tool is None):
        raise Problem("One tool can be shown.", "Give either --port, or --tool; iastm scan lists Bluetooth tools.")
    if port is not None and radio is not None:
        raise Problem("A port needs no radio.", "Give --radio with --tool, or leave it out.")
    chosen = wiring.settings(profile=profile, tip_area_cm2=tip_area_cm2, theme=theme)
    headless = _headless(headless or as_json)
    choice = _choice(duration, record, headless=headless)
    if tool is not None:
        acquisition = wiring.ble_run(tool, radio, chosen, choice)
    else:
        assert port is not None
        acquisition = wiring.serial_run(port, chosen, choice)
    _show(acquisition, chosen, _View(f"IASTM {port or tool}", headless, as_json, closes=duration is not None))


def replay(
    recording: Annotated[Path, typer.Argument(help="A recording (.iastm).")],
    speed: Annotated[str, typer.Option(help="Times as fast, or max.")] = "1",
    headless: Headless = False,
    theme: Theme = None,
    as_json: AsJson = False,
) -> None:
    """Play a recording back as it was seen."""
    opened = Recording(recording)
    damaged, missing, torn_bytes = opened.condition()
    if torn_bytes:
        typer.echo(f"The recording was cut off: {torn_bytes} bytes at its end are no whole entry.", err=True)
    if damaged or missing:
        typer.echo(f"The recording has {damaged} damaged and {missing} missing entries.", err=True)
    chosen = wiring.settings(theme=theme)
    headless = _headless(headless or as_json)
    acquisition = wiring.replay_run(opened, _speed(speed))
    _show(acquisition, chosen, _View(f"IASTM replay of {recording.name}", headless, as_json))


@dataclass(frozen=True, slots=True)
class _View:
    """How a run is shown; `closes`: the window closes by itself when the run is over."""

    title: str
    headless: bool
    as_json: bool
    simulation: Simulation | None = None
    closes: bool = False


def _show(acquisition: Acquisition, chosen: Settings, view: _View) -> None:
    if not view.headless:
        # Loaded before other threads run: PySide6 goes through the list of modules while it loads, and stumbles where
        # another thread adds to it.
        import iastm_host.window.run  # noqa: F401
    acquisition.start()
    code = 0
    try:
        if not view.headless:
            code = _in_window(acquisition, chosen, view)
        elif sys.stdout.isatty() and not view.as_json:
            run_screen(acquisition, Console())
        else:
            run_lines(acquisition, _line_writer(view.as_json))
    except KeyboardInterrupt:
        # Ctrl-C is how a text view is ended; what was received is summed up all the same.
        pass
    finally:
        acquisition.stop()
        ended = acquisition.join()
    summary = acquisition.summary()
    if view.as_json:
        typer.echo(json.dumps(as_object(summary, view.simulation)))
    elif summary.samples_received:
        _print(summary, view.simulation)
    if not ended:
        raise Problem("The run did not end in time; the recording may lack its end.", "Report this.")
    if summary.problem is not None:
        raise summary.problem
    if summary.trouble:
        raise Problem(f"The recording {summary.recording} is not whole: {summary.trouble}", "Export what there is.")
    raise typer.Exit(code)


def _headless(wanted: bool) -> bool:
    """Tell whether the text view is shown: where it is wanted or no display is named. Raises Problem for a bad one."""
    if wanted or not display_there(os.environ):
        return True
    check_display(os.environ)
    return False


def _in_window(acquisition: Acquisition, chosen: Settings, view: _View) -> int:
    from iastm_host.window.run import run_window

    return run_window(
        acquisition,
        theme=chosen.theme,
        title=view.title,
        speaker=chosen.sound,
        overshoot=chosen.overshoot_sound,
        close_when_finished=view.closes,
    )


def _line_writer(as_json: bool) -> Callable[[str], None]:
    # With --json stdout holds the one object only.
    return lambda line: typer.echo(line, err=as_json)


def _choice(duration_s: float | None, record: Path | None, *, headless: bool) -> Choice:
    return Choice(duration_s, record, wiring.HEADLESS_PATIENCE_S if headless else None)


def _speed(text: str) -> float:
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise Problem(f"A speed of {text} can't be played.", "Give a number over 0, as 1 or 2.5, or max.")
    return speed


def strokes_true(summary: Summary, simulation: Simulation) -> int:
    """Return how many true strokes lie wholly inside the samples received."""
    if summary.first_index is None:
        return 0
    return len(simulation.scenario.true_strokes(summary.first_index, summary.end_index))


def as_object(summary: Summary, simulation: Simulation | None) -> dict[str, object]:
    """Return what --json prints; null is unknown."""
    name, _, version = summary.runtime.partition(" ")
    result: dict[str, object] = {
        "runtime": {"name": name or None, "version": version or None},
        "samples": {"received": summary.samples_received, "expected": summary.samples_expected},
        "gaps": summary.gap_count,
        "strokes": summary.stroke_count,
    }
    if simulation is not None:
        result["strokes_true"] = strokes_true(summary, simulation)
    result["alerts"] = [
        {
            "kind": decision.alert.kind,
            "index": decision.alert.index,
            "latency_ms": None if decision.latency_us is None else decision.latency_us / 1000,
            "latency_uncertainty_ms": None if decision.offset is None else decision.offset.uncertainty_us / 1000,
        }
        for decision in summary.alerts
    ]
    result["recording"] = None if summary.recording is None else str(summary.recording)
    return result


def _print(summary: Summary, simulation: Simulation | None) -> None:
    lost = summary.samples_expected - summary.samples_received
    typer.echo(f"runtime    {summary.runtime or 'unknown'}")
    typer.echo(f"samples    {summary.samples_received} received, {lost} missing, {summary.gap_count} gaps")
    true = f" ({strokes_true(summary, simulation)} true)" if simulation is not None else ""
    typer.echo(f"strokes    {summary.stroke_count}{true}")
    typer.echo(f"alerts     {len(summary.alerts)}")
    for decision in summary.alerts:
        latency = ""
        if decision.latency_us is not None and decision.offset is not None:
            after_ms, within_ms = decision.latency_us / 1000, decision.offset.uncertainty_us / 1000
            latency = f", {after_ms:.1f} ± {within_ms:.1f} ms after sampling"
        typer.echo(f"           {decision.alert.kind} at sample {decision.alert.index}{latency}")
    if summary.recording is not None:
        typer.echo(f"recording  {summary.recording}")
