"""Single keys from a terminal, without waiting and without echo."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from typing import Protocol


class Keys(Protocol):
    """Where keys come from."""

    def pressed(self) -> str:
        """Return the keys pressed since the last call, lower case."""


class NoKeys:
    """No keyboard."""

    def pressed(self) -> str:
        """Return nothing."""
        return ""


class TerminalKeys:
    """The keyboard of a POSIX terminal that has been put into cbreak mode."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def pressed(self) -> str:
        """Return the keys pressed since the last call, lower case."""
        text = b""
        while select.select([self._fd], [], [], 0)[0]:
            data = os.read(self._fd, 64)
            if not data:
                break
            text += data
        return text.decode(errors="ignore").lower()


@contextlib.contextmanager
def terminal_keys() -> Iterator[Keys]:
    """Give the keys of stdin, its mode restored afterwards; no keys where it is no POSIX terminal."""
    if os.name != "posix" or not sys.stdin.isatty():
        yield NoKeys()
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield TerminalKeys(fd)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
