"""What the tool's numbers mean in words."""

from __future__ import annotations

from iastm_protocol import kinds

EVENTS = {
    kinds.EVENT_BOOT: "boot",
    kinds.EVENT_ZERO: "zero",
    kinds.EVENT_LIMITS: "limits",
    kinds.EVENT_FAULT: "fault",
    kinds.EVENT_FAULT_CLEARED: "fault cleared",
    kinds.EVENT_BUTTON: "button",
    kinds.EVENT_KEY: "key given out",
    kinds.EVENT_CALIBRATION: "calibration",
    kinds.EVENT_OVERLOAD: "overload",
    kinds.EVENT_ZERO_COMPARED: "zero compared",
    kinds.EVENT_CHANNELS: "channels",
}

FAULTS = {
    kinds.FAULT_ADC_SILENT: "converter silent",
    kinds.FAULT_ADC_SATURATED: "converter at its rail",
    kinds.FAULT_ADC_FROZEN: "converter frozen",
    kinds.FAULT_TOO_SLOW: "too slow for stroke alerts",
    kinds.FAULT_LINK_STALLED: "link stalled",
    kinds.FAULT_SAMPLES_MISSED: "conversions missed",
    kinds.FAULT_LINK_NARROW: "link too narrow for the full rate",
    kinds.FAULT_RATE: "rate is not the stated one",
    kinds.FAULT_ADC_FAILS: "converter fails",
    kinds.FAULT_ALERT_OUTPUT: "tool's own alert fails",
    kinds.FAULT_CALIBRATION_STORE: "stored calibration damaged",
    kinds.FAULT_BATTERY_LOW: "battery low: charge the tool",
    kinds.FAULT_MOTION: "motion sensor fails: no angle, no pass length",
    kinds.FAULT_STORE: "tool can't keep its settings",
    kinds.FAULT_BRIDGE_OPEN: "load cell wire off: have it repaired",
    kinds.FAULT_BRIDGE_SHORTED: "load cell wires touch: have it repaired",
    kinds.FAULT_POLARITY: "force counts backwards: check wiring, calibrate anew",
    kinds.FAULT_OVERLOADED: "load cell was overloaded: set zero, then check it",
    kinds.FAULT_BOARD: "a part of the tool did not start",
}

ERRORS = {
    kinds.OK: "done",
    kinds.UNKNOWN_COMMAND: "the tool does not know this command",
    kinds.BAD_ARGUMENT: "the tool can't take this value",
    kinds.NOT_ALLOWED: "the tool does not allow this",
    kinds.BUSY: "the tool is busy",
    kinds.FAILED: "the tool failed to do it",
    kinds.NEEDS_KEY: "the tool takes this only with its key",
    kinds.NEEDS_PRESS: "the tool wants its button pressed first",
}

NEEDS = {kinds.NEEDS_KEY: "key", kinds.NEEDS_PRESS: "press"}


def faults_in(bits: int) -> tuple[str, ...]:
    """Return the faults of a status in words, unknown ones by number."""
    names = [FAULTS.get(1 << n, f"fault {n}") for n in range(32) if bits >> n & 1]
    return tuple(names)
