"""Tags agree with published examples of HMAC-SHA-256, and prove only what they were made for."""

from __future__ import annotations

import hmac
import struct
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iastm_protocol.signing import CHALLENGE_BYTES, KEY_BYTES, NO_CHALLENGE, TAG_BYTES, same, tag


class Signed(NamedTuple):
    """What a tag covers."""

    key: bytes
    challenge: bytes
    counter: int
    command: bytes


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


SIGNED = st.builds(
    Signed, exactly(KEY_BYTES), exactly(CHALLENGE_BYTES), st.integers(0, 2**32 - 1), st.binary(max_size=460)
)


@pytest.mark.parametrize(
    ("key", "data", "first_half"),
    [
        # RFC 4231, 4.2, 4.3 and 4.5; what they sign begins with what stands here for the counter.
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
        (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a"),
    ],
)
def test_tags_agree_with_the_published_examples_of_hmac(key: bytes, data: bytes, first_half: str) -> None:
    (counter,) = struct.unpack("<I", data[:4])
    assert tag(key, b"", counter, data[4:]).hex() == first_half


@given(SIGNED)
def test_tags_agree_with_the_librarys_hmac(signed: Signed) -> None:
    covered = signed.challenge + struct.pack("<I", signed.counter) + signed.command
    made = tag(*signed)
    assert made == hmac.digest(signed.key, covered, "sha256")[:TAG_BYTES]
    assert same(made, bytes(made))


@given(SIGNED, SIGNED)
def test_a_tag_proves_nothing_else(one: Signed, other: Signed) -> None:
    for field in Signed._fields:
        changed = one._replace(**{field: getattr(other, field)})
        assume(changed != one)
        assert not same(tag(*one), tag(*changed))


@given(st.binary(max_size=32), st.binary(max_size=32))
def test_tags_are_the_same_where_their_bytes_are(a: bytes, b: bytes) -> None:
    assert same(a, b) == (a == b)
    assert same(a, bytes(a))


def test_no_challenge_is_zeros() -> None:
    assert bytes(16) == NO_CHALLENGE
