"""Goes back to what ran on a board where a release did not come up, and finds out why it did not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import (
    BOARD_FILE,
    BOARD_NAME,
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
from iastm_host.workbench.deploy_writer import TRIES, put_state

# A board that restarts just now may have no port for a moment.
_PORT_BACK_S = 3.0


@dataclass(frozen=True, slots=True)
class _Found:
    """What the board says of the trial: its state, and in words why it was given up, "" where it says nothing."""

    state: State
    reason: str


def taken_back(repl_factory: Callable[[], RawRepl], place: str, before: BoardState, heard: str) -> Problem:
    """Go back to what ran `before` a release was tried in `place`, where the selector has not done so.

    Returns what is to be told; `heard` is in words what came from the board instead of its answer.
    """
    try:
        repl = repl_factory()
        try:
            repl.wait_for_port(_PORT_BACK_S)
            repl.open()
            found = _go_back(repl, place, before)
        finally:
            with contextlib.suppress(Problem):
                repl.reset()
    except (Problem, ReplError) as error:
        said = error.what if isinstance(error, Problem) else error.last_line
        return Problem(
            f"The new firmware did not come up: {heard} The board could not be asked why: {said}",
            "Switch it off and on, twice where need be: it goes back to the firmware before. Then deploy again.",
        )
    return _told(found, place, before, heard)


def _told(found: _Found, place: str, before: BoardState, heard: str) -> Problem:
    state = found.state
    if _confirmed_itself(state, place, before):
        return Problem(
            f"The new firmware started and stays up, as the board itself says, but on its port: {heard}",
            "Close what else may have the port open, then ask the tool: iastm link-test --port PORT.",
        )
    if before.in_force == place:
        return Problem(
            f"With its new files beside the firmware the tool did not come up: {heard} It has those before.",
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


def _confirmed_itself(state: State, place: str, before: BoardState) -> bool:
    """Return whether the release that was tried is well by its own account: then it stays."""
    return state.place == place and state.status == OK and before.in_force != place


def _go_back(repl: RawRepl, place: str, before: BoardState) -> _Found:
    repl.run(HELPERS)
    paths = (STATE, STATE_NEW, FAILED)
    files = {path: data for path in paths if (data := read_if_there(repl, path)) is not None}
    found = _Found(state_of(files), _reason_in(files.get(FAILED, b"")))
    if _confirmed_itself(found.state, place, before):
        return found
    if before.in_force != place:
        if found.state.place == place:
            put_state(repl, State(before.in_force, OK, 0, NOWHERE))
        # Nothing is to choose it for want of another.
        repl.run(f"_remove({f'{RELEASES}/{place}/{MANIFEST}'!r})")
    for path in (BOARD_FILE, BOARD_NAME):
        was, now = before.files.get(path), read_if_there(repl, path)
        if was is not None and was != now:
            repl.write_file(f"{path}.new", was)
            repl.run(f"_rename({f'{path}.new'!r},{path!r})")
        elif was is None and now is not None:
            repl.run(f"_remove({path!r})")
    return found


def _reason_in(failed: bytes) -> str:
    """Return the last line of what the selector noted, which is the error of a traceback; the first names the place."""
    lines = [line.strip() for line in failed.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].rstrip(".") + "." if len(lines) > 1 else ""
