"""A stranger only watches; a computer that was given the tool's key sets its limits. Over the virtual radio."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import LimitsReport
from iastm_host.records.entries import Recording

NAME = "IASTM 0001"
Started = Callable[..., subprocess.Popen[str]]


def on_air(started: Started, *arguments: object) -> str:
    tool = started("simulate", "--transport", "ble", *arguments)
    assert tool.stdout is not None
    return tool.stdout.readline().strip()


def test_a_stranger_watches_and_after_pairing_the_tool_takes_its_limits(
    iastm: Callable[..., Any], started: Started, tmp_path: Any
) -> None:
    presses = [word for at_s in range(1, 120, 3) for word in ("--press", str(at_s))]
    radio = on_air(started, *presses)
    on = ("--radio", radio, "--tool", NAME)
    warned = []
    for name in ("stranger", "paired"):
        if name == "paired":
            done = iastm("pair", *on)
            assert done.code == 0, done.err
            assert "SIM-0001" in done.out
        folder = tmp_path / name
        ran = iastm("run", *on, "--headless", "--duration", "3", "--record", folder)
        assert ran.code == 0, ran.err
        (path,) = folder.glob("*.iastm")
        reports = [event for event in recorded_events(Recording(path)) if isinstance(event, LimitsReport)]
        warned.append(reports[-1].warn_n)
        assert ("tool SIM-0001, press its button, then: iastm pair" in ran.out) == (name == "stranger")
    assert warned == [0.0, 11.0]


def test_a_tool_whose_button_nobody_pressed_keeps_its_key_from_a_stranger(
    started: Started, iastm: Callable[..., Any]
) -> None:
    radio = on_air(started)
    asking = started("pair", "--radio", radio, "--tool", NAME)
    assert asking.stderr is not None
    assert "Press the tool's button" in asking.stderr.readline()
    asking.terminate()
    assert asking.wait(30) in (143, -15)
    assert iastm("pair", "--radio", radio, "--tool", NAME, "--renew").code == 2


def test_a_cable_needs_no_press_and_makes_a_new_key_on_request(iastm: Callable[..., Any], started: Started) -> None:
    tool = started("simulate")
    assert tool.stdout is not None
    port = tool.stdout.readline().strip()
    for more in ((), ("--renew",)):
        ran = iastm("pair", "--port", port, *more)
        assert ran.code == 0, ran.err
        assert "only you can read" in ran.out or "keyring" in ran.out


@pytest.mark.parametrize("arguments", [(), ("--port", "x", "--tool", "y"), ("--tool", "y", "--renew")])
def test_bad_input_is_told(iastm: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    ran = iastm("pair", *arguments)
    assert ran.code == 2
    assert "--" in ran.err
