from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.analyser import Analyser
from iastm_host.analysis.gauge_csv import GaugeRecording, Segment
from iastm_host.analysis.gauge_strokes import analyse_recording, force_notes, net_of_rest, time_over_s
from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.events import ForceBlock, Stroke
from iastm_host.scenarios import Cell, make_scenario


def recording(time_s, force_n, begins=(0,)):
    edges = [*begins, len(time_s)]
    segments = tuple(Segment(a, b, "start") for a, b in pairwise(edges))
    return GaugeRecording(np.asarray(time_s, float), np.asarray(force_n, float), segments, "t", "f", "N", (), {})


def humps(peaks_at_s, until_s, peak_n=6.0, rate_hz=100.0):
    time_s = np.arange(round(until_s * rate_hz)) / rate_hz
    force_n = sum(peak_n * np.exp(-(((time_s - at_s) / 0.25) ** 2)) for at_s in peaks_at_s)
    return time_s, force_n


def test_fixed_levels_give_the_strokes_of_the_live_analysis():
    force_n, _ = make_scenario("treatment", 4, 320.0, Cell()).next_rows(32_000)
    live = Analyser(profile_for("iastm-one-hand", None), None, 320.0, Contact())
    events = live.feed(ForceBlock(1, 0, 0, 3125.0, force_n, None, 0, 0, False))
    strokes = [event for event in events if isinstance(event, Stroke)]
    found = analyse_recording(recording(np.round(np.arange(32_000) / 320, 6), force_n), Contact()).strokes
    assert len(found) == len(strokes)
    for one, other in zip(found, strokes, strict=True):
        assert (one.start_s, one.end_s, one.peak_s) == pytest.approx(
            (other.first_us * 1e-6, other.last_us * 1e-6, other.peak_us * 1e-6), abs=2e-6
        )
        assert (one.peak_n, one.mean_n) == pytest.approx((other.peak_n, other.mean_n))
        assert one.impulse_ns == pytest.approx(other.impulse_ns, rel=0.01)


@given(st.integers(1, 1199))
def test_a_hole_never_joins_strokes(hole):
    time_s, force_n = humps((3, 6, 9), 12)
    analysis = analyse_recording(recording(time_s, force_n, (0, hole)), Contact())
    assert all(not s.start_s < time_s[hole] <= s.end_s for s in analysis.strokes)
    inside = force_n[hole - 1] > 0.8 and force_n[hole] > 0.8
    assert not inside or len(analysis.strokes) == 2


def test_forces_stay_as_in_the_file():
    time_s, force_n = humps((3, 5, 7), 10)
    (first, *_) = analyse_recording(recording(time_s, force_n - 20), None).strokes
    assert first.peak_n == pytest.approx(-14, abs=0.01)
    assert first.rest_n == pytest.approx(-20, abs=0.05)
    inside = (time_s >= first.start_s) & (time_s <= first.end_s)
    assert first.impulse_ns == pytest.approx(np.trapezoid(force_n[inside] - 20, time_s[inside]))


def test_impulse_follows_uneven_times():
    time_s = np.concatenate(([0.0, 1.0], np.cumsum([1.5] + [0.1, 0.3] * 4), [5.0]))
    force_n = np.array([0.0, 0.0] + [5.0] * 9 + [0.0])
    (stroke,) = analyse_recording(recording(time_s, force_n), Contact(), rate_hz=5.0).strokes
    assert stroke.impulse_ns == pytest.approx(5.0 * 1.6)


def test_the_rate_is_the_median_within_bursts():
    time_s, force_n = humps((2, 4, 6, 16, 18, 20, 22), 25)
    assert analyse_recording(recording(time_s, force_n), Contact()).stroke_rate_spm == pytest.approx(30)


def test_there_is_no_rate_without_two_strokes_in_a_burst_or_across_a_hole():
    time_s, force_n = humps((2, 10), 12)
    assert analyse_recording(recording(time_s, force_n), Contact()).stroke_rate_spm is None
    time_s, force_n = humps((2, 4), 6)
    assert analyse_recording(recording(time_s, force_n, (0, 300)), Contact()).stroke_rate_spm is None


def test_time_over_a_limit_counts_parts_of_an_interval():
    assert time_over_s(recording([0, 1, 2, 4], [0, 10, 10, 0]), 5.0) == pytest.approx(0.5 + 1 + 1)
    assert time_over_s(recording([0, 1, 2, 4], [0, 10, 10, 0]), 10.0) == 0
    assert time_over_s(recording([0, 1, 9, 10], [10, 10, 10, 10], (0, 2)), 5.0) == pytest.approx(2)


def notes(samples, contact=None, warn_n=11.0, alarm_n=14.0):
    return force_notes(samples, analyse_recording(samples, contact), warn_n, alarm_n)


@pytest.mark.parametrize("rest_n", [-6.0, 5.0, 12.5])
def test_net_of_rest_peaks_and_time_over_limits_are_those_of_a_gauge_that_rests_at_0(rest_n):
    time_s, force_n = humps((3, 5, 7, 9), 12, peak_n=13.0)
    samples = recording(time_s, force_n + rest_n)
    analysis = analyse_recording(samples, None)
    assert [stroke.peak_net_n for stroke in analysis.strokes] == pytest.approx([13] * 4, abs=0.05)
    assert [stroke.peak_n for stroke in analysis.strokes] == pytest.approx([13 + rest_n] * 4, abs=0.01)
    net = net_of_rest(samples, analysis)
    assert net is not None
    expected_s = time_over_s(recording(time_s, force_n), 11.0)
    assert time_over_s(net, 11.0) == pytest.approx(expected_s, abs=0.02)
    assert expected_s > 0.5
    (note,) = force_notes(samples, analysis, 11.0, 14.0)
    assert note.startswith(f"The gauge rests at {rest_n:.1f} N, not at 0: forces are as in the file; net of rest: ")
    assert f"highest peak 13.0 N, {time_over_s(net, 11.0):.2f} s over warn, 0.00 s over alarm" in note


def test_a_rest_that_changes_between_pulls_is_taken_off_where_it_is():
    time_s, force_n = humps((3, 5, 7, 13, 15, 17), 20, peak_n=10.0)
    samples = recording(time_s, force_n + np.where(time_s < 10, 4.0, -2.0))
    analysis = analyse_recording(samples, None)
    assert [stroke.peak_net_n for stroke in analysis.strokes] == pytest.approx([10] * 6, abs=0.1)
    net = net_of_rest(samples, analysis)
    assert net is not None
    assert time_over_s(net, 9.0) == pytest.approx(time_over_s(recording(time_s, force_n), 9.0), abs=0.05)
    assert "rests between -2.0 and 4." in force_notes(samples, analysis, 11.0, 14.0)[0]


def test_a_gauge_that_rests_near_0_gets_no_note():
    time_s, force_n = humps((3, 5, 7), 10)
    assert notes(recording(time_s, force_n + 0.1)) == ()
    assert notes(recording(time_s, force_n + 0.1), Contact()) == ()


def test_fixed_levels_over_a_gauge_that_does_not_rest_at_0_are_said():
    time_s, force_n = humps((3, 5, 7), 10)
    below, above = recording(time_s, force_n - 3), recording(time_s, force_n + 3)
    assert analyse_recording(below, Contact()).rest_n is None
    assert net_of_rest(below, analyse_recording(below, Contact())) is None
    (note,) = notes(below, Contact())
    assert note.startswith("The gauge rests at -3.0 N, not at 0")
    (note,) = notes(above, Contact())
    assert "hardly ever falls below 0.52 N" in note


def test_pulls_below_rest_are_said_and_are_no_strokes():
    time_s, force_n = humps((3, 5, 7, 9), 12, peak_n=13.0)
    ripple = 0.02 * np.sin(40 * time_s)
    analysis = analyse_recording(recording(time_s, ripple - force_n), None)
    assert analysis.strokes == ()
    assert analysis.levels.on_n is None
    (note,) = notes(recording(time_s, ripple - force_n))
    assert note.startswith("pulls are negative: the force falls by 13.0 N")
    assert "--invert" in note
    assert not any("negative" in note for note in notes(recording(time_s, force_n + ripple)))


@pytest.mark.parametrize("rate_hz", [2.0, 4.0, 8.0])
def test_sampling_too_slow_for_strokes_is_said(rate_hz):
    time_s, force_n = humps(np.arange(2, 30, 1.1), 32, peak_n=13.0, rate_hz=rate_hz)
    assert any(f"{rate_hz:g} samples/s are too slow for strokes" in note for note in notes(recording(time_s, force_n)))


@pytest.mark.parametrize("rate_hz", [12.5, 20.0, 80.0])
def test_sampling_fast_enough_for_the_shortest_stroke_is_not_remarked(rate_hz):
    time_s, force_n = humps((3, 5, 7), 10, rate_hz=rate_hz)
    assert notes(recording(time_s, force_n)) == ()


def test_force_over_warn_without_a_stroke_is_no_bare_nothing():
    time_s = np.arange(1000) / 100
    (note,) = notes(recording(time_s, np.full(1000, 12.0)))
    assert note == "no stroke is found, yet the force lies over warn (11 N) for 9.99 s"
    assert notes(recording(time_s, np.full(1000, 2.0))) == ()
