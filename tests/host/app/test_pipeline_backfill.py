"""A link that loses frames and a tool that keeps its samples: all comes in the end, and alerts wait for nothing."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from iastm_host.analysis.profiles import Contact
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Alert, Arrived, Chunk, ForceBlock, Gap, Stroke
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_protocol import kinds, messages

CONTACT = Contact()
STEP_US = 20_000


class Lossy:
    """A pipeline on a link that drops whole chunks of the tool with a seeded chance."""

    def __init__(self, tool: Any, profile: Any, loss: float, seed: int) -> None:
        self.tool = tool
        self.rng = random.Random(seed)
        self.loss = loss
        self.pipeline = Pipeline(ToolClient("test", limits_for(profile, CONTACT)), profile, None, CONTACT)
        self.client = self.pipeline.client
        self.client.opening()
        self.client.opened()
        self.host_us = 1_000_000
        self.events: list[Any] = []
        while self.client.state != states.STREAMING:
            self.step(b"", sure=True)

    def step(self, data: bytes, *, sure: bool = False) -> list[Any]:
        """Let 20 ms pass; the tool's answers and `data` arrive, or are lost."""
        self.host_us += STEP_US
        self.tool.now_us += STEP_US
        answers = b"".join(self.tool.take(sent) for sent in self.client.to_send())
        data = answers + data
        if not sure and self.rng.random() < self.loss:
            data = b""
        events = self.pipeline.receive(Chunk(self.host_us, data))
        self.events += events
        return events

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def drain(self) -> None:
        """Let the link be good until nothing is missing."""
        for _ in range(2000):
            self.step(b"", sure=True)
            if not self.pipeline.missing_samples:
                return
        raise AssertionError(f"{self.pipeline.missing_samples} samples still missing")


def strokes_of(counts: Any, profile: Any, fake_tool: Any) -> list[tuple[int, int, float]]:
    """Return the strokes of a link without loss."""
    link = Lossy(fake_tool(keeps=20_000), profile, 0.0, 0)
    for at in range(0, len(counts), 6):
        link.step(link.tool.samples(counts[at : at + 6]), sure=True)
    return [(s.first_index, s.last_index, s.peak_n) for s in link.of(Stroke)]


@pytest.mark.parametrize("seed", range(8))
def test_what_a_link_loses_is_fetched_and_the_strokes_are_those_of_a_good_link(
    fake_tool: Any, profile: Any, strokes_as_counts: Any, seed: int
) -> None:
    counts = strokes_as_counts(np.arange(3200), (6.0, 16.0, 7.0, 12.0, 6.5))
    link = Lossy(fake_tool(keeps=20_000), profile, 0.3, seed)
    for at in range(0, len(counts), 6):
        link.step(link.tool.samples(counts[at : at + 6]))
    # The last batch is what tells that those before it were lost.
    link.step(link.tool.samples(counts[:6]), sure=True)
    link.drain()
    assert link.of(Gap) == []
    told = np.concatenate([block.raw_counts for block in link.of(ForceBlock)])
    whole = np.concatenate((counts, counts[:6]))
    first = link.of(ForceBlock)[0].first_index
    assert told.tolist() == whole[first:].tolist()
    expected = [stroke for stroke in strokes_of(counts, profile, fake_tool) if stroke[0] > first]
    got = [(s.first_index, s.last_index, s.peak_n) for s in link.of(Stroke)]
    assert [stroke for stroke in got if stroke in expected] == expected


def test_an_alert_does_not_wait_for_what_is_missing(fake_tool: Any, profile: Any, strokes_as_counts: Any) -> None:
    counts = strokes_as_counts(np.arange(1280), (6.0, 16.0))
    link = Lossy(fake_tool(keeps=20_000), profile, 0.0, 1)
    wires = [link.tool.samples(counts[at : at + 6]) for at in range(0, len(counts), 6)]
    link.step(wires[0], sure=True)
    # A second is lost, and the tool does not answer what is fetched.
    link.tool.mute = {kinds.FETCH}
    for wire in wires[60:190]:
        link.step(wire, sure=True)
    assert link.pipeline.missing_samples == 59 * 6
    assert link.of(Stroke) == []
    assert {alert.kind for alert in link.of(Alert) if not alert.late} == {"warn", "alarm"}
    assert sum(len(event.block.force_n) for event in link.of(Arrived)) == (190 - 59) * 6


def test_an_overshoot_that_was_fetched_is_an_alert_that_is_late(
    fake_tool: Any, profile: Any, strokes_as_counts: Any
) -> None:
    counts = strokes_as_counts(np.arange(1920), (6.0, 16.0, 6.0))
    wires = []
    link = Lossy(fake_tool(keeps=20_000), profile, 0.0, 1)
    for at in range(0, len(counts), 6):
        wires.append((at, link.tool.samples(counts[at : at + 6])))
    over = np.flatnonzero(counts - 84_213 > 10.0 * 41_900)
    lost = range(over[0] - 200, over[-1] + 60)
    for at, wire in wires:
        if at not in lost:
            link.step(wire, sure=True)
    link.drain()
    alerts = link.of(Alert)
    assert [alert.kind for alert in alerts if alert.late] == ["warn", "alarm"]
    assert not [alert for alert in alerts if not alert.late]
    assert [round(stroke.peak_n) for stroke in link.of(Stroke)] == [6, 16, 6]


def test_what_left_the_ring_is_a_gap_of_exactly_that(fake_tool: Any, profile: Any) -> None:
    link = Lossy(fake_tool(keeps=100), profile, 0.0, 1)
    counts = np.arange(84_000, 84_600)
    wires = [link.tool.samples(counts[at : at + 6]) for at in range(0, 600, 6)]
    link.step(wires[0], sure=True)
    link.step(wires[-1], sure=True)
    link.drain()
    (gap,) = link.of(Gap)
    assert (gap.first_index, gap.sample_count) == (6, 494)
    told = list(itertools.chain.from_iterable(block.raw_counts.tolist() for block in link.of(ForceBlock)))
    assert told == [*counts[:6].tolist(), *counts[500:].tolist()]


def test_a_hole_is_given_up_only_once_it_has_left_the_ring(fake_tool: Any, profile: Any) -> None:
    link = Lossy(fake_tool(keeps=20_000), profile, 0.0, 1)
    depth = link.client.tool.ring_depth  # type: ignore[union-attr]
    quiet = np.full(6, 84_213)
    link.step(link.tool.samples(quiet), sure=True)
    lost = link.tool.next_index
    link.tool.samples(quiet)
    link.tool.mute = {kinds.FETCH}
    while link.tool.next_index < lost + depth:
        link.step(link.tool.samples(quiet), sure=True)
        assert link.of(Gap) == []
    assert link.pipeline.missing_samples == 6
    for _ in range(50):
        link.step(link.tool.samples(quiet), sure=True)
    (gap,) = link.of(Gap)
    assert (gap.first_index, gap.sample_count) == (lost, 6)
    assert link.pipeline.missing_samples == 0


def test_the_tool_is_never_told_that_the_host_has_what_is_missing(fake_tool: Any, profile: Any) -> None:
    link = Lossy(fake_tool(keeps=4096), profile, 0.3, 5)
    held_back = 0
    for n in range(300):
        link.tool.heard.clear()
        link.step(link.tool.samples(np.arange(n, n + 6)))
        told = [item for item in link.events if isinstance(item, ForceBlock | Gap)]
        last = told[-1] if told else None
        whole = 0 if last is None else last.next_index if isinstance(last, ForceBlock) else 10**9
        held_back += link.pipeline.missing_samples > 0
        for kind, payload in link.tool.heard:
            assert kind != kinds.ACK or messages.Ack.from_payload(payload).next_index <= whole
    assert held_back > 50


def test_a_host_acknowledges_several_times_a_second(fake_tool: Any, profile: Any) -> None:
    link = Lossy(fake_tool(keeps=4096), profile, 0.0, 5)
    for n in range(100):
        link.step(link.tool.samples(np.arange(n, n + 6)))
    told = [messages.Ack.from_payload(payload).next_index for kind, payload in link.tool.heard if kind == kinds.ACK]
    assert len(told) >= 2 * 3
    assert told == sorted(told)
    assert told[-1] > 400
