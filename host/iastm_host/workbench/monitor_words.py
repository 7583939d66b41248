"""What a tool says, event by event, as words of the monitor."""

from __future__ import annotations

from collections.abc import Iterator

from iastm_host.events import (
    Alert,
    Answer,
    CalibrationReport,
    Channels,
    Event,
    LimitsReport,
    ToolDescription,
    ToolEvent,
    Unreadable,
    ZeroReport,
)
from iastm_host.tool.plain_text import plain
from iastm_host.tool.words import BUTTON, EVENTS, faults_in

_FAULT_EVENTS = ("fault", "fault cleared")


def many(count: int, one: str, several: str = "") -> str:
    """Return a number of things."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def event_words(event: Event) -> Iterator[tuple[str, str]]:
    """Give what an event says as (topic, words); of those that a monitor tells otherwise, nothing."""
    match event:
        case ToolDescription():
            yield from _tool_words(event)
        case ToolEvent():
            yield "event", _happened(event)
        case CalibrationReport():
            coefficients = ", ".join(f"{value:g}" for value in event.coefficients)
            told = f"{event.calibration_id or 'without a name'}, capacity {event.capacity_n:g} N, N by counts: "
            yield "tool", f"calibration {told}{coefficients}, from sample {event.from_index}"
        case ZeroReport():
            confirmed = "confirmed" if event.confirmed else "not confirmed: nothing alerts until it is set"
            yield "tool", f"zero {event.counts} counts from sample {event.from_index}, {confirmed}"
        case LimitsReport():
            limits = f"warn {event.warn_n:g} N, alarm {event.alarm_n:g} N (0 is off)"
            yield "tool", f"limits {limits}, contact from {event.contact_on_n:g} N until {event.contact_off_n:g} N"
        case Channels():
            yield "tool", f"alerts by {_names(event.chosen)}; it has {_names(event.there)}"
        case Alert():
            yield "alert", f"{event.kind} at sample {event.index}"
        case Unreadable():
            yield "damaged", f"a whole frame that breaks the rules ({event.count} so far): {event.why}"
        case Answer() if not event.accepted:
            yield "tool", f"it refuses: {event.reason}"
        case _:
            pass


def _tool_words(tool: ToolDescription) -> Iterator[tuple[str, str]]:
    said = [f"{tool.board} {tool.serial_number}".rstrip() + (" (simulated)" if tool.simulated else "")]
    sources = f" of sources {tool.source_hash}" if tool.source_hash.strip("0") else ""
    said.append(f"firmware {tool.firmware_version}{sources} under {tool.runtime}, protocol {tool.protocol}")
    said.append(f"{tool.rate_hz:g} samples/s, keeps {tool.ring_depth}")
    yield "tool", plain(", ".join(said).encode())
    if tool.trouble:
        yield "trouble", plain(tool.trouble.encode())
    why = f"why it started: {tool.reset_reason}; " if tool.reset_reason else ""
    yield (
        "tool",
        f"{why}boot {tool.boot_id:08x}; lost power amid a stream {tool.power_losses} ×, failed {tool.restarts} ×",
    )
    if tool.overload_n:
        yield "tool", f"overloaded once, up to {tool.overload_n:.1f} N"
    if tool.keeps_log and not tool.log_bytes:
        yield "log", "empty"


def _happened(event: ToolEvent) -> str:
    said = f"#{event.id} {event.kind}"
    if event.kind in _FAULT_EVENTS:
        said += f": {' + '.join(faults_in(event.value & 0xFFFFFFFF))}"
    elif event.kind == BUTTON:
        said += f": {event.gesture or 'a gesture that it does not tell'}"
    elif event.force_n is not None:
        said += f": {event.force_n:.2f} N"
    elif event.value or event.kind not in EVENTS.values():
        said += f": value {event.value}"
    return f"{said}, at sample {event.index}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
