"""What a link's figures mean to a person: good, usable or bad, why, and what to do.

The bounds are ours, without a source. They follow what the product does: it calls a stream old after 500 ms, and
fetches what was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iastm_host.workbench.link_figures import LinkFigures

GOOD = "good"
USABLE = "usable"
BAD = "bad"
TOO_SHORT = "too short to tell"
"""Of a test that a person ended before anything went wrong: a good link it is not yet."""
_LEVELS = (GOOD, USABLE, BAD)

SENT_TWICE_PERMILLE = (10.0, 200.0)
ROUND_TRIP_MS = (100.0, 500.0)
LONGEST_GAP_MS = (500.0, 2000.0)
RECONNECTS = (0, 1)
JITTER_MS = 100.0
UNANSWERED = 0.05
RATE_OFF = 0.05
BATTERY_PERCENT = 10
TELLING_S = 5.0

LINK_NARROW = "link too narrow for the full rate"
LINK_STALLED = "link stalled"
CONVERSIONS_MISSED = "conversions missed"
RATE_NOT_STATED = "rate is not the stated one"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know: how bad, what it is, what to do."""

    level: str
    what: str
    fix: str


def findings_on(figures: LinkFigures, *, radio: bool) -> list[Finding]:
    """Judge a link by what it did, worst first: the first finding's level is the verdict.

    `radio` tells what a person can do about it. A good link has one finding, which says so and needs no fix.
    """
    findings = sorted(_findings(figures, radio), key=lambda finding: -_LEVELS.index(finding.level))
    if not findings and figures.stopped and figures.measured_s < TELLING_S:
        what = f"Stopped after {figures.measured_s:.0f} s, and nothing was lost until then."
        return [Finding(TOO_SHORT, what, f"Let it run for {TELLING_S:.0f} s at least.")]
    return findings or [Finding(GOOD, _praise(figures), "")]


def _praise(figures: LinkFigures) -> str:
    if figures.lost_first:
        return f"Every sample came; {_of(figures.lost_first, figures.expected)} had to be sent twice."
    return "Every sample came, and came the first time."


def _findings(figures: LinkFigures, radio: bool) -> Iterator[Finding]:
    nearer = (
        "Bring the tool nearer, with nothing between it and the computer; or use the cable."
        if radio
        else "Try another cable and another port of the computer, without a hub."
    )
    if figures.gone and not radio:
        yield Finding(
            BAD,
            f"The tool was unplugged after {figures.measured_s:.1f} s, or its cable came loose.",
            "Plug it in and test again; where nobody pulled it, take another cable.",
        )
    elif figures.ended_early:
        yield Finding(BAD, f"The test ended after {figures.measured_s:.1f} s: {figures.ended_early}", nearer)
    if figures.restarts:
        yield Finding(
            BAD,
            f"The tool started anew {_times(figures.restarts)} during the test.",
            "Charge its battery and check its supply; if that is good, look at its firmware's log.",
        )
    if not figures.expected:
        yield Finding(
            BAD,
            f"No sample came in {figures.measured_s:.1f} s.",
            "Check the wires of its load cell and converter; switch the tool off and on.",
        )
    yield from _on_loss(figures, nearer)
    yield from _on_time(figures, nearer)
    yield from _on_the_tool(figures, radio)


def _on_loss(figures: LinkFigures, nearer: str) -> Iterator[Finding]:
    own = min(figures.missed_conversions, figures.lost_for_good)
    if own:
        yield Finding(
            USABLE,
            f"The tool's converter missed {own} conversions: that is no fault of the link.",
            "See that nothing else keeps the tool busy, and that its converter's rate is the stated one.",
        )
    if figures.lost_for_good > own:
        lost = _of(figures.lost_for_good - own, figures.expected)
        again = ", on asking again either" if figures.backfills else ": this tool can't send samples again"
        yield Finding(BAD, f"{lost} did not come{again}.", nearer)
    late = figures.lost_first - figures.lost_for_good
    level = _level(1000 * late / max(figures.expected, 1), SENT_TWICE_PERMILLE)
    if level != GOOD:
        yield Finding(level, f"{_of(late, figures.expected)} had to be sent twice, and came late.", nearer)
    if LINK_NARROW in figures.faults:
        yield Finding(
            BAD,
            "The connection's messages are too short for the full rate.",
            "Switch Bluetooth off and on and connect again; else use another adapter, or the cable.",
        )


def _on_time(figures: LinkFigures, nearer: str) -> Iterator[Finding]:
    level = _level(figures.reconnects - figures.restarts, RECONNECTS)
    if level != GOOD:
        yield Finding(level, f"The link broke {_times(figures.reconnects)} and came back.", nearer)
    level = _level(figures.longest_gap_ms, LONGEST_GAP_MS)
    told = figures.ended_early or figures.reconnects or figures.restarts or not figures.expected
    if level != GOOD and not told:
        gap = f"Nothing new came for {figures.longest_gap_ms:.0f} ms"
        yield Finding(level, f"{gap}; the screen calls its numbers old after {LONGEST_GAP_MS[0]:.0f} ms.", nearer)
    trip = figures.round_trip_ms
    level = GOOD if trip is None else _level(trip.p95, ROUND_TRIP_MS)
    if trip is not None and level != GOOD:
        yield Finding(
            level,
            f"A round trip takes up to {trip.p95:.0f} ms: alerts on the screen come late. The tool's own alert does "
            "not depend on it.",
            nearer,
        )
    asked = figures.round_trips + figures.pings_unanswered
    if figures.pings_unanswered > UNANSWERED * asked:
        yield Finding(USABLE, f"{figures.pings_unanswered} of {asked} questions got no answer within a second.", nearer)
    if figures.jitter_ms is not None and figures.jitter_ms > JITTER_MS:
        yield Finding(
            USABLE,
            f"Samples come unevenly, up to {figures.jitter_ms:.0f} ms early or late: so do alerts on the screen.",
            nearer,
        )
    if LINK_STALLED in figures.faults:
        yield Finding(
            USABLE,
            "The tool reports that the link took no bytes for a while.",
            "Close other programs that keep the computer busy; see that it does not sleep.",
        )


def _on_the_tool(figures: LinkFigures, radio: bool) -> Iterator[Finding]:
    if figures.unreadable_frames:
        yield Finding(
            BAD,
            f"{figures.unreadable_frames} frames came whole and break the protocol's rules.",
            "Update the tool's firmware and this program.",
        )
    told = [LINK_NARROW, LINK_STALLED]
    if figures.missed_conversions and figures.lost_for_good:
        told.append(CONVERSIONS_MISSED)
    rate_hz, stated_hz = figures.rate_hz, figures.stated_rate_hz
    if rate_hz is not None and abs(rate_hz - stated_hz) > RATE_OFF * stated_hz:
        yield Finding(
            USABLE,
            f"The tool measures {rate_hz:.1f} times a second and states {stated_hz:g}: that is no fault of the link.",
            "Set its converter's rate, or the rate that its board file states.",
        )
        told.append(RATE_NOT_STATED)
    for fault in figures.faults:
        if fault not in told:
            yield Finding(USABLE, f"The tool reports: {fault}.", "That is no fault of the link; see to the tool.")
    battery = figures.battery_percent
    if battery is not None and battery <= BATTERY_PERCENT:
        why = " A radio grows weak with its battery." if radio else ""
        yield Finding(USABLE, f"The tool's battery is at {battery} %.{why}", "Charge it before a session.")


def _level(value: float, bounds: tuple[float, float]) -> str:
    """Return good up to the first bound, usable up to the second, else bad."""
    return _LEVELS[sum(value > bound for bound in bounds)]


def _of(lost: int, expected: int) -> str:
    return f"{lost} of {expected} samples ({1000 * lost / expected:.1f} ‰)"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
