from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.tool.zeros import Zeros


@given(
    st.dictionaries(st.integers(0, 400), st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=6),
    st.integers(0, 420),
    st.integers(1, 60),
    st.data(),
)
def test_each_sample_has_the_zero_of_its_own_time_however_often_zeros_are_told(
    changes: dict[int, int], first_index: int, n: int, data: st.DataObject
) -> None:
    starts = sorted(changes)
    before = -77
    zeros = Zeros()
    told = 0
    while told < len(starts):
        # After a reconnect the tool tells its newest zero once more.
        told = data.draw(st.integers(max(1, told), min(told + 1, len(starts))))
        previous = changes[starts[told - 2]] if told > 1 else before
        zeros.add(starts[told - 1], changes[starts[told - 1]], previous)
    expected = []
    for index in range(first_index, first_index + n):
        held = [start for start in starts if start <= index]
        expected.append(changes[held[-1]] if held else before)
    assert np.broadcast_to(zeros.of(first_index, n), n).tolist() == expected
