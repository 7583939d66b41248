"""Which of the two releases on a board is in force, as the one that runs sees it: it confirms itself, or gives up.

The selector, main.py, chose it. The state is one line in a file,

    PLACE STATUS TRIES FALLBACK CRC

PLACE `a` or `b`, or `-` for what is frozen, or lies beside main.py; STATUS `ok`, or `trial` where it never stayed up
yet; TRIES how many starts a trial has left; FALLBACK the place that is started where it fails; CRC the CRC-32 (IEEE
802.3, `binascii.crc32`) of the four words with single spaces, as 8 hex digits. It is written beside, as `state.new`,
and renamed; main.py reads and writes it just so, and a test holds the two together.
"""

import binascii
import os
import sys
from collections import namedtuple

from iastm_protocol._compat import const

# The loop of a release runs for so long before it is confirmed; at the latest for so long, where it never is a moment
# at which a write holds nothing up: a tool may lie on its tip, or its converter at its rail, for good.
CONFIRM_S = const(5)
LATEST_S = const(7)

HOME = "/releases/"
_STATE = HOME + "state"
_NEW = HOME + "state.new"
_FAILED = HOME + "failed"
_UNTOLD = HOME + "untold"
_BEFORE = HOME + "before"
_PLACES = ("a", "b", "-")
_OK = "ok"
_TRIAL = "trial"
_STATE_BYTES = const(80)
_FAILED_BYTES = const(2048)
# A full file system is not asked more often than this in the end.
_LONGEST_WAIT_S = const(640)


class State(namedtuple("State", ("place", "status", "tries", "fallback"))):
    """What is in force: see above."""


def encode(state):
    """Return the line that holds a State."""
    words = "%s %s %d %s" % tuple(state)
    return "%s %08x\n" % (words, binascii.crc32(words.encode()))


def decode(line):
    """Return the State that a line holds, None where it is not whole, or says what can't be."""
    words = line.split()
    if len(words) != 5 or words[0] not in _PLACES or words[3] not in _PLACES:
        return None
    if len(words[2]) != 1 or not "0" <= words[2] <= "9":
        return None
    # On trial is a release, or what lies beside one: then it falls back to itself.
    if words[1] != _OK and (words[1] != _TRIAL or words[0] == "-"):
        return None
    state = State(words[0], words[1], int(words[2]), words[3])
    text = encode(state)
    return state if line in (text, text.strip()) else None


def read():
    """Return the State that is in force, None where none is."""
    return _held(_STATE) or _held(_NEW)


def write(state):
    """Put a State in force. Raises OSError where that can't be: the one before stays."""
    if _held(_STATE) is None and _held(_NEW) is not None:
        # The one copy that there is must not be what is written over.
        os.rename(_NEW, _STATE)
    with open(_NEW, "w") as file:
        file.write(encode(state))
    if _held(_NEW) != state:
        raise OSError("the state can't be read back")
    os.rename(_NEW, _STATE)


def _held(path):
    try:
        with open(path) as file:
            return decode(file.read(_STATE_BYTES))
    except (OSError, ValueError):
        return None


def runs_from():
    """Return the place that this firmware was started from."""
    first = sys.path[0] if sys.path else ""
    return first[len(HOME) :] if first.startswith(HOME) else "-"


def on_trial():
    """Return the State where the firmware that runs is on trial, else None."""
    place = runs_from()
    if place == "-":
        return None
    state = read()
    return state if state is not None and (state.place, state.status) == (place, _TRIAL) else None


def confirmation():
    """Return what confirms the firmware that runs, None where it is not on trial: then nothing here is needed."""
    state = on_trial()
    if state is None:
        forget()
        return None
    return Confirmation(state)


def forget():
    """Let this module leave the heap, where it lies there."""
    if sys.modules.pop(__name__, None) is not None:
        delattr(sys.modules["iastm_firmware"], "releases")


class Confirmation:
    """Puts the release in force that is on trial as `state` says, once its loop ran for CONFIRM_S.

    `fails` tells that it could not be written.
    """

    def __init__(self, state):
        self.fails = False
        self._state = state
        self._ran_s = 0
        self._wait_s = CONFIRM_S

    def second(self, ran, may_write):
        """A second has passed; take whether the loop ran, and a write holds nothing up. Return whether it is done."""
        if ran:
            self._ran_s += 1
        if self._ran_s < self._wait_s:
            return False
        # Held up once, by a gap that is marked: a release that nobody confirmed would be gone after its next starts.
        if not may_write and (self.fails or self._ran_s < LATEST_S):
            return False
        try:
            # Whoever changed it meanwhile knew why.
            if read() == self._state:
                write(State(self._state.place, _OK, 0, "-"))
        except (OSError, MemoryError):
            # A full file system stops no tool, and is not worn out.
            self.fails = True
            self._ran_s = 0
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            return False
        forget()
        return True


def give_up(state, error):
    """Put in force from the next start on what was before the trial, and note what it failed with.

    Raises OSError where that can't be.
    """
    try:
        with open(_FAILED, "w") as file:
            file.write("%s %s\n" % (state.place, _id_of(state.place)))
            sys.print_exception(error, file)
        open(_UNTOLD, "w").close()
    except (OSError, MemoryError):
        pass  # It is given up without words, too.
    put_back()
    write(State(state.fallback, _OK, 0, "-"))


def put_back():
    """Put the board's own files back that were there before the trial; one that is empty tells that there was none.

    Raises OSError where that can't be; it may be called again.
    """
    try:
        names = os.listdir(_BEFORE)
    except OSError:
        return
    for name in names:
        old = _BEFORE + "/" + name
        if os.stat(old)[6]:
            os.rename(old, "/" + name)
            continue
        try:
            os.remove("/" + name)
        except OSError:
            pass
        os.remove(old)


def told():
    """Return why the newest release was given up, "" where nobody knows; it counts as told from now on."""
    forget()
    try:
        os.remove(_UNTOLD)
        with open(_FAILED) as file:
            return file.read(_FAILED_BYTES)
    except (OSError, ValueError):
        return ""


def _id_of(place):
    import json

    try:
        with open(HOME + place + "/release.json") as file:
            return json.load(file)["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return "?"
