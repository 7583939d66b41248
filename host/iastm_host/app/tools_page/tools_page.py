"""The Tools page itself: what is chosen, what is being done, and a snapshot of all that. Any thread may call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from iastm_host.app.tools_page import jobs, others
from iastm_host.app.tools_page.as_text import as_text
from iastm_host.app.tools_page.calibration import calibration
from iastm_host.app.tools_page.others import runs_here
from iastm_host.app.tools_page.overview import overview
from iastm_host.app.tools_page.page import (
    CALIBRATION,
    FIRMWARE,
    LINK,
    LOG,
    OVERVIEW,
    TITLES,
    Action,
    Block,
    Identity,
    Notice,
    Question,
    ToolsSnapshot,
    Words,
)
from iastm_host.app.tools_page.state import Entry, State, gather, is_board, known_row, row_of
from iastm_host.app.tools_page.surroundings import SERIAL, SIMULATED, Surroundings, Target
from iastm_host.app.tools_page.words import link_icon, link_words, moment_words
from iastm_host.app.tools_page.work import Stop, Tell, Worker
from iastm_host.events import Problem, ToolDescription
from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import find_boards

CHECK, SEARCH, FORGET, TEST, READ, UPDATE, STOP, COPY = (
    "check",
    "search",
    "forget",
    "test",
    "read",
    "update",
    "stop",
    "copy",
)
CANCEL, WAIT, OPEN = "cancel", "wait", "open"
_NOT_CHOSEN = Words("No tool is chosen. Choose one in Overview.")
_NOT_MET = "This tool was not asked yet. Check it: then it is known here."
_NO_ANSWER = "No tool answered here. Look at its connection, or choose another row in Overview."
_END_S = 20.0
_LOW_FOR_UPDATE_PERCENT = 20


class ToolsPage:
    """The page's model. `begin` looks at files and ports; a `target` that was named is checked at once."""

    def __init__(self, around: Surroundings, target: Target | None = None) -> None:
        self._around = around
        self._lock = threading.Lock()
        self._worker = Worker()
        self._state = State(offers_simulated=target is not None and target.carrier == SIMULATED)
        self._named = target
        self._leaving = False
        self._left = False
        # The port that is asked about, and what goes on where the answer is yes.
        self._doubted: tuple[SerialPort, str] | None = None
        if target is not None:
            self._state = replace(self._state, chosen=row_of(target))

    # For views

    def begin(self) -> None:
        """Look at what is kept here and which ports there are; then check the tool that was named."""
        self._start("look", OVERVIEW, "Looking at the ports", self._look, can_stop=False)

    def snapshot(self) -> ToolsSnapshot:
        """Return what is to be shown."""
        doing = self._worker.doing
        with self._lock:
            state, leaving, left = self._state, self._leaving, self._left
        now = self._around.wall_clock()
        blocks: list[Block] = []
        footer = ""
        # Another tool's job and its end are no matter of this tool's page.
        if doing is not None and doing.page == state.page and (not doing.subject or doing.subject == state.subject):
            blocks.append(doing.progress)
        elif doing is not None:
            whose = "" if doing.subject == state.subject else doing.about
            footer = ": ".join(filter(None, (whose, TITLES[doing.page], doing.progress.words)))
        if state.page in state.problems:
            subject, problem = state.problems[state.page]
            if not subject or subject == state.subject:
                blocks.append(Notice(problem.what, problem.fix))
        blocks += _blocks(state, now, testing="" if doing is None or doing.name != TEST else doing.subject)
        if leaving and doing is not None:
            footer = "The window closes once the update is done."
        return ToolsSnapshot(
            page=state.page,
            identity=_identity(state),
            blocks=tuple(blocks),
            actions=_actions(state, busy=doing is not None, can_stop=doing is not None and doing.can_stop),
            footer=footer or _footer(state, now),
            busy=doing is not None,
            question=state.question,
            finished=left or (leaving and doing is None),
        )

    def text(self) -> str:
        """Return the page as text that can be taken along."""
        snapshot = self.snapshot()
        title = (
            TITLES[snapshot.page] if snapshot.identity is None else f"{snapshot.identity.name}: {TITLES[snapshot.page]}"
        )
        return f"{title}\n\n{as_text(snapshot.blocks)}"

    def turn_to(self, page: str) -> None:
        """Show a page."""
        self._change(lambda state: replace(state, page=page))

    def choose(self, row: str) -> None:
        """Choose what stands in a row of the overview."""
        self._change(lambda state: replace(state, chosen=row) if row in state.rows() else state)

    def move(self, step: int) -> None:
        """Choose the next row, or the one before."""

        def moved(state: State) -> State:
            rows = state.rows()
            if not rows:
                return state
            if state.chosen not in rows:
                return replace(state, chosen=rows[0])
            place = min(len(rows) - 1, max(0, rows.index(state.chosen) + step))
            return replace(state, chosen=rows[place])

        self._change(moved)

    def do(self, action: str) -> None:
        """Do what is offered by this name; nothing where it can't be done now."""
        snapshot = self.snapshot()
        if snapshot.question is None and any(each.name == action and each.enabled for each in snapshot.actions):
            done: Mapping[str, Callable[[], object]] = {
                SEARCH: lambda: self._start(SEARCH, OVERVIEW, "Looking at the ports", self._search),
                CHECK: self._check,
                TEST: self._test,
                READ: self._read,
                UPDATE: self._ask_to_update,
                FORGET: self._ask_to_forget,
                STOP: self._worker.stop,
                COPY: lambda: None,
            }
            done[action]()

    def answer(self, option: str) -> None:
        """Answer the question that is asked."""
        with self._lock:
            question = self._state.question
            self._state = replace(self._state, question=None)
        if question is None or option == CANCEL:
            return
        if option == UPDATE:
            self._update()
        elif option == FORGET:
            self._forget()
        elif option == OPEN:
            self._open()
        elif option == WAIT:
            with self._lock:
                self._leaving = True

    def leave(self) -> bool:
        """Ask to leave; return whether it can be done now. A firmware that is being written is waited for."""
        doing = self._worker.doing
        if doing is not None and doing.name == UPDATE:
            self._change(lambda state: replace(state, question=_WHILE_WRITING))
            return False
        self._worker.stop()
        with self._lock:
            self._left = True
        return True

    def close(self) -> None:
        """End what is being done, and wait for it."""
        self._worker.stop()
        doing = self._worker.doing
        # A board that is half written waits for the rest, however long that takes.
        self._worker.join(None if doing is not None and doing.name == UPDATE else _END_S)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of what is being done; return whether it came."""
        return self._worker.join(timeout_s)

    # Jobs

    def _change(self, change: Callable[[State], State]) -> None:
        with self._lock:
            self._state = change(self._state)

    def _start(
        self,
        name: str,
        page: str,
        words: str,
        job: Callable[[Tell, Stop], None],
        *,
        can_stop: bool = True,
        of_tool: bool = False,
    ) -> bool:
        """Begin a job; `of_tool`: it is about the tool that is chosen now. Return False where another one goes on."""
        subject, about = (self._state.subject, self._state.subject_name) if of_tool else ("", "")

        def done(problem: Problem | None) -> None:
            if problem is None:
                return
            with self._lock:
                state = self._state
                # Whoever waits for the end shall see how it ended.
                shown = page if self._leaving else state.page
                self._leaving = False
                self._state = replace(state, page=shown, problems={**state.problems, page: (subject, problem)})

        def forgotten(state: State) -> State:
            return replace(state, problems={at: each for at, each in state.problems.items() if at != page})

        self._change(forgotten)
        return self._worker.start(name, page, words, job, done, can_stop=can_stop, subject=subject, about=about)

    def _gathered(self, chosen: str | None = None, since: str | None = None, **changes: Any) -> None:
        """Take up what is kept on the disk now, and other changes with it.

        `chosen` becomes the row that is chosen, unless a person chose another than `since` meanwhile.
        """
        entries, troubles = gather(self._around, self._state.unkept)

        def changed(state: State) -> State:
            made = replace(state, entries=entries, troubles=troubles, **changes)
            if chosen is not None and since in (None, state.chosen):
                return replace(made, chosen=chosen)
            if not made.chosen and entries:
                return replace(made, chosen=known_row(entries[0].tool.serial_number))
            return made if made.chosen else replace(made, chosen=made.likely)

        self._change(changed)

    def _look(self, tell: Tell, stop: Stop) -> None:
        self._gathered(ours=self._around.firmware(), found=jobs.Found(jobs.find_ports(self._around)))
        if self._named is not None:
            tell("Asking the tool", None)
            self._check_at(self._named, stop, OVERVIEW)

    def _search(self, tell: Tell, stop: Stop) -> None:
        found = jobs.search(self._around, tell, stop)
        self._gathered(found=found)

    def _check(self) -> None:
        target, page = self._state.target, self._state.page
        if target is not None:

            def job(_tell: Tell, stop: Stop) -> None:
                if self._may_open(target, CHECK):
                    self._check_at(target, stop, page)

            self._start(CHECK, page, "Asking the tool", job, of_tool=True)

    def _may_open(self, target: Target, action: str) -> bool:
        """Return whether a link may be opened; before a stranger's port a person is asked, who then goes on."""
        stranger = jobs.stranger_at(self._around, target.address) if target.carrier == SERIAL else None
        port = None if stranger is None else stranger.port
        if stranger is None or port is None or port in self._state.agreed:
            return True
        # Behind a bridge at its port is, as likely as can be, the tool that was met there.
        if stranger.kinds and self._state.entry is not None:
            return True
        question = Question(
            f"Open {target.address}?",
            (
                f"{stranger.words}.",
                "It may be another device. Opening its port may restart or disturb it.",
            ),
            ((CANCEL, "Cancel"), (OPEN, "Open it")),
        )
        with self._lock:
            self._doubted = (port, action)
        self._change(lambda now: replace(now, question=question))
        return False

    def _open(self) -> None:
        with self._lock:
            doubted, self._doubted = self._doubted, None
        if doubted is not None:
            port, action = doubted
            self._change(lambda now: replace(now, agreed=now.agreed | {port}))
            {CHECK: self._check, TEST: self._test, READ: self._read}[action]()

    def _check_at(self, target: Target, stop: Stop, page: str) -> str:
        """Ask a tool, choose it, and return its serial number; what could not be kept is told on that page."""
        since = self._state.chosen
        row = row_of(target)
        self._change(lambda state: replace(state, asked=state.asked - {row}))
        try:
            checked = jobs.check_tool(self._around, target, stop)
        except Problem:
            if not stop.asked:
                self._change(lambda state: replace(state, asked=state.asked | {row}))
            raise
        self._met(checked.tool, checked.unkept, page, since)
        return checked.tool.serial_number

    def _met(self, tool: ToolDescription, unkept: jobs.Unkept | None, page: str, since: str, **changes: Any) -> None:
        """Show a tool that was met, also where it could not be kept: then with a warning beside it."""
        number = tool.serial_number
        row = known_row(number) if number else None

        def took(state: State) -> State:
            held = _without(state.unkept, number)
            if unkept is None:
                return replace(state, unkept=held)
            about = state.chosen if row is None else row
            problem = Problem(f"This is not kept: {unkept.problem.what}", unkept.problem.fix)
            return replace(state, unkept={**held, number: unkept}, problems={**state.problems, page: (about, problem)})

        self._change(took)
        self._gathered(row, since, **changes)

    def _test(self) -> None:
        target, since = self._state.target, self._state.chosen
        if target is None:
            return

        def job(tell: Tell, stop: Stop) -> None:
            if not self._may_open(target, TEST):
                return
            result = jobs.measure_link(self._around, target, tell, stop)
            if result is not None:
                links = {**self._state.links, result.tool.serial_number: result}
                self._met(result.tool, result.unkept, LINK, since, links=links)

        self._start(TEST, LINK, "Connecting", job, of_tool=True)

    def _read(self) -> None:
        target, since = self._state.target, self._state.chosen
        if target is None:
            return

        def job(_tell: Tell, stop: Stop) -> None:
            if not self._may_open(target, READ):
                return
            read, new = jobs.bring_log(self._around, target, stop)
            news = _without(self._state.news, read.tool.serial_number)
            if new is not None:
                news[read.tool.serial_number] = new
            self._met(read.tool, read.unkept, LOG, since, news=news)

        self._start(READ, LOG, "Reading the log", job, of_tool=True)

    def _ask_to_update(self) -> None:
        state = self._state
        entry, ours = state.entry, state.ours
        if entry is None or ours is None:
            return
        tool = entry.tool
        sentences: tuple[str, ...] = (
            f"Its firmware {tool.firmware_version} is replaced by {ours.version}, over {state.update_port}.",
            "It restarts and does not measure meanwhile. Leave it connected.",
            "Settings and calibration stay.",
        )
        if tool.battery_percent is not None and tool.battery_percent < _LOW_FOR_UPDATE_PERCENT:
            told = f"Its battery was at {tool.battery_percent} % when it was last asked"
            sentences = (f"{told}: charge it first, so that it does not go out meanwhile.", *sentences)
        port = state.update_at
        if port is not None and port.vid is not None and not is_board(port):
            sentences = (*sentences, f"{find_boards([port], [])[0].words}. Be sure that it is the tool.")
        question = Question(f"Update {tool.serial_number}?", sentences, ((CANCEL, "Cancel"), (UPDATE, "Update")))
        self._change(lambda now: replace(now, question=question))

    def _update(self) -> None:
        state = self._state
        entry, port = state.entry, state.update_port
        if entry is None or not port:
            return
        number = entry.tool.serial_number
        # The question named what is on it.
        agreed = state.agreed if state.update_at is None else state.agreed | {state.update_at}

        def job(tell: Tell, stop: Stop) -> None:
            self._change(lambda now: replace(now, deployed=_without(now.deployed, number)))
            port_now = self._around.locator(port)
            deployed = jobs.update(self._around, port, number, agreed, tell, stop)
            self._change(lambda now: replace(now, deployed={**now.deployed, number: deployed}))
            tell("Asking the tool", None)
            # A board that had no firmware has a name of its own only now.
            name = self._check_at(Target(SERIAL, port_now()), stop, FIRMWARE)
            self._change(lambda now: replace(now, deployed={**now.deployed, name: deployed}))

        self._start(UPDATE, FIRMWARE, "Beginning the update", job, can_stop=False, of_tool=True)

    def _ask_to_forget(self) -> None:
        entry = self._state.entry
        if entry is None:
            return
        sentences = ("It leaves this list. Its calibrations and logs stay on this computer.",)
        question = Question(f"Forget {entry.tool.serial_number}?", sentences, ((CANCEL, "Cancel"), (FORGET, "Forget")))
        self._change(lambda now: replace(now, question=question))

    def _forget(self) -> None:
        entry = self._state.entry
        if entry is None:
            return
        number = entry.tool.serial_number

        def job(_tell: Tell, _stop: Stop) -> None:
            self._around.known.forget(number)
            self._change(lambda state: replace(state, unkept=_without(state.unkept, number)))
            self._gathered("")
            self._gathered()

        self._start(FORGET, OVERVIEW, "Forgetting the tool", job, of_tool=True)


_WHILE_WRITING = Question(
    "An update is under way",
    ("The window closes once that is done. A tool that is half written starts with the firmware before.",),
    ((CANCEL, "Stay here"), (WAIT, "Close when done")),
)


def _without(held: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in held.items() if each != name}


def _blocks(state: State, now: Any, *, testing: str) -> tuple[Block, ...]:
    if state.page == OVERVIEW:
        return overview(state, now)
    entry = state.entry
    if state.target is None and entry is None:
        return (_NOT_CHOSEN,)
    if state.page == LINK:
        if testing and testing == state.subject:
            # What an older test found is not what this one will.
            return ()
        return others.link_test(None if entry is None else state.links.get(entry.tool.serial_number))
    if entry is None:
        row = state.chosen
        return (Words(_NO_ANSWER if row in state.asked else _NOT_MET),)
    if state.page == CALIBRATION:
        return calibration(entry, now)
    if state.page == LOG:
        return others.log(entry, state.news.get(entry.tool.serial_number))
    return others.firmware(entry, state)


def _identity(state: State) -> Identity | None:
    entry, target = state.entry, state.target
    if entry is not None:
        tool = entry.tool
        words = link_words(tool.carrier, tool.address)
        return Identity(tool.serial_number, link_icon(tool.carrier), words, tool.battery_percent)
    if target is None:
        return None
    name = target.address or "Simulated tool"
    return Identity(
        name, link_icon(target.carrier), link_words(target.carrier, target.address) if target.address else ""
    )


def _footer(state: State, now: Any) -> str:
    entry: Entry | None = state.entry
    if state.page == OVERVIEW:
        return "Up and Down choose a tool, 1 to 5 a page, T the colours." if state.rows() else ""
    if entry is None:
        return ""
    return f"As of {_low(moment_words(entry.tool.seen, now))}."


def _low(words: str) -> str:
    return words[:1].lower() + words[1:] if words.startswith(("Today", "Yesterday")) else words


def _actions(state: State, *, busy: bool, can_stop: bool) -> tuple[Action, ...]:
    """Return what can be done on a page, what is most likely wanted first."""
    reach = state.target is not None and not busy
    entry = state.entry
    found: list[Action] = []
    if state.page == OVERVIEW:
        none = not state.rows()
        found += [
            Action(CHECK, "Check tool", "Enter", reach, primary=not none),
            Action(SEARCH, "Search", "S", not busy, primary=none),
            Action(
                FORGET,
                "Forget",
                "Del",
                entry is not None and not busy and state.chosen == known_row(entry.tool.serial_number),
            ),
        ]
    elif state.page == CALIBRATION:
        found.append(Action(CHECK, "Check tool", "Enter", reach, primary=True))
    elif state.page == LINK:
        found.append(Action(TEST, "Test the link", "Enter", reach, primary=True))
    elif state.page == LOG:
        found.append(
            Action(READ, "Read the log", "Enter", reach and (entry is None or entry.tool.keeps_log), primary=True)
        )
    else:
        can_update = entry is not None and not runs_here(entry) and bool(state.update_port) and not busy
        found += [
            Action(UPDATE, "Update …", "U", can_update, primary=can_update),
            Action(CHECK, "Check tool", "Enter", reach, primary=not can_update),
        ]
    if busy:
        found.append(Action(STOP, "Stop", "Esc", can_stop))
    found.append(Action(COPY, "Copy", "Ctrl+C"))
    return tuple(found)
