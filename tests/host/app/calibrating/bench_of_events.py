"""A tool with known truth on a bench, in virtual time: what hangs on it becomes events, as a run tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from iastm_calibration.document import (
    CalibrationDocument,
    Compensation,
    Curve,
    FoundFigures,
    TakenPoint,
    UncertaintyAt,
)
from iastm_host.app.calibrating.draft import Draft
from iastm_host.app.calibrating.setup import Setup
from iastm_host.app.calibrating.snapshot import QuestionView, ResultView, WizardSnapshot
from iastm_host.app.calibrating.wizard import Surroundings, Wizard
from iastm_host.events import (
    Arrived,
    CalibrationReport,
    Event,
    ForceBlock,
    LinkChanged,
    Problem,
    StatusReport,
    ToolDescription,
    ZeroReport,
)
from iastm_host.tool import states

COUNTS_PER_N = 20_000.0
ZERO_COUNTS = 12_345
CAPACITY_N = 50.0
RAIL = 0x7FFFFF
SATURATED = 1
START = datetime(2026, 11, 21, 9, 0, tzinfo=timezone(timedelta(hours=1)))
_BLOCK_S = 0.1


@dataclass
class Truth:
    """What the tool does with a force along its axis: gain off from nominal, bend, tip's weight, noise, drift."""

    gain: float = 1.04
    bend: float = 0.002
    noise_n: float = 0.003
    tip_n: float = 0.3
    drift_n_per_min: float = 0.0
    swing_n: float = 0.0


@dataclass
class BenchTool:
    """The tool; `force_n` is what pulls along its axis besides the tip."""

    rate_hz: float = 80.0
    truth: Truth = field(default_factory=Truth)
    serial: str = "TOOL-7"
    boot_id: int = 1
    force_n: float = 0.0
    angle_deg: float = 90.0
    saturated: bool = False
    index: int = 0
    tool_us: float = 1_000_000.0
    hello_scale: float = 1.0
    gauge: bool = False
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(4))

    def hello(self) -> list[Event]:
        described = ToolDescription(
            "1.4", "", "bench", "micropython", self.serial, self.boot_id, self.rate_hz, 100, "c", "", True, "1.1"
        )
        nominal = (0.0, self.hello_scale / COUNTS_PER_N)
        return [
            LinkChanged(states.SYNCHRONISING, "Reading"),
            described,
            CalibrationReport("nominal", "", CAPACITY_N, nominal, 0, 0),
            ZeroReport(ZERO_COUNTS, 0, ZERO_COUNTS, True),
            LinkChanged(states.STREAMING, "Live"),
        ]

    def restart(self) -> list[Event]:
        self.boot_id += 1
        self.index = 0
        self.tool_us = 500_000.0
        return self.hello()

    def block(self, n: int, arrived_us: int) -> list[Event]:
        period_us = 1e6 / self.rate_hz
        seconds = (self.tool_us + np.arange(n) * period_us) / 1e6
        axis_n = self.force_n + self.truth.tip_n * np.sin(np.radians(self.angle_deg))
        axis_n = axis_n + self.truth.drift_n_per_min * seconds / 60 + self.truth.swing_n * np.sin(7 * seconds)
        bent = axis_n * (1 + self.truth.bend * (axis_n / 15 - 1))
        noisy = bent * self.truth.gain + self.rng.normal(0, self.truth.noise_n, n)
        raw = np.clip(np.round(noisy * COUNTS_PER_N) + ZERO_COUNTS, -RAIL - 1, RAIL).astype(np.int32)
        if self.saturated:
            raw[:] = RAIL
        force = axis_n + self.rng.normal(0, self.truth.noise_n, n) if self.gauge else (raw - ZERO_COUNTS) / COUNTS_PER_N
        made = ForceBlock(
            self.boot_id,
            self.index,
            round(self.tool_us),
            period_us,
            np.asarray(force, dtype=np.float64),
            None if self.gauge else raw,
            SATURATED if self.saturated else 0,
            arrived_us,
            backfilled=False,
        )
        self.index += n
        self.tool_us += n * period_us
        return [Arrived(made), made]

    def lose(self, n: int) -> None:
        """Let samples go by that nobody gets."""
        self.index += n
        self.tool_us += n * 1e6 / self.rate_hz


class Bench:
    """A wizard with a tool, and a gauge where one is wanted; time passes only in `wait`."""

    def __init__(self, folder: Path, tool: BenchTool | None = None, gauge: BenchTool | None = None) -> None:
        self.folder = folder
        self.tool = tool or BenchTool()
        self.gauge = gauge
        self.now_us = 5_000_000
        self.linked = True
        # By so much the tool's samples seem older than the gauge's.
        self.late_us = 0
        self.saved: list[CalibrationDocument] = []
        self.written: list[CalibrationDocument] = []
        self.make: Callable[..., CalibrationDocument] = make_document
        self.refuse_save: Problem | None = None
        self.refuse_write: Problem | None = None
        self.drafts: list[Draft] = []
        self.wizard = self.new_wizard()

    def new_wizard(self) -> Wizard:
        """Return a wizard of a new process: that of the former one is gone, and with it what it held."""
        for draft in self.drafts:
            draft.close()
        wizard = Wizard(
            Surroundings(
                clock=lambda: self.now_us,
                wall_clock=self.wall,
                drafts=self.folder,
                make=self._make,
                save=self._save,
                load=lambda file: self.saved[int(file)],
                write=self._write,
                aside=lambda work: work(),
                open_draft=self._open_draft,
            )
        )
        for event in self.tool.hello():
            wizard.feed(event)
        for event in [] if self.gauge is None else self.gauge.hello():
            wizard.feed_reference(event)
        return wizard

    def wall(self) -> datetime:
        return START + timedelta(microseconds=self.now_us)

    def wait(self, seconds: float) -> WizardSnapshot:
        """Let time pass; samples arrive in blocks."""
        end_us = self.now_us + round(seconds * 1e6)
        while self.now_us < end_us:
            self.now_us += round(_BLOCK_S * 1e6)
            n = max(1, round(self.tool.rate_hz * _BLOCK_S))
            if not self.linked:
                self.tool.lose(n)
            else:
                for event in self.tool.block(n, self.now_us - self.late_us):
                    self.wizard.feed(event)
            if self.gauge is not None:
                for event in self.gauge.block(max(1, round(self.gauge.rate_hz * _BLOCK_S)), self.now_us):
                    self.wizard.feed_reference(event)
        return self.wizard.snapshot()

    def feed(self, *events: Event) -> None:
        for event in events:
            self.wizard.feed(event)

    def break_link(self) -> None:
        self.linked = False
        self.feed(LinkChanged(states.LOST, "Unplugged"))

    def mend_link(self) -> None:
        self.linked = True
        self.feed(*self.tool.hello())

    def temperature(self, temperature_c: float) -> None:
        self.feed(StatusReport(0, None, temperature_c, (), 0, 0, 0, 0))

    def hang(self, force_n: float) -> None:
        self.tool.force_n = force_n
        if self.gauge is not None:
            self.gauge.force_n = force_n

    def do_page(self, *, settle_s: float = 2.6) -> WizardSnapshot:
        """Do what the page asks for, as told, and take it."""
        shown = self.wizard.snapshot()
        kind = shown.picture.kind
        self.tool.angle_deg = shown.picture.angle_deg
        if kind == "zero":
            self.hang(0.0)
        elif kind == "load":
            self.hang(shown.setup.force_n(shown.picture.load_kg, shown.picture.angle_deg))
        elif kind == "warm_up":
            settle_s = 25.0
        self.wait(settle_s)
        self.wizard.take()
        return self.wizard.snapshot()

    def do_until(self, reached: Callable[[WizardSnapshot], bool]) -> WizardSnapshot:
        """Do page after page until one is reached."""
        for _ in range(400):
            shown = self.wizard.snapshot()
            if reached(shown):
                return shown
            assert shown.question is None, shown.question
            self.do_page()
        raise AssertionError(f"never reached; it stands at {shown.context}: {shown.instruction}")

    def hang_expected(self) -> None:
        expected_n = self.wizard.snapshot().expected_n
        assert expected_n is not None
        self.hang(expected_n)

    def asked(self) -> QuestionView:
        question = self.wizard.snapshot().question
        assert question is not None
        return question

    def result(self) -> ResultView:
        result = self.wizard.snapshot().result
        assert result is not None
        return result

    def problem(self) -> Problem:
        problem = self.wizard.snapshot().problem
        assert problem is not None
        return problem

    def _open_draft(self, path: Path) -> Draft:
        self.drafts.append(Draft(path))
        return self.drafts[-1]

    def _make(self, *args, **named) -> CalibrationDocument:
        return self.make(*args, **named)

    def _save(self, document: CalibrationDocument) -> str:
        if self.refuse_save is not None:
            raise self.refuse_save
        self.saved.append(document)
        return str(len(self.saved) - 1)

    def _write(self, document: CalibrationDocument, progress: Callable[[float], None]) -> None:
        progress(0.5)
        if self.refuse_write is not None:
            raise self.refuse_write
        self.written.append(document)


def make_document(taken: tuple[TakenPoint, ...], tool, reference, tip, _use, **named) -> CalibrationDocument:
    """A document of a straight line, for tests that are about the wizard."""
    zeros = {(p.run, p.angle_deg): p.counts for p in reversed(taken) if p.step < 0}
    net = np.array([p.counts - zeros[p.run, p.angle_deg] for p in taken if p.step >= 0])
    force = np.array([p.reference_n for p in taken if p.step >= 0])
    slope = float(net @ force / (net @ net))
    worst = float(np.abs(slope * net - force).max())
    none = (None,) * 8
    return CalibrationDocument(
        calibration_id=named["calibration_id"],
        method=named["method"],
        tool=tool,
        reference=reference,
        tip=tip,
        points=taken,
        curve=Curve((0.0, slope), 0.0, float(force.max()), worst, 3),
        figures=FoundFigures(
            worst, 0.004, 0.001, *none, "Class 1", 0.5, ((60.0, 0.01),), ("Fewer points than asked.",)
        ),
        uncertainty=(
            UncertaintyAt(1.0, 0.02, 2.0, (), ("temperature",)),
            UncertaintyAt(float(force.max()), 0.04, 2.0, (), ("temperature",)),
        ),
        compensation=Compensation(),
        made_by=named["made_by"],
        made_at=named["made_at"],
        expires_on=named["expires_on"],
        notes=named["notes"],
    )


def quick(**changes) -> Setup:
    return replace(Setup(made_by="A. Tester", latitude_deg=48.0), **changes)
