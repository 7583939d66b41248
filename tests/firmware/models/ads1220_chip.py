"""The ADS1220 as its data sheet tells it (Texas Instruments, SBAS501C).

What stands there:

- 8.4.1: after power-up and after RESET the registers are 0, 50 µs + 32 clocks of 4.096 MHz later the chip listens,
  makes one conversion and rests. 8.4.2.2: with CM set START/SYNC begins conversions, the first one 210 clocks (turbo:
  114) later; each is settled. Writing a register restarts the one that runs. 8.4.3.4: POWERDOWN stops, START/SYNC
  wakes; registers stay.
- 8.3.5, table of conversion times in clocks: normal 204768, 91120, 46128, 23664, 12464, 6896, 4144 for 20, 45, 90,
  175, 330, 600, 1000 a second; turbo half of each.
- 8.5.1.3: DRDY falls with new data, goes high with the next SCLK; unread, it is high for 2 periods of the modulator
  (256 kHz; turbo 512 kHz) before it falls again.
- 8.5.3: RESET 0000011x, START/SYNC 0000100x, POWERDOWN 0000001x, RDATA 0001xxxx, RREG 0010rrnn, WREG 0100rrnn. 8.5.4:
  data may be read without a command where DRDY is low; DIN is low meanwhile. CS high resets the interface.
- 8.6: register 0 MUX, GAIN, PGA_BYPASS; 1 DR, MODE, CM, TS, BCS; 2 VREF, 50/60, PSW, IDAC; 3 I1MUX, I2MUX, DRDYM, 0.
  50/60 only with 20 a second in normal mode. 6.6: CS high 50 ns at least.

What does not stand there: that a conversion which ends amid a read waits until the read is over (8.5.4 has DRDY low
at the end of it then).
"""

from tests.firmware.models.truth import GOOD, OTHER_GAIN, Truth
from tests.firmware.models.wire import NEVER, Pin

_CLOCKS = (204768, 91120, 46128, 23664, 12464, 6896, 4144)
_RATES = (20, 45, 90, 175, 330, 600, 1000)
_RESET_NS = 50_000 + 32 * 1_000_000 // 4096


class Ads1220Chip:
    """The chip with its pins `select` and `ready`. `wanted_inputs`, `wanted_reference`: what MUX and VREF should be."""

    def __init__(self, world, wanted_rate_hz=330, wanted_gain=128, wanted_inputs=3, wanted_reference=2, clock_error=0):
        self.select = Pin(world, 1)
        self.ready = Pin(world, 1)
        self.select.chip = self
        self.truth = Truth()
        self.present = True
        self.registers = bytearray(4)
        self.next_ns = NEVER
        self._world = world
        self._wanted_rate_hz = wanted_rate_hz
        self._wanted_gain = wanted_gain
        self._wanted_inputs = wanted_inputs
        self._wanted_reference = wanted_reference
        self._clock_error = clock_error
        self._conversion_ns = NEVER
        self._high_ns = NEVER
        self._deaf_until_ns = 0
        self._value = 0
        self._waiting = -1
        self._command = 0
        self._left = 0
        self._at = 0
        self._out = 0
        self._reading = 0
        self._reset()
        world.add(self)

    def unplug(self, level=1):
        """Take the chip away; its ready line stays at `level`."""
        self.present = False
        self.next_ns = NEVER
        self.ready.drive(level)

    def plug(self):
        """Power it up (again), with everything forgotten."""
        self.present = True
        self._reset()

    def _reset(self):
        self._told_to_reset = False
        for i in range(4):
            self.registers[i] = 0
        self._left = 0
        self._reading = 0
        self._waiting = -1
        self._high_ns = NEVER
        self._deaf_until_ns = self._world.now_ns + _RESET_NS
        self.ready.drive(1)
        self._begin(self._deaf_until_ns)

    def _turbo(self):
        return self.registers[1] >> 3 & 3 == 2

    @property
    def period_ns(self):
        """Nanoseconds from one conversion to the next, as it is configured."""
        clocks = _CLOCKS[min(self.registers[1] >> 5, 6)]
        if self._turbo():
            clocks //= 2
        return self._clocks_ns(clocks)

    def _clocks_ns(self, clocks):
        return clocks * 1_000_000_000 // (4096 * (1000 + self._clock_error))

    def _begin(self, from_ns):
        self._conversion_ns = from_ns + self._clocks_ns(114 if self._turbo() else 210) + self.period_ns
        self._plan()

    def _plan(self):
        self.next_ns = min(self._conversion_ns, self._high_ns)

    def happen(self):
        """Live on to now."""
        now_ns = self._world.now_ns
        if now_ns >= self._high_ns:
            self._high_ns = NEVER
            self.ready.drive(1)
        elif now_ns >= self._conversion_ns:
            self._converted(now_ns)
        self._plan()

    def _converted(self, now_ns):
        registers = self.registers
        gain_is = 1 << (registers[0] >> 1 & 7)
        rate_is = _RATES[min(registers[1] >> 5, 6)] * (2 if self._turbo() else 1)
        fault = GOOD
        if (
            gain_is != self._wanted_gain
            or rate_is != self._wanted_rate_hz
            or registers[0] >> 4 != self._wanted_inputs
            or registers[2] >> 6 != self._wanted_reference
            or registers[1] & 0x03
        ):
            fault = OTHER_GAIN
        if registers[2] >> 6 == 2 and not registers[2] & 0x08:
            # The bridge of 9.2.3 stands between AIN0 and AIN3, which this switch grounds.
            fault = OTHER_GAIN
        value = self.truth.add(now_ns, fault) & 0xFFFFFF
        if self._reading:
            self._waiting = value
        else:
            self._value = value
        self.ready.drive(0)
        if registers[1] & 0x04:
            self._conversion_ns += self.period_ns
            self._high_ns = self._conversion_ns - self._clocks_ns(16 if self._turbo() else 32)
        else:
            self._conversion_ns = NEVER

    def edge(self, _pin, _level):
        """CS changed."""
        self._left = 0
        self._end_read()

    def _end_read(self):
        self._reading = 0
        if self._waiting >= 0:
            self._value = self._waiting
            self._waiting = -1

    def exchange(self, value):
        """Take a byte and give one."""
        if not self.present or self.select.level:
            return 0xFF
        world = self._world
        if world.now_ns < self._deaf_until_ns:
            if self._told_to_reset:
                world.broke("ADS1220 spoken to before its reset was over")
            return 0xFF
        was_ready = not self.ready.level
        self.ready.drive(1)
        if self._left:
            return self._go_on(value)
        if self._reading:
            return self._shift(value)
        if value == 0:
            if not was_ready:
                world.broke("ADS1220 read without new data and without a command")
            self._out = self._value
            self._reading = 3
            return self._shift(value)
        self._obey(value)
        return 0x00

    def _shift(self, value):
        if value:
            self._world.broke("ADS1220 got a command amid data")
        self._reading -= 1
        answer = self._out >> (8 * self._reading) & 0xFF
        if not self._reading:
            if self._waiting >= 0:
                self.ready.drive(0)
            self._end_read()
        return answer

    def _obey(self, value):
        if value & 0xFE == 0x06:
            self._reset()
            self._told_to_reset = True
        elif value & 0xFE == 0x08:
            self._high_ns = NEVER
            self._begin(self._world.now_ns)
        elif value & 0xFE == 0x02:
            self._conversion_ns = self._high_ns = NEVER
            self._plan()
        elif value & 0xF0 == 0x10:
            self._out = self._value
            self._reading = 3
        elif value & 0xF0 in (0x20, 0x40):
            self._command = value & 0xF0
            self._at = value >> 2 & 3
            self._left = (value & 3) + 1
            if self._at + self._left > 4:
                self._world.broke("ADS1220 has no such register")
        else:
            self._world.broke("ADS1220 has no such command")

    def _go_on(self, value):
        self._left -= 1
        at = self._at & 3
        self._at += 1
        if self._command == 0x20:
            if value:
                self._world.broke("ADS1220 got a command amid registers")
            return self.registers[at]
        self.registers[at] = value
        self._judge()
        if self._conversion_ns < NEVER:
            self._high_ns = NEVER
            self._begin(self._world.now_ns)
        return 0x00

    def _judge(self):
        registers = self.registers
        if self._left:
            return
        if registers[1] >> 5 == 7 or registers[1] >> 3 & 3 == 3:
            self._world.broke("ADS1220 has no such rate")
        if registers[2] & 0x30 and (registers[1] >> 5 or registers[1] & 0x18):
            self._world.broke("ADS1220 filters 50/60 Hz at 20 a second only")
        if registers[0] & 1 and registers[0] >> 1 & 7 > 2:
            self._world.broke("ADS1220 bypasses its amplifier at gains up to 4 only")
        if registers[3] & 1:
            self._world.broke("ADS1220's reserved bit is to be written 0")
