from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.bench.motion import AXIAL, SENSED, History, Plays, Seat, Stretch

FORCES = st.lists(st.floats(-60, 60), min_size=1, max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=5)


def stretch(start_s=0.0, rates=(), terms=(), final_n=(5.0, 5.4), creep_n=0.0):
    return Stretch(
        start_s,
        np.array(final_n),
        np.array(rates, complex),
        np.array(terms, complex).reshape(2, len(rates)),
        creep_n,
        20.0,
        24.0,
        Seat(0.0, 0.0),
    )


SWINGING = stretch(rates=(-8.0, complex(-3, 20)), terms=((-4.0, -0.7j), (-4.2, -0.8j)), creep_n=0.3)


@given(FORCES, CUTS)
def test_play_operators_are_their_recurrence_however_they_are_fed(forces, cuts):
    radii = np.array([0.0, 0.5, 3.0, 20.0])
    expected, state = [], np.full(4, 1.0)
    for force_n in forces:
        state = np.maximum(force_n - radii, np.minimum(force_n + radii, state))
        expected.append(state)
    plays = Plays(radii, 1.0)
    bounds = sorted({0, len(forces), *(min(cut, len(forces)) for cut in cuts)})
    parts = [plays.feed(np.array(forces[begin:end])) for begin, end in pairwise(bounds)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), np.transpose(expected))


def test_plays_of_nothing_are_nothing():
    assert Plays(np.array([1.0, 2.0]), 0.0).feed(np.empty(0)).shape == (2, 0)


def test_creep_in_closed_form_is_what_its_equation_gives_step_by_step():
    lag_s = 1.7
    time_s = np.linspace(0, 4, 400_001)
    step_s = time_s[1]
    sensed_n = SWINGING.force_n(time_s)[SENSED]
    lagged_n, expected_n = 0.3, []
    for before, after in pairwise(sensed_n.tolist()):
        expected_n.append(lagged_n)
        lagged_n += step_s / lag_s * ((before + after) / 2 - lagged_n)
    np.testing.assert_allclose(SWINGING.lagged_n(time_s[:-1], lag_s), expected_n, atol=2e-5)


def test_force_starts_where_it_was_and_ends_at_its_target():
    np.testing.assert_allclose(SWINGING.force_n(np.zeros(1))[:, 0], [1.0, 1.2])
    np.testing.assert_allclose(SWINGING.force_n(np.array([30.0]))[:, 0], [5.0, 5.4])
    assert SWINGING.force_n(np.zeros(3)).shape == (2, 3)


def test_temperature_goes_from_where_it_was_to_its_end():
    degrees = stretch(start_s=10.0).celsius(np.array([10.0, 10.0 + 60 * np.log(2), 1e4]), 60.0)
    assert degrees == pytest.approx([20, 22, 24])


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_each_time_belongs_to_the_last_stretch_that_began(times):
    starts_s = [0.0, 1.0, 4.5, 4.5, 20.0]
    history = History(stretch())
    for number, start_s in enumerate(starts_s[1:], 1):
        history.add(stretch(start_s, final_n=(number, number)))
    time_s = np.sort(times)
    found = np.full(len(time_s), -1.0)
    for part, of in history.parts(time_s):
        found[part] = of.force_n(time_s[part])[AXIAL]
    expected = [5.0 if t < 1 else 1.0 if t < 4.5 else 3.0 if t < 20 else 4.0 for t in time_s]
    assert found.tolist() == expected
    assert history.parts(np.empty(0)) == []
