from __future__ import annotations

from dataclasses import replace

import pytest
from tests.host.app.calibrating.bench_of_events import quick

from iastm_host.app.calibrating.plan import EXERCISE, LOAD, SEAT, TURN, ZERO, minutes, pages, step_title, steps_of
from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, NO_TIP, QUICK, Setup
from iastm_host.app.calibrating.words import context, hint, instruction, load_label, take_label

FULL_SETUP = quick(method=FULL, loads_kg=DEFAULT_LOADS_KG[FULL])


def test_quick_is_one_run_upright_whose_heaviest_load_serves_both_ways() -> None:
    kinds = [(page.kind, page.step) for page in pages(quick())]
    loads = [("load", step) for step in (0, 1, 2, 3, 4, 3, 2, 1, 0)]
    assert kinds == [
        ("prepare", -1), ("warm_up", -1), ("exercise", -1), ("zero", -1), *loads, ("zero", -1), ("check", -1),
        ("result", -1),
    ]  # fmt: skip


def test_quick_is_done_in_ten_minutes_and_full_in_about_45() -> None:
    assert minutes(quick()) <= 10
    assert 40 <= minutes(FULL_SETUP) <= 50


def test_each_run_is_seated_anew_and_loaded_once_and_each_angle_turned_to() -> None:
    found = pages(FULL_SETUP)
    assert [page.run for page in found if page.kind == SEAT] == [2, 3]
    assert [page.run for page in found if page.kind == EXERCISE] == [1, 2, 3]
    assert [(page.run, page.angle_deg) for page in found if page.kind == TURN] == [
        (run, angle) for run in (1, 2, 3) for angle in (60.0, 45.0)
    ]
    assert sum(page.kind == LOAD for page in found) == 9 * 13
    assert sum(page.kind == ZERO for page in found) == 18


def test_steps_go_forward_within_a_run() -> None:
    titles = steps_of(FULL_SETUP)
    for run in (1, 2, 3):
        places = [titles.index(step_title(page, FULL_SETUP)) for page in pages(FULL_SETUP) if page.run == run]
        assert places == sorted(places)


@pytest.mark.parametrize("setup", [quick(), FULL_SETUP, quick(against_gauge=True)])
def test_every_page_says_one_short_thing_to_do_and_no_word_of_blame(setup: Setup) -> None:
    for page in pages(setup):
        said = instruction(page, setup, zero_again=False)
        assert 2 <= len(said.split()) <= 9
        label = take_label(page, has_point=False, kept=False, zero_again=False)
        whole = f"{said} {hint(page, setup, zero_again=False)} {context(page, setup)} {label}"
        assert not {"error", "invalid", "please"} & set(whole.lower().split())
        assert "!" not in whole
        assert hint(page, setup, zero_again=False)


def test_loads_read_as_weights_are_marked() -> None:
    assert [load_label(kg) for kg in (0.1, 1.5, 0.0125, 2)] == ["100 g", "1,500 g", "12.5 g", "2,000 g"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "slow"}, "method"),
        ({"loads_kg": (0.1, 0.2)}, "loads_kg"),
        ({"loads_kg": (0.1, 0.1, 0.5)}, "loads_kg"),
        ({"loads_kg": (0.5, 0.2, 0.1)}, "loads_kg"),
        ({"loads_kg": (0.0, 0.2, 0.5)}, "loads_kg"),
        ({"loads_kg": (0.1, 0.2, float("nan"))}, "loads_kg"),
        ({"loads_kg": (100.0, 200.0, 500.0)}, "loads_kg"),
        ({"method": FULL, "loads_kg": DEFAULT_LOADS_KG[QUICK]}, "loads_kg"),
        ({"tolerance": 0.2}, "tolerance"),
        ({"latitude_deg": 91.0}, "latitude_deg"),
        ({"height_m": 20_000.0}, "height_m"),
        ({"made_by": " "}, "made_by"),
        ({"expires_months": 0}, "expires_months"),
    ],
)
def test_what_cannot_be_as_stated_is_named_with_its_field(changes: dict[str, object], field: str) -> None:
    assert quick().problems() == ()
    assert field in [name for name, _ in quick(**changes).problems()]


def test_a_load_beyond_the_capacity_is_a_problem_once_that_is_known() -> None:
    assert not quick().problems()
    assert "beyond the 10 N" in quick().problems(10.0)[0][1]


def test_a_slanted_tip_carries_the_share_along_its_axis() -> None:
    setup = quick(latitude_deg=45.0)
    assert setup.force_n(1.0, 90.0) == pytest.approx(9.8062 * (1 - 1.2 / 8000), abs=0.002)
    assert setup.force_n(1.0, 60.0) == pytest.approx(setup.force_n(1.0, 90.0) * 0.8660254)
    gauge = quick(against_gauge=True)
    assert gauge.force_n(1.0, 60.0) == gauge.force_n(1.0, 90.0)


@pytest.mark.parametrize(
    ("setup", "field"),
    [
        (quick(loads_kg=(0.0001, 0.0005, 0.001)), "loads_kg"),
        (quick(loads_kg=(0.0149, 0.1, 0.2)), "loads_kg"),
        (quick(latitude_deg=None, height_m=9001.0), "height_m"),
        (quick(latitude_deg=None, height_m=-501.0), "height_m"),
        (quick(tip=replace(NO_TIP, name=" ")), "tip_name"),
        (quick(tip=replace(NO_TIP, area_cm2=1.0, area_uncertainty_cm2=0.51)), "tip_area_uncertainty"),
    ],
)
def test_what_can_hardly_be_meant_is_told_before_the_start(setup: Setup, field: str) -> None:
    assert [name for name, _ in setup.problems()] == [field]


def test_the_limits_of_what_is_stated_are_within_them() -> None:
    tip = replace(NO_TIP, area_cm2=1.0, area_uncertainty_cm2=0.5)
    assert quick(loads_kg=(0.015, 0.1, 0.2), latitude_deg=None, height_m=9000.0, tip=tip).problems() == ()


def test_loads_that_may_be_kilograms_are_asked_about() -> None:
    ((_, words),) = quick(loads_kg=(0.0001, 0.0005, 0.001)).problems()
    assert words.startswith("0.1 g is too light")
    assert words.endswith("are these kilograms?")
