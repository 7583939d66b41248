"""Pages of words over a view: where limits come from, what a run came to, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.analysis.exposure import Exposure
from iastm_host.analysis.profiles import Profile, Tip
from iastm_host.app.live_view.recording import recording_trouble, records
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.texts import (
    DASH,
    at_least,
    clock_text,
    force_text,
    head_and_detail,
    limit_text,
    missing_words,
    sentence,
    size_text,
)
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.tool.words import GESTURES_DO

NO_PUBLISHED_THRESHOLD = (
    "No published source gives a human scraping force or pressure at which petechiae appear. A limit here means: "
    "unusual compared with published practice, or above what the user set. It never means that marks will or will "
    "not appear."
)
WHAT_IT_IS = "A feedback and training aid. It is not a medical device."
ONE_AXIS = "The tool measures force along one axis. It does not see shear, where bruising is said to build up."
KEYS = "T changes the colours, F11 fills the screen, Esc held for a second ends."
GRADES = {
    "measured": "measured, on people or on a bench",
    "measured, simulant": "measured, on a simulant",
    "survey": "survey, what clinicians said of themselves",
    "expert": "expert opinion or consensus",
    "derived": "derived by a rule of ours from published values",
    "none": "none, a placeholder of ours without a source",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A page of words over the view: title, lines of (label, text), and how it is left.

    `far`: title and lines are to be read from two metres; `detail` may be small.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    foot: str
    far: bool = False
    detail: str = ""


def about_panel(profile: Profile, tip: Tip | None) -> Panel:
    """Return where the limits of `profile` come from and how strong that is."""
    rows = [
        ("What it is", WHAT_IT_IS),
        ("Limits", NO_PUBLISHED_THRESHOLD),
        ("Profile", profile.title),
        (
            "Target",
            f"{limit_text(profile.target_low_n)} to {limit_text(profile.target_high_n)} N. "
            f"Evidence: {_graded(profile.target_grade)}.",
        ),
        (
            "Warn, alarm",
            f"{limit_text(profile.warn_n)} N, {limit_text(profile.alarm_n)} N. "
            f"Evidence: {_graded(profile.limits_grade)}.",
        ),
        ("Source", profile.source or "none"),
        ("Stroke rate", "15 to 60 /min is marked only: a device's validated range, not a recommendation."),
        (
            "Pressure",
            "Unknown: the tip's contact area was not given."
            if tip is None
            else f"Force over the tip's contact area, {_area(tip)}.",
        ),
        ("Sensor", ONE_AXIS),
        ("Peaks, 95 %", "19 of 20 strokes were no harder than this."),
        ("Dose", "Force above warn × time, summed: 2 N above it for 3 s is 6 N·s."),
        ("≥", "The sensor was at its limit: the force was at least this."),
        ("Keys", KEYS),
        ("Tool's button", sentence("; ".join(f"{name} {does}" for name, does in GESTURES_DO)) + "."),
    ]
    return Panel("Where the limits come from", tuple(rows), "Esc, ? or a click closes this")


def _area(tip: Tip) -> str:
    if not tip.area_uncertainty_cm2 > 0:
        return f"{tip.area_cm2:g} cm², ± not stated"
    return f"{tip.area_cm2:g} ± {tip.area_uncertainty_cm2:g} cm²"


def _graded(grade: str) -> str:
    return GRADES.get(grade, grade or "not stated")


def summary_panel(snapshot: LiveSnapshot, view: ViewState) -> Panel:
    """Return what a run came to; what keeps it from being whole comes first."""
    exposure = snapshot.exposure
    counts = {"warn": 0, "alarm": 0, "repeated": 0, "saturated": 0}
    for alert in snapshot.alerts:
        counts[alert.kind] = counts.get(alert.kind, 0) + 1
    alerts = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"
    contact_s = view.region_contact_s(snapshot)
    contact = clock_text(contact_s)
    if exposure.contact_s - contact_s >= 1:
        contact += f", and {clock_text(exposure.contact_s - contact_s)} while paused"
    recording = "Not recorded"
    if snapshot.recording is not None and records(snapshot):
        recording = f"{snapshot.recording.path} ({size_text(snapshot.recording.bytes_written)})"
    trouble = recording_trouble(snapshot)
    rows: tuple[tuple[str, str], ...] = (
        ("Samples", f"{snapshot.samples_received:,} of {snapshot.samples_expected:,}"),
        ("Gaps", ", ".join(missing_words(snapshot)) or "none"),
        ("Strokes", _strokes(snapshot)),
        ("Hardest", _peak(exposure, exposure.hardest_n)),
        ("Peaks, 95 %", _peak(exposure, exposure.peak95_n)),
        ("Dose", f"{at_least(exposure)}{exposure.dose_ns:.1f} N·s"),
        ("Contact time", contact),
        ("Alerts", alerts),
        *(("Tool", f"{sentence(note.words)}.") for note in snapshot.notes),
    )
    if trouble:
        rows = (("Recording", f"Not whole. {trouble}" if records(snapshot) else f"Not recorded. {trouble}"), *rows)
        rows += (("File", recording),) if records(snapshot) else ()
    else:
        rows += (("Recording", recording),)
    if snapshot.problem is not None:
        rows = (("Problem", str(snapshot.problem)), *rows)
    title = "Stopped early" if snapshot.problem is not None else "Finished" if snapshot.finished else "Ending"
    if trouble and snapshot.problem is None:
        title += f", {'not all is' if records(snapshot) else 'nothing is'} recorded"
    return Panel(title, rows, "Enter, Esc or a click closes the window")


def _strokes(snapshot: LiveSnapshot) -> str:
    said = f"{snapshot.stroke_count:,}, {snapshot.exposure.strokes_over_warn:,} over warn"
    excluded = snapshot.excluded_strokes
    said += f"; {excluded:,} not counted: the tool lay or was wiped" if excluded else ""
    return f"{said}; {snapshot.paused_strokes:,} not counted: paused" if snapshot.paused_strokes else said


def _peak(exposure: Exposure, peak_n: float | None) -> str:
    return DASH if peak_n is None else f"{at_least(exposure)}{force_text(peak_n)} N"


def problem_panel(what: str, fix: str) -> Panel:
    """Return a problem as a page: what happened, and what to do."""
    head, detail = head_and_detail(what)
    rows = (("What to do", fix),)
    return Panel(head, rows, "Enter, Esc or a click closes the window", far=True, detail=detail)
