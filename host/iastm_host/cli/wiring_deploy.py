"""What a deploy needs of the other rooms: the board's port, whose name may change, the release, the tool's answer."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from iastm_host.cli.wiring import clock_us, serial_link, software_name
from iastm_host.events import Problem
from iastm_host.records import disk
from iastm_host.transports.base import NOT_FOUND, TransportError
from iastm_host.transports.ports import SerialPort, list_serial_ports
from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.board_file import check_board_file
from iastm_host.workbench.boards import BOOTLOADER, KINDS, FoundBoard, find_boards
from iastm_host.workbench.bundle import open_bundle
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.confirm import WITHIN_S, confirm_release
from iastm_host.workbench.deploy import NOTE, Deployed, Step, Verdict, deploy
from iastm_host.workbench.drives import find_drives
from iastm_host.workbench.release import Release, selector_source

DEMO = "demo"
"""The board of the firmware that needs nothing wired."""

TIMEOUT_S = 10.0
OPEN_WITHIN_S = 30.0
Ports = Callable[[], list[SerialPort]]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be deployed: `board` names a board of the firmware or a file board.py, None leaves what is there.

    `bundle` is a file with compiled firmware; without it, it is compiled here. `patience` stretches all waiting.
    """

    board: str | None = None
    bundle: Path | None = None
    replace_main: bool = False
    patience: int = 1


def deploy_to(port: str, order: Order, tell: Callable[[Step], None], ports: Ports = list_serial_ports) -> Deployed:
    """Deploy to the board on `port` and see it run; blocking, for any thread. Raises Problem."""
    locate = locator(port, ports)
    pins = pins_of(order.board, tell)

    def prompt() -> RawRepl:
        patience = order.patience
        return RawRepl(port, TIMEOUT_S * patience, open_within_s=OPEN_WITHIN_S * patience, locate=locate)

    def confirm(digest: str) -> Verdict:
        within_s = WITHIN_S * order.patience
        return asyncio.run(
            confirm_release(lambda: serial_link(locate()), software_name(), digest, clock_us, within_s=within_s)
        )

    with interrupted_once(), _source(order.bundle) as (release_for, selector):
        return deploy(
            prompt,
            release_for,
            confirm,
            tell,
            board_file=pins.file,
            board_name=pins.name,
            replace_main=order.replace_main,
            chip=pins.chip,
            selector=selector,
        )


@contextlib.contextmanager
def interrupted_once() -> Iterator[None]:
    """Let the first interrupt end what runs here, and no further one break off how it ends.

    For it takes seconds to leave a board so that its tool starts. After an interrupt more of them are ignored for good,
    as the program ends then. Only the main thread can be interrupted: in another one nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        before[signal.Signals(number)](number, frame)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        if not stopped:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore interrupts meanwhile. To be used in the main thread."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def locator(port: str, ports: Ports = list_serial_ports) -> Callable[[], str]:
    """Return what tells the name of that port today, which a restart may change; it raises TransportError.

    A board is known by its USB serial number where no other port here has the same, else by where it is plugged in.
    Another board's port is never returned: where only such ones are there, the board is not found.
    """
    there = ports()
    was = next((each for each in there if _is(port, each.device)), None)
    if was is None:
        # A URL, or what is in no list.
        return lambda: port
    alone = bool(was.serial_number) and sum(each.serial_number == was.serial_number for each in there) == 1

    def locate() -> str:
        now = [each for each in ports() if each.serial_number == was.serial_number]
        if not alone or len(now) > 1:
            now = [each for each in now if _same_place(each, was)]
        if not now:
            raise TransportError(
                NOT_FOUND, f"The board that was on {port} is not here any more.", "Check its cable, then retry."
            )
        return port if _is(port, now[0].device) else now[0].device

    return locate


def _same_place(one: SerialPort, other: SerialPort) -> bool:
    """Return whether two looks at the ports, made at different times, saw the same one."""
    if (one.vid, one.pid) != (other.vid, other.pid):
        return False
    return one.location == other.location if other.location else one.device == other.device


def _is(port: str, device: str) -> bool:
    return port == device or ("://" not in port and Path(port).resolve() == Path(device).resolve())


def found_boards() -> list[FoundBoard]:
    """Return the boards that are plugged in."""
    return find_boards(list_serial_ports(), find_drives())


def only_port(boards: list[FoundBoard], ask: Callable[[str], bool] | None) -> str:
    """Return the port of the only board; raises Problem where there is none, or several.

    What its USB numbers don't tell to be a board, as of a bridge, is taken only where a person agrees. `ask` puts the
    question, None where nobody is there. No port is opened.
    """
    at_ports = [board for board in boards if board.port is not None and board.kinds and board.state != BOOTLOADER]
    if len(at_ports) > 1:
        listed = "; ".join(board.words for board in at_ports)
        raise Problem(f"There are several boards: {listed}.", "Say which with --port.")
    if at_ports:
        (board,) = at_ports
        question = f"Found {board.words}. Is it the board to be deployed to? What runs on it is interrupted."
        if board.sure or (ask is not None and ask(question)):
            return board.where
        raise Problem(f"Found {board.words}: it was not touched.", f"Where it is the board: --port {board.where}.")
    ready = [board for board in boards if board.state == BOOTLOADER]
    if ready:
        listed = "; ".join(board.words for board in ready)
        raise Problem(f"No board with MicroPython is here, but: {listed}.", "Write MicroPython to it: iastm flash.")
    if boards:
        listed = "; ".join(board.words for board in boards)
        raise Problem(
            f"No board is here that is known by its USB numbers, but: {listed}. Nothing was touched.",
            "Where one of them is the board say which with --port.",
        )
    raise Problem(
        "No board is here.",
        "Plug one in by a cable that carries data, not only power. iastm doctor tells what this computer sees.",
    )


@contextlib.contextmanager
def _source(path: Path | None) -> Iterator[tuple[Callable[[str], Release], bytes]]:
    if path is None:
        yield compile_release, selector_source()
        return
    with open_bundle(path) as bundle:
        yield bundle.release, bundle.selector_source()


@dataclass(frozen=True, slots=True)
class Pins:
    """The contents of a board.py, or the name of a board of the firmware; and the chip that it is for, "" unknown."""

    file: bytes | None = None
    name: str | None = None
    chip: str = ""


def pins_of(board: str | None, tell: Callable[[Step], None]) -> Pins:
    """Return what `--board` means; raises Problem."""
    if board is None:
        return Pins()
    if board == DEMO:
        return Pins(name=DEMO)
    if board in KINDS:
        return Pins(name=KINDS[board].module, chip=KINDS[board].chip)
    if not board.endswith(".py"):
        names = ", ".join([*KINDS, DEMO])
        raise Problem(f"No board is called {board}.", f"Give one of {names}; or a file, as my_board.py.")
    path = Path(board)
    try:
        source = path.read_bytes()
    except FileNotFoundError as error:
        raise Problem(f"There is no file {path}.", "Give the path of your board's file (docs/boards.md).") from error
    except OSError as error:
        raise Problem(f"{path} can't be read: {disk.reason(error)}.", f"{disk.cure(error)}, then retry.") from error
    if _is_class(source):
        tell(Step(NOTE, f"{path} has a class Board of its own: neither its pins nor its chip can be checked here"))
        return Pins(source)
    checked = check_board_file(path)
    if checked.faults:
        faults = "; ".join(checked.faults)
        raise Problem(f"{path} can't be a board: {faults}.", "Mend it (docs/boards.md), then retry.")
    return Pins(source, chip=checked.chip)


def _is_class(source: bytes) -> bool:
    """Return whether it makes its board by a class of its own, which can't be checked here."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return False
    tables = any(
        isinstance(target, ast.Name) and target.id == "WIRING"
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
    )
    return not tables and any(isinstance(node, ast.ClassDef) and node.name == "Board" for node in body)
