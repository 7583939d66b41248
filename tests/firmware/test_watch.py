from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware import signals
from iastm_protocol import kinds
from iastm_protocol.limits import LimitWatch
from iastm_protocol.messages import AlertReport, Limits, StrokeReport
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
