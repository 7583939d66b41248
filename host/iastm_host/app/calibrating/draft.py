"""The draft of a calibration: what was done, line by line, on the disk before anything else happens.

A line of JSON each, appended and synced. A line that a power cut tore is cut off when the draft is taken up again; all
before it is there. A disk that is full or gone loses nothing: lines wait in memory and are written with the next one.
One program at a time has a draft open.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from iastm_host.events import Problem
from iastm_host.records import disk
from iastm_host.records.lock import Lock, held

SCHEMA = 1
SUFFIX = ".calibration-draft.jsonl"
FINISHED = b'{"kind": "finished"}'

Line = dict[str, Any]


class Draft:
    """One draft being written; `trouble` is what stops it, None while nothing does."""

    def __init__(
        self, path: Path, open_file: Callable[[Path], IO[bytes]] | None = None, sync: Callable[[int], None] = os.fsync
    ) -> None:
        """Append to `path`, behind its last whole line, and hold it until `close`.

        Raises Problem where it can't be opened, or another program has it open. `open_file` opens it for unbuffered
        appending.
        """
        self.path = path
        self.trouble: Problem | None = None
        self._open = open_file or _open
        self._sync = sync
        self._unwritten = b""
        self._lock: Lock | None = None
        try:
            self._open(path).close()
            self._lock = Lock(path)
            _cut_off_torn(path)
        except BlockingIOError:
            raise Problem(
                f"The calibration {path.name.removesuffix(SUFFIX)} is open in another window.",
                "Close that one, or begin a new one.",
            ) from None
        except (OSError, ValueError) as error:
            self.close()
            raise Problem(
                f"The draft {path} can't be written: {disk.reason(error)}.", f"{disk.cure(error)}."
            ) from error

    def close(self) -> None:
        """Let other programs have it."""
        if self._lock is not None:
            self._lock.close()

    def remove(self) -> None:
        """Take it away, as one that nothing was done in."""
        self.close()
        # One that can't be removed is passed over later.
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def write(self, *lines: Mapping[str, object]) -> None:
        """Put lines on the disk, with those that it refused before."""
        for line in lines:
            self._unwritten += json.dumps(line, allow_nan=False).encode() + b"\n"
        if not self._unwritten:
            return
        try:
            with self._open(self.path) as file:
                while self._unwritten:
                    written = file.write(self._unwritten)
                    self._unwritten = self._unwritten[written:]
                self._sync(file.fileno())
            self.trouble = None
        except OSError as error:
            self.trouble = Problem(
                f"{disk.reason(error)}. The points are kept in memory.", f"{disk.cure(error)}, then go on."
            )


def draft_path(folder: Path, stem: str) -> Path:
    """Return a path in `folder` that no file has yet."""
    path = folder / f"{stem}{SUFFIX}"
    number = 2
    while path.exists():
        path = folder / f"{stem}_{number}{SUFFIX}"
        number += 1
    return path


def read_draft(path: Path) -> list[Line]:
    """Return the whole lines of a draft. Raises Problem where it can't be read or is newer."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise Problem(f"The draft {path} can't be read: {disk.reason(error)}.", f"{disk.cure(error)}.") from error
    whole = data.rfind(b"\n") + 1
    lines = [_line(text, number, path) for number, text in enumerate(data[:whole].splitlines(), 1)]
    if not lines or lines[0].get("kind") != "start":
        raise Problem(f"{path} holds no calibration that was begun.", "Choose another draft, or begin anew.")
    if lines[0].get("schema") != SCHEMA:
        raise Problem(
            f"{path} was written by another version of this program (schema {lines[0].get('schema')}).",
            "Go on with that version, or begin anew.",
        )
    return lines


def unfinished_drafts(folder: Path) -> list[Path]:
    """Return the unfinished drafts in a folder, the one written last first."""
    try:
        drafts = [path for path in folder.iterdir() if path.name.endswith(SUFFIX) and not _finished(path)]
        return sorted(drafts, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    except OSError:
        return []


def in_use(path: Path) -> bool:
    """Tell whether a program has a draft open."""
    return held(path)


def _finished(path: Path) -> bool:
    return path.read_bytes().rstrip().rpartition(b"\n")[2] == FINISHED


def _cut_off_torn(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def _line(text: bytes, number: int, path: Path) -> Line:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict) or not isinstance(line.get("kind"), str):
        raise Problem(f"Line {number} of {path} is no line of a draft.", "It was altered or damaged. Begin anew.")
    return line


def _open(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab", buffering=0)
