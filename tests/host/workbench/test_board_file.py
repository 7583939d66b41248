from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.transports.runtime import Runtime, find_runtime
from iastm_host.workbench.board_file import (
    TIMEOUT_S,
    Conversion,
    check_board_file,
    faults_of_board_file,
    try_board_file,
)

CPYTHON = Runtime("cpython", (sys.executable,), "this test")
MICROPYTHON = find_runtime(os.environ)
GOOD = """
WIRING = {
    "name": "good",
    "chip": "RP2040",
    "adc": {"driver": "HX711", "data": 10, "clock": 11, "rate_hz": 80},
    "cell": {"id": "none", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
}
"""
OWN = """
from iastm_firmware.drivers.converter import NOT_READY, Converter
class Own(Converter):
    name = "own"
    def __init__(self, i2c, time):
        super().__init__(time, 80)
        self._i2c = i2c
        self._steps = (lambda waited_us: 0,)
    def _read(self):
        return self._i2c.readfrom_mem(0x40, 0, 1)[0]
    def _power_down(self):
        pass
def make(machine, time):
    return Own(machine.I2C(0, sda=machine.Pin(4), scl=machine.Pin(5), freq=400000, timeout=10000), time)
WIRING = {
    "name": "own",
    "chip": "RP2040",
    "i2c": {"id": 0, "sda": 4, "scl": 5},
    "adc": {"driver": make, "rate_hz": 80},
    "cell": {"id": "none", "capacity_n": 50.0, "coefficients": (0.0, 1 / 85899)},
}
"""


@pytest.fixture(params=[MICROPYTHON, CPYTHON], ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    chosen: Runtime = request.param
    return chosen


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("1 / 0\n", "it can't be read: ZeroDivisionError"),
        ("WIRING = {\n", "it can't be read: SyntaxError"),
        ("import sys\nsys.exit(0)\n", "it can't be read: SystemExit"),
        ("import beside\n", "it can't be read: "),
        ("print('x')\n", "it has no WIRING"),
        ("class Board:\n    pass\n", "it has a class Board and no WIRING"),
        ("WIRING = 3\n", "WIRING must be a table"),
        (GOOD.replace('"data": 10', '"data": 23'), "adc data: pin 23 belongs to the radio"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(tmp_path: Path, runtime: Runtime, source: str, fault: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    # What lies beside it is not on the board either.
    (tmp_path / "beside.py").write_text("")
    (said,) = faults_of_board_file(path, runtime)
    assert said.startswith(fault)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("X = 1\nWIRING = {\n    'a': 3 4,\n}\n", "in line 3: 'a': 3 4,"),
        ("X = 1\nWIRING = {\n    'a': pin_a,\n}\n", "in line 3: 'a': pin_a,"),
        ("def made():\n    return 1 / 0\n\nWIRING = made()\n", "in line 2: return 1 / 0"),
    ],
)
def test_what_can_t_be_read_is_told_with_its_line(tmp_path: Path, runtime: Runtime, source: str, told: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    (said,) = faults_of_board_file(path, runtime)
    assert said.startswith("it can't be read: ")
    assert said.endswith(told)


def test_a_pin_that_was_not_chosen_is_said_to_be_so(tmp_path: Path, runtime: Runtime) -> None:
    path = tmp_path / "mine.py"
    path.write_text(GOOD.replace('"data": 10', '"data": "CHOOSE"'))
    assert faults_of_board_file(path, runtime) == ["adc data: still to be chosen"]


def test_a_file_that_never_ends_is_a_problem_and_ten_seconds_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("while True:\n    pass\n")
    with pytest.raises(Problem, match=r"still at work after 0\.5 s") as told:
        check_board_file(path, MICROPYTHON, 0.5)
    assert TIMEOUT_S == 10.0
    assert "wait for nothing" in told.value.fix


@pytest.mark.parametrize("chip", ["RP2040", "ESP32-C3"])
@pytest.mark.parametrize(("adc", "period_us"), [('"rate_hz": 80', 12_500), ('"rate_hz": 320, "ready": 10', 3_125)])
def test_the_recommended_parts_are_played(
    tmp_path: Path, runtime: Runtime, chip: str, adc: str, period_us: int
) -> None:
    path = tmp_path / "mine.py"
    text = GOOD.replace("RP2040", chip).replace('"driver": "HX711", "data": 10, "clock": 11, "rate_hz": 80', "ADC")
    parts = '    "i2c": {"id": 0, "sda": 4, "scl": 5},\n    "imu": {"driver": "LSM6DS"},\n    "adc"'
    path.write_text(text.replace("ADC", f'"driver": "NAU7802", {adc}').replace('    "adc"', parts))
    tried = try_board_file(path, runtime)
    assert (tried.faults, tried.trouble, tried.played) == ((), "", ("NAU7802", "LSM6DS"))
    first, *_, last = tried.conversions
    assert {each.missed for each in tried.conversions} == {0}
    assert abs((last.tool_us - first.tool_us) / 4 - period_us) < 2_200


def test_nothing_is_said_of_a_good_one_whatever_it_prints_and_it_leaves_nothing(
    tmp_path: Path, runtime: Runtime
) -> None:
    path = tmp_path / "good.py"
    path.write_text('print(\'{"faults": ["no"]}\')\n' + GOOD)
    assert faults_of_board_file(path, runtime) == []
    tried = try_board_file(path, runtime)
    assert (tried.name, tried.faults, tried.conversions) == ("good", (), ())
    assert "HX711" in tried.trouble
    assert [each.name for each in tmp_path.iterdir()] == ["good.py"]


def test_a_chip_on_the_played_bus_is_read(tmp_path: Path, runtime: Runtime) -> None:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    tried = try_board_file(path, runtime, i2c={0x40: b"\x2a"})
    assert len(tried.conversions) == 5
    assert {each.raw_counts for each in tried.conversions} == {42}
    assert tried.conversions[0] == Conversion(42, tried.conversions[0].tool_us, 0)
    assert all(each.tool_us > 0 for each in tried.conversions)


def test_a_file_that_ends_the_interpreter_is_a_problem_with_its_last_words(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import os\nos._exit(3)\n")
    with pytest.raises(Problem, match=r"mine\.py could not be tried: exit code 3"):
        faults_of_board_file(path, CPYTHON)


def test_an_interpreter_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "good.py"
    path.write_text(GOOD)
    with pytest.raises(Problem, match="can't be run"):
        faults_of_board_file(path, Runtime("micropython", (str(tmp_path / "none"),), "this test"))


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"There is no file .*away\.py"):
        faults_of_board_file(tmp_path / "away.py", MICROPYTHON)
