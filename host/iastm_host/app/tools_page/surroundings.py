"""What the Tools page needs of the rest of the program; the composition root gives it, tests give what they like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.connected import Listener
from iastm_host.app.tools_page.words import HostFirmware
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.known_tools import KnownTools
from iastm_host.records.tool_logs import ToolLogs
from iastm_host.transports.base import Clock, Transport
from iastm_host.transports.ports import Holder, SerialPort
from iastm_host.workbench.deploy import Deployed, Step
from iastm_host.workbench.link_test import LinkTest

SERIAL, BLE, SIMULATED = "serial", "ble", "simulated"


@dataclass(frozen=True, slots=True)
class Target:
    """How a tool is reached: what carries its bytes, and its port or its name on the air."""

    carrier: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class OnAir:
    """A gauge that was heard: its signal, its battery (None unknown), whether somebody is connected to it."""

    name: str
    address: str
    signal_dbm: int
    battery_percent: int | None
    in_use: bool


Run = Callable[[Target, Sequence[Listener]], Acquisition]
"""Returns a run that changes nothing on the tool, with these listeners; it keeps its tool among the known ones."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clocks, folders, links. `scan` listens for so many seconds. `update` puts this computer's firmware onto the tool
    on a port and tells each step; `locator` returns what tells that port's name afterwards, for a restart may change
    it. All but the clocks may wait, and raise Problem; they are called in another thread.
    """

    clock: Clock
    wall_clock: Callable[[], datetime]
    known: KnownTools
    calibrations: CalibrationStore
    logs: ToolLogs
    firmware: Callable[[], HostFirmware]
    ports: Callable[[], Sequence[SerialPort]]
    holders: Callable[[str], Sequence[Holder]]
    scan: Callable[[float], Sequence[OnAir]]
    link: Callable[[Target], Transport]
    run: Run
    link_test: Callable[[float], LinkTest]
    update: Callable[[str, Callable[[Step], None]], Deployed]
    locator: Callable[[str], Callable[[], str]]
