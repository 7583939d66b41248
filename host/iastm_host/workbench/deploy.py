"""Brings the firmware to a board so that whatever happens on the way, a tool is left that starts.

What runs is never touched: the release goes into the other of two places, is read back there, and the selector
(main.py) is told to try it. Where it does not come up, the selector goes back by itself (docs/firmware.md, "Releases").
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, TransportError
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import BOARD_FILE, BOARD_NAME, MAIN, NOWHERE, OK, BoardState, ask_board
from iastm_host.workbench.deploy_back import check_kept, taken_back
from iastm_host.workbench.deploy_checks import (
    HEAP_NEEDED_BYTES,
    KEPT,
    OLDEST_MICROPYTHON,
    check_bytecode,
    check_chip,
    check_main,
    check_memory,
    check_micropython,
    check_space,
    dotted,
    is_ours,
    refused,
)
from iastm_host.workbench.deploy_writer import Step, Writer
from iastm_host.workbench.release import Release, selector_source

__all__ = [
    "ANOTHER",
    "NOTE",
    "OLDEST_MICROPYTHON",
    "RUNS",
    "SILENT",
    "Deployed",
    "Step",
    "StoppedError",
    "Verdict",
    "deploy",
]

RUNS, ANOTHER, SILENT = "runs", "another", "silent"
NOTE = "note"
"""The name of a Step that says what a person should still see at the end."""
_STARTS = "The tool starts: with the firmware it had, or the new one if it was switched to."
_WAITS = (
    "The board could not be told to restart, and may wait where no tool runs. Switch it off and on: the tool then "
    "starts, with the firmware it had, or the new one if it was switched to."
)
_ON_TRIAL = "The tool restarts with the new firmware, and goes back by itself where that does not stay up."
_PORT_BACK_S = 3.0


class StoppedError(KeyboardInterrupt):
    """An interrupt of a deploy; its words are how the board was left."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the board said after its restart.

    "runs": the release that was deployed, and it stays up; `words` are then what it says is wrong with it, "" nothing.
    "another": another firmware answers. "silent": nothing does. `words` tell what was seen.
    """

    state: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was done: the release that runs now and its place, and what was sent, in files and bytes of them.

    `changed` is False where all was there already: then nothing was written. `trouble` is what the tool says is wrong
    with it, "" nothing; `replaced` are files of somebody else that were kept under another name.
    """

    release_id: str
    place: str
    changed: bool
    sent_files: int = 0
    sent_bytes: int = 0
    kept_files: int = 0
    trouble: str = ""
    replaced: tuple[str, ...] = ()


def deploy(
    repl_factory: Callable[[], RawRepl],
    release_for: Callable[[str], Release],
    confirm: Callable[[str], Verdict],
    tell: Callable[[Step], None],
    *,
    board_file: bytes | None = None,
    board_name: str | None = None,
    replace_main: bool = False,
    chip: str = "",
    selector: bytes | None = None,
    heap_needed_bytes: int = HEAP_NEEDED_BYTES,
) -> Deployed:
    """Bring a release to the board, switch to it and see it run; raises Problem, and then the tool before still starts.

    `repl_factory` makes the prompt of the board, closed; `release_for` makes the release for an architecture;
    `confirm` is given its source hash, waits for the restarted board and judges what it says; `tell` is given each
    step. `board_file` is a board.py and `board_name` the name of one of the firmware's own; `chip` is
    the one that they are for, as "ESP32-S3", "" where that is not known. `selector` is the main.py that goes with the
    release, this toolkit's own unless given.
    """
    wanted = _Wanted(board_file, board_name, replace_main, chip, selector or selector_source(), heap_needed_bytes)
    written = _bring(repl_factory, release_for, tell, wanted)
    if written.before is None:
        return written.deployed
    try:
        tell(Step("restart", "The board restarts; waiting until the tool stays up with it"))
        verdict = confirm(written.source_hash)
        if verdict.state == RUNS:
            if written.tried_as_another_was:
                tell(Step("reason", "Asking the board whether it kept them"))
                check_kept(repl_factory, written.deployed.place, written.before)
            return replace(written.deployed, trouble=verdict.words)
        tell(Step("reason", "The new firmware did not come up: asking the board why"))
        raise taken_back(repl_factory, written.deployed.place, written.before, verdict.words)
    except KeyboardInterrupt as error:
        raise StoppedError(_ON_TRIAL) from error


@dataclass(frozen=True, slots=True)
class _Wanted:
    board_file: bytes | None
    board_name: str | None
    replace_main: bool
    chip: str
    selector: bytes
    heap_needed_bytes: int

    @property
    def board(self) -> str:
        """Whose pins they are, for a person."""
        return "the board file" if self.board_name is None else f"the board {self.board_name}"

    def files(self) -> dict[str, bytes]:
        """The board's files as they are to be."""
        files = {}
        if self.board_file is not None:
            files[BOARD_FILE] = self.board_file
        if self.board_name is not None:
            files[BOARD_NAME] = self.board_name.encode()
        return files


@dataclass(frozen=True, slots=True)
class _Written:
    """What lies on the board once it restarts; `before` is None where nothing was written.

    `tried_as_another_was`: what is on trial, and what follows it where it fails, say the same of their sources.
    """

    deployed: Deployed
    source_hash: str
    before: BoardState | None
    tried_as_another_was: bool = False


def _bring(
    repl_factory: Callable[[], RawRepl],
    release_for: Callable[[str], Release],
    tell: Callable[[Step], None],
    wanted: _Wanted,
) -> _Written:
    tell(Step("open", "Asking the board for its prompt"))
    repl = repl_factory()
    try:
        repl.open()
        written = _write(repl, release_for, tell, wanted)
        repl.reset()
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        restarts = _let_go(repl, anyhow=interrupted)
        if interrupted:
            raise StoppedError(_STARTS if restarts else _WAITS) from error
        if isinstance(error, TransportError) and error.reason == LOST:
            raise TransportError(
                LOST,
                f"The board went away while it was deployed to: {error.what}",
                f"{KEPT} Plug it in again and deploy once more: what was sent is not sent again.",
            ) from error
        if isinstance(error, ReplError):
            raise refused(error) from error
        raise
    return written


def _let_go(repl: RawRepl, *, anyhow: bool) -> bool:
    """Restart the board, so that it is not left at a prompt, where no tool runs; return whether it could be told.

    `anyhow`: a board that was left amid a restart is waited for; it may be on its way into safe mode.
    """
    with contextlib.suppress(Problem):
        repl.reset()
        return True
    if anyhow:
        with contextlib.suppress(Problem):
            repl.wait_for_port(_PORT_BACK_S)
            repl.open(restarting=True)
            repl.reset()
            return True
    return False


def _write(
    repl: RawRepl, release_for: Callable[[str], Release], tell: Callable[[Step], None], wanted: _Wanted
) -> _Written:
    tell(Step("ask", "Looking at what is on the board"))
    board = ask_board(repl, lambda done, total: tell(Step("ask", "Looking at what is on the board", done, total)))
    tell(Step("check", f"Found {board.machine or board.platform}, MicroPython {dotted(board.version)}"))
    check_micropython(board)
    check_chip(board, wanted.chip, wanted.board)
    tell(Step("compile", f"Compiling for {board.architecture}"))
    release = release_for(board.architecture)
    check_bytecode(board, release)
    selector = wanted.selector
    check_main(board, selector, replace_main=wanted.replace_main)
    writer = Writer(repl, board, release, tell)
    files = {path: data for path, data in wanted.files().items() if board.files.get(path) != data}
    # A board.py goes before a name.
    hides = BOARD_FILE if wanted.board_name is not None and BOARD_FILE in board.files else None
    in_force = board.in_force
    if _is_there(board, release, selector) and not files and hides is None:
        return _Written(Deployed(release.id, in_force, changed=False), release.source_hash, None)
    check_memory(board, wanted.heap_needed_bytes)
    check_space(board, release, writer.target)
    if in_force != NOWHERE and board.places[in_force].whole and _same(board, in_force, release):
        # Only what lies beside the releases is another: the release stays where it is, and is tried with that.
        place = in_force
        writer.leave_trial()
    else:
        place = writer.target
        writer.place()
    replaced = writer.main(selector, keep=not is_ours(board.files.get(MAIN, b"")))
    is_tried = place == writer.target or bool(files) or hides is not None
    if is_tried:
        replaced += writer.switch(place, files, hides)
    deployed = Deployed(
        release.id, place, True, writer.sent_files, writer.sent_bytes, writer.kept_files, "", tuple(replaced)
    )
    return _Written(deployed, release.source_hash, board, is_tried and board.runs_sources(release.source_hash))


def _same(board: BoardState, place: str, release: Release) -> bool:
    manifest = board.places[place].manifest
    return manifest is not None and manifest.id == release.id and dict(manifest.files) == release.hashes()


def _is_there(board: BoardState, release: Release, selector: bytes) -> bool:
    place = board.in_force
    return (
        place != NOWHERE
        and board.state.status == OK
        and _same(board, place, release)
        and board.places[place].whole
        and board.files.get(MAIN) == selector
    )
