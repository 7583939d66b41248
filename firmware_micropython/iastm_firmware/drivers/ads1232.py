"""ADS1232 of Texas Instruments, read by pins.

Numbers are those of the data sheet, SBAS350 revisions F and G:

- "Data Ready/Data Output" and "Data Retrieval": the data pin falls when a conversion is ready; 24 pulses of SCLK shift
  it out, most significant bit first, two's complement; the 25th forces the pin high until the next one. Each half of a
  pulse lasts 100 ns at least, and has no upper bound while a conversion is under way.
- "Offset Calibration": a 26th pulse starts it; the pin stays high for 101.28 ms at 80/s or 801.02 ms at 10/s, and the
  conversion that ends it is settled.
- "Settling Time": 51.8 ms or 401.8 ms after a wake-up, with the pin high meanwhile: nothing has to be discarded.
- "Power-Up Sequence": PDWN low for 10 µs after the supplies are there, high, low for 26 µs, high.
- The pin SPEED sets 10/s or 80/s, GAIN1 and GAIN0 the gain; both are strapped on the board.
"""

import errno

from iastm_firmware.drivers.converter import NOT_READY, OUT_OF_STEP, Converter
from iastm_protocol._compat import const

_PULSES = const(25)
_CALIBRATION_PULSES = const(26)
_SIGN = const(0x800000)
_RANGE = const(0x1000000)
# Surely longer than 26 µs.
_POWER_STEP_US = const(50)
_POLL_US = const(1000)
# The first conversion after 51 or 401 ms by the chip's clock, which may be a tenth off.
_FIRST_AT_80_US = const(70000)
_FIRST_AT_10_US = const(350000)
_FIRST_WITHIN_US = const(450000)
_CALIBRATED_WITHIN_US = const(1200000)

_OTHER_RATE_HZ = {80: 10, 10: 80}


class ADS1232(Converter):
    """Reads an ADS1232: pins `data` (DRDY, an input), `clock` (SCLK) and `power_down` (PDWN), both outputs, low.

    `rate_hz` is 80 or 10, as the board straps SPEED; which of them it is, the pace tells. `hard` is for ports whose
    Pin.irq takes it. At 10/s, calibration of the offset outlasts `start`. Raises ValueError for another rate.
    """

    name = "ADS1232"
    _out_of_step = "DRDY stays low after 25 pulses; check the wires of DRDY and SCLK, and the supply"

    def __init__(self, data, clock, power_down, time, rate_hz=80, hard=False):
        if rate_hz not in _OTHER_RATE_HZ:
            raise ValueError("ADS1232: rate must be 10 or 80")
        super().__init__(time, rate_hz, _OTHER_RATE_HZ[rate_hz])
        self._data = data
        self._clock = clock
        self._pdwn = power_down
        self._hard = hard
        self._steps = (
            self._switch_off,
            self._switch_on,
            self._switch_off,
            self._switch_on,
            self._await_conversion,
            self._calibrate,
            self._await_calibration,
        )

    def _arm(self):
        if self._hard:
            self._data.irq(self._on_ready, self._data.IRQ_FALLING, hard=True)
        else:
            self._data.irq(self._on_ready, self._data.IRQ_FALLING)

    def _power_down(self):
        self._pdwn(0)

    def _switch_off(self, waited_us):
        if waited_us >= _POWER_STEP_US:
            return 0
        self._clock(0)
        self._pdwn(0)
        return _POWER_STEP_US

    def _switch_on(self, waited_us):
        if waited_us >= _POWER_STEP_US:
            return 0
        self._pdwn(1)
        return _POWER_STEP_US

    def _await_conversion(self, waited_us):
        if not self._data():
            if _FIRST_AT_80_US < waited_us < _FIRST_AT_10_US:
                # Nobody was there at the power-up sequence: it came in the middle of it.
                raise OSError(errno.EIO, "was supplied while it was started")
            return 0
        if waited_us > _FIRST_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "no conversion; check the wires of DRDY, SCLK and PDWN, and the supply")
        return _POLL_US

    def _calibrate(self, waited_us):
        if self._shift(_CALIBRATION_PULSES) & 3 != 3:
            raise OSError(errno.EIO, self._out_of_step)
        return 0

    def _await_calibration(self, waited_us):
        if not self._data():
            return 0
        if waited_us > _CALIBRATED_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "calibration of its offset does not end")
        return _POLL_US

    def _shift(self, pulses):
        data = self._data
        clock = self._clock
        bits = 0
        for _ in range(pulses):
            clock(1)
            clock(0)
            bits = bits << 1 | data()
        return bits

    def _read(self):
        if self._data():
            return NOT_READY
        bits = self._shift(_PULSES)
        if not bits & 1:
            return OUT_OF_STEP
        bits >>= 1
        return bits - _RANGE if bits & _SIGN else bits
