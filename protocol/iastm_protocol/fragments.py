"""Fragments: bare frames on a carrier of whole messages, such as BLE.

A message is a header byte, FIRST and LAST as bits, and a piece of the frame. Such a carrier keeps messages whole and
in order; one that is lost spoils its frame, which the CRC tells.
"""

from iastm_protocol.frames import CRC_BYTES, HEADER_BYTES, parse

FIRST = 0x01
LAST = 0x02
# The smallest message that makes headway: the header and one byte.
MIN_MESSAGE_BYTES = 2
# How much of undecodable input is kept to tell a person what arrived.
_SEEN_BYTES = 48


class FragmentWriter:
    """Cuts frames into messages of up to `capacity` bytes, one after another in the same buffer."""

    def __init__(self, capacity):
        self.capacity = capacity
        self._message = bytearray(capacity)
        self._view = memoryview(self._message)

    def cut(self, rest, first, max_bytes):
        """Return the message (memoryview, valid until the next call) with what goes of `rest` into `max_bytes`.

        `rest` is what is left of a frame, `first` whether that is all of it. The piece is one byte less than the
        message. Raises ValueError where a message would hold no piece.
        """
        max_bytes = min(max_bytes, self.capacity)
        if max_bytes < MIN_MESSAGE_BYTES:
            raise ValueError("messages of %d bytes carry no frame" % max_bytes)
        n = min(len(rest), max_bytes - 1)
        header = FIRST if first else 0
        if n == len(rest):
            header |= LAST
        self._message[0] = header
        self._view[1 : 1 + n] = rest[:n]
        return self._view[: 1 + n]


def fragments(frame, max_bytes):
    """Return the messages (bytes) of up to `max_bytes` that a bare frame is sent in."""
    writer = FragmentWriter(max_bytes)
    messages = []
    rest = memoryview(frame)
    first = True
    while first or rest:
        message = writer.cut(rest, first, max_bytes)
        messages.append(bytes(message))
        rest = rest[len(message) - 1 :]
        first = False
    return messages


class FragmentDecoder:
    """Turns messages into frames; damage is counted and never raised. It is used as a Decoder is.

    `max_payload` bounds a frame. With `link` false the kinds of recordings are admitted too.
    Counters: `frames`, `damaged` (runs of pieces that were no frame), `damaged_bytes` (of their pieces).
    """

    def __init__(self, max_payload, link=True):
        self._max_payload = max_payload
        self._max_bytes = HEADER_BYTES + max_payload + CRC_BYTES
        self._link = link
        self._partial = b""
        self._within = False
        # The frame of these pieces is counted as damaged already.
        self._skipping = False
        self._whole = []
        self._next = 0
        self._seen = b""
        self.frames = 0
        self.damaged = 0
        self.damaged_bytes = 0

    @property
    def seen(self):
        """The start of the last damaged frame, or else of the one under way: for a message to a person."""
        return self._seen or self._partial[:_SEEN_BYTES]

    @property
    def partial_bytes(self):
        """Bytes of a frame that has not ended yet."""
        return len(self._partial)

    def restart(self):
        """Forget a frame under way: the connection that it came on is gone."""
        self._partial = b""
        self._within = False
        self._skipping = False

    def feed(self, message):
        """Take one received message."""
        if not message:
            return
        header = message[0]
        piece = bytes(message[1:])
        if header & ~(FIRST | LAST):
            # None of ours. Where it took the place of a piece, the CRC of that frame will tell.
            self._damage(piece)
            return
        if header & FIRST:
            if self._within and not self._skipping:
                # The frame under way has lost its end.
                self._damage(self._partial)
            self.restart()
            self._within = True
        elif not self._within:
            # A frame that has lost its beginning.
            self._within = True
            self._skip(piece)
        elif self._skipping:
            self.damaged_bytes += len(piece)
        if not self._skipping:
            self._partial += piece
            if len(self._partial) > self._max_bytes:
                self._skip(self._partial)
        if header & LAST:
            if not self._skipping:
                self._end()
            self.restart()

    def next_frame(self):
        """Return the next whole Frame, or None until more messages are fed."""
        if self._next < len(self._whole):
            frame = self._whole[self._next]
            self._next += 1
            return frame
        self._whole = []
        self._next = 0
        return None

    def _end(self):
        frame = parse(self._partial, self._max_payload, self._link)
        if frame is None:
            self._damage(self._partial)
        else:
            self.frames += 1
            self._whole.append(frame)

    def _skip(self, piece):
        self._damage(piece)
        self._partial = b""
        self._skipping = True

    def _damage(self, piece):
        self.damaged += 1
        self.damaged_bytes += len(piece)
        if len(piece) > 1:
            self._seen = piece[:_SEEN_BYTES]
