"""`iastm doctor`: what would keep the main job from working on this computer, and what to do about each."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from iastm_host.cli import wiring_doctor
from iastm_host.cli.links import LinkChoice, Port, Tool
from iastm_host.events import Problem
from iastm_host.workbench.doctor.checks import OF_COMPUTER, OF_TOOL, OF_USER, examine
from iastm_host.workbench.doctor.finding import as_object, as_text
from iastm_host.workbench.doctor.here import real_system

WOULD_NOT_WORK = 1
"""Exit code where the main job, the live view of a tool with its warnings, would not work."""
_STYLES: dict[str, dict[str, Any]] = {"needed": {"fg": "red", "bold": True}, "advice": {"fg": "yellow"}}


def doctor(
    port: Port = None,
    tool: Tool = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Tell of what is well too, line by line.")] = False,
) -> None:
    """Look for what would keep the live view of a tool from working here, and say what to do about each.

    Nothing is changed and no network used. --port or --tool also asks that tool, which stays as it is. Exit code 0: the
    main job works here; 1: it does not, what is marked needed is missing; advice alone changes nothing.
    """
    if port is not None and tool is not None:
        raise Problem("One tool can be looked at.", "Give either --port or --tool, or neither.")
    asked = wiring_doctor.AskedTool(LinkChoice(port, tool, None))
    named = (port, tool) != (None, None)
    system = real_system(user=wiring_doctor.user, ask_tool=asked, port=port, tool=tool)
    try:
        with Console(stderr=True).status("Looking at this computer."):
            report = examine(system, (*OF_COMPUTER, *OF_USER, *(OF_TOOL if named else ())))
    finally:
        asked.stop()
    if as_json:
        typer.echo(json.dumps(as_object(report), ensure_ascii=False))
    else:
        for line in as_text(report, everything=everything).splitlines():
            # Whole lines, however narrow the terminal: fixes are to be copied.
            style = _STYLES.get(line.partition(" ")[0])
            typer.echo(typer.style(line, **style) if style else line)
    raise typer.Exit(0 if report.works() else WOULD_NOT_WORK)
