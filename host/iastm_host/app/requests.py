"""Asking a tool from another thread than the acquisition's, whose `request` is passed in. Blocking.

What a tool did not confirm is asked again: only commands that may come twice are asked so.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from iastm_host.events import Answer, Command, Problem

Request = Callable[[Command], "Future[Answer]"]
Progress = Callable[[float], None]
Clock = Callable[[], float]
"""Returns seconds that never go back."""

# Of what is read piece by piece the tool sends what a frame carries.
MOST_BYTES = 0xFFFF
# For one command, however often it is given: a tool or a computer that is held up, and a link that comes back.
_ANSWER_WITHIN_S = 30.0
# An end in any case: each takes three seconds, unless its link was away meanwhile.
_MOST_TIMES = 10


def silently(_share: float) -> None:
    """Tell nobody of progress."""


def ask(request: Request, command: Command, clock: Clock) -> Answer:
    """Return the answer of a tool that accepted `command`. Raises Problem where it refuses, or can't be heard."""
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


def in_pieces(
    request: Request, piece: Callable[[int, int], Command], clock: Clock, changed: Problem, progress: Progress
) -> tuple[bytes, int]:
    """Return what a tool keeps, read by commands `piece(offset, n)`, and how much of it there should be.

    It is less where a piece was empty before the end. Raises `changed` where its length is another one meanwhile.
    """
    found = b""
    total: int | None = None
    while total is None or len(found) < total:
        answer = ask(request, piece(len(found), MOST_BYTES), clock)
        if total is not None and answer.total != total:
            raise changed
        total = answer.total
        if not answer.data:
            break
        found += answer.data
        progress(len(found) / total if total else 1.0)
    return found, total


_FIXES = {
    "key": "Pair with the tool: press its button first.",
    "time": "Look at its connection, then try again.",
    "press": "Press the tool's button, then try again within a minute.",
}
