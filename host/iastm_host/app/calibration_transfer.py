"""A calibration to the tool and back, piece by piece, compared after it was written.

Blocking: for a thread other than the acquisition's, whose `request` is passed in.

Each command may come twice: what was written, kept or read is so already (SPEC.md, 4.19). So one that the tool did not
confirm is given again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from iastm_calibration.document import require_tool
from iastm_calibration.errors import CalibrationError
from iastm_host.events import (
    Answer,
    BeginCalibration,
    CalibrationPart,
    Command,
    GetCalibration,
    KeepCalibration,
    Problem,
)
from iastm_host.tool.stored import unpack

Request = Callable[[Command], "Future[Answer]"]
Progress = Callable[[float], None]
Clock = Callable[[], float]
"""Returns seconds that never go back."""

# What fits a command that is signed, with room; of what is read back the tool sends what a frame carries.
PART_BYTES = 440
_MOST_BYTES = 0xFFFF
# For one command, however often it is given: a tool or a computer that is held up, and a link that comes back.
_ANSWER_WITHIN_S = 30.0
# An end in any case: each takes three seconds, unless its link was away meanwhile.
_MOST_TIMES = 10


def _silently(_share: float) -> None:
    pass


def write(
    request: Request,
    stored: bytes,
    serial_number: str,
    progress: Progress = _silently,
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
    _ask(request, BeginCalibration(len(stored)), clock)
    for offset in range(0, len(stored), PART_BYTES):
        _ask(request, CalibrationPart(offset, stored[offset : offset + PART_BYTES]), clock)
        progress(0.5 * offset / len(stored))
    _ask(request, KeepCalibration(hashlib.sha256(stored).digest()), clock)
    if read(request, lambda share: progress(0.5 + 0.5 * share), clock) != stored:
        raise Problem("The tool keeps something else than it was given.", "Write the calibration to it again.")


def read(request: Request, progress: Progress = _silently, clock: Clock = time.monotonic) -> bytes | None:
    """Return what the tool keeps (see tool/stored.py), None where it keeps nothing.

    `progress` as for `write`. Raises Problem where the tool can't tell, or is given another one meanwhile.
    """
    found = b""
    total: int | None = None
    while total is None or len(found) < total:
        answer = _ask(request, GetCalibration(len(found), _MOST_BYTES), clock)
        if total is not None and answer.total != total:
            raise Problem("The tool was given another calibration meanwhile.", "Read it again.")
        total = answer.total
        if total and not answer.data:
            raise Problem(f"The tool's calibration ends after {len(found)} bytes of {total}.", "Write it again.")
        found += answer.data
        progress(len(found) / total if total else 1.0)
    return found if total else None


def _ask(request: Request, command: Command, clock: Clock) -> Answer:
    until_s = clock() + _ANSWER_WITHIN_S
    for _ in range(_MOST_TIMES):
        try:
            answer = request(command).result(max(0.0, until_s - clock()))
        except FutureTimeoutError as error:
            raise Problem("The tool did not answer.", "Look at its connection, then try again.") from error
        if answer.accepted or answer.needs != "time" or clock() >= until_s:
            break
    if not answer.accepted:
        raise Problem(f"The tool refuses: {answer.reason.rstrip('.')}.", _FIXES.get(answer.needs, "Then try again."))
    return answer


_FIXES = {
    "key": "Pair with the tool: press its button first.",
    "time": "Look at its connection, then try again.",
    "press": "Press the tool's button, then try again within a minute.",
}
