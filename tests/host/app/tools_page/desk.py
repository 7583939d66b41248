"""A desk with a computer, ports and tools that a test puts there; the page's model runs at it as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from iastm_calibration.canonical import sha256_of
from iastm_calibration.document import (
    CalibrationDocument,
    Compensation,
    Curve,
    FoundFigures,
    Reference,
    TakenPoint,
    Tip,
    ToolUnderCalibration,
    UncertaintyAt,
    content,
)
from iastm_host.app.tools_page.page import Facts, Notice, Table, ToolsSnapshot, Verdict, Words
from iastm_host.app.tools_page.surroundings import OnAir, Surroundings, Target
from iastm_host.app.tools_page.tools_page import ToolsPage
from iastm_host.app.tools_page.words import HostFirmware
from iastm_host.events import Problem
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.known_tools import KnownTool, KnownTools
from iastm_host.records.tool_logs import ToolLogs
from iastm_host.tool.client import ToolClient
from iastm_host.transports.ports import Holder, SerialPort
from iastm_host.workbench.deploy import Deployed, Step
from iastm_host.workbench.link_test import LinkTest

NOW = datetime(2026, 11, 21, 17, 40, tzinfo=timezone(timedelta(hours=1)))
OURS = HostFirmware("0.2.0", "aa" * 8, "1.2")
WAIT_S = 30.0
TOOL = KnownTool(
    "T-03",
    "serial",
    "/dev/ttyACM0",
    NOW.isoformat(),
    board="pico_2_w",
    firmware_version="0.1.0",
    source_hash="bb" * 8,
    protocol="1.2",
    runtime="MicroPython 1.29.0",
    battery_percent=79,
    keeps_log=True,
    keeps_calibration=True,
    not_warning="",
)
BY_AIR = replace(TOOL, serial_number="T-07", carrier="ble", address="IASTM 0007")
PORT = SerialPort("/dev/ttyACM0", 0x2E8A, 0x0005, "E6614C", "Board in FS mode", "MicroPython")


def named(fake_tool: Any, name: str) -> Any:
    """Return fake tools with this serial number."""

    class Named(fake_tool):  # type: ignore[misc]
        def hello_answer(self) -> Any:
            return super().hello_answer()._replace(serial_number=name)

    return Named


class Desk:
    """What stands on it can be changed at any time. `hold` keeps an update from going on until it is set."""

    def __init__(self, folder: Path, runs: Any, fake_tool: Any) -> None:
        self.known = KnownTools(folder / "known")
        self.calibrations = CalibrationStore(folder / "calibrations")
        self.logs = ToolLogs(folder / "logs")
        self.tool = named(fake_tool, TOOL.serial_number)()
        self.open_error: Exception | None = None
        self.before_open: Callable[[], object] = lambda: None
        self.ports: list[SerialPort] = []
        self.holders: dict[str, list[Holder]] = {}
        self.heard: list[OnAir] | Problem = []
        self.updated: list[str] = []
        self.opened: list[Target] = []
        self.port_now = ""
        self.update_fails: Exception | None = None
        self.steps: Sequence[Step] = (Step("send", "Sending app.mpy", 1, 4),)
        self.hold = threading.Event()
        self.hold.set()
        self.in_update = threading.Event()
        self._runs = runs
        self._pages: list[ToolsPage] = []

    def page(self, target: Target | None = None) -> ToolsPage:
        """Return a page that has begun, and has looked at everything."""
        page = ToolsPage(self.surroundings(), target)
        self._pages.append(page)
        page.begin()
        return waited(page)

    def end(self) -> None:
        """End what still goes on."""
        self.hold.set()
        for page in self._pages:
            page.close()

    def surroundings(self) -> Surroundings:
        return Surroundings(
            clock=lambda: 0,
            wall_clock=lambda: NOW,
            known=self.known,
            calibrations=self.calibrations,
            logs=self.logs,
            firmware=lambda: OURS,
            ports=lambda: self.ports,
            holders=lambda device: self.holders.get(device, []),
            scan=self._scan,
            link=self._link,
            run=self._run,
            link_test=lambda duration_s: LinkTest(ToolClient("test 1", session=5), duration_s),
            update=self._update,
            locator=lambda port: lambda: self.port_now or port,
        )

    def _scan(self, _duration_s: float) -> Sequence[OnAir]:
        if isinstance(self.heard, Problem):
            raise self.heard
        return self.heard

    def _link(self, target: Target) -> Any:
        self.opened.append(target)
        self.before_open()
        return self._runs.make(tool=self.tool, open_error=self.open_error)[1]

    def _run(self, target: Target, listeners: Any) -> Any:
        self.opened.append(target)
        plan = {
            "known_tools": self.known,
            "carrier": target.carrier,
            "address": target.address,
            "sets_limits": False,
        }
        run, link = self._runs.make(
            tool=self.tool, listeners=listeners, plan=plan, open_error=self.open_error, step_us=2_000
        )

        def tell() -> None:
            link._answers += self.tool.status()

        link.at = dict.fromkeys(range(50, 90_000, 50), tell)
        return run

    def _update(self, port: str, tell: Callable[[Step], None]) -> Deployed:
        self.updated.append(port)
        for step in self.steps:
            tell(step)
        self.in_update.set()
        assert self.hold.wait(WAIT_S)
        if self.update_fails is not None:
            raise self.update_fails
        return Deployed("0.2.0+" + OURS.source_hash, "a", True, 12, 34_567, 30)

    def calibrate(self, tool: KnownTool, document: CalibrationDocument) -> KnownTool:
        """Keep a calibration here and say that the tool has it; return the tool."""
        self.calibrations.save(document)
        sha256 = sha256_of(content(document)).hex()
        return replace(tool, calibration_id=document.calibration_id, calibration_sha256=sha256)


def document_of(serial_number: str, made: datetime, months: int) -> CalibrationDocument:
    """Return a calibration of a tool that holds for so many months of 30 days."""
    points = tuple(
        TakenPoint(1, 90.0, True, step, kg, kg * 9.81, 84_000 + kg * 411_000, 55.0, 640, made.isoformat())
        for step, kg in enumerate((0.5, 1.0, 1.5))
    )
    return CalibrationDocument(
        calibration_id=f"{serial_number} {made:%Y-%m-%d}",
        method="quick",
        tool=ToolUnderCalibration(serial_number, "", "TAL221", "NAU7802", 50.0, "0.1.0"),
        reference=Reference("weights", "brass set", 0.0005, "", 9.81, 0.0005, "51° N"),
        tip=Tip("Tip B", "bevelled", None, None, "", None, None),
        points=points,
        curve=Curve((0.0, 2.387e-5), 4.9, 14.7, 0.01, 2),
        figures=FoundFigures(0.012, None, None, None, None, 0.0, None, None, None, None, None, None, None, (), ()),
        uncertainty=(UncertaintyAt(14.7, 0.11, 2.0, (("curve", "fit", 0.055),), ()),),
        compensation=Compensation(),
        made_by="A. Tester",
        made_at=made.isoformat(timespec="seconds"),
        expires_on=f"{made + timedelta(days=30 * months):%Y-%m-%d}",
    )


def waited(page: ToolsPage) -> ToolsPage:
    """Wait for what is being done, and return the page."""
    assert page.wait(WAIT_S), "the page goes on"
    return page


def done(page: ToolsPage, action: str) -> ToolsSnapshot:
    """Do something, wait for its end, and return what is shown then."""
    page.do(action)
    return waited(page).snapshot()


def words(snapshot: ToolsSnapshot) -> str:
    """Return everything that a page says, in one text."""
    said: list[str] = []
    for block in snapshot.blocks:
        if isinstance(block, Words):
            said.append(block.text)
        elif isinstance(block, Notice):
            said += [block.what, block.fix]
        elif isinstance(block, Verdict):
            said += [block.word, block.sentence]
        elif isinstance(block, Facts):
            said += [f"{name}: {value}" for name, value in block.rows]
    return "\n".join(said)


def tables(snapshot: ToolsSnapshot) -> list[Table]:
    return [block for block in snapshot.blocks if isinstance(block, Table)]


def notice(snapshot: ToolsSnapshot) -> Notice | None:
    return next((block for block in snapshot.blocks if isinstance(block, Notice)), None)


def offered(snapshot: ToolsSnapshot) -> dict[str, bool]:
    """Return what is offered, and whether it can be done now."""
    return {action.name: action.enabled for action in snapshot.actions}


def row_texts(table: Table, place: int = 0) -> list[tuple[str, str]]:
    return [(cell.text, cell.detail) for cell in table.rows[place].cells]
