"""`iastm flash`: MicroPython and the firmware onto a board, from its bootloader to a tool that tested itself."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from iastm_host.cli import tool as tool_commands
from iastm_host.cli.bundle import image_cache
from iastm_host.cli.deploy import shown, words_on
from iastm_host.cli.wiring import clock_us, serial_link, software_name
from iastm_host.cli.wiring_deploy import DEMO, Order, deploy_to, locator
from iastm_host.events import Problem
from iastm_host.transports.ports import list_serial_ports
from iastm_host.transports.repl import RawRepl
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.boards import BRIDGES, FoundBoard
from iastm_host.workbench.bundle import open_bundle
from iastm_host.workbench.confirm import confirm_release
from iastm_host.workbench.deploy import ANOTHER, RUNS, Deployed, Step, Verdict
from iastm_host.workbench.download import fetch_image
from iastm_host.workbench.drives import find_drives
from iastm_host.workbench.esp import Esptool
from iastm_host.workbench.flash import INTERRUPTED, check_erase, flash_board, name_board
from iastm_host.workbench.flash_image import Sources, choose_image, why_no_tool
from iastm_host.workbench.flash_target import Desk, Target, identify, let_run, look
from iastm_host.workbench.images import Image

_SILENCE_S = 10.0
_ERASED = "Everything on the board is lost then: calibrations, its key, its log, files of your own."


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for, by the options of the command."""

    board: str | None = None
    port: str | None = None
    image: Path | None = None
    bundle: Path | None = None
    demo: bool = False
    erase: bool = False
    replace_main: bool = False
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Helpers:
    """What flashing asks of others. `ask` puts a question to a person, None where nobody is there.

    `shown` gives what shows steps; `deploy` brings the firmware to a port; `confirm` says what runs at one; `self_test`
    prints a tool's self-test and returns its exit code. `say` prints what was done, `warn` what was not.
    """

    desk: Desk
    cache: Path
    ask: Callable[[str], bool] | None
    fetch: Callable[[str, Path], Path]
    shown: Callable[[], contextlib.AbstractContextManager[Callable[[Step], None]]]
    deploy: Callable[[str, Order, Callable[[Step], None]], Deployed]
    confirm: Callable[[str], Verdict]
    self_test: Callable[[str], int]
    say: Callable[[str], None]
    warn: Callable[[str], None]


def flash(
    board: Annotated[
        str | None, typer.Option(help="Which board it is, where that can't be told: pico_w, pico_2_w, esp32_s3, …")
    ] = None,
    port: Annotated[str | None, typer.Option(help="The board's serial port, or its bootloader's drive.")] = None,
    image: Annotated[Path | None, typer.Option(help="An image of your own: .uf2 or .bin.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Take image and firmware from a file of iastm bundle.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="For a bare board with nothing wired: it streams a built-in scenario.")
    ] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase all of an ESP32's flash first, calibrations and key too.")
    ] = False,
    replace_main: Annotated[
        bool, typer.Option("--replace-main", help="Replace somebody else's main.py; it is kept as main.py.before.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write even an image with which no tool runs; nothing is deployed then.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write, download and erase without asking.")] = False,
) -> None:
    """Make a tool of a board: write MicroPython, bring the firmware to it, let it test itself.

    Finds the board and says what it found; a board that runs MicroPython is brought into its bootloader without a
    button. Downloads nothing without asking. What lies in the board's file system (calibrations, key, log) stays,
    unless --erase is given. Whatever goes wrong leaves the chip's own bootloader, and flashing again cures it.
    Exit code 0: the tool runs and passed its self-test; 1: it runs, and something failed in it; 2: the reason is said.
    """
    console = Console(stderr=True, highlight=False, emoji=False)
    ask: Callable[[str], bool] | None = typer.confirm if sys.stdin.isatty() else None
    helpers = Helpers(
        desk=Desk(
            ports=list_serial_ports,
            drives=find_drives,
            # A tool that runs restarts at the first try, and gives its prompt at the second.
            repl=lambda device, within_s: RawRepl(device, min(_SILENCE_S, within_s / 3), open_within_s=within_s),
            esptool=Esptool,
            clock=time.monotonic,
            wait=time.sleep,
            tell=lambda _step: None,
        ),
        cache=image_cache(),
        ask=(lambda _question: True) if yes else ask,
        fetch=fetch_image,
        shown=lambda: shown(console),
        deploy=deploy_to,
        confirm=_what_runs,
        self_test=_self_test,
        say=typer.echo,
        warn=lambda words: typer.echo(words, err=True),
    )
    code = make_tool(Wish(board, port, image, bundle, demo, erase, replace_main, anyway), helpers)
    if code:
        raise typer.Exit(code)


def make_tool(wish: Wish, helpers: Helpers) -> int:
    """Make a tool of a board, and return the exit code of its self-test; raises Problem."""
    with contextlib.ExitStack() as stack:
        bundled: Sequence[Image] | None = None
        if wish.bundle is not None:
            bundled = stack.enter_context(open_bundle(wish.bundle)).images
        found = look(helpers.desk, wish.port, wish.board)
        if wish.port is None:
            _make_sure(helpers, found)
        target = _identified(wish, helpers, found)
        helpers.say(f"Found {target.board.words}. It is: {target.words}.")
        try:
            sources = Sources(wish.image, bundled, helpers.cache, helpers.ask, helpers.fetch)
            check_erase(target, erase=wish.erase)
            image = choose_image(target, sources, anyway=wish.anyway)
            _agree(wish, helpers, target, image)
        except BaseException:
            # It runs what it had.
            let_run(helpers.desk, target)
            raise
        port = _write(wish, helpers, target, image)
    helpers.say(f"{_content(image)} is on the board, which came up at {port}.")
    unfit = why_no_tool(target, image)
    if unfit is not None:
        helpers.say("No tool runs with this image, so none was deployed.")
        return 0
    if image.frozen:
        _see_frozen(wish, helpers, port)
    else:
        _deploy(wish, helpers, port)
    code = _tested(wish, helpers, port)
    for line in _next(wish, target, port, passed=code == 0):
        helpers.say(line)
    return code


def _identified(wish: Wish, helpers: Helpers, found: FoundBoard) -> Target:
    try:
        with helpers.shown() as tell:
            return identify(replace(helpers.desk, tell=tell), found, wish.board, replace_main=wish.replace_main)
    except KeyboardInterrupt:
        helpers.warn(INTERRUPTED["bootloader"])
        raise


def _make_sure(helpers: Helpers, found: FoundBoard) -> None:
    """Have a person say that what hides behind a bridge is the board: asking it restarts it. Raises Problem."""
    if found.port is None or (found.port.vid, found.port.pid) not in BRIDGES:
        return
    question = f"Found {found.words}. Is it the board to be flashed? It is restarted to be asked."
    if helpers.ask is None or not helpers.ask(question):
        raise Problem(
            f"Found {found.words}: it was not touched.", f"Where it is the board: --port {found.where}, or --yes."
        )


def _agree(wish: Wish, helpers: Helpers, target: Target, image: Image) -> None:
    """Have a person agree to what will be written, and to what is lost; raises Problem where they don't."""
    question = f"Write {image.path.name} ({_content(image)}) to {target.board.where}?"
    if wish.erase:
        question = f"{_ERASED} {question}"
    if helpers.ask is None:
        raise Problem(f"Nobody is here to be asked: {question}", "Allow it with --yes. Nothing was written.")
    if not helpers.ask(question):
        raise Problem("Nothing was written.", "Run it again when the board may be written to.")


def _content(image: Image) -> str:
    content = f"MicroPython {image.micropython}" if image.micropython else "a program"
    return f"{content} with the firmware frozen into it" if image.frozen else content


def _write(wish: Wish, helpers: Helpers, target: Target, image: Image) -> str:
    last = ""
    try:
        with helpers.shown() as shown_step:

            def tell(step: Step) -> None:
                nonlocal last
                last = step.name
                shown_step(step)

            return flash_board(replace(helpers.desk, tell=tell), target, image, erase=wish.erase)
    except KeyboardInterrupt:
        helpers.warn(INTERRUPTED.get(last, "Interrupted. Nothing was written."))
        raise


def _deploy(wish: Wish, helpers: Helpers, port: str) -> None:
    try:
        with helpers.shown() as tell:
            done = helpers.deploy(port, Order(DEMO if wish.demo else None, wish.bundle, wish.replace_main), tell)
    except KeyboardInterrupt:
        helpers.warn(f"Stopped. The image is on the board; the firmware follows with: iastm deploy --port {port}")
        raise
    for line in words_on(done):
        helpers.say(line)


def _tested(wish: Wish, helpers: Helpers, port: str) -> int:
    """Return the exit code of the tool's self-test; one that can't be made is one that failed."""
    if wish.demo:
        # Noise and zero of what is played say nothing of the board, and in the played contact no tool tests itself.
        helpers.say("It streams the built-in scenario. Nothing is wired, so there is nothing to test.")
        return 0
    try:
        return helpers.self_test(port)
    except Problem as problem:
        helpers.warn(f"It could not test itself. {problem.what} {problem.fix}")
        return tool_commands.FAILED_TEST


def _see_frozen(wish: Wish, helpers: Helpers, port: str) -> None:
    """See the frozen firmware run; raises Problem where nothing of ours does."""
    if wish.demo:
        name_board(helpers.desk, port, DEMO)
    verdict = helpers.confirm(port)
    if verdict.state == RUNS:
        helpers.say(f"The tool runs this toolkit's firmware.{f' It says: {verdict.words}.' if verdict.words else ''}")
    elif verdict.state == ANOTHER:
        helpers.say(
            f"{verdict.words} It is not this toolkit's: its image is older or newer, or what was deployed to the board "
            f"earlier goes first. Bring it up to date with: iastm deploy --port {port}"
        )
    else:
        raise Problem(
            f"The image is written, but no tool comes up: {verdict.words}",
            f"What the board says shows: iastm monitor --port {port}. Flashing again does no harm.",
        )


def _next(wish: Wish, target: Target, port: str, *, passed: bool) -> Iterator[str]:
    """Return what a person does next, line by line."""
    if not passed:
        yield (
            "Something failed in its self-test: what is not wired can't pass. With nothing wired: iastm flash --demo. "
            f"A demo board that was wired since: iastm deploy --port {port} --board {target.kinds[0].name}. "
            f"Else: {tool_commands.HELP_WITH_TROUBLE}"
        )
    yield "Next:"
    yield f"  iastm run --port {port}          the live view, by the cable"
    if target.esp is not None or any(kind.name.endswith("_w") for kind in target.kinds):
        yield "  iastm scan                        its name on the air; then: iastm pair --tool NAME"
        yield "  iastm run --tool NAME             the live view, over Bluetooth"
    if wish.demo:
        kind = target.kinds[0].name
        yield f"  iastm deploy --port {port} --board {kind}     once a load cell is wired"
    else:
        yield "  iastm calibrate --help            before its newtons mean anything"


def _what_runs(port: str) -> Verdict:
    """Return whether the firmware that this toolkit has runs on the board at `port`, and stays up."""
    locate = locator(port)
    return asyncio.run(confirm_release(lambda: serial_link(locate()), software_name(), source_hash(), clock_us))


def _self_test(port: str) -> int:
    try:
        tool_commands.run_self_test(port=port)
    except typer.Exit as error:
        return error.exit_code
    return 0
