"""The ring of samples: the newest batches, in pages.

A record is one batch as it was sampled: count (1), flags (1), span (2), where it stands (2 or 10), and its counts of
three bytes each. A batch that follows the one before it without a missing index, and within 65 ms, stands by the
microseconds from first sample to first sample (2). Any other one, and the first of each page, has bit 7 of `count`
set, and its first index (4) and first time (6). The lower bits of `count` are 0 until the batch is closed.

A sample that may be a glitch is one only if the next one says so, and then its batch carries the flag: a batch that
would close because it is full, or because of its time, stays open until then, for a time that the caller states.

A record never crosses a page, so what is overwritten are whole pages, and each page can be read by itself. Every
reader has a cursor; what a cursor missed is counted, exactly, in samples.
"""

from iastm_firmware.clock import ticks_after, ticks_between, write_time
from iastm_protocol._compat import const, micropython

PAGE_BYTES = const(1024)
MAX_BATCH_SAMPLES = const(16)
DEFAULT_BATCH_US = const(20000)
# What is left to a session at boot: answers, decoders, other links, and garbage between two collections.
RESERVED_PAGES = const(36)
# The page being written holds few samples just after it was begun.
_MIN_PAGES = const(2)
_PLACED = const(0x80)
_COUNT = const(0x7F)
_FOLLOWING_HEADER = const(6)
_PLACED_HEADER = const(14)
_MAX_RECORD = const(62)
_MAX_STEP_US = const(0xFFFF)
_PAYLOAD_HEADER = const(15)
# The shortest pulse of a motor that is repeated, with the time after it in which it still counts as shaking.
_SHAKEN_MS = const(160)
_TICKS_MASK = const(0x3FFFFFFF)


class Cursor:
    """A reader's place: a batch (`first_index`, `count`), its page (running number), and where the next one begins.

    `samples` is how many were stored up to the end of that batch, `overrun_samples` how many were gone before they
    could be taken.
    """

    def __init__(self):
        self.page = 0
        self.at = 0
        self.counts_at = 0
        self.next_at = 0
        self.first_index = 0
        self.count = 0
        self.wraps = 0
        self.ticks = 0
        self.samples = 0
        self.overrun_samples = 0


def _samples_per_page(rate_mhz):
    # In batches as the rate makes them, and as a motor that shakes the cell over and over closes them; one less than
    # fit, because alerts and missed conversions close some early too.
    batch = min(MAX_BATCH_SAMPLES, max(1, (DEFAULT_BATCH_US * (rate_mhz // 1000) + 999999) // 1000000))
    placed = _PLACED_HEADER + 3 * batch
    following = _FOLLOWING_HEADER + 3 * batch if batch * 1000000000 // rate_mhz < _MAX_STEP_US else placed
    room = PAGE_BYTES - _MAX_RECORD - 1 - placed
    if batch == 1:
        return room // following + 1
    # All that is flagged in one go, the last of it a short batch, and one sample that is not.
    shaken = (_SHAKEN_MS * rate_mhz + 999999) // 1000000
    batches = shaken // batch + 2
    return room * (shaken + 1) // (3 * (shaken + 1) + _FOLLOWING_HEADER * batches)


def pages_for(depth, rate_mhz):
    """Return how many pages hold at least `depth` samples at `rate_mhz` (mHz)."""
    per_page = _samples_per_page(rate_mhz)
    return max(_MIN_PAGES, (depth + per_page - 1) // per_page + 1)


def depth_of(pages, rate_mhz):
    """Return how many samples so many pages hold at any moment at `rate_mhz` (mHz)."""
    return (pages - 1) * _samples_per_page(rate_mhz)


def allocate_pages(wanted, allocate=bytearray):
    """Return `wanted` pages, or as many as leave RESERVED_PAGES free.

    Raises MemoryError where not even two do.
    """
    pages: "list" = []
    try:
        while len(pages) < wanted + RESERVED_PAGES:
            pages.append(allocate(PAGE_BYTES))
    except MemoryError:
        if len(pages) < _MIN_PAGES + RESERVED_PAGES:
            raise
    kept = len(pages) - RESERVED_PAGES
    while len(pages) > kept:
        # One by one and in place: on a heap that is full there is no room for another list.
        pages.pop()
    return pages


class Ring:
    """Holds samples in `pages` (of `allocate_pages`, two at least); `clock` knows how often their ticks had wrapped.

    A batch closes when full, where the next sample lies `batch_us` after its first, or by `close`.
    """

    def __init__(self, pages, clock):
        self._clock = clock
        self.batch_us = DEFAULT_BATCH_US
        self._pages = pages
        # Of each page: how many samples were stored before it, and the index that it begins with.
        self._samples_before = [0] * len(pages)
        self._first_indices = [0] * len(pages)
        self._page_number = 0
        self._page = pages[0]
        self._at = 0
        self._counts_at = 0
        self._count = 0
        self._next_index = 0
        self._first_wraps = 0
        self._first_ticks = 0
        self._last_ticks = 0
        self._hold_us = 0
        # The flags of the batch that the newest sample went into.
        self._flags_page = pages[0]
        self._flags_at = 1
        self.samples = 0

    @micropython.native
    def append(self, index, ticks, counts, flags, hold_us=0):
        """Add the sample of running `index`, taken at `ticks`; `counts` must lie within 24 bits.

        Indices within a batch are consecutive: the caller closes the batch before an index jumps. `hold_us` above 0:
        the batch waits for `release`, for so long at most.
        """
        if self._count and (
            self._count >= MAX_BATCH_SAMPLES or not 0 <= ticks_between(self._first_ticks, ticks) < self.batch_us
        ):
            self.close()
        if not self._count:
            self._begin(index, ticks)
        page = self._page
        at = self._counts_at
        page[at] = counts & 0xFF
        page[at + 1] = (counts >> 8) & 0xFF
        page[at + 2] = (counts >> 16) & 0xFF
        page[self._at + 1] |= flags
        self._flags_page = page
        self._flags_at = self._at + 1
        self._counts_at = at + 3
        self._last_ticks = ticks
        self._next_index = index + 1
        self._hold_us = hold_us
        self._count += 1
        if self._count == MAX_BATCH_SAMPLES and not hold_us:
            self.close()

    def release(self, flags):
        """The next sample is there, and with it what the newest one in the ring is: `flags` of its batch."""
        # Even where it had to be closed: what is fetched later has them.
        self._flags_page[self._flags_at] |= flags
        self._hold_us = 0
        if self._count == MAX_BATCH_SAMPLES:
            self.close()

    @micropython.native
    def close_if_due(self, now_ticks):
        """Close the open batch where its first sample is `batch_us` old."""
        if not self._count or ticks_between(self._first_ticks, now_ticks) < self.batch_us:
            return
        if not self._hold_us or ticks_between(self._last_ticks, now_ticks) >= self._hold_us:
            self.close()

    @micropython.native
    def close(self):
        """Close the open batch, if there is one, held or not: from now on it can be taken."""
        self._hold_us = 0
        count = self._count
        if not count:
            return
        page = self._page
        at = self._at
        span_us = ticks_between(self._first_ticks, self._last_ticks)
        page[at + 2] = span_us & 0xFF
        page[at + 3] = (span_us >> 8) & 0xFF
        end = self._counts_at
        page[end] = 0
        page[at] |= count
        self.samples += count
        self._count = 0
        self._at = end

    @micropython.native
    def _begin(self, index, ticks):
        wraps = self._clock.wraps_at(ticks)
        if self._at + _MAX_RECORD >= PAGE_BYTES:
            self._begin_page()
        page = self._page
        at = self._at
        page[at + 1] = 0
        if at and index == self._next_index and self._shortly_after(wraps, ticks):
            page[at] = 0
            step_us = ticks_between(self._first_ticks, ticks)
            page[at + 4] = step_us & 0xFF
            page[at + 5] = step_us >> 8
            self._counts_at = at + _FOLLOWING_HEADER
        else:
            page[at] = _PLACED
            page[at + 4] = index & 0xFF
            page[at + 5] = (index >> 8) & 0xFF
            page[at + 6] = (index >> 16) & 0xFF
            page[at + 7] = (index >> 24) & 0xFF
            write_time(wraps, ticks, page, at + 8)
            self._counts_at = at + _PLACED_HEADER
        if not at:
            self._first_indices[self._page_number % len(self._pages)] = index
        self._first_wraps = wraps
        self._first_ticks = ticks

    def _begin_page(self):
        self._page_number += 1
        slot = self._page_number % len(self._pages)
        self._page = self._pages[slot]
        self._samples_before[slot] = self.samples
        self._at = 0

    def _shortly_after(self, wraps, ticks):
        # Whole wraps may have passed since the batch before.
        wrapped = 1 if ticks < self._first_ticks else 0
        return wraps == self._first_wraps + wrapped and 0 <= ticks_between(self._first_ticks, ticks) <= _MAX_STEP_US

    def to_newest(self, cursor):
        """Move `cursor` behind the newest sample; the batch that is open is closed first.

        One that is held stays open, so that it goes out with all its flags: then the cursor moves to its start.
        """
        if not self._hold_us:
            self.close()
        cursor.page = self._page_number
        cursor.next_at = self._at
        cursor.first_index = self._next_index - self._count
        cursor.count = 0
        cursor.wraps = self._first_wraps
        cursor.ticks = self._first_ticks
        cursor.samples = self.samples
        if self._count:
            self._step_back(cursor)

    def _step_back(self, cursor):
        # To the time of the batch before the open one, from which that one is reckoned; a placed one is from none.
        page = self._page
        at = self._at
        if page[at] & _PLACED:
            return
        cursor.ticks = (cursor.ticks - (page[at + 4] | page[at + 5] << 8)) & _TICKS_MASK
        if cursor.ticks > self._first_ticks:
            cursor.wraps -= 1

    @micropython.native
    def take(self, cursor, payload):
        """Advance `cursor` to the next closed batch and copy it into `payload` as the payload of a frame.

        Returns the bytes copied, 0 where there is no such batch yet.
        """
        if not self._advance(cursor):
            return 0
        return self.copy(cursor, payload)

    @micropython.native
    def copy(self, cursor, payload):
        """Copy the batch at `cursor`, which must still be kept, into `payload`; return the bytes copied."""
        page = self._pages[cursor.page % len(self._pages)]
        at = cursor.at
        index = cursor.first_index
        payload[0] = index & 0xFF
        payload[1] = (index >> 8) & 0xFF
        payload[2] = (index >> 16) & 0xFF
        payload[3] = (index >> 24) & 0xFF
        write_time(cursor.wraps, cursor.ticks, payload, 4)
        payload[10] = page[at + 2]
        payload[11] = page[at + 3]
        payload[12] = 0
        payload[13] = 0
        payload[14] = page[at + 1]
        n = 3 * cursor.count
        at = cursor.counts_at
        # Byte by byte, because slices allocate.
        for i in range(n):
            payload[_PAYLOAD_HEADER + i] = page[at + i]
        return _PAYLOAD_HEADER + n

    def reach(self, cursor, index):
        """Move `cursor` to the oldest batch kept that ends after `index`; return False where none is closed yet.

        A cursor that stands before it moves on from there; one that stands behind it needs `lose` first.
        """
        if cursor.page < self._oldest():
            self._seek(cursor, index)
        while cursor.first_index + cursor.count <= index or not cursor.count:
            if not self._advance(cursor):
                return False
        return True

    def lose(self, cursor):
        """Take `cursor` from its place, so that the next `reach` looks for another one."""
        cursor.page = -1
        cursor.count = 0

    @micropython.native
    def _oldest(self):
        return max(0, self._page_number - len(self._pages) + 1)

    def _seek(self, cursor, index):
        # To the start of the newest page that begins at or before `index`, or else of the oldest one.
        low = self._oldest()
        high = self._page_number
        while low < high:
            middle = (low + high + 1) // 2
            if self._first_indices[middle % len(self._pages)] <= index:
                low = middle
            else:
                high = middle - 1
        self._to_page(cursor, low)

    def _to_page(self, cursor, number):
        cursor.page = number
        cursor.next_at = 0
        cursor.count = 0
        cursor.samples = self._samples_before[number % len(self._pages)]

    @micropython.native
    def _advance(self, cursor):
        # To the next closed batch; False, and nothing changes but the page, where there is none.
        oldest = self._oldest()
        if cursor.page < oldest:
            samples = cursor.samples
            self._to_page(cursor, oldest)
            cursor.overrun_samples += cursor.samples - samples
        elif cursor.next_at + _MAX_RECORD >= PAGE_BYTES:
            if cursor.page == self._page_number:
                return False
            self._to_page(cursor, cursor.page + 1)
        page = self._pages[cursor.page % len(self._pages)]
        at = cursor.next_at
        count = page[at] & _COUNT
        if not count:
            return False
        if page[at] & _PLACED:
            cursor.first_index = page[at + 4] | page[at + 5] << 8 | page[at + 6] << 16 | page[at + 7] << 24
            cursor.ticks = page[at + 8] | page[at + 9] << 8 | page[at + 10] << 16 | (page[at + 11] & 0x3F) << 24
            cursor.wraps = page[at + 11] >> 6 | page[at + 12] << 2 | page[at + 13] << 10
            cursor.counts_at = at + _PLACED_HEADER
        else:
            ticks = ticks_after(cursor.ticks, page[at + 4] | page[at + 5] << 8)
            if ticks < cursor.ticks:
                cursor.wraps += 1
            cursor.ticks = ticks
            cursor.first_index += cursor.count
            cursor.counts_at = at + _FOLLOWING_HEADER
        cursor.at = at
        cursor.count = count
        cursor.next_at = cursor.counts_at + 3 * count
        cursor.samples += count
        return True
