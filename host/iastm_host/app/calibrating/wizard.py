"""The calibration wizard: feeds on a tool's events, asks for one thing at a time, loses nothing.

What is done becomes a line of the draft first and counts by it, so a draft that is taken up again stands where the
wizard stood. Actions come from a view's thread and may wait for the disk; `feed` never does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from iastm_calibration.document import CalibrationDocument, TakenPoint
from iastm_calibration.errors import CalibrationError, OutlierError
from iastm_host.app.calibrating import judging, warm_up, words
from iastm_host.app.calibrating.arrival import KEEP, REPEAT, SKIP
from iastm_host.app.calibrating.book import IN_FORCE, Book, Entry, read_book, start_line, taken_line
from iastm_host.app.calibrating.draft import Draft, Line, draft_path
from iastm_host.app.calibrating.live import Live
from iastm_host.app.calibrating.making import Make, document_of, tool_of
from iastm_host.app.calibrating.plan import CHECK, EXERCISE, LOAD, RESULT, WARM_UP, ZERO, ZERO_STEP
from iastm_host.app.calibrating.setup import Setup
from iastm_host.app.calibrating.snapshot import WizardSnapshot
from iastm_host.app.calibrating.views import Now, not_begun, showing_old, snapshot_of
from iastm_host.app.calibrating.watching import Doing, Watch, other_tool
from iastm_host.events import Event, Problem

log = logging.getLogger(__name__)

_NOTE_LENGTH = 120
_STAY_OR_GO = ("back", "go_on")
# Pages besides the measuring ones that somebody with full hands is taken past.
_BY_ITSELF = (WARM_UP, EXERCISE)
_DEAF_US = 700_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the wizard stands on, each given by whoever starts it.

    `clock` is host microseconds as events carry them, `wall_clock` local time with its zone. `drafts` is the folder
    for drafts. `make` makes the document. `save` keeps it once and returns where it is; `load` returns it from there;
    both raise Problem. `write` puts it into the tool and compares, telling its progress from 0 to 1; it raises Problem,
    and None is a tool that keeps none. `aside` runs what takes long without holding up a view. `open_draft` opens a
    draft and raises Problem.
    """

    clock: Callable[[], int]
    wall_clock: Callable[[], datetime]
    drafts: Path
    make: Make
    save: Callable[[CalibrationDocument], str]
    load: Callable[[str], CalibrationDocument]
    write: Callable[[CalibrationDocument, Callable[[float], None]], None] | None
    aside: Callable[[Callable[[], None]], None]
    open_draft: Callable[[Path], Draft] = Draft


def in_a_thread(work: Callable[[], None]) -> None:
    """Run work in a thread of its own."""
    threading.Thread(target=work, name="calibration", daemon=True).start()


class Wizard:
    """One calibration. Every method may be called from any thread."""

    def __init__(self, surroundings: Surroundings, proposed: Setup | None = None) -> None:
        """`proposed` is what a form shows before the start."""
        self._with = surroundings
        self._proposed = proposed or Setup()
        self._waits = ""
        # Held by an action from beginning to end, so that lines stand in the draft in the order in which they count.
        self._acting = threading.Lock()
        self._lock = threading.RLock()
        self._live = Live()
        self._watch = Watch(self._live, surroundings.clock, surroundings.wall_clock)
        self._book: Book | None = None
        self._draft: Draft | None = None
        self._unwritten: list[Line] = []
        self._document: CalibrationDocument | None = None
        self._failure: Problem | None = None
        self._busy = ""
        self._progress: float | None = None
        self._finished = False
        # After a point was taken by itself; and while somebody looks at pages of before.
        self._deaf_until_us = 0
        self._went_back = False

    # What happens on the tool and on the gauge

    def feed(self, event: Event) -> None:
        """Take an event of the tool under calibration; returns at once."""
        with self._lock:
            restarted = self._live.feed(event)
            if self._book is not None and restarted and self._book.in_mid_series:
                self._apply(self._book, {"kind": "zero wanted"})

    def feed_reference(self, event: Event) -> None:
        """Take an event of the reference gauge; returns at once."""
        with self._lock:
            self._live.feed_gauge(event)

    # What a person does

    def propose(self, setup: Setup, waits: str) -> None:
        """Show `setup` in the form, and say until the first point that another calibration waits, in words."""
        with self._lock:
            self._proposed, self._waits = setup, waits

    def start(self, setup: Setup) -> Path:
        """Begin with a draft of its own, and return where that is. Raises Problem."""
        with self._acting:
            report = self._live.tool.calibration
            problems = setup.problems(None if report is None else report.capacity_n)
            if problems:
                raise Problem(problems[0][1], "Change that, then begin.")
            now = self._with.wall_clock()
            path = draft_path(self._with.drafts, now.strftime("%Y-%m-%d_%H-%M-%S"))
            line = start_line(setup, now.isoformat(timespec="seconds"))
            self._open(Book(line), self._with.open_draft(path), line)
            return path

    def resume(self, path: Path) -> None:
        """Take up a draft where it was left. Raises Problem; that it is of another tool is told once that is known."""
        with self._acting:
            # What is no draft is told before it is held.
            read_book(path)
            draft = self._with.open_draft(path)
            try:
                self._take_up(path, draft)
            except Problem:
                draft.close()
                raise

    def _take_up(self, path: Path, draft: Draft) -> None:
        book = read_book(path)
        if book.finished:
            raise Problem("This calibration is finished.", "Begin a new one.")
        serial = self._watch.serial()
        if book.tool is not None and serial and serial != book.tool.serial_number:
            raise other_tool(book.tool.serial_number, serial)
        document = self._with.load(book.file) if book.file else None
        lines: list[Line] = []
        if book.page.kind == RESULT and document is None:
            lines.append({"kind": "go", "page": book.position - 1})
        if book.in_mid_series:
            lines.append({"kind": "zero wanted"})
        self._document = document
        self._open(book, draft, *lines)

    def take(self) -> None:
        """Do what the page is for: take its point, go on, calculate, or save and write. Nothing where it can't be."""
        if self._with.clock() >= self._deaf_until_us:
            self._went_back = False
            self._take_where(lambda _book, now: now.can_take)

    def take_when_ready(self) -> bool:
        """Take the point where the load that is asked for is there and steady, for whoever has both hands full.

        Pages that ask for more than a load wait for a person. Returns whether something was taken. To be called some
        times a second. A press that came just too late is not taken for one on the next page.
        """
        taken = not self._went_back and self._take_where(
            lambda book, now: now.ready and (self._watch.measuring(book) or book.page.kind in _BY_ITSELF)
        )
        if taken:
            self._deaf_until_us = self._with.clock() + _DEAF_US
        return taken

    def _take_where(self, may: Callable[[Book, Now], bool]) -> bool:
        with self._acting:
            with self._lock:
                book = self._book
                if book is None or not may(book, self._watch.now(book, self._doing())):
                    return False
                work = self._take(book)
            self._write()
        if work is not None:
            self._with.aside(work)
        return True

    def back(self) -> None:
        """Show the page before; its point stays."""
        with self._acting:
            with self._lock:
                book = self._book
                if book is None or not self._free(book) or not book.position:
                    return
                self._document = None
                self._failure = None
                self._go(book, {"kind": "go", "page": book.position - 1})
                self._went_back = True
            self._write()

    def repeat_last(self) -> None:
        """Go to the point that was taken last, to take it again; the former counts until then."""
        with self._acting:
            with self._lock:
                book = self._book
                last = None if book is None else book.last_taken()
                if book is None or last is None or not self._free(book):
                    return
                self._document = None
                self._failure = None
                self._go(book, {"kind": "anew", "page": last.page})
                self._went_back = False
            self._write()

    def answer(self, option_id: str, note: str = "") -> None:
        """Answer the question that is asked, with a note where one is wanted; another answer is passed over."""
        work = None
        with self._acting:
            with self._lock:
                book = self._book
                if book is None or book.asked is None or option_id not in book.asked.options:
                    return
                work = self._answer(book, option_id, note.strip()[:_NOTE_LENGTH])
            self._write()
        if work is not None:
            self._with.aside(work)

    def keep(self) -> None:
        """Save the document, then write it to the tool; what was done of that already is not done again."""
        with self._acting, self._lock:
            work = self._keeping() if self._document is not None and not self._busy else None
        if work is not None:
            self._with.aside(work)

    def leave(self) -> None:
        """Stop here; the draft can be taken up again, unless all is done."""
        with self._acting:
            with self._lock:
                if self._finished:
                    return
                self._finished = True
            self._write()
            self._let_go()

    def snapshot(self) -> WizardSnapshot:
        """Return what a view shows."""
        with self._lock:
            if self._book is None:
                shown = not_begun(self._proposed, None, finished=self._finished)
            else:
                shown = snapshot_of(self._book, self._watch.now(self._book, self._doing()), finished=self._finished)
            return replace(shown, footer=self._waits) if self._waits and not shown.points else shown

    # Lines

    def _open(self, book: Book, draft: Draft, *lines: Line) -> None:
        with self._lock:
            self._book, self._draft = book, draft
            for line in lines:
                if line["kind"] == "start":
                    self._unwritten.append(line)
                else:
                    self._apply(book, line)
            self._live.begin_page()
        self._write()

    def _apply(self, book: Book, *lines: Line) -> None:
        for line in lines:
            book.apply(line)
            self._unwritten.append(line)

    def _go(self, book: Book, *lines: Line) -> None:
        """Apply lines after which another page, or the same one anew, is open."""
        was = book.page.kind
        self._apply(book, *lines)
        self._live.begin_page()
        if book.page.kind == WARM_UP != was:
            self._live.warm_up = warm_up.WarmUp()

    def _write(self) -> None:
        """Put what was done on the disk; called without the lock, for it may take its time."""
        with self._lock:
            lines, self._unwritten = self._unwritten, []
        if self._draft is not None:
            self._draft.write(*lines)

    def _let_go(self) -> None:
        """Let other programs have the draft, once it was left and nothing is under way that writes into it.

        One in which nothing was taken is removed.
        """
        if self._draft is None or self._book is None or not self._finished or self._busy:
            return
        if self._book.entries:
            self._draft.close()
        else:
            self._draft.remove()

    # Actions

    def _take(self, book: Book) -> Callable[[], None] | None:
        self._failure = None
        self._meet(book)
        kind = book.page.kind
        if book.zero_due:
            self._measure(book, again=kind != ZERO)
        elif showing_old(book):
            self._ask(book, "taken", "This point is taken. Go on, or take it again?", ("go_on", "anew"))
        elif self._watch.off_scale(book):
            label = words.label(book.page, book.setup)
            text = f"{label} is off the scale: the converter is at its end. Take it off; leave it out, or hang less."
            self._ask(book, "load", text, (SKIP, REPEAT))
        elif kind in (ZERO, LOAD):
            self._measure(book, again=False)
        elif kind == WARM_UP and not self._watch.warm():
            self._ask(book, "warm_up", f"{self._watch.warm_up_words()} Wait, or go on with a note?", ("wait", SKIP))
        elif kind == WARM_UP:
            if self._live.warm_up.elapsed_s >= warm_up.LONGEST_S and not self._watch.drift_is_small():
                self._apply(book, {"kind": "note", "text": f"Warm-up ended. {self._watch.warm_up_words()}"})
            self._go(book, {"kind": "go", "page": book.next_after(book.position)})
        elif kind == EXERCISE and not self._watch.exercised(book):
            label = words.label(book.page, book.setup)
            text = f"{label} did not hang yet: a cell's first loading differs from those after it. Go on without?"
            self._ask(book, "exercise", text, (REPEAT, SKIP))
        elif kind == CHECK:
            words_of_check, _ = self._watch.standing_apart(book)
            if not words_of_check:
                return self._calculating(book)
            text = f"{words_of_check} Go back and repeat, or go on with a note?"
            self._ask(book, "check", text, _STAY_OR_GO)
        elif kind == RESULT:
            return self._keeping()
        else:
            self._go(book, {"kind": "go", "page": book.next_after(book.position)})
        return None

    def _measure(self, book: Book, *, again: bool) -> None:
        """Take the point of the page, or a zero in mid-series."""
        page = book.page
        at = book.zero_page(page.series) if again else book.position
        with_gauge = book.setup.against_gauge
        means = self._live.means(with_gauge=with_gauge)
        if means is None:
            return
        zero_page = again or page.kind == ZERO
        reference_n = 0.0
        if not zero_page:
            reference_n = book.setup.force_n(page.load_kg, page.angle_deg)
            if with_gauge:
                reference_n = (means.gauge_n or 0.0) - self._watch.gauge_zero_n(book)
        point = TakenPoint(
            run=page.run,
            angle_deg=page.angle_deg,
            rising=True if again else page.rising,
            step=ZERO_STEP if zero_page else page.step,
            mass_kg=None if zero_page or with_gauge else page.load_kg,
            reference_n=reference_n,
            counts=means.counts,
            spread_counts=means.spread_counts,
            samples=means.samples,
            taken_at=self._watch.now_iso(),
            note="zero taken again after a restart" if again else "",
            temperature_c=self._live.tool.temperature_c,
        )
        finding = judging.judge(
            book, at, point, self._live.tool_scale(), self._watch.capacity_n(), self._watch.tool_zero()
        )
        entry = Entry(at, point, IN_FORCE, means.gauge_n, again)
        if finding is None:
            self._go(book, taken_line(entry, "", ()))
        else:
            self._apply(book, taken_line(entry, finding.text, finding.options))

    def _ask(self, book: Book, about: str, text: str, options: tuple[str, ...]) -> None:
        self._apply(book, {"kind": "ask", "about": about, "text": text, "options": list(options)})

    def _answer(self, book: Book, option: str, note: str) -> Callable[[], None] | None:
        assert book.asked is not None
        about = book.asked.about
        answer: Line = {"kind": "answer", "option": option, "note": note}
        if about == "point" and option == KEEP:
            self._go(book, answer)
        elif option == SKIP:
            what = words.label(book.page, book.setup)
            left_out = f"{what}, {words.context(book.page, book.setup)}: left out" if what else "Warm-up cut short"
            if about == "exercise":
                left_out = f"{words.context(book.page, book.setup)}: {what} did not hang before the zero"
            detail = note or (self._watch.warm_up_words() if about == "warm_up" else "")
            self._go(book, {"kind": "note", "text": ". ".join(filter(None, (left_out, detail)))}, answer)
        elif about == "taken":
            target = {"kind": "anew", "page": book.position}
            if option == "go_on":
                target = {"kind": "go", "page": book.next_after(book.position)}
            self._go(book, answer, target)
        elif about in ("check", "outliers"):
            text, pages = self._watch.standing_apart(book)
            if option == "go_on":
                kept = f"{text} {note or 'Kept as they came.'}".strip()
                self._apply(book, answer, {"kind": "note", "text": kept}, {"kind": "outliers kept"})
                return self._calculating(book)
            self._go(book, answer, *({"kind": "anew", "page": page} for page in pages[:1]))
        else:
            self._go(book, answer)
        return None

    def _meet(self, book: Book) -> None:
        """Note which tool it is, once it is known."""
        described, capacity_n = self._live.tool.tool, self._watch.capacity_n()
        if book.tool is None and described is not None and capacity_n is not None:
            made = tool_of(described, capacity_n, book.setup)
            fields = ("serial_number", "name", "load_cell", "converter", "capacity_n", "firmware")
            self._apply(book, {"kind": "tool", "tool": {name: getattr(made, name) for name in fields}})

    # What takes long

    def _calculating(self, book: Book) -> Callable[[], None] | None:
        if self._busy:
            return None
        self._busy, self._failure = "Calculating", None
        gauge, in_force = self._live.gauge.tool, self._live.tool_scale()
        slope = None if in_force is None else in_force.coefficients[1]

        def work() -> None:
            def calculate() -> None:
                try:
                    made = document_of(book, self._with.make, self._with.wall_clock(), gauge, slope)
                except OutlierError as error:
                    with self._lock:
                        self._ask(
                            book, "outliers", f"{error.what} Go back and repeat, or go on with a note?", _STAY_OR_GO
                        )
                    return
                with self._lock:
                    self._document = made
                    self._go(book, {"kind": "go", "page": len(book.pages) - 1})

            self._do(calculate)

        return work

    def _keeping(self) -> Callable[[], None] | None:
        book, document = self._book, self._document
        if book is None or document is None or self._busy or book.finished:
            return None
        self._busy, self._failure = "Saving", None

        def work() -> None:
            def save_and_write() -> None:
                kept = document
                if not book.file:
                    file = self._with.save(document)
                    # It may be one that a process saved which ended before its draft said so: that one is written.
                    kept = self._with.load(file)
                    with self._lock:
                        self._document = kept
                    self._then(book, {"kind": "kept", "file": file})
                if self._with.write is not None and not book.written:
                    with self._lock:
                        self._busy, self._progress = "Writing to the tool", 0.0
                    self._with.write(kept, self._tell_progress)
                    self._then(book, {"kind": "written"})
                self._then(book, {"kind": "finished"})

            self._do(save_and_write)

        return work

    def _do(self, work: Callable[[], None]) -> None:
        """Run work; what goes wrong is told, and the points are as they were."""
        failure: Problem | None = None
        try:
            work()
        except Problem as problem:
            failure = problem
        except CalibrationError as error:
            failure = Problem(error.what, error.fix)
        except Exception as error:
            # Whatever it is, a calibration never stops in silence.
            log.exception("the calibration failed")
            failure = Problem(f"The program failed here: {error!r}.", "The points are kept. Report this, then retry.")
        with self._lock:
            self._failure = failure
            self._busy, self._progress = "", None
        with self._acting:
            self._write()
            self._let_go()

    def _then(self, book: Book, line: Line) -> None:
        """Apply a line of work under way, and put it on the disk."""
        with self._acting:
            with self._lock:
                self._apply(book, line)
            self._write()

    def _tell_progress(self, share: float) -> None:
        with self._lock:
            self._progress = share

    def _doing(self) -> Doing:
        trouble = None if self._draft is None else self._draft.trouble
        return Doing(self._busy, self._progress, self._failure, self._document, trouble, self._finished)

    def _free(self, book: Book) -> bool:
        """Tell whether pages may be turned."""
        return book.asked is None and not self._busy and not book.file and not self._finished
