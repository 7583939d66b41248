"""`iastm calibrate check`: two points in a minute, kept in a log; and what the log shows over time."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from iastm_calibration.daily_check import DailyCheck, findings, sentence, trends
from iastm_calibration.gravity import Gravity, unknown_place, weight_force_n
from iastm_host.app.acquisition import Acquisition
from iastm_host.app.calibrating.daily import DailyCheckRun, DailyView
from iastm_host.app.calibrating.words import load_label
from iastm_host.app.calibrating.written import WordsError, parse_loads
from iastm_host.app.calibration_watch import calibration_faults
from iastm_host.app.connected import Listener, connected
from iastm_host.cli import wiring
from iastm_host.cli.links import LinkChoice, Port, Radio, Tool
from iastm_host.events import Problem
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.new_file import write_new

_LOOK_S = 0.1
_LAST_SHOWN = 10


def check(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    load: Annotated[str, typer.Option(help="The weight that you hang, as 500, 500g or 0.5kg.")] = "",
    by: Annotated[str, typer.Option(help="Who checks.")] = "",
    note: Annotated[str, typer.Option(help="Kept with the check.")] = "",
    history: Annotated[bool, typer.Option("--history", help="Show the log of --serial; no tool is needed.")] = False,
    serial: Annotated[str | None, typer.Option(help="The tool whose log is shown.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Write the log as a control chart: .html, .pdf or .svg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a tool with one weight in a minute: within ± 3 %, and zero in its place.

    Exit code 0: passed; 1: not passed, or there is something against the calibration; 2: it could not be checked.
    """
    store = wiring.calibrations()
    if history or chart is not None:
        _history(store, serial, chart, as_json=as_json)
        return
    choice = LinkChoice(port, tool, radio)
    choice.check(offers_simulated=False)
    made, against = _run(choice, store, _load_kg(load), (by, note), live=not as_json)
    store.log_check(made)
    found = findings(made)
    checks, troubles = store.checks(made.serial_number)
    shown = trends(checks)
    if as_json:
        said = {"findings": [one.what for one in found], "trends": [one.what for one in shown]}
        typer.echo(json.dumps({**asdict(made), **said, "against_the_calibration": against}, ensure_ascii=False))
    else:
        typer.echo(sentence(made))
        for fault in against:
            typer.echo(f"Not to be relied on: {fault}.")
        for one in found:
            typer.echo(f"{one.what} {one.fix}")
        for trend in shown:
            typer.echo(f"Note: {trend.what} ({trend.rule})")
    for trouble in troubles:
        typer.echo(trouble, err=True)
    raise typer.Exit(0 if made.passed and not against else 1)


def _load_kg(words: str) -> float:
    if not words:
        raise Problem("A check needs a weight that you know.", "Give it, as --load 500 (grams) or --load 0.5kg.")
    try:
        loads = parse_loads(words)
    except WordsError as error:
        raise Problem(str(error), "Give one weight, as --load 500.") from error
    if len(loads) != 1:
        raise Problem("A check takes one weight.", "Give one weight, as --load 500.")
    return loads[0]


def _gravity(store: CalibrationStore, serial_number: str) -> Gravity:
    """Return gravity where the tool was calibrated: nearly always it is checked there."""
    document = store.in_force(serial_number).document
    reference = None if document is None else document.reference
    if reference is None or reference.gravity_m_s2 is None or reference.gravity_standard_m_s2 is None:
        return unknown_place()
    return Gravity(reference.gravity_m_s2, reference.gravity_standard_m_s2)


def _run(
    choice: LinkChoice, store: CalibrationStore, load_kg: float, who: tuple[str, str], *, live: bool
) -> tuple[DailyCheck, tuple[str, ...]]:
    """Return the check, and what there is to say against the calibration that it was made with."""
    run = DailyCheckRun(wiring.wall_clock, *who)
    link = choice.open()

    def make(listeners: Sequence[Listener]) -> Acquisition:
        return wiring.calibration_run(
            link, choice.carrier, (*listeners, run.feed), sets_limits=False, address=choice.address
        )

    console = Console(stderr=True, highlight=False)
    with connected(make) as (acquisition, tool):
        applied_n = weight_force_n(load_kg, _gravity(store, tool.serial_number))
        run.begin(applied_n, load_label(load_kg))
        against = calibration_faults(tool, run.calibration, store.known(), wiring.wall_clock().date())
        with console.status("") as status:
            said = ""
            while True:
                view = run.view(wiring.clock_us())
                if view.check is not None:
                    return view.check, against
                problem = acquisition.snapshot().problem
                if problem is not None:
                    raise problem
                if live and console.is_terminal:
                    status.update(_words(view))
                elif (words := f"{view.instruction}  {view.hint}".strip()) != said:
                    said = words
                    typer.echo(said, err=True)
                time.sleep(_LOOK_S)


def _words(view: DailyView) -> str:
    reading = (
        "" if view.reading_n is None else f"  {view.reading_n:.3f} N, steady {view.held_s:.1f} of {view.wanted_s:g} s"
    )
    return f"{view.instruction}{reading}  {view.hint}"


def _history(store: CalibrationStore, serial: str | None, chart: Path | None, *, as_json: bool) -> None:
    if serial is None:
        tools = [found for found in store.tools() if store.checks(found)[0]]
        if len(tools) != 1:
            named = f" of {', '.join(tools)}" if tools else ""
            raise Problem("A log is of one tool.", f"Give its serial number{named}: --serial.")
        (serial,) = tools
    checks, troubles = store.checks(serial)
    for trouble in troubles:
        typer.echo(trouble, err=True)
    if not checks:
        raise Problem(f"No check of the tool {serial} is kept here.", "Make one: iastm calibrate check --load 500 …")
    found = trends(checks)
    if chart is not None:
        _write_chart(checks, chart)
        typer.echo(f"Written: {chart}")
    elif as_json:
        typer.echo(json.dumps({"checks": [asdict(one) for one in checks], "trends": [one.what for one in found]}))
    else:
        _table(checks[-_LAST_SHOWN:], Console(highlight=False))
        for trend in found:
            typer.echo(f"Note: {trend.what} ({trend.rule})")


def _write_chart(checks: Sequence[DailyCheck], chart: Path) -> None:
    from iastm_host.reports.control_chart import control_chart_html, control_chart_pdf, control_chart_svg

    match chart.suffix.lower():
        case ".pdf":
            control_chart_pdf(checks, chart)
        case ".svg":
            write_new(chart, control_chart_svg(checks).encode())
        case ".html" | ".htm":
            write_new(chart, control_chart_html(checks).encode())
        case _:
            raise Problem(f"{chart} names no kind of chart.", "Let its name end with .html, .pdf or .svg.")


def _table(checks: Sequence[DailyCheck], console: Console) -> None:
    table = Table("when", "load", "span", "zero", "", "by", "note", box=None, pad_edge=False)
    for one in checks:
        passed = "passed" if one.passed else "not passed"
        span, zero = f"{100 * one.span_error:+.1f} %", f"{one.zero_n:+.3f} N"
        table.add_row(one.checked_at, f"{one.load_n:.2f} N", span, zero, passed, one.by, one.note)
    console.print(table, markup=False)
