"""LSM6DS3 (DocID026899), LSM6DS3TR-C (DocID030071) and LSM6DSOX (DS12814), as their data sheets describe them.

Of their registers: WHO_AM_I, CTRL1_XL to CTRL10_C, STATUS_REG, the outputs, and those of the wake-up interrupt
(AN4650, AN5130, AN5272). An access outside of them is forbidden, and so is a reserved bit that is set.
"""

from tests.firmware.models_imu.wire import ForbiddenError

LSM6DS3 = 0x69
LSM6DS3TR_C = 0x6A
LSM6DSOX = 0x6C

_BOOT_NS = 15000000
_RESET_NS = 50000
# Conversions after a start that the gyroscope is not settled for (data sheets: 70 ms to 80 ms until it is).
_GYRO_ON_NS = 80000000
_UNSETTLED = 0x7ABC

_RATES_MHZ = (0, 12500, 26000, 52000, 104000, 208000, 416000, 833000, 1660000)
# Bits that may be set: register → mask. All of the three chips unless named apart.
_MASKS = {
    0x0D: 0xFF,
    0x0E: 0xFF,
    0x10: 0xFF,
    0x11: 0xFE,
    0x12: 0xFF,
    0x13: 0xFF,
    0x14: 0xFF,
    0x15: 0xFF,
    0x16: 0xFF,
    0x17: 0xFF,
    0x18: 0xFF,
    0x19: 0xFF,
    0x58: 0xFF,
    0x59: 0xFF,
    0x5A: 0xFF,
    0x5B: 0xFF,
    0x5C: 0xFF,
    0x5D: 0xFF,
    0x5E: 0xFF,
    0x5F: 0xFF,
}
_MASKS_SOX = {0x10: 0xFE, 0x12: 0xFD, 0x15: 0xFF, 0x56: 0x7F, 0x57: 0xFF, 0x58: 0xFF, 0x5E: 0xFF, 0x5F: 0xFF}
_FS_XL_MG = (2000, 16000, 4000, 8000)
# mdps per least significant bit, hundredths, by FS_G.
_FS_G_UDPS = (8750, 17500, 35000, 70000)
# µg per least significant bit, by FS_XL.
_SENSITIVITY_UG = (61, 488, 122, 244)


class Chip:
    """One chip that moves as `motion(time_ns)` says: ax ay az in µg, gx gy gz in millionths of a degree per second.

    `clock_ppm` is how far its own clock is off; a new sample is ready each period of it.
    """

    def __init__(self, who, time, motion, clock_ppm=0):
        self.who = who
        self._time = time
        self._motion = motion
        self._clock_ppm = clock_ppm
        self.present = True
        self.stuck_in_reset = False
        self.lost = 0
        self.made = 0
        self.wake_pin = False
        self._pointer = 0
        self._still = None
        self.power_on()

    def power_on(self):
        """Power came: registers have their defaults, and for 15 ms nothing may be asked."""
        self._ready_ns = self._time.ns + _BOOT_NS
        self._default()
        self._reset_until = 0

    def _default(self):
        self.registers = bytearray(0x80)
        r = self.registers
        r[0x0F] = self.who
        r[0x12] = 0x04
        if self.who == LSM6DS3:
            r[0x18] = 0x38
            r[0x19] = 0x38
        else:
            r[0x18] = 0xE0
        self._started_ns = {0x10: 0, 0x11: 0}
        self._next_ns = 0
        self._latched = bytearray(12)
        self.wake_pin = False
        self._fresh_g = False
        self._fresh_xl = False

    def answers(self):
        return self.present and self._time.ns >= self._ready_ns

    # the bus

    def begin_write(self, register):
        self._pointer = register

    def begin_read(self, register):
        self._run()
        if self._in_reset() and register != 0x12:
            raise ForbiddenError(f"register {register:02x} read while the chip resets")
        self._pointer = register

    def write_next(self, value):
        self._run()
        register = self._advance()
        if self._in_reset():
            raise ForbiddenError(f"register {register:02x} written while the chip resets")
        mask = _MASKS.get(register)
        if self.who == LSM6DSOX and register in _MASKS_SOX:
            mask = _MASKS_SOX[register]
        if mask is None:
            raise ForbiddenError(f"register {register:02x} is none to be written")
        if value & ~mask & 0xFF:
            raise ForbiddenError(f"register {register:02x}: reserved bits of {value:02x}")
        if register == 0x12 and value & 0x01:
            self._default()
            self._reset_until = self._time.ns + _RESET_NS
            return
        if register == 0x12 and value & 0x80:
            raise ForbiddenError("BOOT is of no use here")
        before = self.registers[register]
        self.registers[register] = value
        if register in (0x10, 0x11) and (before >> 4 == 0) != (value >> 4 == 0):
            self._started_ns[register] = self._time.ns
            self._next_ns = self._time.ns + self._period_ns()
        if register == 0x10 and value >> 4 > 8 and not (self.who != LSM6DS3 and value >> 4 == 0x0B):
            raise ForbiddenError(f"no such rate: {value:02x}")

    def read_next(self):
        register = self._advance()
        if register == 0x0F:
            return self.who
        if register == 0x12:
            return self.registers[0x12] | (1 if self._in_reset() else 0)
        if register == 0x1E:
            return (2 if self._fresh_g else 0) | (1 if self._fresh_xl else 0)
        if 0x22 <= register <= 0x2D:
            if not self.registers[0x12] & 0x40:
                raise ForbiddenError("outputs read without BDU can be torn")
            if register == 0x27:
                self._fresh_g = False
            if register == 0x2D:
                self._fresh_xl = False
            return self._latched[register - 0x22]
        if register == 0x1B:
            self.wake_pin = False
            return 0
        if register in _MASKS or (self.who == LSM6DSOX and register in _MASKS_SOX):
            return self.registers[register]
        raise ForbiddenError(f"register {register:02x} is none to be read")

    def _advance(self):
        register = self._pointer
        if self.registers[0x12] & 0x04:
            self._pointer = register + 1
        return register

    # what it does

    def _in_reset(self):
        return (self.stuck_in_reset and self._reset_until > 0) or self._time.ns < self._reset_until

    def _period_ns(self):
        code = max(self.registers[0x10] >> 4, self.registers[0x11] >> 4)
        if not code:
            return 0
        period_ns = 1000000000000 // _RATES_MHZ[code]
        return period_ns - period_ns // 1000000 * self._clock_ppm

    def _run(self):
        period_ns = self._period_ns()
        if not period_ns:
            return
        while self._next_ns <= self._time.ns:
            # Only the newest is seen, and only conversions near now are worth making.
            if self._next_ns + 2 * period_ns <= self._time.ns:
                if self._fresh_g or self._fresh_xl:
                    self.lost += 1
                self._fresh_g = bool(self.registers[0x11] >> 4)
                self._fresh_xl = bool(self.registers[0x10] >> 4)
                self._wake(self._next_ns)
            else:
                self._convert(self._next_ns)
            self._next_ns += period_ns

    def _convert(self, at_ns):
        self.made += 1
        if self._fresh_g or self._fresh_xl:
            self.lost += 1
        values = self._motion(at_ns)
        if self.registers[0x11] >> 4:
            scale = _FS_G_UDPS[self.registers[0x11] >> 2 & 3]
            settled = at_ns - self._started_ns[0x11] >= _GYRO_ON_NS
            for axis in range(3):
                self._put(2 * axis, values[3 + axis] // scale if settled else _UNSETTLED)
            self._fresh_g = True
        if self.registers[0x10] >> 4:
            scale = _SENSITIVITY_UG[self.registers[0x10] >> 2 & 3]
            for axis in range(3):
                self._put(6 + 2 * axis, values[axis] // scale)
            self._fresh_xl = True
        self._wake(at_ns)

    def _put(self, at, value):
        value = max(-32768, min(32767, value)) & 0xFFFF
        self._latched[at] = value & 0xFF
        self._latched[at + 1] = value >> 8

    def _wake(self, at_ns):
        r = self.registers
        enabled = r[0x5E] & 0x20
        if self.who == LSM6DSOX:
            enabled = enabled and r[0x58] & 0x80
            latch = r[0x56] & 0x01
        else:
            latch = r[0x58] & 0x01
            if self.who == LSM6DS3TR_C:
                enabled = enabled and r[0x58] & 0x80
        values = self._motion(at_ns)[:3]
        still, self._still = self._still, values
        if not enabled or still is None:
            return
        # The slope filter: half of what changed since the conversion before.
        threshold_ug = (r[0x5B] & 0x3F) * _FS_XL_MG[r[0x10] >> 2 & 3] * 1000 // 64
        over = max([abs(values[axis] - still[axis]) // 2 for axis in range(3)]) > threshold_ug
        self.wake_pin = over or (self.wake_pin and bool(latch))
