"""`iastm analyse`: strokes, stroke rate and time over limits of a recording or of any gauge's CSV."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.exposure import Exposure
from iastm_host.analysis.file_steps import StepsInFile, steps_told
from iastm_host.analysis.gauge_csv import NEWTONS, GaugeRecording, Segment, read_gauge_csv, saturation_note
from iastm_host.analysis.gauge_strokes import (
    FileAnalysis,
    MotionInFile,
    analyse_recording,
    force_notes,
    motions_told,
    net_of_rest,
    time_over_s,
    with_motion,
    with_regions,
)
from iastm_host.analysis.glitches import Glitches, bridged, glitch_note
from iastm_host.analysis.profiles import DEFAULT_PROFILE_KEY, Contact, profile_for
from iastm_host.app.export import damage, saturated_samples
from iastm_host.app.markers import MarkersInOrder
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_profile, recorded_tip
from iastm_host.app.session_clock import SessionClock
from iastm_host.app.steps import StepsInOrder
from iastm_host.events import (
    Arrived,
    CalibrationReport,
    Event,
    ForceBlock,
    Gap,
    Paused,
    Problem,
    StrokeMotion,
    ToolDescription,
)
from iastm_host.records.entries import Marker, Recording

RECORDING_SUFFIX = ".iastm"
WAYS = {1: "→", -1: "←", 0: "–"}
"""A stroke's way along the tool's axis: towards the tip, towards the handle, unknown."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is analysed: samples, and what the file says of limits (N), contact levels and nominal rate.

    `markers` hold number, index and time_s (None where that sample's time is unknown). `exposure` is that of the
    live analysis, None for a CSV. `motions` is what the tool's motion sensor says of its strokes, `steps` are the
    regions and pauses of the session.
    """

    samples: GaugeRecording
    profile: str
    warn_n: float
    alarm_n: float
    contact: Contact | None
    rate_hz: float | None
    markers: tuple[dict[str, float | int | None], ...] = ()
    exposure: Exposure | None = None
    motions: tuple[MotionInFile, ...] = ()
    steps: StepsInFile = field(default_factory=StepsInFile)


def analyse(
    file: Annotated[Path, typer.Argument(help="A recording (.iastm) or a CSV with a column of time and one of force.")],
    force_column: Annotated[str | None, typer.Option(help="The CSV's column of force.")] = None,
    time_column: Annotated[str | None, typer.Option(help="The CSV's column of time, in seconds.")] = None,
    unit: Annotated[str | None, typer.Option(help=f"The CSV's unit of force: {', '.join(NEWTONS)}.")] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            help="auto: found from the file; or ON_N,OFF_N in newtons. Without it what the file says, else auto."
        ),
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="Turn the sign of the CSV's force: pulls are negative.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the strokes in a recording or in any gauge's CSV."""
    source = load(file, time_column, force_column, unit, invert=invert)
    levels = source.contact if contact is None else parse_contact(contact, source.contact or Contact())
    analysis = with_motion(analyse_recording(source.samples, levels, source.rate_hz), source.motions)
    analysis = with_regions(analysis, source.steps)
    if as_json:
        typer.echo(json.dumps(as_object(source, analysis), ensure_ascii=False))
    else:
        show(source, analysis, Console(highlight=False))


def load(
    file: Path,
    time_column: str | None = None,
    force_column: str | None = None,
    unit: str | None = None,
    load_recording: Callable[[Path], Source] | None = None,
    *,
    invert: bool = False,
) -> Source:
    """Read a recording (with `load_recording`, by default `recorded_source`) or a CSV. Raises Problem."""
    if _is_recording(file):
        if invert:
            raise Problem(
                "--invert is for the CSV of a gauge.",
                "The sign of a recording is that of the tool's calibration: export it and analyse the CSV.",
            )
        return (load_recording or recorded_source)(file)
    samples = read_gauge_csv(file, time_column, force_column, unit)
    if invert:
        turned = "the sign of the force is turned, as --invert asks"
        samples = replace(samples, force_n=-samples.force_n, notes=(*samples.notes, turned))
    try:
        motions = motions_told(samples.stroke_lines)
    except ValueError as error:
        what = f"{file} does not say of a stroke what an export says: {str(error)[:60]!r}."
        raise Problem(what, "Export the recording again, or remove its # stroke lines.") from None
    try:
        steps = steps_told(samples.step_lines)
    except ValueError as error:
        what = f"{file} does not say of a region or a pause what an export says: {str(error)[:60]!r}."
        raise Problem(what, "Export the recording again, or remove its # region and # pause lines.") from None
    profile = profile_for(DEFAULT_PROFILE_KEY, None)
    remarks = samples.remarks
    stated = _stated(remarks, "contact_on_n"), _stated(remarks, "contact_off_n")
    rate = re.search(r"\brate_hz=([\d.]+)", remarks.get("tool", ""))
    return Source(
        samples=samples,
        profile=remarks.get("profile", profile.key),
        warn_n=_stated(remarks, "warn_n") or profile.warn_n,
        alarm_n=_stated(remarks, "alarm_n") or profile.alarm_n,
        contact=_contact(stated[0], stated[1], _stated(remarks, "contact_min_s") or Contact().min_s)
        if stated[0] is not None and stated[1] is not None
        else None,
        rate_hz=float(rate[1]) if rate else None,
        motions=motions,
        steps=steps,
    )


def _is_recording(file: Path) -> bool:
    """Tell a recording by its name or by the zero byte that every frame begins with and no CSV has."""
    if file.suffix == RECORDING_SUFFIX:
        return True
    try:
        with file.open("rb") as stream:
            return stream.read(1) == b"\0"
    except OSError:
        return False


def recorded_source(path: Path) -> Source:
    """Read a recording: its samples in index order, and the profile and contact levels it was made with."""
    recording = Recording(path)
    profile = recorded_profile(recording)
    times: list[NDArray[np.float64]] = []
    forces: list[NDArray[np.float64]] = []
    segments: list[Segment] = []
    rate_hz: float | None = None
    analyser: Analyser | None = None
    saturated = 0
    before: ForceBlock | None = None
    clock = SessionClock()
    in_order = MarkersInOrder(recording.markers())
    placed: list[tuple[Marker, float | None]] = []
    rows = 0
    motions: list[StrokeMotion] = []
    rows_of = _RowsOf()
    steps = StepsInOrder(recording.steps())
    suspected = Glitches()
    glitches: list[int] = []
    for event in recorded_events(recording):
        if isinstance(event, ToolDescription):
            rate_hz = event.rate_hz
            analyser = analyser or Analyser(profile, recorded_tip(recording), rate_hz, recorded_contact(recording))
        if analyser is not None:
            _hear(analyser, event)
        if isinstance(event, CalibrationReport):
            suspected.calibrated(event.capacity_n)
        if isinstance(event, StrokeMotion):
            motions.append(event)
        if isinstance(event, Arrived):
            clock.hear(event.block)
        if isinstance(event, ForceBlock | Gap):
            clock.reach(event)
        if not isinstance(event, ForceBlock) or len(event.force_n) == 0:
            continue
        if before is None:
            segments.append(Segment(0, 0, "start"))
        elif event.boot_id != before.boot_id or event.first_index != before.next_index:
            restarted = event.boot_id != before.boot_id
            segments.append(Segment(rows, rows, "tool restart" if restarted else "missing samples"))
        times.append(np.float64(clock.time_s(event.tool_us)) + np.arange(len(event.force_n)) * (event.period_us * 1e-6))
        forces.append(event.force_n)
        saturated += int(np.count_nonzero(saturated_samples(event)))
        placed += [(marker, clock.time_s(at_us)) for marker, at_us in in_order.within(event)]
        found = suspected.within(event)
        glitches += [rows + at for at in ([-1, *found.within] if found.before else found.within)]
        rows_of.add(event, rows)
        steps.reach(event, clock)
        rows += len(event.force_n)
        segments[-1] = replace(segments[-1], end=rows)
        before = event
    if rows < 2:
        raise Problem(f"{path} holds no samples.", "Choose another recording.")
    placed += [(marker, None) for marker in in_order.left]
    markers = tuple({"number": marker.number, "index": marker.index, "time_s": at_s} for marker, at_s in placed)
    time_s = np.concatenate(times)
    samples = GaugeRecording(
        time_s=time_s,
        force_n=bridged(np.concatenate(forces), glitches),
        segments=tuple(segments),
        time_column="time_s",
        force_column="force_n",
        unit="N",
        notes=(
            *damage(recording),
            *([saturation_note(saturated)] if saturated else []),
            *([glitch_note(len(glitches))] if glitches else []),
        ),
        remarks={},
        glitches=tuple(glitches),
    )
    return Source(
        samples=samples,
        profile=profile.key,
        warn_n=profile.warn_n,
        alarm_n=profile.alarm_n,
        contact=recorded_contact(recording),
        rate_hz=rate_hz,
        markers=markers,
        exposure=None if analyser is None else analyser.exposure,
        motions=tuple(
            MotionInFile(float(time_s[first]), float(time_s[last]), motion)
            for motion in motions
            for first, last in rows_of.span(motion)
        ),
        steps=steps.found(),
    )


def _hear(analyser: Analyser, event: Event) -> None:
    if isinstance(event, ForceBlock | Gap):
        analyser.feed(event)
    elif isinstance(event, CalibrationReport):
        analyser.calibrated(event)
    elif isinstance(event, StrokeMotion):
        analyser.told(event)
    elif isinstance(event, Paused):
        analyser.counts_dose = not event.paused


class _RowsOf:
    """Where the samples of a recording stand among its rows."""

    def __init__(self) -> None:
        # Of each boot the blocks' first indices, and (row, samples) of each.
        self._blocks: dict[int, tuple[list[int], list[tuple[int, int]]]] = {}

    def add(self, block: ForceBlock, row: int) -> None:
        """Take a block, whose first sample is in that row; those of a boot come in order."""
        firsts, rows = self._blocks.setdefault(block.boot_id, ([], []))
        firsts.append(block.first_index)
        rows.append((row, len(block.force_n)))

    def span(self, motion: StrokeMotion) -> list[tuple[int, int]]:
        """Return the first and the last row of what `motion` is about, nothing where no sample of it is there."""
        firsts, rows = self._blocks.get(motion.boot_id, ([], []))
        at = bisect_right(firsts, motion.last_index) - 1
        if at < 0:
            return []
        row, n = rows[at]
        last = row + min(motion.last_index - firsts[at], n - 1)
        at = max(0, bisect_right(firsts, motion.first_index) - 1)
        row, n = rows[at]
        first = row + min(max(0, motion.first_index - firsts[at]), n)
        return [(first, last)] if first <= last else []


def parse_contact(text: str, stated: Contact) -> Contact | None:
    """Return the contact levels that an option asks for, None for auto. Raises Problem."""
    if text == "auto":
        return None
    try:
        on_n, off_n = (float(part) for part in text.split(","))
    except ValueError:
        raise Problem(
            f"--contact {text} is neither auto nor two numbers.", "Write auto, or ON_N,OFF_N such as 0.8,0.52."
        ) from None
    return _contact(on_n, off_n, stated.min_s)


def _contact(on_n: float, off_n: float, min_s: float) -> Contact:
    if not (math.isfinite(on_n) and math.isfinite(off_n) and off_n < on_n):
        raise Problem(f"Contact from {on_n:g} N until {off_n:g} N is impossible.", "OFF_N must lie below ON_N.")
    if off_n < 0:
        raise Problem(
            f"Contact from {on_n:g} N until {off_n:g} N is impossible: a tool without load would never be out of it.",
            "Levels are forces above 0. For a gauge that rests below 0 choose --contact auto; if pulls are negative, "
            "add --invert.",
        )
    return Contact(on_n, off_n, min_s)


def _stated(remarks: dict[str, str], name: str) -> float | None:
    """Return a number that a CSV states in a # line, None where it doesn't."""
    if name not in remarks:
        return None
    try:
        value = float(remarks[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Problem(f"The line # {name}: {remarks[name]} holds no number.", "Mend or remove that line.")
    return value


def as_object(source: Source, analysis: FileAnalysis) -> dict[str, Any]:
    """Return what --json prints."""
    samples = source.samples
    net = net_of_rest(samples, analysis)
    exposure = source.exposure
    return {
        "stroke_count": len(analysis.strokes),
        "strokes": [
            {
                "start_s": stroke.start_s,
                "end_s": stroke.end_s,
                "peak_n": stroke.peak_n,
                "peak_net_n": stroke.peak_net_n,
                "mean_n": stroke.mean_n,
                "impulse_ns": stroke.impulse_ns,
                "peak_s": stroke.peak_s,
                "rest_n": stroke.rest_n,
                "segment": stroke.segment,
                "direction": stroke.direction,
                "pass_length_mm": stroke.pass_length_mm,
                "source": stroke.source,
                "region": stroke.region,
            }
            for stroke in analysis.strokes
        ],
        "strokes_cut": analysis.cut,
        "strokes_excluded": len(analysis.excluded),
        "stroke_rate_spm": analysis.stroke_rate_spm,
        "time_over": {
            "warn_s": time_over_s(samples, source.warn_n),
            "alarm_s": time_over_s(samples, source.alarm_n),
            "warn_net_s": None if net is None else time_over_s(net, source.warn_n),
            "alarm_net_s": None if net is None else time_over_s(net, source.alarm_n),
            "warn_n": source.warn_n,
            "alarm_n": source.alarm_n,
            "profile": source.profile,
        },
        "contact_s": None if exposure is None else exposure.contact_s,
        "dose_ns": None if exposure is None else exposure.dose_ns,
        "peak95_n": None if exposure is None else exposure.peak95_n,
        "strokes_over_warn": None if exposure is None else exposure.strokes_over_warn,
        "contact": asdict(analysis.levels),
        "segments": [
            {
                "start_s": float(samples.time_s[segment.begin]),
                "end_s": float(samples.time_s[segment.end - 1]),
                "reason": segment.reason,
            }
            for segment in samples.segments
        ],
        "markers": list(source.markers),
        "regions": [asdict(region) for region in source.steps.regions],
        "pauses": [asdict(pause) for pause in source.steps.pauses],
        "notes": _notes(source, analysis),
    }


def _notes(source: Source, analysis: FileAnalysis) -> list[str]:
    return [*source.samples.notes, *force_notes(source.samples, analysis, source.warn_n, source.alarm_n)]


def show(source: Source, analysis: FileAnalysis, console: Console) -> None:
    """Print a short table."""
    samples = source.samples
    with_motion_sensor = any(stroke.source != "force" for stroke in analysis.strokes)
    columns = ["start s", "end s", "peak N", "net peak N", "mean N", "impulse N·s", "rest N"]
    columns += ["way", "length mm"] if with_motion_sensor else []
    regions, pauses = source.steps.regions, source.steps.pauses
    table = Table(*columns, *(["region"] if regions else []), box=None)
    for column in table.columns:
        column.justify = "right"
    for stroke in analysis.strokes:
        table.add_row(
            f"{stroke.start_s:.2f}",
            f"{stroke.end_s:.2f}",
            f"{stroke.peak_n:.2f}",
            f"{stroke.peak_net_n:.2f}",
            f"{stroke.mean_n:.2f}",
            f"{stroke.impulse_ns:.2f}",
            f"{round(stroke.rest_n, 2) + 0.0:.2f}",
            *([WAYS[stroke.direction], f"{stroke.pass_length_mm or '–'}"] if with_motion_sensor else []),
            *([str(stroke.region)] if regions else []),
        )
    if analysis.strokes:
        console.print(table)
    rate = analysis.stroke_rate_spm
    said = "no rate" if rate is None else f"{rate:.1f} strokes/min within bursts"
    cut = f", {analysis.cut} more cut by a hole or an end of the file" if analysis.cut else ""
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(analysis.excluded).items()))
    left_out = f", {len(analysis.excluded)} left out ({why})" if why else ""
    console.print(f"{len(analysis.strokes)} strokes{cut}{left_out}; {said}")
    if with_motion_sensor:
        console.print("Way (→ towards the tip) and length are told from force and motion.")
    over = [f"{limit_n:g} N: {time_over_s(samples, limit_n):.2f} s" for limit_n in (source.warn_n, source.alarm_n)]
    console.print(f"Over warn, {over[0]}; over alarm, {over[1]} (profile {source.profile})")
    net = net_of_rest(samples, analysis)
    if net is not None:
        over = [f"{limit_n:g} N: {time_over_s(net, limit_n):.2f} s" for limit_n in (source.warn_n, source.alarm_n)]
        console.print(f"Net of rest: over warn, {over[0]}; over alarm, {over[1]}")
    if (exposure := source.exposure) is not None:
        peak95 = "" if exposure.peak95_n is None else f", 95th percentile of peaks {exposure.peak95_n:.2f} N"
        console.print(
            f"Exposure: contact {exposure.contact_s:.1f} s, dose over warn {exposure.dose_ns:.2f} N·s, "
            f"{exposure.strokes_over_warn} strokes over warn{peak95}"
        )
    levels = analysis.levels
    if levels.on_n is None or levels.off_n is None:
        console.print("No contact found.")
    else:
        above = " above rest, found from the file" if levels.method == "auto" else ""
        console.print(f"Contact from {levels.on_n:.3g} N until {levels.off_n:.3g} N{above}")
    for marker in source.markers:
        console.print(f"Marker {marker['number']}: {_at(marker['time_s'])}")
    for region in regions:
        console.print(f"Region {region.number}: from {_at(region.start_s)}")
    for pause in pauses:
        console.print(f"Pause: from {_at(pause.start_s)} until {_at(pause.end_s)}")
    for note in _notes(source, analysis):
        console.print(f"Note: {note}", markup=False)


def _at(time_s: float | None) -> str:
    return "unknown" if time_s is None else f"{time_s:.2f} s"
