"""A peer that floods the tool and takes no answer makes nothing grow: on a real MicroPython, in a board's heap."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
# Sixteen answers and the few that one more command adds; what waits of a host's writes and of the radio's events.
_MOST_ANSWERS = 20
_MOST_ARRIVED = 48
_MOST_BYTES_OF_WRITES = 2048
_MOST_BYTES_KEPT = 6000


def test_no_flood_of_any_kind_on_any_link_fills_the_heap_or_harms_the_next_host(
    micropython: str, size: Callable[[int, int], int]
) -> None:
    path = [str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", "heapsize=360k", str(_HERE / "run_flood.py"), str(size(60, 5000))],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    # The limits that were set and the host that came after each flood are looked at there.
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    floods: dict[str, list[int]] = json.loads(done.stdout)
    assert len(floods) == 24
    for name, (kept_bytes, most, written_bytes) in floods.items():
        assert kept_bytes <= _MOST_BYTES_KEPT, (name, kept_bytes)
        assert most <= (_MOST_ARRIVED if name == "a held turn, ble" else _MOST_ANSWERS), (name, most)
        assert written_bytes <= _MOST_BYTES_OF_WRITES, (name, written_bytes)
    # They did come as far as the bounds.
    assert floods["ping, ble"][1] == floods["ping, cable"][1] == 16
    assert floods["hello, ble"][1] == floods["hello, cable"][1] == 1
    assert floods["a held turn, ble"][1:] == [_MOST_ARRIVED, _MOST_BYTES_OF_WRITES]
