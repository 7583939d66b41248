"""`iastm link-test`: is this link good? Loss, round trip, jitter, drift, and what to do about them."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iastm_host.app.link_words import figure_rows
from iastm_host.cli import wiring
from iastm_host.cli.durations import seconds
from iastm_host.cli.live import Radio
from iastm_host.cli.wiring import Carrier
from iastm_host.events import Problem, ToolDescription
from iastm_host.transports.base import Transport
from iastm_host.workbench.link_figures import LinkFigures
from iastm_host.workbench.link_test import run_link_test
from iastm_host.workbench.link_verdict import BAD, TOO_SHORT, USABLE, Finding, findings_on

_NAMES_WIDTH = 14
_STYLES = {BAD: "bold red", USABLE: "bold yellow", TOO_SHORT: "bold"}


def link_test(
    port: Annotated[
        str | None, typer.Option(help="A serial port, as iastm simulate prints it, or socket://host:port.")
    ] = None,
    tool: Annotated[
        str | None, typer.Option(help="A Bluetooth tool's name or address, as iastm scan lists them.")
    ] = None,
    radio: Radio = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="A simulated tool of this command's own.")] = False,
    transport: Annotated[Carrier | None, typer.Option(help="What carries the simulated tool's bytes.")] = None,
    duration: Annotated[float, typer.Option(help="Seconds to measure, 1 to 3600.", callback=seconds(1, 3600))] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell whether the link to a tool is good, and what to do where it is not.

    Nothing on the tool is changed. Exit code 0: good or usable; 1: bad; 2: there was nothing to test.
    """
    link = _link(port, tool, radio, transport, simulated=simulated)
    test = wiring.link_test(duration)
    interrupted: KeyboardInterrupt | None = None
    try:
        with Console(stderr=True).status(f"Testing the link for {duration:g} s. Ctrl-C ends it."):
            asyncio.run(run_link_test(link, test, wiring.clock_us))
    except KeyboardInterrupt as interrupt:
        # What was measured until then is shown all the same.
        interrupted = interrupt
    code = 0
    if test.began and test.tool is not None:
        figures = test.figures()
        if trouble := wiring.met(test.tool, _carrier(port, simulated), port or tool or "", test.told):
            typer.echo(trouble, err=True)
        findings = findings_on(figures, radio=tool is not None or transport == Carrier.BLE)
        if as_json:
            typer.echo(json.dumps(as_object(figures, findings, test.tool), ensure_ascii=False))
        else:
            show(figures, findings, test.tool, Console(highlight=False))
        code = int(findings[0].level == BAD)
    if interrupted is not None:
        raise interrupted
    raise typer.Exit(code)


def _carrier(port: str | None, simulated: bool) -> str:
    return "simulated" if simulated else "ble" if port is None else "serial"


def _link(
    port: str | None, tool: str | None, radio: str | None, carrier: Carrier | None, *, simulated: bool
) -> Transport:
    if (port is not None) + (tool is not None) + simulated != 1:
        raise Problem(
            "One link can be tested.", "Give one of --port, --tool and --simulated; iastm scan lists Bluetooth tools."
        )
    if radio is not None and tool is None:
        raise Problem("Only a Bluetooth tool needs a radio.", "Give --radio with --tool, or leave it out.")
    if carrier is not None and not simulated:
        raise Problem("--transport is for the simulated tool.", "Give it with --simulated, or leave it out.")
    if port is not None:
        return wiring.serial_link(port)
    if tool is not None:
        return wiring.ble_link(tool, radio)
    return wiring.simulated_link(wiring.make_simulation("treatment", 1, None), carrier or Carrier.SERIAL)


def as_object(figures: LinkFigures, findings: list[Finding], tool: ToolDescription) -> dict[str, object]:
    """Return what --json prints; null is unknown."""
    trip, drift = figures.round_trip_ms, figures.drift
    return {
        "verdict": findings[0].level,
        "findings": [{"verdict": finding.level, "what": finding.what, "fix": finding.fix} for finding in findings],
        "tool": {
            "serial_number": tool.serial_number,
            "firmware_version": tool.firmware_version,
            "board": tool.board,
            "runtime": tool.runtime,
            "simulated": tool.simulated,
        },
        "measured_s": figures.measured_s,
        "ended_early": figures.ended_early or None,
        "rate_stated_hz": figures.stated_rate_hz,
        "rate_measured_hz": figures.rate_hz,
        "expected_samples": figures.expected,
        "lost_before_backfill_samples": figures.lost_first,
        "lost_before_backfill_permille": figures.lost_first_permille,
        "lost_after_backfill_samples": figures.lost_for_good,
        "lost_after_backfill_permille": figures.lost_for_good_permille,
        "missed_conversions": figures.missed_conversions,
        "damaged_frames": figures.damaged_frames,
        "unreadable_frames": figures.unreadable_frames,
        "round_trips": figures.round_trips,
        "round_trip_median_ms": None if trip is None else trip.median,
        "round_trip_p95_ms": None if trip is None else trip.p95,
        "round_trip_max_ms": None if trip is None else trip.largest,
        "pings_unanswered": figures.pings_unanswered,
        "jitter_p95_ms": figures.jitter_ms,
        "clock_drift_ppm": None if drift is None else drift.ppm,
        "clock_drift_uncertainty_ppm": None if drift is None else drift.uncertainty_ppm,
        "longest_gap_ms": figures.longest_gap_ms,
        "reconnects": figures.reconnects,
        "restarts": figures.restarts,
        "faults": list(figures.faults),
        "battery_percent": figures.battery_percent,
    }


def show(figures: LinkFigures, findings: list[Finding], tool: ToolDescription, console: Console) -> None:
    """Print the verdict with its reasons, then the figures."""
    verdict = _columns()
    for finding, following in itertools.zip_longest(findings, findings[1:]):
        verdict.add_row(Text(finding.level, _STYLES.get(finding.level, "bold green")), Text(finding.what))
        # What mends several is said once, after the last of them.
        if finding.fix and (following is None or following.fix != finding.fix):
            verdict.add_row("", Text(finding.fix))
    console.print(verdict)
    console.print()
    table = _columns()
    for name, value in figure_rows(figures, tool):
        table.add_row(name, value)
    console.print(table)


def _columns() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=_NAMES_WIDTH, no_wrap=True)
    table.add_column()
    return table
