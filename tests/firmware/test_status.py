from __future__ import annotations

import errno
import gc
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from iastm_firmware import signals, status
from iastm_protocol import kinds, messages, tool_messages

_NOISE = [0, 1] * 320


def _faults(bench: Any, seconds: int) -> list[int]:
    found = []
    for _ in range(seconds):
        bench.run(1000)
        bench.tool.health.second()
        found.append(bench.tool.health.faults)
    return found


def test_a_working_converter_has_no_fault(bench: Callable[..., Any]) -> None:
    assert _faults(bench(_NOISE * 3), 4) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        (_NOISE, kinds.FAULT_ADC_SILENT),
        ([*_NOISE, *([5] * 1000)], kinds.FAULT_ADC_FROZEN),
        ([*_NOISE, *([0] * 20 + [kinds.COUNTS_MAX] * 30) * 20], kinds.FAULT_ADC_SATURATED),
        ([*_NOISE, *([0] * 20 + [kinds.COUNTS_MIN] * 30) * 20], kinds.FAULT_ADC_SATURATED),
    ],
)
def test_a_fault_is_found_within_a_second_of_its_own(bench: Callable[..., Any], counts: list[int], fault: int) -> None:
    # A cell that the converter's range does not overload, pressed towards the rail that is played.
    b = bench(counts, coefficients=(0.0, -1e-5 if kinds.COUNTS_MIN in counts else 1e-5))
    assert _faults(b, 4)[-1] == fault
    b.start()
    b.run(100)
    events = b.heard().of(messages.ToolEvent)
    assert [(e.kind, e.value) for e in events[1:]] == [(kinds.EVENT_FAULT, fault)]


def test_a_fault_that_ends_is_cleared_by_an_event(bench: Callable[..., Any]) -> None:
    b = bench([*_NOISE, *([5] * 800), *(_NOISE * 3)])
    assert _faults(b, 8)[-1] == 0
    b.start()
    b.run(100)
    assert [e.kind for e in b.heard().of(messages.ToolEvent)] == [
        kinds.EVENT_BOOT,
        kinds.EVENT_FAULT,
        kinds.EVENT_FAULT_CLEARED,
    ]


def test_missed_conversions_are_a_fault_until_three_seconds_miss_none(bench: Callable[..., Any]) -> None:
    missed = kinds.FAULT_SAMPLES_MISSED
    assert _faults(bench(_NOISE * 4, missed={330: 4}), 6) == [0, missed, missed, missed, 0, 0]


def test_a_converter_that_fails_every_other_second_is_one_fault(bench: Callable[..., Any]) -> None:
    b = bench(_NOISE * 20)
    good = b.board.adc.next_conversion
    failed = set()

    def failing() -> bool:
        second = b.elapsed_us // 1_000_000
        if second % 2 and second < 21 and second not in failed:
            failed.add(second)
            raise OSError(errno.EIO, "no answer")
        return bool(good())

    b.board.adc.next_conversion = failing
    before = b.tool.events.last_number
    assert _faults(b, 20)[1:] == [kinds.FAULT_ADC_FAILS] * 19
    assert b.tool.events.last_number == before + 1
    assert _faults(b, 5)[-1] == 0


@pytest.mark.parametrize(
    ("rate_hz", "fault"), [(10, kinds.FAULT_TOO_SLOW), (75, kinds.FAULT_TOO_SLOW), (77, 0), (80, 0)]
)
def test_below_eighty_samples_per_second_it_is_too_slow_whatever_was_stated(
    bench: Callable[..., Any], rate_hz: int, fault: int
) -> None:
    assert _faults(bench(_NOISE, rate_mhz=rate_hz * 1000), 4) == [0, fault, fault, fault]


@pytest.mark.parametrize(
    ("stated_hz", "fault"),
    [(320, 0), (275, 0), (390, 0), (260, kinds.FAULT_RATE), (410, kinds.FAULT_RATE), (1000, kinds.FAULT_RATE)],
)
def test_a_rate_far_from_the_stated_one_is_a_fault(bench: Callable[..., Any], stated_hz: int, fault: int) -> None:
    b = bench(_NOISE * 3, stated_rate_mhz=stated_hz * 1000)
    assert _faults(b, 4) == [0, fault, fault, fault]


def test_a_second_of_stall_that_is_made_up_for_is_no_fault_of_the_rate(bench: Callable[..., Any]) -> None:
    b = bench(_NOISE * 6)
    assert _faults(b, 2) == [0, 0]
    # Conversions wait in the queue while the tool is held up.
    b.run(300)
    b.elapsed_us += 700_000
    b.tool.health.second()
    assert _faults(b, 2) == [0, 0]


def test_a_converter_that_fails_is_a_fault_and_is_asked_again(bench: Callable[..., Any]) -> None:
    b = bench(_NOISE * 6)
    good = b.board.adc.next_conversion

    def failing() -> bool:
        raise OSError(errno.ETIMEDOUT, "no answer")

    assert _faults(b, 1) == [0]
    b.board.adc.next_conversion = failing
    silent = kinds.FAULT_ADC_FAILS | kinds.FAULT_ADC_SILENT
    assert _faults(b, 2) == [silent, silent]
    b.board.adc.next_conversion = good
    assert _faults(b, 3)[-1] == 0
    assert b.tool.sampler.next_index == 6 * 320


def test_an_error_in_a_drivers_code_is_not_borne_with(bench: Callable[..., Any]) -> None:
    b = bench(_NOISE)

    def broken() -> bool:
        raise TypeError("not what I meant")

    b.board.adc.next_conversion = broken
    with pytest.raises(TypeError):
        b.run(4)


def test_a_light_that_fails_stops_nothing_and_is_tried_again(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 40 + [9000, 9001] * 1000)
    working = []

    def drive(kind: int, light: int, buzzer_hz: int, motor: bool) -> None:
        if b.elapsed_us < 2_000_000:
            raise ValueError("pin 99 is no pin")
        working.append(kind)

    b.board.outputs.set = drive
    b.start(messages.Limits("", 5000, 8000, 800, 520))
    for second, expected in enumerate([kinds.FAULT_ALERT_OUTPUT, 0, 0]):
        b.run(1000)
        b.tool.watch.second()
        b.tool.health.second()
        assert b.tool.health.faults == expected, second
    assert set(working) == {kinds.ALARM}
    b.run(100)
    heard = b.heard()
    assert [alert.kind for alert in heard.of(messages.AlertReport)] == [kinds.ALARM]
    assert len(heard.samples()) > 900


@pytest.mark.parametrize("error", [OSError(errno.EIO, "no answer"), ValueError("not in my table"), MemoryError()])
def test_a_battery_that_can_not_be_read_is_unknown(
    bench: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # CPython lacks it.
    monkeypatch.setattr(gc, "mem_free", lambda: 0, raising=False)
    b = bench(_NOISE)

    def failing() -> int:
        raise error

    b.board.battery_percent = failing
    b.board.temperature_cdeg = failing
    b.start()
    for _ in range(5):
        b.tool.second()
        b.run(20)
    *_, status = b.heard().of(messages.Status)
    assert (status.battery_percent, status.temperature_cdeg) == (kinds.UNKNOWN_U8, kinds.UNKNOWN_I16)


def test_wrong_wiring_is_told_within_a_second_without_waiting_for_the_next_one(bench: Callable[..., Any]) -> None:
    b = bench([*_NOISE, *([kinds.COUNTS_MAX] * 320)])
    b.start()
    b.run(2000)
    assert b.tool.health.faults == 0
    b.run(200)
    assert b.tool.health.faults == kinds.FAULT_BRIDGE_OPEN
    assert b.tool.signals.shown == signals.TECHNICAL
    b.run(700)
    events = b.heard().of(messages.ToolEvent)
    assert [(e.kind, e.value) for e in events[1:]] == [(kinds.EVENT_FAULT, kinds.FAULT_BRIDGE_OPEN)]
    # A broken wire is no overload.
    assert not b.tool.watch.overloaded


@pytest.mark.parametrize("rate_hz", [80, 320])
@pytest.mark.parametrize("hum_hz", [49.9, 50.1, 60.05])
@pytest.mark.parametrize("starts_s", [0.0, 1.7])
def test_a_hum_beyond_the_capacity_is_told_as_an_open_bridge_and_never_as_an_overload(
    bench: Callable[..., Any], rate_hz: int, hum_hz: float, starts_s: float, size: Callable[[int, int], int]
) -> None:
    pick = random.Random(rate_hz)
    for _ in range(size(12, 200)):
        # The cell bears 100,000.
        amplitude, phase = pick.uniform(102_000, 160_000), pick.uniform(0, 2 * math.pi)
        times = [i / rate_hz for i in range(round((starts_s + 1) * rate_hz))]
        counts = [
            round(amplitude * math.sin(2 * math.pi * hum_hz * t + phase)) if t >= starts_s else round(100 * (t % 2))
            for t in times
        ]
        b = bench(counts, rate_mhz=rate_hz * 1000)
        _faults(b, round(starts_s) + 1)
        assert b.tool.health.faults & kinds.FAULT_BRIDGE_OPEN, (amplitude, phase)
        assert not b.tool.watch.overloaded, (amplitude, phase)


@pytest.mark.parametrize("stated_hz", [10, 80])
def test_an_overload_at_ten_conversions_a_second_is_told_as_one(bench: Callable[..., Any], stated_hz: int) -> None:
    b = bench([0, 1] * 10 + [120_000] * 4 + [0, 1] * 20, rate_mhz=10_000, stated_rate_mhz=stated_hz * 1000)
    found = _faults(b, 6)[-1]
    assert found & (kinds.FAULT_OVERLOADED | kinds.FAULT_BRIDGE_OPEN) == kinds.FAULT_OVERLOADED


def test_an_overload_is_told_once_and_lasts_until_a_zero(bench: Callable[..., Any]) -> None:
    told: list[int] = []
    b = bench([*_NOISE, *([120_000] * 40), *(_NOISE * 4)])
    b.tool.health.on_overload = told.append
    b.start()
    assert _faults(b, 5)[-3:] == [kinds.FAULT_OVERLOADED] * 3
    assert b.tool.signals.shown == signals.UNCERTAIN
    b.tool.set_zero(1)
    assert _faults(b, 1) == [0]
    assert b.tool.signals.shown == 0
    b.run(50)
    events = b.heard().of(messages.ToolEvent)
    assert [(e.kind, e.value) for e in events if e.kind not in (kinds.EVENT_BOOT, kinds.EVENT_ZERO)] == [
        (kinds.EVENT_OVERLOAD, 120_000),
        (kinds.EVENT_FAULT, kinds.FAULT_OVERLOADED),
        (kinds.EVENT_FAULT_CLEARED, kinds.FAULT_OVERLOADED),
    ]
    assert told == [120_000]


def test_an_overload_is_forgiven_by_the_zero_that_was_and_is_looked_at(bench: Callable[..., Any]) -> None:
    b = bench([*_NOISE, *([-120_000] * 40), *(_NOISE * 4)])
    assert _faults(b, 4)[-1] == kinds.FAULT_OVERLOADED
    b.tool.watch.forgive_overload()
    assert _faults(b, 1) == [0]


def test_faults_of_other_parts_begin_and_end_with_a_second(bench: Callable[..., Any]) -> None:
    b = bench(_NOISE * 3)
    b.tool.health.part_faults = kinds.FAULT_MOTION | kinds.FAULT_BOARD
    assert _faults(b, 2) == [kinds.FAULT_MOTION | kinds.FAULT_BOARD] * 2
    b.tool.health.part_faults = 0
    assert _faults(b, 1) == [0]
    # The light shows what makes forces wrong, not these.
    assert b.board.alerts == []


def test_health_tells_rate_jitter_counters_and_dose(bench: Callable[..., Any]) -> None:
    b = bench([0] * 100 + [50_000] + [0] * 100 + [6000, 6001] * 3000, rate_mhz=1_000_000)
    b.board.adc.voided = 3
    b.tool.watch.dose.limit(70_000)
    b.tool.set_limits(messages.Limits("", 5000, 0, 800, 520))
    _faults(b, 1)
    health = tool_messages.HealthReport.from_payload(status.health_payload(b.tool, kinds.NEVER_SLEEPS))
    assert health == tool_messages.HealthReport(
        3850, 1_000_000, 0, 1, 3, b.tool.watch.dose.total_mns, 70_000, kinds.NEVER_SLEEPS
    )
    assert health.dose_mns == pytest.approx(799, abs=2)

    def failing() -> int:
        raise OSError(errno.EIO, "no answer")

    b.board.battery_mv = failing
    assert tool_messages.HealthReport.from_payload(status.health_payload(b.tool, 7)).battery_mv == 0
