"""RP2040 and RP2350 under MicroPython's port rp2.

`machine.reset_cause()` tells power-on and watchdog alone, and `machine.reset()` is done by the watchdog: what the
firmware noted before tells the two apart. The watchdog waits 8.3 s at most and counts on in sleep. MicroPython can't
wake these chips by a pin: they nap, and look. A soft reset leaves the cause of the start before.
"""

from iastm_firmware.boards.chip import Chip
from iastm_protocol import kinds

# Registers of the watchdog that it does not clear: data sheets of RP2040, 4.7.6, and RP2350, 12.9.7.
_SCRATCH_RP2040 = 0x4005800C
_SCRATCH_RP2350 = 0x400D800C


class _Scratch:
    # Words of them, as MicroPython before 1.29 gives them.
    def __init__(self, words, address):
        self._words = words
        self._address = address

    def __getitem__(self, i):
        return self._words[self._address + 4 * i]

    def __setitem__(self, i, value):
        self._words[self._address + 4 * i] = value


class Rp2(Chip):
    """A Pico W or Pico 2 W; `model` is what MicroPython calls it."""

    hard_interrupts = True

    def __init__(self, machine, times, model):
        self._model = model
        super().__init__(machine, times)

    def _backup(self):
        return _Scratch(self.machine.mem32, _SCRATCH_RP2350 if "RP2350" in self._model else _SCRATCH_RP2040)

    def _reason(self, cause):
        if cause == self.machine.WDT_RESET and not self.mark.found:
            # No watchdog of ours ran since the power came: it was a `machine.reset()`, as after a deploy.
            return kinds.RESET_SOFT
        return super()._reason(cause)

    def _other(self, cause):
        # The mark does not outlive a power cut: what was found with one is no power-on, but a soft reset.
        return kinds.RESET_SOFT if self.mark.found else kinds.RESET_POWER

    def battery_adc(self, pin):
        """Return a converter of voltages for a pin, with the range of up to 3.3 V."""
        return self.machine.ADC(self.machine.Pin(pin))
