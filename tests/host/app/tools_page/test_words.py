from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host.app.tools_page.desk import NOW, OURS

from iastm_host.app.tools_page.words import (
    age_words,
    battery_words,
    due_words,
    firmware_words,
    link_words,
    moment_words,
)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW, "Today, 17:40"),
        (datetime.fromisoformat("2026-11-21T00:00:00+01:00"), "Today, 00:00"),
        (datetime.fromisoformat("2026-11-20T23:59:59+01:00"), "Yesterday, 23:59"),
        (datetime.fromisoformat("2026-11-20T23:30:00+00:00"), "Today, 00:30"),
        (datetime.fromisoformat("2026-03-01T09:05:00+01:00"), "1 Mar, 09:05"),
        (datetime.fromisoformat("2025-12-31T12:00:00+01:00"), "31 Dec 2025, 12:00"),
        # A clock that was set back.
        (datetime.fromisoformat("2026-11-23T12:00:00+01:00"), "23 Nov, 12:00"),
    ],
)
def test_a_moment_is_told_by_the_clock_on_this_wall(moment: datetime, said: str) -> None:
    assert moment_words(moment, NOW) == said


@given(st.integers(0, 4_000_000_000), st.integers(-12, 12))
def test_any_moment_in_any_zone_has_words(unix_s: int, hours: int) -> None:
    moment = datetime.fromtimestamp(unix_s, timezone(timedelta(hours=hours)))
    assert moment_words(moment, NOW).endswith(f"{moment.astimezone(NOW.tzinfo):%H:%M}")


@pytest.mark.parametrize(
    ("days", "due", "age"),
    [
        (-40, "Expired 40 days ago", "made today"),
        (-1, "Expired 1 day ago", "made today"),
        (0, "Due today", "made today"),
        (1, "Due in 1 day", "1 day old"),
        (1200, "Due in 1,200 days", "1,200 days old"),
    ],
)
def test_days_until_a_calibration_is_due_and_its_age(days: int, due: str, age: str) -> None:
    today = date(2026, 11, 21)
    assert due_words(today + timedelta(days), today) == due
    assert age_words(today - timedelta(days), today) == age


@pytest.mark.parametrize(
    ("carrier", "address", "said"),
    [
        ("serial", "/dev/ttyACM0", "USB"),
        ("serial", "COM3", "USB"),
        ("serial", "/dev/cu.usbmodem1", "USB"),
        ("serial", "socket://127.0.0.1:5000", "Cable"),
        ("serial", "/dev/pts/4", "Cable"),
        ("ble", "IASTM 0007", "Bluetooth"),
        ("simulated", "", "Simulated"),
        ("pigeon", "", "Unknown"),
    ],
)
def test_what_carries_the_bytes_is_called_as_people_call_it(carrier: str, address: str, said: str) -> None:
    assert link_words(carrier, address) == said


def test_a_battery_that_nobody_measured_is_not_empty() -> None:
    assert (battery_words(None), battery_words(0)) == ("–", "0 %")


@given(st.text(max_size=8), st.text("0123456789abcdef", max_size=16))
def test_whatever_a_tool_calls_its_firmware_there_is_a_word_for_it(version: str, source_hash: str) -> None:
    said = firmware_words(version, source_hash, OURS)
    assert said in ("Up to date", "Older", "Newer", "Another build", "Unknown")
    assert (said == "Up to date") == (source_hash == OURS.source_hash)
