# ruff: noqa: F821
# mypy: disable-error-code="name-defined, call-overload"
"""HX711 read by a state machine of the RP2040 or RP2350: its pulses are even, whatever the processor does.

The numbers of the chip are in hx711.py. The program runs at 1 MHz, so each pulse is high for 1 µs and low for 3 µs
(the data sheet allows 0.2 to 50 µs high, 0.2 µs or more low); no pulse can power the chip down. It reads the 24 bits
and one after the 25th pulse, which must be 1, and queues eight readings by itself: 100 ms at 80/s, while flash is
written and no interrupt is served.

This module imports rp2, which only those boards have.
"""

import errno

import rp2  # type: ignore[import-not-found]

from iastm_firmware.clock import ticks_after
from iastm_firmware.drivers.converter import NOT_READY, OUT_OF_STEP, Converter
from iastm_protocol._compat import const

_PROGRAM_HZ = const(1000000)
_SIGN = const(0x800000)
_RANGE = const(0x1000000)
_RESET_US = const(100)
_POLL_US = const(1000)
_SILENT_WITHIN_US = const(5000)
_FIRST_WITHIN_US = const(600000)
# Conversions, at either rate.
_SETTLING = const(4)
_TOO_MANY_FAILURES = const(2)

_QUEUE = const(8)

_OTHER_RATE_HZ = {80: 10, 10: 80}


# The decorator runs the function once, where each name is an instruction, and leaves the program in its place.
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, in_shiftdir=rp2.PIO.SHIFT_LEFT, fifo_join=rp2.PIO.JOIN_RX)
def _read_25_bits():
    wrap_target()
    set(x, 24)
    wait(0, pin, 0)
    label("bit")
    set(pins, 1)
    set(pins, 0)
    in_(pins, 1)
    jmp(x_dec, "bit")
    # Without waiting: where the queue is full, the newest reading goes and the chip stays in step.
    push(noblock)
    irq(rel(0))
    wrap()


class HX711Pio(Converter):
    """Reads an HX711 (channel A at gain 128) by the state machine `state_machine_id`, 0 to 3: those of the first block.

    Pins `data` (DT, an input with pull-up) and `clock` (SCK, an output that is low). `rate_hz` is 80 or 10, as the
    board's bridge should set it; which of them it is, the pace tells. Raises ValueError for another rate.
    """

    name = "HX711"
    # A reading waits whole in the queue, and taking it from there takes no time.
    _buffered = True
    _is_read = True
    _out_of_step = "DT stays low after 25 pulses; check the wires of DT and SCK, and the supply"

    def __init__(self, state_machine_id, data, clock, time, rate_hz=80):
        if rate_hz not in _OTHER_RATE_HZ:
            raise ValueError("HX711: rate must be 10 or 80")
        super().__init__(time, rate_hz, _OTHER_RATE_HZ[rate_hz])
        self._data = data
        self._clock = clock
        self._machine = rp2.StateMachine(state_machine_id)
        # How many more of the readings that waited in its queue follow the last one without a gap.
        self._in_line = 0
        self._steps = (self._reset, self._await_silence, self._await_conversion, self._read_on)

    def _arm(self):
        self._machine.irq(self._on_ready, hard=True)

    def _power_down(self):
        self._hold_clock(1)

    def _hold_clock(self, level):
        # The pin belongs to the state machine or to the processor, never to both.
        self._machine.active(0)
        self._clock.init(self._clock.OUT, value=level)

    def _reset(self, waited_us):
        if waited_us < _RESET_US:
            self._hold_clock(1)
            return _RESET_US - waited_us
        self._hold_clock(0)
        self._settle(_SETTLING)
        return 0

    def _await_silence(self, waited_us):
        # While it settles the chip has nothing ready; a wire that is always low tells nothing.
        if self._data():
            return 0
        if waited_us > _SILENT_WITHIN_US:
            raise OSError(errno.EIO, self._out_of_step)
        return _POLL_US

    def _await_conversion(self, waited_us):
        if not self._data():
            return 0
        if waited_us > _FIRST_WITHIN_US:
            raise OSError(errno.ETIMEDOUT, "no conversion; check the wires of DT and SCK, and the supply")
        return _POLL_US

    def _read_on(self, waited_us):
        machine = self._machine
        machine.init(_read_25_bits, freq=_PROGRAM_HZ, in_base=self._data, set_base=self._clock)
        while machine.rx_fifo():
            machine.get()
        self._in_line = 0
        machine.active(1)
        return 0

    def _take(self, ticks):
        # What waited in the queue is what followed the reading before, each a period later. The newest one is of now,
        # unless the queue was full: then it has waited too, and those after it were thrown away.
        if not self._in_line:
            waiting = self._machine.rx_fifo()
            if waiting > 1:
                self._in_line = waiting if waiting == _QUEUE else waiting - 1
        if not self._in_line:
            Converter._take(self, ticks)
            return
        self._in_line -= 1
        Converter._take(self, ticks_after(self._heard, self._pace.period_us))
        if not self._in_line and not self._machine.rx_fifo():
            # It was full: the chip did not stand still since then.
            self._heard = self._looked = ticks

    def _read(self):
        machine = self._machine
        if not machine.rx_fifo():
            return NOT_READY
        bits = machine.get()
        if not bits & 1:
            if self._failures >= _TOO_MANY_FAILURES:
                # A data pin that is always low would be read, and interrupt, ten thousand times a second.
                machine.active(0)
            return OUT_OF_STEP
        bits >>= 1
        return bits - _RANGE if bits & _SIGN else bits
