from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.readings import Readings
from iastm_firmware.ring import Ring
from iastm_protocol import kinds


def _read(counts: list[int], step_us: int = 3125, start_us: int = 0, flags: int = 0) -> Any:
    ring = Ring([bytearray(1024) for _ in range(4)], Clock(lambda: start_us))
    ring.append(0, start_us, 77_777, 0)
    readings = Readings(ring)
    for i, value in enumerate(counts, 1):
        ring.append(i, (start_us + i * step_us) & 0x3FFFFFFF, value, flags)
        ring.close()
        while readings.step():
            pass
    return readings


_COUNTS = st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX)


@given(counts=st.lists(_COUNTS, min_size=1, max_size=60))
def test_counts_are_summed_up_exactly(counts: list[int]) -> None:
    readings = _read(counts)
    assert (readings.count, readings.lowest, readings.highest) == (len(counts), min(counts), max(counts))
    assert abs(readings.mean_counts() - statistics.fmean(counts)) <= 0.5
    noise = 10 * statistics.pstdev(counts)
    assert noise - 2 <= readings.noise_tenths() <= noise + 1e-3


def test_what_was_sampled_before_the_begin_does_not_count() -> None:
    readings = _read([5, 6])
    assert (readings.count, readings.lowest, readings.next_index) == (2, 5, 3)
    readings.begin()
    assert readings.count == 0
    assert not readings.step()


def test_a_restart_forgets_the_sums_and_loses_no_sample() -> None:
    ring = Ring([bytearray(1024) for _ in range(4)], Clock(lambda: 0))
    readings = Readings(ring)
    ring.append(0, 0, 50, 0)
    ring.close()
    assert readings.step()
    for i, value in enumerate([3, 4], 1):
        ring.append(i, 3125 * i, value, 0)
    readings.restart()
    ring.append(3, 3125 * 3, 5, 0)
    ring.close()
    assert readings.step()
    assert (readings.count, readings.lowest, readings.highest, readings.next_index) == (3, 3, 5, 4)


@pytest.mark.parametrize("start_us", [0, 2**30 - 30_000])
@pytest.mark.parametrize("step_us", [1000, 3125, 12_500, 100_000])
def test_rate_and_span_come_from_the_times_of_the_samples(step_us: int, start_us: int) -> None:
    readings = _read([1, 2] * 30, step_us, start_us)
    assert readings.span_us == 59 * step_us
    assert readings.rate_mhz() == 10**9 // step_us


@pytest.mark.parametrize("counts", [[], [4]])
def test_of_one_sample_there_is_no_rate(counts: list[int]) -> None:
    assert _read(counts).rate_mhz() == 0


def test_missed_conversions_are_no_slower_rate(bench: Callable[..., Any]) -> None:
    b = bench([1, 2] * 640, missed={100: 5, 200: 40})
    readings = Readings(b.tool.ring)
    for _ in range(100):
        b.run(10)
        readings.step()
    assert 319_000 <= readings.rate_mhz() <= 321_000


@pytest.mark.parametrize("flags", [0, kinds.ZERO_UNCERTAIN, kinds.SATURATED, kinds.SATURATED | kinds.ZERO_UNCERTAIN])
def test_a_sample_at_a_rail_is_told(flags: int) -> None:
    assert _read([1, 2], flags=flags).saturated == bool(flags & kinds.SATURATED)


def test_who_reads_too_late_reads_what_is_left() -> None:
    ring = Ring([bytearray(1024), bytearray(1024)], Clock(lambda: 0))
    readings = Readings(ring)
    for i in range(5000):
        ring.append(i, i * 3125 & 0x3FFFFFFF, i, 0)
    ring.close()
    while readings.step():
        pass
    assert 100 < readings.count < 1000
    assert readings.highest == 4999
    assert readings.highest - readings.lowest == readings.count - 1
