"""The tool's log is brought here while a run goes on, and takes nothing from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from iastm_host.events import Problem
from iastm_host.records.tool_logs import Counters, ToolLogs
from iastm_protocol import kinds, messages

LOG = "# start 1, 12 s: failed\n  ValueError: " + "x" * 300 + "\n# start 2, 3600 s: watchdog\n"
SERIAL = "F-1"


class AtOnce(ThreadPoolExecutor):
    """Does its work when it is given: the disk takes no time, as the link takes none."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments, **named))
        except Problem as error:
            done.set_exception(error)
        return done


def whole_run(runs: Any, tool: Any, folder: Path) -> Any:
    def disk_at_once() -> None:
        asyncio.get_running_loop().set_default_executor(AtOnce())

    run, _ = runs.whole(tool=tool, length_s=6.0, plan={"tool_logs": ToolLogs(folder)}, at={1: disk_at_once})
    return run.snapshot()


def asked(tool: Any) -> int:
    commands = [messages.Command.from_payload(payload) for kind, payload in tool.heard if kind == kinds.COMMAND]
    return sum(command.command == kinds.GET_LOG for command in commands)


def words(snapshot: Any) -> list[str]:
    return [note.words for note in snapshot.notes]


def test_a_log_that_is_new_is_kept_and_said_for_who_looks_after_tools(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    tool = fake_tool(features=kinds.FEATURE_LOG, log=LOG.encode())
    snapshot = whole_run(runs, tool, tmp_path)
    assert ToolLogs(tmp_path).log(SERIAL) == LOG
    assert words(snapshot) == ["the tool's log has 2 new entries, kept here: iastm tool log"]
    assert not snapshot.notes[0].far
    assert snapshot.missing_samples == 0
    again = whole_run(runs, fake_tool(features=kinds.FEATURE_LOG, log=LOG.encode()), tmp_path)
    assert words(again) == []


def test_a_tool_without_a_log_is_not_asked_for_one(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    for tool in (fake_tool(), fake_tool(features=kinds.FEATURE_LOG)):
        snapshot = whole_run(runs, tool, tmp_path)
        assert asked(tool) == 0
        assert words(snapshot) == []


def test_the_stream_runs_before_the_log_is_asked_for(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    tool = fake_tool(features=kinds.FEATURE_LOG, log=LOG.encode())
    whole_run(runs, tool, tmp_path)
    order = [messages.Command.from_payload(payload).command for kind, payload in tool.heard if kind == kinds.COMMAND]
    assert order.index(kinds.START_STREAM) < order.index(kinds.GET_LOG)


def test_power_that_went_since_the_tool_was_here_last_is_said(runs: Any, fake_tool: Any, tmp_path: Path) -> None:
    ToolLogs(tmp_path).keep_counters(SERIAL, Counters(1, 0), "2026-11-21T10:00:00+01:00")
    tool = fake_tool()
    tool.power_losses = 2
    (note,) = whole_run(runs, tool, tmp_path).notes
    assert note.words == "the tool's power went amid a stream: check battery and cable"
    assert note.far
    known = fake_tool()
    known.power_losses = 2
    assert words(whole_run(runs, known, tmp_path)) == []


def test_a_log_that_the_tool_refuses_and_a_disk_that_refuses_it_are_said(
    runs: Any, fake_tool: Any, tmp_path: Path
) -> None:
    tool = fake_tool(features=kinds.FEATURE_LOG, log=LOG.encode())
    tool.refuse[kinds.GET_LOG] = (kinds.FAILED, "it can't be read")
    assert words(whole_run(runs, tool, tmp_path)) == ["the tool did not give its log"]
    (tmp_path / SERIAL).write_text("a file where the folder should be")
    refused = words(whole_run(runs, fake_tool(features=kinds.FEATURE_LOG, log=LOG.encode()), tmp_path))
    assert refused[0].startswith("the tool's log is not kept here: ")
