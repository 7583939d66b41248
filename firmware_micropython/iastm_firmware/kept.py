"""What the tool keeps over restarts beside calibration and key: its zero, channels, overload, and how its starts went.

The document in the slots of slots.py, all numbers little-endian:

    1 byte   version, 1
    1        bits: 1 there is a zero, 2 channels were chosen, 4 a stream runs, 8 overloaded since the last zero
    1        chosen channels; 0 without bit 2
    4, i32   zero in raw counts; 0 without bit 1
    4, u32   the largest force beyond the capacity that the cell ever bore, in mN; 0: none
    2, u16   how often power went while a stream ran
    2, u16   how often the firmware failed, or hung, and was started anew
    4, u32   starts

Counters stay at their greatest value. What is damaged, or of another version, is told and not used: all of it then has
its default.

A write may hold interrupts for as long as an erase of the flash takes. So there is one at each start, one for each
order of the user, and two for each stream of more than ten seconds. An order is written in its second, but after six
in a row once in ten seconds, as is the rest; all of it out of contact.

Wear: littlefs erases a block for 38 writes with an ESP32's pages of 32 bytes, and for 13 with a Pico's of 256
(tests/micropython/run_wear.py). A day of twenty sessions, with 4 starts, 40 streams and 40 zeros, is 124 writes: 10
erased blocks on a Pico, two in turn until littlefs takes others, which it does after a hundred. Flash of 100,000 cycles
(W25Q16JV data sheet) would last 54 years if it never did. The most that a host can cause, two writes in ten seconds day
and night, are 1,330 blocks a day: spread by littlefs over 100 free ones, twenty years.
"""

import struct

from iastm_firmware.slots import Slots
from iastm_firmware.store_errors import why
from iastm_protocol import kinds
from iastm_protocol._compat import const

_VERSION = const(1)
_LAYOUT = "<BBBiIHHI"
_BYTES = const(19)
_HAS_ZERO = const(1)
_HAS_CHANNELS = const(2)
_STREAMING = const(4)
_OVERLOADED = const(8)
_ALL_BITS = const(15)
_ALL_CHANNELS = kinds.CHANNEL_LIGHT | kinds.CHANNEL_BUZZER | kinds.CHANNEL_VIBRATION
_U16_MAX = const(0xFFFF)
_U32_MAX = 0xFFFFFFFF
_WAIT_S = const(10)
# A store that fails is tried again, but a full one is not worn out by that.
_LONGEST_WAIT_S = const(640)
_ORDERS_IN_A_ROW = const(6)
# A host that begins streams and ends them costs the flash nothing, and a power loss this early is not noticed.
_MARKED_AFTER_S = const(10)


class Kept:
    """Keeps settings in a storage (see slots.py), or as long as the process lives where `storage` is None.

    `zero_counts` and `channels` are None where none is kept; `overload_mn` is the largest overload ever, `overloaded`
    tells that no zero was confirmed since the last one. `power_losses`, `restarts` and `starts` count, this start
    included; `power_lost` tells that the power went in the middle of a stream before this start.

    `trouble` tells in words what this start found lost, or could not keep, "" where nothing is wrong. `faulty` tells
    that what is set now may not last, `fault` why in words.
    """

    def __init__(self, storage, reset_reason=kinds.RESET_UNKNOWN):
        self.zero_counts = None
        self.channels = None
        self.overload_mn = 0
        self.overloaded = False
        self.power_losses = 0
        self.restarts = 0
        self.starts = 0
        self.power_lost = False
        self.trouble = ""
        self.faulty = False
        self.fault = ""
        self._streaming = False
        self._streamed_s = 0
        self._slots = None if storage is None else Slots(storage)
        # What the storage holds, as far as is known.
        self._written = None
        self._ordered = False
        self._orders_left = _ORDERS_IN_A_ROW
        self._refill_s = 0
        self._waited_s = 0
        self._wait_s = _WAIT_S
        if self._slots is not None:
            self._load()
        self._note_start(reset_reason)
        # No conversion was made yet that a write could hold up.
        self.write_now()
        if self.fault and self.fault != self.trouble:
            self.trouble = "; ".join([words for words in (self.trouble, self.fault) if words])

    @property
    def faults(self):
        """Bits of the status that come from here."""
        faults = kinds.FAULT_STORE if self.faulty else 0
        return faults | kinds.FAULT_OVERLOADED if self.overloaded else faults

    def keep_zero(self, counts):
        """Keep a zero that the user confirmed: it also answers an overload. Raises ValueError beyond 24 bits."""
        if not kinds.COUNTS_MIN <= counts <= kinds.COUNTS_MAX:
            raise ValueError("a zero of %d counts is beyond 24 bits" % counts)
        self.zero_counts = counts
        self.overloaded = False
        self._ordered = True

    def keep_channels(self, chosen):
        """Keep the channels that the user chose. Raises ValueError for bits that are none."""
        if chosen & ~_ALL_CHANNELS:
            raise ValueError("there are no channels %d" % chosen)
        self.channels = chosen
        self._ordered = True

    def keep_overload(self, peak_mn):
        """Keep that the cell bore `peak_mn`, beyond its capacity."""
        self.overload_mn = min(max(self.overload_mn, peak_mn), _U32_MAX)
        self.overloaded = True
        self._ordered = True

    def note_streaming(self, streams):
        """A second has passed; take whether a host takes the stream.

        A mark of it is kept, so that the next start knows whether the power went meanwhile.
        """
        self._streamed_s = min(self._streamed_s + 1, _MARKED_AFTER_S) if streams else 0
        if self._streaming and not streams:
            # Who ends a session and switches the tool off did not lose power.
            self._ordered = True
        self._streaming = self._streamed_s == _MARKED_AFTER_S

    def write_if_due(self, may_write):
        """A second has passed: write what is not kept yet, where it is time for it and a write holds nothing up."""
        self._waited_s = min(self._waited_s + 1, _LONGEST_WAIT_S)
        self._refill_s += 1
        if self._refill_s >= _WAIT_S:
            self._refill_s = 0
            self._orders_left = min(self._orders_left + 1, _ORDERS_IN_A_ROW)
        if may_write and (self._waited_s >= self._wait_s or self._order_may_go()):
            self.write_now()

    def write_now(self):
        """Write what is not kept yet, before the tool sleeps or ends; return whether all is kept."""
        if self._slots is None:
            return False
        document = self._document()
        if document == self._written and not self.faulty:
            self._ordered = False
            return True
        self._waited_s = 0
        if self._ordered and self._orders_left:
            self._orders_left -= 1
        try:
            self._slots.write(document)
            if self._slots.trouble:
                # The other slot is damaged still: the next start would take that for a new loss.
                self._slots.write(document)
        except (OSError, MemoryError) as error:
            self._fail("settings can't be kept: ", error)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            return False
        self._written = document
        self._ordered = False
        self._wait_s = _WAIT_S
        self.faulty = False
        self.fault = ""
        return True

    def _order_may_go(self):
        return self._ordered and self._orders_left and not self.faulty

    def _load(self):
        slots = self._slots
        try:
            kept = slots.find()
            document = None if kept is None or kept.length != _BYTES else slots.piece(kept, 0, _BYTES)
        except (OSError, MemoryError) as error:
            self._fail("settings can't be read: ", error)
            self.trouble = self.fault
            # What could not be read is not written over: the next start may read it.
            self._slots = None
            return
        if kept is None:
            if slots.lost:
                self._lose("settings are lost: " + slots.trouble)
        elif document is None or not self._take(document):
            self._lose("settings are not used: they are damaged, or another firmware's")
        else:
            self._written = document
            if slots.lost:
                self._lose("the last setting may be lost: " + slots.trouble)

    def _lose(self, words):
        self.trouble = words
        self.faulty = True
        self.fault = words

    def _fail(self, words, error):
        self.faulty = True
        self.fault = words + why(error)

    def _take(self, document):
        # Whether the document is one; only then is anything taken from it.
        version, bits, channels, zero, overload_mn, power_losses, restarts, starts = struct.unpack(_LAYOUT, document)
        if version != _VERSION or bits & ~_ALL_BITS or channels & ~_ALL_CHANNELS:
            return False
        if not kinds.COUNTS_MIN <= zero <= kinds.COUNTS_MAX:
            return False
        if (zero and not bits & _HAS_ZERO) or (channels and not bits & _HAS_CHANNELS):
            return False
        self.zero_counts = zero if bits & _HAS_ZERO else None
        self.channels = channels if bits & _HAS_CHANNELS else None
        self._streaming = bool(bits & _STREAMING)
        self.overloaded = bool(bits & _OVERLOADED)
        self.overload_mn = overload_mn
        self.power_losses = power_losses
        self.restarts = restarts
        self.starts = starts
        return True

    def _note_start(self, reset_reason):
        self.starts = min(self.starts + 1, _U32_MAX)
        # A button that resets cuts a stream off too, and so does a failure: those are not the power's.
        self.power_lost = self._streaming and reset_reason == kinds.RESET_POWER
        self._streaming = False
        if self.power_lost:
            self.power_losses = min(self.power_losses + 1, _U16_MAX)
        if reset_reason in (kinds.RESET_WATCHDOG, kinds.RESET_FAILURE):
            self.restarts = min(self.restarts + 1, _U16_MAX)

    def _document(self):
        bits = _HAS_ZERO if self.zero_counts is not None else 0
        bits |= _HAS_CHANNELS if self.channels is not None else 0
        bits |= _STREAMING if self._streaming else 0
        bits |= _OVERLOADED if self.overloaded else 0
        return struct.pack(
            _LAYOUT,
            _VERSION,
            bits,
            self.channels or 0,
            self.zero_counts or 0,
            self.overload_mn,
            self.power_losses,
            self.restarts,
            self.starts,
        )
