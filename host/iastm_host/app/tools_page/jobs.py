"""What the Tools page asks of tools and ports. All of it waits, and is called in the worker's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.connected import Listener, connected
from iastm_host.app.met import known_as_told
from iastm_host.app.tool_facts import ToolFacts, read_log
from iastm_host.app.tools_page.surroundings import BLE, SERIAL, OnAir, Surroundings, Target
from iastm_host.app.tools_page.work import Stop, Tell
from iastm_host.events import Problem, StatusReport, ToolDescription
from iastm_host.records.known_tools import KnownTool
from iastm_host.transports.base import BUSY, NO_RIGHTS, NOT_A_PORT, NOT_FOUND, Transport, TransportError
from iastm_host.transports.ports import SerialPort, named
from iastm_host.transports.serial import busy
from iastm_host.workbench.boards import FoundBoard, find_boards
from iastm_host.workbench.deploy import Deployed, Step
from iastm_host.workbench.link_figures import LinkFigures
from iastm_host.workbench.link_test import LinkTest, run_link_test
from iastm_host.workbench.link_verdict import Finding, findings_on

SCAN_S = 5.0
TEST_S = 10.0
_LOOK_S = 0.1
# Where the port itself can't be had, nothing that is on it can be cured.
_CONNECT = "Connect the tool and switch it on, press Search in Overview, then choose it."
_SHUT = (BUSY, NO_RIGHTS, NOT_A_PORT, NOT_FOUND)


@dataclass(frozen=True, slots=True)
class PortFound:
    """A serial port, and the programs that have it open, in words."""

    port: SerialPort
    holders: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. `radio`: why the air could not be listened to, None where it was or nobody asked."""

    ports: tuple[PortFound, ...]
    on_air: tuple[OnAir, ...] = ()
    radio: Problem | None = None
    listened: bool = False


@dataclass(frozen=True, slots=True)
class Unkept:
    """What was found and could not be written to the disk: the tool as it was met, and why; `log` where that is it."""

    problem: Problem
    tool: KnownTool | None = None
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A tool that was asked, and what of it could not be kept."""

    tool: ToolDescription
    unkept: Unkept | None = None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What a link test came to, and what of it could not be kept."""

    tool: ToolDescription
    figures: LinkFigures
    findings: tuple[Finding, ...]
    unkept: Unkept | None = None


def find_ports(around: Surroundings) -> tuple[PortFound, ...]:
    """Return the serial ports and who holds them; opens none."""
    return tuple(PortFound(port, holders_words(around, port.device)) for port in around.ports())


def holders_words(around: Surroundings, device: str) -> str:
    """Return which programs have a port open: "iastm (process 4711)", "" for none."""
    return named(list(around.holders(device)))


def search(around: Surroundings, tell: Tell, stop: Stop) -> Found:
    """Look at the ports, then listen on the air; without a radio the ports are found all the same."""
    ports = find_ports(around)
    if stop.asked:
        return Found(ports)
    tell(f"Listening for {SCAN_S:g} s", None)
    try:
        return Found(ports, tuple(around.scan(SCAN_S)), listened=True)
    except Problem as problem:
        return Found(ports, radio=problem)


def stranger_at(around: Surroundings, device: str) -> FoundBoard | None:
    """Return what is on a port whose USB numbers don't tell that it is a board, None for a board; opens none.

    What is in no list, or not on USB, is what a person named.
    """
    found = find_boards([port for port in around.ports() if port.device == device], [])
    return found[0] if found and not found[0].sure else None


def require_free(around: Surroundings, port: str) -> None:
    """Raise Problem where a program has the port open: which one, before anything is written."""
    # The other end of a pseudo-terminal is a program too, and may hold this one open.
    played = str(Path(port).resolve()).startswith("/dev/pts/")
    holders = [] if played else list(around.holders(port))
    if holders:
        raise busy(port, holders)


@contextmanager
def _cured_here() -> Iterator[None]:
    """Let the cure of a port that is not there be one of this page, and not of the command line."""
    try:
        yield
    except TransportError as error:
        if error.reason != NOT_FOUND:
            raise
        raise TransportError(error.reason, error.what, _CONNECT) from error


def check_tool(around: Surroundings, target: Target, stop: Stop) -> Checked:
    """Ask a tool who it is and how; the run keeps it among the known ones. Raises Problem."""
    facts = ToolFacts()
    with _cured_here(), _at(around, target, facts, stop) as (run, tool):
        # Its battery stands in it.
        facts.wait(StatusReport)
    return Checked(tool, _unkept(run))


def _unkept(run: Acquisition) -> Unkept | None:
    met = run.not_kept
    return None if met is None else Unkept(met[1], met[0])


def bring_log(around: Surroundings, target: Target, stop: Stop) -> tuple[Checked, int | None]:
    """Read a tool's log and keep what is new of it; return the tool, and how many entries are new. Raises Problem.

    None are counted where the log could not be kept: then it comes as it was read.
    """
    with _cured_here(), _at(around, target, ToolFacts(), stop) as (run, tool):
        text = read_log(run.request, tool)
    unkept = _unkept(run)
    try:
        return Checked(tool, unkept), around.logs.keep_log(tool.serial_number, text)
    except Problem as problem:
        return Checked(tool, Unkept(problem, None if unkept is None else unkept.tool, text)), None


def _at(
    around: Surroundings, target: Target, facts: ToolFacts, stop: Stop
) -> AbstractContextManager[tuple[Acquisition, ToolDescription]]:
    def make(listeners: Sequence[Listener]) -> Acquisition:
        run = around.run(target, (*listeners, facts))
        stop.then(run.stop)
        return run

    return connected(make)


def measure_link(around: Surroundings, target: Target, tell: Tell, stop: Stop) -> LinkResult | None:
    """Measure a link; stopped, it is judged by what was measured. None where nothing was. Raises Problem."""
    test = around.link_test(TEST_S)
    with _cured_here():
        asyncio.run(_measured(around, around.link(target), test, tell, stop))
    if not test.began or test.tool is None:
        return None
    tool, figures = test.tool, test.figures()
    unkept = None
    if tool.serial_number:
        known = known_as_told(tool, test.told, target.carrier, target.address, around.wall_clock())
        try:
            around.known.keep(known)
        except Problem as problem:
            # What was measured is shown all the same.
            unkept = Unkept(problem, known)
    return LinkResult(tool, figures, tuple(findings_on(figures, radio=target.carrier == BLE)), unkept)


async def _measured(around: Surroundings, link: Transport, test: LinkTest, tell: Tell, stop: Stop) -> None:
    task = asyncio.ensure_future(run_link_test(link, test, around.clock))
    began_us: int | None = None
    stopped = False
    while not task.done():
        await asyncio.wait((task,), timeout=_LOOK_S)
        if began_us is None and test.began:
            began_us = around.clock()
        if began_us is not None and test.away:
            tell("The link is gone: waiting for it to come back", None)
        elif began_us is not None:
            elapsed_s = min(TEST_S, (around.clock() - began_us) / 1e6)
            tell(f"Measuring: {elapsed_s:.0f} of {TEST_S:.0f} s", elapsed_s / TEST_S)
        if stop.asked and not stopped:
            # Once: it says goodbye to the tool meanwhile.
            stopped = task.cancel()
    if not task.cancelled():
        task.result()


def update(
    around: Surroundings, port: str, serial_number: str, agreed: Collection[SerialPort], tell: Tell, stop: Stop
) -> Deployed:
    """Put this computer's firmware onto the tool on a port. Raises Problem; then the tool before still starts.

    Another tool than the one meant is left alone; one that does not answer is what an update may cure. What can't be
    told to be a board is opened only where a person `agreed` to that very one.
    """
    stranger = stranger_at(around, port)
    if stranger is not None and stranger.port not in agreed:
        raise Problem(f"Something else is there now, and was not touched. {stranger.words}.", _CONNECT)
    require_free(around, port)
    tell("Asking the tool who it is", None)
    try:
        there = check_tool(around, Target(SERIAL, port), stop).tool.serial_number
    except TransportError as error:
        if error.reason in _SHUT:
            raise
        there = serial_number
    except Problem:
        there = serial_number
    if there != serial_number:
        raise Problem(
            f"Another tool is on {port}: {there}, and not {serial_number}.", "Choose that one, or connect this one."
        )

    def step(said: Step) -> None:
        tell(said.words, said.done / said.total if said.total else None)

    return around.update(port, step)
