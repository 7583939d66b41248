from __future__ import annotations

import asyncio

import pytest

from iastm_host.events import Chunk
from iastm_host.transports.base import Inbox


class StepClock:
    def __init__(self) -> None:
        self.now_us = 0

    def __call__(self) -> int:
        self.now_us += 10
        return self.now_us


def test_pieces_that_wait_come_as_one_chunk_stamped_with_the_last() -> None:
    async def test() -> Chunk:
        inbox = Inbox(StepClock())
        inbox.put(b"one ")
        inbox.put(b"two")
        return await inbox.take()

    assert asyncio.run(test()) == Chunk(20, b"one two")


def test_a_piece_that_comes_while_it_is_waited_for_is_handed_over_at_once() -> None:
    async def test() -> tuple[Chunk, float]:
        loop = asyncio.get_running_loop()
        inbox = Inbox(StepClock())
        began_s = loop.time()
        taking = asyncio.create_task(inbox.take(timeout_s=60))
        await asyncio.sleep(0)
        inbox.put(b"x")
        return await taking, loop.time() - began_s

    chunk, took_s = asyncio.run(test())
    assert chunk == Chunk(10, b"x")
    assert took_s < 30


def test_bytes_before_an_error_are_handed_over_first_and_the_first_error_stays() -> None:
    async def test() -> bytes:
        inbox = Inbox(StepClock())
        inbox.put(b"last")
        inbox.fail(RuntimeError("first"))
        inbox.fail(RuntimeError("second"))
        chunk = await inbox.take()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="first"):
                await inbox.take()
        return chunk.data

    assert asyncio.run(test()) == b"last"


def test_an_error_wakes_who_waits() -> None:
    async def test() -> None:
        inbox = Inbox(StepClock())
        taking = asyncio.create_task(inbox.take(timeout_s=60))
        await asyncio.sleep(0)
        inbox.fail(RuntimeError("gone"))
        with pytest.raises(RuntimeError, match="gone"):
            await taking

    asyncio.run(test())
