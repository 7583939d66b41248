"""The tool's key: who has it may change the tool's state over any link. SPEC.md, 7.10, says when it leaves the tool."""

import errno
import struct

from iastm_protocol.signing import CHALLENGE_BYTES, KEY_BYTES, NO_CHALLENGE, same, tag

_PRESS_COUNTS_US = 60000000


def _random(board, n):
    return b"".join([struct.pack("<I", board.random_u32()) for _ in range(n // 4)])


class Keys:
    """Holds the key that `board` keeps. `ours` is None until it was needed and found, or made."""

    def __init__(self, board):
        self._board = board
        self._looked = False
        self.ours = None

    def find(self):
        """Return the key, None where there is none yet.

        Raises OSError where the board can't read it, or has kept what is no key: another one in its place, unasked,
        would make strangers of all who have it.
        """
        if not self._looked:
            found = self._board.load_key()
            if found is not None:
                if len(found) != KEY_BYTES:
                    raise OSError(errno.EIO, "%d bytes where the key was" % len(found))
                self.ours = bytes(found)
            self._looked = True
        return self.ours

    def find_or_make(self):
        """Return the key, made where there is none yet. Raises OSError where the board can't read or keep it."""
        return self.find() or self.renew()

    def renew(self):
        """Make another key and return it. Raises OSError where the board can't keep it: the one before stays."""
        key = _random(self._board, KEY_BYTES)
        self._board.store_key(key)
        self.ours = key
        self._looked = True
        return key


class Press:
    """The minute after a press of the button, in which one session may be given the key."""

    def __init__(self, clock):
        self._clock = clock
        self._at_us = None
        self._given_for = None

    def begin(self):
        """The button was pressed."""
        self._at_us = self._clock.time_us(self._clock.now())
        self._given_for = None

    def end(self):
        """It counts no more."""
        self._at_us = None

    def counts_for(self, challenge):
        """Return whether the session of this challenge may be given the key."""
        if self._at_us is None or self._given_for not in (None, challenge):
            return False
        return self._clock.time_us(self._clock.now()) - self._at_us <= _PRESS_COUNTS_US

    def given(self, challenge):
        """The session of this challenge was given the key: no other one is."""
        self._given_for = challenge


class Proofs:
    """What the signed commands of one session are held against: its challenge, and the last counter taken."""

    def __init__(self):
        self.challenge = NO_CHALLENGE
        self._counter = 0
        self._key = None

    def begin(self, board):
        """Another session: take a new challenge; nothing is proven."""
        self.challenge = _random(board, CHALLENGE_BYTES)
        self._counter = 0
        self._key = None

    def take(self, key, signed):
        """Return whether a SignedCommand proves that its host has `key`; each one does so once."""
        if key is None or signed.counter <= self._counter:
            return False
        if not same(tag(key, self.challenge, signed.counter, signed.command), signed.tag):
            return False
        self._counter = signed.counter
        self._key = key
        return True

    def given_with(self, key):
        """Return whether a command of this session was signed with `key`."""
        return key is not None and self._key == key
