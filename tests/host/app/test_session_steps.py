"""Pause, region and marker, by key and by the tool's button: what counts, is noted, and comes of it in a replay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from iastm_host.app.offline import recorded_events
from iastm_host.cli.main import app
from iastm_host.cli.wiring import replay_run
from iastm_host.events import Alert
from iastm_host.records.entries import GOES_ON, MARKER, PAUSED, REGION, Recording
from iastm_protocol import kinds, messages

# Strokes of the fake tool: 1.2 s each 2 s, the first after 0.4 s; a read is 20 ms.
PEAKS_N = (6.0, 15.5, 12.5, 7.0)


def read_at(seconds: float) -> int:
    return round(seconds / 0.02)


def button(link: Any, gesture: int) -> Any:
    def press() -> None:
        link._answers += link.tool.happen(kinds.EVENT_BUTTON, gesture)

    return press


def recorded(runs: Any, tool: Any, does: dict[float, Any], length_s: float = 10.3) -> Any:
    """Return a recorded run in which `does` happens: seconds, and a function of run and link that makes it."""
    run, link = runs.make(tool=tool, length_s=length_s, plan={"record": True}, peaks_n=PEAKS_N)
    for at_s, make in does.items():
        link.at[read_at(at_s)] = make(run, link)
    run.start()
    assert run.join(60)
    return run


LONG = {"long press": lambda _run, link: button(link, kinds.GESTURE_LONG)}
KEYS = {
    "pause": lambda run, _link: lambda: run.set_paused(True),
    "go on": lambda run, _link: lambda: run.set_paused(False),
}


@pytest.fixture(params=["by key", "by the tool's button"])
def paused(request: Any, runs: Any, fake_tool: Any) -> Any:
    """A run of four whole strokes, paused from amid the second to the rest after the third."""
    begin, end = (KEYS["pause"], KEYS["go on"]) if request.param == "by key" else (LONG["long press"],) * 2
    return recorded(runs, fake_tool(), {2.9: begin, 6.1: end})


def test_strokes_and_dose_of_a_pause_count_for_nothing_and_alerts_go_on(paused: Any) -> None:
    snapshot = paused.snapshot()
    assert not snapshot.paused
    assert (snapshot.stroke_count, snapshot.paused_strokes) == (3, 2)
    assert [stroke.peak_n for stroke in snapshot.strokes] == pytest.approx([6.0, 7.0, 6.0], abs=0.01)
    assert snapshot.exposure.strokes_over_warn == 0
    assert snapshot.exposure.dose_ns < 0.5
    assert [alert.kind for alert in snapshot.alerts] == ["alarm", "warn"]


def test_a_pause_is_noted_and_replayed_and_analysed_as_it_was(paused: Any) -> None:
    live = paused.snapshot()
    recording = Recording(paused.summary().recording)
    assert [step.kind for step in recording.steps()] == [PAUSED, GOES_ON]
    replay = replay_run(recording, 0)
    replay.start()
    assert replay.join(60)
    again = replay.snapshot()
    assert (again.stroke_count, again.paused_strokes, again.paused) == (3, 2, False)
    assert again.exposure == live.exposure
    found = json.loads(CliRunner().invoke(app, ["analyse", str(recording.path), "--json"]).stdout)
    assert (found["stroke_count"], found["strokes_excluded"]) == (3, 2)
    assert found["dose_ns"] == pytest.approx(live.exposure.dose_ns)
    assert found["strokes_over_warn"] == 0
    assert [event.kind for event in recorded_events(recording) if isinstance(event, Alert)] == ["warn", "alarm", "warn"]


def test_a_session_that_ends_paused_counts_nothing_of_it(runs: Any, fake_tool: Any) -> None:
    run = recorded(runs, fake_tool(), {1.9: LONG["long press"]})
    assert run.snapshot().paused
    assert (run.snapshot().stroke_count, run.snapshot().paused_strokes) == (1, 4)


def test_a_press_sets_a_marker_where_it_began_and_so_does_one_of_an_older_tool(runs: Any, fake_tool: Any) -> None:
    begun = []

    def press_late(_run: Any, link: Any) -> Any:
        def press() -> None:
            tool = link.tool
            begun.append(tool.next_index - 100)
            number = len(tool.happened) + 1
            event = messages.ToolEvent(number, kinds.EVENT_BUTTON, begun[-1], tool.now_us, kinds.GESTURE_PRESS)
            tool.happened.append(event)
            link._answers += tool.wire(kinds.TOOL_EVENT, event)

        return press

    run = recorded(runs, fake_tool(), {3.0: press_late, 5.0: lambda _run, link: button(link, kinds.GESTURE_NOT_TOLD)})
    first, second = Recording(run.summary().recording).markers()
    assert run.snapshot().marker_count == 2
    assert first.index == begun[0]
    assert second.index > first.index
    assert MARKER == "marker"


def test_a_press_before_the_run_is_no_wish_for_it(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    tool.next_index = 5000
    tool.happened.append(messages.ToolEvent(1, kinds.EVENT_BUTTON, 4000, 1, kinds.GESTURE_LONG))
    run, link = runs.make(tool=tool, length_s=3.0)

    def tell() -> None:
        link._answers += tool.wire(kinds.TOOL_EVENT, tool.happened[0])

    link.at[100] = tell
    run.start()
    assert run.join(60)
    assert not run.snapshot().paused


def test_a_double_press_goes_to_the_next_region_and_the_tools_dose_is_0_again(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_DOSE)
    double = {3.0: lambda _run, link: button(link, kinds.GESTURE_DOUBLE), 5.0: lambda run, _link: run.next_region}
    run = recorded(runs, tool, double)
    assert run.snapshot().region == 3
    commands = [messages.Command.from_payload(payload) for kind, payload in tool.heard if kind == kinds.COMMAND]
    assert sum(command.command == kinds.RESET_DOSE for command in commands) == 2
    recording = Recording(run.summary().recording)
    assert [(step.kind, step.number) for step in recording.steps()] == [(REGION, 2), (REGION, 3)]
    replay = replay_run(recording, 0)
    replay.start()
    assert replay.join(60)
    assert replay.snapshot().region == 3


def test_a_dose_that_the_tool_does_not_reset_is_said(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_DOSE)
    tool.refuse[kinds.RESET_DOSE] = (kinds.NOT_ALLOWED, "another host holds control")
    run = recorded(runs, tool, {3.0: lambda run, _link: run.next_region})
    (note,) = run.snapshot().notes
    assert note.words == "the tool goes on with the dose of the region before: another host holds control"


def test_a_recording_that_begins_in_a_pause_replays_as_one(runs: Any, fake_tool: Any) -> None:
    run, link = runs.make(tool=fake_tool(), length_s=11.5, peaks_n=PEAKS_N)
    link.at[read_at(2.2)] = lambda: run.set_paused(True)
    link.at[read_at(4.0)] = run.start_recording
    link.at[read_at(8.1)] = lambda: run.set_paused(False)
    run.start()
    assert run.join(60)
    assert run.snapshot().paused_strokes == 3
    found = json.loads(CliRunner().invoke(app, ["analyse", str(run.summary().recording), "--json"]).stdout)
    assert found["strokes_excluded"] == 2
    assert found["stroke_count"] == 1
