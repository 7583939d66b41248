"""Numbers and texts as pages show them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.reports.numbers import (
    as_seen,
    bound,
    clean,
    decimal,
    moment_words,
    newtons,
    percent,
    uncertainty,
    whole,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.040"), (0.0401, "0.041"), (0.1, "0.10"), (1.234, "1.3"), (12.3, "13"), (0.0999, "0.100"), (0.0, "0.00")],
)
def test_an_uncertainty_has_two_digits_rounded_up(value, text):
    assert uncertainty(value) == text


@given(st.floats(1e-4, 1e3))
def test_an_uncertainty_is_never_stated_smaller_nor_much_larger(value):
    stated = float(uncertainty(value))
    assert value * (1 - 1e-8) <= stated <= value * 1.11 + 1e-6 or (value >= 10 and stated <= value + 1)


def test_numbers_have_a_real_minus_and_zero_has_no_sign():
    assert decimal(-1.25, 1) == "−1.2"
    assert decimal(-0.001, 2) == decimal(0.001, 2, sign=True) == "0.00"
    assert decimal(0.5, 1, sign=True) == "+0.5"
    assert percent(-0.031, 1, sign=True) == "−3.1 %"
    assert newtons(0.0) == "0"
    assert newtons(14.7185) == "14.72"
    assert whole(-1234567.4) == "−1\u202f234\u202f567"


def test_control_characters_and_lone_surrogates_become_visible():
    assert clean("a\x00b\ud800c\x1bd") == "a\ufffdb\ufffdc\ufffdd"
    assert clean("a\r\nb\rc\td") == "a\nb\nc d"


@given(st.text())
def test_clean_text_can_be_written_and_is_clean_already(text):
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned


def test_numbers_stay_with_their_units():
    assert bound("± 0.04 N up to 15 N (k = 2), 3 % and 2 Newtons") == (
        "±\u00a00.04\u00a0N up to 15\u00a0N (k\u00a0=\u00a02), 3\u00a0% and 2 Newtons"
    )


def test_scripts_from_right_to_left_are_turned_word_by_word_with_their_marks():
    assert as_seen("by שרה כהן, 2026") == "by ןהכ הרש, 2026"
    assert as_seen("שָׂרָה") == "הרָשָׂ"
    assert as_seen("Ελένη Жанна 王小明 ١٢") == "Ελένη Жанна 王小明 ١٢"


@given(st.text())
def test_turning_loses_no_letter(text):
    assert sorted(as_seen(text)) == sorted(text)


def test_times_are_shown_with_their_zone_and_nonsense_as_it_is():
    assert moment_words("2026-11-21T15:10:00+01:00") == "2026-11-21 15:10 +01:00"
    assert moment_words("yesterday") == "yesterday"
