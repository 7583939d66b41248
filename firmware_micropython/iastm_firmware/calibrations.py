"""The calibration that the tool keeps (SPEC.md, 4.19): written in pieces, read back, judged, kept; and read again.

No more of it than a frame carries is in memory at a time. Words of ValueError are for a person.
"""

import hashlib

from iastm_firmware import thresholds
from iastm_firmware.calibration_commands import COMMANDS
from iastm_firmware.slots import MAX_DOCUMENT_BYTES, Slots
from iastm_protocol import kinds
from iastm_protocol._compat import const
from iastm_protocol.errors import RemoteProtocolError
from iastm_protocol.monotone import is_monotone
from iastm_protocol.stored_calibration import HEAD_MAX_BYTES, read_head

_PIECE_BYTES = const(256)
_MAX_COEFFICIENTS = const(4)
# A host that went away in the middle of it.
_PATIENCE_S = const(60)


class Calibrations:
    """Keeps one stored calibration of the tool `serial_number` in a storage (see slots.py).

    `commands` are those that a host has for it, see commands.py. `faulty` tells that it is damaged, or that what it
    holds could not be in force. `kept_sha256` is that of the whole that is kept, None where none is.
    """

    commands = COMMANDS

    def __init__(self, storage, serial_number):
        self._slots = Slots(storage)
        self._serial_number = serial_number
        self._kept = None
        self._draft = None
        self._owner = None
        # (offset, bytes) of the part that came last: its host may not have heard the answer.
        self._last = None
        self._idle_s = 0
        self.faulty = False
        self.kept_sha256 = None

    def load(self):
        """Return the Calibration that is kept; None where none is, or none that can be used (`faulty`)."""
        calibration = None
        try:
            self._kept = self._slots.find()
            self.faulty = self._slots.lost
            if self._kept is not None:
                calibration, self.kept_sha256 = self._judge(self._kept)
        except (OSError, RemoteProtocolError, ValueError):
            self.faulty = True
        return calibration

    def use_kept(self, tool):
        """Put in force on `tool`, as it starts, what is kept; where it does not fit the board, that is `faulty`."""
        calibration = self.load()
        if calibration is None:
            return
        try:
            tool.check_sizes(calibration)
            thresholds.make(calibration, tool.settings.zero.counts, tool.settings.limits)
        except ValueError:
            self.faulty = True
            return
        tool.settings.change_calibration(calibration, 0)

    def put_in_force(self, tool, owner, sha256):
        """Keep the calibration that `owner` has written, and put it in force on `tool` before the next conversion.

        Returns whether anything changed: what is kept already stays. Raises ValueError or RemoteProtocolError where it
        can't be in force, OSError where it can't be kept; the one before stays then.
        """
        if sha256 == self.kept_sha256 and not self.is_writing(owner):
            return False
        calibration = self.read_back(owner, sha256)
        try:
            tool.check_sizes(calibration)
            made = tool.watch.thresholds_for(tool.settings.zero.counts, tool.settings.limits, calibration)
        except ValueError:
            self._give_up()
            raise
        self.keep(sha256)
        tool.ring.close()
        next_index = tool.sampler.next_index
        tool.settings.change_calibration(calibration, next_index)
        tool.watch.apply(made)
        tool.events.raise_event(kinds.EVENT_CALIBRATION, next_index, 0)
        tool.links_changed()
        tool.settings_changed()
        return True

    def begin(self, owner, length):
        """Wait for `length` bytes from `owner`, a link; what was not kept yet is dropped.

        Raises ValueError for a length that can't be, OSError where the storage fails.
        """
        if not 0 < length <= MAX_DOCUMENT_BYTES:
            raise ValueError("%d bytes, and the tool keeps 1 to %d" % (length, MAX_DOCUMENT_BYTES))
        self._give_up()
        self._draft = self._slots.draft(length)
        self._owner = owner
        self._last = None
        self._idle_s = 0

    def is_writing(self, owner):
        """Return whether `owner` has begun a calibration that is neither kept nor dropped."""
        return self._draft is not None and self._owner is owner

    def add(self, owner, offset, data):
        """Write a part that belongs at byte `offset`; the last one once more changes nothing.

        Raises ValueError where it does not follow the one before, OSError where the storage fails.
        """
        draft = self._draft_of(owner)
        self._idle_s = 0
        if (offset, data) == self._last:
            return
        if not data or offset != draft.written:
            raise ValueError("%d bytes at %d, and the tool has %d so far" % (len(data), offset, draft.written))
        try:
            draft.write(data)
        except OSError:
            self._give_up()
            raise
        self._last = (offset, data)

    def read_back(self, owner, sha256):
        """Return the Calibration of what was written, whose SHA-256 is to be `sha256`; nothing is in force yet.

        Raises ValueError or RemoteProtocolError where it is not what a tool keeps, OSError where the storage fails:
        then it is dropped, and what was kept stays.
        """
        draft = self._draft_of(owner)
        try:
            draft.finish()
            calibration, found = self._judge(draft.place)
            if found != sha256:
                raise ValueError("it did not arrive as it was sent")
        except (OSError, RemoteProtocolError, ValueError):
            self._give_up()
            raise
        return calibration

    def keep(self, sha256):
        """Keep what was read back with `sha256`. Raises OSError where it can't be: what was kept stays."""
        draft = self._draft
        try:
            draft.keep()
        except OSError:
            self._give_up()
            raise
        self._draft = None
        self._owner = None
        self._kept = draft.place
        self.kept_sha256 = sha256
        self.faulty = False

    def drop(self, owner):
        """Forget what `owner` has written and not kept; `second` sees to the storage."""
        if self._owner is owner:
            self._owner = None

    def second(self, may_write):
        """A second has passed; where the storage may be written, a draft that nobody goes on with is given up."""
        self._idle_s += 1
        if self._draft is not None and may_write and (self._owner is None or self._idle_s > _PATIENCE_S):
            self._give_up()

    def piece(self, offset, n):
        """Return (length of what is kept, up to `n` bytes of it from `offset` on); (0, b"") where none is.

        Raises OSError where it can't be read.
        """
        if self._kept is None:
            return 0, b""
        return self._kept.length, self._slots.piece(self._kept, offset, n)

    def _draft_of(self, owner):
        if not self.is_writing(owner):
            raise ValueError("no calibration was begun here")
        return self._draft

    def _give_up(self):
        draft = self._draft
        self._draft = None
        self._owner = None
        if draft is not None:
            draft.give_up()

    def _judge(self, place):
        # Return (Calibration, SHA-256 of all) of what the storage has at `place`.
        head = read_head(self._slots.piece(place, 0, HEAD_MAX_BYTES))
        whole = hashlib.sha256()
        document = hashlib.sha256()
        at = 0
        while at < place.length:
            # The head's end is a border between two pieces.
            end = head.length if at < head.length else place.length
            data = self._slots.piece(place, at, min(_PIECE_BYTES, end - at))
            whole.update(data)
            if at >= head.length:
                document.update(data)
            at += len(data)
        calibration = head.calibration
        if document.digest() != calibration.sha256:
            raise ValueError("its document is not the one that its hash is of")
        if head.serial_number != self._serial_number:
            raise ValueError("it was made for tool %s, and this is %s" % (head.serial_number, self._serial_number))
        if len(calibration.coefficients) > _MAX_COEFFICIENTS:
            raise ValueError("its polynomial is of degree %d, at most 3" % (len(calibration.coefficients) - 1))
        if not is_monotone(calibration.coefficients):
            raise ValueError("its force does not grow steadily over the converter's range")
        if not calibration.capacity_n > 0:
            raise ValueError("it states a capacity of %s N" % calibration.capacity_n)
        return calibration, whole.digest()
