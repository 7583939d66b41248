import pytest

from iastm_host.analysis.stroke_rate import StrokeRate

S = 1_000_000


def fed(*peaks_s):
    rate = StrokeRate()
    for peak_s in peaks_s:
        rate.add(round((peak_s - 0.5) * S), round(peak_s * S), round((peak_s + 0.5) * S))
    return rate


def test_the_median_interval_is_not_moved_by_one_odd_stroke():
    assert fed(1, 3, 5, 6, 8).rate_hz(9 * S) == pytest.approx(0.5)


def test_only_the_last_five_strokes_count():
    assert fed(0, 4, 8, 12, 13, 14, 15, 16).rate_hz(17 * S) == pytest.approx(1.0)


def test_no_interval_reaches_across_a_pause():
    rate = fed(1, 2, 3, 10)
    assert rate.rate_hz(11 * S) is None
    rate.add(round(11.5 * S), 12 * S, round(12.5 * S))
    assert rate.rate_hz(13 * S) == pytest.approx(0.5)


def test_the_pause_is_three_seconds():
    assert fed(1, 2).rate_hz(round(5.499 * S)) == pytest.approx(1.0)
    assert fed(1, 2).rate_hz(round(5.5 * S)) is None
