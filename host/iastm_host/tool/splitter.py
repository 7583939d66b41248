"""Everything that comes over a link, in order and none of it left out: frames, text outside of them, and damage.

A client needs frames alone; who finds out what a new board does wants the rest too. Nothing here waits or raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from iastm_host.tool.carrier import ChunkDecoder
from iastm_host.tool.plain_text import is_text
from iastm_protocol import frames, kinds

# What is shown of damage.
_START_BYTES = 48
# The longest block of a frame on a link, and how much that is no text is waited for without an end.
_LONGEST_BLOCK = frames.cobs_size(frames.HEADER_BYTES + kinds.MAX_LINK_PAYLOAD + frames.CRC_BYTES)
_LONGEST_RUN = 4096
# Of a frame that is under way less may read as text; a program that says less than this waits for its line's end.
_TELLING_TEXT_BYTES = 4
_UNENDED_SILENCES = 10
# What a program says after it broke off a frame.
_TEXT_AT_THE_END = re.compile(rb"[\t\r\n\x20-\x7e]{12,}\Z")


@dataclass(frozen=True, slots=True)
class FrameSeen:
    """A whole frame; `at` is the place of its first byte in all that came."""

    kind: int
    sequence: int
    payload: bytes
    at: int


@dataclass(frozen=True, slots=True)
class TextSeen:
    """Bytes outside of frames that read as text."""

    data: bytes
    at: int


@dataclass(frozen=True, slots=True)
class DamageSeen:
    """`size` bytes that are neither frame nor text, and how they begin.

    `cut`: nothing whole came before them, so that they may be the end of a frame that began earlier.
    """

    size: int
    start: bytes
    at: int
    cut: bool = False


Piece = FrameSeen | TextSeen | DamageSeen


class Splitter(Protocol):
    """Turns chunks into pieces."""

    def feed(self, data: bytes) -> list[Piece]:
        """Take a chunk's data."""

    def silence(self) -> list[Piece]:
        """Tell that nothing came for a tenth of a second."""

    def finish(self) -> list[Piece]:
        """Tell that nothing will come."""


def new_splitter(mtu: int | None) -> Splitter:
    """Return what splits a link whose messages hold `mtu` bytes; None is a byte stream."""
    return StreamSplitter() if mtu is None else MessageSplitter()


class StreamSplitter:
    """Splits a byte stream, on which each frame stands between two zero bytes."""

    def __init__(self) -> None:
        self._block = b""
        self._at = 0
        # Whether the last zero byte opened a frame, rather than closed one: text may not be told from its beginning.
        self._inside = False
        self._met_something = False
        self._silences = 0

    def feed(self, data: bytes) -> list[Piece]:
        """Take received bytes."""
        pieces: list[Piece] = []
        if data:
            self._silences = 0
        *ended, rest = data.split(b"\0")
        for part in ended:
            self._block += part
            pieces += self._end_block()
        self._block += rest
        if not self._inside and b"\n" in self._block:
            pieces += self._take_text(self._block.rindex(b"\n") + 1)
        if len(self._block) > _LONGEST_RUN:
            pieces += self._take_text(len(self._block)) or self._take_damage()
        return pieces

    def silence(self) -> list[Piece]:
        """Give what reads as text, though its line has no end yet; after a second what does not, too."""
        self._silences += 1
        if not self._block:
            return []
        if not self._inside or len(self._block) >= _TELLING_TEXT_BYTES:
            pieces = self._take_text(len(self._block))
            if pieces:
                return pieces
        return self._take_damage() if self._silences >= _UNENDED_SILENCES else []

    def finish(self) -> list[Piece]:
        """Give what is left."""
        if not self._block:
            return []
        return self._take_text(len(self._block)) or self._take_damage()

    def _end_block(self) -> list[Piece]:
        """Take the zero byte at the block's end."""
        block, at = self._block, self._at
        if not block:
            self._inside = True
            self._drop(1)
            return []
        frame = None
        if len(block) <= _LONGEST_BLOCK and (raw := frames.unstuff(block)) is not None:
            frame = frames.parse(raw, kinds.MAX_LINK_PAYLOAD, True)
        pieces: list[Piece]
        if frame is not None:
            pieces = [FrameSeen(frame.kind, frame.sequence, frame.payload, at)]
            self._inside = False
            self._drop(len(block) + 1)
        elif is_text(block):
            pieces = [TextSeen(block, at)]
            self._inside = True
            self._drop(len(block) + 1)
        else:
            pieces = self._take_damage()
            self._inside = not self._inside
            self._drop(1)
        self._met_something = True
        return pieces

    def _take_text(self, size: int) -> list[Piece]:
        head = self._block[:size]
        if not is_text(head):
            return []
        piece = TextSeen(head, self._at)
        self._met_something = True
        self._drop(size)
        return [piece]

    def _take_damage(self) -> list[Piece]:
        block, at = self._block, self._at
        ending = _TEXT_AT_THE_END.search(block)
        size = ending.start() if ending is not None else len(block)
        pieces: list[Piece] = []
        if size:
            pieces.append(DamageSeen(size, block[:size][:_START_BYTES], at, not self._met_something))
        if ending is not None:
            pieces.append(TextSeen(block[size:], at + size))
        self._met_something = True
        self._drop(len(block))
        return pieces

    def _drop(self, size: int) -> None:
        self._block = self._block[size:]
        self._at += size


class MessageSplitter:
    """Splits chunks of a carrier of messages, where nothing stands outside of frames."""

    def __init__(self) -> None:
        self._decoder = ChunkDecoder(kinds.MAX_LINK_PAYLOAD)
        self._at = 0

    def feed(self, data: bytes) -> list[Piece]:
        """Take a chunk's data."""
        damaged = self._decoder.damaged
        self._decoder.feed(data)
        pieces: list[Piece] = []
        while (frame := self._decoder.next_frame()) is not None:
            pieces.append(FrameSeen(frame.kind, frame.sequence, frame.payload, self._at))
        if self._decoder.damaged > damaged:
            start = self._decoder.seen[:_START_BYTES]
            pieces.append(DamageSeen(len(start), start, self._at))
        self._at += len(data)
        return pieces

    def silence(self) -> list[Piece]:
        """Return nothing: a message that came is whole."""
        return []

    def finish(self) -> list[Piece]:
        """Return nothing: a message that came is whole."""
        return []
