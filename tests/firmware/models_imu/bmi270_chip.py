"""BMI270, as its data sheet (BST-BMI270-DS000) describes it; the any-motion feature as the vendor's own driver has it.

The configuration that it accepts is whatever 8 KiB the test made. Strict about what the data sheet asks for: 450 µs
after power save was left, no data register before the configuration is in, words of two bytes, nothing written while
it is loading.
"""

from tests.firmware.models_imu.wire import ForbiddenError

CONFIG_BYTES = 8192

_BOOT_NS = 450000
_RESET_NS = 2000000
_AWAKE_NS = 450000
_LOAD_NS = 20000000
_GYRO_ON_NS = 45000000
_UNSETTLED = 0x7ABC

_READABLE = (
    (0x00, 0x00),
    (0x02, 0x03),
    (0x0C, 0x17),
    (0x1C, 0x1D),
    (0x21, 0x21),
    (0x2F, 0x43),
    (0x53, 0x59),
    (0x7C, 0x7D),
)
_WRITABLE = {
    0x2F: 0x07,
    0x40: 0xFF,
    0x41: 0x03,
    0x42: 0xFF,
    0x43: 0x0F,
    0x53: 0x1E,
    0x54: 0x1E,
    0x55: 0x01,
    0x56: 0xFF,
    0x57: 0xFF,
    0x58: 0xFF,
    0x59: 0x01,
    0x5B: 0x0F,
    0x5C: 0xFF,
    0x5E: 0xFF,
    0x7C: 0x07,
    0x7D: 0x0F,
    0x7E: 0xFF,
}
# µg and millionths of a degree per second of the full scale, by range.
_RANGE_UG = (2000000, 4000000, 8000000, 16000000)
_RANGE_UDPS = (2000000000, 1000000000, 500000000, 250000000, 125000000)


class Chip:
    """One chip that moves as `motion(time_ns)` says, see lsm6ds_chip.py; `config` is what it accepts as its own.

    `factor_zx` is what the gyroscope's x takes of z, in 1/512.
    """

    def __init__(self, config, time, motion, clock_ppm=0, factor_zx=0):
        self._config = config
        self._time = time
        self._motion = motion
        self._clock_ppm = clock_ppm
        self._factor_zx = factor_zx
        self.present = True
        self.lost = 0
        self.made = 0
        self.wake_pin = False
        self._still = None
        self.power_on()

    def power_on(self):
        """Power came."""
        self._default(self._time.ns + _BOOT_NS)

    def _default(self, ready_ns):
        self._ready_ns = ready_ns
        self.registers = bytearray(0x80)
        self.registers[0x40] = 0xA8
        self.registers[0x41] = 0x02
        self.registers[0x42] = 0xA9
        self.registers[0x7C] = 0x03
        self.pages = [bytearray(16) for _ in range(8)]
        self.pages[0][12] = self._factor_zx & 0x7F
        self._loaded = bytearray(CONFIG_BYTES)
        self._awake_ns = None
        self._load_until_ns = None
        self._ok = False
        self._gyro_on_ns = 0
        self._next_ns = 0
        self._fresh = 0
        self._latched = bytearray(12)
        self.wake_pin = False
        self._pointer = 0

    def answers(self):
        return self.present and self._time.ns >= self._ready_ns

    def begin_write(self, register):
        self._settle()
        self._pointer = register
        self._word_at = (self.registers[0x5B] | self.registers[0x5C] << 4) * 2

    def begin_read(self, register):
        self._settle()
        self._pointer = register

    def write_next(self, value):
        register = self._pointer
        if self._load_until_ns is not None:
            raise ForbiddenError(f"register {register:02x} written while the configuration is being loaded")
        if self.registers[0x7C] & 0x01 and register not in (0x7C, 0x7E):
            raise ForbiddenError(f"register {register:02x} written in power save")
        if register != 0x5E:
            self._pointer += 1
        if 0x30 <= register <= 0x3F:
            if not self._ok:
                raise ForbiddenError("a feature written before the configuration is in")
            self.pages[self.registers[0x2F]][register - 0x30] = value
            return
        mask = _WRITABLE.get(register)
        if mask is None or value & ~mask & 0xFF:
            raise ForbiddenError(f"register {register:02x}: {value:02x}")
        if register not in (0x7C, 0x7E) and (self._awake_ns is None or self._time.ns < self._awake_ns):
            raise ForbiddenError(f"register {register:02x} written within 450 us of leaving power save")
        special = {0x7E: self._command, 0x7C: self._power_save, 0x5E: self._load, 0x59: self._init, 0x7D: self._switch}
        if register in special:
            special[register](value)
        if register not in (0x5E, 0x7E):
            self.registers[register] = value

    def _command(self, value):
        if value != 0xB6:
            raise ForbiddenError(f"command {value:02x}")
        self._default(self._time.ns + _RESET_NS)

    def _power_save(self, value):
        self._awake_ns = None if value & 0x01 else self._time.ns + _AWAKE_NS

    def _load(self, value):
        if self.registers[0x59]:
            raise ForbiddenError("configuration written outside of its loading")
        self._loaded[self._word_at % CONFIG_BYTES] = value
        self._word_at += 1

    def _init(self, value):
        if value == 1:
            self._load_until_ns = self._time.ns + _LOAD_NS

    def _switch(self, value):
        if value & 0x06 and not self._ok:
            raise ForbiddenError("sensors switched on before the configuration is in")
        if value & 0x02 and not self.registers[0x7D] & 0x02:
            self._gyro_on_ns = self._time.ns + _GYRO_ON_NS
        self._next_ns = self._time.ns + self._period_ns()

    def read_next(self):
        register = self._pointer
        self._pointer += 1
        if not any(low <= register <= high for low, high in _READABLE):
            raise ForbiddenError(f"register {register:02x} is none to be read")
        if register == 0x00:
            return 0x24
        if register == 0x02:
            return 0
        if register == 0x03:
            return 0x10 | self._fresh
        if register == 0x21:
            return 1 if self._ok else (2 if self.registers[0x59] and self._load_until_ns is None else 0)
        if 0x0C <= register <= 0x17:
            if not self._ok:
                raise ForbiddenError("data read before the configuration is in")
            if register == 0x0C:
                self._fresh &= ~0x80
            if register == 0x12:
                self._fresh &= ~0x40
            return self._latched[register - 0x0C]
        if register == 0x1C:
            self.wake_pin = False
            return 0
        if 0x30 <= register <= 0x3F:
            return self.pages[self.registers[0x2F]][register - 0x30] if self._ok else 0
        return self.registers[register]

    def _period_ns(self):
        period_ns = 1000000000 * (1 << 8) // (100 << (self.registers[0x40] & 0x0F))
        return period_ns - period_ns // 1000000 * self._clock_ppm

    def _settle(self):
        if self._load_until_ns is not None and self._time.ns >= self._load_until_ns:
            self._load_until_ns = None
            self._ok = bytes(self._loaded) == self._config
        on = self.registers[0x7D] & 0x06
        if not self._ok or not on:
            return
        period_ns = self._period_ns()
        while self._next_ns <= self._time.ns:
            if self._fresh:
                self.lost += 1
            if self._next_ns + 2 * period_ns > self._time.ns:
                self._convert(self._next_ns)
            self._fresh = (0x80 if on & 0x04 else 0) | (0x40 if on & 0x02 else 0)
            self._feel(self._next_ns)
            self._next_ns += period_ns

    def _convert(self, at_ns):
        self.made += 1
        values = self._motion(at_ns)
        g = [values[3 + axis] * 32768 // _RANGE_UDPS[self.registers[0x43] & 7] for axis in range(3)]
        g[0] += self._factor_zx * g[2] // 512
        for axis in range(3):
            self._put(2 * axis, values[axis] * 32768 // _RANGE_UG[self.registers[0x41]])
            self._put(6 + 2 * axis, g[axis] if at_ns >= self._gyro_on_ns else _UNSETTLED)

    def _put(self, at, value):
        value = max(-32768, min(32767, value)) & 0xFFFF
        self._latched[at] = value & 0xFF
        self._latched[at + 1] = value >> 8

    def _feel(self, at_ns):
        # Any-motion, page 1: duration and axes at 0x0C, threshold in 1/2048 g and enable at 0x0E. Its slope is that
        # between samples at 50 Hz; here between those of the rate in force, which is held against it by the tests.
        page = self.pages[1]
        axes = page[13] >> 5
        threshold_ug = (page[14] | (page[15] & 0x07) << 8) * 1000000 // 2048
        values = self._motion(at_ns)[:3]
        still, self._still = self._still, values
        out = self.registers[0x53] & 0x08 and self.registers[0x56] & 0x40
        if not page[15] & 0x80 or not out or still is None:
            return
        if any(axes & 1 << axis and abs(values[axis] - still[axis]) > threshold_ug for axis in range(3)):
            self.wake_pin = True
