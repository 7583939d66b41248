from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware import signals
from iastm_protocol import kinds
from iastm_protocol.glitch import is_glitch
from iastm_protocol.limits import LimitWatch, debounce_samples
from iastm_protocol.messages import AlertReport, ForceSamples, Limits, StrokeReport
from iastm_protocol.strokes import StrokeDetector

# The bench has 1,000 counts per newton: a force in millinewtons is its counts.
_LIMITS = Limits("", 5000, 8000, 800, 520)
_QUIET = [0] * 40


def test_an_alarm_is_decided_on_the_second_sample_above_it(bench: Callable[..., Any]) -> None:
    b = bench([*_QUIET, 8001, 7999, 8001, 8001, 8001, *_QUIET])
    b.start(_LIMITS)
    b.run(400)
    # Warned after two samples above 5 N (40 and 41); a single one above 8 N is no alarm.
    alerts = [(alert.kind, alert.index, alert.counts) for alert in b.heard().of(AlertReport)]
    assert alerts == [(kinds.WARN, 41, 7999), (kinds.ALARM, 43, 8001)]
    assert b.heard().of(AlertReport)[0].tool_us == 41 * 3125


def test_what_exceeds_both_limits_at_once_is_one_alarm(bench: Callable[..., Any]) -> None:
    b = bench([*_QUIET, 9000, 9000, *_QUIET])
    b.start(_LIMITS)
    b.run(400)
    assert [(alert.kind, alert.index) for alert in b.heard().of(AlertReport)] == [(kinds.ALARM, 41)]


def test_the_light_follows_each_limit_with_hysteresis_without_any_link(bench: Callable[..., Any]) -> None:
    # Longer than what was begun is shown at least.
    b = bench([*_QUIET, 9000, 9000, *[7201] * 222, 7100, 7100, *[4600] * 222, 4400, 4400, *_QUIET])
    b.tool.set_limits(_LIMITS)
    b.run(2000, link=False)
    # Decided before the sample is even stored: the light is set while its index is still the next one.
    assert b.board.alerts == [(41, kinds.ALARM), (265, kinds.WARN), (489, 0)]
    calls = [call[:3] for call in b.board.outputs.calls]
    assert {light for _, kind, light in calls if kind == kinds.WARN} == {signals.YELLOW}
    assert {light for _, kind, light in calls if kind == kinds.ALARM} == {signals.RED, signals.OFF}


def test_an_unconfirmed_zero_alerts_nothing_and_says_so(bench: Callable[..., Any]) -> None:
    b = bench([9000] * 200, zero_confirmed=False)
    b.start(_LIMITS)
    b.run(300)
    assert b.board.alerts == [(0, signals.UNCERTAIN)]
    assert b.heard().of(AlertReport) == []
    batches = [m for m in b.heard().messages if hasattr(m, "packed")]
    assert batches
    assert all(batch.flags & kinds.ZERO_UNCERTAIN for batch in batches)
    b.tool.set_zero(0)
    b.run(300)
    assert [kind for _, kind in b.board.alerts] == [signals.UNCERTAIN, 0, kinds.ALARM]


def test_a_cell_wired_the_other_way_round_alarms_on_fewer_counts(bench: Callable[..., Any]) -> None:
    b = bench([2000] * 40 + [-6001] * 222 + [2000] * 40, zero_counts=2000, coefficients=(0.0, -0.001))
    b.tool.set_limits(_LIMITS)
    b.run(1200, link=False)
    assert b.board.alerts == [(41, kinds.ALARM), (263, 0)]


def _pieces() -> st.SearchStrategy[list[int]]:
    piece = st.tuples(st.integers(-200, 9000), st.integers(1, 90)).map(lambda p: [p[0]] * p[1])
    return st.lists(piece, min_size=1, max_size=15).map(lambda found: [c for p in found for c in p])


@given(counts=_pieces())
def test_sample_by_sample_the_tool_finds_what_the_shared_logic_finds_in_one_piece(
    bench: Callable[..., Any], counts: list[int]
) -> None:
    b = bench(counts)
    reports = []
    b.tool.reports.add = lambda kind, payload: reports.append((kind, payload))
    b.tool.set_limits(_LIMITS)
    b.run(len(counts) * 4, link=False)
    assert b.tool.sampler.taken == len(counts)

    spans = list(StrokeDetector(800, 520, 48).feed(0, counts))
    found = [StrokeReport.from_payload(payload) for kind, payload in reports if kind == kinds.STROKE]
    assert [tuple(stroke)[1:7] for stroke in found] == [tuple(span) for span in spans]
    assert [stroke.number for stroke in found] == list(range(1, len(found) + 1))

    alarms = list(LimitWatch(8000, 7200, 2).feed(0, counts))
    raised = [AlertReport.from_payload(payload) for kind, payload in reports if kind == kinds.ALERT]
    assert [alert.index for alert in raised if alert.kind == kinds.ALARM] == alarms


def test_strokes_are_reported_with_their_rate(bench: Callable[..., Any]) -> None:
    stroke = [*range(0, 6000, 100), *range(6000, 0, -100), *([0] * 200)]
    b = bench(stroke * 6)
    b.start()
    b.run(7000)
    strokes = b.heard().of(StrokeReport)
    assert [s.number for s in strokes] == [1, 2, 3, 4, 5, 6]
    # A peak each 320 samples: one per second.
    assert [s.rate_mspm for s in strokes] == [0, 60_000, 60_000, 60_000, 60_000, 60_000]
    assert [s.peak_index for s in strokes] == [60 + 320 * i for i in range(6)]
    assert {s.peak_counts for s in strokes} == {6000}


def _decided_after(b: Any, crossing: int) -> int:
    """Return how many conversions after the crossing the alarm was shown."""
    alerts: list[tuple[int, int]] = b.board.alerts
    return next(index for index, kind in alerts if kind == kinds.ALARM) - crossing


@pytest.mark.parametrize("host", ["reads", "is not there", "stalls"])
@pytest.mark.parametrize("there", [kinds.CHANNEL_LIGHT, 7])
@pytest.mark.parametrize("rate_hz", [80, 320])
@pytest.mark.parametrize("slope", [40, 400, 3000, 20_000])
def test_an_alarm_is_decided_within_a_conversion_of_the_crossing_and_its_debounce(
    bench: Callable[..., Any], host: str, there: int, rate_hz: int, slope: int
) -> None:
    # From 0 to 20 N, in counts per conversion; a jump is 12.5 N.
    rise = [min(20_000, slope * n) for n in range(20_000 // slope + 1)]
    counts = [0] * 40 + rise + [20_000] * 200
    b = bench(counts, there=there, rate_mhz=rate_hz * 1000)
    b.start(_LIMITS)
    if host == "stalls":
        b.stream.room = 0
    b.run(len(counts) * 1000 // rate_hz + 200, link=host != "is not there")
    crossing = next(n for n, net in enumerate(counts) if net > 8000)
    # Two samples; 25 ms where the warning's own motor shakes the cell by then.
    warned = next(n for n, net in enumerate(counts) if net > 5000) + 1
    shaken = there == 7 and warned <= crossing < warned + 0.16 * rate_hz
    needed = debounce_samples(rate_hz * 1000, shaken)
    assert needed - 1 <= _decided_after(b, crossing) <= needed


@pytest.mark.parametrize("glitch", [-80_000, 50_000])
@pytest.mark.parametrize("hold", [0, 4000, 7900])
def test_a_single_glitch_breaks_no_stroke_raises_no_alert_and_adds_no_dose(
    bench: Callable[..., Any], glitch: int, hold: int
) -> None:
    stroke = [0] * 60 + [hold] * 100
    limits = Limits("", 7950, 8000, 800, 520)
    found = []
    for counts in (stroke + [glitch] + stroke[-60:] + [0] * 60, stroke + [hold] + stroke[-60:] + [0] * 60):
        b = bench(counts, there=7)
        b.start(limits)
        b.run(1200)
        assert b.heard().of(AlertReport) == []
        assert b.tool.watch.dose.total_mns == 0
        found.append([tuple(stroke)[1:5] for stroke in b.heard().of(StrokeReport)])
        assert b.tool.sampler.glitches == (glitch in counts)
    assert found[0] == found[1]
    assert len(found[0]) == (hold > 800)


def test_two_in_a_row_count_as_force(bench: Callable[..., Any]) -> None:
    b = bench([0] * 60 + [50_000] * 2 + [0] * 60)
    b.start(_LIMITS)
    b.run(400)
    assert [(alert.kind, alert.index) for alert in b.heard().of(AlertReport)] == [(kinds.ALARM, 61)]
    assert b.tool.sampler.glitches == 0
    b = bench([0] * 20 + [6000] * 100 + [-50_000] * 2 + [6000] * 100 + [0] * 20)
    b.start()
    b.run(800)
    assert [(s.first_index, s.last_index) for s in b.heard().of(StrokeReport)] == [(20, 119), (122, 221)]


@pytest.mark.parametrize("quiet", [60, 61, 62])
def test_a_sample_that_decides_late_still_ends_its_batch(bench: Callable[..., Any], quiet: int) -> None:
    # Each of these jumps, and waits for the next one.
    b = bench([0] * quiet + [15_000, 30_000, 45_000] + [45_000] * 60)
    b.start(_LIMITS)
    b.run(400)
    assert [(alert.kind, alert.index) for alert in b.heard().of(AlertReport)] == [(kinds.ALARM, quiet + 1)]
    assert quiet + 2 in [batch.first_index for batch in b.heard().of(ForceSamples)]


def test_what_was_held_back_as_the_converter_stopped_counts_as_force(bench: Callable[..., Any]) -> None:
    b = bench([0] * 60 + [4000] * 60 + [50_000] + [0] * 60, missed={121: 2})
    b.start()
    b.run(800)
    (stroke,) = b.heard().of(StrokeReport)
    assert (stroke.first_index, stroke.last_index, stroke.peak_counts, stroke.truncated) == (60, 120, 50_000, True)


class Motor:
    """A cell that the tool's own motor shakes by a newton.

    A converter averages over a conversion at least, and so lessens it; with `whole` all of it stands in the samples.
    """

    def __init__(self, bench: Callable[..., Any], force: int, hum_hz: float, rate_hz: int, whole: bool) -> None:
        self.b = bench([], there=7, rate_mhz=rate_hz * 1000)
        self.b.board.adc.next_conversion = self.next_conversion
        self._force = force
        self._hum_hz = hum_hz
        self._rate_hz = rate_hz
        self._made = 0
        self._amplitude = 0.0
        share = math.pi * hum_hz / rate_hz
        self._passes = 1.0 if whole else abs(math.sin(share) / share)

    def next_conversion(self) -> bool:
        due_us = self._made * 1_000_000 // self._rate_hz
        if self.b.elapsed_us < due_us:
            return False
        self._made += 1
        calls = self.b.board.outputs.calls
        # Up to speed in 40 ms, and down again.
        target = 1000.0 if calls and calls[-1][4] else 0.0
        self._amplitude += (target - self._amplitude) * min(1.0, 25 / self._rate_hz)
        seen = self._amplitude * self._passes
        phase = 2 * math.pi * self._hum_hz * due_us / 1e6
        adc = self.b.board.adc
        adc.counts, adc.ticks, adc.missed = round(self._force + seen * math.sin(phase)), due_us, 0
        return True


# What coin motors turn with, as a converter shows it, and what is slowest of it at 320 per second, all of it.
_HUM = [(80, False, range(130, 261, 13)), (320, False, range(130, 261, 13)), (320, True, range(41, 160, 9))]


@pytest.mark.parametrize(("rate_hz", "whole", "hums_hz"), _HUM)
@pytest.mark.parametrize("force", [0, 9000])
def test_what_the_motor_shakes_is_no_stroke_no_alert_and_no_dose(
    bench: Callable[..., Any], rate_hz: int, whole: bool, hums_hz: range, force: int
) -> None:
    # About no force, and about one half a newton below warn.
    for hum_hz in hums_hz:
        motor = Motor(bench, force, hum_hz, rate_hz, whole)
        b = motor.b
        b.tool.set_limits(Limits("", 9500, 12_000, 800, 520))
        b.run(500, link=False)
        assert b.tool.watch.in_contact == (force > 800)
        for begin in (lambda tool: tool.signals.technical(True), lambda tool: tool.signals.dose()):
            begin(b.tool)
            b.run(2000, link=False)
            b.tool.signals.technical(False)
        assert any(call[4] for call in b.board.outputs.calls)
        assert b.tool.watch.in_contact == (force > 800)
        assert b.tool.reports.last_number == 0, hum_hz
        assert b.tool.watch.dose.total_mns == 0


def test_an_alarm_does_not_raise_itself_again(bench: Callable[..., Any]) -> None:
    for hum_hz in range(41, 160, 9):
        motor = Motor(bench, 8100, hum_hz, 320, whole=True)
        motor.b.tool.set_limits(_LIMITS)
        motor.b.run(5000, link=False)
        # Held just above: warned and alarmed once.
        assert motor.b.tool.reports.last_number == 1, hum_hz
        assert [kind for _, kind in motor.b.board.alerts] == [kinds.ALARM]


def _alarms_by_the_flags(heard: Any, jump: int, needed_shaken: int) -> list[int]:
    """The samples with which the alarm begins, as a host derives it from what went over the wire."""
    counts, shaken = {}, {}
    for batch in heard.of(ForceSamples):
        for i, value in enumerate(batch.counts(), batch.first_index):
            counts[i] = value
            shaken[i] = bool(batch.flags & kinds.VIBRATING)
    watch = LimitWatch(8000, 7200, 2)
    found: list[int] = []
    glitch = -1
    for i, value in counts.items():
        beside = (counts.get(i - 1), counts.get(i + 1))
        if None not in beside and glitch != i - 1 and is_glitch(beside[0], value, beside[1], jump):
            glitch = i
            continue
        watch.enter_samples = needed_shaken if shaken[i] else 2
        found += watch.feed(i, [value])
    return found


@pytest.mark.parametrize("rate_hz", [80, 320, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_a_host_that_goes_by_the_flags_alarms_with_the_sample_that_the_tool_does(
    bench: Callable[..., Any], rate_hz: int, seed: int
) -> None:
    # About the limits, with jumps and spikes, so that sample after sample the motor may just have begun or ended.
    chance = random.Random(seed)
    counts = [0] * (rate_hz // 5)
    while len(counts) < 8 * rate_hz:
        level = chance.choice([0, 4000, 6000, 7000, 8200, 9000, 30_000])
        counts += [level + chance.randint(-300, 300) for _ in range(chance.randint(1, rate_hz // 10))]
        if chance.random() < 0.3:
            counts[-1] = chance.choice([50_000, -50_000])
    b = bench(counts, there=7, rate_mhz=rate_hz * 1000)
    b.start(_LIMITS)
    b.run(7900)
    heard = b.heard()
    end = heard.samples()[-1][0] - 2
    told = [alert.index for alert in heard.of(AlertReport) if alert.kind == kinds.ALARM and alert.index < end]
    derived = _alarms_by_the_flags(heard, b.tool.watch.thresholds.jump, debounce_samples(rate_hz * 1000, True))
    assert told == [i for i in derived if i < end]
    assert len(told) > 5


@pytest.mark.parametrize("shaken_later", [False, True])
def test_a_sample_that_was_held_back_counts_as_it_was_taken(bench: Callable[..., Any], shaken_later: bool) -> None:
    # The second above warn jumps too; the motor starts before the third.
    b = bench([0] * 100 + [6000, 30_000, 30_000] + [0] * 40, there=7)
    b.tool.set_limits(Limits("", 5000, 0, 800, 520))
    while b.tool.sampler.next_index < 102:
        b.run(1, link=False)
    assert b.tool.watch.holds
    if shaken_later:
        b.tool.signals.technical(True)
        assert b.tool.signals.vibrating
    b.run(8, link=False)
    _, kind, payload = b.tool.reports.after(0)
    assert (kind, AlertReport.from_payload(payload).index) == (kinds.ALERT, 101)


def test_the_dose_limit_is_one_alert_that_is_told_as_such(bench: Callable[..., Any]) -> None:
    # A newton above warn: 3.125 mN·s a sample.
    b = bench([0] * 40 + [6000] * 2000, there=7)
    b.tool.watch.dose.limit(1000)
    b.start(_LIMITS)
    b.run(3000)
    alerts = [(alert.kind, alert.index) for alert in b.heard().of(AlertReport)]
    assert alerts == [(kinds.WARN, 41), (kinds.DOSE, 40 + 319)]
    ends = [batch.first_index + batch.sample_count - 1 for batch in b.heard().of(ForceSamples)]
    assert 40 + 319 in ends


def test_strokes_are_handed_on_with_their_number(bench: Callable[..., Any]) -> None:
    heard = []
    b = bench(([0] * 60 + [3000] * 100) * 3 + [0] * 60)
    b.tool.watch.on_stroke = lambda span, number: heard.append((span.first_index, number))
    b.run(2000, link=False)
    assert heard == [(60, 1), (220, 2), (380, 3)]
