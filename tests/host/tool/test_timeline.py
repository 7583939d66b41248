from __future__ import annotations

import itertools
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import ForceBlock, Gap
from iastm_host.tool.timeline import MISSING, RESTARTED, Timeline, without_first

PERIOD_US = 3125.0


def a_block(first: int, n: int, boot_id: int = 1) -> ForceBlock:
    """Return a block whose samples tell their own index."""
    index = np.arange(first, first + n)
    return ForceBlock(
        boot_id,
        first,
        round(first * PERIOD_US),
        PERIOD_US,
        index.astype(np.float64),
        index.astype(np.int32),
        0,
        0,
        False,
    )


@st.composite
def batches(draw: st.DrawFn) -> list[ForceBlock]:
    """Return blocks of one tool as a link may hand them over: some lost, some twice, some overlapping, restarts."""
    made: list[ForceBlock] = []
    boot_id, index = 1, draw(st.integers(0, 50))
    for _ in range(draw(st.integers(1, 30))):
        n = draw(st.integers(1, 12))
        match draw(st.sampled_from(["next", "next", "next", "lost", "again", "overlap", "restart"])):
            case "lost":
                index += draw(st.integers(1, 40))
            case "again" if made:
                made.append(made[draw(st.integers(0, len(made) - 1))])
                if made[-1].boot_id != boot_id:
                    made.pop()
                continue
            case "overlap":
                index = max(0, index - draw(st.integers(1, 6)))
            case "restart":
                boot_id, index = boot_id + 1, draw(st.integers(0, 5))
        made.append(a_block(index, n, boot_id))
        index += n
    return made


@given(batches())
def test_samples_come_out_in_index_order_none_twice_and_what_is_missing_is_a_gap(made: list[ForceBlock]) -> None:
    timeline = Timeline()
    out = [item for block in made for item in timeline.add(block)]
    told: dict[int, list[int]] = {}
    gaps: dict[int, set[int]] = {}
    place: dict[int, int] = {}
    for item in out:
        n = item.sample_count if isinstance(item, Gap) else len(item.force_n)
        assert item.first_index == place.get(item.boot_id, item.first_index), "no hole that nobody speaks of"
        place[item.boot_id] = item.first_index + n
        if isinstance(item, Gap):
            gaps.setdefault(item.boot_id, set()).update(range(item.first_index, item.first_index + n))
            continue
        assert item.force_n.tolist() == list(range(item.first_index, item.first_index + n))
        assert item.raw_counts is not None
        assert item.raw_counts.tolist() == item.force_n.tolist()
        assert item.tool_us == round(item.first_index * PERIOD_US)
        told.setdefault(item.boot_id, []).extend(item.raw_counts.tolist())
    for boot_id in {item.boot_id for item in made}:
        blocks = [item for item in made if item.boot_id == boot_id]
        assert told[boot_id] == sorted(set(told[boot_id]))
        # A session joins its tool where it finds it; what a tool samples after a restart belongs to the session.
        first = blocks[0].first_index if boot_id == made[0].boot_id else 0
        offered = {index for item in blocks for index in range(item.first_index, item.next_index) if index >= first}
        missing = set(range(first, max(offered) + 1)) - set(told[boot_id])
        assert gaps.get(boot_id, set()) == missing


@given(batches())
def test_each_restart_is_marked_and_a_gap_says_why(made: list[ForceBlock]) -> None:
    timeline = Timeline()
    out = [item for block in made for item in timeline.add(block)]
    boots = [item.boot_id for item in made]
    restarts = sum(before != after for before, after in itertools.pairwise(boots))
    gaps = [item for item in out if isinstance(item, Gap)]
    assert [gap.reason for gap in gaps].count(RESTARTED) == restarts
    assert all(gap.reason == MISSING and gap.sample_count > 0 for gap in gaps if gap.reason != RESTARTED)


def test_a_gap_tells_where_and_when_it_began() -> None:
    timeline = Timeline()
    timeline.add(a_block(10, 5))
    gap, after = timeline.add(a_block(20, 2))
    assert gap == Gap(1, 15, 5, round(15 * PERIOD_US), PERIOD_US, MISSING)
    assert after.first_index == 20


def test_a_gap_that_is_told_is_passed_on_and_not_told_again() -> None:
    timeline = Timeline()
    timeline.add(a_block(0, 5))
    told = Gap(1, 5, 5, round(5 * PERIOD_US), PERIOD_US, "left the ring")
    assert timeline.add(told) == [told]
    (after,) = timeline.add(a_block(10, 2))
    assert after.first_index == 10


def test_a_block_less_its_first_samples_keeps_index_time_and_counts_together() -> None:
    cut = without_first(a_block(100, 5), 2)
    assert (cut.first_index, cut.tool_us, cut.next_index) == (102, 318_750, 105)
    assert cut.force_n.tolist() == [102, 103, 104]
    bare = without_first(ForceBlock(1, 0, 0, 1.0, np.zeros(3), None, 0, 0, False), 1)
    assert bare.raw_counts is None


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_what_comes_late_is_told_in_its_place_and_only_what_never_comes_is_a_gap(
    sizes: list[int], random: Random
) -> None:
    starts = [0, *itertools.accumulate(sizes)]
    made = [a_block(first, n) for first, n in zip(starts, sizes, strict=False)]
    lost = [block for block in made[1:-1] if random.random() < 0.4]
    never = [block for block in lost if random.random() < 0.3]
    late = [block for block in lost if not any(block is other for other in never)]
    random.shuffle(late)
    timeline = Timeline()
    timeline.waits = True
    out = []
    for block in made:
        if any(block is other for other in lost):
            continue
        out += timeline.add(block)
        if late and random.random() < 0.5:
            out += timeline.add(late.pop())
    for block in late:
        out += timeline.add(block)
    assert timeline.missing_samples == sum(len(block.force_n) for block in never)
    out += timeline.flush("gone")
    assert timeline.hole is None
    at = 0
    missing: set[int] = set()
    for item in out:
        assert item.first_index == at
        if isinstance(item, Gap):
            missing |= set(range(at, at + item.sample_count))
            at += item.sample_count
        else:
            assert item.force_n.tolist() == list(range(at, item.next_index))
            at = item.next_index
    assert at == starts[-1]
    assert missing == {index for block in never for index in range(block.first_index, block.next_index)}


def test_what_the_tool_no_longer_has_ends_the_wait_for_just_that() -> None:
    timeline = Timeline()
    timeline.waits = True
    timeline.add(a_block(0, 5))
    assert timeline.add(a_block(20, 5)) == []
    assert timeline.hole == (5, 15)
    (gap,) = timeline.add(Gap(1, 5, 10, 0, PERIOD_US, "not kept"))
    assert (gap.first_index, getattr(gap, "sample_count", 0)) == (5, 10)
    assert timeline.hole == (15, 5)
    told = timeline.add(a_block(15, 5))
    assert [item.first_index for item in told] == [15, 20]


def test_a_restart_gives_up_what_was_waited_for() -> None:
    timeline = Timeline()
    timeline.waits = True
    timeline.add(a_block(0, 5))
    timeline.add(a_block(20, 5))
    told = timeline.add(a_block(0, 3, boot_id=2))
    assert [(type(item).__name__, item.first_index) for item in told] == [
        ("Gap", 5),
        ("ForceBlock", 20),
        ("Gap", 25),
        ("ForceBlock", 0),
    ]


def test_what_a_tool_sampled_between_its_restart_and_its_stream_is_waited_for() -> None:
    timeline = Timeline()
    timeline.waits = True
    timeline.add(a_block(40, 5))
    (restarted,) = timeline.add(a_block(20, 3, boot_id=2))
    assert (getattr(restarted, "reason", ""), timeline.hole) == (RESTARTED, (0, 20))
    assert [item.first_index for item in timeline.add(a_block(0, 20, boot_id=2))] == [0, 20]


def test_the_newest_sample_is_known_whether_it_is_told_or_held() -> None:
    timeline = Timeline()
    timeline.waits = True
    timeline.add(a_block(0, 5))
    assert timeline.end_index == 5
    timeline.add(a_block(20, 5))
    assert (timeline.next_index, timeline.end_index) == (5, 25)


def test_holes_that_lie_close_together_are_one_stretch_and_the_oldest_comes_first() -> None:
    timeline = Timeline()
    timeline.waits = True
    for first in (0, 10, 20, 60, 70):
        timeline.add(a_block(first, 5))
    assert timeline.hole == (5, 5)
    assert timeline.stretch(4, 1000) == (5, 5)
    assert timeline.stretch(5, 1000) == (5, 65)
    assert timeline.stretch(5, 12) == (5, 15)
    timeline.add(a_block(5, 5))
    assert timeline.stretch(5, 1000) == (15, 55)


@given(batches(), st.integers(0, 20), st.integers(1, 60))
def test_a_stretch_begins_and_ends_with_what_is_missing(made: list[ForceBlock], across: int, most: int) -> None:
    timeline = Timeline()
    timeline.waits = True
    for block in made:
        timeline.add(block)
        hole, stretch = timeline.hole, timeline.stretch(across, most)
        assert (hole is None) == (stretch is None)
        if hole is not None and stretch is not None:
            assert stretch[0] == hole[0]
            assert hole[1] <= stretch[1]
            # The sample after it is here.
            held = {i for each in timeline._held for i in range(each.first_index, each.next_index)}
            assert sum(stretch) in held
            assert sum(stretch) - 1 not in held


def test_what_is_gone_is_told_for_every_hole_that_it_covers_and_not_for_what_came() -> None:
    timeline = Timeline()
    timeline.waits = True
    for first, n in ((0, 10), (20, 5), (30, 5), (50, 10)):
        timeline.add(a_block(first, n))
    told = timeline.add(Gap(1, 10, 35, 0, PERIOD_US, "gone"))
    spans = [
        (type(item), item.first_index, item.sample_count if isinstance(item, Gap) else len(item.force_n))
        for item in told
    ]
    assert spans == [(Gap, 10, 10), (ForceBlock, 20, 5), (Gap, 25, 5), (ForceBlock, 30, 5), (Gap, 35, 10)]
    assert timeline.hole == (45, 5)
