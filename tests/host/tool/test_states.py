from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_protocol import kinds

STATES = {
    states.CLOSED,
    states.SEARCHING,
    states.CONNECTING,
    states.GREETING,
    states.SYNCHRONISING,
    states.STREAMING,
    states.SILENT,
    states.REFUSED,
    states.LOST,
    states.ENDED,
}


def test_every_happening_has_words() -> None:
    assert {happening for _, happening in states.TRANSITIONS} == set(states.REASONS)


def test_every_row_leads_from_and_to_known_states_and_every_state_is_reached() -> None:
    assert {state for state, _ in states.TRANSITIONS} <= STATES
    reached = {states.CLOSED}
    while new := {to for (state, _), to in states.TRANSITIONS.items() if state in reached} - reached:
        reached |= new
    assert reached == STATES


def test_what_is_not_in_the_table_is_an_error_of_ours() -> None:
    for state, happening in product(STATES, states.REASONS):
        if (state, happening) in states.TRANSITIONS:
            assert states.after(state, happening) == states.TRANSITIONS[state, happening]
        else:
            with pytest.raises(KeyError):
                states.after(state, happening)


def in_state(by_hand: Any, state: str) -> Any:
    """Return a client by hand that was led into `state` by what happens on a link."""
    if state == states.CLOSED:
        return None
    hand = by_hand(live=False)
    if state == states.SEARCHING:
        hand.client = ToolClient("test 1")
        hand.client.seeking()
    if state in (states.REFUSED, states.GREETING):
        hand.tool.mute = {kinds.HELLO}
        hand.step()
    if state == states.LOST:
        hand.client.broken("gone")
    if state == states.ENDED:
        hand.client.finished()
    if state == states.SILENT:
        hand.until(states.STREAMING).tool.mute = {kinds.HELLO, kinds.PING, kinds.COMMAND}
    return hand.until(state)


@pytest.mark.parametrize("state", sorted(STATES - {states.CLOSED, states.CONNECTING}))
def test_a_link_can_break_or_be_closed_in_every_state(by_hand: Any, state: str) -> None:
    for happening in ("broken", "finished"):
        hand = in_state(by_hand, state)
        if happening == "broken":
            hand.client.broken("cable out")
            assert hand.client.state in (states.LOST, states.REFUSED, states.ENDED)
        else:
            hand.client.finished()
            assert hand.client.state == states.ENDED


def test_a_link_that_never_opened_can_break_or_be_closed() -> None:
    broken = ToolClient("test 1")
    broken.opening()
    assert broken.broken("no such port")[0].reason == "no such port"  # type: ignore[union-attr]
    closed = ToolClient("test 1")
    closed.opening()
    closed.finished()
    assert (broken.state, closed.state) == (states.LOST, states.ENDED)
    unused = ToolClient("test 1")
    unused.finished()
    assert unused.state == states.ENDED


@pytest.mark.parametrize("state", sorted(STATES - {states.CLOSED, states.CONNECTING}))
@pytest.mark.parametrize("major", [1, 2])
def test_no_message_of_a_tool_leaves_the_table_in_any_state(by_hand: Any, state: str, major: int) -> None:
    hand = in_state(by_hand, state)
    hand.tool.major = major
    hand.tool.mute = {kinds.HELLO}
    before = hand.client.state
    hand.step(hand.tool.wire(kinds.HELLO_ANSWER, hand.tool.hello_answer()) + hand.tool.describe())
    after = hand.client.state
    assert before == after or after in {to for (at, _), to in states.TRANSITIONS.items() if at == before}
    if major == 2 and before in (states.GREETING, states.SYNCHRONISING, states.SILENT):
        assert after == states.REFUSED
