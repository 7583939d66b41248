"""The vocabulary that flows between rooms: frozen dataclasses, numpy only.

Times in `tool_us` are microseconds of the tool's clock, those in `host_us` of the host's; the two never mix.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


class Problem(Exception):
    """Something a person can mend: what happened, and what to do. Shown whole, never as a traceback."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came from a transport; b"" is silence, and drives every time-out."""

    host_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the link broke in a recording, and why; after it the tool was greeted anew."""

    host_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class ForceBlock:
    """Samples with consecutive indices: force_n (n,) float64 newtons, raw_counts (n,) int32 or None.

    `tool_us` is the time of the first sample and `period_us` (> 0) lies between two. `flags` are those of
    protocol force samples. `arrived_us` is host time.
    """

    boot_id: int
    first_index: int
    tool_us: int
    period_us: float
    force_n: NDArray[np.float64]
    raw_counts: NDArray[np.int32] | None
    flags: int
    arrived_us: int
    backfilled: bool

    @property
    def next_index(self) -> int:
        """The index after the last sample."""
        return self.first_index + len(self.force_n)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A block as it arrived, whatever is missing before it; as ForceBlock it comes in index order."""

    block: ForceBlock


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that are missing and won't come; `reason` in words."""

    boot_id: int
    first_index: int
    sample_count: int
    tool_us: int
    period_us: float
    reason: str

    def continues(self, before: object) -> bool:
        """Whether it touches `before`, so that both are one gap to a person."""
        if not isinstance(before, Gap) or before.boot_id != self.boot_id or not before.sample_count:
            return False
        return before.first_index + before.sample_count == self.first_index and before.reason == self.reason


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke in newtons, by sample index and tool time; truncated: its start or end was not seen.

    `direction` is +1 along the tool's axis from handle to tip, −1 against it, 0 unknown; `pass_length_mm` is None where
    unknown. `source` says what these were told from: "force" alone tells neither.
    """

    boot_id: int
    first_index: int
    last_index: int
    peak_index: int
    first_us: int
    last_us: int
    peak_us: int
    peak_n: float
    mean_n: float
    impulse_ns: float
    truncated: bool
    direction: int = 0
    pass_length_mm: int | None = None
    source: str = "force"


@dataclass(frozen=True, slots=True)
class Alert:
    """A decision of the host. Kinds: warn, alarm, repeated (3 of the last 5 strokes over alarm), saturated; and of the
    tool: dose (it came to the limit that the tool was told).

    Priority: cue, medium or technical. `index` and `tool_us` are those of the sample that decided. `late`: the
    sample came by backfill, or the tool's alert was lost and its condition tells so afterwards.
    """

    boot_id: int
    kind: str
    priority: str
    index: int
    tool_us: int
    late: bool


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The link's state (see tool/states.py) and its reason in words."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ToolEvent:
    """Something that happened on the tool: its running id, kind in words, the sample index it holds from.

    `value` is as the tool sent it (0: nothing told). `gesture` names what was done with the button, "" where an older
    tool does not tell. `force_n` is the peak of an overload, or what a compared zero is off by; None of others.
    """

    id: int
    kind: str
    index: int
    value: int = 0
    gesture: str = ""
    force_n: float | None = None


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """What the tool said of itself; `challenge` is empty where commands need no signature.

    `warns`: it takes limits and warns at them by itself. `tares`: its zero is set by Tare, and it tells no raw counts.
    `keeps_calibration`: one can be written to it, and read back. `senses_motion`: it tells how it is held, and of each
    stroke its direction and length. `chooses_channels`: what it alerts by can be chosen and silenced. `tests_itself`,
    `keeps_log`, `sums_dose`: it takes SelfTest, GetLog, SetDoseLimit and ResetDose.

    `trouble` says in words what of it did not start, `reset_reason` why it started ("" unknown). `power_losses` (amid
    a stream) and `restarts` (after a failure) are counted over its life, `overload_n` is the largest force beyond its
    capacity, `log_bytes` the length of its log. A tool of an older minor tells none of these.
    """

    firmware_version: str
    source_hash: str
    board: str
    runtime: str
    serial_number: str
    boot_id: int
    rate_hz: float
    ring_depth: int
    calibration_id: str
    calibration_sha256: str
    simulated: bool
    protocol: str
    backfills: bool = False
    challenge: bytes = field(default=b"", repr=False, compare=False)
    warns: bool = True
    tares: bool = False
    keeps_calibration: bool = False
    senses_motion: bool = False
    chooses_channels: bool = False
    tests_itself: bool = False
    keeps_log: bool = False
    sums_dose: bool = False
    trouble: str = ""
    reset_reason: str = ""
    power_losses: int = 0
    restarts: int = 0
    overload_n: float = 0.0
    log_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """The calibration in force on the tool: coefficients of newtons over counts from zero, lowest first.

    `expires_day` counts days since 1970-01-01, 0 unknown; `from_index` is the first sample for which it holds.
    """

    calibration_id: str
    sha256: str
    capacity_n: float
    coefficients: tuple[float, ...]
    expires_day: int = 0
    from_index: int = 0


@dataclass(frozen=True, slots=True)
class ZeroReport:
    """The zero in force, the index from which it holds, and the one before it."""

    counts: int
    from_index: int
    previous_counts: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class LimitsReport:
    """The limits that the tool watches, in newtons."""

    profile: str
    warn_n: float
    alarm_n: float
    contact_on_n: float
    contact_off_n: float


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The tool's state once a second; None is unknown, `faults` in words."""

    next_index: int
    battery_percent: int | None
    temperature_c: float | None
    faults: tuple[str, ...]
    missed_conversions: int
    overrun_samples: int
    heap_free_bytes: int
    uptime_s: int


@dataclass(frozen=True, slots=True)
class Motion:
    """How the tool is held: its axis over the horizontal, tip down positive (±90°), and the roll about it (±180°).

    `index` is that of the sample to come. `lying`: in nobody's hand; `wiping`: it is cleaned.
    """

    index: int
    tool_us: int
    tilt_deg: float
    roll_deg: float
    lying: bool
    wiping: bool
    moving: bool


@dataclass(frozen=True, slots=True)
class StrokeMotion:
    """What the tool's motion sensor tells of a stroke of the tool's own, from one sample to the other.

    A pause of the session says so too: what lies within it is excluded as "paused".

    `direction` is +1 along the tool's axis, −1 against it, 0 unknown; `pass_length_mm` is None where unknown.
    `excluded` says why it is no stroke ("lying", "wiping"), "" where it is one.
    """

    boot_id: int
    first_index: int
    last_index: int
    direction: int
    pass_length_mm: int | None
    source: str
    excluded: str


@dataclass(frozen=True, slots=True)
class StrokeTold:
    """What the tool's motion sensor says of a stroke that was told before; the last one told holds.

    `stroke` is that stroke with its direction and length. `excluded` says why it is none and counts no more ("lying",
    "wiping"), "" where it is one.
    """

    stroke: Stroke
    excluded: str


@dataclass(frozen=True, slots=True)
class Paused:
    """A person paused the session at this sample, or went on: what comes between is recorded, alerted, not counted."""

    boot_id: int
    index: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The tool's condition once a second; None is unknown.

    `jitter_us` is the largest deviation of a conversion from an even pace in that second. `glitches` are suspected,
    `voided` were thrown away by the converter's driver, both since it started. `dose_limit_ns` of 0 is off. `idle_s`
    is the time until it falls asleep, None where it does not.
    """

    battery_v: float | None
    rate_hz: float | None
    jitter_us: int
    glitches: int
    voided: int
    dose_ns: float
    dose_limit_ns: float
    idle_s: int | None


@dataclass(frozen=True, slots=True)
class Channels:
    """By what the tool alerts: names of what it has and of what is chosen, and how long it is silenced still, in s."""

    there: tuple[str, ...]
    chosen: tuple[str, ...]
    silenced_s: int


@dataclass(frozen=True, slots=True)
class SelfTestRow:
    """One self-test: its name, its verdict (passed, failed, not fitted), and in `unit` what was measured and the least
    and greatest value that passes; None where nothing was measured, or there is no bound.
    """

    test: str
    verdict: str
    unit: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """What the self-test of that request found."""

    request_id: int
    rows: tuple[SelfTestRow, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Frames that arrived whole and break the rules: how many so far, and what is wrong with the last."""

    count: int
    why: str


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Host time minus tool time, from the round trip that was shortest, and its uncertainty (±)."""

    offset_us: int
    uncertainty_us: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: accepted or not, with the reason in words; `needs`: key, press, time (nothing was
    heard) or nothing.

    To GetCalibration and GetLog `data` is the piece that was asked for, `total` the length of all, 0 where there is
    nothing.
    """

    request_id: int
    accepted: bool
    reason: str
    needs: str = ""
    data: bytes = field(default=b"", repr=False)
    total: int = 0


@dataclass(frozen=True, slots=True)
class SetZero:
    """Command: raw counts without load."""

    counts: int


@dataclass(frozen=True, slots=True)
class Tare:
    """Command: what the gauge reads now is zero, for a gauge that keeps its zero to itself; nothing undoes it."""


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Command: the limits that the tool shall watch, in newtons (0 turns warn or alarm off)."""

    profile: str
    warn_n: float
    alarm_n: float
    contact_on_n: float
    contact_off_n: float


@dataclass(frozen=True, slots=True)
class GetKey:
    """Command: the key with which changes are signed; comes as KeyReport where the tool gives it out."""


@dataclass(frozen=True, slots=True)
class RenewKey:
    """Command: a new key in the old one's place; comes as KeyReport."""


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The tool's key, 32 bytes."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BeginCalibration:
    """Command: a stored calibration of `length` bytes comes, see iastm_protocol.stored_calibration."""

    length: int


@dataclass(frozen=True, slots=True)
class CalibrationPart:
    """Command: the next bytes of it, from byte `offset` on."""

    offset: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeepCalibration:
    """Command: all has come, and its SHA-256 (32 bytes) is this; checked and kept it is in force."""

    sha256: bytes


@dataclass(frozen=True, slots=True)
class GetCalibration:
    """Command: up to `n` bytes of what the tool keeps, from byte `offset` on; they stand in the Answer."""

    offset: int
    n: int


@dataclass(frozen=True, slots=True)
class GetLog:
    """Command: up to `n` bytes of the tool's log of its failures, from byte `offset` on; they stand in the Answer."""

    offset: int
    n: int


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Command: the tool tests itself, untouched; its SelfTestResult comes up to 5 s after the Answer."""


@dataclass(frozen=True, slots=True)
class SetChannels:
    """Command: the tool alerts by these from now on, of light, buzzer and vibration; none is a choice too."""

    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Command: buzzer and motor are silent for what is alerted now, for up to 120 `seconds`; 0 ends it."""

    seconds: int


@dataclass(frozen=True, slots=True)
class SetDoseLimit:
    """Command: the tool alerts once its dose comes to `limit_ns` newton seconds, 0 never."""

    limit_ns: float


@dataclass(frozen=True, slots=True)
class ResetDose:
    """Command: the tool's dose is 0 again."""


Command = (
    SetZero
    | Tare
    | SetLimits
    | GetKey
    | RenewKey
    | BeginCalibration
    | CalibrationPart
    | KeepCalibration
    | GetCalibration
    | GetLog
    | SelfTest
    | SetChannels
    | Silence
    | SetDoseLimit
    | ResetDose
)
Event = (
    Arrived
    | ForceBlock
    | Gap
    | Stroke
    | Alert
    | LinkChanged
    | ToolEvent
    | ToolDescription
    | CalibrationReport
    | ZeroReport
    | LimitsReport
    | StatusReport
    | Motion
    | StrokeMotion
    | StrokeTold
    | Paused
    | Health
    | Channels
    | SelfTestResult
    | ClockOffset
    | Unreadable
    | Answer
    | KeyReport
)
