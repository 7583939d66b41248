"""What a connected tool tells of itself within a second or two, and what a person who mends it may ask of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TypeVar

from iastm_host.app.own_alarm import NO_TRUE_FORCE, why_it_does_not_warn
from iastm_host.app.requests import Clock, Request, ask, in_pieces, silently
from iastm_host.events import (
    CalibrationReport,
    Channels,
    Command,
    Event,
    GetLog,
    Health,
    LimitsReport,
    Motion,
    Problem,
    ResetDose,
    SelfTest,
    SelfTestResult,
    SelfTestRow,
    SetChannels,
    SetDoseLimit,
    StatusReport,
    ToolDescription,
    ZeroReport,
)

_Told = TypeVar("_Told")

TOLD_WITHIN_S = 5.0
"""STATUS and HEALTH come once a second, the result of a self-test up to 5 s after its answer."""
_RESULT_WITHIN_S = 10.0
_NOT_ALLOWED = "does not allow this"


@dataclass
class ToolFacts:
    """The newest of each thing that a tool told; a listener of a run, for any thread to wait at."""

    told: dict[type, Event] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, event: Event) -> None:
        """Take an event; returns at once."""
        with self._changed:
            self.told[type(event)] = event
            self._changed.notify_all()

    def newest(self, kind: type[_Told]) -> _Told | None:
        """Return the newest event of a kind, None where none came."""
        with self._changed:
            found = self.told.get(kind)
        return found if isinstance(found, kind) else None

    def forget(self, kind: type) -> None:
        """Let the next event of a kind be the first."""
        with self._changed:
            self.told.pop(kind, None)

    def wait(self, kind: type[_Told], timeout_s: float = TOLD_WITHIN_S) -> _Told | None:
        """Return the newest event of a kind as soon as there is one, None where none comes in time."""
        with self._changed:
            self._changed.wait_for(lambda: kind in self.told, timeout_s)
        return self.newest(kind)


def read_log(request: Request, tool: ToolDescription, clock: Clock = time.monotonic) -> str:
    """Return the tool's log, "" where it is empty. Raises Problem, also where the tool keeps none."""
    _require(tool.keeps_log, tool, "keeps no log")
    changed = Problem("The tool's log grew meanwhile.", "Read it again.")
    found, total = in_pieces(request, GetLog, clock, changed, silently)
    if len(found) < total:
        raise Problem(f"The tool gave {len(found)} bytes of a log of {total}.", "Read it again.")
    return found.decode("ascii", "replace")


def self_test(
    request: Request, tool: ToolDescription, facts: ToolFacts, clock: Clock = time.monotonic
) -> tuple[SelfTestRow, ...]:
    """Let the tool test itself; return its rows. Raises Problem where it can't, or its result does not come."""
    _require(tool.tests_itself, tool, "can't test itself")
    facts.forget(SelfTestResult)
    _ask_at_rest(request, SelfTest(), clock)
    result = facts.wait(SelfTestResult, _RESULT_WITHIN_S)
    if result is None:
        raise Problem("The result of the self-test did not come.", "Look at the connection, then start it again.")
    return result.rows


def choose_channels(
    request: Request,
    tool: ToolDescription,
    facts: ToolFacts,
    changes: dict[str, bool],
    clock: Clock = time.monotonic,
) -> Channels:
    """Let the tool alert by other channels: `changes` says of each by name whether it is chosen, others stay.

    Return what it says then. Raises Problem, also where it has no channels to choose from.
    """
    _require(tool.chooses_channels, tool, "takes no choice of light, buzzer and vibration")
    now = facts.wait(Channels)
    if now is None:
        raise Problem("The tool did not say by what it alerts.", "Look at its connection, then try again.")
    lacking = [name for name, on in changes.items() if on and name not in now.there]
    if lacking:
        raise Problem(
            f"The tool {tool.serial_number} has no {lacking[0]}.",
            f"Choose from what it has: {', '.join(now.there) or 'nothing'}.",
        )
    chosen = {name for name in now.chosen if changes.get(name, True)} | {name for name, on in changes.items() if on}
    if chosen == set(now.chosen):
        return now
    _ask_at_rest(request, SetChannels(tuple(sorted(chosen))), clock)
    return facts.newest(Channels) or now


def change_dose(
    request: Request,
    tool: ToolDescription,
    facts: ToolFacts,
    limit_ns: float | None,
    *,
    reset: bool,
    clock: Clock = time.monotonic,
) -> Health:
    """Give the tool another dose limit (newton seconds, 0 none, None as it is), let its dose be 0 again, or neither.

    Return what it says then. Raises Problem, also where it adds up no dose.
    """
    _require(tool.sums_dose, tool, "adds up no dose")
    if limit_ns is not None:
        ask(request, SetDoseLimit(limit_ns), clock)
    if reset:
        ask(request, ResetDose(), clock)
    if limit_ns is not None or reset:
        # The next one may have been made before.
        facts.forget(Health)
        facts.wait(Health)
        facts.forget(Health)
    health = facts.wait(Health)
    if health is None:
        raise Problem("The tool did not say its dose.", "Look at its connection, then try again.")
    return health


def _ask_at_rest(request: Request, command: Command, clock: Clock) -> None:
    """Ask what a tool refuses in contact; raises Problem that says so where it does."""
    try:
        ask(request, command, clock)
    except Problem as refused:
        if _NOT_ALLOWED not in refused.what:
            raise
        raise Problem("The tool is in contact or moves.", "Lay it down, then try again.") from refused


def why_silent(tool: ToolDescription, facts: ToolFacts) -> tuple[str, ...]:
    """Return in words each thing for which a tool would not warn by itself now; empty: it would."""
    channels = facts.newest(Channels)
    told = (facts.newest(ZeroReport), facts.newest(LimitsReport), channels, facts.newest(StatusReport))
    return why_it_does_not_warn(tool, *told, silenced_s=0 if channels is None else channels.silenced_s)


def why_no_true_force(facts: ToolFacts) -> tuple[str, ...]:
    """Return the faults of now under which a tool measures no force, or a wrong one."""
    status = facts.newest(StatusReport)
    return () if status is None else tuple(fault for fault in status.faults if fault in NO_TRUE_FORCE)


def _require(can: bool, tool: ToolDescription, lacks: str) -> None:
    if not can:
        raise Problem(f"The tool {tool.serial_number} {lacks}.", "Its board or its firmware has no part for it.")


def as_object(tool: ToolDescription, facts: ToolFacts) -> dict[str, object]:
    """Return what a tool tells of itself, as JSON has it; null is unknown."""
    status, health, channels = facts.newest(StatusReport), facts.newest(Health), facts.newest(Channels)
    limits, silent = facts.newest(LimitsReport), why_silent(tool, facts)
    calibration, zero, motion = facts.newest(CalibrationReport), facts.newest(ZeroReport), facts.newest(Motion)
    return {
        "serial_number": tool.serial_number,
        "board": tool.board,
        "firmware": tool.firmware_version,
        "source": tool.source_hash,
        "runtime": tool.runtime,
        "protocol": tool.protocol,
        "simulated": tool.simulated,
        "warns": not silent,
        "warns_not_as": list(silent),
        "warn_n": None if limits is None else limits.warn_n,
        "alarm_n": None if limits is None else limits.alarm_n,
        "can": [name for name, can in features_of(tool, warns=not silent).items() if can],
        "trouble": tool.trouble or None,
        "started_because": tool.reset_reason or None,
        "power_losses": tool.power_losses,
        "restarts": tool.restarts,
        "overload_n": tool.overload_n or None,
        "log_bytes": tool.log_bytes,
        "calibration": tool.calibration_id or None,
        "capacity_n": None if calibration is None else calibration.capacity_n,
        "zero_confirmed": None if zero is None else zero.confirmed,
        "faults": None if status is None else list(status.faults),
        "battery_percent": None if status is None else status.battery_percent,
        "battery_v": None if health is None else health.battery_v,
        "temperature_c": None if status is None else status.temperature_c,
        "uptime_s": None if status is None else status.uptime_s,
        "heap_free_bytes": None if status is None else status.heap_free_bytes,
        "missed_conversions": None if status is None else status.missed_conversions,
        "nominal_rate_hz": tool.rate_hz,
        "rate_hz": None if health is None else health.rate_hz,
        "jitter_us": None if health is None else health.jitter_us,
        "glitches": None if health is None else health.glitches,
        "voided": None if health is None else health.voided,
        "dose_ns": None if health is None or not tool.sums_dose else health.dose_ns,
        "dose_limit_ns": None if health is None or not tool.sums_dose else health.dose_limit_ns,
        "sleeps_after_s": None if health is None else health.idle_s,
        "channels": None if channels is None else channels_object(channels),
        "tilt_deg": None if motion is None else motion.tilt_deg,
        "roll_deg": None if motion is None else motion.roll_deg,
        "lying": None if motion is None else motion.lying,
        "wiping": None if motion is None else motion.wiping,
    }


def channels_object(channels: Channels) -> dict[str, object]:
    """Return by what a tool alerts, as JSON has it."""
    return {"there": list(channels.there), "chosen": list(channels.chosen), "silenced_s": channels.silenced_s}


def features_of(tool: ToolDescription, *, warns: bool) -> dict[str, bool]:
    """Return in words what a tool may be able to do, and whether this one is; `warns`: it would by itself, now."""
    return {
        "warns by itself": warns,
        "sends again what was lost": tool.backfills,
        "keeps its calibration": tool.keeps_calibration,
        "senses motion": tool.senses_motion,
        "lets its alerts be chosen": tool.chooses_channels,
        "tests itself": tool.tests_itself,
        "keeps a log": tool.keeps_log,
        "adds up a dose": tool.sums_dose,
    }
