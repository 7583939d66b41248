"""What the doctor needs of the other rooms: this user's folders, and a tool that is asked once for all checks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import platformdirs

from iastm_host.app.acquisition import Acquisition
from iastm_host.app.calibration_watch import calibration_faults, expiry
from iastm_host.app.connected import Listener, connected
from iastm_host.app.own_alarm import NO_TRUE_FORCE, why_it_would_not_warn
from iastm_host.app.tool_facts import ToolFacts
from iastm_host.cli import wiring
from iastm_host.cli.links import LinkChoice
from iastm_host.events import CalibrationReport, Problem, StatusReport, ToolDescription
from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.doctor.system import User
from iastm_host.workbench.doctor.tool import ToolSaid


def user() -> User:
    """Return where this user's things belong. Raises Problem where the settings can't be read, or name no profile."""
    chosen = wiring.settings()
    wiring.chosen_profile(chosen)
    return User(
        recordings=wiring.recordings_folder(chosen),
        data=Path(platformdirs.user_data_path(wiring.APP_NAME)),
        config=Path(platformdirs.user_config_path(wiring.APP_NAME)),
        sound=chosen.sound,
    )


class AskedTool:
    """A tool that is asked when the first check wants to know, and not again; nothing on it is changed."""

    def __init__(self, choice: LinkChoice) -> None:
        self._choice = choice
        self._lock = threading.Lock()
        self._said: ToolSaid | Problem | None = None
        self._run: Acquisition | None = None

    def __call__(self) -> ToolSaid:
        """Return what the tool says of itself; raises Problem, the same one each time."""
        with self._lock:
            if self._said is None:
                try:
                    self._said = self._ask()
                except Problem as problem:
                    self._said = problem
        if isinstance(self._said, Problem):
            raise self._said
        return self._said

    def stop(self) -> None:
        """End the link where it is still under way; may be called at any time."""
        if self._run is not None:
            self._run.stop()
            self._run.join()

    def _ask(self) -> ToolSaid:
        facts = ToolFacts()

        def run_with(listeners: Sequence[Listener]) -> Acquisition:
            link = self._choice.open()
            self._run = wiring.calibration_run(link, self._choice.carrier, (*listeners, facts), sets_limits=False)
            return self._run

        with connected(run_with) as (_run, found):
            facts.wait(StatusReport)
        return said_by(found, facts, wiring.wall_clock().date())


def said_by(found: ToolDescription, facts: ToolFacts, today: date) -> ToolSaid:
    """Return what the checks want to know of a tool. Raises Problem where calibrations kept here can't be read."""
    status, calibration = facts.newest(StatusReport), facts.newest(CalibrationReport)
    faults = () if status is None else status.faults
    known = wiring.calibrations().known()
    until = None if calibration is None else expiry(calibration, known.get(found.serial_number))
    return ToolSaid(
        serial_number=found.serial_number,
        board=found.board,
        runtime=found.runtime,
        simulated=found.simulated,
        firmware_version=found.firmware_version,
        host_version=version("iastm-toolkit"),
        source_hash=found.source_hash,
        host_source_hash=source_hash(),
        protocol=found.protocol,
        trouble=found.trouble,
        faults=tuple(faults),
        no_true_force=tuple(fault for fault in faults if fault in NO_TRUE_FORCE),
        calibration=found.calibration_id,
        calibration_faults=calibration_faults(found, calibration, known, today),
        warns=found.warns,
        not_warning=why_it_would_not_warn(found, facts.told),
        calibration_days=None if until is None else (until - today).days,
    )
