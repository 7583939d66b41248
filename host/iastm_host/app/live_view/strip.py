"""The strip: rate, count, contact time and exposure against their limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_host.app.live_view.contact import held_s_of
from iastm_host.app.live_view.ladder import LONG_CONTACT_S, Ladder
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.texts import (
    DASH,
    at_least,
    awaited_words,
    clock_text,
    force_text,
    limit_text,
    missing_words,
    sentence,
)
from iastm_host.app.snapshot import LiveSnapshot

RATE_BAND_SPM = (15.0, 60.0)
"""Stroke rates that are marked on the scale (0.25 to 1.0 Hz: a device's validated range; weak, never alerted on)."""
NEAR_SHARE = 0.9
"""From this share of a limit on, a bar counts as near it."""
HEADLINES = {
    "none": ("No strokes yet", "info"),
    "ok": ("Within limits", "check"),
    "near": ("Near limit", "warn"),
    "over": ("Over limit", "stop"),
    "incomplete": ("Incomplete", "sync"),
}
OVER_INCOMPLETE = "Over, incomplete"


@dataclass(frozen=True, slots=True)
class Bar:
    """A quantity against its limit: `share` of it (1 is the limit) or None without a limit; grade is ok, near, over
    or none.
    """

    label: str
    value: str
    limit: str
    share: float | None
    grade: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Rate, count, contact time and exposure.

    `rate_spm` is None where the rate is unknown; `held` is True where the first zone shows seconds held instead.
    """

    rate_title: str
    rate_number: str
    rate_unit: str
    rate_hz_text: str
    rate_spm: float | None
    held: bool
    stroke_number: str
    stroke_notes: tuple[str, ...]
    contact: Bar
    contact_note: str
    headline: str
    headline_icon: str
    headline_grade: str
    bars: tuple[Bar, ...]


def strip_of(snapshot: LiveSnapshot, view: ViewState, ladder: Ladder) -> Strip:
    """Return the strip; what rests on a signal in doubt is left out."""
    exposure, profile = snapshot.exposure, snapshot.profile
    doubtful = ladder.state in {"lost", "stale", "refused", "no_tool"}
    rate_hz = None if doubtful else snapshot.stroke_rate_hz
    held = profile.technique == "hold"
    number, unit, hertz, spm = DASH, "/min", "", None
    if held:
        number, unit = (f"{held_s_of(snapshot):.0f}", "s") if ladder.held_text else (DASH, "s")
    elif rate_hz is not None and math.isfinite(rate_hz):
        spm = rate_hz * 60
        number, hertz = f"{spm:.0f}", f"{rate_hz:.2f} Hz"
    contact = _contact_bar(snapshot, view)
    peaks = _limit_bar("Peaks, 95 %", exposure.peak95_n, profile.warn_n, at_least(exposure))
    dose = _dose_bar(snapshot)
    bars = (
        peaks,
        Bar("Over warn", f"{exposure.strokes_over_warn:,}", "no limit set", None, "none"),
        dose,
    )
    missing = doubtful or not exposure.complete or awaited_words(snapshot) != ""
    uncertain = missing or exposure.clipped or ladder.state in {"saturated", "no_force"}
    headline, icon, grade = _headline((peaks, contact, dose), missing, uncertain, exposure.peak95_n is not None)
    return Strip(
        rate_title="Hold" if held else "Stroke rate",
        rate_number=number,
        rate_unit=unit,
        rate_hz_text=hertz,
        rate_spm=spm,
        held=held,
        stroke_number=f"{snapshot.stroke_count:,}",
        stroke_notes=_stroke_notes(snapshot, _none_missing(ladder, doubtful)),
        contact=contact,
        contact_note="stopped" if view.paused else "",
        headline=headline,
        headline_icon=icon,
        headline_grade=grade,
        bars=bars,
    )


def _dose_bar(snapshot: LiveSnapshot) -> Bar:
    """Return the session's dose, graded by the tool's: that is one region's sum, so this is no share of its limit."""
    value = f"{at_least(snapshot.exposure)}{snapshot.exposure.dose_ns:.1f} N·s"
    limit_ns = snapshot.tool_dose_limit_ns
    if snapshot.tool_dose_reached:
        return Bar("Dose", value, "limit reached on the tool", None, "over")
    return Bar("Dose", value, f"tool alerts at {limit_ns:g} N·s" if limit_ns else "no limit set", None, "none")


def _contact_bar(snapshot: LiveSnapshot, view: ViewState) -> Bar:
    contact_s = view.region_contact_s(snapshot)
    limit_s = snapshot.profile.region_time_s
    if not limit_s or snapshot.profile.technique == "hold":
        return Bar("Contact time", clock_text(contact_s), "", None, "none")
    share = contact_s / limit_s
    return Bar("Contact time", clock_text(contact_s), clock_text(limit_s), share, _grade(share))


def _limit_bar(label: str, value_n: float | None, limit_n: float, at_least: str) -> Bar:
    if value_n is None or not math.isfinite(value_n):
        return Bar(label, DASH, limit_text(limit_n), 0.0 if limit_n > 0 else None, "ok" if limit_n > 0 else "none")
    if limit_n <= 0:
        return Bar(label, f"{at_least}{force_text(value_n)} N", "no limit set", None, "none")
    share = max(0.0, value_n / limit_n)
    return Bar(label, f"{at_least}{force_text(value_n)} N", limit_text(limit_n), share, _grade(share))


def _grade(share: float) -> str:
    if share > 1:
        return "over"
    return "near" if share >= NEAR_SHARE else "ok"


def _headline(bars: tuple[Bar, ...], missing: bool, uncertain: bool, begun: bool) -> tuple[str, str, str]:
    """Return word, icon and grade of the worst limit. What is over stays over where data is missing, and both are
    said; what is not over is not vouched for where data is missing or clipped.
    """
    order = ("none", "ok", "near", "over")
    worst = max((bar.grade for bar in bars), key=order.index)
    if worst == "over" and missing:
        return OVER_INCOMPLETE, HEADLINES["over"][1], worst
    if worst != "over" and not begun:
        worst = "none"
    elif worst != "over" and uncertain:
        worst = "incomplete"
    elif worst == "none":
        worst = "ok"
    word, icon = HEADLINES[worst]
    return word, icon, worst


def _none_missing(ladder: Ladder, doubtful: bool) -> str:
    """Return what is said where no loss is known: without a stream nobody knows of one."""
    if not doubtful:
        return "No sample missing"
    return "Not counted: link lost" if ladder.state == "lost" else "Not counted: no data"


def _stroke_notes(snapshot: LiveSnapshot, none_missing: str) -> tuple[str, ...]:
    awaited = awaited_words(snapshot)
    notes = [*([awaited] if awaited else []), *missing_words(snapshot)] or [none_missing]
    held_s = held_s_of(snapshot)
    if held_s >= LONG_CONTACT_S and snapshot.profile.technique != "hold":
        notes.insert(0, f"In contact {clock_text(held_s)}")
    lost_markers = snapshot.markers_not_recorded > 0
    if snapshot.marker_count:
        notes.insert(0 if lost_markers else len(notes), _marker_words(snapshot))
    # What does not fit in the strip, the oldest, stands on the last page.
    newest = max(snapshot.notes, key=lambda note: note.since_us, default=None)
    if newest is not None:
        notes.insert(0, sentence(newest.words))
    if snapshot.region > 1:
        # The title says it too, where no banner lies over it.
        notes.insert(0, f"Region {snapshot.region}")
    others = sorted(
        (note for note in snapshot.notes if note is not newest), key=lambda note: (not note.far, -note.since_us)
    )
    return (*notes, *(sentence(note.words) for note in others))


def _marker_words(snapshot: LiveSnapshot) -> str:
    count, lost = snapshot.marker_count, snapshot.markers_not_recorded
    words = f"{count} marker{'s' * (count != 1)}"
    if not lost:
        return words
    return f"{words}, not recorded" if lost == count else f"{words}, {lost} not recorded"
