"""NAU7802 of Nuvoton, on I2C at 0x2A.

Numbers are those of the data sheet, revision 1.7: power-on sequence in 9.1 (reset by RR, PUD, PUR within 200 µs, the
converter's chopper clock off by 0x30 in register 0x15, PUA, then CS starts conversions), registers in 11 (PU_CTRL,
CTRL1, CTRL2, ADCO), calibration in 8.6 (CALS starts it and reads 1 until it is done; CAL_ERR says that it failed), the
single-channel circuit with a capacitor across VIN2 in 9.4.

CR and the pin DRDY say that a conversion is ready, until it is read; DRDY is high then (CTRL1's CRP is 0).
"""

import errno

from iastm_firmware.drivers.converter import NOT_READY, Converter
from iastm_protocol._compat import const

_PU_CTRL = const(0x00)
_CTRL1 = const(0x01)
_CTRL2 = const(0x02)
_ADCO = const(0x12)
_ADC = const(0x15)
_PGA_POWER = const(0x1C)

_RESET = const(0x01)
_POWER_DIGITAL = const(0x02)
_POWER_ANALOGUE = const(0x04)
_POWERED = const(0x08)
_CYCLE = const(0x10)
_CONVERTED = const(0x20)
_LDO = const(0x80)
_CALIBRATE = const(0x04)
_CALIBRATION_FAILED = const(0x08)
_CHOPPER_OFF = const(0x30)
_VIN2_CAPACITOR = const(0x80)

_SIGN = const(0x800000)
_RANGE = const(0x1000000)
_POLL_US = const(1000)
_POWERED_WITHIN_US = const(50000)
# For the regulator and the capacitors behind it: some 200 ms on boards; the data sheet gives no number.
_LDO_US = const(250000)
# Users of the chip measured 344 ms; the data sheet gives no number.
_CALIBRATED_WITHIN_US = const(600000)
# The filter has seen nothing but the settled input after four conversions.
_SETTLING = const(4)

_RATE_BITS = {10: 0, 20: 1, 40: 2, 80: 3, 320: 7}
_GAIN_BITS = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4, 32: 5, 64: 6, 128: 7}
_LDO_BITS = {4500: 0, 4200: 1, 3900: 2, 3600: 3, 3300: 4, 3000: 5, 2700: 6, 2400: 7}


class NAU7802(Converter):
    """Reads channel 1 of a NAU7802 on `i2c` (machine.I2C or SoftI2C, 400 kHz).

    `ready` is the pin at DRDY (an input), or None: then the chip is asked over the bus, and keeps
    its newest conversion alone until it was. `ldo_mv` is the bridge's supply
    by the regulator inside, 2400 to 4500 in steps of 300 and at least 300 below the chip's own supply; 0 where AVDD is
    supplied from outside. `hard` lets the pin's interrupt read at once, which is for ports that can and for a bus that
    nothing else uses.

    Raises ValueError for a rate, gain or voltage that the chip doesn't have.
    """

    name = "NAU7802"
    # The data sheet doesn't tell; that the three bytes of one transfer belong together is taken for granted.
    _buffered = True

    def __init__(self, i2c, time, ready=None, rate_hz=320, gain=128, ldo_mv=3000, address=0x2A, hard=False):
        if rate_hz not in _RATE_BITS:
            raise ValueError("NAU7802: rate must be 10, 20, 40, 80 or 320")
        if gain not in _GAIN_BITS:
            raise ValueError("NAU7802: gain must be 1, 2, 4, 8, 16, 32, 64 or 128")
        if ldo_mv and ldo_mv not in _LDO_BITS:
            raise ValueError("NAU7802: regulator must be 2400 to 4500 mV in steps of 300, or 0")
        super().__init__(time, rate_hz)
        self._i2c = i2c
        self._pin = ready
        self._address = address
        self._hard = hard
        self._ldo_mv = ldo_mv
        self._powered = _POWER_DIGITAL | _POWER_ANALOGUE | (_LDO if ldo_mv else 0)
        self._ctrl1 = _LDO_BITS.get(ldo_mv, 0) << 3 | _GAIN_BITS[gain]
        self._ctrl2 = _RATE_BITS[rate_hz] << 4
        self._byte = bytearray(1)
        self._bytes = bytearray(3)
        self._steps = (
            self._reset,
            self._await_power,
            self._configure,
            self._check,
            self._calibrate,
            self._await_calibration,
        )

    def excitation_mv(self):
        """Return what the regulator is set to, in millivolts."""
        return self._ldo_mv

    def _arm(self):
        if self._pin is None:
            return
        if self._hard:
            self._pin.irq(self._on_ready, self._pin.IRQ_RISING, hard=True)
        else:
            self._pin.irq(self._on_ready, self._pin.IRQ_RISING)

    def _power_down(self):
        self._write(_PU_CTRL, 0)

    def _write(self, register, value):
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)

    def _register(self, register):
        self._i2c.readfrom_mem_into(self._address, register, self._byte)
        return self._byte[0]

    def _reset(self, waited_us):
        if not waited_us:
            self._write(_PU_CTRL, _RESET)
            return _POLL_US
        self._write(_PU_CTRL, _POWER_DIGITAL)
        return 0

    def _await_power(self, waited_us):
        if self._register(_PU_CTRL) & _POWERED:
            return 0
        if waited_us > _POWERED_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "does not power up")
        return _POLL_US

    def _configure(self, waited_us):
        if waited_us:
            return 0
        self._write(_CTRL1, self._ctrl1)
        self._write(_CTRL2, self._ctrl2)
        self._write(_ADC, _CHOPPER_OFF)
        self._write(_PGA_POWER, _VIN2_CAPACITOR)
        self._write(_PU_CTRL, self._powered | _CYCLE)
        return _LDO_US

    def _check(self, waited_us):
        if self._register(_CTRL1) != self._ctrl1 or self._register(_CTRL2) != self._ctrl2:
            raise OSError(errno.EIO, "does not keep its settings; another chip may have its address")
        return 0

    def _calibrate(self, waited_us):
        self._write(_CTRL2, self._ctrl2 | _CALIBRATE)
        return 0

    def _await_calibration(self, waited_us):
        state = self._register(_CTRL2)
        if not state & _CALIBRATE:
            if state & _CALIBRATION_FAILED:
                raise OSError(errno.EIO, "calibration of its offset failed")
            self._settle(_SETTLING)
            return 0
        if waited_us > _CALIBRATED_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "calibration of its offset does not end")
        return _POLL_US

    def _read(self):
        pin = self._pin
        if not (self._register(_PU_CTRL) & _CONVERTED if pin is None else pin()):
            return NOT_READY
        data = self._bytes
        self._i2c.readfrom_mem_into(self._address, _ADCO, data)
        counts = data[0] << 16 | data[1] << 8 | data[2]
        return counts - _RANGE if counts & _SIGN else counts
