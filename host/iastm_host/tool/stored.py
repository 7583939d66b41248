"""What a tool keeps of a calibration, packed for it and read again: a head that the tool reads, then the document."""

from __future__ import annotations

import hashlib
from datetime import date

from iastm_calibration import document as documents
from iastm_calibration.document import CalibrationDocument
from iastm_calibration.errors import CalibrationError
from iastm_host.events import Problem
from iastm_protocol.errors import ProtocolError
from iastm_protocol.messages import NO_EXPIRY, Calibration
from iastm_protocol.stored_calibration import MAX_STORED_BYTES, pack_head, read_head

_EPOCH = date(1970, 1, 1)


def pack(document: CalibrationDocument) -> bytes:
    """Return `document` as its tool keeps it. Raises Problem where it can't be kept."""
    content = _content(document)
    try:
        stored: bytes = pack_head(document.tool.serial_number, _said(document, content)) + content
    except ProtocolError as error:
        raise Problem(f"The calibration does not fit the tool: {error}.", "Shorten its name.") from error
    if len(stored) > MAX_STORED_BYTES:
        raise Problem(
            f"The calibration takes {len(stored)} bytes, and a tool keeps {MAX_STORED_BYTES}.", "Shorten its notes."
        )
    return stored


def unpack(stored: bytes) -> CalibrationDocument:
    """Return the document of a stored calibration.

    Raises Problem where it is damaged or altered, and where its head, by which the tool measures, is not of its
    document.
    """
    try:
        head = read_head(stored)
        content = stored[head.length :]
        if hashlib.sha256(content).digest() != head.calibration.sha256:
            raise Problem("The calibration was altered: its hash does not fit.", "Write it to the tool again.")
        document = documents.from_content(content)
        expected = _said(document, content)
    except ProtocolError as error:
        raise Problem(f"This is no stored calibration: {error}.", "Write it to the tool again.") from error
    except CalibrationError as error:
        raise Problem(error.what, error.fix) from error
    if head.serial_number != document.tool.serial_number or head.calibration._replace(from_index=0) != expected:
        raise Problem(
            "The tool's numbers are not those of the calibration that it keeps.", "Write the calibration to it again."
        )
    return document


def _content(document: CalibrationDocument) -> bytes:
    try:
        return documents.content(document)
    except CalibrationError as error:
        raise Problem(error.what, error.fix) from error


def _said(document: CalibrationDocument, content: bytes) -> Calibration:
    """Return what the tool says of a document by which it measures."""
    expires_on = document.expires_on
    return Calibration(
        document.calibration_id,
        documents.sha256_of(content),
        document.tool.capacity_n,
        tuple(document.curve.coefficients),
        (date.fromisoformat(expires_on) - _EPOCH).days if expires_on else NO_EXPIRY,
        0,
    )
