"""Another gauge, as its users meet it: a Progressor on the air, run, recorded, played back."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import ForceBlock
from iastm_host.records.entries import Recording

RATE_HZ = 80
NAME = "Progressor_0005"

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def radio(started: Started) -> str:
    """Where the virtual radio of a simulated Progressor is."""
    gauge = started("simulate", "--transport", "ble", "--gauge", "progressor", "--seed", "5")
    assert gauge.stdout is not None
    return gauge.stdout.readline().strip()


def test_a_progressor_is_listed_run_by_its_name_recorded_and_played_back_the_same(
    iastm: Iastm, radio: str, tmp_path: Path
) -> None:
    (listed,) = iastm("scan", "--radio", radio, "--duration", "1", "--json").json
    assert (listed["name"], listed["kind"], listed["battery_percent"]) == (NAME, "progressor", None)
    recordings = tmp_path / "recordings"
    live = iastm("run", "--radio", radio, "--tool", NAME, "--duration", "8", "--record", recordings, "--json")
    assert live.code == 0, live.err
    assert live.json["samples"]["received"] == live.json["samples"]["expected"] >= 8 * RATE_HZ
    assert live.json["gaps"] == 0
    assert live.json["strokes"] >= 3
    assert "can't warn by itself" in live.err
    # There is no common clock by which a latency could be told.
    assert all(alert["latency_ms"] is None for alert in live.json["alerts"])
    (recording,) = recordings.glob("*.iastm")
    replayed = iastm("replay", recording, "--speed", "max", "--json")
    assert replayed.code == 0, replayed.err
    for what in ("samples", "gaps", "strokes", "alerts"):
        assert replayed.json[what] == live.json[what]
    exported = tmp_path / "export.csv"
    assert iastm("export", recording, "--csv", exported).code == 0
    told = [
        force
        for event in recorded_events(Recording(recording))
        if isinstance(event, ForceBlock)
        for force in event.force_n.tolist()
    ]
    rows = [line.split(",") for line in exported.read_text().splitlines() if line[0].isdigit()]
    assert [float(row[3]) for row in rows] == told
    assert len(told) == live.json["samples"]["received"]
    # It tells no raw counts, and none are made up.
    assert {row[4] for row in rows} == {""}
    # The gauge is free again.
    again = iastm("run", "--radio", radio, "--tool", listed["address"], "--duration", "1", "--json")
    assert again.code == 0, again.err


@pytest.mark.parametrize("command", ["link-test", "pair"])
def test_what_needs_a_tool_of_ours_says_so_and_tells_a_progressor_nothing(
    iastm: Iastm, radio: str, command: str
) -> None:
    ran = iastm(command, "--radio", radio, "--tool", NAME)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "language" in ran.err


def test_a_simulated_progressor_has_bluetooth_only_and_ends_cleanly(iastm: Iastm, started: Started) -> None:
    refused = iastm("simulate", "--gauge", "progressor")
    assert refused.code == 2
    assert "--transport ble" in refused.err
    gauge = started("simulate", "--transport", "ble", "--gauge", "progressor")
    assert gauge.stdout is not None
    gauge.stdout.readline()
    gauge.send_signal(signal.SIGINT)
    assert gauge.wait(30) == 0
