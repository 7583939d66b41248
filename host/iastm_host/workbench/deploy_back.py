"""Goes back to what ran on a board where a release did not come up, and finds out why it did not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, NOT_FOUND, TransportError
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import (
    FAILED,
    HELPERS,
    MANIFEST,
    NOWHERE,
    OK,
    RELEASES,
    STATE,
    STATE_NEW,
    TRIAL,
    BoardState,
    State,
    read_if_there,
    state_of,
)
from iastm_host.workbench.deploy_writer import TRIES, end_trial

# A board that restarts just now may have no port for a moment, and a trial that is given up restarts twice.
_PORT_BACK_S = 3.0
_TIMES_AWAY = 3


@dataclass(frozen=True, slots=True)
class _Found:
    """What the board says of the trial: its state, and why it was given up, None where it was not."""

    state: State
    failed: bytes | None

    @property
    def reason(self) -> str:
        """The last line of that, the error of a traceback, "" where there is none; the first names the place."""
        text = (self.failed or b"").decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1].rstrip(".") + "." if len(lines) > 1 else ""

    def confirmed(self, place: str) -> bool:
        """Whether what was tried in `place` is well by its own account: then it stays."""
        return (self.state.place, self.state.status) == (place, OK) and self.failed is None


def taken_back(repl_factory: Callable[[], RawRepl], place: str, before: BoardState, heard: str) -> Problem:
    """Go back to what ran `before` a release was tried in `place`, where the selector has not done so.

    Returns what is to be told; `heard` is in words what came from the board instead of its answer.
    """
    try:
        found = _ask(repl_factory, place, before)
    except (Problem, ReplError) as error:
        said = error.what if isinstance(error, Problem) else error.last_line
        return Problem(
            f"The new firmware did not come up: {heard} The board could not be asked why: {said}",
            "Switch it off and on, twice where need be: it goes back to the firmware before. Then deploy again.",
        )
    return _told(found, place, before, heard)


def check_kept(repl_factory: Callable[[], RawRepl], place: str, before: BoardState) -> None:
    """Raise Problem where the trial in `place` was given up: for what can't be told from what was `before` by hello."""
    try:
        found = _ask(repl_factory, place, before)
    except ReplError as error:
        raise Problem(
            f"The tool runs, but the board could not be asked whether it kept what is new: {error.last_line}",
            "Deploy once more: it says so where there is nothing to do.",
        ) from error
    if not found.confirmed(place):
        raise _told(found, place, before, "It is not known why.")


def _ask(repl_factory: Callable[[], RawRepl], place: str, before: BoardState) -> _Found:
    repl = repl_factory()
    try:
        _open(repl)
        repl.run(HELPERS)
        files = {path: data for path in (STATE, STATE_NEW, FAILED) if (data := read_if_there(repl, path)) is not None}
        found = _Found(state_of(files), files.get(FAILED))
        if not found.confirmed(place):
            _go_back(repl, found, place, before)
    finally:
        with contextlib.suppress(Problem):
            repl.reset()
    return found


def _open(repl: RawRepl) -> None:
    for last in range(_TIMES_AWAY - 1, -1, -1):
        repl.wait_for_port(_PORT_BACK_S)
        try:
            repl.open()
        except TransportError as error:
            if error.reason not in (NOT_FOUND, LOST) or not last:
                raise
        else:
            return


def _told(found: _Found, place: str, before: BoardState, heard: str) -> Problem:
    state = found.state
    if found.confirmed(place):
        return Problem(
            f"The new firmware started and stays up, as the board itself says, but on its port: {heard}",
            "Close what else may have the port open, then ask the tool: iastm link-test --port PORT.",
        )
    if before.in_force == place:
        return Problem(
            "With its new files beside the firmware the tool did not come up: "
            f"{found.reason or heard} It has those before.",
            "Mend the board file, then deploy again.",
        )
    if before.in_force == NOWHERE and not before.runs_unreleased:
        now = "There was no firmware on the board before; it is at its prompt."
    else:
        now = "The tool runs the one before."
    if state.place == place and state.status == TRIAL and state.tries == TRIES:
        return Problem(
            "The board did not try the new firmware: its image may have a main.py of its own, which goes before. "
            + now,
            "Write MicroPython's own image, or one of this toolkit's, to the board: iastm flash.",
        )
    return Problem(
        f"The new firmware did not start: {found.reason or heard} {now}",
        "Mend the firmware and deploy again. Where it was the toolkit's own, report this with what the board is.",
    )


def _go_back(repl: RawRepl, found: _Found, place: str, before: BoardState) -> None:
    if found.state.status == TRIAL:
        end_trial(repl, before.in_force)
    if before.in_force != place:
        # Nothing is to choose it for want of another.
        repl.run(f"_remove({f'{RELEASES}/{place}/{MANIFEST}'!r})")
