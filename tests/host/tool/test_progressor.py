"""A Progressor by hand: its notifications as bytes, its time as chunks; no radio."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import (
    Answer,
    Chunk,
    Event,
    ForceBlock,
    Gap,
    LinkChanged,
    SetLimits,
    SetZero,
    StatusReport,
    Tare,
    ToolDescription,
    Unreadable,
)
from iastm_host.tool import progressor, states
from iastm_host.tool.dialects import Host, new_dialect, numbering_of
from iastm_host.tool.progressor import Progressor
from iastm_host.transports.base import PROGRESSOR
from iastm_host.transports.borders import bordered

PERIOD_US = 12_500
WRAP = 1 << 32
# Dialects of other programs disagree on what these mean: one of them overwrites the calibration.
NEVER = {0x69, 0x6A, *range(0x71, 0x77)}
LIMITS = SetLimits("glide", 5.0, 8.0, 0.5, 0.3)


def said(tag: int, value: bytes, length: int | None = None) -> bytes:
    return bordered(bytes([tag, len(value) if length is None else length]) + value)


def weights(samples: Sequence[tuple[float, int]]) -> bytes:
    return said(1, b"".join(struct.pack("<fI", kg, us % WRAP) for kg, us in samples))


class Hand:
    """Plays the gauge and the link: `clock_us` is its own, `host_us` the host's."""

    def __init__(self, gauge: Progressor | None = None, clock_us: int = 0) -> None:
        self.gauge = gauge or Progressor()
        self.clock_us = clock_us
        self.host_us = 1_000_000
        self.batch = 4
        self.silent = False
        self.streams = False
        self.mute: set[int] = set()
        self.sent: list[int] = []
        self.events: list[Event] = []
        self.gauge.opening()
        self.gauge.opened(20)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def hear(self, data: bytes = b"") -> None:
        """Give the gauge's words to the dialect and answer what it then asks."""
        self.events += self.gauge.receive(Chunk(self.host_us, data))
        for message in self.gauge.to_send():
            assert len(message) == 1
            self.sent.append(message[0])
            self.answer(message)
        assert not self.gauge.to_send_privileged()

    def answer(self, command: bytes) -> None:
        if self.silent or command[0] in self.mute:
            return
        if command == progressor.VERSION:
            self.hear(said(0, b"1.2.3.4"))
        elif command == progressor.BATTERY:
            self.hear(said(0, struct.pack("<I", 4012)))
        elif command == progressor.START:
            self.streams = True
        elif command == progressor.STOP:
            self.streams = False

    def take(self, kg: float = 0.0, n: int | None = None) -> list[tuple[float, int]]:
        """Let time pass for a batch; return its samples."""
        n = n or self.batch
        first_us = self.clock_us
        self.clock_us += n * PERIOD_US
        self.host_us += n * PERIOD_US
        return [(kg, first_us + i * PERIOD_US) for i in range(n)]

    def run(self, seconds: float, kg: float = 0.0) -> None:
        end_us = self.host_us + round(seconds * 1e6)
        while self.host_us < end_us:
            batch = self.take(kg)
            self.hear(weights(batch) if self.streams and not self.silent else b"")

    def live(self) -> Hand:
        self.hear()
        self.run(1.0)
        assert self.gauge.state == states.STREAMING
        return self


def assert_in_order(items: list[Event]) -> None:
    """Indices are consecutive over blocks and gaps, and begin anew with each boot."""
    boot_id, next_index = 0, 0
    for item in items:
        if isinstance(item, ForceBlock | Gap):
            if item.boot_id != boot_id:
                assert item.boot_id > boot_id
                boot_id, next_index = item.boot_id, 0
            assert item.first_index == next_index
            next_index += len(item.force_n) if isinstance(item, ForceBlock) else item.sample_count


def test_a_gauge_is_asked_who_it_is_then_started_and_is_live_with_its_first_weights() -> None:
    hand = Hand().live()
    assert hand.sent == [0x6B, 0x6F, 0x65]
    assert [event.state for event in hand.of(LinkChanged)] == ["synchronising", "streaming"]
    (tool,) = hand.of(ToolDescription)
    assert (tool.board, tool.firmware_version, tool.protocol) == ("Progressor", "1.2.3.4", "progressor")
    assert tool.rate_hz == pytest.approx(80)
    assert (tool.warns, tool.tares, tool.backfills, tool.ring_depth) == (False, True, False, 0)
    assert hand.gauge.battery_mv == 4012
    first = hand.of(ForceBlock)[0]
    assert (first.boot_id, first.first_index, first.tool_us, first.raw_counts) == (1, 0, first.tool_us, None)


def test_kilograms_become_newtons_by_standard_gravity() -> None:
    hand = Hand().live()
    hand.events.clear()
    hand.hear(weights(hand.take(2.5, 1)))
    (block,) = hand.of(ForceBlock)
    assert block.force_n == pytest.approx([24.516625])
    assert block.force_n.dtype == np.float64


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 15, 16])
def test_batches_of_every_size_become_every_sample_once(batch: int) -> None:
    hand = Hand()
    hand.batch = batch
    hand.hear()
    start_us = hand.clock_us
    hand.run(3.0, 1.0)
    blocks = hand.of(ForceBlock)
    assert sum(len(block.force_n) for block in blocks) == (hand.clock_us - start_us) // PERIOD_US
    assert not hand.of(Gap)
    assert {round(block.period_us) for block in blocks} == {PERIOD_US}
    assert_in_order(hand.events)


@pytest.mark.parametrize("batch", [1, 4, 16])
def test_the_clock_wraps_without_a_gap(batch: int) -> None:
    hand = Hand(clock_us=WRAP - 1_500_003)
    hand.batch = batch
    hand.live().run(3.0)
    times = [block.tool_us for block in hand.of(ForceBlock)]
    assert times == sorted(times)
    assert times[-1] > WRAP
    assert not hand.of(Gap)
    assert {event.boot_id for event in hand.of(ForceBlock)} == {1}


@pytest.mark.parametrize("lost", [1, 2, 5, 80])
def test_lost_notifications_are_a_gap_of_as_many_samples_that_says_it_is_inferred(lost: int) -> None:
    hand = Hand().live()
    hand.events.clear()
    for _ in range(lost):
        hand.take()
    hand.hear(weights(hand.take()))
    gap, block = hand.of(Gap) + hand.of(ForceBlock)
    assert gap.sample_count == 4 * lost
    assert gap.reason == progressor.MISSING
    assert gap.first_index + gap.sample_count == block.first_index
    assert gap.tool_us == block.tool_us - gap.sample_count * PERIOD_US


def test_a_gap_within_a_batch_splits_it() -> None:
    hand = Hand().live()
    hand.events.clear()
    samples = hand.take(1.0, 6)
    del samples[2]
    hand.hear(weights(samples))
    first, second = hand.of(ForceBlock)
    (gap,) = hand.of(Gap)
    assert (len(first.force_n), gap.sample_count, len(second.force_n)) == (2, 1, 3)
    assert [first.next_index, gap.first_index + 1] == [gap.first_index, second.first_index]


def test_samples_that_shake_by_less_than_half_a_period_are_no_gap() -> None:
    hand = Hand().live()
    hand.events.clear()
    rng = np.random.default_rng(3)
    for _ in range(200):
        hand.hear(weights([(kg, us + int(rng.integers(0, 5000))) for kg, us in hand.take()]))
    assert sum(len(block.force_n) for block in hand.of(ForceBlock)) == 800
    assert not hand.of(Gap)


def test_the_rate_is_measured_and_not_believed() -> None:
    hand = Hand()
    hand.hear()
    hand.streams = True
    for i in range(12):
        hand.host_us += 200_000
        hand.hear(weights([(0.0, i * 200_000), (0.0, i * 200_000 + 100_000)]))
    (tool,) = hand.of(ToolDescription)
    assert tool.rate_hz == pytest.approx(10)
    # What was held while it was measured is there, with the time at which it came.
    blocks = hand.of(ForceBlock)
    assert blocks[0].first_index == 0
    assert sum(len(block.force_n) for block in blocks) == 24
    assert blocks[0].arrived_us < blocks[1].arrived_us


@pytest.mark.parametrize(
    "odd",
    [
        said(1, b""),
        said(1, bytes(7)),
        said(1, bytes(16), 24),
        said(1, bytes(16), 8),
        said(1, struct.pack("<fI", float("nan"), 5)),
        said(1, struct.pack("<fI", float("inf"), 5)),
        said(1, struct.pack("<fI", 1e9, 5)),
        said(1, struct.pack("<fIfI", 0.0, 500, 0.0, 500)),
        said(0, b"12", 9),
        bordered(b""),
        bordered(b"\x01"),
        b"\xff\xff\x01",
    ],
)
def test_odd_notifications_are_told_and_harm_nothing(odd: bytes) -> None:
    hand = Hand().live()
    hand.events.clear()
    hand.hear(odd)
    assert len(hand.of(Unreadable)) == 1
    hand.run(0.5)
    assert not hand.of(Gap)
    assert hand.gauge.state == states.STREAMING
    assert sum(len(block.force_n) for block in hand.of(ForceBlock)) == 40


@pytest.mark.parametrize("odd", [said(2, bytes(8)), said(3, b""), said(99, b"what"), said(0, b"nobody asked")])
def test_what_nobody_asked_for_is_passed_over(odd: bytes) -> None:
    hand = Hand().live()
    hand.events.clear()
    hand.hear(odd)
    assert hand.events == []
    assert hand.gauge._version == "1.2.3.4"


def test_one_batch_with_a_wild_time_is_damage_and_its_samples_are_a_gap() -> None:
    hand = Hand().live()
    hand.events.clear()
    hand.hear(weights([(1.0, us + 3_000_000_000) for _, us in hand.take()]))
    hand.run(0.5)
    (unreadable,) = hand.of(Unreadable)
    assert "times" in unreadable.why
    (gap,) = hand.of(Gap)
    assert gap.sample_count == 4
    assert {block.boot_id for block in hand.of(ForceBlock)} == {1}


def test_a_clock_that_begins_anew_in_mid_stream_is_a_new_start_with_no_sample_lost() -> None:
    hand = Hand(clock_us=60_000_000).live()
    hand.events.clear()
    hand.clock_us = 0
    hand.run(1.0)
    assert {block.boot_id for block in hand.of(ForceBlock)} == {2}
    assert sum(len(block.force_n) for block in hand.of(ForceBlock)) == 80
    assert hand.of(ToolDescription)[0].boot_id == 2
    assert not hand.of(Unreadable)
    assert_in_order(hand.events)


def reconnected(hand: Hand, away_s: float) -> None:
    hand.gauge.broken("out of range")
    hand.events.clear()
    hand.host_us += round(away_s * 1e6)
    hand.gauge.opening()
    hand.gauge.opened(20)


def test_over_a_new_link_a_clock_that_went_on_goes_on_and_what_was_missed_is_a_gap() -> None:
    hand = Hand().live()
    reconnected(hand, 7.0)
    hand.clock_us += 7_000_000
    hand.hear(weights(hand.take()))
    hand.live()
    (gap,) = hand.of(Gap)
    assert gap.sample_count == 560
    assert {block.boot_id for block in hand.of(ForceBlock)} == {1}
    # It was streaming all the while and is not started again, which might set its clock back.
    assert hand.sent == [0x6B, 0x6F, 0x65, 0x6B, 0x6F]


@pytest.mark.parametrize("clock_us", [0, 40_000_000])
def test_over_a_new_link_a_clock_that_began_anew_is_a_new_start_at_once(clock_us: int) -> None:
    hand = Hand(clock_us=10_000_000).live()
    hand.streams = False
    reconnected(hand, 7.0)
    hand.clock_us = clock_us
    hand.live()
    blocks = hand.of(ForceBlock)
    assert {block.boot_id for block in blocks} == {2}
    assert blocks[0].first_index == 0
    assert not hand.of(Gap)
    assert hand.sent == [0x6B, 0x6F, 0x65] * 2


def test_a_gauge_that_keeps_its_version_and_battery_to_itself_is_started_all_the_same() -> None:
    hand = Hand()
    hand.mute = {0x6F}
    hand.hear()
    hand.run(3.0)
    assert hand.gauge.state == states.STREAMING
    assert hand.gauge.battery_mv is None
    hand = Hand()
    hand.mute = {0x6B}
    hand.streams = True
    hand.hear()
    hand.run(3.0)
    assert hand.gauge.state == states.STREAMING
    assert hand.of(ToolDescription)[0].firmware_version == ""
    assert 0x65 not in hand.sent


def test_a_gauge_that_never_answers_is_refused_with_what_was_seen() -> None:
    hand = Hand()
    hand.silent = True
    hand.hear()
    hand.run(6.0)
    assert hand.gauge.state == states.REFUSED
    assert "Nothing came" in hand.gauge.reason
    other = Hand()
    other.silent = True
    other.hear(said(77, b"I am a scale"))
    other.run(6.0)
    assert other.gauge.state == states.REFUSED
    assert "bytes came" in other.gauge.reason


def test_a_gauge_that_answers_and_sends_nothing_readable_is_refused_with_the_reason() -> None:
    hand = Hand()
    hand.mute = {0x65}
    hand.hear()
    for _ in range(60):
        hand.host_us += 100_000
        hand.hear(said(1, struct.pack("<fI", float("nan"), 0)))
    assert hand.gauge.state == states.REFUSED
    assert "no gauge can hold" in hand.gauge.reason
    assert hand.sent.count(0x65) == 3


def test_a_gauge_that_falls_silent_is_asked_again_and_goes_on_or_is_lost() -> None:
    hand = Hand().live()
    hand.silent = True
    hand.run(2.5)
    assert hand.gauge.state == states.SILENT
    hand.silent = False
    hand.live()
    assert hand.of(Gap)
    assert_in_order(hand.events)
    hand.silent = True
    hand.run(8.0)
    assert hand.gauge.state == states.LOST


def test_a_low_battery_is_a_fault_until_the_next_link() -> None:
    hand = Hand().live()
    hand.hear(said(4, b""))
    assert hand.of(StatusReport)[-1].faults == (f"{progressor.LOW_BATTERY} (4.0 V when it was asked)",)
    assert hand.of(StatusReport)[-1].battery_percent is None
    reconnected(hand, 1.0)
    hand.live()
    assert [report.faults for report in hand.of(StatusReport)] == [()]


def test_one_that_takes_over_knows_of_the_low_battery_and_tells_when_it_is_past() -> None:
    hand = Hand().live()
    hand.hear(said(4, b""))
    fresh = Hand().live()
    fresh.gauge.take_over(hand.gauge)
    reconnected(fresh, 1.0)
    fresh.live()
    assert [report.faults for report in fresh.of(StatusReport)] == [()]


@pytest.mark.parametrize("command", [LIMITS, SetZero(5)])
def test_what_it_can_not_do_is_refused_in_words_and_never_sent(command: SetLimits | SetZero) -> None:
    hand = Hand().live()
    hand.sent.clear()
    number = hand.gauge.request(command)
    hand.hear()
    (answer,) = hand.of(Answer)
    assert (answer.request_id, answer.accepted) == (number, False)
    assert "Progressor" in answer.reason
    assert hand.sent == []


def test_a_tare_is_accepted_once_the_readings_lie_near_zero() -> None:
    hand = Hand().live()
    hand.run(0.5, 1.0)
    number = hand.gauge.request(Tare())
    hand.run(0.6, 1.0)
    assert hand.of(Answer) == []
    hand.run(0.4, 0.001)
    assert hand.sent[-1] == 0x64
    assert hand.of(Answer) == [Answer(number, True, "done")]


def test_a_tare_that_changes_nothing_is_refused_and_a_second_one_waits_for_the_first() -> None:
    hand = Hand().live()
    first, second = hand.gauge.request(Tare()), hand.gauge.request(Tare())
    hand.run(4.0, 1.0)
    assert [(answer.request_id, answer.accepted) for answer in hand.of(Answer)] == [(second, False), (first, False)]
    assert hand.sent.count(0x64) == 1


def test_a_tare_over_a_link_that_breaks_is_answered() -> None:
    hand = Hand().live()
    number = hand.gauge.request(Tare())
    (answer, _) = hand.gauge.broken("out of range")
    assert isinstance(answer, Answer)
    assert (answer.request_id, answer.accepted) == (number, False)
    hand.gauge.request(Tare())
    assert hand.gauge.to_send() == [b"\x64"]
    assert isinstance(hand.gauge.receive(Chunk(hand.host_us, b""))[-1], Answer)


def test_one_that_goes_on_from_a_numbering_tells_what_the_first_one_tells() -> None:
    hand = Hand().live()
    hand.run(1.0)
    numbering = numbering_of(hand.gauge)
    assert numbering is not None
    fresh = new_dialect(PROGRESSOR, Host("test", numbering=numbering))
    assert isinstance(fresh, Progressor)
    fresh.opening()
    fresh.opened(20)
    hand.take()
    expected, told = [], []
    for _ in range(30):
        chunk = Chunk(hand.host_us, weights(hand.take(1.5)))
        expected += hand.gauge.receive(chunk)
        told += fresh.receive(chunk)
        for asked in fresh.to_send():
            chunk = Chunk(hand.host_us, said(0, b"1.2.3.4" if asked == progressor.VERSION else bytes(4)))
            told += fresh.receive(chunk)
            hand.gauge.receive(chunk)
        hand.gauge.to_send()
    assert fresh.state == states.STREAMING

    def numbers(events: list[Event]) -> list[tuple[int, int, int, float]]:
        return [(e.boot_id, e.first_index, e.tool_us, e.period_us) for e in events if isinstance(e, ForceBlock | Gap)]

    assert numbers(told) == numbers(expected)
    tools = [event for event in told if isinstance(event, ToolDescription)]
    assert hand.gauge.tool is not None
    assert tools[-1] == replace(hand.gauge.tool, firmware_version="1.2.3.4")
    fresh.take_over(hand.gauge)
    assert numbering_of(fresh) == numbering_of(hand.gauge)


_times = st.integers(0, WRAP - 1)
_floats = st.floats(width=32)
_weights = st.lists(st.tuples(_floats, _times), max_size=5).map(
    lambda batch: said(1, b"".join(struct.pack("<fI", *sample) for sample in batch))
)
_steady = st.tuples(_times, st.integers(1, 16), st.integers(1, 2_000_000)).map(
    lambda t: weights([(0.1, t[0] + i * t[2]) for i in range(t[1])])
)
_any = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=40).map(bordered),
    st.tuples(st.integers(0, 5), st.binary(max_size=20)).map(lambda t: said(*t)),
    _weights,
    _steady,
    st.just(b""),
    st.just("run"),
    st.just("tare"),
    st.just("cut"),
)


@given(st.lists(st.tuples(st.integers(0, 3_000_000), _any), max_size=40))
def test_no_notification_ends_it_or_puts_samples_out_of_order(happenings: list[tuple[int, bytes | str]]) -> None:
    hand = Hand()
    for wait_us, what in happenings:
        hand.host_us += wait_us
        if what == "run":
            hand.run(0.3)
        elif what == "tare":
            hand.gauge.request(Tare())
        elif what == "cut":
            hand.events += hand.gauge.broken("cut")
            hand.gauge.opening()
            hand.gauge.opened(20)
        else:
            assert isinstance(what, bytes)
            hand.hear(what)
    assert_in_order(hand.events)
    for block in hand.of(ForceBlock):
        assert np.isfinite(block.force_n).all()
        assert block.period_us > 0
    assert not NEVER & set(hand.sent)
    hand.gauge.broken("cut")
    hand.gauge.finished()
    assert hand.gauge.state == states.ENDED
