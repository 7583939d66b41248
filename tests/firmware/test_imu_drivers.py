"""Drivers of motion sensors against models written from the chips' data sheets, on a bus in virtual time."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.firmware.models_imu import bmi270_chip, lsm6ds_chip
from tests.firmware.models_imu.wire import Bus, VirtualTime

from iastm_firmware.drivers.bmi270 import BMI270
from iastm_firmware.drivers.lsm6ds import LSM6DS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = random.Random(270).randbytes(bmi270_chip.CONFIG_BYTES)
CHIPS = ["LSM6DS3", "LSM6DS3TR-C", "LSM6DSOX", "BMI270"]
_WHO = {"LSM6DS3": 0x69, "LSM6DS3TR-C": 0x6A, "LSM6DSOX": 0x6C}
# Longest piece of a start in mid-session, and what a start may take in all.
_PIECE_NS = 5_000_000
_START_NS = {"LSM6DS3": 50_000_000, "LSM6DS3TR-C": 50_000_000, "LSM6DSOX": 50_000_000, "BMI270": 500_000_000}

Motion = Callable[[int], tuple[int, ...]]


def at_rest(time_ns: int) -> tuple[int, ...]:
    return (0, 0, 1_000_000, 0, 0, 0)


class Desk:
    """One chip on a bus, and its driver."""

    def __init__(self, name: str, folder: Path, motion: Motion = at_rest, address: int | None = None, **of_chip: Any):
        self.time = VirtualTime()
        self.bus = Bus(self.time)
        config = folder / "bmi270.config"
        if name == "BMI270":
            config.write_bytes(CONFIG)
            self.chip: Any = bmi270_chip.Chip(CONFIG, self.time, motion, **of_chip)
            self.bus.chips[0x68 if address is None else address] = self.chip
            self.driver: Any = BMI270(self.bus, self.time, str(config), *([] if address is None else [address]))
        else:
            self.chip = lsm6ds_chip.Chip(_WHO[name], self.time, motion, **of_chip)
            self.bus.chips[address or 0x6A] = self.chip
            self.driver = LSM6DS(self.bus, self.time)

    def poll(self, ms: int) -> list[list[int]]:
        """Read every 10 ms; return what was new."""
        found = []
        for _ in range(ms // 10):
            self.time.sleep_ms(10)
            if self.driver.read():
                found.append(list(self.driver.values))
        return found


@pytest.fixture(params=CHIPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("nth_address", [0, 1])
def test_a_chip_is_found_at_either_of_its_addresses_and_started_in_bounded_time(
    name: str, nth_address: int, tmp_path: Path
) -> None:
    address = (0x68 if name == "BMI270" else 0x6A) + nth_address
    desk = Desk(name, tmp_path, address=address)
    desk.driver.start()
    assert desk.time.ns < _START_NS[name]
    assert desk.driver.name == name
    assert desk.poll(300)[-1] == [0, 0, 1000, 0, 0, 0]


def test_values_are_those_of_the_chip_over_the_whole_range_to_its_rails(name: str, tmp_path: Path) -> None:
    shown: dict[str, tuple[int, ...]] = {"now": at_rest(0)}
    desk = Desk(name, tmp_path, lambda _time_ns: shown["now"])
    desk.driver.start()
    desk.poll(200)
    rng = random.Random(1)
    for i in range(300):
        # Beyond both rails now and then.
        g = [rng.randint(-4_400_000, 4_400_000) if i % 3 else rng.choice((-6, 6)) * 1_000_000 for _ in range(3)]
        dps = [rng.randint(-560_000_000, 560_000_000) for _ in range(3)]
        shown["now"] = (*g, *dps)
        desk.poll(20)
        got = desk.poll(10) or desk.poll(10)
        for axis in range(3):
            # The data sheets round what a step is: 0.06 %.
            assert abs(got[0][axis] - max(-4000, min(4000, g[axis] / 1000))) <= 3
            # The rail of 500 °/s is at 573 °/s in chips of 17.5 m°/s a step.
            rail = 5000 if name == "BMI270" else 5734
            assert abs(got[0][3 + axis] - max(-rail, min(rail, dps[axis] / 100_000))) <= 2


def test_each_conversion_is_new_once_and_none_before_the_gyroscope_settled(name: str, tmp_path: Path) -> None:
    desk = Desk(name, tmp_path, clock_ppm=30_000)
    desk.driver.start()
    found = []
    while desk.time.ns < 4_000_000_000:
        desk.time.sleep_us(1000)
        if desk.driver.read():
            found.append(list(desk.driver.values))
    assert found == [[0, 0, 1000, 0, 0, 0]] * len(found)
    assert desk.chip.lost == 0
    # Without the first tenth of a second, and what is new now.
    assert 0 < desk.chip.made - len(found) <= 12
    assert abs(len(found) - 4 * 1.03 * desk.driver.rate_hz) < 0.2 * 4 * desk.driver.rate_hz


def test_a_chip_that_is_not_there_is_told_in_words(name: str, tmp_path: Path) -> None:
    desk = Desk(name, tmp_path)
    desk.chip.present = False
    with pytest.raises(OSError, match="answers at 0x6") as caught:
        desk.driver.start()
    assert desk.time.ns < 50_000_000
    assert caught.value.errno == 19


def test_another_chip_at_the_address_is_told_in_words(name: str, tmp_path: Path) -> None:
    desk = Desk(name, tmp_path)
    if name == "BMI270":
        desk.bus.chips[0x68] = lsm6ds_chip.Chip(0x6C, desk.time, at_rest)
        desk.bus.chips[0x68].read_next = lambda: 0x6C
        desk.time.sleep_ms(20)
    else:
        desk.chip.who = 0x71
    with pytest.raises(OSError, match="says 0x"):
        desk.driver.start()


def test_a_bus_that_is_held_fails_a_read_and_a_start_within_a_second(name: str, tmp_path: Path) -> None:
    desk = Desk(name, tmp_path)
    desk.driver.start()
    desk.bus.stuck = True
    with pytest.raises(OSError, match="110"):
        desk.driver.read()
    before = desk.time.ns
    with pytest.raises(OSError, match="answers"):
        desk.driver.start()
    assert desk.time.ns - before < 1_000_000_000


def test_a_chip_that_lost_its_power_gives_nothing_and_comes_back_piece_by_piece(name: str, tmp_path: Path) -> None:
    desk = Desk(name, tmp_path)
    desk.driver.start()
    assert desk.poll(500)
    desk.chip.power_on()
    desk.time.sleep_ms(20)
    # It answers and says that nothing is new.
    assert desk.poll(500) == []
    starting = desk.driver.starting()
    while True:
        before = desk.time.ns
        wait_ms = next(starting, None)
        assert desk.time.ns - before < _PIECE_NS
        if wait_ms is None:
            break
        # As Motion asks: no sooner than at its next step.
        desk.time.sleep_ms(max(10, wait_ms))
    assert desk.poll(300)[-1] == [0, 0, 1000, 0, 0, 0]


def test_a_reset_that_never_ends_is_given_up(tmp_path: Path) -> None:
    desk = Desk("LSM6DSOX", tmp_path)
    desk.chip.stuck_in_reset = True
    with pytest.raises(OSError, match="LSM6DSOX does not come out of its reset"):
        desk.driver.start()
    assert desk.time.ns < 100_000_000


def test_motion_raises_the_interrupt_pin_and_rest_does_not(name: str, tmp_path: Path) -> None:
    push = {"ug": 0}

    def motion(time_ns: int) -> tuple[int, ...]:
        # A slow tilt of the table is no motion.
        return (push["ug"] + time_ns // 1_000_000_000 * 1000, 0, 1_000_000, 0, 0, 0)

    desk = Desk(name, tmp_path, motion)
    desk.driver.start()
    desk.poll(300)
    desk.driver.wake_on_motion()
    for _ in range(100):
        desk.time.sleep_ms(10)
        desk.driver._read(0x0F if name != "BMI270" else 0x03)
        assert not desk.chip.wake_pin
    push["ug"] = 400_000
    for _ in range(20):
        desk.time.sleep_ms(10)
        desk.driver._read(0x0F if name != "BMI270" else 0x03)
    assert desk.chip.wake_pin
    # A start ends it, and the sensor tells motion as before.
    desk.driver.start()
    assert not desk.chip.wake_pin
    assert desk.poll(300)[-1][0] > 390


def test_a_bmi270_without_its_configuration_names_the_file(tmp_path: Path) -> None:
    desk = Desk("BMI270", tmp_path)
    (tmp_path / "bmi270.config").unlink()
    with pytest.raises(OSError, match=r"needs its vendor's configuration in the file .*bmi270\.config"):
        desk.driver.start()


@pytest.mark.parametrize("kept", [0, 100, 8191])
def test_a_bmi270_takes_no_configuration_that_was_cut(kept: int, tmp_path: Path) -> None:
    desk = Desk("BMI270", tmp_path)
    (tmp_path / "bmi270.config").write_bytes(CONFIG[:kept])
    with pytest.raises(OSError, match="holds no 8192 bytes"):
        desk.driver.start()


def test_a_bmi270_that_does_not_take_its_configuration_is_told(tmp_path: Path) -> None:
    desk = Desk("BMI270", tmp_path)
    damaged = bytearray(CONFIG)
    damaged[4097] ^= 1
    (tmp_path / "bmi270.config").write_bytes(damaged)
    with pytest.raises(OSError, match="does not take"):
        desk.driver.start()


@pytest.mark.parametrize("factor_zx", [-64, -9, 0, 40, 63])
def test_what_a_bmi270_takes_of_z_into_x_is_taken_out(factor_zx: int, tmp_path: Path) -> None:
    def motion(time_ns: int) -> tuple[int, ...]:
        return (0, 0, 1_000_000, 20_000_000, 0, 200_000_000)

    desk = Desk("BMI270", tmp_path, motion, factor_zx=factor_zx)
    desk.driver.start()
    assert abs(desk.poll(300)[-1][3] - 200) <= 1


def test_reading_allocates_nothing_on_micropython(micropython: str) -> None:
    path = ":".join(str(ROOT / part) for part in ("firmware_micropython", "protocol", "."))
    done = subprocess.run(
        [micropython, str(Path(__file__).with_name("models_imu") / "measure_motion.py")],
        env={**os.environ, "MICROPYPATH": f"{path}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    got = json.loads(done.stdout)
    assert got["new readings"] == [1000, 1000]
    assert {key: value for key, value in got.items() if key.startswith("bytes")} == {
        "bytes, LSM6DS": 0,
        "bytes, BMI270": 0,
        "bytes, at rest": 0,
        "bytes, in contact": 0,
        "bytes, publishing unread": 0,
    }
    # Each payload that a link sends: 20 a second.
    assert 0 < got["a payload"] <= 1024
    assert 0 < got["a judgement"] <= 4096
    assert 0 < got["a judgement in a burst"] <= 4096
