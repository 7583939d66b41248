"""What a link needs of its carrier: frames in, frames out, and the few numbers in which carriers differ."""

from collections import namedtuple

from iastm_firmware.outlet import Outlet
from iastm_protocol import kinds
from iastm_protocol.frames import Decoder, FrameWriter

_STREAM_BATCH_US = 20000


class Carrier(namedtuple("Carrier", ("inlet", "outlet", "writer", "batch_us", "window_frames"))):
    """One carrier.

    `inlet` is asked for frames as Inlet is; `outlet` sends what `writer` builds; samples wait for `batch_us` at most to
    be sent together; `window_frames` of them may be under way to a host that acknowledges (0: any number, because the
    carrier itself refuses what the host does not take).
    """


class Inlet:
    """Frames from a byte stream.

    `by_cable`: whoever holds its other end holds the tool, and needs no signature. `may_change`: the frame in hand came
    on a way on which the tool's state may be changed.
    """

    by_cable = True
    may_change = True

    def __init__(self, stream):
        self._stream = stream
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)

    @property
    def damaged(self):
        """How much came that was no frame, since boot."""
        return self._decoder.damaged

    def read(self):
        """Take what has come; return False where nothing has."""
        data = self._stream.read()
        if not data:
            return False
        self._decoder.feed(data)
        return True

    def next_frame(self):
        """Return the next Frame of what was read, None where there is none."""
        return self._decoder.next_frame()

    def restart(self):
        """Another host comes. A byte stream does not tell, and needs nothing."""


def of_stream(stream, clock):
    """Return the carrier on a byte stream."""
    return Carrier(Inlet(stream), Outlet(stream, clock), FrameWriter(kinds.MAX_LINK_PAYLOAD), _STREAM_BATCH_US, 0)
