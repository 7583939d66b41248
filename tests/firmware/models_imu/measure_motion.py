"""Prints what MicroPython allocates over 1,000 readings and steps of the motion sensor, and for what a link asks."""

import gc
import json

from iastm_firmware.clock import Clock
from iastm_firmware.drivers.bmi270 import BMI270
from iastm_firmware.drivers.lsm6ds import LSM6DS
from iastm_firmware.motion import Motion
from iastm_protocol.strokes import StrokeSpan

STEPS = 1000


class Wires:
    """A bus on which each register reads the same, and allocates nothing."""

    def __init__(self):
        self.value = 0x3C

    def readfrom_mem_into(self, _address, _register, buffer):
        at = 0
        while at < len(buffer):
            # All bits of a status are set, data are small and alternate.
            buffer[at] = 0xFF if len(buffer) == 1 else (self.value if not at & 1 else 0)
            at += 1


class Ticks:
    """Ticks of 10.3 ms a call."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now = (self.now + 10300) & 0x3FFFFFFF
        return self.now


def allocated(step, n):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    i = 0
    while i < n:
        step()
        i += 1
    taken = gc.mem_alloc() - before  # type: ignore[attr-defined]
    gc.enable()
    return taken


class Readings:
    """Counts what was new."""

    def __init__(self, driver):
        self.driver = driver
        self.new = 0

    def __call__(self):
        if self.driver.read():
            self.new += 1


class Steps:
    """Steps a Motion, in contact or not."""

    def __init__(self, motion):
        self.motion = motion
        self.index = 0
        self.in_contact = False

    def __call__(self):
        self.index += 3
        self.motion.step(self.index, self.in_contact)


wires = Wires()
found = {}
new = []
for name, driver in (("LSM6DS", LSM6DS(wires, None)), ("BMI270", BMI270(wires, None, "none"))):
    readings = Readings(driver)
    found["bytes, " + name] = allocated(readings, STEPS)
    new.append(readings.new)

motion = Motion(LSM6DS(wires, None), Clock(Ticks()))
steps = Steps(motion)
for _ in range(10):
    steps()
found["bytes, at rest"] = allocated(steps, STEPS)
motion = Motion(LSM6DS(wires, None), Clock(Ticks()))
steps = Steps(motion)
for _ in range(10):
    steps()
steps.in_contact = True
# Shorter than the longest pass: every step is measured.
found["bytes, in contact"] = allocated(steps, 250)
first = steps.index - 3 * 250
assert motion._meter.whole
found["a judgement"] = allocated(lambda: motion.judge(StrokeSpan(first, steps.index, first, 1, 1, False)), 1)
# The next contact, in a burst, of a tool that does not lie.
steps.in_contact = False
begin = 0
for number in range(150):
    if number == 50:
        steps.in_contact = True
        begin = steps.index
    wires.value ^= 0x40
    steps()
wires.value = 0x3C
assert motion._meter.whole
assert motion._meter._burst
found["a judgement in a burst"] = allocated(lambda: motion.judge(StrokeSpan(begin, steps.index, begin, 1, 1, False)), 1)
before = motion.number
found["bytes, publishing unread"] = allocated(steps, STEPS)
assert motion.number >= before + 150
motion.payload()
steps()
while motion.number == before:
    steps()
number = motion.number
while motion.number == number:
    steps()
found["a payload"] = allocated(motion.payload, 1)
found["new readings"] = new
print(json.dumps(found))
