"""A tool is said to warn by itself only where it does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.host.app.test_live_state import Bench

from iastm_firmware.signals import BLUE, PATTERNS, TECHNICAL, UNCERTAIN, WHITE
from iastm_host.analysis.profiles import Contact
from iastm_host.app.own_alarm import NO_TRUE_FORCE, why_it_does_not_warn
from iastm_host.events import Channels, LimitsReport, StatusReport, ToolDescription, ZeroReport
from iastm_host.tool.words import FAULTS
from iastm_protocol import kinds

TOOL = ToolDescription(
    "1", "ab", "fake", "cpython 3", "F-1", 7, 320.0, 2048, "c", "00", True, "1.2", chooses_channels=True
)
ALL = ("light", "buzzer", "vibration")
SOUND = StatusReport(0, 80, None, (), 0, 0, 0, 0)
SILENT_UNDER = (
    kinds.FAULT_ADC_SILENT,
    kinds.FAULT_ADC_SATURATED,
    kinds.FAULT_ADC_FROZEN,
    kinds.FAULT_ADC_FAILS,
    kinds.FAULT_TOO_SLOW,
    kinds.FAULT_ALERT_OUTPUT,
    kinds.FAULT_BRIDGE_OPEN,
    kinds.FAULT_BRIDGE_SHORTED,
    kinds.FAULT_POLARITY,
    kinds.FAULT_OVERLOADED,
    kinds.FAULT_CALIBRATION_STORE,
)


def bench_with(profile: Any, *events: Any, tool: ToolDescription = TOOL) -> Bench:
    """A live state that was told all that lets a tool warn, then `events`."""
    bench = Bench(profile)
    bench.tell(
        tool,
        LimitsReport(profile.key, profile.warn_n, profile.alarm_n, Contact().on_n, Contact().off_n),
        Channels(ALL, ("light",), 0),
        ZeroReport(1000, 0, 1000, True),
        SOUND,
        *events,
    )
    return bench


@pytest.mark.parametrize("by", [("light",), ("buzzer",), ("vibration",), ALL])
def test_any_one_channel_that_is_there_and_chosen_warns(profile: Any, by: tuple[str, ...]) -> None:
    assert bench_with(profile, Channels(ALL, by, 0)).shown.tool_warns
    assert bench_with(profile, Channels(by, ALL, 0)).shown.tool_warns


@pytest.mark.parametrize(
    "event",
    [
        Channels(ALL, (), 0),
        Channels((), ALL, 0),
        Channels(("light",), ("buzzer", "vibration"), 0),
        Channels(ALL, ALL, 60),
        ZeroReport(1000, 0, 1000, False),
        LimitsReport("", 0.0, 0.0, 0.8, 0.52),
        replace(SOUND, battery_percent=0),
        replace(SOUND, battery_percent=None),
        *(replace(SOUND, faults=(FAULTS[kind],)) for kind in SILENT_UNDER),
    ],
    ids=str,
)
def test_whatever_keeps_a_tool_from_warning_is_known(profile: Any, event: Any) -> None:
    assert bench_with(profile).shown.tool_warns
    assert not bench_with(profile, event).shown.tool_warns


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - set(SILENT_UNDER)))
def test_a_fault_that_leaves_force_and_alert_whole_keeps_no_tool_from_warning(profile: Any, kind: int) -> None:
    assert bench_with(profile, replace(SOUND, faults=(FAULTS[kind],))).shown.tool_warns


def test_limits_that_are_off_here_too_warn_of_nothing(profile: Any) -> None:
    bench = Bench(replace(profile, warn_n=0.0, alarm_n=0.0))
    none = LimitsReport(profile.key, 0.0, 0.0, Contact().on_n, Contact().off_n)
    bench.tell(TOOL, none, Channels(ALL, ALL, 0), ZeroReport(1000, 0, 1000, True), SOUND)
    assert not bench.shown.tool_warns


def test_channels_of_a_tool_that_tells_of_them_are_unknown_until_it_did_and_of_an_older_one_taken_as_there() -> None:
    told = (ZeroReport(1000, 0, 1000, True), LimitsReport("", 11.0, 14.0, 0.8, 0.52), None, SOUND)
    assert why_it_does_not_warn(TOOL, *told) == ("by what it alerts is unknown",)
    assert why_it_does_not_warn(replace(TOOL, chooses_channels=False), *told) == ()
    assert why_it_does_not_warn(replace(TOOL, warns=False), *told) == ("it can't",)


def test_a_silence_that_ran_out_keeps_no_tool_from_warning(profile: Any) -> None:
    bench = bench_with(profile, Channels(ALL, ALL, 60))
    assert not bench.state.snapshot(59_999_999).tool_warns
    assert bench.state.snapshot(60_000_000).tool_warns


def test_white_and_blue_are_what_the_light_of_a_tool_shows_that_does_not_warn_and_of_no_other() -> None:
    """The words at a lost link rest on it."""
    assert {pattern.kind for pattern in PATTERNS if pattern.light in {WHITE, BLUE}} == {TECHNICAL, UNCERTAIN}


def test_what_keeps_a_tool_silent_is_named_as_the_tool_s_room_names_it() -> None:
    assert set(FAULTS.values()) >= NO_TRUE_FORCE
