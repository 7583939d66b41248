"""The calibration wizard in a terminal: one page at a time, or plain lines where there is none."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from iastm_host.app.calibrating.snapshot import QuestionView, RowView, WizardSnapshot
from iastm_host.events import Problem
from iastm_host.terminal.keys import Keys, terminal_keys

_SCREENS_PER_S = 10
_LINES_PER_S = 20
_EVIDENCE_COLUMNS = 44
_WIDE_COLUMNS = 90
_BAR_COLUMNS = 30
_CURVE_COLUMNS = 56
_LEVELS = "▁▂▃▄▅▆▇█"
_STEP_MARKS = {"done": "✓", "now": "▸", "todo": "·"}
_ENTER = "\r\n"
_STEADY_LINE_EVERY_S = 5.0
_RESULT = "result"
_LINES_WAITING = 100
_STEADY_WORDS = ("Steady", "Settling")


class Steps(Protocol):
    """What the wizard offers; every method returns at once."""

    def snapshot(self) -> WizardSnapshot:
        """Return what to show."""

    def take(self) -> None:
        """Take the point, or go on."""

    def back(self) -> None:
        """Show the page before."""

    def repeat_last(self) -> None:
        """Go to the point taken last."""

    def answer(self, option_id: str, note: str = "") -> None:
        """Answer the question."""

    def keep(self) -> None:
        """Save the document and write it to the tool."""

    def leave(self) -> None:
        """Stop; the draft stays."""


# Pages


def run_pages(
    wizard: Steps,
    console: Console,
    look: Callable[[], Problem | None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Show page after page until the calibration is done or left. `look` returns what ended the run; it is raised."""
    while True:
        wanted = _until_note(wizard, console, look, sleep)
        if wanted is None:
            return
        # A note is typed in a terminal as it is: with its line editing, and capitals.
        wizard.answer(wanted, console.input("Note: ", markup=False))


def _until_note(
    wizard: Steps, console: Console, look: Callable[[], Problem | None], sleep: Callable[[float], None]
) -> str | None:
    """Show pages until an answer wants a note, and return that answer's id, or None once all is over."""
    with terminal_keys() as keys, Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            wanted = obey(keys, wizard)
            if wanted is not None:
                return wanted
            snapshot = wizard.snapshot()
            live.update(page(snapshot, console.width), refresh=True)
            if snapshot.finished:
                return None
            ended = look()
            if ended is not None:
                raise ended
            sleep(1 / _SCREENS_PER_S)


def obey(keys: Keys, wizard: Steps) -> str | None:
    """Do what the keys say; return the id of an answer that a note goes with."""
    for key in keys.pressed():
        snapshot = wizard.snapshot()
        question = snapshot.question
        if key == "q":
            wizard.leave()
        elif question is not None:
            chosen = _chosen(question, key)
            if chosen is not None and question.wants_note and chosen in _NOTED:
                return chosen
            if chosen is not None:
                wizard.answer(chosen)
        elif key == "b" and snapshot.can_back:
            wizard.back()
        elif key == "r" and snapshot.can_repeat:
            wizard.repeat_last()
        elif key in _ENTER and snapshot.done:
            wizard.leave()
        elif key in _ENTER and snapshot.can_take:
            wizard.take()
    return None


_NOTED = ("keep", "skip", "go_on")


def _chosen(question: QuestionView, text: str) -> str | None:
    """Return the answer that a number or an id names."""
    for number, (option, _) in enumerate(question.options, 1):
        if text in (option, str(number)):
            return option
    return None


def page(snapshot: WizardSnapshot, columns: int) -> RenderableType:
    """Return one page for a terminal of `columns` characters."""
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    run = f"Run {snapshot.run} of {snapshot.run_count}" if snapshot.run_count > 1 else ""
    head.add_row(Text("IASTM calibration", style="bold"), Text(run))
    parts: list[RenderableType] = [head, _steps(snapshot), Text("")]
    task = _task(snapshot)
    if columns >= _WIDE_COLUMNS:
        grid = Table.grid(expand=True)
        grid.add_column(ratio=1)
        grid.add_column(width=_EVIDENCE_COLUMNS)
        grid.add_row(task, _evidence(snapshot))
        parts.append(grid)
    else:
        parts += [task, _evidence(snapshot)]
    parts += [Text(""), Text(snapshot.footer, style="dim"), _keys(snapshot)]
    return Group(*parts)


def _steps(snapshot: WizardSnapshot) -> Text:
    text = Text()
    for step in snapshot.steps:
        style = {"now": "bold reverse", "todo": "dim"}.get(step.state, "default")
        text.append(f" {_STEP_MARKS[step.state]} {step.title} ", style=style)
        text.append(" ")
    return text


def _task(snapshot: WizardSnapshot) -> RenderableType:
    parts: list[RenderableType] = [
        Text(snapshot.context, style="dim"),
        Text(snapshot.instruction, style="bold"),
        Text(snapshot.hint),
        Text(""),
    ]
    if snapshot.problem is not None:
        parts.append(Text(f"! {snapshot.problem.what}", style="bold reverse"))
        parts += [Text(f"  {snapshot.problem.fix}"), Text("")]
    if snapshot.question is not None:
        parts.append(_question(snapshot.question))
        return Group(*parts)
    if snapshot.result is not None:
        parts.append(_result(snapshot))
        return Group(*parts)
    if snapshot.reading_n is not None or snapshot.expected_n is not None:
        beside = "Gauge" if snapshot.setup.against_gauge else "expected"
        expected = "" if snapshot.expected_n is None else f"   {beside} {snapshot.expected_n:.3f} N"
        reading = "–" if snapshot.reading_n is None else f"{snapshot.reading_n:.3f}"
        parts.append(Text.assemble(("Reading ", "dim"), (f"{reading} N", "bold"), expected))
        parts.append(Text(curve(snapshot.recent_n)))
        parts.append(_steady(snapshot))
    return Group(*parts)


def _steady(snapshot: WizardSnapshot) -> Text:
    steady = snapshot.steadiness
    filled = round(_BAR_COLUMNS * min(1.0, steady.held_s / steady.wanted_s))
    spread = "" if steady.spread_mn is None else f"\nscatter {steady.spread_mn:.0f} mN"
    trend = "" if steady.trend_mn_per_s is None else f", trend {round(steady.trend_mn_per_s):+d} mN/s"
    held = f"  {steady.held_s:.1f} of {steady.wanted_s:.1f} s" if steady.word in _STEADY_WORDS else ""
    return Text(f"{'█' * filled}{'░' * (_BAR_COLUMNS - filled)} {steady.word}{held}{spread}{trend}")


def _question(question: QuestionView) -> RenderableType:
    text = Text(f"{question.text}\n\n", style="bold")
    for number, (_, label) in enumerate(question.options, 1):
        text.append(f"[{number}] {label}   ", style="default")
    return Panel(text, box=box.HEAVY)


def _result(snapshot: WizardSnapshot) -> RenderableType:
    result = snapshot.result
    assert result is not None
    text = Text(f"{result.word}: {result.sentence}\n", style="bold")
    for line in result.lines:
        text.append(f"{line}\n", style="default")
    for name, value in result.annex:
        text.append(f"{name}: {value}\n", style="dim")
    text.append(_kept(snapshot), style="bold")
    return Panel(text, box=box.ROUNDED)


def _kept(snapshot: WizardSnapshot) -> str:
    result = snapshot.result
    if result is None or not result.file:
        return "Not saved yet."
    return f"Saved: {result.file}. {'The tool has it.' if result.written else 'The tool does not have it.'}"


def _evidence(snapshot: WizardSnapshot) -> RenderableType:
    table = Table("Load", "Applied, N", "Read, N", "mN", box=None, pad_edge=False, title=snapshot.rows_title)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in snapshot.rows:
        style = {"now": "reverse", "todo": "dim"}.get(row.state, "default")
        noted = " *" if row.state == "noted" else ""
        table.add_row(f"{row.label}{noted}", _number(row.applied_n), _number(row.read_n), _residual(row), style=style)
    worst = max((abs(one.residual_mn) for one in snapshot.residuals), default=None)
    limit = f"limit ± {snapshot.residual_limit_mn:.0f} mN"
    largest = Text(limit if worst is None else f"Largest difference {worst:.0f} mN, {limit}", style="dim")
    return Group(table, largest)


def _keys(snapshot: WizardSnapshot) -> Text:
    if snapshot.question is not None:
        keys = ["[1]… answer"]
    else:
        keys = ["[Enter] Close"] if snapshot.done else []
        keys += [f"[Enter] {snapshot.take_label}"] if snapshot.can_take and not snapshot.done else []
        keys += ["[B] Back"] if snapshot.can_back else []
        keys += ["[R] Repeat last point"] if snapshot.can_repeat else []
    return Text("  ".join((*keys, "[Q] Leave")), style="dim", no_wrap=True)


def curve(force_n: np.ndarray, columns: int = _CURVE_COLUMNS) -> str:
    """Return the newest forces (n,) as a line of blocks, at most `columns` long; "" for fewer than two."""
    if len(force_n) < 2:
        return ""
    parts = np.array_split(force_n, min(columns, len(force_n)))
    means = np.array([part.mean() for part in parts])
    low, high = float(means.min()), float(means.max())
    # A quiet line stays low: noise is not blown up to the whole height.
    span = max(high - low, 0.05)
    return "".join(_LEVELS[min(len(_LEVELS) - 1, int((mean - low) / span * len(_LEVELS)))] for mean in means)


def _number(force_n: float | None) -> str:
    return "–" if force_n is None else f"{force_n:.3f}"


def _residual(row: RowView) -> str:
    if row.residual_mn is None:
        return "" if row.read_n is None else "–"
    return f"{round(row.residual_mn):+d}"


# Lines


class Lines(Protocol):
    """Where commands come from, a line each."""

    def next_line(self) -> str | None:
        """Return the next line without its end, None where none waits."""

    @property
    def ended(self) -> bool:
        """Whether none will come any more."""


class InputLines:
    """Lines of a file descriptor, read in a thread of its own, so that nobody waits for them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        # Whoever sends lines without end is held up, not stored.
        self._waiting: queue.Queue[str] = queue.Queue(_LINES_WAITING)
        self._over = threading.Event()
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def next_line(self) -> str | None:
        """Return the next line without its end, None where none waits."""
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return None

    @property
    def ended(self) -> bool:
        """Whether none will come any more."""
        return self._over.is_set() and self._waiting.empty()

    def _read(self) -> None:
        rest = b""
        while data := self._some():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._waiting.put(line.decode(errors="replace").strip())
        if rest:
            self._waiting.put(rest.decode(errors="replace").strip())
        self._over.set()

    def _some(self) -> bytes:
        try:
            return os.read(self._fd, 4096)
        except OSError:
            return b""


class LineWizard:
    """Drives the wizard by lines, and writes what is new. Without any more lines it goes on by itself.

    A line: nothing (take, once the load is there), b, r, q, or the answer to a question, by number or name, with its
    note after it.
    """

    def __init__(self, wizard: Steps, lines: Lines, write: Callable[[str], None]) -> None:
        self._wizard = wizard
        self._lines = lines
        self._write = write
        self._takes = 0
        self._said: dict[str, object] = {}
        self._steady_at = 0.0
        self._kept = False

    def step(self, now_s: float) -> bool:
        """Look once; return whether all is over. Raises Problem where a question or a failure meets nobody."""
        snapshot = self._wizard.snapshot()
        self._tell(snapshot, now_s)
        if snapshot.finished:
            return True
        if snapshot.done:
            self._wizard.leave()
            return False
        while (line := self._lines.next_line()) is not None:
            self._obey(line, snapshot)
            snapshot = self._wizard.snapshot()
        if snapshot.busy:
            return False
        if self._lines.ended:
            self._alone(snapshot)
        elif self._takes and (snapshot.ready or (self._takes > 1 and snapshot.can_take)):
            self._takes = 0
            self._wizard.take()
        return False

    def _alone(self, snapshot: WizardSnapshot) -> None:
        if snapshot.question is not None:
            self._wizard.leave()
            raise Problem(
                f"The wizard asks, and nobody answers: {snapshot.question.text}",
                "The points are kept: go on with --resume in a terminal, or give answers on standard input.",
            )
        at_result = snapshot.picture.kind == _RESULT
        if snapshot.problem is not None and (at_result or snapshot.picture.kind == "check") and self._kept:
            self._wizard.leave()
            raise snapshot.problem
        if snapshot.ready:
            self._kept = snapshot.picture.kind in (_RESULT, "check")
            self._wizard.take()

    def _obey(self, line: str, snapshot: WizardSnapshot) -> None:
        word, _, note = line.partition(" ")
        question = snapshot.question
        if line == "q":
            self._wizard.leave()
        elif question is not None:
            chosen = _chosen(question, word)
            if chosen is None:
                self._write(f"answers    {_answers(question)}")
            else:
                self._wizard.answer(chosen, note)
        elif line == "b":
            self._wizard.back()
        elif line == "r":
            self._wizard.repeat_last()
        elif not line:
            self._takes += 1
        else:
            self._write("commands   Enter takes, b goes back, r repeats the last point, q leaves")

    def _tell(self, snapshot: WizardSnapshot, now_s: float) -> None:
        last = snapshot.last_taken
        if (
            self._new("taken", None if last is None else (last.label, last.applied_n, snapshot.run))
            and last is not None
        ):
            self._write(
                f"taken      {last.label}: applied {_number(last.applied_n)} N, read {_number(last.read_n)} N, "
                f"{_residual(last)} mN"
            )
        if self._new("page", (snapshot.context, snapshot.instruction)):
            self._takes = 0
            self._write(f"page       {'. '.join(filter(None, (snapshot.context, snapshot.instruction)))}")
            self._write(f"           {snapshot.hint}")
            self._steady_at = now_s
        problem = snapshot.problem
        if self._new("problem", None if problem is None else problem.what) and problem is not None:
            self._write(f"notice     {problem.what} {problem.fix}")
        question = snapshot.question
        if self._new("question", None if question is None else question.text) and question is not None:
            self._write(f"question   {question.text}")
            self._write(f"answers    {_answers(question)}")
        if self._new("busy", snapshot.busy) and snapshot.busy:
            self._write(f"busy       {snapshot.busy}")
        result = snapshot.result
        if self._new("result", None if result is None else (result.word, result.sentence)) and result is not None:
            self._write(f"result     {result.word}: {result.sentence}")
            for line in result.lines:
                self._write(f"           {line}")
        if self._new("kept", None if result is None else (result.file, result.written)) and result and result.file:
            self._write(f"kept       {_kept(snapshot)}")
        if snapshot.expected_n is not None and now_s - self._steady_at >= _STEADY_LINE_EVERY_S:
            self._steady_at = now_s
            steady = snapshot.steadiness
            reading = "no reading" if snapshot.reading_n is None else f"{snapshot.reading_n:.3f} N"
            self._write(f"reading    {reading}, {steady.word}, {steady.held_s:.1f} of {steady.wanted_s:.1f} s")

    def _new(self, name: str, value: object) -> bool:
        """Tell whether something differs from what was said last."""
        if self._said.get(name) == value:
            return False
        self._said[name] = value
        return True


def run_lines(
    wizard: Steps,
    lines: Lines,
    write: Callable[[str], None],
    look: Callable[[], Problem | None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Drive the wizard by lines until it is done or left. `look` returns what ended the run; it is raised."""
    driver = LineWizard(wizard, lines, write)
    while not driver.step(clock()):
        ended = look()
        if ended is not None:
            raise ended
        sleep(1 / _LINES_PER_S)


def _answers(question: QuestionView) -> str:
    note = ", a note after it" if question.wants_note else ""
    return ", ".join(f"{option} ({label})" for option, label in question.options) + note
