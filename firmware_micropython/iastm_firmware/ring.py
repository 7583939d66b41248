"""The ring of samples: batches lie in pages exactly as a force samples frame carries them.

A record is one byte for the number of samples (0 until the batch is closed), then the frame's payload: first
index (4), first time (6), span (4), flags (1), counts of three bytes each. A record never crosses a page, so what
is overwritten are whole pages. Every reader has a cursor; what a cursor missed is counted, exactly, in samples.
"""

from iastm_firmware.clock import ticks_between
from iastm_protocol._compat import const

PAGE_BYTES = const(1024)
MAX_BATCH_SAMPLES = const(16)
DEFAULT_BATCH_US = const(20000)
_HEADER = const(15)
_FLAGS_AT = const(15)
_MAX_RECORD = const(64)


class Cursor:
    """Where a reader stands: page (running number), byte in it, and how many samples came before."""

    def __init__(self):
        self.page = 0
        self.at = 0
        self.samples = 0
        self.overrun_samples = 0


def pages_for(depth, rate_mhz):
    """Return how many pages hold at least `depth` samples at `rate_mhz` in batches as the rate makes them."""
    batch = min(MAX_BATCH_SAMPLES, max(1, (DEFAULT_BATCH_US * (rate_mhz // 1000) + 999999) // 1000000))
    record = 1 + _HEADER + 3 * batch
    samples_per_page = ((PAGE_BYTES - _MAX_RECORD) // record + 1) * batch
    # One more, because the page being written holds few samples just after it was begun.
    return (depth + samples_per_page - 1) // samples_per_page + 1


class Ring:
    """Holds samples in `pages` pages of 1 KiB, all allocated here; `clock` writes their times.

    A batch closes when full, where the next sample lies `batch_us` after its first, or by `close`.
    """

    def __init__(self, pages, clock):
        self._clock = clock
        self.batch_us = DEFAULT_BATCH_US
        self._pages = [bytearray(PAGE_BYTES) for _ in range(pages)]
        # How many samples were stored before each page began.
        self._samples_before = [0] * pages
        self._page_number = 0
        self._page = self._pages[0]
        self._at = 0
        self._count = 0
        self._first_ticks = 0
        self._last_ticks = 0
        self.samples = 0

    def append(self, index, ticks, counts, flags):
        """Add the sample of running `index`, taken at `ticks`; `counts` must lie within 24 bits.

        Indices within a batch are consecutive: the caller closes the batch before an index jumps.
        """
        if self._count and ticks_between(self._first_ticks, ticks) >= self.batch_us:
            self.close()
        if not self._count:
            self._begin(index, ticks)
        page = self._page
        at = self._at + 1 + _HEADER + 3 * self._count
        page[at] = counts & 0xFF
        page[at + 1] = (counts >> 8) & 0xFF
        page[at + 2] = (counts >> 16) & 0xFF
        page[self._at + _FLAGS_AT] |= flags
        self._last_ticks = ticks
        self._count += 1
        if self._count == MAX_BATCH_SAMPLES:
            self.close()

    def close_if_due(self, now_ticks):
        """Close the open batch where its first sample is `batch_us` old."""
        if self._count and ticks_between(self._first_ticks, now_ticks) >= self.batch_us:
            self.close()

    def close(self):
        """Close the open batch, if there is one: from now on it can be taken."""
        count = self._count
        if not count:
            return
        page = self._page
        span_us = ticks_between(self._first_ticks, self._last_ticks)
        at = self._at
        page[at + 11] = span_us & 0xFF
        page[at + 12] = (span_us >> 8) & 0xFF
        page[at + 13] = (span_us >> 16) & 0xFF
        page[at + 14] = (span_us >> 24) & 0xFF
        end = at + 1 + _HEADER + 3 * count
        if end < PAGE_BYTES:
            page[end] = 0
        page[at] = count
        self.samples += count
        self._count = 0
        self._at = end

    def _begin(self, index, ticks):
        if self._at + _MAX_RECORD > PAGE_BYTES:
            self._page_number += 1
            slot = self._page_number % len(self._pages)
            self._page = self._pages[slot]
            self._samples_before[slot] = self.samples
            self._at = 0
        page = self._page
        at = self._at
        page[at] = 0
        page[at + 1] = index & 0xFF
        page[at + 2] = (index >> 8) & 0xFF
        page[at + 3] = (index >> 16) & 0xFF
        page[at + 4] = (index >> 24) & 0xFF
        self._clock.write(ticks, page, at + 5)
        page[at + _FLAGS_AT] = 0
        self._first_ticks = ticks

    def to_newest(self, cursor):
        """Move `cursor` behind the newest sample; the batch that is open is closed first."""
        self.close()
        cursor.page = self._page_number
        cursor.at = self._at
        cursor.samples = self.samples

    def take(self, cursor, payload):
        """Copy the next closed batch into `payload`, advance `cursor`, return the bytes copied, 0 if there is none."""
        oldest = self._page_number - len(self._pages) + 1
        if cursor.page < oldest:
            samples_before = self._samples_before[oldest % len(self._pages)]
            cursor.overrun_samples += samples_before - cursor.samples
            cursor.samples = samples_before
            cursor.page = oldest
            cursor.at = 0
        elif cursor.page < self._page_number:
            if cursor.at + _MAX_RECORD > PAGE_BYTES:
                cursor.page += 1
                cursor.at = 0
        elif cursor.at + _MAX_RECORD > PAGE_BYTES:
            return 0
        page = self._pages[cursor.page % len(self._pages)]
        at = cursor.at
        count = page[at]
        if not count:
            return 0
        n = _HEADER + 3 * count
        at += 1
        # Byte by byte, because slices allocate.
        for i in range(n):
            payload[i] = page[at + i]
        cursor.at = at + n
        cursor.samples += count
        return n
