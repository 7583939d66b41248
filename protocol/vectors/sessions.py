"""The worked sessions of SPEC.md, section 9: one stroke over a byte stream, and over BLE at two MTUs.

A session is written as text that a program reads too (tests/protocol/reader.py): who sends what, and every byte.
"""

import json
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from iastm_protocol import kinds
from iastm_protocol.messages import (
    Ack,
    AlertReport,
    Command,
    Fetch,
    ForceSamples,
    Hello,
    Ping,
    Pong,
    Response,
    Status,
    StrokeReport,
    ToolEvent,
    Zero,
    pack_counts,
)
from iastm_protocol.tool_messages import HealthReport
from vectors.given import ANSWER, CALIBRATION, CHALLENGE, KEY, LIMITS, bare, pieces, signed, stuff

ATT_BYTES = 3
FULL_RATE_MTU = 100
_LINE_BYTES = 32
_COLUMNS = 116
_PERIOD_US = 3125
_ZERO_COUNTS = 1024
# The stroke: net counts by index. It rises until 739, holds until 741, and is over with 760.
_RISES_AFTER, _TOP, _FALLS_AFTER, _TOP_COUNTS = 709, 739, 741, 1_500_000
_RISE, _FALL = 50_000, 75_000
_STROKE = range(712, 761)
_NAMES = {
    getattr(kinds, name): name
    for name in (
        *("HELLO", "HELLO_ANSWER", "PING", "PONG", "COMMAND", "SIGNED_COMMAND", "RESPONSE", "CALIBRATION", "ZERO"),
        *("LIMITS", "FORCE_SAMPLES", "STROKE", "STATUS", "HEALTH", "ALERT", "TOOL_EVENT"),
        *("ACK", "FETCH"),
    )
}


class Step(NamedTuple):
    """One frame: who sends it ("host" or "tool"), by which way ("" on a byte stream), and words beside it.

    `lost` tells that a part of it does not arrive.
    """

    sender: str
    way: str
    kind: int
    message: Any
    words: str = ""
    lost: bool = False


def net_counts(index: int) -> int:
    """Return the counts from zero of the sample of this index."""
    if index <= _FALLS_AFTER:
        return min(max(0, index - _RISES_AFTER) * _RISE, _TOP_COUNTS)
    return max(0, _TOP_COUNTS - (index - _FALLS_AFTER) * _FALL)


def _batch(first: int, last: int, flags: int = 0) -> ForceSamples:
    counts = [net_counts(i) + _ZERO_COUNTS for i in range(first, last + 1)]
    return ForceSamples(first, first * _PERIOD_US, (last - first) * _PERIOD_US, flags, pack_counts(counts))


def _alert() -> AlertReport:
    return AlertReport(kinds.WARN, _TOP, _TOP * _PERIOD_US, net_counts(_TOP))


def _stroke() -> StrokeReport:
    total = sum(net_counts(i) for i in _STROKE)
    return StrokeReport(1, _STROKE[0], _STROKE[-1], _TOP, net_counts(_TOP), total, False, 0)


def _described(way: str) -> list[Step]:
    return [
        Step("tool", way, kinds.CALIBRATION, CALIBRATION),
        Step("tool", way, kinds.ZERO, Zero(_ZERO_COUNTS, 0, _ZERO_COUNTS, True)),
    ]


def _command(sender_way: str, request_id: int, command: int, body: bytes, words: str) -> Step:
    return Step("host", sender_way, kinds.COMMAND, Command(request_id, command, body), words)


def _accepted(way: str, request_id: int, command: int) -> Step:
    return Step("tool", way, kinds.RESPONSE, Response(request_id, command, kinds.OK, ""))


def _greeting(query: str, stream: str, challenge: bytes) -> list[Step]:
    return [
        Step("host", query, kinds.HELLO, Hello(kinds.MAJOR, kinds.MINOR, "iastm 0.1.0", 0x5EED0001)),
        Step("tool", stream, kinds.HELLO_ANSWER, ANSWER._replace(challenge=challenge)),
        Step("host", query, kinds.PING, Ping(1)),
        Step("tool", stream, kinds.PONG, Pong(1, 2_000_123)),
    ]


def _samples(stream: str, first: int, last: int, words: str = "", flags: int = 0, *, lost: bool = False) -> Step:
    return Step("tool", stream, kinds.FORCE_SAMPLES, _batch(first, last, flags), words, lost)


def _second(stream: str, faults: int, last_event: int) -> list[Step]:
    status = Status(768, 87, 3110, faults, 0, 0, 0, 0, 98_304, 2, last_event)
    health = HealthReport(4075, 320_000, 0, 0, 0, 0, 0, kinds.NEVER_SLEEPS)
    return [Step("tool", stream, kinds.STATUS, status), Step("tool", stream, kinds.HEALTH, health)]


def serial() -> list[Step]:
    """Return the session on a byte stream: a frame is lost, and fetched."""
    set_limits = LIMITS.to_payload()
    return [
        *_greeting("", "", ANSWER.challenge),
        _command("", 1, kinds.SET_LIMITS, set_limits, "SET_LIMITS"),
        Step("tool", "", kinds.LIMITS, LIMITS),
        _accepted("", 1, kinds.SET_LIMITS),
        _command("", 2, kinds.START_STREAM, b"", "START_STREAM"),
        *_described(""),
        Step("tool", "", kinds.LIMITS, LIMITS),
        _accepted("", 2, kinds.START_STREAM),
        Step("tool", "", kinds.TOOL_EVENT, ToolEvent(1, kinds.EVENT_BOOT, 0, 0, 0)),
        Step("tool", "", kinds.TOOL_EVENT, ToolEvent(2, kinds.EVENT_LIMITS, 683, 2_134_000, 0)),
        _samples("", 704, 710),
        _samples("", 711, 717),
        Step("host", "", kinds.ACK, Ack(718, 3)),
        _samples("", 718, 724, "damaged on the way: the host drops it", lost=True),
        _samples("", 725, 731),
        Step("host", "", kinds.FETCH, Fetch(718, 7), "the index jumped"),
        _samples("", 718, 724, "once more", kinds.BACKFILLED),
        _samples("", 732, 738),
        Step("tool", "", kinds.ALERT, _alert()),
        _samples("", 739, 739, "closed by the alert"),
        _samples("", 740, 746),
        _samples("", 747, 753),
        Step("host", "", kinds.ACK, Ack(754, 3)),
        _samples("", 754, 760),
        Step("tool", "", kinds.STROKE, _stroke()),
        _samples("", 761, 767),
        *_second("", 0, 2),
        Step("host", "", kinds.ACK, Ack(768, 3)),
        _command("", 3, kinds.STOP_STREAM, b"", "STOP_STREAM"),
        _accepted("", 3, kinds.STOP_STREAM),
    ]


def ble(mtu: int) -> list[Step | str]:
    """Return the session over BLE: a message is lost, and its frame fetched; limits are set by a signed command."""
    narrow = mtu < FULL_RATE_MTU
    set_limits = Command(2, kinds.SET_LIMITS, LIMITS.to_payload())
    events: list[Step | str] = [
        Step("tool", "stream", kinds.TOOL_EVENT, ToolEvent(1, kinds.EVENT_BOOT, 0, 0, 0)),
        Step("tool", "stream", kinds.TOOL_EVENT, ToolEvent(2, kinds.EVENT_LIMITS, 683, 2_134_000, 0)),
    ]
    if narrow:
        fault = ToolEvent(3, kinds.EVENT_FAULT, 704, 2_199_000, kinds.FAULT_LINK_NARROW)
        events.append(Step("tool", "stream", kinds.TOOL_EVENT, fault, "FAULT_LINK_NARROW"))
    last_event = len(events)
    return [
        f"the host connects; the MTU is {mtu}: messages of up to {mtu - ATT_BYTES} bytes",
        "the host subscribes to stream",
        *_greeting("query", "stream", CHALLENGE),
        _command("query", 1, kinds.DESCRIBE, b"", "DESCRIBE"),
        *_described("stream"),
        Step("tool", "stream", kinds.LIMITS, LIMITS._replace(profile="", warn_mn=0, alarm_mn=0), "of the board"),
        _accepted("stream", 1, kinds.DESCRIBE),
        "the first write to command is refused for want of encryption; the host pairs, and writes it again",
        Step("host", "command", kinds.SIGNED_COMMAND, signed(KEY, CHALLENGE, 1, set_limits), "SET_LIMITS"),
        Step("tool", "stream", kinds.LIMITS, LIMITS),
        _accepted("stream", 2, kinds.SET_LIMITS),
        _command("query", 3, kinds.START_STREAM, b"", "START_STREAM"),
        *_described("stream"),
        Step("tool", "stream", kinds.LIMITS, LIMITS),
        _accepted("stream", 3, kinds.START_STREAM),
        *events,
        _samples("stream", 704, 716),
        Step("host", "query", kinds.ACK, Ack(717, last_event + 1)),
        _samples("stream", 717, 729, "one message is lost: the host drops the rest", lost=True),
        Step("tool", "stream", kinds.ALERT, _alert()),
        _samples("stream", 730, 739, "closed by the alert"),
        Step("host", "query", kinds.FETCH, Fetch(717, 13), "the index jumped"),
        _samples("stream", 717, 729, "once more", kinds.BACKFILLED),
        Step("host", "query", kinds.ACK, Ack(740, last_event + 1)),
        _samples("stream", 740, 752),
        Step("tool", "stream", kinds.STROKE, _stroke()),
        _samples("stream", 753, 765),
        *_second("stream", kinds.FAULT_LINK_NARROW if narrow else 0, last_event),
        Step("host", "query", kinds.ACK, Ack(766, last_event + 1)),
        _command("query", 4, kinds.STOP_STREAM, b"", "STOP_STREAM"),
        _accepted("stream", 4, kinds.STOP_STREAM),
        "the host disconnects",
    ]


def _said(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex() or "none"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + " ".join(_said(item) for item in value) + "]"
    return str(int(value)) if isinstance(value, bool) else str(value)


def _head(step: Step) -> str:
    fields = step.message._asdict()
    if isinstance(step.message, ForceSamples):
        fields["packed"] = step.message.counts()
    said = " ".join(f"{name}={_said(value)}" for name, value in fields.items())
    who = f"{step.sender}, {step.way}" if step.way else step.sender
    beside = f" # {step.words}" if step.words else ""
    text = f"{who}: {_NAMES[step.kind]} {said}{beside}"
    return textwrap.fill(text, _COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _wire(step: Step, sequence: int, mtu: int | None) -> list[bytes]:
    payload = step.message.to_payload()
    frame = bare(step.kind, sequence, payload)
    return [b"\x00" + stuff(frame) + b"\x00"] if mtu is None else pieces(frame, mtu - ATT_BYTES)


def _hex(message: bytes, *, lost: bool) -> list[str]:
    lines = [message[at : at + _LINE_BYTES].hex(" ") for at in range(0, len(message), _LINE_BYTES)]
    return [f"    {'x' if lost else '>'} {lines[0]}", *(f"      {line}" for line in lines[1:])]


def _text(steps: Sequence[Step | str], mtu: int | None) -> str:
    lines = []
    sent = {"host": 0, "tool": 0}
    for step in steps:
        if isinstance(step, str):
            lines.append(f"-- {step}")
            continue
        lines.append(_head(step))
        wire = _wire(step, sent[step.sender], mtu)
        sent[step.sender] += 1
        for i, message in enumerate(wire):
            lines += _hex(message, lost=step.lost and i == len(wire) // 2)
    return "\n".join(lines) + "\n"


SESSIONS: dict[str, Callable[[], str]] = {
    "serial": lambda: _text(serial(), None),
    "ble 23": lambda: _text(ble(23), 23),
    "ble 247": lambda: _text(ble(247), 247),
}


def with_sessions(spec: str) -> str:
    """Return SPEC.md's text with each session between its marks."""
    for name, write in SESSIONS.items():
        start = f"<!-- session {name}: written by vectors/make.py -->\n"
        end = f"<!-- end of session {name} -->\n"
        head, rest = spec.split(start)
        spec = f"{head}{start}```text\n{write()}```\n{end}{rest.split(end)[1]}"
    return spec
