from itertools import islice

import numpy as np
import pytest

from iastm_host.bench.bench import Bench
from iastm_host.bench.gauge import ReferenceGauge
from iastm_host.bench.truth import draw
from iastm_protocol.conversion import to_newtons

RATE_HZ = 320
SEEDS = range(1, 21)


def told_n(gauge, counts):
    return to_newtons(counts.astype(float), gauge.cell.zero_counts, gauge.cell.coefficients)


def test_it_sees_the_force_along_the_axis_at_the_same_time_as_the_tool():
    bench = Bench(draw(1), 1, RATE_HZ)
    gauge = ReferenceGauge(bench, 1, RATE_HZ)
    for act in (lambda: bench.hang(1.0), lambda: bench.tilt(60.0), lambda: bench.press(3.0, 0.1)):
        act()
        force_n = bench.next_rows(500)[0]
        np.testing.assert_array_equal(gauge.next_rows(500)[0], force_n)
    assert gauge.true_strokes(0, 1500) == bench.true_strokes(0, 1500)


def test_at_another_rate_it_sees_the_same_force():
    bench = Bench(draw(1), 1, RATE_HZ)
    gauge = ReferenceGauge(bench, 1, 80.0)
    bench.hang(1.0)
    np.testing.assert_allclose(gauge.next_rows(160)[0], bench.next_rows(640)[0][::4], atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_its_own_error_is_small_and_as_stated(seed):
    bench = Bench(draw(seed), seed, RATE_HZ)
    gauge = ReferenceGauge(bench, seed, RATE_HZ)
    assert told_n(gauge, gauge.next_rows(1000)[1]).mean() == pytest.approx(gauge.zero_n, abs=3e-4)
    bench.press(20.0, 0.0)
    gauge.next_rows(2000)
    force_n, counts = gauge.next_rows(1000)
    off_n = told_n(gauge, counts) - force_n
    assert off_n.mean() == pytest.approx(gauge.gain_share * 20 + gauge.zero_n, abs=3e-4)
    assert off_n.std() == pytest.approx(0.0015, rel=0.2)
    assert abs(gauge.gain_share) <= 0.001
    assert abs(gauge.zero_n) <= 0.002


def test_gauges_of_other_seeds_are_off_by_something_else():
    shares = {ReferenceGauge(Bench(draw(1), 1, RATE_HZ), seed, RATE_HZ).gain_share for seed in SEEDS}
    assert len(shares) == len(SEEDS)


def test_as_newtons_it_tells_the_force_and_its_errors_and_begins_where_the_bench_is():
    bench = Bench(draw(1), 1, RATE_HZ)
    bench.hang(1.0)
    bench.next_rows(8 * RATE_HZ)
    gauge = ReferenceGauge(bench, 1, 80.0)
    newtons = gauge.newtons(4)
    first = np.array(list(islice(newtons, 400)))
    pull_n = bench.true_force_n(8 * RATE_HZ - 1, 8 * RATE_HZ)[0]
    assert first.mean() == pytest.approx(pull_n * (1 + gauge.gain_share) + gauge.zero_n, abs=5e-4)
    assert bench.now_s == pytest.approx(8 + 5)
    bench.take_off()
    later = list(islice(newtons, 400))
    assert later[0] == pytest.approx(pull_n, abs=0.05)
    assert later[-1] == pytest.approx(0, abs=0.02)
