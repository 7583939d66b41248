from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.power import Battery, Idle, percent_of
from iastm_protocol import kinds

_UNKNOWN = kinds.UNKNOWN_U8


@pytest.mark.parametrize(
    ("battery_mv", "percent"),
    [
        *((3300, 0), (3600, 5), (3690, 10), (3840, 50), (4000, 78), (4180, 100)),
        *((2500, 0), (3299, 0), (4181, 100), (5500, 100)),
        # Between two points in proportion.
        *((3450, 2), (3815, 42)),
    ],
)
def test_millivolts_are_turned_into_percent(battery_mv: int, percent: int) -> None:
    assert percent_of(battery_mv) == percent


@given(st.integers(-70_000, 70_000))
def test_percent_are_a_percentage_or_unknown(battery_mv: int) -> None:
    percent = percent_of(battery_mv)
    assert (percent == _UNKNOWN) == (not 2500 <= battery_mv <= 5500)
    assert percent == _UNKNOWN or 0 <= percent <= 100


def test_more_millivolts_are_never_fewer_percent_and_no_step_is_wide() -> None:
    percents = [percent_of(battery_mv) for battery_mv in range(2500, 5501)]
    assert all(0 <= later - earlier <= 1 for earlier, later in itertools.pairwise(percents))
    assert set(percents) == set(range(101))


def _levels(battery: Battery, readings: list[int]) -> list[tuple[bool, bool]]:
    found = []
    for battery_mv in readings:
        battery.note(battery_mv)
        found.append((battery.low, battery.critical))
    return found


def test_a_battery_that_was_never_read_is_unknown_and_not_low() -> None:
    battery = Battery()
    assert (battery.percent, battery.battery_mv, battery.low, battery.critical) == (_UNKNOWN, 0, False, False)
    assert _levels(battery, [0] * 20) == [(False, False)] * 20
    assert (battery.percent, battery.battery_mv) == (_UNKNOWN, 0)


def test_the_first_reading_is_believed_at_once() -> None:
    battery = Battery()
    assert _levels(battery, [3550]) == [(True, True)]
    assert (battery.percent, battery.battery_mv) == (4, 3550)


def test_a_discharge_is_low_once_and_critical_once_and_charging_ends_each_once() -> None:
    battery = Battery()
    down = _levels(battery, [mv for mv in range(4200, 3300, -1) for _ in range(3)])
    up = _levels(battery, [mv for mv in range(3300, 4200) for _ in range(3)])
    for levels in (down, up):
        for which in (0, 1):
            assert len([1 for a, b in itertools.pairwise(levels) if a[which] != b[which]]) == 1
    # Low comes before critical.
    assert (True, False) in down
    assert (False, True) not in down + up


def test_low_ends_higher_than_it_begins() -> None:
    battery = Battery()
    settled = {percent: 3690 + (percent - 10) * 5 for percent in (14, 15, 19, 20)}
    for percent, low in ((15, False), (14, True), (19, True), (20, False), (19, False), (15, False)):
        for _ in range(200):
            battery.note(settled[percent])
        assert (battery.percent, battery.low) == (percent, low)


def test_critical_ends_higher_than_it_begins() -> None:
    battery = Battery()
    for battery_mv, critical in ((3610, False), (3599, True), (3630, True), (3690, False), (3610, False)):
        for _ in range(200):
            battery.note(battery_mv)
        assert battery.critical == critical


def test_a_motor_that_pulls_the_voltage_down_for_a_second_is_no_low_battery() -> None:
    battery = Battery()
    levels = _levels(battery, ([3820] * 12 + [3500]) * 50)
    assert set(levels) == {(False, False)}


def test_a_divider_that_comes_off_is_unknown_at_once_and_no_low_battery() -> None:
    battery = Battery()
    _levels(battery, [3600] * 5)
    assert battery.low
    assert _levels(battery, [40, 3900]) == [(False, False), (False, False)]
    # And what comes after it is not mixed with what was before.
    assert battery.battery_mv == 3900


class Ticks:
    def __init__(self, us: int = 0) -> None:
        self.us = us

    def __call__(self) -> int:
        return self.us & 0x3FFFFFFF


def _idle(idle_s: int, start_us: int = 0) -> tuple[Ticks, Idle]:
    ticks = Ticks(start_us)
    return ticks, Idle(Clock(ticks), idle_s)


def _pass(ticks: Ticks, idle: Idle, seconds: int, is_used: bool = False, in_contact: bool = False) -> None:
    for _ in range(seconds):
        ticks.us += 1_000_000
        idle.second(is_used, in_contact)


@pytest.mark.parametrize("start_us", [0, 2**30 - 1_500_000])
@pytest.mark.parametrize("idle_s", [1, 60, 1800, 20_000])
def test_a_tool_that_nobody_uses_is_due_after_its_time(idle_s: int, start_us: int) -> None:
    ticks, idle = _idle(idle_s, start_us)
    assert idle.left_s == idle_s
    _pass(ticks, idle, idle_s - 1)
    assert (idle.left_s, idle.is_due) == (1, False)
    _pass(ticks, idle, 1)
    assert (idle.left_s, idle.is_due) == (0, True)
    _pass(ticks, idle, 3)
    assert (idle.left_s, idle.is_due) == (0, True)


def test_a_tool_without_a_time_never_sleeps() -> None:
    ticks, idle = _idle(0)
    _pass(ticks, idle, 10_000)
    assert (idle.left_s, idle.is_due) == (kinds.NEVER_SLEEPS, False)


@pytest.mark.parametrize("idle_s", [0xFFFF, 0x10000, 10**7])
def test_a_very_long_time_is_not_mistaken_for_never(idle_s: int) -> None:
    _, idle = _idle(idle_s)
    assert (idle.left_s, idle.is_due) == (0xFFFE, False)


def test_whatever_uses_the_tool_begins_the_time_anew() -> None:
    ticks, idle = _idle(60)
    _pass(ticks, idle, 59)
    _pass(ticks, idle, 1, is_used=True)
    assert idle.left_s == 60
    _pass(ticks, idle, 59)
    _pass(ticks, idle, 1, in_contact=True)
    assert idle.left_s == 60
    _pass(ticks, idle, 59)
    idle.used()
    assert idle.left_s == 60
    _pass(ticks, idle, 60)
    assert idle.is_due


def test_a_treatment_never_ends_in_sleep() -> None:
    ticks, idle = _idle(60)
    for _ in range(100):
        _pass(ticks, idle, 120, in_contact=True)
        assert not idle.is_due
        _pass(ticks, idle, 59)
        assert not idle.is_due


def test_a_tool_that_something_lies_on_sleeps_after_all() -> None:
    ticks, idle = _idle(60)
    _pass(ticks, idle, 599, in_contact=True)
    assert idle.left_s == 60
    _pass(ticks, idle, 59, in_contact=True)
    assert not idle.is_due
    _pass(ticks, idle, 1, in_contact=True)
    assert idle.is_due


def test_seconds_that_come_late_count_in_full() -> None:
    ticks, idle = _idle(60)
    for _ in range(6):
        ticks.us += 9_900_000
        idle.second(False, False)
    assert idle.left_s == 1
