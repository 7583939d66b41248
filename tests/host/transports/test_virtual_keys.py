"""What a stranger can't do: the unchanged firmware under a real MicroPython, on virtual air."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.host.transports.virtual_tool import COMMAND, QUERY, Host, Run, Tool, assert_gapless, micropython, player

from iastm_protocol import kinds, messages
from iastm_protocol.signing import NO_CHALLENGE

KEY = bytes(range(32))
MILLINEWTONS = {"id": "", "sha256": "00" * 32, "capacity_n": 9000.0, "coefficients": [0.0, 0.001]}
OFF = messages.Limits("stranger", 0, 0, 800, 520).to_payload()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return `run(story, **settings)`: play `story(tool)` with a tool on the air."""
    return player(micropython(), tmp_path)


def zero(counts: int) -> bytes:
    return bytes(messages.set_zero_body(counts))


async def paired(tool: Tool, session: int = 1) -> Host:
    """A host that has connected, greeted and paired, as anybody can."""
    host = await tool.connect()
    await host.hello(session=session)
    await host.connection.pair()
    return host


async def gone(host: Host) -> None:
    await host.connection.disconnect()


async def error_of(host: Host, signed: Any) -> int:
    return int((await host.give(signed)).error)


async def get_key(host: Host) -> int:
    return int((await host.ask(kinds.GET_KEY, by=COMMAND)).error)


async def pressed(host: Host) -> None:
    """Wait until the tool has noted a press of its button, without a stream."""
    while True:
        known = len(host.of(messages.ToolEvent))
        await host.send(kinds.FETCH_EVENTS, messages.FetchEvents(0))
        await host.ping()
        await host.until(lambda known=known: len(host.of(messages.ToolEvent)) > known)  # type: ignore[misc]
        if any(event.kind == kinds.EVENT_BUTTON for event in host.of(messages.ToolEvent)):
            return


def test_a_stranger_who_pairs_can_neither_change_limits_and_zero_nor_silence_the_alarm(run: Run) -> None:
    async def story(tool: Tool) -> None:
        therapist = await paired(tool)
        limits = messages.Limits("mine", 0, 2500, 800, 520)
        assert await error_of(therapist, therapist.signed(KEY, kinds.SET_LIMITS, limits.to_payload())) == kinds.OK
        await gone(therapist)
        stranger = await paired(tool, session=2)
        assert stranger.connection.is_encrypted
        for body, command in ((OFF, kinds.SET_LIMITS), (zero(8_000_000), kinds.SET_ZERO)):
            for way in (QUERY, COMMAND):
                assert (await stranger.ask(command, body, by=way)).error == kinds.NEEDS_KEY
            for key in (bytes(32), b"\xff" * 32):
                assert await error_of(stranger, stranger.signed(key, command, body)) == kinds.NEEDS_KEY
        assert await get_key(stranger) == kinds.NEEDS_PRESS
        assert (await stranger.ask(kinds.RENEW_KEY, by=COMMAND)).error == kinds.NOT_ALLOWED
        await stranger.ask(kinds.START_STREAM)
        assert (stranger.of(messages.Limits)[-1], stranger.of(messages.Zero)[-1].counts) == (limits, 0)
        # Counts run up a millinewton each: the alarm comes when the therapist's limit is passed.
        await stranger.until(lambda: bool(stranger.of(messages.AlertReport)))
        (alert,) = stranger.of(messages.AlertReport)
        assert (alert.kind, alert.counts) == (kinds.ALARM, 2502)
        assert stranger.of(messages.Key) == []

    run(story, key=KEY.hex(), calibration=MILLINEWTONS)


def test_a_press_gives_the_key_and_with_it_the_state_changes(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        answer = await host.hello()
        assert answer.features & kinds.FEATURE_KEYS
        assert len(set(answer.challenge)) > 4
        await pressed(host)
        assert (await host.ask(kinds.GET_KEY, by=QUERY)).error == kinds.NOT_ALLOWED
        await host.connection.pair()
        assert await get_key(host) == kinds.OK
        (given,) = host.of(messages.Key)
        assert len(set(given.key)) > 16
        assert await error_of(host, host.signed(given.key, kinds.SET_ZERO, zero(-700))) == kinds.OK
        await host.ask(kinds.START_STREAM)
        assert await get_key(host) == kinds.NOT_ALLOWED, "a session runs"
        await host.until(lambda: any(event.kind == kinds.EVENT_KEY for event in host.of(messages.ToolEvent)))
        await host.ask(kinds.STOP_STREAM)
        assert await get_key(host) == kinds.NEEDS_PRESS, "that press ended with the session"
        await gone(host)
        # The key holds for the next connection; the press does not.
        again = await paired(tool)
        assert await get_key(again) == kinds.NEEDS_PRESS
        assert await error_of(again, again.signed(given.key, kinds.SET_ZERO, zero(-800))) == kinds.OK

    run(story, presses=[[1.0, 0.3]])


def test_a_press_while_a_session_runs_gives_nobody_the_key(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await paired(tool)
        await host.ask(kinds.START_STREAM)
        await host.until(lambda: any(event.kind == kinds.EVENT_BUTTON for event in host.of(messages.ToolEvent)))
        assert await get_key(host) == kinds.NOT_ALLOWED
        await host.ask(kinds.STOP_STREAM)
        assert await get_key(host) == kinds.NEEDS_PRESS
        assert host.of(messages.Key) == []

    # Again and again, so that one falls into the stream whenever it starts.
    run(story, key=KEY.hex(), presses=[[2.0 + 0.5 * n, 0.2] for n in range(40)])


def test_a_recorded_frame_is_refused_on_this_connection_and_on_the_next(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await paired(tool)
        recorded = [host.signed(KEY, kinds.SET_ZERO, zero(counts)) for counts in (-1, -2)]
        for signed in recorded:
            assert await error_of(host, signed) == kinds.OK
        for signed in recorded:
            assert await error_of(host, signed) == kinds.NEEDS_KEY
        unused = host.signed(KEY, kinds.SET_ZERO, zero(-3))
        await gone(host)
        again = await paired(tool)
        for signed in (*recorded, unused):
            assert await error_of(again, signed) == kinds.NEEDS_KEY
        await again.ask(kinds.DESCRIBE)
        assert again.of(messages.Zero)[-1].counts == -2
        # The host itself goes on with the challenge of this connection.
        assert await error_of(again, again.signed(KEY, kinds.SET_ZERO, zero(-4))) == kinds.OK

    run(story, key=KEY.hex())


def test_a_tag_with_one_flipped_bit_is_refused_and_the_stream_does_not_mind(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await paired(tool)
        await host.ask(kinds.START_STREAM)
        for bit in (0, 7, 64, 127):
            signed = host.signed(KEY, kinds.SET_ZERO, zero(-5))
            flipped = bytearray(signed.tag)
            flipped[bit // 8] ^= 1 << bit % 8
            assert await error_of(host, signed._replace(tag=bytes(flipped))) == kinds.NEEDS_KEY
        assert await error_of(host, signed) == kinds.OK
        await host.until_samples(300)
        assert_gapless(host.samples())
        assert host.of(messages.Zero)[-1].counts == -5

    run(story, key=KEY.hex())


def test_after_a_new_key_was_made_at_the_cable_the_old_one_is_worth_nothing(run: Run) -> None:
    async def story(tool: Tool) -> None:
        lost_laptop = await paired(tool)
        assert await error_of(lost_laptop, lost_laptop.signed(KEY, kinds.SET_ZERO, zero(-1))) == kinds.OK
        cable = await tool.cable()
        assert (await cable.hello()).challenge == NO_CHALLENGE
        cable.ask(kinds.GET_KEY)
        assert (await cable.until(messages.Key)).key == KEY
        cable.ask(kinds.RENEW_KEY)
        key = (await cable.until(messages.Key)).key
        assert (await cable.until(messages.Response)).error == kinds.OK
        assert key != KEY
        assert await error_of(lost_laptop, lost_laptop.signed(KEY, kinds.SET_ZERO, zero(-2))) == kinds.NEEDS_KEY
        assert await error_of(lost_laptop, lost_laptop.signed(key, kinds.SET_ZERO, zero(-3))) == kinds.OK
        await cable.close()

    run(story, cable=True, key=KEY.hex())


def test_many_signed_commands_leave_nothing_on_the_tools_heap(run: Run) -> None:
    async def story(tool: Tool) -> None:
        host = await paired(tool)

        async def free_bytes() -> int:
            # A status is sent just after a collection.
            known = len(host.of(messages.Status))
            await host.until(lambda: len(host.of(messages.Status)) >= known + 2)
            return max(int(status.heap_free_bytes) for status in host.of(messages.Status)[known:])

        await host.ask(kinds.START_STREAM)
        for _ in range(20):
            await host.give(host.signed(KEY, kinds.SET_ZERO, zero(0)))
        before = await free_bytes()
        for _ in range(60):
            assert await error_of(host, host.signed(KEY, kinds.SET_ZERO, zero(0))) == kinds.OK
            assert await error_of(host, host.signed(bytes(32), kinds.SET_ZERO, zero(1))) == kinds.NEEDS_KEY
        assert await free_bytes() >= before - 3000

    run(story, key=KEY.hex())
