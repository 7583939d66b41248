"""Media for the two-slot store in memory: whose power goes at any byte, which fail, tear and forget."""

from __future__ import annotations

import errno
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterable

import pytest

BLOCK = 16

# How a medium looks when the power goes after n bytes of a write: a function of old content, new content and n.
Medium = Callable[[bytes, bytes, int], bytes]


def in_place(old: bytes, new: bytes, n: int) -> bytes:
    return new[:n] + old[n:]


def cut_short_first(old: bytes, new: bytes, n: int) -> bytes:
    return new[:n]


def erased_first(old: bytes, new: bytes, n: int) -> bytes:
    return new[:n] + b"\xff" * (max(len(old), len(new)) - n)


def block_of_garbage(old: bytes, new: bytes, n: int) -> bytes:
    end = (n // BLOCK + 1) * BLOCK
    return new[:n] + random.Random(n).randbytes(end - n) + old[end:]


def blocks_in_any_order(old: bytes, new: bytes, n: int) -> bytes:
    starts = list(range(0, len(new), BLOCK))
    random.Random(len(new)).shuffle(starts)
    content = bytearray(old.ljust(len(new), b"\0"))
    for start in starts:
        taken = min(n, BLOCK, len(new) - start)
        content[start : start + taken] = new[start : start + taken]
        n -= taken
    return bytes(content)


def at_once(old: bytes, new: bytes, n: int) -> bytes:
    return new + old[len(new) :] if n == len(new) else old


MEDIA = [in_place, cut_short_first, erased_first, block_of_garbage, blocks_in_any_order, at_once]
media = pytest.mark.parametrize("medium", MEDIA, ids=lambda medium: medium.__name__.strip("_"))


class PowerCut(Exception):
    """Nothing runs on from here."""


class Storage:
    """Two slots on a medium. Each written byte, each end of a write and each opening uses one unit of `power`.

    `late`: what is written to a file that stays open arrives when it is synchronised, as littlefs has it; else at once.
    """

    def __init__(
        self, medium: Medium = in_place, slots: Iterable[bytes | None] = (None, None), *, late: bool = False
    ) -> None:
        self.slots = list(slots)
        self.late = late
        self.power: int | None = None
        self.used = 0
        # Errors that the next openings of a slot raise, None for one that works.
        self.open_errors: list[list[int | None]] = [[], []]
        # The next writes: how many bytes arrive before the error; None for a write that works.
        self.write_errors: list[int | None] = []
        self.on_written: Callable[[bytes], bytes] = lambda content: content
        self.written: list[int] = []
        self._medium = medium

    def open(self, slot: int) -> io.BytesIO:
        self._use(1)
        failure = self.open_errors[slot].pop(0) if self.open_errors[slot] else None
        if failure is not None:
            raise OSError(failure, "refused")
        content = self.slots[slot]
        if content is None:
            raise OSError(errno.ENOENT, "never written")
        return io.BytesIO(content)

    def write(self, slot: int, parts: Iterable[bytes]) -> None:
        old = self.slots[slot] or b""
        new = b"".join(bytes(part) for part in parts)
        self.written.append(slot)
        failing_at = self.write_errors.pop(0) if self.write_errors else None
        if failing_at is not None:
            self.slots[slot] = self._medium(old, new, min(failing_at, len(new)))
            raise OSError(errno.EIO, "broken")
        if self.power is not None and self.power < len(new):
            self.slots[slot] = self._medium(old, new, self.power)
            raise PowerCut
        self.slots[slot] = self.on_written(self._medium(old, new, len(new)))
        self._use(len(new) + 1)

    def rewrite(self, slot: int) -> Rewriting:
        self._use(1)
        self.written.append(slot)
        return Rewriting(self, slot)

    def sync(self, file: Rewriting) -> None:
        if self.late:
            file.arrive(len(file.new))
        self._use(1)

    def arrive(self, slot: int, old: bytes, new: bytes, done: int) -> None:
        """Let the bytes of `new` behind the first `done` arrive in a slot that held `old`."""
        coming = len(new) - done
        failing_at = self.write_errors.pop(0) if self.write_errors else None
        if failing_at is not None:
            self.slots[slot] = self._medium(old, new, done + min(failing_at, coming))
            raise OSError(errno.EIO, "broken")
        if self.power is not None and self.power < coming:
            self.slots[slot] = self._medium(old, new, done + self.power)
            raise PowerCut
        self.slots[slot] = self.on_written(self._medium(old, new, len(new)))
        self._use(coming)

    def _use(self, units: int) -> None:
        self.used += units
        if self.power is not None:
            if self.power < units:
                raise PowerCut
            self.power -= units


class Rewriting:
    """A slot's file that is written over, in pieces."""

    def __init__(self, storage: Storage, slot: int) -> None:
        self.new = b""
        self._storage = storage
        self._slot = slot
        self._old = storage.slots[slot] or b""
        self._done = 0
        self.closed = False

    def seek(self, at: int) -> None:
        self.new = self._old[:at].ljust(at, b"\0")
        self._done = at

    def write(self, data: bytes) -> int:
        assert not self.closed
        self.new += bytes(data)
        if not self._storage.late:
            self.arrive(len(self.new))
        return len(data)

    def arrive(self, end: int) -> None:
        done, self._done = self._done, end
        self._storage.arrive(self._slot, self._old, self.new[:end], done)

    def close(self) -> None:
        self.closed = True


def slot_bytes(generation: int, document: bytes) -> bytes:
    """The bytes of a slot, written out independently of the code under test."""
    start = b"SLT1" + struct.pack("<II", generation, len(document)) + document
    return start + struct.pack("<I", zlib.crc32(start))


def is_whole(content: bytes | None, generation: int, document: bytes) -> bool:
    return content is not None and content.startswith(slot_bytes(generation, document))
