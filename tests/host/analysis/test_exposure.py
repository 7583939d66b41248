import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.exposure import ExposureMeter, percentile95


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_the_percentile_is_that_of_numpy(values):
    assert percentile95(sorted(values)) == pytest.approx(np.percentile(values, 95))


def test_no_peak_has_no_percentile():
    assert ExposureMeter().reading(0.0).peak95_n is None


@given(st.permutations([3.0, 9.0, 5.0, 12.0]))
def test_the_order_of_strokes_does_not_matter(peaks):
    meter = ExposureMeter()
    for peak_n in peaks:
        meter.add_stroke(peak_n, 0.5, peak_n > 11)
    reading = meter.reading(0.25)
    assert reading.peak95_n == pytest.approx(np.percentile(peaks, 95))
    assert reading.strokes_over_warn == 1
    assert reading.contact_s == pytest.approx(2.25)


def test_the_stroke_under_way_raises_peaks_and_never_lowers_them():
    meter = ExposureMeter()
    assert meter.reading(2.0, 30.0).peak95_n == 30.0
    for peak_n in (4.0, 6.0, 9.0):
        meter.add_stroke(peak_n, 1.0, over_warn=False)
    before = meter.reading(0.0)
    assert (meter.reading(0.5, 1.0).peak95_n, meter.reading(0.5, 1.0).hardest_n) == (before.peak95_n, 9.0)
    assert meter.reading(0.5, 30.0).peak95_n == pytest.approx(np.percentile([4.0, 6.0, 9.0, 30.0], 95))
    assert meter.reading(0.5, 30.0).hardest_n == 30.0
    assert meter.reading(0.0) == before
