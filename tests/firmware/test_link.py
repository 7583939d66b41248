from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

_LIMITS = messages.Limits("one hand", 5000, 8000, 800, 520)


def _kinds(bench: Any) -> list[str]:
    return [type(message).__name__ for message in bench.heard().messages]


def test_the_tool_is_silent_until_a_hello(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(1000))
    b.say(wire.command(1, kinds.START_STREAM))
    b.say(encode(kinds.PING, 0, messages.Ping(1).to_payload()))
    b.say(b"AT\r\nhello?\r\n")
    b.run(1000)
    assert b.stream.written == b""


def test_a_hello_is_answered_with_what_the_tool_is(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([])
    b.say(wire.hello())
    (answer,) = b.heard().messages
    assert (answer.major, answer.boot_id, answer.rate_mhz) == (1, 0xDEADBEEF, 320_000)
    # At least what the board asks for, in whole pages.
    assert 2048 <= answer.ring_depth < 2048 + 260
    assert answer.channels == (("force", "N"),)
    assert answer.features & kinds.FEATURE_SIMULATED
    assert answer.features & kinds.FEATURE_BACKFILL


def test_hellos_that_wait_for_their_answer_get_one_at_the_place_of_the_first(
    bench: Callable[..., Any], wire: Any
) -> None:
    b = bench([])
    b.say(wire.hello())
    b.stream.room = 0
    b.say(wire.command(1, kinds.STOP_STREAM))
    for request_id in range(2, 6):
        b.say(wire.hello() * 20)
        b.say(wire.command(request_id, kinds.STOP_STREAM))
        b.run(100)
    b.stream.room = None
    b.run(1000)
    said = b.heard().messages
    assert [type(message).__name__ for message in said] == [
        *("HelloAnswer", "Response", "HelloAnswer", "Response", "Response", "Response", "Response")
    ]
    # An answer that is out is no answer to a hello that comes after it.
    b.say(wire.hello())
    assert len(b.heard().of(messages.HelloAnswer)) == 3
    # And only the last of several hosts is answered.
    b.stream.room = 0
    for session in range(2, 50):
        b.say(wire.hello(session=session))
    b.stream.room = None
    b.run(1000)
    assert len(b.heard().of(messages.HelloAnswer)) <= 5


@pytest.mark.parametrize("major", [0, 2, 255])
def test_a_host_of_another_major_is_answered_and_then_nothing(bench: Callable[..., Any], wire: Any, major: int) -> None:
    b = bench(range(1000))
    b.say(encode(kinds.HELLO, 0, kinds.MAGIC + bytes([major, 3]) + b"whatever this major says here"))
    assert _kinds(b) == ["HelloAnswer"]
    b.say(wire.command(1, kinds.START_STREAM))
    b.say(wire.command(2, 99))
    b.run(500)
    assert _kinds(b) == ["HelloAnswer"]
    b.say(wire.hello())
    b.say(wire.command(1, kinds.START_STREAM))
    assert "Response" in _kinds(b)


def test_another_major_ends_a_stream_that_ran(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(1000))
    b.start()
    b.run(100)
    b.say(wire.hello(major=2))
    before = len(b.heard().samples())
    b.run(500)
    assert len(b.heard().samples()) == before


def test_a_ping_is_answered_with_the_tools_time(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([], start_us=(1 << 30) - 10_000)
    b.say(wire.hello())
    b.run(1000)
    asked_us = b.start_us + b.elapsed_us
    b.say(encode(kinds.PING, 0, messages.Ping(513).to_payload()))
    (pong,) = b.heard().of(messages.Pong)
    assert pong.ping_id == 513
    assert asked_us <= pong.tool_us <= asked_us + 4000


def test_a_stream_starts_with_what_is_known_and_the_newest_sample(bench: Callable[..., Any]) -> None:
    b = bench(range(3000))
    b.run(2000)
    b.start()
    b.run(1000)
    names = _kinds(b)
    at = names.index("Response")
    assert names[at - 4 : at] == ["Calibration", "Zero", "Limits", "ChannelsReport"]
    assert "ForceSamples" not in names[:at]
    samples = b.heard().samples()
    # 2,000 ms and two turns of the link after the first conversion.
    assert 640 <= samples[0][0] <= 650
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert len(samples) > 300


# Of one, two, three and four bytes.
_LETTERS = "aé€𝄞"


def _trouble_told(b: Any, wire: Any) -> str:
    b.stream.written = b""
    b.say(wire.hello())
    (answer,) = b.heard().messages
    trouble: str = answer.trouble
    return trouble


def _is_cut_of(told: str, words: str, room_bytes: int) -> bool:
    # Whole characters, of four bytes at most, as many as there is room for.
    data = words.encode()
    if len(data) <= room_bytes:
        return told == words
    kept = told.removesuffix("...")
    return told.endswith("...") and words.startswith(kept) and room_bytes - 3 <= len(told.encode()) <= room_bytes


@pytest.mark.parametrize("letter", _LETTERS)
def test_trouble_of_any_length_is_told_in_two_hundred_bytes_without_tearing_a_character(
    bench: Callable[..., Any], wire: Any, letter: str
) -> None:
    b = bench([])
    for begin in range(4):
        for n in range(40, 205, 1 if letter != "a" else 5):
            b.board.trouble = words = "b" * begin + letter * n
            told = _trouble_told(b, wire)
            assert len(told.encode()) <= 200
            assert _is_cut_of(told, words, 200)


@given(words=st.text(max_size=300))
def test_trouble_in_any_words_is_told_as_far_as_it_fits(bench: Callable[..., Any], wire: Any, words: str) -> None:
    b = bench([])
    b.board.trouble = words
    assert _is_cut_of(_trouble_told(b, wire), words, 200)


def test_trouble_leaves_the_boards_texts_their_place_in_the_frame(bench: Callable[..., Any], wire: Any) -> None:
    # What a frame has beside the board's name and the trouble, with no name and none.
    b = bench([], name="")
    others = len(b.tool.hello_answer().to_payload())
    words = "the motion sensor is not there " * 10
    for name_bytes in range(0, 256, 3):
        room = min(200, kinds.MAX_LINK_PAYLOAD - others - name_bytes)
        # From its start on, or found later.
        at_start = bench([], name="n" * name_bytes, trouble=words)
        later = bench([], name="n" * name_bytes)
        later.board.trouble = words
        for b in (at_start, later):
            told = _trouble_told(b, wire)
            assert len(told.encode()) == room
            assert _is_cut_of(told, words, room)
    texts = bench([], name="n" * 255, serial_number="7" * (kinds.MAX_LINK_PAYLOAD - others - 255 + 1), trouble=words)
    assert len(texts.tool.hello_answer().to_payload()) == kinds.MAX_LINK_PAYLOAD
    assert _trouble_told(texts, wire) == ""


def test_troubles_of_several_parts_are_told_together_and_each_once(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([], trouble="no motion sensor")
    b.tool.life.add_trouble("the kept zero is not used")
    for _ in range(2):
        assert _trouble_told(b, wire) == "no motion sensor; the kept zero is not used"
    b.tool.second()
    assert b.tool.health.faults & kinds.FAULT_BOARD


def test_starting_twice_loses_and_doubles_nothing(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(3000))
    b.start()
    b.run(500)
    b.say(wire.command(77, kinds.START_STREAM))
    b.run(500)
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]


def test_a_stopped_stream_is_silent_and_still_answers(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(3000))
    b.start()
    b.say(wire.command(5, kinds.STOP_STREAM))
    length = len(b.stream.written)
    b.run(1000)
    assert len(b.stream.written) == length
    b.say(wire.command(6, kinds.DESCRIBE))
    names = _kinds(b)
    assert names[-5:] == ["Calibration", "Zero", "Limits", "ChannelsReport", "Response"]


def test_a_zero_holds_from_the_index_it_states(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([500] * 2000)
    b.start(_LIMITS)
    b.run(1000)
    b.say(wire.command(9, kinds.SET_ZERO, messages.set_zero_body(-7600)))
    b.run(500)
    heard = b.heard()
    zero = heard.of(messages.Zero)[-1]
    assert (zero.counts, zero.previous_counts, zero.confirmed) == (-7600, 0, True)
    # 500 − −7600 = 8.1 N: the alarm comes with the second sample after the zero, and not one earlier.
    (alert,) = heard.of(messages.AlertReport)
    assert (alert.index, alert.counts) == (zero.from_index + 1, 8100)
    # The batch ends before it, and what is sent stands in order: samples, zero, response, samples.
    at = heard.messages.index(zero)
    before = [m for m in heard.messages[:at] if isinstance(m, messages.ForceSamples)]
    after = [m for m in heard.messages[at:] if isinstance(m, messages.ForceSamples)]
    assert before[-1].first_index + before[-1].sample_count == zero.from_index == after[0].first_index
    response = heard.messages[at + 1]
    assert (response.request_id, response.error) == (9, kinds.OK)
    # Raw counts travel as they are.
    assert {counts for _, counts in heard.samples()} == {500}
    events = [e for e in heard.of(messages.ToolEvent) if e.kind == kinds.EVENT_ZERO]
    assert [(e.index, e.value) for e in events] == [(zero.from_index, -7600)]


def _samples_stand_between_their_zeros(heard: Any) -> None:
    """Assert SPEC 7.6: each zero stands before the samples from its index on, and behind those before."""
    zeros = [(at, m) for at, m in enumerate(heard.messages) if isinstance(m, messages.Zero)]
    for at, batch in enumerate(heard.messages):
        if isinstance(batch, messages.ForceSamples):
            for position, zero in zeros:
                if position > at:
                    assert batch.first_index + batch.sample_count <= zero.from_index or zero in [
                        z for p, z in zeros if p < at
                    ]
                else:
                    newest = max(z.from_index for p, z in zeros if p < at)
                    assert batch.first_index >= newest or zero.from_index <= batch.first_index


@pytest.mark.parametrize("again", [10, 9])
def test_a_second_zero_does_not_hurry_samples_past_the_first_that_waits(
    bench: Callable[..., Any], wire: Any, again: int
) -> None:
    b = bench([500] * 4000)
    b.start()
    b.run(500)
    b.stream.room = 0
    b.run(200)
    b.say(wire.command(9, kinds.SET_ZERO, messages.set_zero_body(100)))
    b.run(200)
    # Another request with another zero, or the same request once more.
    b.say(wire.command(again, kinds.SET_ZERO, messages.set_zero_body(200 if again == 10 else 100)))
    b.run(100)
    b.stream.room = None
    b.run(1000)
    heard = b.heard()
    zeros = [zero for zero in heard.of(messages.Zero) if zero.from_index]
    assert [zero.counts for zero in zeros] == ([100, 200] if again == 10 else [100])
    _samples_stand_between_their_zeros(heard)
    assert [r.request_id for r in heard.of(messages.Response)][-2:] == [9, again]
    samples = heard.samples()
    assert [i for i, _ in samples] == list(range(samples[0][0], samples[0][0] + len(samples)))


def test_a_zero_set_over_one_link_stands_at_its_place_on_another_that_stalls(
    bench: Callable[..., Any], wire: Any
) -> None:
    b = bench([500] * 4000)
    b.start()
    b.run(500)
    b.stream.room = 0
    b.run(300)
    b.tool.set_zero(100)
    b.run(300)
    b.tool.set_zero(200)
    b.run(300)
    b.stream.room = None
    b.run(1500)
    assert [zero.counts for zero in b.heard().of(messages.Zero)] == [0, 100, 200]
    _samples_stand_between_their_zeros(b.heard())


def test_limits_that_hold_already_reset_nothing(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 200 + [9000] * 400 + [0] * 200)
    b.start(_LIMITS)
    b.run(1000)
    b.say(wire.command(9, kinds.SET_LIMITS, _LIMITS.to_payload()))
    b.run(100)
    # Another name for the same forces.
    b.say(wire.command(10, kinds.SET_LIMITS, messages.Limits("two hands", 5000, 8000, 800, 520).to_payload()))
    b.run(2000)
    heard = b.heard()
    assert [m.profile for m in heard.of(messages.Limits)] == ["one hand", "one hand", "one hand", "two hands"]
    assert [r.error for r in heard.of(messages.Response)][-2:] == [kinds.OK, kinds.OK]
    assert [(alert.kind, alert.index) for alert in heard.of(messages.AlertReport)] == [(kinds.ALARM, 201)]
    assert b.board.alerts == [(201, kinds.ALARM), (601, 0)]
    (stroke,) = heard.of(messages.StrokeReport)
    assert (stroke.first_index, stroke.last_index, stroke.truncated) == (200, 599, False)
    # Set at the start, and under another name.
    assert [e.kind for e in heard.of(messages.ToolEvent)] == [kinds.EVENT_BOOT] + 2 * [kinds.EVENT_LIMITS]


def test_a_zero_that_holds_already_can_still_be_undone(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 3000, zero_counts=40, zero_confirmed=False)
    b.start()
    for request_id, counts in ((7, 40), (8, 123), (9, 123)):
        b.run(100)
        b.say(wire.command(request_id, kinds.SET_ZERO, messages.set_zero_body(counts)))
    b.run(100)
    stored, confirmed, zero, again = b.heard().of(messages.Zero)
    # The stored one is confirmed from then on; what was before it is not known.
    assert (stored.confirmed, confirmed.confirmed) == (False, True)
    assert (confirmed.counts, confirmed.previous_counts) == (40, 40)
    assert confirmed.from_index > 0
    assert (zero.counts, zero.previous_counts) == (123, 40)
    assert again == zero
    assert [r.request_id for r in b.heard().of(messages.Response)][-3:] == [7, 8, 9]


def test_a_zero_with_which_a_limit_can_not_be_reached_is_refused(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 100)
    b.start(_LIMITS)
    b.say(wire.command(9, kinds.SET_ZERO, messages.set_zero_body(kinds.COUNTS_MAX - 3000)))
    response = b.heard().of(messages.Response)[-1]
    assert response.error == kinds.BAD_ARGUMENT
    assert "can't reach the warning" in response.text
    assert b.tool.settings.zero.counts == 0
    assert b.tool.settings.limits == _LIMITS


def test_impossible_limits_are_refused_in_words_and_change_nothing(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 30 + [6000] * 300)
    b.start(_LIMITS)
    bad = messages.Limits("", 9000, 8000, 800, 520)
    b.say(wire.command(3, kinds.SET_LIMITS, bad.to_payload()))
    response = b.heard().of(messages.Response)[-1]
    assert (response.error, response.text) == (kinds.BAD_ARGUMENT, "the alarm lies below the warning")
    assert b.heard().of(messages.Limits)[-1] == _LIMITS
    b.run(500)
    assert [alert.index for alert in b.heard().of(messages.AlertReport)] == [31]


@pytest.mark.parametrize(
    ("number", "body", "error"),
    [
        (99, b"", kinds.UNKNOWN_COMMAND),
        (0, b"abc", kinds.UNKNOWN_COMMAND),
        (kinds.SET_ZERO, b"\x01\x02", kinds.BAD_ARGUMENT),
        (kinds.SET_LIMITS, b"", kinds.BAD_ARGUMENT),
        (kinds.SET_LIMITS, b"\x02\xff\xfe" + bytes(16), kinds.BAD_ARGUMENT),
    ],
)
def test_a_command_that_can_not_be_done_is_answered_with_words(
    bench: Callable[..., Any], wire: Any, number: int, body: bytes, error: int
) -> None:
    b = bench([])
    b.say(wire.hello())
    b.say(wire.command(300, number, body))
    (response,) = b.heard().of(messages.Response)
    assert (response.request_id, response.command, response.error) == (300, number, error)
    assert response.text


def test_a_request_repeated_is_answered_again_and_done_once(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 3000)
    b.start()
    zero = wire.command(40, kinds.SET_ZERO, messages.set_zero_body(123))
    b.say(zero)
    b.run(300)
    b.say(zero)
    b.run(300)
    zeros = [z for z in b.heard().of(messages.Zero) if z.counts == 123]
    assert len(zeros) == 2
    assert zeros[0] == zeros[1]
    assert [r.error for r in b.heard().of(messages.Response) if r.request_id == 40] == [kinds.OK, kinds.OK]
    assert len([e for e in b.heard().of(messages.ToolEvent) if e.kind == kinds.EVENT_ZERO]) == 1
    # The same id with another body is another request, and so it is with another command.
    b.say(wire.command(40, kinds.SET_ZERO, messages.set_zero_body(124)))
    assert b.tool.settings.zero.counts == 124
    b.say(wire.command(40, kinds.STOP_STREAM))
    assert not b.tool.links[0].streaming


def test_a_new_hello_forgets_the_requests_before(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 3000)
    b.say(wire.hello())
    b.say(wire.command(1, kinds.SET_ZERO, messages.set_zero_body(5)))
    b.say(wire.hello())
    b.say(wire.command(1, kinds.SET_ZERO, messages.set_zero_body(6)))
    assert b.tool.settings.zero.counts == 6


def test_a_hello_of_the_same_session_lets_the_stream_run_on_and_one_of_another_ends_it(
    bench: Callable[..., Any], wire: Any
) -> None:
    b = bench([0] * 3000)
    b.start()
    b.say(wire.hello())
    assert b.tool.links[0].streaming
    b.say(wire.hello(session=2))
    assert not b.tool.links[0].streaming


def test_a_host_that_asks_much_and_reads_nothing_does_not_wedge_the_link(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 3000)
    b.say(wire.hello())
    b.stream.room = 0
    for _ in range(40):
        b.say(wire.command(1, kinds.DESCRIBE))
    b.run(3000)
    b.stream.room = None
    b.stream.written = b""
    b.say(wire.hello(session=2))
    b.run(200)
    assert _kinds(b)[-1] == "HelloAnswer"


def test_unknown_kinds_are_skipped_and_counted(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([])
    b.say(wire.hello())
    for kind in (0x0F, 0x7F, kinds.STATUS):
        b.say(encode(kind, 0, b"whatever"))
    b.say(wire.command(1, kinds.DESCRIBE))
    assert _kinds(b) == ["HelloAnswer", "Calibration", "Zero", "Limits", "ChannelsReport", "Response"]
    assert b.tool.links[0]._unknown_kinds == 3


@given(noise=st.binary(max_size=300), tail=st.binary(max_size=30))
def test_garbage_never_stops_the_tool_or_its_samples(
    bench: Callable[..., Any], wire: Any, noise: bytes, tail: bytes
) -> None:
    b = bench(range(400))
    b.start()
    b.stream.said += noise + b"\x00" + tail
    b.run(300)
    b.say(wire.command(700, kinds.DESCRIBE))
    b.run(300)
    assert 700 in [r.request_id for r in b.heard().of(messages.Response)]
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert samples[-1][0] > 180


def test_a_flood_from_the_host_does_not_hold_the_sampling(bench: Callable[..., Any]) -> None:
    b = bench(range(400))
    b.start()
    b.stream.said += bytes(1_000_000)
    before = b.tool.sampler.taken
    for _ in range(25):
        b.run(4)
    assert b.stream.said
    assert b.tool.sampler.taken - before >= 31


def test_samples_that_left_the_ring_unsent_are_counted_and_missing(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(20_000), ring_depth=320)
    b.start()
    b.run(500)
    b.stream.room = 0
    b.run(5000)
    assert b.tool.links[0]._outlet.suspended
    assert b.tool.health.faults & kinds.FAULT_LINK_STALLED
    b.stream.room = None
    b.say(encode(kinds.PING, 0, messages.Ping(1).to_payload()))
    b.run(1000)
    assert not b.tool.health.faults & kinds.FAULT_LINK_STALLED
    heard = b.heard()
    samples = heard.samples()
    assert heard.damaged == 0
    assert all(i == counts for i, counts in samples)
    missing = samples[-1][0] - samples[0][0] + 1 - len(samples)
    assert missing > 1000
    assert b.tool.links[0]._cursor.overrun_samples == missing
    faults = [(e.kind, e.value) for e in heard.of(messages.ToolEvent) if e.value == kinds.FAULT_LINK_STALLED]
    assert faults == [(kinds.EVENT_FAULT, 0x10), (kinds.EVENT_FAULT_CLEARED, 0x10)]


def test_a_host_that_only_reads_has_its_stream_again_within_about_a_second(bench: Callable[..., Any]) -> None:
    b = bench(range(20_000))
    b.start()
    b.run(500)
    b.stream.room = 0
    b.run(3000)
    assert b.tool.links[0]._outlet.suspended
    b.stream.room = None
    b.run(1100)
    assert not b.tool.health.faults & kinds.FAULT_LINK_STALLED
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert samples[-1][0] > 1400


def test_a_driver_that_holds_writes_is_left_alone_until_the_host_speaks(bench: Callable[..., Any]) -> None:
    b = bench(range(20_000))
    b.start()
    b.run(500)
    b.stream.write_takes_us = 500_000
    b.run(100)
    assert b.tool.links[0]._outlet.suspended
    length = len(b.stream.written)
    b.run(5000)
    assert len(b.stream.written) == length
    b.stream.write_takes_us = 0
    b.say(encode(kinds.PING, 0, messages.Ping(1).to_payload()))
    b.run(1000)
    assert not b.tool.health.faults & kinds.FAULT_LINK_STALLED
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]


def test_a_pause_shorter_than_the_ring_loses_nothing(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(20_000))
    b.start()
    b.run(500)
    b.stream.room = 0
    b.run(4000)
    b.stream.room = None
    b.say(encode(kinds.PING, 0, messages.Ping(1).to_payload()))
    b.run(1000)
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert samples[-1][0] > 1700


def test_the_alarm_does_not_depend_on_a_link_that_blocks(bench: Callable[..., Any]) -> None:
    b = bench([0] * 200 + [9000] * 200)
    b.start(_LIMITS)
    b.stream.room = 0
    b.run(1500)
    assert b.board.alerts == [(201, kinds.ALARM)]


def test_events_have_running_ids_and_begin_with_the_boot(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 1000)
    b.run(500)
    b.start(_LIMITS)
    b.say(wire.command(9, kinds.SET_ZERO, messages.set_zero_body(3)))
    b.run(100)
    events = b.heard().of(messages.ToolEvent)
    assert [(e.event_id, e.kind) for e in events] == [
        (1, kinds.EVENT_BOOT),
        (2, kinds.EVENT_LIMITS),
        (3, kinds.EVENT_ZERO),
    ]
