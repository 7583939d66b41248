"""A lock on a file that one program holds at a time; it is gone with the program, however that ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

# Far behind the end of any file that is locked here: Windows keeps others from reading what is locked.
_LOCKED_BYTE = 1 << 30
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class Lock:
    """Holds a file, which is made where it isn't there, until `close`."""

    def __init__(self, path: Path) -> None:
        """Raises BlockingIOError where another holds it, OSError where the file can't be opened."""
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._fd)
        except OSError as error:
            if error.errno in _HELD:
                self.close()
                raise BlockingIOError(error.errno, "open in another program") from error
            # A file system that knows no locks: going on without one is better than not at all.

    def close(self) -> None:
        """Let go; twice is no error."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def held(path: Path) -> bool:
    """Tell whether somebody holds a file; one that can't be opened is held by nobody."""
    if not path.exists():
        return False
    try:
        Lock(path).close()
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
