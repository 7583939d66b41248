from __future__ import annotations

import json
from typing import Any

import pytest

from iastm_host.app.connected import connected
from iastm_host.app.tool_facts import ToolFacts, as_object, choose_channels, read_log, self_test
from iastm_host.events import Health, Problem, StatusReport
from iastm_protocol import kinds, tool_messages

ALL = kinds.FEATURE_SIGNALS | kinds.FEATURE_SELF_TEST | kinds.FEATURE_LOG | kinds.FEATURE_DOSE
LOG = "# start 1, 12 s: failed\n" * 20


class At:
    """A run with a fake tool that goes on until the test ends."""

    def __init__(self, runs: Any, tool: Any) -> None:
        self.facts = ToolFacts()
        self._made = runs
        self.tool = tool

    def __call__(self, listeners: Any) -> Any:
        run, link = self._made.make(tool=self.tool, listeners=(*listeners, self.facts), step_us=2_000)
        health = tool_messages.HealthReport(3700, 319_500, 12, 3, 4, 1500, 0, kinds.NEVER_SLEEPS)
        for read in range(100, 4000, 50):
            link.at[read] = lambda: self._tell(link, health)
        return run

    def _tell(self, link: Any, health: Any) -> None:
        link._answers += self.tool.status() + self.tool.wire(kinds.HEALTH, health)


@pytest.fixture
def at(runs: Any, fake_tool: Any) -> Any:
    return lambda **tool: At(runs, fake_tool(**tool))


def test_what_a_tool_tells_is_one_json_object(at: Any) -> None:
    made = at(features=ALL, trouble="no motion sensor", reset_reason=kinds.RESET_WATCHDOG, log=LOG.encode())
    with connected(made) as (_run, tool):
        assert made.facts.wait(StatusReport, 30) is not None
        assert made.facts.wait(Health, 30) is not None
        told = as_object(tool, made.facts)
    assert json.loads(json.dumps(told)) == told
    assert told["trouble"] == "no motion sensor"
    assert told["started_because"] == "its firmware hung, and its watchdog started it anew"
    assert (told["rate_hz"], told["jitter_us"], told["battery_v"], told["dose_ns"]) == (319.5, 12, 3.7, 1.5)
    assert told["channels"] == {
        "there": ["light", "buzzer", "vibration"],
        "chosen": ["light", "vibration"],
        "silenced_s": 0,
    }
    assert told["sleeps_after_s"] is None


def test_what_an_older_tool_does_not_tell_is_unknown_and_not_zero() -> None:
    facts = ToolFacts()
    assert facts.wait(Health, 0.0) is None
    assert facts.newest(StatusReport) is None


def test_a_log_is_read_whole(at: Any) -> None:
    made = at(features=ALL, log=LOG.encode())
    with connected(made) as (run, tool):
        assert read_log(run.request, tool) == LOG
    empty = at(features=ALL)
    with connected(empty) as (run, tool):
        assert read_log(run.request, tool) == ""


def test_a_self_test_comes_with_its_rows(at: Any) -> None:
    made = at(features=ALL)
    made.tool.self_test = (tool_messages.SelfTestRow(kinds.TEST_RATE, kinds.TEST_FAILED, 10_000, 76_000, 100_000),)
    with connected(made) as (run, tool):
        (row,) = self_test(run.request, tool, made.facts)
    assert (row.test, row.verdict, row.value, row.unit) == ("measured rate", "failed", 10.0, "Hz")


def test_what_a_tool_refuses_in_contact_says_to_lay_it_down(at: Any) -> None:
    made = at(features=ALL)
    made.tool.refuse = dict.fromkeys((kinds.SELF_TEST, kinds.SET_CHANNELS), (kinds.NOT_ALLOWED, ""))
    with connected(made) as (run, tool):
        for ask in (
            lambda: self_test(run.request, tool, made.facts),
            lambda: choose_channels(run.request, tool, made.facts, {"light": False}),
        ):
            with pytest.raises(Problem) as refused:
                ask()
            assert refused.value.what == "The tool is in contact or moves."
            assert refused.value.fix == "Lay it down, then try again."


def test_only_what_was_asked_for_of_the_channels_changes(at: Any) -> None:
    made = at(features=ALL)
    with connected(made) as (run, tool):
        assert choose_channels(run.request, tool, made.facts, {}).chosen == ("light", "vibration")
        now = choose_channels(run.request, tool, made.facts, {"buzzer": True, "light": False})
    assert now.chosen == ("buzzer", "vibration")
    assert made.tool.channels.chosen == kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION


def test_a_channel_that_the_tool_does_not_have_is_refused_with_those_that_it_has(at: Any) -> None:
    made = at(features=ALL)
    made.tool.channels = tool_messages.ChannelsReport(kinds.CHANNEL_LIGHT, 5, 0)
    with connected(made) as (run, tool), pytest.raises(Problem) as refused:
        choose_channels(run.request, tool, made.facts, {"buzzer": True})
    assert refused.value.what == "The tool F-1 has no buzzer."
    assert refused.value.fix == "Choose from what it has: light."


def test_what_the_tool_has_no_part_for_is_refused_in_words(at: Any) -> None:
    made = at()
    with connected(made) as (run, tool):
        for ask in (
            lambda: read_log(run.request, tool),
            lambda: self_test(run.request, tool, made.facts),
            lambda: choose_channels(run.request, tool, made.facts, {"light": True}),
        ):
            with pytest.raises(Problem, match="The tool F-1 "):
                ask()


def test_a_self_test_in_contact_says_why_not(at: Any) -> None:
    made = at(features=ALL)
    made.tool.refuse[kinds.SELF_TEST] = (kinds.NOT_ALLOWED, "not in contact")
    with connected(made) as (run, tool), pytest.raises(Problem, match="not in contact"):
        self_test(run.request, tool, made.facts)
