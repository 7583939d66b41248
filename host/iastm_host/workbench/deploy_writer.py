"""Writes a release beside the one that runs, so that at any time one of the two starts."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.board_state import (
    BEFORE,
    FAILED,
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
    hash_files,
    read_if_there,
    read_state,
)
from iastm_host.workbench.deploy_checks import KEPT
from iastm_host.workbench.release import Release

TRIES = 2
_OLDER = ".before"


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, for a bar, a line or a window: `done` of `total`, both 0 where that can't be told.

    Names, in order: open, ask, check, compile, copy, send, verify, main, board, switch, restart, and reason
    where it failed. A note comes at any time, and should still be seen at the end.
    """

    name: str
    words: str
    done: int = 0
    total: int = 0


class Writer:
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

    def leave_trial(self) -> None:
        """Put in force what is known to run, where something else is on trial: it may be written to then."""
        state = self._board.state
        if state.status == TRIAL:
            end_trial(self._repl, self._board.in_force)
        elif state.place != self._board.in_force:
            put_state(self._repl, State(self._board.in_force, OK, 0, NOWHERE))

    def place(self) -> None:
        """Fill the place and read it back; its release.json comes last."""
        board, repl = self._board, self._repl
        root = f"{RELEASES}/{self.target}"
        self.leave_trial()
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

    def switch(self, place: str, files: dict[str, bytes], hides: str | None) -> list[str]:
        """Have the selector try `place` at the next start, with these board files; return what was kept of old ones.

        `hides` is a board file that would go before them. What the trial is given up for is kept before it begins, and
        nothing is put in force without one.
        """
        self._keep([*files, *([hides] if hides is not None else [])])
        for path, data in files.items():
            self._tell(Step("board", f"Writing {path[1:]}"))
            self._write_verified(f"{path}.new", data)
        self._tell(Step("switch", "Switching to the new release" if place == self.target else "Switching to them"))
        self._repl.run(f"_remove({FAILED!r})")
        put_state(self._repl, State(place, TRIAL, TRIES, self._board.in_force))
        for path in files:
            self._repl.run(f"_rename({f'{path}.new'!r},{path!r})")
        if hides is None:
            return []
        self._repl.run(f"_rename({hides!r},{hides + _OLDER!r})")
        return [hides[1:] + _OLDER]

    def _keep(self, paths: list[str]) -> None:
        """Keep board files as they are now, and no others; an empty one tells that there is none."""
        repl = self._repl
        repl.run(f"_d={BEFORE!r};_mkdir({RELEASES!r});_mkdir(_d)\nfor _n in os.listdir(_d):os.remove(_d+'/'+_n)")
        for path in paths:
            kept = BEFORE + path
            if path not in self._board.files:
                repl.run(f"open({kept!r},'w').close()")
                continue
            repl.run(f"_copy({path!r},{kept!r})")
            hashes = hash_files(repl, [path, kept], lambda _: None, itself=self._board.hashes_itself)
            if hashes.get(path) != hashes.get(kept):
                raise _damaged([kept])

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


def end_trial(repl: RawRepl, in_force: str) -> None:
    """Put in force what was before the trial, with its board files, as the selector does; cut off, it is done again."""
    repl.run(f"_back({BEFORE!r})")
    put_state(repl, State(in_force, OK, 0, NOWHERE))


def put_state(repl: RawRepl, state: State) -> None:
    """Put a state in force, as the selector does: whatever is cut off, one of the two files is whole."""
    there = {path: read_if_there(repl, path) or b"" for path in (STATE, STATE_NEW)}
    if read_state(there[STATE]) is None and read_state(there[STATE_NEW]) is not None:
        # The one copy that there is must not be what is written over.
        repl.run(f"_rename({STATE_NEW!r},{STATE!r})")
    repl.write_file(STATE_NEW, state.line())
    repl.run(f"_rename({STATE_NEW!r},{STATE!r})")


def _damaged(paths: list[str]) -> Problem:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Problem(
        f"What the board reads back of {paths[0]}{more} is not what was sent. {KEPT}",
        "Deploy again. Where it happens again the board's flash is worn: use another board.",
    )
