"""A storage of slots.py in memory, for a board without a medium: what it holds goes with the process."""

import errno


class MemoryStore:
    """Two slots; `slots` holds their bytes, None for one that was never written."""

    def __init__(self):
        self.slots: "list" = [None, None]

    def open(self, slot):
        """Return a file to read a slot from its start."""
        content = self.slots[slot]
        if content is None:
            raise OSError(errno.ENOENT, "never written")
        return _File(content)

    def rewrite(self, slot):
        """Return a file to write a slot over."""
        if self.slots[slot] is None:
            self.slots[slot] = bytearray()
        return _File(self.slots[slot])

    def write(self, slot, parts):
        """Write `parts` over the start of a slot."""
        file = self.rewrite(slot)
        for part in parts:
            file.write(part)

    def sync(self, file):
        """Do nothing: there is no medium."""


class _File:
    def __init__(self, content):
        self._content = content
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def close(self):
        pass

    def seek(self, at):
        self._at = at

    def read(self, n):
        data = bytes(memoryview(self._content)[self._at : self._at + n])
        self._at += len(data)
        return data

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        content = self._content
        after = self._at + len(data)
        if len(content) < after:
            content.extend(bytes(after - len(content)))
        content[self._at : after] = data
        self._at = after
        return len(data)
