"""The HX711 as its data sheet tells it (Avia Semiconductor, "24-Bit Analog-to-Digital Converter for Weigh Scales").

What stands there:

- "Serial Interface": the data pin is high until data are ready, PD_SCK should be low then. 25, 26 or 27 pulses read
  24 bits, the first one first, and choose channel and gain of the next conversion: A 128, B 32, A 64. The 25th pulse
  takes the data pin high. Fewer than 25 or more than 27 are an error.
- Fig. 2, table below it: T1 (the data pin falls to PD_SCK rises) 0.1 µs at least; T2 (PD_SCK rises to the bit stands)
  0.1 µs at most; T3 (PD_SCK high) 0.2 to 50 µs; T4 (PD_SCK low) 0.2 µs at least.
- "Reset and Power-Down", Fig. 3: high for longer than 60 µs powers down; low again resets, to channel A with gain
  128.
- "Key Electrical Characteristics": 10 or 80 conversions a second by its own oscillator (typical); settled 400 ms or
  50 ms after power-up, reset, or a change of channel or gain.

What does not stand there, and is tried in both ways: whether the data pin stays high until settled (`settled_first`)
or falls for readings that are not settled; whether the data pin goes high for a moment when an unread conversion is
replaced (`unread_pulse_ns`). A conversion that ends amid a read replaces the bits that were not shifted out yet. A
pulse between 50 and 60 µs spoils the reading.
"""

from tests.firmware.models.truth import GOOD, OTHER_GAIN, UNSETTLED, Truth
from tests.firmware.models.wire import NEVER, Pin

_GAIN_OF_PULSES = {25: 128, 26: 32, 27: 64}
_LONGEST_NS = 50_000
_DOWN_NS = 60_000


class Hx711Chip:
    """The chip on two pins, `data` and `clock`. `wanted_gain`: what a driver should have chosen."""

    def __init__(self, world, rate_hz=80, wanted_gain=128, clock_error=0, settled_first=True, unread_pulse_ns=0):
        self.data = Pin(world, 1)
        self.clock = Pin(world, 0)
        self.clock.chip = self
        self.truth = Truth()
        self.period_ns = 1_000_000_000 * 1000 // (rate_hz * (1000 + clock_error))
        self.settling_ns = 400_000_000 if rate_hz == 10 else 50_000_000
        self.present = True
        self.powered_down = False
        self.resets = 0
        self.next_ns = NEVER
        self._world = world
        self._wanted_gain = wanted_gain
        self._settled_first = settled_first
        self._unread_pulse_ns = unread_pulse_ns
        self._rose_ns = 0
        self._conversion_ns = NEVER
        self._down_ns = NEVER
        self._fall_ns = NEVER
        self._value = 0
        self._reset()
        world.add(self)

    def unplug(self, level=1):
        """Take the chip away; its data line stays at `level`."""
        self.present = False
        self.next_ns = NEVER
        self.data.drive(level)

    def plug(self):
        """Power it up (again)."""
        self.present = True
        self._reset()

    def _reset(self):
        self.resets += 1
        self.powered_down = False
        self._gain = 128
        self._pulses = 0
        self._ready = False
        self._fall_ns = NEVER
        self._down_ns = NEVER
        self._settle(self._world.now_ns)
        self.data.drive(1)
        self._plan()

    def _settle(self, from_ns):
        self._settled_ns = from_ns + self.settling_ns
        self._conversion_ns = self._settled_ns if self._settled_first else from_ns + self.period_ns

    def _plan(self):
        self.next_ns = min(self._conversion_ns, self._down_ns, self._fall_ns)

    def happen(self):
        """Live on to now."""
        now_ns = self._world.now_ns
        if now_ns >= self._down_ns:
            self._down_ns = self._fall_ns = self._conversion_ns = NEVER
            self.powered_down = True
            self.data.drive(1)
        elif now_ns >= self._fall_ns:
            self._fall_ns = NEVER
            if self._ready and not self._pulses:
                self.data.drive(0)
        elif now_ns >= self._conversion_ns:
            self._conversion_ns += self.period_ns
            self._converted(now_ns)
        self._plan()

    def _converted(self, now_ns):
        if self._pulses >= 25:
            gain = _GAIN_OF_PULSES[min(self._pulses, 27)]
            self._pulses = 0
            if gain != self._gain:
                self._gain = gain
                self._settle(now_ns)
                self._ready = False
                if self._settled_first:
                    return
        fault = GOOD
        if now_ns < self._settled_ns:
            fault = UNSETTLED
        elif self._gain != self._wanted_gain:
            fault = OTHER_GAIN
        self._value = self.truth.add(now_ns, fault) & 0xFFFFFF
        if self._pulses:
            return
        if self._ready and self._unread_pulse_ns:
            self.data.drive(1)
            self._fall_ns = now_ns + self._unread_pulse_ns
        else:
            self.data.drive(0)
        self._ready = True

    def edge(self, _pin, level):
        """PD_SCK changed."""
        if not self.present:
            return
        now_ns = self._world.now_ns
        if level:
            self._rose_ns = now_ns
            self._down_ns = now_ns + _DOWN_NS
            if self._ready:
                self._shift()
        elif self.powered_down:
            self._reset()
        else:
            self._down_ns = NEVER
            if not self._ready and self._pulses == 0:
                self._world.broke("HX711 clocked while no data are ready")
            if now_ns - self._rose_ns >= _LONGEST_NS:
                # Out of the data sheet's range, though not powered down: whatever comes now is worth nothing.
                self._value ^= 0xFFFFFF
        self._plan()

    def _shift(self):
        self._pulses += 1
        if self._pulses <= 24:
            self.data.drive(self._value >> (24 - self._pulses) & 1)
        elif self._pulses == 25:
            self.data.drive(1)
        elif self._pulses > 27:
            self._world.broke("HX711 clocked more than 27 times")
        if self._pulses == 24:
            self._fall_ns = NEVER
