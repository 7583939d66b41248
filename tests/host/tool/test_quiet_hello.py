"""The hello that harms nobody: found for every session, and none where there can be none."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from iastm_host.cli import wiring
from iastm_host.tool.quiet_hello import HARMFUL, quiet_hello
from iastm_protocol import frames, kinds, messages

SESSIONS = st.integers(0, 0xFFFFFFFF)


def hello(session: int, host: str = "", minor: int = kinds.MINOR) -> bytes:
    payload: bytes = messages.Hello(kinds.MAJOR, minor, host or wiring.software_name(), session).to_payload()
    return payload


@given(SESSIONS)
def test_every_session_of_this_version_has_one_that_says_the_same(session: int) -> None:
    frame = quiet_hello(kinds.HELLO, hello(session))
    assert HARMFUL.isdisjoint(frame)
    assert frame.count(0) == 2
    assert re.search(rb"[\x00-\x1f]", frame[1:-1].translate(None, b"\x01\x02\x13")) is None
    decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
    decoder.feed(frame)
    seen = decoder.next_frame()
    assert seen is not None
    said = messages.Hello.from_payload(seen.payload)
    assert (seen.kind, said[:3]) == (kinds.HELLO, (kinds.MAJOR, kinds.MINOR, wiring.software_name()))


@given(SESSIONS, SESSIONS)
def test_two_sessions_stay_two(one: int, other: int) -> None:
    assert (quiet_hello(kinds.HELLO, hello(one)) == quiet_hello(kinds.HELLO, hello(other))) == (one == other)


def test_what_is_no_hello_is_not_said() -> None:
    assert quiet_hello(kinds.PING, messages.Ping(7).to_payload()) == b""
    assert quiet_hello(kinds.HELLO, b"nonsense") == b""


def test_where_the_version_alone_would_interrupt_a_program_nothing_is_said() -> None:
    assert quiet_hello(kinds.HELLO, hello(1, minor=3)) == b""
    assert quiet_hello(kinds.HELLO, hello(1, host="two\nlines of a name")) == b""
