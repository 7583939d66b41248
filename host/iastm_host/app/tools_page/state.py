"""What the Tools page knows at a moment, and which tool it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from iastm_calibration.canonical import sha256_of
from iastm_calibration.daily_check import DailyCheck
from iastm_calibration.document import CalibrationDocument, content
from iastm_host.app.tools_page.jobs import Found, LinkResult, Unkept
from iastm_host.app.tools_page.page import OVERVIEW, Question
from iastm_host.app.tools_page.surroundings import BLE, SERIAL, SIMULATED, Surroundings, Target
from iastm_host.app.tools_page.words import HostFirmware
from iastm_host.events import Problem
from iastm_host.records.known_tools import KnownTool
from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import find_boards
from iastm_host.workbench.deploy import Deployed

_KNOWN, _PORT, _AIR = "known:", "port:", "air:"
SIMULATED_ROW = "simulated"


@dataclass(frozen=True, slots=True)
class Entry:
    """A known tool, and what is kept of it on this computer."""

    tool: KnownTool
    document: CalibrationDocument | None = None
    document_sha256: str = ""
    document_file: str = ""
    checks: tuple[DailyCheck, ...] = ()
    log: str = ""
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """`chosen` is the id of a row, "" for none. `problems` are by page, each with the `subject` that it is about;
    `links`, `news` (how many entries of a log were new), `deployed` and `unkept` by serial number. `asked`: rows at
    which no tool answered. `offers_simulated`: a simulated tool stands among those found. `agreed`:
    ports whose USB numbers don't tell a board, and that a person agreed to have opened.
    """

    ours: HostFirmware | None = None
    entries: tuple[Entry, ...] = ()
    troubles: tuple[str, ...] = ()
    found: Found | None = None
    chosen: str = ""
    page: str = OVERVIEW
    question: Question | None = None
    problems: Mapping[str, tuple[str, Problem]] = field(default_factory=dict)
    links: Mapping[str, LinkResult] = field(default_factory=dict)
    news: Mapping[str, int] = field(default_factory=dict)
    deployed: Mapping[str, Deployed] = field(default_factory=dict)
    unkept: Mapping[str, Unkept] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    offers_simulated: bool = False
    agreed: frozenset[SerialPort] = frozenset()

    @property
    def entry(self) -> Entry | None:
        """The known tool that is chosen, by itself or by the link at which it was seen last."""
        if self.chosen.startswith(_KNOWN):
            return self.known(self.chosen.removeprefix(_KNOWN))
        target = self.target
        return None if target is None else self.known_at(target)

    @property
    def target(self) -> Target | None:
        """How what is chosen is reached, None where nothing is, or nobody knows."""
        kind, _, name = self.chosen.partition(":")
        if kind == SIMULATED_ROW:
            return Target(SIMULATED)
        if kind + ":" == _KNOWN:
            entry = self.known(name)
            if entry is None or (not entry.tool.address and entry.tool.carrier != SIMULATED):
                return None
            return Target(entry.tool.carrier, self._port_now(entry) or entry.tool.address)
        return Target(SERIAL if kind + ":" == _PORT else BLE, name) if name else None

    @property
    def subject(self) -> str:
        """Which tool the pages are about: its serial number, else the row by which it is reached, "" for none."""
        entry = self.entry
        return self.chosen if entry is None else known_row(entry.tool.serial_number)

    @property
    def subject_name(self) -> str:
        """What a person calls the tool that the pages are about, "" for none."""
        entry, target = self.entry, self.target
        if entry is not None:
            return entry.tool.serial_number
        return "" if target is None else target.address or "Simulated tool"

    @property
    def likely(self) -> str:
        """The row of what was found that is most likely a tool: one on the air, else a board's port; "" for none."""
        if self.found is None:
            return ""
        air = [air_row(heard.address) for heard in self.found.on_air]
        usb = [port_row(each.port.device) for each in self.found.ports if is_board(each.port)]
        return next(iter([*air, *usb]), "")

    @property
    def update_port(self) -> str:
        """The serial port at which the chosen tool's firmware can be written, "" where none is known."""
        target, entry = self.target, self.entry
        if target is not None and target.carrier == SERIAL:
            return target.address
        return "" if entry is None else self._on_cable(entry)

    @property
    def update_at(self) -> SerialPort | None:
        """That port as it was found, None where it was not listed."""
        ports = () if self.found is None else self.found.ports
        return next((each.port for each in ports if each.port.device == self.update_port), None)

    def _on_cable(self, entry: Entry) -> str:
        """Return the port at which a tool is found by its number, which is its board's and told by USB too."""
        wanted = entry.tool.serial_number.casefold()
        ports = () if self.found is None else self.found.ports
        same = [found.port.device for found in ports if wanted and found.port.serial_number.casefold() == wanted]
        return same[0] if len(same) == 1 else ""

    def _port_now(self, entry: Entry) -> str:
        """Return the port of a tool on a cable whose port has another name than when it was seen, "" for none."""
        ports = () if self.found is None else self.found.ports
        there = any(found.port.device == entry.tool.address for found in ports)
        return "" if there or entry.tool.carrier != SERIAL else self._on_cable(entry)

    def known(self, serial_number: str) -> Entry | None:
        """Return a known tool by its serial number."""
        return next((entry for entry in self.entries if entry.tool.serial_number == serial_number), None)

    def known_at(self, target: Target) -> Entry | None:
        """Return the tool that was last seen at this link, the newest of several."""
        there = (target.carrier, target.address)
        return next((entry for entry in self.entries if (entry.tool.carrier, entry.tool.address) == there), None)

    def rows(self) -> list[str]:
        """Return the ids of all rows of the overview that can be chosen, in their order."""
        found = self.found
        ports = [] if found is None else [port_row(each.port.device) for each in found.ports]
        air = [] if found is None else [air_row(each.address) for each in found.on_air]
        simulated = [SIMULATED_ROW] if self.offers_simulated else []
        return [*(known_row(entry.tool.serial_number) for entry in self.entries), *simulated, *ports, *air]


def is_board(port: SerialPort) -> bool:
    """Return whether a port is by its USB numbers that of a board which can be a tool."""
    return any(board.sure for board in find_boards([port], []))


def known_row(serial_number: str) -> str:
    """Return the id of a known tool's row."""
    return _KNOWN + serial_number


def port_row(device: str) -> str:
    """Return the id of a port's row."""
    return _PORT + device


def air_row(address: str) -> str:
    """Return the id of the row of a gauge that was heard."""
    return _AIR + address


def row_of(target: Target) -> str:
    """Return the id of the row that stands for a link."""
    if target.carrier == SIMULATED:
        return SIMULATED_ROW
    return port_row(target.address) if target.carrier == SERIAL else air_row(target.address)


def gather(
    around: Surroundings, unkept: Mapping[str, Unkept] | None = None
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the known tools with what is kept of each, and what could not be read. It reads files.

    `unkept` is newer, and could not be written there.
    """
    tools: dict[str, KnownTool] = {}
    troubles: tuple[str, ...] = ()
    try:
        known = around.known.look()
    except Problem as problem:
        troubles = (str(problem),)
    else:
        tools, troubles = {tool.serial_number: tool for tool in known.tools}, known.troubles
    unkept = unkept or {}
    newer = [each.tool for each in unkept.values() if each.tool is not None]
    for tool in newer:
        before = tools.get(tool.serial_number)
        if before is None or before.seen <= tool.seen:
            tools[tool.serial_number] = tool
    order = sorted(tools.values(), key=lambda tool: (-tool.seen.timestamp(), tool.serial_number))
    return tuple(_entry(around, tool, unkept.get(tool.serial_number)) for tool in order), troubles


def _entry(around: Surroundings, tool: KnownTool, unkept: Unkept | None) -> Entry:
    log = around.logs.log(tool.serial_number) if unkept is None or unkept.log is None else unkept.log
    try:
        kept = around.calibrations.in_force(tool.serial_number)
        checks, damaged = around.calibrations.checks(tool.serial_number)
    except Problem as problem:
        return Entry(tool, log=log, troubles=(str(problem),))
    sha256 = "" if kept.document is None else sha256_of(content(kept.document)).hex()
    file = "" if kept.path is None else str(kept.path)
    checks.sort(key=lambda check: datetime.fromisoformat(check.checked_at).timestamp())
    return Entry(tool, kept.document, sha256, file, tuple(checks), log, (*kept.troubles, *damaged))
