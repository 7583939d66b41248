"""Silencing the tool's buzzer and motor from the live view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.host.app.live_view.snapshots import LIVE, resting

from iastm_host.app.live_view import ViewState, is_silent, live_view, sound_label
from iastm_host.app.snapshot import LiveSnapshot
from iastm_protocol import kinds, messages, tool_bodies


def asked(tool: Any) -> list[int]:
    commands = [messages.Command.from_payload(payload) for kind, payload in tool.heard if kind == kinds.COMMAND]
    return [tool_bodies.read_silence_body(each.body) for each in commands if each.command == kinds.SILENCE]


def whole(runs: Any, tool: Any, does: dict[int, bool]) -> Any:
    run, link = runs.make(tool=tool, length_s=6.0)
    for at, silent in does.items():
        link.at[at] = lambda silent=silent: run.silence_tool(silent)
    run.start()
    assert run.join(60)
    return run


def test_a_tool_that_can_is_silenced_for_a_minute_and_again_ends_it(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_SIGNALS)
    run = whole(runs, tool, {100: True, 150: False})
    assert asked(tool) == [60, 0]
    assert run.snapshot().notes == ()


def test_a_tool_that_can_not_is_not_asked(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    run = whole(runs, tool, {100: True})
    assert asked(tool) == []
    assert (run.snapshot().notes, run.snapshot().problem) == ((), None)


def test_a_silence_that_the_tool_refuses_is_said_each_time(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_SIGNALS)
    tool.refuse[kinds.SILENCE] = (kinds.NEEDS_KEY, "this needs the tool's key")
    early = whole(runs, tool, {100: True}).snapshot().notes
    again = fake_tool(features=kinds.FEATURE_SIGNALS)
    again.refuse = tool.refuse
    late = whole(runs, again, {100: True, 200: True}).snapshot().notes
    assert [note.words for note in early] == ["the tool is not silenced: this needs the tool's key"]
    assert [note.words for note in late] == [note.words for note in early]
    assert late[0].since_us > early[0].since_us


def with_signals(**changes: Any) -> LiveSnapshot:
    snapshot = resting(6.8, **changes)
    assert snapshot.tool is not None
    return replace(snapshot, tool=replace(snapshot.tool, chooses_channels=True))


def test_without_a_loudspeaker_the_key_is_the_tools_where_it_can_be_silenced() -> None:
    mute = LIVE.without_sound()
    sounding, silenced = with_signals(), with_signals(tool_silenced_s=41)
    assert [sound_label(each, mute) for each in (sounding, silenced)] == ["Silence tool", "Tool sounds"]
    assert [is_silent(each, mute) for each in (sounding, silenced)] == [False, True]
    assert sound_label(resting(6.8), mute) == ""
    assert "S" in [action.key for action in live_view(sounding, mute).actions]


def test_with_a_loudspeaker_it_is_this_computers_sound_that_the_key_follows() -> None:
    snapshot = with_signals(tool_silenced_s=41)
    paused = ViewState().pause_sound(snapshot.taken_us)
    assert (sound_label(snapshot, ViewState()), sound_label(snapshot, paused)) == ("Pause sound", "Sound on")
    chips = live_view(snapshot, paused).chips
    assert [(chip.word, chip.near) for chip in chips[-2:]] == [("2:00", ""), ("0:41", "Tool")]
