"""Reads the CSV of any force gauge: time in seconds, force in newtons, and what was found on the way.

Real files have lines of notes above the header, batch their time stamps, lose a sample here and there, and restart
their clock once. Lines that begin with `#` are notes; `# name: value` among them can be asked for. Our own export is
read alike: there a jump of the `index` column is a gap.
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iastm_host.analysis.file_steps import STEP_LINES
from iastm_host.analysis.glitches import bridged, glitch_note
from iastm_host.events import Problem

Floats = NDArray[np.float64]

# Newtons per unit: standard gravity, and the international pound.
NEWTONS = {"N": 1.0, "kgf": 9.80665, "lbf": 4.4482216152605, "g": 0.00980665}
# Units that a header may state besides.
_HEADER_NEWTONS = NEWTONS | {"mN": 1e-3, "daN": 10.0, "kN": 1e3}

_TIME_NAMES = ("time", "t", "timestamp", "seconds", "sec", "elapsed", "elapsed_time", "zeit")
_FORCE_NAMES = ("force", "weight", "load", "f", "newton", "n", "kg", "kgf", "lbf", "tension", "kraft")
_TIME_UNITS_S = (
    dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0)
    | dict.fromkeys(("ms", "msec", "millis", "milliseconds"), 1e-3)
    | dict.fromkeys(("us", "usec", "micros", "microseconds"), 1e-6)
    | dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0)
    | {"ns": 1e-9}
)
_FORCE_UNITS = {
    "n": "N", "newton": "N", "newtons": "N", "kg": "kgf", "kgf": "kgf", "lb": "lbf", "lbs": "lbf", "lbf": "lbf",
    "g": "g", "gf": "g", "mn": "mN", "dan": "daN", "kn": "kN",
}  # fmt: skip
# Units that are known and no force, or none that is converted here.
_NO_TIME_UNITS = ("h", "hours", "days", "ticks", "samples", "frames", "counts")
_PRESSURE_UNITS = ("kpa", "pa", "hpa", "mpa", "bar", "mbar", "psi", "mmhg")
_NO_FORCE_UNITS = (*_PRESSURE_UNITS, "v", "mv", "counts", "raw", "adc", "percent", "nm", "oz", "ozf")
# What a cell of clock time or of a date holds.
_CLOCK = re.compile(r"\d{1,2}:\d{2}|\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
# Whole-numbered times that step by so many are milliseconds: no gauge takes seconds over a sample.
_MILLISECOND_STEPS = 5
# A mark in place of a missing sample: a number at least so large, so many times farther out than all others spread.
_SENTINEL = 99
_SENTINEL_SPREADS = 10
# A header stands within so many lines; above it some gauges write a table about the session.
_HEADER_LINES = 40
_ROWS_NAMED = 5
_GLITCH = re.compile(r"# glitch: suspected, passed over by strokes: index=(\d+)\s*")
# A hole in time: so many times the usual step, and at least so long.
_HOLE_STEPS = 8.0
_HOLE_S = 0.25


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows [begin, end) without a hole; `reason` says in words why it begins ("start" for the first)."""

    begin: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class GaugeRecording:
    """A gauge's recording: time_s (n,), the file's own and rising in each segment, and force_n (n,).

    `notes` say in words what was assumed or mended, `remarks` holds the `# name: value` lines. `glitches` are rows that
    strokes pass over; their force is a straight line between those beside them. `stroke_lines` are what an export of
    ours says of strokes, `step_lines` of regions and pauses.
    """

    time_s: Floats
    force_n: Floats
    segments: tuple[Segment, ...]
    time_column: str
    force_column: str
    unit: str
    notes: tuple[str, ...]
    remarks: dict[str, str]
    glitches: tuple[int, ...] = ()
    stroke_lines: tuple[str, ...] = ()
    step_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    names: list[str]
    rows: list[tuple[int, list[str]]]
    decimal_comma: bool


def read_gauge_csv(
    path: Path, time_column: str | None = None, force_column: str | None = None, unit: str | None = None
) -> GaugeRecording:
    """Read a CSV. Columns are chosen by name, or by looking like time and force; unit: see NEWTONS.

    Raises Problem for a file that can't be read, lacks the columns, or whose numbers or times are not in order.
    """
    lines = _read_lines(path)
    remarks = dict(re.findall(r"^#\s*([\w.]+)\s*[:=]\s*(.+?)\s*$", "\n".join(lines), flags=re.MULTILINE))
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not rows:
        raise Problem(f"{path} is empty.", "Choose a recording with a column of time and one of force.")
    table, time_at, force_at = _find_columns(path, rows, time_column, force_column)
    notes = _stated_notes(lines)
    if not table.rows:
        raise Problem(f"{path} has a header and no rows.", "Choose a recording with data in it.")
    force_unit = _force_unit(path, table.names[force_at], unit, notes)
    time_unit_s = _time_unit_s(path, table.names[time_at], notes)
    times = _numbers(path, table, time_at, _refuse_clock)
    forces = _numbers(path, table, force_at)
    if time_unit_s is None:
        _refuse_milliseconds(path, table.names[time_at], times)
    time_s = times * (time_unit_s or 1.0)
    force_n = forces * _HEADER_NEWTONS[force_unit]
    glitches = _glitches(path, table, lines)
    kept = np.delete(np.arange(len(forces)), glitches)
    notes += _sentinels(forces[kept], [table.rows[row][0] for row in kept.tolist()])
    notes += [glitch_note(len(glitches))] if glitches else []
    if len(time_s) < 2:
        raise Problem(f"{path} holds a single row.", "Choose a recording with data in it.")
    restart = _check_order(path, time_s, [number for number, _ in table.rows])
    if restart:
        notes.append(f"the gauge's clock restarts at line {table.rows[restart][0]}: a new segment begins there")
    parts = [(0, restart), (restart, len(time_s))] if restart else [(0, len(time_s))]
    spread = sum(_spread_stamps(time_s[begin:end]) for begin, end in parts)
    if spread:
        notes.append(f"{spread} rows share their time stamp with the row before: spread evenly up to the next stamp")
    segments = _segments(time_s, parts, _index_jumps(path, table))
    if len(segments) > len(parts):
        notes.append(f"{len(segments) - len(parts)} holes in time: no stroke is taken across them")
    return GaugeRecording(
        time_s=time_s,
        force_n=bridged(force_n, glitches),
        segments=tuple(segments),
        time_column=table.names[time_at],
        force_column=table.names[force_at],
        unit=force_unit,
        notes=tuple(notes),
        remarks=remarks,
        glitches=tuple(glitches),
        stroke_lines=tuple(line for line in lines if line.startswith("# stroke: first_index=")),
        step_lines=tuple(line for line in lines if line.startswith(STEP_LINES)),
    )


def _read_lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Problem(f"There is no file {path}.", "Check the path.") from None
    except OSError as error:
        raise Problem(f"{path} can't be read: {error.strerror or error}.", "Check the path and its rights.") from None
    if b"\x00" in data[:4096]:
        raise Problem(f"{path} is no text.", "Export the recording as CSV (UTF-8) and choose that file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.splitlines()


def _stated_notes(lines: list[str]) -> list[str]:
    """Return what an export of ours says of its recording: its `# note:` lines, and saturation in words."""
    notes = [line.removeprefix("# note: ") for line in lines if line.startswith("# note: ")]
    saturated = [re.search(r"^# saturated: .*\bsamples=(\d+)", line) for line in lines if line.startswith("# sat")]
    samples = sum(int(found[1]) for found in saturated if found)
    if samples:
        notes.append(saturation_note(samples))
    return notes


def saturation_note(samples: int) -> str:
    """Return in words that samples were at the sensor's limit."""
    counted = "1 sample was" if samples == 1 else f"{samples} samples were"
    return f"{counted} at the sensor's limit: the force there was at least what is shown"


def _delimiter(line: str) -> str:
    """Return tab or semicolon where the line has one: a comma may then be a decimal comma."""
    for candidate in ("\t", ";"):
        if candidate in line:
            return candidate
    return ","


def _find_columns(
    path: Path, rows: list[tuple[int, str]], time_column: str | None, force_column: str | None
) -> tuple[_Table, int, int]:
    """Return the table below the first line that names both columns, and where they stand."""
    widest: list[str] = []
    for at, (_, line) in enumerate(rows[:_HEADER_LINES]):
        delimiter = _delimiter(line)
        names = _cells(line, delimiter)
        if len(names) > len(widest):
            widest = names
        time_at = _place(names, time_column, _TIME_NAMES, _TIME_UNITS_S, _NO_TIME_UNITS)
        force_at = _place(names, force_column, _FORCE_NAMES, _FORCE_UNITS, _NO_FORCE_UNITS)
        if time_at is not None and force_at is not None and time_at != force_at:
            return _table(names, rows[at + 1 :], delimiter), time_at, force_at
    delimiter = _delimiter(rows[0][1])
    first = _cells(rows[0][1], delimiter)
    decimal_comma = delimiter != ","
    if (
        not time_column
        and not force_column
        and len(first) == 2
        and all(_number(c, decimal_comma) is not None for c in first)
    ):
        return _table(["time", "force"], rows, delimiter), 0, 1
    named = ", ".join(repr(name) for name in widest)
    raise Problem(
        f"{path} {_lacking(widest, time_column, force_column)}.",
        f"Name the columns with --time-column and --force-column; there are: {named}.",
    )


def _lacking(names: list[str], time_column: str | None, force_column: str | None) -> str:
    """Return what the header with the most columns lacks, as the end of a sentence."""
    time_at = _place(names, time_column, _TIME_NAMES, _TIME_UNITS_S, _NO_TIME_UNITS)
    force_at = _place(names, force_column, _FORCE_NAMES, _FORCE_UNITS, _NO_FORCE_UNITS)
    absent = [repr(name) for name, at in ((time_column, time_at), (force_column, force_at)) if name and at is None]
    if absent:
        return f"has no column {' and no column '.join(absent)}"
    if time_at is None and force_at is None:
        return "has neither a column that looks like time nor one that looks like force"
    if time_at is None or force_at is None:
        return f"has no column that looks like {'time' if time_at is None else 'force'}"
    return f"would have time and force in one column, {names[time_at]!r}"


def _table(names: list[str], rows: list[tuple[int, str]], delimiter: str) -> _Table:
    return _Table(names, [(number, _cells(line, delimiter)) for number, line in rows], delimiter != ",")


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub("[µμ]", "u", name.lower())).strip("_")


def _place(
    names: list[str],
    wanted: str | None,
    known: tuple[str, ...],
    units: Mapping[str, object],
    refused_units: tuple[str, ...],
) -> int | None:
    """Return where the wanted column stands, or the one that looks most like a known one, or None.

    One in a unit that will be refused is found too, where there is no other.
    """
    if wanted is not None:
        exact = [at for at, name in enumerate(names) if name == wanted]
        alike = [at for at, name in enumerate(names) if name.lower() == wanted.strip().lower()]
        return next(iter(exact or alike), None)
    plain = [_plain(name) for name in names]
    usable = [candidate for stem in known for candidate in (*(f"{stem}_{unit}" for unit in units), stem)]
    refused = [f"{stem}_{unit}" for stem in known for unit in refused_units]
    return next((plain.index(candidate) for candidate in usable + refused if candidate in plain), None)


def _stated_unit(name: str) -> tuple[str, bool]:
    """Return what stands where a header has its unit, in plain letters, and whether brackets make it one."""
    bracketed = re.search(r"[(\[]([^)\]]+)[)\]]\s*$", name)
    if bracketed:
        return _plain(bracketed[1]).replace("_", ""), True
    return _plain(name).rpartition("_")[2], False


def _time_unit_s(path: Path, name: str, notes: list[str]) -> float | None:
    """Return the seconds in the unit that a column's name states, None where it states none."""
    unit, bracketed = _stated_unit(name)
    if unit in _NO_TIME_UNITS:
        raise Problem(
            f"Column {name!r} of {path} is in {unit}: time must be in seconds.",
            "Add a column of seconds and name it with --time-column; s, ms, us and min are read too.",
        )
    if unit not in _TIME_UNITS_S and bracketed:
        notes.append(f"column {name!r} states no unit of time that is known: seconds assumed")
    return _TIME_UNITS_S.get(unit)


def _force_unit(path: Path, name: str, wanted: str | None, notes: list[str]) -> str:
    """Return the unit of force: the one asked for, else the one that the column's name states, else N."""
    stated, bracketed = _stated_unit(name)
    found = _FORCE_UNITS.get(stated)
    if wanted is not None:
        if wanted not in NEWTONS:
            meant = _FORCE_UNITS.get(wanted.lower())
            fix = f"Write {meant}." if meant in NEWTONS else f"Choose one of {', '.join(NEWTONS)}."
            raise Problem(f"There is no unit {wanted!r}.", fix)
        if stated in _NO_FORCE_UNITS or found not in (None, wanted):
            notes.append(f"column {name!r} states {found or stated}, and is read as {wanted} because of --unit")
        return wanted
    if stated in _PRESSURE_UNITS:
        raise Problem(
            f"Column {name!r} of {path} is a pressure, not a force.",
            "Choose a column of force with --force-column, or multiply by the contact area first.",
        )
    # A whole name such as "raw" says what a column is, not what it is in.
    if stated in _NO_FORCE_UNITS and stated != _plain(name):
        raise Problem(
            f"Column {name!r} of {path} is in {stated}, which is not converted here.",
            f"Choose a column of force with --force-column, in one of {', '.join(_HEADER_NEWTONS)}.",
        )
    if found is None:
        known = "no unit that is known" if bracketed else "no unit"
        notes.append(f"column {name!r} states {known}: newtons assumed (--unit says otherwise)")
    return found or "N"


def _refuse_milliseconds(path: Path, name: str, times: Floats) -> None:
    """Raise Problem where times without a unit are plainly no seconds."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if len(steps) and np.median(steps) >= _MILLISECOND_STEPS and not np.any(times % 1):
        raise Problem(
            f"Column {name!r} of {path} states no unit and steps by {np.median(steps):g}: that is hardly in seconds.",
            "Time must be in seconds: divide by 1000, or write the unit into the header, such as time_ms "
            "(or time_s if these are seconds).",
        )


def _refuse_clock(path: Path, name: str, texts: list[str]) -> None:
    """Raise Problem where cells that are no numbers hold clock times or dates."""
    clock = next((text for text in texts if _CLOCK.search(text)), None)
    if clock is not None:
        raise Problem(
            f"Column {name!r} of {path} holds clock times such as {clock[:30]!r}: time must be in seconds.",
            "Export elapsed seconds, or add a column of seconds and name it with --time-column.",
        )


def _sentinels(forces: Floats, lines: list[int]) -> list[str]:
    """Return notes on numbers far outside everything else, such as -999 for a sample that is missing."""
    notes = []
    for value in {float(forces.min()), float(forces.max())}:
        others = forces[forces != value]
        if abs(value) < _SENTINEL or not len(others):
            continue
        spread = float(np.ptp(others))
        if spread > 0 and np.abs(others - value).min() > _SENTINEL_SPREADS * spread:
            at = np.flatnonzero(forces == value)
            where = _list([f"line {lines[row]}" for row in at])
            notes.append(
                f"the force is {value:g} in {len(at)} rows ({where}), far outside everything else: probably a mark "
                "for missing samples, and taken as force here, so strokes and times may be wrong: leave these rows out "
                "and analyse again"
            )
    return sorted(notes)


def _number(text: str, decimal_comma: bool) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        value = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _numbers(
    path: Path, table: _Table, at: int, refuse_texts: Callable[[Path, str, list[str]], None] | None = None
) -> Floats:
    """Return a column of numbers (n,). Raises Problem for others; `refuse_texts` may know them and say it better."""
    values: list[float] = []
    bad: list[tuple[int, str]] = []
    for number, cells in table.rows:
        text = cells[at] if at < len(cells) else ""
        value = _number(text, table.decimal_comma)
        if value is None:
            bad.append((number, text))
        else:
            values.append(value)
    if bad:
        if refuse_texts is not None:
            refuse_texts(path, table.names[at], [text for _, text in bad])
        told = [f"line {number} has {text[:20]!r}" if text else f"line {number} has nothing" for number, text in bad]
        raise Problem(
            f"Column {table.names[at]!r} of {path} must hold numbers, but {len(bad)} of {len(table.rows)} rows don't: "
            f"{_list(told)}.",
            "Export again without text, or leave these rows out: a missing sample is better left out than filled in.",
        )
    return np.array(values)


def _list(found: list[str]) -> str:
    more = f", and {len(found) - _ROWS_NAMED} more" if len(found) > _ROWS_NAMED else ""
    return ", ".join(found[:_ROWS_NAMED]) + more


def _check_order(path: Path, time_s: Floats, lines: list[int]) -> int:
    """Return the row at which the clock restarts, 0 where it doesn't. Raises Problem where time falls otherwise."""
    falls = (np.flatnonzero(np.diff(time_s) < 0) + 1).tolist()
    if not falls:
        return 0
    at = falls[0]
    ran_s = float(time_s[at - 1] - time_s[0])
    near_start = time_s[at] - time_s[0] <= max(0.05 * ran_s, 1.0) and time_s[at] - time_s[0] <= 0.5 * ran_s
    if len(falls) == 1 and near_start:
        return int(at)
    raise Problem(
        f"Time runs backwards in {path}: {_list([f'line {lines[row]}' for row in falls])}.",
        "Sort the rows by time. One restart of the gauge's clock is accepted; at more, cut the file there.",
    )


def _spread_stamps(time_s: Floats) -> int:
    """Spread rows with equal stamps evenly up to the next stamp, in place; return how many had to move.

    A gauge that sends several samples at once stamps them alike. Over a hole they get the usual step.
    """
    firsts = np.flatnonzero(np.concatenate(([True], np.diff(time_s) > 0)))
    sizes = np.diff(np.append(firsts, len(time_s)))
    moved = len(time_s) - len(firsts)
    if moved == 0 or len(firsts) < 2:
        return 0
    steps = np.diff(time_s[firsts]) / sizes[:-1]
    usual = float(np.median(steps))
    steps = np.append(np.minimum(steps, np.where(sizes[:-1] > 1, usual * 2, steps)), usual)
    place = np.arange(len(time_s)) - np.repeat(firsts, sizes)
    time_s += place * np.repeat(steps, sizes)
    return moved


def _index_jumps(path: Path, table: _Table) -> list[int]:
    """Return the rows before which sample indices are missing: only our own export has them."""
    if "index" not in table.names or "tool_time_us" not in table.names:
        return []
    index = _numbers(path, table, table.names.index("index"))
    return [int(row) for row in np.flatnonzero(np.diff(index) != 1) + 1]


def _glitches(path: Path, table: _Table, lines: list[str]) -> list[int]:
    """Return the rows that an export of ours names as glitches, each in a line below its row; no other has them."""
    named = [(number, found) for number, line in enumerate(lines, 1) if (found := _GLITCH.fullmatch(line))]
    if not named or "index" not in table.names:
        return []
    index = _numbers(path, table, table.names.index("index"))
    line_numbers = [number for number, _ in table.rows]
    rows = set()
    for number, found in named:
        # After a restart of the tool the same indices come again: the newest row above is meant.
        above = np.flatnonzero(index[: bisect_left(line_numbers, number)] == int(found[1]))
        rows.update(above[-1:].tolist())
    # Without any row that stands there is no force to go on from.
    return sorted(rows) if len(rows) < len(index) else []


def _segments(time_s: Floats, parts: list[tuple[int, int]], jumps: list[int]) -> list[Segment]:
    segments: list[Segment] = []
    for begin, end in parts:
        steps = np.diff(time_s[begin:end])
        hole_s = max(_HOLE_STEPS * float(np.median(steps)), _HOLE_S) if len(steps) else math.inf
        reasons = {int(row): "hole in time" for row in np.flatnonzero(steps > hole_s) + begin + 1}
        reasons.update((row, "missing samples") for row in jumps if begin < row < end)
        edges = [begin, *sorted(reasons), end]
        for first, last in pairwise(edges):
            segments.append(Segment(first, last, reasons.get(first, "clock restart" if begin else "start")))
    return segments
