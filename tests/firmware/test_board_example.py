"""The board of docs/boards.md, as it stands there, under a real MicroPython: its pins and its converter are played."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from iastm_protocol import kinds

_ROOT = Path(__file__).resolve().parents[2]

_MACHINE = """
class Pin:
    OUT = 1
    IN = 0
    IRQ_FALLING = 2
    PULL_UP = 3
    made = {}

    def __init__(self, number, mode, pull=-1, value=0):
        self.value = 1 if pull == Pin.PULL_UP else value
        Pin.made[number] = self

    def __call__(self, value=None):
        if value is None:
            return self.value
        self.value = int(value)

    def irq(self, handler, trigger):
        self.fall = lambda: handler(self)


class SPI:
    counts = 0

    def __init__(self, number, **settings):
        pass

    def readinto(self, buffer):
        buffer[0] = SPI.counts >> 16 & 0xFF
        buffer[1] = SPI.counts >> 8 & 0xFF
        buffer[2] = SPI.counts & 0xFF


def unique_id():
    return b"\\x01\\x02"


def reset():
    raise SystemExit(3)
"""

_PLAYED = """
import gc, json, sys
gc.threshold(4096)
import machine, time
now = 0
class Time:
    def ticks_us(self):
        return now
sys.modules["time"] = Time()
from iastm_firmware.tool import Tool
from iastm_protocol import kinds
from iastm_protocol.messages import Limits
import board
board.Board.ring_depth = 320
made = board.Board()
made.stream.close()
tool = Tool(made)
tool.set_zero(-5)
tool.set_limits(Limits("", 2000, 3000, 800, 520))
ready = machine.Pin.made[9]
seen = []
def play(counts):
    global now
    now += 3125
    machine.SPI.counts = counts
    ready.fall()
for i in range(100):
    play(-5)
tool.sampler.step(); tool.sampler.step()
seen.append([tool.sampler.next_index, tool.sampler.last_counts, tool.sampler.missed])
for i in range(10):
    play(4 * 42000)
tool.sampler.step()
seen.append([machine.Pin.made[4].value, machine.Pin.made[5].value])
# Held up for so long that the queue is full: what did not fit is missed, and counted.
for i in range(300):
    play(-5)
for i in range(5):
    tool.sampler.step()
play(-5)
tool.sampler.step()
seen.append([tool.sampler.next_index, tool.sampler.taken, tool.sampler.missed])
seen.append([machine.Pin.made[4].value, tool.hello_answer().serial_number])
# The button pulls its pin down. The key outlives the run, and one that could not be written whole.
events = tool.events.last_number
for level in (1, 0, 1):
    machine.Pin.made[6].value = level
    for i in range(30):
        play(-5)
        tool.watch_button()
pressed = [tool.events.after(events + i)[2][4] for i in range(tool.events.last_number - events)]
seen.append([pressed, made.load_key() is None])
key = tool.keys.find_or_make()
def restarted():
    again = board.Board()
    again.stream.close()
    return again
seen.append([len(key), made.load_key() == key, Tool(restarted()).keys.find() == key])
seen.append([])
for name in ("key.a", "key.b"):
    with open(name, "r+b") as file:
        whole = file.read()
        file.seek(0)
        file.write(b"torn")
    seen[-1].append(restarted().load_key() == key)
    with open(name, "wb") as file:
        file.write(whole)
sys.stdout.write(json.dumps(seen))
"""


def test_the_example_samples_misses_nothing_unsaid_alerts_and_keeps_its_key(micropython: str, tmp_path: Path) -> None:
    text = (_ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "board.py").write_text(source, encoding="utf-8")
    (tmp_path / "machine.py").write_text(_MACHINE, encoding="utf-8")
    path = [str(tmp_path), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", "heapsize=216k", "-c", _PLAYED],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    quiet, pressed, late, after, button, key, torn = json.loads(done.stdout)
    assert quiet == [100, -5, 0]
    assert pressed == [1, 1]
    # 255 places: 45 of 300 were missed.
    assert late == [411, 366, 45]
    assert after == [0, "0102"]
    assert button == [[kinds.EVENT_BUTTON], True]
    assert key == [32, True, True]
    assert torn == [True, True]
