from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.window.fake_session import ONE_HAND

from iastm_host.app.live_view import FORCE_STATES, axis_top_n, classify


@given(st.floats(0, 60), st.floats(0, 60))
def test_a_higher_force_is_never_a_lower_state(one_n: float, other_n: float) -> None:
    low_n, high_n = sorted((one_n, other_n))
    assert FORCE_STATES.index(classify(low_n, ONE_HAND)) <= FORCE_STATES.index(classify(high_n, ONE_HAND))


def test_each_edge_belongs_to_the_gentler_state() -> None:
    edges_n = (ONE_HAND.target_low_n, ONE_HAND.target_high_n, ONE_HAND.warn_n, ONE_HAND.alarm_n)
    assert [classify(edge_n, ONE_HAND) for edge_n in edges_n] == ["fine", "fine", "firm", "hard"]


def test_a_limit_that_is_off_is_never_crossed() -> None:
    profile = replace(ONE_HAND, warn_n=0.0, alarm_n=0.0)
    assert classify(1e3, profile) == "firm"


def test_the_axis_belongs_to_the_profile() -> None:
    assert axis_top_n(ONE_HAND) == pytest.approx(1.29 * 14)
    assert axis_top_n(replace(ONE_HAND, alarm_n=0.0, warn_n=0.0)) == pytest.approx(1.29 * 8.5)
