"""What has been done so far, as the lines of a draft tell it: the same lines give the same book, live or resumed.

A point that is taken anew replaces the former one, which stays as repeated. Nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from iastm_calibration.document import TakenPoint, Tip, ToolUnderCalibration
from iastm_host.app.calibrating.arrival import KEEP, SKIP
from iastm_host.app.calibrating.draft import SCHEMA, Line, read_draft
from iastm_host.app.calibrating.plan import ZERO, Page, pages
from iastm_host.app.calibrating.setup import Setup
from iastm_host.events import Problem

IN_FORCE = "in force"
REPEATED = "repeated"
ASKED = "asked"
_Zero = tuple[tuple[int, float], float, float, float | None]
# Lines that say no more than that something is so, and what they set.
_FLAGS = {
    "zero wanted": "zero_wanted",
    "outliers kept": "outliers_kept",
    "written": "written",
    "finished": "finished",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A point as taken on a page. State: in force, repeated (another came in its place, or it was refused), or asked.

    `gauge_n` is what the reference gauge read. `again`: a zero in mid-series, after a restart.
    """

    page: int
    point: TakenPoint
    state: str
    gauge_n: float | None
    again: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that waits for its answer; `about` is "point" for the newest point, else what an answer does."""

    about: str
    text: str
    options: tuple[str, ...]


def start_line(setup: Setup, begun_at: str) -> Line:
    """Return the first line of a draft."""
    return {"kind": "start", "schema": SCHEMA, "begun_at": begun_at, "setup": asdict(setup)}


def taken_line(entry: Entry, finding: str, options: Sequence[str]) -> Line:
    """Return the line of a point, with the question about it, "" for none."""
    line: Line = {"kind": "taken", "page": entry.page, "point": asdict(entry.point)}
    if entry.gauge_n is not None:
        line["gauge_n"] = entry.gauge_n
    if entry.again:
        line["again"] = True
    if finding:
        line |= {"finding": finding, "options": list(options)}
    return line


class Book:
    """The state that a draft keeps: pages, where it stands, points, notes, what waits for an answer."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        self.setup = _setup(start["setup"])
        self.begun_at = str(start["begun_at"])
        self.pages = pages(self.setup)
        self.position = 0
        self.reached = 0
        self.entries: tuple[Entry, ...] = ()
        self.skipped: frozenset[int] = frozenset()
        self.notes: tuple[str, ...] = ()
        self.asked: Asked | None = None
        # The page stands to be taken anew though it holds a point.
        self.anew = False
        self.zero_wanted = False
        self.tool: ToolUnderCalibration | None = None
        self.file = ""
        self.written = False
        self.finished = False
        # Somebody decided that points which stand apart stay.
        self.outliers_kept = False
        self._zeros_of: tuple[Entry, ...] | None = None
        self._zero_list: list[_Zero] = []

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.pages[self.position]

    @property
    def in_mid_series(self) -> bool:
        """Whether the page goes on with a series that has its zero."""
        page = self.page
        return page.measures and not (page.kind == ZERO and page.rising) and self.has_zero(page.series)

    @property
    def zero_due(self) -> bool:
        """Whether a zero comes before anything else."""
        return self.zero_wanted and self.in_mid_series

    def apply(self, line: Mapping[str, Any]) -> None:
        """Take one line. Raises KeyError, TypeError or ValueError for one that doesn't fit."""
        match line["kind"]:
            case "tool":
                self.tool = ToolUnderCalibration(**line["tool"])
            case "taken":
                self._take(line)
            case "ask":
                self.asked = Asked(str(line["about"]), str(line["text"]), tuple(map(str, line["options"])))
            case "answer":
                self._answer(str(line["option"]), str(line["note"]))
            case "go":
                self._go(int(line["page"]))
            case "anew":
                self._go(int(line["page"]))
                self.anew = True
            case "note":
                self.notes += (str(line["text"]),)
            case "kept":
                self.file = str(line["file"])
            case kind if kind in _FLAGS:
                setattr(self, _FLAGS[kind], True)
            case kind:
                raise ValueError(f"unknown kind of line {kind!r}")

    def in_force(self, page: int) -> Entry | None:
        """Return the point of a page that counts."""
        for entry in reversed(self.entries):
            if entry.page == page and entry.state == IN_FORCE and not entry.again:
                return entry
        return None

    def counting(self) -> list[Entry]:
        """Return all points that count, in the order of the plan, zeros in mid-series where they were taken."""
        found = [entry for entry in self.entries if entry.state == IN_FORCE]
        return sorted(found, key=lambda entry: (entry.page, entry.again))

    def done(self, page: int) -> bool:
        """Tell whether a page is through: its point is taken or left out, or it asked for none and is behind."""
        if not self.pages[page].measures:
            return page < self.reached
        return page in self.skipped or self.in_force(page) is not None

    def next_after(self, page: int) -> int:
        """Return the next page that is not through."""
        return next((at for at in range(page + 1, len(self.pages)) if not self.done(at)), len(self.pages) - 1)

    def last_taken(self) -> Entry | None:
        """Return the point that was taken last and counts."""
        return next((entry for entry in reversed(self.entries) if entry.state == IN_FORCE and not entry.again), None)

    def zero_page(self, series: tuple[int, float]) -> int:
        """Return the page of the zero before a series."""
        return next(at for at, page in enumerate(self.pages) if page.kind == ZERO and page.series == series)

    def has_zero(self, series: tuple[int, float]) -> bool:
        """Tell whether a series has its first zero."""
        return any(zero_series == series for zero_series, _, _, _ in self._zeros())

    def zero_counts(self, series: tuple[int, float], at: str) -> float | None:
        """Return the zero of a series at a time (ISO), straight between its zeros, None where it has none."""
        zeros = sorted((when, counts) for zero_series, when, counts, _ in self._zeros() if zero_series == series)
        if not zeros:
            return None
        times, counts = zip(*zeros, strict=True)
        return float(np.interp(_seconds(at), times, counts))

    def last_zero(self) -> tuple[tuple[int, float], float, float | None] | None:
        """Return series, counts and the gauge's reading of the zero taken last."""
        zeros = self._zeros()
        if not zeros:
            return None
        series, _, counts, gauge_n = zeros[-1]
        return series, counts, gauge_n

    def net_counts(self, entry: Entry) -> float:
        """Return the counts of a load from the zero of its series, 0 where it has none yet."""
        zero = self.zero_counts(self.pages[entry.page].series, entry.point.taken_at)
        return 0.0 if zero is None else entry.point.counts - zero

    def _zeros(self) -> list[_Zero]:
        """Return the zeros that count: series, time in seconds, counts, gauge; worked out once for the same points."""
        if self._zeros_of is not self.entries:
            self._zeros_of = self.entries
            self._zero_list = [
                (self.pages[entry.page].series, _seconds(entry.point.taken_at), entry.point.counts, entry.gauge_n)
                for entry in self.entries
                if entry.state == IN_FORCE and self.pages[entry.page].kind == ZERO
            ]
        return self._zero_list

    def _take(self, line: Mapping[str, Any]) -> None:
        page = int(line["page"])
        if not self.pages[page].measures:
            raise ValueError(f"page {page} takes no point")
        gauge_n = None if line.get("gauge_n") is None else float(line["gauge_n"])
        asked = bool(line.get("finding"))
        state = ASKED if asked else IN_FORCE
        entry = Entry(page, TakenPoint(**line["point"]), state, gauge_n, bool(line.get("again")))
        self.entries += (entry,)
        if asked:
            self.asked = Asked("point", str(line["finding"]), tuple(map(str, line["options"])))
        else:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        """Let a point count that was just taken or kept: those before it on its page are repeated."""
        *before, _ = self.entries
        if not entry.again:
            before = [_repeated(old) if old.page == entry.page and not old.again else old for old in before]
        self.entries = (*before, replace(entry, state=IN_FORCE))
        if entry.again:
            self.zero_wanted = False
            return
        self.skipped -= {entry.page}
        if self.pages[entry.page].kind == ZERO:
            self.zero_wanted = False
        self._go(self.next_after(entry.page))

    def _answer(self, option: str, note: str) -> None:
        assert self.asked is not None
        about, self.asked = self.asked.about, None
        if about == "point":
            entry = self.entries[-1]
            if option == KEEP:
                noted = replace(entry.point, note=note or "kept as it came")
                self._settle(replace(entry, point=noted))
                return
            self.entries = (*self.entries[:-1], _repeated(entry))
        if option == SKIP:
            self.skipped |= {self.position}
            self._go(self.next_after(self.position))

    def _go(self, page: int) -> None:
        if not 0 <= page < len(self.pages):
            raise ValueError(f"there is no page {page}")
        self.position = page
        self.reached = max(self.reached, page)
        self.anew = False


def read_book(path: Path) -> Book:
    """Return the book of a draft. Raises Problem where a line of it doesn't fit."""
    lines = read_draft(path)
    number = 0
    try:
        book = Book(lines[0])
        for line in lines[1:]:
            number += 1
            book.apply(line)
    except (KeyError, TypeError, ValueError, AssertionError, IndexError):
        raise Problem(
            f"Line {number + 1} of {path} does not fit what stands before it.", "It was altered or damaged. Begin anew."
        ) from None
    return book


def _setup(stated: Mapping[str, Any]) -> Setup:
    known = {field.name for field in fields(Setup)}
    values = {name: value for name, value in stated.items() if name in known}
    tip = Tip(**stated["tip"])
    made = Setup(**(values | {"tip": tip, "loads_kg": tuple(map(float, stated["loads_kg"]))}))
    if any(field in ("method", "loads_kg") for field, _ in made.problems()):
        raise ValueError("a setup that can't be")
    return made


def _repeated(entry: Entry) -> Entry:
    return replace(entry, state=REPEATED)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
