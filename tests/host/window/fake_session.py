"""A session without a tool: strokes by formula, in any state that a test asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from iastm_host.analysis.exposure import Exposure
from iastm_host.analysis.profiles import Profile, Tip
from iastm_host.app.snapshot import (
    LinkView,
    LiveSnapshot,
    RecordingView,
    Trace,
    Verdict,
    ZeroView,
)
from iastm_host.events import Alert, Stroke, ToolDescription

PERIOD_US = 3125
STROKE_S, EVERY_S = 1.2, 2.1
BOOT_ID = 0x1A57
START_US = 1_000_000_000
"""Host time of the first sample."""

ONE_HAND = Profile(
    "one_hand",
    "IASTM, one hand",
    "stroke",
    5.0,
    8.5,
    11.0,
    14.0,
    300.0,
    "measured, simulant",
    "derived",
    "doi 10.1123/jsr.2020-0247",
)
HOLD = Profile(
    "trigger", "Trigger point, sustained", "hold", 6.0, 9.0, 11.0, 13.0, 60.0, "expert", "none", "practice papers"
)
TIP = Tip("Tip B", 1.2, 0.2)
TOOL = ToolDescription(
    "0.1.0", "ab12", "simulated", "micropython 1.28.0", "SIM-1", BOOT_ID, 320.0, 19200, "default", "00", True, "1.0"
)
EMPTY_ZERO = ZeroView(False, "", 0, True, 0.0)


def force_at(seconds: np.ndarray, peaks_n: tuple[float, ...]) -> np.ndarray:
    """Return the force of strokes that follow each other every `EVERY_S`, their peaks taken in turn."""
    number = np.floor(seconds / EVERY_S).astype(int)
    phase = (seconds - number * EVERY_S) / STROKE_S
    shape = np.where(phase < 1.0, np.sin(np.pi * np.clip(phase, 0.0, 1.0)) ** 0.86, 0.0)
    force_n: np.ndarray = np.asarray(peaks_n)[number % len(peaks_n)] * shape
    return force_n


def stroke_number(number: int, peak_n: float) -> Stroke:
    """Return the `number`th stroke."""
    first_us = round(number * EVERY_S * 1e6)
    last_us, peak_us = first_us + round(STROKE_S * 1e6), first_us + round(STROKE_S * 0.5e6)
    first, last, peak = (round(us / PERIOD_US) for us in (first_us, last_us, peak_us))
    return Stroke(BOOT_ID, first, last, peak, first_us, last_us, peak_us, peak_n, peak_n * 0.7, peak_n * 0.8, False)


def snapshot_at(
    seconds: float, peaks_n: tuple[float, ...] = (6.9, 9.3, 6.2, 7.4, 6.8), **changes: object
) -> LiveSnapshot:
    """Return what a session shows `seconds` after its first sample, with fields of the snapshot changed."""
    end_index = int(seconds * 1e6 / PERIOD_US)
    first_index = max(0, end_index - 3840)
    times_s = np.arange(first_index, end_index + 1) * PERIOD_US / 1e6
    noise_n = np.random.default_rng(first_index).normal(0.05, 0.02, len(times_s))
    force_n = np.maximum(0.0, force_at(times_s, peaks_n) + noise_n)
    finished = max(0, int((seconds - STROKE_S) / EVERY_S) + 1) if seconds >= STROKE_S else 0
    strokes = tuple(stroke_number(number, peaks_n[number % len(peaks_n)]) for number in range(finished))
    running = seconds % EVERY_S < STROKE_S
    under_way = int(seconds / EVERY_S)
    running_n = float(force_n[times_s >= under_way * EVERY_S].max()) if running else None
    start_us = round((under_way if running else finished - 1) * EVERY_S * 1e6)
    end_us = 0 if not strokes else strokes[-1].last_us
    peaks = [stroke.peak_n for stroke in strokes]
    snapshot = LiveSnapshot(
        taken_us=START_US + round(seconds * 1e6) + 12_000,
        link=LinkView("simulated", "streaming", "", START_US),
        tool=TOOL,
        runtime="micropython 1.28.0",
        profile=ONE_HAND,
        tip=TIP,
        trace=Trace(
            BOOT_ID,
            first_index,
            float(PERIOD_US),
            force_n,
            np.zeros(len(force_n), dtype=bool),
            end_index * PERIOD_US,
            START_US + end_index * PERIOD_US + 8_000,
            (),
        ),
        verdict=Verdict(
            float(force_n[-1]),
            running_n,
            running_n is not None and running_n > ONE_HAND.warn_n,
            running_n is not None and running_n > ONE_HAND.alarm_n,
            peaks[-1] if peaks else None,
            max(0, start_us),
            end_us,
            float(np.median(force_n[-80:])),
        ),
        strokes=strokes[-40:],
        stroke_count=len(strokes),
        stroke_rate_hz=1 / EVERY_S if len(strokes) > 1 else None,
        exposure=Exposure(
            float(np.percentile(peaks, 95)) if peaks else None,
            sum(peak_n > ONE_HAND.warn_n for peak_n in peaks),
            0.2,
            STROKE_S * len(strokes),
            True,
        ),
        alerts=(),
        medium_alert=None,
        samples_received=end_index + 1,
        samples_expected=end_index + 1,
        gap_count=0,
        missing_samples=0,
        recording=RecordingView(
            "/home/me/Recordings/2026-11-21.iastm", 3_260_000 + int(seconds * 5000), 761 + seconds, ""
        ),
        replay=None,
        zero=EMPTY_ZERO,
        battery_percent=82,
        faults=(),
        marker_count=0,
        problem=None,
        finished=False,
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def medium_alert(seconds: float) -> Alert:
    """Return the alert of three of the last five strokes over alarm."""
    return Alert(BOOT_ID, "repeated", "medium", int(seconds * 1e6 / PERIOD_US), int(seconds * 1e6), False)


class FakeSession:
    """Shows what it is told to, and remembers what it was asked for."""

    def __init__(self, snapshot: LiveSnapshot | None = None) -> None:
        self.shown = snapshot_at(12.5) if snapshot is None else snapshot
        self.calls: list[str] = []

    def now_us(self) -> int:
        return self.shown.taken_us

    def snapshot(self) -> LiveSnapshot:
        return self.shown

    def zero(self) -> None:
        self.calls.append("zero")

    def undo_zero(self) -> None:
        self.calls.append("undo_zero")

    def add_marker(self) -> None:
        self.calls.append("add_marker")

    def set_paused(self, paused: bool) -> None:
        self.calls.append("pause" if paused else "go_on")
        self.shown = replace(self.shown, paused=paused)

    def next_region(self) -> None:
        self.calls.append("next_region")

    def silence_tool(self, silent: bool) -> None:
        self.calls.append("silence" if silent else "let_sound")

    def start_recording(self) -> None:
        self.calls.append("start_recording")

    def stop(self) -> None:
        self.calls.append("stop")
        self.shown = replace(self.shown, finished=True)
