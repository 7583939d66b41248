from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.document import Tip
from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, QUICK, Setup
from iastm_host.app.calibrating.written import (
    TOLERANCES,
    WordsError,
    loads_words,
    parse_loads,
    parse_tolerance,
    tolerance_words,
)
from iastm_host.window.calibration.form_values import setup_of, words_of
from iastm_host.window.calibration.words import difference_words, force_words

GOOD = words_of(Setup(made_by="A. Tester"))


@pytest.mark.parametrize(
    ("words", "loads_kg"),
    [
        ("100, 200, 0.5 kg", (0.1, 0.2, 0.5)),
        ("100 g; 200g ;1.5KG,", (0.1, 0.2, 1.5)),
        ("  250000 mg , 9.80665 N", (0.25, 1.0)),
        (".5 kg", (0.5,)),
    ],
)
def test_loads_are_grams_and_other_units_are_understood(words: str, loads_kg: tuple[float, ...]) -> None:
    assert parse_loads(words) == pytest.approx(loads_kg)


@pytest.mark.parametrize("words", ["", " , ", "100, two", "100 lbs", "-100", "1e3", "100.5.2", "nan", "0x10"])
def test_what_is_no_load_is_named(words: str) -> None:
    with pytest.raises(WordsError, match=r"\S"):
        parse_loads(words)


@pytest.mark.parametrize(
    ("words", "loads_kg"),
    [
        ("0,1 kg, 0,5 kg", (0.1, 0.5)),
        ("0,1 kg; 0,5 kg", (0.1, 0.5)),
        ("0,125 kg, 1,5 kg", (0.125, 1.5)),
        ("100,200 g, 500 g", (0.1, 0.2, 0.5)),
        ("100,200,500", (0.1, 0.2, 0.5)),
        ("100 200 500", (0.1, 0.2, 0.5)),
        ("100 g 0.5 kg", (0.1, 0.5)),
        ("500, 100, 200", (0.1, 0.2, 0.5)),
    ],
)
def test_loads_are_understood_as_people_write_them_and_come_sorted(words: str, loads_kg: tuple[float, ...]) -> None:
    assert parse_loads(words) == pytest.approx(loads_kg)


def test_a_decimal_comma_never_becomes_another_load_in_silence() -> None:
    # Without a unit commas part loads, and the first of these is none.
    assert parse_loads("0,5, 1, 2") == (0.0, 0.001, 0.002, 0.005)
    setup, wrong = setup_of({**GOOD, "loads_kg": "0,5, 1, 2"}, QUICK, False, Setup())
    assert wrong == {}
    assert "loads_kg" in dict(setup.problems())


@given(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=8))
def test_loads_come_back_as_they_were_written(milligrams: list[int]) -> None:
    loads_kg = tuple(sorted(each / 1e6 for each in milligrams))
    assert parse_loads(loads_words(loads_kg)) == pytest.approx(loads_kg, abs=1e-9)


@pytest.mark.parametrize(
    ("words", "share"), [("", None), ("M1", 5e-5), (" m3 ", 5e-4), ("± 1 %", 0.01), ("0,5", 0.005), ("2.5%", 0.025)]
)
def test_a_tolerance_is_a_class_or_per_cent(words: str, share: float | None) -> None:
    assert parse_tolerance(words) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize("words", ["M9", "about one", "%", "inf", "nan"])
def test_what_is_no_tolerance_is_named(words: str) -> None:
    with pytest.raises(WordsError, match="tolerance"):
        parse_tolerance(words)


@pytest.mark.parametrize("share", [None, 0.01, 0.0025, *TOLERANCES.values()])
def test_a_tolerance_comes_back_as_it_was_written(share: float | None) -> None:
    assert parse_tolerance(tolerance_words(share)) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize("method", [QUICK, FULL])
@pytest.mark.parametrize("against_gauge", [False, True])
def test_a_setup_goes_through_the_form_unchanged(method: str, against_gauge: bool) -> None:
    setup = Setup(
        method=method,
        loads_kg=DEFAULT_LOADS_KG[method],
        tolerance=0.01,
        weights_description="Kitchen set",
        certificate="K-17",
        latitude_deg=-33.9,
        height_m=120.0,
        made_by="A. Tester",
        tip=Tip("Tip B", "bevelled", 1.2, 0.1, "ink print", 0.31, 0.01),
        load_cell="TAL220",
        converter="HX711",
        expires_months=6,
        against_gauge=against_gauge,
    )
    assert setup_of(words_of(setup), method, against_gauge, setup) == (setup, {})


def test_the_weight_of_a_tip_that_no_field_holds_stays() -> None:
    before = replace(Setup(), tip=Tip("Tip B", "", None, None, "", 0.31, 0.01))
    setup, _ = setup_of({**GOOD, "tip_name": "Tip B"}, QUICK, False, before)
    assert (setup.tip.weight_n, setup.tip.weight_standard_n) == (0.31, 0.01)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("latitude_deg", "north"),
        ("height_m", "nan"),
        ("tip_area", "-1"),
        ("tip_area", "big"),
        ("tip_area_uncertainty", "0"),
        ("expires_months", "1.5"),
        ("expires_months", "²"),
        ("expires_months", ""),
        ("tip_name", "  "),
        ("loads_kg", "heavy"),
        ("tolerance", "tight"),
    ],
)
def test_each_field_says_what_is_wrong_with_it_and_only_that(field: str, words: str) -> None:
    _, wrong = setup_of({**GOOD, field: words}, QUICK, False, Setup())
    assert list(wrong) == [field]
    assert wrong[field].endswith(".")


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=20)))
def test_no_words_break_the_form(words: dict[str, str]) -> None:
    setup, wrong = setup_of({**GOOD, **words}, QUICK, False, Setup())
    assert set(wrong) <= set(GOOD)
    assert isinstance(setup.problems(), tuple)


@pytest.mark.parametrize(
    ("number", "words"), [(6.8714, "6.871"), (-0.003, "−0.003"), (0.0, "0.000"), (-0.0001, "0.000"), (None, "–")]
)
def test_newtons_have_three_decimals(number: float | None, words: str) -> None:
    assert force_words(number) == words


@pytest.mark.parametrize(("number", "words"), [(14.2, "+14"), (-1041.0, "−1,041"), (0.4, "0"), (-0.4, "0"), (None, "")])
def test_differences_are_whole_and_signed(number: float | None, words: str) -> None:
    assert difference_words(number) == words
