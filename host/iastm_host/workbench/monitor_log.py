"""A tool's log as it grows: what is there is read once, then it is asked from time to time whether there is more."""

from __future__ import annotations

from collections.abc import Callable

from iastm_host.events import Answer, Command, GetLog
from iastm_host.records.tool_logs import entries_in

# Small pieces: an answer holds up what waits behind it on the link.
_PIECE_BYTES = 200
LOOK_EVERY_US = 5_000_000


class LogWatch:
    """Reads the log by `request`, which returns the id under which an Answer will come.

    Whole entries are told once, over links that break and starts of the tool too.
    """

    def __init__(self, request: Callable[[Command], int]) -> None:
        self._request = request
        self._asked: int | None = None
        self._text = b""
        self._read_bytes: int | None = None
        self._told: set[str] = set()
        self._due_us = 0

    def begin(self, now_us: int) -> None:
        """Read it from its start: the tool was greeted."""
        self._asked = None
        self._read_bytes = None
        self._text = b""
        self._due_us = now_us

    def look(self, now_us: int) -> None:
        """Ask where it is time to."""
        if self._asked is None and now_us >= self._due_us:
            self._due_us = now_us + LOOK_EVERY_US
            self._ask()

    def hear(self, answer: Answer) -> list[str] | None:
        """Take an answer; return entries that are new, None where it is not of the log or more of it is to come."""
        if answer.request_id != self._asked:
            return None
        self._asked = None
        if not answer.accepted:
            return None
        if self._read_bytes is not None:
            # It was read whole before: the same length is the same log.
            if answer.total == self._read_bytes:
                return None
            self._read_bytes = None
            self._text = b""
            self._ask()
            return None
        self._text += answer.data
        if answer.data and len(self._text) < answer.total:
            self._ask()
            return None
        self._read_bytes = answer.total
        return self._new_entries()

    def _ask(self) -> None:
        offset = len(self._text) if self._read_bytes is None else self._read_bytes
        self._asked = self._request(GetLog(offset, _PIECE_BYTES))

    def _new_entries(self) -> list[str]:
        entries = [entry for entry in entries_in(self._text.decode("ascii", "replace")) if entry not in self._told]
        self._told.update(entries)
        return entries
