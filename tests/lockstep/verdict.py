"""Whether what a session recorded is the truth: counts, gaps and alarms, by the file and by what was played."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tests.lockstep.link import STALL_DOWN, STALL_UP, Weather
from tests.lockstep.rig import CONTACT, PROFILE, Session
from tests.lockstep.tool import RATE_HZ

from iastm_host.analysis.analyser import Analyser
from iastm_host.app.offline import recorded_events
from iastm_host.events import Alert, Arrived, Event, ForceBlock, Gap, LinkChanged, ToolDescription
from iastm_host.records.entries import Recording
from iastm_host.tool.states import STREAMING
from iastm_host.tool.timeline import NOT_FETCHED, RESTARTED

# From the first sample of a connection until what is fetched first has left the ring: two round trips and a batch, and
# on a noisy link some requests that are lost.
_FETCH_S = 0.5
_FETCH_IN_NOISE_S = 4.0


@dataclass
class Verdict:
    """What the file holds, by boot id: `told` is all of it in index order. `lost` counts samples in gaps."""

    told: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    live: dict[int, set[int]] = field(default_factory=dict)
    alarms: list[Alert] = field(default_factory=list)
    lost: int = 0
    received: int = 0
    gaps: int = 0


def judge(session: Session, weather: Weather) -> Verdict:
    """Raise AssertionError where anything recorded is not the truth, or a loss has no reason."""
    summary = session.summary
    assert summary.problem is None, summary.problem
    assert summary.recording is not None
    assert summary.trouble == ""
    events = list(recorded_events(Recording(summary.recording)))
    verdict = Verdict()
    _compare_with_truth(events, session, verdict)
    _justify_what_was_given_up(events)
    _justify_what_was_gone(events, weather)
    _find_alarms(events, verdict)
    _compare_alarms(verdict, [decision.alert for decision in summary.alerts])
    # The view told a person what the file tells.
    assert (summary.samples_received, summary.gap_count) == (verdict.received, verdict.gaps)
    assert summary.samples_expected == verdict.received + verdict.lost
    return verdict


def _compare_with_truth(events: list[Event], session: Session, verdict: Verdict) -> None:
    """Every sample told is the one played; indices follow each other, from the stream's first, or a restart, on."""
    truths = {tool.boot_id: tool.truth() for tool in session.boots if tool.boot_id is not None}
    told = [event for event in events if isinstance(event, ForceBlock | Gap)]
    assert told
    boot_id, at = told[0].boot_id, told[0].first_index
    newest: ForceBlock | Gap | None = None
    for event in told:
        if event.boot_id != boot_id:
            boot_id, at = event.boot_id, 0
        assert event.first_index == at, "a hole that nobody speaks of, or samples told twice"
        before, newest = newest, event
        if isinstance(event, Gap):
            verdict.gaps += not event.continues(before)
            verdict.lost += event.sample_count
            at += event.sample_count
            continue
        assert event.raw_counts is not None
        at = event.next_index
        verdict.received += len(event.raw_counts)
        played = truths[boot_id][event.first_index : at]
        assert np.array_equal(played[:, 0], np.arange(event.first_index, at))
        assert np.array_equal(played[:, 1], event.raw_counts), f"altered: {event}"


def _justify_what_was_given_up(events: list[Event]) -> None:
    """Given up is what had left the ring, or what was waited for when the tool restarted."""
    ring_depth, boot_id, newest = 0, 0, 0
    for event in events:
        if isinstance(event, ToolDescription):
            ring_depth = event.ring_depth
        elif isinstance(event, Arrived):
            boot_id, newest = event.block.boot_id, event.block.next_index
        elif isinstance(event, Gap) and event.reason == NOT_FETCHED and event.boot_id == boot_id:
            end = event.first_index + event.sample_count
            assert end <= newest - ring_depth, f"given up though the tool may have had it: {event}"


def _justify_what_was_gone(events: list[Event], weather: Weather) -> None:
    """What was lost had left the ring when the host was back, or by the time of the first fetch that came through.

    What was waited for when the tool restarted went with it.
    """
    late_s = _FETCH_IN_NOISE_S if weather.noise else _FETCH_S
    late_s += 2e-6 * (sum(weather.down_us) + sum(weather.up_us))
    late_s += 1e-6 * sum(fault.length_us for fault in weather.faults if fault.kind in (STALL_DOWN, STALL_UP))
    ring_depth, fresh, boot_id, back_index, newest = 0, True, 0, 0, 0
    told: list[Gap] = []

    def check() -> None:
        while told:
            gap = told.pop()
            oldest = back_index - ring_depth + late_s * RATE_HZ
            assert gap.first_index + gap.sample_count <= oldest, f"the tool had it: {gap}, {back_index=}, {ring_depth=}"

    for event in events:
        if isinstance(event, ToolDescription):
            ring_depth = event.ring_depth
        elif isinstance(event, LinkChanged):
            fresh = fresh or event.state == STREAMING
        elif isinstance(event, Arrived):
            boot_id = event.block.boot_id
            if not event.block.backfilled:
                newest = event.block.next_index
                # The first conversion after the host was back, or a little later.
                back_index = event.block.first_index if fresh else back_index
                fresh = False
        elif isinstance(event, Gap) and event.boot_id == boot_id and event.reason != RESTARTED:
            told.append(event)
        if not fresh:
            check()
    # The session may end before anything new came over its last connection.
    back_index = newest
    check()


def _find_alarms(events: list[Event], verdict: Verdict) -> None:
    """Note the alarms of all that is told, in index order, and which samples came at their time."""
    analyser = Analyser(PROFILE, None, RATE_HZ, CONTACT)
    for event in events:
        if isinstance(event, Arrived) and not event.block.backfilled:
            block = event.block
            verdict.live.setdefault(block.boot_id, set()).update(range(block.first_index, block.next_index))
        elif isinstance(event, ForceBlock | Gap):
            found = analyser.feed(event)
            verdict.alarms += [each for each in found if isinstance(each, Alert) and each.kind == "alarm"]
            if isinstance(event, ForceBlock):
                told = verdict.told.setdefault(event.boot_id, [])
                told += zip(range(event.first_index, event.next_index), event.force_n.tolist(), strict=True)


def _compare_alarms(verdict: Verdict, raised: list[Alert]) -> None:
    """Every alarm was raised within its contact; one whose samples came at their time was not late."""
    force_n = {boot_id: dict(told) for boot_id, told in verdict.told.items()}
    for alarm in verdict.alarms:
        end = alarm.index
        while force_n[alarm.boot_id].get(end, 0.0) >= CONTACT.off_n:
            end += 1
        within = [
            each
            for each in raised
            if each.kind == "alarm" and each.boot_id == alarm.boot_id and alarm.index <= each.index <= end
        ]
        assert within, f"never raised: {alarm}"
        if {alarm.index - 1, alarm.index} <= verdict.live.get(alarm.boot_id, set()):
            assert not all(each.late for each in within), f"raised late: {alarm}"
