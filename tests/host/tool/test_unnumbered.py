from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.tool.unnumbered import MEASURED_STEPS, Missing, Run, Unnumbered

WRAP = 1 << 32


@given(
    period_us=st.integers(1000, 900_000),
    start_us=st.integers(0, WRAP - 1),
    sizes=st.lists(st.integers(1, 16), min_size=1, max_size=40),
    lost=st.sets(st.integers(4, 43), max_size=10),
    seed=st.integers(0, 1000),
)
def test_whatever_is_lost_and_however_times_shake_each_sample_has_the_index_it_was_taken_with(
    period_us: int, start_us: int, sizes: list[int], lost: set[int], seed: int
) -> None:
    # The longer it was measured, the longer a hole can be counted: these are enough for ten batches.
    sizes = [16, 16, 16, 16, *sizes]
    shake = np.random.default_rng(seed)
    numbered = Unnumbered()
    told: list[Run | Missing] = []
    taken = 0
    for number, size in enumerate(sizes):
        indices = np.arange(taken, taken + size)
        taken += size
        if number in lost:
            continue
        shift_us = shake.integers(0, period_us // 16 + 1, size)
        stamps = [(start_us + int(i) * period_us + int(s)) % WRAP for i, s in zip(indices, shift_us, strict=True)]
        if size * period_us <= 4_000_000:
            told += numbered.add(taken * period_us, stamps, indices.astype(float))
        else:
            for stamp, index in zip(stamps, indices.tolist(), strict=True):
                told += numbered.add((index + 1) * period_us, [stamp], np.array([float(index)]))
    next_index = 0
    for piece in told:
        assert (piece.boot_id, piece.first_index) == (1, next_index)
        if isinstance(piece, Run):
            assert piece.values.tolist() == list(range(next_index, next_index + len(piece.values)))
            next_index += len(piece.values)
        else:
            next_index += piece.count
    kept = [number for number in range(len(sizes)) if number not in lost]
    assert next_index == sum(sizes[: kept[-1] + 1])
    assert numbered.numbering is not None
    assert numbered.numbering.next_index == next_index
    assert numbered.dismissed == 0


def test_nothing_is_told_before_the_period_is_known_and_then_all_of_it() -> None:
    numbered = Unnumbered()
    for i in range(MEASURED_STEPS):
        assert numbered.add(i * 12_500, [i * 12_500], np.array([0.0])) == []
        assert (numbered.period_us, numbered.numbering) == (None, None)
    told = numbered.add(MEASURED_STEPS * 12_500, [MEASURED_STEPS * 12_500], np.array([0.0]))
    assert [piece.first_index for piece in told] == list(range(MEASURED_STEPS + 1))
    assert numbered.period_us == 12_500


@pytest.mark.parametrize("period_us", [1, 400, 1_100_000])
def test_a_period_that_no_gauge_has_is_refused_and_measured_anew(period_us: int) -> None:
    numbered = Unnumbered()
    for i in range(MEASURED_STEPS):
        numbered.add(i * period_us, [i * period_us], np.array([0.0]))
    with pytest.raises(ValueError, match="apart"):
        numbered.add(MEASURED_STEPS * period_us, [MEASURED_STEPS * period_us], np.array([0.0]))
    start_us = (MEASURED_STEPS + 1) * period_us
    times = [start_us + i * 12_500 for i in range(MEASURED_STEPS + 1)]
    assert numbered.add(times[-1], times, np.zeros(len(times)))
    assert numbered.period_us == 12_500


@pytest.mark.parametrize(
    ("stamps", "why"), [([], "no samples"), ([5, 5], "go back"), ([50, 5], "go back"), ([0, 6_000_000], "leap")]
)
def test_a_batch_whose_times_are_none_is_refused(stamps: list[int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Unnumbered().add(0, stamps, np.zeros(len(stamps)))


def test_what_came_late_out_of_a_radio_is_no_new_start() -> None:
    numbered = Unnumbered()
    times = [i * 12_500 for i in range(17)]
    numbered.add(times[-1], times, np.zeros(17))
    # The next batch waits for 60 s, and the one after comes right behind it.
    late_us = times[-1] + 60_000_000
    (run,) = numbered.add(late_us, [times[-1] + 12_500], np.zeros(1))
    (next_run,) = numbered.add(late_us, [times[-1] + 25_000], np.zeros(1))
    assert isinstance(run, Run)
    assert (run.first_index, next_run.first_index, numbered.boot_id) == (17, 18, 1)
