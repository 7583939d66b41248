"""Frames in words, both ways and of every kind: names as SPEC.md has them, numbers with their units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from iastm_host.tool.plain_text import plain
from iastm_host.tool.words import TESTS, VERDICTS, channels_in, faults_in
from iastm_protocol import calibration_bodies, kinds, messages, tool_bodies
from iastm_protocol.errors import RemoteProtocolError

_KIND_NAMES = (
    *("HELLO", "PING", "COMMAND", "ACK", "FETCH", "FETCH_EVENTS", "SIGNED_COMMAND", "HELLO_ANSWER", "FORCE_SAMPLES"),
    *("STROKE", "STATUS", "ALERT", "TOOL_EVENT", "CALIBRATION", "ZERO", "LIMITS", "PONG", "RESPONSE", "GONE", "KEY"),
    *("STORED_PART", "MOTION", "LOG_PART", "SELF_TEST_RESULT", "CHANNELS", "STROKE_MOTION", "HEALTH"),
)
KINDS: dict[int, str] = {getattr(kinds, name): name for name in _KIND_NAMES}
_COMMAND_NAMES = (
    *("START_STREAM", "STOP_STREAM", "DESCRIBE", "SET_ZERO", "SET_LIMITS", "GET_KEY", "RENEW_KEY"),
    *("BEGIN_CALIBRATION", "CALIBRATION_PART", "KEEP_CALIBRATION", "GET_CALIBRATION", "GET_LOG", "SELF_TEST"),
    *("SET_CHANNELS", "SILENCE", "SET_DOSE_LIMIT", "RESET_DOSE"),
)
_COMMANDS: dict[int, str] = {getattr(kinds, name): name for name in _COMMAND_NAMES}
_ERROR_NAMES = (
    *("OK", "UNKNOWN_COMMAND", "BAD_ARGUMENT", "NOT_ALLOWED", "BUSY", "FAILED", "NEEDS_KEY", "NEEDS_PRESS"),
)
_ERRORS: dict[int, str] = {getattr(kinds, name): name for name in _ERROR_NAMES}
_ALERTS = {kinds.WARN: "WARN", kinds.ALARM: "ALARM", kinds.DOSE: "DOSE"}
_FLAG_NAMES = ("SATURATED", "SUSPECTED_GLITCH", "VIBRATING", "ZERO_UNCERTAIN", "BACKFILLED")
_FLAGS: dict[int, str] = {getattr(kinds, name): name.lower().replace("_", " ") for name in _FLAG_NAMES}


def _named(prefix: str) -> dict[int, str]:
    return {value: name for name, value in vars(kinds).items() if name.startswith(prefix)}


def _as_words(names: dict[int, str], prefix: str) -> dict[int, str]:
    return {value: name.removeprefix(prefix).lower().replace("_", " ") for value, name in names.items()}


_EVENTS = _named("EVENT_")
_FEATURES = _as_words(_named("FEATURE_"), "FEATURE_")
_MOTIONS = _as_words(_named("MOTION_"), "MOTION_")
# RESET_DOSE is a command.
_RESETS = {value: name for value, name in _named("RESET_").items() if name not in _COMMAND_NAMES}
_GESTURES = _named("GESTURE_")
_EXCLUSIONS = _named("EXCLUDED_")

ALWAYS_TOLD = {kinds.ALERT: "alert", kinds.STROKE: "stroke"}
"""Kinds that a tool says of its own accord and no event tells whole, and the words for them."""
FREQUENT = (kinds.FORCE_SAMPLES, kinds.MOTION, kinds.ACK)
"""Kinds that go many times a second."""
HOSTS_KINDS = (kinds.HELLO, kinds.PING, kinds.COMMAND, kinds.ACK, kinds.FETCH, kinds.FETCH_EVENTS, kinds.SIGNED_COMMAND)
"""Kinds that a host says, and no tool."""

# By the end of a field's name, the longer ones first.
_UNITS = (
    *(("_mns", "mN·s"), ("_mhz", "mHz"), ("_cdeg", "0.01°"), ("_percent", "%")),
    *(("_bytes", "B"), ("_counts", "counts"), ("_us", "µs"), ("_mn", "mN"), ("_mm", "mm"), ("_mv", "mV"), ("_s", "s")),
    ("_n", "N"),
)
# Thousandths of a stroke per minute; 0: unknown (SPEC.md, STROKE).
_STROKE_RATE = "_mspm"
_SHOWN_BYTES = 16
_UNBOUND_LOW, _UNBOUND_HIGH = -(1 << 31), (1 << 31) - 1


def kind_name(kind: int) -> str:
    """Return the name of a kind of frame, its number where this version does not know it."""
    return KINDS.get(kind, f"kind 0x{kind:02X}")


def frame_words(kind: int, sequence: int, payload: bytes) -> str:
    """Return a frame in one line: its kind, its sequence, and its fields. A tool's key is never shown."""
    fields = payload_words(kind, payload)
    return f"{kind_name(kind)} #{sequence}" + (f": {fields}" if fields else "")


def payload_words(kind: int, payload: bytes) -> str:
    """Return the fields of a payload with their units; as hex where its kind is unknown or it can't be read."""
    message_class = messages.MESSAGES.get(kind)
    if message_class is None:
        return _hex(payload)
    if kind == kinds.KEY:
        return f"{len(payload)} bytes, not shown"
    try:
        if kind in (kinds.HELLO, kinds.HELLO_ANSWER):
            major, minor = messages.check_prefix(payload)
            if major != kinds.MAJOR:
                return f"protocol {major}.{minor}, of which no more can be read: {_hex(payload[6:])}"
        return ", ".join(_fields(kind, message_class.from_payload(payload)))
    except RemoteProtocolError as error:
        return f"unreadable, {error}: {_hex(payload)}"


def several_words(kind: int, payloads: list[bytes]) -> str:
    """Return what several frames of one kind say, in one line: of samples all together, of others the last."""
    if kind == kinds.FORCE_SAMPLES:
        return _samples_words(payloads)
    return f"{len(payloads)} × {kind_name(kind)}, the last: {payload_words(kind, payloads[-1])}"


def _samples_words(payloads: list[bytes]) -> str:
    batches, unreadable = [], 0
    for payload in payloads:
        try:
            batches.append(messages.ForceSamples.from_payload(payload))
        except RemoteProtocolError:
            unreadable += 1
    said = f"{len(payloads)} × {KINDS[kinds.FORCE_SAMPLES]}"
    if batches:
        counts = [count for batch in batches for count in batch.counts()]
        first = min(batch.first_index for batch in batches)
        last = max(batch.first_index + batch.sample_count - 1 for batch in batches)
        flags = 0
        for batch in batches:
            flags |= batch.flags
        said += f": {len(counts)} samples of {first} to {last}, raw counts {min(counts)} to {max(counts)}"
        said += f", {_bits(flags, _FLAGS)}" if flags else ""
    return said + (f", {unreadable} unreadable" if unreadable else "")


def _fields(kind: int, message: Any) -> Iterator[str]:
    for name in message._fields:
        value = getattr(message, name)
        special = _SPECIAL.get((kind, name))
        if special is not None:
            yield f"{name} {special(value)}"
        elif name.endswith(_STROKE_RATE):
            rate = f"{value / 1000:.1f} strokes/min" if value else "unknown"
            yield f"{name.removesuffix(_STROKE_RATE)} {rate}"
        elif kind == kinds.COMMAND and name == "body":
            yield from _body(message.command, value)
        elif kind == kinds.TOOL_EVENT and name == "value":
            yield f"value {_event_value(message.kind, value)}"
        else:
            yield f"{name} {_value(name, value)}"


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return _hex(value)
    if isinstance(value, str):
        return f'"{plain(value.encode())}"'
    if isinstance(value, tuple):
        return "(" + ", ".join(f"{each:g}" for each in value) + ")"
    number = f"{value:g}" if isinstance(value, float) else str(value)
    unit = next((unit for end, unit in _UNITS if name.endswith(end)), "")
    return f"{number} {unit}".rstrip()


def _hex(data: bytes) -> str:
    if not data:
        return "nothing"
    shown = data[:_SHOWN_BYTES].hex()
    return shown if len(data) <= _SHOWN_BYTES else f"{shown}… ({len(data)} bytes)"


def _bits(value: int, names: dict[int, str]) -> str:
    found = [name for bit, name in names.items() if value & bit]
    known = sum(names)
    if value & ~known:
        found.append(f"unknown 0x{value & ~known:X}")
    return " + ".join(found) or "none"


def _one_of(names: dict[int, str]) -> Callable[[int], str]:
    return lambda value: names.get(value, str(value))


def _flags_of(names: dict[int, str]) -> Callable[[int], str]:
    return lambda value: _bits(value, names)


def _unless(unknown: int, unit: str, word: str = "unknown") -> Callable[[int], str]:
    return lambda value: word if value == unknown else f"{value} {unit}".rstrip()


def _counts(packed: bytes) -> str:
    counts = messages.unpack_counts(packed)
    return f"{len(counts)} raw counts: " + " ".join(str(count) for count in counts)


def _tests(rows: Any) -> str:
    said = []
    for row in rows:
        name, unit, per_unit = TESTS.get(row.test, (f"test {row.test}", "", 1))
        measured = "" if row.value == _UNBOUND_LOW else f" {row.value / per_unit:g} {unit}".rstrip()
        low = "" if row.low == _UNBOUND_LOW else f"{row.low / per_unit:g}"
        high = "" if row.high == _UNBOUND_HIGH else f"{row.high / per_unit:g}"
        passes = f" (passes: {low} to {high})" if low or high else ""
        said.append(f"{name}:{measured} {VERDICTS.get(row.verdict, f'verdict {row.verdict}')}{passes}")
    return "; ".join(said) or "none"


def _event_value(event: int, value: int) -> str:
    if event in (kinds.EVENT_FAULT, kinds.EVENT_FAULT_CLEARED):
        return " + ".join(faults_in(value & 0xFFFFFFFF)) or str(value)
    if event == kinds.EVENT_BUTTON:
        return _GESTURES.get(value, str(value))
    if event == kinds.EVENT_CHANNELS:
        return _channels(value)
    unit = "counts" if event in (kinds.EVENT_ZERO, kinds.EVENT_OVERLOAD, kinds.EVENT_ZERO_COMPARED) else ""
    return f"{value} {unit}".rstrip()


def _channels(value: int) -> str:
    return " + ".join(channels_in(value)) or "none"


def _body(command: int, body: bytes) -> Iterator[str]:
    """Give the fields of a command's body; a tool reads what it knows of it and ignores the rest."""
    words = _BODIES.get(command)
    if words is None and not body:
        return
    try:
        yield f"body {_hex(body)}" if words is None else words(body)
    except RemoteProtocolError as error:
        yield f"body unreadable, {error}: {_hex(body)}"


def _calibration_part(body: bytes) -> str:
    offset, data = calibration_bodies.read_calibration_part_body(body)
    return f"offset {offset}, data {_hex(data)}"


def _piece_of(read: Callable[[bytes], tuple[int, int]]) -> Callable[[bytes], str]:
    return lambda body: "offset {}, n {} B".format(*read(body))


_BODIES: dict[int, Callable[[bytes], str]] = {
    kinds.SET_ZERO: lambda body: f"{messages.read_zero_body(body)} counts",
    kinds.SET_LIMITS: lambda body: ", ".join(_fields(kinds.LIMITS, messages.Limits.from_payload(body))),
    kinds.BEGIN_CALIBRATION: lambda body: f"length {calibration_bodies.read_begin_calibration_body(body)} B",
    kinds.CALIBRATION_PART: _calibration_part,
    kinds.KEEP_CALIBRATION: lambda body: f"sha256 {_hex(calibration_bodies.read_keep_calibration_body(body))}",
    kinds.GET_CALIBRATION: _piece_of(calibration_bodies.read_get_calibration_body),
    kinds.GET_LOG: _piece_of(tool_bodies.read_get_log_body),
    kinds.SET_CHANNELS: lambda body: f"chosen {_channels(tool_bodies.read_set_channels_body(body))}",
    kinds.SILENCE: lambda body: f"{tool_bodies.read_silence_body(body)} s",
    kinds.SET_DOSE_LIMIT: lambda body: f"limit {tool_bodies.read_set_dose_limit_body(body)} mN·s",
}


def _signed(command: bytes) -> str:
    return f"({payload_words(kinds.COMMAND, command)})"


_SPECIAL: dict[tuple[int, str], Callable[[Any], str]] = {
    (kinds.HELLO_ANSWER, "channels"): lambda pairs: _value("", ", ".join(f"{name} in {unit}" for name, unit in pairs)),
    (kinds.HELLO_ANSWER, "features"): _flags_of(_FEATURES),
    (kinds.HELLO_ANSWER, "reset_reason"): _one_of(_RESETS),
    (kinds.HELLO_ANSWER, "ring_depth"): lambda depth: f"{depth} samples",
    (kinds.FORCE_SAMPLES, "flags"): _flags_of(_FLAGS),
    (kinds.FORCE_SAMPLES, "packed"): _counts,
    (kinds.STATUS, "battery_percent"): _unless(kinds.UNKNOWN_U8, "%"),
    (kinds.STATUS, "temperature_cdeg"): _unless(kinds.UNKNOWN_I16, "0.01 °C"),
    (kinds.STATUS, "faults"): lambda bits: " + ".join(faults_in(bits)) or "none",
    (kinds.ALERT, "kind"): _one_of(_ALERTS),
    (kinds.ALERT, "counts"): lambda counts: f"{counts} counts",
    (kinds.TOOL_EVENT, "kind"): _one_of(_EVENTS),
    (kinds.ZERO, "counts"): lambda counts: f"{counts} counts",
    (kinds.COMMAND, "command"): _one_of(_COMMANDS),
    (kinds.SIGNED_COMMAND, "command"): _signed,
    (kinds.RESPONSE, "command"): _one_of(_COMMANDS),
    (kinds.RESPONSE, "error"): _one_of(_ERRORS),
    (kinds.MOTION, "state"): _flags_of(_MOTIONS),
    (kinds.STROKE_MOTION, "excluded"): _one_of(_EXCLUSIONS),
    (kinds.STROKE_MOTION, "pass_length_mm"): _unless(0, "mm"),
    (kinds.CHANNELS, "there"): _channels,
    (kinds.CHANNELS, "chosen"): _channels,
    (kinds.HEALTH, "battery_mv"): _unless(0, "mV"),
    (kinds.HEALTH, "rate_mhz"): _unless(0, "mHz"),
    (kinds.HEALTH, "idle_s"): _unless(kinds.NEVER_SLEEPS, "s", "never"),
    (kinds.LOG_PART, "data"): lambda data: _value("", data.decode("utf-8", "backslashreplace")),
    (kinds.SELF_TEST_RESULT, "tests"): _tests,
}
