import dataclasses

import numpy as np
import pytest

from iastm_host.bench.motion import Plays
from iastm_host.bench.truth import BenchTruth, draw, nominal_cell

SEEDS = range(1, 41)


def test_a_seed_draws_the_same_truth_and_another_one_another():
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
    assert draw(7, 9.78).gravity_m_s2 == 9.78
    assert dataclasses.replace(draw(7, 9.78), gravity_m_s2=draw(7).gravity_m_s2) == draw(7)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_tool_believes_at_first_is_off_by_a_few_per_cent(seed):
    truth = draw(seed)
    cell = nominal_cell(truth, 1000)
    off = truth.counts_per_n * cell.coefficients[1] - 1
    assert 0.02 <= abs(off) <= 0.05
    assert (cell.zero_counts, cell.capacity_n) == (1000, truth.capacity_n)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_force_is_more_signal_as_far_as_the_converter_reaches(seed):
    truth = draw(seed)
    force_n = np.linspace(-210, 210, 2001)
    assert np.all(np.diff(force_n + truth.nonlinearity_n(force_n)) > 0)


def test_nonlinearity_is_as_large_as_stated_and_nothing_at_zero_and_capacity():
    force_n = np.linspace(0, 50, 100_001)
    bend = BenchTruth(bend_of_capacity=4e-4).nonlinearity_n(force_n)
    skew = BenchTruth(skew_of_capacity=-1e-4).nonlinearity_n(force_n)
    assert bend[[0, -1]] == pytest.approx([0, 0], abs=1e-15)
    assert skew[[0, 50_000, -1]] == pytest.approx([0, 0, 0], abs=1e-15)
    assert bend.max() == pytest.approx(0.02)
    assert (skew.min(), skew.max()) == pytest.approx((-0.005, 0.005))


@pytest.mark.parametrize(("low_n", "high_n"), [(0.0, 50.0), (0.0, 15.0), (2.0, 9.5), (0.3, 0.9)])
def test_the_stated_width_of_a_loop_is_what_its_operators_make(low_n, high_n):
    truth = BenchTruth(hysteresis_of_capacity=5e-4)
    at_n = np.linspace(low_n, high_n, 201)
    plays = Plays(truth.play_radii_n, 0.0)
    once = np.concatenate((at_n, at_n[::-1]))
    plays.feed(once)
    loop = truth.play_weights @ plays.feed(once)
    np.testing.assert_allclose(loop[:200:-1] - loop[:201], truth.hysteresis_n(low_n, high_n, at_n), atol=1e-12)


def test_the_widest_loop_is_as_wide_as_stated():
    truth = BenchTruth(hysteresis_of_capacity=5e-4)
    assert truth.hysteresis_n(0.0, 50.0, np.linspace(0, 50, 51)).max() == pytest.approx(0.025)


def test_a_weight_in_air_pulls_a_little_less_than_its_mass():
    assert BenchTruth().pull_n(1.0) == pytest.approx(9.80665 * 0.99985)
