from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iastm_host.analysis.profiles import Contact
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Alert, Chunk, ForceBlock, Gap, SetLimits, Stroke, ToolDescription
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient

CONTACT = Contact()


def at_a_tool(by_hand: Any, profile: Any, counts: Any, batch: int = 6) -> tuple[list[Chunk], list[bytes]]:
    """Return the chunks of a greeting and the batches of samples that follow it."""
    hand = by_hand(limits=limits_for(profile, CONTACT))
    wires = [hand.tool.samples(counts[at : at + batch]) for at in range(0, len(counts), batch)]
    return hand.chunks, wires


def fed(profile: Any, chunks: list[Chunk]) -> list[Any]:
    """Return (number of the chunk, event) for all that a fresh pipeline makes of chunks."""
    client = ToolClient("test 1", limits_for(profile, CONTACT))
    pipeline = Pipeline(client, profile, None, CONTACT)
    client.opening()
    client.opened()
    out = []
    for number, chunk in enumerate(chunks):
        out += [(number, event) for event in pipeline.receive(chunk)]
        client.to_send()
    assert client.state == states.STREAMING
    return out


def later(chunks: list[Chunk], wires: list[bytes]) -> list[Chunk]:
    """Return the chunks with one more for each wire, 20 ms apart."""
    last_us = chunks[-1].host_us
    return [*chunks, *(Chunk(last_us + 20_000 * number, wire) for number, wire in enumerate(wires, 1))]


def test_an_alert_is_told_with_the_chunk_whose_samples_cross_the_limit(
    by_hand: Any, profile: Any, strokes_as_counts: Any
) -> None:
    counts = strokes_as_counts(np.arange(700), (16.0,))
    greeting, wires = at_a_tool(by_hand, profile, counts)
    out = fed(profile, later(greeting, wires))
    force_n = (counts - 84_213) / 41_900
    for kind, limit_n in (("warn", profile.warn_n), ("alarm", profile.alarm_n)):
        # The second sample above the limit decides.
        index = int(np.flatnonzero(force_n > limit_n)[1])
        ((number, alert),) = [(n, e) for n, e in out if isinstance(e, Alert) and e.kind == kind]
        assert alert.index == index
        assert number - len(greeting) == index // 6


def test_samples_strokes_and_gaps_come_in_index_order(by_hand: Any, profile: Any, strokes_as_counts: Any) -> None:
    counts = strokes_as_counts(np.arange(3200), (6.0, 9.0))
    greeting, wires = at_a_tool(by_hand, profile, counts)
    # Lost in a pause between two strokes, and once amid a stroke.
    lost = [99, 180]
    kept = [wire for number, wire in enumerate(wires) if number not in lost]
    out = [event for _, event in fed(profile, later(greeting, kept))]
    place = 0
    for event in out:
        if isinstance(event, ForceBlock):
            assert event.first_index == place
            place = event.next_index
        if isinstance(event, Gap):
            assert event.first_index == place
            place += event.sample_count
    assert place == 3200
    assert [e.first_index for e in out if isinstance(e, Gap)] == [number * 6 for number in lost]
    strokes = [e for e in out if isinstance(e, Stroke)]
    assert [s.first_index for s in strokes] == sorted(s.first_index for s in strokes)
    cut = [s for s in strokes if s.truncated]
    assert [s.last_index + 1 for s in cut][:1] == [180 * 6]


@settings(max_examples=30)
@given(st.data())
def test_how_bytes_are_cut_into_chunks_changes_no_stroke_and_no_alert(
    by_hand: Any, profile: Any, strokes_as_counts: Any, data: st.DataObject
) -> None:
    counts = strokes_as_counts(np.arange(2200), (6.0, 15.5, 12.0))
    greeting, wires = at_a_tool(by_hand, profile, counts)
    whole = b"".join(wires)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=60)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    def decided(chunks: list[Chunk]) -> list[Any]:
        events = [event for _, event in fed(profile, chunks)]
        return [
            [event for event in events if isinstance(event, Stroke)],
            [event for event in events if isinstance(event, Alert)],
        ]

    expected = decided(later(greeting, wires))
    assert len(expected[0]) == 3
    assert decided(later(greeting, pieces)) == expected


def test_a_restarted_tool_keeps_the_strokes_counted_before(by_hand: Any, profile: Any, fake_tool: Any) -> None:
    hand = by_hand(limits=limits_for(profile, CONTACT))
    pipeline = Pipeline(ToolClient("test 1", limits_for(profile, CONTACT)), profile, None, CONTACT)
    hand.tool = fake_tool(boot_id=2)
    hand.until(states.SILENT).until(states.STREAMING)
    pipeline.client.opening()
    pipeline.client.opened()
    analysers = set()
    tools = []
    for chunk in hand.chunks:
        tools += [event for event in pipeline.receive(chunk) if isinstance(event, ToolDescription)]
        analysers.add(pipeline.record)
    assert [tool.boot_id for tool in tools] == [0xB007, 2]
    assert len(analysers - {None}) == 1


def test_the_limits_of_a_profile_are_what_the_tool_watches(profile: Any) -> None:
    assert limits_for(profile, CONTACT) == SetLimits("iastm-one-hand", 11.0, 14.0, 0.8, 0.52)
