from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import (
    Answer,
    CalibrationReport,
    Chunk,
    ClockOffset,
    Event,
    ForceBlock,
    LimitsReport,
    LinkChanged,
    Problem,
    SetLimits,
    SetZero,
    StatusReport,
    ToolDescription,
    ToolEvent,
    Unreadable,
    ZeroReport,
)
from iastm_host.tool import states
from iastm_host.tool.client import GIVE_UP_AFTER_US, HELLO_EVERY_US, REPEAT_AFTER_US, SILENT_AFTER_US, ToolClient
from iastm_protocol import frames, kinds, messages

LIMITS = SetLimits("iastm-one-hand", 11.0, 14.0, 0.8, 0.52)
COUNTS = st.integers(kinds.COUNTS_MIN, kinds.COUNTS_MAX)


def plain(event: Event) -> object:
    """Return an event as something that == compares whole."""
    if not isinstance(event, ForceBlock):
        return event
    raw = None if event.raw_counts is None else event.raw_counts.tolist()
    return (event.boot_id, event.first_index, event.tool_us, event.period_us, event.force_n.tolist(), raw, event.flags)


def commands(tool: Any) -> list[int]:
    return [messages.Command.from_payload(payload).command for kind, payload in tool.heard if kind == kinds.COMMAND]


# Greeting


def test_the_first_chunk_starts_the_greeting_and_carries_version_and_name(by_hand: Any) -> None:
    hand = by_hand(live=False)
    assert hand.tool.heard == []
    hand.step()
    kind, payload = hand.tool.heard[0]
    assert kind == kinds.HELLO
    assert messages.Hello.from_payload(payload) == (kinds.MAJOR, kinds.MINOR, "test 1", 0)


def test_hello_is_repeated_each_half_second_until_answered(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.HELLO}
    at_us = []
    for _ in range(200):
        before = len(hand.tool.heard)
        hand.step()
        at_us += [hand.host_us] * (len(hand.tool.heard) - before)
    assert len(at_us) == 4
    assert set(np.diff(at_us)) == {HELLO_EVERY_US}
    hand.tool.mute = set()
    hand.until(states.STREAMING)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["iastm-toolkit 0.1.0", "h"]))
def test_no_hello_holds_what_a_starting_board_takes_for_an_interrupt(session: int, host: str) -> None:
    client = ToolClient(host, session=session)
    client.opening()
    client.opened()
    said = b""
    for now_us in range(0, GIVE_UP_AFTER_US, HELLO_EVERY_US):
        client.receive(Chunk(now_us, b""))
        said += b"".join(client.to_send())
    assert said.count(kinds.MAGIC) == GIVE_UP_AFTER_US // HELLO_EVERY_US
    assert b"\x03" not in said


def test_silence_is_given_up_after_five_seconds_in_words(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.HELLO}
    hand.until(states.REFUSED)
    waited_us = hand.host_us - hand.chunks[0].host_us
    assert GIVE_UP_AFTER_US <= waited_us <= GIVE_UP_AFTER_US + 10_000
    assert hand.client.reason == "Nothing came within 5 s."


def test_a_host_that_was_held_up_does_not_take_that_for_the_silence_of_the_tool(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.HELLO}
    hand.step()
    for _ in range(3):
        # Asked once, and nothing read for longer than a tool may be silent.
        hand.step(after_us=GIVE_UP_AFTER_US + 1_000_000)
        assert hand.client.state == states.GREETING
    hand.tool.mute = set()
    hand.until(states.STREAMING)


def test_a_host_that_is_held_up_again_and_again_gives_up_all_the_same(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.HELLO}
    hand.until(states.REFUSED, steps=12, after_us=GIVE_UP_AFTER_US)
    assert len(hand.tool.heard) == GIVE_UP_AFTER_US // HELLO_EVERY_US


def test_garbage_is_given_up_and_shown_without_control_characters(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.HELLO}
    for _ in range(600):
        hand.step(b"\x1b[2Jrst:0x1 (POWERON)\r\n\xff")
    assert hand.client.state == states.REFUSED
    assert "rst:0x1 (POWERON)" in hand.client.reason
    assert "\\xff" in hand.client.reason
    assert hand.client.reason.isprintable()


def test_a_tool_amid_boot_text_is_still_found(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.step(b"ets Jun  8 2016 00:22:57\r\nrst:0x1\r\n")
    hand.until(states.STREAMING)
    assert hand.client.tool.serial_number == "F-1"


@pytest.mark.parametrize(("major", "advice"), [(2, "Update this program"), (0, "Update the tool's firmware")])
def test_another_major_version_is_refused_with_both_versions(
    by_hand: Any, fake_tool: Any, major: int, advice: str
) -> None:
    hand = by_hand(fake_tool(major=major), live=False)
    hand.until(states.REFUSED)
    assert f"{major}.{kinds.MINOR}" in hand.client.reason
    assert f"{kinds.MAJOR}.{kinds.MINOR}" in hand.client.reason
    assert advice in hand.client.reason
    assert hand.client.tool is None
    assert commands(hand.tool) == []


def test_another_major_version_amid_the_handshake_is_refused(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.until(states.SYNCHRONISING)
    hand.tool.major = 2
    hand.step(hand.tool.wire(kinds.HELLO_ANSWER, hand.tool.hello_answer()))
    assert hand.client.state == states.REFUSED
    assert f"2.{kinds.MINOR}" in hand.client.reason


def test_an_unasked_hello_answer_is_ignored() -> None:
    client = ToolClient("test 1")
    client.opening()
    assert client.receive(Chunk(0, frames.encode(kinds.HELLO_ANSWER, 0, b"IAST\x02\x00"))) == []
    assert client.state == states.CONNECTING


# Handshake


def test_the_handshake_asks_in_order_and_ends_with_the_stream(by_hand: Any) -> None:
    hand = by_hand(limits=LIMITS)
    asked = []
    for kind, payload in hand.tool.heard:
        asked.append((kind, messages.Command.from_payload(payload).command if kind == kinds.COMMAND else None))
    assert asked == [
        (kinds.HELLO, None),
        (kinds.COMMAND, kinds.DESCRIBE),
        (kinds.COMMAND, kinds.SET_LIMITS),
        *[(kinds.PING, None)] * 8,
        (kinds.COMMAND, kinds.START_STREAM),
    ]
    assert [event.state for event in hand.of(LinkChanged)] == [
        states.CONNECTING,
        states.GREETING,
        states.SYNCHRONISING,
        states.STREAMING,
    ]
    assert hand.tool.limits == ("iastm-one-hand", 11_000, 14_000, 800, 520)


def test_what_the_tool_says_of_itself_arrives_whole(by_hand: Any) -> None:
    hand = by_hand(limits=LIMITS)
    (tool,) = hand.of(ToolDescription)
    assert (tool.firmware_version, tool.board, tool.runtime, tool.serial_number) == (
        "9.9.9",
        "fake",
        "cpython 3",
        "F-1",
    )
    assert (tool.boot_id, tool.rate_hz, tool.ring_depth, tool.protocol) == (0xB007, 320.0, 2048, "1.2")
    assert (tool.source_hash, tool.simulated) == ("0001020304050607", True)
    assert hand.of(CalibrationReport)[-1] == CalibrationReport("fake-50n", "00" * 32, 50.0, (0.0, 1 / 41_900))
    assert hand.of(ZeroReport)[-1] == ZeroReport(84_213, 0, 84_213, True)
    assert hand.of(LimitsReport)[-1] == LimitsReport("iastm-one-hand", 11.0, 14.0, 0.8, 0.52)


def test_a_lost_answer_of_the_handshake_is_asked_for_again_with_the_same_id(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {(kinds.COMMAND, kinds.DESCRIBE)}
    hand.until(states.SYNCHRONISING)
    for _ in range(REPEAT_AFTER_US // 10_000 + 1):
        hand.step()
    hand.tool.mute = set()
    hand.until(states.STREAMING)
    first, second = [payload for kind, payload in hand.tool.heard if kind == kinds.COMMAND][:2]
    assert first == second


def test_a_tool_that_stops_answering_amid_the_handshake_is_given_up_after_three_seconds(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.mute = {kinds.PING}
    hand.until(states.SYNCHRONISING)
    began_us = hand.host_us
    hand.until(states.REFUSED)
    assert 3_000_000 <= hand.host_us - began_us <= 3_200_000
    assert "did not answer" in hand.client.reason


def test_a_refused_step_of_the_handshake_is_told_and_the_rest_goes_on(by_hand: Any) -> None:
    hand = by_hand(live=False, limits=LIMITS)
    hand.tool.refuse = {kinds.SET_LIMITS: (kinds.BAD_ARGUMENT, "")}
    hand.until(states.STREAMING)
    assert [(answer.accepted, answer.reason) for answer in hand.of(Answer)] == [
        (False, "the tool can't take this value")
    ]


def test_a_tool_that_restarts_amid_the_handshake_is_not_taken_for_the_one_before(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.until(states.SYNCHRONISING)
    hand.tool.boot_id = 0xB008
    hand.step(hand.tool.wire(kinds.HELLO_ANSWER, hand.tool.hello_answer()))
    hand.until(states.STREAMING)
    hand.step(hand.tool.samples([90_000]))
    assert hand.of(ForceBlock)[-1].boot_id == 0xB008


# Clock


@given(
    skew_us=st.integers(-(10**8), 10**8),
    up_us=st.integers(0, 60_000),
    down_us=st.integers(0, 60_000),
)
def test_the_clock_offset_is_within_its_uncertainty_of_the_truth_on_any_link(
    by_hand: Any, skew_us: int, up_us: int, down_us: int
) -> None:
    hand = by_hand(up_us=up_us, down_us=down_us, skew_us=skew_us)
    offset: ClockOffset = hand.of(ClockOffset)[-1]
    assert abs(offset.offset_us - skew_us) <= offset.uncertainty_us
    # Steps of 10 ms may add to the way down.
    assert offset.uncertainty_us <= (up_us + down_us + 10_000 + 1) // 2


def test_the_offset_needs_eight_round_trips_and_takes_the_shortest(by_hand: Any) -> None:
    hand = by_hand(live=False, skew_us=5_000_000)
    hand.until(states.SYNCHRONISING)
    pings = 0
    while hand.client.state != states.STREAMING:
        pings = sum(kind == kinds.PING for kind, _ in hand.tool.heard)
        # One fast way among slow ones.
        hand.down_us = 0 if pings == 4 else 190_000
        hand.step()
    assert pings == 8
    offset = hand.of(ClockOffset)[-1]
    # Half a second and more of drift has come to what the fast way allows.
    assert 5_000 < offset.uncertainty_us < 5_000 + 100
    assert offset.offset_us == 5_000_000 + 5_000


def test_an_answer_to_a_repeated_ping_counts_for_nothing(by_hand: Any) -> None:
    hand = by_hand(live=False, skew_us=5_000_000)
    hand.until(states.SYNCHRONISING)
    while hand.client.state != states.STREAMING:
        pings = sum(kind == kinds.PING for kind, _ in hand.tool.heard)
        # The answer to the first one comes just after it was asked again: which one it answers can't be known.
        hand.down_us = 1_030_000 if pings < 1 else 200_000
        hand.step()
    offset = hand.of(ClockOffset)[-1]
    assert abs(offset.offset_us - 5_000_000) <= offset.uncertainty_us


def test_pings_go_on_each_second_of_the_stream(by_hand: Any) -> None:
    hand = by_hand()
    before = len(hand.of(ClockOffset))
    for _ in range(500):
        hand.step(hand.tool.samples([90_000] * 3))
    assert len(hand.of(ClockOffset)) - before in (4, 5)


def test_more_round_trips_can_be_asked_for_one_at_a_time(by_hand: Any) -> None:
    hand = by_hand(up_us=100_000, down_us=100_000)
    before = sum(kind == kinds.PING for kind, _ in hand.tool.heard)
    for _ in range(200):
        hand.client.ping()
        hand.step(hand.tool.samples([90_000] * 3))
    # Two seconds hold ten trips of 200 ms.
    assert sum(kind == kinds.PING for kind, _ in hand.tool.heard) - before in (9, 10)
    assert hand.client.clock.newest is not None
    assert 200_000 <= hand.client.clock.newest.length_us <= 220_000
    assert hand.client.pings_unanswered == 0


def test_a_ping_that_is_not_answered_within_a_second_is_counted_and_another_is_sent(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.mute = {kinds.PING}
    for _ in range(450):
        hand.client.ping()
        hand.step(hand.tool.samples([90_000] * 3))
    assert hand.client.pings_unanswered == 4


def test_an_unasked_pong_does_not_move_the_clock(by_hand: Any) -> None:
    hand = by_hand()
    before = hand.client.clock.offset
    assert hand.step(hand.tool.wire(kinds.PONG, messages.Pong(4711, 1))) == []
    assert hand.client.clock.offset == before


# Samples


@given(st.lists(COUNTS, min_size=1, max_size=150), COUNTS)
def test_counts_of_24_bits_arrive_exact_and_as_newtons_from_zero(by_hand: Any, counts: list[int], zero: int) -> None:
    hand = by_hand()
    hand.step(hand.tool.set_zero(zero) + hand.tool.samples(counts))
    (block,) = hand.of(ForceBlock)
    assert block.raw_counts.tolist() == counts
    assert block.raw_counts.dtype == np.int32
    np.testing.assert_allclose(block.force_n, (np.array(counts, dtype=float) - zero) / 41_900, rtol=1e-12, atol=1e-12)


def test_a_polynomial_calibration_is_applied_to_counts_from_zero(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(fake_tool(coefficients=(0.25, -2e-3, 1e-8), zero_counts=-100))
    hand.step(hand.tool.samples([-100, -1100]))
    assert hand.of(ForceBlock)[0].force_n.tolist() == pytest.approx([0.25, 0.25 + 2.0 + 1e-2])


def test_a_block_tells_index_time_period_flags_and_arrival(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.next_index = 7040
    hand.step(hand.tool.samples([1, 2, 3, 4, 5], flags=kinds.SATURATED))
    (block,) = hand.of(ForceBlock)
    assert (block.first_index, block.tool_us, block.period_us) == (7040, 22_000_000, 3125.0)
    assert (block.flags, block.arrived_us, block.backfilled) == (kinds.SATURATED, hand.host_us, False)


def test_a_single_sample_has_the_nominal_period(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(hand.tool.samples([1]))
    assert hand.of(ForceBlock)[0].period_us == 3125.0


@pytest.mark.parametrize("offset", [-5, -1, 0, 1, 2, 3, 4, 9])
def test_each_sample_is_converted_with_the_zero_that_holds_for_it(by_hand: Any, offset: int) -> None:
    hand = by_hand()
    hand.tool.next_index = 100
    zero = messages.Zero(50_000, 100 + offset, 84_213, True)
    hand.step(hand.tool.wire(kinds.ZERO, zero) + hand.tool.samples([90_000] * 4))
    expected = [(90_000 - (50_000 if 100 + i >= 100 + offset else 84_213)) / 41_900 for i in range(4)]
    assert hand.of(ForceBlock)[0].force_n.tolist() == pytest.approx(expected)


def test_a_batch_that_came_before_is_dropped(by_hand: Any) -> None:
    hand = by_hand()
    first = hand.tool.samples([1, 2, 3])
    second = hand.tool.samples([4, 5])
    hand.step(first + second + second + first)
    assert [block.first_index for block in hand.of(ForceBlock)] == [0, 3]


@pytest.mark.parametrize("span_us", [0, 100, 3125 * 4 * 4 + 1000, 0xFFFFFFFF])
def test_impossible_sample_times_are_counted_as_damage(by_hand: Any, span_us: int) -> None:
    hand = by_hand()
    hand.step(hand.tool.samples([1, 2, 3, 4, 5], span_us=span_us))
    assert hand.of(ForceBlock) == []
    assert hand.client.malformed == 1
    hand.step(hand.tool.samples([6, 7]))
    assert len(hand.of(ForceBlock)) == 1


def test_a_batch_without_a_whole_count_is_counted_as_damage(by_hand: Any) -> None:
    hand = by_hand()
    good = messages.ForceSamples(0, 0, 0, 0, b"\1\2\3").to_payload()
    hand.step(hand.tool.wire(kinds.FORCE_SAMPLES, good[:-1]) + hand.tool.wire(kinds.FORCE_SAMPLES, good[:9]))
    assert hand.client.malformed == 2
    assert hand.of(ForceBlock) == []


def test_damage_on_the_wire_costs_that_frame_alone(by_hand: Any) -> None:
    hand = by_hand()
    broken = bytearray(hand.tool.samples([1, 2, 3]))
    broken[6] ^= 0x10
    hand.step(bytes(broken) + hand.tool.samples([4, 5, 6]))
    assert [block.first_index for block in hand.of(ForceBlock)] == [3]
    assert hand.client.decoder.damaged == 1


def test_unknown_kinds_are_skipped_and_counted_and_those_of_recordings_refused(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(hand.tool.wire(0x6F, b"new") + hand.tool.wire(kinds.RECEIVED, b"12345678") + hand.tool.samples([1]))
    assert hand.client.unknown_kinds == 1
    assert hand.client.decoder.damaged == 1
    assert len(hand.of(ForceBlock)) == 1


def test_status_and_tool_events_come_in_words_and_unknown_is_none(by_hand: Any) -> None:
    hand = by_hand()
    status = messages.Status(9, kinds.UNKNOWN_U8, kinds.UNKNOWN_I16, 0x80000001, 1, 2, 3, 4, 5000, 60, 0)
    known = messages.Status(9, 77, -550, 0, 0, 0, 0, 0, 1, 60, 0)
    event = messages.ToolEvent(1, kinds.EVENT_BUTTON, 42, 1, 0)
    unknown = messages.ToolEvent(2, 99, 43, 1, 0)
    hand.step(
        hand.tool.wire(kinds.STATUS, status)
        + hand.tool.wire(kinds.STATUS, known)
        + hand.tool.wire(kinds.TOOL_EVENT, event)
        + hand.tool.wire(kinds.TOOL_EVENT, unknown)
    )
    assert hand.of(StatusReport) == [
        StatusReport(9, None, None, ("converter silent", "fault 31"), 1, 2, 5000, 60),
        StatusReport(9, 77, -5.5, (), 0, 0, 1, 60),
    ]
    assert hand.of(ToolEvent) == [ToolEvent(1, "button", 42), ToolEvent(2, "event 99", 43)]


def test_a_tool_event_that_was_lost_is_fetched_and_told_in_order(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.happen(kinds.EVENT_BOOT)
    hand.step(hand.tool.happen(kinds.EVENT_BUTTON))
    hand.tool.happen(kinds.EVENT_ZERO)
    for _ in range(60):
        hand.step(hand.tool.samples([1, 2, 3]))
    assert [event.kind for event in hand.of(ToolEvent)] == ["boot", "button", "zero"][:2]
    hand.step(hand.tool.status())
    for _ in range(3):
        hand.step()
    assert [event.kind for event in hand.of(ToolEvent)] == ["boot", "button", "zero"]
    asked = [payload for kind, payload in hand.tool.heard if kind == kinds.FETCH_EVENTS]
    assert asked == [messages.FetchEvents(1).to_payload(), messages.FetchEvents(3).to_payload()]


def test_tool_events_that_the_tool_keeps_no_more_are_told_as_lost(by_hand: Any) -> None:
    hand = by_hand()
    for _ in range(5):
        hand.tool.happen(kinds.EVENT_BUTTON)
    hand.tool.happened[:3] = []
    late = hand.tool.wire(kinds.TOOL_EVENT, hand.tool.happened[-1])
    for n in range(250):
        hand.step(hand.tool.samples([1, 2, 3]) + (late if n % 50 == 0 else b""))
    assert [(event.id, event.kind) for event in hand.of(ToolEvent)] == [
        (3, "3 events lost"),
        (4, "button"),
        (5, "button"),
    ]


def test_the_tools_own_strokes_and_alerts_are_advice_and_make_no_event(by_hand: Any) -> None:
    hand = by_hand()
    alert = messages.AlertReport(kinds.ALARM, 4, 100, 99)
    stroke = messages.StrokeReport(1, 2, 3, 3, 50, 90, False, 0)
    assert hand.step(hand.tool.wire(kinds.ALERT, alert) + hand.tool.wire(kinds.STROKE, stroke)) == []
    assert hand.client.unknown_kinds == 0


# Commands


def test_a_command_is_answered_under_its_id(by_hand: Any) -> None:
    hand = by_hand()
    request_id = hand.client.request(SetZero(-123))
    hand.step()
    hand.step()
    assert hand.of(Answer) == [Answer(request_id, True, "done")]
    assert hand.of(ZeroReport)[-1] == ZeroReport(-123, 0, 84_213, True)


def test_a_refused_command_says_why(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.refuse = {kinds.SET_ZERO: (kinds.BUSY, ""), kinds.SET_LIMITS: (kinds.FAILED, "flash is full")}
    zero = hand.client.request(SetZero(1))
    limits = hand.client.request(LIMITS)
    hand.step()
    hand.step()
    assert hand.of(Answer) == [Answer(zero, False, "the tool is busy"), Answer(limits, False, "flash is full")]


def test_a_command_without_answer_is_repeated_and_then_given_up(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.mute = {(kinds.COMMAND, kinds.SET_ZERO)}
    hand.tool.heard.clear()
    request_id = hand.client.request(SetZero(1))
    for _ in range(320):
        hand.step(hand.tool.samples([1, 2, 3]))
    assert hand.of(Answer) == [Answer(request_id, False, "The tool did not confirm it for 3 s.", "time")]
    sent = [payload for kind, payload in hand.tool.heard if kind == kinds.COMMAND]
    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_an_answer_that_comes_twice_is_told_once(by_hand: Any) -> None:
    hand = by_hand()
    request_id = hand.client.request(SetZero(1))
    answer = hand.tool.wire(kinds.RESPONSE, messages.Response(request_id, kinds.SET_ZERO, kinds.OK, ""))
    hand.step(answer + answer)
    hand.step()
    assert len(hand.of(Answer)) == 1


def test_an_answer_that_nobody_asked_for_is_ignored(by_hand: Any) -> None:
    hand = by_hand()
    foreign = messages.Response(0x8123, kinds.SET_ZERO, kinds.OK, "")
    assert hand.step(hand.tool.wire(kinds.RESPONSE, foreign)) == []


def test_ids_of_commands_never_meet_those_of_the_handshake(by_hand: Any) -> None:
    hand = by_hand(limits=LIMITS)
    handshake = {
        messages.Command.from_payload(data).request_id for kind, data in hand.tool.heard if kind == kinds.COMMAND
    }
    ids = [hand.client.request(SetZero(1)) for _ in range(0x8001)]
    hand.client.to_send()
    assert not handshake & set(ids)
    assert ids[0] == ids[0x8000]
    assert len(set(ids[:0x8000])) == 0x8000


@pytest.mark.parametrize(
    "command",
    [
        SetZero(1 << 40),
        SetLimits("x" * 300, 1, 1, 1, 1),
        SetLimits("x", float("nan"), 1, 1, 1),
        SetLimits("x", -1, 1, 1, 1),
        SetLimits("x", 1, 1e9, 1, 1),
    ],
)
def test_a_value_that_the_protocol_cannot_carry_is_a_problem_and_sends_nothing(by_hand: Any, command: Any) -> None:
    hand = by_hand()
    with pytest.raises(Problem) as raised:
        hand.client.request(command)
    assert raised.value.fix
    assert hand.client.to_send() == []


# Silence and the end


def test_a_tool_that_falls_silent_is_asked_again_and_goes_on_streaming(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(hand.tool.samples([1, 2]))
    heard_us = hand.host_us
    hand.tool.mute = {kinds.HELLO, kinds.PING, kinds.COMMAND}
    hand.until(states.SILENT)
    assert hand.host_us - heard_us == SILENT_AFTER_US
    hand.tool.mute = set()
    hand.until(states.STREAMING)
    hand.step(hand.tool.samples([3]))
    assert [block.first_index for block in hand.of(ForceBlock)] == [0, 2]


def test_a_tool_that_stays_silent_is_lost_five_seconds_later(by_hand: Any) -> None:
    hand = by_hand()
    hand.tool.mute = {kinds.HELLO, kinds.PING, kinds.COMMAND}
    hand.until(states.SILENT)
    began_us = hand.host_us
    hand.until(states.LOST)
    assert hand.host_us - began_us == GIVE_UP_AFTER_US
    assert "Nothing came within 5 s" in hand.client.reason


def test_a_stream_that_a_held_up_host_missed_is_taken_up_again(by_hand: Any) -> None:
    hand = by_hand()
    hand.step(after_us=SILENT_AFTER_US)
    assert hand.client.state == states.SILENT
    hand.on_the_way.clear()
    hand.step(after_us=GIVE_UP_AFTER_US)
    assert hand.client.state == states.SILENT
    hand.until(states.STREAMING)


def test_a_restarted_tool_is_known_by_its_boot_id_and_starts_anew(by_hand: Any, fake_tool: Any) -> None:
    hand = by_hand(skew_us=-4_000_000)
    hand.step(hand.tool.samples([1] * 50))
    hand.tool = fake_tool(boot_id=0xB008, zero_counts=5)
    hand.skew_us = 9_000_000
    hand.until(states.SILENT).until(states.STREAMING)
    hand.step(hand.tool.samples([5, 6]))
    last = hand.of(ForceBlock)[-1]
    assert (last.boot_id, last.first_index) == (0xB008, 0)
    assert last.force_n.tolist() == pytest.approx([0.0, 1 / 41_900])
    offset = hand.client.clock.offset
    assert abs(offset.offset_us - 9_000_000) <= offset.uncertainty_us


def test_a_zero_that_changed_while_the_link_was_away_is_asked_for_until_it_is_heard(
    by_hand: Any, fake_tool: Any
) -> None:
    class Mumbling(fake_tool):  # type: ignore[misc]
        lost = 0

        def take(self, data: bytes) -> bytes:
            said = b""
            for block in filter(None, super().take(data).split(b"\0")):
                loses = self.lost > 0 and frames.unstuff(block)[0] == kinds.ZERO
                self.lost -= loses
                said += b"" if loses else b"\0" + block + b"\0"
            return said

    hand = by_hand(Mumbling())
    hand.client.broken("cable out")
    # Another host, at the tool's other link.
    hand.tool.set_zero(7)
    hand.tool.lost = 1
    hand.client.opening()
    hand.client.opened()
    hand.until(states.STREAMING)
    assert hand.tool.lost == 0
    assert hand.client.zero.counts == 7


def test_stopping_asks_the_tool_to_stop(by_hand: Any) -> None:
    hand = by_hand()
    hand.client.stop_stream()
    hand.step()
    assert not hand.tool.streaming


def test_a_break_says_why_and_only_once(by_hand: Any) -> None:
    hand = by_hand()
    assert hand.client.broken("cable out") == [LinkChanged(states.LOST, "cable out")]
    assert hand.client.broken("cable out") == []
    assert hand.client.finished() == [LinkChanged(states.ENDED, "Ended")]


# Any link


class Mangler:
    """What a bad link does to each message of the tool: loses, delays, repeats or damages it."""

    def __init__(self, draws: list[int]) -> None:
        self._draws = draws
        self._at = 0

    def __call__(self, hand: Any) -> None:
        mangled: list[tuple[int, bytes]] = []
        for at_us, piece in hand.on_the_way:
            draw = self._draws[self._at % len(self._draws)]
            self._at += 1
            damaged = piece[:4] + bytes([piece[4] ^ 0x55]) + piece[5:]
            mangled += {
                0: [(at_us, piece)],
                1: [],
                2: [(at_us + 300_000, piece)],
                3: [(at_us, piece + piece)],
                4: [(at_us, damaged)],
            }[draw]
        hand.on_the_way = mangled


@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4]), min_size=5, max_size=40), st.integers(0, 2**32 - 1))
def test_played_back_chunks_drive_a_fresh_client_to_the_same_events(by_hand: Any, draws: list[int], seed: int) -> None:
    hand = by_hand(live=False, limits=LIMITS, up_us=3_000, down_us=4_000, skew_us=123_456)
    mangle = Mangler(draws)
    random = np.random.default_rng(seed)
    for step in range(400):
        if hand.client.state in (states.REFUSED, states.LOST):
            break
        data = hand.tool.samples(random.integers(-(2**23), 2**23, 6), skip=int(draws[step % len(draws)] == 1))
        if step == 200 and hand.client.state == states.STREAMING:
            hand.client.request(SetZero(7))
        seen = len(hand.on_the_way)
        hand.step(data if hand.tool.streaming else b"", after_us=20_000)
        fresh, hand.on_the_way = hand.on_the_way[seen:], hand.on_the_way[:seen]
        kept, hand.on_the_way = hand.on_the_way, fresh
        mangle(hand)
        hand.on_the_way = kept + hand.on_the_way
    again = ToolClient("test 1", LIMITS)
    events = [*again.opening(), *again.opened()]
    for chunk in hand.chunks:
        events += again.receive(chunk)
        again.to_send()
    live = [plain(event) for event in hand.events if not isinstance(event, Answer)]
    assert [plain(event) for event in events if not isinstance(event, Answer)] == live
    assert again.state == hand.client.state


@given(st.data())
def test_how_bytes_are_cut_into_chunks_does_not_change_the_samples(by_hand: Any, data: st.DataObject) -> None:
    hand = by_hand()
    wire = b"".join(hand.tool.samples([i, -i, i * 1000]) for i in range(1, 12))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=20)))
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        hand.step(wire[start:end], after_us=100)
    raw = np.concatenate([block.raw_counts for block in hand.of(ForceBlock)])
    assert raw.tolist() == [value for i in range(1, 12) for value in (i, -i, i * 1000)]


def test_a_busy_tool_is_asked_again_until_it_streams(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.refuse = {kinds.START_STREAM: (kinds.BUSY, "")}
    hand.until(states.SYNCHRONISING)
    while kinds.START_STREAM not in commands(hand.tool):
        hand.step()
    hand.tool.refuse = {}
    assert hand.until(states.STREAMING).tool.streaming


def test_a_tool_that_refuses_to_stream_is_refused_with_its_words(by_hand: Any) -> None:
    hand = by_hand(live=False)
    hand.tool.refuse = {kinds.START_STREAM: (kinds.NOT_ALLOWED, "another host has it")}
    hand.until(states.REFUSED)
    assert "another host has it" in hand.client.reason


def test_a_stream_that_can_t_be_read_is_given_up_with_its_cause(by_hand: Any) -> None:
    hand = by_hand()
    seen: list[Event] = []
    for _ in range(1000):
        if hand.client.state == states.REFUSED:
            break
        # Four samples within ten seconds: nothing like the stated rate.
        seen += hand.step(hand.tool.samples(np.zeros(4, dtype=int), span_us=10_000_000))
    assert hand.client.state == states.REFUSED
    assert "320 samples/s" in hand.client.reason
    assert any(isinstance(event, Unreadable) for event in seen)


def test_a_command_is_done_when_the_tool_says_what_it_holds_and_not_before(by_hand: Any) -> None:
    hand = by_hand()
    request_id = hand.client.request(SetZero(84_500))
    hand.step(hand.tool.wire(kinds.RESPONSE, messages.Response(request_id, kinds.SET_ZERO, kinds.OK, "")))
    assert hand.of(Answer) == []
    zero = messages.Zero(84_500, 10, 84_213, True)
    again = messages.Response(request_id, kinds.SET_ZERO, kinds.OK, "")
    hand.step(hand.tool.wire(kinds.ZERO, zero) + hand.tool.wire(kinds.RESPONSE, again))
    assert [answer.accepted for answer in hand.of(Answer)] == [True]
