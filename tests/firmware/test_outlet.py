from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware.clock import Clock
from iastm_firmware.outlet import Outlet


class _Sink:
    def __init__(self) -> None:
        self.now_us = 0
        self.room = 1 << 20
        self.takes_us = 0
        self.writes = 0
        self.written = b""

    def ticks_us(self) -> int:
        return self.now_us

    def write(self, data: memoryview) -> int:
        self.writes += 1
        self.now_us += self.takes_us
        n = min(self.room, len(data))
        self.room -= n
        self.written += bytes(data[:n])
        return n


def _outlet() -> tuple[Outlet, _Sink]:
    sink = _Sink()
    return Outlet(sink, Clock(sink.ticks_us)), sink


@given(st.lists(st.integers(0, 7), min_size=1, max_size=60))
def test_what_is_refused_is_kept_and_no_byte_is_lost_or_doubled(rooms: list[int]) -> None:
    outlet, sink = _outlet()
    sent = b""
    for number, room in enumerate(rooms):
        sink.room = room
        if outlet.ready():
            frame = bytes([number, 1, 2, 3, 4])
            outlet.send(memoryview(frame))
            sent += frame
    sink.room = 1000
    assert outlet.ready()
    assert sink.written == sent


def test_a_sink_that_refuses_for_two_stalls_suspends_the_link_until_the_host_speaks() -> None:
    outlet, sink = _outlet()
    sink.room = 2
    outlet.send(memoryview(b"abcde"))
    for _ in range(599):
        sink.now_us += 1000
        assert not outlet.ready()
    assert not outlet.suspended
    sink.now_us += 2000
    assert not outlet.ready()
    assert bool(outlet.suspended)
    sink.room = 100
    assert not outlet.ready()
    outlet.resume()
    assert outlet.ready()
    assert sink.written == b"abcde"


def test_a_sink_that_takes_a_little_now_and_then_is_no_stall() -> None:
    outlet, sink = _outlet()
    sink.room = 0
    outlet.send(memoryview(bytes(100)))
    for _ in range(50):
        sink.now_us += 250_000
        sink.room = 1
        outlet.ready()
    assert not outlet.suspended


def test_half_a_second_without_bytes_is_no_stall_where_some_went_before() -> None:
    outlet, sink = _outlet()
    sink.room = 0
    outlet.send(memoryview(bytes(100)))
    for now_us, room in ((300_000, 0), (315_000, 40), (615_000, 0), (914_000, 0)):
        sink.now_us, sink.room = now_us, room
        assert not outlet.ready()
        assert not outlet.suspended, now_us
    sink.now_us = 915_000
    outlet.ready()
    assert outlet.suspended, "0.6 s after the last byte"


def test_half_a_frame_of_one_host_is_not_ended_for_the_next() -> None:
    outlet, sink = _outlet()
    sink.room = 2
    outlet.send(memoryview(b"abcde"))
    assert not outlet.ready()
    sink.room = 100
    outlet.restart()
    assert outlet.ready()
    outlet.send(memoryview(b"xyz"))
    assert sink.written == b"abxyz"


def test_two_writes_that_were_held_by_the_driver_suspend_the_link() -> None:
    outlet, sink = _outlet()
    sink.takes_us = 500_000
    outlet.send(memoryview(b"a"))
    assert not outlet.suspended
    outlet.send(memoryview(b"b"))
    assert outlet.suspended


def test_a_driver_that_holds_writes_is_not_tried_again_by_itself_and_one_that_refuses_is() -> None:
    for takes_us, more in ((500_000, 0), (0, 5)):
        outlet, sink = _outlet()
        sink.takes_us = takes_us
        sink.room = 2
        outlet.send(memoryview(b"abcde"))
        while not outlet.suspended:
            sink.now_us += 10_000
            outlet.ready()
        writes = sink.writes
        for _ in range(500):
            sink.now_us += 10_000
            assert not outlet.ready()
        assert sink.writes == writes + more
        sink.takes_us = 0
        sink.room = 100
        outlet.resume()
        assert outlet.ready()
        assert sink.written == b"abcde"


def test_a_sink_that_takes_bytes_again_is_written_to_within_a_second() -> None:
    outlet, sink = _outlet()
    sink.room = 0
    outlet.send(memoryview(b"abcde"))
    while not outlet.suspended:
        sink.now_us += 10_000
        outlet.ready()
    sink.room = 2
    sink.now_us += 1_000_000
    # Two of five bytes go, and the rest needs no second to wait for.
    assert not outlet.ready()
    sink.room = 100
    assert outlet.ready()
    assert sink.written == b"abcde"


def test_a_stall_that_passed_is_forgotten() -> None:
    outlet, sink = _outlet()
    for _ in range(5):
        sink.takes_us = 500_000
        outlet.send(memoryview(b"a"))
        sink.takes_us = 0
        outlet.send(memoryview(b"b"))
    assert not outlet.suspended
