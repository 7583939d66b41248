"""`iastm deploy`: the firmware alone onto a board, changed files only, so that a tool is left that starts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from iastm_host.cli import wiring_deploy
from iastm_host.cli.wiring_deploy import Order
from iastm_host.workbench.deploy import NOTE, Deployed, Step, StoppedError

_MOST_PATIENCE = 100


def deploy(
    port: Annotated[str | None, typer.Option(help="The board's serial port; without it, the only known board.")] = None,
    board: Annotated[
        str | None,
        typer.Option(
            help="A board that the firmware knows, such as pico_w or demo, or your file of pins, such as b.py."
        ),
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Take the firmware from a file of iastm bundle.")] = None,
    replace_main: Annotated[
        bool, typer.Option("--replace-main", help="Replace somebody else's main.py; it is kept as main.py.before.")
    ] = False,
    patience: Annotated[
        int, typer.Option(min=1, max=_MOST_PATIENCE, help="Wait so many times longer, for a slow board.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring the firmware to a board with MicroPython: compiled for it, and only the files that changed.

    It goes beside what runs, is read back, tried, and kept once the tool stays up with it; otherwise the tool goes back
    to what it had. Whatever breaks off a deploy leaves a tool that starts. Exit code 0: the new firmware runs; 2: it
    does not, with the reason.
    """
    order = Order(board, bundle, replace_main, patience)
    chosen = port or wiring_deploy.only_port(wiring_deploy.found_boards(), _asker())
    try:
        with shown(Console(stderr=True, highlight=False, emoji=False)) as tell:
            done = wiring_deploy.deploy_to(chosen, order, tell)
    except StoppedError as stopped:
        typer.echo(f"Stopped. {stopped}", err=True)
        raise
    if as_json:
        typer.echo(json.dumps(as_object(chosen, done), ensure_ascii=False))
        return
    for line in words_on(done):
        typer.echo(line)


def _asker() -> Callable[[str], bool] | None:
    """Return what puts a question to a person at a terminal; None where nobody is there."""
    return (lambda question: typer.confirm(question, err=True)) if sys.stdin.isatty() else None


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Step], None]]:
    """Give what shows each Step: a bar on a terminal, a line where the step changes elsewhere. A note stays."""
    if not console.is_terminal:
        last = ""

        def tell(step: Step) -> None:
            nonlocal last
            if step.name != last:
                last = step.name
                console.print(f"{step.words}.", markup=False, soft_wrap=True)

        yield tell
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[share]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None, share="")

        def draw(step: Step) -> None:
            if step.name == NOTE:
                progress.console.print(f"{step.words}.", markup=False, soft_wrap=True)
                return
            share = f"{100 * step.done // step.total} %" if step.total else ""
            progress.update(bar, description=step.words, completed=step.done, total=step.total or None, share=share)

        yield draw


def words_on(done: Deployed) -> Iterator[str]:
    """Return what was done, line by line."""
    if not done.changed:
        yield f"Nothing to do: {done.release_id} is on the board already."
        return
    sent = f"{done.sent_files} files sent ({done.sent_bytes / 1000:.1f} kB), {done.kept_files} were there already"
    yield f"{done.release_id} runs on the tool. {sent}."
    for name in done.replaced:
        yield f"What was there is kept as {name}."
    if done.trouble:
        yield f"The tool says: {done.trouble}."


def as_object(port: str, done: Deployed) -> dict[str, object]:
    """Return what --json prints."""
    return {
        "port": port,
        "release": done.release_id,
        "place": done.place,
        "changed": done.changed,
        "sent_files": done.sent_files,
        "sent_bytes": done.sent_bytes,
        "kept_files": done.kept_files,
        "trouble": done.trouble or None,
        "replaced": list(done.replaced),
    }
