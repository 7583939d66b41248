"""A run is ended cleanly by whoever ends it: by interrupt, where a shell had it ignored too, and by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import ToolDescription, ZeroReport
from iastm_host.records.entries import Recording

TIMEOUT_S = 60.0
IGNORING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
)
Started = Callable[..., subprocess.Popen[str]]


def last_words(process: subprocess.Popen[str]) -> str:
    """End what a failed test needs no more; return what it said."""
    process.kill()
    return process.communicate(timeout=TIMEOUT_S)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_tool_in_the_background_of_a_script_is_ended_by_a_signal(
    environment: dict[str, str], number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "iastm_host.cli.main", "simulate", "--scenario", "quiet"]
    with subprocess.Popen(
        [sys.executable, "-c", IGNORING, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("/dev/")
            process.send_signal(number)
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_closes_its_recording_and_sums_up(
    started: Started, tmp_path: Path, number: signal.Signals
) -> None:
    process = started("demo", "--headless", "--json", "--duration", "600", "--record", tmp_path / "recordings")
    assert process.stderr is not None
    assert any("streaming" in line for line in iter(process.stderr.readline, ""))
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    recording = Recording(Path(json.loads(out)["recording"]))
    assert recording.condition() == (0, 0, 0)


def test_sigterm_ends_other_commands_with_its_own_code(started: Started, tmp_path: Path) -> None:
    fifo = tmp_path / "never.csv"
    os.mkfifo(fifo)
    # An interrupt inside open() leaves a file that nobody could close: Python's to warn of, not ours.
    process = started("analyse", fifo, PYTHONWARNINGS="ignore::ResourceWarning")
    # It opens once the command reads, which then waits for bytes that never come.
    with fifo.open("wb"):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 143
    assert "Traceback" not in err


def test_a_simulated_tool_runs_at_another_rate_and_from_a_zero_that_nobody_confirmed(
    iastm: Callable[..., Any], started: Started, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.csv"
    tool = started("simulate", "--rate", "80", "--zero-unconfirmed", "--truth", truth)
    assert tool.stdout is not None
    port = tool.stdout.readline().strip()
    ran = iastm("run", "--port", port, "--duration", "3", "--json", "--record", tmp_path / "recordings")
    assert ran.code == 0, (ran.err, last_words(tool))
    told = ran.json
    assert 240 <= told["samples"]["received"] <= 260, (told, ran.err, last_words(tool))
    events = list(recorded_events(Recording(Path(told["recording"]))))
    assert {event.rate_hz for event in events if isinstance(event, ToolDescription)} == {80.0}
    assert {event.confirmed for event in events if isinstance(event, ZeroReport)} == {False}
    first, second = truth.read_text().splitlines()[1:3]
    assert int(second.split(",")[1]) - int(first.split(",")[1]) == 12_500


@pytest.mark.parametrize("rate", ["9", "2001", "much"])
def test_a_rate_that_no_converter_has_is_refused(iastm: Callable[..., Any], rate: str) -> None:
    ran = iastm("simulate", "--rate", rate)
    assert ran.code == 2
    assert "rate" in ran.err
