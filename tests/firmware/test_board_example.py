"""The boards of docs/boards.md, as they stand there, from their start on under a real MicroPython."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iastm_firmware.boards import parts
from iastm_protocol import kinds

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
_TABLE, _OWN_CONVERTER, _ON_I2C = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)

# Starts the tool with board.py as on the board; its loop is stepped by hand.
_STARTED = """
import gc, json, sys
gc.threshold(8192)
import boards_machine as played
from iastm_firmware import start
from iastm_firmware.tool import Tool
from iastm_protocol import kinds
from iastm_protocol.messages import Limits

machine = played.Machine()
def load(name):
    if name == "neopixel":
        return played.Module(NeoPixel=played.NeoPixel)
    __import__(name)
    return sys.modules[name]

class Spi:
    counts = 0
    def readinto(self, buffer):
        buffer[0] = Spi.counts >> 16 & 255
        buffer[1] = Spi.counts >> 8 & 255
        buffer[2] = Spi.counts & 255
machine.SPI = lambda number, **settings: Spi()

def begun():
    ran = []
    model = played.MODELS["ESP32-S3"]
    stream = lambda ticks_us: played.Stream()
    start.start(start.System(machine, machine.times, "esp32", model, load, stream, print, ran.append))
    board = ran[0]
    board.ring_depth = 320
    return board
seen = []
"""

_PLAYED = """
machine.outside[9] = 1
board = begun()
seen.append([board.trouble, board.name, board.rate_mhz, board.outputs.there])
tool = Tool(board)
tool.set_zero(-5)
tool.set_limits(Limits("", 2000, 3000, 800, 520))
ready = machine.pins[9]
tool.sampler.step()
due_us = machine.times.now_us
def play(counts, looked_at=True):
    # One conversion; the pin is back up before the next.
    global due_us
    due_us += 3125
    machine.times.sleep_us(due_us - machine.times.now_us)
    Spi.counts = counts
    machine.outside[9] = 0
    ready.handler(ready)
    machine.outside[9] = 1
    if looked_at:
        tool.sampler.step()
        tool.watch_button()
for i in range(100):
    play(-5)
seen.append([tool.sampler.next_index, tool.sampler.last_counts, tool.sampler.missed])
for i in range(20):
    play(4 * 42000)
seen.append(tool.watch.in_contact)
# Held up for so long that the queue is full: what did not fit is missed, and counted.
before = tool.sampler.next_index
for i in range(300):
    play(-5, looked_at=False)
for i in range(6):
    tool.sampler.step()
play(-5)
seen.append([tool.sampler.next_index - before, tool.sampler.missed])
machine.outside[6] = 0
seen.append(board.button())
machine.outside[6] = 1
# The key outlives the run.
key = tool.keys.find_or_make()
seen.append(Tool(begun()).keys.find() == key)
sys.stdout.write(json.dumps(seen))
"""


def _played(micropython: str, folder: Path, source: str, script: str) -> Any:
    (folder / "board.py").write_text(source, encoding="utf-8")
    path = ["", str(Path(__file__).parent), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-X", "heapsize=600k", "-c", _STARTED + script],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return json.loads(done.stdout)


def test_the_table_starts_with_all_parts_that_are_there(micropython: str, tmp_path: Path) -> None:
    # Its drivers are the real ones, and nobody answers them: that is all that is wrong.
    script = """
machine.microvolts[1] = 1900000
machine.outside[4] = 1
board = begun()
for _ in range(1000):
    try:
        board.adc.next_conversion()
    except OSError:
        pass
    machine.times.sleep_ms(2)
print(json.dumps([board.trouble, board.name, board.outputs.there, board.battery_mv(), board.idle_s]))
"""
    trouble, *rest = _played(micropython, tmp_path, _TABLE, script)
    everything = kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION
    assert rest == ["my tool", everything, 3800, 900]
    assert re.fullmatch(r"the motion sensor: no LSM6DS answers at 0x6A or 0x6B; HX711: [^:]+", trouble)


def test_a_converter_of_ones_own_samples_and_misses_nothing_unsaid(micropython: str, tmp_path: Path) -> None:
    start, quiet, pressed, late, button, key = _played(micropython, tmp_path, _OWN_CONVERTER, _PLAYED)
    assert start == ["", "made-up converter", 320000, kinds.CHANNEL_LIGHT]
    assert quiet == [100, -5, 0]
    assert pressed is True
    # 255 places: 45 of 300 were missed, and one came after.
    assert late == [301, 45]
    assert button is True
    assert key is True


def _tried(folder: Path, source: str, *options: str) -> tuple[int, str]:
    """Return the exit code of `iastm try-board` and what it said."""
    (folder / "mine.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "iastm_host.cli.start", "try-board", str(folder / "mine.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_converter_on_the_boards_bus_gives_its_counts_without_a_ready_pin(micropython: str, tmp_path: Path) -> None:
    code, said = _tried(tmp_path, _ON_I2C, "--i2c", "0x40=80FFFED4")
    assert code == 0
    assert said.count("conversion: counts -300, at ") == 5
    assert "not started" not in said


def test_trying_a_board_tells_who_does_not_answer(micropython: str, tmp_path: Path) -> None:
    code, said = _tried(tmp_path, _ON_I2C)
    assert code == 0
    first, trouble, why, last = said.splitlines()
    assert first == "The table is right."
    assert trouble == "not started: made-up on I2C: does not answer (error 19)"
    assert "no fault of the table" in why
    assert last.endswith(": it starts; no conversion in two seconds")


def test_trying_a_board_tells_what_is_wrong_with_its_table(micropython: str, tmp_path: Path) -> None:
    code, said = _tried(tmp_path, _ON_I2C.replace('"rate_hz": 80', '"rate_hz": 80, "pins": (8, 9)'))
    assert code == 1
    assert said.splitlines() == [
        "wrong: pin 8 is used twice: i2c sda and adc",
        "wrong: pin 9 is used twice: i2c scl and adc",
    ]


def test_trying_a_file_without_a_table_says_so(micropython: str, tmp_path: Path) -> None:
    code, said = _tried(tmp_path, "class Board:\n    pass\n")
    assert code == 1
    assert "has a class Board and no WIRING" in said


@pytest.mark.parametrize("module", ["esp32_s3", "esp32_c3", "pico_w", "pico_2_w"])
def test_the_boards_that_come_along_can_be_tried(micropython: str, tmp_path: Path, module: str) -> None:
    code, said = _tried(tmp_path, f"from iastm_firmware.boards.{module} import WIRING\n")
    assert code == 0
    assert said.startswith("The table is right.\nplayed: NAU7802 and LSM6DS, ")
    assert said.endswith(": conversions come\n")


def test_the_page_names_every_board() -> None:
    folder = _ROOT / "firmware_micropython" / "iastm_firmware" / "boards"
    boards = {path.name for path in folder.glob("*.py") if "WIRING =" in path.read_text(encoding="utf-8")}
    assert set(re.findall(r"^\| `(\w+\.py)` \|", _PAGE, re.MULTILINE)) == boards


def test_the_page_names_every_driver_with_its_rates() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ([0-9, ]+) \|", _PAGE, re.MULTILINE))
    assert rows == {name: ", ".join(str(rate) for rate in part.rates_hz) for name, part in parts.CONVERTERS.items()}


def test_the_page_names_every_key_of_a_wiring() -> None:
    pins = ast.parse((_ROOT / "firmware_micropython" / "iastm_firmware" / "pins.py").read_text(encoding="utf-8"))
    keys: set[str] = set()
    for node in pins.body:
        names = {target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)}
        if names & {"_REQUIRED", "_OPTIONAL"}:
            constants = [leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)]
            keys |= {value for value in constants if isinstance(value, str)}
    assert len(keys) > 10
    assert {key for key in keys if f"`{key}`" not in _PAGE} <= {"name", "chip"}
