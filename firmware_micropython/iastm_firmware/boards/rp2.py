"""RP2040 and RP2350 under MicroPython's port rp2.

`machine.reset_cause()` tells power-on and watchdog alone, and `machine.reset()` is done by the watchdog: what the
firmware noted before tells the two apart. The watchdog waits 8.3 s at most and counts on in sleep. MicroPython can't
wake these chips by a pin: they nap, and look. A soft reset leaves the cause of the start before.
"""

from iastm_firmware.boards.chip import Chip
from iastm_protocol import kinds


class Rp2(Chip):
    """A Pico W or Pico 2 W."""

    hard_interrupts = True

    def _other(self, cause):
        # The mark does not outlive a power cut: what was found with one is no power-on, but a soft reset.
        return kinds.RESET_SOFT if self.mark.found else kinds.RESET_POWER

    def battery_adc(self, pin):
        """Return a converter of voltages for a pin, with the range of up to 3.3 V."""
        return self.machine.ADC(self.machine.Pin(pin))
