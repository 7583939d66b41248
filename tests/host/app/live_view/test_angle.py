from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.host.app.live_view.snapshots import LIVE, resting

from iastm_host.app.live_view import live_view
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.events import Motion
from iastm_host.terminal.screen import screen


def held(tilt_deg: float | None, **states: bool) -> LiveSnapshot:
    motion = None
    if tilt_deg is not None:
        motion = Motion(1, 1, tilt_deg, 0.0, **{"lying": False, "wiping": False, "moving": True} | states)
    snapshot = resting(6.8, tool_motion=motion)
    assert snapshot.tool is not None
    return replace(snapshot, tool=replace(snapshot.tool, senses_motion=True))


@pytest.mark.parametrize(
    ("snapshot", "said"),
    [
        (held(43.0), "45°"),
        (held(-12.4), "−10°"),
        (held(0.4), "0°"),
        (held(None), "–"),
        (held(1.0, lying=True), "0°, put down"),
        (held(30.0, wiping=True), "30°, wiped"),
        (resting(6.8), ""),
    ],
)
def test_the_angle_stands_in_steps_with_what_becomes_of_the_tool(snapshot: LiveSnapshot, said: str) -> None:
    view = live_view(snapshot, LIVE)
    assert view.angle_text == said
    assert (view.banner, view.medium, view.technical) == (None, False, False)


def test_a_hand_that_trembles_between_two_steps_makes_no_flicker() -> None:
    view, shown = LIVE, []
    for tilt_deg in (42.0, 43.0, 42.0, 43.5, 44.5, 43.0, 41.5, 40.9):
        live = live_view(held(tilt_deg), view)
        view = view.after(held(tilt_deg), live.ladder.state, live.angle_deg)
        shown.append(live.angle_text)
    assert shown == ["40°"] * 4 + ["45°"] * 3 + ["40°"]


def test_the_text_view_shows_it_beside_the_pressure() -> None:
    snapshot = held(43.0)
    console = Console(width=120, height=45, record=True, file=io.StringIO())
    console.print(screen(snapshot, live_view(snapshot, LIVE), 120, 45))
    assert "Angle 45°" in console.export_text()
