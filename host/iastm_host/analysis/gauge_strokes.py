"""Strokes, stroke rate and time over limits of a whole recording of any gauge.

Times are the file's own; forces stay as they are in the file, whatever rest level was found under them. What is net of
rest stands beside them and is named so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from iastm_host.analysis.contact import FoundContact, Span, find_contact, pulls_downwards_n
from iastm_host.analysis.file_steps import StepsInFile
from iastm_host.analysis.gauge_csv import GaugeRecording
from iastm_host.analysis.glitches import parts
from iastm_host.analysis.profiles import Contact
from iastm_host.analysis.stroke_motion import merged
from iastm_host.analysis.stroke_rate import BURST_PAUSE_US
from iastm_host.events import StrokeMotion
from iastm_protocol.strokes import StrokeDetector

Floats = NDArray[np.float64]

# Rest that lies beyond this share of the usual peak is said.
_REST_SHARE = 0.05
# A contact of so many samples, and one so short, should be seen.
_CONTACT_SAMPLES = 3
_SHORT_CONTACT_S = 0.25
# Less of a file than this out of contact, and its rest was not seen.
_SELDOM = 0.01


@dataclass(frozen=True, slots=True)
class FileStroke:
    """A stroke: times in the file's seconds, forces in newtons, `rest_n` the level of rest under it.

    `direction`, `pass_length_mm` and `source` are as of events.Stroke. `region` is that in which it begins, from 1.
    """

    segment: int
    start_s: float
    end_s: float
    peak_s: float
    peak_n: float
    mean_n: float
    impulse_ns: float
    rest_n: float
    direction: int = 0
    pass_length_mm: int | None = None
    source: str = "force"
    region: int = 1

    @property
    def peak_net_n(self) -> float:
        """The peak above rest."""
        return self.peak_n - self.rest_n


@dataclass(frozen=True, slots=True)
class LevelsUsed:
    """Contact levels above rest, in newtons (None: no contact found), and how they came about (auto or fixed).

    `noise_n` is the noise found, `stable_n` the range of smallest pull heights that give the same strokes.
    """

    method: str
    on_n: float | None
    off_n: float | None
    noise_n: float | None
    stable_n: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """The strokes of a recording; `cut` counts those of which an end is missing: they are not among the strokes.

    `rest_n` (n,) is the level of rest under each sample, None where none was found. `downwards_n` says how far the
    force goes below rest where its pulls are negative, else None; contact is not searched in such a file. `excluded`
    says of each that counts for nothing why (lying, wiping, paused): they are not among the strokes.
    """

    strokes: tuple[FileStroke, ...]
    cut: int
    levels: LevelsUsed
    rest_n: Floats | None
    downwards_n: float | None
    excluded: tuple[str, ...] = ()

    @property
    def stroke_rate_spm(self) -> float | None:
        """Strokes per minute: 60 over the median interval of successive peaks within bursts, None without one."""
        intervals_s = [
            after.peak_s - before.peak_s
            for before, after in pairwise(self.strokes)
            if before.segment == after.segment and (after.start_s - before.end_s) * 1e6 < BURST_PAUSE_US
        ]
        return 60 / median(intervals_s) if intervals_s else None


def analyse_recording(recording: GaugeRecording, contact: Contact | None, rate_hz: float | None = None) -> FileAnalysis:
    """Find the strokes: with the given contact levels, or (None) with those that the recording itself shows.

    `rate_hz` is the nominal rate where it is known, and turns the shortest stroke into samples.
    """
    pieces = [(segment.begin, segment.end) for segment in recording.segments]
    downwards_n = pulls_downwards_n(recording.time_s, recording.force_n, pieces)
    rest_n: Floats | None = None
    if contact is None:
        if downwards_n is None:
            found = find_contact(recording.time_s, recording.force_n, pieces)
        else:
            found = FoundContact(None, None, 0.0, (), 0, None)
        levels = LevelsUsed("auto", found.on_n, found.off_n, found.noise_n, found.stable_n)
        spans, cut = found.spans, found.cut
        if spans:
            rest_n = _rest_by_sample(len(recording.force_n), spans)
    else:
        levels = LevelsUsed("fixed", contact.on_n, contact.off_n, None, None)
        spans, cut = _fixed(recording, contact, rate_hz)
    begins = [begin for begin, _ in pieces]
    strokes = tuple(
        _stroke(recording, span, int(np.searchsorted(begins, span.first, side="right")) - 1) for span in spans
    )
    return FileAnalysis(strokes, cut, levels, rest_n, downwards_n)


@dataclass(frozen=True, slots=True)
class MotionInFile:
    """What a tool's motion sensor says of what lies between two times of the file, in its seconds."""

    start_s: float
    end_s: float
    motion: StrokeMotion


_TOLD = re.compile(
    r"# stroke: first_index=(\d+) last_index=(\d+) boot_id=(\d+) start_s=(-?[\d.]+) end_s=(-?[\d.]+) .*"
    r"excluded=(\S+) direction=(-?1|unknown) pass_length_mm=(\d+|unknown) source=(.+)"
)


def motions_told(stroke_lines: Sequence[str]) -> tuple[MotionInFile, ...]:
    """Return what the `# stroke:` lines of an export of ours say. Raises ValueError with one that can't be read."""
    motions = []
    for line in stroke_lines:
        found = _TOLD.fullmatch(line.strip())
        if found is None:
            raise ValueError(line)
        first, last, boot_id, start_s, end_s, excluded, direction, length_mm, source = found.groups()
        motion = StrokeMotion(
            int(boot_id),
            int(first),
            int(last),
            0 if direction == "unknown" else int(direction),
            None if length_mm == "unknown" else int(length_mm),
            source,
            "" if excluded == "no" else excluded,
        )
        motions.append(MotionInFile(float(start_s), float(end_s), motion))
    return tuple(motions)


def with_motion(analysis: FileAnalysis, motions: Sequence[MotionInFile]) -> FileAnalysis:
    """Return the analysis with what the motion sensor says of its strokes: those that it excludes are left out."""
    starts_s = np.array([each.start_s for each in motions])
    ends_s = np.array([each.end_s for each in motions])
    strokes, reasons = [], []
    for stroke in analysis.strokes:
        beside = np.flatnonzero((starts_s <= stroke.end_s) & (ends_s >= stroke.start_s))
        about = [motions[at].motion for at in beside.tolist()]
        if not about:
            strokes.append(stroke)
            continue
        direction, pass_length_mm, source, excluded = merged(about)
        if excluded:
            reasons.append(excluded)
        else:
            told = replace(stroke, direction=direction, pass_length_mm=pass_length_mm, source=source)
            strokes.append(told)
    return replace(analysis, strokes=tuple(strokes), excluded=tuple(reasons))


def with_regions(analysis: FileAnalysis, steps: StepsInFile) -> FileAnalysis:
    """Return the analysis with the region of each stroke."""
    strokes = tuple(replace(stroke, region=steps.region_at(stroke.start_s)) for stroke in analysis.strokes)
    return replace(analysis, strokes=strokes)


def net_of_rest(recording: GaugeRecording, analysis: FileAnalysis) -> GaugeRecording | None:
    """Return the recording with each force less the level of rest under it, None where none was found."""
    return None if analysis.rest_n is None else replace(recording, force_n=recording.force_n - analysis.rest_n)


def force_notes(recording: GaugeRecording, analysis: FileAnalysis, warn_n: float, alarm_n: float) -> tuple[str, ...]:
    """Return in words what a person should know before trusting the numbers: sign, rest, and too slow a gauge."""
    notes = []
    if analysis.downwards_n is not None:
        notes.append(
            f"pulls are negative: the force falls by {analysis.downwards_n:.1f} N from rest and hardly rises; strokes "
            "and limits need pulls above 0: analyse the CSV with --invert, or turn the sign in the gauge"
        )
    elif not analysis.strokes and analysis.levels.method == "auto" and (over_s := time_over_s(recording, warn_n)) > 0:
        notes.append(f"no stroke is found, yet the force lies over warn ({warn_n:g} N) for {over_s:.2f} s")
    notes += [] if analysis.downwards_n is not None else _rest_notes(recording, analysis, warn_n, alarm_n)
    period_s = _period_s(recording)
    shortest_s = min([_SHORT_CONTACT_S, *(s.end_s - s.start_s + period_s for s in analysis.strokes)])
    if period_s > shortest_s / _CONTACT_SAMPLES * (1 + 1e-6):
        notes.append(
            f"{1 / period_s:.3g} samples/s are too slow for strokes: those shorter than "
            f"{_CONTACT_SAMPLES * period_s:.2g} s may be missed or run together, and peaks be higher than shown"
        )
    return tuple(notes)


def _rest_notes(recording: GaugeRecording, analysis: FileAnalysis, warn_n: float, alarm_n: float) -> list[str]:
    strokes, levels = analysis.strokes, analysis.levels
    net = net_of_rest(recording, analysis)
    if net is not None:
        rests_n = [stroke.rest_n for stroke in strokes]
        small_n = _REST_SHARE * median(stroke.peak_net_n for stroke in strokes)
        if max(map(abs, rests_n)) <= small_n:
            return []
        level = f"at {median(rests_n):.1f} N, not at 0"
        if max(rests_n) - min(rests_n) > small_n:
            level = f"between {min(rests_n):.1f} and {max(rests_n):.1f} N, not at 0"
        return [
            f"The gauge rests {level}: forces are as in the file; net of rest: highest peak "
            f"{max(stroke.peak_net_n for stroke in strokes):.1f} N, {time_over_s(net, warn_n):.2f} s over warn, "
            f"{time_over_s(net, alarm_n):.2f} s over alarm"
        ]
    if levels.method == "auto" or levels.on_n is None or levels.off_n is None:
        return []
    resting_n = recording.force_n[recording.force_n < levels.off_n]
    if len(resting_n) < _SELDOM * len(recording.force_n):
        return [
            f"The force hardly ever falls below {levels.off_n:g} N, where contact ends: the gauge may rest above 0; "
            "--contact auto finds strokes from any level of rest"
        ]
    rest_n = float(np.median(resting_n))
    usual_n = median(stroke.peak_n for stroke in strokes) - rest_n if strokes else levels.on_n / _REST_SHARE
    if abs(rest_n) <= _REST_SHARE * usual_n:
        return []
    return [
        f"The gauge rests at {rest_n:.1f} N, not at 0: forces are as in the file; --contact auto gives them net of "
        "rest too"
    ]


def _period_s(recording: GaugeRecording) -> float:
    steps_s = [np.diff(recording.time_s[segment.begin : segment.end]) for segment in recording.segments]
    return float(np.median(np.concatenate(steps_s))) if any(map(len, steps_s)) else 0.0


def _rest_by_sample(n: int, spans: tuple[Span, ...]) -> Floats:
    """Return the level of rest (n,): under each pull its own, straight lines between."""
    rows = [row for span in spans for row in (span.first, span.last)]
    return np.interp(np.arange(n), rows, [span.rest_n for span in spans for _ in range(2)])


def time_over_s(recording: GaugeRecording, limit_n: float) -> float:
    """Return how long the force lay above a limit, straight lines between samples, holes left out."""
    total_s = 0.0
    for segment in recording.segments:
        over_n = recording.force_n[segment.begin : segment.end] - limit_n
        steps_s = np.diff(recording.time_s[segment.begin : segment.end])
        before, after = over_n[:-1], over_n[1:]
        above = np.maximum(before, 0) + np.maximum(after, 0)
        distance = np.abs(before) + np.abs(after)
        share = np.divide(above, distance, out=np.zeros_like(above), where=distance > 0)
        total_s += float((share * steps_s).sum())
    return total_s


def _fixed(recording: GaugeRecording, contact: Contact, rate_hz: float | None) -> tuple[tuple[Span, ...], int]:
    """Return the strokes by the rule of the live analysis; no stroke reaches across a hole."""
    if rate_hz is None:
        rate_hz = 1 / float(np.median(np.diff(recording.time_s)))
    # Times in a file are rounded: 0.15 s at 320/s must not become 49 samples for want of a nanosecond.
    detector = StrokeDetector(contact.on_n, contact.off_n, math.ceil(contact.min_s * rate_hz - 1e-3))
    spans = []
    for segment in recording.segments:
        detector.gap()
        glitches = [at - segment.begin for at in recording.glitches if segment.begin <= at < segment.end]
        for begin, end in parts(segment.end - segment.begin, glitches):
            first, last = segment.begin + begin, segment.begin + end
            spans += detector.feed(first, recording.force_n[first:last].tolist())
        spans += detector.gap()
    whole = tuple(Span(s.first_index, s.last_index, s.peak_index, 0.0) for s in spans if not s.truncated)
    return whole, len(spans) - len(whole)


def _stroke(recording: GaugeRecording, span: Span, segment: int) -> FileStroke:
    time_s = recording.time_s[span.first : span.last + 1]
    force_n = recording.force_n[span.first : span.last + 1]
    return FileStroke(
        segment=segment,
        start_s=float(time_s[0]),
        end_s=float(time_s[-1]),
        peak_s=float(recording.time_s[span.peak]),
        peak_n=float(recording.force_n[span.peak]),
        mean_n=float(force_n.mean()),
        impulse_ns=float(np.trapezoid(force_n, time_s)),
        rest_n=span.rest_n,
    )
