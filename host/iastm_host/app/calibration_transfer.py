"""A calibration to the tool and back, piece by piece, compared after it was written.

Blocking: for a thread other than the acquisition's, whose `request` is passed in.

Each command may come twice: what was written, kept or read is so already (SPEC.md, 4.19). So one that the tool did not
confirm is given again.
"""

from __future__ import annotations

import hashlib
import time

from iastm_calibration.document import require_tool
from iastm_calibration.errors import CalibrationError
from iastm_host.app.requests import Clock, Progress, Request, ask, in_pieces, silently
from iastm_host.events import BeginCalibration, CalibrationPart, GetCalibration, KeepCalibration, Problem
from iastm_host.tool.stored import unpack

# What fits a command that is signed, with room.
PART_BYTES = 440


def write(
    request: Request,
    stored: bytes,
    serial_number: str,
    progress: Progress = silently,
    clock: Clock = time.monotonic,
) -> None:
    """Write `stored` (see tool/stored.py) to the tool `serial_number`, and compare what it then keeps.

    `progress` is told the share that is done, 0 to 1. Raises Problem where it is another tool's, before a byte is sent;
    where the tool refuses it, which then keeps the one before; and where what it keeps is something else.
    """
    document = unpack(stored)
    try:
        require_tool(document, serial_number)
    except CalibrationError as error:
        raise Problem(error.what, error.fix) from error
    ask(request, BeginCalibration(len(stored)), clock)
    for offset in range(0, len(stored), PART_BYTES):
        ask(request, CalibrationPart(offset, stored[offset : offset + PART_BYTES]), clock)
        progress(0.5 * offset / len(stored))
    ask(request, KeepCalibration(hashlib.sha256(stored).digest()), clock)
    if read(request, lambda share: progress(0.5 + 0.5 * share), clock) != stored:
        raise Problem("The tool keeps something else than it was given.", "Write the calibration to it again.")


def read(request: Request, progress: Progress = silently, clock: Clock = time.monotonic) -> bytes | None:
    """Return what the tool keeps (see tool/stored.py), None where it keeps nothing.

    `progress` as for `write`. Raises Problem where the tool can't tell, or is given another one meanwhile.
    """
    changed = Problem("The tool was given another calibration meanwhile.", "Read it again.")
    found, total = in_pieces(request, GetCalibration, clock, changed, progress)
    if len(found) < total:
        raise Problem(f"The tool's calibration ends after {len(found)} bytes of {total}.", "Write it again.")
    return found if total else None
