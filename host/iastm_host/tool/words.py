"""What the tool's numbers mean in words."""

from __future__ import annotations

from iastm_protocol import gestures, kinds

BUTTON = "button"
EVENTS = {
    kinds.EVENT_BOOT: "boot",
    kinds.EVENT_ZERO: "zero",
    kinds.EVENT_LIMITS: "limits",
    kinds.EVENT_FAULT: "fault",
    kinds.EVENT_FAULT_CLEARED: "fault cleared",
    kinds.EVENT_BUTTON: BUTTON,
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

CAN_NOT_KEEP = FAULTS[kinds.FAULT_STORE]
"""What a tool says that can't write anything."""

DOSE = "dose"
"""The kind of the one alert that is the tool's alone: its dose limit was reached."""

RESET_REASONS = {
    kinds.RESET_UNKNOWN: "",
    kinds.RESET_POWER: "power came",
    kinds.RESET_BUTTON: "its reset button was pressed",
    kinds.RESET_WATCHDOG: "its firmware hung, and its watchdog started it anew",
    kinds.RESET_FAILURE: "its firmware failed, and started itself anew",
    kinds.RESET_WAKE: "it woke from sleep",
    kinds.RESET_SOFT: "its console started it anew",
}

GESTURES = {gesture.number: gesture.name for gesture in gestures.GESTURES}
PRESS, LONG_PRESS, DOUBLE_PRESS = (
    GESTURES[number] for number in (kinds.GESTURE_PRESS, kinds.GESTURE_LONG, kinds.GESTURE_DOUBLE)
)
GESTURES_DO = tuple((gesture.name, gesture.does) for gesture in gestures.GESTURES)
"""What can be done with the tool's button, and what comes of it, in words."""

AFTER_A_FAILURE = frozenset({RESET_REASONS[kinds.RESET_WATCHDOG], RESET_REASONS[kinds.RESET_FAILURE]})
"""Reset reasons of a tool that failed and goes on."""

CHANNELS = {
    kinds.CHANNEL_LIGHT: "light",
    kinds.CHANNEL_BUZZER: "buzzer",
    kinds.CHANNEL_VIBRATION: "vibration",
}

EXCLUSIONS = {kinds.EXCLUDED_NOT: "", kinds.EXCLUDED_LYING: "lying", kinds.EXCLUDED_WIPING: "wiping"}

FORCE_AND_MOTION = "force and motion"
"""What a stroke's direction and length were told from."""

# Of each self-test its name, the unit that is shown, and how many of the wire's make one of it.
TESTS = {
    kinds.TEST_ADC_NOISE: ("noise at rest", "counts", 10),
    kinds.TEST_ZERO: ("zero, off the stored one", "counts", 1),
    kinds.TEST_EXCITATION: ("excitation of the bridge", "V", 1000),
    kinds.TEST_GRAVITY: ("gravity, by the motion sensor", "g", 1000),
    kinds.TEST_MEMORY: ("free memory", "B", 1),
    kinds.TEST_FLASH: ("flash, written and read back", "", 1),
    kinds.TEST_RATE: ("measured rate", "Hz", 1000),
}

PASSED, FAILED, NOT_FITTED = "passed", "failed", "not fitted"
VERDICTS = {kinds.TEST_PASSED: PASSED, kinds.TEST_FAILED: FAILED, kinds.TEST_NOT_FITTED: NOT_FITTED}

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


def channels_in(bits: int) -> tuple[str, ...]:
    """Return the channels of these bits by name; unknown ones are left out."""
    return tuple(name for bit, name in CHANNELS.items() if bits & bit)


def channel_bits(names: tuple[str, ...]) -> int:
    """Return the bits of channels by name; raises KeyError for one that there is not."""
    bit_of = {name: bit for bit, name in CHANNELS.items()}
    return sum(bit_of[name] for name in set(names))
