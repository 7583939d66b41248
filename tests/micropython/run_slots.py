"""Cuts the power in writes to the two-slot store on file systems; one source for CPython and MicroPython.

    python run_slots.py FOLDER

The last line of output is one JSON object of how much was tried; what breaks a promise ends in an AssertionError.
On MicroPython its own littlefs and FAT run over a block device in memory, too.
"""

import gc
import hashlib
import json
import os
import sys

from tests.micropython.medium import Medium

from iastm_firmware.calibrations import Calibrations
from iastm_firmware.slots import MAX_DOCUMENT_BYTES, FileStorage, Slots
from iastm_protocol.messages import Calibration
from iastm_protocol.stored_calibration import pack_head

_BLOCK_BYTES = 512
_BLOCKS = 96
_WRITTEN_BYTES = 200
# What a signed command carries of a calibration, at most.
_PART_BYTES = 453
_LONG = bytes(range(256)) * 4
# Each is written over the ones before it.
_DOCUMENTS = (b"", b"first", b"first", _LONG, b"", b"\xff" * 700, _LONG + b"longer", b"short")


class PowerCut(Exception):
    """Nothing runs on from here."""


def survey(storage, old, new):
    """Check that a store cut off in a write of `new` over `old` holds one of them; return whether it is the new one."""
    slots = Slots(storage)
    found = slots.read()
    assert found in (old, new), (found, old, new)
    return found == new


def write_whole(storage, document):
    """Write a document at once."""
    Slots(storage).write(document)


def write_in_pieces(storage, document):
    """Write a document as calibrations.py does."""
    slots = Slots(storage)
    draft = slots.draft(len(document))
    try:
        for at in range(0, len(document), _WRITTEN_BYTES):
            draft.write(memoryview(document)[at : at + _WRITTEN_BYTES])
        draft.finish()
    except OSError:
        # Nothing of it arrives any more; but the collector must not be the one to close the file.
        draft._close()
        raise
    assert slots.piece(draft.place, 0, len(document)) == document
    draft.keep()


class CutFiles(FileStorage):
    """Files that take `power` bytes before the power goes, all where it is negative."""

    power = -1

    def write(self, slot, parts):
        """Write what the power is enough for."""
        whole = b"".join(parts)
        if not 0 <= self.power < len(whole):
            return super().write(slot, parts)
        super().write(slot, [whole[: self.power]])
        raise PowerCut


def cut_files(folder):
    """Cut writes to files of the system at every byte; return how often."""
    cuts = 0
    storage = CutFiles(folder, "cut")
    old = None
    for new in _DOCUMENTS:
        for power in range(len(new) + 16):
            # In longer documents not every byte: each cut is synchronised to the disk.
            if 40 < power < len(new) and power % 61:
                continue
            storage.power = power
            try:
                Slots(storage).write(new)
                raise AssertionError
            except PowerCut:
                cuts += 1
            survey(storage, old, new)
        storage.power = -1
        slots = Slots(storage)
        slots.write(new)
        assert (slots.read(), slots.trouble) == (new, "")
        old = new
    return cuts


def mounted(kind, data, power=None, torn=False):
    """Mount a copy of a medium; return it."""
    medium = Medium(data, power, torn)
    os.mount(kind(medium), "/ram")  # type: ignore[attr-defined]
    return medium


def unmount():
    """Take the medium away again."""
    os.umount("/ram")  # type: ignore[attr-defined]


def cut_blocks(kind, torn, write):
    """Cut writes at every access to the medium under a file system; return how often."""
    cuts = 0
    medium = Medium(bytes(_BLOCKS * _BLOCK_BYTES))
    kind.mkfs(medium)
    data = medium.data
    old = None
    for new in _DOCUMENTS:
        power = 0
        arrived = False
        while True:
            medium = mounted(kind, data, power, torn)
            completed = False
            try:
                write(FileStorage("/ram", "cut"), new)
                completed = not medium.dead
            except OSError:
                assert medium.dead
            unmount()
            if completed:
                break
            cuts += 1
            mounted(kind, medium.data)
            now = survey(FileStorage("/ram", "cut"), old, new)
            # It once arrived: later cuts don't undo it.
            assert now or not arrived or new == old
            arrived = now
            slots = Slots(FileStorage("/ram", "cut"))
            slots.write(b"after the cut")
            assert (slots.read(), slots.trouble) == (b"after the cut", "")
            unmount()
            power += 1
        data = medium.data
        mounted(kind, data)
        slots = Slots(FileStorage("/ram", "cut"))
        assert (slots.read(), slots.trouble) == (new, "")
        unmount()
        old = new
        gc.collect()
    return cuts


def room_kib(call):
    """Return how much heap `call` needs: the smallest hole in a full one that is enough for it, in KiB."""
    gc.collect()
    fill = [b""] * (gc.mem_free() // 64)  # type: ignore[attr-defined]
    for kib in range(64):
        gc.collect()
        hole = bytearray(kib * 1024)
        at = 0
        try:
            while True:
                fill[at] = bytes(64)
                at += 1
        except MemoryError:
            pass
        del hole
        gc.collect()
        enough = True
        try:
            call()
        except MemoryError:
            enough = False
        while at:
            at -= 1
            fill[at] = b""
        if enough:
            return kib
    return None


def measure(folder):
    """Return what a write and a read of the longest document need, in KiB."""
    document = bytes(MAX_DOCUMENT_BYTES)
    slots = Slots(FileStorage(folder, "long"))
    write = room_kib(lambda: slots.write(document))
    read = room_kib(slots.read)
    assert slots.read() == document
    return write, read


def measure_calibration(folder):
    """Return what writing, checking and keeping the longest calibration needs, and reading it back, in KiB."""
    document = bytes(15000)
    sha256 = hashlib.sha256(document).digest()
    parts = [pack_head("7", Calibration("measured", sha256, 50.0, (0.0, 1e-5, 0.0, 0.0), 0, 0))]
    parts += [document[at : at + _PART_BYTES] for at in range(0, len(document), _PART_BYTES)]
    length = sum([len(part) for part in parts])
    whole = hashlib.sha256(b"".join(parts)).digest()
    calibrations = Calibrations(FileStorage(folder, "calibration"), "7")

    def write():
        calibrations.begin(calibrations, length)
        at = 0
        for part in parts:
            calibrations.add(calibrations, at, part)
            at += len(part)
        calibrations.read_back(calibrations, whole)
        calibrations.keep(whole)

    def read():
        for at in range(0, length, _PART_BYTES):
            calibrations.piece(at, _PART_BYTES)

    found = room_kib(write), room_kib(read)
    assert calibrations.kept_sha256 == whole
    return found


def main(folder):
    """Try everything that this interpreter has, and print how much that was."""
    found = {"cuts in files": cut_files(folder)}
    if hasattr(os, "VfsLfs2"):
        for way, write in (("", write_whole), (", in pieces", write_in_pieces)):
            found["cuts under littlefs" + way] = cut_blocks(os.VfsLfs2, False, write)
            found["torn blocks under littlefs" + way] = cut_blocks(os.VfsLfs2, True, write)
            # FAT itself does not survive a torn sector of its tables.
            found["cuts under FAT" + way] = cut_blocks(os.VfsFat, False, write)  # type: ignore[attr-defined]
    if hasattr(gc, "mem_alloc"):
        found["KiB for a write"], found["KiB for a read"] = measure(folder)
        found["KiB for a calibration"], found["KiB for its pieces"] = measure_calibration(folder)
    print(json.dumps(found))


main(sys.argv[1])
