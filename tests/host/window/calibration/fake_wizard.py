"""A wizard without a tool: remembers what it was told, and shows what a test gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QWidget

from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL
from iastm_host.app.calibrating.snapshot import (
    PictureView,
    QuestionView,
    ResidualView,
    ResultView,
    RowView,
    Setup,
    SteadyView,
    StepView,
    WizardSnapshot,
)
from iastm_host.events import Problem

STEPS = (
    "Prepare",
    "Warm up",
    "Zero",
    "Load at 90°",
    "Load at 60°",
    "Load at 45°",
    "Check",
    "Certificate",
)
FULL_SETUP = Setup(method=FULL, loads_kg=DEFAULT_LOADS_KG[FULL], made_by="A. Tester")
GRAVITY_M_S2 = 9.8127
READ_BEFORE_MN = (-11.0, 6.0, 14.0, 9.0)


def steps_at(now: int) -> tuple[StepView, ...]:
    """Return the steps, those before `now` done."""
    return tuple(
        StepView(title, "done" if place < now else "now" if place == now else "todo")
        for place, title in enumerate(STEPS)
    )


def rows_at(now: int, taken_mn: Sequence[float] = READ_BEFORE_MN) -> tuple[RowView, ...]:
    """Return the rows of a series upwards in which `now` is being taken."""
    found = []
    for place, mass_kg in enumerate(FULL_SETUP.loads_kg):
        applied_n = mass_kg * GRAVITY_M_S2
        label = f"{mass_kg * 1000:,.0f} g"
        if place < now:
            found.append(RowView(label, applied_n, applied_n + taken_mn[place] / 1000, taken_mn[place], "taken"))
        else:
            found.append(RowView(label, applied_n, None, None, "now" if place == now else "todo"))
    return tuple(found)


def residuals() -> tuple[ResidualView, ...]:
    """Return a first run up and down, and the present one as far as `rows_at(4)` has it."""
    rng = np.random.default_rng(3)
    forces_n = [mass_kg * GRAVITY_M_S2 for mass_kg in FULL_SETUP.loads_kg]
    earlier = [
        ResidualView(force_n, float(rng.normal(3, 8)), 1, rising, False)
        for rising in (True, False)
        for force_n in forces_n
    ]
    now = [ResidualView(force_n, mn, 2, True, True) for force_n, mn in zip(forces_n, READ_BEFORE_MN, strict=False)]
    return (*earlier, *now)


def settling_n(middle_n: float, count: int = 160) -> np.ndarray:
    """Return a load that swings less and less around a force."""
    rng = np.random.default_rng(2)
    at = np.arange(count)
    swing: np.ndarray = middle_n + 0.45 * np.exp(-at / 16) * np.cos(at / 2.4) + rng.normal(0, 0.0012, count)
    return swing


LOAD = WizardSnapshot(
    steps=steps_at(3),
    run=2,
    run_count=3,
    context="Loading up, at 90° · point 5 of 7",
    instruction="Hang 700 g on the tip",
    hint="The point is taken after 2 steady seconds.",
    picture=PictureView("load", "700 g", 90.0),
    reading_n=6.871,
    expected_n=6.869,
    recent_n=settling_n(6.871),
    recent_period_s=0.025,
    steadiness=SteadyView(True, 1.4, 2.0, 3.0, "Steady"),
    rows=rows_at(4),
    residuals=residuals(),
    residual_limit_mn=30.0,
    force_range_n=14.72,
    question=None,
    result=None,
    problem=None,
    can_take=False,
    can_back=True,
    can_repeat=True,
    footer="Taken points are kept if you stop. Ready in 0.6 s.",
    setup=FULL_SETUP,
    finished=False,
    rows_title="This run, up",
)
NOT_BEGUN = replace(
    LOAD,
    steps=tuple(
        StepView(title, "todo") for title in ("Prepare", "Warm up", "Zero", "Load at 90°", "Check", "Certificate")
    ),
    run=1,
    run_count=1,
    context="",
    instruction="State what you calibrate with",
    hint="",
    picture=PictureView("prepare", "", 90.0),
    reading_n=None,
    expected_n=None,
    recent_n=np.empty(0),
    recent_period_s=0.0,
    steadiness=SteadyView(False, 0.0, 2.0, None, "No data"),
    rows=(),
    residuals=(),
    force_range_n=0.0,
    can_back=False,
    can_repeat=False,
    footer="",
    setup=Setup(),
    rows_title="",
)
PREPARE = replace(
    LOAD,
    steps=steps_at(0),
    run=1,
    context="Full calibration · about 46 minutes",
    instruction="Clamp the tool, tip free",
    hint="The tip points straight down. Have ready: a cord, and 100 g, 200 g, 300 g, 500 g, 700 g, 1,000 g, 1,500 g.",
    picture=PictureView("prepare", "", 90.0),
    reading_n=0.012,
    expected_n=None,
    rows=rows_at(-1),
    residuals=(),
    can_take=True,
    can_back=False,
    can_repeat=False,
    take_label="Go on",
)
WARM_UP = replace(
    PREPARE,
    steps=steps_at(1),
    instruction="Let the tool warm up",
    hint="Nothing touches the tip.",
    picture=PictureView("warm_up", "", 90.0),
    busy="Warming up: the zero moves by 3 mN a minute. About 2:40 left.",
    progress=0.46,
    can_back=True,
)
ZERO = replace(
    LOAD,
    steps=steps_at(2),
    context="Before the loads, at 90°",
    instruction="Leave the tip free",
    hint="Nothing touches the tip. The zero is taken after 2 steady seconds.",
    picture=PictureView("zero", "", 90.0),
    reading_n=-0.003,
    expected_n=0.0,
    recent_n=settling_n(-0.003),
    can_take=True,
    take_label="Take zero",
    steadiness=SteadyView(True, 2.0, 2.0, 2.0, "Steady"),
    rows=rows_at(-1),
)
QUESTION = QuestionView(
    "700 g reads 41 mN more than expected. Look whether anything touches, then take it again, or keep it with a note.",
    (("repeat", "Repeat"), ("keep", "Keep with a note")),
    True,
)
LONG_QUESTION = QuestionView(
    "This looks like 500 g: the tool reads 4.906 N where 6.869 N are expected for 700 g. Was it the wrong weight? "
    "Hang 700 g, or go back to the point before.",
    (("repeat", "Repeat"), ("back", "Go back to it"), ("keep", "Keep with a note")),
    True,
)
SEVERAL = (
    "Of 100 readings about 95 lie within that of the true force.",
    "At 1.0 N: ± 0.021 N.",
    "At 4.9 N: ± 0.028 N.",
    "At 14.7 N: ± 0.040 N.",
    "The point farthest off: 14 mN.",
    "Between loading and unloading: 9 mN.",
    "Between seatings: 12 mN.",
    "At 60° a force reads +0.3 %.",
    "At 45° a force reads −0.6 %.",
    "Not counted, because nobody stated it: drift of zero with temperature, drift of span with temperature.",
)
RESULT = replace(
    LOAD,
    steps=steps_at(7),
    run=3,
    context="Full calibration of SIM-0001 by A. Tester",
    instruction="Save the certificate",
    hint="The document is saved here, then written to the tool.",
    picture=PictureView("result", "", 45.0),
    residuals=tuple(replace(each, current=False) for each in residuals()),
    result=ResultView(
        "Good",
        "± 0.040 N up to 15 N",
        SEVERAL,
        (
            ("After ASTM E74, class", "A from 1.32 N"),
            ("After ASTM E74, lower limit factor", "0.033 N"),
            ("After ISO 376, class", "1 from 1.96 N"),
        ),
        False,
        "",
    ),
    can_take=True,
    can_repeat=False,
    take_label="Save and write",
    footer="",
)


def with_result(**changes: object) -> WizardSnapshot:
    """Return the result's snapshot with other words."""
    assert RESULT.result is not None
    return replace(RESULT, result=replace(RESULT.result, **changes))  # type: ignore[arg-type]


def noted(rows: tuple[RowView, ...]) -> tuple[RowView, ...]:
    """Return the rows with one that was kept with a note."""
    return (*rows[:2], replace(rows[2], state="noted", residual_mn=-1041.0, read_n=1.903), *rows[3:])


PAGES: dict[str, WizardSnapshot] = {
    "form": NOT_BEGUN,
    "prepare": PREPARE,
    "warm up": WARM_UP,
    "zero": ZERO,
    "load": LOAD,
    "ready": replace(LOAD, can_take=True, steadiness=SteadyView(True, 2.0, 2.0, 3.0, "Steady"), ready=True),
    "settling": replace(
        LOAD,
        reading_n=-12.871,
        recent_n=np.concatenate([np.zeros(60), np.full(20, np.nan), np.full(80, -12.87)]),
        steadiness=SteadyView(False, 0.0, 2.0, 112.0, "Too much load"),
    ),
    "load at 60": replace(
        LOAD,
        steps=steps_at(4),
        context="Loading down, at 60° · point 2 of 6",
        hint="The point is taken after 2 steady seconds. Come down to it, not up.",
        instruction="Hang 1,500 g on the tip",
        picture=PictureView("load", "1,500 g", 60.0),
        rows_title="This run, down",
    ),
    "load at 45": replace(LOAD, steps=steps_at(5), picture=PictureView("load", "700 g", 45.0)),
    "gauge": replace(
        LOAD,
        instruction="Press to about 6.9 N and hold",
        picture=PictureView("load", "6.9 N", 90.0),
        setup=replace(FULL_SETUP, against_gauge=True),
    ),
    "seat": replace(
        LOAD,
        instruction="Take the tool out and seat it anew",
        picture=PictureView("seat", "", 90.0),
        hint="Upright again (90°), tip free. Seating anew tells how much that changes.",
        context="Run 2 of 3",
        take_label="Go on",
        can_take=True,
    ),
    "turn": replace(
        LOAD,
        instruction="Turn the tool to 60°",
        picture=PictureView("turn", "", 60.0),
        hint="Measured between tip and table. Upright is 90°.",
        take_label="Go on",
        can_take=True,
    ),
    "question": replace(
        LOAD,
        question=QUESTION,
        can_take=False,
        rows=noted(rows_at(4)),
        residuals=(*residuals(), ResidualView(6.869, 41.0, 2, True, True), ResidualView(2.9, -1041.0, 2, True, True)),
    ),
    "long question": replace(LOAD, question=LONG_QUESTION),
    "link lost": replace(
        LOAD,
        reading_n=None,
        recent_n=np.empty(0),
        steadiness=SteadyView(False, 0.0, 2.0, None, "No data"),
        problem=Problem(
            "Link lost: the port went away.", "Points are kept. It goes on by itself when the tool is back."
        ),
    ),
    "check": replace(
        LOAD,
        steps=steps_at(6),
        run=3,
        context="",
        instruction="Look at the differences",
        hint="A point that stands apart can be repeated: go back to it.",
        can_take=True,
        picture=PictureView("check", "", 45.0),
        take_label="Calculate",
        expected_n=None,
        notes=("Run 1, 90°, 300 g up: kept, the cord touched the table.", "Run 2, 60°, 1,500 g: left out."),
    ),
    "good": RESULT,
    "saved": replace(
        with_result(
            word="Fair",
            sentence="± 0.21 N up to 15 N",
            written=True,
            file="/home/me/.local/share/iastm/calibrations/SIM-0001/2026-11-21 SIM-0001.json",
        ),
        can_take=False,
        can_back=False,
        done=True,
        take_label="Write to the tool",
        footer="Taken points are kept if you stop.",
    ),
    "writing": replace(
        RESULT,
        can_take=False,
        can_back=False,
        busy="Writing to the tool",
        progress=0.42,
        footer="Writing to the tool …",
        take_label="Write to the tool",
        problem=Problem(
            "The tool refused the calibration: made for tool SIM-0002.",
            "Connect SIM-0002, or begin a new calibration. The document is saved on this computer.",
        ),
    ),
    "poor": with_result(
        word="Poor",
        sentence="± 1.9 N up to 15 N",
        lines=(*SEVERAL, *SEVERAL),
        file="D:/calibrations/SIM-0001 2026-11-21.json",
    ),
}


def focused(window: QWidget) -> QWidget:
    """Return what gets the keys."""
    inner: QWidget | None = window.focusWidget()
    return window if inner is None else inner


class FakeWizard:
    """Shows `shown`, and remembers calls in `calls`."""

    def __init__(self, shown: WizardSnapshot = LOAD) -> None:
        self.shown = shown
        self.calls: list[tuple[object, ...]] = []
        self.refused: Problem | None = None

    def snapshot(self) -> WizardSnapshot:
        return self.shown

    def start(self, setup: Setup) -> None:
        if self.refused is not None:
            raise self.refused
        self.calls.append(("start", setup))

    def take(self) -> None:
        self.calls.append(("take",))

    def back(self) -> None:
        self.calls.append(("back",))

    def repeat_last(self) -> None:
        self.calls.append(("repeat_last",))

    def answer(self, option_id: str, note: str = "") -> None:
        self.calls.append(("answer", option_id, note))

    def keep(self) -> None:
        self.calls.append(("keep",))

    def leave(self) -> None:
        self.calls.append(("leave",))
