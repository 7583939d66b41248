"""A link's figures in words, for a person."""

from __future__ import annotations

from collections.abc import Iterator

from iastm_host.events import ToolDescription
from iastm_host.workbench.link_figures import LinkFigures

# With round trips of up to ten milliseconds it bounds drift well enough.
_TELLING_S = 60


def figure_rows(figures: LinkFigures, tool: ToolDescription) -> Iterator[tuple[str, str]]:
    """Yield each figure's name and what it is, numbers with their unit; "unknown" where nobody can tell."""
    yield "tool", f"{tool.serial_number} ({tool.board}), firmware {tool.firmware_version}, {tool.runtime}"
    yield "measured", f"{figures.measured_s:.1f} s"
    rate = _unknown(figures.rate_hz, "{:.2f} samples/s")
    yield "rate", f"{rate} by the tool's clock; it states {figures.stated_rate_hz:g}"
    yield "lost at first", _lost(figures.lost_first, figures.lost_first_permille, f" of {figures.expected} samples")
    away = "; nothing came after the link ended" if figures.ended_early else ""
    again = away if figures.backfills else f"; this tool can't send samples again{away}"
    yield "lost for good", _lost(figures.lost_for_good, figures.lost_for_good_permille, again)
    unreadable = f", {figures.unreadable_frames} unreadable" if figures.unreadable_frames else ""
    yield "damaged frames", f"{figures.damaged_frames}{unreadable}"
    yield "round trip", _round_trip(figures)
    yield "jitter", _unknown(figures.jitter_ms, "{:.1f} ms: 95 % of batches come within it of the usual delay")
    yield "longest gap", f"{figures.longest_gap_ms:.0f} ms between arrivals"
    yield "clock drift", _drift(figures)
    restarts = f", {figures.restarts} restarts of the tool" if figures.restarts else ""
    yield "reconnects", f"{figures.reconnects}{restarts}"
    if figures.faults:
        yield "tool reports", ", ".join(figures.faults)
    yield "battery", _unknown(figures.battery_percent, "{} %")


def _lost(samples: int, permille: float | None, more: str) -> str:
    share = "" if permille is None else f" ({permille:.1f} ‰)"
    return f"{samples}{more}{share}"


def _round_trip(figures: LinkFigures) -> str:
    trip = figures.round_trip_ms
    unanswered = f", {figures.pings_unanswered} unanswered" if figures.pings_unanswered else ""
    if trip is None:
        return f"unknown{unanswered}"
    said = f"median {trip.median:.1f} ms, 95 % within {trip.p95:.1f} ms, longest {trip.largest:.1f} ms"
    return f"{said} ({figures.round_trips} trips{unanswered})"


def _drift(figures: LinkFigures) -> str:
    drift = figures.drift
    if drift is None:
        return f"too short to tell; it takes a minute: iastm link-test --duration {_TELLING_S}"
    return f"{drift.ppm:+.0f} ± {drift.uncertainty_ppm:.0f} ppm of the tool's clock against this computer's"


def _unknown(value: float | None, form: str) -> str:
    return "unknown" if value is None else form.format(value)
