"""Prints the bytes that MicroPython allocates over 1,000 samples of the tool's watch and signals, by what happens."""

import gc
import json

from iastm_firmware.clock import Clock
from iastm_firmware.reports import Reports
from iastm_firmware.ring import Ring, allocate_pages
from iastm_firmware.sampler import Sampler
from iastm_firmware.settings import Settings
from iastm_firmware.signals import Signals
from iastm_firmware.watch import Watch
from iastm_protocol.messages import Calibration, Limits

PERIOD_US = 3125
SAMPLES = 1000
COUNTS_PER_N = 40000


class Tool:
    """Sampler, watch and signals between a converter that gives what it is told and outputs that nobody sees."""

    there = 7

    def __init__(self):
        self.now = 0
        self.counts = 0
        self.ticks = 0
        self.missed = 0
        self._is_ready = False
        clock = Clock(self._ticks_us)
        settings = Settings(Calibration("c", bytes(32), 50.0, (0.0, 1 / COUNTS_PER_N), 0, 0), 0, True)
        settings.limits = Limits("", 9000, 12000, 800, 520)
        self.signals = Signals(self, clock)
        self.signals.choose(7)
        self.watch = Watch(settings, clock, Reports(4), self.signals, 320000)
        self.watch.dose.limit(1 << 30)
        self.sampler = Sampler(self, clock, Ring(allocate_pages(8), clock), self.watch, settings)

    def _ticks_us(self):
        return self.now

    def set(self, kind, light, buzzer_hz, motor):
        """Drive nothing."""

    def next_conversion(self):
        """Hand out the conversion, once."""
        ready = self._is_ready
        self._is_ready = False
        return ready

    def sample(self, counts):
        """Take one conversion, and what comes with its time."""
        self.now = (self.now + PERIOD_US) & 0x3FFFFFFF
        self.ticks = self.now
        self.counts = counts
        self._is_ready = True
        self.sampler.step()
        self.signals.step()


def allocated(first, second, every, dose=False):
    """Return bytes allocated by `first` counts, with `second` once in `every`, after it settled."""
    tool = Tool()
    if dose:
        tool.signals.dose()
        tool.signals.technical(True)

    def feed(n):
        i = 0
        while i < n:
            tool.sample(second if i % every == 0 else first + (i & 3))
            i += 1

    # Whatever is reported of how it began is behind.
    feed(200)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    feed(SAMPLES)
    taken = gc.mem_alloc() - before  # type: ignore[attr-defined]
    gc.enable()
    assert tool.sampler.taken == 200 + SAMPLES
    return taken, tool.sampler.glitches


found = {
    "at rest": allocated(0, 0, 2),
    "in contact": allocated(4 * COUNTS_PER_N, 4 * COUNTS_PER_N, 2),
    "over warn": allocated(10 * COUNTS_PER_N, 10 * COUNTS_PER_N, 2),
    "over the alarm": allocated(13 * COUNTS_PER_N, 13 * COUNTS_PER_N, 2),
    "glitches": allocated(4 * COUNTS_PER_N, 30 * COUNTS_PER_N, 5),
    "a fault and a dose": allocated(0, 0, 2, True),
}
print(json.dumps({what: taken for what, (taken, _) in found.items()}))
assert found["glitches"][1] > SAMPLES // 6, found["glitches"]
