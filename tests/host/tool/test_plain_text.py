from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.tool.plain_text import is_text, plain, plain_lines


@given(st.binary(max_size=200))
def test_whatever_comes_no_line_can_move_a_terminal(data: bytes) -> None:
    assert plain(data).isprintable()
    assert all(line.isprintable() for line in plain_lines(data))


def test_colours_are_left_out_and_other_sequences_are_shown_as_numbers() -> None:
    assert plain_lines(b"\x1b[0;32mI (31) boot: ok\x1b[0m\r\n") == ["I (31) boot: ok"]
    assert plain_lines(b"a\x1b[2Jb\x1b]0;title\x07") == [r"a\x1b[2Jb\x1b]0;title\x07"]


def test_letters_of_other_alphabets_stay_and_what_turns_text_around_does_not() -> None:
    assert plain("Größe 力".encode()) == "Größe 力"
    assert plain("a\u202eb".encode()) == r"a\u202eb"
    assert plain("a\U000e0001b".encode()) == r"a\U000e0001b"
    assert plain(b"\xff") == r"\xff"


def test_lines_end_where_they_end_and_empty_ones_are_left_out() -> None:
    assert plain_lines(b"one\r\n\r\ntwo\rthree\tfour\n") == ["one", "two", "three    four"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\r\n", True),
        ("µ und ü\n".encode(), True),
        (b"\x1b[31mred\x1b[0m", True),
        (b"\x05\x01", False),
        (b"\x8f\x02\xffa", False),
        (b"\x8f" + b"a boot message of some length", True),
        (b"\x8f\x02\xff\x99" + b"a boot message of some", False),
    ],
)
def test_what_reads_as_text(data: bytes, text: bool) -> None:
    assert is_text(data) is text
