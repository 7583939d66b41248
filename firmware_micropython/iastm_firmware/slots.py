"""One document in two slots: whenever the power goes, the one before or the one being written is there, whole.

A slot, all numbers little-endian:

    4 bytes   "SLT1"
    4         generation: that of the document before it plus 1, modulo 2^32; the first is 1
    4         n, length of the document
    n         the document
    4         CRC-32 (IEEE 802.3, `binascii.crc32`) of all that stands before it; what follows means nothing

A write goes to the slot that is not in force and is read back. Of two whole slots the newer is in force, so the last
byte of a write puts it there; until then it lacks a checksum that fits. Nothing is renamed or removed: FAT can do
neither at once.

A document that is too long for memory is written as a Draft, piece by piece: first with a checksum that is wrong, and
once it was read back with the right one. A write that is given up leaves 16 zero bytes at the start of its slot: those
who read it later know that nothing was lost there.

A storage has the slots 0 and 1 (in words a and b) and raises OSError where it fails:

- `open(slot)`: a file to read the slot from its start, with `seek`, whose `read` and `readinto` stop short only at its
  end; with `errno.ENOENT` where it was never written;
- `write(slot, parts)`: put `parts` (bytes-like) one after another at its start, and return once they outlive a power
  cut. In what order they get there, and what stands behind them, is all the same;
- `rewrite(slot)`: a file to write the slot over, from its start or where one seeks to, with `write`, `seek` and
  `close`; what it holds and is not written over stays;
- `sync(file)`: return once what was written to that file outlives a power cut.

A flash write may hold interrupts: write only while the tool is not in contact.
"""

import binascii
import errno
import os
import struct
from collections import namedtuple

from iastm_protocol._compat import const

MAX_DOCUMENT_BYTES = const(16384)

_MAGIC = b"SLT1"
_HEADER = "<4sII"
_HEADER_BYTES = const(12)
_CRC = "<I"
_CRC_BYTES = const(4)
_FIRST_GENERATION = const(1)
_GENERATION_MASK = 0xFFFFFFFF
_HALF_ROUND = 0x80000000
_PIECE_BYTES = const(256)
# Of a failed write nothing may remain that a later read takes for whole.
_SPOILT = bytes(_HEADER_BYTES + _CRC_BYTES)


class Kept(namedtuple("Kept", ("slot", "generation", "length"))):
    """A whole document: where it lies, and how long it is in bytes."""


class Slots:
    """Keeps one document of up to MAX_DOCUMENT_BYTES in a storage, see above.

    `trouble` tells in words what the last `read` or `write` found wrong, "" where nothing was. A damaged slot may come
    from a write that was cut off, or have held what was written last: bytes can't tell which. `missing` lists the slots
    that were never written, as far as the last `read` or `write` saw; `lost` tells whether anything in force may have
    been lost: damage other than a write that was given up.
    """

    def __init__(self, storage):
        self.trouble = ""
        self.missing = []
        self.lost = False
        self._storage = storage
        self._buffer = memoryview(bytearray(_PIECE_BYTES))
        self._read_errno = None

    def read(self):
        """Return the document as bytes, None where there is none: never written, or both slots damaged (`trouble`).

        Raises OSError where the storage can't be read and so nobody knows whether there is one.
        """
        kept = self.find()
        if kept is None:
            return None
        try:
            return self._examine(kept.slot, True)[1]
        except ValueError:
            # A moment ago it was whole.
            raise OSError(errno.EIO)

    def find(self):
        """Return the document in force as Kept, to be read with `piece`; None and OSError as `read`."""
        whole = self._survey()
        if whole:
            return whole[0]
        if self._read_errno is not None:
            raise OSError(self._read_errno)
        return None

    def piece(self, kept, offset, n):
        """Return up to `n` bytes of a document of `find`, or of a finished draft's `place`, from byte `offset` on.

        There are fewer at its end. Its checksum is not looked at again. Raises OSError where the storage can't be read,
        or ends too soon.
        """
        n = min(n, kept.length - offset)
        if n <= 0:
            return b""
        with self._storage.open(kept.slot) as file:
            file.seek(_HEADER_BYTES + offset)
            data = file.read(n)
        if len(data) != n:
            raise OSError(errno.EIO)
        return data

    def write(self, document):
        """Keep `document` (bytes-like) in place of the one before; it has been read back when this returns.

        Raises OSError where it can't be kept: the one before stays. Only where the storage breaks so that the remains
        can't be spoilt either may the next start find the new one. Raises ValueError where it is too long.
        """
        _check_length(len(document))
        slot, generation = self._next()
        header = struct.pack(_HEADER, _MAGIC, generation, len(document))
        crc = binascii.crc32(document, binascii.crc32(header))
        parts = (header, document, struct.pack(_CRC, crc))
        try:
            self._storage.write(slot, parts)
            if not self._holds(slot, parts) or self._survey()[:1] != [Kept(slot, generation, len(document))]:
                raise OSError(errno.EIO)
        except OSError:
            self._spoil(slot)
            raise

    def draft(self, length):
        """Begin a document of `length` bytes in place of the one before; return it as a Draft.

        Raises OSError where the storage fails, ValueError where it is too long.
        """
        _check_length(length)
        slot, generation = self._next()
        return Draft(self, self._storage, Kept(slot, generation, length))

    def _next(self):
        # The slot to write, and its generation.
        whole = self._survey()
        if whole:
            return 1 - whole[0].slot, (whole[0].generation + 1) & _GENERATION_MASK
        # Over what can't be trusted: a bad read that is better next time would bring back an old document.
        return (1 if self.missing == [0] else 0), _FIRST_GENERATION

    def _survey(self):
        # Look at both slots: return the whole ones as Kept, newest first, and tell what is wrong.
        whole: "list" = []
        problems = []
        self.missing = []
        given_up = 0
        self._read_errno = None
        for slot in (0, 1):
            try:
                generation, length = self._examine(slot, False)
                whole.append(Kept(slot, generation, length))
            except _GivenUp:
                given_up += 1
                problems.append("slot %s holds a write that was given up" % "ab"[slot])
            except ValueError as error:
                problems.append("slot %s %s" % ("ab"[slot], error))
            except OSError as error:
                if error.errno == errno.ENOENT:
                    self.missing.append(slot)
                else:
                    self._read_errno = error.errno
                    problems.append("slot %s can't be read (error %s)" % ("ab"[slot], error.errno))
        if len(whole) == 2:
            ahead = (whole[1].generation - whole[0].generation) & _GENERATION_MASK
            if ahead in (0, _HALF_ROUND):
                problems.append("neither slot is the newer one")
            elif ahead < _HALF_ROUND:
                whole.reverse()
        elif whole and self.missing and whole[0].generation != _FIRST_GENERATION:
            problems.append("slot %s is missing" % "ab"[self.missing[0]])
        self.trouble = "; ".join(problems)
        if problems:
            self.trouble += ": slot %s is in force" % "ab"[whole[0].slot] if whole else ": no document is left"
        self.lost = len(problems) > given_up
        return whole

    def _examine(self, slot, take):
        # Return generation and length of a slot's document, or with `take` the document itself in place of its length;
        # ValueError tells why it is not whole.
        with self._storage.open(slot) as file:
            header = self._piece(file, _HEADER_BYTES)
            if len(header) < _HEADER_BYTES:
                raise ValueError("is cut off")
            magic, generation, length = struct.unpack(_HEADER, header)
            if magic != _MAGIC:
                if header == _SPOILT[:_HEADER_BYTES]:
                    raise _GivenUp
                raise ValueError("is overwritten")
            if length > MAX_DOCUMENT_BYTES:
                raise ValueError("has an impossible length")
            crc = binascii.crc32(header)
            found = length
            if take:
                found = file.read(length)
                crc = binascii.crc32(found, crc)
            else:
                crc = self._crc_of(file, length, crc)
            end = self._piece(file, _CRC_BYTES)
            if len(end) < _CRC_BYTES:
                raise ValueError("is cut off")
            if struct.unpack(_CRC, end)[0] != crc:
                raise ValueError("has a wrong checksum")
        return generation, found

    def _crc_of(self, file, n, crc):
        # The checksum over the next n bytes too, or those that there are.
        while n:
            piece = self._piece(file, min(n, _PIECE_BYTES))
            if not piece:
                break
            crc = binascii.crc32(piece, crc)
            n -= len(piece)
        return crc

    def _holds(self, slot, parts):
        # Whether the slot begins with `parts`, byte for byte.
        with self._storage.open(slot) as file:
            for part in parts:
                whole = memoryview(part)
                for at in range(0, len(whole), _PIECE_BYTES):
                    expected = whole[at : at + _PIECE_BYTES]
                    if self._piece(file, len(expected)) != expected:
                        return False
        return True

    def _piece(self, file, n):
        # The next n bytes, fewer at the end, in the buffer that the next call uses again.
        buffer = self._buffer if n == _PIECE_BYTES else self._buffer[:n]
        got = file.readinto(buffer)
        return buffer if got == n else buffer[:got]

    def _spoil(self, slot):
        try:
            self._storage.write(slot, (_SPOILT,))
        except OSError:
            pass
        self._survey()

    def _in_force(self, kept):
        return self._survey()[:1] == [kept]


class _GivenUp(ValueError):
    # A slot that `_spoil` wrote.
    pass


def _check_length(length):
    if length > MAX_DOCUMENT_BYTES:
        raise ValueError("%d bytes, at most %d fit" % (length, MAX_DOCUMENT_BYTES))


class Draft:
    """A document on its way into the slot that is not in force: `write` it in pieces, `finish`, read it back, `keep`.

    Whenever the power goes before the end of `keep`, the document before it stays in force. So it does where anything
    raises OSError: then `give_up`. `written` counts its bytes so far, of `length`; `place` is where it lies, as Kept.
    """

    def __init__(self, slots, storage, place):
        self.place = place
        self.length = place.length
        self.written = 0
        self._slots = slots
        self._storage = storage
        header = struct.pack(_HEADER, _MAGIC, place.generation, place.length)
        self._crc = binascii.crc32(header)
        self._file = storage.rewrite(place.slot)
        try:
            self._file.write(header)
        except OSError:
            self.give_up()
            raise

    def write(self, piece):
        """Add bytes. Raises ValueError for more than the document is long."""
        if self.written + len(piece) > self.length:
            raise ValueError("%d bytes in a document of %d" % (self.written + len(piece), self.length))
        self._file.write(piece)
        self._crc = binascii.crc32(piece, self._crc)
        self.written += len(piece)

    def finish(self):
        """All is written, and outlives a power cut, but is not in force: its checksum is wrong on purpose.

        Raises ValueError where bytes are missing.
        """
        if self.written != self.length:
            raise ValueError("%d bytes of %d" % (self.written, self.length))
        try:
            self._file.write(struct.pack(_CRC, self._crc ^ _GENERATION_MASK))
            self._storage.sync(self._file)
        finally:
            self._close()

    def keep(self):
        """Put a finished document in force; it has been read back when this returns.

        Raises OSError where it can't be kept: the one before stays.
        """
        place = self.place
        file = self._storage.rewrite(place.slot)
        try:
            file.seek(_HEADER_BYTES + place.length)
            file.write(struct.pack(_CRC, self._crc))
            self._storage.sync(file)
        finally:
            file.close()
        if not self._slots._in_force(place):
            raise OSError(errno.EIO)

    def give_up(self):
        """Leave the slot so that nothing of this is ever taken for a document, as far as the storage lets that be."""
        self._close()
        self._slots._spoil(self.place.slot)

    def _close(self):
        file = self._file
        self._file = None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass


class FileStorage:
    """Two files, NAME.a and NAME.b, in a folder that exists ("" is the current one).

    A file is written over, never cut short: FAT then changes neither its table nor the length, and littlefs puts the
    new content in force when it is synchronised.
    """

    def __init__(self, folder, name):
        start = folder + "/" if folder and not folder.endswith("/") else folder
        self._paths = (start + name + ".a", start + name + ".b")

    def open(self, slot):
        """Return the file of a slot, to read from its start."""
        return open(self._paths[slot], "rb")

    def write(self, slot, parts):
        """Write `parts` over the start of a slot's file."""
        with self.rewrite(slot) as file:
            for part in parts:
                file.write(part)
            self.sync(file)

    def rewrite(self, slot):
        """Return the file of a slot, to write it over."""
        path = self._paths[slot]
        try:
            return open(path, "r+b")
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return open(path, "wb")

    def sync(self, file):
        """See to it that what was written to `file` is on the medium."""
        # On MicroPython this goes through to the medium; ports with caches of their own have `os.sync` for them.
        file.flush()
        if hasattr(os, "fsync"):
            os.fsync(file.fileno())
        elif hasattr(os, "sync"):
            os.sync()


class KeyStore:
    """Keeps the tool's key for a board, in a storage of its own: its `load_key` and `store_key` are the board's.

    What was wrong with the storage stands in `slots.trouble`.
    """

    def __init__(self, storage):
        self.slots = Slots(storage)

    def load_key(self):
        """Return the key stored last, None where none was. Raises OSError where it can't be read, or is damaged."""
        key = self.slots.read()
        # A key once kept lies in both slots. Another in its place, unasked, would make strangers of all who have it.
        if key is None and not self.slots.missing:
            raise OSError(errno.EIO)
        return key

    def store_key(self, key):
        """Keep `key`. Raises OSError where it can't be kept: the one before stays."""
        self.slots.write(key)
        try:
            # Into the other slot, too: else damage to the first would bring back the key that this one replaced.
            self.slots.write(key)
        except OSError:
            pass
