import dataclasses
import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.bench.bench import Bench
from iastm_host.bench.truth import BenchTruth, draw

RATE_HZ = 320
SEEDS = range(1, 9)
# All that differs from try to try.
CALM: dict[str, Any] = {
    "noise_n": 0.0,
    "drift_n": (),
    "drift_period_s": (),
    "drift_phase": (),
    "warm_up_k": 0.0,
    "reseat_share": 0.0,
    "reseat_n": 0.0,
    "angle_deg": 0.0,
    "weights_share": 0.0,
}
ACTS = (
    lambda bench: bench.hang(0.7),
    lambda bench: bench.take_off(),
    lambda bench: bench.press(6.0, 0.1),
    lambda bench: bench.tilt(45.0),
    lambda bench: bench.reseat(),
    lambda bench: bench.warm(35.0),
)


def calm(seed=1, **changes):
    return dataclasses.replace(draw(seed), **CALM | changes)


def rows(bench, seconds):
    return bench.next_rows(round(seconds * RATE_HZ))


def signal_n(bench, seconds=1.0, wait_s=6.0):
    """Return the mean signal in newtons over some seconds, once the load is still."""
    rows(bench, wait_s)
    counts = rows(bench, seconds)[1]
    return (counts.mean() - bench.truth.zero_counts) / bench.truth.counts_per_n


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 500), max_size=4), st.sampled_from(ACTS)), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_the_same_seed_gives_the_same_rows_however_they_are_asked_for(script, seed):
    whole, split = (Bench(draw(seed), seed, RATE_HZ) for _ in range(2))
    for sizes, act in [*script, ([900], ACTS[0])]:
        force_n, counts = whole.next_rows(sum(sizes))
        parts = [split.next_rows(n) for n in sizes] or [split.next_rows(0)]
        np.testing.assert_array_equal(force_n, np.concatenate([part[0] for part in parts]))
        np.testing.assert_array_equal(counts, np.concatenate([part[1] for part in parts]))
        act(whole)
        act(split)
    assert whole.true_strokes(0, 10_000) == split.true_strokes(0, 10_000)


def test_another_seed_gives_other_rows():
    first, second = (Bench(draw(1), seed, RATE_HZ).next_rows(100)[1] for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_at_the_start_the_tool_reads_nothing_though_its_tip_weighs():
    for seed in SEEDS:
        bench = Bench(draw(seed), seed, RATE_HZ)
        force_n, counts = rows(bench, 0.5)
        assert np.all(force_n == 0)
        assert (counts.mean() - bench.cell.zero_counts) * bench.cell.coefficients[1] == pytest.approx(0, abs=0.002)
        assert bench.cell.zero_counts - bench.truth.zero_counts > 0.1 * bench.truth.counts_per_n


@pytest.mark.parametrize("seed", SEEDS)
def test_gain_and_nonlinearity_are_found_back_from_counts(seed):
    truth = calm(seed, hysteresis_of_capacity=0.0, creep_share=0.0, noise_n=draw(seed).noise_n)
    bench = Bench(truth, seed, RATE_HZ)
    steps_n = np.linspace(0, 45, 10)
    found_n = []
    for step_n in steps_n:
        bench.press(float(step_n), 0.0)
        found_n.append(signal_n(bench))
    sensed_n = steps_n + truth.tip_weight_n
    # The mean of a second's samples, five standard errors and a count wide.
    width_n = 5 * truth.noise_n / math.sqrt(RATE_HZ) + 1 / abs(truth.counts_per_n)
    np.testing.assert_allclose(found_n - sensed_n, truth.nonlinearity_n(sensed_n), atol=width_n)
    assert np.abs(truth.nonlinearity_n(sensed_n)).max() > 10 * width_n


@pytest.mark.parametrize("seed", SEEDS)
def test_hysteresis_is_found_back_from_counts(seed):
    truth = calm(seed, creep_share=0.0, noise_n=draw(seed).noise_n)
    bench = Bench(truth, seed, RATE_HZ)
    steps_n = np.linspace(0, 45, 16)
    loops = []
    for _ in range(2):
        found_n = []
        for step_n in [*steps_n, *steps_n[-2::-1]]:
            bench.press(float(step_n), 0.0)
            found_n.append(signal_n(bench, wait_s=4.0))
        loops.append(np.array(found_n[:14:-1]) - np.array(found_n[:16]))
    tip_n = truth.tip_weight_n
    stated_n = truth.hysteresis_n(tip_n, 45 + tip_n, steps_n + tip_n)
    # Each step overshoots by a hundredth and comes back by the same way, within the narrowest play.
    np.testing.assert_allclose(loops[1], stated_n, atol=0.06 * stated_n.max())
    assert loops[1].max() == pytest.approx(truth.hysteresis_of_capacity * 50, rel=0.3)
    # The first loading comes from another side.
    assert loops[0][0] > stated_n[0] + 0.2 * stated_n.max()


def test_creep_goes_on_while_the_load_hangs_and_stays_for_a_while_after():
    truth = calm(hysteresis_of_capacity=0.0, creep_share=4e-4, creep_s=100.0)
    bench = Bench(truth, 1, RATE_HZ)
    zero_n = signal_n(bench)
    bench.hang(1.5)
    early_n = signal_n(bench, wait_s=4.0)
    late_n = signal_n(bench, wait_s=600.0)
    pull_n = truth.pull_n(1.5)
    assert late_n - early_n == pytest.approx(4e-4 * pull_n * math.exp(-4.5 / 100), rel=0.02)
    bench.take_off()
    assert signal_n(bench, wait_s=4.0) - zero_n == pytest.approx(4e-4 * pull_n * math.exp(-4.5 / 100), rel=0.05)


def test_zeros_over_the_angle_tell_the_weight_of_the_tip_and_loads_what_pulls_across():
    truth = calm(bend_of_capacity=0.0, skew_of_capacity=0.0, hysteresis_of_capacity=0.0, creep_share=0.0)
    bench = Bench(truth, 1, RATE_HZ)
    tip_n, across = truth.tip_weight_n, truth.cross_axis_share
    for angle_deg in (90.0, 60.0, 45.0, 0.0, -30.0):
        bench.take_off()
        bench.tilt(angle_deg)
        along, beside = math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))
        assert signal_n(bench) == pytest.approx(tip_n * (along + across * beside), abs=3e-5)
        bench.hang(0.5)
        pull_n = truth.pull_n(0.5)
        assert signal_n(bench) == pytest.approx((pull_n + tip_n) * (along + across * beside), abs=3e-5)
        assert rows(bench, 0.1)[0] == pytest.approx(pull_n * along, abs=1e-6)


def test_warmth_moves_zero_and_span_as_stated():
    truth = calm(
        bend_of_capacity=0.0,
        skew_of_capacity=0.0,
        hysteresis_of_capacity=0.0,
        creep_share=0.0,
        zero_per_k_n=-0.003,
        span_per_k=1e-4,
        warm_up_s=20.0,
        ambient_c=20.0,
        tip_weight_n=0.0,
    )
    bench = Bench(truth, 1, RATE_HZ)
    bench.warm(30.0)
    zero_n = signal_n(bench, wait_s=400.0)
    bench.hang(1.0)
    assert bench.temperature_c() == pytest.approx(30)
    assert zero_n == pytest.approx(-0.03, abs=3e-5)
    assert signal_n(bench) - zero_n == pytest.approx(truth.pull_n(1.0) * 1.001, abs=3e-5)


def test_a_tool_that_was_just_switched_on_warms_up_and_its_zero_goes_with_it():
    truth = calm(warm_up_k=3.0, zero_per_k_n=0.004, warm_up_s=60.0, span_per_k=0.0)
    bench = Bench(truth, 1, RATE_HZ)
    assert bench.temperature_c() == pytest.approx(truth.ambient_c)
    start_n = signal_n(bench, wait_s=0.0, seconds=0.1)
    assert signal_n(bench, wait_s=600.0) - start_n == pytest.approx(0.012, abs=1e-4)


def test_each_seat_scatters_zero_and_span_as_stated():
    truth = calm(reseat_share=3e-4, reseat_n=0.003, creep_share=0.0, hysteresis_of_capacity=0.0)
    bench = Bench(truth, 1, RATE_HZ)
    zeros_n, spans_n = [], []
    for _ in range(150):
        bench.reseat()
        zeros_n.append(signal_n(bench, seconds=0.1))
        bench.hang(1.5)
        spans_n.append(signal_n(bench, seconds=0.1) - zeros_n[-1])
    pull_n = truth.pull_n(1.5)
    assert np.std(zeros_n) == pytest.approx(0.003, rel=0.2)
    assert np.std(spans_n) / pull_n == pytest.approx(3e-4, rel=0.2)
    assert len(set(np.round(zeros_n, 5))) > 100


def test_each_turn_misses_its_angle_as_stated():
    bench = Bench(calm(angle_deg=0.5), 1, RATE_HZ)
    bench.hang(1.0)
    shares = []
    for _ in range(150):
        bench.tilt(45.0)
        rows(bench, 8.0)
        shares.append(rows(bench, 0.1)[0].mean() / bench.truth.pull_n(1.0))
    assert np.std(np.degrees(np.arcsin(shares))) == pytest.approx(0.5, rel=0.2)
    assert bench.angle_deg == 45.0


def test_each_weight_is_off_its_mark_by_its_own_share_and_always_the_same():
    bench = Bench(calm(weights_share=1e-3), 1, RATE_HZ)
    masses = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0]
    off = np.array([bench.true_mass_kg(mass) / mass - 1 for mass in masses])
    assert np.all(np.abs(off) <= 1e-3)
    assert len(set(off)) == len(masses)
    assert bench.true_mass_kg(0.7) == bench.true_mass_kg(0.7)
    bench.hang(0.7)
    rows(bench, 10.0)
    assert rows(bench, 0.1)[0] == pytest.approx(bench.truth.pull_n(bench.true_mass_kg(0.7)), abs=1e-6)


def test_noise_is_as_stated_and_zero_drifts_by_millinewtons_over_minutes():
    truth = dataclasses.replace(draw(2), warm_up_k=0.0)
    bench = Bench(truth, 2, RATE_HZ)
    second = rows(bench, 1.0)[1]
    assert second.std() / abs(truth.counts_per_n) == pytest.approx(truth.noise_n, rel=0.2)
    minutes = rows(bench, 900.0)[1].reshape(-1, RATE_HZ).mean(axis=1) / truth.counts_per_n
    assert 0.001 < np.ptp(minutes) < 4 * sum(truth.drift_n)
    assert np.abs(np.diff(minutes)).max() < 0.001


@pytest.mark.parametrize("seed", SEEDS)
def test_a_load_swings_and_is_still_after_two_seconds_and_a_half(seed):
    bench = Bench(draw(seed), seed, RATE_HZ)
    rows(bench, 1.0)
    bench.hang(1.5)
    force_n = rows(bench, 6.0)[0]
    end_n = force_n[-1]
    assert force_n[0] == 0
    assert 1.01 * end_n < force_n.max() < 1.35 * end_n
    crossings = np.count_nonzero(np.diff(np.sign(force_n[: 2 * RATE_HZ] - end_n)))
    assert 5 <= crossings <= 20
    assert np.ptp(force_n[round(2.5 * RATE_HZ) :]) < 0.02
    assert np.ptp(force_n[round(3.5 * RATE_HZ) :]) < 0.002
    assert np.abs(np.diff(force_n)).max() < 0.08 * end_n
    # A load changed in mid-swing goes on from where it is.
    bench.hang(0.5)
    bench_n = rows(bench, 0.3)[0]
    bench.hang(1.0)
    assert abs(rows(bench, 0.1)[0][0] - bench_n[-1]) < 1.0


def test_a_hand_that_presses_trembles_and_a_screw_does_not():
    bench = Bench(calm(), 1, RATE_HZ)
    bench.press(5.0, 0.2)
    rows(bench, 5.0)
    assert 0.4 < np.ptp(rows(bench, 5.0)[0]) < 3.0
    bench.press(5.0)
    rows(bench, 5.0)
    held_n = rows(bench, 5.0)[0]
    assert 0.005 < np.ptp(held_n) < 0.04
    assert held_n.mean() == pytest.approx(5, abs=0.01)


def test_the_converter_stays_at_its_rails():
    bench = Bench(calm(), 1, RATE_HZ)
    bench.press(300.0)
    rows(bench, 5.0)
    assert set(rows(bench, 0.5)[1].tolist()) == {0x7FFFFF}
    bench.press(-300.0)
    rows(bench, 5.0)
    assert set(rows(bench, 0.5)[1].tolist()) == {-0x800000}


def test_a_cell_wired_the_other_way_round_counts_down():
    bench = Bench(calm(counts_per_n=-41_000.0), 1, RATE_HZ)
    before = rows(bench, 1.0)[1].mean()
    bench.hang(1.0)
    rows(bench, 5.0)
    assert rows(bench, 1.0)[1].mean() - before == pytest.approx(-41_000 * bench.truth.pull_n(1.0), rel=0.01)


def test_the_true_force_of_any_row_that_was_handed_out_is_told_again():
    bench = Bench(draw(1), 1, RATE_HZ)
    force_n = []
    for act in ACTS:
        act(bench)
        force_n.append(bench.next_rows(333)[0])
    whole = np.concatenate(force_n)
    np.testing.assert_array_equal(bench.true_force_n(0, len(whole)), whole)
    np.testing.assert_array_equal(bench.true_force_n(300, 700), whole[300:700])
    for first, end in ((0, len(whole) + 1), (-1, 5), (7, 6)):
        with pytest.raises(ValueError, match="not handed out"):
            bench.true_force_n(first, end)


def test_loads_are_true_strokes_of_the_bench():
    bench = Bench(draw(1), 1, RATE_HZ)
    rows(bench, 1.0)
    bench.hang(0.5)
    rows(bench, 3.0)
    bench.take_off()
    rows(bench, 2.0)
    (stroke,) = bench.true_strokes(0, 6 * RATE_HZ)
    assert RATE_HZ < stroke.first_index < 1.2 * RATE_HZ
    assert 4 * RATE_HZ <= stroke.last_index < 4.5 * RATE_HZ
    assert bench.true_strokes(2 * RATE_HZ, 6 * RATE_HZ) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda bench: bench.hang(-0.1),
        lambda bench: bench.hang(math.nan),
        lambda bench: bench.hang(1e4),
        lambda bench: bench.press(math.inf),
        lambda bench: bench.press(1.0, 2.0),
        lambda bench: bench.tilt(91.0),
        lambda bench: bench.tilt(math.nan),
        lambda bench: bench.warm(400.0),
    ],
)
def test_what_no_bench_can_do_is_refused_and_changes_nothing(act):
    bench, other = (Bench(draw(1), 1, RATE_HZ) for _ in range(2))
    with pytest.raises(ValueError, match=r"\d|nan|inf"):
        act(bench)
    np.testing.assert_array_equal(bench.next_rows(50)[1], other.next_rows(50)[1])


def test_changes_of_one_thread_and_rows_of_another_do_not_mix_up():
    bench = Bench(BenchTruth(), 1, RATE_HZ)
    taken = []

    def take():
        for _ in range(400):
            taken.append(bench.next_rows(7)[0])

    thread = threading.Thread(target=take)
    thread.start()
    for number in range(400):
        bench.hang(number % 5 * 0.1)
        bench.temperature_c()
    thread.join()
    whole = np.concatenate(taken)
    assert len(whole) == 2800
    np.testing.assert_array_equal(bench.true_force_n(0, 2800), whole)


def test_a_change_holds_from_the_next_row_that_nobody_asked_for():
    bench = Bench(draw(1), 1, RATE_HZ)
    rows(bench, 1.0)
    assert bench.now_s == 1.0
    bench.hang(1.0)
    force_n = bench.next_rows(3)[0]
    assert force_n[0] == 0
    assert 0 < force_n[1] < force_n[2]


def test_who_was_switched_off_goes_on_at_the_present_where_it_lives_in_real_time():
    bench = Bench(calm(), 1, RATE_HZ, patience_s=1.0)
    bench.hang(1.0)
    rows(bench, 1.0)
    other = bench.reader(80.0)
    other.next_forces_n(80 * 20)
    assert bench.now_s == pytest.approx(21)
    bench.take_off()
    # It missed twenty seconds, and sees the load that is taken off now.
    force_n = bench.next_rows(RATE_HZ)[0]
    assert force_n[0] == pytest.approx(bench.truth.pull_n(1.0), abs=1e-6)
    assert force_n[-1] == pytest.approx(0, abs=0.01)
    np.testing.assert_array_equal(bench.true_force_n(RATE_HZ, 2 * RATE_HZ), force_n)
