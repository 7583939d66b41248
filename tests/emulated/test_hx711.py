"""The drivers of the HX711 on an emulated RP2040: real MicroPython, its interrupts and state machines, a chip of pins.

Times are those of the emulated processor at 125 MHz, which has no delays of flash or bus: a real one is slower, never
faster.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.emulated.conftest import RunOnBoard
from tests.emulated.hx711_chip import CLOCK_PIN, DATA_PIN, Hx711Chip

_BY_PINS = f"""
import machine
from iastm_firmware.drivers.hx711 import HX711
data = machine.Pin({DATA_PIN}, machine.Pin.IN, machine.Pin.PULL_UP)
clock = machine.Pin({CLOCK_PIN}, machine.Pin.OUT, value=0)
adc = HX711(data, clock, time, irq_off=machine.disable_irq, irq_on=machine.enable_irq, hard=True)
"""
_BY_PIO = f"""
import machine
from iastm_firmware.drivers.hx711_pio import HX711Pio
data = machine.Pin({DATA_PIN}, machine.Pin.IN, machine.Pin.PULL_UP)
clock = machine.Pin({CLOCK_PIN}, machine.Pin.OUT, value=0)
adc = HX711Pio(0, data, clock, time)
"""
_DRIVERS = {"pins": _BY_PINS, "pio": _BY_PIO}
# Polled every 2 ms as sampler.py does; `pauses` are ms without a poll or an interrupt, by after how many conversions.
_READ = """
import gc, json, time
{driver}

def read(n, pauses):
    counts = [0] * n
    ticks = [0] * n
    missed = [0] * n
    got = 0
    gc.collect()
    gc.disable()
    adc.start()
    before = gc.mem_alloc()
    while got < n:
        if adc.next_conversion():
            counts[got] = adc.counts
            ticks[got] = adc.ticks
            missed[got] = adc.missed
            got += 1
            if got in pauses:
                state = machine.disable_irq()
                began = time.ticks_us()
                while time.ticks_diff(time.ticks_us(), began) < pauses[got] * 1000:
                    pass
                machine.enable_irq(state)
        else:
            time.sleep_ms(2)
    allocated = gc.mem_alloc() - before
    gc.enable()
    print(json.dumps([counts, ticks, missed, adc.voided, allocated]))

read({n}, dict({pauses}))
"""
_LOW, _HIGH = -0x800000, 0x7FFFFF
# Both rails and the numbers around zero, where a driver has begun to tell; else strides in which no bit is still.
_FIRST = 4
_NOTABLE = [0, _HIGH, _LOW, -1, 1, _HIGH - 1, _LOW + 1, 0x555555, -0x555556]


def value_of(number: int) -> int:
    """Return the counts of conversion `number`: no two of a thousand are the same."""
    if 0 <= number - _FIRST < len(_NOTABLE):
        return _NOTABLE[number - _FIRST]
    return (number * 10_368_889 & 0xFFFFFF) + _LOW


@dataclass(frozen=True, slots=True)
class _Heard:
    counts: list[int]
    ticks: list[int]
    missed: list[int]
    voided: int
    allocated: int

    def truth(self) -> list[int]:
        """Return what was converted at the places that the driver tells, from the first one on."""
        place = next(number for number in range(_FIRST + 1) if value_of(number) == self.counts[0])
        told = [self.counts[0]]
        for missed in self.missed[1:]:
            place += 1 + missed
            told.append(value_of(place))
        return told

    def spacings_us(self) -> list[int]:
        return [after - before for before, after in zip(self.ticks, self.ticks[1:], strict=False)]


def _read(
    run_on_board: RunOnBoard, driver: str, chip: Hx711Chip, n: int, pauses: dict[int, int] | None = None
) -> _Heard:
    program = _READ.format(driver=_DRIVERS[driver], n=n, pauses=list((pauses or {}).items()))
    return _Heard(*json.loads(run_on_board(program, chip)))


@pytest.fixture(scope="module", params=_DRIVERS)
def run(
    request: pytest.FixtureRequest, run_on_board: RunOnBoard, size: Callable[[int, int], int]
) -> tuple[Hx711Chip, _Heard]:
    """A chip at 80/s and what a driver told of it."""
    chip = Hx711Chip(value_of)
    return chip, _read(run_on_board, request.param, chip, size(20, 1500))


def test_each_conversion_is_read_exactly_over_the_whole_range(run: tuple[Hx711Chip, _Heard]) -> None:
    chip, heard = run
    assert heard.counts == heard.truth()
    assert set(_NOTABLE) <= set(heard.counts)
    assert heard.missed == [0] * len(heard.missed)
    assert heard.voided == 0
    assert chip.breaches == []


def test_no_pulse_comes_near_to_powering_the_chip_down(run: tuple[Hx711Chip, _Heard]) -> None:
    chip, _ = run
    # Once, because the driver does so at its start.
    assert chip.resets == 1
    assert 200 <= chip.shortest_high_ns <= chip.longest_high_ns < 50_000
    assert chip.shortest_low_ns >= 200


def test_conversions_are_an_eightieth_of_a_second_apart(run: tuple[Hx711Chip, _Heard]) -> None:
    _, heard = run
    # A reading that finds the processor busy with another interrupt is that much late until the pace is known.
    assert max(abs(spacing - 12_500) for spacing in heard.spacings_us()) < 1_000


def test_reading_takes_no_memory(run: tuple[Hx711Chip, _Heard]) -> None:
    assert run[1].allocated == 0


@pytest.mark.parametrize("driver", _DRIVERS)
@pytest.mark.parametrize("rate_hz", [72.0, 88.0])
def test_conversions_are_timed_as_the_chip_s_own_clock_makes_them(
    run_on_board: RunOnBoard, at_full_size: None, driver: str, rate_hz: float
) -> None:
    heard = _read(run_on_board, driver, Hx711Chip(value_of, rate_hz), 140)
    assert heard.counts == heard.truth()
    assert sum(heard.missed) == 0
    assert sum(heard.spacings_us()[-128:]) / 128 == pytest.approx(1e6 / rate_hz, rel=0.001)


# The emulated state machine queues four readings: FIFOs are not joined there. On the chip it queues eight.
@pytest.mark.parametrize(("driver", "pause_ms", "lost"), [("pins", 40, True), ("pio", 40, False), ("pio", 150, True)])
def test_what_a_pause_without_interrupts_loses_is_counted(
    run_on_board: RunOnBoard, at_full_size: None, driver: str, pause_ms: int, *, lost: bool
) -> None:
    chip = Hx711Chip(value_of)
    heard = _read(run_on_board, driver, chip, 110, {80: pause_ms})
    misplaced = [told for told, true in zip(heard.counts, heard.truth(), strict=True) if told != true]
    # Of a queue that ran over the last reading is taken for the newest conversion; from the next one on all is right.
    assert len(misplaced) <= (1 if driver == "pio" and lost else 0)
    assert (sum(heard.missed) > 0) is lost
    assert chip.breaches == []


@pytest.mark.parametrize("driver", _DRIVERS)
def test_a_chip_that_is_not_there_is_told_within_a_second(
    run_on_board: RunOnBoard, at_full_size: None, driver: str
) -> None:
    program = f"""
import time
{_DRIVERS[driver]}
began = time.ticks_ms()
try:
    adc.start()
    print("started")
except OSError as error:
    print(error.args[1], time.ticks_diff(time.ticks_ms(), began) < 1000)
"""
    assert run_on_board(program).strip() == "HX711: no conversion; check the wires of DT and SCK, and the supply True"


def test_the_image_holds_the_firmware_frozen_and_its_files_are_empty(run_on_board: RunOnBoard) -> None:
    program = "import os, iastm_firmware.app as app\nprint(app.__file__, os.listdir('/'))"
    assert run_on_board(program).split() == ["iastm_firmware/app.py", "[]"]
