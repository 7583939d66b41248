from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iastm_protocol import kinds, messages

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
        ([*_NOISE, *([kinds.COUNTS_MAX] * 1000)], kinds.FAULT_ADC_SATURATED),
        ([*_NOISE, *([0, kinds.COUNTS_MIN] * 500)], kinds.FAULT_ADC_SATURATED),
    ],
)
def test_a_fault_is_found_within_a_second_of_its_own(bench: Callable[..., Any], counts: list[int], fault: int) -> None:
    b = bench(counts)
    assert _faults(b, 4)[-1] == fault
    b.start()
    b.run(100)
    events = b.heard().of(messages.ToolEvent)
    assert [(e.kind, e.value) for e in events[1:]] == [(kinds.EVENT_FAULT, fault)]


def test_a_fault_that_ends_is_cleared_by_an_event(bench: Callable[..., Any]) -> None:
    b = bench([*_NOISE, *([5] * 800), *_NOISE])
    assert _faults(b, 6)[-1] == 0
    b.start()
    b.run(100)
    assert [e.kind for e in b.heard().of(messages.ToolEvent)] == [
        kinds.EVENT_BOOT,
        kinds.EVENT_FAULT,
        kinds.EVENT_FAULT_CLEARED,
    ]


def test_missed_conversions_are_a_fault_of_their_second(bench: Callable[..., Any]) -> None:
    assert _faults(bench(_NOISE * 3, missed={330: 4}), 3) == [0, kinds.FAULT_SAMPLES_MISSED, 0]


def test_ten_samples_per_second_are_too_slow_and_eighty_are_not(bench: Callable[..., Any]) -> None:
    assert _faults(bench(_NOISE, rate_mhz=10_000), 3) == [0, kinds.FAULT_TOO_SLOW, kinds.FAULT_TOO_SLOW]
    assert _faults(bench(_NOISE, rate_mhz=80_000), 3) == [0, 0, 0]
