"""ESP32-S3 and ESP32-C3 under MicroPython's port esp32.

`machine.reset_cause()` tells power-on, watchdog, deep sleep and the soft reset of the prompt. "Hard" is
`machine.reset()`, and a panic of the port. A brown-out reads as power-on, and so does the reset button.
"""

from iastm_firmware.boards.chip import Chip
from iastm_protocol import kinds
from iastm_protocol._compat import const

# Pins that wake from deep sleep: those of the RTC.
_S3_DEEP = const(22)
_C3_DEEP = const(6)
_RTC_BYTES = const(4)


class _RtcMemory:
    # Four bytes of the RTC's memory, as MicroPython before 1.29 gives it.
    def __init__(self, rtc):
        self._rtc = rtc
        if len(rtc.memory()) < _RTC_BYTES:
            rtc.memory(bytes(_RTC_BYTES))

    def __getitem__(self, i):
        return self._rtc.memory()[i]

    def __setitem__(self, i, value):
        held = bytearray(self._rtc.memory())
        held[i] = value
        self._rtc.memory(held)


class Esp32(Chip):
    """`esp32` is MicroPython's module of that name, None in a run that never sleeps."""

    def __init__(self, machine, times, esp32):
        self._esp32 = esp32
        super().__init__(machine, times)

    def battery_adc(self, pin):
        """Return a converter of voltages for a pin, with the range of up to 3.1 V."""
        adc = self.machine.ADC
        return adc(self.machine.Pin(pin), atten=adc.ATTN_11DB)

    def button(self, number):
        """Return the pin of a button that pulls it down; sleep held what pulls it up."""
        pin = self.machine.Pin
        return pin(number, pin.IN, pin.PULL_UP, hold=False)

    def sleep(self, low, high):
        """Sleep until one of the pins `low` is low, or one of `high` is high, then restart.

        Deeply where the chip wakes by these pins. An ESP32-S3 has two ways, one for each level, the latter for one
        pin; an ESP32-C3 has one, for either level.
        """
        machine = self.machine
        esp32 = self._esp32
        if esp32 is not None and (low or high):
            pin = machine.Pin
            lows = [pin(number, pin.IN, pin.PULL_UP, hold=True) for number in low]
            highs = [pin(number, pin.IN) for number in high]
            if self._arm(esp32, low, high, lows, highs):
                self.mark.note(0, 0, False)
                machine.deepsleep()
            for number in low:
                self.button(number)
        self._doze(low, high)

    def _arm(self, esp32, low, high, lows, highs):
        deepest = _S3_DEEP if hasattr(esp32, "wake_on_ext1") else _C3_DEEP
        if max(low + high) >= deepest:
            return False
        if hasattr(esp32, "wake_on_ext1"):
            if len(high) > 1:
                return False
            # On an ESP32-S3 "all low" is any of them; only the first ESP32 needs them all.
            if lows:
                esp32.wake_on_ext1(lows, esp32.WAKEUP_ALL_LOW)
            if highs:
                esp32.wake_on_ext0(highs[0], esp32.WAKEUP_ANY_HIGH)
            return True
        if (low and high) or not hasattr(esp32, "wake_on_gpio"):
            return False
        esp32.wake_on_gpio(lows or highs, esp32.WAKEUP_ALL_LOW if lows else esp32.WAKEUP_ANY_HIGH)
        return True

    def _backup(self):
        return _RtcMemory(self.machine.RTC())

    def _other(self, cause):
        machine = self.machine
        if cause == machine.PWRON_RESET:
            # Also where memory outlived it, as it may a brown-out.
            return kinds.RESET_POWER
        if cause == machine.SOFT_RESET:
            return kinds.RESET_SOFT
        if cause == machine.DEEPSLEEP_RESET:
            return kinds.RESET_WAKE
        if cause == machine.HARD_RESET:
            # A restart that nobody noted is a panic, where the firmware ran.
            return kinds.RESET_FAILURE if self.mark.found else kinds.RESET_SOFT
        return kinds.RESET_UNKNOWN
