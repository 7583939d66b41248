"""ADS1220 of Texas Instruments, on SPI.

Numbers are those of the data sheet, SBAS501, revision C: commands in 8.5.3 (RESET, then 50 µs and 32 clocks of
silence; START/SYNC; POWERDOWN; RREG, WREG; RDATA), registers in 8.6, data rates in 8.3.5, conversion modes in 8.4.2,
reading in 8.5.4, the bridge's circuit and its settings in 9.2.3. DRDY falls when a conversion is ready, and rises with
the first clock of a reading. RDATA hands out the newest conversion from a buffer, so that one which ends meanwhile does
not touch the bits. The digital filter settles within one conversion (8.3.4): nothing is discarded.
"""

import errno

from iastm_firmware.drivers.converter import NOT_READY, OUT_OF_STEP, Converter
from iastm_protocol._compat import const

_RESET = const(0x06)
_START = const(0x08)
_POWER_DOWN = const(0x02)
_RDATA = const(0x10)
_READ_ALL = const(0x23)
_WRITE_ALL = const(0x43)

_CONTINUOUS = const(0x04)
_SIGN = const(0x800000)
_RANGE = const(0x1000000)
# 50 µs and 32 clocks of 4.096 MHz.
_RESET_US = const(60)
_POLL_US = const(1000)
_FIRST_WITHIN_US = const(200000)

# Register 1, by rate: data rate, and the turbo mode for the last.
_RATE_BITS = {20: 0x00, 45: 0x20, 90: 0x40, 175: 0x60, 330: 0x80, 600: 0xA0, 1000: 0xC0, 2000: 0xD0}
_GAIN_BITS = {1: 0x00, 2: 0x02, 4: 0x04, 8: 0x06, 16: 0x08, 32: 0x0A, 64: 0x0C, 128: 0x0E}
_INPUT_BITS = {"AIN0-AIN1": 0x00, "AIN1-AIN2": 0x30, "AIN2-AIN3": 0x50}
# Register 2. The low-side switch at AIN3 closes while the chip converts; the filter for 50 and 60 Hz is off, because
# it may be used at 20/s only.
_REFERENCE_BITS = {"ratiometric": 0x88, "REFP0-REFN0": 0x48, "supply": 0xC8, "internal": 0x08}


class ADS1220(Converter):
    """Reads an ADS1220 on `spi` (machine.SPI: mode 1, so polarity 0 and phase 1, up to 6 MHz).

    `select` (CS) is an output that is high, `ready` (DRDY) an input. `inputs` are those of the bridge. `reference`:
    "ratiometric" is the circuit of 9.2.3, the bridge's supply at AIN0 and AIN3 (REFP1, REFN1); "REFP0-REFN0" the pins
    of that name; "supply" AVDD; "internal" 2.048 V. `hard` lets the pin's interrupt read at once, which is for ports
    that can and for a bus that nothing else uses.

    Raises ValueError for what the chip doesn't have.
    """

    name = "ADS1220"
    _out_of_step = "DRDY stays low while it is read; check its wires and its supply"
    _buffered = True

    def __init__(
        self,
        spi,
        select,
        ready,
        time,
        rate_hz=330,
        gain=128,
        reference="ratiometric",
        inputs="AIN1-AIN2",
        hard=False,
    ):
        if rate_hz not in _RATE_BITS:
            raise ValueError("ADS1220: rate must be 20, 45, 90, 175, 330, 600, 1000 or 2000")
        if gain not in _GAIN_BITS:
            raise ValueError("ADS1220: gain must be 1, 2, 4, 8, 16, 32, 64 or 128")
        if reference not in _REFERENCE_BITS:
            raise ValueError("ADS1220: reference must be ratiometric, REFP0-REFN0, supply or internal")
        if inputs not in _INPUT_BITS:
            raise ValueError("ADS1220: inputs must be AIN0-AIN1, AIN1-AIN2 or AIN2-AIN3")
        super().__init__(time, rate_hz)
        self._spi = spi
        self._select = select
        self._pin = ready
        self._hard = hard
        self._settings = bytes(
            [
                _INPUT_BITS[inputs] | _GAIN_BITS[gain],
                _RATE_BITS[rate_hz] | _CONTINUOUS,
                _REFERENCE_BITS[reference],
                0,
            ]
        )
        self._query = bytes([_RDATA, 0, 0, 0])
        self._answer = bytearray(4)
        self._steps = (self._reset, self._configure, self._await_conversion)

    def _arm(self):
        if self._hard:
            self._pin.irq(self._on_ready, self._pin.IRQ_FALLING, hard=True)
        else:
            self._pin.irq(self._on_ready, self._pin.IRQ_FALLING)

    def _power_down(self):
        self._send(bytes([_POWER_DOWN]))

    def _send(self, sent):
        self._select(0)
        self._spi.write(sent)
        self._select(1)

    def _reset(self, waited_us):
        if waited_us >= _RESET_US:
            return 0
        self._send(bytes([_RESET]))
        return _RESET_US

    def _configure(self, waited_us):
        settings = self._settings
        self._send(bytes([_WRITE_ALL]) + settings)
        answer = bytearray(5)
        self._select(0)
        self._spi.write_readinto(bytes([_READ_ALL, 0, 0, 0, 0]), answer)
        self._select(1)
        if answer[1:] != settings:
            raise OSError(errno.EIO, "does not keep its settings; check its wires and its supply")
        self._send(bytes([_START]))
        return 0

    def _await_conversion(self, waited_us):
        if not self._pin():
            return 0
        if waited_us > _FIRST_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "no conversion; check the wire of DRDY")
        return _POLL_US

    def _read(self):
        if self._pin():
            return NOT_READY
        answer = self._answer
        self._select(0)
        self._spi.write_readinto(self._query, answer)
        self._select(1)
        if not self._pin():
            # It rises with the first clock, so nobody drives it, unless the next conversion ended in these 50 µs.
            return OUT_OF_STEP
        counts = answer[1] << 16 | answer[2] << 8 | answer[3]
        return counts - _RANGE if counts & _SIGN else counts
