"""`iastm calibrate read` and `write`: a calibration from a tool into this computer, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from iastm_calibration.canonical import sha256_of
from iastm_calibration.document import CalibrationDocument, content, expired, to_text
from iastm_host.app.acquisition import Acquisition
from iastm_host.app.calibration_transfer import read as read_from
from iastm_host.app.calibration_transfer import write as write_to
from iastm_host.app.connected import Listener, connected
from iastm_host.app.requests import Progress
from iastm_host.cli import wiring
from iastm_host.cli.calibrate_show import chosen_document, describe
from iastm_host.cli.links import LinkChoice, Port, Radio, Tool
from iastm_host.events import Problem, ToolDescription
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.new_file import write_new
from iastm_host.tool.stored import pack, unpack

Done = TypeVar("Done")


def read(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    out: Annotated[Path | None, typer.Option(help="A new file, instead of this computer's own place.")] = None,
) -> None:
    """Read the calibration that a tool keeps, whole, and keep it here: from then on this computer knows it."""
    choice = LinkChoice(port, tool, radio)
    choice.check(offers_simulated=False)
    with connected(_run(choice)) as (run, found):
        _require_room(found)
        stored = _with_progress("Reading", lambda progress: read_from(run.request, progress))
    if stored is None:
        raise Problem(
            f"The tool {found.serial_number} keeps no calibration.", "Make one with iastm calibrate run, or write one."
        )
    document = unpack(stored)
    today = wiring.wall_clock().date()
    describe(document, Console(highlight=False), today)
    typer.echo(f"Kept: {_keep(document, out)}")


def write(
    file: Annotated[Path | None, typer.Argument(help="A calibration's file.")] = None,
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="The one in force here for this tool, in place of a file.")
    ] = False,
) -> None:
    """Write a calibration to the tool that it was made with; what the tool then keeps is read back and compared."""
    choice = LinkChoice(port, tool, radio)
    choice.check(offers_simulated=False)
    if (file is None) != kept:
        raise Problem("One calibration can be written.", "Name its file, or give --kept.")
    document = None if file is None else chosen_document(file, None)
    with connected(_run(choice)) as (run, found):
        _require_room(found)
        if document is None:
            document = chosen_document(None, found.serial_number)
        chosen = document
        _with_progress("Writing", lambda progress: write_while_running(run, chosen, progress))
    if expired(document, wiring.wall_clock().date()):
        typer.echo(f"Note: it expired on {document.expires_on}. Calibrate before you rely on the forces.", err=True)
    if file is not None:
        typer.echo(f"Kept: {_keep(document, None)}")
    typer.echo(f"Written: the tool {found.serial_number} measures by {document.calibration_id} from now on.")


def write_while_running(run: Acquisition, document: CalibrationDocument, progress: Progress) -> None:
    """Write a document to the tool that a run is with, and compare. Raises Problem."""
    tool = run.snapshot().tool
    if tool is None:
        raise Problem("The tool is not there.", "Look at its connection, then try again.")
    write_to(run.request, pack(document), tool.serial_number, progress)


def _require_room(tool: ToolDescription) -> None:
    if not tool.keeps_calibration:
        raise Problem(
            f"The tool {tool.serial_number} keeps no calibrations.",
            "Its firmware is older, or its board has no place for one: update it, or calibrate on this computer only.",
        )


def _run(choice: LinkChoice) -> Callable[[Sequence[Listener]], Acquisition]:
    return lambda listeners: wiring.calibration_run(
        choice.open(), choice.carrier, listeners, sets_limits=False, address=choice.address
    )


def _keep(document: CalibrationDocument, out: Path | None) -> Path:
    """Keep a document in a new file, or in this computer's own place; there one that is the same is enough."""
    if out is not None:
        write_new(out, to_text(document).encode())
        return out
    store: CalibrationStore = wiring.calibrations()
    for path, kept in store.all(document.tool.serial_number):
        if sha256_of(content(kept)) == sha256_of(content(document)):
            store.choose(document)
            return path
    return store.save(document)


def _with_progress(words: str, work: Callable[[Progress], Done]) -> Done:
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        return work(lambda _share: None)
    with console.status(words) as status:
        return work(lambda share: status.update(f"{words}: {share:.0%}"))
