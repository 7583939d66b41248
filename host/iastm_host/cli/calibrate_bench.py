"""`iastm calibrate bench`: a simulated tool in its holder, for every command that calibrates or checks one."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from iastm_host.app.calibrating.written import WordsError, parse_loads
from iastm_host.bench.bench import Bench
from iastm_host.cli import wiring_bench
from iastm_host.events import Problem

_LOOK_EVERY_S = 0.5
_MOST_N = 60.0
_HELP = "hang 500 (grams) · off · press 5 (newtons) · let go · turn 60 (degrees) · seat"


def bench(
    seed: Annotated[int, typer.Option(help="The same seed makes the same tool, with the same errors.", min=0)] = 1,
    store: Annotated[
        Path | None, typer.Option(help="A folder for what the tool keeps; without it, it forgets when it ends.")
    ] = None,
    gauge: Annotated[bool, typer.Option("--gauge", help="With a reference gauge beside it, on a second port.")] = False,
) -> None:
    """Run a simulated tool in a holder until interrupted; the first line names its port, a second one the gauge's.

    Lines on standard input are what hands do: hang 500, off, press 5, let go, turn 60, seat.
    """
    if store is not None:
        try:
            store.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"{store} can't be made: {error.strerror}.", "Name another folder.") from error
    made = wiring_bench.make_bench(seed)
    tools = [made.simulated_tool(store)]
    if gauge:
        tools.append(made.simulated_gauge())
    try:
        for tool in tools:
            tool.start()
        for tool in tools:
            # A host that comes at once shall not greet in vain while the firmware is still read.
            tool.wait_until_running()
            typer.echo(tool.port)
        typer.echo(f"What hands do: {_HELP}. Ctrl-C ends it.", err=True)
        threading.Thread(target=_listen, args=(made.bench,), name="hands", daemon=True).start()
        while True:
            for tool in tools:
                code = tool.wait(_LOOK_EVERY_S)
                if code is not None:
                    raise Problem(
                        f"The simulated tool ended by itself (exit code {code}): {tool.last_words}",
                        "Start it again, and report what it said.",
                    )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    finally:
        for tool in tools:
            tool.stop()


def _listen(made: Bench) -> None:
    for line in sys.stdin:
        words = line.strip()
        if words:
            typer.echo(do(made, words), err=True)


def do(made: Bench, words: str) -> str:
    """Do at a bench what a line asks for, and return what was done or why not."""
    verb, _, rest = words.partition(" ")
    action = _ACTIONS.get(verb.lower())
    if action is None:
        return f"Nobody knows how to {words}. {_HELP}"
    try:
        action(made, rest.strip())
    except (WordsError, ValueError) as error:
        return f"{error} {_HELP}"
    return f"{words}: done"


def _hang(made: Bench, words: str) -> None:
    (load_kg,) = parse_loads(words)
    made.hang(load_kg)


def _press(made: Bench, words: str) -> None:
    force_n = float(words.removesuffix("N"))
    if not (math.isfinite(force_n) and 0 <= force_n <= _MOST_N):
        raise ValueError(f"{words} is no force from 0 to {_MOST_N:g} N.")
    made.press(force_n)


def _turn(made: Bench, words: str) -> None:
    angle_deg = float(words.removesuffix("°"))
    if not (math.isfinite(angle_deg) and 0 <= angle_deg <= 90):
        raise ValueError(f"{words} is no angle from 0° to 90°.")
    made.tilt(angle_deg)


_ACTIONS: dict[str, Callable[[Bench, str], None]] = {
    "hang": _hang,
    "off": lambda made, _: made.take_off(),
    "press": _press,
    "let": lambda made, _: made.press(0.0),
    "turn": _turn,
    "seat": lambda made, _: made.reseat(),
}
