"""`iastm tool`: asked of a simulated tool on its port, as a person who mends tools does it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
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
    assert "samples/s measured" in said.out
    assert "SIM-0003" in said.out


def test_a_tool_that_would_not_warn_is_shown_with_why_and_exits_with_1_unless_a_run_would_mend_it(
    iastm: Callable[..., Any], port: str
) -> None:
    before = iastm("tool", "show", "--port", port)
    assert before.code == 0
    lines = dict(line.strip().split(maxsplit=1) for line in before.out.splitlines())
    assert lines["warns"] == "no: no limits are set"
    assert lines["zero"] == "confirmed"
    assert lines["limits"] == "none: nothing alerts until a run sets them"
    assert lines["log"] == "it keeps none"
    assert "warns by itself" not in lines["can"]
    told = iastm("tool", "show", "--port", port, "--json")
    assert (told.code, told.json["warns"], told.json["warn_n"]) == (0, False, 0.0)
    assert iastm("run", "--port", port, "--headless", "--duration", "1").code == 0
    after = iastm("tool", "show", "--port", port)
    assert after.code == 0, after.out
    lines = dict(line.strip().split(maxsplit=1) for line in after.out.splitlines())
    assert lines["limits"].startswith("warn 11, alarm 14 N")
    assert "warns by itself" in lines["can"]
    assert iastm("tool", "channels", "--port", port, "--no-light", "--no-vibration").code == 0
    silent = iastm("tool", "show", "--port", port, "--json")
    assert (silent.code, silent.json["warns_not_as"]) == (1, ["all it alerts by is turned off"])
    assert "warns by itself" not in silent.json["can"]


def test_a_zero_that_was_not_confirmed_is_shown_with_what_it_costs(
    iastm: Callable[..., Any], started: Callable[..., Any]
) -> None:
    port = started("simulate", "--scenario", "quiet", "--zero-unconfirmed").stdout.readline().strip()
    shown = iastm("tool", "show", "--port", port)
    assert shown.code == 1
    assert "not confirmed: nothing alerts until it is set" in shown.out


def test_a_simulated_tool_of_the_command_s_own_rests_while_it_tests_itself(iastm: Callable[..., Any]) -> None:
    ran = iastm("tool", "self-test", "--simulated", "--json")
    assert ran.json["tests"], ran.err
    assert ran.code == 0


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
    # Without a folder there is no place to write to.
    assert tests["flash, written and read back"]["verdict"] == "not fitted"
    assert ran.code == int(any(row["verdict"] == "failed" for row in tests.values()))
    said = iastm("tool", "self-test", "--port", port)
    assert said.code == ran.code
    assert "untouched" in said.err
    assert "verdict" in said.out


def test_a_dose_limit_is_set_and_taken_away_and_the_dose_begins_anew(iastm: Callable[..., Any], port: str) -> None:
    assert iastm("tool", "dose", "--port", port, "--json").json == {
        "serial_number": "SIM-0003",
        "dose_ns": 0.0,
        "dose_limit_ns": 0.0,
    }
    limited = iastm("tool", "dose", "--port", port, "--limit", "12.5")
    assert limited.out == "SIM-0003: 0.0 N·s over warn, alerts at 12.5 N·s.\n"
    assert "until the tool starts again" in limited.err
    # It stays for the next host.
    assert iastm("tool", "dose", "--port", port, "--reset", "--json").json["dose_limit_ns"] == 12.5
    assert iastm("tool", "dose", "--port", port, "--off", "--json").json["dose_limit_ns"] == 0.0


def test_the_dose_of_a_tool_is_an_alert_of_the_run_and_of_its_replay(
    iastm: Callable[..., Any], started: Callable[..., Any], tmp_path: Path
) -> None:
    # Strokes of 16 N, each 0.7 N·s over warn.
    rows = [f"{2 * n + 2},0\n{2 * n + 2.5},16\n{2 * n + 3},0\n" for n in range(60)]
    scenario = tmp_path / "hard.csv"
    scenario.write_text("time_s,force_n\n0,0\n" + "".join(rows))
    port = started("simulate", "--scenario", str(scenario)).stdout.readline().strip()
    assert iastm("tool", "dose", "--port", port, "--limit", "0.3").code == 0
    folder = tmp_path / "recordings"
    ran = iastm("run", "--port", port, "--headless", "--duration", "6", "--record", folder, "--json")
    (alert,) = [each for each in ran.json["alerts"] if each["kind"] == "dose"]
    assert "dose reached on the tool" in ran.err
    again = iastm("replay", ran.json["recording"], "--speed", "max", "--headless", "--json").json
    assert [each["index"] for each in again["alerts"] if each["kind"] == "dose"] == [alert["index"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--limit", "-1"), "A dose limit of -1 N·s can't be set."),
        (("--limit", "0"), "or --off"),
        (("--limit", "nan"), "A dose limit of nan N·s can't be set."),
        (("--limit", "1e6"), "A dose limit of 1e+06 N·s can't be set."),
        (("--limit", "much"), "Invalid value for '--limit'"),
        (("--limit", "3", "--off"), "Give --limit NS or --off."),
    ],
)
def test_a_dose_limit_that_can_not_be_is_refused_before_the_tool_is_asked(
    iastm: Callable[..., Any], options: tuple[str, ...], said: str
) -> None:
    ran = iastm("tool", "dose", "--port", "/dev/none", *options)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_tool_with_a_motion_sensor_tells_its_angle_and_with_a_store_keeps_a_log_and_its_channels(
    iastm: Callable[..., Any], started: Callable[..., Any], tmp_path: Path
) -> None:
    options = ("simulate", "--seed", "4", "--scenario", "quiet", "--motion", "--store", str(tmp_path / "new" / "kept"))
    first = started(*options)
    port = first.stdout.readline().strip()
    shown = iastm("tool", "show", "--port", port)
    assert "over the horizontal, tip down" in shown.out
    assert "senses motion" in shown.out
    rows = {row["test"]: row for row in iastm("tool", "self-test", "--port", port, "--json").json["tests"]}
    assert rows["flash, written and read back"]["verdict"] == "passed"
    assert rows["gravity, by the motion sensor"]["verdict"] == "passed"
    assert iastm("tool", "log", "--port", port).code == 0
    assert iastm("tool", "channels", "--port", port, "--buzzer", "--no-light").code == 0
    first.send_signal(signal.SIGINT)
    first.wait(20)
    again = started(*options).stdout.readline().strip()
    assert iastm("tool", "channels", "--port", again, "--json").json["chosen"] == ["buzzer", "vibration"]


def test_a_store_that_can_not_be_and_a_gauge_without_one_are_refused_in_words(
    iastm: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for options, said in (
        (("--store", file / "in it"), "can't keep anything in"),
        (("--gauge", "progressor", "--transport", "ble", "--motion"), "Leave --motion and --store out."),
    ):
        ran = iastm("simulate", *options)
        assert ran.code == 2
        assert said in ran.err
        assert "Traceback" not in ran.err


def test_a_log_is_refused_in_words_where_the_tool_keeps_none(iastm: Callable[..., Any], port: str) -> None:
    ran = iastm("tool", "log", "--port", port)
    assert ran.code == 2
    assert "SIM-0003 keeps no log" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("command", ["show", "self-test", "log", "channels", "dose"])
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
