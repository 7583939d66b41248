"""When to ask for what is missing, and when to give it up: oldest hole first, one request at a time.

On a link that damages much, holes come faster than round trips: those that lie close together are asked for as one.
"""

from __future__ import annotations

from dataclasses import dataclass

ASK_AGAIN_AFTER_US = 500_000
TRIES = 6
MOST_SAMPLES = 4096
# Between two holes that are asked for as one; to send these again takes less time than a round trip.
JOINED_ACROSS_SAMPLES = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """Samples to ask for, or (give_up) to tell as lost."""

    first_index: int
    samples: int
    give_up: bool = False


class Backfill:
    """Decides from the oldest hole and the time. As long as the hole shrinks, what was asked for is under way."""

    def __init__(self) -> None:
        self._first_index: int | None = None
        self._asked_until = 0
        self._heard_us = 0
        self._tries = 0

    def restart(self) -> None:
        """Forget what was asked: the link is a new one."""
        self._first_index = None

    def step(
        self, hole: tuple[int, int] | None, now_us: int, *, kept: bool = False, most: int = MOST_SAMPLES
    ) -> Wish | None:
        """Return what to do about `hole` (first index, samples) at `now_us`, None to wait; ask for `most` at once.

        What the tool may still have (`kept`) is never given up: a request may be lost as often as it likes.
        """
        if hole is None:
            self._first_index = None
            return None
        first, samples = hole
        if self._first_index is None or first >= self._asked_until:
            return self._ask(first, min(samples, most), now_us, tries=1)
        if first != self._first_index:
            # Something came: only requests in vain count.
            self._first_index = first
            self._heard_us = now_us
            self._tries = 1
            return None
        if now_us - self._heard_us < ASK_AGAIN_AFTER_US:
            return None
        if self._tries >= TRIES and not kept:
            self._first_index = None
            return Wish(first, samples, give_up=True)
        return self._ask(first, min(samples, most), now_us, tries=self._tries + 1)

    def _ask(self, first: int, samples: int, now_us: int, tries: int) -> Wish:
        self._first_index = first
        self._asked_until = first + samples
        self._heard_us = now_us
        self._tries = tries
        return Wish(first, samples)
