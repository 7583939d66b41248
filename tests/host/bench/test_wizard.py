"""The whole calibration in virtual time: the wizard asks, simulated hands do it on the bench, slips and all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iastm_calibration.calibrate import calibrate
from iastm_calibration.document import CalibrationDocument, expanded_n
from iastm_calibration.uncertainty import Use
from iastm_host.app.calibrating.setup import Setup
from iastm_host.app.calibrating.wizard import Surroundings, Wizard
from iastm_host.bench.bench import Bench
from iastm_host.bench.gauge import ReferenceGauge
from iastm_host.bench.hands import Hands, Mistake, Slip
from iastm_host.bench.truth import draw
from iastm_host.events import (
    Arrived,
    CalibrationReport,
    Event,
    ForceBlock,
    LinkChanged,
    Problem,
    ToolDescription,
    ZeroReport,
)
from iastm_host.tool import states
from iastm_protocol.conversion import to_newtons

RATE_HZ = 80
ROWS = 8
LONGEST_S = 1200.0
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def hello(source: Bench | ReferenceGauge, serial_number: str) -> list[Event]:
    cell = source.cell
    return [
        LinkChanged(states.SYNCHRONISING, "Reading"),
        ToolDescription("1.4", "", "simulated", "test", serial_number, 1, RATE_HZ, 100, "c", "", True, "1.1"),
        CalibrationReport(cell.calibration_id, cell.sha256, cell.capacity_n, cell.coefficients, 0, 0),
        ZeroReport(cell.zero_counts, 0, cell.zero_counts, True),
        LinkChanged(states.STREAMING, "Live"),
    ]


def next_events(source: Bench | ReferenceGauge, first_index: int, now_us: int) -> list[Event]:
    cell = source.cell
    _, counts = source.next_rows(ROWS)
    force_n = to_newtons(counts.astype(float), cell.zero_counts, cell.coefficients)
    tool_us, period_us = round(first_index * 1e6 / RATE_HZ), 1e6 / RATE_HZ
    block = ForceBlock(1, first_index, tool_us, period_us, force_n, counts, 0, now_us, backfilled=False)
    return [Arrived(block), block]


class Guided:
    """A wizard with hands that follow it; `asked` are the questions that came up, which are answered by the first."""

    def __init__(self, folder: Path, seed: int, *mistakes: Mistake, against_gauge: bool = False) -> None:
        self.setup = Setup(made_by="A. Tester", latitude_deg=45.5, tolerance=1e-3, against_gauge=against_gauge)
        self.bench = Bench(draw(seed, self.setup.gravity().value_m_s2), seed, RATE_HZ)
        self.gauge = ReferenceGauge(self.bench, seed, RATE_HZ) if against_gauge else None
        self.hands = Hands(self.bench, seed, self.setup.loads_kg, mistakes, against_gauge=against_gauge)
        self.asked: list[str] = []
        self.made: list[CalibrationDocument] = []
        self._now_us = 1_000_000
        self._index = 0
        self.wizard = Wizard(
            Surroundings(
                clock=lambda: self._now_us,
                wall_clock=lambda: START + timedelta(microseconds=self._now_us),
                drafts=folder,
                make=self._make,
                save=lambda _document: str(len(self.made)),
                load=self._load,
                write=None,
                aside=lambda work: work(),
            )
        )

    def run(self) -> CalibrationDocument:
        for event in hello(self.bench, "SIM-0001"):
            self.wizard.feed(event)
        if self.gauge is not None:
            for event in hello(self.gauge, "SIM-0002"):
                self.wizard.feed_reference(event)
        self._pass()
        self.wizard.start(self.setup)
        while (shown := self.wizard.snapshot()).result is None:
            assert shown.problem is None, shown.problem
            assert self.bench.now_s < LONGEST_S, f"it stands at {shown.context}: {shown.instruction}"
            if shown.question is not None:
                self.asked.append(shown.question.text)
                self.wizard.answer(shown.question.options[0][0])
                self.hands.notice()
                continue
            picture = shown.picture
            if self.hands.look(picture.kind, picture.load_kg, picture.angle_deg) and shown.ready:
                self.wizard.take()
            self._pass()
        return self.made[-1]

    def _pass(self) -> None:
        self._now_us += round(ROWS * 1e6 / RATE_HZ)
        for event in next_events(self.bench, self._index, self._now_us):
            self.wizard.feed(event)
        if self.gauge is not None:
            for event in next_events(self.gauge, self._index, self._now_us):
                self.wizard.feed_reference(event)
        self._index += ROWS

    def _make(self, taken, tool, reference, tip, *use, **named) -> CalibrationDocument:
        use = use or (named.pop("use", Use()),)
        self.made.append(calibrate(taken, tool, reference, tip, *use, **named))
        return self.made[-1]

    def _load(self, file: str) -> CalibrationDocument:
        raise Problem(f"There is no {file}.", "Begin anew.")

    def assert_right(self, document: CalibrationDocument) -> None:
        """The tool, seated anew, reads right within what the document states."""
        bench = self.bench
        bench.reseat()
        bench.next_rows(6 * RATE_HZ)
        zero = bench.next_rows(2 * RATE_HZ)[1].mean()
        for mass_kg in (0.3, 0.8, 1.4):
            bench.hang(mass_kg)
            bench.next_rows(6 * RATE_HZ)
            force_n, counts = bench.next_rows(2 * RATE_HZ)
            read_n = to_newtons(counts.mean() - zero, 0, document.curve.coefficients)
            assert abs(read_n - force_n.mean()) < expanded_n(document, float(force_n.mean()))
            assert read_n == pytest.approx(force_n.mean(), rel=0.005, abs=0.01)


@pytest.mark.parametrize("against_gauge", [False, True], ids=["weights", "gauge"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_calibration_by_simulated_hands_ends_right_without_a_question(
    tmp_path: Path, seed: int, against_gauge: bool
) -> None:
    guided = Guided(tmp_path, seed, against_gauge=against_gauge)
    document = guided.run()
    assert guided.asked == []
    assert guided.bench.now_s < 600
    assert document.reference.kind == ("gauge" if against_gauge else "weights")
    guided.assert_right(document)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (Mistake(4, Slip.WRONG_LOAD, 0.7), "Off by"),
        (Mistake(4, Slip.SWAPPED), "1,000 g"),
        (Mistake(4, Slip.FORGETS), None),
        (Mistake(3, Slip.WRONG_UNIT), "pounds"),
        (Mistake(4, Slip.TOUCHES), None),
    ],
    ids=lambda value: value.slip.name.lower() if isinstance(value, Mistake) else "",
)
def test_whatever_slips_the_calibration_ends_right(tmp_path: Path, mistake: Mistake, said: str | None) -> None:
    guided = Guided(tmp_path, 1, mistake)
    document = guided.run()
    if said is not None:
        assert said in " ".join(guided.asked)
    assert len(guided.asked) <= 2
    residual_n = document.figures.largest_residual_n
    assert abs(residual_n) < 0.02
    guided.assert_right(document)
