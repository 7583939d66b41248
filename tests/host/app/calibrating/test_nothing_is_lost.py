"""Whatever a person does, in whatever order, and whatever happens to the link: no point is lost, and drafts load."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.host.app.calibrating.bench_of_events import Bench, BenchTool, quick

from iastm_host.app.calibrating.book import IN_FORCE, Book, read_book
from iastm_host.app.calibrating.draft import unfinished_drafts

LOADS_KG = (0.2, 0.5, 1.0)


class Person(RuleBasedStateMachine):
    """Works at a bench. Counts itself what the wizard said it took."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self._folder.name), BenchTool(rate_hz=80.0))
        self.path = Path()
        self.most_points = 0
        self.in_force: set[int] = set()

    def teardown(self) -> None:
        self._folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.path = self.bench.wizard.start(quick(loads_kg=LOADS_KG))

    @property
    def shown(self):
        return self.bench.wizard.snapshot()

    @property
    def book(self) -> Book:
        return read_book(self.path)

    @precondition(lambda self: self.shown.question is None and not self.shown.done)
    @rule()
    def does_the_page(self) -> None:
        if not self.bench.linked:
            self.bench.mend_link()
        self.bench.do_page()

    @rule()
    def does_the_next_pages(self) -> None:
        self.bench.mend_link()
        for _ in range(4):
            if self.shown.question is None and not self.shown.done:
                self.bench.do_page()

    @precondition(lambda self: self.shown.question is None)
    @rule(force_n=st.sampled_from([0.0, 0.2, 1.96, 4.9, 6.0, 9.8, 80.0]))
    def hangs_something_and_takes(self, force_n: float) -> None:
        self.bench.hang(force_n)
        self.bench.wait(2.6)
        self.bench.wizard.take()

    @precondition(lambda self: self.shown.question is not None)
    @rule(data=st.data(), note=st.sampled_from(["", "a note", "ä \u2028 \x00 \ud800"]))
    def answers(self, data: st.DataObject, note: str) -> None:
        options = [option for option, _ in self.bench.asked().options]
        self.bench.wizard.answer(data.draw(st.sampled_from([*options, "no such answer"])), note)

    @rule()
    def takes_at_once(self) -> None:
        self.bench.wizard.take()

    @rule()
    def goes_back(self) -> None:
        self.bench.wizard.back()

    @rule()
    def repeats(self) -> None:
        self.bench.wizard.repeat_last()

    @rule()
    def keeps(self) -> None:
        self.bench.wizard.keep()

    @rule()
    def link_is_lost(self) -> None:
        self.bench.break_link()
        self.bench.wait(0.3)

    @rule()
    def link_is_back(self) -> None:
        self.bench.mend_link()
        self.bench.wait(0.3)

    @rule()
    def tool_restarts(self) -> None:
        self.bench.feed(*self.bench.tool.restart())
        self.bench.linked = True
        self.bench.wait(0.3)

    @precondition(lambda self: not self.shown.done)
    @rule(torn=st.integers(0, 3))
    def process_is_killed_and_the_draft_taken_up(self, torn: int) -> None:
        with self.path.open("ab") as file:
            file.write(b'{"kind": "taken", "page": 3'[: 9 * torn])
        before = self.book
        self.bench.wizard = self.bench.new_wizard()
        self.bench.wizard.resume(self.path)
        assert self.book.entries == before.entries

    @invariant()
    def what_was_taken_is_in_the_draft(self) -> None:
        if not self.path.name:
            return
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        taken = sum(line["kind"] == "taken" for line in lines)
        assert taken >= self.most_points
        self.most_points = taken
        book = self.book
        assert len(book.entries) == taken

    @invariant()
    def a_page_that_had_its_point_keeps_one(self) -> None:
        if not self.path.name:
            return
        book = self.book
        now = {entry.page for entry in book.entries if entry.state == IN_FORCE}
        assert now >= self.in_force
        self.in_force = now
        for page in now:
            own = [e for e in book.entries if e.page == page and e.state == IN_FORCE and not e.again]
            assert len(own) <= 1

    @invariant()
    def the_view_shows_what_counts(self) -> None:
        if not self.path.name:
            return
        shown, book = self.shown, self.book
        loads = [entry for entry in book.counting() if entry.point.step >= 0]
        # Without a link from the start there is no scale to show them by.
        telling = len({entry.point.step for entry in loads}) >= 3
        assert len(shown.residuals) == (len(loads) if telling else 0)
        assert shown.problem is None or shown.problem.fix
        assert not (shown.can_take and shown.question is not None)
        assert unfinished_drafts(self.path.parent) == ([] if book.finished else [self.path])


TestPerson = Person.TestCase
# A share of what the profile asks for: each step is seconds of samples.
TestPerson.settings = settings(max_examples=max(1, settings().max_examples // 3), stateful_step_count=40)
