from __future__ import annotations

import json
import re
import shlex
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from tests.host.app.calibrating.bench_of_events import Bench, BenchTool, quick

from iastm_host.app.calibrating.setup import DEFAULT_LOADS_KG, FULL, Setup
from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.app.calibrating.waiting import all_waiting
from iastm_host.app.calibrating.wizard import Wizard
from iastm_host.cli import calibrate_run
from iastm_host.cli.calibrate_run import Station, command, outcome, resuming, save_once, setup_of
from iastm_host.cli.links import LinkChoice
from iastm_host.events import Problem
from iastm_host.records.calibrations import CalibrationStore, read_document
from iastm_host.terminal.calibration import run_lines

# Virtual seconds that pass in each real one, in steps of a block.
_FASTER = 25
_STEP_S = 0.05
AGAIN = "iastm calibrate run --port x --resume"


class FakeRun:
    """A run with the bench's tool, or its gauge; the tool's thread lets the bench's time pass."""

    def __init__(self, bench: Bench, tool: BenchTool, listeners: Any, *, drives: bool) -> None:
        self.bench = bench
        self.tool = tool
        self.listeners = listeners
        self.drives = drives
        self.stopped = threading.Event()
        self.problem: Problem | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._tell(self.tool.hello())
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()

    def join(self) -> bool:
        self._thread.join(10.0)
        return not self._thread.is_alive()

    def snapshot(self) -> Any:
        return SimpleNamespace(
            finished=self.problem is not None,
            problem=self.problem,
            tool=SimpleNamespace(serial_number=self.tool.serial),
        )

    def _tell(self, events: Any) -> None:
        for event in events:
            for listener in self.listeners:
                listener(event)

    def _run(self) -> None:
        while not self.stopped.wait(_STEP_S / _FASTER):
            if self.drives:
                self.bench.now_us += round(_STEP_S * 1e6)
            self._tell(self.tool.block(round(self.tool.rate_hz * _STEP_S), self.bench.now_us))


@dataclass
class Stage:
    """A station of fakes, and the runs it made."""

    station: Station
    runs: list[FakeRun]
    bench: Bench


def stage(tmp_path: Path, **changes: Any) -> Stage:
    bench = Bench(tmp_path)
    runs: list[FakeRun] = []

    def make_tool(listeners: Any) -> Any:
        runs.append(FakeRun(bench, bench.tool, listeners, drives=True))
        return runs[-1]

    def hands(snapshot: Any) -> None:
        load_kg = snapshot.picture.load_kg
        bench.hang(snapshot.setup.force_n(load_kg, 90.0) if load_kg else 0.0)

    station = Station(
        make_tool=make_tool,
        make_gauge=None,
        clock=lambda: bench.now_us,
        wall_clock=bench.wall,
        drafts=tmp_path,
        make=bench._make,
        save=bench._save,
        load=lambda file: bench.saved[int(file)],
        write=lambda _run, document, progress: bench._write(document, progress),
        hands=hands,
    )
    return Stage(replace(station, **changes), runs, bench)


def calibrate_at(station: Station, begin: Setup | None, show: Any, *, by_form: bool = False) -> WizardSnapshot:
    return calibrate_run.calibrate_at(station, begin, show, lambda _words: None, by_form=by_form)


class Nobody:
    """No line ever comes."""

    ended = True

    def next_line(self) -> None:
        return None


def by_itself(wizard: Wizard, look: Any) -> None:
    run_lines(wizard, Nobody(), lambda _line: None, look, sleep=lambda _s: time.sleep(0.005))


def test_a_calibration_goes_from_links_to_a_document_in_the_tool(tmp_path: Path) -> None:
    made = stage(tmp_path)
    ended = calibrate_at(made.station, quick(), by_itself)
    assert ended.done
    assert len(made.bench.written) == 1
    found, saved = outcome(ended, AGAIN)
    assert re.fullmatch(r"Good: ± 0\.040 N up to 1[45][.\d]* N", found)
    assert saved == "Saved: 0; the tool has it."
    (run,) = made.runs
    assert run.stopped.is_set()
    assert run.join()


def test_a_tool_that_keeps_none_leaves_the_document_saved(tmp_path: Path) -> None:
    made = stage(tmp_path, write=None)
    ended = calibrate_at(made.station, quick(), by_itself)
    assert ended.done
    assert outcome(ended, AGAIN)[1] == "Saved: 0; this tool keeps none."


def leave(wizard: Wizard, _look: Any) -> None:
    wizard.leave()


def leave_after_a_point(wizard: Wizard, look: Any, then: Any = leave) -> None:
    """Show until a load was taken, then leave, or do something else that does."""

    def sleep(_seconds: float) -> None:
        if wizard.snapshot().points > 1 and not wizard.snapshot().finished:
            then(wizard, look)
        time.sleep(0.005)

    run_lines(wizard, Nobody(), lambda _line: None, look, sleep=sleep)


def test_a_run_that_ends_in_between_is_told_and_its_draft_waits(tmp_path: Path) -> None:
    made = stage(tmp_path)

    def show(wizard: Wizard, look: Any) -> None:
        def gone() -> Problem | None:
            if wizard.snapshot().points > 1:
                made.runs[0].problem = Problem("The tool is gone.", "Check its cable.")
            found: Problem | None = look()
            return found

        by_itself(wizard, gone)

    with pytest.raises(Problem, match="The tool is gone"):
        calibrate_at(made.station, quick(), show)
    assert made.runs[0].stopped.is_set()
    assert [one.serial_number for one in all_waiting(tmp_path)] == ["TOOL-7"]


def test_leaving_says_how_to_go_on_and_going_on_ends_it(tmp_path: Path) -> None:
    made = stage(tmp_path)
    ended = calibrate_at(made.station, quick(), leave_after_a_point)
    assert outcome(ended, AGAIN) == ["Left. The points are kept. To go on:", AGAIN]
    ended = calibrate_at(made.station, None, by_itself)
    assert ended.done
    with pytest.raises(Problem, match="No calibration waits"):
        calibrate_at(made.station, None, by_itself)


def test_where_nothing_was_taken_nothing_is_left(tmp_path: Path) -> None:
    ended = calibrate_at(stage(tmp_path).station, quick(), leave)
    assert outcome(ended, AGAIN) == ["Left. Nothing was taken."]
    ended = calibrate_at(stage(tmp_path).station, quick(), leave, by_form=True)
    assert outcome(ended, AGAIN) == ["Left. Nothing was taken."]
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_as_any_other_way_and_says_how_to_go_on(tmp_path: Path) -> None:
    def interrupted(_wizard: Wizard, _look: Any) -> None:
        raise KeyboardInterrupt

    def at_a_point(wizard: Wizard, look: Any) -> None:
        leave_after_a_point(wizard, look, interrupted)

    ended = calibrate_at(stage(tmp_path).station, quick(), at_a_point)
    assert ended.finished
    assert outcome(ended, AGAIN) == ["Left. The points are kept. To go on:", AGAIN]


def test_each_tool_goes_on_with_its_own_calibration(tmp_path: Path) -> None:
    stages = [stage(tmp_path) for _ in range(3)]
    for number, made in enumerate(stages):
        made.bench.tool.serial = f"TOOL-{number}"
    for number, made in enumerate(stages[:2]):
        calibrate_at(made.station, quick(made_by=f"Person {number}"), leave_after_a_point)
    for number, made in enumerate(stages[:2]):
        assert calibrate_at(made.station, None, leave).setup.made_by == f"Person {number}"
    with pytest.raises(Problem, match=r"TOOL-2 is connected.* is of TOOL-1: 21 Nov 09:00 with \d+ of 11 points"):
        calibrate_at(stages[2].station, None, leave)


def test_a_draft_that_never_met_its_tool_is_the_last_choice(tmp_path: Path) -> None:
    made = stage(tmp_path)
    calibrate_at(made.station, quick(made_by="Met"), leave_after_a_point)
    (met,) = all_waiting(tmp_path)
    lines = met.path.read_text().replace("Met", "Never met").splitlines(keepends=True)
    never = tmp_path / f"zz{met.path.name}"
    never.write_text("".join(line for line in lines if '"kind": "tool"' not in line))
    assert calibrate_at(made.station, None, leave).setup.made_by == "Met"
    met.path.unlink()
    assert calibrate_at(made.station, None, leave).setup.made_by == "Never met"


def test_a_damaged_draft_is_passed_over_and_told_where_it_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "a.calibration-draft.jsonl").write_text("{}\n")
    made = stage(tmp_path)
    with pytest.raises(Problem, match="is no line of a draft"):
        calibrate_at(made.station, None, leave)
    calibrate_at(made.station, quick(), leave_after_a_point)
    assert calibrate_at(made.station, None, leave).points


def test_a_tool_that_did_not_take_it_is_a_problem_that_names_the_file(tmp_path: Path) -> None:
    made = stage(tmp_path)
    made.bench.refuse_write = Problem("In contact.", "Lift it.")
    with pytest.raises(Problem, match="In contact"):
        calibrate_at(made.station, quick(), by_itself)
    ended = calibrate_at(made.station, None, leave)
    with pytest.raises(Problem, match=f"saved at 0, and the tool does not have it.*{AGAIN}"):
        outcome(ended, AGAIN)


def test_with_a_form_nothing_begins_before_it_is_filled_in(tmp_path: Path) -> None:
    made = stage(tmp_path)
    proposed = quick(made_by="", load_cell="cell X")
    seen: list[Setup] = []

    def look_at_form(wizard: Wizard, _look: Any) -> None:
        seen.append(wizard.snapshot().setup)
        assert not wizard.snapshot().can_take
        with pytest.raises(Problem, match="Who calibrates"):
            wizard.start(proposed)

    calibrate_at(made.station, proposed, look_at_form, by_form=True)
    assert seen == [proposed]
    assert not list(tmp_path.iterdir())


def test_that_a_calibration_waits_is_said_before_the_first_page_and_until_the_first_point(tmp_path: Path) -> None:
    before = quick(made_by="Before", loads_kg=(0.2, 0.5, 1.0), tolerance=0.01)
    made = stage(tmp_path)
    calibrate_at(made.station, before, leave_after_a_point)
    said: list[str] = []
    forms: list[WizardSnapshot] = []

    def look_at_form(wizard: Wizard, _look: Any) -> None:
        assert said, "said before anything is shown"
        forms.append(wizard.snapshot())
        wizard.start(quick())
        assert wizard.snapshot().footer == said[0]
        wizard.leave()

    stated = Setup(latitude_deg=10.0)
    calibrate_run.calibrate_at(made.station, stated, look_at_form, said.append, by_form=True)
    assert re.fullmatch(r"A calibration of 21 Nov 09:00 with \d of 7 points waits: .*--resume.*", said[0])
    assert [form.footer for form in forms] == said
    (proposed,) = [form.setup for form in forms]
    assert (proposed.made_by, proposed.loads_kg, proposed.tolerance) == ("Before", (0.2, 0.5, 1.0), 0.01)
    assert proposed.latitude_deg == 10.0, "what was stated stays"
    ended = calibrate_at(made.station, quick(), leave_after_a_point)
    assert ended.footer != said[0]


def test_nothing_is_said_of_another_tools_calibration_or_one_that_is_open(tmp_path: Path) -> None:
    made, other = stage(tmp_path), stage(tmp_path)
    other.bench.tool.serial = "TOOL-8"
    calibrate_at(other.station, quick(), leave_after_a_point)
    said: list[str] = []

    def start_another(wizard: Wizard, look: Any) -> None:
        def second(_wizard: Wizard, _look: Any) -> None:
            calibrate_run.calibrate_at(made.station, quick(), leave, said.append)
            wizard.leave()

        leave_after_a_point(wizard, look, second)

    calibrate_run.calibrate_at(made.station, quick(), start_another, said.append)
    assert not said


def test_a_process_that_is_killed_between_saving_and_its_draft_line_saves_nothing_twice(tmp_path: Path) -> None:
    drafts, store = tmp_path / "drafts", CalibrationStore(tmp_path / "kept")
    made = stage(drafts)
    station = replace(
        made.station, save=lambda one: str(save_once(store, one)), load=lambda file: read_document(Path(file))
    )
    assert calibrate_at(station, quick(), by_itself).done
    ((first, document),) = store.all("TOOL-7")
    (draft,) = drafts.iterdir()
    lines = draft.read_text().splitlines(keepends=True)
    after_saving = ("kept", "written", "finished")
    draft.write_text("".join(line for line in lines if json.loads(line)["kind"] not in after_saving))
    made.bench.now_us += 3_600_000_000
    ended = calibrate_at(station, None, by_itself)
    assert ended.done
    assert ended.result is not None
    assert ended.result.file == str(first)
    assert [path for path, _ in store.all("TOOL-7")] == [first]
    assert made.bench.written[-1] == document, "the tool gets what is on the disk"


def test_another_calibration_is_saved_beside_the_former_one(tmp_path: Path) -> None:
    store = CalibrationStore(tmp_path / "kept")
    for number in range(2):
        made = stage(tmp_path / str(number))
        made.bench.now_us += 3_600_000_000 * number
        assert calibrate_at(
            replace(
                made.station, save=lambda one: str(save_once(store, one)), load=lambda file: read_document(Path(file))
            ),
            quick(),
            by_itself,
        ).done
    assert len(store.all("TOOL-7")) == 2


@dataclass
class Asked:
    """What the command made of its options."""

    choice: LinkChoice
    gauge: LinkChoice | None
    setup: Setup


def asked(tmp_path: Path, *options: str) -> Asked:
    found: list[Asked] = []

    class Enough(Exception):
        pass

    def station_of(choice: LinkChoice, gauge: LinkChoice | None, setup: Setup, _drafts: Path) -> Station:
        found.append(Asked(choice, gauge, setup))
        raise Enough

    app = typer.Typer()
    app.command()(command(station_of, lambda: tmp_path, lambda _theme: by_itself, lambda file: f"{file}.pdf"))
    with pytest.raises(Enough):
        app(["--headless", *options], standalone_mode=False)
    return found[0]


def test_options_become_a_setup(tmp_path: Path) -> None:
    made = asked(
        tmp_path, "--port", "/dev/x", "--by", "A. Tester", "--loads", "100, 200, 0.5kg", "--tolerance", "M1",
        "--latitude", "47.5", "--height", "430", "--weights", "set 7", "--certificate", "C-1", "--tip", "edge",
        "--load-cell", "50 N", "--converter", "HX711", "--months", "6",
    )  # fmt: skip
    assert made.choice == LinkChoice("/dev/x", None, None)
    assert made.gauge is None
    setup = made.setup
    assert (setup.method, setup.loads_kg, setup.tolerance) == ("quick", (0.1, 0.2, 0.5), 5e-5)
    assert (setup.latitude_deg, setup.height_m, setup.made_by) == (47.5, 430.0, "A. Tester")
    assert (setup.weights_description, setup.certificate, setup.tip.name) == ("set 7", "C-1", "edge")
    assert (setup.load_cell, setup.converter, setup.expires_months) == ("50 N", "HX711", 6)


def test_full_has_its_own_loads_and_a_gauge_makes_them_targets(tmp_path: Path) -> None:
    made = asked(tmp_path, "--tool", "T", "--full", "--by", "B", "--gauge-tool", "Progressor_1")
    assert made.setup.loads_kg == DEFAULT_LOADS_KG[FULL]
    assert made.setup.against_gauge
    assert made.gauge == LinkChoice(None, "Progressor_1", None)


def test_a_radio_may_be_the_gauges_alone(tmp_path: Path) -> None:
    options = ["--port", "/dev/x", "--by", "B", "--gauge-tool", "Progressor_1", "--radio", "tcp:1"]
    made = asked(tmp_path, *options)
    assert made.choice == LinkChoice("/dev/x", None, None)
    assert made.gauge == LinkChoice(None, "Progressor_1", "tcp:1")


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "/dev/tool of mine"],
        ["--tool", "A'B", "--radio", "tcp:1"],
        ["--tool", "T", "--gauge-tool", "Progressor_1", "--radio", "tcp:1"],
        ["--port", "/dev/x", "--gauge-tool", "Progressor_1", "--radio", "tcp:1"],
        ["--port", "/dev/x", "--gauge-port", "/dev/y"],
        ["--simulated", "--gauge-simulated"],
        ["--simulated"],
    ],
)
def test_the_command_that_goes_on_names_the_same_tool_and_gauge(tmp_path: Path, options: list[str]) -> None:
    begun = asked(tmp_path, "--by", "B", *options)
    again = shlex.split(resuming(begun.choice, begun.gauge, headless=True, by_hand=False))
    assert again[:3] == ["iastm", "calibrate", "run"]
    assert again[-2:] == ["--headless", "--resume"]
    told = asked(tmp_path, "--by", "B", *(word for word in again[3:] if word not in ("--headless", "--resume")))
    assert (told.choice, told.gauge) == (begun.choice, begun.gauge)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--by", "B"], "One tool is needed"),
        (["--port", "x", "--simulated", "--by", "B"], "One tool is needed"),
        (["--port", "x"], "Who calibrates"),
        (["--port", "x", "--by", "B", "--loads", "1,2 stone"], "is no load"),
        (["--port", "x", "--by", "B", "--loads", "100,100,200"], "each load once"),
        (["--port", "x", "--by", "B", "--tolerance", "good"], "is no tolerance"),
        (["--port", "x", "--by", "B", "--gauge-simulated"], "One reference gauge"),
        (["--port", "x", "--by", "B", "--gauge-port", "y", "--gauge-tool", "z"], "One reference gauge"),
        (["--port", "x", "--by", "B", "--radio", "tcp:1"], "Only a Bluetooth tool"),
        (["--port", "x", "--by", "B", "--gauge-port", "y", "--radio", "tcp:1"], "Only a Bluetooth tool"),
        (["--port", "x", "--resume"], "No calibration waits"),
    ],
)
def test_what_does_not_fit_is_told_before_any_link_opens(tmp_path: Path, options: list[str], words: str) -> None:
    app = typer.Typer()

    def station_of(*_: Any) -> Station:
        raise AssertionError("a station was made")

    app.command()(command(station_of, lambda: tmp_path, lambda _theme: by_itself, lambda file: f"{file}.pdf"))
    with pytest.raises(Problem, match=words):
        app(["--headless", *options], standalone_mode=False)


def test_resuming_against_a_gauge_asks_for_the_gauge(tmp_path: Path) -> None:
    bench = Bench(tmp_path, gauge=BenchTool(gauge=True))
    bench.wizard.start(quick(against_gauge=True))
    bench.do_until(lambda shown: bool(shown.residuals))
    bench.wizard.leave()
    app = typer.Typer()
    app.command()(
        command(lambda *_: pytest.fail("made"), lambda: tmp_path, lambda _theme: by_itself, lambda file: f"{file}.pdf")
    )
    with pytest.raises(Problem, match="against a gauge"):
        app(["--headless", "--port", "x", "--resume"], standalone_mode=False)
    with pytest.raises(Problem, match="against a gauge"):
        calibrate_at(stage(tmp_path).station, None, by_itself)


def test_words_of_loads_and_tolerance_are_read_or_refused() -> None:
    assert setup_of("full", None, "", quick()).loads_kg == DEFAULT_LOADS_KG[FULL]
    assert setup_of("quick", "1 kg", "0.5", quick()).tolerance == pytest.approx(0.005)
    with pytest.raises(Problem, match="no load"):
        setup_of("quick", "heavy", "", quick())
