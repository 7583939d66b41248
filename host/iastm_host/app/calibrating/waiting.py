"""Calibrations that were begun and not finished: which of them wait for a tool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from iastm_host.app.calibrating.book import Book, read_book
from iastm_host.app.calibrating.draft import in_use, unfinished_drafts
from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, Setup
from iastm_host.events import Problem

# What is the same when somebody calibrates once more.
_STAYS = ("made_by", "tolerance", "latitude_deg", "height_m", "weights_description", "certificate")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft with at least one point, and what it says."""

    path: Path
    book: Book

    @property
    def serial_number(self) -> str:
        """The tool's, "" for a draft that never met one."""
        return "" if self.book.tool is None else self.book.tool.serial_number

    @property
    def words(self) -> str:
        """When it was begun and how far it came."""
        pages = [at for at, page in enumerate(self.book.pages) if page.measures]
        taken = sum(self.book.in_force(at) is not None for at in pages)
        return f"{_when(self.book.begun_at)} with {taken} of {len(pages)} points"


def all_waiting(folder: Path) -> list[Waiting]:
    """Return the calibrations that wait, the one written last first.

    Raises Problem where none waits, or why where there are only drafts that can't be read.
    """
    found: list[Waiting] = []
    trouble: Problem | None = None
    for path in unfinished_drafts(folder):
        try:
            book = read_book(path)
        except Problem as problem:
            trouble = trouble or problem
            continue
        # Where nothing was taken there is nothing to go on with.
        if book.entries:
            found.append(Waiting(path, book))
    if not found:
        raise trouble or Problem("No calibration waits to be gone on with.", "Begin one: leave out --resume.")
    return found


def waiting_for(folder: Path, serial_number: str) -> Waiting:
    """Return the newest calibration that waits for this tool, or else one that never met its tool. Raises Problem."""
    waiting = all_waiting(folder)
    for serial in (serial_number, ""):
        for one in waiting:
            if one.serial_number == serial:
                return one
    newest = waiting[0]
    raise Problem(
        f"{serial_number} is connected, and the calibration that waits is of {newest.serial_number}: {newest.words}.",
        f"Connect {newest.serial_number}, or begin a new one: leave out --resume.",
    )


def left_of(folder: Path, serial_number: str) -> Waiting | None:
    """Return the newest calibration of this tool that waits and that nobody has open, None where there is none."""
    try:
        waiting = all_waiting(folder)
    except Problem:
        return None
    return next((one for one in waiting if one.serial_number == serial_number and not in_use(one.path)), None)


def prefilled(stated: Setup, before: Setup) -> Setup:
    """Return a setup to propose: what was not stated is as in a calibration before."""
    unstated = replace(Setup(), method=stated.method, loads_kg=DEFAULT_LOADS_KG[stated.method])
    # Loads belong to a method, and to weights or a gauge.
    alike = (before.method, before.against_gauge) == (stated.method, stated.against_gauge)
    names = [*_STAYS, "loads_kg"] if alike else _STAYS
    taken = {name: getattr(before, name) for name in names if getattr(stated, name) == getattr(unstated, name)}
    return replace(stated, **taken)


def _when(begun_at: str) -> str:
    try:
        at = datetime.fromisoformat(begun_at)
    except ValueError:
        return begun_at
    return f"{at.day} {at:%b %H:%M}"
