"""Commands as a tool takes them: their numbers and bodies, and what a tool must be able to do for each."""

from __future__ import annotations

from iastm_host.events import (
    BeginCalibration,
    CalibrationPart,
    Command,
    GetCalibration,
    GetKey,
    GetLog,
    KeepCalibration,
    Problem,
    RenewKey,
    ResetDose,
    SelfTest,
    SetChannels,
    SetDoseLimit,
    SetLimits,
    SetZero,
    Silence,
    ToolDescription,
)
from iastm_host.tool.words import CHANNELS, channel_bits
from iastm_protocol import calibration_bodies, kinds, messages, tool_bodies
from iastm_protocol.errors import LocalProtocolError

CHANGES = (
    *(kinds.SET_ZERO, kinds.SET_LIMITS),
    *(kinds.BEGIN_CALIBRATION, kinds.CALIBRATION_PART, kinds.KEEP_CALIBRATION),
    *(kinds.SELF_TEST, kinds.SET_CHANNELS, kinds.SILENCE, kinds.SET_DOSE_LIMIT, kinds.RESET_DOSE),
)
"""Commands that change the tool's state: over Bluetooth they are signed."""

_MILLI = 1000
_BODILESS: dict[type, int] = {
    RenewKey: kinds.RENEW_KEY,
    GetKey: kinds.GET_KEY,
    SelfTest: kinds.SELF_TEST,
    ResetDose: kinds.RESET_DOSE,
}


def code_and_body(command: Command) -> tuple[int, bytes]:
    """Return the number of a command, and its body; raises LocalProtocolError for a value that does not fit."""
    match command:
        case SetLimits():
            return kinds.SET_LIMITS, limits_body(command)
        case SetZero():
            return kinds.SET_ZERO, messages.set_zero_body(command.counts)
        case BeginCalibration():
            return kinds.BEGIN_CALIBRATION, calibration_bodies.begin_calibration_body(command.length)
        case CalibrationPart():
            return kinds.CALIBRATION_PART, calibration_bodies.calibration_part_body(command.offset, command.data)
        case KeepCalibration():
            return kinds.KEEP_CALIBRATION, calibration_bodies.keep_calibration_body(command.sha256)
        case GetCalibration():
            return kinds.GET_CALIBRATION, calibration_bodies.get_calibration_body(command.offset, command.n)
        case GetLog():
            return kinds.GET_LOG, tool_bodies.get_log_body(command.offset, command.n)
        case SetChannels():
            return kinds.SET_CHANNELS, tool_bodies.set_channels_body(_bits(command.chosen))
        case Silence():
            return kinds.SILENCE, tool_bodies.silence_body(command.seconds)
        case SetDoseLimit():
            limit_mns = _thousandths(command.limit_ns, "a dose limit", "N·s")
            return kinds.SET_DOSE_LIMIT, tool_bodies.set_dose_limit_body(limit_mns)
        case _ if type(command) in _BODILESS:
            return _BODILESS[type(command)], b""
    raise Problem("The tool is not zeroed by tare.", "Set its zero instead.")


def require(command: Command, tool: ToolDescription) -> None:
    """Raise Problem where `tool` can't do what `command` asks for."""
    match command:
        case GetLog() if not tool.keeps_log:
            lacks = "keeps no log"
        case SelfTest() if not tool.tests_itself:
            lacks = "can't test itself"
        case SetChannels() | Silence() if not tool.chooses_channels:
            lacks = "takes no choice of light, buzzer and vibration"
        case SetDoseLimit() | ResetDose() if not tool.sums_dose:
            lacks = "adds up no dose"
        case _:
            return
    raise Problem(f"The tool {tool.serial_number} {lacks}.", "Its board or its firmware has no part for it.")


def limits_body(limits: SetLimits) -> bytes:
    """Return limits as the wire has them; raises LocalProtocolError for one that does not fit."""
    names = ("warn_n", "alarm_n", "contact_on_n", "contact_off_n")
    thousandths = [_thousandths(getattr(limits, name), "a limit", "N") for name in names]
    body: bytes = messages.Limits(limits.profile, *thousandths).to_payload()
    return body


def _thousandths(value: float, what: str, unit: str) -> int:
    if not 0 <= value < 1e6:
        raise LocalProtocolError(f"{what} of {value} {unit}")
    return round(value * _MILLI)


def _bits(names: tuple[str, ...]) -> int:
    unknown = [name for name in names if name not in CHANNELS.values()]
    if unknown:
        raise LocalProtocolError(f"a channel named {unknown[0]}")
    return channel_bits(names)
