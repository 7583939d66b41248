"""An HX711 at pin level beside an emulated RP2040, in its virtual time.

Written from the data sheet (Avia Semiconductor, "24-Bit Analog-to-Digital Converter for Weigh Scales"), "Serial
Interface", fig. 2 and "Reset and Power-Down":

- DT is high until a conversion is ready, then low. Each rising edge of SCK shifts a bit out, the highest first, within
  0.1 µs; the 25th takes DT high. 25 pulses choose channel A at gain 128 for the next conversion.
- SCK is high for 0.2 to 50 µs and low for 0.2 µs at least; high for more than 60 µs powers the chip down, and low again
  resets it. The first conversion after a reset is ready after four periods (50 ms at 80/s).
- A conversion that nobody reads is replaced by the next one.
"""

from __future__ import annotations

from collections.abc import Callable

from rp2040py.gpio_pin import GPIOPinState
from rp2040py.rp2040 import RP2040

DATA_PIN = 16
CLOCK_PIN = 17
_BITS = 24
_PULSES = 25
_LONGEST_HIGH_NS = 50_000
_SHORTEST_NS = 200
_POWER_DOWN_NS = 60_000
_SETTLING_PERIODS = 4


class Hx711Chip:
    """Converts `value_of(n)` for its n-th conversion since the last reset, `rate_hz` times a second.

    `whole` has the numbers of conversions that were read to the end, `converted` how many there were since the reset,
    `breaches` what of the data sheet was broken; `longest_high_ns` and `shortest_low_ns` are those of its clock.
    """

    def __init__(self, value_of: Callable[[int], int], rate_hz: float = 80.0) -> None:
        self.whole: list[int] = []
        self.ready_ns: list[float] = []
        self.converted = 0
        self.resets = 0
        self.breaches: list[str] = []
        self.longest_high_ns = 0.0
        self.shortest_high_ns = self.shortest_low_ns = float("inf")
        self._value_of = value_of
        self._period_ns = 1e9 / rate_hz
        self._pulses = 0
        self._ready = False
        self._rose_ns = 0.0
        self._fell_ns = float("-inf")
        self._shifted = 0

    def attach(self, rp2040: RP2040) -> None:
        """Wire it to its two pins and power it up."""
        self._clock = rp2040.clock
        self._data = rp2040.gpio[DATA_PIN]
        self._conversion = rp2040.clock.create_alarm(self._convert)
        self._power_down = rp2040.clock.create_alarm(self._go_down)
        self._down = False
        rp2040.gpio[CLOCK_PIN].add_listener(self._clocked)
        self._reset()

    def _reset(self) -> None:
        self._down = self._ready = False
        self._pulses = self.converted = 0
        self.whole = []
        self.ready_ns = []
        self._data.set_input_value(True)
        self._conversion.schedule(_SETTLING_PERIODS * self._period_ns)

    def _go_down(self) -> None:
        self._down = True
        self._ready = False
        self._data.set_input_value(True)
        self._conversion.cancel()

    def _convert(self) -> None:
        self._conversion.schedule(self._period_ns)
        number = self.converted
        self.converted += 1
        self.ready_ns.append(self._clock.nanos)
        if 0 < self._pulses < _PULSES:
            self.breaches.append(f"conversion {number} came amid a reading")
        self._pulses = 0
        self._shifted = self._value_of(number) & 0xFFFFFF
        self._ready = True
        self._data.set_input_value(False)

    def _clocked(self, level: GPIOPinState, before: GPIOPinState) -> None:
        if level == GPIOPinState.HIGH:
            self._rise()
        elif level == GPIOPinState.LOW and before == GPIOPinState.HIGH:
            self._fall()

    def _rise(self) -> None:
        now_ns = self._clock.nanos
        self._rose_ns = now_ns
        self._power_down.schedule(_POWER_DOWN_NS)
        if not self._ready:
            return
        if self._pulses:
            self.shortest_low_ns = min(self.shortest_low_ns, now_ns - self._fell_ns)
        self._pulses += 1
        if self._pulses <= _BITS:
            self._data.set_input_value(bool(self._shifted >> (_BITS - self._pulses) & 1))
        elif self._pulses == _PULSES:
            self._data.set_input_value(True)
        else:
            self.breaches.append(f"pulse {self._pulses} chooses another gain")

    def _fall(self) -> None:
        now_ns = self._fell_ns = self._clock.nanos
        self._power_down.cancel()
        if self._down:
            self.resets += 1
            self._reset()
            return
        high_ns = now_ns - self._rose_ns
        if not self._ready:
            self.breaches.append(f"clocked after conversion {self.converted - 1} though none is ready")
            return
        self.longest_high_ns = max(self.longest_high_ns, high_ns)
        self.shortest_high_ns = min(self.shortest_high_ns, high_ns)
        if not _SHORTEST_NS <= high_ns < _LONGEST_HIGH_NS:
            self.breaches.append(f"SCK high for {high_ns:.0f} ns")
        if self._pulses == _PULSES:
            self._ready = False
            self._pulses = 0
            self.whole.append(self.converted - 1)
