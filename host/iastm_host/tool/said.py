"""What the messages of a tool say, as events: units of the wire become those of the host, numbers words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import (
    Alert,
    CalibrationReport,
    Channels,
    ForceBlock,
    Health,
    LimitsReport,
    Motion,
    SelfTestResult,
    SelfTestRow,
    StatusReport,
    StrokeMotion,
    ToolDescription,
    ToolEvent,
    ZeroReport,
)
from iastm_host.tool.words import (
    DOSE,
    EVENTS,
    EXCLUSIONS,
    FORCE_AND_MOTION,
    GESTURES,
    RESET_REASONS,
    TESTS,
    VERDICTS,
    channels_in,
    faults_in,
)
from iastm_host.tool.zeros import Zeros
from iastm_protocol import kinds, messages, signing, tool_messages
from iastm_protocol.conversion import polarity, to_newtons
from iastm_protocol.errors import RemoteProtocolError

# A batch may stretch or shrink against the stated rate by this factor; beyond it its times are damage.
_PERIOD_FACTOR = 4.0
_MILLI = 1000
PROTOCOL = f"{kinds.MAJOR}.{kinds.MINOR}"
"""The protocol that this host speaks, as a tool's description has it."""
# A row of a self-test that was not measured, or has no bound.
_UNTOLD, _NO_HIGH = -(1 << 31), (1 << 31) - 1


def description(hello: messages.HelloAnswer) -> ToolDescription:
    """Return who the tool is."""
    return ToolDescription(
        firmware_version=hello.firmware_version,
        source_hash=hello.source_hash.hex(),
        board=hello.board,
        runtime=hello.runtime,
        serial_number=hello.serial_number,
        boot_id=hello.boot_id,
        rate_hz=hello.rate_mhz / _MILLI,
        ring_depth=hello.ring_depth,
        calibration_id=hello.calibration_id,
        calibration_sha256=hello.calibration_sha256.hex(),
        simulated=bool(hello.features & kinds.FEATURE_SIMULATED),
        backfills=bool(hello.features & kinds.FEATURE_BACKFILL),
        keeps_calibration=bool(hello.features & kinds.FEATURE_CALIBRATION),
        protocol=f"{hello.major}.{hello.minor}",
        senses_motion=bool(hello.features & kinds.FEATURE_MOTION),
        chooses_channels=bool(hello.features & kinds.FEATURE_SIGNALS),
        tests_itself=bool(hello.features & kinds.FEATURE_SELF_TEST),
        keeps_log=bool(hello.features & kinds.FEATURE_LOG),
        sums_dose=bool(hello.features & kinds.FEATURE_DOSE),
        trouble=hello.trouble,
        reset_reason=RESET_REASONS.get(hello.reset_reason, f"reset reason {hello.reset_reason}"),
        power_losses=hello.power_losses,
        restarts=hello.restarts,
        overload_n=hello.overload_mn / _MILLI,
        log_bytes=hello.log_bytes,
        challenge=b"" if hello.challenge == signing.NO_CHALLENGE else hello.challenge,
    )


def block(
    batch: messages.ForceSamples, tool: ToolDescription, calibration: CalibrationReport, zeros: Zeros, now_us: int
) -> ForceBlock:
    """Return a batch in newtons; raises RemoteProtocolError where its times can't be."""
    n = batch.sample_count
    nominal_us = 1e6 / tool.rate_hz
    period_us = batch.span_us / (n - 1) if n > 1 else nominal_us
    if not nominal_us / _PERIOD_FACTOR <= period_us <= nominal_us * _PERIOD_FACTOR:
        raise RemoteProtocolError(f"sample times do not fit the stated {tool.rate_hz:g} samples/s")
    counts = to_int32(batch.packed)
    force_n = to_newtons(counts.astype(np.float64), zeros.of(batch.first_index, n), calibration.coefficients)
    return ForceBlock(
        tool.boot_id,
        batch.first_index,
        batch.first_us,
        period_us,
        np.asarray(force_n),
        counts,
        batch.flags,
        now_us,
        bool(batch.flags & kinds.BACKFILLED),
    )


def to_int32(packed: bytes) -> NDArray[np.int32]:
    """Return counts of 24 bits, packed little-endian, as (n,) int32."""
    # Four bytes are read where three belong to the sample; the shift drops the foreign one and keeps the sign.
    n = len(packed) // messages.BYTES_PER_COUNT
    wide = np.ndarray((n,), "<i4", b"\0" + packed, strides=(messages.BYTES_PER_COUNT,))
    counts: NDArray[np.int32] = wide >> 8
    return counts


def status(said: messages.Status) -> StatusReport:
    """Return the tool's state; what it does not know is None."""
    return StatusReport(
        said.next_index,
        None if said.battery_percent == kinds.UNKNOWN_U8 else said.battery_percent,
        None if said.temperature_cdeg == kinds.UNKNOWN_I16 else said.temperature_cdeg / 100,
        faults_in(said.faults),
        said.missed_conversions,
        said.overrun_samples,
        said.heap_free_bytes,
        said.uptime_s,
    )


def tool_event(said: messages.ToolEvent, calibration: CalibrationReport | None = None) -> ToolEvent:
    """Return what happened on the tool, of an unknown kind by number; `calibration` makes newtons of its counts."""
    gesture, force_n = "", None
    if said.kind == kinds.EVENT_BUTTON:
        gesture = GESTURES.get(said.value, "")
    elif calibration is not None and said.kind == kinds.EVENT_OVERLOAD:
        net = said.value * polarity(calibration.coefficients)
        force_n = float(to_newtons(net, 0, calibration.coefficients))
    elif calibration is not None and said.kind == kinds.EVENT_ZERO_COMPARED:
        force_n = float(to_newtons(said.value, 0, calibration.coefficients))
    return ToolEvent(
        said.event_id, EVENTS.get(said.kind, f"event {said.kind}"), said.index, said.value, gesture, force_n
    )


def calibration(said: messages.Calibration) -> CalibrationReport:
    """Return the calibration in force."""
    return CalibrationReport(
        said.calibration_id,
        said.sha256.hex(),
        said.capacity_n,
        tuple(said.coefficients),
        said.expires_day,
        said.from_index,
    )


def zero(said: messages.Zero) -> ZeroReport:
    """Return the zero in force."""
    return ZeroReport(said.counts, said.from_index, said.previous_counts, said.confirmed)


def limits(said: messages.Limits) -> LimitsReport:
    """Return the limits that the tool watches, in newtons."""
    return LimitsReport(
        said.profile,
        said.warn_mn / _MILLI,
        said.alarm_mn / _MILLI,
        said.contact_on_mn / _MILLI,
        said.contact_off_mn / _MILLI,
    )


def dose_alert(said: messages.AlertReport, tool: ToolDescription) -> Alert:
    """Return the tool's alert that its dose limit is reached."""
    return Alert(tool.boot_id, DOSE, "medium", said.index, said.tool_us, late=False)


def motion(said: tool_messages.MotionReport) -> Motion:
    """Return how the tool is held, in degrees."""
    return Motion(
        said.index,
        said.tool_us,
        said.tilt_cdeg / 100,
        said.roll_cdeg / 100,
        bool(said.state & kinds.MOTION_LYING),
        bool(said.state & kinds.MOTION_WIPING),
        bool(said.state & kinds.MOTION_MOVING),
    )


def stroke_motion(
    said: tool_messages.StrokeMotion, stroke: messages.StrokeReport, tool: ToolDescription
) -> StrokeMotion:
    """Return what the motion sensor tells of the tool's `stroke`."""
    source = FORCE_AND_MOTION if said.source == 1 else f"source {said.source}"
    return StrokeMotion(
        tool.boot_id,
        stroke.first_index,
        stroke.last_index,
        said.direction,
        said.pass_length_mm or None,
        source,
        EXCLUSIONS.get(said.excluded, f"exclusion {said.excluded}"),
    )


def health(said: tool_messages.HealthReport) -> Health:
    """Return the tool's condition; what it does not know is None."""
    return Health(
        said.battery_mv / _MILLI if said.battery_mv else None,
        said.rate_mhz / _MILLI if said.rate_mhz else None,
        said.jitter_us,
        said.glitches,
        said.voided,
        said.dose_mns / _MILLI,
        said.dose_limit_mns / _MILLI,
        None if said.idle_s == kinds.NEVER_SLEEPS else said.idle_s,
    )


def channels(said: tool_messages.ChannelsReport) -> Channels:
    """Return by what the tool alerts."""
    return Channels(channels_in(said.there), channels_in(said.chosen), said.silenced_s)


def self_test(said: tool_messages.SelfTestResult) -> SelfTestResult:
    """Return what a self-test found, of an unknown test by number."""
    return SelfTestResult(said.request_id, tuple(_row(row) for row in said.tests))


def _row(row: tool_messages.SelfTestRow) -> SelfTestRow:
    name, unit, per_unit = TESTS.get(row.test, (f"test {row.test}", "", 1))
    return SelfTestRow(
        name,
        VERDICTS.get(row.verdict, f"verdict {row.verdict}"),
        unit,
        None if row.value == _UNTOLD else row.value / per_unit,
        None if row.low == _UNTOLD else row.low / per_unit,
        None if row.high == _NO_HIGH else row.high / per_unit,
    )
