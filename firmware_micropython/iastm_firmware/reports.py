"""Reports kept for the links: the newest few, each with a running number from 1."""


class Reports:
    """Holds the last `size` reports as (kind, payload); every link keeps the number it has sent up to."""

    def __init__(self, size):
        self._size = size
        self._kept = []
        self.last_number = 0

    def add(self, kind, payload):
        """Keep a report; the oldest one goes where there is no room."""
        self.last_number += 1
        self._kept.append((kind, payload))
        if len(self._kept) > self._size:
            self._kept.pop(0)

    def after(self, number):
        """Return (number, kind, payload) of the oldest report kept that came after `number`."""
        first = self.last_number - len(self._kept) + 1
        wanted = max(number + 1, first)
        kind, payload = self._kept[wanted - first]
        return wanted, kind, payload
