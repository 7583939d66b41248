"""The converter that plays: the same strokes after each start, in time, without a conversion lost or an object made."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from iastm_firmware.drivers.played import COUNTS_PER_N, RATE_HZ, Played

_ROOT = Path(__file__).resolve().parents[2]
PERIOD_US = 1_000_000 // RATE_HZ
CYCLE = (
    640
    + sum((100 + 60, 96 + 64, 104 + 60, 92 + 66, 108 + 56, 100 + 58, 88 + 70, 112 + 52))
    + sum((98 + 62, 94 + 64, 86 + 72, 104 + 58, 96 + 62, 110 + 54, 102 + 60, 92 + 66))
)


class Times:
    """Time that the test lets pass."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us

    def ticks_us(self) -> int:
        return self.now_us & 0x3FFFFFFF


def played(n: int, start_us: int = 0, step_us: int = 2000) -> list[tuple[int, int, int]]:
    """Ask every `step_us` until `n` conversions came; return counts, ticks since the start, and missed of each."""
    times = Times(start_us)
    adc: Any = Played(None, times)
    found: list[tuple[int, int, int]] = []
    while len(found) < n:
        while adc.next_conversion():
            found.append((adc.counts, (adc.ticks - start_us) & 0x3FFFFFFF, adc.missed))
        times.now_us += step_us
    return found[:n]


def test_it_plays_the_same_after_each_start_however_often_it_is_asked() -> None:
    first = played(4000)
    assert [counts for counts, _, _ in played(4000, 123_456_789, 7001)] == [counts for counts, _, _ in first]
    # Over the wrap of the ticks, too.
    assert played(4000, (1 << 30) - 20_000_000) == first


def test_conversions_come_at_an_even_pace_and_none_is_missed() -> None:
    found = played(4000, step_us=9_000)
    assert [ticks for _, ticks, _ in found] == [PERIOD_US * (n + 1) for n in range(4000)]
    assert {missed for _, _, missed in found} == {0}


def test_who_asks_late_finds_what_a_queue_holds_and_the_rest_counted_as_missed() -> None:
    every = played(1000)
    times = Times()
    adc: Any = Played(None, times)
    times.now_us = 10_000_000
    found = []
    while adc.next_conversion():
        found.append((adc.counts, adc.ticks, adc.missed))
    missed = [missed for _, _, missed in found]
    assert missed[0] == 800 - 48
    assert set(missed[1:]) == {0}
    assert [(counts, ticks) for counts, ticks, _ in found] == [(counts, ticks) for counts, ticks, _ in every[752:800]]


def test_it_rests_for_eight_seconds_and_then_presses_once_in_two() -> None:
    force_n = [counts / COUNTS_PER_N for counts, _, _ in played(2 * CYCLE)]
    assert max(abs(each) for each in force_n[:639]) < 0.013
    assert min(force_n) > -0.05
    assert max(force_n) == pytest.approx(12.0, abs=0.1)
    # It begins anew, with other noise.
    again = force_n[CYCLE:]
    assert max(abs(one - other) for one, other in zip(force_n[1:CYCLE], again[1:], strict=False)) < 0.13
    assert again[:CYCLE] != force_n[:CYCLE]
    # A touch is no jump that could be a glitch.
    assert max(abs(later - earlier) for earlier, later in pairwise(force_n)) < 2.5


def test_no_second_of_it_looks_frozen() -> None:
    counts = [counts for counts, _, _ in played(CYCLE)]
    assert all(len(set(counts[at : at + 80])) > 60 for at in range(0, CYCLE - 80, 40))


Play = Callable[[str], Any]


@pytest.fixture
def play(micropython: str, tmp_path: Path) -> Play:
    """Return `play(script)`: what `said` holds after a script under MicroPython, on a disk that names the demo."""
    (tmp_path / "board_name.txt").write_text("demo\n")

    def run(script: str) -> Any:
        path = [str(Path(__file__).parent), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
        code = textwrap.dedent(script) + "\nimport json, sys\nsys.stdout.write(json.dumps(said))\n"
        done = subprocess.run(
            [micropython, "-X", "heapsize=600k", "-c", code],
            env={**os.environ, "MICROPYPATH": ":".join(path)},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return json.loads(done.stdout)

    return run


def test_a_conversion_takes_nothing_of_the_heap(play: Play) -> None:
    said = play(
        """
        import gc
        from iastm_firmware.drivers.played import Played
        class Times:
            now_us = 0
            def ticks_us(self):
                return self.now_us
        times = Times()
        adc = Played(None, times)
        def turns(n):
            for _ in range(n):
                times.now_us += 2000
                adc.next_conversion()
        turns(1000)
        before = said = 0
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        turns(20000)
        said = gc.mem_alloc() - before
        """
    )
    assert said == 0


@pytest.mark.parametrize("chip", ["ESP32-S3", "ESP32-C3", "RP2040", "RP2350"])
def test_the_demo_has_a_wiring_for_each_chip_with_bluetooth_and_nothing_wrong(play: Play, chip: str) -> None:
    said = play(
        f"""
        import sys
        import boards_machine as played
        from iastm_firmware import start
        from iastm_firmware.boards import demo
        from iastm_firmware.pins import faults_of
        chip = {chip!r}
        radio = played.Module(BLE=None)
        machine = played.Machine("rp2" if chip.startswith("RP") else "esp32")
        ran = []
        load = played.loader(machine, played.Esp32S3, radio)
        def of_the_sources(name):
            if name == "board":
                raise ImportError("no module named 'board'")
            return load(name)
        stream = lambda ticks_us: played.Stream()
        start.start(
            start.System(
                machine, machine.times, machine.port, played.MODELS[chip], of_the_sources, stream, print, ran.append
            )
        )
        board = ran[0]
        said = [faults_of(demo.wiring_of(chip), chip), board.name, board.trouble, board.simulated]
        said += [board.zero_confirmed, board._bluetooth is radio, board.button(), board.adc.excitation_mv()]
        """
    )
    assert said == [[], f"Demo {chip}", "", True, True, True, False, 0]


def test_a_demo_on_a_chip_that_nobody_knows_says_so(play: Play) -> None:
    said = play(
        """
        from iastm_firmware.boards import demo
        from iastm_firmware.pins import faults_of
        said = faults_of(demo.wiring_of(""))
        """
    )
    assert said == ["chip can't be ''; it is one of ESP32-C3, ESP32-S3, ESP32-S3 octal, RP2040, RP2350"]
