"""`iastm monitor`: what a tool, or a board that is none yet, says and does, line by line."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from iastm_host.cli import wiring
from iastm_host.cli.durations import seconds
from iastm_host.cli.links import LinkChoice, Port, Radio, Simulated, Tool
from iastm_host.events import Problem
from iastm_host.records.disk import cure, reason
from iastm_host.terminal.monitor import WallTime, monitor_desk
from iastm_host.tool.client import ToolClient
from iastm_host.workbench.monitor import FrameLines, Monitor
from iastm_host.workbench.monitor_run import run_monitor

_NO_PROMPT = "A simulated tool has none: it is a program on this computer."


def monitor(
    port: Port = None,
    tool: Tool = None,
    radio: Radio = None,
    simulated: Simulated = False,
    frames: Annotated[
        bool, typer.Option("--frames", help="Show every frame decoded; what comes many times a second once.")
    ] = False,
    samples: Annotated[bool, typer.Option("--samples", help="As --frames, with each frame of samples too.")] = False,
    listen: Annotated[
        bool, typer.Option("--listen", help="Say nothing to the board, only show what it says by itself.")
    ] = False,
    duration: Annotated[
        float | None, typer.Option(help="Seconds; without it until stopped.", callback=seconds(0.1, 1e6))
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A new file that is given every line too.")] = None,
) -> None:
    """Show live what a tool says: who it is, its faults, events and log, and every byte outside of frames.

    For finding out what a new board does; one that is no tool yet is shown as
    what it is. Nothing on the tool is changed. It is asked to stream, because
    only so it tells its faults: while this runs by cable, the tool takes
    limits from no other host. What did not answer as a tool is sent nothing
    that interrupts a program, and while a program of somebody else's prints,
    nothing at all; with --listen, never anything.

    Keys at a terminal (Linux, macOS): Ctrl-] leads to the tool's prompt, where
    all that is typed goes to the tool, and back; q ends.
    """
    choice = LinkChoice(port, tool, radio, simulated)
    choice.check()
    link = choice.open()
    shown = FrameLines.ALL if samples else FrameLines.SUMMARISED if frames else FrameLines.NONE
    client = None if listen else ToolClient(wiring.software_name(), session=secrets.randbits(32))
    with _noted(out) as note, monitor_desk(Console(highlight=False), _wall_time(), note) as desk:
        asyncio.run(
            run_monitor(
                link,
                Monitor(client, shown),
                wiring.clock_us,
                desk,
                duration_s=duration,
                listens=listen,
                no_prompt=_NO_PROMPT if simulated else "",
            )
        )


def _wall_time() -> WallTime:
    began, began_us = wiring.wall_clock(), wiring.clock_us()
    return lambda host_us: f"{began + timedelta(microseconds=host_us - began_us):%H:%M:%S.%f}"[:-3]


@contextlib.contextmanager
def _noted(out: Path | None) -> Iterator[Callable[[str], None]]:
    """Give what writes a line to the new file `out`, or nowhere. Raises Problem."""
    if out is None:
        yield lambda _text: None
        return
    with _new_file(out) as file:

        def note(text: str) -> None:
            file.write(text + "\n")
            file.flush()

        yield note


def _new_file(out: Path) -> TextIO:
    try:
        return out.open("x", encoding="utf-8")
    except FileExistsError:
        raise Problem(f"{out} exists and is not overwritten.", "Name another file, or move that one away.") from None
    except OSError as error:
        raise Problem(f"{out} can't be written: {reason(error)}.", f"{cure(error)}, then retry.") from error
