"""Counts what keeping settings costs a flash under littlefs, on a block device in memory. MicroPython only.

    micropython run_wear.py WRITES

The output is one JSON object: for each size of a program page, how many writes came to one erased block.
"""

import json
import os
import sys

from iastm_firmware.kept import Kept
from iastm_firmware.slots import FileStorage

_BLOCK_BYTES = 4096
# The file system of a Pico W; an ESP32's is larger, and so wears less.
_BLOCKS = 212
# ESP32 ports make theirs with pages of 32 bytes, RP2 ports with 256.
_PAGES_BYTES = (32, 256)
# What else lies in the folder and is copied along: programs and a calibration.
_OTHERS_BYTES = (60, 90, 300, 900, 4000, 16000)


class Flash:
    """Blocks in memory that count how often they were erased."""

    def __init__(self):
        self.data = [bytearray(_BLOCK_BYTES) for _ in range(_BLOCKS)]
        self.erases = [0] * _BLOCKS

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        buffer[:] = self.data[block][offset : offset + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        """Program what was erased."""
        self.data[block][offset : offset + len(buffer)] = buffer
        return 0

    def ioctl(self, operation, argument):
        """Tell the size, or erase a block."""
        if operation == 4:
            return _BLOCKS
        if operation == 5:
            return _BLOCK_BYTES
        if operation == 6:
            self.erases[argument] += 1
            self.data[argument][:] = b"\xff" * _BLOCK_BYTES
        return 0


def writes_per_erase(page_bytes, writes):
    """Return how many writes of settings come to one erase."""
    flash = Flash()
    os.VfsLfs2.mkfs(flash, progsize=page_bytes)  # type: ignore[attr-defined]
    os.mount(os.VfsLfs2(flash, progsize=page_bytes), "/flash")  # type: ignore[attr-defined]
    for n in _OTHERS_BYTES:
        with open("/flash/" + str(n), "wb") as file:  # noqa: PTH123 (MicroPython has no pathlib)
            file.write(bytes(n))
    kept = Kept(FileStorage("/flash", "settings"))
    before = sum(flash.erases)
    for counts in range(1, writes + 1):
        kept.keep_zero(counts)
        assert kept.write_now()
    erased = sum(flash.erases) - before
    again = Kept(FileStorage("/flash", "settings"))
    assert (again.zero_counts, again.trouble) == (writes, "")
    os.umount("/flash")  # type: ignore[attr-defined]
    return writes / erased


print(json.dumps({str(n): writes_per_erase(n, int(sys.argv[1])) for n in _PAGES_BYTES}))
