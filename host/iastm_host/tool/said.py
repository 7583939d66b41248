"""What the messages of a tool say, as events: units of the wire become those of the host, numbers words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import (
    CalibrationReport,
    ForceBlock,
    LimitsReport,
    StatusReport,
    ToolDescription,
    ToolEvent,
    ZeroReport,
)
from iastm_host.tool.words import EVENTS, faults_in
from iastm_host.tool.zeros import Zeros
from iastm_protocol import kinds, messages, signing
from iastm_protocol.conversion import to_newtons
from iastm_protocol.errors import RemoteProtocolError

# A batch may stretch or shrink against the stated rate by this factor; beyond it its times are damage.
_PERIOD_FACTOR = 4.0
_MILLI = 1000


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


def tool_event(said: messages.ToolEvent) -> ToolEvent:
    """Return what happened on the tool, of an unknown kind by number."""
    return ToolEvent(said.event_id, EVENTS.get(said.kind, f"event {said.kind}"), said.index)


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
