"""The whole firmware on a played machine with chips of their data sheets, in virtual time, under MicroPython itself.

    micropython whole_bench.py CASE.json

A case is a JSON object; what comes out is one too. From start.py on all is the firmware's own: its loop, its drivers,
its console, its files (in the folder that it runs in). Time passes while the firmware waits, while a bus or a pin is
driven, and while the port holds a write; code itself takes none.
"""

import asyncio.core as core
import gc
import io
import json
import sys

from tests.firmware import boards_machine as played
from tests.firmware.models.ads1220_chip import Ads1220Chip
from tests.firmware.models.ads1232_chip import Ads1232Chip
from tests.firmware.models.hx711_chip import Hx711Chip
from tests.firmware.models.nau7802_chip import Nau7802Chip
from tests.firmware.models.truth import Truth
from tests.firmware.models.wire import I2C, SPI, Time, World
from tests.firmware.models_imu.lsm6ds_chip import LSM6DSOX
from tests.firmware.models_imu.lsm6ds_chip import Chip as Lsm6dsChip

from iastm_firmware import app, start
from iastm_firmware.console import Console
from iastm_protocol._compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# ruff: noqa: PTH123
# MicroPython has no pathlib.
# What a heap that is scattered by compiling would not hold.
gc.threshold(8192)  # type: ignore[attr-defined]

_ENODEV = 19
_EINVAL = 22
_ETIMEDOUT = 110
# A task pushed without a time is stamped with real ticks: it must come out as due.
_AHEAD_MS = 3600000
# 0.8 N of the boards' cells.
_CONTACT_COUNTS = 68719
_IMU_ADDRESS = 0x6A
# Port esp32 gives up a bus that is held after its time-out, as board code sets it.
_STUCK_NS = 10_000_000
_POLL_READ = 0x0001
_POLL_WRITE = 0x0004
_IOCTL_POLL = 3


class Done(BaseException):
    """The case is over."""


class Port(io.IOBase):
    """The board's USB port, and the host at its other end.

    As TinyUSB in MicroPython (shared/tinyusb/mp_usbd_cdc.c): a queue of 256 bytes; a write goes in pieces of up to 64,
    waits up to 500 ms for room for each whole piece, and ends where nothing of one went; a poll says writable where
    there is room for a byte. Where `drops_after_ms`, as the serial/JTAG port of an ESP32-C3 (ports/esp32/
    usb_serial_jtag.c): packets of 64 bytes; what did not go within that time is dropped, and so is all else until the
    host reads again; success is told, and a poll always says writable. So it is too where the port `lies`, as TinyUSB
    does by other versions of ports/esp32/mphalport.c and shared/runtime/sys_stdio_mphal.c.

    The host reads from the beginning, or until `reads_until_ms`, and then from `reads_again_ms` on, where that is not
    None. What it says comes at its times.
    """

    _SIZE = 256
    _PIECE = 64
    _WAIT_MS = 500
    # Of port rp2.
    _SCHEDULED_MOST = 8

    def __init__(self, world, says, reads_until_ms, reads_again_ms, drops_after_ms, lies):
        self._world = world
        self._begun_ns = world.now_ns
        self._says = says
        self._waiting = b""
        self._reads_until_ms = reads_until_ms
        self._reads_again_ms = reads_again_ms
        self._drops_after_ms = drops_after_ms
        self._lies = lies or drops_after_ms > 0
        self._gone = False
        self._queue = bytearray()
        self._scheduled = []
        self.heard = bytearray()
        self.heard_us = []
        self.longest_hold_us = 0
        self.ctrl_c = []

    def _now_ms(self):
        return (self._world.now_ns - self._begun_ns) // 1_000_000

    def _is_read(self):
        until_ms = self._reads_until_ms
        again_ms = self._reads_again_ms
        now_ms = self._now_ms()
        if until_ms is not None and now_ms >= until_ms and (again_ms is None or now_ms < again_ms):
            return False
        if self._queue:
            # What waited comes first.
            self.heard += self._queue
            self._queue = bytearray()
        return True

    def _take(self):
        now_ms = self._now_ms()
        while self._says and self._says[0][0] <= now_ms:
            self._waiting += bytes.fromhex(self._says.pop(0)[1])

    def ioctl(self, request, flags):
        if request != _IOCTL_POLL:
            # It has no descriptor that the system could wait for.
            return -_EINVAL
        self._take()
        ready = flags & _POLL_READ if self._waiting else 0
        if flags & _POLL_WRITE and (self._lies or self._is_read() or len(self._queue) < self._SIZE):
            ready |= _POLL_WRITE
        return ready

    def read(self, n):
        """As a board's: waits until all n bytes are there."""
        if n > len(self._waiting):
            raise AssertionError("a board would hang here: more was asked for than had come")
        data = self._waiting[:n]
        self._waiting = self._waiting[n:]
        return data

    def write(self, data):
        if self._is_read():
            self.heard_us.append(((self._world.now_ns - self._begun_ns) // 1000, len(self.heard)))
            self.heard += data
            self._gone = False
            return len(data)
        before_ns = self._world.now_ns
        n = self._dropped(data) if self._drops_after_ms else self._queued(data)
        self.longest_hold_us = max(self.longest_hold_us, (self._world.now_ns - before_ns) // 1000)
        return len(data) if self._lies else n

    def schedule(self, do, argument):
        """As micropython.schedule: what is scheduled runs while the port waits, or between two turns of the loop."""
        if len(self._scheduled) == self._SCHEDULED_MOST:
            raise RuntimeError("schedule queue full")
        self._scheduled.append((do, argument))

    def run_scheduled(self):
        """Run what was scheduled so far."""
        due = self._scheduled
        self._scheduled = []
        for do, argument in due:
            do(argument)

    def _dropped(self, data):
        room = self._PIECE - len(self._queue)
        if not self._gone:
            self._queue += data[:room]
            if len(data) > room:
                self._world.advance(self._drops_after_ms * 1_000_000)
                self._gone = True
        return len(data)

    def _queued(self, data):
        at = 0
        while at < len(data):
            piece = min(len(data) - at, self._PIECE)
            waited_ms = 0
            while piece > self._SIZE - len(self._queue) and waited_ms < self._WAIT_MS:
                self._world.advance(1_000_000)
                self.run_scheduled()
                waited_ms += 1
                if self._is_read():
                    break
            piece = min(piece, self._SIZE - len(self._queue))
            if not piece:
                break
            self._queue += data[at : at + piece]
            at += piece
        return at


class Plan(Truth):
    """What a converter converts: counts by time, as [[from_ms, counts], …] with a little noise."""

    def __init__(self, world, steps):
        super().__init__()
        self._world = world
        self._steps = steps
        self.begun_ns = 0

    def add(self, now_ns, fault):
        super().add(now_ns, fault)
        index = self.made - 1
        counts = 0
        for from_ms, step in self._steps:
            if now_ns - self.begun_ns >= from_ms * 1_000_000:
                counts = step
        # Within 12 mN, and no two of a thousand alike: each has its place.
        self.counts[index] = counts + index * 37 % 1009
        return self.counts[index]


class Wires:
    """An I²C bus with several chips: each address has a bus of its own, of those that models bring."""

    def __init__(self, world, buses, stuck):
        self._world = world
        self._buses = buses
        self._stuck = stuck

    def _bus(self, address):
        if self._stuck:
            self._world.advance(_STUCK_NS)
            raise OSError(_ETIMEDOUT)
        if address not in self._buses:
            self._world.advance(I2C.BYTE_NS)
            raise OSError(_ENODEV)
        return self._buses[address]

    def readfrom_mem_into(self, address, register, buffer):
        self._bus(address).readfrom_mem_into(address, register, buffer)

    def readfrom_mem(self, address, register, n):
        buffer = bytearray(n)
        self.readfrom_mem_into(address, register, buffer)
        return bytes(buffer)

    def writeto_mem(self, address, register, data):
        self._bus(address).writeto_mem(address, register, data)


class ImuTime:
    """The world's time as models_imu know it."""

    def __init__(self, world):
        self._world = world

    @property
    def ns(self):
        return self._world.now_ns

    def pass_ns(self, ns):
        self._world.advance(ns)


class Gauge:
    """A MAX17048 that shows 3.9 V."""

    def readfrom_mem_into(self, _address, _register, buffer):
        buffer[0] = 49920 >> 8
        buffer[1] = 49920 & 255


class Pins:
    """machine.Pin, of which some are wired to a chip; the played machine has the others."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, others, wired):
        self._others = others
        self._wired = wired

    def __call__(self, number, mode=-1, pull=-1, value=None, hold=None):
        if number not in self._wired:
            return self._others(number, mode, pull, value, hold)
        pin = self._wired[number]
        if value is not None:
            pin(value)
        return pin


def _hx711_of_a_state_machine(world, rate_hz):
    # With it comes the stand-in for the module rp2.
    from tests.firmware.models.state_machine import StateMachine

    StateMachine.world = world
    return Hx711Chip(world, rate_hz=rate_hz)


# name → (makes the chip, its wiring but for the rate, its pins by number)
_CONVERTERS = {
    "HX711": (
        lambda world, rate_hz: Hx711Chip(world, rate_hz=rate_hz),
        {"driver": "HX711", "data": 4, "clock": 5},
        lambda chip: {4: chip.data, 5: chip.clock},
    ),
    "HX711_PIO": (
        _hx711_of_a_state_machine,
        {"driver": "HX711_PIO", "data": 4, "clock": 5},
        lambda chip: {4: chip.data, 5: chip.clock},
    ),
    "ADS1232": (
        lambda world, rate_hz: Ads1232Chip(world, rate_hz=rate_hz),
        {"driver": "ADS1232", "data": 4, "clock": 5, "power_down": 6},
        lambda chip: {4: chip.data, 5: chip.clock, 6: chip.power_down},
    ),
    "ADS1220": (
        lambda world, rate_hz: Ads1220Chip(world, wanted_rate_hz=rate_hz),
        {"driver": "ADS1220", "select": 4, "ready": 5},
        lambda chip: {4: chip.select, 5: chip.ready},
    ),
    "NAU7802": (
        lambda world, rate_hz: Nau7802Chip(world, wanted_rate_hz=rate_hz),
        {"driver": "NAU7802"},
        lambda _chip: {},
    ),
    "NAU7802 with its ready pin": (
        lambda world, rate_hz: Nau7802Chip(world, wanted_rate_hz=rate_hz),
        {"driver": "NAU7802", "ready": 10},
        lambda chip: {10: chip.ready},
    ),
}


def _made_faulty(chip, faults):
    if "adc absent" in faults:
        chip.unplug()
    if "adc never ready" in faults:
        chip.never_ready = True


class Ram:
    """A medium of blocks in memory."""

    def __init__(self, blocks):
        self.data = bytearray(blocks * 512)

    def readblocks(self, n, buffer, at=0):
        at += n * 512
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, n, buffer, at=0):
        at += n * 512
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, op, _argument):
        return len(self.data) // 512 if op == 4 else 512 if op == 5 else 0


def _mount(kind):
    import os

    import vfs  # type: ignore[import-not-found]

    ram = Ram(16 if kind == "full" else 64)
    vfs.VfsLfs2.mkfs(ram)
    vfs.mount(ram, "/flash", readonly=kind == "read-only")
    os.chdir("/flash")
    if kind == "full":
        _fill()


def _put_on_trial(bench):
    # As main.py starts the release in place a, its start counted; its files are those of the checkout.
    import os

    import vfs

    from iastm_firmware import releases

    ram = Ram(64)
    vfs.VfsLfs2.mkfs(ram)
    vfs.mount(ram, "/releases")
    os.mkdir("/releases/a")  # noqa: PTH102
    if "given_up" in bench.case:
        with open("/releases/failed", "w") as file:
            file.write(bench.case["given_up"])
        open("/releases/untold", "w").close()
    releases.write(("a", "trial", 1, "b"))
    sys.path.insert(0, "/releases/a")
    write = releases.write

    def noted(state):
        write(state)
        words = " ".join([str(part) for part in releases.read()])
        bench.switched.append(((bench.world.now_ns - bench.begun_ns) // 1000, words))

    releases.write = noted


def _fill():
    # littlefs finds a little place again and again: it is full once it refused for long, small files too.
    refused = 0
    number = 0
    while refused < 30:
        number += 1
        try:
            with open(f"of{number}", "wb") as file:
                file.write(bytes(500 if refused < 10 else 40))
        except OSError:
            refused += 1


def _board_py(case):
    board = case.get("board")
    if board == "broken":
        return SyntaxError("invalid syntax")
    if board is None:
        return None
    wiring = dict(board)
    cell = wiring.get("cell")
    if cell:
        wiring["cell"] = dict(cell, coefficients=tuple(cell["coefficients"]))
    return played.Module(WIRING=wiring)


class Bench:
    """One start of one tool. `report` says what became of it."""

    def __init__(self, case):
        faults = case.get("faults", [])
        self.world = world = World(case.get("start_us", 0))
        make: Any
        wiring: Any
        make, wiring, wires_of = _CONVERTERS[case.get("adc", "NAU7802")]
        rate_hz = case.get("rate_hz", 320)
        self.chip: Any = make(world, rate_hz)
        chip = self.chip
        if "steps" in case:
            chip.truth = Plan(world, case["steps"])
        _made_faulty(chip, faults)
        machine: Any = played.Machine(case.get("port", "esp32"), times=Time(world))
        self.machine = machine
        machine.disable_irq = world.disable_irq
        machine.enable_irq = world.enable_irq
        machine.Pin = Pins(machine.Pin, wires_of(chip))
        buses: dict[int, Any] = {}
        if "NAU7802" in wiring["driver"]:
            buses[0x2A] = I2C(world, chip)
        there = case.get("there", [])
        if "imu" in there:
            imu_time = ImuTime(world)
            from tests.firmware.models_imu.wire import Bus

            bus = Bus(imu_time)
            bus.chips[_IMU_ADDRESS] = Lsm6dsChip(LSM6DSOX, imu_time, lambda _ns: (0, 0, 1_000_000, 0, 0, 0))
            buses[_IMU_ADDRESS] = bus
        if "gauge" in there:
            buses[0x36] = Gauge()
        machine.I2C = lambda _number, **_settings: Wires(world, buses, "bus stuck" in faults)
        machine.SPI = lambda _number, **_settings: SPI(world, chip)
        self._board: Any = _board_py(case)
        if isinstance(case.get("board"), dict) and "adc" not in case["board"]:
            self._board.WIRING["adc"] = dict(wiring, rate_hz=rate_hz)
        self._lacking = case.get("lacking", [])
        self.port: Any = None
        self.board: Any = None
        # (µs from the begin, kind, light, buzzer in Hz, motor)
        self.shown = []
        self.broke_us = 0
        # (µs from the begin, whether something was pressed)
        self.collected = []
        self.told = []
        # Each state of the releases that was put in force: (µs from the begin, its words).
        self.switched = []
        self.begun_ns = 0
        self.outcome = "ran"
        self.case = case

    def _load(self, name):
        if name == "board" and self._board is not None:
            if isinstance(self._board, BaseException):
                raise self._board
            return self._board
        if name in ("board", "bluetooth", "esp32") or name.split(".")[-1] in self._lacking:
            raise ImportError("no module named '" + name + "'")
        if name == "neopixel":
            return played.Module(NeoPixel=played.NeoPixel)
        return start.load(name)

    def _stream(self, ticks_us):
        case = self.case
        self.port = Port(
            self.world,
            case.get("says", []),
            case.get("reads_until_ms"),
            case.get("reads_again_ms"),
            case.get("drops_after_ms", 0),
            case.get("lies", False),
        )
        return Console(self.port, self.port, self.port.ctrl_c.append, ticks_us, self.port.schedule)

    def _run(self, board):
        self.board = board
        board.ring_depth = self.case.get("ring_depth", 640)
        world = self.world
        self.begun_ns = world.now_ns
        if isinstance(self.chip.truth, Plan):
            self.chip.truth.begun_ns = world.now_ns
        self._break_driver(board.adc)
        drive = board.outputs.set

        def shown(kind, light, buzzer_hz, motor):
            self.shown.append(((world.now_ns - self.begun_ns) // 1000, kind, light, buzzer_hz, 1 if motor else 0))
            drive(kind, light, buzzer_hz, motor)

        board.outputs.set = shown
        self._slow_down_flash(board.settings_storage)
        end_ns = world.now_ns + self.case["seconds"] * 1_000_000_000
        begun_ms = core.ticks() + _AHEAD_MS
        core.ticks = lambda: begun_ms + world.now_ns // 1_000_000

        def wait(span_ms):
            self.port.run_scheduled()
            if world.now_ns >= end_ns:
                raise Done()
            if span_ms > 0:
                # Up to the millisecond in which the task is due.
                world.advance(span_ms * 1_000_000 - world.now_ns % 1_000_000)

        core._io_queue.wait_io_event = wait
        app.gc = played.Module(collect=self._collect)  # type: ignore[attr-defined, assignment]
        app.run(board)

    def _collect(self):
        self.collected.append(((self.world.now_ns - self.begun_ns) // 1000, self._tool_in_contact()))
        gc.collect()
        # A board's takes its time, and nothing else runs meanwhile.
        self.world.advance(self.case.get("collection_ms", 0) * 1_000_000)

    def _tool_in_contact(self):
        # The raw counts of the newest conversion, not what the tool makes of them.
        truth = self.chip.truth
        return truth.made > 0 and truth.counts[truth.made - 1] > _CONTACT_COUNTS

    def _break_driver(self, adc):
        if "driver_breaks_ms" not in self.case:
            return
        ask = adc.next_conversion
        due_ns = self.begun_ns + self.case["driver_breaks_ms"] * 1_000_000

        def broken():
            if self.world.now_ns >= due_ns:
                self.broke_us = self.broke_us or (self.world.now_ns - self.begun_ns) // 1000
                raise ValueError("a fault of the driver's own code")
            return ask()

        adc.next_conversion = broken

    def _slow_down_flash(self, storage):
        write = storage.write
        flash_ms = self.case.get("flash_ms", 0)

        def held_up(slot, parts):
            self.world.hold_up(flash_ms * 1_000_000)
            write(slot, parts)

        storage.write = held_up

    def go(self):
        """Start the tool, and let it run for the seconds of the case."""
        case = self.case
        model = played.MODELS[case.get("model", "ESP32-S3")]
        times = self.machine.times
        system = start.System(
            self.machine, times, self.machine.port, model, self._load, self._stream, self.told.append, self._run
        )
        try:
            start.start(system)
            self.outcome = "prompt" if self.told else "ended"
        except Done:
            pass
        except (played.Restarted, played.Slept) as error:
            self.outcome = type(error).__name__
        return self

    def report(self):
        """Return what became of it, for JSON."""
        truth = self.chip.truth
        port = self.port
        return {
            "outcome": self.outcome,
            "said": self.told,
            "heard": "" if port is None else port.heard.hex(),
            "heard_us": [] if port is None else port.heard_us,
            "hold_us": 0 if port is None else port.longest_hold_us,
            "ctrl_c": [] if port is None else port.ctrl_c,
            "shown": self.shown,
            "collected": self.collected,
            "broke_us": self.broke_us,
            "ended_us": (self.world.now_ns - self.begun_ns) // 1000,
            "counts": list(truth.counts[: truth.made]),
            # From the begin of the run; negative before.
            "times_us": [(ns - self.begun_ns) // 1000 for ns in truth.times_ns[: truth.made]],
            "fed": [dog.fed for dog in self.machine.dogs],
            "breaches": self.world.breaches(),
            "switched": self.switched,
        }


with open(sys.argv[1]) as case_file:
    the_case = json.load(case_file)
if "medium" in the_case:
    _mount(the_case["medium"])
the_bench = Bench(the_case)
if the_case.get("on_trial"):
    _put_on_trial(the_bench)
print(json.dumps(the_bench.go().report()))
