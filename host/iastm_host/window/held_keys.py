"""Which keys are held down, also where a system repeats a held key without saying so.

A held key then comes as releases and presses in pairs, milliseconds apart. So a release counts only once no press of
the same key has followed for a while, and a press that follows sooner is the same press.
"""

from __future__ import annotations

RELEASE_MS = 120
"""A release counts after this time. Repeats follow their release at once; a finger takes about as long as this."""


class HeldKeys:
    """Tells presses from repeats. Times are milliseconds of any steady clock; keys are any numbers."""

    def __init__(self) -> None:
        # Of each key that counts as down: when it was released, None while it is down for certain.
        self._released_ms: dict[int, int | None] = {}

    def press(self, key: int, now_ms: int) -> bool:
        """Take a press; tell whether it is one of its own, and not a repeat of a key that is held."""
        self.settle(now_ms)
        fresh = key not in self._released_ms
        self._released_ms[key] = None
        return fresh

    def release(self, key: int, now_ms: int) -> None:
        """Take a release; it counts after `RELEASE_MS`."""
        self._released_ms[key] = now_ms

    def release_all(self, now_ms: int) -> None:
        """Take that no release will be seen any more: the keyboard went to another window."""
        for key, released_ms in self._released_ms.items():
            if released_ms is None:
                self._released_ms[key] = now_ms

    def certain(self, key: int) -> bool:
        """Whether the key is down for certain: no release waits for its time."""
        return key in self._released_ms and self._released_ms[key] is None

    def settle(self, now_ms: int) -> frozenset[int]:
        """Return the keys whose release counts from now on."""
        up = frozenset(
            key
            for key, since_ms in self._released_ms.items()
            if since_ms is not None and now_ms - since_ms >= RELEASE_MS
        )
        for key in up:
            del self._released_ms[key]
        return up
