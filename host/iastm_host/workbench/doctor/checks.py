"""The table of checks, and looking at a computer by it.

What each bears on decides the exit code, so it stands in this one place. ALWAYS is what no run starts or shows a true
force without. WINDOW counts where a display is named, for there `iastm run` opens a window. CABLE and AIR are two ways
to a tool, of which one is enough, unless one was named. Everything else is advice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from iastm_host.workbench.doctor import (
    bluetooth,
    display,
    drivers,
    encryption,
    gatt_memory,
    ports,
    python,
    qt,
    rights,
    runtime,
    services,
    sound,
    storage,
    tool,
)
from iastm_host.workbench.doctor.finding import Bears, Finding, Looked, Report, Seen, bad
from iastm_host.workbench.doctor.system import System

PATIENCE_S = 8.0
"""All checks are made at once, so that this bounds the whole."""
TOOL_PATIENCE_S = 25.0
"""Of what a tool says: over Bluetooth it must be heard first."""
_REPORT = "Report it, with the output of: iastm doctor --json"


@dataclass(frozen=True, slots=True)
class Check:
    """One look at a computer; `name` is the finding's for good, since other programs read it."""

    name: str
    bears: Bears
    look: Callable[[System], Seen]
    patience_s: float = PATIENCE_S


OF_COMPUTER: tuple[Check, ...] = (
    Check("python", Bears.ALWAYS, python.interpreter),
    Check("python word size", Bears.WINDOW, python.word_size),
    Check("virtual environment", Bears.NOTHING, python.environment),
    Check("packages", Bears.ALWAYS, python.packages_to_start),
    Check("packages for the window", Bears.WINDOW, python.packages_of_window),
    Check("packages for Bluetooth", Bears.AIR, python.packages_of_air),
    Check("other packages", Bears.NOTHING, python.packages_beside),
    *(Check(f"extra {name}", Bears.NOTHING, partial(python.extra, name)) for name in python.EXTRAS),
    Check("Qt libraries", Bears.WINDOW, qt.libraries),
    Check("fonts", Bears.WINDOW, qt.fonts),
    Check("display", Bears.WINDOW, display.display),
    Check("serial rights", Bears.CABLE, rights.rights),
    Check("serial drivers", Bears.CABLE, drivers.drivers),
    Check("ports", Bears.CABLE, ports.ports),
    Check("ports in use", Bears.CABLE, ports.holders),
    Check("ModemManager", Bears.NOTHING, services.modem_manager),
    Check("brltty", Bears.NOTHING, services.braille),
    Check("Bluetooth adapter", Bears.AIR, bluetooth.adapter),
    Check("Bluetooth service", Bears.AIR, bluetooth.service),
    Check("Bluetooth memory", Bears.NOTHING, gatt_memory.remembered),
    Check("MicroPython", Bears.NOTHING, runtime.micropython),
)
"""Of the computer alone, whoever uses it."""
OF_USER: tuple[Check, ...] = (
    Check("sound", Bears.NOTHING, sound.sound),
    Check("settings", Bears.ALWAYS, storage.settings),
    Check("own folders", Bears.ALWAYS, storage.own_folders),
    Check("recordings", Bears.NOTHING, storage.recordings),
    Check("disk encryption", Bears.NOTHING, encryption.encryption),
    Check("keyring", Bears.NOTHING, storage.keyring),
    Check("clock", Bears.NOTHING, storage.clock),
)
"""Of what a user keeps and wants."""
OF_TOOL: tuple[Check, ...] = (
    Check("tool", Bears.ALWAYS, tool.answers, TOOL_PATIENCE_S),
    Check("tool firmware", Bears.NOTHING, tool.firmware, TOOL_PATIENCE_S),
    Check("tool trouble", Bears.ALWAYS, tool.trouble, TOOL_PATIENCE_S),
    Check("tool calibration", Bears.NOTHING, tool.calibration, TOOL_PATIENCE_S),
)
"""Of a tool that was named."""


def examine(system: System, checks: Sequence[Check]) -> Report:
    """Make all checks at once and return what they found; none raises, and one that does not end is left behind."""
    seen: dict[str, Seen] = {}
    threads = []
    began_s = time.monotonic()
    for check in checks:
        # A check that hangs, at a dead network folder, must not keep the program from ending.
        thread = threading.Thread(target=_keep, args=(check, system, seen), name=check.name, daemon=True)
        thread.start()
        threads.append(thread)
    for check, thread in zip(checks, threads, strict=True):
        thread.join(max(0.0, began_s + check.patience_s - time.monotonic()))
    looked = []
    for check in checks:
        found = seen.get(check.name) or bad(f"no answer within {check.patience_s:g} s", "Look again: iastm doctor")
        bears = Bears.NOTHING if found.only_advice else check.bears
        looked.append(Looked(Finding(check.name, found.ok, found.detail, found.fix), bears))
    named = (system.port is not None, system.tool is not None)
    return Report(tuple(looked), display.named(system), *named, connected=_connected(system))


def _connected(system: System) -> bool | None:
    try:
        return any(map(ports.may_be_a_tool, system.ports()))
    except Exception:  # noqa: BLE001 (the check of the ports tells what is wrong with them)
        return None


def _keep(check: Check, system: System, seen: dict[str, Seen]) -> None:
    try:
        seen[check.name] = check.look(system)
    except Exception as error:  # noqa: BLE001 (whatever a system answers, it is told and not raised)
        seen[check.name] = _failed(error)


def _failed(error: Exception) -> Seen:
    # A Problem says both itself; its class is not imported, since its module needs numpy.
    what, fix = getattr(error, "what", None), getattr(error, "fix", None)
    if isinstance(what, str) and isinstance(fix, str):
        return bad(what.rstrip("."), fix)
    if isinstance(error, ModuleNotFoundError):
        return bad(
            f"could not be looked at without the package {error.name}", "Mend the packages first, then look again."
        )
    return bad(f"could not be looked at: {type(error).__name__}: {error}", _REPORT)
