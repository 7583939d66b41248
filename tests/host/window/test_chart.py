from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.host.window.fake_session import ONE_HAND, PERIOD_US, snapshot_at

from iastm_host.app.trace import TraceRing
from iastm_host.events import ForceBlock
from iastm_host.window.chart import axis_labels, hatches, peaks


def test_the_axis_names_zero_target_warn_and_alarm_and_nothing_else() -> None:
    numbers = [force_n for force_n, name in axis_labels(ONE_HAND) if name != "Target"]
    assert sorted(numbers) == [0.0, 5.0, 8.5, 11.0, 14.0]
    off = axis_labels(replace(ONE_HAND, warn_n=0.0, alarm_n=0.0))
    assert {name for _, name in off} == {"", "Target"}


def test_peaks_stand_where_their_strokes_were_and_the_newest_is_marked() -> None:
    snapshot = snapshot_at(24.0, peaks_n=(6.0, 12.0))
    shown = peaks(snapshot, float(snapshot.trace.last_tool_us))
    assert [peak.newest for peak in shown].count(True) == 1
    assert shown[-1].newest
    assert all(-10 <= peak.age_s <= 0 for peak in shown)
    assert {peak.shape for peak in shown} == {"circle", "triangle_up"}
    stroke = snapshot.strokes[-1]
    assert shown[-1].age_s == pytest.approx((stroke.peak_us - snapshot.trace.last_tool_us) / 1e6)


def test_strokes_before_a_restart_are_not_placed_on_the_new_clock() -> None:
    snapshot = snapshot_at(24.0)
    restarted = replace(snapshot, trace=replace(snapshot.trace, boot_id=99))
    assert peaks(restarted, float(snapshot.trace.last_tool_us)) == ()


def test_missing_samples_are_hatched_with_their_length() -> None:
    snapshot = snapshot_at(24.0)
    force_n = snapshot.trace.force_n.copy()
    last = len(force_n) - 1
    force_n[last - 228 : last - 100] = np.nan
    (hatch,) = hatches(replace(snapshot, trace=replace(snapshot.trace, force_n=force_n)), 0.0)
    assert hatch.text == "0.4 s missing"
    assert hatch.end_s - hatch.start_s == pytest.approx(0.4)
    assert hatch.end_s == pytest.approx(-100.5 * PERIOD_US / 1e6)


def test_clipped_samples_are_hatched_as_out_of_range() -> None:
    snapshot = snapshot_at(24.0)
    saturated = snapshot.trace.saturated.copy()
    saturated[-60:-20] = True
    (hatch,) = hatches(replace(snapshot, trace=replace(snapshot.trace, saturated=saturated)), 0.0)
    assert hatch.text == "out of range"


def test_the_peak_of_a_clipped_stroke_is_at_least_what_was_measured() -> None:
    snapshot = snapshot_at(24.0)
    saturated = snapshot.trace.saturated.copy()
    saturated[snapshot.strokes[-2].peak_index - snapshot.trace.first_index] = True
    clipped = replace(snapshot, trace=replace(snapshot.trace, saturated=saturated))
    shown = peaks(clipped, float(snapshot.trace.last_tool_us))
    assert [peak.clipped for peak in shown] == [False] * (len(shown) - 2) + [True, False]


def test_a_stall_hatches_from_the_newest_sample_to_now() -> None:
    snapshot = snapshot_at(24.0)
    assert hatches(snapshot, 0.0) == ()
    stalled = replace(snapshot, taken_us=snapshot.trace.last_arrived_us + 700_000)
    (hatch,) = hatches(stalled, 0.66)
    assert (hatch.start_s, hatch.end_s, hatch.text) == (-0.66, 0.0, "no data")
    assert hatches(replace(stalled, finished=True), 0.66) == ()


def test_what_lies_before_the_trace_is_hatched_and_does_not_look_like_rest() -> None:
    snapshot = snapshot_at(4.0)
    (hatch,) = hatches(snapshot, 0.0)
    assert (hatch.start_s, hatch.text) == (-10.0, "no data")
    assert hatch.end_s == pytest.approx(-4.0, abs=2 * PERIOD_US / 1e6)


def test_a_loss_hatches_what_is_unknown_and_leaves_what_was_drawn() -> None:
    snapshot = snapshot_at(24.0)
    lost = replace(snapshot, taken_us=snapshot.trace.last_arrived_us + 4_000_000)
    (hatch,) = hatches(lost, 4.0)
    assert (hatch.start_s, hatch.end_s) == (-4.0, 0.0)


def test_over_a_restart_strokes_stay_and_the_time_between_is_hatched() -> None:
    ring = TraceRing(1e6 / PERIOD_US, 12.0)
    before = snapshot_at(24.0).trace
    counts = np.zeros(len(before.force_n), dtype=np.int32)
    old = ForceBlock(1, 0, 0, float(PERIOD_US), before.force_n, counts, 0, 0, False)
    ring.add(old)
    new_n = np.full(640, 3.0)
    came_us = 6_000_000
    ring.add(ForceBlock(2, 0, 0, float(PERIOD_US), new_n, counts[:640], 0, came_us, False))
    snapshot = replace(snapshot_at(24.0), trace=ring.snapshot(), taken_us=came_us)
    (hatch,) = hatches(snapshot, 0.0)
    assert hatch.start_s == pytest.approx(-6.0, abs=0.01)
    assert hatch.end_s == pytest.approx(-2.0, abs=0.01)
    assert hatch.text == "4.0 s missing"


def test_a_peak_of_before_a_restart_stands_on_its_stroke() -> None:
    snapshot = snapshot_at(24.0)
    ring = TraceRing(1e6 / PERIOD_US, 12.0)
    first, force_n = snapshot.trace.first_index, snapshot.trace.force_n
    counts = np.zeros(len(force_n), dtype=np.int32)
    boot_id = snapshot.trace.boot_id
    ring.add(ForceBlock(boot_id, first, first * PERIOD_US, float(PERIOD_US), force_n, counts, 0, 0, False))
    for later_boot, came_us in ((98, 3_000_000), (99, 5_000_000)):
        new_n = np.full(320, 3.0)
        ring.add(ForceBlock(later_boot, 0, 0, float(PERIOD_US), new_n, counts[:320], 0, came_us, False))
    trace = ring.snapshot()
    shown = peaks(replace(snapshot, trace=trace), float(trace.last_tool_us))
    assert len(shown) >= 2
    for peak in shown:
        at = len(trace.force_n) - 1 + round(peak.age_s * 1e6 / PERIOD_US)
        assert trace.force_n[at] == pytest.approx(peak.force_n, abs=0.15)
