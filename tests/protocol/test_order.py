"""What SPEC.md says in words of order, of changes and of what waits is true of the firmware."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from tests.firmware.conftest import Bench, command, hello
from tests.protocol.rig import Rig

from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode

_LIMITS = messages.Limits("one hand", 5000, 8000, 800, 520)
_STOP = command(50, kinds.STOP_STREAM)
# Forces in counts, a thousand to the newton.
_REST, _OVER = 0, 9000


@pytest.fixture(autouse=True)
def heap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What STATUS asks of MicroPython."""
    monkeypatch.setattr(gc, "mem_free", lambda: 0, raising=False)


def _fetch(first_index: int, samples: int) -> bytes:
    return bytes(encode(kinds.FETCH, 0, messages.Fetch(first_index, samples).to_payload()))


def _fetch_events(first_event: int) -> bytes:
    return bytes(encode(kinds.FETCH_EVENTS, 0, messages.FetchEvents(first_event).to_payload()))


def _names(sent: list[Any]) -> list[str]:
    return [type(message).__name__ for message in sent]


def _streaming(counts: list[int], **settings: Any) -> Bench:
    bench = Bench(counts, **settings)
    bench.start(_LIMITS)
    return bench


# 5.1: a zero that is confirmed


def test_to_confirm_a_zero_is_a_change_like_any_other() -> None:
    bench = _streaming([_OVER + 40] * 400, zero_counts=40, zero_confirmed=False)
    bench.run(500)
    assert bench.heard().of(messages.AlertReport) == []
    bench.say(command(9, kinds.SET_ZERO, messages.set_zero_body(40)))
    bench.run(300)
    heard = bench.heard()
    stored, confirmed = heard.of(messages.Zero)
    assert stored == messages.Zero(40, 0, 40, False)
    assert confirmed == messages.Zero(40, confirmed.from_index, 40, True)
    events = [event for event in heard.of(messages.ToolEvent) if event.kind == kinds.EVENT_ZERO]
    assert [(event.index, event.value) for event in events] == [(confirmed.from_index, 40)]
    # The batch ends there, as its flag does, and so does the stroke; what is still above alarms anew.
    for batch in heard.of(messages.ForceSamples):
        before = batch.first_index + batch.sample_count <= confirmed.from_index
        assert before or batch.first_index >= confirmed.from_index
        assert bool(batch.flags & kinds.ZERO_UNCERTAIN) == before
    (stroke,) = heard.of(messages.StrokeReport)
    assert (stroke.last_index, stroke.truncated) == (confirmed.from_index - 1, True)
    assert [alert.index for alert in heard.of(messages.AlertReport)] == [confirmed.from_index + 1]


# 4.15: events that are fetched


def test_an_event_that_was_fetched_comes_in_its_turn_all_the_same() -> None:
    bench = Bench([_REST] * 400)
    bench.say(hello() + _fetch_events(1))
    bench.run(40)
    assert [event.event_id for event in bench.heard().of(messages.ToolEvent)] == [1]
    bench.say(command(1, kinds.START_STREAM))
    bench.run(40)
    assert [event.event_id for event in bench.heard().of(messages.ToolEvent)] == [1, 1]
    # Nor a second time: a stream sent it.
    bench.say(_STOP + command(2, kinds.START_STREAM))
    bench.run(40)
    assert [event.event_id for event in bench.heard().of(messages.ToolEvent)] == [1, 1]


# 4.6, 7.3 and 7.6: a zero that waits


def test_answers_behind_a_zero_wait_for_the_batches_before_it_and_an_alert_does_not() -> None:
    bench = _streaming([_REST] * 200 + [_OVER] * 200)
    bench.run(400)
    bench.stream.room = 0
    length = len(bench.stream.written)
    bench.run(100)
    bench.run(400)
    bench.say(command(9, kinds.SET_ZERO, messages.set_zero_body(-1000)))
    bench.say(bytes(encode(kinds.PING, 0, messages.Ping(7).to_payload())))
    bench.run(100)
    bench.stream.room = None
    bench.run(200)
    heard = bench.heard()
    assert len(bench.stream.written) > length
    old, new = heard.of(messages.AlertReport)
    zero = heard.of(messages.Zero)[-1]
    assert (old.counts, new.counts) == (_OVER, _OVER + 1000)
    assert old.index < zero.from_index < new.index
    order = _names(heard.messages)
    at = heard.messages.index(zero)
    assert order[at : at + 3] == ["Zero", "Response", "Pong"]
    last_before = max(
        i
        for i, message in enumerate(heard.messages)
        if isinstance(message, messages.ForceSamples) and message.first_index < zero.from_index
    )
    assert heard.messages.index(old) < heard.messages.index(new) < last_before < at


# 7.2 and 7.3: what ends with a stream


@pytest.mark.parametrize("ends", [_STOP, hello(session=2)], ids=["STOP_STREAM", "another session"])
def test_what_waits_at_the_end_of_a_stream_is_not_sent_then_or_later_but_an_event_is(ends: bytes) -> None:
    bench = _streaming([_REST] * 200 + [_OVER] * 100 + [_REST] * 2000)
    bench.run(400)
    bench.stream.room = 0
    # Longer than a light that came on stays on.
    bench.run(1000)
    assert bench.board.alerts[-1][1] == 0
    bench.tool.events.raise_event(kinds.EVENT_BUTTON, bench.tool.sampler.next_index, 0)
    bench.stream.said += ends
    bench.run(8)
    before = len(bench.heard().messages)
    bench.stream.room = None
    bench.run(1200)
    # What was being sent is sent to its end.
    sent = _names(bench.heard().messages[before:])
    assert sent[-1] == ("Response" if ends == _STOP else "HelloAnswer")
    assert sent[:-1] in ([], ["ForceSamples"])
    before = len(bench.heard().messages)
    bench.say(command(51, kinds.START_STREAM))
    first_index = bench.tool.sampler.next_index
    bench.run(200)
    later = bench.heard().messages[before:]
    assert {"AlertReport", "StrokeReport"}.isdisjoint(_names(later))
    assert kinds.EVENT_BUTTON in [event.kind for event in later if isinstance(event, messages.ToolEvent)]
    batches = [batch for batch in later if isinstance(batch, messages.ForceSamples)]
    assert batches[0].first_index > first_index - 5
    # It is kept, and can be fetched.
    bench.say(_fetch(200, 100))
    bench.run(200)
    assert (200, _OVER) in bench.heard().samples()
    # Without a stream, or at its end, nothing overruns.
    bench.tool.second()
    bench.run(20)
    assert bench.heard().of(messages.Status)[-1].overrun_samples == 0


def test_limits_and_zero_outlive_the_host_and_the_tool_alarms_without_one() -> None:
    bench = Bench([_REST] * 400 + [_OVER] * 100)
    bench.start(_LIMITS)
    bench.say(command(9, kinds.SET_ZERO, messages.set_zero_body(5)) + _STOP)
    bench.say(hello(session=2))
    bench.run(1500)
    assert bench.board.alerts == [(401, kinds.ALARM)]
    before = len(bench.heard().messages)
    bench.say(command(1, kinds.DESCRIBE))
    _, zero, limits, _, _ = bench.heard().messages[before:]
    assert (zero.counts, zero.confirmed, limits) == (5, True, _LIMITS)


# 7.3: the seconds of STATUS


def test_no_status_waits_from_before_the_stream_and_one_at_most_in_it() -> None:
    rig = Rig("stream")
    rig.reach("greeted")
    rig.link.second()
    rig.command(kinds.START_STREAM)
    rig.run(400)
    assert "STATUS" not in rig.sent()
    rig.take_nothing()
    rig.sample(_REST, 20)
    rig.link.second()
    rig.run(100)
    rig.link.second()
    rig.take_all()
    rig.run(400)
    assert rig.sent().count("STATUS") == 1


# 7.4: batches


def test_batches_are_made_without_a_stream_and_one_closes_when_a_stream_starts_but_not_when_it_stops() -> None:
    bench = Bench([_REST] * 400)
    bench.run(505)
    bench.say(hello() + command(1, kinds.START_STREAM))
    bench.run(98)
    started = bench.heard().of(messages.ForceSamples)[0].first_index
    again = bench.tool.sampler.next_index
    bench.say(command(2, kinds.START_STREAM))
    bench.run(103)
    stopped = bench.tool.sampler.next_index
    bench.say(_STOP)
    bench.run(600)
    before = len(bench.heard().messages)
    bench.say(_fetch(0, 300))
    bench.run(200)
    kept = [batch for batch in bench.heard().messages[before:] if isinstance(batch, messages.ForceSamples)]
    assert kept[0].first_index == 0
    # Seven samples of 320 per second are 20 ms; one batch is shorter.
    assert [batch.first_index + batch.sample_count for batch in kept if batch.sample_count != 7] == [started]
    assert {again, stopped}.isdisjoint(batch.first_index for batch in kept)
