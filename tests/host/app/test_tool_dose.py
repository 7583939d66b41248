"""The alert of the tool's dose limit: shown, counted, recorded and replayed, also where it was lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from iastm_host.app.live_view import ViewState, live_view, summary_panel
from iastm_host.cli.main import app
from iastm_host.cli.wiring import replay_run
from iastm_host.records.entries import Recording
from iastm_host.terminal.lines import LineReport
from iastm_protocol import kinds, messages, tool_messages


def condition(tool: Any, dose_mns: int, limit_mns: int = 20_000) -> Any:
    return tool.wire(kinds.HEALTH, tool_messages.HealthReport(0, 320_000, 9, 0, 0, dose_mns, limit_mns, 65_535))


def alert(tool: Any) -> Any:
    return tool.wire(kinds.ALERT, messages.AlertReport(kinds.DOSE, tool.next_index - 1, tool.now_us, 5000))


def run_of(runs: Any, tool: Any, said: dict[int, Any], seen: dict[int, Any] | None = None) -> Any:
    """Return a recorded run of 10 s in which the tool says things at reads, and `seen` is filled with snapshots."""
    run, link = runs.make(tool=tool, length_s=10.0, plan={"record": True}, peaks_n=(6.0,))

    def say(make: Any) -> Any:
        def tell() -> None:
            link._answers += make()

        return tell

    for at, make in said.items():
        link.at[at] = say(make)
    for at in list(seen or ()):
        link.at[at] = lambda at=at: seen.update({at: run.snapshot()}) if seen is not None else None
    run.start()
    assert run.join(60)
    return run


def test_the_alert_is_shown_until_the_dose_is_below_its_limit_again(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_DOSE)
    seen: dict[int, Any] = dict.fromkeys((95, 110, 290, 380))
    said = {
        80: lambda: condition(tool, 12_000),
        100: lambda: alert(tool),
        130: lambda: condition(tool, 20_400),
        300: lambda: condition(tool, 0),
        350: lambda: condition(tool, 0),
    }
    run_of(runs, tool, said, seen)
    assert [seen[at].medium_alert is not None for at in seen] == [False, True, True, False]
    live = live_view(seen[110], ViewState())
    assert live.medium
    assert live.banner is not None
    assert (live.banner.kind, live.banner.text) == ("medium", "Dose reached on the tool")
    assert live.banner.sub == "20 N·s over warn · N: next region · S pauses the sound"
    assert [live_view(seen[at], ViewState()).strip.bars[2].limit for at in (95, 110)] == [
        "tool alerts at 20 N·s",
        "limit reached on the tool",
    ]
    assert [live_view(each, ViewState()).strip.headline_grade for each in seen.values()] == ["ok", "over", "over", "ok"]
    lines: list[str] = []
    LineReport(lines.append).update(seen[110])
    assert [line for line in lines if line.startswith("alert")] == [
        f"alert      dose reached on the tool (sample {seen[110].alerts[0].index})"
    ]
    assert dict(summary_panel(seen[380], ViewState()).rows)["Alerts"] == "1 dose"


@pytest.mark.parametrize("lost", [False, True])
def test_it_is_counted_recorded_and_replayed_and_so_is_one_that_was_lost(runs: Any, fake_tool: Any, lost: bool) -> None:
    tool = fake_tool(features=kinds.FEATURE_DOSE)
    said = {at: lambda: condition(tool, 21_000) for at in (150, 200, 250, 300)}
    if not lost:
        said[120] = lambda: alert(tool)
    run = run_of(runs, tool, said)
    (live,) = run.snapshot().alerts
    assert (live.kind, live.priority, live.late) == ("dose", "medium", lost)
    replay = replay_run(Recording(run.summary().recording), 0)
    replay.start()
    assert replay.join(60)
    assert replay.snapshot().alerts == (live,)
    assert replay.snapshot().medium_alert == live
    ran = CliRunner().invoke(app, ["replay", str(run.summary().recording), "--speed", "max", "--headless", "--json"])
    assert [each["kind"] for each in json.loads(ran.stdout)["alerts"]] == ["dose"]


def test_the_tools_warn_and_alarm_stay_advice(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    said = {100: lambda: tool.wire(kinds.ALERT, messages.AlertReport(kinds.ALARM, tool.next_index, 1, 5000))}
    assert run_of(runs, tool, said).snapshot().alerts == ()


def test_three_of_five_over_alarm_go_before_the_dose_and_the_dose_comes_back(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_DOSE)
    run, link = runs.make(tool=tool, length_s=22.0, peaks_n=(15.5, 15.5, 15.5, 6.0, 6.0, 6.0, 6.0, 6.0))
    kinds_seen: list[str | None] = []

    def look() -> None:
        shown = run.snapshot().medium_alert
        kinds_seen.append(None if shown is None else shown.kind)

    def tell() -> None:
        link._answers += alert(tool)

    link.at[50] = tell
    for at in (100, 320, 1000):
        link.at[at] = look
    run.start()
    assert run.join(60)
    assert kinds_seen == ["dose", "repeated", "dose"]
