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
from iastm_host.cli.wiring_deploy import DEMO, Order, Pins, deploy_to, interrupted_once, locator, pins_of
from iastm_host.events import Problem
from iastm_host.transports.ports import list_serial_ports
from iastm_host.transports.repl import RawRepl
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.boards import BRIDGES, FoundBoard
from iastm_host.workbench.bundle import Bundle, open_bundle
from iastm_host.workbench.confirm import confirm_release
from iastm_host.workbench.deploy import ANOTHER, RUNS, Deployed, Step, Verdict
from iastm_host.workbench.download import fetch_image
from iastm_host.workbench.drives import find_drives
from iastm_host.workbench.esp import Esptool
from iastm_host.workbench.flash import INTERRUPTED, check_erase, flash_board
from iastm_host.workbench.flash_files import prepare_frozen
from iastm_host.workbench.flash_image import Sources, check_files, choose_image, told_by, what_is_lost, why_no_tool
from iastm_host.workbench.flash_target import Desk, Target, identify, let_run, look
from iastm_host.workbench.images import Image

_SILENCE_S = 10.0
_ERASED = (
    "Everything on the board is lost then: calibrations, its key, its log, files of your own. Where it has a "
    "calibration, read that first: iastm calibrate read."
)


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
    """What flashing asks of others.

    `ask` puts a question to a person, who may have agreed to all; None where nobody is there. `know` puts one to which
    only a person has the answer, None too where one agreed to all.
    `shown` gives what shows steps; `deploy` brings the firmware to a port; `confirm` says what runs at one, measured by
    a source hash; `is_played` whether the tool at one only plays strokes; `self_test` prints a tool's self-test and
    returns its exit code. `say` prints what was done, `warn` what was not.
    """

    desk: Desk
    cache: Path
    ask: Callable[[str], bool] | None
    know: Callable[[str], bool] | None
    fetch: Callable[[str, Path], Path]
    shown: Callable[[], contextlib.AbstractContextManager[Callable[[Step], None]]]
    deploy: Callable[[str, Order, Callable[[Step], None]], Deployed]
    confirm: Callable[[str, str], Verdict]
    is_played: Callable[[str], bool]
    self_test: Callable[[str], int]
    say: Callable[[str], None]
    warn: Callable[[str], None]


def flash(
    board: Annotated[
        str | None,
        typer.Option(
            help="Which board it is, and whose pins it gets: pico_w, pico_2_w, esp32_s3, …, or your file of pins, such "
            "as b.py. Without it the board keeps the pins that it has."
        ),
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
    unless --erase is given, or it is said that this image has it elsewhere. Whatever goes wrong leaves the chip's own
    bootloader, and flashing again cures it.
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
        ask=_agreed if yes else ask,
        know=None if yes else ask,
        fetch=fetch_image,
        shown=lambda: shown(console),
        deploy=deploy_to,
        confirm=_what_runs,
        is_played=tool_commands.is_played,
        self_test=_self_test,
        say=typer.echo,
        warn=lambda words: typer.echo(words, err=True),
    )
    code = make_tool(Wish(board, port, image, bundle, demo, erase, replace_main, anyway), helpers)
    if code:
        raise typer.Exit(code)


def make_tool(wish: Wish, helpers: Helpers) -> int:
    """Make a tool of a board, and return the exit code of its self-test; raises Problem."""
    if wish.board == DEMO:
        wish = replace(wish, board=None, demo=True)
    pins = pins_of(wish.board, lambda step: helpers.warn(f"{step.words}."))
    # A file of pins tells the chip that it is for, or nothing.
    board = wish.board if pins.file is None else pins.chip or None
    with contextlib.ExitStack() as stack:
        bundle: Bundle | None = None
        if wish.bundle is not None:
            bundle = stack.enter_context(open_bundle(wish.bundle))
        bundled: Sequence[Image] | None = bundle.images if bundle is not None else None
        found = look(helpers.desk, wish.port, board)
        if wish.port is None:
            _make_sure(helpers, found)
        target = _identified(wish, helpers, found, board)
        helpers.say(f"Found {target.board.words}. It is: {target.words}.")
        try:
            sources = Sources(wish.image, bundled, helpers.cache, helpers.ask, helpers.fetch)
            check_erase(target, erase=wish.erase)
            if wish.image is None:
                target = _known(helpers, target)
            image = choose_image(target, sources, anyway=wish.anyway)
            check_files(target, image, erase=wish.erase)
            target = told_by(target, image)
            _agree(wish, helpers, target, image)
        except BaseException:
            # It runs what it had.
            let_run(helpers.desk, target)
            raise
        port = _write(wish, helpers, target, image)
    helpers.say(f"{_content(image)} is on the board, which came up at {port}.")
    unfit = why_no_tool(target, image)
    if unfit is not None:
        helpers.say(
            "No tool is known to run with this image, so none was deployed. Where one does, it follows with: "
            f"iastm deploy --port {port}"
        )
        return 0
    if image.frozen:
        digest = bundle.info.source_hash if bundle is not None and wish.image is None else source_hash()
        _see_frozen(helpers, port, pins_of(DEMO, helpers.desk.tell) if wish.demo else pins, digest)
    else:
        _deploy(wish, helpers, port)
    if _stays_demo(wish, helpers, port):
        # What it plays can't be tested.
        wish, code = replace(wish, demo=True), 0
        helpers.warn(
            "It is a demo board still, as it was told earlier: it plays strokes, and reads nothing that is wired to it."
        )
    else:
        code = _tested(wish, helpers, port)
    for line in _next(wish, target, port, passed=code == 0):
        helpers.say(line)
    return code


def _identified(wish: Wish, helpers: Helpers, found: FoundBoard, board: str | None) -> Target:
    try:
        with helpers.shown() as tell:
            return identify(replace(helpers.desk, tell=tell), found, board, replace_main=wish.replace_main)
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


def _known(helpers: Helpers, target: Target) -> Target:
    """Return `target` with the one kind that a person says it is, where its chip can be on several; else as it was."""
    if len(target.kinds) == 1 or helpers.know is None:
        return target
    helpers.say("Which board it is can't be told by its chip.")
    for kind in target.kinds:
        if helpers.know(f"Is it a {kind.title}?"):
            return replace(target, kinds=(kind,))
    return target


def _agree(wish: Wish, helpers: Helpers, target: Target, image: Image) -> None:
    """Have a person agree to what will be written, and to what is lost; raises Problem where they don't."""
    content = _content(image) + (f", for {image.machine}" if image.machine else "")
    question = f"Write {image.path.name} ({content}) to {target.board.where}?"
    lost = _ERASED if wish.erase else what_is_lost(target, image)
    if lost:
        question = f"{lost} {question}"
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
            order = Order(DEMO if wish.demo else wish.board, wish.bundle, wish.replace_main)
            done = helpers.deploy(port, order, tell)
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


def _see_frozen(helpers: Helpers, port: str, pins: Pins, digest: str) -> None:
    """See the frozen firmware run, of the sources of `digest`; raises Problem where nothing of ours does."""
    assert helpers.ask is not None
    try:
        with interrupted_once():
            prepare_frozen(helpers.desk, port, file=pins.file, name=pins.name, agree=helpers.ask)
    except KeyboardInterrupt:
        helpers.warn(
            "Stopped. The image is on the board; what lies in its files may go first. Flash it again to go on."
        )
        raise
    verdict = helpers.confirm(port, digest)
    if verdict.state == RUNS:
        helpers.say(
            "The tool runs the firmware that is frozen into its image."
            + (f" It says: {verdict.words}." if verdict.words else "")
        )
    elif verdict.state == ANOTHER:
        helpers.say(
            f"{verdict.words} It is frozen into the image, which was made from older or newer sources than this "
            f"toolkit's. Where the board has the memory, it is brought up to date with: iastm deploy --port {port}"
        )
    else:
        raise Problem(
            f"The image is written, but no tool comes up: {verdict.words}",
            f"What the board says shows: iastm monitor --port {port}. Flashing again does no harm.",
        )


def _stays_demo(wish: Wish, helpers: Helpers, port: str) -> bool:
    """Whether the board was made one that plays earlier, and nobody told it otherwise: flashing leaves its files."""
    try:
        return wish.board is None and not wish.demo and helpers.is_played(port)
    except Problem:
        return False  # The self-test says why it can't be asked.


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


def _agreed(question: str) -> bool:
    """Agree, as --yes says; what is agreed to is told all the same."""
    typer.echo(f"{question} Yes, as --yes says.", err=True)
    return True


def _what_runs(port: str, digest: str) -> Verdict:
    """Return whether firmware from the sources of `digest` runs on the board at `port`, and stays up."""
    locate = locator(port)
    return asyncio.run(confirm_release(lambda: serial_link(locate()), software_name(), digest, clock_us))


def _self_test(port: str) -> int:
    try:
        tool_commands.run_self_test(port=port)
    except typer.Exit as error:
        return error.exit_code
    return 0
