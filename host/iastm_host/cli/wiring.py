"""The composition root: the only place that picks clocks, transports and folders, and puts the rooms together."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from iastm_host.analysis.profiles import Contact, Profile, Tip, profile_for, without_limits
from iastm_host.app.acquisition import Acquisition, Plan
from iastm_host.app.connected import Listener
from iastm_host.app.met import known_as_told
from iastm_host.app.offline import recorded_contact, recorded_numbering, recorded_profile, recorded_tip
from iastm_host.events import Event, Problem, ToolDescription
from iastm_host.keys import KeyStore, system_keyring
from iastm_host.records import disk
from iastm_host.records.calibrations import CalibrationStore
from iastm_host.records.entries import Recording
from iastm_host.records.known_tools import KnownTools
from iastm_host.records.tool_logs import ToolLogs
from iastm_host.scenarios import Cell, Scenario, make_scenario, pack_rows
from iastm_host.settings import Settings, load_settings, with_flags
from iastm_host.tool.client import ToolClient
from iastm_host.tool.progressor import NEWTONS_PER_KG
from iastm_host.transports.base import Transport
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_host.transports.runtime import Runtime, find_runtime, source_hash
from iastm_host.transports.serial import SerialTransport
from iastm_host.transports.simulated import SimulatedTransport
from iastm_host.transports.simulator import SimulatedTool
from iastm_host.workbench.link_test import LinkTest
from iastm_host.workbench.pairing import fetch_key

if TYPE_CHECKING:
    from iastm_host.transports.scan import Backend, FoundTool
    from iastm_host.transports.simulated_ble import ToolOnAir
    from iastm_host.transports.virtual_progressor import ProgressorOnAir

APP_NAME = "iastm"
LOCALHOST = "127.0.0.1"
SIMULATED_RATE_HZ = 320
SIMULATED_RING_SAMPLES = 60 * SIMULATED_RATE_HZ
SIMULATED_BATTERY_PERCENT = 82
_PRESS_S = 0.3
# Without a window nobody may be there to end a run whose tool never comes back.
HEADLESS_PATIENCE_S = 60.0
# Without it a busy window keeps the decision waiting for the interpreter: a p99 of 11 to 16 ms instead of 2 to 5
# (docs/adr/0010-drawing.md).
_SWITCH_INTERVAL_S = 0.0005


def clock_us() -> int:
    """Return host microseconds, monotonic."""
    return time.monotonic_ns() // 1000


def wall_clock() -> datetime:
    """Return local time with its zone."""
    return datetime.now().astimezone()


def software_name() -> str:
    """Return the name under which this program greets tools."""
    return f"iastm-toolkit {version('iastm-toolkit')}"


def settings(**flags: str | float | None) -> Settings:
    """Return the user's settings: `flags` that are not None over the environment over the settings file."""
    loaded = load_settings(Path(platformdirs.user_config_path(APP_NAME)) / "settings.toml", os.environ)
    return with_flags(loaded, flags)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated tool, the scenario it plays, the runtime under it, and its key by its serial number."""

    tool: SimulatedTool
    scenario: Scenario
    runtime: Runtime
    keys: Mapping[str, bytes]

    @property
    def name_on_air(self) -> str:
        """The name by which Bluetooth knows it: IASTM and the end of its serial number (SPEC.md)."""
        (serial_number,) = self.keys
        return f"IASTM {serial_number[-4:]}"


def make_simulation(
    scenario_name: str,
    seed: int,
    truth: Path | None,
    *,
    rate_hz: int = SIMULATED_RATE_HZ,
    zero_confirmed: bool = True,
    presses_s: Sequence[float] = (),
    board: Mapping[str, object] | None = None,
) -> Simulation:
    """Return a simulated tool that is not started yet; its button is pressed at `presses_s`. Raises Problem.

    `board` are settings of the simulated board that go before those made here (iastm_simulated/board.py).
    """
    cell = Cell()
    serial_number = f"SIM-{seed:04d}"
    # No secret: the same tool shall know the same computers when it is simulated again.
    key = hashlib.sha256(f"key of the simulated tool {serial_number}".encode()).digest()
    scenario = make_scenario(scenario_name, seed, rate_hz, cell)
    runtime = find_runtime(os.environ)
    tool_settings: dict[str, object] = {
        "rate_mhz": rate_hz * 1000,
        "ring_depth": SIMULATED_RING_SAMPLES,
        "serial_number": serial_number,
        "key": key.hex(),
        "presses": [[at_s, _PRESS_S] for at_s in presses_s],
        "zero_counts": cell.zero_counts,
        "zero_confirmed": zero_confirmed,
        "calibration": {
            "id": cell.calibration_id,
            "sha256": cell.sha256,
            "capacity_n": cell.capacity_n,
            "coefficients": list(cell.coefficients),
        },
        "source_hash": source_hash(),
        "battery_percent": SIMULATED_BATTERY_PERCENT,
    }
    tool_settings |= board or {}
    tool = SimulatedTool(runtime, lambda n: pack_rows(*scenario.next_rows(n)), tool_settings, truth)
    return Simulation(tool, scenario, runtime, {serial_number: key})


def board_with(*, motion: bool, store: Path | None = None) -> dict[str, object]:
    """Return settings of a simulated board with a motion sensor, and with a folder for what it keeps over restarts.

    Raises Problem where that folder can't be made or written to.
    """
    board: dict[str, object] = {"imu": {}} if motion else {}
    if store is not None:
        try:
            store.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=store):
                pass
        except OSError as error:
            raise Problem(
                f"The simulated tool can't keep anything in {store}: {disk.reason(error)}.", f"{disk.cure(error)}."
            ) from error
        board["store"] = str(store.resolve())
    return board


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asked of a run; a lost link is tried again for `patience_s`, None is for ever."""

    duration_s: float | None = None
    record: Path | None = None
    patience_s: float | None = HEADLESS_PATIENCE_S


class Carrier(StrEnum):
    """What carries a tool's bytes."""

    SERIAL = "serial"
    BLE = "ble"


def simulated_run(
    simulation: Simulation, chosen: Settings, choice: Choice, carrier: Carrier = Carrier.SERIAL
) -> Acquisition:
    """Return a run with a simulated tool; raises Problem where an extra is missing."""
    return _acquisition(simulated_link(simulation, carrier), _live_plan("simulated", chosen, choice, simulation.keys))


def serial_run(port: str, chosen: Settings, choice: Choice) -> Acquisition:
    """Return a run with the tool on a serial port."""
    return _acquisition(serial_link(port), _live_plan("serial", chosen, choice, address=port))


def ble_run(tool: str, radio: str | None, chosen: Settings, choice: Choice) -> Acquisition:
    """Return a run with the tool of that name or address; `radio` is as of `scan_tools`."""
    return _acquisition(ble_link(tool, radio), _live_plan("ble", chosen, choice, key_store().load(), address=tool))


def calibration_run(
    transport: Transport,
    carrier: str,
    listeners: Sequence[Listener] = (),
    keys: Mapping[str, bytes] | None = None,
    *,
    sets_limits: bool,
    address: str = "",
) -> Acquisition:
    """Return a run that treats nobody: it has no limits, and with `sets_limits` turns those of the tool off.

    `address` is how a person names the tool, "" unknown.
    """
    plan = Plan(
        carrier=carrier,
        profile=without_limits("calibration", "Calibration"),
        tip=None,
        contact=Contact(),
        software=software_name(),
        session=secrets.randbits(32),
        patience_s=None if sets_limits else HEADLESS_PATIENCE_S,
        keys=keys if keys is not None else key_store().load() if carrier == "ble" else {},
        sets_limits=sets_limits,
        known_tools=known_tools(),
        address=address,
    )
    return Acquisition(transport, plan, clock_us, wall_clock, listeners=listeners)


def calibrations() -> CalibrationStore:
    """Return where the calibrations of this user's tools are."""
    return CalibrationStore(Path(platformdirs.user_data_path(APP_NAME)) / "calibrations")


def tool_logs() -> ToolLogs:
    """Return where the logs of this user's tools are."""
    return ToolLogs(Path(platformdirs.user_data_path(APP_NAME)) / "tool logs")


def known_tools() -> KnownTools:
    """Return where the tools are kept that this user's computer has met."""
    return KnownTools(Path(platformdirs.user_data_path(APP_NAME)) / "known tools")


def met(tool: ToolDescription, carrier: str, address: str, told: Mapping[type, Event] | None = None) -> str:
    """Keep a tool among those that are known; return in words why that can't be, "" where it could.

    One without a serial number is nobody to be known again. `told` is the newest of each kind of event that it told.
    """
    try:
        if tool.serial_number:
            known_tools().keep(known_as_told(tool, told or {}, carrier, address, wall_clock()))
    except Problem as problem:
        return f"The tool is not kept among the known ones: {problem}"
    return ""


def calibration_drafts() -> Path:
    """Return the folder for calibrations that were not finished."""
    return Path(platformdirs.user_data_path(APP_NAME)) / "calibration drafts"


def key_store() -> KeyStore:
    """Return where the keys of this user's tools are."""
    return KeyStore(Path(platformdirs.user_config_path(APP_NAME)), system_keyring())


def pair(link: Transport, tell: Callable[[str], None], *, renew: bool, carrier: str, address: str) -> tuple[str, str]:
    """Fetch the key of the tool on `link` and keep it; return its serial number and where the key is, in words."""
    store = key_store()
    # A store that can't be read is found before anybody presses a button.
    store.load()
    found, key = asyncio.run(fetch_key(link, software_name(), clock_us, tell, renew=renew))
    where = store.keep(found.serial_number, key)
    if trouble := met(found, carrier, address):
        tell(trouble)
    return found.serial_number, where


def link_test(duration_s: float) -> LinkTest:
    """Return a test of a link; it sets no limits, so that it changes nothing on whatever tool is there."""
    return LinkTest(ToolClient(software_name(), session=secrets.randbits(32)), duration_s)


def simulated_link(simulation: Simulation, carrier: Carrier) -> Transport:
    """Return the link to a simulated tool; raises Problem where an extra is missing."""
    if carrier == Carrier.SERIAL:
        return SimulatedTransport(simulation.tool, clock_us)
    with _needs_virtual_ble():
        from iastm_host.transports.simulated_ble import SimulatedBleTransport
    return SimulatedBleTransport(simulation.tool, clock_us)


def serial_link(port: str) -> Transport:
    """Return the link to the tool on a serial port."""
    return SerialTransport(port, clock_us)


def ble_link(tool: str, radio: str | None) -> Transport:
    """Return the link to the tool of that name or address; `radio` is as of `scan_tools`."""
    from iastm_host.transports.ble import BleTransport

    return BleTransport(tool, clock_us, _backend(radio))


def scan_tools(duration_s: float, radio: str | None) -> list[FoundTool]:
    """Return the tools heard, by the system's Bluetooth or a virtual radio at host:port; raises Problem."""
    from iastm_host.transports.scan import scan

    return asyncio.run(scan(duration_s, _backend(radio)))


def tool_on_air(simulation: Simulation) -> ToolOnAir:
    """Return the simulated tool with a virtual air of its own; raises Problem where an extra is missing."""
    with _needs_virtual_ble():
        from iastm_host.transports.simulated_ble import ToolOnAir
    return ToolOnAir(simulation.tool)


def progressor_on_air(scenario_name: str, seed: int) -> ProgressorOnAir:
    """Return a virtual Progressor that weighs a scenario's force, with an air of its own; raises Problem."""
    with _needs_virtual_ble():
        from iastm_host.transports.virtual_progressor import RATE_HZ, ProgressorOnAir
    scenario = make_scenario(scenario_name, seed, RATE_HZ, Cell())

    def kilograms() -> Iterator[float]:
        while True:
            force_n, _ = scenario.next_rows(RATE_HZ)
            yield from (force_n / NEWTONS_PER_KG).tolist()

    return ProgressorOnAir(kilograms(), f"Progressor_{seed:04d}")


def _backend(radio: str | None) -> Backend:
    if radio is None:
        from iastm_host.transports.scan import SYSTEM

        return SYSTEM
    with _needs_virtual_ble():
        from iastm_host.transports.bleak_bumble import Radio
        from iastm_host.transports.virtual_air import join, leave
    return Radio(lambda: join(radio, APP_NAME), leave).backend()


@contextlib.contextmanager
def _needs_virtual_ble() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "bumble":
            raise
        raise Problem(
            "Bluetooth without a radio needs the extra virtual-ble.",
            "Install it: pip install 'iastm-toolkit[virtual-ble]'.",
        ) from error


def replay_run(recording: Recording, speed: float) -> Acquisition:
    """Return a replay; a speed of 0 is as fast as it goes."""
    clock = ReplayClock(clock_us, speed)
    transport = ReplayTransport(recording.chunks(), clock, recording.start.mtu, dialect=recording.dialect)
    plan = Plan(
        carrier="replay",
        profile=recorded_profile(recording),
        tip=recorded_tip(recording),
        contact=recorded_contact(recording),
        software=recording.start.software,
        live=False,
        replay_span_us=recording.length_us(),
        replay_markers_us=tuple(marker.host_us for marker in recording.markers()),
        replay_steps=tuple(recording.steps()),
        replay_speed=speed,
        numbering=recorded_numbering(recording),
    )
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return Acquisition(transport, plan, clock.now_us, wall_clock)


def _acquisition(transport: Transport, plan: Plan) -> Acquisition:
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return Acquisition(transport, plan, clock_us, wall_clock)


def _live_plan(
    carrier: str, chosen: Settings, choice: Choice, keys: Mapping[str, bytes] | None = None, address: str = ""
) -> Plan:
    tip = chosen_tip(chosen)
    return Plan(
        carrier=carrier,
        profile=chosen_profile(chosen),
        tip=tip,
        contact=Contact(),
        software=software_name(),
        session=secrets.randbits(32),
        duration_s=choice.duration_s,
        patience_s=choice.patience_s,
        record=choice.record is not None,
        recordings=choice.record or recordings_folder(chosen),
        keys=keys or {},
        calibrations=calibrations().known(),
        tool_logs=tool_logs(),
        known_tools=known_tools(),
        address=address,
    )


def chosen_profile(chosen: Settings) -> Profile:
    """Return the technique profile that the settings name; raises Problem."""
    return profile_for(chosen.profile, chosen_tip(chosen))


def chosen_tip(chosen: Settings) -> Tip | None:
    """Return the tip that the settings describe, None where its area is unknown."""
    if not chosen.tip_area_cm2:
        return None
    return Tip(chosen.tip_name or "Tip", chosen.tip_area_cm2, chosen.tip_area_uncertainty_cm2)


def certificates_folder() -> Path:
    """Return the folder for certificates that a wizard ends with."""
    return Path(platformdirs.user_documents_path()) / "IASTM certificates"


def recordings_folder(chosen: Settings) -> Path:
    """Return the folder for recordings that no flag places elsewhere."""
    if chosen.recordings:
        return Path(chosen.recordings).expanduser()
    return Path(platformdirs.user_documents_path()) / "IASTM recordings"
