"""Strokes, stroke rate and time over limits of a whole recording of any gauge.

Times are the file's own; forces stay as they are in the file, whatever rest level was found under them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from iastm_host.analysis.contact import Span, find_contact
from iastm_host.analysis.gauge_csv import GaugeRecording
from iastm_host.analysis.profiles import Contact
from iastm_host.analysis.stroke_rate import BURST_PAUSE_US
from iastm_protocol.strokes import StrokeDetector

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FileStroke:
    """A stroke: times in the file's seconds, forces in newtons, `rest_n` the level of rest under it."""

    segment: int
    start_s: float
    end_s: float
    peak_s: float
    peak_n: float
    mean_n: float
    impulse_ns: float
    rest_n: float


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
    """The strokes of a recording; `cut` counts those of which an end is missing: they are not among the strokes."""

    strokes: tuple[FileStroke, ...]
    cut: int
    levels: LevelsUsed

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
    if contact is None:
        found = find_contact(recording.time_s, recording.force_n, pieces)
        levels = LevelsUsed("auto", found.on_n, found.off_n, found.noise_n, found.stable_n)
        spans, cut = found.spans, found.cut
    else:
        levels = LevelsUsed("fixed", contact.on_n, contact.off_n, None, None)
        spans, cut = _fixed(recording, contact, rate_hz)
    begins = [begin for begin, _ in pieces]
    strokes = tuple(
        _stroke(recording, span, int(np.searchsorted(begins, span.first, side="right")) - 1) for span in spans
    )
    return FileAnalysis(strokes, cut, levels)


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
        force_n = recording.force_n[segment.begin : segment.end].tolist()
        spans += [*detector.feed(segment.begin, force_n), *detector.gap()]
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
