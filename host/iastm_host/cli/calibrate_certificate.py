"""`iastm calibrate certificate`: a calibration as pages for people."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from iastm_host.cli import wiring
from iastm_host.cli.calibrate_show import SERIAL_HELP, chosen_document
from iastm_host.events import Problem
from iastm_host.records.calibrations import read_document
from iastm_host.records.new_file import write_new


class PaperName(StrEnum):
    """The paper of a PDF."""

    A4 = "a4"
    LETTER = "letter"


def certificate_beside(file: str) -> str:
    """Write the certificate of the calibration in `file` into this user's documents; return where. Raises Problem.

    One that is there stays: the same calibration makes the same certificate.
    """
    from iastm_host.reports.certificate import certificate_pdf

    document = read_document(Path(file))
    folder = wiring.certificates_folder()
    path = folder / f"{Path(file).stem}.pdf"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"{folder} can't be made: {error.strerror}.", "Make it, then save again.") from error
        certificate_pdf(document, path)
    return str(path)


def certificate(
    file: Annotated[Path | None, typer.Argument(help="A calibration's file.")] = None,
    serial: Annotated[str | None, typer.Option(help=SERIAL_HELP)] = None,
    out: Annotated[Path, typer.Option(help="The new file, .pdf or .html.")] = Path("certificate.pdf"),
    paper: Annotated[PaperName, typer.Option(help="The paper of a PDF.")] = PaperName.A4,
) -> None:
    """Write the certificate of a calibration, as PDF or HTML by the name of the file."""
    from iastm_host.reports.certificate import certificate_html, certificate_pdf
    from iastm_host.reports.paper import A4, LETTER

    document = chosen_document(file, serial)
    today = wiring.wall_clock().date()
    match out.suffix.lower():
        case ".pdf":
            certificate_pdf(document, out, today=today, paper=LETTER if paper == PaperName.LETTER else A4)
        case ".html" | ".htm":
            write_new(out, certificate_html(document, today=today).encode())
        case _:
            raise Problem(f"{out} names no kind of page.", "Let its name end with .pdf or .html.")
    typer.echo(f"Written: {out}")
