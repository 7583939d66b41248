"""Writing a recording in a thread of its own: appended, flushed within 200 ms, on the disk within a second.

A disk that is full or gone loses nothing: entries stay in memory and are written when it takes them again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO

from iastm_host.events import Chunk, Problem
from iastm_host.records import disk
from iastm_host.records.entries import FORMAT, LINK_BROKEN, SUFFIX, VERSION, encode_entry, encode_note
from iastm_protocol import kinds

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.1
SYNC_EVERY_FLUSHES = 5
_CLOSE_TIMEOUT_S = 10.0


class Recorder:
    """One recording being written; `path` and `bytes_written` grow visible, `trouble` says what stops it."""

    def __init__(self, path: Path, open_new: Callable[[Path], IO[bytes]] | None = None) -> None:
        """Create `path`, which must not exist; raises Problem. `open_new` opens it for unbuffered writing."""
        self.path = path
        self.bytes_written = 0
        self.trouble = ""
        self._file = _create(path, open_new or _open_new)
        self._lock = threading.Lock()
        self._queue: list[tuple[int, int, bytes]] = []
        self._writing = threading.Lock()
        self._unwritten = b""
        self._sequence = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def append(self, kind: int, host_us: int, payload: bytes) -> None:
        """Enqueue an entry; returns at once."""
        with self._lock:
            self._queue.append((kind, host_us, payload))

    def received(self, chunk: Chunk) -> None:
        """Enqueue a chunk as it came."""
        self.append(kinds.RECEIVED, chunk.host_us, chunk.data)

    def link_broken(self, host_us: int, reason: str) -> None:
        """Enqueue that the link broke: what follows comes over another connection."""
        self.note(host_us, {"note": LINK_BROKEN, "reason": reason})

    def note(self, host_us: int, note: Mapping[str, object]) -> None:
        """Enqueue a note of the host's."""
        self.append(kinds.NOTE, host_us, encode_note(note))

    def flush(self) -> None:
        """Write what is queued in the caller's thread: a recording that has its start can be opened."""
        self._write(sync=False)

    def close(self) -> None:
        """Write what is queued, sync, close; what a full disk refuses to the end stands in `trouble`."""
        self._closing.set()
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        try:
            self._write_until_closing()
        except Exception as error:
            # Whatever it is, a recording never stops in silence.
            log.exception("the recorder failed")
            self.trouble = f"Recording stopped by a fault of the program: {error!r}. Start a new one."
        with contextlib.suppress(OSError):
            self._file.close()

    def _write_until_closing(self) -> None:
        flushes = 0
        while not self._closing.wait(FLUSH_EVERY_S):
            flushes += 1
            self._write(sync=flushes % SYNC_EVERY_FLUSHES == 0)
        self._write(sync=True)
        if self._unwritten:
            why = self.trouble.split(".")[0]
            self.trouble = f"{why}. The recording lacks its end: {len(self._unwritten)} bytes were not written."

    def _write(self, *, sync: bool) -> None:
        with self._writing:
            self._write_queue(sync=sync)

    def _write_queue(self, *, sync: bool) -> None:
        with self._lock:
            queue, self._queue = self._queue, []
        pieces = [self._unwritten]
        for kind, host_us, payload in queue:
            pieces.append(encode_entry(kind, self._sequence, host_us, payload))
            self._sequence += 1
        self._unwritten = b"".join(pieces)
        try:
            while self._unwritten:
                written = self._file.write(self._unwritten)
                self.bytes_written += written
                self._unwritten = self._unwritten[written:]
            if sync:
                os.fsync(self._file.fileno())
            self.trouble = ""
        except OSError as error:
            self.trouble = f"{disk.reason(error)}. The session is kept in memory. {disk.cure(error)}."


def recording_path(folder: Path, now: datetime) -> Path:
    """Return a path in `folder` for a recording that starts `now`, taken by no file yet; raises Problem."""
    stem = now.strftime("%Y-%m-%d_%H-%M-%S")
    path = folder / f"{stem}{SUFFIX}"
    number = 2
    try:
        while path.exists():
            path = folder / f"{stem}_{number}{SUFFIX}"
            number += 1
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error
    return path


def start_note(
    now: datetime, mtu: int | None, carrier: str, software: str, settings: Mapping[str, object]
) -> dict[str, object]:
    """Return the first note of a recording."""
    return {
        "note": "start",
        "format": FORMAT,
        "version": VERSION,
        "wall_time": now.isoformat(),
        "mtu": mtu,
        "carrier": carrier,
        "software": software,
        "settings": dict(settings),
    }


def _open_new(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb", buffering=0)


def _create(path: Path, open_new: Callable[[Path], IO[bytes]]) -> IO[bytes]:
    try:
        return open_new(path)
    except FileExistsError as error:
        raise Problem(f"{path} exists and is not overwritten.", "Choose another folder or name.") from error
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError | ValueError) -> Problem:
    return Problem(f"The recording {path} can't be created: {disk.reason(error)}.", f"{disk.cure(error)}.")
