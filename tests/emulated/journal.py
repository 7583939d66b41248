"""What a flash was told, change by change: so its content at any moment, or at half of any change, can be had."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ERASE, PROGRAM = 0, 1
_HEAD = struct.Struct("<B2I")


class Change(NamedTuple):
    """An erasure or a programming of `data` at `place`."""

    kind: int
    place: int
    data: bytes

    def encoded(self) -> bytes:
        """Return it as it stands in a journal."""
        return _HEAD.pack(self.kind, self.place, len(self.data)) + self.data

    def apply(self, flash: bytearray, share: float = 1.0) -> None:
        """Change `flash`; `share` of the bytes, where the power went away meanwhile."""
        data = self.data[: round(len(self.data) * share)]
        span = slice(self.place, self.place + len(data))
        if self.kind == ERASE:
            flash[span] = data
        else:
            # Programming takes bits away and gives none.
            flash[span] = bytes(old & new for old, new in zip(flash[span], data, strict=True))


def read_journal(path: Path) -> list[Change]:
    """Return the changes in a journal; one that was being written when the program was killed is left out."""
    data, place, changes = path.read_bytes(), 0, []
    while place + _HEAD.size <= len(data):
        kind, at, length = _HEAD.unpack_from(data, place)
        end = place + _HEAD.size + length
        if end > len(data):
            break
        changes.append(Change(kind, at, data[place + _HEAD.size : end]))
        place = end
    return changes


def flash_after(flash: bytes, changes: Sequence[Change]) -> bytes:
    """Return a flash after these changes."""
    content = bytearray(flash)
    for change in changes:
        change.apply(content)
    return bytes(content)
