"""The live view as plain lines, for a log or a pipe: each stroke, each alert, each change of the link or session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from iastm_host.app.live_view import LADDER_ROWS, ViewState, classify, force_text, live_view
from iastm_host.app.live_view.texts import plain_fault, sentence
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.events import Alert, ToolDescription

_STATUS_EVERY_US = 5_000_000
_ALERTS = {
    "warn": "over warn",
    "alarm": "over alarm: ease off",
    "repeated": "3 of the last 5 strokes over alarm: ease off",
    "dose": "dose reached on the tool",
    "saturated": "out of range: ease off, then check the tip",
}


class LineReport:
    """Writes what is new since the last snapshot."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._link: tuple[str, str] | None = None
        self._seen: set[Alert] = set()
        self._told: set[tuple[int, int]] = set()
        self._excluded = 0
        self._faults: tuple[str, ...] = ()
        self._paused = False
        self._region = 1
        self._markers = 0
        self._status_us: int | None = None
        self._view = ViewState()

    def update(self, snapshot: LiveSnapshot) -> None:
        """Write the lines that `snapshot` adds."""
        for line in self._lines(snapshot):
            self._write(line)

    def _lines(self, snapshot: LiveSnapshot) -> Iterator[str]:
        link = snapshot.link
        if link.reason and (link.state, link.reason) != self._link:
            self._link = (link.state, link.reason)
            yield f"link       {link.state}: {link.reason}"
            if link.state == "streaming" and snapshot.tool is not None:
                yield f"tool       {_who(snapshot.tool)}"
        for fault in snapshot.faults:
            if fault not in self._faults:
                yield f"notice     {sentence(plain_fault(fault))}"
        self._faults = snapshot.faults
        for alert in snapshot.alerts:
            if alert not in self._seen:
                self._seen.add(alert)
                yield f"alert      {_ALERTS.get(alert.kind, alert.kind)} (sample {alert.index})"
        yield from self._session(snapshot)
        yield from self._strokes(snapshot)
        if self._status_us is None or snapshot.taken_us - self._status_us >= _STATUS_EVERY_US:
            self._status_us = snapshot.taken_us
            shown = live_view(snapshot, self._view)
            chips = [" ".join(filter(None, (chip.word, chip.near))) for chip in shown.chips]
            rate = f"{shown.strip.rate_number} {shown.strip.rate_unit}"
            yield f"status     {', '.join(filter(None, (shown.ladder.word, *chips, rate)))}"

    def _session(self, snapshot: LiveSnapshot) -> Iterator[str]:
        """Yield what a person did, by key or by the tool's button."""
        if snapshot.paused != self._paused:
            self._paused = snapshot.paused
            yield "session    " + ("paused: strokes and dose do not count" if snapshot.paused else "goes on")
        for number in range(self._region + 1, snapshot.region + 1):
            yield f"session    region {number}"
        for number in range(self._markers + 1, snapshot.marker_count + 1):
            yield f"session    marker {number}"
        self._region, self._markers = snapshot.region, snapshot.marker_count

    def _strokes(self, snapshot: LiveSnapshot) -> Iterator[str]:
        if snapshot.excluded_strokes > self._excluded:
            self._excluded = snapshot.excluded_strokes
            yield f"notice     Not counted as strokes, as the tool lay or was wiped: {self._excluded} so far"
        for stroke in snapshot.strokes:
            key = (stroke.boot_id, stroke.first_index)
            if key in self._told:
                continue
            self._told.add(key)
            word = LADDER_ROWS[classify(stroke.peak_n, snapshot.profile)][2]
            length_s = (stroke.last_us - stroke.first_us) / 1e6
            cut = ", cut" if stroke.truncated else ""
            forces = f"peak {force_text(stroke.peak_n)} N, mean {stroke.mean_n:.1f} N"
            yield f"stroke     {forces}, {length_s:.2f} s: {word}{cut}"


def _who(tool: ToolDescription) -> str:
    """Return what a gauge said of itself; others than ours say less."""
    parts = [f"{tool.board} {tool.serial_number}".rstrip()]
    if tool.firmware_version:
        parts.append(f"firmware {tool.firmware_version}" + (f" under {tool.runtime}" if tool.runtime else ""))
    parts.append(f"{tool.rate_hz:g} samples/s")
    if tool.calibration_id:
        parts.append(f"calibration {tool.calibration_id}")
    return ", ".join(parts)
