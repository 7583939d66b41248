from __future__ import annotations

from iastm_host.tool import words
from iastm_protocol import kinds


def numbers(prefix: str) -> set[int]:
    return {value for name, value in vars(kinds).items() if name.startswith(prefix)}


def test_every_fault_and_event_of_the_protocol_has_words() -> None:
    assert set(words.FAULTS) == numbers("FAULT_")
    assert set(words.EVENTS) == numbers("EVENT_")


def test_every_error_of_a_response_has_words() -> None:
    errors = {kinds.OK, kinds.UNKNOWN_COMMAND, kinds.BAD_ARGUMENT, kinds.NOT_ALLOWED, kinds.BUSY, kinds.FAILED}
    errors |= {kinds.NEEDS_KEY, kinds.NEEDS_PRESS}
    assert set(words.ERRORS) == errors


def test_faults_come_in_words_and_unknown_ones_by_number() -> None:
    assert words.faults_in(0) == ()
    assert words.faults_in(kinds.FAULT_TOO_SLOW | 1 << 31) == ("too slow for stroke alerts", "fault 31")
