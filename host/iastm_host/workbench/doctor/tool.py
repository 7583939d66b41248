"""One tool that was named, against this computer: does it answer, in which protocol, with which firmware."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.system import System

ZERO_NOT_CONFIRMED = "zero is not confirmed"
"""The commonest reason for which a tool does not warn, in the words of the room that judges that."""


@dataclass(frozen=True, slots=True)
class ToolSaid:
    """What the tool said of itself, and what this computer holds against it.

    `no_true_force`: faults under which it measures no force, or a wrong one. `not_warning`: why it would not warn in
    its next run, None unknown; `warns`: it has something to warn by. `host_version` and `host_source_hash` are
    this computer's. `calibration_faults` in words; `calibration_days` are left until it expires, None unknown.
    """

    serial_number: str
    board: str
    runtime: str
    simulated: bool
    firmware_version: str
    host_version: str
    source_hash: str
    host_source_hash: str
    protocol: str
    trouble: str = ""
    faults: tuple[str, ...] = ()
    no_true_force: tuple[str, ...] = ()
    calibration: str = ""
    calibration_faults: tuple[str, ...] = ()
    calibration_days: int | None = None
    warns: bool = True
    not_warning: tuple[str, ...] | None = ()


def answers(system: System) -> Seen:
    """The tool that was named answers, in a protocol that this computer speaks."""
    said = system.ask_tool()
    simulated = ", simulated" if said.simulated else ""
    return good(f"{said.serial_number} ({said.board}{simulated}), {said.runtime}, protocol {said.protocol}")


def firmware(system: System) -> Seen:
    """Its firmware is the one that this computer would deploy."""
    said = _said(system)
    if said is None:
        return _UNKNOWN
    if not said.source_hash.strip("0"):
        return good(f"{said.firmware_version}; it does not tell of which sources")
    if said.source_hash == said.host_source_hash:
        return good(f"{said.firmware_version}, {said.source_hash}, as here")
    newer = _numbers(said.firmware_version) > _numbers(said.host_version)
    return advice(
        f"the tool has {said.firmware_version} ({said.source_hash}), this computer {said.host_version} "
        f"({said.host_source_hash})",
        "Install the newer release of the toolkit on this computer." if newer else _deploy(system),
    )


def trouble(system: System) -> Seen:
    """All its parts started, it measures a true force, and it would warn in its next run."""
    said = _said(system)
    if said is None:
        return _UNKNOWN
    words = [each for each in dict.fromkeys((*said.no_true_force, said.trouble, *said.faults)) if each]
    if said.no_true_force:
        return bad("; ".join(words), _look(system, "self-test"))
    if not said.warns:
        words.insert(0, "it can't warn by itself: the screen does, while it is connected")
    elif said.not_warning is None:
        words.insert(0, "whether it would warn is not known: it did not say how it is")
    elif said.not_warning:
        why = [
            f"it will not warn: {'; '.join(said.not_warning)}",
            *(each for each in words if each not in said.not_warning),
        ]
        return bad("; ".join(why), _make_it_warn(system, said.not_warning))
    return advice("; ".join(words), _look(system, "show")) if words else good("none")


def calibration(system: System) -> Seen:
    """Its calibration is the one known here, and has not expired."""
    said = _said(system)
    if said is None:
        return _UNKNOWN
    if said.calibration_faults:
        return advice("; ".join(said.calibration_faults), f"iastm calibrate run {_named(system)}")
    left = f", {said.calibration_days} days left" if said.calibration_days is not None else ""
    return good((said.calibration or "none told") + left)


_UNKNOWN = advice("not known: the tool did not answer", "See what is said of the tool itself.")


def _said(system: System) -> ToolSaid | None:
    """Return what the tool said, None where it did not answer: why is told once, by `answers`."""
    try:
        return system.ask_tool()
    except Exception:  # noqa: BLE001 (Problem lives in a module that needs numpy, and whatever it is, it is told)
        return None


def _named(system: System) -> str:
    return (
        f"--port {system.quoted(system.port)}"
        if system.port is not None
        else f"--tool {system.quoted(system.tool or '')}"
    )


def _look(system: System, how: str) -> str:
    return f"iastm tool {how} {_named(system)}\nWhat each means: docs/hardware/build-one.md, When hello says trouble"


def _make_it_warn(system: System, why: tuple[str, ...]) -> str:
    if ZERO_NOT_CONFIRMED in why:
        return f"Lay the tool down, then set its zero: iastm run {_named(system)}, and press Z"
    return _look(system, "show")


def _deploy(system: System) -> str:
    if system.port is None:
        return "Connect the tool by cable, then: iastm deploy --port ITS_PORT"
    return f"iastm deploy {_named(system)}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
