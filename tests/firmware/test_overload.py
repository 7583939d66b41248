from __future__ import annotations

import pytest

from iastm_firmware.overload import Overload


def told(samples: list[int], rate_mhz: int = 320_000, limit: int = 50_000) -> list[tuple[int, int]]:
    """Return (position, peak) of each overload that was told."""
    overload = Overload(rate_mhz)
    overload.watch(limit)
    return [(n, overload.peak) for n, net in enumerate(samples) if overload.feed(net)]


def test_an_overload_is_told_once_with_its_peak_250_ms_after_it_began() -> None:
    # 55,000 is the first beyond.
    rise = [*range(0, 70_000, 5000), *range(70_000, -1, -5000)]
    assert told([*rise, *[0] * 500]) == [(11 + 79, 70_000)]


def test_one_that_lasts_is_told_after_250_ms_and_not_again() -> None:
    assert told([60_000] * 4000 + [0] * 100) == [(79, 60_000)]


def test_a_single_sample_beyond_the_capacity_is_none_and_the_next_one_is() -> None:
    assert told([0, 0, 90_000, 0, 0, 60_000, 0] * 20) == []
    assert [peak for _, peak in told([0, 0, 90_000, 60_000, *[0] * 80])] == [90_000]


def test_a_pull_counts_as_well_as_a_press() -> None:
    assert [peak for _, peak in told([0, -51_000, -60_000, -51_000, *[0] * 80])] == [-60_000]


def test_between_capacity_and_90_percent_of_it_one_overload_goes_on() -> None:
    wavy = [51_000, 51_000, 46_000, 46_000, 46_000] * 100
    assert len(told([*wavy, 0, 0])) == 1
    # Back, and beyond it once more.
    assert len(told([*wavy, 0, 0, *wavy])) == 2


def test_what_comes_before_it_is_told_belongs_to_it() -> None:
    assert told([60_000, 60_000, *[0] * 20, *[70_000] * 5, *[0] * 500]) == [(79, 70_000)]


@pytest.mark.parametrize("rate_mhz", [10_000, 80_000, 2_000_000])
def test_at_every_rate_two_samples_are_needed(rate_mhz: int) -> None:
    assert told([0, 60_000, 0, 0, 0] * 300, rate_mhz) == []
    assert len(told([0, 60_000, 60_000, *[0] * 500], rate_mhz)) == 1


def test_one_that_is_dropped_is_not_told() -> None:
    overload = Overload(320_000)
    overload.watch(50_000)
    for _ in range(10):
        assert not overload.feed(60_000)
    overload.drop()
    assert not any(overload.feed(0) for _ in range(200))
