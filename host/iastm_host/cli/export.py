"""`iastm export`: a recording as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iastm_host.app.export import export_csv
from iastm_host.records.entries import Recording


def export(
    recording: Annotated[Path, typer.Argument(help="A recording (.iastm).")],
    csv: Annotated[Path, typer.Option(help="The CSV file to write; it must not exist.")],
) -> None:
    """Write a recording's samples as CSV, with units, provenance and gaps in # lines."""
    written = export_csv(Recording(recording), csv)
    typer.echo(f"{written.samples} samples, {written.gaps} gaps, {written.strokes} strokes: {csv}", err=True)
    for word in written.remarks:
        typer.echo(word, err=True)
