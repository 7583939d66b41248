from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.host.app.calibrating.bench_of_events import START, Bench, BenchTool, Truth, make_document, quick

from iastm_calibration.calibrate import calibrate
from iastm_calibration.document import MAX_CONTENT_BYTES, UncertaintyAt, content
from iastm_calibration.errors import OutlierError, TooFewPointsError
from iastm_host.app.calibrating.making import calibration_id, months_after
from iastm_host.app.calibrating.result import newtons_text, result_view, word_for


def at_check(bench: Bench) -> Bench:
    bench.wizard.start(quick(tolerance=5e-5, load_cell="cell 50 N", converter="HX711"))
    bench.do_until(lambda shown: shown.picture.kind == "check")
    return bench


@pytest.mark.parametrize("gain", [1.04, -0.97])
def test_the_real_calibration_of_a_simulated_tool_finds_its_truth(tmp_path: Path, gain: float) -> None:
    bench = Bench(tmp_path, BenchTool(truth=Truth(gain=gain)))
    bench.make = calibrate
    bench.wizard.start(quick(tolerance=5e-5))
    while (shown := bench.wizard.snapshot()).picture.kind != "result":
        if shown.question is not None:
            assert gain < 0
            bench.wizard.answer("keep", "wired the other way")
        bench.do_page()
    bench.wizard.keep()
    (document,) = bench.saved
    shown = bench.wizard.snapshot()
    assert shown.result is not None
    assert shown.result.word == "Good"
    true_slope = 1 / (20_000 * gain)
    net_of_10_n = 10 * 20_000 * gain
    read_n = sum(c * net_of_10_n**order for order, c in enumerate(document.curve.coefficients))
    assert document.curve.coefficients[1] == pytest.approx(true_slope, rel=0.01)
    assert read_n == pytest.approx(10, rel=0.005)
    assert document.tool.serial_number == "TOOL-7"
    assert document.expires_on == "2027-11-21"


def test_a_calibration_that_cannot_be_made_says_why_and_keeps_the_points(tmp_path: Path) -> None:
    bench = at_check(Bench(tmp_path))

    def refuse(*_args, **_named):
        raise TooFewPointsError("There are 2 points.", "Take more.")

    bench.make = refuse
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    assert bench.problem().fix == "Take more."
    assert shown.picture.kind == "check"
    assert len(shown.residuals) == 9
    assert shown.can_back
    bench.make = make_document
    bench.wizard.take()
    assert bench.wizard.snapshot().result is not None


def test_outliers_are_asked_about_and_stay_only_by_decision(tmp_path: Path) -> None:
    bench = at_check(Bench(tmp_path))
    accepted: list[bool] = []

    def choosy(*args, **named):
        accepted.append(named["accept_outliers"])
        if not named["accept_outliers"]:
            raise OutlierError("Point 4 does not belong to the others.", "Look.")
        return make_document(*args, **named)

    bench.make = choosy
    bench.wizard.take()
    assert "Point 4 does not belong" in bench.asked().text
    bench.wizard.answer("back")
    assert bench.wizard.snapshot().picture.kind == "check"
    bench.wizard.take()
    bench.wizard.answer("go_on", "seen and meant")
    assert accepted == [False, False, True]
    bench.wizard.keep()
    assert any("seen and meant" in note for note in bench.saved[0].notes)


def test_a_fault_of_the_program_is_told_and_loses_nothing(tmp_path: Path, expected_log: list[str]) -> None:
    expected_log.append("the calibration failed")
    bench = at_check(Bench(tmp_path))

    def broken(*_args, **_named):
        raise ZeroDivisionError

    bench.make = broken
    bench.wizard.take()
    assert "ZeroDivisionError" in bench.problem().what
    assert not bench.wizard.snapshot().busy


@pytest.mark.parametrize(
    ("stated", "word"),
    [
        ([(0.0, 0.1), (15.0, 0.449)], "Good"),
        ([(0.0, 0.11), (15.0, 0.1)], "Fair"),
        ([(0.0, 0.1), (15.0, 0.46)], "Fair"),
        ([(0.0, 0.31)], "Poor"),
        ([(1.0, 0.02), (15.0, 1.51)], "Poor"),
        ([(15.0, float("nan"))], "Poor"),
        ([], "Poor"),
    ],
)
def test_the_word_is_that_of_the_worst_force(stated: list[tuple[float, float]], word: str) -> None:
    assert word_for(tuple(UncertaintyAt(force, expanded, 2.0, (), ()) for force, expanded in stated)) == word


@pytest.mark.parametrize(
    ("force_n", "text"),
    [
        (0.0401, "0.041"),
        (0.04, "0.040"),
        (0.123, "0.13"),
        (1.21, "1.3"),
        (12.1, "13"),
        (0.0002, "0.001"),
        (0.0, "0.000"),
    ],
)
def test_an_uncertainty_never_looks_smaller_than_it_is(force_n: float, text: str) -> None:
    assert newtons_text(force_n) == text
    assert float(text) >= force_n


def test_classes_and_clauses_stand_in_the_annex_only(tmp_path: Path) -> None:
    bench = at_check(Bench(tmp_path))
    bench.wizard.take()
    bench.wizard.keep()
    document = bench.saved[0]
    figures = replace(document.figures, e74_class="A", e74_from_n=1.0, shortfalls=("after ASTM E74: 9 of 30",))
    view = result_view(replace(document, figures=figures), written=False, file="")
    assert ("After ASTM E74, class", "A from 1.00 N") in view.annex
    assert not any("ASTM" in line or "ISO" in line for line in (view.sentence, *view.lines))
    assert any("temperature" in line for line in view.lines)


def test_an_id_is_short_plain_and_has_its_day() -> None:
    assert calibration_id("SIM-0001", START) == "SIM-0001 2026-11-21"
    assert calibration_id("größe-sehr-lange-nummer", START) == "gre-sehr-lang 2026-11-21"
    assert len(calibration_id("x" * 40, START)) == 24


@pytest.mark.parametrize(
    ("months", "day"), [(12, "2027-11-21"), (1, "2026-12-21"), (2, "2027-01-21"), (24, "2028-11-21")]
)
def test_it_holds_for_so_many_months(months: int, day: str) -> None:
    assert months_after(START, months) == day


def test_a_day_that_a_month_lacks_is_its_last() -> None:
    assert months_after(START.replace(month=8, day=31), 6) == "2027-02-28"


def test_a_full_calibration_with_long_notes_fits_what_a_tool_keeps(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BenchTool(truth=Truth(noise_n=0.01)))
    bench.make = calibrate
    bench.wizard.start(
        quick(
            method="full",
            loads_kg=(0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.3, 1.5),
            weights_description="stainless steel weights with a very long description of where they came from",
            tolerance=5e-5,
        )
    )
    bench.do_until(lambda shown: shown.run == 2)
    bench.hang(2.0)
    bench.do_until(lambda shown: shown.picture.kind == "check")
    bench.wizard.take()
    while (shown := bench.wizard.snapshot()).question is not None:
        bench.wizard.answer("go_on", "n" * 300)
    assert shown.problem is None
    bench.wizard.keep()
    (document,) = bench.saved
    assert len(document.points) == 9 * 17
    assert len(content(document)) <= MAX_CONTENT_BYTES


def test_how_the_tool_is_used_widens_what_is_stated(tmp_path: Path) -> None:
    def uncertainty(folder: str, **use: float) -> tuple[float, tuple[str, ...]]:
        (tmp_path / folder).mkdir()
        bench = Bench(tmp_path / folder)
        bench.make = calibrate
        bench.wizard.start(quick(tolerance=5e-5, **use))
        bench.do_until(lambda shown: shown.picture.kind == "check")
        bench.wizard.take()
        bench.wizard.keep()
        (document,) = bench.saved
        at = document.uncertainty[-1]
        return at.expanded_n, at.unknown

    plain_n, not_counted = uncertainty("plain")
    warm_n, less = uncertainty("warm", used_within_k=10.0, zero_per_k_n=0.02, span_per_k=0.001)
    assert "temperature" in not_counted
    assert "temperature" not in less
    # Limits of 0.2 N and 1 % of 14.7 N move together.
    assert warm_n > plain_n
    assert warm_n == pytest.approx(2 * (0.2 + 0.147) / 3**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("use", "field"),
    [
        ({"used_within_deg": 91.0}, "used_within_deg"),
        ({"used_within_k": -1.0}, "used_within_k"),
        ({"used_within_k": 5.0}, "used_within_k"),
        ({"span_per_k": 0.001, "zero_per_k_n": 0.001}, "used_within_k"),
    ],
)
def test_conditions_of_use_that_can_t_be_are_told(use: dict[str, float], field: str) -> None:
    assert field in [name for name, _ in quick(**use).problems()]
