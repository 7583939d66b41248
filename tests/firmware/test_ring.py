from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.ring import DEFAULT_BATCH_US, MAX_BATCH_SAMPLES, Cursor, Ring, allocate_pages, pages_for
from iastm_protocol import kinds
from iastm_protocol.messages import ForceSamples

_WRAP = 1 << 30


def _take(ring: Ring, cursor: Cursor) -> ForceSamples | None:
    payload = bytearray(kinds.MAX_LINK_PAYLOAD)
    n = ring.take(cursor, payload)
    return ForceSamples.from_payload(bytes(payload[:n])) if n else None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["append", "append", "append", "append", "close", "jump", "take", "take all"]),
            st.integers(0, 30_000),
            st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX),
            st.integers(0, 15),
        ),
        max_size=400,
    ),
    st.integers(2, 3),
    st.integers(0, _WRAP - 1),
)
def test_what_is_taken_is_what_was_added_and_the_rest_is_counted(
    steps: list[tuple[str, int, int, int]], pages: int, start_us: int
) -> None:
    now_us = start_us
    clock = Clock(lambda: now_us % _WRAP)
    ring = Ring(allocate_pages(pages), clock)
    cursor = Cursor()
    added = []
    taken = []
    index = 0
    for what, step_us, counts, flags in steps * 3:
        if what == "append":
            now_us += step_us
            clock.now()
            ring.append(index, now_us % _WRAP, counts, flags)
            added.append((index, now_us, counts, flags))
            index += 1
        elif what == "jump":
            ring.close()
            index += 7
        elif what == "close":
            ring.close()
        else:
            while (batch := _take(ring, cursor)) is not None:
                taken.append(batch)
                if what == "take":
                    break
    ring.close()
    while (batch := _take(ring, cursor)) is not None:
        taken.append(batch)

    by_index = {sample[0]: sample for sample in added}
    seen = []
    for batch in taken:
        samples = [by_index[batch.first_index + i] for i in range(batch.sample_count)]
        seen += [sample[0] for sample in samples]
        assert batch.counts() == [sample[2] for sample in samples]
        assert batch.first_us == samples[0][1]
        assert batch.span_us == samples[-1][1] - samples[0][1] < DEFAULT_BATCH_US
        together = 0
        for sample in samples:
            together |= sample[3]
        assert batch.flags == together
        assert batch.sample_count <= MAX_BATCH_SAMPLES
    assert seen == sorted(set(seen))
    assert cursor.overrun_samples == len(added) - len(seen)


@pytest.mark.parametrize("rate_hz", [10, 50, 80, 100, 320, 1000, 2000])
def test_the_ring_keeps_the_depth_it_states(rate_hz: int) -> None:
    depth = 2048
    period_us = 1_000_000 // rate_hz
    now_us = 0
    clock = Clock(lambda: now_us % _WRAP)
    ring = Ring(allocate_pages(pages_for(depth, rate_hz * 1000)), clock)
    cursor = Cursor()
    for index in range(5 * depth):
        now_us = index * period_us
        clock.now()
        ring.append(index, now_us % _WRAP, index, 0)
        if index == 4 * depth:
            ring.to_newest(cursor)
    ring.close()
    first = _take(ring, cursor)
    assert first is not None
    assert first.first_index == 4 * depth + 1
    assert cursor.overrun_samples == 0


def test_a_batch_that_is_open_can_not_be_taken_until_20_ms_have_passed() -> None:
    now_us = 0
    clock = Clock(lambda: now_us)
    ring = Ring(allocate_pages(2), clock)
    cursor = Cursor()
    ring.append(0, 0, 5, 0)
    ring.close_if_due(DEFAULT_BATCH_US - 1)
    assert _take(ring, cursor) is None
    ring.close_if_due(DEFAULT_BATCH_US)
    batch = _take(ring, cursor)
    assert batch is not None
    assert batch.counts() == [5]
    assert _take(ring, cursor) is None


def test_a_cursor_at_the_newest_sample_hears_only_what_comes_after() -> None:
    clock = Clock(lambda: 0)
    ring = Ring(allocate_pages(2), clock)
    cursor = Cursor()
    for index in range(5):
        ring.append(index, 0, index, 0)
    ring.to_newest(cursor)
    ring.append(5, 0, 5, 0)
    ring.close()
    batch = _take(ring, cursor)
    assert batch is not None
    assert (batch.first_index, batch.counts()) == (5, [5])
    assert cursor.overrun_samples == 0
