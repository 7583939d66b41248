"""The test of a link, driven by a scripted tool: step by step, and whole over links that break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from iastm_host.events import Chunk, Problem
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import LOST, NOT_FOUND, TransportError
from iastm_host.workbench.link_figures import LinkFigures
from iastm_host.workbench.link_test import PATIENCE_S, LinkTest, run_link_test
from iastm_protocol import kinds, messages

RATE_HZ = 320
BATCH = 8
BATCH_US = 25_000


class Scripted:
    """A link test at a fake tool that sends a batch each 25 ms; `spoil` maps a batch's bytes to what arrives."""

    def __init__(self, hand: Any, duration_s: float) -> None:
        self.hand = hand
        self.test = LinkTest(hand.client, duration_s)
        # Whoever moves the link by hand gives its chunks to the test from here on.
        hand.client = self
        self.batches = 0
        self.spoil: Callable[[int, bytes], bytes] = lambda _number, data: data

    state = property(lambda self: self.test.client.state)
    reason = property(lambda self: self.test.client.reason)

    def receive(self, chunk: Chunk) -> list[Any]:
        self.test.receive(chunk)
        return []

    def to_send(self) -> list[bytes]:
        return self.test.client.to_send()

    def run(self, most_steps: int = 2000, *, samples: bool = True) -> LinkFigures:
        """Run the test to its end; return its figures."""
        self.hand.until(states.STREAMING)
        for _ in range(most_steps):
            if self.test.over:
                break
            data = b""
            if samples and self.hand.tool.streaming:
                data = self.spoil(self.batches, self.hand.tool.samples([90_000] * BATCH))
                self.batches += 1
            self.hand.step(data, after_us=BATCH_US)
        self.test.end(self.hand.host_us)
        return self.test.figures()


@pytest.fixture
def scripted(by_hand: Any, fake_tool: Any) -> Callable[..., Scripted]:
    def make(*, keeps: int = 4000, duration_s: float = 2.0, **link: int) -> Scripted:
        return Scripted(by_hand(fake_tool(keeps=keeps), live=False, **link), duration_s)

    return make


def flipped(data: bytes) -> bytes:
    return data[:20] + bytes([data[20] ^ 0x40]) + data[21:]


def test_a_whole_link_is_measured_for_as_long_as_asked(scripted: Any) -> None:
    run = scripted(duration_s=2.0)
    figures = run.run()
    assert figures.measured_s == pytest.approx(2.0, abs=2 * BATCH_US / 1e6)
    assert figures.rate_hz == pytest.approx(RATE_HZ, rel=1e-3)
    assert figures.expected == pytest.approx(2.0 * RATE_HZ, abs=2 * BATCH)
    assert (figures.lost_first, figures.lost_for_good, figures.damaged_frames) == (0, 0, 0)
    assert figures.ended_early == ""
    assert run.batches == pytest.approx(80, abs=2)


def test_nothing_on_the_tool_is_changed(scripted: Any) -> None:
    run = scripted()
    run.run()
    heard = run.hand.tool.heard
    asked = {messages.Command.from_payload(payload).command for kind, payload in heard if kind == kinds.COMMAND}
    assert asked == {kinds.DESCRIBE, kinds.START_STREAM}
    assert {kind for kind, _ in heard} == {kinds.HELLO, kinds.COMMAND, kinds.PING, kinds.ACK}


@pytest.mark.parametrize("way", ["dropped", "damaged"])
def test_a_batch_that_gets_lost_counts_at_first_and_not_for_good(scripted: Any, way: str) -> None:
    run = scripted()
    lost = {10, 30, 31, 50}
    run.spoil = lambda number, data: (b"" if way == "dropped" else flipped(data)) if number in lost else data
    figures = run.run()
    assert figures.lost_first == len(lost) * BATCH
    assert figures.lost_for_good == 0
    assert figures.damaged_frames == (len(lost) if way == "damaged" else 0)


def test_what_is_lost_just_before_the_end_is_seen_and_fetched(scripted: Any) -> None:
    run = scripted(duration_s=1.0)
    run.spoil = lambda number, data: b"" if 36 <= number < 44 else data
    figures = run.run()
    assert figures.lost_first == 8 * BATCH
    assert figures.lost_for_good == 0
    assert figures.measured_s > 1.0


def test_a_tool_that_can_t_send_again_has_lost_for_good(scripted: Any) -> None:
    run = scripted(keeps=0)
    run.spoil = lambda number, data: b"" if number == 10 else data
    figures = run.run()
    assert figures.lost_first == figures.lost_for_good == BATCH
    assert not figures.backfills


def test_what_the_tool_no_longer_has_is_lost_for_good(scripted: Any) -> None:
    run = scripted(keeps=20 * BATCH, duration_s=3.0)
    run.spoil = lambda number, data: b"" if 10 <= number < 60 else data
    figures = run.run()
    assert figures.lost_first == 50 * BATCH
    assert figures.lost_for_good == pytest.approx(30 * BATCH, abs=2 * BATCH)


def test_what_can_t_be_fetched_ends_the_test_all_the_same(scripted: Any) -> None:
    run = scripted()
    run.hand.tool.mute = {kinds.FETCH}
    run.spoil = lambda number, data: b"" if number == 75 else data
    figures = run.run()
    assert run.test.over
    assert figures.lost_first == figures.lost_for_good == BATCH


def test_what_is_lost_after_the_time_measured_is_not_waited_for(scripted: Any) -> None:
    run = scripted(duration_s=1.0, down_us=200_000)

    def spoil(number: int, data: bytes) -> bytes:
        if number == 42:
            # From here on nothing can be had any more.
            run.hand.tool.mute = {kinds.FETCH}
        return b"" if number in (38, 42) else data

    run.spoil = spoil
    figures = run.run()
    assert figures.lost_first == BATCH
    assert figures.lost_for_good == 0
    assert run.batches < 60


def test_a_tool_is_told_more_often_what_came_while_it_sends_again(scripted: Any) -> None:
    told = []
    for spoil in (lambda _number, data: data, lambda number, data: b"" if number == 2 else data):
        run = scripted(duration_s=2.0)
        run.spoil = spoil
        run.hand.tool.mute = {kinds.FETCH}
        run.run(80)
        told.append(sum(kind == kinds.ACK for kind, _ in run.hand.tool.heard))
    assert told[1] > 2 * told[0] > 0


def test_damage_before_the_stream_is_no_damage_of_the_test(scripted: Any) -> None:
    run = scripted()
    run.hand.step(b"rst:0x1 (POWERON)\r\n\0half a frame\0")
    assert run.run().damaged_frames == 0


def test_a_tool_that_sends_no_sample_is_not_waited_for_for_ever(scripted: Any) -> None:
    run = scripted(duration_s=2.0)
    figures = run.run(samples=False)
    assert run.test.over
    assert figures.expected == 0
    assert figures.measured_s == pytest.approx(3.0, abs=0.1)


def test_round_trips_are_timed_ten_times_a_second(scripted: Any) -> None:
    run = scripted(duration_s=3.0, up_us=10_000, down_us=10_000)
    figures = run.run()
    assert figures.round_trips == pytest.approx(30, abs=2)
    # The answer waits for the next chunk.
    assert figures.round_trip_ms.median == BATCH_US / 1000
    assert figures.pings_unanswered == 0


def test_questions_without_an_answer_are_counted(scripted: Any) -> None:
    run = scripted(duration_s=4.0)
    run.hand.until(states.STREAMING)
    run.hand.tool.mute = {kinds.PING}
    figures = run.run()
    assert figures.pings_unanswered == 3
    assert figures.round_trips == 0


def test_a_lost_answer_to_the_start_of_the_stream_is_no_reconnect(scripted: Any) -> None:
    run = scripted()
    tool = run.hand.tool
    tool.mute = {(kinds.COMMAND, kinds.START_STREAM)}
    for _ in range(20):
        run.hand.step()
    # It streams, and nobody was told that it does.
    for _ in range(5):
        run.hand.step(tool.samples([90_000] * BATCH), after_us=BATCH_US)
    assert run.test.client.state == states.SYNCHRONISING
    assert run.test.began
    tool.mute = set()
    figures = run.run()
    assert figures.reconnects == 0
    assert figures.lost_first == 0


# Whole, over links that break


def whole(runs: Any, tool: Any, duration_s: float = 4.0, prepare: Callable[[Any], None] = lambda _: None) -> Any:
    """Return the link after a test over it, and the test."""
    _, link = runs.make(tool=tool)
    prepare(link)
    test = LinkTest(ToolClient("test 1", session=1), duration_s)

    async def at_once(_wait_s: float) -> None:
        pass

    asyncio.run(run_link_test(link, test, link.clock, at_once))
    return link, test


def cut() -> None:
    raise TransportError(LOST, "The cable is out.", "Put it in.")


def test_a_test_stops_the_stream_and_closes_the_link(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=4000)
    link, test = whole(runs, tool)
    assert test.figures().lost_first == 0
    assert link.closed
    assert not tool.streaming


def test_a_link_that_breaks_comes_back_and_what_it_missed_is_fetched(runs: Any, fake_tool: Any) -> None:
    def break_twice(link: Any) -> None:
        link.at = {80: cut, 140: cut}

    link, test = whole(runs, fake_tool(keeps=4000), prepare=break_twice)
    figures = test.figures()
    assert link.opened == 3
    assert figures.reconnects == 2
    assert figures.ended_early == ""
    assert figures.lost_first > 0
    assert figures.lost_for_good == 0
    assert figures.longest_gap_ms > 60


def test_a_link_that_breaks_amid_its_greeting_is_tried_again(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=4000)
    tool.mute = {kinds.HELLO}

    def break_twice(link: Any) -> None:
        def away_for_a_while() -> None:
            reopen = link.open

            async def refuse() -> None:
                link.open = reopen
                raise TransportError(NOT_FOUND, "There is no port.", "Plug it in.")

            link.open = refuse
            tool.mute = set()
            cut()

        # The second time it has said hello, and is asked the rest.
        link.at = {3: away_for_a_while, 6: cut}

    link, test = whole(runs, tool, prepare=break_twice)
    assert link.opened == 3
    assert test.figures().reconnects == 0
    assert test.figures().lost_first == 0


def test_a_link_that_broke_amid_its_greeting_and_stays_away_is_told_as_it_is(runs: Any, fake_tool: Any) -> None:
    error = TransportError(NOT_FOUND, "There is no port.", "Plug it in.")

    def break_for_good(link: Any) -> None:
        async def refuse() -> None:
            link.clock.now_us += 3_000_000
            raise error

        def go_away() -> None:
            link.open = refuse
            cut()

        link.at = {2: go_away}

    with pytest.raises(TransportError) as raised:
        whole(runs, fake_tool(), prepare=break_for_good)
    assert raised.value is error


def test_what_stood_half_sent_when_a_link_came_back_is_no_damage(runs: Any, fake_tool: Any) -> None:
    def break_once(link: Any) -> None:
        def half_a_frame() -> None:
            link._answers = b"half a frame\0" + link._answers

        link.at = {80: cut, 81: half_a_frame}

    _, test = whole(runs, fake_tool(keeps=4000), prepare=break_once)
    assert test.figures().reconnects == 1
    assert test.figures().damaged_frames == 0


def test_patience_begins_anew_with_each_link_that_came_back(runs: Any, fake_tool: Any) -> None:
    def break_often(link: Any) -> None:
        link.at = dict.fromkeys((200, 500, 800, 1100), cut)

    _, test = whole(runs, fake_tool(keeps=4000), 30.0, break_often)
    assert test.figures().reconnects == 4
    assert test.figures().ended_early == ""


def test_a_link_that_does_not_come_back_ends_the_test_with_what_was_measured(runs: Any, fake_tool: Any) -> None:
    def break_for_good(link: Any) -> None:
        async def refuse() -> None:
            link.clock.now_us += 3_000_000
            cut()

        def go_away() -> None:
            link.open = refuse
            cut()

        link.at = {80: go_away}

    _, test = whole(runs, fake_tool(keeps=4000), prepare=break_for_good)
    figures = test.figures()
    assert figures.ended_early == "The cable is out."
    assert figures.reconnects == 0
    assert 0 < figures.expected < 2 * RATE_HZ
    assert PATIENCE_S <= figures.measured_s < PATIENCE_S + 6
    assert figures.longest_gap_ms > PATIENCE_S * 1000


def test_a_link_that_never_was_is_told_as_it_is(runs: Any, fake_tool: Any) -> None:
    error = TransportError("not found", "There is no port.", "Plug it in.")

    def refuse(link: Any) -> None:
        link.open_error = error

    with pytest.raises(TransportError) as raised:
        whole(runs, fake_tool(), prepare=refuse)
    assert raised.value is error


def test_something_that_is_no_tool_is_told_with_what_to_do(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()
    tool.mute = {kinds.HELLO}
    with pytest.raises(Problem, match="Nothing came within 5 s") as raised:
        whole(runs, tool)
    assert "right port" in raised.value.fix


def test_a_gauge_of_another_language_is_not_asked(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool()

    def other(link: Any) -> None:
        link.dialect = "another"

    with pytest.raises(Problem, match="another language") as raised:
        whole(runs, tool, prepare=other)
    assert "iastm run" in raised.value.fix
    assert tool.heard == []


def test_an_interrupted_test_stops_the_stream_and_keeps_its_figures(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=4000)
    _, link = runs.make(tool=tool)
    test = LinkTest(ToolClient("test 1"), 1000.0)

    async def interrupted() -> None:
        running = asyncio.ensure_future(run_link_test(link, test, link.clock))
        link.at = {200: running.cancel}
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert not tool.streaming
    assert link.closed
    figures = test.figures()
    assert figures.expected > RATE_HZ
    assert figures.ended_early == ""
    assert figures.stopped


def test_a_tool_that_is_unplugged_ends_the_test_soon_and_its_time_where_it_was_pulled(
    runs: Any, fake_tool: Any
) -> None:
    def pull(link: Any) -> None:
        async def refuse() -> None:
            link.clock.now_us += 1_000_000
            raise TransportError(NOT_FOUND, "There is no port.", "Plug it in.")

        def go_away() -> None:
            link.open = refuse
            cut()

        link.at = {80: go_away}

    link, test = whole(runs, fake_tool(keeps=4000), 30.0, pull)
    figures = test.figures()
    assert figures.gone
    assert not figures.stopped
    # 3 s of waiting for it were no time of the link's.
    assert 0 < figures.measured_s < 2
    assert figures.longest_gap_ms < 500
    assert link.clock.now_us - test._meter.started_us < 5_500_000


def test_a_tool_that_restarts_is_away_for_a_while_and_not_unplugged(runs: Any, fake_tool: Any) -> None:
    def restart(link: Any) -> None:
        reopen = link.open
        tries = iter(range(2))

        async def refuse() -> None:
            link.clock.now_us += 1_000_000
            if next(tries, None) is None:
                link.open = reopen
                await reopen()
                return
            raise TransportError(NOT_FOUND, "There is no port.", "Plug it in.")

        def go_away() -> None:
            link.open = refuse
            cut()

        link.at = {80: go_away}

    _, test = whole(runs, fake_tool(keeps=4000), prepare=restart)
    assert test.figures().reconnects == 1
    assert not test.figures().gone
    assert not test.away
