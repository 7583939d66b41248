"""What was lost on the way is sent once more, whole, in order, and after everything that is new."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode

_U32_MAX = 0xFFFFFFFF


def _fetch(first_index: int, samples: int) -> bytes:
    return bytes(encode(kinds.FETCH, 0, messages.Fetch(first_index, samples).to_payload()))


def _fetch_events(first_event: int) -> bytes:
    return bytes(encode(kinds.FETCH_EVENTS, 0, messages.FetchEvents(first_event).to_payload()))


def _fetched(batch: Any) -> bool:
    return isinstance(batch, messages.ForceSamples) and bool(batch.flags & kinds.BACKFILLED)


def _live(batch: Any) -> bool:
    return isinstance(batch, messages.ForceSamples) and not batch.flags & kinds.BACKFILLED


def _samples(batches: list[Any]) -> list[tuple[int, int]]:
    return [(batch.first_index + i, count) for batch in batches for i, count in enumerate(batch.counts())]


def _spans(found: list[Any]) -> list[tuple[int, int, bool]]:
    """Fetched batches and GONE as (first index, index after the last, whether gone), in the order of arrival."""
    spans = []
    for message in found:
        if isinstance(message, messages.Gone):
            spans.append((message.first_index, message.first_index + message.samples, True))
        elif _fetched(message):
            spans.append((message.first_index, message.first_index + message.sample_count, False))
    return spans


class Sent(NamedTuple):
    """A frame in a tool's bytes: where it begins, and what it says."""

    offset: int
    message: Any


def _sent(written: bytes) -> list[Sent]:
    found = []
    offset = 0
    for block in written.split(b"\x00"):
        if block:
            decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
            decoder.feed(b"\x00" + block + b"\x00")
            frame = decoder.next_frame()
            if frame is not None:
                # A frame begins with its zero byte.
                found.append(Sent(offset - 1, messages.MESSAGES[frame.kind].from_payload(frame.payload)))
        offset += len(block) + 1
    return found


def _truth(counts: range, missed: dict[int, int]) -> dict[int, int]:
    """Raw counts by index, of a converter that misses conversions before some positions."""
    truth = {}
    index = 0
    for position, count in enumerate(counts):
        index += missed.get(position, 0)
        truth[index] = count
        index += 1
    return truth


def test_what_is_fetched_comes_in_order_whole_and_flagged(bench: Callable[..., Any]) -> None:
    b = bench(range(3000))
    b.start()
    b.run(3000)
    before = b.heard()
    b.say(_fetch(300, 200))
    b.run(100)
    new = b.heard().messages[len(before.messages) :]
    again = [batch for batch in new if _fetched(batch)]
    samples = _samples(again)
    first, last = samples[0][0], samples[-1][0]
    assert first <= 300 < 499 <= last
    assert samples == [(i, i) for i in range(first, last + 1)]
    # Whole batches as they went out live, times included; no batch that was not asked for.
    live = {batch.first_index: batch for batch in before.of(messages.ForceSamples)}
    for batch in again:
        assert batch._replace(flags=0) == live[batch.first_index]
        assert batch.first_index < 500
        assert batch.first_index + batch.sample_count > 300
    assert not [message for message in new if isinstance(message, messages.Gone)]


def test_samples_from_before_the_stream_and_while_there_is_none_can_be_fetched(
    bench: Callable[..., Any], wire: Any
) -> None:
    b = bench(range(1000))
    b.run(1000)
    b.say(wire.hello())
    b.say(_fetch(0, 100))
    b.run(20)
    samples = _samples(b.heard().of(messages.ForceSamples))
    assert samples == [(i, i) for i in range(len(samples))]
    assert len(samples) >= 100
    assert all(_fetched(batch) for batch in b.heard().of(messages.ForceSamples))


def test_before_a_hello_nothing_is_fetched(bench: Callable[..., Any]) -> None:
    b = bench(range(1000))
    b.run(1000)
    b.say(_fetch(0, 100) + _fetch_events(1))
    b.run(100)
    assert b.stream.written == b""


def test_a_fetch_ends_at_the_newest_sample(bench: Callable[..., Any], wire: Any) -> None:
    b = bench(range(3000))
    b.run(1001)
    newest = b.tool.sampler.next_index - 1
    b.say(wire.hello())
    b.say(_fetch(300, 5000))
    b.say(_fetch_events(1))
    b.run(1000)
    samples = _samples(b.heard().of(messages.ForceSamples))
    assert samples == [(i, i) for i in range(samples[0][0], samples[-1][0] + 1)]
    # To the end of the batch that was open when it was asked, within 20 ms.
    assert newest <= samples[-1][0] <= newest + 16
    assert not b.heard().of(messages.Gone)


@pytest.mark.parametrize(
    ("first_index", "samples"),
    [(_U32_MAX, _U32_MAX), (_U32_MAX, 1), (1 << 30, 1 << 30), (100_000, 1)],
)
def test_a_fetch_of_what_is_to_come_fetches_nothing(bench: Callable[..., Any], first_index: int, samples: int) -> None:
    b = bench(range(3000))
    b.start()
    b.run(1000)
    b.say(_fetch(first_index, samples))
    b.run(1000)
    assert _spans(b.heard().messages) == []
    assert len(b.heard().samples()) > 600


def test_a_fetch_to_the_end_of_all_indices_is_one_of_all_that_is_kept(bench: Callable[..., Any]) -> None:
    b = bench(range(640))
    b.start()
    b.run(2100)
    b.say(_fetch(0, _U32_MAX))
    b.run(100)
    assert _samples([m for m in b.heard().messages if _fetched(m)]) == [(i, i) for i in range(640)]


def test_a_fetch_of_no_samples_or_cut_short_is_counted_and_ends_no_other(bench: Callable[..., Any]) -> None:
    b = bench(range(3000))
    b.start()
    b.run(1000)
    nothing = bytes(8)
    b.stream.said += _fetch(10, 100)
    b.stream.said += encode(kinds.FETCH, 0, nothing) + encode(kinds.FETCH, 0, nothing[:5])
    b.stream.said += encode(kinds.FETCH_EVENTS, 0, b"\x01")
    b.run(100)
    assert b.tool.links[0]._unreadable == 3
    fetched = _samples([m for m in b.heard().messages if _fetched(m)])
    assert {index for index, _ in fetched} >= set(range(10, 110))


def test_missed_conversions_are_gone_to_the_sample(bench: Callable[..., Any]) -> None:
    missed = {100: 5, 101: 1, 103: 40, 200: 1}
    b = bench(range(2000), missed)
    b.start()
    b.run(1500)
    b.say(_fetch(90, 200))
    b.run(50)
    truth = _truth(range(2000), missed)
    spans = _spans(b.heard().messages)
    gone = [span[:2] for span in spans if span[2]]
    assert gone == [(100, 105), (106, 107), (109, 149), (246, 247)]
    assert spans == sorted(spans)
    fetched = _samples([m for m in b.heard().messages if _fetched(m)])
    assert all(truth[index] == count for index, count in fetched)
    assert {index for index, _ in fetched} >= {index for index in range(90, 290) if index in truth}


def test_a_fetch_within_a_hole_is_gone_as_far_as_was_asked(bench: Callable[..., Any]) -> None:
    b = bench(range(2000), {100: 50})
    b.start()
    b.run(1000)
    b.say(_fetch(110, 20))
    b.run(50)
    assert _spans(b.heard().messages) == [(110, 130, True)]


def test_what_has_left_the_ring_is_gone_to_the_sample(bench: Callable[..., Any]) -> None:
    b = bench(range(4000), ring_depth=500)
    b.start()
    b.run(10_000)
    b.say(_fetch(0, 4000))
    b.run(40)
    spans = _spans(b.heard().messages)
    first, oldest, gone = spans[0]
    assert (first, gone) == (0, True)
    assert [span[2] for span in spans[1:]] == [False] * (len(spans) - 1)
    fetched = _samples([m for m in b.heard().messages if _fetched(m)])
    assert fetched == [(i, i) for i in range(oldest, fetched[-1][0] + 1)]
    # It keeps what hello promises.
    assert b.heard().messages[0].ring_depth >= 500
    assert fetched[-1][0] - oldest + 1 >= b.heard().messages[0].ring_depth


def test_a_fetch_takes_the_place_of_the_one_under_way(bench: Callable[..., Any]) -> None:
    b = bench(range(6000))
    b.start()
    b.run(5000)
    b.stream.room = 2000
    b.say(_fetch(0, 1500))
    b.run(60)
    b.say(_fetch(700, 30))
    b.stream.room = None
    b.run(200)
    spans = _spans(b.heard().messages)
    at = next(i for i, span in enumerate(spans) if span[0] > 600)
    assert 0 < at < 60
    assert [span[:2] for span in spans[:at]] == [(span[0], span[1]) for span in sorted(spans[:at])]
    assert spans[at][0] <= 700
    assert spans[-1][1] < 740
    # Asked again, all of it comes again, from its start.
    for _ in range(3):
        b.stream.written = b""
        b.say(_fetch(0, 1500))
        b.run(500)
        fetched = _samples([m for m in b.heard().messages if _fetched(m)])
        assert fetched[:1500] == [(i, i) for i in range(1500)]


def test_a_hello_of_another_session_ends_a_fetch_and_one_of_the_same_does_not(
    bench: Callable[..., Any], wire: Any
) -> None:
    for session, goes_on in ((1, True), (2, False)):
        b = bench(range(6000))
        b.start()
        b.run(5000)
        b.stream.room = 500
        b.say(_fetch(0, 1500))
        b.say(wire.hello(session=session))
        b.stream.written = b""
        b.stream.room = None
        b.run(500)
        # The first block is the rest of a torn frame.
        fetched = [sent for sent in _sent(b.stream.written) if _fetched(sent.message)]
        assert (len(fetched) > 100) == goes_on


def _turns(b: Any, turns: int, bytes_per_ms: int) -> list[tuple[int, int]]:
    """Let time pass on a slow line; return (samples closed, bytes written by then) at each close of a batch."""
    closed = []
    link = b.tool.links[0]
    for turn in range(turns):
        before = b.tool.ring.samples
        if turn % 2 == 0:
            b.tool.sampler.step()
        if b.tool.ring.samples != before:
            closed.append((b.tool.ring.samples, len(b.stream.written)))
        b.stream.room = bytes_per_ms
        link.step()
        b.elapsed_us += 1000
    return closed


@pytest.mark.parametrize(("rate_hz", "bytes_per_ms"), [(320, 12), (320, 40), (320, 1000), (1000, 12), (1000, 200)])
def test_a_fetch_of_a_minute_delays_a_live_batch_by_no_more_than_the_frame_under_way(
    bench: Callable[..., Any], rate_hz: int, bytes_per_ms: int
) -> None:
    depth = 60 * rate_hz
    b = bench(range(depth + 20 * rate_hz), rate_mhz=rate_hz * 1000, ring_depth=depth)
    b.start()
    b.run(60_000)
    b.heard()
    b.stream.written = b""
    samples_before = b.tool.links[0]._cursor.samples
    b.stream.said += _fetch(0, depth)
    closed = _turns(b, 10_000, bytes_per_ms)
    sent = _sent(b.stream.written)
    fetched = _samples([s.message for s in sent if _fetched(s.message)])
    assert fetched == [(i, i) for i in range(len(fetched))]
    assert len(fetched) > (10 if bytes_per_ms == 12 else 2) * rate_hz
    samples = samples_before
    live = []
    for at, frame in enumerate(sent):
        if _live(frame.message):
            samples += frame.message.sample_count
            live.append((samples, at))
    position = 0
    for samples_closed, written in closed[:-2]:
        while live[position][0] < samples_closed:
            position += 1
        # Of the frames that began after the batch was closed, none before it was a fetched one. (One that was given
        # away before, and of which the line took nothing yet, is under way.)
        overtakers = [
            frame.message for frame in sent[: live[position][1]] if frame.offset > written and _fetched(frame.message)
        ]
        assert overtakers == []


@pytest.mark.parametrize(("seed", "rate_hz"), [(1, 320), (2, 320), (3, 1000), (4, 1000), (5, 80)])
def test_random_fetches_on_a_slow_line_at_the_rings_edge_give_the_truth_or_gone(
    bench: Callable[..., Any], seed: int, rate_hz: int
) -> None:
    generator = random.Random(seed)
    counts = range(60 * rate_hz)
    missed = {generator.randrange(60 * rate_hz): generator.randint(1, 30) for _ in range(60)}
    truth = _truth(counts, missed)
    b = bench(counts, missed, rate_mhz=rate_hz * 1000, ring_depth=4 * rate_hz)
    b.start()
    link = b.tool.links[0]
    ring = b.tool.ring
    decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
    asked = (0, 0)
    expected = 0
    fetches = gone = 0
    live: list[tuple[int, int]] = []

    def hear() -> list[Any]:
        decoder.feed(b.stream.written)
        b.stream.written = b""
        found = []
        while (frame := decoder.next_frame()) is not None:
            found.append(messages.MESSAGES[frame.kind].from_payload(frame.payload))
        live.extend(_samples([batch for batch in found if _live(batch)]))
        return found

    while b.tool.sampler.taken < len(counts) - 2 * rate_hz:
        if generator.random() < 0.02:
            # What was said before this is heard first, so that each answer is known by its question.
            b.stream.room = None
            while link.step():
                pass
            hear()
            expected = max(0, b.tool.sampler.next_index - generator.randrange(6 * rate_hz))
            asked = (expected, expected + generator.randint(1, 3 * rate_hz))
            b.stream.said += _fetch(asked[0], asked[1] - asked[0])
            fetches += 1
        b.tool.sampler.step()
        oldest = ring._first_indices[max(0, ring._page_number - len(ring._pages) + 1) % len(ring._pages)]
        b.stream.room = generator.randint(1, 300)
        link.step()
        b.elapsed_us += 3000
        found = hear()
        for begin, end, is_gone in _spans(found):
            assert begin < asked[1]
            if is_gone:
                assert begin == expected < end <= asked[1]
                # Of what was not missed, nothing that the ring still holds is told to be gone.
                assert all(index < oldest for index in range(begin, end) if index in truth)
                gone += 1
            else:
                assert begin <= expected < end
            expected = end
        fetched = _samples([message for message in found if _fetched(message)])
        assert all(truth[index] == count for index, count in fetched)
    assert decoder.damaged == 0
    assert fetches > 20
    assert gone > 20
    # The stream went on in order, each sample once, but for what was missed or overran.
    assert live == sorted(set(live))
    assert all(truth[index] == count for index, count in live)


def test_events_are_sent_once_more_from_an_id_on(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 1000)
    b.start()
    for i in range(4):
        b.say(wire.command(10 + i, kinds.SET_ZERO, messages.set_zero_body(i + 1)))
    b.run(100)
    events = b.heard().of(messages.ToolEvent)
    assert [event.event_id for event in events] == [1, 2, 3, 4, 5]
    for first, ids in ((3, [3, 4, 5]), (0, [1, 2, 3, 4, 5]), (5, [5]), (6, []), (_U32_MAX, [])):
        b.stream.written = b""
        b.say(_fetch_events(first))
        b.run(20)
        again = b.heard().of(messages.ToolEvent)
        assert [event.event_id for event in again] == ids
        assert again == [event for event in events if event.event_id in ids]
    # What is new comes once, and in its turn.
    b.stream.written = b""
    b.say(wire.command(20, kinds.SET_ZERO, messages.set_zero_body(9)))
    b.run(20)
    assert [event.event_id for event in b.heard().of(messages.ToolEvent)] == [6]


def test_events_that_are_no_longer_kept_are_passed_over(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 1000)
    b.say(wire.hello())
    for i in range(50):
        b.say(wire.command(10 + i, kinds.SET_ZERO, messages.set_zero_body(i + 1)))
    b.stream.written = b""
    b.say(_fetch_events(1))
    b.run(40)
    assert [event.event_id for event in b.heard().of(messages.ToolEvent)] == list(range(20, 52))


def test_a_hello_of_another_session_ends_a_fetch_of_events(bench: Callable[..., Any], wire: Any) -> None:
    b = bench([0] * 1000)
    b.say(wire.hello())
    for i in range(10):
        b.say(wire.command(10 + i, kinds.SET_ZERO, messages.set_zero_body(i + 1)))
    b.stream.written = b""
    b.stream.said += _fetch_events(1) + wire.hello(session=2)
    b.run(40)
    assert b.heard().of(messages.ToolEvent) == []
