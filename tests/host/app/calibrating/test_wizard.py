from __future__ import annotations

from pathlib import Path

import pytest
from tests.host.app.calibrating.bench_of_events import COUNTS_PER_N, Bench, BenchTool, Truth, quick

from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, Setup
from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.reports.points import seen_points


def full() -> Setup:
    return quick(method=FULL, loads_kg=DEFAULT_LOADS_KG[FULL])


def at_check(shown: WizardSnapshot) -> bool:
    return shown.picture.kind == "check"


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
def test_quick_goes_from_prepare_to_a_written_document(tmp_path: Path, rate_hz: float) -> None:
    bench = Bench(tmp_path, BenchTool(rate_hz=rate_hz))
    bench.wizard.start(quick())
    shown = bench.do_until(at_check)
    assert all(abs(one.residual_mn) < 30 for one in shown.residuals)
    assert len(shown.residuals) == 9
    bench.wizard.take()
    assert bench.wizard.snapshot().result is not None
    bench.wizard.keep()
    shown = bench.wizard.snapshot()
    assert shown.done
    assert bench.result().written
    (document,) = bench.saved
    assert bench.written == [document]
    assert [p.step for p in document.points] == [-1, 0, 1, 2, 3, 4, 3, 2, 1, 0, -1]
    assert all(p.samples == 2 * rate_hz for p in document.points)
    assert document.curve.coefficients[1] == pytest.approx(1 / COUNTS_PER_N / 1.04, rel=0.01)


def at_load(label: str, way: str = "up"):
    def reached(shown) -> bool:
        return shown.picture.kind == "load" and shown.picture.label == label and f"Loading {way}" in shown.context

    return reached


def hung(bench: Bench, load_kg: float, seconds: float = 2.6):
    """Hang a weight whatever the page asks for, wait, take."""
    bench.hang(bench.wizard.snapshot().setup.force_n(load_kg, 90.0))
    bench.wait(seconds)
    bench.wizard.take()
    return bench.wizard.snapshot()


def begun(tmp_path: Path, setup: Setup | None = None, tool: BenchTool | None = None, until=None) -> Bench:
    bench = Bench(tmp_path, tool)
    bench.wizard.start(setup or quick())
    if until is not None:
        bench.do_until(until)
    return bench


def test_full_is_three_seatings_at_three_angles_up_and_down_each_between_two_zeros(tmp_path: Path) -> None:
    bench = begun(tmp_path, full(), until=at_check)
    bench.wizard.take()
    bench.wizard.keep()
    (document,) = bench.saved
    series = {(p.run, p.angle_deg) for p in document.points}
    assert series == {(run, angle) for run in (1, 2, 3) for angle in (90.0, 60.0, 45.0)}
    for run, angle in series:
        own = [p for p in document.points if (p.run, p.angle_deg) == (run, angle)]
        assert [p.step for p in own] == [-1, *range(7), *range(5, -1, -1), -1]
        assert own[0].rising
        assert not own[-1].rising
    upright, slanted = (
        next(p.reference_n for p in document.points if p.angle_deg == angle and p.mass_kg == 1.5) for angle in (90, 45)
    )
    assert slanted == pytest.approx(upright * 0.70710678, abs=1e-5)


def test_the_steps_show_where_it_stands_in_this_run(tmp_path: Path) -> None:
    bench = begun(tmp_path, full(), until=lambda shown: shown.run == 2 and shown.context.startswith("Loading up"))
    shown = bench.wizard.snapshot()
    assert [(step.title, step.state) for step in shown.steps] == [
        ("Prepare", "done"),
        ("Warm up", "done"),
        ("Zero", "done"),
        ("Load at 90°", "now"),
        ("Load at 60°", "todo"),
        ("Load at 45°", "todo"),
        ("Check", "todo"),
        ("Certificate", "todo"),
    ]
    assert (shown.run, shown.run_count) == (2, 3)
    assert shown.context == "Loading up, at 90° · point 1 of 7"
    assert shown.instruction == "Hang 100 g on the tip"


def test_a_point_is_the_mean_of_two_seconds_of_raw_counts(tmp_path: Path) -> None:
    bench = begun(tmp_path, tool=BenchTool(truth=Truth(bend=0.0)), until=at_load("500 g"))
    bench.temperature(23.5)
    bench.do_page()
    draft = next(tmp_path.iterdir()).read_text().splitlines()
    import json

    point = json.loads(draft[-1])["point"]
    expected_n = (point["reference_n"] + 0.3) * 1.04
    assert point["counts"] == pytest.approx(expected_n * COUNTS_PER_N + 12_345, abs=20)
    assert point["spread_counts"] == pytest.approx(0.003 * COUNTS_PER_N, rel=0.25)
    assert point["samples"] == 160
    assert point["taken_at"].endswith("+01:00")
    assert point["temperature_c"] == 23.5
    assert point["mass_kg"] == 0.5


def test_nothing_is_taken_before_two_seconds_were_steady(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("200 g"))
    bench.hang_expected()
    shown = bench.wait(1.9)
    assert not shown.can_take
    assert 1.5 <= shown.steadiness.held_s < 2.0
    assert "Ready in" in shown.footer
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.label == "200 g"
    assert bench.wait(0.3).can_take


def test_the_load_of_the_page_before_makes_no_page_steady(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("200 g"))
    bench.do_page()
    assert bench.wizard.snapshot().steadiness.held_s < 0.2


def test_a_load_that_was_not_changed_is_asked_about(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    shown = bench.wait(3.0)
    assert shown.steadiness.word == "Not changed yet"
    assert not shown.ready
    bench.wizard.take()
    assert bench.asked().text == "The load was not changed since 200 g. Hang 500 g, then repeat."
    bench.wizard.answer("repeat")
    shown = bench.do_page()
    assert shown.question is None
    assert shown.picture.label == "1,000 g"


@pytest.mark.parametrize(
    ("hangs_kg", "words"),
    [
        (1.5, "This reads like 1,500 g, not 1,000 g."),
        (0.52, "Off by"),
        (1.0 / 9.80665, "marked in newtons"),
        (0.45359237, "marked in pounds"),
    ],
)
def test_a_wrong_load_is_caught_when_it_comes(tmp_path: Path, hangs_kg: float, words: str) -> None:
    loads = (0.15, 0.3, 0.6, 1.0, 1.5)
    bench = begun(tmp_path, quick(loads_kg=loads), until=at_load("1,000 g"))
    shown = hung(bench, hangs_kg)
    assert words in bench.asked().text
    assert [option for option, _ in bench.asked().options] == ["repeat", "keep"]
    assert bench.asked().wants_note
    assert not shown.can_take
    bench.wizard.answer("repeat")
    assert bench.do_page().picture.label == "1,500 g"


@pytest.mark.parametrize("gain", [0.97, 1.04])
def test_another_weight_is_asked_about_before_any_unit(tmp_path: Path, gain: float) -> None:
    tool = BenchTool(truth=Truth(gain=gain))
    bench = begun(tmp_path, quick(loads_kg=(0.1, 0.5, 1.0)), tool=tool, until=at_load("100 g"))
    hung(bench, 0.2)
    assert "Is it another weight?" in bench.asked().text
    assert "marked in" not in bench.asked().text


def test_a_wrong_unit_is_named_at_the_first_load_where_the_calibration_in_force_holds(tmp_path: Path) -> None:
    bench = begun(tmp_path, tool=BenchTool(truth=Truth(gain=1.0)), until=at_load("100 g"))
    hung(bench, 0.1 / 9.80665)
    assert "Is it another weight? Are the weights marked in newtons" in bench.asked().text


def test_a_tool_that_reads_the_other_way_is_asked_about_and_can_be_calibrated(tmp_path: Path) -> None:
    bench = begun(tmp_path, tool=BenchTool(truth=Truth(gain=-1.04)), until=at_load("100 g"))
    shown = hung(bench, 0.1)
    assert "the other way" in bench.asked().text
    bench.wizard.answer("keep", "wired so")
    shown = bench.do_until(at_check)
    assert all(abs(one.residual_mn) < 30 for one in shown.residuals)


def test_a_point_that_is_kept_carries_its_note_into_row_and_document(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g", "down"))
    shown = hung(bench, 0.505)
    assert "Off by +4" in bench.asked().text or "Off by +5" in bench.asked().text
    bench.wizard.answer("keep", "cord touched the table")
    shown = bench.wizard.snapshot()
    assert next(row for row in shown.rows if row.label == "500 g").state == "noted"
    bench.do_until(at_check)
    bench.wizard.take()
    bench.wizard.keep()
    noted = [p for p in bench.saved[0].points if p.note]
    assert [(p.mass_kg, p.rising, p.note) for p in noted] == [(0.5, False, "cord touched the table")]


def test_a_load_beyond_the_capacity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="beyond the 50 N"):
        begun(tmp_path, quick(loads_kg=(0.1, 0.5, 1.0, 6.0)))
    bench = begun(tmp_path, until=at_load("1,500 g"))
    shown = hung(bench, 5.5)
    assert "beyond the 50 N" in bench.asked().text
    assert "keep" not in dict(bench.asked().options)
    bench.wizard.answer("skip", "no smaller one")
    shown = bench.wizard.snapshot()
    assert shown.picture.label == "1,000 g"
    assert any("1,500 g" in note and "no smaller one" in note for note in shown.notes)


def test_a_load_that_drives_the_converter_to_its_end_can_be_left_out(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("1,500 g"))
    bench.tool.saturated = True
    shown = bench.wait(3.0)
    assert shown.steadiness.word == "Out of range"
    assert not shown.steadiness.steady
    assert not shown.ready
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    assert "off the scale" in bench.asked().text
    bench.wizard.answer("skip")
    bench.tool.saturated = False
    assert bench.wizard.snapshot().picture.label == "1,000 g"
    bench.do_until(at_check)
    bench.wizard.take()
    bench.wizard.keep()
    assert 1.5 not in [p.mass_kg for p in bench.saved[0].points]


def test_a_swinging_weight_is_not_steady(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    bench.tool.truth.swing_n = 0.2
    bench.hang_expected()
    shown = bench.wait(6.0)
    assert not shown.can_take
    assert shown.steadiness.word == "Settling"


def test_a_gap_begins_the_two_seconds_anew(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    bench.hang_expected()
    bench.wait(1.8)
    bench.tool.lose(3)
    shown = bench.wait(1.0)
    assert shown.steadiness.held_s <= 1.0
    assert not shown.can_take


def test_old_data_is_not_shown_as_live(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    bench.hang_expected()
    assert bench.wait(3.0).can_take
    bench.now_us += 600_000
    shown = bench.wizard.snapshot()
    assert shown.reading_n is None
    assert shown.steadiness.word == "No data"
    assert not shown.can_take


def test_a_link_that_is_lost_takes_no_point_says_so_and_goes_on(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    bench.hang_expected()
    bench.wait(1.0)
    bench.break_link()
    shown = bench.wait(3.0)
    assert "lost" in bench.problem().what
    assert not shown.can_take
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.label == "500 g"
    bench.mend_link()
    shown = bench.wait(3.0)
    assert shown.problem is None
    assert shown.can_take
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.label == "1,000 g"
    assert "Take all loads off" not in bench.wizard.snapshot().instruction


def test_a_tool_that_restarted_keeps_its_points_and_asks_for_a_new_zero(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    bench.wait(1.0)
    bench.feed(*bench.tool.restart())
    shown = bench.wait(1.0)
    assert shown.picture.kind == "zero"
    assert shown.instruction == "Take all loads off for a new zero"
    assert shown.points == 3
    bench.do_page()
    shown = bench.wizard.snapshot()
    assert shown.picture.label == "500 g"
    shown = bench.do_until(at_check)
    bench.wizard.take()
    bench.wizard.keep()
    zeros = [p for p in bench.saved[0].points if p.step < 0]
    assert [bool(p.note) for p in zeros] == [False, True, False]
    assert all(p.rising for p in zeros[:2])


def test_late_samples_of_the_boot_before_are_passed_over(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("500 g"))
    old = bench.tool.block(8, bench.now_us)
    bench.feed(*bench.tool.restart())
    bench.wait(1.0)
    bench.feed(old[1])
    bench.do_page()
    assert bench.wizard.snapshot().picture.label == "500 g"


def test_back_and_repeat_lose_nothing(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("1,000 g"))
    before = bench.wizard.snapshot().residuals
    bench.wizard.back()
    bench.wizard.back()
    shown = bench.wizard.snapshot()
    assert shown.picture.label == "200 g"
    assert len(shown.residuals) == len(before)
    assert shown.take_label == "Go on"
    bench.wizard.take()
    assert [option for option, _ in bench.asked().options] == ["go_on", "anew"]
    bench.wizard.answer("go_on")
    assert bench.wizard.snapshot().picture.label == "1,000 g"
    assert bench.wizard.snapshot().residuals == before

    bench.wizard.repeat_last()
    assert bench.wizard.snapshot().picture.label == "500 g"
    bench.hang_expected()
    bench.wait(3.0)
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    assert shown.picture.label == "1,000 g"
    assert len(shown.residuals) == len(before)
    lines = next(tmp_path.iterdir()).read_text()
    assert lines.count('"mass_kg": 0.5') == 2


def test_warming_up_waits_for_a_quiet_zero_and_may_be_cut_short_with_a_note(tmp_path: Path) -> None:
    tool = BenchTool(truth=Truth(drift_n_per_min=0.1))
    bench = begun(tmp_path, tool=tool, until=lambda shown: shown.picture.kind == "warm_up")
    shown = bench.wait(30.0)
    assert "drifts by +10" in shown.hint
    assert shown.can_take
    assert not shown.ready
    bench.wizard.take()
    assert bench.asked().options[0][0] == "wait"
    bench.wizard.answer("wait")
    assert bench.wizard.snapshot().picture.kind == "warm_up"
    bench.wizard.take()
    bench.wizard.answer("skip", "in a hurry")
    shown = bench.wizard.snapshot()
    assert shown.instruction == "Hang 1,500 g on the tip"
    assert shown.notes == ("Warm-up cut short. in a hurry",)


def test_warming_up_ends_after_three_minutes_with_a_note_on_the_drift_left(tmp_path: Path) -> None:
    tool = BenchTool(truth=Truth(drift_n_per_min=0.1))
    bench = begun(tmp_path, tool=tool, until=lambda shown: shown.picture.kind == "warm_up")
    assert bench.wait(181.0).ready
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    assert shown.instruction == "Hang 1,500 g on the tip"
    assert "drifts by +10" in shown.notes[0]


def test_a_quiet_zero_ends_warming_up_early(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.picture.kind == "warm_up")
    assert not bench.wait(15.0).ready
    assert bench.wait(10.0).ready


def test_a_zero_that_moved_over_a_series_is_asked_about(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.context.startswith("After"))
    bench.hang(0.08)
    bench.wait(3.0)
    bench.wizard.take()
    assert "Zero moved by +8" in bench.asked().text
    bench.wizard.answer("repeat")
    assert at_check(bench.do_page())


def test_a_point_that_stands_apart_at_the_end_is_named_and_reached(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("100 g"))
    # At the first load only the nominal calibration tells what to expect.
    bench.hang(1.05)
    bench.wait(3.0)
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    asked = 0
    while not at_check(shown):
        if shown.question is not None:
            assert "Off by" in bench.asked().text
            bench.wizard.answer("keep", "as it is")
            asked += 1
        else:
            bench.do_page()
        shown = bench.wizard.snapshot()
    assert 1 <= asked <= 2
    assert "100 g up, run 1" in shown.hint
    bench.wizard.take()
    assert bench.wizard.snapshot().question is not None
    bench.wizard.answer("back")
    shown = bench.wizard.snapshot()
    assert shown.picture.label == "100 g"
    bench.do_page()
    shown = bench.wizard.snapshot()
    assert at_check(shown)
    assert shown.hint == "No point is off by more than 30 mN."


def test_nothing_that_hangs_is_too_little_for_the_first_loading_and_a_key_asks(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.instruction.startswith("Hang 1,500 g"))
    shown = bench.wait(4.0)
    assert shown.steadiness.word == "Too little load"
    assert (shown.steadiness.steady, shown.steadiness.held_s) == (False, 0.0)
    bench.wizard.take()
    assert "1,500 g did not hang yet" in bench.asked().text
    bench.wizard.answer("repeat")
    assert bench.do_page().picture.kind == "zero"


def test_a_first_loading_that_was_left_out_is_noted(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.instruction.startswith("Hang 1,500 g"))
    bench.wait(4.0)
    bench.wizard.take()
    bench.wizard.answer("skip", "in a hurry")
    shown = bench.wizard.snapshot()
    assert shown.picture.kind == "zero"
    assert shown.notes == ("Run 1 of 1: 1,500 g did not hang before the zero. in a hurry",)


def test_a_first_loading_counts_though_the_load_is_off_again_when_the_key_comes(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.instruction.startswith("Hang 1,500 g"))
    bench.hang_expected()
    bench.wait(3.0)
    bench.hang(0.0)
    bench.wait(1.0)
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.kind == "zero"


@pytest.mark.parametrize("hangs_kg", [0.1, 1.5])
def test_a_load_that_hangs_at_a_zero_is_too_much_and_a_key_asks(tmp_path: Path, hangs_kg: float) -> None:
    bench = begun(tmp_path, until=lambda shown: shown.picture.kind == "zero")
    bench.hang(quick().force_n(hangs_kg, 90.0))
    shown = bench.wait(4.0)
    assert shown.steadiness.word == "Too much load"
    assert not shown.steadiness.steady
    bench.wizard.take()
    assert bench.asked().text.endswith("N hangs still. Take it off; or is this the zero?")
    bench.wizard.answer("repeat")
    assert bench.do_page().picture.label == "100 g"


def test_the_lightest_load_that_hangs_at_a_new_zero_in_mid_series_is_asked_about(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("200 g"))
    bench.feed(*bench.tool.restart())
    assert bench.wait(4.0).steadiness.word == "Too much load"
    bench.wizard.take()
    assert "0.98 N hangs still" in bench.asked().text
    bench.wizard.answer("repeat")
    assert bench.do_page().picture.label == "200 g"


def test_a_difference_is_shown_once_three_loads_tell_one(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_load("100 g"))
    for _ in range(2):
        shown = bench.do_page()
        assert shown.residuals == ()
        assert shown.last_taken is not None
        assert shown.last_taken.read_n is not None
        assert [row.residual_mn for row in shown.rows] == [None] * 5
    shown = bench.do_page()
    assert [one.force_n for one in shown.residuals] == [row.applied_n for row in shown.rows[:3]]
    assert max(abs(one.residual_mn) for one in shown.residuals) > 0.1, "a line that passes through its points says 0"


def test_the_result_shows_its_points_as_its_document_tells_them(tmp_path: Path) -> None:
    bench = begun(tmp_path, tool=BenchTool(truth=Truth(drift_n_per_min=0.004)), until=at_check)
    bench.wizard.take()
    shown = bench.wizard.snapshot()
    bench.wizard.keep()
    (document,) = bench.saved
    by_document = [seen.residual_mn for seen in seen_points(document) if seen.residual_mn is not None]
    assert [one.residual_mn for one in shown.residuals] == pytest.approx(by_document, abs=1e-9)
    assert len(by_document) == 9


def test_the_range_that_is_stated_ends_where_the_points_end(tmp_path: Path) -> None:
    bench = begun(tmp_path, until=at_check)
    bench.wizard.take()
    assert bench.result().sentence.endswith("up to 14.7 N")
    bench = begun(tmp_path / "other", quick(loads_kg=(0.1, 0.5, 1.015)), until=at_check)
    bench.wizard.take()
    # 1.015 kg pull 9.955 N.
    assert bench.result().sentence.endswith("up to 9.9 N")
