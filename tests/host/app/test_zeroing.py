from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from iastm_host.app.zeroing import (
    CONFIRM_WITHIN_US,
    HOLES,
    NO_DATA,
    PATIENCE_US,
    REDONE,
    TARED,
    UNDONE,
    WORD_STAYS_US,
    Zeroing,
)
from iastm_host.events import Answer, ForceBlock, SetZero, Tare, ZeroReport
from iastm_protocol.kinds import SATURATED

RATE_HZ = 320.0
N = 320
COUNTS_PER_N = 40_000
ZERO = ZeroReport(1000, 0, 1000, True)


class Desk:
    """A zeroing and the samples it sees; time passes with them."""

    def __init__(self, zero: ZeroReport | None = ZERO, *, tares: bool = False) -> None:
        self.zeroing = Zeroing(0.8)
        self.zeroing.tares = tares
        self.now_us = 10_000_000
        self.index = 0
        if zero is not None:
            self.zeroing.reported(zero)

    def press(self) -> None:
        self.zeroing.press(self.now_us, RATE_HZ)

    def feed(self, force_n: Any, flags: int = 0) -> Any:
        """Feed samples in blocks of 7; return the first command."""
        command = None
        force_n = np.asarray(force_n, dtype=float)
        for at in range(0, len(force_n), 7):
            part = force_n[at : at + 7]
            self.now_us += round(len(part) / RATE_HZ * 1e6)
            counts = None if self.zeroing.tares else np.rint(part * COUNTS_PER_N + 1000).astype(np.int32)
            block = ForceBlock(1, self.index, 0, 3125.0, part, counts, flags, self.now_us, False)
            self.index = block.next_index
            command = command or self.zeroing.feed(block)
        return command

    @property
    def word(self) -> str:
        return self.zeroing.view(self.now_us).word


def noise(offset_n: float, n: int = N + 7, spread_n: float = 0.004) -> np.ndarray:
    return np.random.default_rng(5).normal(offset_n, spread_n, n)


@pytest.mark.parametrize("offset_n", [0.0, 0.3, -0.6])
def test_a_still_second_gives_the_mean_of_its_counts(offset_n: float) -> None:
    desk = Desk()
    desk.press()
    command = desk.feed(noise(offset_n))
    assert isinstance(command, SetZero)
    assert command.counts == pytest.approx(1000 + offset_n * COUNTS_PER_N, abs=40)


def test_less_than_a_second_gives_nothing_and_counts_down() -> None:
    desk = Desk()
    assert desk.zeroing.view(desk.now_us).busy is False
    desk.press()
    assert desk.feed(noise(0.0, N // 2)) is None
    view = desk.zeroing.view(desk.now_us)
    assert (view.busy, view.word) == (True, "Hold still to zero")
    assert view.remaining_s == pytest.approx(0.5, abs=0.05)


def test_nothing_is_zeroed_unasked() -> None:
    assert Desk().feed(noise(0.0, 10 * N)) is None


def test_contact_is_refused() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(5.0 + 2.0 * np.sin(np.arange(2 * N) / 50)) is None
    assert desk.word == "In contact. Lift the tool, press Z."
    assert not desk.zeroing.view(desk.now_us).busy


def test_a_tool_that_sways_is_waited_for_and_then_refused() -> None:
    desk = Desk()
    desk.press()
    sway = 0.3 * np.sin(np.arange(20 * N) / 20)
    assert desk.feed(sway[: round(PATIENCE_US / 1e6 * N) - 7]) is None
    assert desk.zeroing.view(desk.now_us).busy
    assert desk.feed(sway[:N]) is None
    assert desk.word.startswith("Not still")


def test_a_tool_that_comes_to_rest_in_time_is_zeroed() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(np.concatenate((0.3 * np.sin(np.arange(N) / 20), noise(0.1, 2 * N)))) is not None


def test_a_converter_at_its_rail_is_refused() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(noise(0.0), flags=SATURATED) is None
    assert "Out of range" in desk.word


def test_a_move_over_one_newton_takes_a_second_press() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(noise(2.5)) is None
    assert "2.5 N" in desk.word
    desk.press()
    command = desk.feed(noise(2.5))
    assert command.counts == pytest.approx(1000 + 2.5 * COUNTS_PER_N, abs=40)


def test_the_second_press_must_come_in_time() -> None:
    desk = Desk()
    desk.press()
    desk.feed(noise(2.5))
    desk.now_us += CONFIRM_WITHIN_US + 1
    desk.press()
    assert desk.feed(noise(2.5)) is None
    assert "Press Z again" in desk.word


def test_the_second_press_counts_only_for_the_same_move() -> None:
    desk = Desk()
    desk.press()
    desk.feed(noise(2.5))
    desk.press()
    assert desk.feed(noise(3.0)) is None
    assert "3.0 N" in desk.word


def test_a_zero_that_is_not_known_yet_is_not_set() -> None:
    desk = Desk(zero=None)
    desk.press()
    assert desk.feed(noise(0.0)) is None
    assert "not known yet" in desk.word


def test_the_answer_is_told_and_its_word_goes_away() -> None:
    desk = Desk()
    desk.zeroing.sent(7, "Zero set.")
    assert desk.zeroing.view(desk.now_us).busy
    desk.zeroing.answered(Answer(8, True, "done"), desk.now_us)
    assert desk.zeroing.view(desk.now_us).busy, "another command's answer"
    desk.zeroing.answered(Answer(7, True, "done"), desk.now_us)
    assert desk.word == "Zero set."
    assert not desk.zeroing.view(desk.now_us).busy
    desk.now_us += WORD_STAYS_US + 1
    assert desk.word == ""


def test_a_tool_that_refuses_is_told_with_its_reason() -> None:
    desk = Desk()
    desk.zeroing.sent(7, "Zero set.")
    desk.zeroing.answered(Answer(7, False, "the tool is busy"), desk.now_us)
    assert desk.word == "Zero not set: the tool is busy"


def test_undo_gives_the_zero_before_and_undoing_that_goes_back() -> None:
    desk = Desk()
    assert desk.zeroing.undo(desk.now_us) is None
    assert "no older zero" in desk.word
    desk.zeroing.reported(ZeroReport(2000, 10, 1000, True))
    assert desk.zeroing.view(desk.now_us).can_undo
    assert desk.zeroing.undo(desk.now_us) == SetZero(1000)
    desk.zeroing.reported(ZeroReport(1000, 20, 2000, True))
    assert desk.zeroing.undo(desk.now_us) == SetZero(2000)


def test_each_undo_says_which_zero_came_back() -> None:
    desk = Desk()
    desk.zeroing.reported(ZeroReport(2000, 10, 1000, True))
    counts, said = [1000, 2000], []
    for request_id in range(4):
        assert desk.zeroing.undo(desk.now_us) == SetZero(counts[request_id % 2])
        desk.zeroing.sent(request_id, "")
        desk.zeroing.reported(ZeroReport(counts[request_id % 2], 20, 0, True))
        desk.zeroing.answered(Answer(request_id, True, ""), desk.now_us)
        said.append((desk.word, desk.zeroing.view(desk.now_us).undone))
    assert said == [(UNDONE, True), (REDONE, False)] * 2
    desk.zeroing.undo(desk.now_us)
    desk.zeroing.sent(9, "")
    desk.zeroing.answered(Answer(9, False, "the tool is busy"), desk.now_us)
    assert not desk.zeroing.view(desk.now_us).undone


def test_the_same_zero_told_again_is_nothing_to_undo() -> None:
    desk = Desk()
    desk.zeroing.reported(ZERO)
    assert not desk.zeroing.view(desk.now_us).can_undo


def test_nothing_is_undone_while_an_answer_is_awaited() -> None:
    desk = Desk()
    desk.zeroing.reported(ZeroReport(2000, 10, 1000, True))
    desk.zeroing.sent(7, "Zero set.")
    assert desk.zeroing.undo(desk.now_us) is None


def test_a_still_second_has_no_hole_in_it() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(noise(0.0, N - 20)) is None
    desk.index += 3
    assert desk.feed(noise(0.0, 40)) is None
    assert isinstance(desk.feed(noise(0.0)), SetZero)


def test_an_offset_at_which_contact_begins_takes_a_second_press() -> None:
    desk = Desk()
    desk.press()
    assert desk.feed(noise(0.9)) is None
    assert "Press Z again" in desk.word
    desk.press()
    assert isinstance(desk.feed(noise(0.9)), SetZero)


@pytest.mark.parametrize("samples", [0, N // 2])
def test_a_request_for_which_no_samples_come_ends_by_itself(samples: int) -> None:
    desk = Desk()
    desk.press()
    pressed_us = desk.now_us
    desk.feed(noise(0.0, samples))
    desk.now_us = pressed_us + PATIENCE_US
    assert desk.zeroing.view(desk.now_us).busy
    desk.now_us += 1
    assert desk.word == NO_DATA
    assert not desk.zeroing.view(desk.now_us).busy
    # What comes later belongs to no request.
    assert desk.feed(noise(0.0)) is None
    desk.press()
    assert isinstance(desk.feed(noise(0.0)), SetZero)


def test_samples_full_of_holes_end_the_request_too() -> None:
    desk = Desk()
    desk.press()
    pressed_us = desk.now_us
    while desk.now_us <= pressed_us + PATIENCE_US:
        assert desk.zeroing.view(desk.now_us).busy
        assert desk.feed(noise(0.0, 70)) is None
        desk.index += 1
    assert desk.word == HOLES
    assert not desk.zeroing.view(desk.now_us).busy


def test_a_gauge_that_keeps_its_zero_to_itself_is_tared_after_its_still_second_and_can_not_take_it_back() -> None:
    desk = Desk(None, tares=True)
    desk.press()
    assert desk.feed(noise(0.3, N - 7)) is None
    assert desk.feed(noise(0.3, 14)) == Tare()
    desk.zeroing.sent(5, "a word for tools of ours")
    before = desk.zeroing.tared
    desk.zeroing.answered(Answer(5, True, "done"), desk.now_us)
    assert (before, desk.zeroing.tared) == (False, True)
    assert desk.word == TARED
    assert desk.zeroing.undo(desk.now_us) is None
    assert "back" in desk.word
    assert not desk.zeroing.view(desk.now_us).can_undo


def test_a_tare_in_contact_or_of_a_moving_gauge_is_refused() -> None:
    desk = Desk(None, tares=True)
    desk.press()
    assert desk.feed(np.full(N + 7, 3.0)) is None
    assert desk.word.startswith("Zero would move by 3.0 N")
    desk = Desk(None, tares=True)
    desk.press()
    assert desk.feed(noise(2.0, spread_n=0.5)) is None
    assert "contact" in desk.word


def test_a_tare_that_the_gauge_did_not_do_is_told_with_its_reason() -> None:
    desk = Desk(None, tares=True)
    desk.press()
    assert desk.feed(noise(0.0)) == Tare()
    desk.zeroing.sent(5, "")
    desk.zeroing.answered(Answer(5, False, "the gauge fell silent"), desk.now_us)
    assert desk.word == "Zero not set: the gauge fell silent"
    assert not desk.zeroing.tared
