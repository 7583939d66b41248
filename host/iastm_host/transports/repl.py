"""MicroPython's raw REPL on a serial port, as mpremote speaks it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


class ReplError(Exception):
    """Code on the board raised: `traceback` is what it said."""

    def __init__(self, traceback: str) -> None:
        super().__init__(traceback)
        self.traceback = traceback


class RawRepl:
    """The prompt of a board for programs. Blocking; raises TransportError where the board can't be asked."""

    def __init__(self, port: str, timeout_s: float = 10.0) -> None:
        self._port = port
        self._timeout_s = timeout_s

    def open(self) -> None:
        """Interrupt what runs and start afresh, without main.py; a tool that restarts is asked again, within 30 s."""
        raise NotImplementedError

    def run(self, code: str, timeout_s: float | None = None) -> str:
        """Return what `code` prints; raises ReplError where it raises."""
        raise NotImplementedError

    def write_file(self, path: str, data: bytes, progress: Progress | None = None) -> None:
        """Write a file whole; raises ReplError where its file system refuses."""
        raise NotImplementedError

    def read_file(self, path: str) -> bytes:
        """Return a file; raises ReplError where there is none."""
        raise NotImplementedError

    def reset(self) -> None:
        """Restart the board as if it got power, and close the port."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the port; what runs on the board stays as it is."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
