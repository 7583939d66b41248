"""The whole firmware in the heap of each board, as compiled code that takes none of it, on a board's 32 bits.

What MicroPython has free on each board with Bluetooth on is not ours to measure without it; the heaps below are meant
to be smaller, and say from what. The program of the test, and the host it plays, live in the same heap (some 20 KiB).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from tests.micropython.whole_firmware import RATE_HZ, assert_that_all_came, run_firmware

_MINUTE = 60 * RATE_HZ
# What is left at any time to answers, decoders, a second link and garbage.
_LEFT_BYTES = 20 * 1024


class Board(NamedTuple):
    """A board's heap in KiB, and the samples of the stream that it is to keep at least."""

    heap_kib: int
    ring_depth: int


BOARDS = {
    # 64,000 bytes and up to 139,264 more were MicroPython's on a bare one (micropython issue 14293, 1.22.2): 198 KiB;
    # NimBLE takes some 70 KiB of what has not been taken by then.
    "ESP32-C3": Board(112, 12 * RATE_HZ),
    # As the ESP32-C3, with 112 KiB more RAM (512 in place of 400).
    "ESP32-S3 without PSRAM": Board(208, _MINUTE),
    # 166 KiB were fixed for it up to 1.19, about 30 KiB more came since (pull request 10968); BTstack's own come off.
    "Pico W": Board(160, 40 * RATE_HZ),
    # As the Pico W, with 256 KiB more RAM (520 in place of 264).
    "Pico 2 W": Board(416, _MINUTE),
}


@pytest.mark.parametrize("name", BOARDS)
def test_the_firmware_runs_for_an_hour_in_the_heap_of_a_board(
    micropython_with_firmware: str, size: Callable[[int, int], int], name: str
) -> None:
    board = BOARDS[name]
    seconds = size(100, 3600)
    found = run_firmware(
        micropython_with_firmware, [".frozen"], f"{board.heap_kib}k", seconds, host=True, depth=_MINUTE
    )
    assert found["heap_bytes"] <= board.heap_kib * 1024
    assert_that_all_came(found, seconds, host=True)
    assert found["ring_depth"] >= board.ring_depth
    assert min(found["free_bytes"]) >= _LEFT_BYTES
    assert min(found["free_bytes"][4:]) >= found["free_bytes"][3] - 300
