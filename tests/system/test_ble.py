"""Bluetooth LE without a radio, as its users start it: real firmware, real GATT, programs of their own."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
