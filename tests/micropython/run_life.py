"""What a tool keeps, logs, measures and tests of itself, in one go; one source for CPython and MicroPython.

    python run_life.py FOLDER

The output is one JSON object; both interpreters must find the same.
"""

import gc
import json
import sys

from iastm_firmware.clock import Clock
from iastm_firmware.events import Events
from iastm_firmware.journal import Journal
from iastm_firmware.kept import Kept
from iastm_firmware.power import Battery, Idle, percent_of
from iastm_firmware.ring import Ring
from iastm_firmware.self_test import SelfTest
from iastm_firmware.slots import FileStorage
from iastm_firmware.zero_check import ZeroCheck
from iastm_protocol import kinds, messages

_STEP_US = 3125
# The ticks wrap in the middle.
_START_US = 2**30 - 700_000
_FREE_BYTES = 50_000


class Refusing(FileStorage):
    """Files of which one can't be written."""

    def rewrite(self, slot):
        """Raise what a full file system raises."""
        raise OSError(28, slot)


class Unreadable(FileStorage):
    """Files that can't be read."""

    def open(self, slot):
        """Raise what a broken flash raises."""
        raise OSError(5, slot)


class Exhausted(FileStorage):
    """Files for which there is no memory."""

    def rewrite(self, slot):
        """Raise what a full heap raises."""
        raise MemoryError(slot)


class Board:
    """What a self-test asks of a board."""

    rate_mhz = 320000

    def excitation_mv(self):
        """Return a reading."""
        return 2990

    def test_storage(self):
        """Fail as a broken flash does."""
        raise OSError(5, "broken")


class Motion:
    """What a self-test asks of a motion sensor."""

    def gravity_mg(self):
        """Return a reading."""
        return 998


class Watch:
    """A tool that touches nothing."""

    in_contact = False


class Settings:
    """A zero that nobody confirmed, under a calibration of 42,000 counts per newton."""

    zero = messages.Zero(-700, 0, -700, False)
    calibration = messages.Calibration("test", bytes(32), 50.0, (0.0, 1 / 42000), 0, 0)


class Tool:
    """The parts of a tool that its self-test and the comparison of its zero use."""

    board = Board()
    motion = Motion()
    watch = Watch()
    settings = Settings()

    def __init__(self):
        self.now_us = _START_US
        self.clock = Clock(self.ticks_us)
        self.events = Events(self.clock)
        self.ring = Ring([bytearray(1024) for _ in range(8)], self.clock)
        self.given: list[object] = []

    def ticks_us(self):
        """Return the time that was set."""
        return self.now_us & 0x3FFFFFFF

    def give(self, kind, message):
        """Take a result as the link that asked."""
        self.given.append((kind, [list(row) for row in message.tests], len(message.to_payload())))


def keep(folder):
    """Return what lasts in files, and what is said of stores that fail."""
    found: list[object] = []
    kept = Kept(FileStorage(folder, "settings"), kinds.RESET_POWER)
    kept.keep_zero(-8388608)
    kept.keep_channels(5)
    kept.keep_overload(4000000000)
    for _ in range(30):
        kept.note_streaming(True)
        kept.write_if_due(True)
    for reason in (kinds.RESET_POWER, kinds.RESET_WATCHDOG):
        kept = Kept(FileStorage(folder, "settings"), reason)
        found.append([kept.zero_counts, kept.channels, kept.overload_mn, kept.overloaded, kept.power_lost])
        found.append([kept.power_losses, kept.restarts, kept.starts, kept.trouble, kept.faults])
    for storage in (Refusing(folder, "none"), Unreadable(folder, "none"), Exhausted(folder, "none")):
        kept = Kept(storage)
        found.append([kept.faults, kept.fault, kept.trouble])
    with open(folder + "/settings.a", "r+b") as file:  # noqa: PTH123 (MicroPython has no pathlib)
        file.seek(14)
        file.write(b"?")
    found.append(Kept(FileStorage(folder, "settings")).trouble)
    return found


def log(folder):
    """Return a log as text, and what becomes of entries where nothing can be written."""
    for start in range(1, 9):
        journal = Journal(FileStorage(folder, "log"))
        journal.start = start
        journal.uptime_s = lambda: 70
        text = "Traceback (most recent call last):\n" + '  File "tool.py", line 7, in step\n' * start
        assert journal.add("failed", text + "ValueError: \x00µ\n")
    found = [journal.piece(at, 512).decode() for at in range(0, journal.size, 512)]
    refused = [Journal(kind(folder, "other")).add("failed") for kind in (Refusing, Unreadable, Exhausted)]
    return ["".join(found), refused, Journal(Unreadable(folder, "log")).trouble]


def measure():
    """Return the result of a self-test and the events of a comparison of the zero, over the wrap of the ticks."""
    tool = Tool()
    test = SelfTest(tool)
    check = ZeroCheck(tool)
    test.begin(tool, 3)
    noise = (3, -4, 0, 1, 250, -260, 9, 1)
    for index in range(800):
        tool.ring.append(index, tool.clock.now(), 4000 + noise[index % 8], 0)
        tool.now_us += _STEP_US
        tool.ring.close_if_due(tool.clock.now())
        if index % 4 == 0:
            test.step()
            check.step()
    event = messages.ToolEvent.from_payload(tool.events.after(0)[2])
    return [tool.given, tool.events.last_number, [event.kind, event.index, event.value]]


def run_down():
    """Return how a battery runs down, and when a tool falls asleep."""
    battery = Battery()
    found: list[object] = [percent_of(battery_mv) for battery_mv in range(2400, 5600, 47)]
    for battery_mv in range(4200, 2400, -9):
        battery.note(percent_of(battery_mv))
        found.append([battery.percent, battery.low, battery.critical])
    tool = Tool()
    idle = Idle(tool.clock, 3000)
    for second in range(2998):
        tool.now_us += 1_000_000
        idle.second(False, second == 1)
    found.append([idle.left_s, idle.is_due])
    return found


if not hasattr(gc, "mem_alloc"):
    gc.mem_free = lambda: _FREE_BYTES  # type: ignore[attr-defined]
result: "dict[str, object]" = {"kept": keep(sys.argv[1]), "log": log(sys.argv[1]), "power": run_down()}
given, events, event = measure()
for row in given[0][1]:
    if row[0] == kinds.TEST_MEMORY:
        # The one value in which interpreters may differ.
        row[2] = row[2] > 8192
result["measured"] = [given, events, event]
print(json.dumps(result))
