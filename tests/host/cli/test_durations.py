from __future__ import annotations

import math

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.cli.durations import seconds
from iastm_host.events import Problem

check = seconds(0.5, 3600)


@given(st.floats(0.5, 3600))
def test_what_lies_between_the_bounds_is_taken_as_it_is(duration_s: float) -> None:
    assert check(duration_s) == duration_s


@given(st.floats(allow_nan=False).filter(lambda s: not 0.5 <= s <= 3600))
def test_what_lies_outside_is_refused_with_the_bounds(duration_s: float) -> None:
    with pytest.raises(typer.BadParameter, match=r"is not between 0\.5 and 3600 s"):
        check(duration_s)


def test_a_duration_that_is_no_number_is_not_called_too_long() -> None:
    with pytest.raises(Problem, match="can't be waited for") as raised:
        check(math.nan)
    assert "--duration 20" in raised.value.fix


def test_without_a_duration_nothing_is_checked() -> None:
    assert check(None) is None
