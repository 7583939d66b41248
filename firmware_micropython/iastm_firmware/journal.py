"""The tool's log of its own failures, kept over restarts: text of at most 2 KiB, oldest entry first.

An entry is a line such as "# start 12, 3605 s: failed", and the lines of its text, each indented by two spaces. Only
the first line of an entry begins with "#". All is printable ASCII; anything else in a text stands as "?". Where a text
was too long, its last lines are there, after one of three dots.

It lies in the slots of slots.py. An entry is added by copying those that still fit into the other slot, in pieces,
because memory may be what the firmware failed for; so whenever the power goes, the log is there without the new entry,
or with it.
"""

import gc

from iastm_firmware.slots import Slots
from iastm_firmware.store_errors import why
from iastm_protocol._compat import const

MAX_BYTES = const(2048)
_MAX_TEXT_BYTES = const(400)
_MAX_REASON_BYTES = const(40)
_PIECE_BYTES = const(128)
_INDENT = "  "
_CUT = "  ..."
_NEW_ENTRY = b"\n#"


class Journal:
    """Keeps the log in a storage (see slots.py). Nothing here raises but `piece`.

    Set `start` to the running number of this start as soon as it is known (0: it is not), and `uptime_s` to a function
    that returns whole seconds since boot (None: there is none). `trouble` tells in words what was lost before this
    start, "" where nothing was; `faulty` tells that the last entry could not be kept.
    """

    def __init__(self, storage):
        self.start = 0
        self.uptime_s = None
        self.trouble = ""
        self.faulty = False
        self._slots = Slots(storage)
        self._place = None
        try:
            self._place = self._slots.find()
            if self._slots.lost:
                self.trouble = "the log may have lost entries: " + self._slots.trouble
        except (OSError, MemoryError) as error:
            self.trouble = "the log can't be read: " + why(error)

    @property
    def size(self):
        """How many bytes the log has."""
        return 0 if self._place is None else self._place.length

    def piece(self, offset, n):
        """Return up to `n` bytes of the log from byte `offset` on. Raises OSError where it can't be read."""
        return b"" if self._place is None else self._slots.piece(self._place, offset, n)

    def add(self, reason, text=""):
        """Keep an entry: `reason` in a few words, `text` such as a traceback. Return whether it is kept.

        It writes to the flash: not in contact, or where nothing matters any more. Offsets of `piece` may then mean
        other bytes than before.
        """
        self.faulty = not self._added(reason, text)
        if self.faulty:
            # What the firmware failed with may hold the memory still, as garbage.
            gc.collect()
            self.faulty = not self._added(reason, text)
        return not self.faulty

    def _added(self, reason, text):
        draft = None
        try:
            # Raises where nobody knows what there is: it could be a log.
            self._place = self._slots.find()
            entry = self._entry(reason, text)
            first = self._first_that_fits(MAX_BYTES - len(entry))
            draft = self._slots.draft(self.size - first + len(entry))
            for at in range(first, self.size, _PIECE_BYTES):
                draft.write(self.piece(at, _PIECE_BYTES))
            draft.write(entry)
            draft.finish()
            draft.keep()
        except (OSError, MemoryError):
            _give_up(draft)
            return False
        self._place = draft.place
        return True

    def _entry(self, reason, text):
        start = self.start or "unknown"
        after = "" if self.uptime_s is None else ", %d s" % self.uptime_s()
        head = "# start %s%s: %s\n" % (start, after, _printable(reason, _MAX_REASON_BYTES))
        return (head + _last_lines(text)).encode()

    def _first_that_fits(self, room):
        # Where the oldest entry begins after which no more than `room` bytes are left.
        if self.size <= room:
            return 0
        at = self.size - room - 1
        while at < self.size:
            found = self.piece(at, _PIECE_BYTES).find(_NEW_ENTRY)
            if found >= 0:
                return at + found + 1
            # What is looked for may lie across the border.
            at += _PIECE_BYTES - 1
        return self.size


def _give_up(draft):
    try:
        if draft is not None:
            draft.give_up()
    except (OSError, MemoryError):
        pass


def _printable(text, n):
    return "".join([char if " " <= char <= "~" else "?" for char in text[:n]])


def _last_lines(text):
    # The last lines are the failure itself and where it was, so they are what is left of a long text.
    end = len(text)
    while end and text[end - 1] in "\r\n":
        end -= 1
    room = _MAX_TEXT_BYTES
    lines: "list" = []
    while end > 0:
        begin = text.rfind("\n", 0, end) + 1
        taken = end - begin + len(_INDENT) + 1
        if taken > room and lines:
            lines.append(_CUT + "\n")
            break
        lines.append(_INDENT + _printable(text[begin:end], room - len(_INDENT) - 1) + "\n")
        room -= min(taken, room)
        end = begin - 1
    lines.reverse()
    return "".join(lines)
