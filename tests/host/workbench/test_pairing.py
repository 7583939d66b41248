from __future__ import annotations

import asyncio
from typing import Any

import pytest

from iastm_host.events import Problem
from iastm_host.workbench.pairing import fetch_key
from iastm_protocol import kinds

KEY = bytes(range(32))


def paired(runs: Any, tool: Any, told: list[str], *, renew: bool = False) -> tuple[str, bytes]:
    _, link = runs.make(tool=tool)
    found, key = asyncio.run(fetch_key(link, "test 1", link.clock, told.append, renew=renew))
    assert link.closed == 1
    return found.serial_number, key


def test_a_tool_that_gives_its_key_at_once_is_asked_once_and_not_to_stream(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    told: list[str] = []
    assert paired(runs, tool, told) == ("F-1", KEY)
    assert told == []
    commands = [payload[2] for kind, payload in tool.heard if kind == kinds.COMMAND]
    assert commands == [kinds.DESCRIBE, kinds.GET_KEY]


def test_a_tool_that_wants_a_press_is_asked_again_until_it_is_pressed(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    told: list[str] = []
    tool.refuse[kinds.GET_KEY] = (kinds.NEEDS_PRESS, "press the tool's button")
    asked = 0

    class Pressed(dict[int, tuple[int, str]]):
        def get(self, command: int, default: Any = None) -> Any:
            nonlocal asked
            asked += command == kinds.GET_KEY
            return default if asked > 5 else super().get(command, default)

    tool.refuse = Pressed(tool.refuse)
    assert paired(runs, tool, told) == ("F-1", KEY)
    assert told == ["Press the tool's button now, once. Waiting for a minute."]


@pytest.mark.parametrize(
    ("error", "said"),
    [(kinds.NEEDS_PRESS, "not pressed"), (kinds.NOT_ALLOWED, "no key"), (kinds.UNKNOWN_COMMAND, "no key")],
)
def test_without_a_key_it_ends_with_the_reason(runs: Any, fake_tool: Any, error: int, said: str) -> None:
    tool = fake_tool(key=KEY)
    tool.refuse[kinds.GET_KEY] = (error, "")
    with pytest.raises(Problem, match=said):
        paired(runs, tool, [])


def test_what_is_no_tool_is_told(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    tool.mute = {kinds.HELLO}
    with pytest.raises(Problem, match="No tool to pair with"):
        paired(runs, tool, [])


def test_while_the_system_asks_a_person_whether_to_pair_it_is_asked_again(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    tool.mute.add((kinds.COMMAND, kinds.GET_KEY))
    _, link = runs.make(tool=tool)
    # Longer than a request is repeated.
    link.at[500] = tool.mute.clear
    found, key = asyncio.run(fetch_key(link, "test 1", link.clock, print))
    assert (found.serial_number, key) == ("F-1", KEY)


def test_a_pairing_that_the_system_refused_is_told_with_its_cure(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(key=KEY)
    tool.mute.add((kinds.COMMAND, kinds.GET_KEY))
    _, link = runs.make(tool=tool)
    link.at[60] = lambda: setattr(link, "pairing_refused", "It did not pair. Remove it in the settings.")
    with pytest.raises(Problem, match="Remove it in the settings"):
        asyncio.run(fetch_key(link, "test 1", link.clock, print))
