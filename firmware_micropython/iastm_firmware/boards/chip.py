"""What is the same on every chip: why it started, how it restarts, its watchdog and its naps."""

import binascii

from iastm_firmware.boards.mark import WANTS_SAFE_MODE, Mark
from iastm_protocol import kinds
from iastm_protocol._compat import const

# How long a nap lasts at most until the wake pins are looked at: a press is longer.
_NAP_MS = const(50)


class Chip:
    """A chip behind MicroPython's module `machine`; `times` is its module `time`. What differs is a subclass's.

    `mark` is what the run before noted; `reset_reason` a number of kinds.py.
    """

    # Whether a pin's interrupt can run at once, also while memory is collected.
    hard_interrupts = False

    def __init__(self, machine, times):
        self.machine = machine
        self.times = times
        # MicroPython 1.29 has one name for it.
        backup = getattr(machine, "mem_backup", self._backup)
        self.mark = Mark(backup())
        self.reset_reason = self._reason(machine.reset_cause())
        self.wants_safe_mode = self.mark.reason == WANTS_SAFE_MODE
        self._dog = None

    @property
    def serial_number(self):
        """The chip's own number as hex digits."""
        return binascii.hexlify(self.machine.unique_id()).decode()

    @property
    def watched(self):
        """Whether the watchdog runs: it can't be stopped."""
        return self._dog is not None

    def feed(self, timeout_ms):
        """Feed the watchdog; the first time starts it, to bite after `timeout_ms` without."""
        if self._dog is None:
            self._dog = self.machine.WDT(timeout=timeout_ms)
        self._dog.feed()

    def restart(self, reason, failures=0, young=False):
        """Restart, for a reason of kinds.py or WANTS_SAFE_MODE."""
        self.mark.note(reason, failures, young)
        self.machine.reset()

    def button(self, number):
        """Return the pin of a button that pulls it down."""
        pin = self.machine.Pin
        return pin(number, pin.IN, pin.PULL_UP)

    def sleep(self, low, high):
        """Sleep until one of the pins `low` is low, or one of `high` is high, then restart."""
        self._doze(low, high)

    def _doze(self, low, high):
        # In naps, because MicroPython wakes by these pins nowhere, or at one level only, and the watchdog goes on.
        machine = self.machine
        pin = machine.Pin
        wakes = [(pin(number, pin.IN, pin.PULL_UP), 0) for number in low]
        wakes += [(pin(number, pin.IN), 1) for number in high]
        while not any(each() == level for each, level in wakes):
            if self._dog is not None:
                self._dog.feed()
            machine.lightsleep(_NAP_MS)
        self.restart(kinds.RESET_WAKE)

    def _reason(self, cause):
        mark = self.mark
        if mark.reason:
            # What ended in order said why.
            return kinds.RESET_SOFT if mark.reason == WANTS_SAFE_MODE else mark.reason
        if cause == self.machine.WDT_RESET:
            return kinds.RESET_WATCHDOG
        return self._other(cause)

    def _backup(self):
        # Where nothing outlives a restart, nothing is remembered.
        return bytearray(4)

    def _other(self, cause):
        return kinds.RESET_UNKNOWN
