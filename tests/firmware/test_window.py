from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.window import Window


class _Time:
    def __init__(self) -> None:
        self.now_us = 0

    def ticks_us(self) -> int:
        return self.now_us & 0x3FFFFFFF


def _window(frames: int) -> tuple[Window, _Time]:
    time = _Time()
    return Window(frames, Clock(time.ticks_us)), time


def _send(window: Window, first_index: int, count: int) -> None:
    window.sent(struct.pack("<I", first_index) + bytes(11) + bytes(3 * count), 15 + 3 * count)


def test_a_host_that_never_acknowledges_is_not_waited_for() -> None:
    window, _ = _window(4)
    for i in range(100):
        assert not window.full()
        _send(window, i * 7, 7)


def test_without_a_bound_any_number_is_under_way() -> None:
    window, _ = _window(0)
    window.acknowledge(0)
    for i in range(100):
        assert not window.full()
        _send(window, i * 7, 7)


def test_as_many_frames_as_allowed_go_beyond_the_last_acknowledgement() -> None:
    window, _ = _window(4)
    window.acknowledge(0)
    for i in range(4):
        assert not window.full()
        _send(window, i * 7, 7)
    assert window.full()
    window.acknowledge(6)
    assert window.full(), "the first frame ends with sample 6, which is not acknowledged"
    window.acknowledge(7)
    assert not window.full()
    _send(window, 28, 7)
    assert window.full()
    window.acknowledge(28)
    for i in range(3):
        assert not window.full()
        _send(window, 35 + 7 * i, 7)
    assert window.full()


def test_a_host_that_acknowledges_no_more_stops_the_samples_for_two_seconds_at_most() -> None:
    window, time = _window(2)
    time.now_us = (1 << 30) - 1_000_000
    window.acknowledge(0)
    _send(window, 0, 1)
    _send(window, 1, 1)
    time.now_us += 1_999_999
    assert window.full()
    time.now_us += 1
    for i in range(50):
        assert not window.full()
        _send(window, 2 + i, 1)
    window.acknowledge(52)
    _send(window, 52, 1)
    _send(window, 53, 1)
    assert window.full()


def test_an_acknowledgement_of_long_ago_stops_no_samples() -> None:
    window, time = _window(2)
    window.acknowledge(0)
    # The stream ended, and begins again: between 9 and 18 minutes later readings of the ticks tell no order.
    time.now_us += 600_000_000
    _send(window, 0, 1)
    _send(window, 1, 1)
    assert not window.full()


def test_acknowledging_the_same_again_and_again_stops_the_samples_for_two_seconds_at_most() -> None:
    window, time = _window(2)
    window.acknowledge(0)
    _send(window, 5, 1)
    _send(window, 6, 1)
    for _ in range(9):
        time.now_us += 200_000
        window.acknowledge(0)
        assert window.full()
    time.now_us += 200_000
    assert not window.full()


def test_with_a_fetched_frame_that_is_acknowledged_all_that_went_before_it_have_come() -> None:
    window, _ = _window(4)
    window.acknowledge(10)
    # Newer samples, of which the host can acknowledge none while 10 to 12 are missing.
    _send(window, 13, 7)
    _send(window, 20, 7)
    _send(window, 10, 3)
    _send(window, 27, 7)
    assert window.full()
    window.acknowledge(13)
    for i in range(3):
        assert not window.full()
        _send(window, 34 + 7 * i, 7)
    assert window.full()


def test_a_host_that_reports_a_hole_is_waited_for_from_then_on() -> None:
    window, _ = _window(2)
    window.acknowledge(0)
    _send(window, 5, 1)
    _send(window, 6, 1)
    assert window.full()
    window.hole()
    assert not window.full()
    _send(window, 0, 3)
    _send(window, 7, 1)
    assert window.full()


def test_frames_that_are_spared_are_left_to_others() -> None:
    window, _ = _window(4)
    window.acknowledge(0)
    _send(window, 0, 1)
    assert not window.full(2)
    _send(window, 1, 1)
    assert window.full(2)
    assert not window.full()


def test_another_host_finds_nothing_under_way() -> None:
    window, _ = _window(2)
    window.acknowledge(0)
    _send(window, 0, 1)
    _send(window, 1, 1)
    window.restart()
    assert not window.full()
    window.acknowledge(0)
    assert not window.full()


@given(st.integers(1, 8), st.lists(st.one_of(st.integers(1, 16), st.integers(-20, 0)), max_size=60))
def test_never_more_frames_than_allowed_are_under_way(frames: int, steps: list[int]) -> None:
    window, _ = _window(frames)
    window.acknowledge(0)
    index = 0
    ends: list[int] = []
    for step in steps:
        if step > 0:
            if window.full():
                assert len(ends) == frames
            else:
                assert len(ends) < frames
                _send(window, index, step)
                index += step
                ends.append(index)
        else:
            upto = max(0, index + step)
            window.acknowledge(upto)
            ends = [end for end in ends if end > upto]
