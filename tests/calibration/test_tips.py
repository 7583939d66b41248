from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.canonical import canonical, sealed
from iastm_calibration.document import Tip
from iastm_calibration.errors import AlteredError, DocumentError, NewerSchemaError
from iastm_calibration.tips import pressure, pressure_is_prominent, tips_from_text, tips_to_text

LONG = Tip("Long edge", "convex, radius 3 mm, 60 mm long", 1.2, 0.15, "ink on paper at 10 N, ten prints", 0.49, 0.002)
SHORT = Tip("Short edge", "straight, 20 mm long", 0.6, 0.3, "calliper, 20 mm × 3 mm", None, None)
BARE = Tip("Knob", "ball, 12 mm", None, None, "", None, None)

FORCES = st.floats(-100, 100)
AREAS = st.floats(0.01, 100)


@given(FORCES, AREAS, AREAS, st.floats(0, 10))
def test_pressure_is_force_over_area_and_relative_uncertainties_add_in_squares(
    force_n: float, area_cm2: float, area_uncertainty_cm2: float, expanded_n: float
) -> None:
    tip = replace(LONG, area_cm2=area_cm2, area_uncertainty_cm2=area_uncertainty_cm2)
    assert tip.area_cm2 is not None
    assert tip.area_uncertainty_cm2 is not None
    found = pressure(force_n, tip, expanded_n)
    assert found is not None
    # 1 N/cm² = 1 N / 1e-4 m² = 10 kPa.
    assert found.kpa == pytest.approx(force_n / (tip.area_cm2 * 1e-4) / 1000)
    assert found.expanded_kpa is not None
    by_area = abs(found.kpa) * tip.area_uncertainty_cm2 / tip.area_cm2
    by_force = expanded_n / (tip.area_cm2 * 1e-4) / 1000
    assert found.expanded_kpa**2 == pytest.approx(by_area**2 + by_force**2)
    if abs(force_n) > 1e-3:
        share = math.sqrt((expanded_n / force_n) ** 2 + (tip.area_uncertainty_cm2 / tip.area_cm2) ** 2)
        assert found.relative == pytest.approx(share)


def test_a_published_force_over_a_measured_edge() -> None:
    found = pressure(6.7, LONG, 0.04)
    assert found is not None
    assert found.kpa == pytest.approx(55.83, abs=0.005)
    assert found.expanded_kpa == pytest.approx(6.987, abs=0.001)
    assert found.relative == pytest.approx(0.1251, abs=0.0001)


def test_an_unknown_area_gives_no_pressure_and_an_unknown_uncertainty_stays_unknown() -> None:
    assert pressure(6.7, BARE, 0.04) is None
    found = pressure(6.7, replace(LONG, area_uncertainty_cm2=None), 0.04)
    assert found is not None
    assert found.kpa == pytest.approx(55.83, abs=0.005)
    assert found.expanded_kpa is None
    assert found.relative is None


def test_a_gap_has_no_pressure_and_no_force_has_an_uncertainty_but_no_share() -> None:
    assert pressure(math.nan, LONG, 0.04) is None
    assert pressure(math.inf, LONG, 0.04) is None
    found = pressure(0.0, LONG, 0.04)
    assert found is not None
    assert found.kpa == 0
    assert found.expanded_kpa == pytest.approx(0.04 * 10 / 1.2)
    assert found.relative is None


def test_kilopascals_are_large_only_where_the_area_is_known_within_15_percent() -> None:
    assert pressure_is_prominent(LONG)
    assert not pressure_is_prominent(SHORT)
    assert not pressure_is_prominent(BARE)
    assert not pressure_is_prominent(replace(LONG, area_uncertainty_cm2=None))


@given(st.integers(1, 1000))
def test_the_border_of_15_percent_itself_is_large_and_the_next_decimal_is_not(tenths: int) -> None:
    area_cm2 = tenths / 10
    border = replace(LONG, area_cm2=area_cm2, area_uncertainty_cm2=15 * tenths / 1000)
    assert pressure_is_prominent(border)
    assert not pressure_is_prominent(replace(border, area_uncertainty_cm2=15 * tenths / 1000 + 0.0001))


def test_tips_come_back_from_their_file_as_they_went() -> None:
    for tips in ((), (LONG,), (LONG, SHORT, BARE)):
        assert tips_from_text(tips_to_text(tips)) == tips
    assert json.loads(tips_to_text([LONG]))["schema"] == 1


TIPS = st.builds(
    Tip,
    st.text(min_size=1, max_size=20).map(lambda name: f"t{name}"),
    st.text(max_size=100),
    AREAS,
    st.none() | AREAS,
    st.text(max_size=100),
    st.floats(0, 5),
    st.none() | st.floats(0, 1),
)


@given(st.lists(TIPS, unique_by=lambda tip: tip.name.casefold(), max_size=5))
def test_any_tips_come_back_from_their_file_to_the_bit(tips: list[Tip]) -> None:
    assert tips_from_text(tips_to_text(tips)) == tuple(tips)


def test_an_area_altered_by_hand_is_refused() -> None:
    text = tips_to_text([LONG, SHORT])
    assert '"area_cm2": 1.2,' in text
    with pytest.raises(AlteredError, match="hash does not fit"):
        tips_from_text(text.replace('"area_cm2": 1.2,', '"area_cm2": 1.3,'))
    with pytest.raises(DocumentError, match="carries no hash"):
        tips_from_text('{"schema": 1, "tips": []}')
    with pytest.raises(DocumentError, match="no JSON"):
        tips_from_text(text[:-20])


def test_any_single_altered_character_is_refused_or_means_the_same() -> None:
    text = tips_to_text([LONG, BARE])
    for at in range(len(text)):
        for altered in (text[:at] + text[at + 1 :], text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]):
            try:
                found = tips_from_text(altered)
            except DocumentError:
                continue
            assert found == (LONG, BARE), at


def test_a_newer_list_asks_for_an_update() -> None:
    with pytest.raises(NewerSchemaError, match=r"list of tips is of schema 2.*Update the toolkit"):
        tips_from_text('{"schema": 2}')


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "name: is empty"),
        ({"area_cm2": 0}, "area_cm2: is 0; it must lie above 0"),
        ({"area_cm2": "1.2"}, "not a number"),
        ({"area_cm2": None}, "uncertainty of an area"),
        ({"weight_n": None}, "uncertainty of a weight"),
        ({"area_uncertainty_cm2": 0}, "above 0"),
        ({"colour": "red"}, "'colour', which its schema doesn't have"),
        ({"area_cm2": 1.23456}, "not written as this toolkit writes"),
        ({"name": "SHORT EDGE"}, "hold Short edge twice"),
    ],
)
def test_a_tip_that_makes_no_sense_is_refused_with_words(changes: dict[str, object], words: str) -> None:
    tree = json.loads(tips_to_text([LONG, SHORT]))
    del tree["sha256"]
    tree["tips"][0] |= changes
    with pytest.raises(DocumentError, match=words):
        tips_from_text(sealed(canonical(tree), order=tree))


def test_tips_that_could_not_be_read_again_are_not_written() -> None:
    for tip in (replace(LONG, area_cm2=math.nan), replace(LONG, area_cm2=None), replace(LONG, name="")):
        with pytest.raises(DocumentError):
            tips_to_text([tip])
    with pytest.raises(DocumentError, match="twice"):
        tips_to_text([LONG, LONG])
