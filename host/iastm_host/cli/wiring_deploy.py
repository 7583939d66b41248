"""What a deploy needs of the other rooms: the board's port, whose name may change, the release, the tool's answer."""

from __future__ import annotations

import ast
import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iastm_host.cli.wiring import clock_us, serial_link, software_name
from iastm_host.events import Problem
from iastm_host.records import disk
from iastm_host.transports.ports import SerialPort, list_serial_ports
from iastm_host.transports.repl import RawRepl
from iastm_host.workbench.board_file import faults_of_board_file
from iastm_host.workbench.boards import KINDS, FoundBoard, find_boards
from iastm_host.workbench.bundle import open_bundle
from iastm_host.workbench.compiler import compile_release
from iastm_host.workbench.confirm import WITHIN_S, confirm_release
from iastm_host.workbench.deploy import Deployed, Step, Verdict, deploy
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
    board_file, board_name = _board(order.board)

    def prompt() -> RawRepl:
        patience = order.patience
        return RawRepl(port, TIMEOUT_S * patience, open_within_s=OPEN_WITHIN_S * patience, locate=locate)

    def confirm(digest: str) -> Verdict:
        within_s = WITHIN_S * order.patience
        return asyncio.run(
            confirm_release(lambda: serial_link(locate()), software_name(), digest, clock_us, within_s=within_s)
        )

    with _source(order.bundle) as (release_for, selector):
        return deploy(
            prompt,
            release_for,
            confirm,
            tell,
            board_file=board_file,
            board_name=board_name,
            replace_main=order.replace_main,
            selector=selector,
        )


def locator(port: str, ports: Ports = list_serial_ports) -> Callable[[], str]:
    """Return what tells the name of that port today: a board keeps its USB serial number when its name changes."""
    number = _number_of(port, ports())

    def locate() -> str:
        if not number:
            return port
        now = [each.device for each in ports() if each.serial_number == number]
        return port if not now or _is(port, now) else now[0]

    return locate


def _number_of(port: str, ports: Iterable[SerialPort]) -> str:
    return next((each.serial_number for each in ports if _is(port, [each.device])), "")


def _is(port: str, devices: list[str]) -> bool:
    real = {str(Path(device).resolve()) for device in devices}
    return port in devices or ("://" not in port and str(Path(port).resolve()) in real)


def found_boards() -> list[FoundBoard]:
    """Return the boards that are plugged in."""
    return find_boards(list_serial_ports(), find_drives())


def only_port(boards: list[FoundBoard]) -> str:
    """Return the port of the only board; raises Problem where there is none, or several."""
    at_ports = [board for board in boards if board.port is not None]
    if len(at_ports) == 1 and at_ports[0].port is not None:
        return at_ports[0].port.device
    if at_ports:
        listed = "; ".join(board.words for board in at_ports)
        raise Problem(f"There are several boards: {listed}.", "Say which with --port.")
    if boards:
        listed = "; ".join(board.words for board in boards)
        raise Problem(f"No board with MicroPython is here, but: {listed}.", "Write MicroPython to it: iastm flash.")
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


def _board(board: str | None) -> tuple[bytes | None, str | None]:
    """Return the contents of a board.py, or the name of a board of the firmware; raises Problem."""
    if board is None:
        return None, None
    if board == DEMO:
        return None, DEMO
    if board in KINDS:
        return None, KINDS[board].module
    if not board.endswith(".py"):
        names = ", ".join([*KINDS, DEMO])
        raise Problem(f"No board is called {board}.", f"Give one of {names}; or a file, as my_board.py.")
    path = Path(board)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} can't be read: {disk.reason(error)}.", f"{disk.cure(error)}, then retry.") from error
    faults = [] if _is_class(source) else faults_of_board_file(path)
    if faults:
        raise Problem(f"{path} can't be a board: {'; '.join(faults)}.", "Mend it (docs/boards.md), then retry.")
    return source, None


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
