"""A medium of blocks in memory for MicroPython's file systems, whose power goes at any access."""

_BLOCK_BYTES = 512
_EIO = -5


class Medium:
    """Blocks in memory whose power goes at the access after `power` ones; `torn` leaves half of that one done.

    That access returns an error. What runs on in vain, the closing of files by the collector included, is answered as
    if all were well, and changes nothing. Reading costs no access.
    """

    def __init__(self, data, power=None, torn=False):
        self.data = bytearray(data)
        self.accesses = 0
        self.dead = False
        self._power = power
        self._torn = torn

    def _spend(self):
        # Whether this access is done whole.
        self.accesses += 1
        self.dead = self._power is not None and self.accesses > self._power
        return not self.dead

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        at = block * _BLOCK_BYTES + offset
        if self.dead:
            # The collector closes what could not be closed, and meanwhile nothing can be allocated.
            for i in range(len(buffer)):
                buffer[i] = self.data[at + i]
        else:
            buffer[:] = self.data[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        """Write, or half write."""
        if self.dead:
            return 0
        at = block * _BLOCK_BYTES + offset
        n = len(buffer)
        if self._spend():
            self.data[at : at + n] = buffer
            return 0
        if self._torn:
            half = n // 2
            self.data[at : at + half] = buffer[:half]
            for i in range(at + half, at + n):
                self.data[i] &= 0xA5
        return _EIO

    def ioctl(self, op, value):
        """Answer for size, and erase."""
        if op == 4:
            return len(self.data) // _BLOCK_BYTES
        if op == 5:
            return _BLOCK_BYTES
        if op == 6:
            if self.dead:
                return 0
            at = value * _BLOCK_BYTES
            whole = self._spend()
            if whole or self._torn:
                for i in range(at, at + _BLOCK_BYTES, 1 if whole else 2):
                    self.data[i] = 0xFF
            return 0 if whole else _EIO
        return 0
