"""Parts on a played chip's I2C bus that answer as those do: enough of them for their drivers to start and to read.

What they convert is nothing but a steady value. How they behave at their limits the models of tests/firmware tell.
"""

from iastm_protocol._compat import const

NAU7802_AT = const(0x2A)
LSM6DS_AT = const(0x6A)

# Nuvoton's data sheet, revision 1.7, 11: PU_CTRL, CTRL2, ADCO.
_PU_CTRL = const(0x00)
_CTRL2 = const(0x02)
_ADCO = const(0x12)
_RESET = const(0x01)
_POWER_DIGITAL = const(0x02)
_POWERED = const(0x08)
_CYCLE = const(0x10)
_CONVERTED = const(0x20)
_CALIBRATE = const(0x04)
_RATES_HZ = {0: 10, 1: 20, 2: 40, 3: 80, 7: 320}
_COUNTS = const(0x0148C5)

# DS12814 of ST, 9: WHO_AM_I, CTRL3_C, STATUS_REG, OUT.
_WHO_AM_I = const(0x0F)
_LSM6DSOX = const(0x6C)
_CTRL3_C = const(0x12)
_STATUS = const(0x1E)
_BOTH_NEW = const(0x03)
_OUT_Z = const(0x2C)
# 1 g at 0.122 mg a step.
_ONE_G = const(8197)


class PlayedNau7802:
    """A NAU7802 at the clock `times` (see played_chip.py); `ready` is told of each conversion."""

    def __init__(self, times, ready=None):
        self._times = times
        self._ready = ready
        self._registers = {}
        self._runs = False

    def get(self, register, default=0):
        """Return a register."""
        value = self._registers.get(register, default)
        if _ADCO <= register < _ADCO + 3:
            self._registers[_PU_CTRL] &= ~_CONVERTED
            return _COUNTS >> 8 * (_ADCO + 2 - register) & 0xFF
        return value

    def __setitem__(self, register, value):
        if register == _PU_CTRL and value & _RESET:
            self._registers = {}
        elif register == _PU_CTRL and value & _POWER_DIGITAL:
            # Powered at once, where a chip takes 200 µs.
            value |= _POWERED
        elif register == _CTRL2:
            # As is its calibration, which takes 344 ms.
            value &= ~_CALIBRATE
        self._registers[register] = value
        if register == _PU_CTRL and value & _CYCLE and not self._runs:
            self._runs = True
            self._wait()
        elif register == _PU_CTRL and not value & _CYCLE:
            self._runs = False

    def level(self):
        """Return the level of its pin DRDY."""
        return 1 if self._registers.get(_PU_CTRL, 0) & _CONVERTED else 0

    def _wait(self):
        rate_hz = _RATES_HZ[self._registers.get(_CTRL2, 0) >> 4 & 7]
        self._times.at(self._times.now_us + 1000000 // rate_hz, self._convert)

    def _convert(self):
        if not self._runs:
            return
        self._registers[_PU_CTRL] |= _CONVERTED
        self._wait()
        if self._ready is not None:
            self._ready()


def played_lsm6ds():
    """Return the registers of an LSM6DSOX that lies still, its z axis up."""
    return _Lsm6ds({_WHO_AM_I: _LSM6DSOX, _STATUS: _BOTH_NEW, _OUT_Z: _ONE_G & 0xFF, _OUT_Z + 1: _ONE_G >> 8})


class _Lsm6ds(dict):
    def __setitem__(self, register, value):
        # A reset is over at once.
        super().__setitem__(register, value & ~1 if register == _CTRL3_C else value)
