"""The state of the calibration wizard, immutable, for any view on any thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iastm_host.app.calibrating.setup import Setup
from iastm_host.events import Problem

__all__ = [
    "PictureView",
    "QuestionView",
    "ResidualView",
    "ResultView",
    "RowView",
    "Setup",
    "SteadyView",
    "StepView",
    "WizardSnapshot",
]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the list: state is done, now or todo."""

    title: str
    state: str


@dataclass(frozen=True, slots=True)
class RowView:
    """One load of this run, direction and angle: state is taken, now, todo or noted (kept with a note).

    `applied_n` is None for a gauge's load before it is there, `read_n` before the point is taken, `residual_mn` (read
    minus applied) until so many loads are there that it says something.
    """

    label: str
    applied_n: float | None
    read_n: float | None
    residual_mn: float | None
    state: str


@dataclass(frozen=True, slots=True)
class ResidualView:
    """One point of the graph of differences; `current`: of the run under way."""

    force_n: float
    residual_mn: float
    run: int
    rising: bool
    current: bool


@dataclass(frozen=True, slots=True)
class SteadyView:
    """How steady the load is: it was for `held_s` of the `wanted_s` seconds.

    `spread_mn` is the standard deviation of single samples over the time held, `trend_mn_per_s` how fast they move;
    None while too little is there. `word` says it in words.
    """

    steady: bool
    held_s: float
    wanted_s: float
    spread_mn: float | None
    word: str
    trend_mn_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class PictureView:
    """What to draw: kind is prepare, warm_up, zero, load, seat, turn, check or result; label stands on the weight.

    `angle_deg` is the tip's to the horizontal: 90 is upright. `load_kg` is what shall hang, or what a hand shall press
    as hard as; 0 for nothing.
    """

    kind: str
    label: str
    angle_deg: float
    load_kg: float = 0.0


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What happened and what to do, with the answers that there are: (id, label) each.

    `wants_note`: an answer may carry a note, which is kept with the point.
    """

    text: str
    options: tuple[tuple[str, str], ...]
    wants_note: bool


@dataclass(frozen=True, slots=True)
class ResultView:
    """What came out. `word`: Good, Fair or Poor; `sentence`: "± 0.04 N up to 15 N"; `lines` in plain words.

    `annex` holds (name, value) of classes and clauses, for the certificate's annex. `written`: the tool has it;
    `file`: where the document is, "" before it is kept.
    """

    word: str
    sentence: str
    lines: tuple[str, ...]
    annex: tuple[tuple[str, str], ...]
    written: bool
    file: str


@dataclass(frozen=True, slots=True)
class WizardSnapshot:
    """Everything a view of the wizard shows. Forces in newtons, residuals in millinewtons.

    `recent_n` (n,) are the newest forces, the last one now, `recent_period_s` apart. `problem` is what hinders;
    `busy` says what the wizard does by itself just now, with `progress` from 0 to 1 where it is known. `ready`: the
    page may be taken and nothing speaks for waiting (somebody without a keyboard takes it then). `done`: the document
    is saved, and the tool has it where it keeps one; `finished`: the wizard was left. `last_taken` is
    the load taken last; `points` is how many were taken, whatever became of them.
    """

    steps: tuple[StepView, ...]
    run: int
    run_count: int
    context: str
    instruction: str
    hint: str
    picture: PictureView
    reading_n: float | None
    expected_n: float | None
    recent_n: NDArray[np.float64]
    recent_period_s: float
    steadiness: SteadyView
    rows: tuple[RowView, ...]
    residuals: tuple[ResidualView, ...]
    residual_limit_mn: float
    force_range_n: float
    question: QuestionView | None
    result: ResultView | None
    problem: Problem | None
    can_take: bool
    can_back: bool
    can_repeat: bool
    footer: str
    setup: Setup
    finished: bool
    rows_title: str = ""
    take_label: str = "Take point"
    busy: str = ""
    progress: float | None = None
    ready: bool = False
    notes: tuple[str, ...] = ()
    done: bool = False
    last_taken: RowView | None = None
    points: int = 0
