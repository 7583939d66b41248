"""HX711 of Avia Semiconductor, read by pins.

DT is the data sheet's data output, SCK its PD_SCK, as boards have them printed. Numbers are those of the data sheet
("24-Bit Analog-to-Digital Converter for Weigh Scales"), pages 3 to 5:

- "Serial Interface" and fig. 2: DT low says that a conversion is ready; 24 pulses of SCK shift it out, most
  significant bit first, two's complement; the 25th pulls DT high. 25, 26 or 27 pulses choose what is converted next:
  channel A at gain 128, channel B at 32, channel A at 64 (table 3). A pulse is high for 0.2 to 50 µs (T3), and the bit
  is there 0.1 µs after its rising edge (T2).
- "Reset and Power-Down": SCK high for longer than 60 µs powers the chip down, and low again resets it: channel A,
  gain 128.
- "Output Data Rate and Format" and the table of key electrical characteristics: 10/s or 80/s by the pin RATE, from an
  oscillator inside; settled 400 ms or 50 ms after a power-up, reset or change of gain (four conversions).
"""

import errno

from iastm_firmware.drivers.converter import NOT_READY, OUT_OF_STEP, THROWN_AWAY, UNSETTLED, Converter
from iastm_protocol._compat import const

_BITS = const(24)
_SIGN = const(0x800000)
_RANGE = const(0x1000000)
_MAX_HIGH_US = const(50)
_POWER_DOWN_US = const(60)
# Surely longer than that.
_RESET_US = const(100)
_POLL_US = const(1000)
# Settled after 400 ms at 10/s, 50 ms at 80/s; its clock and ours may be off.
_FIRST_WITHIN_US = const(600000)
_SETTLING_US = {80: 56000, 10: 450000}
# A reading after so long a pause is of a chip that is set to 10/s.
_SLOW_US = const(80000)
# After a change of gain, which waits for the conversion under way to end: 500 ms at 10/s, and a clock that is slow.
_GAIN_SILENT_US = const(700000)

# Pulses after the 24 of the data, by gain.
_EXTRA_PULSES = {128: 1, 32: 2, 64: 3}
_OTHER_RATE_HZ = {80: 10, 10: 80}


class HX711(Converter):
    """Reads an HX711: pins `data` (DT, an input with pull-up) and `clock` (SCK, an output that is low).

    `rate_hz` is 80 or 10, as the board's bridge should set it; which of them it is, the pace tells. `gain` is 128 or 64
    (channel A), or 32 (channel B). `irq_off` and `irq_on` are machine.disable_irq and machine.enable_irq: off only
    while the clock is high, because a pulse that lasts too long powers the chip down. A pulse measured at 50 µs or more
    voids its reading, from 60 µs on the next one too. `hard` is for ports whose Pin.irq takes it.

    Raises ValueError for a rate or gain that the chip doesn't have.
    """

    name = "HX711"
    _out_of_step = "DT stays low after 25 pulses; check the wires of DT and SCK, and the supply"

    def __init__(self, data, clock, time, rate_hz=80, gain=128, irq_off=None, irq_on=None, hard=False):
        if rate_hz not in _OTHER_RATE_HZ:
            raise ValueError("HX711: rate must be 10 or 80")
        if gain not in _EXTRA_PULSES:
            raise ValueError("HX711: gain must be 128, 64 or 32")
        super().__init__(time, rate_hz, _OTHER_RATE_HZ[rate_hz])
        self._data = data
        self._clock = clock
        self._irq_off = irq_off or _no_irq_off
        self._irq_on = irq_on or _no_irq_on
        self._hard = hard
        self._extra = _EXTRA_PULSES[gain]
        # In quarters: a change of gain begins up to a conversion later than a reset.
        quarters = 4 if self._extra == 1 else 5
        self._told_settling_us = _SETTLING_US[rate_hz] * quarters // 4
        self._slow_settling_us = _SETTLING_US[10] * quarters // 4
        if self._extra != 1:
            self._silent_us = _GAIN_SILENT_US
        self._settling_us = self._told_settling_us
        self._is_settling = False
        self._has_gain = False
        self._settles_from = 0
        self._unsettled_at = 0
        # What a reading is worth that is not settled.
        self._unsettled = UNSETTLED
        self._steps = (self._reset, self._await_conversion)

    def _arm(self):
        if self._hard:
            self._data.irq(self._on_ready, self._data.IRQ_FALLING, hard=True)
        else:
            self._data.irq(self._on_ready, self._data.IRQ_FALLING)

    def _power_down(self):
        self._clock(1)

    def _reset(self, waited_us):
        if waited_us < _RESET_US:
            self._clock(1)
            return _RESET_US - waited_us
        self._clock(0)
        self._begin_to_settle(UNSETTLED)
        return 0

    def _begin_to_settle(self, unsettled):
        # A reset chip converts at gain 128 until the first reading tells it otherwise, and settles again then.
        self._unsettled = unsettled
        self._is_settling = True
        self._has_gain = self._extra == 1
        self._settling_us = self._told_settling_us
        self._settles_from = self._unsettled_at = self._ticks_us()
        self._has_begun_anew = True

    def _has_settled(self):
        now = self._ticks_us()
        if self._ticks_diff(now, self._unsettled_at) > _SLOW_US:
            # Whatever rate was told.
            self._settling_us = self._slow_settling_us
        self._unsettled_at = now
        if not self._has_gain:
            self._has_gain = True
            self._settles_from = now
        elif self._ticks_diff(now, self._settles_from) > self._settling_us:
            self._is_settling = False
            return True
        return False

    def _stood_still(self):
        # Its supply gave way for a moment: it settles, and begins at gain 128. There is nothing else to set.
        self._begin_to_settle(THROWN_AWAY)
        return False

    def _await_conversion(self, waited_us):
        if not self._data():
            if self._read() == OUT_OF_STEP:
                raise OSError(errno.EIO, self._out_of_step)
            return 0
        if waited_us > _FIRST_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "no conversion; check the wires of DT and SCK, and the supply")
        return _POLL_US

    def _read(self):
        data = self._data
        if data():
            return NOT_READY
        clock = self._clock
        ticks_us = self._ticks_us
        ticks_diff = self._ticks_diff
        irq_off = self._irq_off
        irq_on = self._irq_on
        extra = self._extra
        bits = 0
        longest_us = 0
        for _ in range(_BITS + extra):
            state = irq_off()
            began = ticks_us()
            clock(1)
            clock(0)
            high_us = ticks_diff(ticks_us(), began)
            irq_on(state)
            if high_us > longest_us:
                longest_us = high_us
                if high_us >= _POWER_DOWN_US:
                    return self._lost()
            bits = bits << 1 | data()
        if longest_us >= _MAX_HIGH_US:
            return THROWN_AWAY
        after = (1 << extra) - 1
        if bits & after != after:
            return OUT_OF_STEP
        if self._is_settling and not self._has_settled():
            return self._unsettled
        bits >>= extra
        return bits - _RANGE if bits & _SIGN else bits

    def _lost(self):
        # It may have powered down in the middle of a reading; so that it surely begins anew, it is made to.
        self._clock(1)
        self._sleep_us(_RESET_US)
        self._clock(0)
        self._begin_to_settle(THROWN_AWAY)
        return THROWN_AWAY


def _no_irq_off():
    return 0


def _no_irq_on(state):
    pass
