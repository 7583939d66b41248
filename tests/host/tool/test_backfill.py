from __future__ import annotations

from iastm_host.tool.backfill import ASK_AGAIN_AFTER_US, MOST_SAMPLES, TRIES, Backfill, Wish


def test_a_hole_is_asked_for_at_once_and_once() -> None:
    backfill = Backfill()
    assert backfill.step((100, 20), 0) == Wish(100, 20)
    assert backfill.step((100, 20), ASK_AGAIN_AFTER_US - 1) is None


def test_what_does_not_come_is_asked_for_again_and_given_up_in_the_end() -> None:
    backfill = Backfill()
    wishes = [backfill.step((100, 20), number * ASK_AGAIN_AFTER_US) for number in range(TRIES + 1)]
    assert wishes == [Wish(100, 20)] * TRIES + [Wish(100, 20, give_up=True)]


def test_what_the_tool_may_still_have_is_never_given_up() -> None:
    backfill = Backfill()
    wishes = [backfill.step((100, 20), number * ASK_AGAIN_AFTER_US, kept=True) for number in range(10 * TRIES)]
    assert wishes == [Wish(100, 20)] * (10 * TRIES)
    assert backfill.step((100, 20), 10 * TRIES * ASK_AGAIN_AFTER_US) == Wish(100, 20, give_up=True)


def test_a_hole_that_shrinks_is_on_its_way() -> None:
    backfill = Backfill()
    backfill.step((100, 20), 0)
    for number in range(1, 20):
        assert backfill.step((100 + number, 20 - number), number * (ASK_AGAIN_AFTER_US - 1)) is None


def test_a_long_hole_is_asked_for_in_parts() -> None:
    backfill = Backfill()
    assert backfill.step((0, 3 * MOST_SAMPLES), 0) == Wish(0, MOST_SAMPLES)
    assert backfill.step((MOST_SAMPLES, 2 * MOST_SAMPLES), 1) == Wish(MOST_SAMPLES, MOST_SAMPLES)


def test_a_hole_longer_than_the_tool_keeps_may_be_asked_for_at_once() -> None:
    assert Backfill().step((0, 3 * MOST_SAMPLES), 0, most=2 * MOST_SAMPLES) == Wish(0, 2 * MOST_SAMPLES)


def test_the_next_hole_is_asked_for_when_one_is_filled() -> None:
    backfill = Backfill()
    backfill.step((100, 20), 0)
    assert backfill.step((500, 3), 1) == Wish(500, 3)
    assert backfill.step(None, 2) is None
    assert backfill.step((600, 3), 3) == Wish(600, 3)


def test_a_new_link_asks_anew() -> None:
    backfill = Backfill()
    backfill.step((100, 20), 0)
    backfill.restart()
    assert backfill.step((100, 20), 1) == Wish(100, 20)


def test_requests_that_bring_something_are_not_in_vain() -> None:
    backfill = Backfill()
    first, now_us = 0, 0
    for _ in range(5 * TRIES):
        wish = backfill.step((first, 5000 - first), now_us)
        assert wish is not None and not wish.give_up
        now_us += 10_000
        first += 50
        assert backfill.step((first, 5000 - first), now_us) is None
        now_us += ASK_AGAIN_AFTER_US
