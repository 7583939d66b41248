"""What a tool says of its own start, its parts and its channels, in a run's snapshot."""

from __future__ import annotations

from typing import Any

from iastm_host.tool.words import FAULTS
from iastm_protocol import kinds, messages, tool_messages


def status(tool: Any, faults: int) -> bytes:
    made: bytes = tool.wire(kinds.STATUS, messages.Status(tool.next_index, 80, 0, faults, 0, 0, 0, 0, 1, 1, 0))
    return made


def snapshot_of(runs: Any, tool: Any, **wishes: Any) -> Any:
    run, _ = runs.whole(tool=tool, length_s=2.0, **wishes)
    return run.snapshot()


def test_a_tool_that_restarted_after_a_failure_says_so_once(runs: Any, fake_tool: Any) -> None:
    for reason, said in (
        (kinds.RESET_POWER, []),
        (kinds.RESET_WAKE, []),
        (kinds.RESET_WATCHDOG, ["its firmware hung, and its watchdog started it anew"]),
        (kinds.RESET_FAILURE, ["its firmware failed, and started itself anew"]),
    ):
        notes = snapshot_of(runs, fake_tool(reset_reason=reason)).notes
        assert [note.words for note in notes] == [f"the tool restarted after a failure: {each}" for each in said]


def test_power_that_went_amid_a_stream_is_said(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    tool.power_losses = 4
    run, link = runs.make(tool=tool, length_s=8.0)

    def lose_power() -> None:
        tool.boot_id += 1
        tool.power_losses += 1
        tool.greeted = tool.streaming = False
        tool.next_index = 0

    link.at[100] = lose_power
    run.start()
    assert run.join(60)
    (note,) = run.snapshot().notes
    assert note.words == "the tool's power went amid a stream: check battery and cable"


def test_what_of_the_tool_did_not_start_stands_with_the_fault(runs: Any, fake_tool: Any) -> None:
    for faults, first in (
        (kinds.FAULT_BOARD, "a part of the tool did not start"),
        (0, "something of the tool is amiss"),
    ):
        tool = fake_tool(trouble="no motion sensor answers")
        run, link = runs.make(tool=tool, length_s=3.0)

        def tell(tool: Any = tool, link: Any = link, faults: int = faults) -> None:
            link._answers += status(tool, faults)

        link.at[100] = tell
        run.start()
        assert run.join(60)
        assert run.snapshot().faults == (f"{first}: no motion sensor answers",)
        assert FAULTS[kinds.FAULT_BOARD] not in run.snapshot().faults


def test_a_silence_of_the_tool_runs_out_on_the_hosts_clock(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_SIGNALS)
    tool.channels = tool_messages.ChannelsReport(kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER, 5, 0)
    run, link = runs.make(tool=tool, length_s=6.0)
    seen = []

    def silence() -> None:
        link._answers += tool.wire(kinds.CHANNELS, tool_messages.ChannelsReport(3, 5, 2))

    link.at[100] = silence
    for number in (90, 105, 150, 220):
        link.at[number] = lambda: seen.append(run.snapshot().tool_silenced_s)
    run.start()
    assert run.join(60)
    assert seen == [0, 2, 2, 0]
    # Of what is chosen it has the light alone.
    assert run.snapshot().tool_alerts_by == ("light",)


def test_a_tool_that_tells_of_no_channels_claims_none(runs: Any, fake_tool: Any) -> None:
    assert snapshot_of(runs, fake_tool()).tool_alerts_by is None
