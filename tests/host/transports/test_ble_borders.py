from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.transports.borders import MAX_MESSAGE_BYTES, bordered, messages_in


@given(st.lists(st.binary(max_size=MAX_MESSAGE_BYTES), max_size=20))
def test_messages_of_a_chunk_come_out_as_they_went_in(messages: list[bytes]) -> None:
    assert list(messages_in(b"".join(map(bordered, messages)))) == messages


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5), st.data())
def test_a_chunk_that_is_cut_within_a_message_is_refused(messages: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(map(bordered, messages))
    borders = {sum(2 + len(message) for message in messages[:n]) for n in range(len(messages) + 1)}
    cut = data.draw(st.integers(0, len(whole)).filter(lambda n: n not in borders))
    with pytest.raises(ValueError, match="no message"):
        list(messages_in(whole[:cut]))


def test_a_message_longer_than_any_carrier_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="513"):
        bordered(bytes(MAX_MESSAGE_BYTES + 1))


def test_the_layout_is_the_one_of_the_specification() -> None:
    assert bordered(b"\x03\xaa") + bordered(b"") == bytes.fromhex("0200 03aa 0000")
