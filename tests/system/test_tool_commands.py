"""`iastm tool`: asked of a simulated tool on its port, as a person who mends tools does it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the simulated tool is on a pseudo-terminal")


@pytest.fixture
def port(started: Callable[..., Any]) -> str:
    """The port of a simulated tool that nobody touches."""
    process = started("simulate", "--seed", "3", "--scenario", "quiet")
    name: str = process.stdout.readline().strip()
    assert name
    return name


def test_a_tool_shows_who_it_is_how_it_is_and_what_it_can(iastm: Callable[..., Any], port: str) -> None:
    found = iastm("tool", "show", "--port", port, "--json").json
    assert (found["serial_number"], found["simulated"], found["protocol"]) == ("SIM-0003", True, "1.2")
    assert found["faults"] == []
    assert found["trouble"] is None
    assert found["battery_percent"] == 82
    assert found["rate_hz"] == pytest.approx(320, rel=0.02)
    assert found["missed_conversions"] == 0
    said = iastm("tool", "show", "--port", port)
    assert said.code == 0
    assert "samples/s measured" in said.out
    assert "SIM-0003" in said.out


def test_channels_are_chosen_one_by_one_and_stay(iastm: Callable[..., Any], port: str) -> None:
    first = iastm("tool", "channels", "--port", port, "--json").json
    assert first["chosen"] == ["light", "vibration"]
    changed = iastm("tool", "channels", "--port", port, "--buzzer", "--no-light", "--json").json
    assert changed["chosen"] == ["buzzer", "vibration"]
    assert iastm("tool", "channels", "--port", port, "--json").json["chosen"] == ["buzzer", "vibration"]
    none = iastm("tool", "channels", "--port", port, "--no-buzzer", "--no-vibration")
    assert none.code == 0
    assert "alerts by nothing" in none.out
    assert "choose one at least" in none.err


def test_a_self_test_tells_what_was_measured_against_what_passes(iastm: Callable[..., Any], port: str) -> None:
    ran = iastm("tool", "self-test", "--port", port, "--json")
    tests = {row["test"]: row for row in ran.json["tests"]}
    assert tests["measured rate"]["value"] == pytest.approx(320, rel=0.02)
    assert tests["measured rate"]["verdict"] == "passed"
    assert tests["gravity, by the motion sensor"]["verdict"] == "not fitted"
    assert ran.code == int(any(row["verdict"] == "failed" for row in tests.values()))
    said = iastm("tool", "self-test", "--port", port)
    assert said.code == ran.code
    assert "untouched" in said.err
    assert "verdict" in said.out


def test_a_log_is_refused_in_words_where_the_tool_keeps_none(iastm: Callable[..., Any], port: str) -> None:
    ran = iastm("tool", "log", "--port", port)
    assert ran.code == 2
    assert "SIM-0003 keeps no log" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("command", ["show", "self-test", "log", "channels"])
def test_no_tool_two_tools_and_no_such_port_are_told_with_what_to_do(iastm: Callable[..., Any], command: str) -> None:
    for arguments, fix in (
        ((), "Give one of --port, --tool and --simulated"),
        (("--port", "/dev/none", "--simulated"), "Give one of"),
        (("--port", "/dev/none"), ""),
        (("--port", "/dev/none", "--radio", "127.0.0.1:1"), "Give --radio with --tool"),
    ):
        ran = iastm("tool", command, *arguments)
        assert ran.code == 2, arguments
        assert "Traceback" not in ran.err
        assert fix in ran.err
        assert ran.err.strip().count("\n") == 1
        assert ran.out == ""
