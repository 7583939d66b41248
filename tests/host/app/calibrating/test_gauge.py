from __future__ import annotations

from pathlib import Path

import pytest
from tests.host.app.calibrating.bench_of_events import Bench, BenchTool, Truth, quick

from iastm_host.events import LinkChanged
from iastm_host.tool import states


def bench_with_gauge(tmp_path: Path, rate_hz: float = 80.0, zero_n: float = 0.0) -> Bench:
    gauge = BenchTool(rate_hz=rate_hz, serial="REF-1", gauge=True, truth=Truth(tip_n=zero_n, noise_n=0.002))
    bench = Bench(tmp_path, BenchTool(rate_hz=320.0), gauge)
    bench.wizard.start(quick(against_gauge=True))
    return bench


def at_load(label: str):
    return lambda shown: shown.context.startswith("Loading up") and shown.picture.label == label


@pytest.mark.parametrize("rate_hz", [40.0, 80.0])
def test_the_force_applied_is_the_gauges_over_the_same_two_seconds(tmp_path: Path, rate_hz: float) -> None:
    bench = bench_with_gauge(tmp_path, rate_hz, zero_n=0.4)
    shown = bench.do_until(at_load("4.9 N"))
    assert shown.instruction == "Press to about 4.9 N and hold"
    bench.hang(5.3)
    shown = bench.wait(3.0)
    assert shown.expected_n == pytest.approx(5.3, abs=0.01)
    assert shown.can_take
    bench.do_until(lambda shown: shown.picture.kind == "check")
    bench.wizard.take()
    bench.wizard.keep()
    document = bench.saved[0]
    assert document.reference.kind == "gauge"
    assert document.reference.gravity_m_s2 is None
    assert "REF-1" in document.reference.description
    loads = [p for p in document.points if p.step >= 0]
    assert all(p.mass_kg is None for p in loads)
    # What hung is known by the test, and the gauge's own zero is taken out.
    assert loads[0].reference_n == pytest.approx(quick().force_n(0.1, 90.0), abs=0.003)


def test_a_force_far_from_the_target_is_not_taken(tmp_path: Path) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.do_until(at_load("4.9 N"))
    bench.hang(3.0)
    shown = bench.wait(3.0)
    assert shown.steadiness.word == "Too little load"
    assert not shown.can_take
    bench.hang(8.0)
    assert bench.wait(3.0).steadiness.word == "Too much load"
    bench.hang(4.6)
    assert bench.wait(3.0).can_take


def test_a_hand_that_sways_a_little_is_steady_enough_and_one_that_sways_much_is_not(tmp_path: Path) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.do_until(at_load("4.9 N"))
    assert bench.gauge is not None
    for swing_n, steady in ((0.05, True), (0.4, False)):
        bench.tool.truth.swing_n = bench.gauge.truth.swing_n = swing_n
        bench.hang(4.9)
        assert bench.wait(4.0).steadiness.steady is steady


def test_a_gauge_that_is_unsteady_or_silent_takes_no_point(tmp_path: Path) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.do_until(at_load("4.9 N"))
    assert bench.gauge is not None
    bench.hang(4.9)
    bench.gauge.truth.swing_n = 0.5
    assert not bench.wait(3.0).steadiness.steady
    bench.gauge.truth.swing_n = 0.0
    assert bench.wait(3.0).can_take
    gauge, bench.gauge = bench.gauge, None
    shown = bench.wait(1.0)
    assert not shown.can_take
    assert "reference gauge" in bench.problem().what
    bench.gauge = gauge
    bench.wizard.feed_reference(LinkChanged(states.STREAMING, "Live"))
    assert bench.wait(3.0).can_take


def test_a_difference_between_tool_and_gauge_is_asked_about(tmp_path: Path) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.do_until(at_load("9.8 N"))
    assert bench.gauge is not None
    bench.hang(9.8)
    bench.gauge.force_n = 9.5
    bench.wait(3.0)
    bench.wizard.take()
    assert "Tool and gauge differ by +3" in bench.asked().text


@pytest.mark.parametrize("late_us", [0, 60_000, 450_000])
def test_nothing_of_before_both_were_steady_is_in_a_point(tmp_path: Path, late_us: int) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.late_us = late_us
    bench.do_until(lambda shown: shown.context == "Loading down, at 90° · point 1 of 4")
    bench.hang(10.0)
    while not bench.wait(0.1).can_take:
        pass
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    assert shown.question is None
    assert shown.last_taken is not None
    assert shown.last_taken.applied_n == pytest.approx(10.0, abs=0.005)


def test_a_hand_that_does_not_press_has_not_loaded_the_tool_once(tmp_path: Path) -> None:
    bench = bench_with_gauge(tmp_path)
    bench.do_until(lambda shown: shown.instruction.startswith("Press to about 14.7 N"))
    shown = bench.wait(3.0)
    assert shown.steadiness.word == "Too little load"
    assert not shown.ready
    bench.hang(14.0)
    assert bench.wait(3.0).ready
