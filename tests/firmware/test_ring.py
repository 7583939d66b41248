from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.ring import (
    DEFAULT_BATCH_US,
    MAX_BATCH_SAMPLES,
    PAGE_BYTES,
    RESERVED_PAGES,
    Cursor,
    Ring,
    allocate_pages,
    depth_of,
    pages_for,
)
from iastm_protocol import kinds
from iastm_protocol.messages import ForceSamples

_WRAP = 1 << 30


_HOLD_US = 40_000


def _take(ring: Ring, cursor: Cursor) -> ForceSamples | None:
    payload = bytearray(kinds.MAX_LINK_PAYLOAD)
    n = ring.take(cursor, payload)
    return ForceSamples.from_payload(bytes(payload[:n])) if n else None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["append", "append", "append", "append", "close", "jump", "take", "take all"]),
            # Within a batch, beyond 20 ms, beyond 65 ms (16 bits), and whole wraps of the ticks.
            st.one_of(st.integers(0, 30_000), st.integers(0, 140_000), st.integers(_WRAP - 3000, _WRAP + 70_000)),
            st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX),
            st.integers(0, 15),
        ),
        max_size=400,
    ),
    st.integers(2, 3),
    st.one_of(st.integers(0, _WRAP - 1), st.integers(_WRAP - 100_000, _WRAP - 1)),
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
            for part_us in (step_us // 3, step_us // 3, step_us - step_us // 3 * 2):
                # The clock is to be read every eight minutes.
                now_us += part_us
                clock.now()
                ring.close_if_due(now_us % _WRAP)
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


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["append"] * 12 + ["close", "jump", "look up", "look up", "lose"]),
            st.one_of(st.integers(0, 10_000), st.integers(0, 140_000)),
            st.integers(0, 400),
        ),
        max_size=300,
    ),
    st.integers(2, 3),
)
def test_an_index_is_found_where_a_plain_list_has_it(steps: list[tuple[str, int, int]], pages: int) -> None:
    now_us = 0
    clock = Clock(lambda: now_us % _WRAP)
    ring = Ring(allocate_pages(pages), clock)
    # The model: every closed batch as (page, first index, first time, counts); the ring keeps the newest pages.
    closed: list[tuple[int, int, int, list[int]]] = []
    stored: list[tuple[int, int, int]] = []
    taker = Cursor()
    reader = Cursor()
    asked = 0
    index = 0
    for what, step_us, back in steps * 4:
        if what == "append":
            now_us += step_us
            clock.now()
            ring.append(index, now_us % _WRAP, index, 0)
            stored.append((index, now_us, index))
            index += 1
        elif what == "close":
            ring.close()
        elif what == "jump":
            ring.close()
            index += 1 + back % 5
        elif what == "lose":
            ring.lose(reader)
            asked = max(0, index - back)
        else:
            asked += back % 20
            # What is kept is known from a reader of everything, which `take` was tested with.
            payload = bytearray(kinds.MAX_LINK_PAYLOAD)
            while n := ring.take(taker, payload):
                batch = ForceSamples.from_payload(bytes(payload[:n]))
                closed.append((taker.page, batch.first_index, batch.first_us, batch.counts()))
            newest_page = ring._page_number
            kept = [batch for batch in closed if batch[0] > newest_page - pages]
            wanted = [batch for batch in kept if batch[1] + len(batch[3]) > asked]
            assert ring.reach(reader, asked) == bool(wanted)
            if wanted:
                n = ring.copy(reader, payload)
                found = ForceSamples.from_payload(bytes(payload[:n]))
                assert (found.first_index, found.first_us, found.counts()) == wanted[0][1:]
                assert stored[-1][0] >= found.first_index
                times_us = {i: time_us for i, time_us, _ in stored}
                assert found.first_us == times_us[found.first_index]
                assert found.first_us + found.span_us == times_us[found.first_index + found.sample_count - 1]


def test_a_batch_that_was_found_and_then_overwritten_is_not_copied() -> None:
    ring = Ring(allocate_pages(2), Clock(lambda: 0))
    reader = Cursor()
    for index in range(160):
        ring.append(index, 0, index, 0)
    assert ring.reach(reader, 20)
    assert reader.first_index == 16
    for index in range(160, 1600):
        ring.append(index, 0, index, 0)
    assert ring.reach(reader, 20)
    payload = bytearray(kinds.MAX_LINK_PAYLOAD)
    found = ForceSamples.from_payload(bytes(payload[: ring.copy(reader, payload)]))
    assert found.first_index > 1000
    assert found.counts() == list(range(found.first_index, found.first_index + 16))


def test_times_run_on_where_the_ticks_wrap_within_a_page() -> None:
    now_us = _WRAP - 100_000
    clock = Clock(lambda: now_us % _WRAP)
    ring = Ring(allocate_pages(2), clock)
    cursor = Cursor()
    times_us = []
    for index in range(200):
        clock.now()
        ring.append(index, now_us % _WRAP, index, 0)
        times_us.append(now_us)
        now_us += 1000
    while (batch := _take(ring, cursor)) is not None:
        assert batch.first_us == times_us[batch.first_index]
    assert cursor.samples > 190


@pytest.mark.parametrize(("free", "kept"), [(1000, 20), (RESERVED_PAGES + 20, 20), (RESERVED_PAGES + 5, 5)])
def test_pages_are_taken_as_far_as_memory_goes_and_leave_a_reserve(free: int, kept: int) -> None:
    left = free

    def allocate(size: int) -> bytearray:
        nonlocal left
        assert size == PAGE_BYTES
        if not left:
            raise MemoryError
        left -= 1
        return bytearray(size)

    assert len(allocate_pages(20, allocate)) == kept


def test_a_board_without_memory_for_two_pages_and_the_reserve_is_refused() -> None:
    left = [bytearray(PAGE_BYTES) for _ in range(RESERVED_PAGES + 1)]

    def allocate(size: int) -> bytearray:
        if not left:
            raise MemoryError
        return left.pop()

    with pytest.raises(MemoryError):
        allocate_pages(20, allocate)


@pytest.mark.parametrize("rate_hz", [10, 14, 15, 16, 50, 80, 100, 320, 1000, 2000])
def test_a_minute_in_pages_is_a_minute_and_not_much_more(rate_hz: int) -> None:
    depth = 60 * rate_hz
    pages = pages_for(depth, rate_hz * 1000)
    assert depth <= depth_of(pages, rate_hz * 1000)
    assert pages == 2 or depth_of(pages - 1, rate_hz * 1000) < depth


@pytest.mark.parametrize("cycle_ms", [None, 161, 170, 181])
@pytest.mark.parametrize("rate_hz", [10, 14, 15, 16, 50, 80, 100, 320, 1000, 2000])
def test_the_ring_keeps_the_depth_it_states(rate_hz: int, cycle_ms: int | None) -> None:
    depth = 2048
    period_us = 1_000_000 // rate_hz
    now_us = 0
    clock = Clock(lambda: now_us % _WRAP)
    pages = pages_for(depth, rate_hz * 1000)
    depth = depth_of(pages, rate_hz * 1000)
    ring = Ring(allocate_pages(pages), clock)
    cursor = Cursor()
    reader = Cursor()
    for index in range(5 * depth):
        now_us = index * period_us
        clock.now()
        ring.append(index, now_us % _WRAP, index, 0)
        if index % rate_hz == rate_hz // 3:
            # As an alert does.
            ring.close()
        next_us = now_us + period_us
        if cycle_ms is not None and any(
            (now_us - end_us) // (cycle_ms * 1000) != (next_us - end_us) // (cycle_ms * 1000) for end_us in (0, 160_000)
        ):
            # As an alarm does that lasts: the motor shakes the cell, and does not for a moment.
            ring.close()
        if index == 4 * depth:
            ring.to_newest(cursor)
        if index >= 2 * depth:
            # At any moment, the page that was just begun included.
            if index % 7 == 0:
                ring.lose(reader)
            assert ring.reach(reader, index - depth)
            assert reader.first_index <= index - depth
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


@pytest.mark.parametrize("before", [0, 1, 16, 240, 245, 300])
@pytest.mark.parametrize("held", [1, 5, 16])
@pytest.mark.parametrize("start_us", [0, _WRAP - 3125 * 3, _WRAP - 3125 * 250])
def test_a_batch_that_is_held_stays_open_for_a_new_reader_and_comes_whole(
    before: int, held: int, start_us: int
) -> None:
    now_us = start_us
    clock = Clock(lambda: now_us % _WRAP)
    ring = Ring(allocate_pages(3), clock)
    for index in range(before + held):
        now_us = start_us + index * 3125 if index < before else start_us + before * 3125 + (index - before) * 100
        clock.now()
        if index == before:
            ring.close()
        ring.append(index, now_us % _WRAP, index, 0, _HOLD_US if index == before + held - 1 else 0)
    cursor = Cursor()
    ring.to_newest(cursor)
    assert _take(ring, cursor) is None
    ring.release(kinds.SUSPECTED_GLITCH)
    ring.close()
    batch = _take(ring, cursor)
    assert batch is not None
    assert batch.counts() == list(range(before, before + held))
    assert (batch.first_index, batch.flags) == (before, kinds.SUSPECTED_GLITCH)
    assert batch.first_us == start_us + before * 3125
    assert (cursor.samples, cursor.overrun_samples) == (ring.samples, 0)


def test_a_batch_never_takes_more_than_fit_even_where_nobody_releases_it() -> None:
    ring = Ring(allocate_pages(2), Clock(lambda: 0))
    cursor = Cursor()
    for index in range(40):
        ring.append(index, 0, index, 0, _HOLD_US)
    ring.close()
    found = []
    while (batch := _take(ring, cursor)) is not None:
        found.append(batch.sample_count)
    assert found == [16, 16, 8]
