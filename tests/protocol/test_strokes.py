"""Strokes do not depend on blocks, and hold against a reference that looks at one sample after the other."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol.strokes import StrokeDetector

ON, OFF = 10, 6
# Around the thresholds, where rules differ; whole numbers and quarters, whose sums are exact in any order.
COUNTS = st.sampled_from([-3, 0, 5, 6, 7, 9, 10, 11, 12, 40])
NEWTONS = st.sampled_from([-0.0, 0.0, 5.75, 6.0, 6.25, 9.75, 10.0, 10.25, 40.5])
STREAM = st.one_of(
    st.lists(st.one_of(COUNTS, st.none()), max_size=60), st.lists(st.one_of(NEWTONS, st.none()), max_size=60)
)
Span = tuple[int, int, int, float, float, bool]


def reference(stream: list[float | None], min_samples: int) -> list[Span]:
    """Return the strokes in a stream; None is a gap of ten samples."""
    spans: list[Span] = []
    held: list[tuple[int, float]] = []
    cut_before = False
    seen = False
    index = 0

    def end(cut_after: bool) -> None:
        if len(held) >= min_samples:
            peak = max(value for _, value in held)
            peak_index = next(at for at, value in held if value == peak)
            total = sum(value for _, value in held)
            spans.append((held[0][0], held[-1][0], peak_index, peak, total, cut_before or cut_after))
        held.clear()

    for value in stream:
        if value is None:
            end(cut_after=True)
            seen = False
            index += 10
            continue
        if held and value < OFF:
            end(cut_after=False)
        elif held:
            held.append((index, value))
        elif value > ON:
            held.append((index, value))
            cut_before = not seen
        seen = True
        index += 1
    return spans


def detected(detector: StrokeDetector, stream: list[float | None], lengths: list[int]) -> list[Span]:
    """Return what the detector finds with the stream cut into blocks of the lengths, in turn."""
    found: list[Span] = []
    block: list[float] = []
    first = index = turn = 0
    for value in [*stream, None]:
        if block and (value is None or len(block) >= lengths[turn % len(lengths)]):
            found.extend(detector.feed(first, block))
            block = []
            turn += 1
        if value is None:
            if index < len(stream) + 10 * stream.count(None):
                found.extend(detector.gap())
            index += 10
            continue
        if not block:
            first = index
        block.append(value)
        index += 1
    return found


@given(STREAM, st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 5))
def test_any_blocks_give_the_strokes_of_a_reference(
    stream: list[float | None], lengths: list[int], min_samples: int
) -> None:
    closed: list[float | None] = [*stream, None]
    found = detected(StrokeDetector(ON, OFF, min_samples), closed, lengths)
    assert [tuple(span) for span in found] == reference(closed, min_samples)


@given(STREAM, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_what_is_under_way_does_not_depend_on_blocks(stream: list[float | None], lengths: list[int]) -> None:
    samples = [value for value in stream if value is not None]
    whole, pieces = StrokeDetector(ON, OFF, 3), StrokeDetector(ON, OFF, 3)
    whole.feed(0, samples)
    at = turn = 0
    while at < len(samples):
        n = lengths[turn % len(lengths)]
        pieces.feed(at, samples[at : at + n])
        at += n
        turn += 1
    assert pieces.in_contact == whole.in_contact
    if whole.in_contact:
        now = (whole.first_index, whole.peak, whole.peak_index)
        assert (pieces.first_index, pieces.peak, pieces.peak_index) == now


@given(st.integers(1_000, 8_388_607), st.integers(1, 155), st.integers(1, 400))
def test_the_total_of_a_long_hold_is_exact(count: int, block: int, blocks: int) -> None:
    detector = StrokeDetector(999, 650, 1)
    detector.feed(0, [0])
    at = 1
    for _ in range(blocks):
        assert detector.feed(at, [count] * block) == ()
        at += block
    (span,) = detector.feed(at, [0])
    assert span.total == count * block * blocks
    assert isinstance(span.total, int)
    assert (span.first_index, span.last_index) == (1, block * blocks)


def test_a_hold_leaves_no_small_integer_of_a_board_behind() -> None:
    detector = StrokeDetector(999, 650, 1)
    for at in range(0, 100_000, 100):
        detector.feed(at, [8_388_607] * 100)
        assert abs(detector._low) < 1 << 30
        assert abs(detector._high) < 1 << 30


def test_a_value_that_is_no_number_neither_begins_nor_ends_contact_and_makes_the_total_unknown() -> None:
    nan = math.nan
    for blocks in ([[0.0, nan, 20.0, nan, 30.0, 20.0, 0.0]], [[0.0], [nan], [20.0], [nan], [30.0], [20.0], [0.0]]):
        detector = StrokeDetector(10.0, 6.0, 3)
        found = []
        at = 0
        for block in blocks:
            found.extend(detector.feed(at, block))
            at += len(block)
        (span,) = found
        assert (span.first_index, span.last_index, span.peak_index, span.peak) == (2, 5, 4, 30.0)
        assert math.isnan(span.total)


def test_an_empty_block_changes_nothing() -> None:
    detector = StrokeDetector(ON, OFF, 1)
    assert detector.feed(0, []) == ()
    (span,) = detector.feed(0, [20, 0])
    # Contact on the first sample seen: the empty block showed no start.
    assert span.truncated
