"""The wizard's snapshot from what was done and what is there now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.app.calibrating import words
from iastm_host.app.calibrating.arrival import RESIDUAL_LIMIT_N
from iastm_host.app.calibrating.book import Book
from iastm_host.app.calibrating.judging import Reading
from iastm_host.app.calibrating.plan import EXERCISE, LOAD, PREPARE, RESULT, ZERO, Page, step_title, steps_of
from iastm_host.app.calibrating.setup import Setup
from iastm_host.app.calibrating.snapshot import (
    PictureView,
    QuestionView,
    ResidualView,
    ResultView,
    RowView,
    SteadyView,
    StepView,
    WizardSnapshot,
)
from iastm_host.app.calibrating.steadiness import WANTED_S
from iastm_host.events import Problem

RESIDUAL_LIMIT_MN = 1000 * RESIDUAL_LIMIT_N
_NOTED_ANSWERS = ("keep", "skip", "go_on")


@dataclass(frozen=True, slots=True)
class Now:
    """What is there this moment; see WizardSnapshot."""

    reading_n: float | None
    expected_n: float | None
    recent_n: NDArray[np.float64]
    period_s: float
    steady: SteadyView
    readings: list[Reading]
    problem: Problem | None
    result: ResultView | None
    can_take: bool
    ready: bool
    hint: str
    footer: str
    busy: str
    progress: float | None


def not_begun(setup: Setup, problem: Problem | None, *, finished: bool) -> WizardSnapshot:
    """Return the snapshot of a wizard that waits for a setup; `setup` is what is proposed."""
    return WizardSnapshot(
        steps=tuple(StepView(title, "todo") for title in steps_of(setup)),
        run=1,
        run_count=setup.run_count,
        context="",
        instruction="State what you calibrate with",
        hint="",
        picture=PictureView(PREPARE, "", 90.0),
        reading_n=None,
        expected_n=None,
        recent_n=np.empty(0),
        recent_period_s=0.0,
        steadiness=SteadyView(False, 0.0, WANTED_S, None, "No data"),
        rows=(),
        residuals=(),
        residual_limit_mn=RESIDUAL_LIMIT_MN,
        force_range_n=0.0,
        question=None,
        result=None,
        problem=problem,
        can_take=False,
        can_back=False,
        can_repeat=False,
        footer="",
        setup=setup,
        finished=finished,
    )


def snapshot_of(book: Book, now: Now, *, finished: bool) -> WizardSnapshot:
    """Return what a view shows."""
    page, setup = book.page, book.setup
    asked = book.asked
    free = asked is None and not now.busy and not book.file
    return WizardSnapshot(
        steps=_steps(book),
        run=page.run,
        run_count=setup.run_count,
        context=words.context(page, setup),
        instruction=words.instruction(page, setup, zero_again=book.zero_due),
        hint=now.hint or words.hint(page, setup, zero_again=book.zero_due),
        picture=_picture(book),
        reading_n=now.reading_n,
        expected_n=now.expected_n,
        recent_n=now.recent_n,
        recent_period_s=now.period_s,
        steadiness=now.steady,
        rows=tuple(_rows(book, now.readings)),
        residuals=tuple(
            ResidualView(
                reading.entry.point.reference_n,
                1000 * residual_n,
                reading.entry.point.run,
                reading.entry.point.rising,
                reading.entry.point.run == page.run,
            )
            for reading in now.readings
            if (residual_n := reading.residual_n) is not None
        ),
        residual_limit_mn=RESIDUAL_LIMIT_MN,
        force_range_n=setup.force_n(max(setup.loads_kg), setup.angles_deg[0]),
        question=None
        if asked is None
        else QuestionView(
            asked.text,
            tuple((option, words.ANSWERS[option]) for option in asked.options),
            wants_note=any(option in _NOTED_ANSWERS for option in asked.options) and asked.about != "taken",
        ),
        result=now.result,
        problem=now.problem,
        can_take=now.can_take,
        can_back=free and book.position > 0,
        can_repeat=free and book.last_taken() is not None,
        footer=now.footer,
        setup=setup,
        finished=finished,
        rows_title=_rows_title(page, setup),
        take_label=words.take_label(page, has_point=showing_old(book), kept=bool(book.file), zero_again=book.zero_due),
        busy=now.busy,
        progress=now.progress,
        ready=now.ready,
        notes=book.notes,
        done=book.finished,
        last_taken=_last_taken(book, now.readings),
        points=len(book.entries),
    )


def _picture(book: Book) -> PictureView:
    page = book.page
    if book.zero_due:
        return PictureView(ZERO, "", page.angle_deg)
    kind = LOAD if page.kind == EXERCISE else page.kind
    return PictureView(kind, words.label(page, book.setup), page.angle_deg, page.load_kg)


def _last_taken(book: Book, read: list[Reading]) -> RowView | None:
    last = book.last_taken()
    for reading in read:
        if reading.entry == last:
            page = book.pages[reading.entry.page]
            return _taken_row(words.label(page, book.setup), reading, "noted" if reading.entry.point.note else "taken")
    return None


def _taken_row(label: str, reading: Reading, state: str) -> RowView:
    residual_mn = None if reading.residual_n is None else 1000 * reading.residual_n
    return RowView(label, reading.entry.point.reference_n, reading.read_n, residual_mn, state)


def showing_old(book: Book) -> bool:
    """Tell whether the page shows a point that is there, which stays unless it is taken again."""
    return book.page.measures and book.done(book.position) and not book.anew and not book.zero_due


def _steps(book: Book) -> tuple[StepView, ...]:
    titles = steps_of(book.setup)
    at = titles.index(step_title(book.page, book.setup))
    over = book.page.kind == RESULT and book.written
    return tuple(
        StepView(title, "done" if place < at or over else "now" if place == at else "todo")
        for place, title in enumerate(titles)
    )


def _rows_title(page: Page, setup: Setup) -> str:
    which = "This run" if setup.run_count > 1 else "Points"
    return f"{which}, {'up' if page.rising else 'down'}"


def _rows(book: Book, read: list[Reading]) -> list[RowView]:
    """Return a row for each load of this series in this direction."""
    page, setup = book.page, book.setup
    # A zero shows the loads beside it: those to come, or those just taken.
    by_page = {reading.entry.page: reading for reading in read}
    rows = []
    for at, other in enumerate(book.pages):
        if other.kind != LOAD or other.series != page.series or other.rising != page.rising:
            continue
        taken = by_page.get(at)
        state = "todo" if taken is None else "noted" if taken.entry.point.note else "taken"
        if at in book.skipped:
            state = "noted"
        if at == book.position:
            state = "now"
        target_n = setup.force_n(other.load_kg, other.angle_deg)
        label = words.label(other, setup)
        if taken is not None:
            rows.append(_taken_row(label, taken, state))
        else:
            rows.append(RowView(label, None if setup.against_gauge else target_n, None, None, state))
    return rows
