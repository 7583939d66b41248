"""The tool's key on a bench: when it leaves the tool, and what can't be done without it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.firmware.desk import COMMAND, QUERY, Desk, Radio

from iastm_firmware.keys import Proofs
from iastm_protocol import kinds, messages
from iastm_protocol.frames import encode
from iastm_protocol.signing import NO_CHALLENGE, tag

_KEY = bytes(range(32))
_OTHER_KEY = bytes(range(32, 64))
_OFF = messages.Limits("", 0, 0, 800, 520).to_payload()


@pytest.fixture
def desk(bench: Callable[..., Any]) -> Desk:
    """A tool whose key is _KEY."""
    return Desk(bench, Radio(), key=_KEY)


@pytest.fixture
def new_desk(bench: Callable[..., Any]) -> Desk:
    """A tool that has no key yet."""
    return Desk(bench, Radio())


def zero(counts: int) -> bytes:
    return bytes(messages.set_zero_body(counts))


def get_key(desk: Desk, by: str = COMMAND, request_id: int | None = None) -> int:
    return int(desk.ask(kinds.GET_KEY, by=by, request_id=request_id).error)


def keys_given(desk: Desk) -> list[bytes]:
    """The keys that went over the radio."""
    return [message.key for message in desk.of(messages.Key)]


def by_cable(desk: Desk, frame: bytes) -> Any:
    """Say something by cable; return the response to it."""
    desk.bench.say(frame)
    desk.run(20)
    return desk.bench.heard().of(messages.Response)[-1]


def events(desk: Desk, kind: int) -> int:
    kept = [desk.tool.events.after(number)[2] for number in range(desk.tool.events.last_number)]
    return sum(messages.ToolEvent.from_payload(payload).kind == kind for payload in kept)


def changed_by(key: bytes, desk: Desk, counts: int) -> int:
    """Set the zero with a key; return the error, and check that the zero tells the same."""
    answer = desk.give(desk.signed(key, kinds.SET_ZERO, zero(counts)))
    assert (desk.tool.settings.zero.counts == counts) == (answer.error == kinds.OK)
    return int(answer.error)


# Giving the key away


def test_without_a_press_there_is_no_key_and_after_one_there_is(new_desk: Desk) -> None:
    desk = new_desk
    desk.host()
    refused = desk.ask(kinds.GET_KEY, by=COMMAND)
    assert (refused.error, refused.text) == (
        kinds.NEEDS_PRESS,
        "press the tool's button, then ask within a minute",
    )
    assert (keys_given(desk), desk.bench.board.key) == ([], None)
    desk.press()
    assert get_key(desk) == kinds.OK
    (key,) = keys_given(desk)
    assert len(set(key)) > 16, "32 bytes of chance"
    assert desk.bench.board.key == key
    order = [type(message) for message in desk.of(object)]
    assert order[-2:] == [messages.Key, messages.Response]
    assert (events(desk, kinds.EVENT_BUTTON), events(desk, kinds.EVENT_KEY)) == (1, 1)
    assert changed_by(key, desk, 5) == kinds.OK


def test_a_key_that_is_there_is_given_and_not_made_anew(desk: Desk) -> None:
    desk.host()
    desk.press()
    assert get_key(desk) == kinds.OK
    assert keys_given(desk) == [_KEY]
    assert desk.bench.board.key == _KEY


@pytest.mark.parametrize("kept", [b"", b"torn", bytes(33)])
def test_what_the_store_holds_that_is_no_key_is_told_and_replaced_on_request_only(
    bench: Callable[..., Any], wire: Any, kept: bytes
) -> None:
    desk = Desk(bench, Radio(), key=kept)
    desk.host()
    desk.press()
    told = desk.ask(kinds.GET_KEY, by=COMMAND)
    assert (told.error, "at the cable" in told.text) == (kinds.FAILED, True)
    told = desk.give(desk.signed(_KEY, kinds.SET_ZERO, zero(5)))
    assert (told.error, "at the cable" in told.text) == (kinds.FAILED, True)
    desk.bench.say(wire.hello())
    assert by_cable(desk, wire.command(1, kinds.GET_KEY)).error == kinds.FAILED
    assert (keys_given(desk), desk.bench.board.key, events(desk, kinds.EVENT_KEY)) == ([], kept, 0)
    assert by_cable(desk, wire.command(2, kinds.RENEW_KEY)).error == kinds.OK
    assert get_key(desk) == kinds.OK
    (key,) = keys_given(desk)
    assert (key, len(key)) == (desk.bench.board.key, 32)
    assert changed_by(key, desk, 6) == kinds.OK


@pytest.mark.parametrize(("after_s", "error"), [(1.0, kinds.OK), (59.5, kinds.OK), (60.5, kinds.NEEDS_PRESS)])
def test_a_press_counts_for_sixty_seconds(desk: Desk, after_s: float, error: int) -> None:
    desk.host()
    desk.press()
    desk.pass_s(after_s)
    assert get_key(desk) == error
    assert len(keys_given(desk)) == (error == kinds.OK)


def test_a_press_counts_no_longer_where_the_ticks_wrapped_meanwhile(bench: Callable[..., Any]) -> None:
    desk = Desk(bench, Radio(), key=_KEY, start_us=2**30 - 30_000_000)
    desk.host()
    desk.press()
    desk.pass_s(50.0)
    assert get_key(desk) == kinds.OK
    # As long as one turn of the ticks, where a difference of ticks alone would be small again.
    for _ in range(4):
        desk.pass_s(2**28 / 1e6)
    assert get_key(desk) == kinds.NEEDS_PRESS


_MINUTE = """
import json, sys
from iastm_firmware.clock import Clock
from iastm_firmware.keys import Press
now = 0x3FFFFFFF - 30000000
clock = Clock(lambda: now & 0x3FFFFFFF)
press = Press(clock)
found = [press.counts_for(b"a")]
press.begin()
for passed_us in (1, 59999999, 60000000, 60000001, 1073741824, 1100000000):
    while now < 0x3FFFFFFF - 30000000 + passed_us:
        now = min(now + 400000000, 0x3FFFFFFF - 30000000 + passed_us)
        clock.now()
    found.append(press.counts_for(b"a"))
press.begin()
press.given(b"a")
found.append([press.counts_for(b"a"), press.counts_for(b"b")])
press.begin()
found.append(press.counts_for(b"b"))
press.end()
found.append(press.counts_for(b"b"))
sys.stdout.write(json.dumps(found))
"""


def test_the_minute_ends_on_micropython_too(micropython: str) -> None:
    root = Path(__file__).resolve().parents[2]
    path = [str(root / "firmware_micropython"), str(root / "protocol"), ".frozen"]
    done = subprocess.run(
        [micropython, "-c", _MINUTE],
        env={**os.environ, "MICROPYPATH": ":".join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    minute = [True, True, True, False, False, False]
    assert json.loads(done.stdout) == [False, *minute, [True, False], True, False]


def test_a_press_before_the_host_came_counts_and_a_long_one_from_its_beginning(desk: Desk) -> None:
    desk.bench.board.pressed = True
    desk.run(60)
    desk.pass_s(61.0)
    desk.bench.board.pressed = False
    desk.run(60)
    desk.host()
    assert get_key(desk) == kinds.NEEDS_PRESS
    desk.disconnect()
    desk.press()
    desk.host()
    assert get_key(desk) == kinds.OK


def test_the_same_request_once_more_is_decided_anew(desk: Desk) -> None:
    desk.host()
    assert get_key(desk, request_id=7) == kinds.NEEDS_PRESS
    desk.press()
    assert get_key(desk, request_id=7) == kinds.OK
    assert get_key(desk, request_id=7) == kinds.OK
    assert keys_given(desk) == [_KEY, _KEY], "an answer that was lost"
    desk.pass_s(60.5)
    assert get_key(desk, request_id=7) == kinds.NEEDS_PRESS
    assert len(keys_given(desk)) == 2


def test_no_key_on_the_open_way_or_without_encryption(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    desk.press()
    assert get_key(desk, by=COMMAND) == kinds.NOT_ALLOWED
    desk.encrypt()
    assert get_key(desk, by=QUERY) == kinds.NOT_ALLOWED
    assert keys_given(desk) == []
    assert get_key(desk, by=COMMAND) == kinds.OK


def test_one_press_gives_the_key_to_one_session(desk: Desk) -> None:
    desk.host()
    desk.press()
    assert get_key(desk) == kinds.OK
    desk.disconnect()
    desk.host(65)
    assert get_key(desk) == kinds.NEEDS_PRESS
    # Nor to another host on the same connection.
    desk.press()
    assert get_key(desk) == kinds.OK
    desk.hello(session=2)
    assert get_key(desk) == kinds.NEEDS_PRESS


def test_no_key_while_a_session_runs(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.press()
    desk.ask(kinds.START_STREAM)
    refused = desk.ask(kinds.GET_KEY, by=COMMAND)
    assert (refused.error, "streams" in refused.text) == (kinds.NOT_ALLOWED, True)
    desk.ask(kinds.STOP_STREAM)
    assert get_key(desk) == kinds.NEEDS_PRESS, "the stream has ended that press"
    desk.press()
    desk.bench.say(wire.hello())
    desk.bench.say(wire.command(1, kinds.START_STREAM))
    assert get_key(desk) == kinds.NOT_ALLOWED, "nor while the cable streams"
    assert keys_given(desk) == []


def test_a_press_while_a_session_runs_is_an_event_and_opens_nothing(desk: Desk) -> None:
    desk.host()
    desk.ask(kinds.START_STREAM)
    desk.press()
    assert [event.kind for event in desk.of(messages.ToolEvent)][-1] == kinds.EVENT_BUTTON
    desk.ask(kinds.STOP_STREAM)
    assert get_key(desk) == kinds.NEEDS_PRESS
    assert keys_given(desk) == []


def test_a_key_that_can_not_be_kept_is_given_to_nobody(new_desk: Desk) -> None:
    desk = new_desk
    desk.host()
    desk.press()
    desk.bench.board.store_errors = [OSError(errno.EIO, "flash")]
    assert get_key(desk, request_id=7) == kinds.FAILED
    assert (keys_given(desk), events(desk, kinds.EVENT_KEY)) == ([], 0)
    # The store has recovered: asked again it is done.
    desk.bench.board.store_errors.clear()
    assert get_key(desk, request_id=7) == kinds.OK
    assert keys_given(desk) == [desk.bench.board.key]


def test_a_key_that_can_not_be_read_is_not_replaced(desk: Desk) -> None:
    desk.host()
    desk.press()
    desk.bench.board.store_errors = [OSError(errno.EIO, "flash")]
    assert get_key(desk) == kinds.FAILED
    assert desk.bench.board.key == _KEY
    desk.bench.board.store_errors = [OSError(errno.EIO, "flash")]
    assert changed_by(_KEY, desk, 5) == kinds.FAILED
    assert changed_by(_KEY, desk, 5) == kinds.OK


# Changing the tool's state


def test_a_plain_command_changes_nothing_and_says_what_is_needed(desk: Desk) -> None:
    desk.host()
    for number, body in ((kinds.SET_ZERO, zero(5)), (kinds.SET_LIMITS, _OFF)):
        for way in (QUERY, COMMAND):
            refused = desk.ask(number, body, by=way)
            assert (refused.error, "key" in refused.text) == (kinds.NEEDS_KEY, True)
    assert (desk.tool.settings.zero_revision, desk.tool.settings.limits_revision) == (0, 0)
    for number in (kinds.START_STREAM, kinds.DESCRIBE, kinds.STOP_STREAM):
        assert desk.ask(number).error == kinds.OK


def test_a_signed_command_is_obeyed_on_the_encrypted_way_only(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    limits = messages.Limits("keyed", 5000, 8000, 800, 520)
    asked = (_KEY, kinds.SET_LIMITS, limits.to_payload())
    assert desk.give(desk.signed(*asked)).error == kinds.NOT_ALLOWED
    desk.encrypt()
    assert desk.give(desk.signed(*asked), by=QUERY).error == kinds.NOT_ALLOWED
    assert desk.give(desk.signed(_OTHER_KEY, *asked[1:]), by=QUERY).error == kinds.NEEDS_KEY
    assert desk.tool.settings.limits_revision == 0
    assert desk.give(desk.signed(*asked)).error == kinds.OK
    assert desk.of(messages.Limits) == [limits]


def test_any_command_may_be_signed_and_needs_no_encryption_that_needs_none_plain(desk: Desk) -> None:
    desk.connect()
    desk.hello()
    assert desk.give(desk.signed(_KEY, kinds.DESCRIBE), by=QUERY).error == kinds.OK
    assert len(desk.of(messages.Calibration)) == 1
    assert desk.give(desk.signed(_KEY, 99), by=QUERY).error == kinds.UNKNOWN_COMMAND
    assert desk.give(desk.signed(_KEY, kinds.SET_ZERO, b"\x01")).error == kinds.NOT_ALLOWED
    desk.encrypt()
    assert desk.give(desk.signed(_KEY, kinds.SET_ZERO, b"\x01")).error == kinds.BAD_ARGUMENT


def test_a_tag_with_one_flipped_bit_is_refused_and_costs_the_host_nothing(desk: Desk) -> None:
    desk.host()
    for bit in range(0, 128, 7):
        signed = desk.signed(_KEY, kinds.SET_ZERO, zero(5))
        flipped = bytearray(signed.tag)
        flipped[bit // 8] ^= 1 << bit % 8
        assert desk.give(signed._replace(tag=bytes(flipped))).error == kinds.NEEDS_KEY
        assert desk.tool.settings.zero_revision == 0
    # The counter that came with the wrong tag is still good.
    assert desk.give(signed).error == kinds.OK


def test_a_command_that_was_changed_on_the_way_is_refused(desk: Desk) -> None:
    desk.host()
    signed = desk.signed(_KEY, kinds.SET_ZERO, zero(5))
    other = messages.Command(0, kinds.SET_ZERO, zero(6)).to_payload()
    assert desk.give(signed._replace(command=other)).error == kinds.NEEDS_KEY
    assert desk.give(signed._replace(counter=signed.counter + 1)).error == kinds.NEEDS_KEY
    assert desk.tool.settings.zero_revision == 0


def test_what_was_signed_is_of_use_once(desk: Desk) -> None:
    desk.host()
    first = desk.signed(_KEY, kinds.SET_ZERO, zero(5), request_id=1)
    second = desk.signed(_KEY, kinds.SET_ZERO, zero(6), request_id=2)
    assert [desk.give(each).error for each in (first, second)] == [kinds.OK, kinds.OK]
    for recorded in (first, second):
        assert desk.give(recorded).error == kinds.NEEDS_KEY
    assert desk.tool.settings.zero.counts == 6
    # One that the tool never got is worth nothing after a later one, and gaps between counters are no matter.
    late = desk.signed(_KEY, kinds.SET_ZERO, zero(7))
    for _ in range(300):
        newest = desk.signed(_KEY, kinds.SET_ZERO, zero(8))
    assert desk.give(newest).error == kinds.OK
    assert desk.give(late).error == kinds.NEEDS_KEY
    assert desk.tool.settings.zero.counts == 8


def test_what_was_signed_in_one_session_is_of_no_use_in_another(desk: Desk) -> None:
    said = desk.host(session=9)
    recorded = desk.signed(_KEY, kinds.SET_ZERO, zero(5))
    desk.disconnect()
    # The whole conversation once more, the session's number too.
    again = desk.host(65, session=9)
    assert said.challenge != again.challenge
    assert desk.give(recorded).error == kinds.NEEDS_KEY
    assert desk.hello(session=10).challenge not in (said.challenge, again.challenge)
    assert desk.give(recorded).error == kinds.NEEDS_KEY
    assert desk.tool.settings.zero_revision == 0


def test_a_hello_of_the_same_session_keeps_challenge_and_counter(desk: Desk) -> None:
    first = desk.host(session=9)
    recorded = desk.signed(_KEY, kinds.SET_ZERO, zero(5))
    assert desk.give(recorded).error == kinds.OK
    assert desk.hello(session=9).challenge == first.challenge != NO_CHALLENGE
    assert desk.give(recorded).error == kinds.NEEDS_KEY


def test_the_same_request_signed_anew_repeats_the_answer_and_does_nothing_again(desk: Desk) -> None:
    desk.host()
    for _ in range(2):
        assert desk.give(desk.signed(_KEY, kinds.SET_ZERO, zero(5), request_id=3)).error == kinds.OK
    assert desk.tool.settings.zero_revision == 1
    assert len(desk.of(messages.Zero)) == 2
    # A stranger on this connection learns nothing by guessing the request.
    assert desk.ask(kinds.SET_ZERO, zero(5), by=COMMAND, request_id=3).error == kinds.NEEDS_KEY
    assert len(desk.of(messages.Zero)) == 2


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["ours", "strange", "changed", "of before"])), max_size=40)
)
def test_whatever_order_signatures_come_in_each_is_taken_once_and_none_that_is_not_ours(
    deliveries: list[tuple[int, str]],
) -> None:
    chance = iter(range(1, 100))
    board = SimpleNamespace(random_u32=lambda: next(chance))
    proofs = Proofs()
    proofs.begin(board)
    before = proofs.challenge
    proofs.begin(board)
    assert proofs.challenge != before
    newest = 0
    for counter, how in deliveries:
        key = _OTHER_KEY if how == "strange" else _KEY
        made = tag(key, before if how == "of before" else proofs.challenge, counter, b"command")
        signed = messages.SignedCommand(counter, made, b"changed" if how == "changed" else b"command")
        expected = how == "ours" and counter > newest
        assert proofs.take(_KEY, signed) == expected
        newest = counter if expected else newest
        assert proofs.given_with(_KEY) == (newest > 0)
        assert not proofs.given_with(_OTHER_KEY)


def test_a_tool_without_a_key_obeys_nobodys_signature(new_desk: Desk) -> None:
    new_desk.host()
    for key in (bytes(32), _KEY):
        assert changed_by(key, new_desk, 5) == kinds.NEEDS_KEY


def test_a_signed_command_too_short_to_be_one_is_counted_as_damage(desk: Desk) -> None:
    desk.host()
    desk.send(kinds.SIGNED_COMMAND, messages.SignedCommand(1, bytes(16), b"\x01\x00"), COMMAND)
    assert desk.of(messages.Response) == []
    assert desk.tool.links[1]._unreadable == 1


def test_a_tool_that_is_started_again_knows_its_key(desk: Desk, bench: Callable[..., Any]) -> None:
    desk.host()
    desk.press()
    get_key(desk)
    again = Desk(bench, Radio(), key=desk.bench.board.key)
    again.host()
    assert changed_by(keys_given(desk)[0], again, 5) == kinds.OK


# The cable


def test_on_the_cable_nothing_is_signed_and_what_is_signed_is_taken_unseen(desk: Desk, wire: Any) -> None:
    desk.bench.say(wire.hello())
    answer = desk.bench.heard().of(messages.HelloAnswer)[-1]
    assert (answer.challenge, bool(answer.features & kinds.FEATURE_KEYS)) == (NO_CHALLENGE, True)
    assert by_cable(desk, wire.command(1, kinds.SET_ZERO, zero(5))).error == kinds.OK
    payload = messages.Command(2, kinds.SET_ZERO, zero(6)).to_payload()
    signed = messages.SignedCommand(0, bytes(16), payload).to_payload()
    assert by_cable(desk, encode(kinds.SIGNED_COMMAND, 0, signed)) == messages.Response(2, kinds.SET_ZERO, kinds.OK, "")
    assert desk.tool.settings.zero.counts == 6


def test_on_the_cable_the_key_needs_no_press(desk: Desk, wire: Any) -> None:
    desk.bench.say(wire.hello())
    assert by_cable(desk, wire.command(1, kinds.GET_KEY)).error == kinds.OK
    assert by_cable(desk, wire.command(2, kinds.START_STREAM)).error == kinds.OK
    assert by_cable(desk, wire.command(3, kinds.GET_KEY)).error == kinds.OK
    assert [message.key for message in desk.bench.heard().of(messages.Key)] == [_KEY, _KEY]


def test_a_renewed_key_makes_strangers_of_those_who_have_the_old_one(desk: Desk, wire: Any) -> None:
    desk.host()
    assert changed_by(_KEY, desk, 5) == kinds.OK
    desk.bench.say(wire.hello())
    assert by_cable(desk, wire.command(1, kinds.RENEW_KEY)).error == kinds.OK
    (key,) = (message.key for message in desk.bench.heard().of(messages.Key))
    assert key == desk.bench.board.key != _KEY
    assert events(desk, kinds.EVENT_KEY) == 1
    assert keys_given(desk) == [], "over the cable only"
    # From that moment on, on a connection that is open too.
    assert changed_by(_KEY, desk, 6) == kinds.NEEDS_KEY
    assert changed_by(key, desk, 7) == kinds.OK


def test_renewing_once_more_for_a_lost_answer_makes_no_third_key(desk: Desk, wire: Any) -> None:
    desk.bench.say(wire.hello())
    for _ in range(2):
        by_cable(desk, wire.command(1, kinds.RENEW_KEY))
    assert [message.key for message in desk.bench.heard().of(messages.Key)] == [desk.bench.board.key] * 2


def test_the_key_is_renewed_over_the_cable_only(desk: Desk) -> None:
    desk.host()
    desk.press()
    assert desk.ask(kinds.RENEW_KEY, by=COMMAND).error == kinds.NOT_ALLOWED
    assert desk.give(desk.signed(_KEY, kinds.RENEW_KEY)).error == kinds.NOT_ALLOWED
    assert (keys_given(desk), desk.bench.board.key) == ([], _KEY)


def test_who_has_the_key_and_control_can_not_keep_the_cable_from_making_another(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.ask(kinds.START_STREAM)
    desk.bench.say(wire.hello())
    desk.bench.say(wire.command(1, kinds.START_STREAM))
    desk.bench.say(wire.command(2, kinds.STOP_STREAM))
    assert changed_by(_KEY, desk, 5) == kinds.OK
    assert by_cable(desk, wire.command(3, kinds.SET_ZERO, zero(6))).error == kinds.NOT_ALLOWED, "it has control"
    assert by_cable(desk, wire.command(4, kinds.RENEW_KEY)).error == kinds.OK
    (key,) = (message.key for message in desk.bench.heard().of(messages.Key))
    assert key == desk.bench.board.key != _KEY
    # Control passes with the key, though the thief streams on.
    assert by_cable(desk, wire.command(5, kinds.SET_ZERO, zero(7))).error == kinds.OK
    assert changed_by(_KEY, desk, 8) == kinds.NEEDS_KEY
    assert desk.tool.links[1].streaming
    by_cable(desk, wire.command(6, kinds.START_STREAM))
    assert changed_by(key, desk, 9) == kinds.NOT_ALLOWED, "now the cable has it"


def test_the_key_at_the_cable_uses_up_no_press(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.bench.say(wire.hello())
    desk.press()
    assert by_cable(desk, wire.command(1, kinds.GET_KEY)).error == kinds.OK
    assert by_cable(desk, wire.command(2, kinds.RENEW_KEY)).error == kinds.OK
    assert get_key(desk) == kinds.OK
    assert keys_given(desk) == [desk.bench.board.key]


def test_a_new_key_that_can_not_be_kept_leaves_the_old_one_in_force(desk: Desk, wire: Any) -> None:
    desk.host()
    assert changed_by(_KEY, desk, 4) == kinds.OK
    desk.bench.say(wire.hello())
    desk.bench.board.store_errors = [OSError(errno.ENOSPC, "full")]
    assert by_cable(desk, wire.command(1, kinds.RENEW_KEY)).error == kinds.FAILED
    assert desk.bench.heard().of(messages.Key) == []
    assert changed_by(_KEY, desk, 5) == kinds.OK


# Who is in control


def test_a_strangers_stream_keeps_nobody_from_the_tool(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.ask(kinds.START_STREAM)
    desk.run(200)
    desk.bench.say(wire.hello())
    assert by_cable(desk, wire.command(1, kinds.SET_ZERO, zero(5))).error == kinds.OK
    assert by_cable(desk, wire.command(2, kinds.RENEW_KEY)).error == kinds.OK
    assert len(desk.samples()) > 20


def test_control_begins_with_the_first_signature_and_ends_with_the_key(desk: Desk, wire: Any) -> None:
    desk.host()
    desk.ask(kinds.START_STREAM)
    desk.bench.say(wire.hello())
    assert changed_by(_KEY, desk, 5) == kinds.OK
    assert by_cable(desk, wire.command(1, kinds.SET_ZERO, zero(6))).error == kinds.NOT_ALLOWED
    # Another session on the same connection has to prove itself anew.
    desk.hello(session=2)
    desk.ask(kinds.START_STREAM)
    assert by_cable(desk, wire.command(1, kinds.SET_ZERO, zero(6))).error == kinds.OK
    by_cable(desk, wire.command(2, kinds.START_STREAM))
    assert changed_by(_KEY, desk, 7) == kinds.NOT_ALLOWED
    # Two are proven, and the cable is in control; it makes a new key, and goes: the other does not come into control.
    assert by_cable(desk, wire.command(3, kinds.RENEW_KEY)).error == kinds.OK
    by_cable(desk, wire.command(4, kinds.STOP_STREAM))
    assert by_cable(desk, wire.command(5, kinds.SET_ZERO, zero(8))).error == kinds.OK
