from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from iastm_calibration.daily_check import DailyCheck
from iastm_host.app.calibrating.daily import LOAD, OVER, PATIENCE_US, ZERO, DailyCheckRun
from iastm_host.events import Arrived, CalibrationReport, ForceBlock, LinkChanged, Problem, ToolDescription

APPLIED_N = 4.905
TOOL = ToolDescription("1", "", "board", "cpython 3", "T-1", 1, 320.0, 1000, "", "", False, "1.1")
IN_FORCE = CalibrationReport("T-1 2026-05-01", "ab" * 32, 50.0, (0.0, 1e-5))
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Bench:
    """A check, and forces for it."""

    def __init__(self, rate_hz: float = 320.0) -> None:
        self.run = DailyCheckRun(lambda: NOW, "Ann")
        self.rate_hz = rate_hz
        self.rng = np.random.default_rng(3)
        self.index = 0
        for event in (LinkChanged("streaming", ""), TOOL, IN_FORCE):
            self.run.feed(event)
        self.run.begin(APPLIED_N, "500 g")

    @property
    def now_us(self) -> int:
        return round(self.index * 1e6 / self.rate_hz)

    def force(self, force_n: float, seconds: float, *, sway_n: float = 0.0) -> None:
        count = max(1, round(self.rate_hz / 40))
        end = self.index + round(seconds * self.rate_hz)
        while self.index < end:
            places = self.index + np.arange(count)
            wave = sway_n * np.sin(2 * np.pi * places / self.rate_hz)
            values = force_n + wave + self.rng.normal(0, 0.0014, count)
            block = ForceBlock(1, self.index, self.now_us, 1e6 / self.rate_hz, values, None, 0, self.now_us, False)
            self.index += count
            self.run.feed(Arrived(block))
            self.run.feed(block)

    def page(self) -> str:
        return self.run.view(self.now_us).page

    def check(self) -> DailyCheck:
        check = self.run.view(self.now_us).check
        assert check is not None
        return check


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
@pytest.mark.parametrize(("gain", "passed"), [(1.0, True), (1.029, True), (1.031, False), (0.96, False)])
def test_zero_then_load_each_after_two_steady_seconds_and_the_verdict(
    rate_hz: float, gain: float, passed: bool
) -> None:
    bench = Bench(rate_hz)
    bench.force(0.01, 1.9)
    assert bench.page() == ZERO
    bench.force(0.01, 0.4)
    assert bench.page() == LOAD
    bench.force(0.01, 5.0)
    assert bench.page() == LOAD, "the load has not come"
    bench.force(0.01 + gain * APPLIED_N, 2.5)
    assert bench.page() == OVER
    check = bench.check()
    assert check.passed is passed
    assert check.span_error == pytest.approx(gain - 1, abs=0.001)
    assert check.zero_n == pytest.approx(0.01, abs=0.001)
    assert (check.serial_number, check.calibration_id, check.by) == ("T-1", "T-1 2026-05-01", "Ann")
    assert check.checked_at == "2026-11-21T08:00:00+00:00"


def test_a_load_that_hangs_from_the_start_is_asked_to_be_taken_off() -> None:
    bench = Bench()
    bench.force(APPLIED_N, 4.0)
    view = bench.run.view(bench.now_us)
    assert (view.page, view.instruction) == (ZERO, "Take the load off the tip")
    bench.force(0.0, 2.5)
    assert bench.page() == LOAD


def test_another_weight_than_the_one_stated_is_told_while_it_hangs() -> None:
    bench = Bench()
    bench.force(0.0, 2.5)
    bench.force(1.96, 4.0)
    view = bench.run.view(bench.now_us)
    assert (view.page, view.hint) == (LOAD, "1.96 N hangs there, 4.91 N is expected.")


@pytest.mark.parametrize(("applied_n", "words"), [(0.0, "too little"), (0.4, "too little"), (58.8, "beyond the 50 N")])
def test_a_load_that_can_t_be_checked_with_is_refused_at_once(applied_n: float, words: str) -> None:
    with pytest.raises(Problem, match=words):
        Bench().run.begin(applied_n, "it")


def test_what_swings_is_not_taken() -> None:
    bench = Bench()
    bench.force(0.0, 2.5)
    bench.force(APPLIED_N, 6.0, sway_n=0.3)
    assert bench.page() == LOAD
    bench.force(APPLIED_N, 2.5)
    assert bench.page() == OVER


def test_a_tool_that_goes_silent_is_told_and_its_last_number_not_shown_as_live() -> None:
    bench = Bench()
    bench.force(0.0, 1.0)
    assert bench.run.view(bench.now_us).reading_n is not None
    view = bench.run.view(bench.now_us + 1_000_000)
    assert (view.reading_n, view.hint) == (None, "No new data")


def test_what_is_never_steady_ends_with_words() -> None:
    bench = Bench()
    bench.force(0.0, 1.0, sway_n=0.3)
    with pytest.raises(Problem, match="Nothing was steady"):
        bench.run.view(bench.now_us + PATIENCE_US)
