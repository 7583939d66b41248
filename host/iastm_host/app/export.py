"""A recording as CSV: a row per sample present; units, provenance, gaps, saturation, glitches and markers in # lines.

# lines at the end say each stroke's direction and length, and what they are told from, where the tool senses motion,
and the regions and pauses of the session, where there are any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from iastm_host.analysis.file_steps import step_lines
from iastm_host.analysis.glitches import Glitches
from iastm_host.analysis.saturation import at_rail, is_saturated
from iastm_host.app.markers import MarkersInOrder
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_profile
from iastm_host.app.session_clock import SessionClock
from iastm_host.app.steps import StepsInOrder
from iastm_host.events import (
    Arrived,
    CalibrationReport,
    ForceBlock,
    Gap,
    Problem,
    Stroke,
    StrokeTold,
    ToolDescription,
    ZeroReport,
)
from iastm_host.records import disk
from iastm_host.records.entries import Marker, Recording

COLUMNS = "index,tool_time_us,time_s,force_n,raw_counts"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to; `remarks` are words for a person."""

    samples: int
    gaps: int
    strokes: int
    remarks: tuple[str, ...]


class _SaturatedRuns:
    """Finds runs of samples at the sensor's limit, across blocks."""

    def __init__(self) -> None:
        self._boot_id = 0
        self._first_index = 0
        self._count = 0

    def within(self, block: ForceBlock) -> list[tuple[int, str]]:
        """Return the runs that this block ends, as (index of the last sample, its line).

        One that lasts until the block's end stays open.
        """
        ended = []
        if self._count and (block.boot_id, block.first_index) != (self._boot_id, self._first_index + self._count):
            ended += self._end()
        for i, saturated in enumerate(saturated_samples(block).tolist()):
            if saturated:
                if not self._count:
                    self._boot_id, self._first_index = block.boot_id, block.first_index + i
                self._count += 1
            elif self._count:
                ended += self._end()
        return ended

    def left(self) -> list[str]:
        """Return the line of the run that is open, which ends here."""
        return [line for _, line in self._end()] if self._count else []

    def _end(self) -> list[tuple[int, str]]:
        first, count, self._count = self._first_index, self._count, 0
        return [(first + count - 1, f"# saturated: first_index={first} samples={count}\n")]


class _Strokes:
    """Counts whole strokes, and keeps what the tool's motion sensor says of them."""

    def __init__(self) -> None:
        self._whole = 0
        self._told: dict[tuple[int, int], StrokeTold] = {}
        # Of each boot the tool time at which the session's seconds are 0.
        self._start_us: dict[int, int] = {}

    def reach(self, block: ForceBlock, clock: SessionClock) -> None:
        """Take what comes next in index order, which the clock has reached."""
        self._start_us[block.boot_id] = clock.start_us

    @property
    def count(self) -> int:
        """Whole strokes that are not excluded."""
        return self._whole - sum(bool(told.excluded) and not told.stroke.truncated for told in self._told.values())

    def take(self, event: Stroke | StrokeTold) -> None:
        """Take a stroke, or what is told of one."""
        if isinstance(event, Stroke):
            self._whole += not event.truncated
        else:
            self._told[event.stroke.boot_id, event.stroke.first_index] = event

    def lines(self) -> Iterator[str]:
        """Yield a line for each stroke of which something is told; direction 1 is towards the tip, −1 the handle."""
        for told in self._told.values():
            stroke = told.stroke
            start_us = self._start_us[stroke.boot_id]
            times = f"start_s={(stroke.first_us - start_us) / 1e6:.6f} end_s={(stroke.last_us - start_us) / 1e6:.6f}"
            length = "unknown" if stroke.pass_length_mm is None else str(stroke.pass_length_mm)
            yield (
                f"# stroke: first_index={stroke.first_index} last_index={stroke.last_index} boot_id={stroke.boot_id} "
                f"{times} "
                f"peak_n={stroke.peak_n!r} excluded={told.excluded or 'no'} "
                f"direction={stroke.direction or 'unknown'} pass_length_mm={length} source={stroke.source}\n"
            )


def _lines_before(item: ForceBlock | Gap, clock: SessionClock) -> str:
    """Let the clock reach `item`; return the lines that stand before it."""
    first = not clock.began
    if clock.reach(item):
        return "# note: the tool's clock began anew; time_s goes on by the host's clock\n"
    return f"{COLUMNS}\n" if first and clock.began else ""


def saturated_samples(block: ForceBlock) -> NDArray[np.bool_]:
    """Return which samples (n,) were at the sensor's limit: the force there was at least what is shown."""
    if not is_saturated(block):
        return np.zeros(len(block.force_n), np.bool_)
    found = np.zeros(len(block.force_n), np.bool_) if block.raw_counts is None else at_rail(block.raw_counts)
    # The tool says so and no count shows it: any sample may be meant.
    return found if found.any() else np.ones(len(block.force_n), np.bool_)


def damage(recording: Recording) -> tuple[str, ...]:
    """Return in words what the file of a recording lacks, nothing where it is whole."""
    damaged, missing, torn_bytes = recording.condition()
    words = []
    if torn_bytes:
        words.append(f"The recording was cut off: its last {torn_bytes} bytes are no whole entry.")
    if damaged or missing:
        words.append(f"{damaged} entries of the recording are damaged and {missing} missing.")
    return tuple(words)


def export_csv(recording: Recording, target: Path) -> Exported:
    """Write `target`, which must not exist; raises Problem."""
    if str(target) == "-":
        raise Problem(
            "An export goes to a file, and - is none.", "Name one, such as --csv session.csv; it must not exist."
        )
    try:
        stream = target.open("x", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise Problem(
            f"{target} exists and is not overwritten.", "Name another file, or move that one away."
        ) from error
    except (OSError, ValueError) as error:
        raise Problem(f"{target} can't be written: {disk.reason(error)}.", f"{disk.cure(error)}.") from error
    try:
        with stream:
            exported = _write(recording, stream)
        if not exported.samples:
            raise Problem(f"{recording.path} holds no samples.", "Choose another recording.")
    except BaseException as error:
        # Half an export must not look like a whole one.
        target.unlink()
        if isinstance(error, OSError):
            raise Problem(
                f"The export stopped, and {target} was removed again: {disk.reason(error)}.",
                f"{disk.cure(error)}, or name a file on another disk.",
            ) from error
        raise
    return exported


def _write(recording: Recording, stream: TextIO) -> Exported:
    remarks = damage(recording)
    stream.writelines(f"# {line}\n" for line in _provenance(recording))
    stream.writelines(f"# note: {word}\n" for word in remarks)
    samples = gaps = 0
    markers = MarkersInOrder(recording.markers())
    saturated = _SaturatedRuns()
    said: dict[type, str] = {}
    told: ForceBlock | Gap | None = None
    clock = SessionClock()
    glitches = Glitches()
    strokes = _Strokes()
    steps = StepsInOrder(recording.steps())

    def write_changed(event: ToolDescription | CalibrationReport | ZeroReport, line: str) -> None:
        # Each connection tells them anew; a line says that something holds from here on.
        if said.get(type(event)) != line:
            said[type(event)] = line
            stream.write(line)

    for event in recorded_events(recording):
        if isinstance(event, ForceBlock | Gap):
            stream.write(_lines_before(event, clock))
            gaps += isinstance(event, Gap) and not event.continues(told)
            told = event
        match event:
            case Arrived():
                clock.hear(event.block)
            case ForceBlock():
                strokes.reach(event, clock)
                steps.reach(event, clock)
                found = glitches.within(event)
                suspected = [-1, *found.within] if found.before else found.within
                runs = saturated.within(event) + [_glitch_line(event, at) for at in suspected]
                stream.writelines(_rows(event, clock.start_us, list(markers.within(event)), runs))
                samples += len(event.force_n)
            case Gap():
                stream.writelines(saturated.left())
                stream.write(
                    f"# gap: first_index={event.first_index} samples={event.sample_count} "
                    f"time_s={clock.time_s(event.tool_us):.6f} reason={event.reason}\n"
                )
            case Stroke() | StrokeTold():
                strokes.take(event)
            case ToolDescription():
                write_changed(
                    event,
                    f"# tool: {event.board} serial_number={event.serial_number} firmware={event.firmware_version} "
                    f"source={event.source_hash} runtime={event.runtime} rate_hz={event.rate_hz:g} "
                    f"boot_id={event.boot_id}\n",
                )
            case CalibrationReport():
                glitches.calibrated(event.capacity_n)
                terms = " ".join(repr(value) for value in event.coefficients)
                write_changed(
                    event,
                    f"# calibration: id={event.calibration_id} sha256={event.sha256} capacity_n={event.capacity_n:g} "
                    f"coefficients={terms}\n",
                )
            case ZeroReport():
                write_changed(event, f"# zero: counts={event.counts} from_index={event.from_index}\n")
            case _:
                pass
    stream.writelines(saturated.left())
    stream.writelines(f"# marker: number={m.number} index={m.index} time_s=unknown\n" for m in markers.left)
    stream.writelines(strokes.lines())
    stream.writelines(step_lines(steps.found()))
    return Exported(samples, gaps, strokes.count, remarks)


def _rows(
    block: ForceBlock, start_us: int, markers: list[tuple[Marker, int]], saturated: list[tuple[int, str]]
) -> Iterator[str]:
    """Yield the rows of `block`, each marker after the row of its sample, or where that is missing before the next.

    Lines of saturation stand after the last row of their run.
    """
    marked = [
        (marker.index, f"# marker: number={marker.number} index={marker.index} time_s={(at_us - start_us) / 1e6:.6f}\n")
        for marker, at_us in markers
    ]
    lines = sorted(saturated + marked, key=lambda line: line[0])
    raw = block.raw_counts.tolist() if block.raw_counts is not None else [""] * len(block.force_n)
    for i, (force_n, counts) in enumerate(zip(block.force_n.tolist(), raw, strict=True)):
        tool_us = block.tool_us + round(i * block.period_us)
        while lines and lines[0][0] < block.first_index + i:
            yield lines.pop(0)[1]
        yield f"{block.first_index + i},{tool_us},{(tool_us - start_us) / 1e6:.6f},{force_n!r},{counts}\n"
    yield from (line for _, line in lines)


def _glitch_line(block: ForceBlock, at: int) -> tuple[int, str]:
    return block.first_index + at, f"# glitch: suspected, passed over by strokes: index={block.first_index + at}\n"


def _provenance(recording: Recording) -> Iterator[str]:
    start = recording.start
    profile = recorded_profile(recording)
    contact = recorded_contact(recording)
    yield "iastm export 1"
    yield f"recording: {recording.path.name}"
    yield f"recorded: {start.wall_time}"
    yield f"software: {start.software}"
    yield f"carrier: {start.carrier}"
    yield "units: index 1, tool_time_us us, time_s s since the first sample, force_n N, raw_counts counts"
    yield f"profile: {profile.key}"
    yield f"warn_n: {profile.warn_n!r}"
    yield f"alarm_n: {profile.alarm_n!r}"
    yield f"contact_on_n: {contact.on_n!r}"
    yield f"contact_off_n: {contact.off_n!r}"
    yield f"contact_min_s: {contact.min_s!r}"
