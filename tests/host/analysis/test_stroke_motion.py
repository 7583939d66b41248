from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.analysis.stroke_motion import StrokesWithMotion
from iastm_host.events import Alert, ForceBlock, Stroke, StrokeMotion

RATE_HZ = 320.0
PERIOD_US = 1e6 / RATE_HZ
PROFILE = profile_for("iastm-one-hand", None)
PEAKS_N = (6.0, 12.0, 15.5, 16.0, 17.0, 6.0)
STROKE_SAMPLES = 400


def stroke(first, last, boot_id=7):
    return Stroke(boot_id, first, last, first, 0, 0, 0, 6.0, 3.0, 1.0, False)


def motion(first, last, excluded="", direction=1, length=100, boot_id=7):
    return StrokeMotion(boot_id, first, last, direction, length, "force and motion", excluded)


def force(peaks_n=PEAKS_N):
    """A stroke of a second each 1.25 s."""
    hump = np.concatenate([np.sin(np.pi * (np.arange(320) + 0.5) / 320), np.zeros(80)])
    return np.concatenate([np.zeros(20), *(peak_n * hump for peak_n in peaks_n)])


def blocks(force_n):
    for first in range(0, len(force_n), 20):
        part = force_n[first : first + 20]
        yield ForceBlock(7, first, round(first * PERIOD_US), PERIOD_US, part, None, 0, 0, False)


def counts(one):
    exposure = one.exposure
    return (one.stroke_count, exposure.peak95_n, exposure.strokes_over_warn, exposure.hardest_n, one.repeated)


def analysed(peaks_n=PEAKS_N, early=(), late=()):
    one = Analyser(PROFILE, None, RATE_HZ, Contact())
    events = []
    for each in early:
        one.told(each)
    for each in blocks(force(peaks_n)):
        events += one.feed(each)
    for each in late:
        one.told(each)
    return one, events


def about(number, excluded="wiping"):
    return motion(number * STROKE_SAMPLES + 70, number * STROKE_SAMPLES + 320, excluded)


def test_both_come_together_whichever_is_first():
    for motion_first in (True, False):
        both = StrokesWithMotion()
        ours, theirs = stroke(100, 400), motion(102, 398, direction=-1, length=None)
        told = [*both.add_motion(theirs), *both.add_stroke(ours)] if motion_first else []
        told = told or [*both.add_stroke(ours), *both.add_motion(theirs)]
        (one,) = told
        assert (one.stroke.first_index, one.stroke.direction, one.stroke.pass_length_mm) == (100, -1, None)
        assert (one.stroke.source, one.excluded) == ("force and motion", "")


def test_strokes_of_another_boot_or_beside_it_are_none_of_its_business():
    both = StrokesWithMotion()
    both.add_stroke(stroke(100, 400))
    assert both.add_motion(motion(100, 400, boot_id=8)) == []
    assert both.add_motion(motion(401, 500)) == []
    assert both.add_motion(motion(50, 99)) == []


def test_of_two_of_the_tools_strokes_in_one_of_ours_no_length_is_that_of_the_whole():
    both = StrokesWithMotion()
    both.add_stroke(stroke(100, 400))
    (first,) = both.add_motion(motion(100, 200))
    (second,) = both.add_motion(motion(220, 400, excluded="lying"))
    assert first.stroke.pass_length_mm == 100
    assert (second.stroke.direction, second.stroke.pass_length_mm, second.excluded) == (0, None, "lying")
    # What is known already is not told again.
    assert both.add_motion(motion(300, 310, excluded="lying")) == []


@given(st.sets(st.integers(0, len(PEAKS_N) - 1)), st.sets(st.integers(0, len(PEAKS_N) - 1)))
def test_an_excluded_stroke_counts_no_more_told_before_or_after_it(early, late):
    kept = [peak_n for number, peak_n in enumerate(PEAKS_N) if number not in early | late]
    expected, _ = analysed(kept)
    one, events = analysed(PEAKS_N, map(about, early), map(about, late))
    assert counts(one) == counts(expected)
    assert one.exposure.contact_s == pytest.approx(expected.exposure.contact_s)
    # All force was there: what was alerted stays.
    assert len([event for event in events if isinstance(event, Alert) and event.kind == "warn"]) == 4


def test_three_hard_strokes_of_a_wiped_tool_alert_no_more():
    one, _ = analysed()
    assert one.repeated
    one.told(about(3))
    assert not one.repeated


def test_one_that_is_no_exclusion_takes_nothing_back():
    one, _ = analysed()
    before = counts(one)
    one.told(about(3, excluded=""))
    assert counts(one) == before


def test_the_rate_of_strokes_is_that_of_those_that_are_left():
    one, _ = analysed((6.0, 6.0, 6.0))
    rate_hz = one.stroke_rate_hz
    one.told(about(1))
    assert one.stroke_rate_hz == pytest.approx(rate_hz / 2)
