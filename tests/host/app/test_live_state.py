from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.dose_alert import DoseAlert
from iastm_host.analysis.profiles import Contact
from iastm_host.app.live_state import (
    GAUGE_NOT_TARED,
    NEVER_WARNS,
    OWN_ALARM_DIFFERS,
    ZERO_NOT_CONFIRMED,
    LiveState,
    not_paired,
)
from iastm_host.app.pipeline import Pipeline
from iastm_host.events import (
    Alert,
    Answer,
    Arrived,
    ClockOffset,
    Event,
    ForceBlock,
    Gap,
    LimitsReport,
    LinkChanged,
    StatusReport,
    ToolDescription,
    Unreadable,
    ZeroReport,
)
from iastm_host.tool.timeline import RESTARTED

TOOL = ToolDescription("1", "ab", "fake", "cpython 3", "F-1", 7, 320.0, 2048, "c", "00", True, "1.0")
PERIOD_US = 3125.0


class Analysers:
    """What the live state asks of a pipeline."""

    def __init__(self, profile: Any) -> None:
        self.now = Analyser(profile, None, 320.0, Contact())
        self.record = Analyser(profile, None, 320.0, Contact())
        self.missing_samples = 0
        self.dose = DoseAlert()


class Bench:
    """A live state fed with force, as a pipeline feeds it."""

    def __init__(self, profile: Any, *, live: bool = True) -> None:
        self.state = LiveState("serial", profile, None, Contact(), live=live)
        self.pipeline = Analysers(profile)
        self.index = 0
        self.tell(TOOL)

    def tell(self, *events: Event, now_us: int = 0) -> None:
        self.state.apply(cast("Pipeline", self.pipeline), events, now_us)

    def play(self, force_n: Any, now_us: int = 0) -> None:
        force_n = np.asarray(force_n, dtype=float)
        for part in np.split(force_n, range(6, len(force_n), 6)):
            tool_us = round(self.index * PERIOD_US)
            block = ForceBlock(7, self.index, tool_us, PERIOD_US, part, part.astype(np.int32), 0, now_us, False)
            self.index = block.next_index
            alerts = [event for event in self.pipeline.now.feed(block) if isinstance(event, Alert)]
            strokes = [event for event in self.pipeline.record.feed(block) if not isinstance(event, Alert)]
            self.tell(*alerts, Arrived(block), block, *strokes, now_us=now_us)

    def stroke(self, peak_n: float) -> None:
        self.play(np.concatenate((peak_n * np.sin(np.linspace(0, np.pi, 200)), np.zeros(80))))

    def gap(self, n: int) -> None:
        gap = Gap(7, self.index, n, 0, PERIOD_US, "samples missing")
        self.index += n
        self.pipeline.record.feed(gap)
        self.tell(gap)

    @property
    def shown(self) -> Any:
        return self.state.snapshot(0)


def test_a_warn_that_becomes_an_alarm_counts_once(profile: Any) -> None:
    bench = Bench(profile)
    bench.stroke(16.0)
    assert [decision.alert.kind for decision in bench.state.alerts] == ["alarm"]
    bench.stroke(12.0)
    assert [alert.kind for alert in bench.shown.alerts] == ["alarm", "warn"]


def test_a_warn_is_shown_before_it_becomes_an_alarm(profile: Any) -> None:
    bench = Bench(profile)
    bench.play([0, 0, 5, 12, 12, 12])
    assert [alert.kind for alert in bench.shown.alerts] == ["warn"]
    bench.play([15, 15, 15])
    assert [alert.kind for alert in bench.shown.alerts] == ["alarm"]
    verdict = bench.shown.verdict
    assert (verdict.warn_crossed, verdict.alarm_crossed, verdict.running_n) == (True, True, 15.0)


def test_latency_is_the_decision_less_the_sampling_on_the_hosts_clock(profile: Any) -> None:
    bench = Bench(profile)
    bench.tell(ClockOffset(1_000_000, 700))
    bench.play([0, 12, 12], now_us=1_020_000)
    # Later knowledge of the clock does not change what was decided before.
    bench.tell(ClockOffset(9_000_000, 1))
    (decision,) = bench.state.alerts
    assert decision.alert.tool_us == 6250
    assert decision.latency_us == 1_020_000 - (6250 + 1_000_000)
    assert decision.offset == ClockOffset(1_000_000, 700)


@pytest.mark.parametrize("live", [True, False])
def test_without_a_clock_or_in_a_replay_latency_is_unknown(profile: Any, live: bool) -> None:
    bench = Bench(profile, live=live)
    if not live:
        bench.tell(ClockOffset(1, 1))
    bench.play([0, 12, 12])
    assert bench.state.alerts[0].latency_us is None


def test_the_medium_alert_comes_with_the_third_hard_stroke_of_five_and_clears_itself(profile: Any) -> None:
    bench = Bench(profile)
    for peak_n in (16.0, 6.0, 16.0):
        bench.stroke(peak_n)
        assert bench.shown.medium_alert is None
    bench.stroke(16.0)
    assert bench.shown.medium_alert.kind == "repeated"
    bench.stroke(6.0)
    assert bench.shown.medium_alert is not None, "3 of the last 5 still"
    bench.stroke(6.0)
    assert bench.shown.medium_alert is None
    assert "repeated" in [alert.kind for alert in bench.shown.alerts]


def test_received_missing_and_expected_samples_add_up(profile: Any) -> None:
    bench = Bench(profile)
    bench.play(np.zeros(100))
    bench.gap(30)
    bench.play(np.zeros(10))
    shown = bench.shown
    assert (shown.samples_received, shown.missing_samples, shown.samples_expected, shown.gap_count) == (110, 30, 140, 1)
    assert (bench.state.first_index, bench.state.end_index) == (0, 140)
    assert np.isnan(shown.trace.force_n[100:130]).all()
    assert np.isfinite(shown.trace.force_n[130:]).all()


def test_a_restart_is_a_gap_and_counted_as_what_it_is(profile: Any) -> None:
    bench = Bench(profile)
    bench.play(np.zeros(100))
    bench.tell(Gap(7, 100, 0, 0, PERIOD_US, RESTARTED))
    shown = bench.shown
    assert (shown.gap_count, shown.restart_count, shown.missing_samples) == (1, 1, 0)
    bench.gap(30)
    assert (bench.shown.gap_count, bench.shown.restart_count) == (2, 1)


def test_samples_that_are_waited_for_are_told_until_they_came(profile: Any) -> None:
    bench = Bench(profile)
    bench.pipeline.missing_samples = 2607
    bench.play(np.zeros(10))
    assert (bench.shown.awaited_samples, bench.shown.missing_samples) == (2607, 0)
    bench.pipeline.missing_samples = 0
    bench.play(np.zeros(10))
    assert bench.shown.awaited_samples == 0


def test_what_is_steady_is_known_right_after_a_gap(profile: Any) -> None:
    bench = Bench(profile)
    bench.play(np.full(100, 4.0))
    bench.gap(80)
    bench.play(np.full(3, 5.0))
    assert bench.shown.verdict.steady_n == 5.0


def test_before_the_first_sample_nothing_is_claimed(profile: Any) -> None:
    shown = Bench(profile).shown
    verdict = shown.verdict
    assert (verdict.force_n, verdict.running_n, verdict.last_n, verdict.steady_n) == (None, None, None, None)
    assert (shown.battery_percent, shown.stroke_rate_hz, shown.faults) == (None, None, ())


def test_the_last_status_is_shown(profile: Any) -> None:
    bench = Bench(profile)
    bench.tell(StatusReport(1, 55, None, ("converter frozen",), 0, 0, 0, 1))
    assert (bench.shown.battery_percent, bench.shown.faults) == (55, ("converter frozen",))


def test_a_tool_of_another_rate_gets_a_trace_of_its_own(profile: Any) -> None:
    bench = Bench(profile)
    bench.play(np.zeros(50))
    slow = ToolDescription("1", "ab", "fake", "cpython 3", "F-2", 8, 80.0, 2048, "c", "00", True, "1.0")
    bench.tell(slow)
    assert len(bench.shown.trace.force_n) == 0


def test_a_tool_that_watches_other_limits_than_it_was_told_is_a_fault(profile: Any) -> None:
    told = (profile.key, profile.warn_n, profile.alarm_n, Contact().on_n, Contact().off_n)
    bench = Bench(profile)
    bench.tell(LinkChanged("streaming", "Live"), LimitsReport(*told))
    assert bench.shown.faults == ()
    bench.tell(LimitsReport("", 0.0, 0.0, 0.8, 0.52))
    assert bench.shown.faults == (OWN_ALARM_DIFFERS,)
    bench.tell(Answer(3, False, "this needs the tool's key", "key"))
    assert bench.shown.faults == (not_paired(TOOL),)
    assert "tool F-1, press its button, then: iastm pair" in not_paired(TOOL)
    bench.state.pairing_refused = "It did not pair with this computer."
    assert bench.shown.faults == ("It did not pair with this computer.",)
    bench.tell(LinkChanged("synchronising", "Reading"))
    assert bench.shown.faults == ()


def test_a_zero_that_was_not_confirmed_is_a_fault_until_it_is(profile: Any) -> None:
    bench = Bench(profile)
    bench.tell(LinkChanged("streaming", "Live"), ZeroReport(1000, 0, 1000, False))
    assert bench.shown.faults == (ZERO_NOT_CONFIRMED,)
    bench.tell(ZeroReport(1010, 500, 1000, True))
    assert bench.shown.faults == ()


def test_the_tool_warns_by_itself_only_with_our_limits_a_confirmed_zero_and_a_battery(profile: Any) -> None:
    told = (profile.key, profile.warn_n, profile.alarm_n, Contact().on_n, Contact().off_n)
    bench = Bench(profile)
    assert not bench.shown.tool_warns
    bench.tell(LimitsReport(*told), ZeroReport(1000, 0, 1000, True), StatusReport(0, 80, None, (), 0, 0, 0, 0))
    assert bench.shown.tool_warns
    for event in (
        LimitsReport("", 0.0, 0.0, 0.8, 0.52),
        ZeroReport(1000, 0, 1000, False),
        StatusReport(0, None, None, (), 0, 0, 0, 0),
    ):
        other = Bench(profile)
        other.tell(LimitsReport(*told), ZeroReport(1000, 0, 1000, True), StatusReport(0, 80, None, (), 0, 0, 0, 0))
        other.tell(event)
        assert not other.shown.tool_warns


def test_frames_that_can_t_be_read_are_a_fault_with_its_cause(profile: Any) -> None:
    bench = Bench(profile)
    bench.tell(Unreadable(12, "sample times do not fit the stated 80 samples/s"))
    (fault,) = bench.shown.faults
    assert "12 frames" in fault
    assert "80 samples/s" in fault


def test_a_gauge_that_can_not_warn_is_said_to_all_the_while_and_its_zero_until_it_was_tared(profile: Any) -> None:
    bench = Bench(profile)
    gauge = replace(TOOL, warns=False, tares=True)
    bench.tell(gauge, LinkChanged("streaming", "Live"), StatusReport(0, 90, None, (), 0, 0, 0, 0))
    snapshot = bench.state.snapshot(0)
    assert snapshot.faults == (GAUGE_NOT_TARED, NEVER_WARNS)
    assert not snapshot.tool_warns
    bench.state.zeroing.sent(1, "")
    bench.tell(Answer(1, True, "done"))
    assert bench.state.snapshot(0).faults == (NEVER_WARNS,)
    # Its version came late; it is the same start of the same gauge.
    bench.tell(replace(gauge, firmware_version="2"))
    assert bench.state.snapshot(0).faults == (NEVER_WARNS,)
    bench.tell(replace(gauge, boot_id=8))
    assert bench.state.snapshot(0).faults == (GAUGE_NOT_TARED, NEVER_WARNS)


def test_gaps_that_touch_are_one_to_a_person(profile: Any) -> None:
    bench = Bench(profile)
    bench.play(np.zeros(50))
    bench.gap(10)
    bench.gap(20)
    assert (bench.shown.gap_count, bench.shown.samples_expected) == (1, 80)
    bench.play(np.zeros(50))
    bench.gap(5)
    assert bench.shown.gap_count == 2
