from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from iastm_firmware.ring import Cursor
from iastm_firmware.zero_check import ZeroCheck
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


def _flagged(heard: Any, flag: int) -> set[int]:
    """The indices of all samples in batches with a flag."""
    batches = [batch for batch in heard.of(ForceSamples) if batch.flags & flag]
    return {batch.first_index + i for batch in batches for i in range(batch.sample_count)}


@pytest.mark.parametrize("at", range(60, 76))
@pytest.mark.parametrize("rate_hz", [80, 320, 2000])
def test_a_glitch_is_flagged_wherever_in_its_batch_it_stands(bench: Callable[..., Any], at: int, rate_hz: int) -> None:
    counts = [0] * 200
    counts[at] = 50_000
    b = bench(counts, rate_mhz=rate_hz * 1000)
    b.start()
    b.run(200_000 // rate_hz + 100)
    heard = b.heard()
    first = heard.samples()[0][0]
    assert heard.samples() == [(i, counts[i]) for i in range(first, 200)]
    assert at in _flagged(heard, kinds.SUSPECTED_GLITCH)
    assert len([1 for batch in heard.of(ForceSamples) if batch.flags & kinds.SUSPECTED_GLITCH]) == 1
    assert b.tool.sampler.glitches == 1


def test_a_batch_waits_for_the_sample_after_a_jump_and_no_longer(bench: Callable[..., Any]) -> None:
    # The 16th of a batch jumps; nothing comes after it.
    b = bench([0] * 15 + [50_000], rate_mhz=1_000_000)
    b.run(15, link=False)
    b.start()
    b.run(2)
    assert b.tool.ring.samples == 0 or b.tool.ring.samples == 16
    b.run(60)
    assert b.tool.ring.samples == 16


def test_a_glitch_in_a_batch_that_a_zero_closed_is_no_glitch(bench: Callable[..., Any]) -> None:
    b = bench([0] * 40 + [50_000] + [0] * 60)
    b.start()
    while b.tool.sampler.next_index < 41:
        b.run(1)
    assert b.tool.sampler.next_index == 41
    b.tool.set_zero(100)
    b.run(300)
    assert _flagged(b.heard(), kinds.SUSPECTED_GLITCH) == set()
    assert b.tool.sampler.glitches == 0


def _self_test(b: Any) -> None:
    b.tool.life.self_test.begin(b.tool.links[0], 50)


def _another_stream(b: Any) -> None:
    b.tool.ring.to_newest(Cursor())


def _zero_check(b: Any) -> None:
    ZeroCheck(b.tool)


@pytest.mark.parametrize("at", [60, 63, 66, 70])
@pytest.mark.parametrize("begins", [_self_test, _another_stream, _zero_check])
def test_a_glitch_is_flagged_whoever_begins_to_read_while_it_is_held(
    bench: Callable[..., Any], begins: Callable[[Any], None], at: int
) -> None:
    counts = [i % 9 for i in range(200)]
    counts[at] = 50_000
    b = bench(counts)
    b.start()
    while not b.tool.watch.holds:
        b.run(1)
    begins(b)
    b.run(400)
    assert at in _flagged(b.heard(), kinds.SUSPECTED_GLITCH)
    assert b.tool.sampler.glitches == 1


def test_a_zero_check_that_begins_anew_leaves_a_held_batch_open(bench: Callable[..., Any]) -> None:
    # It is moved all the time: no batch shows rest.
    counts = [50_000 if i % 11 == 0 else i % 9 * 100 for i in range(3000)]
    b = bench(counts, zero_confirmed=False)
    b.start()
    for _ in range(800):
        b.run(10)
        b.tool.life.step()
    first = b.heard().samples()[0][0]
    glitches = {i for i in range(first + 1, 2400) if counts[i] == 50_000}
    assert glitches <= _flagged(b.heard(), kinds.SUSPECTED_GLITCH)


@pytest.mark.parametrize("rate_hz", [1000, 2000])
def test_limits_that_change_while_a_full_batch_is_held_close_it(bench: Callable[..., Any], rate_hz: int) -> None:
    held_full = 0
    for at in range(40, 57):
        counts = [i % 3 for i in range(at)] + [50_000] + [0] * 100
        b = bench(counts, rate_mhz=rate_hz * 1000)
        b.start()
        while not b.tool.watch.holds:
            b.tool.sampler.step()
            b.elapsed_us += 250
        before = b.tool.ring.samples
        assert b.tool.set_limits(_LIMITS)
        held_full += b.tool.ring.samples == before + 16
        assert b.tool.ring.samples == at + 1
        b.run(200)
        samples = b.heard().samples()
        assert samples == [(i, counts[i]) for i in range(samples[0][0], len(counts))]
        assert b.tool.sampler.glitches == 0
    assert held_full


def test_each_sample_is_flagged_as_it_was_taken(bench: Callable[..., Any]) -> None:
    # Warnings and alarms that come and go, some by a jump.
    chance = random.Random(5)
    counts: list[int] = []
    while len(counts) < 2000:
        counts += [chance.choice([0, 0, 5500, 9000, 40_000])] * chance.randint(1, 120)
    b = bench(counts, there=7)
    b.start(_LIMITS)
    shaken = {}
    take = b.board.adc.next_conversion

    def noted() -> bool:
        ready: bool = take()
        if ready:
            shaken[b.tool.sampler.next_index] = b.tool.signals.vibrating
        return ready

    b.board.adc.next_conversion = noted
    b.run(6000)
    samples = b.heard().samples()
    flagged = _flagged(b.heard(), kinds.VIBRATING)
    seen = [i for i, _ in samples if i in shaken]
    assert len(seen) > 1500
    assert {i for i in seen if shaken[i]} == flagged & set(seen)
    # Both ways, many times.
    assert sum(shaken[i] != shaken[i + 1] for i in seen[:-1]) > 20


def test_samples_are_flagged_while_the_motor_runs_and_60_ms_after(bench: Callable[..., Any]) -> None:
    # A warning alone: one pulse of 100 ms.
    b = bench([0] * 60 + [6000] * 200 + [0] * 60, there=7)
    b.start(_LIMITS)
    b.run(1200)
    flagged = _flagged(b.heard(), kinds.VIBRATING)
    # Decided by sample 61; what is sampled from then on may be shaken.
    assert min(flagged) == 62
    assert 62 + 51 - 1 <= max(flagged) <= 62 + 52 + 1


def test_the_pace_of_a_second_and_its_worst_conversion_are_known(bench: Callable[..., Any]) -> None:
    b = bench(range(1000), missed={200: 2})
    b.run(500, link=False)
    b.elapsed_us += 3000
    b.run(497, link=False)
    b.tool.sampler.second()
    second = b.tool.sampler.last_second
    assert second.rate_mhz == pytest.approx(320_000, abs=10)
    assert (second.shortest_us, second.longest_us, second.jitter_us) == (3125, 3125, 0)
    assert (second.lowest, second.highest) == (0, second.taken - 1)
    ticks = [0, 3000, 7000, 10_000, 12_500]
    b = bench([])
    for counts, at in enumerate(ticks):
        b.tool.sampler._take(at, counts, 0)
    b.tool.sampler.second()
    second = b.tool.sampler.last_second
    assert (second.made, second.passed_us, second.jitter_us) == (4, 12_500, 875)
    b.tool.sampler.second()
    assert (b.tool.sampler.last_second.rate_mhz, b.tool.sampler.last_second.jitter_us) == (0, 0)


def test_a_converter_that_comes_back_when_the_ticks_have_wrapped_has_no_absurd_pace(bench: Callable[..., Any]) -> None:
    b = bench([])
    for counts, at in enumerate([0, 3000, 6000]):
        b.tool.sampler._take(at, counts, 0)
    b.tool.sampler.second()
    # 17.9 minutes later, to the microsecond and 5 ms more.
    b.tool.sampler._take(11_000, 7, 343_596)
    b.tool.sampler._take(14_000, 8, 0)
    b.tool.sampler.second()
    second = b.tool.sampler.last_second
    assert (second.taken, second.made, second.passed_us, second.shortest_us) == (2, 1, 3000, 3000)
