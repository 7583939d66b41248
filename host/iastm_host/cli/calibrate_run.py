"""`iastm calibrate run`: the calibration wizard, in a window or a terminal."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from iastm_calibration.calibrate import calibrate
from iastm_calibration.document import CalibrationDocument, content
from iastm_host.app.acquisition import Acquisition
from iastm_host.app.calibrating.making import Make
from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, NO_TIP, QUICK, Setup
from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.app.calibrating.waiting import all_waiting, left_of, prefilled, waiting_for
from iastm_host.app.calibrating.wizard import Surroundings, Wizard, in_a_thread
from iastm_host.app.calibrating.written import WordsError, parse_loads, parse_tolerance
from iastm_host.app.connected import Listener, connected
from iastm_host.bench.hands import Hands
from iastm_host.cli import wiring, wiring_bench
from iastm_host.cli.display import check_display, display_there
from iastm_host.cli.links import LinkChoice, Port, Radio, Simulated, Tool
from iastm_host.events import Event, Problem
from iastm_host.records import disk
from iastm_host.records.calibrations import CalibrationStore, read_document
from iastm_host.terminal.calibration import InputLines, run_lines, run_pages
from iastm_host.transports.base import Transport

_LOOK_S = 0.05
_END_S = 5.0
_SEED = 1

Write = Callable[[Acquisition, CalibrationDocument, Callable[[float], None]], None]
"""Puts a document into the tool that a run is with and compares, telling its progress from 0 to 1. Raises Problem."""


@dataclass(frozen=True, slots=True)
class Station:
    """What a calibration is made at. The composition root puts it together; tests put in what they like.

    `make_tool` and `make_gauge` return runs with these listeners. `write` puts a document into the tool that a run is
    with, telling its progress; None is a tool that keeps none. `hands` do what a snapshot asks for at a simulated
    bench; None where a person has hands.
    """

    make_tool: Callable[[Sequence[Listener]], Acquisition]
    make_gauge: Callable[[Sequence[Listener]], Acquisition] | None
    clock: Callable[[], int]
    wall_clock: Callable[[], datetime]
    drafts: Path
    make: Make
    save: Callable[[CalibrationDocument], str]
    load: Callable[[str], CalibrationDocument]
    write: Write | None
    hands: Callable[[WizardSnapshot], None] | None = None


Show = Callable[[Wizard, Callable[[], Problem | None]], None]
"""Shows a wizard until it is over; the second argument tells what ended a run, None while they go on."""


def setup_of(method: str, loads: str | None, tolerance: str, stated: Setup) -> Setup:
    """Return `stated` with what is written in words: loads and tolerance. Raises Problem for words that say none."""
    try:
        loads_kg = DEFAULT_LOADS_KG[method] if loads is None else parse_loads(loads)
        share = parse_tolerance(tolerance)
    except WordsError as error:
        raise Problem(str(error), "See: iastm calibrate run --help") from error
    return replace(stated, method=method, loads_kg=loads_kg, tolerance=share)


def calibrate_at(
    station: Station,
    begin: Setup | None,
    show: Show,
    say: Callable[[str], None],
    *,
    by_form: bool = False,
    by_hand: bool = False,
) -> WizardSnapshot:
    """Run tool, gauge and wizard, and return how it ended. Raises Problem.

    `begin` is what to begin with, None goes on with what waits for the tool that is connected. `by_form`:
    whoever is shown the wizard completes the setup. `by_hand`: each point waits for a key; else it is taken once it was
    steady. `say` is told before the first page that another calibration of this tool waits.
    """
    runs: list[Acquisition] = []

    def write(document: CalibrationDocument, progress: Callable[[float], None]) -> None:
        assert station.write is not None
        station.write(runs[0], document, progress)

    wizard = Wizard(
        Surroundings(
            clock=station.clock,
            wall_clock=station.wall_clock,
            drafts=station.drafts,
            make=station.make,
            save=station.save,
            load=station.load,
            write=None if station.write is None else write,
            aside=in_a_thread,
        ),
        begin,
    )
    with ExitStack() as stack:
        stack.callback(wizard.leave)
        run, tool = stack.enter_context(connected(_also(station.make_tool, wizard.feed)))
        runs.append(run)
        waiting = waiting_for(station.drafts, tool.serial_number) if begin is None else None
        if waiting is not None and waiting.book.setup.against_gauge and station.make_gauge is None:
            raise _gauge_wanted()
        if station.make_gauge is not None:
            run, _ = stack.enter_context(connected(_also(station.make_gauge, wizard.feed_reference)))
            runs.append(run)
        left = None if begin is None else left_of(station.drafts, tool.serial_number)
        if left is not None and begin is not None:
            words = f"A calibration of {left.words} waits: leave this one, then --resume goes on with it."
            wizard.propose(prefilled(begin, left.book.setup), words)
            say(words)
        if waiting is not None:
            wizard.resume(waiting.path)
        elif begin is not None and not by_form:
            wizard.start(begin)
        if station.hands is not None:
            hands = station.hands
            stack.enter_context(_Busy(lambda: hands(wizard.snapshot())))
        if not by_hand:
            stack.enter_context(_Busy(wizard.take_when_ready))
        try:
            show(wizard, lambda: _ended(runs))
        except KeyboardInterrupt:
            # Ctrl-C leaves, as any other way.
            wizard.leave()
        return wizard.snapshot()


def station_for(
    choice: LinkChoice, gauge: LinkChoice | None, setup: Setup, drafts: Path, write: Write | None
) -> Station:
    """Return a station with the tool that was chosen, and a gauge where one was. Raises Problem.

    With --simulated it is a bench with hands. Documents go into this user's store, drafts into `drafts`.
    """
    store = wiring.calibrations()
    bench = wiring_bench.make_bench(_SEED) if choice.simulated else None
    link = choice.open() if bench is None else bench.tool(_folder(drafts / "simulated tool"))
    gauge_link: Transport | None = None
    if setup.against_gauge:
        gauge_link = bench.gauge() if bench is not None else gauge.open() if gauge is not None else None

    def run_of(made: Transport, chosen: LinkChoice) -> Callable[[Sequence[Listener]], Acquisition]:
        return lambda listeners: wiring.calibration_run(
            made, chosen.carrier, listeners, sets_limits=True, address=chosen.address
        )

    hands: Callable[[WizardSnapshot], None] | None = None
    if bench is not None:
        simulated = bench.bench
        helpers: dict[bool, Hands] = {}

        def hands(snapshot: WizardSnapshot) -> None:
            # Which of the two it is stands in the draft, where one is gone on with.
            picture, against_gauge = snapshot.picture, snapshot.setup.against_gauge
            if against_gauge not in helpers:
                helpers[against_gauge] = Hands(simulated, _SEED, against_gauge=against_gauge)
            helpers[against_gauge].look(picture.kind, picture.load_kg or None, picture.angle_deg)

    return Station(
        make_tool=run_of(link, choice),
        make_gauge=None if gauge_link is None else run_of(gauge_link, gauge or choice),
        clock=wiring.clock_us,
        wall_clock=wiring.wall_clock,
        drafts=drafts,
        make=calibrate,
        save=lambda document: str(save_once(store, document)),
        load=lambda file: read_document(Path(file)),
        write=write,
        hands=hands,
    )


def save_once(store: CalibrationStore, document: CalibrationDocument) -> Path:
    """Keep a document, or let the one be in force that was made of the same points before; return where it is.

    Raises Problem, and CalibrationError.
    """
    for path, kept in store.all(document.tool.serial_number):
        made_then = replace(
            document, made_at=kept.made_at, calibration_id=kept.calibration_id, expires_on=kept.expires_on
        )
        if content(made_then) == content(kept):
            store.choose(kept)
            return path
    return store.save(document)


def _folder(path: Path) -> Path:
    """Return a folder that exists: a simulated tool's memory. Raises Problem."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{path} can't be made: {disk.reason(error)}.", f"{disk.cure(error)}.") from error
    return path


def command(
    station_of: Callable[[LinkChoice, LinkChoice | None, Setup, Path], Station],
    drafts_of: Callable[[], Path],
    show_in_window: Callable[[str | None], Show],
    certify: Callable[[str], str],
) -> Callable[..., None]:
    """Return the command `run`: with a station for links and setup, the folder of drafts, and what shows a window.

    `certify` makes the certificate of a document's file and returns where it is.

    `show_in_window` is called, with the theme, before any thread runs.
    """

    def run(
        port: Port = None,
        tool: Tool = None,
        radio: Radio = None,
        simulated: Simulated = False,
        full: Annotated[bool, typer.Option("--full/--quick", help="For a certificate, or in ten minutes.")] = False,
        loads: Annotated[
            str | None, typer.Option(help="The weights, lightest first: 100,200,500 (grams), or 0.1kg,0.2kg.")
        ] = None,
        tolerance: Annotated[
            str, typer.Option(help="How far weights or gauge may be off: ± in %, or a class: M1, M2, M3.")
        ] = "",
        weights: Annotated[str, typer.Option(help="What the weights or the gauge are, for the certificate.")] = "",
        certificate: Annotated[str, typer.Option(help="The certificate of the weights or the gauge.")] = "",
        latitude: Annotated[float | None, typer.Option(help="Where it is done, in degrees: it gives gravity.")] = None,
        height: Annotated[float, typer.Option(help="Metres above the sea.")] = 0.0,
        by: Annotated[str, typer.Option(help="Who calibrates.")] = "",
        tip: Annotated[str, typer.Option(help="The tip that is mounted.")] = "Tip",
        load_cell: Annotated[str, typer.Option(help="The load cell, for the certificate.")] = "",
        converter: Annotated[str, typer.Option(help="The converter, for the certificate.")] = "",
        months: Annotated[int, typer.Option(help="For how many months it holds.")] = 12,
        within_deg: Annotated[
            float | None,
            typer.Option(help="How far from upright the tool is used, in degrees: it counts in ±."),
        ] = None,
        within_k: Annotated[
            float | None, typer.Option(help="How far from today's temperature it is used, in kelvins.")
        ] = None,
        zero_per_k: Annotated[
            float | None, typer.Option(help="By how much its zero moves for each kelvin, in millinewtons.")
        ] = None,
        span_per_k: Annotated[
            float | None, typer.Option(help="By how much its span moves for each kelvin, in per cent.")
        ] = None,
        gauge_port: Annotated[
            str | None, typer.Option(help="The serial port of a reference gauge, in place of weights.")
        ] = None,
        gauge_tool: Annotated[
            str | None, typer.Option(help="A Bluetooth reference gauge: a second tool, or a Progressor.")
        ] = None,
        gauge_simulated: Annotated[
            bool, typer.Option("--gauge-simulated", help="A reference gauge beside the simulated tool.")
        ] = False,
        resume: Annotated[
            bool, typer.Option("--resume", help="Go on with the calibration that was left last.")
        ] = False,
        by_hand: Annotated[
            bool, typer.Option("--by-hand", help="Take each point by Enter, not by itself once it was steady.")
        ] = False,
        headless: Annotated[bool, typer.Option("--headless", help="Pages in the terminal, no window.")] = False,
        theme: Annotated[str | None, typer.Option(help="auto, light, dark or contrast.")] = None,
    ) -> None:
        """Calibrate a tool with known weights, or against a reference gauge, page by page."""
        # A radio may be the gauge's alone.
        choice = LinkChoice(port, tool, None if tool is None and gauge_tool is not None else radio, simulated)
        choice.check()
        gauge = _gauge_choice(gauge_port, gauge_tool, radio, gauge_simulated=gauge_simulated, choice=choice)
        stated = Setup(
            weights_description=weights,
            certificate=certificate,
            latitude_deg=latitude,
            height_m=height,
            made_by=by,
            tip=replace(NO_TIP, name=tip),
            load_cell=load_cell,
            converter=converter,
            expires_months=months,
            against_gauge=gauge is not None,
            used_within_deg=within_deg,
            used_within_k=within_k,
            zero_per_k_n=None if zero_per_k is None else zero_per_k / 1000,
            span_per_k=None if span_per_k is None else span_per_k / 100,
        )
        setup = setup_of(FULL if full else QUICK, loads, tolerance, stated)
        drafts = drafts_of()
        begin = None if resume else setup
        # What can be told before any link opens.
        if resume and all(one.book.setup.against_gauge for one in all_waiting(drafts)) and gauge is None:
            raise _gauge_wanted()
        in_window = not headless and display_there(os.environ)
        if in_window:
            check_display(os.environ)
            ended = calibrate_at(
                station_of(choice, gauge, setup, drafts),
                begin,
                show_in_window(theme),
                typer.echo,
                by_form=not resume,
                by_hand=by_hand,
            )
        else:
            if begin is not None:
                _check(begin)
            station = station_of(choice, gauge, setup, drafts)
            ended = calibrate_at(station, begin, show_in_terminal, typer.echo, by_hand=by_hand)
        if ended.result is not None and ended.result.file:
            typer.echo(f"Certificate: {certify(ended.result.file)}")
        for line in outcome(ended, resuming(choice, gauge, headless=headless, by_hand=by_hand)):
            typer.echo(line)

    return run


def _gauge_choice(
    port: str | None, tool: str | None, radio: str | None, *, gauge_simulated: bool, choice: LinkChoice
) -> LinkChoice | None:
    """Return the gauge that was named, None for none. Raises Problem."""
    named = (port is not None) + (tool is not None) + gauge_simulated
    if not named:
        return None
    if named > 1 or gauge_simulated != choice.simulated:
        raise Problem(
            "One reference gauge can be used, beside a tool of its kind.",
            "Give --gauge-port or --gauge-tool; with --simulated give --gauge-simulated.",
        )
    return LinkChoice(port, tool, radio if tool is not None else None, gauge_simulated)


def _gauge_wanted() -> Problem:
    return Problem("This calibration is against a gauge.", "Name it, as when it was begun.")


def _check(setup: Setup) -> None:
    """Raise Problem with the first thing that can't be as stated: there is no form here to mend it."""
    for _, words in setup.problems():
        raise Problem(words, "See: iastm calibrate run --help")


def show_in_terminal(wizard: Wizard, look: Callable[[], Problem | None]) -> None:
    """Show the wizard page by page in a terminal, as lines elsewhere."""
    if sys.stdout.isatty() and sys.stdin.isatty():
        run_pages(wizard, Console(), look)
    else:
        run_lines(wizard, InputLines(sys.stdin.fileno()), typer.echo, look)


def resuming(choice: LinkChoice, gauge: LinkChoice | None, *, headless: bool, by_hand: bool) -> str:
    """Return the command that goes on with this calibration, to be typed as it is."""
    words = ["iastm", "calibrate", "run"]
    radio = choice.radio or (None if gauge is None else gauge.radio)
    stated = [("--port", choice.port), ("--tool", choice.tool), ("--radio", radio)]
    if gauge is not None:
        stated += [("--gauge-port", gauge.port), ("--gauge-tool", gauge.tool)]
    for option, value in stated:
        words += [] if value is None else [option, value]
    flags = {
        "--simulated": choice.simulated,
        "--gauge-simulated": gauge is not None and gauge.simulated,
        "--by-hand": by_hand,
        "--headless": headless,
        "--resume": True,
    }
    return shlex.join([*words, *(flag for flag, given in flags.items() if given)])


def outcome(ended: WizardSnapshot, resume_command: str) -> list[str]:
    """Return what is printed once all is over. Raises Problem where a saved calibration did not reach the tool."""
    result = ended.result
    if result is None or not result.file:
        if not ended.points:
            return ["Left. Nothing was taken."]
        return ["Left. The points are kept. To go on:", resume_command]
    if not ended.done:
        raise Problem(
            f"The calibration is saved at {result.file}, and the tool does not have it.",
            f"To write it: {resume_command}",
        )
    where = "the tool has it" if result.written else "this tool keeps none"
    return [f"{result.word}: {result.sentence}", f"Saved: {result.file}; {where}."]


def _also(
    make: Callable[[Sequence[Listener]], Acquisition], feed: Callable[[Event], None]
) -> Callable[[Sequence[Listener]], Acquisition]:
    return lambda listeners: make((*listeners, feed))


def _ended(runs: Sequence[Acquisition]) -> Problem | None:
    for run in runs:
        snapshot = run.snapshot()
        if snapshot.finished:
            return snapshot.problem or Problem(
                "The link ended.", "Connect the tool again. What was taken is kept: go on with --resume."
            )
    return None


class _Busy:
    """Does something some times a second, in a thread of its own, for as long as the block lasts."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._do = work
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="calibration helper", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_END_S)

    def _work(self) -> None:
        while not self._over.wait(_LOOK_S):
            self._do()
