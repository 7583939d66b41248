"""LSM6DS3, LSM6DS3TR-C and LSM6DSOX: acceleration and rotation over I²C, 104 conversions a second, ±4 g, ±500 °/s.

Registers from the data sheets DocID026899, DocID030071 and DS12814, the wake-up interrupt from the application notes
AN4650, AN5130 and AN5272. The interrupt pin is INT1, active high, and stays so until the sensor is started again.
"""

from array import array

from iastm_protocol._compat import const

_ADDRESSES = (0x6A, 0x6B)
_WHO_AM_I = const(0x0F)
_CTRL1_XL = const(0x10)
_CTRL2_G = const(0x11)
_CTRL3_C = const(0x12)
_CTRL6_C = const(0x15)
_WAKE_UP_SRC = const(0x1B)
_STATUS = const(0x1E)
_OUT = const(0x22)
_TAP_CFG0_OF_SOX = const(0x56)
_TAP_CFG = const(0x58)
_WAKE_UP_THS = const(0x5B)
_WAKE_UP_DUR = const(0x5C)
_MD1_CFG = const(0x5E)

_SOX = const(0x6C)
_TR_C = const(0x6A)
_NAMES = {0x69: "LSM6DS3", 0x6A: "LSM6DS3TR-C", 0x6C: "LSM6DSOX"}

_RESET = const(0x01)
# A value is not replaced while its bytes are being read, and a read goes on to the next register.
_BDU_AND_NEXT = const(0x44)
_104_HZ_4_G = const(0x48)
_104_HZ_500_DPS = const(0x44)
_52_HZ_4_G = const(0x38)
_LOW_POWER = const(0x10)
_BOTH_NEW = const(0x03)
_LATCHED = const(0x01)
_INTERRUPTS = const(0x80)
_WAKE_TO_INT1 = const(0x20)
# In 1/64 of the full scale: 62.5 mg of what half the change between two conversions is.
_WAKE_THRESHOLD = const(1)

# After power came it answers within 15 ms; a reset takes 50 µs.
_BOOT_MS = const(20)
_RESET_TRIES = const(10)
_RESET_WAIT_MS = const(2)
# The gyroscope settles within 80 ms.
_SETTLING = const(10)


class LSM6DS:
    """One sensor at `address`, either of its two where None. `name` tells which chip was found.

    `values`: ax ay az in mg, gx gy gz in tenths of a degree per second, by the chip's own axes.
    """

    rate_hz = 104

    def __init__(self, i2c, time, address=None):
        self._i2c = i2c
        self._time = time
        self._addresses = _ADDRESSES if address is None else (address,)
        self._address = self._addresses[0]
        self._one = bytearray(1)
        self._raw = bytearray(12)
        self._who = 0
        self._settling = 0
        self.name = "LSM6DS"
        self.values = array("h", [0] * 6)

    def start(self):
        """Reset and configure, within 50 ms; raises OSError with words where there is no such chip."""
        for wait_ms in self.starting():
            self._time.sleep_ms(wait_ms)

    def starting(self):
        """Return an iterator that starts the chip in pieces of 2 ms at most, each giving how many ms to wait after it.

        Raises OSError as `start` does.
        """
        yield _BOOT_MS
        self._find()
        self._write(_CTRL3_C, _RESET)
        for _ in range(_RESET_TRIES):
            yield _RESET_WAIT_MS
            if not self._read(_CTRL3_C) & _RESET:
                break
        else:
            raise OSError(5, "%s does not come out of its reset" % self.name)
        self._write(_CTRL3_C, _BDU_AND_NEXT)
        self._write(_CTRL1_XL, _104_HZ_4_G)
        self._write(_CTRL2_G, _104_HZ_500_DPS)
        self._settling = _SETTLING

    def read(self):
        """Return True where there is a new conversion, then in `values`; raises OSError where the bus fails."""
        i2c = self._i2c
        one = self._one
        i2c.readfrom_mem_into(self._address, _STATUS, one)
        if one[0] & _BOTH_NEW != _BOTH_NEW:
            return False
        raw = self._raw
        i2c.readfrom_mem_into(self._address, _OUT, raw)
        if self._settling:
            self._settling -= 1
            return False
        values = self.values
        i = 0
        while i < 3:
            at = 2 * i
            rate = raw[at] | raw[at + 1] << 8
            if rate >= 0x8000:
                rate -= 0x10000
            # 17.5 m°/s a step, and 0.122 mg below: 4 g over 2^15.
            values[3 + i] = (rate * 7 + 20) // 40
            acceleration = raw[at + 6] | raw[at + 7] << 8
            if acceleration >= 0x8000:
                acceleration -= 0x10000
            values[i] = (acceleration * 125 + 512) >> 10
            i += 1
        return True

    def wake_on_motion(self):
        """Have the interrupt pin rise with the next motion, at little power; `start` ends it."""
        self._write(_CTRL2_G, 0)
        self._write(_CTRL6_C, _LOW_POWER)
        self._write(_CTRL1_XL, _52_HZ_4_G)
        self._write(_WAKE_UP_DUR, 0)
        self._write(_WAKE_UP_THS, _WAKE_THRESHOLD)
        if self._who == _SOX:
            self._write(_TAP_CFG0_OF_SOX, _LATCHED)
            self._write(_TAP_CFG, _INTERRUPTS)
        elif self._who == _TR_C:
            self._write(_TAP_CFG, _INTERRUPTS | _LATCHED)
        else:
            self._write(_TAP_CFG, _LATCHED)
        self._write(_MD1_CFG, _WAKE_TO_INT1)
        # What moved until here wakes nobody.
        self._read(_WAKE_UP_SRC)

    def _find(self):
        who = 0
        for address in self._addresses:
            self._address = address
            try:
                who = self._read(_WHO_AM_I)
            except OSError:
                continue
            if who in _NAMES:
                self._who = who
                self.name = _NAMES[who]
                return
        if who:
            raise OSError(19, "the chip at 0x%02X says 0x%02X, and no LSM6DS does" % (self._address, who))
        raise OSError(19, "no LSM6DS answers at %s" % " or ".join(["0x%02X" % a for a in self._addresses]))

    def _read(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._one)
        return self._one[0]

    def _write(self, register, value):
        self._one[0] = value
        self._i2c.writeto_mem(self._address, register, self._one)
