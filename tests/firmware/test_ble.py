"""The BLE link on a bench, with a radio that the test holds in its hands; on virtual air it is tested with the host."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from tests.firmware.desk import COMMAND, CONNECT, DISCONNECT, ENCRYPTION, QUERY, Desk, Radio

from iastm_protocol import kinds, messages

_ZERO = messages.set_zero_body(5)
_KEY = bytes(range(32))


@pytest.fixture
def desk(bench: Callable[..., Any]) -> Desk:
    return Desk(bench, Radio(), key=_KEY)


def test_writes_find_room_for_a_whole_message(desk: Desk) -> None:
    assert set(desk.radio.buffers.values()) == {(512, True)}
    assert set(desk.radio.buffers) == {desk.radio.handles[QUERY], desk.radio.handles[COMMAND]}


def set_zero(desk: Desk, counts: int, by: str = COMMAND) -> int:
    """Set the zero as a host that has the key; return the error."""
    answer: Any = desk.give(desk.signed(_KEY, kinds.SET_ZERO, messages.set_zero_body(counts)), by)
    return int(answer.error)


def test_a_command_on_a_link_whose_encryption_was_not_told_is_refused(desk: Desk) -> None:
    # What demands encryption is the stack; the tool does not rely on it alone.
    desk.connect()
    desk.hello()
    assert set_zero(desk, 5) == kinds.NOT_ALLOWED
    desk.encrypt()
    assert set_zero(desk, 5, by=QUERY) == kinds.NOT_ALLOWED
    assert set_zero(desk, 5) == kinds.OK
    desk.radio.happens(ENCRYPTION, 64, 0, 0, 0, 0)
    assert set_zero(desk, 6) == kinds.NOT_ALLOWED
    assert desk.tool.settings.zero.counts == 5


def test_encryption_of_one_connection_is_none_of_the_next(desk: Desk) -> None:
    desk.connect()
    desk.radio.happens(ENCRYPTION, 64, 1, 0, 0, 16)
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.connect()
    desk.hello()
    assert set_zero(desk, 5) == kinds.NOT_ALLOWED


def test_a_stack_that_does_not_pair_streams_all_the_same(bench: Callable[..., Any]) -> None:
    desk = Desk(bench, Radio(pairs=False))
    desk.connect()
    desk.hello()
    assert desk.ask(kinds.START_STREAM).error == kinds.OK
    desk.run(500)
    assert len(desk.samples()) > 100


def test_cable_and_radio_at_once_each_get_every_sample_and_the_first_is_in_control(desk: Desk, wire: Any) -> None:
    desk.bench.say(wire.hello())
    desk.bench.say(wire.command(1, kinds.START_STREAM))
    desk.host()
    desk.ask(kinds.START_STREAM)
    assert set_zero(desk, 5) == kinds.NOT_ALLOWED
    desk.run(1000)
    for samples in (desk.samples(), desk.bench.heard().samples()):
        assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
        assert len(samples) > 300
    # A cable's host does not wait longer because a radio is on too.
    assert max(batch.span_us for batch in desk.of(messages.ForceSamples)) < 20_000
    desk.bench.say(wire.command(2, kinds.STOP_STREAM))
    assert set_zero(desk, 5) == kinds.OK
    known = len(desk.of(messages.ForceSamples))
    desk.run(1000)
    assert max(batch.span_us for batch in desk.of(messages.ForceSamples)[known + 2 :]) > 30_000


def test_control_ends_with_the_connection(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.ask(kinds.START_STREAM)
    assert set_zero(desk, 4) == kinds.OK
    desk.bench.say(wire.hello())
    desk.bench.say(wire.command(1, kinds.SET_ZERO, _ZERO))
    assert desk.bench.heard().of(messages.Response)[-1].error == kinds.NOT_ALLOWED
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.run(8)
    desk.bench.say(wire.command(2, kinds.SET_ZERO, _ZERO))
    assert desk.bench.heard().of(messages.Response)[-1].error == kinds.OK


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN, errno.EBUSY])
def test_a_stack_that_is_busy_is_asked_again_from_where_it_refused(desk: Desk, number: int) -> None:
    desk.connect(mtu=23)
    desk.hello()
    desk.ask(kinds.START_STREAM)
    for _ in range(40):
        desk.radio.errors["gatts_notify"] = [number, number]
        desk.run(20)
    samples = desk.samples()
    assert samples == [(i, i) for i in range(samples[0][0], samples[0][0] + len(samples))]
    assert len(samples) > 200


def test_a_connection_that_is_gone_owes_nothing_and_the_next_begins_with_a_whole_frame(desk: Desk) -> None:
    desk.connect(mtu=23)
    desk.hello()
    desk.ask(kinds.START_STREAM)
    desk.run(100)
    # In the middle of a frame there is no memory, and before there is any the host goes.
    desk.radio.errors["gatts_notify"] = [errno.ENOMEM] * 5
    desk.run(20)
    desk.radio.errors["gatts_notify"] = [errno.ENOTCONN] * 20
    desk.run(40)
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.radio.errors.clear()
    desk.radio.notified.clear()
    desk.run(100)
    assert desk.radio.notified == []
    desk.connect(65)
    desk.hello()
    assert [type(m).__name__ for m in desk.of(object)] == ["HelloAnswer"]
    assert {connection for connection, _ in desk.radio.notified} == {65}


def test_what_a_host_wrote_that_is_gone_is_not_read_as_the_next_ones(desk: Desk) -> None:
    desk.connect()
    desk.radio.write(64, QUERY, b"\x01half of a frame")
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.radio.happens(CONNECT, 65, 0)
    desk.radio.write(64, QUERY, b"\x03of nobody")
    desk.run(8)
    desk.connection = 65
    desk.hello()
    assert len(desk.of(messages.HelloAnswer)) == 1
    assert desk.tool.links[1]._inlet.damaged == 0


def test_a_second_connection_is_dropped_and_the_first_is_not_disturbed(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    desk.radio.happens(CONNECT, 65, 0)
    desk.run(8)
    assert desk.radio.dropped == [65]
    desk.radio.happens(DISCONNECT, 65, 0)
    assert desk.ask(kinds.START_STREAM).error == kinds.OK


def test_a_silent_host_is_dropped_after_five_seconds_and_again_where_that_failed(desk: Desk) -> None:
    desk.connect()
    desk.run(4900)
    assert desk.radio.dropped == []
    desk.radio.errors["gap_disconnect"] = [errno.EIO]
    desk.run(200)
    assert desk.radio.dropped == []
    desk.run(5000)
    assert desk.radio.dropped == [64]


def test_a_tool_in_use_says_so_and_takes_no_connection_until_it_is_free(desk: Desk) -> None:
    assert desk.radio.advertised[-1]["connectable"]
    desk.connect()
    assert not desk.radio.advertised[-1]["connectable"]
    assert desk.radio.advertised[-1]["resp_data"][-1] == 1
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.run(8)
    assert desk.radio.advertised[-1]["connectable"]
    assert desk.radio.advertised[-1]["resp_data"][-1] == 0
    for each in desk.radio.advertised:
        assert len(each["adv_data"]) <= 31
        assert len(each["resp_data"]) <= 31


def test_advertising_that_failed_is_tried_again_within_a_second(desk: Desk) -> None:
    desk.connect()
    desk.radio.errors["gap_advertise"] = [errno.ENOMEM]
    desk.radio.happens(DISCONNECT, 64, 0)
    desk.run(8)
    assert not desk.radio.advertised[-1]["connectable"]
    desk.tool.second()
    assert desk.radio.advertised[-1]["connectable"]


def test_a_battery_that_can_not_be_read_is_unknown_and_ends_nothing(desk: Desk) -> None:
    def failing() -> int:
        raise OSError(errno.EIO, "no answer")

    level = desk.radio.handles[0x2A19]
    assert desk.radio.values[level] == bytes([77])
    desk.bench.board.battery_percent = failing
    # Once or twice is no sign that there is none.
    for _ in range(4):
        desk.tool.second()
        assert desk.radio.values[level] == bytes([77])
    desk.tool.second()
    assert desk.radio.values[level] == b""


def force_n(desk: Desk) -> float | None:
    """The value of the Force characteristic; None where it has none."""
    value = desk.radio.values[desk.radio.handles[0x2C07]]
    return int.from_bytes(value, "little", signed=True) / 1000 if value else None


def test_the_force_of_a_connection_ends_with_it_and_the_next_one_s_is_its_own_at_once(desk: Desk) -> None:
    desk.connect()
    desk.run(1000)
    before = force_n(desk)
    assert before is not None
    desk.disconnect()
    assert force_n(desk) is None
    # Between 9 and 18 minutes readings of the ticks tell no order.
    for _ in range(10):
        desk.pass_s(60)
    desk.connect(65)
    now = force_n(desk)
    assert now is not None
    assert now > before + 1
    desk.run(300)
    assert (force_n(desk) or 0) > now


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EIO])
def test_a_force_that_the_stack_refuses_is_written_a_quarter_of_a_second_later(desk: Desk, number: int) -> None:
    desk.connect()
    desk.run(1000)
    before = force_n(desk)
    # The next one is due in 8 ms.
    desk.radio.errors["gatts_write"] = [number]
    desk.run(200)
    assert desk.radio.errors["gatts_write"] == []
    assert force_n(desk) == before
    desk.run(100)
    assert force_n(desk) != before
    desk.radio.errors["gatts_write"] = [number]
    desk.disconnect()
    desk.connect(65)
    desk.run(260)
    assert desk.hello().board == "bench"


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EIO])
def test_a_charge_that_the_stack_refuses_is_written_within_a_second(desk: Desk, number: int) -> None:
    level = desk.radio.handles[0x2A19]
    desk.bench.board.battery_percent = lambda: kinds.UNKNOWN_U8
    for _ in range(4):
        desk.tool.second()
    desk.radio.errors["gatts_write"] = [number]
    desk.tool.second()
    assert desk.radio.values[level] == bytes([77])
    desk.tool.second()
    assert desk.radio.values[level] == b""


def test_a_tool_that_falls_asleep_ends_its_connection(bench: Callable[..., Any]) -> None:
    # Nobody presses on it: 20 mN are the most that comes.
    desk = Desk(bench, Radio(), idle_s=6, coefficients=(0.0, 1e-6))
    desk.connect()
    desk.hello()
    link = desk.tool.links[1]
    dropped: list[list[int]] = []
    desk.bench.board.sleep = lambda: dropped.append(list(desk.radio.dropped))
    for _ in range(8):
        desk.run(1000)
        desk.tool.second()
        desk.tool.life.sleep_if_due()
        if dropped:
            break
    assert dropped == [[64]]
    assert not link.greeted
    desk.disconnect()
    # Where it woke without a new start, it is there for the next one.
    assert desk.radio.advertised[-1]["connectable"]
    desk.connect(65)
    assert desk.hello().board == "bench"


def test_a_flood_of_writes_is_bounded_and_counted(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    for _ in range(100):
        desk.radio.write(64, QUERY, b"\x03")
    desk.run(200)
    assert desk.tool.links[1]._inlet.damaged == 100
    assert desk.ask(kinds.DESCRIBE).error == kinds.OK


def test_a_host_that_asks_for_a_hole_gets_it_and_what_is_new_at_once_though_the_window_was_full(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    desk.ask(kinds.START_STREAM)
    desk.run(100)
    first = desk.samples()[0][0]
    desk.send(kinds.ACK, messages.Ack(first, 1))
    # From here on the host gets nothing that follows on, so that it acknowledges nothing more: 32 batches are 1.28 s.
    desk.run(1600)
    known = len(desk.samples())
    desk.run(100)
    assert len(desk.samples()) == known, "the window is full"
    desk.send(kinds.FETCH, messages.Fetch(first, 20))
    desk.run(100)
    after = desk.samples()[known:]
    assert (first, first) in after
    assert max(index for index, _ in after) > desk.tool.sampler.next_index - 32
