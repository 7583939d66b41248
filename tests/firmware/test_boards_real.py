"""A board is put together from its wiring as far as its parts go, on a machine that is played, under MicroPython."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_protocol import kinds

_ROOT = Path(__file__).resolve().parents[2]

# Before each script: a wiring with every part, and `made`, which makes its board on a fresh machine.
_PRELUDE = """
import gc
gc.threshold(8192)
import boards_machine as played
from boards_machine import FakeAdc, FakeImu, Machine, Module, NeoPixel, Restarted, Slept, Stream
from iastm_firmware.boards.esp32 import Esp32
from iastm_firmware.boards.rp2 import Rp2
from iastm_firmware.boards.real import RealBoard
from iastm_protocol import kinds

NAU = {"driver": "NAU7802", "rate_hz": 80, "gain": 64}
WIRING = {
    "name": "bench",
    "chip": "ESP32-S3",
    "i2c": {"id": 0, "sda": 8, "scl": 9},
    "adc": NAU,
    "imu": {"driver": "LSM6DS", "interrupt": 6, "axes": (2, -1, 3), "tip_mm": 90},
    "light": {"kind": "WS2812", "pin": 15},
    "buzzer": 18,
    "motor": 21,
    "button": 7,
    "battery": {"kind": "divider", "pin": 1, "ratio": 2.0},
    "power": (14,),
    "cell": {"id": "made up", "capacity_n": 50, "coefficients": (0, 1e-5)},
    "idle_s": 600,
}

def of(**changes):
    wiring = dict(WIRING)
    wiring.update(changes)
    return wiring

def chip_of(machine, esp32=None):
    if machine.port == "rp2":
        return Rp2(machine, machine.times, played.MODELS["RP2040"])
    return Esp32(machine, machine.times, esp32)

def made(wiring, machine=None, esp32=None, **of_loader):
    machine = machine or Machine()
    board = RealBoard(wiring, chip_of(machine, esp32), played.loader(machine, **of_loader))
    board.stream = Stream()
    return board

def kind_of(do):
    try:
        do()
    except BaseException as error:
        return type(error).__name__
    return "nothing"
"""

Play = Callable[..., Any]


@pytest.fixture
def play(micropython: str, tmp_path: Path) -> Play:
    """Return `play(script)`: what `said` holds at the end of a script that follows the prelude."""

    def run(script: str) -> Any:
        path = [str(Path(__file__).parent), str(_ROOT / "firmware_micropython"), str(_ROOT / "protocol"), ".frozen"]
        code = _PRELUDE + textwrap.dedent(script) + "\nimport json, sys\nsys.stdout.write(json.dumps(said))\n"
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


def test_every_part_of_a_wiring_is_there_and_nothing_is_wrong(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        machine.microvolts[1] = 1900000
        board = made(WIRING, machine)
        said = [board.trouble, board.name, board.serial_number, board.rate_mhz, board.outputs.there, board.battery_mv()]
        said += [board.battery_percent(), board.excitation_mv(), board.button(), board.imu_axes, board.imu_tip_mm]
        said += [board.calibration.capacity_n, FakeAdc.made.settings, FakeAdc.made.log, board.imu.log]
        said += [machine.driven(14), board.idle_s, board.reset_reason]
        machine.outside[7] = 0
        said.append(board.button())
        """
    )
    assert said == [
        *("", "bench", "0102ab", 80000, 7, 3800, 38, 3000, False, [2, -1, 3], 90),
        *(50, {"rate_hz": 80, "gain": 64}, ["start"], ["start"]),
        *(1, 600, kinds.RESET_POWER, True),
    ]


def test_a_tool_can_be_made_on_it(play: Play) -> None:
    said = play(
        """
        from iastm_firmware.tool import Tool
        board = made(of(ring_depth=320))
        tool = Tool(board)
        tool.sampler.step()
        said = [tool.hello_answer().board, tool.ring_depth >= 320]
        """
    )
    assert said == ["bench", True]


def test_outputs_show_what_they_are_told(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = made(WIRING, machine)
        from iastm_firmware.signals import BLUE, OFF, RED, WHITE, YELLOW
        said = []
        for light, hz, motor in (
            (RED, 2700, True), (YELLOW, 0, False), (WHITE, 880, True), (BLUE, 0, False), (OFF, 0, False)
        ):
            board.outputs.set(2, light, hz, motor)
            said.append([NeoPixel.last.shown, machine.pwm.hz, machine.pwm.duty, machine.driven(21)])
        """
    )
    assert said == [
        [[96, 0, 0], 2700, 32768, 1],
        [[96, 96, 0], 2700, 0, 0],
        [[96, 96, 96], 880, 32768, 1],
        [[0, 0, 96], 880, 0, 0],
        [[0, 0, 0], 880, 0, 0],
    ]


@pytest.mark.parametrize("on", [0, 1])
def test_plain_lights_burn_at_their_own_level(play: Play, on: int) -> None:
    said = play(
        f"""
        machine = Machine()
        rgb = {{"kind": "RGB", "red": 15, "green": 16, "blue": 17, "on": {on}}}
        board = made(of(light=rgb), machine)
        said = [[machine.driven(n) for n in (15, 16, 17)]]
        for light in (2, 4, 0):
            board.outputs.set(1, light, 0, False)
            said.append([machine.driven(n) for n in (15, 16, 17)])
        pico = Machine("rp2")
        board = made(of(chip="RP2040", light={{"kind": "LED", "pin": "LED", "on": {on}}}), pico)
        for light in (0, 3):
            board.outputs.set(1, light, 0, False)
            said.append(pico.driven("LED"))
        """
    )
    off = 1 - on
    assert said == [[off, off, off], [on, on, off], [off, off, on], [off, off, off], off, on]


def test_a_light_that_fails_leaves_buzzer_and_motor_to_warn_and_is_told(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = made(WIRING, machine)
        said = []
        for error in (OSError(5), ValueError("no")):
            NeoPixel.fails = error
            said.append(kind_of(lambda: board.outputs.set(2, 3, 2700, True)))
            said.append([machine.pwm.duty, machine.driven(21)])
            board.outputs._motor(0)
        NeoPixel.fails = None
        board.outputs.set(2, 3, 2700, True)
        said.append(NeoPixel.last.shown)
        """
    )
    assert said == ["OSError", [32768, 1], "OSError", [32768, 1], [96, 0, 0]]


def test_a_light_that_raises_at_the_start_is_not_there_and_the_rest_is(play: Play) -> None:
    said = play(
        """
        NeoPixel.fails = ValueError("no such channel")
        machine = Machine()
        board = made(WIRING, machine)
        board.outputs.set(2, 3, 2700, True)
        said = [board.trouble, board.outputs.there, machine.driven(21), FakeAdc.made.log]
        """
    )
    assert said == [
        "the light: ValueError: no such channel",
        kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION,
        1,
        ["start"],
    ]


def test_a_motor_is_driven_low_before_anything_else_is_touched(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        made(WIRING, machine)
        said = machine.log[0]
        """
    )
    assert said == ["pin", 21, 3, 0]


def test_what_is_powered_by_a_pin_has_time_to_wake_before_it_is_asked(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        powered = []
        class Pin(machine.Pin):
            def __init__(self, number, mode=-1, pull=-1, value=None, hold=None):
                super().__init__(number, mode, pull, value, hold)
                if number == 14 and value == 1:
                    powered.append(machine.times.now_us)
        machine.Pin = Pin
        asked = []
        FakeAdc.start = lambda self: asked.append(machine.times.now_us)
        FakeImu.start = lambda self: asked.append(machine.times.now_us)
        made(WIRING, machine)
        said = [len(powered), len(asked), min(asked) - powered[0] >= 20000]
        """
    )
    assert said == [1, 2, True]


def test_a_converter_that_is_not_there_is_told_in_its_own_words_and_asked_again(play: Play) -> None:
    said = play(
        """
        FakeAdc.fails = OSError(19, "no NAU7802 answers at 0x2A")
        board = made(WIRING)
        said = [board.trouble, kind_of(board.adc.next_conversion), board.outputs.there, board.rate_mhz]
        FakeAdc.fails = None
        said.append(board.adc.next_conversion())
        """
    )
    assert said == ["the converter: no NAU7802 answers at 0x2A", "OSError", 7, 80000, False]


def test_what_a_driver_says_is_wrong_passes_with_it(play: Play) -> None:
    said = play(
        """
        board = made(WIRING)
        board.adc.trouble = "no answer"
        said = [board.trouble]
        board.adc.trouble = ""
        said.append(board.trouble)
        """
    )
    assert said == ["no answer", ""]


def test_a_driver_that_can_not_be_made_is_told_and_asking_it_raises(play: Play) -> None:
    said = play(
        """
        board = made(WIRING, lacking=("nau7802",))
        said = [board.trouble, kind_of(board.adc.next_conversion), board.outputs.there, board.excitation_mv()]
        board.adc.stop()
        """
    )
    text = "the converter: ImportError: no module named 'iastm_firmware.drivers.nau7802'"
    assert said == [text, "OSError", 7, 0]


def test_real_drivers_on_a_bus_with_nobody_on_it(play: Play) -> None:
    # The whole start stays within what the watchdog waits.
    said = play(
        """
        import sys
        def load(name):
            if name == "neopixel":
                return Module(NeoPixel=NeoPixel)
            __import__(name)
            return sys.modules[name]
        machine = Machine()
        board = RealBoard(of(battery={"kind": "MAX17048"}), chip_of(machine), load)
        said = [board.trouble, kind_of(board.adc.next_conversion), board.outputs.there, board.battery_mv()]
        said += [board.battery_percent(), machine.times.now_us < 4000000]
        """
    )
    trouble, *rest = said
    assert trouble.startswith("the battery: ")
    assert "the motion sensor: no LSM6DS answers at 0x6A or 0x6B" in trouble
    assert "NAU7802" in trouble
    assert rest == ["OSError", 7, 0, kinds.UNKNOWN_U8, True]


def test_a_missing_motion_sensor_is_told_and_stays_to_be_asked_again(play: Play) -> None:
    said = play(
        """
        FakeImu.fails = OSError(19, "no LSM6DS answers at 0x6A or 0x6B")
        board = made(WIRING)
        said = [board.trouble, board.imu is not None, FakeAdc.made.log]
        """
    )
    assert said == ["the motion sensor: no LSM6DS answers at 0x6A or 0x6B", True, ["start"]]


def test_a_chip_that_holds_the_data_line_is_clocked_out_of_it(play: Play) -> None:
    # It lets go after five clocks, as one that was cut off in the middle of a byte.
    said = play(
        """
        machine = Machine()
        machine.outside[8] = lambda pin: 0 if machine.pins[9].edges < 10 else pin.driven
        board = made(WIRING, machine)
        said = [board.trouble, FakeAdc.made.log, machine.pins[9].edges]
        made_bus = [entry for entry in machine.log if entry[0] == "I2C"]
        said.append(made_bus)
        """
    )
    assert said == ["", ["start"], 12, [["I2C", 0, 8, 9, 400000]]]


@pytest.mark.parametrize(
    ("pin", "words"), [(8, "the data line, pin 8, is held low"), (9, "the clock line, pin 9, is held low")]
)
def test_a_bus_that_stays_stuck_is_told_and_its_parts_are_asked_all_the_same(play: Play, pin: int, words: str) -> None:
    said = play(
        f"""
        machine = Machine()
        machine.outside[{pin}] = 0
        board = made(WIRING, machine)
        said = [board.trouble, FakeAdc.made.log, board.outputs.there]
        """
    )
    assert said == ["I2C: " + words, ["start"], 7]


@pytest.mark.parametrize(
    ("port", "adc", "arguments", "settings"),
    [
        (
            "esp32",
            {"driver": "HX711", "data": 4, "clock": 5, "rate_hz": 10, "gain": 64},
            ["pin 4", "pin 5", "times"],
            {"rate_hz": 10, "gain": 64, "irq_off": "function", "irq_on": "function"},
        ),
        (
            "rp2",
            {"driver": "HX711", "data": 4, "clock": 5, "rate_hz": 80},
            ["pin 4", "pin 5", "times"],
            {"rate_hz": 80, "irq_off": "function", "irq_on": "function", "hard": True},
        ),
        (
            "rp2",
            {"driver": "HX711_PIO", "data": 4, "clock": 5, "rate_hz": 80, "state_machine": 2},
            [2, "pin 4", "pin 5", "times"],
            {"rate_hz": 80},
        ),
        (
            "rp2",
            {"driver": "ADS1232", "data": 4, "clock": 5, "power_down": 6, "rate_hz": 10},
            ["pin 4", "pin 5", "pin 6", "times"],
            {"rate_hz": 10, "hard": True},
        ),
        (
            "esp32",
            {"driver": "ADS1220", "select": 4, "ready": 5, "rate_hz": 330, "gain": 128, "reference": "supply"},
            ["the SPI", "pin 4", "pin 5", "times"],
            {"rate_hz": 330, "gain": 128, "reference": "supply"},
        ),
        (
            "esp32",
            {"driver": "NAU7802", "ready": 4, "rate_hz": 80, "ldo_mv": 3300},
            ["the bus", "times", "pin 4"],
            {"rate_hz": 80, "ldo_mv": 3300},
        ),
    ],
)
def test_each_converter_is_made_with_its_own_wires(
    play: Play, port: str, adc: dict[str, Any], arguments: list[Any], settings: dict[str, Any]
) -> None:
    said = play(
        f"""
        machine = Machine({port!r})
        adc = {adc!r}
        spi = {{"id": 1, "sck": 10, "mosi": 11, "miso": 12}}
        board = made(of(adc=adc, spi=spi, light=None, imu=None, battery=None), machine)
        def name(thing):
            if isinstance(thing, machine.Pin):
                return "pin %d" % thing.number
            if isinstance(thing, machine.I2C):
                return "the bus"
            if thing is machine.times:
                return "times"
            return "function" if callable(thing) else thing
        said = [board.trouble, [name(each) for each in FakeAdc.made.arguments]]
        said.append({{key: name(value) for key, value in FakeAdc.made.settings.items()}})
        said.append([entry for entry in machine.log if entry[0] == "SPI"])
        """
    )
    assert said == ["", arguments, settings, [["SPI", 1, 0, 1]]]


def test_a_converter_of_ones_own_is_made_by_its_function(play: Play) -> None:
    said = play(
        """
        def make(machine, times):
            adc = FakeAdc(machine.Pin(4, machine.Pin.IN), rate_hz=320)
            return adc
        board = made(of(adc={"driver": make, "rate_hz": 320, "pins": (4,)}))
        said = [board.trouble, board.rate_mhz, board.adc.log]
        def broken(machine, times):
            raise RuntimeError("not yet")
        board = made(of(adc={"driver": broken, "rate_hz": 320}))
        said += [board.trouble, kind_of(board.adc.next_conversion)]
        """
    )
    assert said == ["", 320000, ["start"], "the converter: RuntimeError: not yet", "OSError"]


def test_batteries_are_measured_at_a_pin_and_by_a_gauge(play: Play) -> None:
    said = play(
        """
        pico = Machine("rp2")
        pico.microvolts[28] = 2050000
        board = made(of(chip="RP2040", battery={"kind": "divider", "pin": 28, "ratio": 2.013}), pico)
        said = [board.battery_mv(), board.battery_percent()]
        machine = Machine()
        # 3.7 V in steps of 78.125 µV.
        machine.devices[0x36] = {2: 47360 >> 8, 3: 47360 & 255}
        board = made(of(battery={"kind": "MAX17048"}), machine)
        said += [board.trouble, board.battery_mv()]
        machine.devices[0x36] = OSError(110)
        said += [board.battery_mv(), board.battery_percent()]
        """
    )
    assert said == [4126, 93, "", 3700, 0, kinds.UNKNOWN_U8]


def test_trouble_is_cut_to_what_hello_holds_and_stays_text(play: Play) -> None:
    said = play(
        """
        FakeAdc.fails = OSError(19, "µ" * 150)
        FakeImu.fails = OSError(19, "a" * 30)
        text = made(WIRING).trouble
        said = [len(text.encode()), text[-1]]
        """
    )
    assert said[0] in (199, 200)
    assert said[1] == "µ"


def test_the_watchdog_starts_with_the_first_feed_and_not_before(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = made(of(watchdog_ms=5000), machine)
        said = [len(machine.dogs), board.chip.watched]
        board.feed()
        board.feed()
        said += [len(machine.dogs), machine.dogs[0].timeout_ms, machine.dogs[0].fed, board.chip.watched]
        quiet = Machine()
        made(of(watchdog_ms=0), quiet).feed()
        said.append(len(quiet.dogs))
        """
    )
    assert said == [0, False, 1, 5000, 2, True, 0]


def test_a_failure_is_in_the_log_and_restarts_later_each_time(play: Play) -> None:
    said = play(
        """
        said = []
        machine = Machine()
        for failures in range(5):
            board = RealBoard(WIRING, chip_of(machine), played.loader(machine), None, failures)
            before = machine.times.now_us
            said.append(kind_of(lambda: board.failed(ValueError("number %d" % failures))))
            said.append([(machine.times.now_us - before) // 100000, NeoPixel.last.shown])
            machine = machine.again("HARD_RESET")
            chip = chip_of(machine)
            said[-1] += [chip.reset_reason, chip.mark.failures, chip.mark.young]
        board = made(WIRING, machine)
        said.append(board.journal.piece(0, 2048).decode().count("ValueError: number "))
        """
    )
    blue = [0, 0, 96]
    assert said == [
        *("Restarted", [5, blue, kinds.RESET_FAILURE, 1, True]),
        *("Restarted", [10, blue, kinds.RESET_FAILURE, 2, True]),
        *("Restarted", [20, blue, kinds.RESET_FAILURE, 3, True]),
        *("Restarted", [40, blue, kinds.RESET_FAILURE, 4, True]),
        *("Restarted", [40, blue, kinds.RESET_FAILURE, 5, True]),
        5,
    ]


def test_after_a_minute_failures_before_it_count_no_more(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = RealBoard(WIRING, chip_of(machine), played.loader(machine), None, 2)
        said = []
        for seconds in (30, 31):
            machine.times.sleep_ms(seconds * 1000)
            board.feed()
            said.append([chip_of(machine.again("WDT_RESET")).mark.found])
        kind_of(lambda: board.failed(ValueError("late")))
        mark = chip_of(machine.again("HARD_RESET")).mark
        said.append([mark.failures, mark.young])
        """
    )
    assert said == [[False], [True], [1, False]]


_REASONS = {
    ("esp32", "PWRON_RESET", "nothing"): kinds.RESET_POWER,
    ("esp32", "PWRON_RESET", "ran"): kinds.RESET_POWER,
    ("esp32", "SOFT_RESET", "ran"): kinds.RESET_SOFT,
    ("esp32", "WDT_RESET", "ran"): kinds.RESET_WATCHDOG,
    ("esp32", "DEEPSLEEP_RESET", "ran"): kinds.RESET_WAKE,
    # A panic of MicroPython: it restarts itself, and notes nothing.
    ("esp32", "HARD_RESET", "ran"): kinds.RESET_FAILURE,
    ("esp32", "HARD_RESET", "failed"): kinds.RESET_FAILURE,
    ("esp32", "HARD_RESET", "safe mode"): kinds.RESET_SOFT,
    ("esp32", "HARD_RESET", "nothing"): kinds.RESET_SOFT,
    ("rp2", "PWRON_RESET", "nothing"): kinds.RESET_POWER,
    ("rp2", "PWRON_RESET", "ran"): kinds.RESET_SOFT,
    # As a host restarts a board on which nothing of ours ran yet.
    ("rp2", "WDT_RESET", "nothing"): kinds.RESET_SOFT,
    ("rp2", "WDT_RESET", "ran"): kinds.RESET_WATCHDOG,
    ("rp2", "WDT_RESET", "failed"): kinds.RESET_FAILURE,
    ("rp2", "WDT_RESET", "woken"): kinds.RESET_WAKE,
    ("rp2", "WDT_RESET", "safe mode"): kinds.RESET_SOFT,
}


def test_why_the_chip_started_is_told_from_its_cause_and_what_was_noted(play: Play) -> None:
    cases = [list(case) for case in _REASONS]
    said = play(
        f"""
        from iastm_firmware.boards.mark import WANTS_SAFE_MODE
        said = []
        for port, cause, before in {cases!r}:
            machine = Machine(port)
            if before == "ran":
                chip_of(machine).mark.note(0, 0, True)
            elif before != "nothing":
                reasons = {{"failed": kinds.RESET_FAILURE, "woken": kinds.RESET_WAKE, "safe mode": WANTS_SAFE_MODE}}
                kind_of(lambda: chip_of(machine).restart(reasons[before]))
            chip = chip_of(machine.again(cause))
            said.append([chip.reset_reason, chip.wants_safe_mode])
        """
    )
    assert said == [[reason, case[2] == "safe mode"] for case, reason in _REASONS.items()]


def test_memory_that_only_looks_like_a_mark_is_none(play: Play) -> None:
    said = play(
        """
        from iastm_firmware.boards.mark import Mark
        said = []
        for port in ("esp32", "rp2"):
            machine = Machine(port)
            Mark(machine.mem_backup()).note(3, 2, True)
            found = Mark(machine.mem_backup())
            said.append([found.found, found.reason, found.failures, found.young])
            for i in range(4):
                memory = machine.mem_backup()
                memory[i] ^= 4
                found = Mark(machine.mem_backup())
                said.append([found.found, found.reason, found.failures, found.young])
                memory[i] ^= 4
        """
    )
    none = [False, 0, 0, False]
    assert said == [[True, 3, 2, True], none, none, none, none] * 2


@pytest.mark.parametrize("port", ["esp32", "rp2"])
def test_an_older_micropython_remembers_too(play: Play, port: str) -> None:
    said = play(
        f"""
        machine = Machine({port!r}).older()
        chip_of(machine).mark.note(kinds.RESET_FAILURE, 2, True)
        mark = chip_of(machine.again("WDT_RESET").older()).mark
        said = [mark.found, mark.reason, mark.failures, mark.young]
        """
    )
    assert said == [True, kinds.RESET_FAILURE, 2, True]


def test_an_esp32_s3_sleeps_deeply_until_button_or_motion(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = made(WIRING, machine, played.Esp32S3(machine))
        board.outputs.set(2, 3, 2700, True)
        del machine.log[:]
        said = [kind_of(board.sleep)]
        said.append([entry for entry in machine.log if entry[0] in ("ext0", "ext1") or entry == "deep"])
        said += [FakeAdc.made.log[-1], board.imu.log[-1], machine.driven(21), NeoPixel.last.shown, machine.driven(14)]
        again = made(WIRING, machine.again("DEEPSLEEP_RESET"), played.Esp32S3(machine))
        said += [again.reset_reason, again.chip.machine.pins[7].hold]
        """
    )
    armed = [["ext1", [7], [True], False], ["ext0", 6, True], "deep"]
    # The sensor that wakes it keeps its power.
    assert said == ["Slept", armed, "stop", "armed", 0, [0, 0, 0], 1, kinds.RESET_WAKE, False]


def test_without_a_sensor_that_wakes_it_its_power_goes_too(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        board = made(of(imu=None), machine, played.Esp32S3(machine))
        said = [kind_of(board.sleep), machine.driven(14)]
        """
    )
    assert said == ["Slept", 0]


@pytest.mark.parametrize(
    ("button", "imu", "deep"),
    [(5, "None", True), (9, "None", False), (5, '{"driver": "LSM6DS", "interrupt": 4}', False)],
)
def test_an_esp32_c3_sleeps_deeply_where_its_one_way_to_wake_serves(
    play: Play, button: int, imu: str, deep: bool
) -> None:
    said = play(
        f"""
        machine = Machine()
        wiring = of(chip="ESP32-C3", i2c={{"id": 0, "sda": 7, "scl": 8}}, button={button}, imu={imu})
        board = made(wiring, machine, played.Esp32C3(machine))
        def press():
            machine.outside[{button}] = 0
        machine.times.at(machine.times.now_us + 3000000, press)
        said = [kind_of(board.sleep), machine.napped_ms > 2900]
        """
    )
    assert said == (["Slept", False] if deep else ["Restarted", True])


def test_a_pico_naps_with_its_watchdog_fed_until_motion_and_starts_anew(play: Play) -> None:
    said = play(
        """
        machine = Machine("rp2")
        board = made(of(chip="RP2040", light={"kind": "LED", "pin": "LED"}), machine)
        board.feed()
        machine.outside[6] = 0
        def move():
            machine.outside[6] = 1
        machine.times.at(machine.times.now_us + 20000000, move)
        said = [kind_of(board.sleep), 19900 <= machine.napped_ms <= 20100, machine.dogs[0].fed > 100]
        said.append(chip_of(machine.again("WDT_RESET")).reset_reason)
        """
    )
    assert said == ["Restarted", True, True, kinds.RESET_WAKE]


def test_a_part_that_fails_on_the_way_to_sleep_keeps_nothing_awake(play: Play) -> None:
    said = play(
        """
        said = []
        def radio(on):
            said.append("radio on" if on else "radio off")
            raise OSError(5)
        def fail():
            raise OSError(5)
        machine = Machine()
        board = made(WIRING, machine, played.Esp32S3(machine))
        board._bluetooth = Module(BLE=lambda: Module(active=radio))
        board.adc.stop = fail
        board.imu.wake_on_motion = fail
        NeoPixel.fails = OSError(5)
        said.append(kind_of(board.sleep))
        said.append([entry[0] for entry in machine.log if entry[0] in ("ext0", "ext1")])
        """
    )
    assert said == ["radio off", "Slept", ["ext1"]]


def test_a_tool_that_nothing_can_wake_does_not_sleep(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        said = [kind_of(made(of(button=None, imu=None), machine).sleep), FakeAdc.made.log]
        """
    )
    assert said == ["nothing", ["start"]]


def test_bluetooth_that_can_not_be_started_leaves_the_cable(play: Play) -> None:
    said = play(
        """
        class Radio:
            def BLE(self):
                raise OSError(12, "no memory for the radio")
        machine = Machine()
        board = RealBoard(WIRING, chip_of(machine), played.loader(machine), Radio())
        said = [board.links(None), board.trouble]
        """
    )
    assert said == [[], "Bluetooth: no memory for the radio"]


# A medium in memory, with littlefs; and then all the names that the firmware opens are on it.
_MEDIUM = """
        import os, vfs
        class Ram:
            def __init__(self, blocks):
                self.data = bytearray(blocks * 512)
            def readblocks(self, n, buffer, at=0):
                at += n * 512
                buffer[:] = self.data[at:at + len(buffer)]
            def writeblocks(self, n, buffer, at=0):
                at += n * 512
                self.data[at:at + len(buffer)] = buffer
            def ioctl(self, op, argument):
                return len(self.data) // 512 if op == 4 else 512 if op == 5 else 0
"""


def test_a_file_system_that_is_read_only_stops_no_start(play: Play) -> None:
    said = play(
        _MEDIUM
        + """
        ram = Ram(64)
        vfs.VfsLfs2.mkfs(ram)
        vfs.mount(ram, "/flash", readonly=True)
        os.chdir("/flash")
        from iastm_firmware.tool import Tool
        board = made(of(ring_depth=320))
        said = [board.trouble, board.test_storage(), board.load_key(), kind_of(lambda: board.store_key(bytes(32)))]
        Tool(board).sampler.step()
        said.append(kind_of(lambda: board.failed(ValueError("no"))))
        """
    )
    assert said == ["", False, None, "OSError", "Restarted"]


def test_a_file_system_that_is_full_stops_no_start(play: Play) -> None:
    said = play(
        _MEDIUM
        + """
        ram = Ram(16)
        vfs.VfsLfs2.mkfs(ram)
        vfs.mount(ram, "/flash")
        os.chdir("/flash")
        said = [made(of(ring_depth=320)).test_storage()]
        try:
            for i in range(100):
                with open("big%d" % i, "wb") as file:
                    file.write(bytes(500))
        except OSError as error:
            said.append(error.errno)
        from iastm_firmware.tool import Tool
        board = made(of(ring_depth=320))
        said += [board.trouble, board.test_storage(), board.journal.add("full", "x" * 390)]
        said.append("test.tmp" in os.listdir())
        Tool(board).sampler.step()
        said.append(kind_of(lambda: board.failed(ValueError("no"))))
        """
    )
    assert said == [True, 28, "", False, False, False, "Restarted"]


def test_a_board_says_what_it_does_not_have(play: Play) -> None:
    said = play(
        """
        from iastm_firmware.boards.base import BoardBase
        board = BoardBase()
        board.feed()
        board.sleep()
        board.outputs.set(2, 3, 2700, True)
        said = [board.outputs.there, board.battery_mv(), board.battery_percent(), board.temperature_cdeg()]
        said += [board.excitation_mv(), board.button(), board.load_key(), kind_of(lambda: board.store_key(bytes(32)))]
        said += [board.test_storage(), board.links(None), board.idle_s, board.trouble, board.reset_reason]
        said += [board.random_u32() != board.random_u32(), kind_of(lambda: board.failed(KeyError("x")))]
        """
    )
    unknown = [kinds.UNKNOWN_U8, kinds.UNKNOWN_I16]
    assert said == [0, 0, *unknown, 0, False, None, "OSError", None, [], 0, "", kinds.RESET_UNKNOWN, True, "KeyError"]


@pytest.mark.parametrize(("stated", "told"), [("00112233445566ff", "00112233445566ff"), (None, "0000000000000000")])
def test_every_board_tells_from_which_sources_it_was_compiled(play: Play, stated: str | None, told: str) -> None:
    said = play(
        f"""
        import sys
        sys.modules["iastm_firmware.built"] = Module(SOURCE_HASH={stated!r})
        for name in ("base", "real"):
            del sys.modules["iastm_firmware.boards." + name]
        from iastm_firmware.boards.real import ChipBoard, RealBoard
        said = [ChipBoard.source_hash.hex(), RealBoard.source_hash.hex()]
        """
    )
    assert said == [told, told]
