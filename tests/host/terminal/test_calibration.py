from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.host.app.calibrating.bench_of_events import Bench, BenchTool, quick

from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL
from iastm_host.events import Problem
from iastm_host.terminal.calibration import InputLines, LineWizard, curve, obey, page, run_lines, run_pages


class Pressed:
    def __init__(self, keys: str) -> None:
        self._keys = keys

    def pressed(self) -> str:
        return self._keys


class Said:
    """Lines that are there from the beginning; `more` may still come."""

    def __init__(self, *lines: str, more: bool = False) -> None:
        self.waiting = list(lines)
        self._more = more

    def next_line(self) -> str | None:
        return self.waiting.pop(0) if self.waiting else None

    @property
    def ended(self) -> bool:
        return not self._more and not self.waiting


def begun(tmp_path: Path, label: str = "", **changes) -> Bench:
    bench = Bench(tmp_path, BenchTool())
    bench.wizard.start(quick(**changes))
    if label:
        bench.do_until(lambda shown: "Loading up" in shown.context and shown.picture.label == label)
    return bench


def text_of(bench: Bench, columns: int = 100) -> str:
    console = Console(file=io.StringIO(), width=columns, force_terminal=False)
    console.print(page(bench.wizard.snapshot(), columns))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
def test_a_page_says_what_to_do_and_shows_what_came(tmp_path: Path, columns: int) -> None:
    bench = begun(tmp_path, "500 g", method=FULL, loads_kg=DEFAULT_LOADS_KG[FULL])
    bench.hang_expected()
    bench.wait(3.0)
    text = text_of(bench, columns)
    assert "Hang 500 g on the tip" in text
    assert "Loading up, at 90° · point 4 of 7" in text
    assert "Run 1 of 3" in text
    assert "expected 4.904 N" in text
    assert "Steady" in text
    assert "limit ± 30 mN" in text
    assert "[Enter] Take point" in text
    assert "[B] Back" in text
    row = next(line for line in text.splitlines() if "300 g" in line)
    assert "2.942" in row
    assert all(len(line) <= columns for line in text.splitlines())


def test_a_page_names_a_problem_and_offers_no_point_then(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    bench.break_link()
    text = text_of(bench)
    assert "! The link to the tool is lost" in text
    assert "Enter" not in text


def test_enter_takes_once_and_only_what_can_be_taken(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    assert obey(Pressed("\n"), bench.wizard) is None
    assert bench.wizard.snapshot().picture.label == "500 g"
    bench.hang_expected()
    bench.wait(3.0)
    obey(Pressed("\n\n\n"), bench.wizard)
    assert bench.wizard.snapshot().picture.label == "1,000 g"


def test_keys_go_back_repeat_and_leave(tmp_path: Path) -> None:
    bench = begun(tmp_path, "1,000 g")
    obey(Pressed("bb"), bench.wizard)
    assert bench.wizard.snapshot().picture.label == "200 g"
    obey(Pressed("r"), bench.wizard)
    assert bench.wizard.snapshot().picture.label == "500 g"
    obey(Pressed("xyz7ä"), bench.wizard)
    assert bench.wizard.snapshot().picture.label == "500 g"
    obey(Pressed("q"), bench.wizard)
    assert bench.wizard.snapshot().finished


def test_a_question_is_answered_by_its_number_and_a_note_is_asked_for(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    bench.wait(3.0)
    obey(Pressed("\n"), bench.wizard)
    assert "[1] Repeat   [2] Keep with a note" in text_of(bench)
    obey(Pressed("\nb9"), bench.wizard)
    assert bench.asked().options
    assert obey(Pressed("2"), bench.wizard) == "keep"
    assert bench.asked().options
    assert obey(Pressed("1"), bench.wizard) is None
    assert bench.wizard.snapshot().question is None


def test_the_result_page_says_it_in_plain_words_and_enter_closes_when_all_is_done(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    bench.do_until(lambda shown: shown.picture.kind == "check")
    obey(Pressed("\n"), bench.wizard)
    text = text_of(bench)
    assert "Good: ± 0.040 N up to 14.7 N" in text
    assert "Not saved yet." in text
    obey(Pressed("\n"), bench.wizard)
    assert "The tool has it." in text_of(bench)
    obey(Pressed("\n"), bench.wizard)
    assert bench.wizard.snapshot().finished


def hands(bench: Bench):
    """A clock that lets time pass on the bench, whose load follows the page."""
    now_s = 0.0

    def look() -> float:
        nonlocal now_s
        now_s += 0.2
        shown = bench.wizard.snapshot()
        if not shown.finished:
            bench.tool.angle_deg = shown.picture.angle_deg
            load_kg = shown.picture.load_kg
            bench.hang(shown.setup.force_n(load_kg, shown.picture.angle_deg) if load_kg else 0.0)
            bench.wait(0.2)
        return now_s

    return look


def test_without_a_keyboard_it_goes_through_by_itself_in_lines(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    lines: list[str] = []
    run_lines(bench.wizard, Said(), lines.append, clock=hands(bench), sleep=lambda _s: None)
    assert len(bench.written) == 1
    assert bench.wizard.snapshot().done
    assert sum(line.startswith("taken") for line in lines) == 9
    assert "page       Loading up, at 90° · point 3 of 5. Hang 500 g on the tip" in lines
    assert any(line.startswith("result     Good: ±") for line in lines)
    assert lines[-1].startswith("kept")


def test_a_question_that_meets_nobody_ends_it_with_the_points_kept(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    driver = LineWizard(bench.wizard, Said(), lambda _line: None)
    bench.hang(6.0)
    bench.wait(3.0)
    driver.step(0.0)
    with pytest.raises(Problem, match="nobody answers: Off by"):
        driver.step(0.1)
    assert bench.wizard.snapshot().finished


def test_lines_answer_with_a_note_and_take_once_the_load_is_there(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    said = Said(more=True)
    lines: list[str] = []
    driver = LineWizard(bench.wizard, said, lines.append)
    driver.step(0.0)
    said.waiting = [""]
    driver.step(0.1)
    assert bench.wizard.snapshot().picture.label == "500 g"
    bench.hang(5.2)
    bench.wait(3.0)
    driver.step(0.2)
    driver.step(0.3)
    assert any(line.startswith("question   Off by") for line in lines)
    said.waiting = ["perhaps"]
    driver.step(0.4)
    assert bench.asked().options
    said.waiting = ["keep The cord was Wet"]
    driver.step(0.5)
    assert bench.wizard.snapshot().picture.label == "1,000 g"
    assert "The cord was Wet" in next(tmp_path.iterdir()).read_text()
    said.waiting = ["b", "what", "q"]
    driver.step(0.6)
    assert driver.step(0.7)
    assert any(line.startswith("commands") for line in lines)


def test_writing_that_fails_with_nobody_there_is_told_once_and_not_for_ever(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    bench.refuse_write = Problem("The tool keeps none.", "Update it.")
    with pytest.raises(Problem, match="keeps none"):
        run_lines(bench.wizard, Said(), lambda _line: None, clock=hands(bench), sleep=lambda _s: None)
    assert len(bench.saved) == 1


def test_a_run_that_ended_ends_the_lines_with_its_problem(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    with pytest.raises(Problem, match="Gone"):
        run_lines(bench.wizard, Said(more=True), lambda _line: None, look=lambda: Problem("Gone.", "Retry."))


def over(lines: InputLines) -> bool:
    return lines.ended


def test_lines_come_from_a_descriptor_without_waiting() -> None:
    far, near = os.pipe()
    lines = InputLines(far)
    assert lines.next_line() is None
    assert not over(lines)
    os.write(near, "\nkeep wet cörd\r\nr".encode())
    os.close(near)
    found = []
    while not over(lines):
        line = lines.next_line()
        if line is not None:
            found.append(line)
    assert found == ["", "keep wet cörd", "r"]
    os.close(far)


def test_a_curve_fills_its_line_and_keeps_noise_low() -> None:
    rising = curve(np.linspace(0, 5, 500), 40)
    assert len(rising) == 40
    assert rising[0] == "▁"
    assert rising[-1] == "█"
    assert set(curve(5 + 0.0001 * np.arange(100) % 0.002, 40)) == {"▁"}
    assert curve(np.zeros(1)) == ""


def test_pages_are_shown_until_the_wizard_is_left_or_the_run_ends(tmp_path: Path) -> None:
    bench = begun(tmp_path, "500 g")
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    looks = 0

    def sleep(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            bench.wizard.leave()

    run_pages(bench.wizard, console, sleep=sleep)
    assert looks == 3
    assert isinstance(console.file, io.StringIO)
    assert "Hang 500 g on the tip" in console.file.getvalue()
    bench = begun(tmp_path)
    with pytest.raises(Problem, match="Gone"):
        run_pages(bench.wizard, console, lambda: Problem("Gone.", "Retry."))


def test_what_a_gauge_reads_is_called_the_gauges(tmp_path: Path) -> None:
    bench = Bench(tmp_path, BenchTool(), BenchTool(serial="REF-1", gauge=True))
    bench.wizard.start(quick(against_gauge=True))
    bench.do_until(lambda shown: "Loading up" in shown.context)
    text = text_of(bench)
    assert "Gauge " in text
    assert "expected" not in text
