"""The ADS1232 as its data sheet tells it (Texas Instruments, SBAS350).

What stands there:

- "Data Ready/Data Output" (one pin), "Data Retrieval": it falls when data are ready; 24 clocks shift them out at
  their rising edges, the first bit first; a 25th forces the pin high until the next are ready, without it the pin
  stays as the last bit was. t_UPDATE: for 39 µs before it falls again the pin is high, and nothing may be read. SCLK
  high and low 100 ns at least. What is not read until then is overwritten.
- "Offset Calibration": a 26th clock begins one; the pin stays high until the first data after it, 101.28 ms later at
  80/s, 801.02 ms at 10/s.
- "Standby Mode": SCLK high at the end of a conversion; data 52.6 ms (401.8 ms) after SCLK went low.
- "Power-Down Mode": PDWN low for 26 µs at least powers down and resets. "Power-Up Sequence": after the supply stands,
  PDWN low for 10 µs at least, high, low for 26 µs at least, high. SCLK is not clocked in power-down.
- "Settling Time": 51 ms (401 ms) until the first data, which are settled.

What does not stand there: that data which are not read in time are cut by the next ones amid the 24 bits, those in
t_UPDATE reading as ones (assumed, the worst of what "overwritten" may mean).
"""

from tests.firmware.models.truth import GOOD, OTHER_GAIN, UNCALIBRATED, Truth
from tests.firmware.models.wire import NEVER, Pin

_UPDATE_NS = 39_000
_RESET_NS = 26_000


class Ads1232Chip:
    """The chip on three pins: `data`, `clock`, `power_down`."""

    def __init__(self, world, rate_hz=80, clock_error=0):
        self.data = Pin(world, 1)
        self.clock = Pin(world, 0)
        self.power_down = Pin(world, 0)
        self.clock.chip = self
        self.power_down.chip = self
        self.truth = Truth()
        self.present = True
        self.calibrations = 0
        self.next_ns = NEVER
        self.period_ns = self._scaled(1_000_000_000 // rate_hz, clock_error)
        self._settling_ns = self._scaled(51_000_000 if rate_hz == 80 else 401_000_000, clock_error)
        self._standby_ns = self._scaled(52_600_000 if rate_hz == 80 else 401_800_000, clock_error)
        self._calibration_ns = self._scaled(101_280_000 if rate_hz == 80 else 801_020_000, clock_error)
        self._world = world
        self._down = True
        self._low_ns = world.now_ns
        # 0: supplied; 1: was let up once; 2: reset after it, as the power-up sequence asks.
        self._sequence = 0
        self._calibrated = False
        self._calibrating = False
        self._standby = False
        self._ready = False
        self._updating = False
        self._clocks = 0
        self._value = 0
        world.add(self)

    def _scaled(self, span_ns, clock_error):
        return span_ns * 1000 // (1000 + clock_error)

    def unplug(self, level=1):
        """Take the chip away; its data line stays at `level`."""
        self.present = False
        self.next_ns = NEVER
        self.data.drive(level)

    def plug(self):
        """Power it up (again), with everything forgotten."""
        self.present = True
        self._sequence = 0
        self._power_down()
        if self.power_down.level:
            self._wake()
        else:
            self._low_ns = self._world.now_ns

    def _power_down(self):
        self._down = True
        self._ready = False
        self._updating = False
        self._standby = False
        self._calibrating = False
        self._calibrated = False
        self._clocks = 0
        self.next_ns = NEVER
        self.data.drive(1)

    def _wake(self):
        self._down = False
        self.next_ns = self._world.now_ns + self._settling_ns - _UPDATE_NS

    def happen(self):
        """Live on to now: the update before a conversion is ready, or the conversion."""
        now_ns = self._world.now_ns
        if not self._updating:
            self._updating = True
            self.data.drive(1)
            self.next_ns = now_ns + _UPDATE_NS
            return
        self._updating = False
        if self.clock.level and self._clocks in (0, 24, 25):
            self._standby = True
            self._ready = False
            self.next_ns = NEVER
            return
        self.next_ns = now_ns + self.period_ns - _UPDATE_NS
        if self._calibrating:
            self._calibrating = False
            self._calibrated = True
            self.calibrations += 1
        fault = GOOD if self._calibrated else UNCALIBRATED
        if self._sequence < 2:
            fault = OTHER_GAIN
        self._value = self.truth.add(now_ns, fault) & 0xFFFFFF
        if 0 < self._clocks < 24:
            return
        self._clocks = 0
        self._ready = True
        self.data.drive(0)

    def edge(self, pin, level):
        """SCLK or PDWN changed."""
        if not self.present:
            return
        if pin is self.power_down:
            self._power(level)
        elif level:
            self._clocked()
        elif self._standby:
            self._standby = False
            self._clocks = 0
            self.next_ns = self._world.now_ns + self._standby_ns - _UPDATE_NS

    def _power(self, level):
        now_ns = self._world.now_ns
        if not level:
            self._low_ns = now_ns
            self._power_down()
            return
        low_ns = now_ns - self._low_ns
        if self._sequence == 0:
            if low_ns < 10_000:
                self._world.broke("ADS1232 let up before its supply stood")
            self._sequence = 1
        elif low_ns < _RESET_NS:
            self._world.broke("ADS1232 reset for less than 26 us")
        else:
            self._sequence = 2
        self._wake()

    def _clocked(self):
        if self._down:
            self._world.broke("ADS1232 clocked while it is powered down")
            return
        if self._calibrating:
            return
        if not self._ready:
            self._world.broke("ADS1232 clocked while no data are ready")
            return
        self._clocks += 1
        if self._clocks <= 24:
            bit = self._value >> (24 - self._clocks) & 1
            self.data.drive(1 if self._updating else bit)
        else:
            self.data.drive(1)
            if self._clocks == 26:
                self._calibrating = True
                self._ready = False
                self._updating = False
                self._clocks = 0
                self.next_ns = self._world.now_ns + self._calibration_ns - _UPDATE_NS
