"""From power-on to the running tool, or to the prompt with words: start.py on a machine that is played."""

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
from iastm_protocol.gestures import SAFE_HOLD_MS

_ROOT = Path(__file__).resolve().parents[2]

# `begin(machine, …)` is one start; it returns how that ended, and notes what ran and what was said.
_PRELUDE = """
import gc
gc.threshold(8192)
import boards_machine as played
from boards_machine import FakeAdc, FakeImu, Machine, Module, NeoPixel, Restarted, Stream
from iastm_firmware import start
from iastm_firmware.boards.mark import Mark
from iastm_protocol import kinds

WIRING = {
    "name": "bench",
    "chip": "ESP32-S3",
    "adc": {"driver": "HX711", "data": 4, "clock": 5, "rate_hz": 80},
    "motor": 21,
    "button": 7,
    "cell": {"id": "made up", "capacity_n": 50.0, "coefficients": (0.0, 1e-5)},
    "ring_depth": 320,
}
RADIO = Module(BLE=None)
ran = []
told = []

def board_py(**changes):
    wiring = dict(WIRING)
    wiring.update(changes)
    return Module(WIRING=wiring)

def run(board):
    ran.append(board)

def fail(board):
    # As app.run does with what ends the firmware.
    board.failed(ValueError("it broke"))

def interrupted(board):
    board.feed()
    raise KeyboardInterrupt

def begin(machine, board=None, run=run, model="ESP32-S3", lacking=(), bluetooth=RADIO):
    del ran[:], told[:]
    load = played.loader(machine, played.Esp32S3, bluetooth, board, lacking)
    stream = lambda ticks_us: Stream()
    system = start.System(machine, machine.times, machine.port, played.MODELS[model], load, stream, told.append, run)
    try:
        start.start(system)
    except BaseException as error:
        return type(error).__name__
    return "prompt" if told else "ran"

def seen():
    return [[board.name, board.trouble] for board in ran]
"""

Play = Callable[..., Any]


@pytest.fixture
def play(micropython: str, tmp_path: Path) -> Play:
    """Return `play(script)`: what `said` holds at the end of a script that follows the prelude, on an empty disk."""

    def run(script: str, typed: bytes = b"") -> Any:
        path = [
            "",
            str(Path(__file__).parent),
            str(_ROOT),
            str(_ROOT / "firmware_micropython"),
            str(_ROOT / "protocol"),
            ".frozen",
        ]
        code = _PRELUDE + textwrap.dedent(script) + "\nimport json, sys\nsys.stdout.write(json.dumps(said))\n"
        done = subprocess.run(
            [micropython, "-X", "heapsize=600k", "-c", code],
            env={**os.environ, "MICROPYPATH": ":".join(path)},
            cwd=tmp_path,
            input=typed.decode(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return json.loads(done.stdout)

    return run


def test_a_good_wiring_runs(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        said = [begin(machine, board_py()), seen(), ran[0].stream is not None, len(machine.dogs)]
        """
    )
    assert said == ["ran", [["bench", ""]], True, 0]


def test_what_checks_a_wiring_leaves_the_heap_before_the_tool_runs(play: Play) -> None:
    said = play(
        """
        import iastm_firmware, sys
        begin(Machine(), board_py())
        said = ["iastm_firmware.pins" in sys.modules, hasattr(iastm_firmware, "pins")]
        gc.collect()
        before = gc.mem_free()
        from iastm_firmware import pins
        gc.collect()
        said.append(before - gc.mem_free() > 8000)
        """
    )
    assert said == [False, False, True]


@pytest.mark.parametrize(
    ("port", "model", "name"),
    [
        ("esp32", "ESP32-S3", "Feather ESP32-S3"),
        ("esp32", "ESP32-C3", "QT Py ESP32-C3"),
        ("rp2", "RP2040", "Pico W"),
        ("rp2", "RP2350", "Pico 2 W"),
    ],
)
def test_without_a_board_py_the_chip_s_own_board_runs(play: Play, port: str, model: str, name: str) -> None:
    said = play(
        f"""
        machine = Machine({port!r})
        # A battery gauge, where the board has one.
        machine.devices[0x36] = {{2: 0xB9, 3: 0}}
        said = [begin(machine, None, model={model!r}), seen()]
        """
    )
    assert said == ["ran", [[name, ""]]]


@pytest.mark.parametrize(
    ("port", "model"), [("esp32", "ESP32-S3"), ("esp32", "ESP32-C3"), ("rp2", "RP2040"), ("rp2", "RP2350")]
)
def test_each_board_streams_from_a_nau7802_of_the_data_sheet(play: Play, port: str, model: str) -> None:
    # From main to samples with the real driver; what else may hang on the bus is not there.
    said = play(
        f"""
        import sys
        from iastm_firmware.tool import Tool
        from tests.firmware.models.nau7802_chip import Nau7802Chip
        from tests.firmware.models.wire import I2C, Time, World
        world = World()
        chip = Nau7802Chip(world)
        machine = Machine({port!r}, times=Time(world))
        machine.I2C = lambda number, **settings: I2C(world, chip)
        def load(name):
            if name in ("board", "bluetooth", "esp32"):
                raise ImportError("no module named '%s'" % name)
            if name == "neopixel":
                return Module(NeoPixel=NeoPixel)
            __import__(name)
            return sys.modules[name]
        stream = lambda ticks_us: Stream()
        model = played.MODELS[{model!r}]
        start.start(start.System(machine, machine.times, {port!r}, model, load, stream, told.append, run))
        board = ran[0]
        board.ring_depth = 320
        tool = Tool(board)
        # Its first conversions are thrown away: they settle.
        while not tool.sampler.taken:
            machine.times.sleep_ms(2)
            tool.sampler.step()
        before = chip.truth.made - tool.sampler.taken
        for _ in range(2000):
            machine.times.sleep_ms(2)
            tool.sampler.step()
        sampler = tool.sampler
        said = [board.rate_mhz, sampler.taken, chip.truth.made - before - sampler.taken]
        said += [sampler.missed, sampler.adc_failures, world.breaches(), "NAU7802" in board.trouble]
        """
    )
    rate_mhz, taken, behind, *rest = said
    assert rate_mhz == 80_000
    assert taken > 300
    # At most the one that it is making just now, and the one that is asked for next.
    assert abs(behind) <= 2
    assert rest == [0, 0, [], False]


def test_board_name_txt_chooses_among_the_boards_that_come_along(play: Play, tmp_path: Path) -> None:
    (tmp_path / "board_name.txt").write_text("pico_w\n")
    said = play('said = [begin(Machine("rp2"), None, model="RP2040"), seen()]')
    assert said == ["ran", [["Pico W", ""]]]
    (tmp_path / "board_name.txt").write_text("pico\n")
    said = play('said = [begin(Machine("rp2"), None, model="RP2040"), seen()]')
    assert said[0] == "ran"
    assert said[1][0][1].startswith(
        "the wiring can't be read: ImportError: no module named 'iastm_firmware.boards.pico'"
    )


@pytest.mark.parametrize(
    ("board", "trouble"),
    [
        ("board_py(motor=27)", "the wiring can't be: motor: pin 27 belongs to the flash"),
        ("board_py(motor=27, button=4)", "the wiring can't be: motor: pin 27 belongs to the flash (and 1 more)"),
        ("board_py(adc=None)", "the wiring can't be: adc must be a table {…}, and is NoneType None"),
        ("Module(WIRING=7)", "the wiring can't be: WIRING must be a table {…}, and is int 7"),
        ("Module(PINS={})", "board.py has neither WIRING nor Board"),
        ("ValueError('seven')", "the wiring can't be read: ValueError: seven"),
        ("SystemExit(1)", "the wiring can't be read: SystemExit: 1"),
        (
            "ImportError(\"no module named 'my_parts'\")",
            "the wiring can't be read: ImportError: no module named 'my_parts'",
        ),
    ],
)
def test_a_wiring_that_can_not_be_is_told_by_a_tool_without_parts(play: Play, board: str, trouble: str) -> None:
    said = play(
        f"""
        machine = Machine()
        said = [begin(machine, {board}), seen()]
        made = ran[0]
        said += [made.outputs.there, made.imu, len(machine.dogs), made._bluetooth is RADIO, sorted(machine.pins)]
        made.feed()
        said.append(len(machine.dogs))
        try:
            made.adc.next_conversion()
        except OSError as error:
            said.append(error.args[1])
        """
    )
    model = "Generic ESP32S3 module with ESP32S3"
    assert said == ["ran", [[model, trouble]], 0, None, 0, True, [], 0, trouble]


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("WIRING = {\n", "the wiring can't be read: SyntaxError: "),
        ("WIRING = {'chip': ESP32}\n", "the wiring can't be read: NameError: name 'ESP32' isn't defined"),
        ("raise OSError(5)\n", "the wiring can't be read: OSError: [Errno 5] EIO"),
        ("import nothing_there\n", "the wiring can't be read: ImportError: no module named 'nothing_there'"),
    ],
)
def test_a_board_py_that_can_not_be_loaded_is_told(play: Play, tmp_path: Path, text: str, trouble: str) -> None:
    (tmp_path / "board.py").write_text(text)
    said = play("said = [begin(Machine()), seen()]")
    assert said[0] == "ran"
    assert said[1][0][1].startswith(trouble)


def test_the_whole_firmware_says_in_its_hello_what_is_wrong(play: Play) -> None:
    said = play(
        """
        from iastm_firmware.tool import Tool
        begin(Machine(), board_py(motor=27), bluetooth=None)
        tool = Tool(ran[0])
        for _ in range(5):
            tool.sampler.step()
        tool.second()
        said = [tool.board.trouble, tool.sampler.adc_failures, tool.health.faults & kinds.FAULT_ADC_FAILS > 0]
        """
    )
    assert said == ["the wiring can't be: motor: pin 27 belongs to the flash", 5, True]


@pytest.mark.parametrize(("held_ms", "safe"), [(0, False), (SAFE_HOLD_MS - 100, False), (SAFE_HOLD_MS + 100, True)])
def test_the_button_held_at_the_start_leads_to_safe_mode(play: Play, held_ms: int, safe: bool) -> None:
    said = play(
        f"""
        machine = Machine()
        machine.outside[7] = 0 if {held_ms} else 1
        def release():
            machine.outside[7] = 1
        machine.times.at({held_ms} * 1000, release)
        said = [begin(machine, board_py()), len(ran), len(machine.dogs), 21 in machine.pins]
        said.append(told[0].split("\\n")[1] if told else "")
        """
    )
    if safe:
        # Nothing was started, and no watchdog: whoever is at the prompt is not thrown out.
        assert said == ["prompt", 0, 0, False, "IASTM tool in safe mode: the button was held."]
    else:
        assert said == ["ran", 1, 0, True, ""]


def test_no_alarm_goes_on_at_the_prompt(play: Play) -> None:
    said = play(
        """
        def in_alarm(board):
            board.outputs.set(kinds.ALARM, 3, 2700, True)
            said.append(machine.driven(21))
            raise KeyboardInterrupt
        said = []
        machine = Machine()
        said.append(begin(machine, board_py(), in_alarm))
        said.append(machine.driven(21))
        """
    )
    assert said == [1, "prompt", 0]


def test_after_safe_mode_the_next_start_is_one_as_any(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        machine.outside[7] = 0
        said = [begin(machine, board_py())]
        machine = machine.again("HARD_RESET")
        said += [begin(machine, board_py()), ran[0].reset_reason]
        """
    )
    assert said == ["prompt", "ran", kinds.RESET_SOFT]


def test_who_woke_the_tool_by_its_button_may_hold_it_longer(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        begin(machine, board_py())
        machine = machine.again("DEEPSLEEP_RESET")
        machine.outside[7] = 0
        said = [begin(machine, board_py()), ran[0].reset_reason]
        """
    )
    assert said == ["ran", kinds.RESET_WAKE]


def test_a_host_that_asks_for_the_prompt_gets_it_at_once_while_no_watchdog_runs(play: Play) -> None:
    said = play(
        """
        def before_feeding(board):
            raise KeyboardInterrupt
        machine = Machine()
        said = [begin(machine, board_py(), before_feeding), len(machine.dogs), machine.log[-1] == "reset"]
        said += [begin(machine.again("SOFT_RESET"), board_py()), ran[0].reset_reason]
        """
    )
    assert said == ["prompt", 0, False, "ran", kinds.RESET_SOFT]


@pytest.mark.parametrize(
    ("port", "cause", "chip"), [("esp32", "HARD_RESET", "ESP32-S3"), ("rp2", "WDT_RESET", "RP2040")]
)
def test_while_the_watchdog_runs_it_gets_it_after_a_restart(play: Play, port: str, cause: str, chip: str) -> None:
    said = play(
        f"""
        machine = Machine({port!r})
        board = board_py(chip={chip!r})
        said = [begin(machine, board, interrupted, {chip!r}), len(machine.dogs)]
        machine = machine.again({cause!r})
        said += [begin(machine, board, run, {chip!r}), len(machine.dogs), len(ran), told[0].split("\\n")[1]]
        machine = machine.again({cause!r})
        said += [begin(machine, board, run, {chip!r}), ran[0].reset_reason, ran[0].trouble]
        """
    )
    safe = ["prompt", 0, 0, "IASTM tool in safe mode: a host asked for the prompt."]
    assert said == ["Restarted", 1, *safe, "ran", kinds.RESET_SOFT, ""]


@pytest.mark.parametrize(("port", "chip"), [("esp32", "ESP32-S3"), ("rp2", "RP2040")])
def test_what_leads_to_the_prompt_is_forgotten_before_anything_large_is_loaded(
    play: Play, port: str, chip: str
) -> None:
    # Whoever interrupts that, in the second that it takes on a board, would be led there again by the next start.
    said = play(
        f"""
        import sys
        from iastm_firmware.boards.mark import WANTS_SAFE_MODE
        machine = Machine({port!r})
        Mark(machine.mem_backup()).note(WANTS_SAFE_MODE, 0, False)
        said = [begin(machine, board_py(), run, {chip!r}), Mark(machine.mem_backup()).reason]
        said += [name in sys.modules for name in ("iastm_firmware.boards.real", "iastm_firmware.signals")]
        """
    )
    assert said == ["prompt", kinds.RESET_SOFT, False, False]


def test_mpremote_gets_from_the_whole_running_firmware_to_its_prompt(play: Play) -> None:
    # What is typed is what mpremote sends first. Ctrl-C is a byte while the firmware runs, and a key again after.
    said = play(
        """
        import sys, time
        from iastm_firmware import app
        from iastm_firmware.console import Console
        machine = Machine()
        machine.times = time
        keys = []
        class Quiet:
            def write(self, data):
                return len(data)
        stream = lambda ticks_us: Console(sys.stdin.buffer, Quiet(), keys.append, ticks_us)
        load = played.loader(machine, board=board_py(button=None, bluetooth=False))
        model = played.MODELS["ESP32-S3"]
        try:
            start.start(start.System(machine, time, "esp32", model, load, stream, told.append, app.run))
        except Restarted:
            pass  # It was fed by then: into safe mode.
        said = [keys, len(told)]
        """,
        typed=b"\r\x03\r",
    )
    assert said == [[-1, 3], 1]


@pytest.mark.parametrize(
    ("port", "cause", "chip"), [("esp32", "HARD_RESET", "ESP32-S3"), ("rp2", "WDT_RESET", "RP2040")]
)
def test_after_three_failures_in_a_row_a_tool_without_parts_says_why(
    play: Play, port: str, cause: str, chip: str
) -> None:
    said = play(
        f"""
        machine = Machine({port!r})
        board = board_py(chip={chip!r})
        said = []
        for _ in range(3):
            said.append(begin(machine, board, fail, {chip!r}))
            machine = machine.again({cause!r})
        said += [begin(machine, board, run, {chip!r}), seen()[0][1]]
        said += [len(machine.dogs), ran[0]._bluetooth, len(machine.pins)]
        # And once it ran for a minute, the next start tries again.
        machine.times.sleep_ms(61000)
        ran[0].feed()
        machine = machine.again({cause!r})
        said += [begin(machine, board, run, {chip!r}), seen()[0][1]]
        """
    )
    trouble = "it failed 3 times in a row at its start; ValueError: it broke"
    # The pin of the button is looked at, for safe mode; no other is touched.
    assert said == ["Restarted", "Restarted", "Restarted", "ran", trouble, 0, None, 1, "ran", ""]


def test_power_that_went_forgets_the_failures(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        for _ in range(3):
            begin(machine, board_py(), fail)
            machine = machine.again("HARD_RESET")
        said = [begin(Machine(), board_py()), seen()]
        """
    )
    assert said == ["ran", [["bench", ""]]]


def test_a_watchdog_that_bites_in_the_first_minute_counts_as_a_failure(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        said = []
        for _ in range(4):
            begin(machine, board_py())
            said.append(ran[0].trouble)
            machine = machine.again("WDT_RESET")
        """
    )
    assert said == ["", "", "", "it failed 3 times in a row at its start"]


def test_a_watchdog_that_bites_hours_later_does_not(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        said = []
        for _ in range(5):
            begin(machine, board_py())
            said.append([ran[0].trouble, ran[0].reset_reason])
            machine.times.sleep_ms(3600000)
            ran[0].feed()
            machine = machine.again("WDT_RESET")
        """
    )
    assert said == [["", kinds.RESET_POWER]] + [["", kinds.RESET_WATCHDOG]] * 4


def test_a_tool_without_parts_that_fails_too_ends_at_the_prompt_with_its_traceback(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        said = [begin(machine, board_py(motor=27), fail), "ValueError: it broke" in told[0], machine.log]
        said.append(told[1].split("\\n")[1])
        """
    )
    assert said == ["prompt", True, [], "IASTM tool in safe mode: ValueError: it broke."]


def test_firmware_that_can_not_even_be_loaded_restarts_and_in_the_end_stays_at_the_prompt(play: Play) -> None:
    said = play(
        """
        def broken(board):
            raise ImportError("no module named 'iastm_firmware.app'")
        machine = Machine()
        said = []
        for _ in range(4):
            said.append(begin(machine, board_py(), broken))
            machine = machine.again("HARD_RESET")
        """
    )
    assert said == ["Restarted", "Restarted", "Restarted", "prompt"]


def test_a_board_of_ones_own_code_runs_as_it_is(play: Play) -> None:
    said = play(
        """
        class Board:
            name = "mine"
            trouble = ""
            ticks_us = None
            stream = "its own"
        said = [begin(Machine(), Module(Board=Board)), seen(), ran[0].stream]
        """
    )
    assert said == ["ran", [["mine", ""]], "its own"]


def test_a_board_of_ones_own_that_can_not_be_made_says_why_in_the_log_and_in_the_end_in_the_hello(play: Play) -> None:
    said = play(
        """
        class Board:
            def __init__(self):
                raise ValueError("my converter: bad gain 7")
        machine = Machine()
        said = []
        for _ in range(3):
            said.append(begin(machine, Module(Board=Board)))
            machine = machine.again("HARD_RESET")
        said += [begin(machine, Module(Board=Board)), seen()[0][1]]
        text = ran[0].journal.piece(0, 2048).decode()
        said += [text.count("my converter: bad gain 7"), text.count("in __init__")]
        """
    )
    trouble = "it failed 3 times in a row at its start; ValueError: my converter: bad gain 7"
    assert said == ["Restarted", "Restarted", "Restarted", "ran", trouble, 3, 3]


def test_a_board_of_ones_own_with_a_log_has_its_failure_there(play: Play) -> None:
    said = play(
        """
        class Log:
            def add(self, reason, text):
                said.append([reason, "it broke" in text])
        class Board:
            ticks_us = None
            journal = Log()
        def broken(board):
            raise ValueError("it broke")
        said = []
        said.append(begin(Machine(), Module(Board=Board), broken))
        """
    )
    assert said == [["failed", True], "Restarted"]


@pytest.mark.parametrize(("after_ms", "ends_as"), [(59_000, "ChipBoard"), (61_000, "Board"), (18_000_000, "Board")])
def test_a_board_of_ones_own_is_given_up_only_where_it_fails_within_a_minute_of_its_start(
    play: Play, after_ms: int, ends_as: str
) -> None:
    said = play(
        f"""
        class Board:
            ticks_us = None
        def broken(board):
            ran.append(board)
            machine.times.sleep_ms({after_ms})
            raise ValueError("it broke")
        machine = Machine()
        said = []
        for _ in range(4):
            begin(machine, Module(Board=Board), broken)
            said.append(type(ran[0]).__name__)
            machine = machine.again("HARD_RESET")
        """
    )
    assert said == ["Board"] * 3 + [ends_as]


def test_elsewhere_than_on_these_chips_there_is_no_tool(play: Play) -> None:
    said = play(
        """
        machine = Machine()
        machine.port = "linux"
        said = [begin(machine, board_py()), told]
        """
    )
    assert said == ["prompt", ["IASTM: no tool runs on linux (Generic ESP32S3 module with ESP32S3)."]]


def test_without_a_module_bluetooth_there_is_the_cable(play: Play) -> None:
    said = play(
        """
        said = [begin(Machine(), board_py(), bluetooth=None, lacking=("bluetooth",)), seen(), ran[0].links(None)]
        begin(Machine(), board_py(bluetooth=False))
        said.append(ran[0].links(None))
        """
    )
    assert said == ["ran", [["bench", ""]], [], []]


_ON_TRIAL = """
import os
import sys
from iastm_firmware import releases
from tests.micropython.medium import Medium
medium = Medium(bytes(64 * 512))
os.VfsLfs2.mkfs(medium)
os.mount(os.VfsLfs2(medium), "/releases")
releases.write(("a", "trial", 1, "b"))
sys.path.insert(0, "/releases/a")

def state():
    return list(releases.read())
"""


@pytest.mark.parametrize("how", ["fail", "broken"])
@pytest.mark.parametrize("board", ["board_py()", "board_py(motor=27)"])
def test_a_release_that_fails_on_trial_restarts_into_the_one_before_and_is_no_failure_of_that(
    play: Play, how: str, board: str
) -> None:
    # Without parts it would stay at the prompt.
    said = play(
        _ON_TRIAL
        + textwrap.dedent(
            f"""
            def broken(board):
                raise ImportError("no module named 'iastm_firmware.app'")
            machine = Machine()
            said = [begin(machine, {board}, {how}), state(), machine.times.ticks_ms() < 500]
            sys.path.pop(0)
            said += [begin(machine.again("HARD_RESET"), board_py()), ran[0].trouble, ran[0].reset_reason]
            """
        )
    )
    assert said == ["Restarted", ["b", "ok", 0, "-"], True, "ran", "", kinds.RESET_FAILURE]


def test_who_asks_a_release_on_trial_for_the_prompt_does_not_end_its_trial(play: Play) -> None:
    said = play(_ON_TRIAL + "\nsaid = [begin(Machine(), board_py(), interrupted), state()]\n")
    assert said == ["Restarted", ["a", "trial", 1, "b"]]
