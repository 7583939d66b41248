"""Table 5.3 is true: where several of its rows hold, the tool's answer is that of the first."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from tests.firmware.conftest import command, hello
from tests.firmware.desk import COMMAND, QUERY
from tests.protocol.rig import CONTACT, KEY, Rig
from tests.protocol.spec import section, tables

from iastm_protocol import kinds, messages

_BAD = b"\x01"
_ZERO = messages.set_zero_body(5)
_STRANGERS_KEY = KEY[::-1]
_UNKNOWN = 0x7F


def _another_controls(rig: Rig) -> None:
    rig.bench.say(hello() + command(1, kinds.START_STREAM))
    rig.run(40)
    rig.mark()


def _store_fails(rig: Rig) -> None:
    rig.bench.board.store_errors = [OSError(errno.EIO, "worn out")]


def _unreadable(rig: Rig) -> None:
    _store_fails(rig)
    rig.say(kinds.SIGNED_COMMAND, messages.SignedCommand(1, bytes(16), b"\x01\x02").to_payload())


def _key_can_not_be_read(rig: Rig) -> None:
    _store_fails(rig)
    rig.signed_command(_UNKNOWN, _BAD, key=_STRANGERS_KEY)


def _remembered(rig: Rig) -> None:
    rig.signed_command(kinds.SET_ZERO, _ZERO, request_id=500)
    rig.run(40)
    _another_controls(rig)
    rig.signed_command(kinds.SET_ZERO, _ZERO, by=QUERY, request_id=500)


def _unknown(rig: Rig) -> None:
    _another_controls(rig)
    rig.command(_UNKNOWN, _BAD)


def _unsigned(rig: Rig) -> None:
    _another_controls(rig)
    rig.command(kinds.SET_LIMITS, _BAD)


def _other_way_in(rig: Rig) -> None:
    _another_controls(rig)
    rig.command(kinds.GET_KEY, by=QUERY)


def _streams(rig: Rig) -> None:
    _store_fails(rig)
    _another_controls(rig)
    rig.command(kinds.GET_KEY, by=COMMAND)


def _no_press(rig: Rig) -> None:
    _store_fails(rig)
    rig.command(kinds.GET_KEY, by=COMMAND)


def _renews(rig: Rig) -> None:
    _store_fails(rig)
    _another_controls(rig)
    rig.command(kinds.RENEW_KEY, by=COMMAND)


def _controlled(rig: Rig) -> None:
    _another_controls(rig)
    rig.signed_command(kinds.SET_ZERO, _BAD)


def _in_contact(rig: Rig) -> None:
    rig.sample(CONTACT, 4)
    rig.signed_command(kinds.CALIBRATION_PART, _BAD)


def _tests_itself(rig: Rig) -> None:
    for _ in range(2):
        rig.signed_command(kinds.SELF_TEST, b"")
        rig.run(40)


def _can_not_be_kept(rig: Rig) -> None:
    rig.press()
    _store_fails(rig)
    rig.command(kinds.GET_KEY, by=COMMAND)


# By the row's first words: what happens, so that later rows hold too, and a word of the answer.
_SCENARIOS: dict[str, tuple[Callable[[Rig], Any], str]] = {
    "the payload, or the command": (_unreadable, ""),
    "SIGNED_COMMAND on BLE: the tool can't read": (_key_can_not_be_read, "read its key"),
    "SIGNED_COMMAND on BLE: no key yet": (
        lambda rig: rig.signed_command(_UNKNOWN, _BAD, key=_STRANGERS_KEY),
        "another key",
    ),
    "the same request id": (_remembered, ""),
    "the command is not known": (_unknown, "no command 127"),
    "it changes the tool's state (5.1), on BLE: not signed": (_unsigned, "needs the tool's key"),
    "it changes the tool's state, or is GET_KEY, on BLE": (_other_way_in, "encrypted"),
    "GET_KEY on BLE: a link streams": (_streams, "while it streams"),
    "GET_KEY on BLE: no press": (_no_press, "press the tool's button"),
    "RENEW_KEY on BLE": (_renews, "cable only"),
    "it changes the tool's state: another host": (_controlled, "another host"),
    "BEGIN_CALIBRATION, CALIBRATION_PART, KEEP_CALIBRATION, SELF_TEST, SET_CHANNELS: in contact": (
        _in_contact,
        "lift the tool",
    ),
    "SELF_TEST: one runs": (_tests_itself, "under way"),
    "the body": (lambda rig: rig.signed_command(kinds.SET_ZERO, _BAD), "too short"),
    "it does not work": (_can_not_be_kept, "key"),
    "otherwise": (lambda rig: rig.signed_command(kinds.SET_ZERO, _ZERO), ""),
}
_ROWS = tables(section("### 5.3"))[0]


def _row(beginning: str) -> list[str]:
    (row,) = (row for row in _ROWS if row[0].startswith(beginning))
    return row


def test_every_row_of_the_table_is_tried_in_its_order() -> None:
    first, *others = [row[0] for row in _ROWS]
    assert first.startswith("16 answers wait")
    assert len(others) == len(_SCENARIOS)
    assert all(row.startswith(beginning) for row, beginning in zip(others, _SCENARIOS, strict=True))


@pytest.mark.parametrize("beginning", _SCENARIOS)
def test_the_first_row_that_holds_is_the_answer(beginning: str) -> None:
    happens, word = _SCENARIOS[beginning]
    answer = _row(beginning)[1]
    # A key is found where one is asked for, but where its finding is what fails.
    rig = Rig("BLE", key=None if beginning == "it does not work" else KEY)
    rig.reach("greeted")
    happens(rig)
    rig.run(60)
    responses = [message for message in rig.heard() if isinstance(message, messages.Response)]
    told = [name.removeprefix("RESPONSE ") for name in rig.sent() if name.startswith("RESPONSE")]
    if answer.startswith("none"):
        assert (told, rig.link._unreadable) == ([], 1)
        return
    assert told[-1] == ("OK" if answer == "that answer again" else answer)
    assert word in responses[-1].text


def test_while_sixteen_answers_wait_questions_are_passed_over() -> None:
    rig = Rig("stream")
    rig.reach("greeted")
    rig.take_nothing()
    for _ in range(40):
        rig.command(_UNKNOWN)
        rig.say(kinds.PING, messages.Ping(1).to_payload())
        rig.run(8)
    rig.take_all()
    rig.run(2000)
    # One was being sent when the link took no more.
    assert rig.sent() == ["RESPONSE UNKNOWN_COMMAND", "PONG"] * 8 + ["RESPONSE UNKNOWN_COMMAND"]


def _set_limits(rig: Rig, request_id: int) -> None:
    # A thousand counts to the newton.
    body = messages.Limits("", 0, 90_000, 800, 520).to_payload()
    rig.signed_command(kinds.SET_LIMITS, body, request_id=request_id)
    rig.run(40)


def test_a_refusal_is_remembered_though_the_same_would_be_accepted_by_now() -> None:
    rig = Rig("stream", zero_counts=0x7FFFFF - 50_000)
    rig.reach("greeted")
    _set_limits(rig, 500)
    rig.signed_command(kinds.SET_ZERO, _ZERO)
    _set_limits(rig, 500)
    _set_limits(rig, 501)
    assert rig.sent() == [
        *("RESPONSE BAD_ARGUMENT", "ZERO", "RESPONSE OK"),
        *("RESPONSE BAD_ARGUMENT", "LIMITS", "RESPONSE OK"),
    ]


def test_bytes_that_a_command_ignores_make_it_another_request() -> None:
    rig = Rig("stream")
    rig.reach("greeted")
    for number, body in ((500, _ZERO), (501, messages.set_zero_body(6)), (500, _ZERO), (500, _ZERO + b"\x00")):
        rig.signed_command(kinds.SET_ZERO, body, request_id=number)
        rig.run(40)
    assert rig.sent() == ["ZERO", "RESPONSE OK"] * 4
    # The third was answered again, the fourth was done.
    assert [zero.counts for zero in rig.heard() if isinstance(zero, messages.Zero)] == [5, 6, 6, 5]
