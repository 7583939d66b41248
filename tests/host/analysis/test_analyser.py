import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.events import Alert, ForceBlock, Gap, Stroke
from iastm_host.scenarios import Cell, make_scenario
from iastm_protocol.conversion import to_newtons
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN, SATURATED

RATE_HZ = 320.0
PERIOD_US = 3125.0
START_US = 5_000_000
PROFILE = profile_for("iastm-one-hand", None)
CELL = Cell()


def block(first, force_n, boot_id=7, raw_counts=None, flags=0, backfilled=False):
    return ForceBlock(
        boot_id=boot_id,
        first_index=first,
        tool_us=START_US + round(first * PERIOD_US),
        period_us=PERIOD_US,
        force_n=np.asarray(force_n, dtype=np.float64),
        raw_counts=raw_counts,
        flags=flags,
        arrived_us=0,
        backfilled=backfilled,
    )


def gap(first, count, boot_id=7):
    return Gap(boot_id, first, count, START_US + round(first * PERIOD_US), PERIOD_US, "lost")


def analyser():
    return Analyser(PROFILE, None, RATE_HZ, Contact())


def hump(peak_n, seconds=1.0):
    return peak_n * np.sin(np.pi * (np.arange(round(seconds * RATE_HZ)) + 0.5) / round(seconds * RATE_HZ))


def rest(seconds=0.5):
    return np.zeros(round(seconds * RATE_HZ))


def strokes_in(events):
    return [event for event in events if isinstance(event, Stroke)]


def kinds_in(events):
    return [event.kind for event in events if isinstance(event, Alert)]


def treatment(seconds, seed=1):
    _, counts = make_scenario("treatment", seed, RATE_HZ, CELL).next_rows(round(seconds * RATE_HZ))
    return to_newtons(counts.astype(float), CELL.zero_counts, CELL.coefficients)


def feed_split(force_n, cuts, first=0):
    """Return what the pieces of a run, cut anywhere, lead to."""
    one = analyser()
    events = []
    edges = [0, *sorted(cuts), len(force_n)]
    for begin, end in pairwise(edges):
        events += one.feed(block(first + begin, force_n[begin:end]))
    return one, events


def rough(event):
    """Return an event without its sums, whose last bit depends on the order of adding."""
    if isinstance(event, Alert):
        return event
    return (
        event.first_index,
        event.last_index,
        event.peak_index,
        event.first_us,
        event.last_us,
        event.peak_us,
        event.peak_n,
    )


def test_a_stroke_has_the_times_peak_mean_and_impulse_of_its_samples():
    force_n = np.concatenate((rest(), hump(6.0), rest()))
    (stroke,) = strokes_in(analyser().feed(block(1000, force_n)))
    touching = np.flatnonzero(force_n > 0.8)[0], np.flatnonzero(force_n >= 0.52)[-1]
    inside = force_n[touching[0] : touching[1] + 1]
    assert (stroke.first_index, stroke.last_index) == (1000 + touching[0], 1000 + touching[1])
    assert stroke.first_us == START_US + round(stroke.first_index * PERIOD_US)
    assert stroke.last_us == START_US + round(stroke.last_index * PERIOD_US)
    assert stroke.peak_us == START_US + round(stroke.peak_index * PERIOD_US)
    assert stroke.peak_n == inside.max()
    assert stroke.mean_n == pytest.approx(inside.mean())
    assert stroke.impulse_ns == pytest.approx(inside.sum() / RATE_HZ, rel=1e-6)
    assert not stroke.truncated


@settings(max_examples=60)
@given(st.integers(1, 20), st.sets(st.integers(1, 6399), max_size=60))
def test_cutting_blocks_anywhere_gives_the_same_strokes_and_alerts(seed, cuts):
    force_n = treatment(20, seed)
    whole, expected = feed_split(force_n, [])
    split, events = feed_split(force_n, cuts)
    assert [rough(e) for e in events] == [rough(e) for e in expected]
    assert split.exposure.dose_ns == pytest.approx(whole.exposure.dose_ns)
    assert split.stroke_rate_hz == whole.stroke_rate_hz
    assert split.contact_end_us == whole.contact_end_us


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 90)), min_size=1, max_size=30),
    st.sets(st.integers(1, 500), max_size=20),
)
def test_cutting_blocks_of_any_force_anywhere_gives_the_same_strokes_and_alerts(levels, cuts):
    force_n = np.concatenate([[0.0], *(np.full(n, level) for level, n in levels), [0.0]])
    _, expected = feed_split(force_n, [])
    _, events = feed_split(force_n, {cut for cut in cuts if cut < len(force_n)})
    assert [rough(e) for e in events] == [rough(e) for e in expected]


def test_blocks_of_seven_find_what_the_scenario_did():
    scenario = make_scenario("treatment", 1, RATE_HZ, CELL)
    _, counts = scenario.next_rows(6400)
    force_n = to_newtons(counts.astype(float), CELL.zero_counts, CELL.coefficients)
    _, events = feed_split(force_n, range(7, 6400, 7))
    true = scenario.true_strokes(0, 6400)
    assert len(strokes_in(events)) == len(true)
    assert kinds_in(events) == ["warn", "alarm"] * sum(s.peak_n > 14 for s in true)


@given(cut=st.integers(200, 420), lost=st.integers(1, 2000), how=st.sampled_from(["jump", "gap", "boot"]))
def test_a_gap_never_joins_strokes(cut, lost, how):
    force_n = np.concatenate((rest(), hump(6.0), rest()))
    one = analyser()
    events = one.feed(block(0, force_n[:cut]))
    if how == "gap":
        events += one.feed(gap(cut, lost))
    after = force_n[cut:] if lost < 160 else np.concatenate((np.full(80, 6.0), rest()))
    events += one.feed(block(cut + lost, after, boot_id=8 if how == "boot" else 7))
    strokes = strokes_in(events)
    assert strokes
    assert all(not (s.first_index < cut <= s.last_index) for s in strokes)
    assert all(s.truncated for s in strokes)
    assert one.stroke_count == 0
    assert not one.exposure.complete


def test_a_stroke_cut_by_a_gap_counts_in_exposure_and_not_as_a_stroke():
    one = analyser()
    one.feed(block(0, np.concatenate((rest(), hump(13.0)[:200]))))
    assert one.exposure.complete
    one.feed(gap(360, 500))
    assert one.stroke_count == 0
    assert one.exposure.peak95_n == pytest.approx(13.0, abs=0.01)
    assert one.exposure.strokes_over_warn == 1
    assert not one.exposure.complete


def test_contact_on_the_first_sample_seen_is_a_truncated_stroke():
    (stroke,) = strokes_in(analyser().feed(block(50, np.concatenate((hump(6.0)[160:], rest())))))
    assert stroke.truncated


def test_warn_and_alarm_come_at_the_second_sample_over_the_limit():
    force_n = np.concatenate((rest(), hump(16.0), rest()))
    alerts = [e for e in analyser().feed(block(0, force_n)) if isinstance(e, Alert)]
    assert [(a.kind, a.priority) for a in alerts] == [("warn", "cue"), ("alarm", "cue")]
    assert [a.index for a in alerts] == [np.flatnonzero(force_n > limit)[1] for limit in (11.0, 14.0)]
    assert [a.tool_us for a in alerts] == [START_US + round(a.index * PERIOD_US) for a in alerts]
    assert not any(a.late for a in alerts)


def test_an_alert_from_backfilled_samples_is_late():
    force_n = np.concatenate((rest(), hump(12.0)[:200]))
    (alert,) = analyser().feed(block(0, force_n, backfilled=True))
    assert alert.late


def test_a_single_sample_over_the_limit_raises_nothing():
    force_n = np.concatenate((rest(), np.full(100, 8.0)))
    force_n[200] = 20.0
    assert kinds_in(analyser().feed(block(0, force_n))) == []


def test_a_stroke_that_swings_around_the_limits_warns_and_alarms_once():
    wave = 10.0 + 5.0 * np.sin(np.arange(960) / 320 * 2 * np.pi * 2)
    one = analyser()
    events = one.feed(block(0, np.concatenate((rest(), wave))))
    assert kinds_in(events) == ["warn", "alarm"]
    assert one.warn_crossed
    assert one.alarm_crossed
    events = one.feed(block(160 + 960, np.concatenate((rest(), wave, rest()))))
    assert kinds_in(events) == ["warn", "alarm"]


def test_repeated_is_raised_once_when_three_of_the_last_five_strokes_went_over_alarm():
    one = analyser()
    at = 0
    raised = []
    for number, peak_n in enumerate((16, 6, 16, 6, 16, 16, 6, 6, 6, 16, 16)):
        force_n = np.concatenate((rest(), hump(peak_n), rest()))
        raised += [(number, e.priority) for e in one.feed(block(at, force_n)) if getattr(e, "kind", "") == "repeated"]
        at += len(force_n)
    assert raised == [(4, "medium")]
    assert not one.repeated


def counts_block(first, counts, flags):
    return block(first, np.zeros(len(counts)), raw_counts=np.asarray(counts, dtype=np.int32), flags=flags)


def test_saturation_is_a_technical_alert_once_for_each_excursion():
    one = analyser()
    calm, rail = [1000] * 40, [1000] * 3 + [0x7FFFFF] * 37
    alerts = one.feed(counts_block(0, calm, 0)) + one.feed(counts_block(40, rail, 1))
    assert [(a.kind, a.priority, a.index) for a in alerts] == [("saturated", "technical", 43)]
    assert one.feed(counts_block(80, [0x7FFFFF] * 40, 1)) == []
    assert one.feed(counts_block(120, calm, 0)) + one.feed(counts_block(160, rail, 1)) == []
    assert one.feed(counts_block(200, calm * 3, 0)) == []
    assert [a.index for a in one.feed(counts_block(320, [-0x800000] * 40, 1))] == [320]


def test_saturation_without_counts_is_believed():
    assert [(a.kind, a.index) for a in analyser().feed(block(5, np.zeros(7), flags=1))] == [("saturated", 5)]


def test_stroke_rate_is_that_of_the_last_five_peaks_of_a_burst():
    one = analyser()
    at = 0
    rates = []
    for period_s in (2.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.5):
        force_n = np.concatenate((hump(6.0), rest(period_s - 1.0)))
        one.feed(block(at, rest(1.0)) if at == 0 else block(at, []))
        at = at or 320
        one.feed(block(at, force_n))
        at += len(force_n)
        rates.append(one.stroke_rate_hz)
    assert rates[0] is None
    assert rates[1] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(1 / 1.5)


def test_stroke_rate_is_unknown_after_three_seconds_without_contact():
    one = analyser()
    force_n = np.concatenate((rest(), hump(6.0), rest(), hump(6.0), rest(2.9)))
    one.feed(block(0, force_n))
    assert one.stroke_rate_hz == pytest.approx(1 / 1.5)
    one.feed(block(len(force_n), rest(0.2)))
    assert one.stroke_rate_hz is None
    at = len(force_n) + 64
    one.feed(block(at, np.concatenate((hump(6.0), rest()))))
    assert one.stroke_rate_hz is None


def test_no_stroke_rate_reaches_across_a_gap_that_could_hide_a_stroke():
    one = analyser()
    first = np.concatenate((rest(), hump(6.0), rest()))
    one.feed(block(0, first))
    one.feed(block(len(first) + 100, first))
    assert one.stroke_rate_hz is None
    one.feed(block(2 * len(first) + 110, first))
    assert one.stroke_rate_hz is not None


def test_the_stroke_under_way_can_be_seen():
    one = analyser()
    assert one.running_peak_n is None
    one.feed(block(0, np.concatenate((rest(), hump(6.0)[:200]))))
    assert one.in_contact
    assert one.running_peak_n == pytest.approx(6.0, abs=0.01)
    assert one.contact_start_us == START_US + round((160 + np.flatnonzero(hump(6.0) > 0.8)[0]) * PERIOD_US)
    assert one.contact_end_us == 0
    one.feed(block(360, np.concatenate((hump(6.0)[200:], rest()))))
    assert not one.in_contact
    assert one.contact_end_us == START_US + round((160 + np.flatnonzero(hump(6.0) >= 0.52)[-1]) * PERIOD_US)


def test_exposure_is_summed_by_its_definitions():
    force_n = np.concatenate([np.concatenate((rest(), hump(p), rest())) for p in (5.0, 7.0, 13.0, 6.0)])
    one, events = feed_split(force_n, range(50, len(force_n), 50))
    exposure = one.exposure
    peaks = [s.peak_n for s in strokes_in(events)]
    assert exposure.peak95_n == pytest.approx(np.percentile(peaks, 95))
    assert exposure.strokes_over_warn == 1
    assert exposure.dose_ns == pytest.approx(np.maximum(0, force_n - 11).sum() / RATE_HZ)
    assert exposure.contact_s == pytest.approx(
        sum(s.last_index - s.first_index + 1 for s in strokes_in(events)) / RATE_HZ
    )
    assert exposure.complete


def test_contact_time_runs_during_a_hold():
    one = analyser()
    one.feed(block(0, np.concatenate((rest(), np.full(640, 5.0)))))
    assert one.exposure.contact_s == pytest.approx(2.0)


def test_a_touch_of_less_than_150_ms_is_no_stroke():
    for samples, count in ((47, 0), (48, 1)):
        one = analyser()
        one.feed(block(0, np.concatenate((rest(), np.full(samples, 5.0), rest()))))
        assert one.stroke_count == count
        assert math.isclose(one.exposure.contact_s, samples * count / RATE_HZ)


def test_an_empty_block_changes_nothing():
    one = analyser()
    one.feed(block(0, rest()))
    assert one.feed(block(160, [])) == []
    assert one.exposure.complete


def test_exposure_is_clipped_once_a_stroke_held_a_rail_sample():
    force_n = np.concatenate((rest(), hump(30.0), rest()))
    counts = (force_n * 1000).astype(np.int32)
    one = analyser()
    one.feed(block(0, force_n, raw_counts=counts))
    assert not one.exposure.clipped
    counts[310:320] = COUNTS_MAX
    one.feed(block(len(force_n), force_n, raw_counts=counts, flags=SATURATED))
    assert one.exposure.clipped
    one.feed(block(2 * len(force_n), force_n))
    assert one.exposure.clipped


def test_a_pull_to_the_other_rail_clips_no_stroke():
    one = analyser()
    one.feed(block(0, np.full(100, -50.0), raw_counts=np.full(100, COUNTS_MIN, dtype=np.int32), flags=SATURATED))
    assert not one.exposure.clipped


def test_a_long_contact_under_way_has_its_peak_in_the_exposure():
    one = analyser()
    one.feed(block(0, np.concatenate((rest(), np.full(round(10 * RATE_HZ), 30.0)))))
    assert one.stroke_count == 0
    assert one.exposure.peak95_n == one.exposure.hardest_n == 30.0
