"""What all converters have in common: the queue, what was missed, and setting a chip up without holding the tool up.

A driver says how its chip is set up, when a conversion is ready and how it is read; everything else is here:

- `_steps`: methods of its set-up, in order. Each gets the microseconds since it was called first, does one thing that
  takes no longer than 50 ms, and returns the microseconds until it wants to be called again, 0 where it is done.
- `_read()`: reads the conversion that waits and returns its counts, with sign; NOT_READY where none waits, THROWN_AWAY
  where it was spoilt, UNSETTLED where the chip has not settled since it was set up, OUT_OF_STEP where its answer can't
  be that of a conversion. It runs in an interrupt too and allocates nothing.
- `_arm()`: attaches `_on_ready` to the pin that tells of a conversion; left out where there is none.

Each may raise OSError. A chip that answers out of step three times in a row, or of which no conversion could be read
for half a second, is set up anew once a second, and `next_conversion` raises meanwhile. So is one that stood still for
longer than it can while it was asked, because it was reset then and has forgotten its settings (`_stood_still`). What
would have been converted counts as missed.

Conversions are queued by the interrupt of the ready pin. A hard interrupt (RP2) reads at once, whatever the tool does.
A soft one (ESP32 has no other) waits for a collection or a call into C to end; the chip holds its newest conversion
until then, and those before it are missed, and counted. A pin interrupt that got lost costs nothing but time, because
`next_conversion` looks at the pin too.
"""

import errno
from array import array

from iastm_firmware.clock import ticks_after
from iastm_firmware.drivers.pace import BEGAN_ANEW_US, UNKNOWN_US, Pace
from iastm_protocol._compat import const

# What `_read` returns in place of counts; all lie above those of 24 bits.
NOT_READY = const(0x1000000)
THROWN_AWAY = 0x1000001
OUT_OF_STEP = 0x1000002
# Not settled: no conversion yet, so it is thrown away uncounted.
UNSETTLED = 0x1000003

# 0.8 s at 320/s.
_QUEUE = const(256)
_QUEUE_MASK = const(255)
_SILENT_US = const(500000)
_RETRY_US = const(1000000)
_START_US = const(900000)
_FAILURES = const(3)
# Lateness below this share of a period is the interrupt's, and is left as it is.
_LATE_SHARE = const(16)
# The chip is not asked again so soon after a reading.
_QUIET_SHARE = const(2)
_MAX_US = const(0xFFFF)
_TICKS_MAX = const(0x3FFFFFFF)
_WAITING = const(-1)
# A chip that has nothing for so many periods stands still.
_STILL_PERIODS = const(3)


class Converter:
    """A converter as sampler.py wants it: `next_conversion()`, then `counts`, `ticks`, `missed`.

    `ticks` are those at which the conversion was ready: when it was noticed, or, where the pace shows that this was
    late, when it was due. `missed` includes readings that were thrown away, which `voided` counts since boot.
    `rate_mhz` is nominal. `trouble` is words while the chip doesn't work, else "".

    `ticker` has ticks_us, ticks_diff and sleep_us, as a board's module `time`. `other_hz` is the rate that a bridge on
    the board may set instead.
    """

    name = "converter"
    # Whether the chip keeps what is being read while the next conversion comes in.
    _buffered = False
    # Whether a reading was over when it was noticed.
    _is_read = False
    # How long it may have no conversion before it is set up anew.
    _silent_us = _SILENT_US
    # What it means where `_read` is out of step.
    _out_of_step = "answers are no conversions"

    def __init__(self, ticker, rate_hz, other_hz=0):
        self.rate_mhz = rate_hz * 1000
        self.counts = 0
        self.ticks = 0
        self.missed = 0
        self.voided = 0
        self.trouble = ""
        self._ticks_us = ticker.ticks_us
        self._ticks_diff = ticker.ticks_diff
        self._sleep_us = ticker.sleep_us
        period_us = 1000000 // rate_hz
        other_us = 1000000 // other_hz if other_hz else 0
        self._pace = Pace(period_us, other_us)
        shortest_us = min(period_us, other_us) if other_us else period_us
        self._quiet_us = shortest_us // _QUIET_SHARE
        self._queue_counts = array("i", [0] * _QUEUE)
        self._queue_ticks = array("i", [0] * _QUEUE)
        self._queue_took_us = array("H", [0] * _QUEUE)
        # How long before each reading the chip was seen to have none, as Pace takes it.
        self._queue_empty_us = array("H", [0] * _QUEUE)
        # The reading side writes `head` only, `next_conversion` writes `tail` only: no lock is needed.
        self._head = 0
        self._tail = 0
        # Readings to throw away after a set-up; `picky` where there are any, or failures before.
        self._settling = 0
        self._failures = 0
        self._picky = False
        # Conversions to count as missed before the next one; `loose_ends` where there are any, or trouble to end.
        self._skipped = 0
        self._loose_ends = False
        # A reading was not queued; the chip began anew since the last one; one was taken from the queue and thrown
        # away; the chip stood still and is to be set up anew.
        self._has_dropped = False
        self._has_begun_anew = False
        self._has_voided = False
        self._is_still = False
        self._busy = False
        self._running = False
        self._stopped = False
        self._armed = False
        self._steps: "tuple" = ()
        self._step = _WAITING
        self._is_new_step = True
        self._step_began = 0
        self._began = self._due = self._heard = self._looked = self._ticks_us()
        # The number of what fails. No exception is kept: it grows each time that it is raised.
        self._error = 0

    def start(self):
        """Reset the chip and set it up, within 1 s; what takes longer goes on in `next_conversion`.

        What passed before, as in a sleep, does not count as missed. Raises OSError with words in `args[1]`;
        `next_conversion` tries again all the same.
        """
        began = self._ticks_us()
        self._stopped = False
        self._error = 0
        self._pace.restart()
        self._begin(began)
        while not self._running:
            now = self._ticks_us()
            if self._ticks_diff(now, began) >= _START_US:
                return
            wait_us = self._ticks_diff(self._due, now)
            if wait_us > 0:
                self._sleep_us(wait_us)
            self._set_up(self._ticks_us())
            if self._error:
                raise OSError(self._error, self.trouble)

    def stop(self):
        """Power the chip down; `start` wakes it."""
        self._running = False
        self._stopped = True
        self._tail = self._head
        try:
            self._power_down()
        except OSError:
            # What doesn't answer can't be powered down either.
            pass

    def excitation_mv(self):
        """Return the bridge's supply in millivolts, 0 where the chip doesn't tell."""
        return 0

    def next_conversion(self):
        """Return True where a conversion is ready, described by `counts`, `ticks` and `missed`.

        Raises OSError where the chip can't be read.
        """
        while True:
            tail = self._tail
            if tail == self._head and (self._stopped or not self._fetch()):
                return False
            ticks = self._queue_ticks[tail]
            took_us = self._queue_took_us[tail]
            empty_us = self._queue_empty_us[tail]
            self.counts = self._queue_counts[tail]
            self._tail = (tail + 1) & _QUEUE_MASK
            pace = self._pace
            # What a chip with a buffer hands out is the newest one at the end of the reading.
            known = ticks
            if self._buffered:
                known = ticks_after(ticks, took_us)
            elif pace.is_cut(ticks, empty_us, took_us):
                self.voided += 1
                self._has_voided = True
                continue
            if self._has_voided:
                self._has_voided = False
                empty_us = UNKNOWN_US
            missed = pace.follow(known, empty_us)
            if self._loose_ends:
                missed += self._skipped
                self._tie_up()
            late_us = min(pace.late_us, empty_us)
            if late_us > pace.period_us // _LATE_SHARE:
                # Never beyond 2^30 − 1 on the way.
                ticks = ticks - late_us if ticks >= late_us else ticks + (_TICKS_MAX - late_us) + 1
            self.ticks = ticks
            self.missed = missed
            return True

    def _power_down(self):
        raise NotImplementedError

    def _read(self):
        raise NotImplementedError

    def _arm(self):
        # Drivers without a pin of their own are polled.
        pass

    def _on_ready(self, _):
        # Of an interrupt: what a reading fails with is found by the next call of `next_conversion`.
        if self._running and not self._busy:
            try:
                self._take(self._ticks_us())
            except OSError:
                pass

    def _stood_still(self):
        # The chip had nothing for longer than it can, and has something now. True where it must be set up anew.
        self._is_still = True
        return True

    def _take(self, ticks):
        # Read the conversion that is ready, if there is one, into the queue.
        if (
            not self._has_begun_anew
            and self._ticks_diff(self._looked, self._heard) > _STILL_PERIODS * self._pace.period_us
            and self._pace.settled
            and self._stood_still()
        ):
            return
        counts = self._read()
        if counts == NOT_READY:
            self._looked = ticks
            return
        empty_us = self._ticks_diff(ticks, self._looked)
        self._heard = self._looked = ticks
        if (counts > NOT_READY or self._picky) and not self._is_kept(counts):
            return
        head = self._head
        after = (head + 1) & _QUEUE_MASK
        if after == self._tail:
            # Full: the newest ones go, and the gap in the ticks counts them as missed.
            self._has_dropped = True
            return
        if empty_us > UNKNOWN_US or self._has_dropped:
            empty_us = UNKNOWN_US
            self._has_dropped = False
        if self._has_begun_anew:
            empty_us = BEGAN_ANEW_US
            self._has_begun_anew = False
        self._queue_empty_us[head] = empty_us
        took_us = 0 if self._is_read else self._ticks_diff(self._ticks_us(), ticks)
        self._queue_ticks[head] = ticks
        self._queue_counts[head] = counts
        self._queue_took_us[head] = took_us if took_us < _MAX_US else _MAX_US
        self._head = after

    def _is_kept(self, counts):
        # Of the readings after a set-up, a fault or a failure.
        self._failures = self._failures + 1 if counts == OUT_OF_STEP else 0
        if counts < NOT_READY and not self._settling:
            self._picky = False
            return True
        self._picky = True
        self._has_dropped = True
        if self._settling:
            self._settling -= 1
        elif counts != UNSETTLED:
            self.voided += 1
        return False

    def _settle(self, settling):
        # Throw the next readings away.
        self._settling = settling
        self._picky = True

    def _tie_up(self):
        self._skipped = 0
        self.trouble = ""
        self._loose_ends = False

    def _fetch(self):
        # True where something is in the queue by now.
        if self._is_still:
            self._is_still = False
            self._begin(self._ticks_us())
        if not self._running:
            self._recover(self._ticks_us())
            return False
        now = self._ticks_us()
        if self._ticks_diff(now, self._heard) < self._quiet_us:
            return False
        # The interrupt stays out meanwhile.
        self._busy = True
        try:
            # Not `now`: the interrupt may have come in between.
            self._take(self._ticks_us())
        except OSError as error:
            if self._ticks_diff(now, self._heard) < self._silent_us:
                raise
            self._fail(error)
        finally:
            self._busy = False
        if self._tail != self._head:
            return True
        if self._running and not self._is_still:
            if self._failures >= _FAILURES:
                self._fail(OSError(errno.EIO, self._out_of_step))
            elif self._ticks_diff(now, self._heard) > self._silent_us:
                self._fail(OSError(errno.ETIMEDOUT, "no conversion for half a second"))
        if self._error:
            raise OSError(self._error, self.trouble)
        return False

    def _fail(self, error):
        number = error.args[0] if error.args else errno.EIO
        words = error.args[1] if len(error.args) > 1 else "does not answer (error %d)" % number
        # At once the first time, and then once a second.
        self._due = self._ticks_us() if self._running else ticks_after(self._began, _RETRY_US)
        self._running = False
        self._loose_ends = True
        self.trouble = "%s: %s" % (self.name, words)
        self._error = number
        self._step = _WAITING

    def _recover(self, now):
        if self._step == _WAITING:
            if self._error and self._ticks_diff(now, self._due) < 0:
                raise OSError(self._error, self.trouble)
            self._begin(now)
        if self._ticks_diff(now, self._due) >= 0:
            self._set_up(now)
        if self._error:
            raise OSError(self._error, self.trouble)

    def _begin(self, now):
        self._skipped += self._pace.pass_to(now)
        self._loose_ends = True
        self._has_begun_anew = True
        self._running = False
        self._step = 0
        self._is_new_step = True
        self._began = self._due = now

    def _set_up(self, now):
        # One step, or one more look at it.
        if self._is_new_step:
            self._is_new_step = False
            self._step_began = now
        try:
            wait_us = self._steps[self._step](self._ticks_diff(now, self._step_began))
        except OSError as error:
            self._fail(error)
            return
        now = self._ticks_us()
        if wait_us:
            self._due = ticks_after(now, wait_us)
            return
        self._step += 1
        self._is_new_step = True
        self._due = now
        if self._step == len(self._steps):
            self._step = _WAITING
            self._failures = 0
            # Not quiet: a conversion may wait already.
            self._heard = self._looked = ticks_after(now, _TICKS_MAX - self._quiet_us)
            self._error = 0
            self._running = True
            if not self._armed:
                self._armed = True
                self._arm()
