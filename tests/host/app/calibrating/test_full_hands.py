"""Whoever has both hands full touches no key between the first load and the last."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.host.app.calibrating.bench_of_events import Bench, quick

from iastm_host.app.calibrating.snapshot import WizardSnapshot

STEP_S = 0.1


def wait_with_full_hands(bench: Bench, seconds: float) -> WizardSnapshot:
    for _ in range(round(seconds / STEP_S)):
        bench.wait(STEP_S)
        bench.wizard.take_when_ready()
    return bench.wizard.snapshot()


def hang_what_is_asked(bench: Bench) -> WizardSnapshot:
    """Hang what the page asks for, and keep it there until the page asks for something else."""
    shown = bench.wizard.snapshot()
    load_kg = shown.picture.load_kg
    bench.hang(shown.setup.force_n(load_kg, shown.picture.angle_deg) if load_kg else 0.0)
    before = (shown.context, shown.instruction)
    for _ in range(400):
        shown = wait_with_full_hands(bench, STEP_S)
        if (shown.context, shown.instruction) != before or shown.question is not None:
            return shown
    return shown


def begun(folder: Path) -> Bench:
    bench = Bench(folder)
    bench.wizard.start(quick())
    bench.wait(1.0)
    bench.wizard.take()
    return bench


def test_from_the_warm_up_to_the_check_no_key_is_needed(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    for _ in range(40):
        shown = hang_what_is_asked(bench)
        assert shown.question is None, shown.question
        if shown.picture.kind == "check":
            break
    assert shown.picture.kind == "check"
    assert wait_with_full_hands(bench, 5.0).picture.kind == "check", "a person looks at the differences"
    bench.wizard.take()
    (document,) = [made for made in (bench.wizard.snapshot().result,) if made is not None]
    assert document.word == "Good"


def test_the_load_of_the_page_before_is_not_taken_for_an_empty_hook(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    while bench.wizard.snapshot().picture.kind != "zero":
        shown = hang_what_is_asked(bench)
    assert wait_with_full_hands(bench, 10.0).picture.kind == "zero", "the load of the exercise hangs still"
    bench.hang(0.0)
    assert wait_with_full_hands(bench, 3.0).picture.kind == "load"
    assert shown.question is None


def test_a_wrong_load_is_asked_about_and_waits_for_its_answer(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    while not bench.wizard.snapshot().instruction.startswith("Hang 200 g"):
        hang_what_is_asked(bench)
    bench.hang(bench.wizard.snapshot().setup.force_n(0.5, 90.0))
    shown = wait_with_full_hands(bench, 3.0)
    assert shown.question is not None
    assert "500 g" in shown.question.text
    assert wait_with_full_hands(bench, 10.0).question == shown.question
    bench.wizard.answer("repeat")
    bench.hang(bench.wizard.snapshot().setup.force_n(0.2, 90.0))
    assert wait_with_full_hands(bench, 3.0).instruction.startswith("Hang 500 g")


def test_who_goes_back_is_not_carried_off_again_until_a_key(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    while not bench.wizard.snapshot().instruction.startswith("Hang 500 g"):
        hang_what_is_asked(bench)
    bench.wizard.back()
    assert wait_with_full_hands(bench, 10.0).instruction.startswith("Hang 200 g")
    bench.wizard.take()
    bench.wizard.answer("go_on")
    shown = bench.wizard.snapshot()
    assert shown.instruction.startswith("Hang 500 g")
    bench.hang(shown.setup.force_n(0.5, 90.0))
    assert wait_with_full_hands(bench, 4.0).instruction.startswith("Hang 1,000 g")


@pytest.mark.parametrize("taken_up", [True, False])
def test_after_a_new_zero_in_mid_series_the_empty_tip_is_no_load(tmp_path: Path, taken_up: bool) -> None:
    bench = begun(tmp_path)
    while not bench.wizard.snapshot().instruction.startswith("Hang 1,000 g"):
        hang_what_is_asked(bench)
    if taken_up:
        (path,) = tmp_path.iterdir()
        bench.wizard = bench.new_wizard()
        bench.wizard.resume(path)
    else:
        bench.feed(*bench.tool.restart())
    shown = bench.wait(0.2)
    assert shown.picture.kind == "zero"
    assert shown.take_label == "Take zero"
    assert "The zero is taken" in shown.hint
    bench.hang(0.0)
    shown = wait_with_full_hands(bench, 15.0)
    assert shown.instruction.startswith("Hang 1,000 g")
    assert shown.question is None
    assert shown.steadiness.word == "Not changed yet"
    assert not shown.ready
    assert hang_what_is_asked(bench).instruction.startswith("Hang 1,500 g")


@pytest.mark.parametrize("hangs_n", [0.2, 1.9, -9.8])
def test_what_is_nearer_to_nothing_than_to_the_load_waits_for_a_key(tmp_path: Path, hangs_n: float) -> None:
    bench = begun(tmp_path)
    while not bench.wizard.snapshot().instruction.startswith("Hang 500 g"):
        hang_what_is_asked(bench)
    bench.hang(hangs_n)
    shown = wait_with_full_hands(bench, 10.0)
    assert shown.question is None
    assert not shown.ready
    bench.wait(1.0)
    bench.wizard.take()
    assert bench.wizard.snapshot().question is not None, "a key takes what hangs, and it is asked about"


@pytest.mark.parametrize("late_s", [0.0, 0.5])
def test_a_key_that_comes_just_too_late_does_not_pass_the_next_page(tmp_path: Path, late_s: float) -> None:
    bench = begun(tmp_path)
    shown = bench.wizard.snapshot()
    while shown.picture.kind != "check":
        shown = hang_what_is_asked(bench)
    bench.wait(late_s)
    bench.wizard.take()
    assert bench.wizard.snapshot().picture.kind == "check"
    bench.wait(1.0)
    bench.wizard.take()
    assert bench.wizard.snapshot().result is not None
