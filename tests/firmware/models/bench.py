"""What the checks of every converter share. A check is a function `check_…`; `run` calls the one that is named."""

import gc
import sys

from tests.firmware.models import wire
from tests.firmware.models.truth import Reader
from tests.firmware.models.wire import Time, World


class Machine:
    """Stands in for the module that a driver may import."""

    Pin = wire.Pin

    @staticmethod
    def disable_irq():
        """Drivers get theirs passed in; this one may be a default."""
        raise AssertionError("interrupts of another world")

    @staticmethod
    def enable_irq(state=True):
        """As disable_irq."""
        raise AssertionError(f"interrupts of another world: {state}")


sys.modules["machine"] = Machine  # type: ignore[assignment]


def run(names):
    """Run the check that the command line names; say so when it has passed."""
    names["check_" + sys.argv[1]]()
    print("passed")


class Bench:
    """A world with a chip and its driver: `make_chip(world)`, `make_driver(world, time, chip)`."""

    def __init__(self, make_chip, make_driver, start_us=0):
        self.world = World(start_us)
        self.time = Time(self.world)
        self.chip = make_chip(self.world)
        self.driver = make_driver(self.world, self.time, self.chip)
        self.reader = Reader(self.world, self.chip.truth, self.driver)

    def start(self, longest_ms=1000):
        """Start the driver, which may take so long."""
        before_ns = self.world.now_ns
        self.driver.start()
        took_ms = (self.world.now_ns - before_ns) // 1_000_000
        assert took_ms <= longest_ms, f"start took {took_ms} ms"
        return self

    def refuses(self):
        """The driver must not start, must say so in words, and must not take longer than a second."""
        before_ns = self.world.now_ns
        try:
            self.driver.start()
        except OSError as error:
            told = error.args
        else:
            raise AssertionError("started without a chip that works")
        assert len(told) == 2, f"no words: {told}"
        assert isinstance(told[1], str), f"no words: {told}"
        assert len(told[1]) > 10, f"no words: {told}"
        took_ms = (self.world.now_ns - before_ns) // 1_000_000
        assert took_ms <= 1000, f"refusing took {took_ms} ms"
        assert self.driver.trouble, "refused without a word of trouble"

    def tells_all(self, late_us, early_us=100):
        """Every reading is true, in its place, and what is left out was counted; no rule was broken."""
        self.follows_rules()
        return self.reader.check(late_us, early_us)

    def follows_rules(self):
        """No rule of the data sheet was broken."""
        assert not self.world.broken, "; ".join(self.world.breaches())

    def no_error(self):
        """The driver raised nothing while it was asked."""
        assert not self.reader.errors, self.reader.errors[0]

    def comes_back(self, break_it, mend_it, late_us=300, early_us=100):
        """Break what runs, mend it: no untrue reading, errors within a second, short calls, and all time is told."""
        world = self.world
        reader = self.reader
        reader.run(1000)
        self.no_error()
        before = len(reader.readings)
        assert before
        reader.longest_ns = 0
        broke_ns = world.now_ns
        break_it()
        reader.run(3000)
        assert reader.errors, "silence was not told"
        assert reader.errors[0][0] - broke_ns <= 1_000_000_000, "silence was told late"
        assert reader.errors[-1][0] >= world.now_ns - 50_000_000, "errors ended while it was away"
        mend_it()
        reader.run(3000)
        errors = len(reader.errors)
        came = reader.run(1000)
        assert came > self.driver.rate_mhz // 1000 * 7 // 10, f"{came} readings in a second after it was mended"
        assert len(reader.errors) == errors, "errors go on after it was mended"
        assert reader.longest_ns <= 50_000_000, f"one call took {reader.longest_ns // 1000000} ms"
        self.follows_rules()
        self.reader.places(late_us, early_us)
        self.tells_time(before - 1)

    def tells_time(self, first=0):
        """Indices go on as time does: over everything since reading `first`, within two conversions."""
        readings = self.reader.readings
        told = sum([missed + 1 for _, _, missed in readings[first + 1 :]])
        span_us = self.time.ticks_diff(readings[-1][1], readings[first][1])
        due = (span_us * 1000 + self.chip.period_ns // 2) // self.chip.period_ns
        assert abs(told - due) <= 2, f"told {told} conversions in a time of {due}"

    def counts_what_a_delay_misses(self, tenths, early_us=100):
        """After the board was held up for so many tenths of a conversion, each time, what was missed is exact."""
        self.reader.run(1500)
        period_ns = self.chip.period_ns
        for tenth in tenths:
            self.reader.run(200)
            # From shortly after a conversion was taken.
            came = len(self.reader.readings)
            while len(self.reader.readings) == came:
                self.reader.ask()
                self.world.advance(50_000)
            self.world.hold_up(period_ns * tenth // 10)
            self.reader.run(100)
        self.no_error()
        self.tells_all(period_ns // 1000 + 200, early_us)

    def allocates_nothing(self, conversions, step_ns=500_000):
        """Taking so many conversions, with the interrupts that bring them, takes no memory."""
        self.reader.run(1000)
        gc.collect()
        gc.disable()
        taken, bytes_taken = _taken(self.driver, self.world, conversions, step_ns)
        gc.enable()
        assert taken == conversions
        assert bytes_taken == 0, f"{bytes_taken} bytes for {conversions} conversions"

    def keeps_no_memory_while_away(self):
        """Telling for seconds that the chip is away keeps no memory."""
        self.reader.run(1000)
        self.reader.readings = []
        _ask(self.driver, self.world, 100)
        gc.collect()
        before = gc.mem_alloc()  # type: ignore[attr-defined]
        self.chip.unplug()
        told = _ask(self.driver, self.world, 1800)
        gc.collect()
        kept = gc.mem_alloc() - before  # type: ignore[attr-defined]
        assert told > 1000, told
        assert kept < 2000, f"{kept} bytes"


def _ask(driver, world, times):
    told = 0
    for _ in range(times):
        try:
            driver.next_conversion()
        except OSError:
            told += 1
        world.advance(2_000_000)
    return told


def _taken(driver, world, conversions, step_ns):
    taken = 0
    n = 0
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    while taken < conversions and n < conversions * 1000:
        n += 1
        if driver.next_conversion():
            taken += 1
        else:
            world.advance(step_ns)
    after = gc.mem_alloc()  # type: ignore[attr-defined]
    return taken, after - before
