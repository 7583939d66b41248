from __future__ import annotations

import asyncio

import pytest

from iastm_host.events import Chunk
from iastm_host.transports.base import EndOfStream
from iastm_host.transports.replay import ReplayClock, ReplayTransport

CHUNKS = [Chunk(5_000_000 + at_us, b"x") for at_us in (0, 20_000, 120_000, 1_120_000)]


class FakeTime:
    """A clock and the sleep that moves it."""

    def __init__(self) -> None:
        self.now_us = 777
        self.slept_s: list[float] = []

    def clock(self) -> int:
        return self.now_us

    async def sleep(self, delay: float, /) -> None:
        self.slept_s.append(delay)
        self.now_us += round(delay * 1e6)


def replayed(speed: float, busy_us: int = 0) -> tuple[FakeTime, ReplayClock, list[tuple[int, int]]]:
    """Return the time used and, for each chunk, (real time since the start, recorded time of the clock)."""
    time = FakeTime()
    clock = ReplayClock(time.clock, speed)
    transport = ReplayTransport(CHUNKS, clock, sleep=time.sleep)
    seen: list[tuple[int, int]] = []

    async def read() -> None:
        for _ in CHUNKS:
            await transport.read()
            seen.append((time.now_us - 777, clock.now_us()))
            time.now_us += busy_us
        with pytest.raises(EndOfStream):
            await transport.read()

    asyncio.run(read())
    return time, clock, seen


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.5])
def test_chunks_come_at_their_times_divided_by_the_speed(speed: float) -> None:
    _, _, seen = replayed(speed)
    recorded_us = [chunk.host_us - CHUNKS[0].host_us for chunk in CHUNKS]
    assert [real_us for real_us, _ in seen] == pytest.approx([us / speed for us in recorded_us], abs=2)
    assert [now_us for _, now_us in seen] == pytest.approx([chunk.host_us for chunk in CHUNKS], abs=4)


def test_a_slow_reader_is_caught_up_with_and_shifts_nothing_after_it() -> None:
    _, _, seen = replayed(1.0, busy_us=60_000)
    assert [real_us for real_us, _ in seen] == [0, 60_000, 120_000, 1_120_000]


def test_at_full_speed_nothing_is_waited_for_but_the_loop_turns_at_each_chunk() -> None:
    time, clock, seen = replayed(0)
    assert time.slept_s == [0.0] * len(CHUNKS)
    assert [now_us for _, now_us in seen] == [chunk.host_us for chunk in CHUNKS]
    assert clock.now_us() == CHUNKS[-1].host_us


def test_recorded_time_goes_on_between_chunks() -> None:
    time = FakeTime()
    clock = ReplayClock(time.clock, 2.5)
    clock.reach(1_000)
    time.now_us += 400
    assert clock.now_us() == 2_000


def test_a_time_that_lies_back_is_not_waited_for() -> None:
    time = FakeTime()
    transport = ReplayTransport([Chunk(100, b"a"), Chunk(50, b"b")], ReplayClock(time.clock, 1.0), sleep=time.sleep)

    async def read() -> list[bytes]:
        return [(await transport.read()).data, (await transport.read()).data]

    assert asyncio.run(read()) == [b"a", b"b"]
    assert all(delay >= 0 for delay in time.slept_s)


def test_a_read_that_is_given_up_leaves_its_chunk_for_the_next_one() -> None:
    time = FakeTime()
    waits = [True]

    async def sleep(delay: float, /) -> None:
        if waits.pop():
            await asyncio.Event().wait()
        await time.sleep(delay)

    async def read() -> Chunk:
        transport = ReplayTransport(CHUNKS[:1], ReplayClock(time.clock, 1.0), sleep=sleep)
        reading = asyncio.create_task(transport.read())
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        waits.append(False)
        return await transport.read()

    assert asyncio.run(read()) == CHUNKS[0]
