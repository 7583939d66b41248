from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iastm_protocol import kinds
from iastm_protocol.messages import AlertReport, ForceSamples, Limits, StrokeReport

_LIMITS = Limits("", 5000, 8000, 800, 520)


def test_the_rails_are_kept_and_flagged(bench: Callable[..., Any]) -> None:
    rails = [kinds.COUNTS_MAX, kinds.COUNTS_MIN]
    near = [kinds.COUNTS_MAX - 1, kinds.COUNTS_MIN + 1]
    for counts, flags in ((rails, kinds.SATURATED), (near, 0)):
        played = [0] * 12 + [counts[0]] * 20 + [counts[1]] * 20
        b = bench(played)
        b.start()
        b.run(200)
        heard = b.heard()
        samples = heard.samples()
        assert samples[-1][0] > 40
        assert samples == [(i, played[i]) for i in range(samples[0][0], samples[-1][0] + 1)]
        assert {batch.flags for batch in heard.of(ForceSamples) if batch.first_index >= 14} == {flags}


def test_counts_beyond_24_bits_stay_at_the_rail(bench: Callable[..., Any]) -> None:
    b = bench([0] * 12 + [0x800000, 0x7FFFFFFF] * 5 + [-0x800001, -0x80000000] * 5)
    b.start()
    b.run(200)
    samples = [c for i, c in b.heard().samples() if i >= 12]
    assert samples
    assert samples == ([kinds.COUNTS_MAX] * 10 + [kinds.COUNTS_MIN] * 10)[: len(samples)]
    assert b.tool.sampler.saturated == 20


def test_a_missed_conversion_advances_the_index_and_begins_a_batch(bench: Callable[..., Any]) -> None:
    b = bench(range(200), missed={100: 3, 101: 1})
    b.start()
    b.run(800)
    heard = b.heard()
    expected = [(i, i) for i in range(100)] + [(103, 100)] + [(105 + i, 101 + i) for i in range(99)]
    first = heard.samples()[0][0]
    samples = heard.samples()
    assert samples == expected[first : first + len(samples)]
    assert len(samples) > 180
    assert {103, 105} <= {batch.first_index for batch in heard.of(ForceSamples)}
    assert b.tool.sampler.missed == 4


def test_tool_times_are_those_of_the_conversions_over_misses_and_the_wrap(bench: Callable[..., Any]) -> None:
    start_us = (1 << 30) - 300_000
    b = bench(range(400), missed={150: 5}, start_us=start_us)
    b.start()
    b.run(1500)
    batches = b.heard().of(ForceSamples)
    assert batches[0].first_us < 1 << 30 < batches[-1].first_us
    for batch in batches:
        assert batch.first_us == start_us + batch.first_index * 3125
        assert batch.span_us == (batch.sample_count - 1) * 3125


def test_a_stroke_over_a_missed_conversion_is_cut_and_says_so(bench: Callable[..., Any]) -> None:
    b = bench([0] * 50 + [3000] * 200 + [0] * 50, missed={150: 1})
    b.start()
    b.run(1200)
    strokes = b.heard().of(StrokeReport)
    assert [(s.first_index, s.last_index, s.truncated) for s in strokes] == [(50, 149, True), (151, 250, True)]


def test_after_a_missed_conversion_a_force_still_over_the_limit_alerts_anew(bench: Callable[..., Any]) -> None:
    b = bench([0] * 50 + [9000] * 100, missed={100: 1})
    b.start(_LIMITS)
    b.run(1200)
    assert [alert.index for alert in b.heard().of(AlertReport)] == [51, 102]


def test_after_a_stall_every_waiting_conversion_is_taken(bench: Callable[..., Any]) -> None:
    b = bench(range(2000))
    b.start()
    b.run(100)
    b.elapsed_us += 2_000_000
    b.run(1000)
    samples = b.heard().samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert samples[-1][0] > 950


def test_a_batch_leaves_within_20_ms_or_at_once_with_an_alert(bench: Callable[..., Any]) -> None:
    for rate_mhz, most in ((80_000, 2), (320_000, 7), (1_000_000, 16)):
        b = bench([0] * 200 + [9000] * 200, rate_mhz=rate_mhz)
        b.start(_LIMITS)
        b.run(400 * 1_000_000 // rate_mhz)
        batches = b.heard().of(ForceSamples)
        assert max(batch.sample_count for batch in batches) == most
        assert all(batch.span_us < 20_000 for batch in batches)
        alert = b.heard().of(AlertReport)[0]
        assert alert.index == 201
        ends = {batch.first_index + batch.sample_count - 1 for batch in batches}
        assert 201 in ends
