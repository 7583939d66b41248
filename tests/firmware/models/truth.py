"""What a converter really converted, and whether a driver told it: every reading in its place, or counted as missed."""

from array import array

from tests.firmware.models.wire import TICKS_MASK

GOOD = 0
UNSETTLED = 1
OTHER_GAIN = 2
UNCALIBRATED = 3
FAULTS = ("", "not settled", "taken with another gain or channel", "taken without a calibration")

# Both rails, their neighbours, zero's neighbours and 2^n − 1 either side: all are legitimate readings.
_CORNERS = array("i", [0x7FFFFF, -0x800000, -1, 0, 1, 0x7FFFFE, -0x7FFFFF, 0xFF, 0xFFFF, 0x3FFFFF])
_CORNERS.extend(array("i", [-0x100, -0x10000, -0x400000, 0x555555, -0x555556, 0x123456, -0x123456]))


def value_of(index):
    """Return the counts of one conversion: corners of the range among values that never repeat soon."""
    place = index % 41
    if place < len(_CORNERS):
        return _CORNERS[place]
    return ((index * 7_340_033 + 0x35A5A5) & 0xFFFFFF) - 0x800000


class Truth:
    """The conversions that a chip made, up to `size`: counts, time in ns, and why one may not be delivered."""

    def __init__(self, size=8192):
        self.made = 0
        self.counts = array("i", bytes(4 * size))
        self.times_ns = array("q", bytes(8 * size))
        self.faults = bytearray(size)

    def add(self, now_ns, fault):
        """Note a conversion; return its counts as the chip tells them, which are wrong where there is a fault."""
        index = self.made
        self.made = index + 1
        value = value_of(index)
        if fault:
            # Never what the next or the last one was either.
            value = (value >> 1) ^ 0x2AAAA
        self.counts[index] = value
        self.times_ns[index] = now_ns
        self.faults[index] = fault
        return value


class Reader:
    """Asks a driver as the firmware does, every 2 ms, and keeps what it told."""

    STEP_NS = 2_000_000

    def __init__(self, world, truth, driver):
        self.readings = []
        self.errors = []
        self.longest_ns = 0
        self._world = world
        self._truth = truth
        self._driver = driver

    def run(self, span_ms):
        """Ask for so long; return how many readings came."""
        world = self._world
        came = len(self.readings)
        end_ns = world.now_ns + span_ms * 1_000_000
        while world.now_ns < end_ns:
            self.ask()
            world.advance(self.STEP_NS)
        return len(self.readings) - came

    def ask(self):
        """Take what is there. An OSError is kept, with its time and its words."""
        world = self._world
        driver = self._driver
        while True:
            before_ns = world.now_ns
            try:
                ready = driver.next_conversion()
            except OSError as error:
                self.errors.append((world.now_ns, str(error)))
                ready = False
            if world.now_ns - before_ns > self.longest_ns:
                self.longest_ns = world.now_ns - before_ns
            if not ready:
                return
            self.readings.append((driver.counts, driver.ticks, driver.missed))

    def places(self, late_us, early_us=100):
        """Return the place of every reading among the true conversions; complain where there is none.

        A reading's ticks may be `late_us` after its conversion, and `early_us` before it: a driver may tell when a
        conversion was due rather than when it was noticed.
        """
        truth = self._truth
        found = []
        first = 0
        for n, (counts, ticks, _) in enumerate(self.readings):
            index = first
            # The first of all is found by asking, up to 5 ms after it is there.
            late_now_us = late_us if n else late_us + 5000
            while index < truth.made and self._late_us(ticks, index) > late_now_us:
                index += 1
            nearest = index
            while index < truth.made and truth.counts[index] != counts and self._late_us(ticks, index + 1) >= -early_us:
                index += 1
            if index == truth.made or self._late_us(ticks, index) < -early_us:
                raise AssertionError(f"reading {n} ({counts}) came without a new conversion")
            if counts != truth.counts[index]:
                raise AssertionError(f"reading {n} is {counts} instead of {truth.counts[nearest]}")
            if truth.faults[index]:
                raise AssertionError(f"reading {n} was {FAULTS[truth.faults[index]]}")
            found.append(index)
            first = index + 1
        return found

    def _late_us(self, ticks, index):
        """Return how long after a conversion these ticks are; negative before it."""
        past_us = ticks - self._truth.times_ns[index] // 1000
        return ((past_us + 0x20000000) & TICKS_MASK) - 0x20000000

    def check(self, late_us, early_us=100):
        """Complain unless every reading is a true one in its place, and every one left out was counted."""
        places = self.places(late_us, early_us)
        for i in range(1, len(places)):
            left_out = places[i] - places[i - 1] - 1
            told = self.readings[i][2]
            if told != left_out:
                raise AssertionError(f"before reading {i} {left_out} were missed, told were {told}")
        return places

    def told(self):
        """Return how many conversions the driver told of, missed ones included, after the first."""
        return sum([missed + 1 for _, _, missed in self.readings[1:]])
