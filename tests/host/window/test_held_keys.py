from __future__ import annotations

from iastm_host.window.held_keys import RELEASE_MS, HeldKeys

KEY, OTHER = 77, 90


def test_a_release_that_a_press_follows_soon_is_none() -> None:
    held = HeldKeys()
    assert held.press(KEY, 0)
    for now_ms in range(500, 2000, 40):
        held.release(KEY, now_ms)
        assert not held.certain(KEY)
        assert not held.press(KEY, now_ms + RELEASE_MS - 1)
        assert held.certain(KEY)
        assert held.settle(now_ms + RELEASE_MS) == frozenset()


def test_a_release_counts_once_after_its_time() -> None:
    held = HeldKeys()
    held.press(KEY, 0)
    held.release(KEY, 100)
    assert held.settle(100 + RELEASE_MS - 1) == frozenset()
    assert held.settle(100 + RELEASE_MS) == {KEY}
    assert held.settle(100 + RELEASE_MS) == frozenset()
    assert held.press(KEY, 101 + RELEASE_MS)


def test_a_press_long_after_the_release_is_one_of_its_own_though_nobody_looked_in_between() -> None:
    held = HeldKeys()
    held.press(KEY, 0)
    held.release(KEY, 10)
    assert held.press(KEY, 10 + RELEASE_MS)


def test_keys_do_not_answer_for_each_other() -> None:
    held = HeldKeys()
    held.press(KEY, 0)
    held.release(KEY, 10)
    assert held.press(OTHER, 20)


def test_without_the_keyboard_every_key_is_let_go_and_its_repeats_are_none() -> None:
    held = HeldKeys()
    held.press(KEY, 0)
    held.release_all(1000)
    assert not held.press(KEY, 1030)
    held.release_all(1100)
    assert held.settle(1100 + RELEASE_MS) == {KEY}
