"""BMI270: acceleration and rotation over I²C, 100 conversions a second, ±4 g, ±500 °/s.

Registers from the data sheet BST-BMI270-DS000; where the any-motion feature lies (page 1, 0x0C) from the vendor's own
driver for the configuration "bmi270_config_file". Without its configuration of 8 KiB, which the vendor publishes with
that driver, the chip gives no data. It is not ours to ship: it is read from a file on the board.

The interrupt pin is INT1, active high, and stays so until the sensor is started again.
"""

from array import array

from iastm_protocol._compat import const

_CHIP_ID = const(0x00)
_STATUS = const(0x03)
_DATA = const(0x0C)
_INT_STATUS_0 = const(0x1C)
_INTERNAL_STATUS = const(0x21)
_FEAT_PAGE = const(0x2F)
_GYR_CAS = const(0x3C)
_ANY_MOTION = const(0x3C)
_ACC_CONF = const(0x40)
_ACC_RANGE = const(0x41)
_GYR_CONF = const(0x42)
_GYR_RANGE = const(0x43)
_INT1_IO_CTRL = const(0x53)
_INT_LATCH = const(0x55)
_INT1_MAP_FEAT = const(0x56)
_INIT_CTRL = const(0x59)
_INIT_ADDR = const(0x5B)
_INIT_DATA = const(0x5E)
_PWR_CONF = const(0x7C)
_PWR_CTRL = const(0x7D)
_CMD = const(0x7E)

_ID = const(0x24)
_SOFT_RESET = const(0xB6)
_INIT_OK = const(1)
_AWAKE = const(0)
_ACC_AND_GYR = const(0x06)
_ACC_ONLY = const(0x04)
_100_HZ_ACC = const(0xA8)
_4_G = const(1)
# As ACC_CONF, and noise before power.
_100_HZ_GYR = const(0xE8)
_500_DPS = const(2)
_BOTH_NEW = const(0xC0)
_HIGH_AND_DRIVEN = const(0x0A)
_LATCHED = const(1)
_ANY_MOTION_BIT = const(0x40)
# Two samples at 50 Hz, all three axes; from 83 mg on, shown in bit 6, on.
_ANY_MOTION_WORDS = b"\x02\xe0\xaa\xb8"

_RESET_MS = const(3)
_AWAKE_MS = const(1)
_LOAD_MS = const(25)
_CONFIG_BYTES = const(8192)
# What takes 3 ms at 400 kHz, so that a start in mid-session delays no sample by more.
_PIECE = const(128)
# The gyroscope settles within 45 ms.
_SETTLING = const(6)


class BMI270:
    """One sensor; `config` is the name of the file with its configuration.

    `values`: ax ay az in mg, gx gy gz in tenths of a degree per second, by the chip's own axes.
    """

    name = "BMI270"
    rate_hz = 100

    def __init__(self, i2c, time, config, address=0x68):
        self._i2c = i2c
        self._time = time
        self._config = config
        self._address = address
        self._one = bytearray(1)
        self._raw = bytearray(12)
        self._factor_zx = 0
        self._settling = 0
        self.values = array("h", [0] * 6)

    def start(self):
        """Reset, load the configuration and configure, within 0.5 s.

        Raises OSError with words where there is no such chip, no such file, or where it is not taken.
        """
        for wait_ms in self.starting():
            self._time.sleep_ms(wait_ms)

    def starting(self):
        """Return an iterator that starts the chip in pieces of 5 ms at most, each giving how many ms to wait after it.

        Raises OSError as `start` does.
        """
        yield 1
        try:
            found = self._read(_CHIP_ID)
        except OSError:
            raise OSError(19, "no BMI270 answers at 0x%02X" % self._address)
        if found != _ID:
            raise OSError(19, "the chip at 0x%02X says 0x%02X, and a BMI270 0x%02X" % (self._address, found, _ID))
        self._write(_CMD, _SOFT_RESET)
        yield _RESET_MS
        self._write(_PWR_CONF, _AWAKE)
        yield _AWAKE_MS
        self._write(_INIT_CTRL, 0)
        # Word by word of its memory: an address of two bytes.
        piece = bytearray(_PIECE)
        where = bytearray(2)
        file = self._open()
        try:
            at = 0
            while at < _CONFIG_BYTES:
                if file.readinto(piece) != _PIECE:
                    raise OSError(5, "%s holds no %d bytes" % (self._config, _CONFIG_BYTES))
                word = at // 2
                where[0] = word & 0x0F
                where[1] = word >> 4
                self._i2c.writeto_mem(self._address, _INIT_ADDR, where)
                self._i2c.writeto_mem(self._address, _INIT_DATA, piece)
                at += _PIECE
                yield 0
        finally:
            file.close()
        self._write(_INIT_CTRL, 1)
        yield _LOAD_MS
        if self._read(_INTERNAL_STATUS) & 0x0F != _INIT_OK:
            raise OSError(5, "the BMI270 does not take %s" % self._config)
        self._write(_FEAT_PAGE, 0)
        factor = self._read(_GYR_CAS) & 0x7F
        self._factor_zx = factor - 128 if factor & 0x40 else factor
        self._write(_ACC_CONF, _100_HZ_ACC)
        self._write(_ACC_RANGE, _4_G)
        self._write(_GYR_CONF, _100_HZ_GYR)
        self._write(_GYR_RANGE, _500_DPS)
        self._write(_PWR_CTRL, _ACC_AND_GYR)
        self._settling = _SETTLING

    def read(self):
        """Return True where there is a new conversion, then in `values`; raises OSError where the bus fails."""
        i2c = self._i2c
        one = self._one
        i2c.readfrom_mem_into(self._address, _STATUS, one)
        if one[0] & _BOTH_NEW != _BOTH_NEW:
            return False
        raw = self._raw
        i2c.readfrom_mem_into(self._address, _DATA, raw)
        if self._settling:
            self._settling -= 1
            return False
        values = self.values
        i = 0
        while i < 6:
            value = raw[2 * i] | raw[2 * i + 1] << 8
            values[i] = value - 0x10000 if value >= 0x8000 else value
            i += 1
        # The gyroscope's x takes a little of z (data sheet, 4.6.10).
        values[3] = max(-32768, min(32767, values[3] - (self._factor_zx * values[5] >> 9)))
        i = 0
        while i < 3:
            # 4 g and 500 °/s over 2^15.
            values[i] = (values[i] * 125 + 512) >> 10
            values[3 + i] = (values[3 + i] * 625 + 2048) >> 12
            i += 1
        return True

    def wake_on_motion(self):
        """Have the interrupt pin rise with the next motion, at less power; `start` ends it."""
        self._write(_PWR_CTRL, _ACC_ONLY)
        self._write(_FEAT_PAGE, 1)
        self._i2c.writeto_mem(self._address, _ANY_MOTION, _ANY_MOTION_WORDS)
        self._write(_INT1_IO_CTRL, _HIGH_AND_DRIVEN)
        self._write(_INT_LATCH, _LATCHED)
        self._write(_INT1_MAP_FEAT, _ANY_MOTION_BIT)
        # What moved until here wakes nobody.
        self._read(_INT_STATUS_0)

    def _open(self):
        try:
            return open(self._config, "rb")
        except OSError:
            raise OSError(2, "the BMI270 needs its vendor's configuration in the file %s" % self._config)

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)
