from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.glitches import Found, Glitches, parts
from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.events import Alert, CalibrationReport, ForceBlock, Gap, Stroke
from iastm_protocol.glitch import is_glitch
from iastm_protocol.kinds import SUSPECTED_GLITCH, VIBRATING

RATE_HZ = 320.0
PERIOD_US = 1e6 / RATE_HZ
PROFILE = profile_for("iastm-one-hand", None)
CELL = CalibrationReport("cell", "", 80.0, (0.0, 1 / 40_000))
JUMP_N = 10.0


def block(first, force_n, flags=0, boot_id=7):
    return ForceBlock(
        boot_id, first, round(first * PERIOD_US), PERIOD_US, np.asarray(force_n, float), None, flags, 0, False
    )


def found_in(force_n, cuts, flags=SUSPECTED_GLITCH):
    glitches = Glitches()
    glitches.calibrated(CELL.capacity_n)
    out = []
    edges = [0, *sorted(cuts), len(force_n)]
    for begin, end in pairwise(edges):
        found = glitches.within(block(begin, force_n[begin:end], flags))
        out += [begin - 1] * found.before + [begin + at for at in found.within]
    return out


def analyser():
    made = Analyser(PROFILE, None, RATE_HZ, Contact())
    made.calibrated(CELL)
    return made


def hump(peak_n=6.0, seconds=1.0):
    n = round(seconds * RATE_HZ)
    return peak_n * np.sin(np.pi * (np.arange(n) + 0.5) / n)


def visit(peak_n=6.0):
    """A rest, a stroke, a rest."""
    return np.concatenate([np.zeros(40), hump(peak_n), np.zeros(40)])


def test_a_single_sample_far_off_both_neighbours_is_found_wherever_batches_end():
    force_n = visit()
    force_n[200] += 30.0
    for cuts in ([], [200], [201], [199, 200], [200, 201]):
        assert found_in(force_n, cuts) == [200]


def test_without_the_flag_or_a_known_capacity_nothing_is_passed_over():
    force_n = visit()
    force_n[200] += 30.0
    assert found_in(force_n, [], flags=0) == []
    assert Glitches().within(block(0, force_n, SUSPECTED_GLITCH)) == Found([])


def test_what_is_beside_a_missed_conversion_or_another_boot_is_none():
    glitches = Glitches()
    glitches.calibrated(CELL.capacity_n)
    glitches.within(block(0, [1.0, 1.0]))
    assert glitches.within(block(3, [40.0, 1.0, 1.0], SUSPECTED_GLITCH)) == Found([])
    assert glitches.within(block(6, [40.0, 1.0, 1.0], SUSPECTED_GLITCH, boot_id=8)) == Found([])
    assert glitches.within(block(9, [1.0, 40.0], SUSPECTED_GLITCH, boot_id=8)) == Found([], waits=True)
    assert glitches.within(block(12, [1.0, 1.0], SUSPECTED_GLITCH, boot_id=8)) == Found([])


def test_what_follows_a_glitch_is_none_over_the_end_of_a_batch():
    assert found_in([1.0, 40.0, 1.0, 40.0, 1.0, 1.0], [2]) == [1, 3]
    assert found_in([40.0, 1.0, 40.0, 1.0, 40.0], []) == [1, 3]


@given(
    st.lists(st.sampled_from([0.0, 1.0, 4.0, 12.0, 16.0, 40.0]), min_size=3, max_size=40), st.sets(st.integers(1, 39))
)
def test_it_is_the_rule_of_the_protocol_wherever_batches_end(force_n, cuts):
    expected = []
    for i in range(1, len(force_n) - 1):
        if i - 1 not in expected and is_glitch(force_n[i - 1], force_n[i], force_n[i + 1], JUMP_N):
            expected.append(i)
    assert found_in(force_n, [cut for cut in cuts if cut < len(force_n)]) == expected


@given(st.integers(0, 30), st.sets(st.integers(0, 29)))
def test_parts_are_all_that_is_not_left_out(n, out):
    left_out = sorted(at for at in out if at < n)
    kept = [i for begin, end in parts(n, left_out) for i in range(begin, end)]
    assert kept == [i for i in range(n) if i not in left_out]


@pytest.mark.parametrize("by_n", [30.0, -30.0])
@given(at=st.integers(41, 40 + 318), cuts=st.sets(st.integers(1, 399), max_size=6))
def test_a_glitch_in_a_stroke_changes_nothing_but_that_it_is_missing(by_n, at, cuts):
    clean, spoilt = visit(), visit()
    spoilt[at] += by_n
    strokes = []
    for force_n, flags in ((clean, 0), (spoilt, SUSPECTED_GLITCH)):
        one, events = analyser(), []
        edges = [0, *sorted(cuts), len(force_n)]
        for begin, end in pairwise(edges):
            here = flags if begin <= at < end else 0
            events += one.feed(block(begin, force_n[begin:end], here))
        assert not [event for event in events if isinstance(event, Alert)]
        strokes.append(next(event for event in events if isinstance(event, Stroke)))
        assert one.stroke_count == 1
        assert one.exposure.dose_ns == 0.0
    whole, passed = strokes
    # What is at an end of contact, or the peak itself, is missing there; all else is as it was.
    assert abs(passed.first_index - whole.first_index) <= 1
    assert abs(passed.last_index - whole.last_index) <= 1
    assert passed.peak_n == pytest.approx(whole.peak_n, abs=0.01)
    assert passed.mean_n == pytest.approx(whole.mean_n, abs=0.02)


def test_a_row_above_a_limit_goes_on_over_a_glitch_and_does_not_count_it():
    one = analyser()
    rest = np.zeros(10)
    # 12 N is over warn (11 N); one sample, a glitch, one sample: the second one that counts decides.
    force_n = np.concatenate([rest, [12.0, 40.0, 12.0, 12.0], rest])
    alerts = [e for e in one.feed(block(0, force_n, SUSPECTED_GLITCH)) if isinstance(e, Alert)]
    assert [(alert.kind, alert.index) for alert in alerts] == [("warn", 12)]


def test_beside_a_gap_it_is_force_as_it_is_to_the_tool():
    one = analyser()
    force_n = np.concatenate([np.zeros(10), np.full(100, 5.0), [40.0]])
    one.feed(block(0, force_n, SUSPECTED_GLITCH))
    (stroke,) = one.feed(Gap(7, 111, 5, 0, PERIOD_US, "lost"))
    assert isinstance(stroke, Stroke)
    assert (stroke.last_index, stroke.peak_index, stroke.peak_n) == (110, 110, 40.0)
    assert stroke.peak_us == round(110 * PERIOD_US)


def test_two_glitches_in_a_batch_one_of_them_its_last_are_both_passed_over():
    one = analyser()
    force_n = np.concatenate([np.zeros(10), np.full(100, 5.0)])
    force_n[[50, 69]] = 40.0
    events = one.feed(block(0, force_n[:70], SUSPECTED_GLITCH)) + one.feed(block(70, [*force_n[70:], *np.zeros(10)]))
    (stroke,) = events
    assert (stroke.first_index, stroke.last_index, stroke.peak_n, stroke.mean_n) == (10, 109, 5.0, 5.0)


def test_a_force_that_stays_after_the_end_of_a_flagged_batch_is_decided_with_the_next_and_at_its_own_sample():
    whole, cut = analyser(), analyser()
    force_n = [1.0] * 20 + [5.0, 16.0] + [16.0] * 30 + [0.0] * 10
    expected = [e for e in whole.feed(block(0, force_n)) if isinstance(e, Alert)]
    assert not [e for e in cut.feed(block(0, force_n[:22], SUSPECTED_GLITCH)) if isinstance(e, Alert)]
    assert [e for e in cut.feed(block(22, force_n[22:])) if isinstance(e, Alert)] == expected
    assert [each.index for each in expected] == [22, 22]
    assert cut.exposure == whole.exposure


@given(seed=st.integers(0, 999), cuts=st.sets(st.integers(1, 399), max_size=12))
def test_where_batches_end_makes_no_difference(seed, cuts):
    rng = np.random.default_rng(seed)
    force_n = visit(14.5)
    force_n[rng.choice(len(force_n), 8, replace=False)] += rng.choice([-30.0, 30.0], 8)
    ends = []
    for edges in ([0, len(force_n)], [0, *sorted(each for each in cuts if each < len(force_n)), len(force_n)]):
        one, events = analyser(), []
        for begin, end in pairwise(edges):
            events += one.feed(block(begin, force_n[begin:end], SUSPECTED_GLITCH))
        told = [(type(e).__name__, getattr(e, "kind", ""), getattr(e, "index", 0) or e.last_index) for e in events]
        ends.append((sorted(told), one.stroke_count, round(one.exposure.dose_ns, 9), one.exposure.strokes_over_warn))
    assert ends[0] == ends[1]


@pytest.mark.parametrize(("rate_hz", "needed"), [(80.0, 2), (320.0, 8), (1000.0, 25)])
def test_what_the_tool_shakes_is_over_a_limit_only_where_it_stays(rate_hz, needed):
    for flags, expected in ((0, 2), (VIBRATING, needed)):
        one = Analyser(PROFILE, None, rate_hz, Contact())
        force_n = np.concatenate([np.zeros(5), np.full(60, 12.0)])
        made = ForceBlock(7, 0, 0, 1e6 / rate_hz, force_n, None, flags, 0, False)
        (alert,) = [event for event in one.feed(made) if isinstance(event, Alert)]
        assert alert.index == 5 + expected - 1


def test_once_the_motor_is_still_two_samples_are_enough_again():
    one = analyser()
    one.feed(block(0, [0.0] * 5 + [12.0] * 3, VIBRATING))
    (alert,) = [event for event in one.feed(block(8, [12.0] * 3)) if isinstance(event, Alert)]
    assert alert.index == 8
