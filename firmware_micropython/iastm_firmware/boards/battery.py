"""The battery's voltage: over a divider, or from a MAX17048 on the I²C bus."""

from iastm_protocol._compat import const

_READINGS = const(8)
# MAX17048 data sheet, table 2: address 0x36, VCELL at 0x02, 16 bits, high byte first, 78.125 µV each.
_GAUGE = const(0x36)
_VCELL = const(0x02)


class Divider:
    """`adc` is MicroPython's machine.ADC of a pin that has the battery's voltage by `ratio`."""

    def __init__(self, adc, ratio):
        self._adc = adc
        self._ratio_permille = int(ratio * 1000 + 0.5)

    def millivolts(self):
        """Return the battery's voltage, the mean of eight readings."""
        total_uv = 0
        for _ in range(_READINGS):
            total_uv += self._read_uv()
        return total_uv // _READINGS // 1000 * self._ratio_permille // 1000

    def _read_uv(self):
        if hasattr(self._adc, "read_uv"):
            # The chip's own calibration is in it.
            return self._adc.read_uv()
        return self._adc.read_u16() * 50355 // 1000  # of 3.3 V


class Gauge:
    """A MAX17048 on `i2c`, as some boards with a charger have."""

    def __init__(self, i2c):
        self._i2c = i2c
        self._raw = bytearray(2)

    def millivolts(self):
        """Return the battery's voltage. Raises OSError where the chip does not answer."""
        self._i2c.readfrom_mem_into(_GAUGE, _VCELL, self._raw)
        return (self._raw[0] << 8 | self._raw[1]) * 625 // 8000
