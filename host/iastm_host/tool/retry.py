"""When to try a lost link again: soon, then less and less often, with a cap."""

from __future__ import annotations

FIRST_WAIT_S = 0.1
FACTOR = 2.0
LONGEST_WAIT_S = 2.0


class Retry:
    """Waits between attempts; gives up `patience_s` after the first of a row, never where that is None."""

    def __init__(self, patience_s: float | None) -> None:
        self._patience_s = patience_s
        self.restart()

    def restart(self) -> None:
        """Begin anew: the link was live again."""
        self._wait_s = FIRST_WAIT_S
        self._since_us: int | None = None

    def wait_s(self, now_us: int) -> float | None:
        """Return how long to wait before the next attempt, None where it is time to give up."""
        if self._since_us is None:
            self._since_us = now_us
        if self._patience_s is not None and now_us - self._since_us >= self._patience_s * 1e6:
            return None
        wait_s, self._wait_s = self._wait_s, min(self._wait_s * FACTOR, LONGEST_WAIT_S)
        return wait_s
