"""Two host programs, one tool: the second is told who has it, and the first loses nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

RATE_HZ = 320
NAME = "IASTM 0005"

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def live(started: Started, *arguments: str) -> subprocess.Popen[str]:
    """Return a run that has begun to stream."""
    run = started("run", *arguments, "--duration", "600", "--json")
    assert run.stderr is not None
    while "Live" not in (line := run.stderr.readline()):
        assert line, run.communicate()
    return run


def assert_lost_nothing(run: subprocess.Popen[str]) -> None:
    """End `run` as its user does, and look at what it came to."""
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    told = json.loads(out)
    assert told["samples"]["received"] == told["samples"]["expected"] > RATE_HZ
    assert told["gaps"] == 0


def assert_told(second: Any, *words: str) -> None:
    assert second.code == 2
    assert second.out == "" or json.loads(second.out)["samples"]["received"] == 0
    for word in words:
        assert word in second.err
    assert "Traceback" not in second.err


def test_a_second_program_on_a_port_is_told_that_it_is_busy_and_the_first_loses_nothing(
    iastm: Iastm, started: Started
) -> None:
    port = first_line(started("simulate", "--seed", "5"))
    first = live(started, "--port", port)
    # Again and again, for as long as the first one needs to stream more than a second.
    until_s = time.monotonic() + 2.0
    while time.monotonic() < until_s:
        assert_told(iastm("run", "--port", port, "--duration", "1", "--json"), port, "busy", "Close that program")
    assert_lost_nothing(first)
    # And the port is free again.
    assert iastm("run", "--port", port, "--duration", "1", "--json").code == 0


def test_a_second_program_on_the_air_is_told_that_the_tool_is_in_use_and_the_first_loses_nothing(
    iastm: Iastm, started: Started
) -> None:
    radio = first_line(started("simulate", "--transport", "ble", "--seed", "5"))
    first = live(started, "--radio", radio, "--tool", NAME)
    (listed,) = iastm("scan", "--radio", radio, "--duration", "1", "--json").json
    assert listed["in_use"]
    assert "in use" in iastm("scan", "--radio", radio, "--duration", "1").out
    second = iastm("run", "--radio", radio, "--tool", NAME, "--duration", "1", "--json")
    assert_told(second, NAME, "in use by another program", "End its link there")
    assert_lost_nothing(first)


def test_of_two_programs_that_come_at_once_one_has_the_tool_and_the_other_is_told(started: Started) -> None:
    port = first_line(started("simulate", "--seed", "5"))
    both = [started("run", "--port", port, "--duration", "4", "--json") for _ in range(2)]
    ended = [(run.communicate(timeout=60), run.returncode) for run in both]
    assert sorted(code for _, code in ended) == [0, 2], "\n".join(f"{code}: {err}" for (_, err), code in ended)
    for (out, err), code in ended:
        if code:
            assert "busy" in err
        else:
            assert json.loads(out)["gaps"] == 0
            assert json.loads(out)["samples"]["received"] >= 4 * RATE_HZ
