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
    for percent in readings:
        battery.note(percent)
        found.append((battery.low, battery.critical))
    return found


def test_a_battery_that_was_never_read_is_unknown_and_not_low() -> None:
    battery = Battery()
    assert (battery.percent, battery.low, battery.critical) == (_UNKNOWN, False, False)
    assert _levels(battery, [_UNKNOWN] * 20) == [(False, False)] * 20
    assert battery.percent == _UNKNOWN


@pytest.mark.parametrize(("percent", "levels"), [(0, (True, True)), (14, (True, False)), (15, (False, False))])
def test_the_first_reading_is_believed_at_once(percent: int, levels: tuple[bool, bool]) -> None:
    battery = Battery()
    assert _levels(battery, [percent]) == [levels]
    assert battery.percent == percent


def test_a_discharge_is_low_once_and_critical_once_and_charging_ends_each_once() -> None:
    battery = Battery()
    down = _levels(battery, [percent for percent in range(100, -1, -1) for _ in range(20)])
    up = _levels(battery, [percent for percent in range(101) for _ in range(20)])
    for levels in (down, up):
        for which in (0, 1):
            assert len([1 for a, b in itertools.pairwise(levels) if a[which] != b[which]]) == 1
    # Low comes before critical.
    assert (True, False) in down
    assert (False, True) not in down + up


@pytest.mark.parametrize(
    ("readings", "which"),
    [
        (((15, False), (14, True), (19, True), (20, False), (19, False), (15, False)), "low"),
        (((5, False), (4, True), (7, True), (8, False), (7, False), (5, False)), "critical"),
    ],
)
def test_a_level_ends_higher_than_it_begins(readings: tuple[tuple[int, bool], ...], which: str) -> None:
    battery = Battery()
    for percent, holds in readings:
        _levels(battery, [percent] * 100)
        assert (battery.percent, getattr(battery, which)) == (percent, holds)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60))
def test_what_is_told_lies_between_the_readings(readings: list[int]) -> None:
    battery = Battery()
    _levels(battery, readings)
    assert min(readings) <= battery.percent <= max(readings)


def test_a_motor_that_pulls_the_voltage_down_for_a_second_is_no_low_battery() -> None:
    battery = Battery()
    assert set(_levels(battery, ([percent_of(3820)] * 12 + [percent_of(3500)]) * 50)) == {(False, False)}


def test_a_gauge_that_fails_now_and_then_changes_nothing() -> None:
    battery = Battery()
    assert _levels(battery, [10, 10, 10, _UNKNOWN] * 20) == [(True, False)] * 80
    battery = Battery()
    _levels(battery, [60] * 30)
    # What was read before still smooths what comes after.
    assert _levels(battery, [_UNKNOWN, 2]) == [(False, False)] * 2
    assert battery.percent > 50
    assert _levels(battery, [_UNKNOWN] * 4) == [(False, False)] * 4
    assert battery.percent > 50


def test_a_battery_that_comes_off_is_unknown_after_five_readings_and_no_low_battery() -> None:
    battery = Battery()
    _levels(battery, [5] * 5)
    assert battery.low
    assert _levels(battery, [_UNKNOWN] * 5) == [(True, False)] * 4 + [(False, False)]
    assert battery.percent == _UNKNOWN
    # And what comes after it is not mixed with what was before.
    assert _levels(battery, [60]) == [(False, False)]
    assert battery.percent == 60


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


def test_with_a_critical_battery_a_minute_is_enough_and_a_use_still_counts() -> None:
    ticks, idle = _idle(600)
    for _ in range(59):
        ticks.us += 1_000_000
        idle.second(False, False, True)
    assert (idle.left_s, idle.is_due) == (1, False)
    _pass(ticks, idle, 1)
    assert idle.left_s == 540
    for is_used, due in ((True, False), (False, False)):
        ticks.us += 1_000_000
        idle.second(is_used, False, True)
        assert idle.is_due == due
    for _ in range(59):
        ticks.us += 1_000_000
        idle.second(False, False, True)
    assert idle.is_due


def test_a_shorter_time_than_a_minute_stays_with_a_critical_battery_and_never_stays_never() -> None:
    for idle_s, left_s in ((20, 20), (0, kinds.NEVER_SLEEPS)):
        _, idle = _idle(idle_s)
        idle.second(False, False, True)
        assert (idle.left_s, idle.is_due) == (left_s, False)
