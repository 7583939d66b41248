"""The NAU7802 as its data sheet tells it (Nuvoton, rev. 1.7).

What stands there:

- 9.1 (power-on sequencing) and 11.1 (REG0x00 PU_CTRL): RR holds the registers in reset; RR 0 and PUD 1 start the
  digital part, which is ready (PUR) about 200 µs later; PUA starts the analogue part; AVDDS takes AVDD from the
  regulator; no conversion without CS, whose rising edge begins one; CR tells that one is ready and goes when it is
  read. REG0x15 gets 0x30 (no chopper clock), REG0x1C bit 7 connects the capacitor where only one channel is used.
- 11.2 (CTRL1): CRP (0: DRDY is high where data are ready), DRDY_SEL, VLDO (111 2.4 V to 000 4.5 V), GAINS (111 128).
- 11.3 (CTRL2): CHS, CRS (000 10, 001 20, 010 40, 011 80, 111 320 conversions a second), CAL_ERR, CALS, CALMOD (00
  offset by shorted inputs). CALS reads 1 until the calibration ended; 8.6.3: CAL_ERR stays until a valid one or a
  reset.
- 11 (REG0x12 to 0x14): the reading, highest byte first; registers run on while they are read.

What does not stand there: how long a calibration takes (344 ms here, as users of the chip measured); that the filter
takes four conversions after CS or a calibration, during which CR stays 0 (assumed; Linux's driver waits so after a
change of channel); whether DRDY moves when an unread conversion is replaced (`unread_pulse_ns`, 0 where it does not);
that the three bytes of a reading belong to one conversion (assumed).
"""

from tests.firmware.models.truth import GOOD, OTHER_GAIN, UNCALIBRATED, Truth
from tests.firmware.models.wire import NEVER, Pin

_PU_CTRL = 0x00
_CTRL1 = 0x01
_CTRL2 = 0x02
_ADC = 0x15
_POWER = 0x1C
_REVISION = 0x1F
_RR = 0x01
_PUD = 0x02
_PUA = 0x04
_PUR = 0x08
_CS = 0x10
_CR = 0x20
_AVDDS = 0x80
_CALS = 0x04
_CAL_ERR = 0x08
_RATES = {0: 10, 1: 20, 2: 40, 3: 80, 7: 320}
_LDO_MV = (4500, 4200, 3900, 3600, 3300, 3000, 2700, 2400)
_READY_NS = 200_000


class Nau7802Chip:
    """The chip at 0x2A. `ready` is its DRDY pin. `calibration_fails`: so many calibrations end with CAL_ERR."""

    address = 0x2A

    def __init__(
        self, world, wanted_rate_hz=320, wanted_gain=128, wanted_ldo_mv=3000, clock_error=0, unread_pulse_ns=0
    ):
        self.ready = Pin(world, 0)
        self.truth = Truth()
        self.present = True
        self.calibration_fails = 0
        self.calibration_ns = 344_000_000
        self.never_ready = False
        self.calibrations = 0
        self.registers = bytearray(0x20)
        self.next_ns = NEVER
        self._world = world
        self._wanted_rate_hz = wanted_rate_hz
        self._wanted_gain = wanted_gain
        self._wanted_ldo_mv = wanted_ldo_mv
        self._clock_error = clock_error
        self._unread_pulse_ns = unread_pulse_ns
        self._calibrated_for = -1
        self._ready_ns = NEVER
        self._conversion_ns = NEVER
        self._calibrated_ns = NEVER
        self._pulse_ns = NEVER
        self._at = 0
        self._pointed = False
        self._value = 0
        self._out = 0
        self._analogue_ns = NEVER
        self._reset()
        world.add(self)

    def unplug(self):
        """Take the chip away."""
        self.present = False
        self._reset()
        self.ready.drive(0)

    def plug(self):
        """Power it up (again), with everything forgotten."""
        self.present = True
        self._reset()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        self.registers[0x06] = self.registers[0x0D] = 0x00
        self.registers[0x07] = self.registers[0x0E] = 0x80
        self.registers[_REVISION] = 0x0F
        self._ready_ns = self._conversion_ns = self._calibrated_ns = self._pulse_ns = NEVER
        self._calibrated_for = -1
        self._show(0)
        self._plan()

    @property
    def period_ns(self):
        """Nanoseconds from one conversion to the next, as it is configured."""
        rate_hz = _RATES[self.registers[_CTRL2] >> 4 & 7]
        return 1_000_000_000 * 1000 // (rate_hz * (1000 + self._clock_error))

    def _configuration(self):
        """What a calibration holds for: regulator, gain, rate, channel."""
        return self.registers[_CTRL1] & 0x3F | (self.registers[_CTRL2] & 0xF0) << 8

    def _plan(self):
        self.next_ns = min(self._ready_ns, self._conversion_ns, self._calibrated_ns, self._pulse_ns)

    def _show(self, ready):
        self.ready.drive(ready ^ (self.registers[_CTRL1] >> 7))

    def happen(self):
        """Live on to now."""
        now_ns = self._world.now_ns
        registers = self.registers
        if now_ns >= self._ready_ns:
            self._ready_ns = NEVER
            registers[_PU_CTRL] |= _PUR
        elif now_ns >= self._calibrated_ns:
            self._calibrated_ns = NEVER
            registers[_CTRL2] &= ~_CALS & 0xFF
            self.calibrations += 1
            if self.calibration_fails:
                self.calibration_fails -= 1
                registers[_CTRL2] |= _CAL_ERR
            else:
                registers[_CTRL2] &= ~_CAL_ERR & 0xFF
                self._calibrated_for = self._configuration()
            self._begin(now_ns)
        elif now_ns >= self._pulse_ns:
            self._pulse_ns = NEVER
            self._show(1)
        elif now_ns >= self._conversion_ns:
            self._conversion_ns = now_ns + self.period_ns
            self._converted(now_ns)
        self._plan()

    def _begin(self, now_ns):
        """Begin conversions where everything that they need is there."""
        needed = _PUD | _PUA | _PUR | _CS
        if self.registers[_PU_CTRL] & needed == needed and self.registers[_CTRL2] >> 4 & 7 in _RATES:
            self._conversion_ns = now_ns + 4 * self.period_ns
        else:
            self._conversion_ns = NEVER

    def _converted(self, now_ns):
        registers = self.registers
        if self.never_ready:
            return
        fault = GOOD
        if self._calibrated_for != self._configuration():
            fault = UNCALIBRATED
        gain_is = 1 << (registers[_CTRL1] & 7)
        rate_is = _RATES[registers[_CTRL2] >> 4 & 7]
        if gain_is != self._wanted_gain or rate_is != self._wanted_rate_hz or registers[_CTRL2] & 0x80:
            fault = OTHER_GAIN
        if _LDO_MV[registers[_CTRL1] >> 3 & 7] != self._wanted_ldo_mv or not registers[_PU_CTRL] & _AVDDS:
            self._world.broke("NAU7802 converts with another excitation")
        if registers[_ADC] & 0x30 != 0x30:
            self._world.broke("NAU7802 converts with the chopper's clock on")
        if not registers[_POWER] & 0x80:
            self._world.broke("NAU7802 converts without the capacitor of its amplifier")
        self._value = self.truth.add(now_ns, fault) & 0xFFFFFF
        if registers[_PU_CTRL] & _CR and self._unread_pulse_ns:
            self._show(0)
            self._pulse_ns = now_ns + self._unread_pulse_ns
        else:
            self._show(1)
        registers[_PU_CTRL] |= _CR

    def begin(self):
        """A write begins: its first byte chooses the register."""
        self._pointed = False

    def get(self):
        """Return a register's byte, and run on."""
        at = self._at
        self._at = (at + 1) & 0xFF
        if at > _REVISION:
            self._world.broke("NAU7802 has no such register")
            return 0xFF
        if 0x12 <= at <= 0x14:
            if at == 0x12:
                self._out = self._value
                self.registers[_PU_CTRL] &= ~_CR & 0xFF
                self._show(0)
            return self._out >> (8 * (0x14 - at)) & 0xFF
        return self.registers[at]

    def put(self, value):
        """Take a byte: the register first, then what goes there and after it."""
        if not self._pointed:
            self._pointed = True
            self._at = value
            return
        at = self._at
        self._at = (at + 1) & 0xFF
        if at > _POWER or 0x12 <= at <= 0x14:
            self._world.broke("NAU7802 has nothing to write there")
        elif at == _PU_CTRL:
            self._control(value)
        elif self.registers[_PU_CTRL] & _RR:
            self._world.broke("NAU7802 written while it is held in reset")
        elif not self.registers[_PU_CTRL] & _PUR:
            self._world.broke("NAU7802 written before it is ready")
        else:
            self._configure(at, value)
        self._plan()

    def _control(self, value):
        registers = self.registers
        now_ns = self._world.now_ns
        if value & _RR:
            self._reset()
            registers[_PU_CTRL] = _RR
            return
        before = registers[_PU_CTRL]
        if before & _RR:
            before = 0
        status = before & (_PUR | _CR)
        if value & _PUD:
            if not before & _PUD:
                self._ready_ns = now_ns + _READY_NS
        else:
            status = 0
            self._ready_ns = NEVER
        registers[_PU_CTRL] = value & ~(_PUR | _CR) & 0xFF | status
        running = _PUD | _PUA | _CS
        if value & running != running:
            self._conversion_ns = NEVER
            registers[_PU_CTRL] &= ~_CR & 0xFF
            self._show(0)
        elif before & running != running:
            self._begin(max(now_ns, self._ready_ns if self._ready_ns < NEVER else 0))

    def _configure(self, at, value):
        registers = self.registers
        before = registers[at]
        if self._calibrated_ns < NEVER:
            self._world.broke("NAU7802 written during its calibration")
        if at == _CTRL2:
            if value & 0x70 and value >> 4 & 7 not in _RATES:
                self._world.broke("NAU7802 has no such rate")
            value = value & ~_CAL_ERR & 0xFF | before & _CAL_ERR
            if value & _CALS:
                if value & 3:
                    self._world.broke("NAU7802 calibrated with a load")
                if not registers[_PU_CTRL] & _PUA:
                    self._world.broke("NAU7802 calibrated without its analogue part")
                self._calibrated_ns = self._world.now_ns + self.calibration_ns
                self._conversion_ns = NEVER
                registers[_PU_CTRL] &= ~_CR & 0xFF
                self._show(0)
        registers[at] = value
        if at == _CTRL1:
            self._show(1 if registers[_PU_CTRL] & _CR else 0)
        if at == _CTRL2 and (value ^ before) & 0xF0 and self._conversion_ns < NEVER:
            self._begin(self._world.now_ns)
