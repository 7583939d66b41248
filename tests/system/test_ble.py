"""Bluetooth LE without a radio, as its users start it: real firmware, real GATT, programs of their own."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import ToolDescription
from iastm_host.records.entries import Recording

RATE_HZ = 320
NAME = "IASTM 0005"

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(line for line in stream if not line.startswith("#")))[1:]


def on_air(started: Started, *arguments: str | Path) -> tuple[subprocess.Popen[str], str]:
    """Return a simulated tool and where its virtual radio is."""
    tool = started("simulate", "--transport", "ble", "--seed", "5", *arguments)
    assert tool.stdout is not None
    return tool, tool.stdout.readline().strip()


def test_the_demo_over_ble_finds_every_stroke_without_a_gap(iastm: Iastm) -> None:
    ran = iastm("demo", "--transport", "ble", "--duration", "10", "--seed", "1", "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert told["runtime"]["name"] == "micropython"
    assert told["samples"]["received"] == told["samples"]["expected"] >= 10 * RATE_HZ
    assert told["gaps"] == 0
    assert told["strokes"] == told["strokes_true"] >= 3
    assert len(told["alerts"]) >= 1


def test_a_tool_on_the_air_is_listed_run_by_its_name_and_recorded_as_it_was_played(
    iastm: Iastm, started: Started, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.csv"
    tool, radio = on_air(started, "--truth", truth)
    (listed,) = iastm("scan", "--radio", radio, "--duration", "1", "--json").json
    assert listed == {
        "name": NAME,
        "address": "F1:00:00:00:00:01",
        "signal_dbm": -50,
        "battery_percent": 82,
        "in_use": False,
        "kind": "iastm",
    }
    recordings = tmp_path / "recordings"
    live = iastm("run", "--radio", radio, "--tool", NAME, "--duration", "8", "--record", recordings, "--json")
    assert live.code == 0, live.err
    assert live.json["gaps"] == 0
    # The tool is free again, and another program may have it, by its address.
    again = iastm("run", "--radio", radio, "--tool", listed["address"], "--duration", "1", "--json")
    assert again.code == 0, again.err
    tool.send_signal(signal.SIGINT)
    assert tool.wait(30) == 0
    (recording,) = recordings.glob("*.iastm")
    exported = tmp_path / "export.csv"
    assert iastm("export", recording, "--csv", exported).code == 0
    played = {row[0]: (row[1], row[3]) for row in rows_of(truth)}
    rows = rows_of(exported)
    assert len(rows) == live.json["samples"]["received"] >= 8 * RATE_HZ
    assert [(row[1], row[4]) for row in rows] == [played[row[0]] for row in rows]
    replayed = iastm("replay", recording, "--speed", "max", "--json").json
    for what in ("samples", "gaps", "strokes"):
        assert replayed[what] == live.json[what]
    assert live.json["strokes"] >= 2


def test_a_simulator_that_ends_leaves_a_run_with_its_reason(iastm: Iastm, started: Started) -> None:
    tool, radio = on_air(started)
    tool.send_signal(signal.SIGINT)
    assert tool.wait(30) == 0
    ran = iastm("run", "--radio", radio, "--tool", NAME, "--duration", "1", "--json")
    assert ran.code == 2
    assert radio in ran.err
    assert "iastm simulate" in ran.err


@pytest.mark.parametrize(
    "arguments", [(), ("--port", "/dev/null", "--tool", NAME), ("--port", "/dev/null", "--radio", "x")]
)
def test_a_run_shows_one_tool_by_one_way(iastm: Iastm, arguments: tuple[str, ...]) -> None:
    ran = iastm("run", *arguments)
    assert ran.code == 2
    assert "--tool" in ran.err


@pytest.mark.parametrize("command", ["scan --radio 127.0.0.1:9", "demo --transport ble", "simulate --transport ble"])
def test_a_missing_extra_is_named(environment: dict[str, str], command: str) -> None:
    program = (
        "import sys; sys.modules['bumble'] = None; from iastm_host.cli.main import main; "
        f"sys.argv = ['iastm', *{command.split()}]; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60, env=environment
    )
    assert ran.returncode == 2
    assert "iastm-toolkit[virtual-ble]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_computer_without_bluetooth_says_so(iastm: Iastm, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can be told to have no D-Bus")
    no_bus = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'none'}"}
    for arguments in (("scan",), ("run", "--tool", NAME, "--headless")):
        ran = iastm(*arguments, **no_bus)
        assert ran.code == 2
        assert "no Bluetooth" in ran.err
        assert "--port" in ran.err
        assert "Traceback" not in ran.err


def ended(tool: subprocess.Popen[str]) -> str:
    """Interrupt a simulated tool; return what it said on stderr."""
    tool.send_signal(signal.SIGINT)
    _, err = tool.communicate(timeout=30)
    assert tool.returncode == 0, err
    return err


def next_line(process: subprocess.Popen[str], words: str) -> str:
    """Return the next line on stderr that has these words in it."""
    assert process.stderr is not None
    for line in iter(process.stderr.readline, ""):
        if words in line:
            return line
    raise AssertionError(f"it ended without saying {words!r}")


def test_a_run_comes_back_by_itself_to_a_tool_that_was_switched_off_and_on_and_records_into_one_file(
    started: Started, tmp_path: Path
) -> None:
    tool, radio = on_air(started, "--radio", "127.0.0.1:0")
    recordings = tmp_path / "recordings"
    run = started("run", "--radio", radio, "--tool", NAME, "--json", "--record", recordings)
    next_line(run, "streaming")
    err = ended(tool)
    assert "WARNING" not in err
    assert "Traceback" not in err
    next_line(run, "gone")
    _, again = on_air(started, "--radio", radio)
    assert again == radio
    next_line(run, "streaming")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert "WARNING" not in err
    assert "Traceback" not in err
    (recording,) = recordings.glob("*.iastm")
    assert json.loads(out)["recording"] == str(recording)
    opened = Recording(recording)
    assert opened.condition() == (0, 0, 0)
    hellos = [event for event in recorded_events(opened) if isinstance(event, ToolDescription)]
    assert len({hello.boot_id for hello in hellos}) == 2


def test_the_hints_of_a_simulated_tool_lead_to_it(iastm: Iastm, started: Started) -> None:
    tool, _ = on_air(started)
    for way, more in (("See it: ", ["--duration", "1", "--json"]), ("List it: ", ["--duration", "1", "--json"])):
        program, *arguments = shlex.split(next_line(tool, way).removeprefix(way))
        assert program == "iastm"
        ran = iastm(*arguments, *more)
        assert ran.code == 0, ran.err
        assert ran.json


@pytest.mark.parametrize("gauge", ["tool", "progressor"])
def test_a_radio_where_another_program_listens_is_refused_before_anything_is_begun(
    iastm: Iastm, tmp_path: Path, gauge: str
) -> None:
    truth = tmp_path / "truth.csv"
    more = ["--truth", truth] if gauge == "tool" else []
    with socket.create_server(("127.0.0.1", 0)) as other:
        radio = f"127.0.0.1:{other.getsockname()[1]}"
        ran = iastm("simulate", "--transport", "ble", "--gauge", gauge, "--radio", radio, *more)
    assert (ran.code, ran.out) == (2, "")
    assert f"{radio} is taken" in ran.err
    assert "another port" in ran.err
    assert not truth.exists()


@pytest.mark.parametrize(
    "radio", ["", "5005", ":5005", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "192.0.2.1:5005"]
)
def test_an_address_where_no_radio_can_listen_is_refused(iastm: Iastm, radio: str) -> None:
    ran = iastm("simulate", "--transport", "ble", "--radio", radio)
    assert (ran.code, ran.out) == (2, "")
    assert f"No virtual radio can listen at {radio}" in ran.err
    assert "127.0.0.1:5005" in ran.err


def test_a_tool_on_a_port_needs_no_radio(iastm: Iastm) -> None:
    ran = iastm("simulate", "--radio", "127.0.0.1:0")
    assert (ran.code, ran.out) == (2, "")
    assert "--transport ble" in ran.err


def test_what_libraries_warn_of_is_told_only_where_it_is_asked_for(environment: dict[str, str]) -> None:
    program = (
        "import logging, sys; from iastm_host.cli.main import _options; "
        "_options(version=False, verbose=len(sys.argv) > 1); "
        "[logging.getLogger(name).warning('heard') for name in ('bumble.host', 'bleak', 'iastm_host.keys')]; "
        "[logging.getLogger(name).error('failed') for name in ('bumble.host', 'bleak')]"
    )
    said = {}
    for arguments in ((), ("verbose",)):
        ran = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )
        said[arguments] = ran.stderr.splitlines()
    ours = "WARNING iastm_host.keys: heard"
    assert said[()] == [ours, "ERROR bleak: failed"]
    assert said[("verbose",)] == [
        "WARNING bumble.host: heard",
        "WARNING bleak: heard",
        ours,
        "ERROR bumble.host: failed",
        "ERROR bleak: failed",
    ]
