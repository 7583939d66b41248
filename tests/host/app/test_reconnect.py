"""A link that is lost comes back by itself, and what it missed is fetched: one recording, no gap, the same strokes."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import numpy as np
import pytest

from iastm_host.app.acquisition import Acquisition, Plan
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_profile, recorded_tip
from iastm_host.events import Cut, ForceBlock, Gap, LinkChanged, Stroke, ToolDescription
from iastm_host.records.entries import Recording
from iastm_host.tool.timeline import NOT_SEEN
from iastm_host.transports.base import BUSY, ENDED, LOST, NOT_FOUND, NOT_READING, TransportError
from iastm_host.transports.replay import ReplayClock, ReplayTransport
from iastm_protocol import kinds, messages

PATIENT = {"patience_s": None, "record": True}


def cut() -> None:
    raise TransportError(LOST, "The cable is out.", "Put it in.")


def run_with_cuts(runs: Any, tool: Any, at: tuple[int, ...], length_s: float = 12.0) -> tuple[Acquisition, Any]:
    run, link = runs.make(tool=tool, length_s=length_s, plan=PATIENT)
    for number in at:
        link.at[number] = cut
    run.start()
    assert run.join(60)
    return run, link


def assert_replays_to(summary: Any) -> None:
    """Play the recording of a run back, in a run and offline; both must come to what it came to."""
    recording = Recording(summary.recording)
    clock = ReplayClock(lambda: 0, 0)
    plan = Plan(
        "replay",
        recorded_profile(recording),
        recorded_tip(recording),
        recorded_contact(recording),
        recording.start.software,
        live=False,
        replay_span_us=recording.length_us(),
        replay_speed=0,
    )
    replay = Acquisition(ReplayTransport(recording.chunks(), clock), plan, clock.now_us, lambda: None)  # type: ignore[arg-type,return-value]
    replay.start()
    assert replay.join(60)
    again = replay.summary()
    assert again.problem is None
    assert (again.samples_received, again.gap_count, again.stroke_count) == (
        summary.samples_received,
        summary.gap_count,
        summary.stroke_count,
    )
    offline = [event for event in recorded_events(recording) if isinstance(event, Stroke) and not event.truncated]
    assert len(offline) == summary.stroke_count


def test_after_a_cut_the_session_goes_on_and_nothing_is_missing(runs: Any, fake_tool: Any) -> None:
    run, link = run_with_cuts(runs, fake_tool(keeps=20_000), (150, 260, 261, 400))
    summary = run.summary()
    assert summary.recording is not None
    assert summary.problem is None
    assert link.opened == 5
    assert summary.gap_count == 0
    whole, _ = runs.make(length_s=12.0)
    whole.start()
    assert whole.join(60)
    assert summary.stroke_count == whole.summary().stroke_count
    events = list(recorded_events(Recording(summary.recording)))
    told = np.concatenate([event.raw_counts for event in events if isinstance(event, ForceBlock)])
    assert len(told) == summary.samples_received
    assert [event.state for event in events if isinstance(event, LinkChanged)].count("lost") == 4


def test_the_recording_of_a_session_with_cuts_replays_to_the_same(runs: Any, fake_tool: Any) -> None:
    run, _ = run_with_cuts(runs, fake_tool(keeps=20_000), (150, 300))
    summary = run.summary()
    assert summary.recording is not None
    assert_replays_to(summary)


def test_what_the_tool_could_not_keep_is_a_gap_and_not_silence(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=200)
    run, link = runs.make(tool=tool, length_s=8.0, plan=PATIENT)

    def long_cut() -> None:
        # Two seconds pass in which the tool goes on and nobody hears it.
        made = int(2 * tool.rate_hz)
        tool.samples(np.full(made, 84_213))
        link.clock.now_us += 2_000_000
        cut()

    link.at[200] = long_cut
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    assert summary.gap_count == 1
    (gap,) = [event for event in recorded_events(Recording(summary.recording)) if isinstance(event, Gap)]
    assert gap.sample_count >= 2 * tool.rate_hz - 200 - 40
    assert gap.reason == "the tool no longer had these samples"


def test_a_link_that_never_was_is_not_tried_for_ever(runs: Any) -> None:
    error = TransportError("not found", "There is no port.", "Plug it in.")
    run, link = runs.make(open_error=error, plan=PATIENT | {"record": False})
    run.start()
    assert run.join(60)
    assert run.summary().problem is error
    assert link.reads == 0


@pytest.mark.parametrize("read", [1, 2, 3, 5])
def test_a_link_that_breaks_amid_its_first_greeting_is_tried_again(runs: Any, fake_tool: Any, read: int) -> None:
    tool = fake_tool(keeps=20_000)
    tool.mute = {kinds.HELLO}
    run, link = runs.make(tool=tool, length_s=4.0, plan=PATIENT)
    reopen, opens = link.open, itertools.count()

    async def gone_at_first() -> None:
        if next(opens) < 2:
            raise TransportError(NOT_FOUND, "There is no port.", "Plug it in.")
        await reopen()

    def pulled_out() -> None:
        assert run.snapshot().link.state == "greeting"
        assert run.snapshot().tool is None
        tool.mute = set()
        link.open = gone_at_first
        cut()

    link.at[read] = pulled_out
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    assert link.opened == 2
    assert summary.gap_count == 0
    assert summary.samples_received > 3 * 320
    (told,) = [event for event in recorded_events(Recording(summary.recording)) if isinstance(event, ToolDescription)]
    assert told.boot_id == tool.boot_id


def test_the_recording_of_a_session_that_broke_amid_its_greeting_replays_to_the_same(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=20_000)
    tool.mute = {kinds.HELLO}
    run, link = runs.make(tool=tool, length_s=12.0, plan=PATIENT)
    link.at[3] = cut
    # Nobody answers the second link: that too is tried again, and played back.
    link.at[300] = tool.mute.clear
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    assert link.opened == 3
    assert summary.samples_received > 4 * 320
    assert_replays_to(summary)


def test_a_link_that_broke_amid_its_greeting_and_stays_away_ends_with_its_reason_once_patience_ends(runs: Any) -> None:
    error = TransportError(NOT_FOUND, "There is no port.", "Plug it in.")
    run, link = runs.make(plan={"patience_s": 1.0})
    opens = 0

    async def refuse() -> None:
        nonlocal opens
        opens += 1
        link.clock.now_us += 400_000
        raise error

    def pulled_out() -> None:
        link.open = refuse
        cut()

    link.at[1] = pulled_out
    run.start()
    assert run.join(60)
    assert run.summary().problem is error
    assert opens == 3


@pytest.mark.parametrize("reason", [NOT_READING, BUSY, ENDED])
def test_what_refuses_amid_the_first_greeting_is_not_tried_again(runs: Any, reason: str) -> None:
    error = TransportError(reason, "It won't.", "Look at it.")
    run, link = runs.make(read_error=error, plan={"patience_s": None})
    run.start()
    assert run.join(60)
    assert run.summary().problem is error
    assert link.opened == 1


@pytest.mark.parametrize("major", [kinds.MAJOR, kinds.MAJOR + 1])
def test_who_does_not_answer_the_first_link_as_a_tool_of_this_version_is_not_tried_again(
    runs: Any, fake_tool: Any, major: int
) -> None:
    tool = fake_tool(major=major)
    tool.mute = {kinds.HELLO} if major == kinds.MAJOR else set()
    run, link = runs.make(tool=tool, plan={"patience_s": None})
    run.start()
    assert run.join(60)
    assert run.summary().problem is not None
    assert link.opened == 1


def test_another_version_after_a_break_amid_the_greeting_ends_the_run(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(major=kinds.MAJOR + 1)
    run, link = runs.make(tool=tool, plan={"patience_s": None})
    link.at[1] = cut
    run.start()
    assert run.join(60)
    assert "Update this program" in run.summary().problem.what
    assert link.opened == 2


@pytest.mark.parametrize("patience_s", [0.0, 0.3])
def test_patience_ends(runs: Any, patience_s: float) -> None:
    run, link = runs.make(plan={"patience_s": patience_s})

    async def refuse() -> None:
        link.clock.now_us += 100_000
        cut()

    def go_away() -> None:
        link.open = refuse
        cut()

    link.at[100] = go_away
    run.start()
    assert run.join(60)
    problem = run.summary().problem
    assert problem is not None
    assert problem.what == "The cable is out."
    assert run.summary().samples_received > 0


def test_a_stop_is_heard_while_the_link_is_tried_again(runs: Any) -> None:
    run, link = runs.make(plan={"patience_s": None})

    async def refuse() -> None:
        run.stop()
        cut()

    def go_away() -> None:
        link.open = refuse
        cut()

    link.at[100] = go_away
    run.start()
    assert run.join(60)
    assert run.summary().problem is None
    assert run.snapshot().finished


@pytest.mark.parametrize(("reason", "woken"), [(LOST, True), (NOT_FOUND, True), (BUSY, False)])
def test_a_tool_that_is_there_again_is_tried_at_once_and_a_busy_one_in_its_time(
    runs: Any, reason: str, woken: bool
) -> None:
    run, link = runs.make(length_s=4.0, plan={"patience_s": None})
    opens, waits = 0, []
    reopen = link.open

    async def refuse() -> None:
        nonlocal opens
        opens += 1
        if opens > (12 if woken else 2):
            link.open = reopen
            await reopen()
            return
        raise TransportError(reason, "Not yet.", "Wait.")

    async def rediscovered() -> None:
        waits.append(opens)

    def go_away() -> None:
        link.open, link.rediscovered = refuse, rediscovered
        raise TransportError(reason, "It went.", "Wait.")

    link.at[100] = go_away
    run.start()
    # Of those that are woken, waiting for twelve attempts would take 20 s.
    assert run.join(10)
    assert run.summary().problem is None
    assert waits == (list(range(13)) if woken else [])
    assert run.summary().samples_received > 3 * 320


@pytest.mark.parametrize("what", ["find", "open"])
def test_a_stop_ends_a_search_and_an_opening_that_would_go_on(runs: Any, what: str) -> None:
    run, link = runs.make(plan={"patience_s": None})
    cleaned = []

    async def for_ever() -> None:
        run.stop()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(what)

    setattr(link, what, for_ever)
    run.start()
    assert run.join(10)
    assert cleaned == [what]
    assert link.closed == 1
    assert run.summary().problem is None
    assert run.snapshot().link.state == "ended"


def test_a_search_that_finds_nothing_ends_the_run_with_its_reason(runs: Any) -> None:
    run, link = runs.make(plan=PATIENT | {"record": False})

    async def in_vain() -> None:
        assert run.snapshot().link.state == "searching"
        raise TransportError(NOT_FOUND, "No tool was heard.", "Switch it on.")

    link.find = in_vain
    run.start()
    assert run.join(10)
    assert run.summary().problem.what == "No tool was heard."
    assert link.opened == 0


def test_a_cut_while_the_rest_is_fetched_gives_nothing_up(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=100_000)
    run, link = runs.make(tool=tool, plan={"patience_s": 10.0})
    honest, made = tool.samples, itertools.count()

    def lossy(counts: Any, **more: Any) -> bytes:
        wire = honest(counts, **more)
        return b"" if 100 < next(made) < 110 else wire

    def mended() -> None:
        tool.mute.clear()
        cut()

    tool.samples = lossy
    tool.mute.add(kinds.FETCH)
    link.at[140], link.at[150] = run.stop, mended
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert link.opened == 2
    assert summary.problem is None
    assert summary.gap_count == 0
    assert summary.samples_received == summary.samples_expected > 600


def test_each_cut_has_the_whole_patience(runs: Any, fake_tool: Any) -> None:
    run, link = runs.make(tool=fake_tool(keeps=20_000), length_s=20.0, plan={"patience_s": 3.0})

    def away() -> None:
        link.clock.now_us += 2_000_000
        cut()

    for number in range(100, 600, 100):
        link.at[number] = away
    run.start()
    assert run.join(60)
    assert run.summary().problem is None
    assert link.opened == 6


def test_each_connection_greets_under_a_session_of_its_own(runs: Any, fake_tool: Any) -> None:
    tool = fake_tool(keeps=20_000)
    run_with_cuts(runs, tool, (150, 300))
    sessions = [messages.Hello.from_payload(payload).session for kind, payload in tool.heard if kind == kinds.HELLO]
    assert len(set(sessions)) == 3


def test_a_cut_that_many_attempts_do_not_mend_is_one_note_in_the_recording(runs: Any) -> None:
    run, link = runs.make(length_s=6.0, plan=PATIENT)
    reopen, opens = link.open, itertools.count()

    async def refuse() -> None:
        if next(opens) >= 4:
            link.open = reopen
            await reopen()
        else:
            cut()

    def go_away() -> None:
        link.open = refuse
        cut()

    link.at[150] = go_away
    run.start()
    assert run.join(60)
    recording = Recording(run.summary().recording)
    assert sum(isinstance(item, Cut) for item in recording.chunks()) == 1


def test_a_session_that_ends_while_the_link_is_lost_says_so_wherever_it_is_told(runs: Any) -> None:
    run, link = runs.make(plan=PATIENT)

    async def refuse() -> None:
        link.clock.now_us += 7_000_000
        recording = run.snapshot().recording
        assert recording is not None and recording.elapsed_s > 7
        run.stop()
        cut()

    def go_away() -> None:
        link.open = refuse
        cut()

    link.at[150] = go_away
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.gap_count == 1
    gaps = [event for event in recorded_events(Recording(summary.recording)) if isinstance(event, Gap)]
    assert [(gap.sample_count, gap.reason) for gap in gaps] == [(0, NOT_SEEN)]


def test_a_session_that_ends_while_the_link_stands_has_seen_all(runs: Any) -> None:
    run, link = runs.make(plan=PATIENT)
    link.at[150] = run.stop
    run.start()
    assert run.join(60)
    assert run.summary().gap_count == 0


@pytest.mark.parametrize("back", [False, True])
def test_a_session_that_ends_while_the_tool_is_silent_says_so_unless_samples_have_come_again(
    runs: Any, back: bool
) -> None:
    run, link = runs.make(plan=PATIENT)
    honest, silent = link.tool.samples, [False]

    def samples(counts: Any, **more: Any) -> bytes:
        wire = honest(counts, **more)
        return b"" if silent[0] else wire

    link.tool.samples = samples

    def fall_silent() -> None:
        silent[0] = True
        link.tool.mute |= {kinds.PING, kinds.HELLO}

    def come_back() -> None:
        silent[0] = not back

    # At 20 ms each: silent from 3 s on, noticed at 5 s; samples come again at 5.6 s, the hello's answer does not.
    link.at[150], link.at[280], link.at[300] = fall_silent, come_back, run.stop
    run.start()
    assert run.join(60)
    assert run.snapshot().link.state == "ended"
    events = recorded_events(Recording(run.summary().recording))
    reasons = [event.reason for event in events if isinstance(event, Gap)]
    assert (NOT_SEEN in reasons) == (not back)
