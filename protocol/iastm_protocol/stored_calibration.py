"""The calibration that a tool keeps: a head that the tool reads, then the document, which is opaque to it.

    u8     layout, 1
    text   serial number of the tool that it was made for
    u16    n
    n      the payload of CALIBRATION; its `sha256` is that of the document, its `from_index` means nothing
    …      the document

The head, all up to the document, takes HEAD_MAX_BYTES at most, so that a tool reads it in one piece.
"""

from collections import namedtuple

from iastm_protocol.errors import LocalProtocolError, RemoteProtocolError
from iastm_protocol.fields import Reader, Writer
from iastm_protocol.messages import Calibration

LAYOUT = 1
HEAD_MAX_BYTES = 480
# Head and document together, as the slots take them.
MAX_STORED_BYTES = 16384


class Head(namedtuple("Head", ("serial_number", "calibration", "length"))):
    """What the head says: the tool's serial number, a Calibration; `length` is that of the head, in bytes."""


def pack_head(serial_number, calibration):
    """Return the head as bytes; raises LocalProtocolError where it would be too long."""
    payload = calibration.to_payload()
    head = Writer().number("B", LAYOUT).text(serial_number).number("H", len(payload)).raw(payload).payload()
    if len(head) > HEAD_MAX_BYTES:
        raise LocalProtocolError("a calibration's head of %d bytes, at most %d" % (len(head), HEAD_MAX_BYTES))
    return head


def read_head(data):
    """Return the Head that `data` begins with: the first HEAD_MAX_BYTES of a stored calibration, or all of it.

    Raises RemoteProtocolError for another layout, and where it is cut off or unreadable.
    """
    r = Reader(data, "stored calibration")
    layout = r.number("B")
    if layout != LAYOUT:
        raise RemoteProtocolError("a stored calibration of layout %d, this tool knows %d" % (layout, LAYOUT))
    serial_number = r.text()
    n = r.number("H")
    payload = r.raw(n)
    length = len(data) - len(r.rest())
    if length > HEAD_MAX_BYTES:
        raise RemoteProtocolError("a calibration's head of %d bytes, at most %d" % (length, HEAD_MAX_BYTES))
    return Head(serial_number, Calibration.from_payload(payload), length)
