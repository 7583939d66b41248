"""The promises on the tool's memory, measured by the firmware's own module on a real MicroPython."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def _measure(micropython: str, heap: str, depth: int = 2048) -> dict[str, float]:
    path = [str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", f"heapsize={heap}", "-m", "iastm_simulated.measure_memory", str(depth)],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def measured(micropython: str) -> dict[str, float]:
    """What measure_memory prints in the heap that the firmware must fit into."""
    return _measure(micropython, "304k")


def test_the_hot_path_allocates_nothing(measured: dict[str, float]) -> None:
    assert measured["hot_path_bytes_per_sample"] == 0


def test_sending_allocates_at_most_15_bytes_per_sample(measured: dict[str, float]) -> None:
    limit = {64: 15, 32: 30}[int(measured["word_bits"])]
    assert 0 < measured["sending_bytes_per_sample"] <= limit


def test_sending_once_more_allocates_no_more_than_sending(measured: dict[str, float]) -> None:
    limit = {64: 15, 32: 30}[int(measured["word_bits"])]
    assert 0 < measured["backfill_bytes_per_sample"] <= limit
    # All that was asked for went out: 3 × 1,400 samples beside three seconds of stream.
    assert measured["backfill_sent_bytes"] > (3 * 1400 + 3 * 320) * 6


def test_a_minute_of_fetching_leaves_nothing_on_the_heap(measured: dict[str, float]) -> None:
    assert measured["backfill_kept_bytes"] <= 64


def test_strokes_alerts_and_status_add_little_to_it(measured: dict[str, float]) -> None:
    assert measured["sending_bytes_per_sample"] < measured["session_bytes_per_sample"] <= 30


def test_compiling_the_sources_leaves_a_sixteenth_of_304_kib(micropython: str) -> None:
    assert _measure(micropython, "285k")["hot_path_bytes_per_sample"] == 0


def test_the_firmware_runs_in_304_kib_with_room_left(measured: dict[str, float]) -> None:
    assert measured["heap_bytes"] <= 304 * 1024
    assert measured["heap_used_bytes"] < 0.8 * measured["heap_bytes"]
    assert 2048 <= measured["ring_depth"] < 2048 + 250
    # It did sample and send.
    assert measured["samples"] > 5000
    assert measured["sent_bytes"] > 3 * 3000


@pytest.mark.parametrize("heap", ["304k", "392k"])
def test_a_ring_of_a_minute_is_as_deep_as_memory_goes_and_leaves_room(micropython: str, heap: str) -> None:
    measured = _measure(micropython, heap, 60 * 320)
    if heap == "392k":
        assert measured["ring_depth"] >= 60 * 320
    else:
        # Nearly all of this heap is the firmware's compiled code, which boards have in flash.
        assert 2048 <= measured["ring_depth"] < 60 * 320
    assert measured["heap_bytes"] - measured["heap_used_bytes"] > 24 * 1024
    assert measured["hot_path_bytes_per_sample"] == 0
    assert measured["backfill_bytes_per_sample"] <= 30


_FILL = """
from iastm_firmware.ring import PAGE_BYTES, RESERVED_PAGES, allocate_pages
pages = allocate_pages(10000)
# The list of these, and this program, take what two pages hold.
reserve = [bytearray(PAGE_BYTES) for _ in range(RESERVED_PAGES - 2)]
print(len(pages))
"""


@pytest.mark.parametrize("heap_kib", range(180, 212, 5))
def test_a_ring_that_fills_the_heap_leaves_its_reserve_whatever_little_was_left(
    micropython: str, heap_kib: int
) -> None:
    path = [str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", f"heapsize={heap_kib}k", "-c", _FILL],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 100 < int(done.stdout) < heap_kib - 32
