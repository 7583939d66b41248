"""How frames travel: on a byte stream as they are, on a carrier of messages in pieces, within borders in a chunk."""

from __future__ import annotations

from iastm_host.transports.borders import messages_in
from iastm_protocol import frames, kinds
from iastm_protocol.fragments import FragmentDecoder, fragments

_writer = frames.BareFrameWriter(kinds.MAX_LINK_PAYLOAD)


class ChunkDecoder:
    """Turns chunks of a carrier of messages into frames; used as frames.Decoder is."""

    def __init__(self, max_payload: int) -> None:
        self._pieces = FragmentDecoder(max_payload)
        self._without_borders = 0

    def feed(self, data: bytes) -> None:
        """Take a chunk's data; one whose borders make no sense is damage from there on."""
        try:
            for message in messages_in(data):
                self._pieces.feed(message)
        except ValueError:
            self._without_borders += 1

    def next_frame(self) -> frames.Frame | None:
        """Return the next whole frame, None until more is fed."""
        frame: frames.Frame | None = self._pieces.next_frame()
        return frame

    @property
    def damaged(self) -> int:
        """How often something came that was no frame."""
        count: int = self._pieces.damaged + self._without_borders
        return count

    @property
    def seen(self) -> bytes:
        """The start of what was damaged last, or of a frame under way."""
        start: bytes = self._pieces.seen
        return start


Decoder = frames.Decoder | ChunkDecoder


def new_decoder(mtu: int | None) -> Decoder:
    """Return what reads a link whose messages hold `mtu` bytes; None is a byte stream."""
    return frames.Decoder(kinds.MAX_LINK_PAYLOAD) if mtu is None else ChunkDecoder(kinds.MAX_LINK_PAYLOAD)


def wrapped(mtu: int | None, kind: int, sequence: int, payload: bytes) -> list[bytes]:
    """Return a frame as what is written one after the other: itself, or messages of up to `mtu` bytes."""
    if mtu is None:
        return [frames.encode(kind, sequence, payload)]
    pieces: list[bytes] = fragments(bytes(_writer.frame(kind, sequence, payload)), mtu)
    return pieces
