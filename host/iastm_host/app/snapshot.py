"""The live state of one session, immutable, for any view on any thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_calibration.zero_tracking import ZeroDrift
from iastm_host.analysis.exposure import Exposure
from iastm_host.analysis.profiles import Profile, Tip
from iastm_host.events import Alert, Motion, Problem, Stroke, ToolDescription


@dataclass(frozen=True, slots=True)
class LinkView:
    """State of the link (connecting, greeting, synchronising, streaming, lost, refused, ended, closed).

    `carrier` is serial, simulated, replay; `since_us` is the host time of the last change.
    """

    carrier: str
    state: str
    reason: str
    since_us: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The newest samples in index order: force_n (n,) float64, NaN where missing; saturated (n,) bool.

    Sample i has index `first_index + i`; the last one was taken at tool time `last_tool_us` and arrived at host
    time `last_arrived_us` (0: nothing came yet). `gaps` holds (first_index, end_index, reason) of what is lost.
    Samples of before a restart of the tool lie before those of `boot_id`, at indices that may be negative:
    `earlier` holds (boot_id, shift) of those boots, and their index plus the shift is the index here.
    """

    boot_id: int
    first_index: int
    period_us: float
    force_n: NDArray[np.float64]
    saturated: NDArray[np.bool_]
    last_tool_us: int
    last_arrived_us: int
    gaps: tuple[tuple[int, int, str], ...]
    earlier: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How hard the present or the last stroke is: force and the limits it stands against.

    `running_n` is the maximum of the stroke under way, None out of contact; `warn_crossed`: it crossed warn
    (debounced). `last_n` is the peak of the last finished stroke, None before the first; `contact_end_us` is the
    tool time at which contact last ended (0: never). `steady_n` is the median of the last 250 ms.
    """

    force_n: float | None
    running_n: float | None
    warn_crossed: bool
    alarm_crossed: bool
    last_n: float | None
    contact_start_us: int
    contact_end_us: int
    steady_n: float | None


@dataclass(frozen=True, slots=True)
class RecordingView:
    """The recording: path, bytes on disk, seconds since its start; `trouble` in words where writing fails."""

    path: str
    bytes_written: int
    elapsed_s: float
    trouble: str


@dataclass(frozen=True, slots=True)
class ZeroView:
    """The zero: offset it corrects and its change in newtons since the start.

    `progress` is what the request under way says to a person ("" none), `until_us` the host time until which a
    finished request's word stays; `can_undo`: there is another zero to go back to, the newer one where `undone`.
    `remaining_s` of the still second.
    """

    busy: bool
    word: str
    until_us: int
    can_undo: bool
    remaining_s: float
    undone: bool = False


@dataclass(frozen=True, slots=True)
class ReplayView:
    """Where a replay stands: its position and length in seconds, its speed (0 is as fast as it goes)."""

    position_s: float
    length_s: float
    speed: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to the tool, in words, and since when (host time) it is known.

    `far`: whoever treats should see it; others are for who looks after tools.
    """

    words: str
    since_us: int
    far: bool = True


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """Everything a live view shows. `taken_us` is host time; rates in hertz, None where unknown.

    `tool_warns`: the tool watches the same limits by itself, on a battery of its own, and nothing that it told keeps it
    from measuring or alerting (own_alarm.py).
    `missing_samples` are lost, in `gap_count` gaps of which `restart_count` are restarts of the tool; what is still
    being fetched is none of these: there are `awaited_samples` of it. `zero_drift` is what the tool's rests say of its
    zero, None before there were enough of them. `excluded_strokes` were none, as the tool lay or was wiped: they
    are not among the others. `notes` are what happened to the tool, in order.

    `tool_silenced_s`: so long the tool's buzzer and motor are silent still. `tool_alerts_by` are the channels that it
    has and that are chosen, None where it tells of none. `tool_dose_limit_ns` is where it alerts of its dose, in newton
    seconds, 0 never; `tool_dose_reached`: it came to that. `tool_motion` is how it is held, None where that is
    unknown. `paused`: strokes and dose count no more until the session goes on; `paused_strokes` did not. `region`
    counts the regions of the session, from 1. `markers_not_recorded` of the markers were set while nothing recorded.
    """

    taken_us: int
    link: LinkView
    tool: ToolDescription | None
    runtime: str
    profile: Profile
    tip: Tip | None
    trace: Trace
    verdict: Verdict
    strokes: tuple[Stroke, ...]
    stroke_count: int
    stroke_rate_hz: float | None
    exposure: Exposure
    alerts: tuple[Alert, ...]
    medium_alert: Alert | None
    samples_received: int
    samples_expected: int
    gap_count: int
    missing_samples: int
    recording: RecordingView | None
    replay: ReplayView | None
    zero: ZeroView
    battery_percent: int | None
    faults: tuple[str, ...]
    marker_count: int
    problem: Problem | None
    finished: bool
    tool_warns: bool = False
    awaited_samples: int = 0
    restart_count: int = 0
    zero_drift: ZeroDrift | None = None
    excluded_strokes: int = 0
    notes: tuple[Note, ...] = ()
    tool_silenced_s: int = 0
    tool_alerts_by: tuple[str, ...] | None = None
    tool_dose_limit_ns: float = 0.0
    tool_dose_reached: bool = False
    tool_motion: Motion | None = None
    paused: bool = False
    paused_strokes: int = 0
    region: int = 1
    markers_not_recorded: int = 0
