"""`iastm calibrate show`: the calibrations that this computer keeps, or one of them in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from iastm_calibration.canonical import sha256_of
from iastm_calibration.document import CalibrationDocument, content, expired, to_text
from iastm_host.app.calibrating.result import newtons_text
from iastm_host.cli import wiring
from iastm_host.events import Problem
from iastm_host.records.calibrations import read_document

SERIAL_HELP = "The calibration in force here for the tool with this serial number."
_NAMES_WIDTH = 15


def show(
    file: Annotated[
        Path | None, typer.Argument(help="A calibration's file; without it, all that are kept here.")
    ] = None,
    serial: Annotated[str | None, typer.Option(help=SERIAL_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document itself.")] = False,
) -> None:
    """Show a calibration: how well the tool knows a newton, by whom and with what, and until when."""
    if file is None and serial is None:
        if as_json:
            raise Problem("--json prints one calibration.", "Name its file, or give --serial.")
        _list(Console(highlight=False))
        return
    document = chosen_document(file, serial)
    if as_json:
        typer.echo(to_text(document), nl=False)
    else:
        describe(document, Console(highlight=False), wiring.wall_clock().date())


def chosen_document(file: Path | None, serial: str | None) -> CalibrationDocument:
    """Return the calibration that a person named, by its file or a tool's serial number. Raises Problem."""
    if (file is None) == (serial is None):
        raise Problem("One calibration is needed.", "Name its file, or give --serial; iastm calibrate show lists them.")
    if file is not None:
        return read_document(file)
    kept = wiring.calibrations().in_force(serial or "")
    for trouble in kept.troubles:
        typer.echo(f"Left out: {trouble}", err=True)
    if kept.document is None:
        raise Problem(
            f"No calibration of the tool {serial} is kept here.",
            "Read it from the tool with iastm calibrate read, or make one with iastm calibrate run.",
        )
    return kept.document


def describe(document: CalibrationDocument, console: Console, today: date) -> None:
    """Print a calibration in words: what it is worth first."""
    stated = document.uncertainty
    curve, figures, tool, reference = document.curve, document.figures, document.tool, document.reference
    until = f"until {document.expires_on}"
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=_NAMES_WIDTH)
    grid.add_column()
    rows = [
        ("calibration", f"{document.calibration_id}, {document.method}"),
        ("holds", f"{until}: expired" if expired(document, today) else until),
        ("range", f"{curve.low_n:.3g} N to {curve.high_n:.3g} N"),
        *(("uncertainty" if at is stated[-1] else "", _uncertainty(at.force_n, at.expanded_n)) for at in stated[::-1]),
        ("tool", _joined(tool.serial_number, tool.name)),
        *((name, part) for name, part in (("cell", tool.load_cell), ("converter", tool.converter)) if part),
        ("reference", f"{reference.kind}: {reference.description}{_within(reference.tolerance)}"),
        ("tip", _joined(document.tip.name, document.tip.edge)),
        ("made", f"{document.made_at} by {document.made_by}"),
        ("points", f"{len(document.points)}; farthest off {abs(1000 * figures.largest_residual_n):.0f} mN"),
        *((name, f"{1000 * value:.1f} mN") for name, value in _figures(document) if value is not None),
        ("coefficients", ", ".join(f"{number:.12g}" for number in curve.coefficients)),
        ("sha256", sha256_of(content(document)).hex()),
        *(("note", note) for note in (*document.notes, *(point.note for point in document.points if point.note))),
        *(("short of", words) for words in figures.shortfalls),
    ]
    for name, value in rows:
        grid.add_row(name, value)
    console.print(grid, markup=False)


def _list(console: Console) -> None:
    store = wiring.calibrations()
    today = wiring.wall_clock().date()
    table = Table("tool", "calibration", "holds until", "± at the largest force", box=None, pad_edge=False)
    for serial_number in sorted(store.known()):
        kept = store.in_force(serial_number)
        for trouble in kept.troubles:
            typer.echo(f"Left out: {trouble}", err=True)
        if kept.document is not None:
            at = kept.document.uncertainty[-1]
            until = kept.document.expires_on + (" (expired)" if expired(kept.document, today) else "")
            table.add_row(serial_number, kept.document.calibration_id, until, _uncertainty(at.force_n, at.expanded_n))
    if table.row_count:
        console.print(table, markup=False)
    else:
        typer.echo("No calibrations are kept here. Make one with iastm calibrate run, or read a tool's.", err=True)


def _uncertainty(force_n: float, expanded_n: float) -> str:
    return f"± {newtons_text(expanded_n)} N at {force_n:.3g} N (about 95 %)"


def _within(tolerance: float | None) -> str:
    return "" if tolerance is None else f", within ± {100 * tolerance:.3g} %"


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _figures(document: CalibrationDocument) -> tuple[tuple[str, float | None], ...]:
    figures = document.figures
    return (
        ("hysteresis", figures.hysteresis_n),
        # Of one seating only loading and unloading tell, whose scatter is no repeat.
        ("repeatability", None if figures.reproducibility_n is None else figures.repeatability_n),
        ("reproducibility", figures.reproducibility_n),
        ("zero return", figures.zero_return_n),
        ("tip weight", figures.tip_weight_n),
    )
